//! The Kubernetes API in memory: for a playground, for previews and for tests; never for production.
//!
//! [`KubeSim`] answers as a kube-apiserver of one version does (discovery, CRUD, list and watch, the four kinds of
//! patch, CRDs, finalizers, garbage collection, namespaces, Tables, OpenAPI), either in-process as a tower service or
//! over HTTPS on loopback. It knows nothing of containers and networks: what makes workloads ready is a client like
//! any other. What it doesn't do (webhooks, CEL, conversion) it refuses or says so in a `Warning` header.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let sim = kubesim::KubeSim::new(kubesim::Options::default());
//! let version = sim.client().apiserver_version().await.unwrap();
//! assert_eq!(version.git_version, "v1.34.4");
//! # });
//! ```

mod access;
mod audit;
mod body;
mod convert;
mod crd;
mod decode;
mod defaults;
mod delete;
mod discovery;
mod exec;
mod faults;
mod fields;
mod forward;
mod gc;
mod https;
mod logs;
mod namespaces;
mod openapi;
mod options;
mod prepare;
mod protobuf;
mod read;
mod registry;
mod reply;
mod reviews;
mod route;
mod scale;
mod schema;
mod selectors;
mod service;
mod shapes;
mod sim;
mod status;
mod store;
mod subresources;
mod tables;
mod validation;
mod watch;

pub mod workloads;
mod write;

pub use access::{Access, Identity, Rule};
pub use audit::{RequestCounts, RequestRecord};
pub use body::SimBody;
pub use faults::{FaultAction, FaultRule, Faults};
pub use https::{ServeError, Serving};
pub use logs::Spout;
pub use options::{Clock, Options};
pub use service::{Reset, SimService};
pub use sim::KubeSim;
