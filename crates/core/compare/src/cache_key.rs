//! What an answer of the server can be kept under.

use resource::Object;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::rules::Rules;

/// A hash of everything that the answer of a dry run depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey(pub [u8; 32]);

/// Hashes desired, the rules, and live without what changes though nothing that counts does: `status` where it
/// counts for nothing, `resourceVersion`, `generation`, and the times in the managed fields, entries of subresources
/// included.
pub fn cache_key(desired: &Object, live: &Object, rules: &Rules) -> CacheKey {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(&rules.fingerprint);
    part(json(&desired.to_value()).as_bytes());
    let ignore_status = rules.ignores_status(&live.group_kind());
    for (field, value) in live.as_map().iter().filter(|(field, _)| !(ignore_status && *field == "status")) {
        part(field.as_bytes());
        match value {
            Value::Object(metadata) if field == "metadata" => {
                for (field, value) in metadata {
                    match field.as_str() {
                        "resourceVersion" | "generation" => {}
                        "managedFields" => part(json(&without_times(value, ignore_status)).as_bytes()),
                        _ => {
                            part(field.as_bytes());
                            part(json(value).as_bytes());
                        }
                    }
                }
            }
            _ => part(json(value).as_bytes()),
        }
    }
    CacheKey(hash.finalize().into())
}

fn without_times(entries: &Value, ignore_status: bool) -> Value {
    let entries = entries.as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let counts = entries.filter(|entry| {
        !(ignore_status && entry.get("subresource").and_then(Value::as_str) == Some("status"))
    });
    counts
        .map(|entry| {
            let mut entry = entry.clone();
            if let Some(entry) = entry.as_object_mut() {
                entry.remove("time");
            }
            entry
        })
        .collect()
}

fn json(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(change: impl FnOnce(&mut Value)) -> Object {
        let mut value = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "resourceVersion": "1", "generation": 1, "labels": {"a": "b"},
                "managedFields": [
                    {"manager": "argocd-controller", "operation": "Apply", "time": "2026-01-01T00:00:00Z",
                     "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                    {"manager": "kcm", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}}]},
            "spec": {"replicas": 3}, "status": {"replicas": 1}});
        change(&mut value);
        Object::from_value(value).unwrap()
    }

    #[test]
    fn churn_costs_nothing_and_changes_count() {
        let desired = object(|_| {});
        let rules = Rules::default();
        let key = cache_key(&desired, &object(|_| {}), &rules);
        type Row = (&'static str, bool, fn(&mut Value));
        let rows: [Row; 8] = [
            ("status", true, |value| value["status"]["replicas"] = json!(2)),
            ("resourceVersion", true, |value| value["metadata"]["resourceVersion"] = json!("2")),
            ("generation", true, |value| value["metadata"]["generation"] = json!(2)),
            ("times", true, |value| value["metadata"]["managedFields"][0]["time"] = json!("x")),
            ("owner of status", true, |value| {
                value["metadata"]["managedFields"][1]["fieldsV1"] = json!({"f:status": {"f:replicas": {}}});
            }),
            ("spec", false, |value| value["spec"]["replicas"] = json!(2)),
            ("labels", false, |value| value["metadata"]["labels"]["a"] = json!("c")),
            ("ownership", false, |value| value["metadata"]["managedFields"][0]["manager"] = json!("x")),
        ];
        for (row, same, change) in rows {
            assert_eq!(cache_key(&desired, &object(change), &rules) == key, same, "{row}");
        }
        let (other, _) = Rules::compile(&[crate::IgnoreRule::default()], &[], crate::Options::default());
        assert_ne!(cache_key(&desired, &object(|_| {}), &other), key, "rules count");
    }
}
