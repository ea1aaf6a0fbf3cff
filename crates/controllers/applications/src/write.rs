//! Writes an Application: compare-and-swap always, so that a deposed controller changes nothing.

use std::sync::Arc;

use api::Application;
use cluster::{WriteError, chain, counted};
use resource::{Object, ResourceKey};
use serde_json::{Value, json};

use crate::shared::{self, AppName, Entry, Shared};

/// Times that a write is made anew because somebody else wrote the Application meanwhile.
const TRIES: u32 = 5;

/// Why a write was given up. The next pass reads and decides again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    /// The Application is gone, or another one has its name.
    #[error("the application is gone")]
    Gone,
    /// Somebody else wrote its status: another controller is at work.
    #[error("its status was written by somebody else")]
    StatusTaken,
    /// This controller does not hold the lease any more.
    #[error("this controller is not the active one")]
    Deposed,
    /// The API server did not take it.
    #[error("{0}")]
    Refused(String),
}

/// What is to be written.
pub(crate) enum Patch {
    /// A merge patch.
    Merge(Value),
    /// The operations of a JSON patch: where little of a long list changes.
    Operations(Vec<Value>),
}

impl From<Value> for Patch {
    fn from(patch: Value) -> Self {
        Self::Merge(patch)
    }
}

impl Patch {
    async fn send(self, shared: &Shared, app: &Application) -> Result<Object, WriteError> {
        // What is written of an Application is no request to the cluster that it goes to.
        counted(None, Box::pin(self.send_uncounted(shared, app))).await
    }

    async fn send_uncounted(self, shared: &Shared, app: &Application) -> Result<Object, WriteError> {
        let (cluster, key, version) = (&shared.home.cluster, key_of(app), &app.metadata.resource_version);
        match self {
            Self::Merge(patch) => cluster.merge_patch(&key, &patch, Some(version)).await,
            Self::Operations(mut all) => {
                all.insert(
                    0,
                    json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version}),
                );
                cluster.json_patch(&key, &Value::Array(all)).await
            }
        }
    }
}

/// Writes what `make` says for the Application as it is now, and keeps `app` up to date. Where somebody wrote the
/// Application meanwhile and left its status alone, the patch is made anew; where the status changed, the write is lost.
pub(crate) async fn write<P: Into<Patch>>(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    make: impl Fn(&Application) -> Option<P>,
) -> Result<bool, Lost> {
    let key = key_of(app);
    for _ in 0..TRIES {
        let Some(patch) = make(app).map(Into::into) else { return Ok(false) };
        if !shared.is_leading() {
            return Err(Lost::Deposed);
        }
        match patch.send(shared, app).await {
            Ok(object) => {
                shared.metrics.status_written();
                let entry = Entry::new(object.into_value());
                let written = entry.app.clone();
                shared.put_entry(name, entry);
                *app = written.map_err(|error| Lost::Refused(error.to_string()))?;
                return Ok(true);
            }
            Err(WriteError::NotFound { .. }) => return Err(Lost::Gone),
            Err(WriteError::Precondition { .. }) => {
                let fresh = match shared.home.cluster.fetch(&key).await {
                    Ok(Some(object)) => object.into_value(),
                    Ok(None) => return Err(Lost::Gone),
                    Err(error) => return Err(Lost::Refused(chain(&error))),
                };
                if shared::is_older(&fresh, app) {
                    shared.home.cluster.went_back();
                }
                // Its event may find it known already: whoever wrote it is answered by another pass.
                if shared.put_app(name, fresh.clone()) {
                    shared.queue.add(Arc::clone(name));
                }
                let fresh =
                    Application::from_value(fresh).map_err(|error| Lost::Refused(error.to_string()))?;
                if fresh.metadata.uid != app.metadata.uid {
                    return Err(Lost::Gone);
                }
                if fresh.status != app.status {
                    return Err(Lost::StatusTaken);
                }
                *app = Arc::new(fresh);
            }
            Err(error) => return Err(Lost::Refused(chain(&error))),
        }
    }
    Err(Lost::Refused(format!("{key} changes faster than it can be written")))
}

/// The Application as an object of the cluster.
pub(crate) fn key_of(app: &Application) -> ResourceKey {
    ResourceKey::new(
        api::names::GROUP,
        api::names::APPLICATION,
        app.metadata.namespace.clone(),
        app.metadata.name.clone(),
    )
}
