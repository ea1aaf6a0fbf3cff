use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::workload;
use crate::api::Api;

const STATEFUL_SETS: &str = "apps/v1/statefulsets";

fn settled(set: &Value) -> bool {
    let replicas = &set["spec"]["replicas"];
    let status = &set["status"];
    status["observedGeneration"] == set["metadata"]["generation"]
        && status["readyReplicas"] == *replicas
        && status["updatedReplicas"] == *replicas
        && status["replicas"] == *replicas
        && status["currentRevision"] == status["updateRevision"]
}

pub(super) async fn a_stateful_set_goes_up_and_down_in_order(api: &Api) -> Result<()> {
    let claim = json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}}}});
    let spec = json!({"replicas": 3, "serviceName": "db", "volumeClaimTemplates": [claim]});
    api.create(STATEFUL_SETS, &workload("StatefulSet", "db", "postgres:1", spec)).await?;
    let set = api.until("all ready", STATEFUL_SETS, "db", settled).await?;
    let revision = set["status"]["updateRevision"].clone();
    let pods = api.list("v1/pods").await?;
    let names: Vec<_> = pods.iter().filter_map(|p| p["metadata"]["name"].as_str()).collect();
    ensure!(names == ["db-0", "db-1", "db-2"], "{names:?}");
    let labels = &pods[1]["metadata"]["labels"];
    ensure!(
        labels["statefulset.kubernetes.io/pod-name"] == "db-1"
            && labels["apps.kubernetes.io/pod-index"] == "1",
        "{labels}"
    );
    ensure!(labels["controller-revision-hash"] == revision, "{labels}");
    ensure!(pods[1]["spec"]["hostname"] == "db-1" && pods[1]["spec"]["subdomain"] == "db", "{}", pods[1]);
    let bound =
        |claims: &[Value]| claims.len() == 3 && claims.iter().all(|c| c["status"]["phase"] == "Bound");
    let claims = api.until_list("claims are bound", "v1/persistentvolumeclaims", bound).await?;
    ensure!(
        claims[0]["metadata"]["name"] == "data-db-0" && claims[0]["spec"]["volumeName"].is_string(),
        "{}",
        claims[0]
    );

    let containers = json!([{"name": "main", "image": "postgres:2"}]);
    api.patch(STATEFUL_SETS, "db", &json!({"spec": {"template": {"spec": {"containers": containers}}}}))
        .await?;
    let set = api
        .until("updated", STATEFUL_SETS, "db", |s| settled(s) && s["status"]["updateRevision"] != revision)
        .await?;
    ensure!(set["status"]["currentReplicas"] == 3, "{}", set["status"]);

    api.patch(STATEFUL_SETS, "db", &json!({"spec": {"replicas": 1}})).await?;
    api.until("scaled down", STATEFUL_SETS, "db", settled).await?;
    let pods = api.until_list("one pod", "v1/pods", |pods| pods.len() == 1).await?;
    ensure!(pods[0]["metadata"]["name"] == "db-0", "{}", pods[0]);
    ensure!(api.list("v1/persistentvolumeclaims").await?.len() == 3, "claims stay");
    Ok(())
}
