//! The controller of Applications: observe → plan → apply → report, one application at a time and all of them at once.
//!
//! It knows the order of things and nothing about how they are done: git is the `source` adapter's business, the
//! API server the `cluster` adapter's, what to do is decided in `core`. Every write of an Application is a
//! compare-and-swap, and none is made without the lease.
//!
//! - [`Controller`]: runs it. [`Comparison`]: what it thinks of an application. [`Metrics`]: what it counts.

mod asking;
mod assess;
mod attempt;
mod bases;
mod before_us;
mod clusters;
mod comparison;
mod conditions;
mod controller;
mod deciding;
mod deletion;
mod deletion_hooks;
mod dependencies;
mod destination;
mod details;
mod evaluate;
mod events;
mod execute;
mod explain;
mod fetch;
mod fit;
mod holdups;
mod hooks;
mod inventory;
mod judge;
pub mod lease;
mod login;
mod manifests;
mod metrics;
mod news;
mod obtain;
mod operation;
mod orphans;
mod patch;
mod plugin;
mod preflight;
mod quarantine;
mod queue;
mod quiet;
mod reconcile;
mod remote;
mod render_time;
mod reporting;
mod repositories;
mod revisions;
mod rules;
mod scripts;
mod shared;
mod sights;
mod signed;
mod site;
mod start;
mod status;
mod supplies;
mod tree;
mod wanted;
mod waves;
mod write;
mod writer;

pub use asking::RefNames;
pub use aws::Environment as AwsEnvironment;
pub use charts::Proxies;
pub use cluster::{Counters, chain};
pub use comparison::{Comparison, Fields, ResourceState};
pub use controller::Controller;
pub use details::SourceDetails;
pub use evaluate::{Evaluation, Files, Unrendered, What};
pub use inventory::{ClusterFigures, ClusterState, clusters};
pub use metrics::{Ended, Metrics, Took, Whose};
pub use operation::PARALLEL_APPLIES;
pub use plugins::{Announcement, DEFAULT_DIRECTORY as PLUGIN_SOCKETS};
pub use remote::remote;
pub use render::ChartValues;
pub use revisions::{AppWindows, ChartDetails, Revision};
pub use rules::compile as compile_rules;
pub use shared::Options;
pub use site::{ActError, Deletion, Host, HostResource, Node, Parent, Predicted, Shown, Site, Tree};
pub use source::Counts as GitCounts;
pub use start::{Start, StartError};
pub use status::is_cut;
