//! What an application has in its cluster, for those who look at single objects and act on them.

mod act;
mod differences;
mod hosts;
mod shown;
mod tree;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Application, ResourceStatus};
use cluster::LiveObject;
use resource::{Object, ResourceKey};

use crate::controller::Controller;
use crate::evaluate::{LOADING_OTHERS, Unrendered, What, destination};
use crate::obtain::View;
use crate::shared::Shared;
use crate::status::is_cut;
use crate::writer::writer;

pub use act::{ActError, Deletion};
pub use differences::Predicted;
pub(crate) use hosts::HostCache;
pub use hosts::{Host, HostResource};
pub use shown::Shown;
pub(crate) use shown::ShownCache;
pub use tree::{Node, Parent, Tree};

/// Owners that are followed from an object up to one that the application has.
const DEPTH: usize = 16;

/// The objects of one application: those that it was last compared by, and what they made. All of it is as the project permits it.
pub struct Site {
    shared: Arc<Shared>,
    view: View,
    app: Box<Application>,
    managed: BTreeMap<ResourceKey, ResourceStatus>,
    writer: Result<cluster::Cluster, String>,
}

impl Controller {
    /// All resources of an application, also where its status has no room for them.
    ///
    /// **Errors**: the status is cut, no pass of this controller found the rest, and it cannot be compared now.
    pub async fn resources(&self, app: &Application) -> Result<Vec<ResourceStatus>, Unrendered> {
        if !is_cut(&app.status) {
            return Ok(app.status.resources.clone());
        }
        let shared = self.shared();
        let name = shared.name_of(&app.metadata.namespace, &app.metadata.name);
        if let Some(all) = shared.unlisted(&name) {
            return Ok(all.to_vec());
        }
        let evaluation = Box::pin(self.evaluate(app, &What::default())).await?;
        let all = evaluation.resources(&app.status, (shared.options.clock)());
        Ok(all.unwrap_or_else(|| app.status.resources.clone()))
    }

    /// What an application has in its cluster, which is connected to where it is not yet.
    ///
    /// **Errors**: its project or its destination cannot be used.
    pub async fn site(&self, app: &Application) -> Result<Site, Unrendered> {
        let shared = self.shared_arc();
        let name = shared.name_of(&app.metadata.namespace, &app.metadata.name);
        let settings = shared.settings.current();
        let known = shared.is_leading().then(|| shared.project(app.spec.project_name(), &settings)).flatten();
        let project = match known {
            Some(project) => project,
            None => self.read_project(app.spec.project_name()).await?,
        };
        let to = destination(&shared, app, &project, &settings)
            .await
            .map_err(|findings| Unrendered { findings: findings.into_list() })?;
        let resources = self.resources(app).await?;
        let managed = resources.into_iter().map(|resource| (resource.key(), resource)).collect();
        // Below what the application has may be anything.
        let kinds = to.cluster.discovery().kinds().map(|(kind, _)| kind.clone()).collect();
        to.cluster.wait_complete(&kinds, LOADING_OTHERS).await;
        let writer = writer(app, &project, &settings, &to);
        let view = View::new(&shared, &name, project, settings, to);
        Ok(Site { shared, view, app: Box::new(app.clone()), managed, writer })
    }
}

impl Site {
    /// An object that the application has, or that one of its objects made; `None` where it is not there or not the application's.
    pub fn find(&self, key: &ResourceKey) -> Option<Arc<LiveObject>> {
        self.view.to.cluster.get(key).filter(|live| self.has(live, DEPTH))
    }

    /// The same by its uid.
    pub fn find_by_uid(&self, uid: &str, namespace: &str, name: &str) -> Option<Arc<LiveObject>> {
        let found = self.view.to.cluster.by_uid(uid).into_iter();
        found
            .filter(|live| live.namespace() == namespace && live.name() == name)
            .find(|live| self.has(live, DEPTH))
    }

    /// An object with values of Secrets and sensitive annotations replaced by placeholders.
    pub fn masked(&self, object: &Object) -> Object {
        let (rules, _) = crate::rules::compile(&self.app, &self.view.settings.settings);
        compare::mask(None, Some(object), &rules).1.unwrap_or_else(|| object.clone())
    }

    /// The namespace that the application's objects go to where they name none.
    pub fn namespace(&self) -> &str {
        &self.app.spec.destination.namespace
    }

    /// The cluster, to be told of its changes.
    pub fn changes(&self) -> cluster::Changes {
        self.view.to.cluster.changes()
    }

    /// How objects name the application.
    pub fn instance(&self) -> &str {
        self.view.instance.as_str()
    }

    /// Whether the application has an object itself, in the cluster or in git alone.
    pub fn manages(&self, key: &ResourceKey) -> bool {
        self.managed.contains_key(key) && self.permits_key(key)
    }

    fn has(&self, live: &Arc<LiveObject>, depth: usize) -> bool {
        self.permits(live)
            && (self.managed.contains_key(&live.key())
                || depth > 0
                    && !self.is_anothers(live)
                    && self.parents(live).iter().any(|parent| self.has(parent, depth - 1)))
    }

    /// Whether an object says that it belongs to another application that exists, whoever it says made it.
    fn is_anothers(&self, live: &LiveObject) -> bool {
        let other = live.instance().filter(|instance| ***instance != *self.instance());
        other.is_some_and(|other| self.shared.is_known(other))
    }

    /// Whether the project permits objects of its kind where it is.
    ///
    /// **Source**: `AppProject.IsResourcePermitted`.
    fn permits(&self, live: &LiveObject) -> bool {
        self.permits_key(&live.key())
    }

    fn permits_key(&self, key: &ResourceKey) -> bool {
        let (limits, to) = (&self.view.project.limits, &self.view.to);
        let namespaced = !key.namespace.is_empty();
        limits.permits_kind(&key.group_kind(), &key.name, namespaced).is_ok()
            && (!namespaced || limits.permits_destination(&to.server, &to.name(), &key.namespace).is_ok())
    }
}
