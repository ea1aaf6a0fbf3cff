//! The clusters that an installation knows, and whether they answer: for people.

use std::time::Duration;

use api::names::{IN_CLUSTER_NAME, IN_CLUSTER_SERVER};
use cluster::{Counters, chain};
use settings::{ClusterSecret, SettingsHandle};

use crate::destination::Destination;
use crate::login::client;
use crate::shared::Options;
use crate::start::StartError;

/// How long one cluster may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A cluster, as it answers now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterState {
    /// URL of its API server.
    pub server: String,
    /// Its name.
    pub name: String,
    /// The project that it belongs to; to none where empty.
    pub project: String,
    /// The only namespaces that are looked at; all where empty.
    pub namespaces: Vec<String>,
    /// Its version, as in `v1.34.4`, or why it does not answer.
    pub version: Result<String, String>,
}

/// What a controller counts of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterFigures {
    /// URL of its API server.
    pub server: String,
    /// Its name.
    pub name: String,
    /// Its version, as in `v1.34.4`; empty until it was reached once.
    pub version: String,
    /// Whether it answers.
    pub connected: bool,
    /// What is known of it; nothing until it was reached once.
    pub counters: Option<Counters>,
}

pub(crate) fn figures(destination: &Destination) -> ClusterFigures {
    let cluster = &destination.cluster;
    ClusterFigures {
        server: destination.server.clone(),
        name: destination.name().to_string(),
        version: cluster.server_version().to_owned(),
        connected: cluster.unreachable().is_none(),
        counters: Some(cluster.counters()),
    }
}

/// Asks every cluster, all at once. The one that this runs in comes first unless the settings forbid it.
///
/// **Errors**: only where the settings cannot be read; a cluster that does not answer says so itself.
pub async fn clusters(client: kube::Client, options: &Options) -> Result<Vec<ClusterState>, StartError> {
    let settings = SettingsHandle::start(client.clone(), &options.namespace)
        .await
        .map_err(|source| StartError::Settings { namespace: options.namespace.clone(), source })?
        .current();
    let here = ClusterSecret {
        server: IN_CLUSTER_SERVER.to_owned(),
        name: IN_CLUSTER_NAME.to_owned(),
        ..ClusterSecret::default()
    };
    let here = settings.clusters.by_server(IN_CLUSTER_SERVER).is_none().then_some(here);
    let enabled = settings.settings.in_cluster_enabled;
    let all = here.iter().chain(settings.clusters.iter());
    let all = all.filter(|secret| enabled || secret.server != IN_CLUSTER_SERVER);
    Ok(futures::future::join_all(all.map(|secret| ask(&client, secret, options))).await)
}

async fn ask(here: &kube::Client, secret: &ClusterSecret, options: &Options) -> ClusterState {
    let answer = async {
        let client = client(secret, here, options).await?;
        client.apiserver_version().await.map(|info| info.git_version).map_err(|error| chain(&error))
    };
    let silent = |_| Err(format!("no answer within {}s", TIMEOUT.as_secs()));
    ClusterState {
        server: secret.server.clone(),
        name: secret.name.clone(),
        project: secret.project.clone(),
        namespaces: secret.namespaces.clone(),
        version: tokio::time::timeout(TIMEOUT, answer).await.unwrap_or_else(silent),
    }
}
