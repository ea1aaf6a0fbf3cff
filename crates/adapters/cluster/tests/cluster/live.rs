//! The live state against a server that pages, forgets, refuses and loses.
use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::support::{
    CONFIG_MAP, CRD, DEPLOYMENT, Fake, NAMESPACE, Outcome, POD, REPLICA_SET, WIDGET, changed, complete,
    known, object, options,
};
use cluster::{Cluster, Knowledge, Notice, Options, What};
use serde_json::json;

fn names(cluster: &Cluster) -> Vec<String> {
    let mut names: Vec<_> =
        cluster.of_kind(&CONFIG_MAP.group_kind()).iter().map(|object| object.name().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_in_pages() {
    let fake = Fake::new(&[CONFIG_MAP]);
    for name in ["a", "b", "c", "d", "e"] {
        fake.put(&CONFIG_MAP, object(name, Some("one"), "1"));
    }
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP]).await;
    assert_eq!(names(&cluster), ["a", "b", "c", "d", "e"]);
    assert_eq!(cluster.owned_by("one").len(), 5);
    assert_eq!(fake.requests("configmaps?limit=2").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_expired_page_begins_the_list_anew() {
    let fake = Fake::new(&[CONFIG_MAP]);
    for name in ["a", "b", "c"] {
        fake.put(&CONFIG_MAP, object(name, None, "1"));
    }
    fake.fail("continue=", 1, 410, json!({"reason": "Expired", "code": 410}));
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP]).await;
    assert_eq!(names(&cluster), ["a", "b", "c"]);
    assert_eq!(fake.requests("configmaps?limit=2").len(), 4, "two lists of two pages");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_trusted_is_read_again() {
    for (row, matches, outcome) in [
        (
            "a page of another moment",
            "continue=",
            Outcome::Answer(200, json!({"metadata": {"resourceVersion": "99"}, "items": []})),
        ),
        ("no resourceVersion", "limit=2", Outcome::Answer(200, json!({"metadata": {}, "items": []}))),
        ("cut off", "continue=", Outcome::Cut("{\"metadata\":{\"resourceVersion\":\"13\"},\"items\":[")),
        ("no JSON", "limit=2", Outcome::Cut("<html>")),
        ("without end", "limit=2", Outcome::Flood),
        ("no answer", "continue=", Outcome::Hang),
        ("server error", "continue=", Outcome::Answer(500, json!({}))),
    ] {
        let fake = Fake::new(&[CONFIG_MAP]);
        for name in ["a", "b", "c"] {
            fake.put(&CONFIG_MAP, object(name, None, "1"));
        }
        fake.inject(matches, 1, outcome);
        let cluster = fake.cluster().await;
        let kinds = [CONFIG_MAP.group_kind()].into();
        assert!(cluster.wait_complete(&kinds, Duration::from_secs(120)).await.is_empty(), "{row}");
        assert_eq!(names(&cluster), ["a", "b", "c"], "{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_cannot_be_read_loses_nothing() {
    for (row, outcome, relists) in [
        ("a line that is cut off", Outcome::Cut("{\"type\":\"ADDED\",\"object\":{\"meta"), 0),
        ("a line that is no JSON", Outcome::Cut("<html>\n"), 1),
        ("an event of no known type", Outcome::Cut("{\"type\":\"NEWS\",\"object\":{\"metadata\":{}}}\n"), 1),
        ("a line without end", Outcome::Flood, 1),
        ("no answer", Outcome::Hang, 0),
        ("an error that passes", Outcome::Cut("{\"type\":\"ERROR\",\"object\":{\"code\":500}}\n"), 0),
        ("gone", Outcome::Answer(410, json!({"code": 410})), 1),
    ] {
        let fake = Fake::new(&[CONFIG_MAP]);
        fake.inject("watch=true", 1, outcome);
        let cluster = fake.cluster().await;
        complete(&cluster, &[CONFIG_MAP]).await;
        let mut changes = cluster.changes();
        fake.put(&CONFIG_MAP, object("a", Some("one"), "1"));
        changed(&mut changes, "a").await;
        complete(&cluster, &[CONFIG_MAP]).await;
        assert_eq!(cluster.counters().relists, relists, "{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn changed_settings_are_applied_to_all_that_is_held() {
    let label = Arc::new(std::sync::Mutex::new("app"));
    let chosen = Arc::clone(&label);
    let tracker =
        Arc::new(move |metadata: &serde_json::Map<String, serde_json::Value>, _: &resource::GroupKind| {
            let name = *chosen.lock().unwrap();
            Some(metadata.get("annotations")?.get(name)?.as_str()?.to_owned())
        });
    let fake = Fake::new(&[CONFIG_MAP]);
    fake.put(&CONFIG_MAP, json!({"metadata": {"name": "a", "annotations": {"app": "one", "other": "two"}}}));
    let cluster = Cluster::start(fake.client(), Options::new(tracker)).await.unwrap();
    complete(&cluster, &[CONFIG_MAP]).await;
    assert_eq!(cluster.owned_by("one").len(), 1);
    let mut changes = cluster.changes();
    *label.lock().unwrap() = "other";
    cluster.reconfigure();
    let change = changed(&mut changes, "a").await;
    assert_eq!(change.instances, BTreeSet::from([Arc::from("one"), Arc::from("two")]));
    assert_eq!((cluster.owned_by("one").len(), cluster.owned_by("two").len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_breaks_its_watch_breaks_no_other() {
    let tracker =
        Arc::new(|metadata: &serde_json::Map<String, serde_json::Value>, _: &resource::GroupKind| {
            assert_ne!(metadata["name"], "poison", "this panic belongs to the test");
            None
        });
    let fake = Fake::new(&[CONFIG_MAP, POD]);
    fake.put(&CONFIG_MAP, object("poison", None, "1"));
    let cluster = Cluster::start(fake.client(), Options::new(tracker)).await.unwrap();
    let mut changes = cluster.changes();
    known(&cluster, &mut changes, &CONFIG_MAP, |known| matches!(known, Knowledge::Failed { .. })).await;
    complete(&cluster, &[POD]).await;
    fake.delete(&CONFIG_MAP, "poison");
    known(&cluster, &mut changes, &CONFIG_MAP, Knowledge::is_complete).await;
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_told_to_the_applications_it_concerns() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let cluster = fake.cluster().await;
    cluster.need_full(&[CONFIG_MAP.group_kind()].into());
    complete(&cluster, &[CONFIG_MAP]).await;
    let mut changes = cluster.changes();

    fake.put(&CONFIG_MAP, object("a", Some("one"), "1"));
    let change = changed(&mut changes, "a").await;
    assert_eq!((change.what, change.direct), (What::Added, true));

    let mut with_status = object("a", Some("one"), "1");
    with_status["status"] = json!({"s": 1});
    fake.put(&CONFIG_MAP, with_status);
    assert_eq!(changed(&mut changes, "a").await.what, What::StatusOnly);

    fake.put(&CONFIG_MAP, object("a", Some("two"), "1"));
    let change = changed(&mut changes, "a").await;
    assert_eq!(change.what, What::Modified);
    assert_eq!(
        change.instances,
        BTreeSet::from([Arc::from("one"), Arc::from("two")]),
        "the old and the new owner"
    );

    fake.delete(&CONFIG_MAP, "a");
    assert_eq!(changed(&mut changes, "a").await.what, What::Deleted);
    assert!(cluster.get(&CONFIG_MAP.key("a")).is_none() && cluster.owned_by("two").is_empty());
}

#[tokio::test(start_paused = true)]
async fn untracked_objects_are_told_to_those_that_want_them() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let cluster = fake.cluster().await;
    cluster.need_full(&[CONFIG_MAP.group_kind()].into());
    complete(&cluster, &[CONFIG_MAP]).await;
    let mut changes = cluster.changes();
    assert!(cluster.want("one", [CONFIG_MAP.key("b")].into()).is_empty());
    fake.put(&CONFIG_MAP, object("a", None, "1"));
    fake.put(&CONFIG_MAP, object("b", None, "1"));
    let change = changed(&mut changes, "b").await;
    assert_eq!(change.instances, BTreeSet::from([Arc::from("one")]));
    assert!(cluster.get(&CONFIG_MAP.key("b")).unwrap().object().is_some(), "kept whole");
    assert!(cluster.get(&CONFIG_MAP.key("a")).unwrap().object().is_none(), "nobody needs it whole");
    assert_eq!(cluster.want("two", [CONFIG_MAP.key("a")].into()), [CONFIG_MAP.key("a")]);
    assert!(cluster.fetch(&CONFIG_MAP.key("a")).await.unwrap().is_some());
    assert!(cluster.get(&CONFIG_MAP.key("a")).unwrap().object().is_some(), "whole after a fetch");
}

#[tokio::test(start_paused = true)]
async fn dependents_are_told_to_the_application_of_their_owner() {
    let fake = Fake::new(&[DEPLOYMENT, REPLICA_SET, POD]);
    let deployment =
        fake.put(&DEPLOYMENT, json!({"metadata": {"name": "web", "annotations": {"app": "one"}}}));
    let owned = |name: &str, owner: &serde_json::Value| {
        json!({"metadata": {"name": name, "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "X", "name": "x", "uid": owner["metadata"]["uid"], "controller": true}]}})
    };
    let set = fake.put(&REPLICA_SET, owned("web-1", &deployment));
    let cluster = fake.cluster().await;
    complete(&cluster, &[DEPLOYMENT, REPLICA_SET, POD]).await;
    let mut changes = cluster.changes();
    fake.put(&POD, owned("web-1-a", &set));
    let change = changed(&mut changes, "web-1-a").await;
    assert_eq!((change.instances, change.direct), (BTreeSet::from([Arc::from("one")]), false));
    let uid = set["metadata"]["uid"].as_str().unwrap();
    assert_eq!(cluster.children(uid)[0].name(), "web-1-a");
    assert!(cluster.children(uid)[0].has_controller());
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_closed_by_a_list() {
    let fake = Fake::new(&[CONFIG_MAP]);
    for name in ["a", "b", "c"] {
        fake.put(&CONFIG_MAP, object(name, Some("one"), "1"));
    }
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP]).await;
    let mut changes = cluster.changes();
    fake.withhold(true);
    fake.delete(&CONFIG_MAP, "b");
    fake.put(&CONFIG_MAP, object("d", Some("one"), "1"));
    fake.compact();
    assert_eq!(changed(&mut changes, "d").await.what, What::Added);
    assert_eq!(changed(&mut changes, "b").await.what, What::Deleted);
    complete(&cluster, &[CONFIG_MAP]).await;
    assert_eq!(names(&cluster), ["a", "c", "d"]);
    assert_eq!(cluster.counters().relists, 1);
}

#[tokio::test(start_paused = true)]
async fn a_gap_makes_the_kind_incomplete_until_it_is_closed() {
    let fake = Fake::new(&[CONFIG_MAP, POD]);
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP, POD]).await;
    let mut changes = cluster.changes();
    fake.fail("configmaps?limit", 4, 500, json!({"message": "etcd has no leader"}));
    fake.compact();
    known(
        &cluster,
        &mut changes,
        &CONFIG_MAP,
        |known| matches!(known, Knowledge::Failed { reason } if reason.contains("no leader")),
    )
    .await;
    complete(&cluster, &[POD]).await;
    known(&cluster, &mut changes, &CONFIG_MAP, Knowledge::is_complete).await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_watch_is_resumed_where_it_ended() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP]).await;
    let mut changes = cluster.changes();
    fake.put(&CONFIG_MAP, object("a", Some("one"), "1"));
    changed(&mut changes, "a").await;
    fake.bookmark();
    fake.put(&CONFIG_MAP, object("b", Some("one"), "1"));
    let last = cluster_version(&cluster, &mut changes, "b").await;
    fake.drop_watches();
    fake.put(&CONFIG_MAP, object("c", Some("one"), "1"));
    changed(&mut changes, "c").await;
    let resumed = fake.requests("watch=true").pop().unwrap();
    assert!(resumed.ends_with(&format!("resourceVersion={last}")), "{resumed}");
    assert_eq!(
        (cluster.counters().relists, cluster.knowledge(&CONFIG_MAP.group_kind())),
        (0, Knowledge::Complete)
    );
}

async fn cluster_version(cluster: &Cluster, changes: &mut cluster::Changes, name: &str) -> String {
    changed(changes, name).await;
    cluster.get(&CONFIG_MAP.key(name)).unwrap().resource_version().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_forgets_at_once_is_not_asked_in_a_loop() {
    let fake = Fake::new(&[CONFIG_MAP]);
    fake.fail("watch=true", usize::MAX, 410, json!({"code": 410}));
    let cluster = fake.cluster().await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let lists = cluster.counters().requests["list"];
    assert!((10..60).contains(&lists), "{lists} lists in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn a_bookmark_moves_the_place_to_resume_from() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP]).await;
    let mut changes = cluster.changes();
    while fake.open_watches("configmaps") == 0 {
        tokio::task::yield_now().await;
    }
    fake.bookmark();
    fake.drop_watches();
    // Were the bookmark not heeded, this would be a resourceVersion that the server has forgotten.
    fake.put(&CONFIG_MAP, object("a", Some("one"), "1"));
    changed(&mut changes, "a").await;
    let resumed = fake.requests("watch=true").pop().unwrap();
    assert!(resumed.ends_with("resourceVersion=11"), "{resumed}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_event_is_found_by_the_next_list() {
    let fake = Fake::new(&[CONFIG_MAP]);
    fake.put(&CONFIG_MAP, object("a", Some("one"), "1"));
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP]).await;
    let mut changes = cluster.changes();
    fake.put_silently(&CONFIG_MAP, object("a", Some("two"), "2"));
    fake.bookmark();
    let change = changed(&mut changes, "a").await;
    assert!(change.instances.contains("two"));
    assert!(cluster.counters().relists > 0);
    assert!(
        !std::iter::from_fn(|| changes.try_next()).any(|notice| matches!(notice, Notice::Knowledge(_))),
        "complete all the time"
    );
}

/// How long a lost event may stay lost (reliability P6: 2 x resync + 60 s at the peer's resync of 120 s, less the time to act on it).
const FOUND: Duration = Duration::from_secs(240);

#[tokio::test(start_paused = true)]
async fn an_event_that_is_withheld_for_ever_is_found() {
    type Trouble = fn(&Fake);
    let rows: [(&str, Trouble, What); 4] = [
        ("made", |fake| drop(fake.put_silently(&CONFIG_MAP, object("x", Some("one"), "2"))), What::Added),
        (
            "changed",
            |fake| drop(fake.put_silently(&CONFIG_MAP, object("x", Some("one"), "2"))),
            What::Modified,
        ),
        ("gone", |fake| fake.delete_silently(&CONFIG_MAP, "x"), What::Deleted),
        (
            "gone and made anew",
            |fake| {
                fake.delete_silently(&CONFIG_MAP, "x");
                fake.put_silently(&CONFIG_MAP, object("x", Some("one"), "1"));
            },
            What::Modified,
        ),
    ];
    for (row, trouble, expect) in rows {
        for later in ["", "another event"] {
            let fake = Fake::new(&[CONFIG_MAP]);
            for name in ["a", "b", "c"] {
                fake.put(&CONFIG_MAP, object(name, Some("one"), "1"));
            }
            if expect != What::Added {
                fake.put(&CONFIG_MAP, object("x", Some("one"), "1"));
            }
            let cluster = fake.cluster().await;
            cluster.need_full(&[CONFIG_MAP.group_kind()].into());
            complete(&cluster, &[CONFIG_MAP]).await;
            let mut changes = cluster.changes();
            trouble(&fake);
            let lost = tokio::time::Instant::now();
            if !later.is_empty() {
                fake.put(&CONFIG_MAP, object("a", Some("one"), "2"));
                changed(&mut changes, "a").await;
            }
            let change = changed(&mut changes, "x").await;
            assert!(lost.elapsed() < FOUND, "{row} {later}: {:?}", lost.elapsed());
            assert_eq!(change.what, expect, "{row} {later}");
            assert_eq!(cluster.counters().untold, 1, "{row} {later}");
            assert!(cluster.knowledge(&CONFIG_MAP.group_kind()).is_complete(), "{row} {later}");
            tokio::time::sleep(2 * FOUND).await;
            assert_eq!(cluster.counters().untold, 1, "{row} {later}: once is enough");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_lags_behind_is_not_believed() {
    let fake = Fake::new(&[CONFIG_MAP]);
    fake.put(&CONFIG_MAP, object("gone", Some("one"), "1"));
    let cluster = fake.cluster().await;
    cluster.need_full(&[CONFIG_MAP.group_kind()].into());
    complete(&cluster, &[CONFIG_MAP]).await;
    let mut changes = cluster.changes();
    let old = json!({"metadata": {"resourceVersion": "11"}, "items": [object("gone", Some("one"), "1")]});
    fake.delete(&CONFIG_MAP, "gone");
    changed(&mut changes, "gone").await;
    // Once where it is only made sure, then where there is nothing else to go by.
    for lost in [false, true] {
        fake.fail("configmaps?limit", 2, 200, old.clone());
        if lost {
            fake.compact();
        }
        tokio::time::sleep(2 * FOUND).await;
        assert_eq!(names(&cluster), [""; 0], "{lost}");
        complete(&cluster, &[CONFIG_MAP]).await;
    }
    assert_eq!(fake.requests("configmaps?limit").len() as u64, cluster.counters().requests["list"]);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_forbidden_blinds_no_other() {
    let fake = Fake::new(&[CONFIG_MAP, POD]);
    fake.fail(
        "/pods",
        usize::MAX,
        403,
        json!({"message": "pods is forbidden: User \"argocd\" cannot list resource \"pods\""}),
    );
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP]).await;
    let mut changes = cluster.changes();
    known(
        &cluster,
        &mut changes,
        &POD,
        |known| matches!(known, Knowledge::Forbidden { reason } if reason.contains("cannot list")),
    )
    .await;
    fake.mend();
    cluster.refresh_discovery().await.unwrap();
    known(&cluster, &mut changes, &POD, Knowledge::is_complete).await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_fails_taints_only_itself() {
    for aggregated in [true, false] {
        let fake = Fake::new(&[CONFIG_MAP, DEPLOYMENT, WIDGET]);
        let fake = if aggregated { fake } else { fake.without_aggregation() };
        fake.put(&WIDGET, object("w", Some("one"), "1"));
        let cluster = fake.cluster().await;
        complete(&cluster, &[CONFIG_MAP, DEPLOYMENT, WIDGET]).await;
        fake.stale("demo.io", true);
        let discovery = cluster.refresh_discovery().await.unwrap();
        assert!(discovery.failed().contains_key("demo.io"), "aggregated: {aggregated}");
        assert!(matches!(cluster.knowledge(&WIDGET.group_kind()), Knowledge::Failed { .. }));
        assert!(cluster.get(&WIDGET.key("w")).is_some(), "what was known is not taken for gone");
        complete(&cluster, &[CONFIG_MAP, DEPLOYMENT]).await;
        fake.stale("demo.io", false);
        let mut changes = cluster.changes();
        known(&cluster, &mut changes, &WIDGET, Knowledge::is_complete).await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_kinds_that_are_needed_are_held_whole() {
    let fake = Fake::new(&[CONFIG_MAP, POD]);
    fake.put(&CONFIG_MAP, object("a", Some("one"), "1"));
    fake.put(&CONFIG_MAP, object("b", None, "1"));
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP, POD]).await;
    assert!(cluster.get(&CONFIG_MAP.key("a")).unwrap().object().is_none());
    let pods = fake.requests("/pods").len();
    cluster.need_full(&[CONFIG_MAP.group_kind()].into());
    assert_eq!(cluster.knowledge(&CONFIG_MAP.group_kind()), Knowledge::Loading);
    complete(&cluster, &[CONFIG_MAP]).await;
    let held = cluster.get(&CONFIG_MAP.key("a")).unwrap().object().unwrap();
    assert_eq!((held.kind(), held.api_version()), ("ConfigMap", "v1"));
    assert!(!cluster.get(&CONFIG_MAP.key("b")).unwrap().is_full(), "untracked");
    assert_eq!(fake.requests("/pods").len(), pods, "the other watch goes on");
    let lists = fake.requests("configmaps?limit").len();
    cluster.need_full(&[CONFIG_MAP.group_kind()].into());
    cluster.need_full(&BTreeSet::new());
    complete(&cluster, &[CONFIG_MAP]).await;
    assert_eq!(fake.requests("configmaps?limit").len(), lists, "nothing restarts for nothing");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_makes_its_kinds_stale_and_comes_back_without_a_list() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP]).await;
    let mut changes = cluster.changes();
    fake.fail("watch=true", 12, 503, json!({"message": "down"}));
    fake.drop_watches();
    let kind = CONFIG_MAP;
    known(&cluster, &mut changes, &kind, |known| matches!(known, Knowledge::Failed { .. })).await;
    known(&cluster, &mut changes, &kind, Knowledge::is_complete).await;
    assert_eq!(cluster.counters().relists, 0);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_server_asks_for_is_kept() {
    let fake = Fake::new(&[CONFIG_MAP]);
    fake.inject("configmaps?limit", 1, Outcome::Throttle(120));
    let begin = tokio::time::Instant::now();
    let cluster = fake.cluster().await;
    let kinds = [CONFIG_MAP.group_kind()].into();
    assert!(cluster.wait_complete(&kinds, Duration::from_secs(600)).await.is_empty());
    assert!(begin.elapsed() >= Duration::from_secs(120), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_silent_watch_is_opened_again() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP]).await;
    tokio::time::sleep(Duration::from_secs(550)).await;
    assert!(cluster.counters().watch_restarts > 0);
    assert_eq!(
        (cluster.counters().relists, cluster.knowledge(&CONFIG_MAP.group_kind())),
        (0, Knowledge::Complete)
    );
}

#[tokio::test(start_paused = true)]
async fn a_history_that_went_back_replaces_what_is_held() {
    let fake = Fake::new(&[CONFIG_MAP]);
    for name in ["a", "b", "c", "d", "e"] {
        fake.put(&CONFIG_MAP, object(name, Some("one"), "new"));
    }
    let cluster = fake.cluster().await;
    cluster.need_full(&[CONFIG_MAP.group_kind()].into());
    complete(&cluster, &[CONFIG_MAP]).await;
    let mut changes = cluster.changes();
    fake.withhold(true);
    fake.delete(&CONFIG_MAP, "c");
    fake.put(&CONFIG_MAP, object("a", Some("one"), "old"));
    fake.compact();
    fake.rewind(5);
    changed(&mut changes, "c").await;
    complete(&cluster, &[CONFIG_MAP]).await;
    assert_eq!(names(&cluster), ["a", "b", "d", "e"]);
    let held = cluster.get(&CONFIG_MAP.key("a")).unwrap();
    assert_eq!(
        (held.resource_version(), held.object().unwrap().to_value()["data"]["x"].as_str()),
        ("4", Some("old"))
    );
}

/// As etcd's storage is put back: no watch is told so, and each resumes at a moment that is still to come.
#[tokio::test(start_paused = true)]
async fn a_server_that_was_put_back_is_listed_anew() {
    for overtaken in [false, true] {
        let fake = Fake::new(&[CONFIG_MAP]);
        for name in ["a", "b", "c"] {
            fake.put(&CONFIG_MAP, object(name, Some("one"), "new"));
        }
        let cluster = fake.cluster().await;
        complete(&cluster, &[CONFIG_MAP]).await;
        let mut changes = cluster.changes();
        fake.withhold(true);
        fake.delete(&CONFIG_MAP, "c");
        fake.rewind(2);
        if overtaken {
            fake.forward(100);
        }
        fake.withhold(false);
        if overtaken {
            // The watch goes on at a moment that was again; what is read tells.
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert_eq!(names(&cluster), ["a", "b", "c"]);
            cluster.fetch(&CONFIG_MAP.key("a")).await.unwrap();
        }
        changed(&mut changes, "c").await;
        complete(&cluster, &[CONFIG_MAP]).await;
        assert_eq!(names(&cluster), ["a", "b"], "{overtaken}");
        assert_eq!(cluster.get(&CONFIG_MAP.key("a")).unwrap().resource_version(), "1", "{overtaken}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_custom_kind_is_found_and_a_gone_one_forgotten() {
    let fake = Fake::new(&[CONFIG_MAP, CRD]);
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP, CRD]).await;
    assert_eq!(cluster.knowledge(&WIDGET.group_kind()), Knowledge::Absent);
    let mut changes = cluster.changes();
    // Discovery lags behind the CRD, as it does on a real server.
    fake.put(&CRD, json!({"metadata": {"name": "widgets.demo.io"}}));
    let asked = fake.requests("GET /apis").len();
    while fake.requests("GET /apis").len() < asked + 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    fake.serve(WIDGET);
    fake.put(&WIDGET, object("w", Some("one"), "1"));
    known(&cluster, &mut changes, &WIDGET, Knowledge::is_complete).await;
    assert!(cluster.get(&WIDGET.key("w")).is_some());
    fake.fail("GET /apis", 3, 503, json!({}));
    fake.delete(&CRD, "widgets.demo.io");
    fake.unserve(&WIDGET);
    known(&cluster, &mut changes, &WIDGET, |known| *known == Knowledge::Absent).await;
    assert!(cluster.get(&WIDGET.key("w")).is_none(), "its objects went with it");
    let quiet = fake.requests("GET /apis").len();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(fake.requests("GET /apis").len(), quiet, "discovery rests when nothing is expected");
}

#[tokio::test(start_paused = true)]
async fn a_custom_kind_that_comes_between_discovery_and_the_first_list_is_found() {
    let fake = Fake::new(&[CONFIG_MAP, CRD]);
    fake.put(&CRD, json!({"metadata": {"name": "widgets.demo.io"}}));
    let cluster = fake.cluster().await;
    fake.serve(WIDGET);
    let mut changes = cluster.changes();
    known(&cluster, &mut changes, &WIDGET, Knowledge::is_complete).await;
}

#[tokio::test(start_paused = true)]
async fn limits_and_exclusions_are_kept() {
    let fake = Fake::new(&[CONFIG_MAP, POD, NAMESPACE]);
    fake.put(&CONFIG_MAP, object("a", Some("one"), "1"));
    let options = Options {
        namespaces: Some(vec!["shop".to_owned(), "other".to_owned()]),
        excluded: Arc::new(|_, kind| kind == "Pod"),
        ..options()
    };
    let cluster = Cluster::start(fake.client(), options).await.unwrap();
    complete(&cluster, &[CONFIG_MAP]).await;
    assert!(cluster.get(&CONFIG_MAP.key("a")).is_some());
    assert_eq!(fake.requests("/api/v1/namespaces/shop/configmaps?limit").len(), 1);
    assert_eq!(fake.requests("/api/v1/namespaces/other/configmaps?limit").len(), 1);
    for excluded in [POD, NAMESPACE] {
        assert_eq!(cluster.knowledge(&excluded.group_kind()), Knowledge::Excluded);
    }
    assert!(fake.requests("/pods").is_empty() && fake.requests("/namespaces?").is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_kind_can_be_followed_whole() {
    use cluster::KindEvent;
    let fake = Fake::new(&[CONFIG_MAP]);
    fake.put(&CONFIG_MAP, object("a", None, "1"));
    let cluster = fake.cluster().await;
    let gvk = resource::Gvk::new("demo.io", "v1", "Widget");
    let mut absent = cluster.watch_kind(&gvk, Some("shop"));
    assert_eq!(absent.next().await, Some(KindEvent::State(Knowledge::Absent)));
    fake.serve(WIDGET);
    cluster.refresh_discovery().await.unwrap();
    assert!(matches!(absent.next().await, Some(KindEvent::Restarted(all)) if all.objects.is_empty()));

    let mut watch = cluster.watch_kind(&resource::Gvk::new("", "v1", "ConfigMap"), Some("shop"));
    let Some(KindEvent::Restarted(cluster::Listed { objects: all, .. })) = watch.next().await else {
        panic!("no list")
    };
    assert_eq!((all.len(), all[0]["kind"].as_str()), (1, Some("ConfigMap")));
    fake.put(&CONFIG_MAP, object("b", None, "1"));
    assert!(matches!(watch.next().await, Some(KindEvent::Applied(b)) if b["metadata"]["name"] == "b"));
    fake.delete(&CONFIG_MAP, "b");
    assert!(matches!(watch.next().await, Some(KindEvent::Deleted(b)) if b["metadata"]["name"] == "b"));
    fake.compact();
    assert!(matches!(watch.next().await, Some(KindEvent::Restarted(all)) if all.objects.len() == 1));
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_followed_is_there_soon_after_its_right() {
    use cluster::KindEvent;
    let fake = Fake::new(&[CONFIG_MAP]);
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP]).await;
    fake.fail("/configmaps", usize::MAX, 403, json!({"message": "configmaps is forbidden"}));
    let mut watch = cluster.watch_kind(&resource::Gvk::new("", "v1", "ConfigMap"), Some("shop"));
    let forbidden = Knowledge::Forbidden { reason: "configmaps is forbidden".to_owned() };
    assert_eq!(watch.next().await, Some(KindEvent::State(forbidden)));
    // Long enough for every quick try.
    tokio::time::sleep(Duration::from_secs(600)).await;
    fake.mend();
    let mended = tokio::time::Instant::now();
    assert!(matches!(watch.next().await, Some(KindEvent::Restarted(all)) if all.objects.is_empty()));
    assert!(mended.elapsed() < Duration::from_secs(60), "{:?}", mended.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_needed_is_there_soon_after_its_right() {
    for (needed, soon) in [(true, true), (false, false)] {
        let fake = Fake::new(&[CONFIG_MAP, POD]);
        fake.fail("/pods", usize::MAX, 403, json!({"message": "pods is forbidden"}));
        let cluster = fake.cluster().await;
        let mut changes = cluster.changes();
        if needed {
            cluster.need_full(&BTreeSet::from([POD.group_kind()]));
        }
        tokio::time::sleep(Duration::from_secs(600)).await;
        fake.mend();
        let mended = tokio::time::Instant::now();
        known(&cluster, &mut changes, &POD, Knowledge::is_complete).await;
        assert_eq!(mended.elapsed() < Duration::from_secs(60), soon, "{needed}: {:?}", mended.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn the_steady_state_sends_nothing_but_watches_and_makes_sure_of_them() {
    let fake = Fake::new(&[CONFIG_MAP, POD, CRD]);
    let cluster = fake.cluster().await;
    cluster.need_full(&[CONFIG_MAP.group_kind()].into());
    complete(&cluster, &[CONFIG_MAP, POD, CRD]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = cluster.counters();
    tokio::time::sleep(Duration::from_secs(1800)).await;
    let after = cluster.counters();
    for (verb, count) in &after.requests {
        assert!(["watch", "list"].contains(verb) || *count == before.requests[verb], "{verb}: {count}");
    }
    // What is needed whole each 2 to 3 minutes, by its metadata; the rest each 10 to 12.
    let lists = |plural| fake.requests(&format!("/{plural}?limit")).len() - 1;
    assert!((10..=15).contains(&lists("configmaps")), "{}", lists("configmaps"));
    assert!((2..=3).contains(&lists("pods")), "{}", lists("pods"));
    assert_eq!((after.untold, after.full_objects), (0, 0));
}
