//! What containers print, through the official client and as a stream.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::resources::with_objects;
use crate::stand::{Row, Stand};

/// What a stream may hold that nobody reads (A111 of the abuse cases).
const HELD: u64 = 1024 * 1024;

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

/// Names of two pods, once the server knows of both by its watch.
async fn two_pods(stand: &Stand, token: &str) -> Vec<String> {
    let web = "/apis/apps/v1/namespaces/default/deployments/web";
    stand.api.patch(web, &json!({"spec": {"replicas": 2}})).await.unwrap();
    let names = pods(stand, 2).await;
    testkit::eventually("the tree has both pods", e2e::PATIENCE, || async {
        let tree = stand.get("/api/v1/applications/app/resource-tree", token).await.text().await?;
        let tree: Value = serde_json::from_str(&tree)?;
        let nodes = tree["nodes"].as_array().cloned().unwrap_or_default();
        Ok::<_, anyhow::Error>(nodes.iter().filter(|node| node["kind"] == "Pod").count() == 2)
    })
    .await;
    names
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
    let names = two_pods(&stand, &token).await;
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

/// Asks over HTTP/2 and never takes a byte of the answer's body: the connection that has to be kept, and what would read.
async fn neglected(
    stand: &Stand,
    request: http::Request<()>,
    body: &[u8],
) -> (h2::RecvStream, tokio::task::JoinHandle<()>) {
    let stream = tokio::net::TcpStream::connect(stand.server.address()).await.unwrap();
    let mut client = h2::client::Builder::new();
    let (mut client, connection) = client.initial_window_size(0).handshake::<_, Bytes>(stream).await.unwrap();
    let connection = tokio::spawn(async move { drop(connection.await) });
    let (answer, mut sent) = client.send_request(request, body.is_empty()).unwrap();
    if !body.is_empty() {
        sent.send_data(Bytes::copy_from_slice(body), true).unwrap();
    }
    let answer = tokio::time::timeout(e2e::PATIENCE, answer).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    (answer.into_body(), connection)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_reads_is_not_read_from_the_cluster() {
    let Some(stand) = with_objects().await else { return };
    let token = stand.admin().await;
    let names = two_pods(&stand, &token).await;
    let rest = "/api/v1/applications/app/logs?follow=true&kind=Deployment";
    let grpc = "/application.ApplicationService/PodLogs";
    let query = wire::schema().message("application.ApplicationPodLogsQuery").unwrap();
    let query = query.encode(&json!({"name": "app", "follow": true, "kind": "Deployment"})).unwrap();
    let query = [&[0][..], &u32::try_from(query.len()).unwrap().to_be_bytes(), &query].concat();
    let at = "2026-01-02T03:04:05Z ";
    let floods = [
        ("short lines", format!("{at}x\n").repeat(1_000)),
        ("lines of 10^6 bytes", format!("{at}{}\n", "x".repeat(1_000_000))),
        ("no end of a line", "x".repeat(100_000)),
        ("nothing but returns", "x\r".repeat(50_000)),
    ];
    let protocols = [
        ("REST", "GET", rest, "*/*", &[][..]),
        ("gRPC", "POST", grpc, "application/grpc", &query),
        ("gRPC-Web", "POST", grpc, "application/grpc-web+proto", &query),
    ];
    for (flood, text) in &floods {
        for (protocol, verb, place, kind, body) in &protocols {
            let row = format!("{flood} over {protocol}");
            let spout = stand.sim().spout("default", &names[0], "web", text.as_bytes()).unwrap();
            let request = http::Request::builder().method(*verb).uri(format!("http://localhost{place}"));
            let request =
                request.header("authorization", format!("Bearer {token}")).header("content-type", *kind);
            let (reader, connection) = neglected(&stand, request.body(()).unwrap(), body).await;
            let (mut before, mut looks) = (0, 0);
            testkit::eventually(&format!("{row}: the server has enough"), e2e::PATIENCE, || {
                let taken = spout.taken();
                looks = if taken == before { looks + 1 } else { 0 };
                before = taken;
                let done = taken > HELD || (taken > 0 && looks == 10);
                async move { Ok::<_, anyhow::Error>(done) }
            })
            .await;
            assert!(spout.taken() <= HELD, "{row}: {} bytes were taken", spout.taken());
            assert_eq!(spout.readers(), 1, "{row}");
            drop(reader);
            connection.abort();
            testkit::eventually(
                &format!("{row}: the stream ends with its reader"),
                e2e::PATIENCE,
                || async { Ok::<_, anyhow::Error>(spout.readers() == 0) },
            )
            .await;
        }
    }
}
