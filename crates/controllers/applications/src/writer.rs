//! Who writes what an application has in git: the controller, or a service account of its project.

use api::Application;
use cluster::Cluster;

use crate::destination::Destination;
use crate::shared::ProjectEntry;

/// The cluster as the one sees it who syncs the application there.
///
/// **Errors**: impersonation is on (`application.sync.impersonation.enabled`) and no service account is for the destination, or its rule
/// cannot be read; in the peer's words. With `application.sync.impersonation.enforced: "false"` the controller syncs itself where no
/// rule is for the destination, as in the peer.
pub(crate) fn writer(
    app: &Application,
    project: &ProjectEntry,
    settings: &settings::Snapshot,
    to: &Destination,
) -> Result<Cluster, String> {
    let settings = &settings.settings;
    if !settings.impersonation_enabled {
        return Ok(to.cluster.clone());
    }
    let namespace = &app.spec.destination.namespace;
    let user = project.limits.service_accounts().user(&to.server, namespace, &app.metadata.namespace);
    match user {
        Ok(Some(user)) => Ok(to.cluster.as_user(&user)),
        Ok(None) if !settings.impersonation_enforced => Ok(to.cluster.clone()),
        Ok(None) => Err(format!(
            "failed to find a matching service account to impersonate: no matching service account found for destination \
             server {} and namespace {namespace}",
            to.server
        )),
        Err(error) => Err(format!("failed to find a matching service account to impersonate: {error}")),
    }
}
