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
mod metadata;
pub mod names;
mod parse;
mod wire;
mod words;

pub use app_project::*;
pub use application::*;
pub use metadata::Metadata;
pub use parse::ApiError;
pub use words::*;
