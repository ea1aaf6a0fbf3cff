//! What people do to single objects of an application.

use actions::{Action, Change};
use bytes::Bytes;
use cluster::{
    ApplyOptions, Cluster, ClusterError, Deleted, EventNote, Exec, ExecRequest, How, LiveObject, LogRequest,
    PatchForm, Preconditions, Propagation, Severity, WriteError,
};
use futures::Stream;
use resource::{Gvk, Object};
use serde_json::{Value, json};

use super::Site;
use crate::events;

/// Who tells it.
const SERVER: &str = "argocd-server";

/// How often an action is run again on an object that changed meanwhile.
const ATTEMPTS: usize = 5;

/// What becomes of an object that is deleted, and of what it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// What it made goes first.
    Foreground,
    /// It goes without the time that it asks for its end, and then what it made.
    Force,
    /// What it made stays.
    Orphan,
}

/// Why something was not done. No text shows a value of a Secret.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// Impersonation is on and nobody is to be impersonated.
    #[error("{0}")]
    Nobody(String),
    /// The object cannot be read.
    #[error(transparent)]
    Read(#[from] ClusterError),
    /// The object was not written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// It is not there any more.
    #[error("{0} not found")]
    Gone(String),
    /// The action cannot be done.
    #[error("{0}")]
    Action(String),
    /// The project does not permit what the action makes.
    #[error("application is not permitted to manage {0}")]
    NotPermitted(String),
}

impl Site {
    /// Tells that somebody did something to one of the application's objects, as an event of it.
    pub async fn tell(&self, live: &LiveObject, reason: &str, message: String) {
        let note = EventNote {
            regarding: live.key(),
            api_version: live.gvk().api_version(),
            uid: live.uid().to_owned(),
            resource_version: live.resource_version().to_owned(),
            reason: reason.to_owned(),
            message,
            severity: Severity::Normal,
            component: SERVER.to_owned(),
            at: (self.shared.options.clock)(),
        };
        if let Err(error) = self.view.to.cluster.emit_event(&note).await {
            tracing::debug!(object = %live.key(), error = %error, "event was not taken");
        }
    }

    /// Tells that somebody did something, as an event of the Application.
    pub async fn tell_application(&self, reason: &str, message: String) {
        events::tell_as(&self.shared, &self.app, SERVER, reason, message, Severity::Normal).await;
    }

    pub(super) fn writer(&self) -> Result<&Cluster, ActError> {
        self.writer.as_ref().map_err(|error| ActError::Nobody(error.clone()))
    }

    /// An object as the cluster has it now, in this version of its kind (where empty, in the one that is watched).
    pub async fn read(&self, live: &LiveObject, version: &str) -> Result<Object, ActError> {
        let key = live.key();
        let version = if version.is_empty() { &live.gvk().version } else { version };
        let gvk = Gvk::new(&*key.group, version, &*key.kind);
        let read = self.view.to.cluster.fetch_version(&gvk, &key.namespace, &key.name).await?;
        read.ok_or_else(|| ActError::Gone(key.to_string()))
    }

    /// The events about an object of the cluster, as an EventList.
    pub async fn events(&self, live: &LiveObject) -> Result<Value, ActError> {
        Ok(self.view.to.cluster.events(live.namespace(), live.name(), live.uid()).await?)
    }

    /// The events about the Application itself.
    pub async fn events_of_itself(&self) -> Result<Value, ActError> {
        let app = &self.app.metadata;
        Ok(self.shared.home.cluster.events(&app.namespace, &app.name, &app.uid).await?)
    }

    /// Opens the log of a pod's container, as the one who syncs the application may read it.
    pub async fn log(
        &self,
        pod: &LiveObject,
        request: &LogRequest,
    ) -> Result<impl Stream<Item = Result<Bytes, ClusterError>> + Send + use<>, ActError> {
        Ok(self.writer()?.log(pod.namespace(), pod.name(), request).await?)
    }

    /// Runs a program in a container of this pod, as the one who syncs the application may.
    pub async fn exec(&self, pod: &LiveObject, request: &ExecRequest) -> Result<Exec, ActError> {
        Ok(self.writer()?.exec(pod.namespace(), pod.name(), request).await?)
    }

    /// Patches an object; the answer is the object afterwards.
    pub async fn patch(
        &self,
        live: &LiveObject,
        version: &str,
        patch: (PatchForm, &Value),
    ) -> Result<Object, ActError> {
        Ok(self.writer()?.patch(&live.key(), version, patch, None).await?)
    }

    /// Deletes this very object, and no other of its name.
    pub async fn delete(&self, live: &LiveObject, how: Deletion) -> Result<Deleted, ActError> {
        let writer = self.writer()?;
        let only = Preconditions { uid: Some(live.uid().to_owned()), resource_version: None };
        Ok(match how {
            Deletion::Foreground => writer.delete(&live.key(), &only, Propagation::Foreground).await?,
            Deletion::Orphan => writer.delete(&live.key(), &only, Propagation::Orphan).await?,
            Deletion::Force => writer.delete_at_once(&live.key(), &only).await?,
        })
    }

    /// What can be done to an object, by name.
    pub async fn actions(&self, object: &Object) -> Result<Vec<Action>, ActError> {
        let (settings, object) = (self.view.settings.clone(), object.clone());
        let world = self.world();
        let offered =
            move || lua::offered(settings.settings.overrides.actions(&object.group_kind()), &object, &world);
        let offered = tokio::task::spawn_blocking(offered).await;
        let offered =
            offered.map_err(|error| ActError::Action(format!("the scripts did not end well: {error}")))?;
        offered.map_err(|error| ActError::Action(error.to_string()))
    }

    /// Runs an action on an object. All that it makes is tried in a dry run before anything is done.
    ///
    /// **Source**: `Server.RunResourceActionV2`.
    pub async fn run(
        &self,
        live: &LiveObject,
        action: &str,
        parameters: &[(String, String)],
    ) -> Result<(), ActError> {
        let mut attempt = 1;
        loop {
            let object = self.read(live, "").await?;
            let changes = self.perform(&object, action, parameters).await?;
            match self.carry_out(self.writer()?, &object, &changes).await {
                // A controller was faster; what the action comes to may be something else now.
                Err(ActError::Write(WriteError::Precondition { .. })) if attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    /// Runs an action on the Application itself, which the controller's own cluster has. It can change nothing else.
    pub async fn run_on_itself(
        &self,
        application: &Object,
        action: &str,
        parameters: &[(String, String)],
    ) -> Result<(), ActError> {
        let changes = self.perform(application, action, parameters).await?;
        let home = &self.shared.home.cluster;
        for change in &changes {
            let (Change::Patch(object) | Change::Create(object)) = change;
            if object.key() != application.key() {
                return Err(ActError::NotPermitted(object.key().to_string()));
            }
            self.change(home, application, object).await?;
        }
        Ok(())
    }

    fn world(&self) -> lua::World {
        lua::World { now: (self.shared.options.clock)().as_second(), ..lua::World::default() }
    }

    async fn perform(
        &self,
        object: &Object,
        action: &str,
        parameters: &[(String, String)],
    ) -> Result<Vec<Change>, ActError> {
        let (settings, object, world) = (self.view.settings.clone(), object.clone(), self.world());
        let (action, parameters) = (action.to_owned(), parameters.to_vec());
        let perform = move || {
            let own = settings.settings.overrides.actions(&object.group_kind());
            lua::perform(own, &object, &action, &parameters, &world)
        };
        let done = tokio::task::spawn_blocking(perform).await;
        let done = done.map_err(|error| ActError::Action(format!("the script did not end well: {error}")))?;
        done.map_err(|error| ActError::Action(error.to_string()))
    }

    async fn carry_out(&self, writer: &Cluster, live: &Object, changes: &[Change]) -> Result<(), ActError> {
        let create = |dry_run| ApplyOptions { dry_run, how: How::Create, ..ApplyOptions::default() };
        for change in changes {
            let (Change::Patch(object) | Change::Create(object)) = change;
            if !self.permits_key(&object.key()) {
                return Err(ActError::NotPermitted(object.key().to_string()));
            }
            if matches!(change, Change::Create(_)) {
                writer.apply(object, &create(true)).await?;
            }
        }
        for change in changes {
            match change {
                Change::Create(object) => drop(writer.apply(object, &create(false)).await?),
                Change::Patch(object) => self.change(writer, live, object).await?,
            }
        }
        Ok(())
    }

    /// Sends what differs, if the object is still the one that was read; its status goes to the subresource, or to the object where there
    /// is none.
    async fn change(&self, writer: &Cluster, live: &Object, object: &Object) -> Result<(), ActError> {
        let (key, gvk) = (object.key(), object.gvk());
        if key != live.key() {
            return Err(ActError::Action(format!("an action of {} cannot change {key}", live.key())));
        }
        let patches = actions::patches(live, object);
        let guarded = |mut patch: Value, guard: bool| {
            if guard {
                patch["metadata"]["resourceVersion"] = json!(live.resource_version());
            }
            patch
        };
        let changes_main = patches.main.is_some();
        if let Some(main) = patches.main {
            writer.patch(&key, &gvk.version, (PatchForm::Merge, &guarded(main, true)), None).await?;
        }
        let Some(status) = patches.status else { return Ok(()) };
        let status = guarded(status, !changes_main);
        match writer.patch(&key, &gvk.version, (PatchForm::Merge, &status), Some("status")).await {
            Err(WriteError::NotFound { .. }) => {
                writer.patch(&key, &gvk.version, (PatchForm::Merge, &status), None).await?;
            }
            other => drop(other?),
        }
        Ok(())
    }
}
