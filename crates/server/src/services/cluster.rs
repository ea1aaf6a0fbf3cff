//! `cluster.ClusterService`: where applications go.

use ::api::names::IN_CLUSTER_SERVER;
use rbac::{Action, Object, Resource};
use serde_json::{Value, json};

use super::{Asked, Table, text};
use crate::call::NoSuchMethod;
use crate::guard::denied;
use crate::server::Backend;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.plain("cluster.ClusterService/List", |backend, ask| {
        let (name, server) = (text(&ask.request, "name"), text(&ask.request, "server"));
        let mut clusters = known(backend);
        clusters.retain(|cluster| {
            (name.is_empty() || name == text(cluster, "name"))
                && (server.is_empty() || is_server(cluster, server))
                && may_see(ask, cluster)
        });
        Ok(json!({"metadata": {}, "items": clusters}))
    })?;
    table.plain("cluster.ClusterService/Get", |backend, ask| {
        let id = ask.request.get("id");
        let kind = id.map_or("", |id| text(id, "type"));
        let value = id.map_or("", |id| text(id, "value"));
        let (name, server) = match (value, kind) {
            ("", _) => (text(&ask.request, "name"), text(&ask.request, "server")),
            (value, "name" | "name_escaped") => (value, ""),
            (value, _) => ("", value),
        };
        let wanted = |cluster: &Value| {
            if server.is_empty() { name == text(cluster, "name") } else { is_server(cluster, server) }
        };
        // One that is not there and one that may not be seen are told alike.
        known(backend).into_iter().find(|cluster| wanted(cluster) && may_see(ask, cluster)).ok_or_else(denied)
    })
}

/// One identity, however it is written.
fn is_server(cluster: &Value, server: &str) -> bool {
    text(cluster, "server").trim_end_matches('/').eq_ignore_ascii_case(server.trim_end_matches('/'))
}

fn may_see(ask: &Asked, cluster: &Value) -> bool {
    let project = Some(text(cluster, "project")).filter(|project| !project.is_empty());
    let object = Object::scoped(project, text(cluster, "server"));
    ask.caller.guard.may(Resource::Clusters, Action::Get, object).is_some()
}

/// All clusters as they are shown: where they are and how they are, and nothing of how to log in.
fn known(backend: &Backend) -> Vec<Value> {
    let snapshot = backend.settings.current();
    let secrets = snapshot.clusters.iter();
    let figures = backend.controller.clusters();
    let mut all: Vec<Value> = secrets
        .map(|secret| {
            let figure = figures.iter().find(|figure| figure.server == secret.server);
            shown(
                &secret.server,
                &secret.name,
                &secret.project,
                figure.map(|f| (f.connected, f.version.as_str())),
            )
        })
        .collect();
    let named = all.iter().any(|cluster| text(cluster, "server") == IN_CLUSTER_SERVER);
    if snapshot.settings.in_cluster_enabled && !named {
        let home = figures.iter().find(|figure| figure.server == IN_CLUSTER_SERVER);
        let state = home.map(|figure| (figure.connected, figure.version.as_str()));
        all.insert(0, shown(IN_CLUSTER_SERVER, ::api::names::IN_CLUSTER_NAME, "", state));
    }
    all
}

fn shown(server: &str, name: &str, project: &str, state: Option<(bool, &str)>) -> Value {
    let (status, version) = match state {
        Some((true, version)) => ("Successful", version),
        Some((false, version)) => ("Failed", version),
        None => ("Unknown", ""),
    };
    // The peer shows `1.34`.
    let version: Vec<&str> = version.trim_start_matches('v').split('.').take(2).collect();
    let (version, connection) = (version.join("."), json!({"status": status}));
    json!({
        "server": server, "name": name, "project": project, "serverVersion": version, "connectionState": connection,
        "info": {"connectionState": connection, "serverVersion": version},
    })
}
