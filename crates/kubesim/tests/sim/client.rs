//! The in-process client: kube's own discovery, lists, watches and errors.

use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::{
    Api, Discovery,
    api::{ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    discovery::verbs,
};
use kubesim::{KubeSim, Options};
use serde_json::json;

#[tokio::test]
async fn discovery_finds_the_kinds() {
    let client = KubeSim::new(Options::default()).client();
    for discovery in [
        Discovery::new(client.clone()).run_aggregated().await.unwrap(),
        Discovery::new(client).run().await.unwrap(),
    ] {
        let apps = discovery.get("apps").unwrap();
        let (resource, capabilities) = apps.recommended_kind("Deployment").unwrap();
        assert_eq!((resource.api_version.as_str(), resource.plural.as_str()), ("apps/v1", "deployments"));
        assert!(capabilities.supports_operation(verbs::WATCH));
        let core = discovery.groups().find(|g| g.name().is_empty()).unwrap();
        assert!(core.recommended_kind("Secret").is_some());
    }
}

#[tokio::test]
async fn a_watch_sees_what_is_applied() {
    let sim = KubeSim::new(Options::default());
    let maps: Api<ConfigMap> = Api::default_namespaced(sim.client());
    let revision = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut events = maps.watch(&WatchParams::default(), &revision).await.unwrap().boxed();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1"}});
    maps.patch("a", &PatchParams::apply("test"), &Patch::Apply(map)).await.unwrap();
    let event = events.next().await.unwrap().unwrap();
    assert!(matches!(event, WatchEvent::Added(map) if map.metadata.name.as_deref() == Some("a")));
}

#[tokio::test]
async fn errors_are_statuses() {
    let sim = KubeSim::new(Options::default());
    let pods: Api<Pod> = Api::namespaced(sim.client(), "none");
    let error = pods.create(&PostParams::default(), &Pod::default()).await.unwrap_err();
    assert!(matches!(error, kube::Error::Api(status) if status.code == 422 && status.reason == "Invalid"));
    let error = pods.get("a").await.unwrap_err();
    assert!(matches!(error, kube::Error::Api(status) if status.message == "pods \"a\" not found"));
}
