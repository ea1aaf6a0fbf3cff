//! The custom resources that we serve, and the settings of an installation, as data.
//!
//! It knows the wire (`Application`, `AppProject`: every field, unknown ones kept), what the words mean (sync
//! options, durations, tracking ids), what a project permits, and how the settings' ConfigMap is read. It knows no
//! cluster, no clock and no file.
//!
//! ```
//! let application = api::Application::from_value(serde_json::json!({
//!     "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "web"},
//!     "spec": {"source": {"repoURL": "https://git.example/web.git"}, "destination": {"name": "in-cluster"}}
//! }))?;
//! assert_eq!(application.spec.project_name(), "default");
//! assert_eq!(application.spec.sources()[0].repo_url, "https://git.example/web.git");
//! # Ok::<(), api::ApiError>(())
//! ```

mod app_project;
mod application;
mod crd;
mod duration;
mod glob;
pub mod hold;
mod inspect;
mod install;
mod lint;
mod metadata;
pub mod names;
mod parse;
pub mod project;
mod repo_url;
mod schema;
pub mod settings;
mod sync_options;
mod time;
pub mod tracking;
mod wire;
mod words;

pub use app_project::*;
pub use application::*;
pub use crd::crds;
pub use duration::{DurationError, parse_duration};
pub use inspect::{Finding, inspect};
pub use install::install_manifests;
pub use lint::{UnknownField, nearest, unknown_fields, unknown_project_fields};
pub use metadata::Metadata;
pub use parse::ApiError;
pub use project::{Denied, Project};
pub use repo_url::{is_evasive, normal_form, redact_url, same_repository};
pub use settings::{ResourceFilter, SettingProblem, Settings};
pub use sync_options::{Consent, PropagationPolicy, SyncOptions};
pub use time::{TimeError, format_time, parse_time};
pub use tracking::{AppInstanceName, Tracking, TrackingId, TrackingMethod};
pub use words::*;
