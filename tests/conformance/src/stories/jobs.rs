use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::api::Api;

const JOBS: &str = "batch/v1/jobs";

fn job(name: &str, image: &str, mut spec: Value) -> Value {
    spec["template"] =
        json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}});
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec})
}

fn reason(job: &Value, kind: &str) -> Option<String> {
    let all = job["status"]["conditions"].as_array()?;
    let found = all.iter().find(|c| c["type"] == kind && c["status"] == "True")?;
    Some(found["reason"].as_str().unwrap_or_default().to_owned())
}

pub(super) async fn a_job_completes(api: &Api) -> Result<()> {
    api.create(JOBS, &job("once", "busybox:1", json!({"completions": 3, "parallelism": 2}))).await?;
    let done = api.until("complete", JOBS, "once", |job| reason(job, "Complete").is_some()).await?;
    let status = &done["status"];
    ensure!(status["succeeded"] == 3 && status.get("active").is_none(), "{status}");
    ensure!(status["startTime"].is_string() && status["completionTime"].is_string(), "{status}");
    ensure!(reason(&done, "SuccessCriteriaMet").as_deref() == Some("CompletionsReached"), "{status}");
    let pods = api.list("v1/pods").await?;
    ensure!(pods.len() == 3 && pods.iter().all(|p| p["status"]["phase"] == "Succeeded"), "{pods:?}");
    ensure!(pods[0]["metadata"]["labels"]["batch.kubernetes.io/job-name"] == "once", "{}", pods[0]);
    ensure!(
        pods[0]["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed",
        "{}",
        pods[0]
    );
    Ok(())
}

pub(super) async fn a_failing_job_gives_up(api: &Api) -> Result<()> {
    api.create(JOBS, &job("fails", "busybox:crash", json!({"backoffLimit": 0}))).await?;
    let done = api.until("failed", JOBS, "fails", |job| reason(job, "Failed").is_some()).await?;
    ensure!(reason(&done, "Failed").as_deref() == Some("BackoffLimitExceeded"), "{}", done["status"]);
    ensure!(
        done["status"]["failed"] == 1 && done["status"].get("completionTime").is_none(),
        "{}",
        done["status"]
    );
    Ok(())
}
