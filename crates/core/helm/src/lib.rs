//! Helm charts: read, put together with values, and rendered, as `helm template` of Helm 3.22.0 does.
//!
//! - [`Chart`]: from a directory of a [`filetree::FileTree`], or from a `.tgz` ([`Archive`]).
//! - [`assemble`]: values files, `--set` and its kin.
//! - [`render`]: the whole. [`Rendered`] has manifests, hooks, CRDs and notes; [`print`] makes the stream of `helm template`.
//!
//! Everything that a result depends on is an argument: the cluster ([`Capabilities`]), time and chance ([`sprig::World`]), `lookup`. The crate
//! knows no network, no repository of charts and no cluster. What a stranger's chart may cost is bounded by [`LoadLimits`] and [`RenderLimits`].
//!
//! ```
//! use std::{rc::Rc, sync::Arc};
//!
//! let store = filetree::MemoryStore::from_files([
//!     ("web/Chart.yaml", "{apiVersion: v2, name: web, version: 1.0.0}"),
//!     ("web/values.yaml", "replicas: 1"),
//!     ("web/templates/a.yaml", "kind: Deployment\nspec: {replicas: {{ .Values.replicas }}}"),
//! ])?;
//! let tree = Arc::new(filetree::FileTree::new(Arc::new(store), filetree::Limits::default()));
//! let chart = helm::Chart::from_tree(&tree, &filetree::TreePath::parse("web")?, &helm::LoadLimits::default())?;
//! let limits = helm::RenderLimits::default();
//! let rendered = helm::render(&helm::Request {
//!     chart: &Arc::new(chart),
//!     release: &helm::Release { name: "web".into(), namespace: "prod".into(), revision: 1, is_upgrade: false },
//!     values: &helm::assemble(&[helm::Given::Set("replicas=3")], &limits.yaml)?,
//!     capabilities: &helm::Capabilities::default(),
//!     world: Rc::new(sprig::Host::new(sprig::Fixed::new(sprig::Moment { seconds: 0, nanos: 0 }, 7))),
//!     lookup: None,
//!     include_crds: false,
//!     skip_schema: false,
//!     limits: &limits,
//!     cancelled: None,
//!     cache: None,
//! })?;
//! assert_eq!(rendered.manifests[0].value["spec"]["replicas"], 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod cache;
mod capabilities;
mod chart;
mod coalesce;
mod engine;
mod error;
mod glob;
mod go_json;
mod ignore;
mod lock;
mod manifests;
mod metadata;
mod output;
mod parts;
mod render;
mod schema;
mod values;

pub use archive::{Archive, ArchiveError, ArchiveFile, ArchiveLimits, ArchiveStore};
pub use cache::Cache;
pub use capabilities::{Capabilities, DEFAULT_API_VERSIONS, KubeVersion};
pub use chart::{Chart, ChartFile, LoadLimits};
pub use engine::Lookup;
pub use error::Error;
pub use lock::{Lock, OutOfSync};
pub use manifests::{Hook, HookEvent, Manifest};
pub use metadata::{Dependency, Maintainer, Metadata};
pub use output::{Printing, print};
pub use render::{Crd, Release, RenderLimits, Rendered, Request, name_from_template, render, templates};
pub use schema::SchemaLimits;
pub use values::{Given, assemble};
