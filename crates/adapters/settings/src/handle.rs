//! The one thing that others hold.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::Client;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::store::{Change, Snapshot, Store, Watched};
use crate::watch::{WatchError, follow, list};

/// Why the settings cannot be had at all.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The ConfigMaps cannot be read. Nothing may be done by defaults in their place.
    #[error("cannot list configmaps in namespace {namespace}: {message}")]
    ConfigMaps {
        /// The namespace.
        namespace: String,
        /// What the API server or the connection said.
        message: String,
        /// The HTTP status of the API server's answer, if there was one: 401, 403, …
        code: Option<u16>,
    },
}

/// The settings, kept up to date as long as a clone of this lives.
#[derive(Clone)]
pub struct SettingsHandle {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    _tasks: Arc<Tasks>,
}

/// Ends the watches with the last handle.
struct Tasks(Vec<AbortHandle>);

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// The store and those who want to know of its changes.
pub(crate) struct Shared {
    store: Mutex<Store>,
    snapshots: watch::Sender<Arc<Snapshot>>,
}

impl Shared {
    pub(crate) fn apply(&self, watched: Watched, change: Change) {
        let mut store = self.store();
        if store.apply(watched, change) {
            self.snapshots.send_replace(store.snapshot());
        }
    }

    pub(crate) fn set_watch_problem(&self, watched: Watched, problem: Option<String>) {
        let mut store = self.store();
        if store.set_watch_problem(watched, problem) {
            self.snapshots.send_replace(store.snapshot());
        }
    }

    /// A panic while the lock is held leaves whole values behind: the store is used on.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SettingsHandle {
    /// Reads the settings in a namespace, and keeps watching them.
    ///
    /// **Errors**: the ConfigMaps cannot be listed. Secrets that cannot be listed are a problem in the snapshot, and
    /// are tried again: repositories without credentials work on.
    pub async fn start(client: Client, namespace: &str) -> Result<Self, SettingsError> {
        Self::watching(client, namespace, &[Watched::Secrets]).await
    }

    /// As [`Self::start`], with what the server alone needs: [`Snapshot::own_secrets`], [`Snapshot::server_tls`].
    ///
    /// **Errors**: as there.
    pub async fn start_for_server(client: Client, namespace: &str) -> Result<Self, SettingsError> {
        Self::watching(client, namespace, &[Watched::Secrets, Watched::OwnSecrets, Watched::ServerTls]).await
    }

    async fn watching(client: Client, namespace: &str, secrets: &[Watched]) -> Result<Self, SettingsError> {
        let (config_maps, config_maps_version) = list(&client, namespace, Watched::ConfigMaps)
            .await
            .map_err(|error| settings_error(namespace, &error))?;
        let mut store = Store::default();
        store.apply(Watched::ConfigMaps, Change::Replaced(config_maps));
        let mut versions = vec![(Watched::ConfigMaps, Some(config_maps_version))];
        for watched in secrets {
            let version = match list(&client, namespace, *watched).await {
                Ok((secrets, version)) => {
                    store.apply(*watched, Change::Replaced(secrets));
                    Some(version)
                }
                Err(error) => {
                    let without = watched.without();
                    tracing::warn!(error = %error, without, "secrets could not be listed");
                    let problem =
                        format!("they cannot be listed in namespace {namespace}: {error}; {without}");
                    store.set_watch_problem(*watched, Some(problem));
                    None
                }
            };
            versions.push((*watched, version));
        }
        let (sender, receiver) = watch::channel(store.snapshot());
        let shared = Arc::new(Shared { store: Mutex::new(store), snapshots: sender });
        let spawn = |watched, version| {
            let task = follow(client.clone(), namespace.to_owned(), watched, version, Arc::clone(&shared));
            tokio::spawn(task).abort_handle()
        };
        let tasks = versions.into_iter().map(|(watched, version)| spawn(watched, version)).collect();
        Ok(Self { snapshots: receiver, _tasks: Arc::new(Tasks(tasks)) })
    }

    /// The settings as they are now.
    pub fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// Tells of every change: `changed().await`, then `borrow_and_update()`. A snapshot that is equal to the one
    /// before is not sent.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }
}

fn settings_error(namespace: &str, error: &WatchError) -> SettingsError {
    let code = match error {
        WatchError::Request(error) => match error.as_ref() {
            kube::Error::Api(status) => Some(status.code),
            _ => None,
        },
        WatchError::Gone => Some(410),
        WatchError::TooMany | WatchError::NotAList => None,
    };
    SettingsError::ConfigMaps { namespace: namespace.to_owned(), message: error.to_string(), code }
}

/// An error of the client in a line: the server's own words where it answered.
pub(crate) fn describe(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        kube::Error::Api(status) => format!("the API server answered {}", status.code),
        other => {
            let mut text = other.to_string();
            let mut source = std::error::Error::source(other);
            while let Some(cause) = source {
                let cause_text = cause.to_string();
                if !text.ends_with(&cause_text) {
                    text = format!("{text}: {cause_text}");
                }
                source = cause.source();
            }
            text
        }
    }
}
