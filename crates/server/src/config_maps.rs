//! Changes of the installation's own ConfigMaps.

use std::collections::BTreeMap;

use ::api::names::label;
use serde_json::{Value, json};
use tonic::Status;

use crate::store::{self, Kind, Store, code};

/// How often a write that met another one is made again.
const ATTEMPTS: usize = 5;

/// Changes the data of a ConfigMap, as it is when it is written; one that is not there is made. `change` says whether anything changes.
pub(crate) async fn change(
    store: &Store,
    name: &str,
    mut change: impl FnMut(&mut BTreeMap<String, String>) -> Result<bool, Status>,
) -> Result<(), Status> {
    let failed = |error: &kube::Error| store::open_status(&format!("changing {name}"), error);
    for _ in 0..ATTEMPTS {
        let there = store.own(Kind::ConfigMap, name).await.map_err(|error| failed(&error))?;
        let entries = there.as_ref().and_then(|map| map.get("data")).and_then(Value::as_object);
        let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        let mut data: BTreeMap<String, String> = entries.into_iter().flatten().filter_map(text).collect();
        if !change(&mut data)? {
            return Ok(());
        }
        let written = match there {
            Some(mut map) => {
                map["data"] = json!(data);
                let namespace =
                    map.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
                store.replace(Kind::ConfigMap, namespace, name, &map).await.map(drop)
            }
            None => {
                let labels = json!({label::PART_OF: "argocd", "app.kubernetes.io/name": name});
                let map = json!({
                    "apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": name, "labels": labels}, "data": data,
                });
                store.create(Kind::ConfigMap, &map).await
            }
        };
        match written {
            Ok(()) => return Ok(()),
            Err(error) if code(&error) == Some(409) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    Err(Status::aborted(format!("{name} changes all the time; try again")))
}
