//! The live state of one Kubernetes cluster, by watches, and the writes to it.
//!
//! It knows how to ask an API server and what to make of its answers. It refuses to know what an application
//! is (a [`Tracker`] tells it whose an object is), how objects compare, and what should be written.
//!
//! - [`Cluster`]: the memory of all objects and the way to write; everything goes through one `kube::Client`,
//!   so that a layer can limit, trace or break it.
//! - [`LiveObject`]: one object as a compact node, whole only where somebody needs it.
//! - [`Knowledge`]: what a missing object of a kind means; [`Changes`]: what happens, merged while nobody reads.
//! - [`WriteError`]: what the server said no to, and what to do about it.
//!
//! ```no_run
//! # async fn run(client: kube::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use std::{sync::Arc, time::Duration};
//! use cluster::{ApplyOptions, Cluster, Options};
//! use resource::{GroupKind, Object};
//!
//! let tracker = Arc::new(|metadata: &serde_json::Map<String, serde_json::Value>, _: &GroupKind| {
//!     let id = metadata.get("annotations")?.get("argocd.argoproj.io/tracking-id")?.as_str()?;
//!     Some(id.split(':').next()?.to_owned())
//! });
//! let cluster = Cluster::start(client, Options::new(tracker)).await?;
//! let kinds = [GroupKind::new("", "ConfigMap")].into();
//! cluster.need_full(&kinds);
//! let unknown = cluster.wait_complete(&kinds, Duration::from_secs(10)).await;
//! assert!(unknown.is_empty(), "{unknown:?}");
//!
//! let manifest = Object::from_value(serde_json::json!({
//!     "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "shop"}
//! }))?;
//! let applied = cluster.apply(&manifest, &ApplyOptions::default()).await?;
//! assert_eq!(cluster.get(&manifest.key()).map(|live| live.uid().to_owned()).as_deref(), Some(applied.object.uid()));
//! # Ok(())
//! # }
//! ```

mod actors;
mod changes;
mod client_side;
mod cluster;
mod counters;
mod discover;
mod discovery;
mod error;
mod exec;
mod history;
mod http;
mod kind_watch;
mod ledger;
mod live;
mod login;
mod logs;
mod options;
mod reach;
mod refusal;
mod requests;
mod seen;
mod store;
mod touch;
mod warnings;
mod watch;
mod write;

pub use changes::{Change, Changes, Notice, What};
pub use cluster::Cluster;
pub use counters::Counters;
pub use discovery::{Discovery, ResourceKind};
pub use error::{Cause, ClusterError, Disposition, FieldConflict, WriteError, chain};
pub use exec::{Exec, ExecRequest, Happened};
pub use kind_watch::{KindEvent, KindWatch, Listed};
pub use live::{Knowledge, LiveObject, Owner};
pub use login::{Credential, ExecProgram, Identity, Issuer, Login, LoginError};
pub use logs::LogRequest;
pub use net::Secret;
pub use options::{ApplyOptions, Excluded, How, Options, Preconditions, Propagation, Tracker, Validation};
pub use requests::{Request, Requests, counted};
pub use touch::PatchForm;
pub use write::{Applied, Deleted, EventNote, Severity};
