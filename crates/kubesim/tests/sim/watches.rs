//! Watches: what they send, where they start, how they end.

use crate::support::Api;
use kubesim::{FaultAction, FaultRule, Faults, Options};
use serde_json::json;

const PATH: &str = "/api/v1/namespaces/default/secrets";

async fn put(api: &Api, name: &str, label: &str) -> String {
    let body = json!({"metadata": {"name": name, "labels": {"l": label}}});
    let made = api.post(PATH, body).await.expect(201);
    made["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
}

async fn relabel(api: &Api, name: &str, label: &str) {
    let patch = json!({"metadata": {"labels": {"l": label}}});
    api.patch(&format!("{PATH}/{name}"), "merge-patch+json", patch).await.expect(200);
}

#[tokio::test]
async fn a_selector_turns_changes_into_comings_and_goings() {
    let api = Api::new();
    let mut watch = api.watch(&format!("{PATH}?watch=1&labelSelector=l%3Da&timeoutSeconds=1")).await;
    put(&api, "x", "a").await;
    put(&api, "y", "b").await;
    relabel(&api, "x", "b").await;
    relabel(&api, "y", "a").await;
    api.patch(&format!("{PATH}/y"), "merge-patch+json", json!({"type": "Opaque", "data": {"k": "dg=="}}))
        .await
        .expect(200);
    api.delete(&format!("{PATH}/y"), json!({})).await.expect(200);
    for expected in ["ADDED x", "DELETED x", "ADDED y", "MODIFIED y", "DELETED y"] {
        assert_eq!(watch.line().await, expected);
    }
}

#[tokio::test]
async fn a_watch_starts_where_it_is_told() {
    let api = Api::new();
    let first = put(&api, "x", "a").await;
    put(&api, "y", "a").await;
    for (query, expected) in [
        (format!("resourceVersion={first}"), vec!["ADDED y"]),
        ("resourceVersion=0".to_owned(), vec!["ADDED x", "ADDED y"]),
        (String::new(), vec!["ADDED x", "ADDED y"]),
        (
            "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan".to_owned(),
            vec!["ADDED x", "ADDED y", "BOOKMARK "],
        ),
    ] {
        let mut watch = api.watch(&format!("{PATH}?watch=1&{query}")).await;
        for line in expected {
            assert_eq!(watch.line().await, line, "{query}");
        }
    }
}

#[tokio::test]
async fn a_forgotten_past_is_gone() {
    let api = Api::new();
    let first = put(&api, "x", "a").await;
    put(&api, "y", "a").await;
    let page = api.get(&format!("{PATH}?limit=1")).await.expect(200);
    let token = page["metadata"]["continue"].as_str().unwrap().to_owned();
    assert_eq!(page["metadata"]["remainingItemCount"], 1);
    put(&api, "z", "a").await;
    api.sim.compact();
    let event = api.watch(&format!("{PATH}?watch=1&resourceVersion={first}")).await.next().await.unwrap();
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
    let gone = api.get(&format!("{PATH}?limit=1&continue={token}")).await.expect(410);
    assert_eq!(gone["reason"], "Expired");
    let again = gone["metadata"]["continue"].as_str().unwrap();
    let rest = api.get(&format!("{PATH}?limit=1&continue={again}")).await.expect(200);
    assert_eq!(crate::support::name_of(&rest["items"][0]), "y");
}

#[tokio::test]
async fn a_slow_watcher_loses_its_place() {
    let api = Api::with(Options { history: 2, ..Options::default() });
    let mut watch = api.watch(&format!("{PATH}?watch=1")).await;
    for name in ["a", "b", "c", "d"] {
        put(&api, name, "l").await;
    }
    assert_eq!(watch.next().await.unwrap()["type"], "ERROR");
    assert_eq!(watch.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn bookmarks_come_by_the_clock_and_the_end_by_the_timeout() {
    let api = Api::new();
    let mut watch = api.watch(&format!("{PATH}?watch=1&allowWatchBookmarks=true&timeoutSeconds=90")).await;
    let bookmark = watch.next().await.unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["metadata"]["resourceVersion"], api.sim.resource_version().to_string());
    assert_eq!(watch.next().await.unwrap()["type"], "BOOKMARK");
    assert_eq!(watch.next().await, None);
}

#[tokio::test]
async fn faults_break_watches() {
    for (action, expected) in [
        (FaultAction::EndWatchAfter(1), vec!["ADDED a", "END"]),
        (FaultAction::LoseEvent(1), vec!["ADDED b"]),
        (FaultAction::RepeatEvents, vec!["ADDED a", "ADDED a", "ADDED b"]),
        (FaultAction::ExpireWatchAfter(1), vec!["ADDED a", "ERROR ", "END"]),
    ] {
        let api = Api::new();
        let name = format!("{action:?}");
        api.sim.set_faults(Faults::default().rule(FaultRule::new(action).verb("watch").times(1)));
        let mut watch = api.watch(&format!("{PATH}?watch=1")).await;
        put(&api, "a", "l").await;
        put(&api, "b", "l").await;
        for line in expected {
            assert_eq!(watch.line().await, line, "{name}");
        }
    }
}

#[tokio::test]
async fn metadata_alone_and_tables_are_watched_too() {
    let api = Api::new();
    put(&api, "a", "l").await;
    for (accept, kind) in [("PartialObjectMetadata", "PartialObjectMetadata"), ("Table", "Table")] {
        let headers = [("accept", format!("application/json;as={accept};g=meta.k8s.io;v=v1"))];
        let mut watch = api.watch_with(&format!("{PATH}?watch=1"), &headers).await;
        let event = watch.next().await.unwrap();
        assert_eq!((&event["object"]["kind"], event["object"].get("data")), (&json!(kind), None));
    }
}
