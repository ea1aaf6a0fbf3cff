//! What the live state costs: 1,000 applications of 4 objects of 3 KB.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

use std::{fmt::Write as _, sync::Arc, time::Duration};

use bytes::Bytes;
use cluster::{Cluster, Options};
use http::{Request, Response};
use http_body_util::Full;
use kube::client::Body;
use resource::GroupKind;
use serde_json::Value;

const OBJECTS: usize = 4_000;
const OBJECT_BYTES: usize = 3 << 10;
const BUDGET_BYTES: usize = 30 << 20;

#[tokio::test]
async fn four_thousand_tracked_objects_stay_in_their_budget() {
    let Some(before) = resident_bytes() else {
        println!("not run: this system does not tell a process's memory");
        return;
    };
    let service = tower::service_fn(|request: Request<Body>| async move {
        Ok::<_, tower::BoxError>(Response::new(Full::new(answer(request.uri().clone()).await)))
    });
    let tracker = Arc::new(|metadata: &serde_json::Map<String, Value>, _: &GroupKind| {
        Some(metadata.get("annotations")?.get("app")?.as_str()?.to_owned())
    });
    let cluster = Cluster::start(kube::Client::new(service, "default"), Options::new(tracker)).await.unwrap();
    let kinds = [GroupKind::new("", "ConfigMap")].into();
    cluster.need_full(&kinds);
    let incomplete = cluster.wait_complete(&kinds, Duration::from_secs(60)).await;
    assert!(incomplete.is_empty(), "{incomplete:?}");

    let counters = cluster.counters();
    let grown = resident_bytes().unwrap().saturating_sub(before);
    println!("{counters:?}; {} KiB grown", grown >> 10);
    assert_eq!((counters.full_objects, cluster.owned_by("app-7").len()), (OBJECTS, 4));
    assert!(counters.full_bytes <= OBJECTS * (OBJECT_BYTES + 512), "{} bytes of text", counters.full_bytes);
    assert!(grown <= BUDGET_BYTES, "{} KiB are more than {} KiB", grown >> 10, BUDGET_BYTES >> 10);
}

/// Memory of this process.
fn resident_bytes() -> Option<usize> {
    let pages: usize = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

async fn answer(uri: http::Uri) -> Bytes {
    let query = uri.query().unwrap_or_default();
    if query.contains("watch=true") {
        return std::future::pending().await;
    }
    match uri.path() {
        "/version" => Bytes::from(r#"{"gitVersion":"v1.34.4"}"#),
        "/api" => Bytes::from(
            r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":""},"versions":[{"version":"v1","resources":[
            {"resource":"configmaps","responseKind":{"kind":"ConfigMap"},"scope":"Namespaced","verbs":["list","watch"]}]}]}]}"#,
        ),
        "/apis" => Bytes::from(r#"{"kind":"APIGroupDiscoveryList","items":[]}"#),
        _ => page(query),
    }
}

/// One page of the list, made as it is asked for.
fn page(query: &str) -> Bytes {
    let number = |name: &str| {
        let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        value.map_or(0, |value| value.parse().unwrap())
    };
    let (from, to) = (number("continue"), number("continue") + number("limit"));
    let token = if to < OBJECTS { to.to_string() } else { String::new() };
    let mut text = format!(r#"{{"metadata":{{"resourceVersion":"9","continue":"{token}"}},"items":["#);
    for index in from..to.min(OBJECTS) {
        let comma = if index == from { "" } else { "," };
        let filler = "x".repeat(OBJECT_BYTES - 300);
        write!(
            text,
            r#"{comma}{{"metadata":{{"name":"config-{index}","namespace":"team-{}","uid":"00000000-0000-0000-0000-{index:012}",
            "resourceVersion":"{index}","creationTimestamp":"2026-01-01T00:00:00Z","annotations":{{"app":"app-{}"}}}},"data":{{"x":"{filler}"}}}}"#,
            index % 50,
            index / 4,
        )
        .unwrap();
    }
    text.push_str("]}");
    Bytes::from(text)
}
