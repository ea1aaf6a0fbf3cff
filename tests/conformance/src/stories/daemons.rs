use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::workload;
use crate::api::Api;

const DAEMON_SETS: &str = "apps/v1/daemonsets";

fn settled(set: &Value) -> bool {
    let status = &set["status"];
    let nodes = status["desiredNumberScheduled"].as_i64();
    status["observedGeneration"] == set["metadata"]["generation"]
        && nodes > Some(1)
        && status["numberAvailable"].as_i64() == nodes
        && status["updatedNumberScheduled"].as_i64() == nodes
        && status["currentNumberScheduled"].as_i64() == nodes
}

pub(super) async fn a_daemon_set_covers_the_nodes(api: &Api) -> Result<()> {
    api.create(DAEMON_SETS, &workload("DaemonSet", "agent", "agent:1", json!({}))).await?;
    let set = api.until("on all nodes", DAEMON_SETS, "agent", settled).await?;
    ensure!(set["status"]["numberMisscheduled"] == 0, "{}", set["status"]);
    let pods = api.list("v1/pods").await?;
    let mut nodes: Vec<_> = pods.iter().filter_map(|p| p["spec"]["nodeName"].as_str()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    ensure!(nodes.len() == pods.len(), "one pod a node: {nodes:?}");
    let containers = json!([{"name": "main", "image": "agent:2"}]);
    api.patch(DAEMON_SETS, "agent", &json!({"spec": {"template": {"spec": {"containers": containers}}}}))
        .await?;
    api.until("updated", DAEMON_SETS, "agent", settled).await?;
    let is_new = |pods: &[Value]| {
        pods.len() == nodes.len() && pods.iter().all(|p| p["spec"]["containers"][0]["image"] == "agent:2")
    };
    api.until_list("only new pods", "v1/pods", is_new).await?;
    Ok(())
}
