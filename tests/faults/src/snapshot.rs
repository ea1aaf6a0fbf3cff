//! A cluster's state without what differs from run to run: ids, times, versions, ports, commit ids.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::Rig;

const LISTS: [&str; 7] = [
    "/api/v1/configmaps",
    "/api/v1/secrets",
    "/api/v1/namespaces",
    "/apis/apps/v1/deployments",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/apis/faults~.example.com/v1/widgets",
    "/apis/argoproj.io/v1alpha1/applications",
];

/// Objects by kind, namespace and name. `history` says whether it counts, too, which commits were synced on the way, and what
/// applications that are gone leave behind: a story told in haste may end one before it began.
pub async fn take(rig: &Rig, history: bool) -> Result<BTreeMap<String, Value>> {
    let commits = rig.repository.git(&["log", "--reverse", "--format=%H"])?;
    let mut names: Vec<(String, String)> =
        commits.lines().enumerate().map(|(n, commit)| (commit.to_owned(), format!("COMMIT-{n}"))).collect();
    names.push((rig.git.base_url(), "GIT".to_owned()));
    if !rig.mark.is_empty() {
        names.push((rig.mark.clone(), String::new()));
    }
    let mut all = BTreeMap::new();
    for list in LISTS {
        let Some(found) = rig.api.get(&rig.at(list)).await? else { continue };
        for object in found["items"].as_array().context("no list")? {
            let metadata = &object["metadata"];
            let name = format!(
                "{}:{}/{}",
                list.rsplit('/').next().unwrap_or_default(),
                text(&metadata["namespace"]),
                text(&metadata["name"])
            );
            if !name.contains(&rig.mark) {
                continue;
            }
            let name = if rig.mark.is_empty() { name } else { name.replace(&rig.mark, "") };
            let application = list.ends_with("/applications");
            let gone = ["one~", "leaf~"].map(|name| Value::from(rig.at(name)));
            // Definitions outlive their application, too.
            let left_behind = gone.contains(&metadata["namespace"])
                || (list.ends_with("/namespaces") && gone.contains(&metadata["name"]))
                || text(&metadata["name"]).starts_with("widgets.faults");
            if !application && (metadata["namespace"] == rig.at("argocd~") || (left_behind && !history)) {
                continue;
            }
            let plain = if application { application_of(object, history) } else { plain(object) };
            let text = names.iter().fold(plain.to_string(), |text, (from, to)| text.replace(from, to));
            all.insert(name, serde_json::from_str(&text)?);
        }
    }
    Ok(all)
}

/// The differences of two states, one a line.
pub fn differences(expected: &BTreeMap<String, Value>, found: &BTreeMap<String, Value>) -> Vec<String> {
    let keys: std::collections::BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let different = keys.into_iter().filter(|key| expected.get(*key) != found.get(*key));
    different
        .map(|key| {
            format!(
                "{key}:\n  expected {:?}\n  found    {:?}",
                expected.get(key).map(Value::to_string),
                found.get(key).map(Value::to_string)
            )
        })
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn plain(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["uid", "resourceVersion", "creationTimestamp", "generation"] {
            metadata.remove(field);
        }
        let managers = metadata.remove("managedFields");
        let mut managers: Vec<Value> = managers.and_then(|m| m.as_array().cloned()).unwrap_or_default();
        managers.retain(|entry| entry["subresource"].is_null());
        for entry in &mut managers {
            if let Some(entry) = entry.as_object_mut() {
                entry.remove("time");
            }
        }
        managers.sort_by_key(Value::to_string);
        metadata.insert("managers".to_owned(), Value::Array(managers));
    }
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
    }
    object
}

fn application_of(app: &Value, history: bool) -> Value {
    let status = &app["status"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let resources: Vec<Value> = list(&status["resources"])
        .iter()
        .map(|r| {
            json!([r["group"], r["kind"], r["namespace"], r["name"], r["status"], r["health"]["status"]])
        })
        .collect();
    let past: Vec<Value> = list(&status["history"]).iter().map(|h| json!([h["id"], h["revision"]])).collect();
    json!({
        "spec": app["spec"],
        "operation": app["operation"],
        "finalizers": app["metadata"]["finalizers"],
        "deleting": !app["metadata"]["deletionTimestamp"].is_null(),
        "sync": [status["sync"]["status"], if history { status["sync"]["revision"].clone() } else { Value::Null }],
        "health": status["health"]["status"],
        "phase": status["operationState"]["phase"],
        "synced": if history { status["operationState"]["syncResult"]["revision"].clone() } else { Value::Null },
        "conditions": list(&status["conditions"]).iter().map(|c| c["type"].clone()).collect::<Vec<_>>(),
        "resources": resources,
        "history": if history { json!(past) } else { Value::Null },
    })
}
