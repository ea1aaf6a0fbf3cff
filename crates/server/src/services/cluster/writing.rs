//! Clusters that are added, changed and removed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::api::names::{IN_CLUSTER_SERVER, annotation, secret_type};
use rbac::{Action, Decision, Resource};
use serde_json::{Value, json};
use settings::ClusterSecret;
use tonic::Status;

use super::{answer, decide, find, here, layout, object};
use crate::audit;
use crate::call::Reply;
use crate::guard::denied;
use crate::secrets;
use crate::server::Backend;
use crate::services::{Asked, different, text};
use crate::store::{self, Kind, decoded};

/// How long a cluster may take to answer.
const ANSWERING: Duration = Duration::from_secs(20);

pub(super) fn log(ask: &Asked, server: &str, decision: &Decision, what: &'static str) {
    audit::done(&ask.caller, what, ("cluster", &::api::redact_url(server)), decision);
}

fn said(ask: &Asked) -> Result<Value, Status> {
    let said = ask.request.get("cluster").filter(|cluster| cluster.is_object()).cloned();
    said.ok_or_else(|| Status::invalid_argument("missing payload 'cluster' in request"))
}

/// **Errors**: it does not answer to whom its Secret makes us.
pub(super) async fn test(backend: &Backend, secret: &ClusterSecret) -> Result<(), Status> {
    let asked = backend.controller.cluster_version(secret);
    let outcome = match tokio::time::timeout(ANSWERING, Box::pin(asked)).await {
        Ok(outcome) => outcome.map(drop),
        Err(_) => Err(format!("no answer within {} s", ANSWERING.as_secs())),
    };
    outcome.map_err(|error| Status::failed_precondition(format!("error getting server version: {error}")))
}

/// Waits until the settings have a cluster as it was written.
pub(super) async fn told(backend: &Backend, written: &ClusterSecret) {
    secrets::told(&backend.settings, |snapshot| snapshot.clusters.iter().any(|one| one == written)).await;
}

/// **Source**: `Server.Create`: it has to answer first; one that is there already and equal is the answer, and a different one is changed with
/// `upsert` only.
pub(super) async fn create(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let cluster = said(&ask)?;
    let (project, server) = (text(&cluster, "project"), text(&cluster, "server"));
    let decision = ask.caller.guard.decide(Resource::Clusters, Action::Create, object(project, server))?;
    let snapshot = backend.settings.current();
    if server == IN_CLUSTER_SERVER && !snapshot.settings.in_cluster_enabled {
        return Err(Status::invalid_argument("cannot register cluster: in-cluster has been disabled"));
    }
    let known = snapshot.clusters.by_server(server).map(|one| one.secret_name.clone());
    let name = known.clone().map_or_else(|| layout::secret_name(server), Ok)?;
    let data = layout::data(&cluster)?;
    let wanted = layout::parsed(&name, &data)?;
    test(&backend, &wanted).await?;
    if known.is_none() && secrets::create(&backend.store, secret_type::CLUSTER, &name, &data).await? {
        let kept = |data: BTreeMap<_, _>, secret: &mut Value| layout::label(secret, &cluster).map(|()| data);
        secrets::update(&backend.store, secret_type::CLUSTER, &name, kept).await?;
        log(&ask, server, &decision, "added a cluster");
        told(&backend, &wanted).await;
        return answer(&backend, &wanted).await;
    }
    let secret = backend.store.own(Kind::Secret, &name).await;
    let secret = secret.map_err(|error| store::status("reading the cluster", &error))?.unwrap_or_default();
    let there = layout::read(&secret, &decoded(&secret));
    let same = layout::parsed(&name, &decoded(&secret)).is_ok_and(|one| one == wanted)
        && ["labels", "annotations"].iter().all(|field| words(&there, field) == words(&cluster, field));
    if same {
        return answer(&backend, &wanted).await;
    }
    if !ask.request.get("upsert").and_then(Value::as_bool).unwrap_or_default() {
        return Err(different("cluster", &there, &cluster));
    }
    let old = layout::parsed(&name, &decoded(&secret))?;
    let decision = decide(&ask, Action::Update, &old).ok_or_else(denied)?;
    ask.caller.guard.may(Resource::Clusters, Action::Update, object(project, server)).ok_or_else(denied)?;
    write(&backend, &ask, &old, &decision, |_| Ok(cluster.clone())).await
}

fn words(cluster: &Value, field: &str) -> Value {
    cluster.get(field).filter(|words| words.is_object()).cloned().unwrap_or_else(|| json!({}))
}

/// Changes a cluster's Secret; one of the cluster that this runs in, which need not have one, is made.
pub(super) async fn write(
    backend: &Backend,
    ask: &Asked,
    old: &ClusterSecret,
    decision: &Decision,
    change: impl Fn(&Value) -> Result<Value, Status>,
) -> Result<Reply, Status> {
    let name = if old.secret_name.is_empty() {
        let name = layout::secret_name(&old.server)?;
        let data = layout::data(&json!({"server": old.server, "name": old.name}))?;
        secrets::create(&backend.store, secret_type::CLUSTER, &name, &data).await?;
        name
    } else {
        old.secret_name.clone()
    };
    let changed = |data: BTreeMap<String, Vec<u8>>, secret: &mut Value| {
        let cluster = change(&layout::read(secret, &data))?;
        layout::label(secret, &cluster)?;
        layout::data(&cluster)
    };
    let data = secrets::update(&backend.store, secret_type::CLUSTER, &name, changed).await?;
    log(ask, &old.server, decision, "changed a cluster");
    let written = layout::parsed(&name, &data)?;
    told(backend, &written).await;
    answer(backend, &written).await
}

/// **Source**: `Server.Update`: all fields, or those that are named. It has to answer to whom the new ones make us.
pub(super) async fn update(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let cluster = said(&ask)?;
    let named: Vec<&str> = ask
        .request
        .get("updatedFields")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    // The cluster is named by what is said of it where there is no id.
    let mut request = ask.request.clone();
    if request.get("id").is_none_or(|id| text(id, "value").is_empty()) {
        let server = text(&cluster, "server");
        let by = if server.is_empty() { ("name", text(&cluster, "name")) } else { ("url", server) };
        request["id"] = json!({"type": by.0, "value": by.1});
    }
    let ask = Asked { request, ..ask };
    let (old, decision) = find(&backend, &ask, &Action::Update)?.swap_remove(0);
    if named.is_empty() || named.contains(&"project") {
        let moved = object(text(&cluster, "project"), &old.server);
        ask.caller.guard.may(Resource::Clusters, Action::Update, moved).ok_or_else(denied)?;
    }
    let change = |there: &Value| {
        if named.is_empty() {
            let mut new = cluster.clone();
            // Another server is another cluster.
            new["server"] = json!(old.server);
            return Ok(new);
        }
        let mut new = there.clone();
        for field in named.iter().filter(|field| layout::FIELDS.contains(field)) {
            new[*field] = cluster.get(*field).cloned().unwrap_or_default();
        }
        Ok(new)
    };
    let there = match old.secret_name.as_str() {
        "" => json!({"server": old.server, "name": old.name}),
        name => {
            let secret = backend.store.own(Kind::Secret, name).await;
            let secret = secret.map_err(|error| store::status("reading the cluster", &error))?;
            let secret = secret.ok_or_else(denied)?;
            layout::read(&secret, &decoded(&secret))
        }
    };
    test(&backend, &layout::parsed(&old.secret_name, &layout::data(&change(&there)?)?)?).await?;
    write(&backend, &ask, &old, &decision, change).await
}

/// **Source**: `Server.Delete`: all of the name where a name is said, and only if all of them may go.
pub(super) async fn delete(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let found = find(&backend, &ask, &Action::Delete)?;
    if let Some((one, _)) = found.iter().find(|(one, _)| one.secret_name.is_empty()) {
        return Err(Status::not_found(format!("cluster \"{}\" not found: it has no Secret", one.server)));
    }
    for (one, decision) in &found {
        secrets::remove(&backend.store, &one.secret_name).await?;
        log(&ask, &one.server, decision, "removed a cluster");
        secrets::told(&backend.settings, |snapshot| {
            !snapshot.clusters.iter().any(|other| other.secret_name == one.secret_name)
        })
        .await;
    }
    Ok(json!({}).into())
}

/// `InvalidateCache`: the request is put on record, as the peer does; what is known of a cluster needs none, for it is watched.
pub(super) async fn invalidate(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (one, decision) = find(&backend, &ask, &Action::Update)?.swap_remove(0);
    if one.secret_name.is_empty() {
        return answer(&backend, &here()).await;
    }
    let asked_at = ::api::format_time(backend.now());
    let patch = json!({"metadata": {"annotations": {annotation::REFRESH: asked_at}}});
    let patched = backend.store.patch_own(Kind::Secret, &one.secret_name, &patch).await;
    patched.map_err(|error| store::status("changing the cluster", &error))?;
    log(&ask, &one.server, &decision, "asked for a look at a cluster");
    answer(&backend, &one).await
}
