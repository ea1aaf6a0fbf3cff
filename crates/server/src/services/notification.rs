//! `notification.NotificationService`: names of what `argocd-notifications-cm` configures, for whoever is logged in.

use std::collections::BTreeSet;
use std::sync::Arc;

use ::api::names::config_map;
use serde_json::{Value, json};
use tonic::Status;

use super::Table;
use crate::call::{NoSuchMethod, Reply};
use crate::server::Backend;
use crate::store::{Kind, open_status};

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table
        .one("notification.NotificationService/ListTriggers", |backend, _| list(backend, "trigger", named))?;
    table.one("notification.NotificationService/ListTemplates", |backend, _| {
        list(backend, "template", named)
    })?;
    table.one("notification.NotificationService/ListServices", |backend, _| list(backend, "service", service))
}

/// Names by their order. What a key holds is not looked at: one that is malformed hides no other, as it does in the peer.
///
/// **Source**: `server/notification`, `ParseConfig` of the notifications engine.
async fn list(
    backend: Arc<Backend>,
    kind: &'static str,
    name: fn(&str) -> Option<&str>,
) -> Result<Reply, Status> {
    let map = backend.store.own(Kind::ConfigMap, config_map::NOTIFICATIONS).await;
    let map = map.map_err(|error| open_status("reading argocd-notifications-cm", &error))?;
    let data = map.as_ref().and_then(|map| map.get("data")?.as_object());
    let keys = data.into_iter().flatten().filter_map(|(key, _)| key.strip_prefix(kind)?.strip_prefix('.'));
    let names: BTreeSet<&str> = keys.filter_map(name).collect();
    let items: Vec<Value> = names.into_iter().map(|name| json!({ "name": name })).collect();
    Ok(json!({ "items": items }).into())
}

fn named(rest: &str) -> Option<&str> {
    Some(rest)
}

/// Of `slack` or `webhook.github`, the last part.
fn service(rest: &str) -> Option<&str> {
    let (_, name) = rest.split_once('.').unwrap_or(("", rest));
    (!name.contains('.')).then_some(name)
}
