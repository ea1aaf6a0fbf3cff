use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::workload;
use crate::api::Api;

const DEPLOYMENTS: &str = "apps/v1/deployments";
const REPLICA_SETS: &str = "apps/v1/replicasets";

fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let all = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().find(|c| c["type"] == kind).unwrap_or(&Value::Null)
}

/// As `kubectl rollout status` judges it.
fn rolled_out(deployment: &Value) -> bool {
    let replicas = deployment["spec"]["replicas"].as_i64();
    let status = &deployment["status"];
    let zero = Some(0).filter(|_| replicas == Some(0));
    status["observedGeneration"] == deployment["metadata"]["generation"]
        && status["updatedReplicas"].as_i64().or(zero) == replicas
        && status["replicas"].as_i64().or(zero) == replicas
        && status["availableReplicas"].as_i64().or(zero) == replicas
}

async fn start(api: &Api, image: &str, spec: Value) -> Result<Value> {
    api.create(DEPLOYMENTS, &workload("Deployment", "web", image, spec)).await?;
    api.until("rolled out", DEPLOYMENTS, "web", rolled_out).await
}

async fn set_image(api: &Api, image: &str) -> Result<Value> {
    let containers =
        json!([{"name": "main", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}]);
    api.patch(DEPLOYMENTS, "web", &json!({"spec": {"template": {"spec": {"containers": containers}}}})).await
}

pub(super) async fn a_deployment_becomes_available(api: &Api) -> Result<()> {
    let deployment = start(api, "nginx:1", json!({"replicas": 3})).await?;
    let status = &deployment["status"];
    ensure!(status["readyReplicas"] == 3 && status.get("unavailableReplicas").is_none(), "{status}");
    let settled = api
        .until("says so", DEPLOYMENTS, "web", |d| {
            condition(d, "Progressing")["reason"] == "NewReplicaSetAvailable"
        })
        .await?;
    ensure!(condition(&settled, "Available")["reason"] == "MinimumReplicasAvailable", "{settled}");
    ensure!(settled["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1", "{settled}");
    let sets = api.list(REPLICA_SETS).await?;
    let [set] = sets.as_slice() else { anyhow::bail!("one ReplicaSet, not {sets:?}") };
    let hash = &set["metadata"]["labels"]["pod-template-hash"];
    ensure!(set["metadata"]["name"] == format!("web-{}", hash.as_str().unwrap_or("?")), "{set}");
    ensure!(set["spec"]["selector"]["matchLabels"]["pod-template-hash"] == *hash, "{set}");
    let message = format!("ReplicaSet {} has successfully progressed.", set["metadata"]["name"]);
    ensure!(condition(&settled, "Progressing")["message"] == message.as_str(), "{settled}");
    for pod in api.list("v1/pods").await? {
        let container = &pod["status"]["containerStatuses"][0];
        ensure!(pod["status"]["phase"] == "Running" && condition(&pod, "Ready")["status"] == "True", "{pod}");
        ensure!(
            container["ready"] == true && container["state"]["running"]["startedAt"].is_string(),
            "{pod}"
        );
        ensure!(pod["status"]["podIP"].is_string() && pod["spec"]["nodeName"].is_string(), "{pod}");
        ensure!(pod["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet", "{pod}");
    }
    api.patch(DEPLOYMENTS, "web", &json!({"spec": {"replicas": 1}})).await?;
    api.until("scaled down", DEPLOYMENTS, "web", rolled_out).await?;
    api.until_list("one pod", "v1/pods", |pods| pods.len() == 1).await?;
    Ok(())
}

pub(super) async fn a_new_image_rolls_out_and_back(api: &Api) -> Result<()> {
    start(api, "nginx:1", json!({"replicas": 4})).await?;
    set_image(api, "nginx:2").await?;
    let deployment = api.until("rolled out", DEPLOYMENTS, "web", rolled_out).await?;
    ensure!(
        deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2",
        "{deployment}"
    );
    let is_new = |pods: &[Value]| {
        pods.len() == 4 && pods.iter().all(|p| p["spec"]["containers"][0]["image"] == "nginx:2")
    };
    api.until_list("only new pods", "v1/pods", is_new).await?;
    let sizes = |sets: &[Value]| {
        let mut sizes: Vec<_> = sets.iter().filter_map(|s| s["spec"]["replicas"].as_i64()).collect();
        sizes.sort_unstable();
        sizes
    };
    api.until_list("the old set is kept, empty", REPLICA_SETS, |sets| sizes(sets) == [0, 4]).await?;
    set_image(api, "nginx:1").await?;
    let back = api.until("rolled back", DEPLOYMENTS, "web", rolled_out).await?;
    ensure!(back["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3", "{back}");
    api.until_list("the first set is used again", REPLICA_SETS, |sets| sizes(sets) == [0, 4]).await?;
    Ok(())
}

pub(super) async fn a_bad_image_stops_the_rollout_and_costs_nothing(api: &Api) -> Result<()> {
    start(api, "nginx:1", json!({"replicas": 2, "progressDeadlineSeconds": 2})).await?;
    set_image(api, "nginx:does-not-exist").await?;
    let stuck = |d: &Value| condition(d, "Progressing")["reason"] == "ProgressDeadlineExceeded";
    let deployment = api.until("gives up", DEPLOYMENTS, "web", stuck).await?;
    let progressing = condition(&deployment, "Progressing");
    ensure!(progressing["status"] == "False", "{progressing}");
    let message = progressing["message"].as_str().unwrap_or_default();
    ensure!(message.ends_with("\" has timed out progressing."), "{message}");
    ensure!(deployment["status"]["availableReplicas"] == 2, "the old pods are still there: {deployment}");
    let waits = |pod: &Value| {
        let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
        waiting["reason"] == "ImagePullBackOff"
            && waiting["message"]
                .as_str()
                .is_some_and(|m| m.starts_with("Back-off pulling image \"nginx:does-not-exist\""))
    };
    api.until_list("one pod backs off", "v1/pods", |pods| pods.iter().filter(|p| waits(p)).count() == 1)
        .await?;
    set_image(api, "nginx:3").await?;
    let good = api.until("the next one goes through", DEPLOYMENTS, "web", rolled_out).await?;
    ensure!(good["status"]["availableReplicas"] == 2, "{good}");
    Ok(())
}

pub(super) async fn a_paused_deployment_waits(api: &Api) -> Result<()> {
    start(api, "nginx:1", json!({"replicas": 1})).await?;
    api.patch(DEPLOYMENTS, "web", &json!({"spec": {"paused": true}})).await?;
    set_image(api, "nginx:2").await?;
    let observed = |d: &Value| {
        d["status"]["observedGeneration"] == d["metadata"]["generation"]
            && condition(d, "Progressing")["reason"] == "DeploymentPaused"
    };
    api.until("sees the pause", DEPLOYMENTS, "web", observed).await?;
    let sets = api.list(REPLICA_SETS).await?;
    ensure!(sets.len() == 1, "no new set while paused: {sets:?}");
    api.patch(DEPLOYMENTS, "web", &json!({"spec": {"paused": null}})).await?;
    api.until("goes on", DEPLOYMENTS, "web", rolled_out).await?;
    let sets = api.list(REPLICA_SETS).await?;
    ensure!(sets.len() == 2, "{sets:?}");
    Ok(())
}

pub(super) async fn recreate_ends_the_old_pods_first(api: &Api) -> Result<()> {
    start(api, "nginx:1", json!({"replicas": 2, "strategy": {"type": "Recreate"}})).await?;
    set_image(api, "nginx:does-not-exist").await?;
    let only_new = |pods: &[Value]| {
        pods.len() == 2 && pods.iter().all(|p| p["spec"]["containers"][0]["image"] == "nginx:does-not-exist")
    };
    api.until_list("only new pods", "v1/pods", only_new).await?;
    let down = |d: &Value| {
        condition(d, "Available")["reason"] == "MinimumReplicasUnavailable"
            && d["status"]["unavailableReplicas"] == 2
    };
    api.until("says that it is down", DEPLOYMENTS, "web", down).await?;
    Ok(())
}

pub(super) async fn a_deleted_pod_comes_back(api: &Api) -> Result<()> {
    start(api, "nginx:1", json!({"replicas": 1})).await?;
    let pods = api.list("v1/pods").await?;
    let name = pods[0]["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    api.delete("v1/pods", &name).await?;
    let replaced = |pods: &[Value]| pods.len() == 1 && pods[0]["metadata"]["name"] != name.as_str();
    api.until_list("another pod", "v1/pods", replaced).await?;
    api.until("available again", DEPLOYMENTS, "web", rolled_out).await?;
    Ok(())
}

pub(super) async fn a_crashing_container_backs_off(api: &Api) -> Result<()> {
    api.create(DEPLOYMENTS, &workload("Deployment", "web", "web:crash", json!({"replicas": 1}))).await?;
    let backs_off = |pods: &[Value]| {
        pods.iter().any(|pod| {
            let container = &pod["status"]["containerStatuses"][0];
            container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
                && container["lastState"]["terminated"]["exitCode"] == 1
                && container["restartCount"].as_i64() > Some(0)
        })
    };
    api.until_list("backs off", "v1/pods", backs_off).await?;
    let down = |d: &Value| condition(d, "Available")["status"] == "False";
    api.until("not available", DEPLOYMENTS, "web", down).await?;
    Ok(())
}
