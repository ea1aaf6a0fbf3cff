//! The real API server comes up, answers as it should, and leaves nothing behind.

use std::path::Path;
use std::time::Duration;

use testkit::{RealCluster, RealOptions, eventually};

#[tokio::test]
async fn serves_logs_and_ends() {
    let options = RealOptions { audit_log: true, ..RealOptions::default() };
    let Some(cluster) = RealCluster::start(options).await.unwrap() else { return };
    let version = cluster.client().apiserver_version().await.unwrap();
    assert_eq!(version.git_version, testkit::KUBERNETES_VERSION);

    let namespaces = || http::Request::get("/api/v1/namespaces?limit=1").body(Vec::new()).unwrap();
    let nobody = cluster.client_as("nobody").await.unwrap();
    let refused = nobody.request_text(namespaces()).await.unwrap_err();
    assert!(refused.to_string().contains("\"nobody\" cannot list resource \"namespaces\""), "{refused}");
    let entry = cluster.audit().into_iter().find(|e| e.user == "nobody").expect("the refusal was logged");
    assert_eq!((entry.verb.as_str(), entry.resource.as_str(), entry.code), ("list", "namespaces", 403));

    cluster.stop_api_server();
    cluster.client().request_text(namespaces()).await.unwrap_err();
    cluster.start_api_server().await.unwrap();
    cluster.client().request_text(namespaces()).await.unwrap();

    cluster.stop_etcd();
    cluster.start_etcd().await.unwrap();
    eventually("it has its etcd back", Duration::from_secs(60), || async {
        cluster.client().request_text(namespaces()).await.map(|_| true)
    })
    .await;

    assert!(cluster.cpu_seconds()["kube-apiserver"] > 0.0);
    let folder = cluster.kubeconfig().parent().unwrap().to_owned();
    drop(cluster);
    assert!(!folder.exists());
    assert!(!process_mentions(&folder), "a part outlived the cluster");
}

#[tokio::test]
async fn the_controller_manager_deletes_namespaces() {
    let options = RealOptions { controller_manager: true, scheduler: true, ..RealOptions::default() };
    let Some(cluster) = RealCluster::start(options).await.unwrap() else { return };
    let client = cluster.client();
    let body = br#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"short"}}"#.to_vec();
    let create = http::Request::post("/api/v1/namespaces").body(body).unwrap();
    client.request_text(create).await.unwrap();
    let path = "/api/v1/namespaces/short";
    client.request_text(http::Request::delete(path).body(Vec::new()).unwrap()).await.unwrap();
    eventually("the namespace is gone", Duration::from_secs(60), || async {
        match client.request_text(http::Request::get(path).body(Vec::new()).unwrap()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(true),
            Ok(_) => Ok(false),
            Err(error) => Err(error),
        }
    })
    .await;
}

fn process_mentions(folder: &Path) -> bool {
    let folder = folder.display().to_string();
    std::fs::read_dir("/proc").expect("Linux has /proc").flatten().any(|entry| {
        std::fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&folder))
    })
}
