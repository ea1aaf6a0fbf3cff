use std::{fmt, sync::Arc, time::Duration};

/// Where the simulator takes the time from.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// What a [`crate::KubeSim`] is made with.
#[derive(Clone)]
pub struct Options {
    /// What `/version` says, as in `v1.34.4`.
    pub version: String,
    /// The time that goes into `creationTimestamp`, `managedFields` and the like; the machine's clock by default.
    pub clock: Clock,
    /// Watch events kept per kind; a watch from before the oldest one is told `410 Gone`.
    pub history: usize,
    /// Requests kept for [`crate::KubeSim::requests`]; the oldest go first.
    pub requests_kept: usize,
    /// How often a watch with `allowWatchBookmarks` gets a bookmark when nothing else comes.
    pub bookmark_interval: Duration,
    /// How long a watch without `timeoutSeconds` lives.
    pub watch_timeout: Duration,
    /// Whether a new namespace gets its `default` ServiceAccount and `kube-root-ca.crt` ConfigMap, as from a
    /// controller manager.
    pub namespace_content: bool,
    /// Whether owners' dependents are collected and namespaces are emptied, as by a controller manager.
    pub garbage_collection: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: "v1.34.4".to_owned(),
            clock: Arc::new(jiff::Timestamp::now),
            history: 8192,
            requests_kept: 65_536,
            bookmark_interval: Duration::from_secs(60),
            watch_timeout: Duration::from_secs(3600),
            namespace_content: true,
            garbage_collection: true,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("version", &self.version)
            .field("history", &self.history)
            .finish_non_exhaustive()
    }
}
