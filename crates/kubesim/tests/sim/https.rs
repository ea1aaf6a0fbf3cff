//! The API over HTTPS, as a client with a kubeconfig sees it.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client, Config,
    api::{ListParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use kubesim::{KubeSim, Options};

#[tokio::test]
async fn a_client_with_the_kubeconfig_gets_in_and_one_without_does_not() {
    let sim = KubeSim::new(Options::default());
    let serving = sim.serve_https(([127, 0, 0, 1], 0).into()).await.unwrap();
    let kubeconfig = Kubeconfig::from_yaml(&serving.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(Client::try_from(config.clone()).unwrap());
    let mut map = ConfigMap::default();
    map.metadata.name = Some("a".to_owned());
    maps.create(&PostParams::default(), &map).await.unwrap();
    let names: Vec<_> =
        maps.list(&ListParams::default()).await.unwrap().into_iter().map(|m| m.metadata.name).collect();
    assert!(names.contains(&Some("a".to_owned())));

    let mut stranger = config;
    stranger.auth_info = kube::config::AuthInfo::default();
    let maps: Api<ConfigMap> = Api::default_namespaced(Client::try_from(stranger).unwrap());
    let error = maps.get("a").await.unwrap_err();
    assert!(matches!(error, kube::Error::Api(status) if status.code == 401));
    serving.shutdown().await;
}
