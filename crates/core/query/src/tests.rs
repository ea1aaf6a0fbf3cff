use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Cursor, Facet, Fields, Filter, Row, Sort, count, page};

fn now() -> Timestamp {
    "2026-01-02T00:00:00Z".parse().unwrap()
}

fn web() -> Row {
    Row::of(&json!({
        "metadata": {
            "name": "web", "namespace": "argocd", "resourceVersion": "7", "creationTimestamp": "2026-01-01T23:30:00Z",
            "labels": {"env": "prod", "team": "shop"},
        },
        "spec": {
            "project": "shop", "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop-web"},
            "source": {"repoURL": "https://x:s3cret@git.example/Shop/Web.git", "path": "deploy", "targetRevision": "main"},
            "syncPolicy": {"automated": {}},
        },
        "status": {
            "health": {"status": "Degraded"}, "sync": {"status": "OutOfSync", "revision": "0123456789abcdef"},
            "operationState": {"phase": "Failed", "finishedAt": "2025-12-30T00:00:00Z"},
            "summary": {"images": ["registry.example/shop/web:1.2"]}, "conditions": [{"type": "SyncError"}],
        },
    }))
}

#[test]
fn filters_take_what_they_say() {
    let row = web();
    for (filter, takes) in [
        ("", true),
        ("  ", true),
        ("health:Degraded", true),
        ("HEALTH:degraded", true),
        ("health:Healthy,Degraded", true),
        ("-health:Degraded", false),
        ("health:Healthy", false),
        ("health:Degraded sync:Synced", false),
        ("sync:OutOfSync project:sh*", true),
        ("project:sho", false),
        ("name:w?b", true),
        ("name:*", true),
        ("name:w*c*", false),
        ("label:env=prod", true),
        ("label:env=p*", true),
        ("label:env=dev", false),
        ("-label:env=dev", true),
        ("label:owner", false),
        ("label:env label:team=shop,other", true),
        ("labels:env=dev,env=prod", true),
        ("age<1h", true),
        ("age<=30m", true),
        ("age<30m", false),
        ("age>1d", false),
        ("synced>2d", true),
        ("synced>=3d", true),
        ("synced>1w", false),
        ("cluster:in-cluster", true),
        ("cluster:https://kubernetes.default.svc", true),
        ("cluster:far", false),
        ("namespace:shop-*", true),
        ("appNamespace:argocd", true),
        ("repo:https://GIT.example/shop/web", false),
        ("repo:*git.example/shop/*", true),
        ("path:deploy", true),
        ("targetRevision:main", true),
        ("revision:0123456", true),
        ("revision:012", false),
        ("image:shop/web", true),
        ("image:web:1.2", true),
        ("image:other", false),
        ("autoSync:enabled", true),
        ("autosync:false", false),
        ("operation:Failed", true),
        ("operation:None", false),
        ("condition:SyncError", true),
        ("condition:*Warning", false),
        ("web", true),
        ("WEB", true),
        ("-web", false),
        ("env=prod", true),
        ("\"shop/web\" 0123", true),
        ("nothing", false),
        ("\"shop web\"", false),
    ] {
        let read = Filter::parse(filter).unwrap();
        assert_eq!(read.takes(&row, now()), takes, "{filter}");
        assert_eq!(read.is_of_time(), filter.contains(['<', '>']), "{filter}");
    }
}

#[test]
fn what_cannot_be_read_is_named_with_its_place() {
    for (filter, position, nearest, says) in [
        ("helth:Degraded", 0, Some("health"), "\"helth\" is no key"),
        ("a health:Degradet", 9, Some("Degraded"), "\"Degradet\" is no health"),
        ("health:Healthy,x", 15, None, "known are Healthy, Progressing"),
        ("-sync:OutofSink", 6, Some("OutOfSync"), "state of a sync"),
        ("age:1h", 0, None, "age<1h"),
        ("age<soon", 4, None, "is no duration"),
        ("age<1h,2h", 4, None, "one duration"),
        ("name<3", 0, None, "name:value"),
        ("name:", 5, None, "a value is missing"),
        ("name:,", 6, None, "a value is missing"),
        ("-", 1, None, "nothing is negated"),
        ("ä \"x", 2, None, "a quote is not closed"),
        ("label:=x", 6, None, "label's name"),
        ("https://git.example", 0, None, "double quotes"),
    ] {
        let error = Filter::parse(filter).unwrap_err();
        assert_eq!((error.position, error.nearest.as_deref()), (position, nearest), "{filter}: {error}");
        assert!(error.to_string().contains(says), "{filter}: {error}");
    }
    assert!(Filter::parse(&"a ".repeat(65)).unwrap_err().to_string().contains("more than 64"));
    assert!(Filter::parse(&"a".repeat(5000)).unwrap_err().to_string().contains("longer than"));
}

#[test]
fn parameters_of_their_own_are_terms_too() {
    let row = web();
    for (key, values, takes) in [
        ("health", "Healthy, Degraded", true),
        ("health", "", true),
        ("repo", "https://x:s3cret@git.example/shop/web", true),
        ("namespace", "a,b", false),
        ("autoSync", "true", true),
        ("labels", "env=prod", true),
    ] {
        let mut filter = Filter::default();
        filter.add(key, values).unwrap();
        assert_eq!(filter.takes(&row, now()), takes, "{key} {values}");
    }
    let mut filter = Filter::default();
    assert_eq!(filter.add("sync", "Synced,Sync").unwrap_err().position, 7);
    filter.search("Prod 1.2").unwrap();
    assert!(filter.takes(&row, now()));
    filter.search("dev").unwrap();
    assert!(!filter.takes(&row, now()));
}

#[test]
fn a_row_shows_no_secret_and_what_is_missing_is_unknown() {
    let row = web().value();
    assert!(!row.to_string().contains("s3cret"), "{row}");
    assert_eq!(row["sources"][0]["path"], "deploy");
    assert_eq!(row["autoSync"], true);
    let bare = Row::of(&json!({"metadata": {"name": "a"}, "operation": {"sync": {}}})).value();
    assert_eq!(
        bare,
        json!({
            "namespace": "", "name": "a", "project": "default", "version": "", "health": "Unknown", "sync": "Unknown", "operation": "Running",
            "autoSync": false, "destination": {},
        })
    );
    let some = Fields::parse("health, created").unwrap().of(&web());
    let created = "2026-01-01T23:30:00Z";
    assert_eq!(
        some,
        json!({"namespace": "argocd", "name": "web", "version": "7", "health": "Degraded", "created": created})
    );
    assert_eq!(Fields::parse("name,helth").unwrap_err().nearest.as_deref(), Some("health"));
}

fn rows(count: usize) -> Vec<Arc<Row>> {
    let health = ["Healthy", "Degraded", "Missing"];
    let row = |n: usize| {
        Arc::new(Row::of(&json!({
            "metadata": {"name": format!("a{:03}", n * 7 % count), "namespace": format!("n{}", n % 2), "labels": {"n": format!("{}", n % 5)}},
            "spec": {"project": format!("p{}", n % 4)},
            "status": {"health": {"status": health[n % 3]}},
        })))
    };
    (0..count).map(row).collect()
}

fn names(rows: &[Arc<Row>]) -> Vec<String> {
    rows.iter().map(|row| row.name.clone()).collect()
}

#[test]
fn pages_together_are_the_whole_in_order() {
    let all = rows(100);
    for sort in [
        "name",
        "-name",
        "health",
        "-health",
        "project",
        "-created",
        "synced",
        "sync",
        "operation",
        "cluster",
        "namespace",
        "",
    ] {
        let sort = Sort::parse(sort).unwrap();
        let whole = page(all.clone(), sort, None, 1000);
        assert_eq!((whole.rows.len(), whole.next), (100, None));
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let one = page(all.clone(), sort, after.as_ref(), 7);
            seen.extend(one.rows);
            let Some(next) = one.next else { break };
            after = Some(Cursor::parse(&next.text(), sort).unwrap());
        }
        assert_eq!(names(&seen), names(&whole.rows), "{sort:?}");
    }
    let worst = page(all, Sort::parse("-health").unwrap(), None, 1);
    assert_eq!(worst.rows[0].health, "Degraded");
}

#[test]
fn a_page_is_right_while_rows_come_and_go() {
    let (sort, all) = (Sort::default(), rows(10));
    let first = page(all.clone(), sort, None, 4);
    assert_eq!(names(&first.rows), ["a000", "a001", "a002", "a003"]);
    // The row that the page ended with goes, and one comes in front of it.
    let new = |name: &str| Arc::new(Row::of(&json!({"metadata": {"name": name}})));
    let mut later: Vec<_> = all.into_iter().filter(|row| row.name != "a003").collect();
    later.extend([new("a0005"), new("a0045")]);
    let second = page(later, sort, first.next.as_ref(), 4);
    assert_eq!(names(&second.rows), ["a004", "a0045", "a005", "a006"]);
}

#[test]
fn cursors_of_others_are_refused() {
    let next = page(rows(10), Sort::default(), None, 4).next.unwrap().text();
    let other = Sort::parse("-name").unwrap();
    assert!(Cursor::parse(&next, other).unwrap_err().message.contains("of the order \"name\""));
    for text in ["", "x", "e30", &"A".repeat(5000)] {
        assert!(Cursor::parse(text, other).unwrap_err().message.contains("none of ours"), "{text}");
    }
    assert_eq!(Sort::parse("-helth").unwrap_err().nearest.as_deref(), Some("health"));
    assert_eq!(Sort::parse("-helth").unwrap_err().position, 1);
}

#[test]
fn facets_count_every_row() {
    let rows = rows(100);
    let count = |facet| count(rows.iter().map(|row| &**row), &[facet]).remove(0);
    assert_eq!(
        json!(count(Facet::Health)),
        json!({"values": [["Healthy", 34], ["Degraded", 33], ["Missing", 33]]})
    );
    assert_eq!(count(Facet::Labels).values.first(), Some(&("n=0".to_owned(), 20)));
    assert_eq!(count(Facet::Operation).values, [("None".to_owned(), 100)]);
    assert_eq!(Facet::parse("sync,health,sync").unwrap(), [Facet::Health, Facet::Sync]);
    assert_eq!(Facet::parse("sync, healt").unwrap_err().nearest.as_deref(), Some("health"));
    let many: Vec<Row> =
        (0..300).map(|n| Row::of(&json!({"spec": {"project": format!("p{n:03}")}}))).collect();
    let counted = crate::count(many.iter(), &[Facet::Health, Facet::Project]).remove(1);
    assert_eq!((counted.values.len(), counted.more), (200, 100));
    assert_eq!(Value::from(counted.values[0].0.clone()), "p000");
}
