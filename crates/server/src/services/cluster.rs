//! `cluster.ClusterService`: where applications go. What is secret of how to log in is taken and never answered.

mod layout;
mod rotation;
mod writing;

use std::collections::BTreeMap;
use std::sync::Arc;

use ::api::names::{IN_CLUSTER_NAME, IN_CLUSTER_SERVER};
use applications::ClusterFigures;
use rbac::{Action, Decision, Object, Resource};
use serde_json::{Value, json};
use settings::{ClusterSecret, Snapshot};
use tonic::Status;

use super::{Asked, Table, text};
use crate::call::{NoSuchMethod, Reply};
use crate::guard::denied;
use crate::server::Backend;
use crate::store::{self, Kind};

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.plain("cluster.ClusterService/List", |backend, ask| {
        let wanted = Wanted::of(&ask.request);
        let (snapshot, seen) = (backend.settings.current(), Seen::of(backend));
        let mut clusters = known(&snapshot);
        clusters.retain(|one| wanted.takes(one) && decide(ask, Action::Get, one).is_some());
        let items: Vec<Value> = clusters.iter().map(|one| seen.shown(one)).collect();
        Ok(json!({"metadata": {}, "items": items}))
    })?;
    table.one("cluster.ClusterService/Get", get)?;
    table.one("cluster.ClusterService/Create", writing::create)?;
    table.one("cluster.ClusterService/Update", writing::update)?;
    table.one("cluster.ClusterService/Delete", writing::delete)?;
    table.one("cluster.ClusterService/InvalidateCache", writing::invalidate)?;
    table.one("cluster.ClusterService/RotateAuth", rotation::rotate)
}

/// Which clusters are meant; what is empty says nothing.
struct Wanted {
    name: String,
    server: String,
}

impl Wanted {
    fn of(request: &Value) -> Self {
        let id = request.get("id").filter(|id| !text(id, "value").is_empty());
        let (name, server) = match id.map(|id| (text(id, "type"), text(id, "value"))) {
            None => (text(request, "name").to_owned(), text(request, "server").to_owned()),
            Some(("name", value)) => (value.to_owned(), String::new()),
            Some(("name_escaped", value)) => (unescaped(value), String::new()),
            Some((_, value)) => (String::new(), value.to_owned()),
        };
        Self { name, server }
    }

    fn takes(&self, one: &ClusterSecret) -> bool {
        (self.name.is_empty() || self.name == one.name)
            && (self.server.is_empty() || same_server(&one.server, &self.server))
    }

    fn is_empty(&self) -> bool {
        self.name.is_empty() && self.server.is_empty()
    }
}

/// As Go's `url.QueryUnescape`.
fn unescaped(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// One identity, however it is written.
fn same_server(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

fn object(project: &str, server: &str) -> Object {
    Object::scoped(Some(project), server)
}

fn decide(ask: &Asked, action: Action, one: &ClusterSecret) -> Option<Decision> {
    ask.caller.guard.may(Resource::Clusters, action, object(&one.project, &one.server))
}

/// The clusters that there are, by their names. The one that this runs in has no Secret unless somebody has made one.
fn known(snapshot: &Snapshot) -> Vec<ClusterSecret> {
    let enabled = snapshot.settings.in_cluster_enabled;
    let all = snapshot.clusters.iter().filter(|one| enabled || one.server != IN_CLUSTER_SERVER);
    let mut all: Vec<ClusterSecret> = all.cloned().collect();
    if enabled && snapshot.clusters.by_server(IN_CLUSTER_SERVER).is_none() {
        all.push(here());
    }
    all
}

fn here() -> ClusterSecret {
    ClusterSecret {
        server: IN_CLUSTER_SERVER.to_owned(),
        name: IN_CLUSTER_NAME.to_owned(),
        ..ClusterSecret::default()
    }
}

/// Those that a request means and with which this may be done. One that is not there and one that may not be touched are told alike.
fn find(backend: &Backend, ask: &Asked, action: &Action) -> Result<Vec<(ClusterSecret, Decision)>, Status> {
    let wanted = Wanted::of(&ask.request);
    let mut all = known(&backend.settings.current());
    all.retain(|one| !wanted.is_empty() && wanted.takes(one));
    let decided: Option<Vec<_>> = all
        .into_iter()
        .map(|one| decide(ask, action.clone(), &one).map(|decision| (one, decision)))
        .collect();
    decided.filter(|some| !some.is_empty()).ok_or_else(denied)
}

/// What is known of all clusters at a moment.
struct Seen {
    figures: Vec<ClusterFigures>,
    /// Applications by the server that they go to, or else by its name.
    applications: BTreeMap<String, i64>,
}

impl Seen {
    fn of(backend: &Backend) -> Self {
        Self { figures: backend.controller.clusters(), applications: backend.apps.by_destination() }
    }

    /// A cluster as it is shown. **Source**: `Cluster.Sanitized`; we leave out what is secret in the URL of a proxy, too.
    fn shown(&self, one: &ClusterSecret) -> Value {
        let figure = self.figures.iter().find(|figure| figure.server == one.server);
        let status = match figure.map(|figure| figure.connected) {
            Some(true) => "Successful",
            Some(false) => "Failed",
            None => "Unknown",
        };
        // The peer shows `1.34`.
        let version = figure.map(|figure| figure.version.as_str()).unwrap_or_default();
        let version: Vec<&str> = version.trim_start_matches('v').split('.').take(2).collect();
        let (version, connection) = (version.join("."), json!({"status": status}));
        let count = |key: &str| self.applications.get(key).copied().unwrap_or_default();
        let counters = figure.and_then(|figure| figure.counters.as_ref());
        let config = &one.config;
        let mut shown = json!({
            "server": one.server, "name": one.name, "project": one.project, "namespaces": one.namespaces,
            "clusterResources": one.cluster_resources, "serverVersion": version, "connectionState": connection,
            "config": {
                "tlsClientConfig": {"insecure": config.tls.insecure},
                "proxyUrl": config.proxy_url.as_ref().map(|url| ::api::redact_url(url.expose())).unwrap_or_default(),
                "awsAuthConfig": config.aws.as_ref().map(|aws| json!({
                    "clusterName": aws.cluster_name, "roleARN": aws.role_arn, "profile": aws.profile,
                })),
            },
            "info": {
                "connectionState": connection, "serverVersion": version,
                "applicationsCount": count(&one.server) + count(&one.name),
                "cacheInfo": {
                    "resourcesCount": counters.map(|counters| counters.objects).unwrap_or_default(),
                    "apisCount": counters.map(|counters| counters.kinds).unwrap_or_default(),
                },
            },
        });
        say_words(&mut shown, &one.labels, &one.annotations);
        shown
    }
}

/// Says the labels and annotations of a cluster's Secret, as far as there are any.
fn say_words(shown: &mut Value, labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>) {
    for (field, words) in [("labels", labels), ("annotations", annotations)] {
        if !words.is_empty() {
            shown[field] = json!(words);
        }
    }
}

/// `Get`: one, with the labels and annotations of its Secret.
async fn get(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (one, _) = find(&backend, &ask, &Action::Get)?.swap_remove(0);
    answer(&backend, &one).await
}

async fn answer(backend: &Backend, one: &ClusterSecret) -> Result<Reply, Status> {
    let mut shown = Seen::of(backend).shown(one);
    if !one.secret_name.is_empty() {
        let secret = backend.store.own(Kind::Secret, &one.secret_name).await;
        let secret =
            secret.map_err(|error| store::status("reading the cluster", &error))?.unwrap_or_default();
        let (labels, annotations) = settings::own_words(&secret);
        say_words(&mut shown, &labels, &annotations);
    }
    Ok(shown.into())
}
