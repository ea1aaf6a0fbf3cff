use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::workload;
use crate::api::Api;

pub(super) async fn a_service_knows_its_pods(api: &Api) -> Result<()> {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}});
    api.create("v1/services", &service).await?;
    api.create("apps/v1/deployments", &workload("Deployment", "web", "nginx:1", json!({"replicas": 2})))
        .await?;
    let knows = |count: usize| {
        move |slices: &[Value]| {
            slices.len() == 1
                && slices[0]["endpoints"].as_array().is_some_and(|all| {
                    all.len() == count && all.iter().all(|e| e["conditions"]["ready"] == true)
                })
        }
    };
    let slices = "discovery.k8s.io/v1/endpointslices";
    let found = api.until_list("two ready endpoints", slices, knows(2)).await?;
    ensure!(found[0]["metadata"]["labels"]["kubernetes.io/service-name"] == "web", "{}", found[0]);
    ensure!(found[0]["ports"][0]["port"] == 8080, "{}", found[0]);
    ensure!(found[0]["endpoints"][0]["targetRef"]["kind"] == "Pod", "{}", found[0]);
    api.patch("apps/v1/deployments", "web", &json!({"spec": {"replicas": 1}})).await?;
    api.until_list("one ready endpoint", slices, knows(1)).await?;
    Ok(())
}

pub(super) async fn addresses_are_given(api: &Api) -> Result<()> {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "open"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}});
    api.create("v1/services", &service).await?;
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "open"},
        "spec": {"defaultBackend": {"service": {"name": "open", "port": {"number": 80}}}}});
    api.create("networking.k8s.io/v1/ingresses", &ingress).await?;
    let has_address = |o: &Value| o["status"]["loadBalancer"]["ingress"][0]["ip"].is_string();
    api.until("a load balancer", "v1/services", "open", has_address).await?;
    api.until("an Ingress", "networking.k8s.io/v1/ingresses", "open", has_address).await?;
    Ok(())
}
