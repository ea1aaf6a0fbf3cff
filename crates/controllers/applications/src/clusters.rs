//! The clusters that applications go to, by what their destinations say.

use std::sync::Arc;

use api::ApplicationDestination;
use api::names::{IN_CLUSTER_NAME, IN_CLUSTER_SERVER};

use crate::destination::Destination;
use crate::shared::Shared;

/// Why there is no cluster for a destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoCluster {
    /// What it says cannot be.
    #[error("spec.destination: {0}")]
    Invalid(String),
    /// It is the one that this runs in, which the settings forbid.
    #[error("spec.destination: argocd-cm forbids the cluster that this runs in (cluster.inClusterEnabled)")]
    Disabled,
    /// Nobody knows the cluster that it names.
    #[error(
        "spec.destination: cluster {0} is not known: this version serves the cluster that it runs in ({IN_CLUSTER_SERVER} or \
         {IN_CLUSTER_NAME})"
    )]
    NotKnown(String),
}

/// The cluster of a destination.
pub(crate) fn find(
    shared: &Shared,
    settings: &settings::Snapshot,
    to: &ApplicationDestination,
) -> Result<Arc<Destination>, NoCluster> {
    let invalid = |why: &str| Err(NoCluster::Invalid(why.to_owned()));
    match (to.server.as_str(), to.name.as_str()) {
        ("", "") => invalid("server or name is missing"),
        (server, "") if server.trim_end_matches('/') == IN_CLUSTER_SERVER => here(shared, settings),
        ("", IN_CLUSTER_NAME) => here(shared, settings),
        ("", unknown) | (unknown, "") => Err(NoCluster::NotKnown(unknown.to_owned())),
        (_, _) => invalid("server and name are both set: give one of them"),
    }
}

fn here(shared: &Shared, settings: &settings::Snapshot) -> Result<Arc<Destination>, NoCluster> {
    if !settings.settings.in_cluster_enabled {
        return Err(NoCluster::Disabled);
    }
    Ok(Arc::clone(&shared.home))
}
