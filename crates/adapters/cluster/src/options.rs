use std::{fmt, sync::Arc, time::Duration};

use resource::GroupKind;
use serde_json::{Map, Value};

/// Says which application instance an object's metadata names, if any. The map holds `name`, `namespace`, `uid`,
/// `labels`, `annotations` and `ownerReferences`, as far as the object has them, and nothing else.
pub type Tracker = Arc<dyn Fn(&Map<String, Value>, &GroupKind) -> Option<String> + Send + Sync>;

/// Says whether a kind (`group`, `kind`) is left out of the live state by the operator's settings.
pub type Excluded = Arc<dyn Fn(&str, &str) -> bool + Send + Sync>;

/// How one cluster is watched. Both functions may change their answers while the cluster runs:
/// [`Cluster::reconfigure`](crate::Cluster::reconfigure) makes it ask them again.
#[derive(Clone)]
pub struct Options {
    /// Which application an object belongs to.
    pub tracker: Tracker,
    /// Which kinds are not watched.
    pub excluded: Excluded,
    /// The only namespaces to watch; `None` for all. Source: `namespaces` of the peer's cluster Secret.
    pub namespaces: Option<Vec<String>>,
    /// Whether cluster-wide kinds are watched though `namespaces` is set. Source: `clusterResources` of the
    /// peer's cluster Secret.
    pub cluster_resources: bool,
    /// Objects in one page of a list.
    pub page_size: u32,
    /// Field manager of writes that name none.
    pub manager: String,
    /// Lists that run at the same time.
    pub concurrent_lists: usize,
    /// How long the server is asked to hold a watch open, in whole seconds; half of it is added at random.
    pub watch_timeout: Duration,
    /// Silence past the watch's own time that is taken for a dead connection.
    pub watch_grace: Duration,
    /// Age at which it is made sure by a list of metadata that the watch of a kind that is watched whole told everything: the bound on
    /// how long a lost event stays lost. Up to half is added at random. The live view stays complete meanwhile. Source: the peer, which
    /// lists every kind anew, and whole, after ten minutes.
    pub verify_after: Duration,
    /// Age at which a kind that is watched by its metadata only is listed anew for the same end. Up to a fifth is added at random.
    pub relist_after: Duration,
    /// How long one request may take, its answer included; a watch is not bound by it.
    pub request_timeout: Duration,
    /// How long a broken watch may be resumed from its resourceVersion until its kind is no longer complete.
    pub stale_after: Duration,
    /// First and longest pause between tries after an error.
    pub backoff: (Duration, Duration),
    /// Pause after a 403 or 404 of a kind that nobody needs whole (the others rest as long as the longest of `backoff`);
    /// [`Cluster::refresh_discovery`](crate::Cluster::refresh_discovery) ends it.
    pub slow_retry: Duration,
}

impl Options {
    /// Everything watched, nothing tracked, the peer's field manager, and figures that suit a real cluster.
    pub fn new(tracker: Tracker) -> Self {
        Self {
            tracker,
            excluded: Arc::new(|_, _| false),
            namespaces: None,
            cluster_resources: false,
            page_size: 500,
            manager: "argocd-controller".to_owned(),
            concurrent_lists: 10,
            watch_timeout: Duration::from_secs(300),
            watch_grace: Duration::from_secs(30),
            verify_after: Duration::from_secs(120),
            relist_after: Duration::from_secs(600),
            request_timeout: Duration::from_secs(60),
            stale_after: Duration::from_secs(60),
            backoff: (Duration::from_millis(500), Duration::from_secs(30)),
            slow_retry: Duration::from_secs(300),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("namespaces", &self.namespaces).finish_non_exhaustive()
    }
}

/// How a manifest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum How {
    /// Server-side apply.
    #[default]
    ServerSide,
    /// `kubectl apply`: a three-way patch from the last-applied annotation, which it keeps.
    ClientSide,
    /// `kubectl replace`: an update with live's resourceVersion, a create where there is none.
    Replace,
    /// A create; an object that exists is an error.
    Create,
}

/// How strictly the server checks for unknown and duplicate fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Validation {
    /// They are errors.
    #[default]
    Strict,
    /// They are warnings.
    Warn,
    /// They are dropped.
    Ignore,
}

impl Validation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Warn => "Warn",
            Self::Ignore => "Ignore",
        }
    }
}

/// Options of one apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyOptions {
    /// Field manager.
    pub manager: String,
    /// Take over fields of other managers (server-side apply only).
    pub force: bool,
    /// Ask what would be, change nothing.
    pub dry_run: bool,
    /// Strictness.
    pub validation: Validation,
    /// The way.
    pub how: How,
}

impl Default for ApplyOptions {
    /// Server-side, forced, strict, under the peer's field manager (design §7).
    fn default() -> Self {
        Self {
            manager: "argocd-controller".to_owned(),
            force: true,
            dry_run: false,
            validation: Validation::Strict,
            how: How::ServerSide,
        }
    }
}

/// What a delete insists on. Always give both where they are known (reliability P3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preconditions {
    /// Only this very object, not a namesake.
    pub uid: Option<String>,
    /// Only in this state.
    pub resource_version: Option<String>,
}

/// What becomes of a deleted object's dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    /// They go first, the object waits for them.
    Foreground,
    /// They go after it.
    #[default]
    Background,
    /// They stay.
    Orphan,
}

impl Propagation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Foreground => "Foreground",
            Self::Background => "Background",
            Self::Orphan => "Orphan",
        }
    }
}
