//! What containers print, through the official client and as a stream.

use serde_json::{Value, json};

use crate::resources::with_objects;
use crate::stand::{Row, Stand};

/// Names of the pods, once there are so many.
async fn pods(stand: &Stand, count: usize) -> Vec<String> {
    testkit::eventually_some("the pods run", e2e::PATIENCE, || async {
        let list = stand.api.get("/api/v1/namespaces/default/pods").await?.unwrap_or_default();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let running = items.iter().filter(|pod| pod["status"]["phase"] == "Running");
        let names: Vec<String> =
            running.filter_map(|pod| Some(pod["metadata"]["name"].as_str()?.to_owned())).collect();
        Ok::<_, anyhow::Error>((names.len() == count).then_some(names))
    })
    .await
}

fn content(event: &Value) -> &str {
    event["result"]["content"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_are_read() {
    let Some(stand) = with_objects().await else { return };
    let sim = stand.sim();
    let web = pods(&stand, 1).await.remove(0);
    for line in ["first", "second: Error", "third"] {
        assert!(sim.print("default", &web, "web", line));
    }
    let rows: Vec<Row> = vec![
        ("app logs app".into(), 0, "registry.example/web:1 started\nfirst\nsecond: Error\nthird\n"),
        ("app logs app --kind Deployment --group apps --name web --tail 1".into(), 0, "third\n"),
        ("app logs app --filter error".into(), 0, "second: Error\n"),
        ("app logs app -c sidecar".into(), 0, "container sidecar is not valid for pod web-"),
        ("app logs app --previous".into(), 0, "previous terminated container \"web\""),
        ("app logs app --kind Service --name nothing".into(), 0, ""),
        ("app logs other".into(), 1, "permission denied"),
    ];
    stand.types(&rows).await;
    let (_, text) = stand.argocd("app logs app --filter error").await.unwrap();
    assert_eq!(text, "second: Error\n");
    let base = "p, dev, applications, get, default/app, allow";
    let token = stand.account("dev", base).await;
    let (code, text) =
        stand.argocd(&format!("app logs app --auth-token {token} --server $SERVER")).await.unwrap();
    assert!(code == 1 && text.contains("permission denied: logs, get, default/app, sub: dev"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_of_several_pods_are_followed_until_the_right_is_gone() {
    let Some(stand) = with_objects().await else { return };
    let base = "p, dev, applications, get, default/app, allow";
    let token = stand.account("dev", &format!("{base}\np, dev, logs, get, default/app, allow")).await;
    stand
        .api
        .patch("/apis/apps/v1/namespaces/default/deployments/web", &json!({"spec": {"replicas": 2}}))
        .await
        .unwrap();
    let names = pods(&stand, 2).await;
    // The server learns of the second pod by its watch.
    testkit::eventually("the tree has both pods", e2e::PATIENCE, || async {
        let tree = stand.get("/api/v1/applications/app/resource-tree", &token).await.text().await?;
        let tree: Value = serde_json::from_str(&tree)?;
        let nodes = tree["nodes"].as_array().cloned().unwrap_or_default();
        Ok::<_, anyhow::Error>(nodes.iter().filter(|node| node["kind"] == "Pod").count() == 2)
    })
    .await;
    let mut events = stand.stream("/api/v1/applications/app/logs?follow=true&kind=Deployment", &token).await;
    for _ in &names {
        assert_eq!(content(&events.next().await.unwrap()), "registry.example/web:1 started");
    }
    for (count, name) in names.iter().cycle().take(6).enumerate() {
        stand.sim().print("default", name, "web", &format!("line {count}"));
    }
    for count in 0..6 {
        let event = events.next().await.unwrap();
        assert_eq!(content(&event), format!("line {count}"));
        assert_eq!(event["result"]["podName"], names[count % 2].as_str());
    }
    stand.account("dev", base).await;
    let over = events.next().await.unwrap();
    assert_eq!(over["error"]["message"], "permission denied: logs, get, default/app, sub: dev");
    assert_eq!(events.next().await, None);
}
