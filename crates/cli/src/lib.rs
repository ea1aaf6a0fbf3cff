//! The words that `argocd app …` users type, straight on the cluster's API.
//!
//! It knows commands, tables and exit codes. It refuses to know how to render or compare: `diff` and `manifests` ask
//! the controller's own functions, so that there is one answer. Where the process gets its client, flags and
//! environment from is the binary's business.
//!
//! Main types: [`AppCommand`] (what was typed), [`Context`] (where it runs, and for whom it prints), [`run()`].
//!
//! ```
//! use clap::{Parser, Subcommand};
//! #[derive(Parser)]
//! struct Line {
//!     #[command(subcommand)]
//!     command: cli::AppCommand,
//! }
//! let line = Line::parse_from(["app", "rollback", "guestbook", "--revision", "3"]);
//! assert!(matches!(line.command, cli::AppCommand::Rollback(_)));
//! ```

mod admin;
pub mod command;
mod console;
mod context;
mod deferred;
mod editor;
mod escape;
mod failure;
mod health;
mod heartbeat;
mod helm;
mod image;
pub mod install;
mod kustomize;
mod look;
mod name;
mod run;
mod server;
mod spec;
mod store;
mod streams;
mod suggest;
mod table;
mod view;
mod watch;

pub use self::admin::{AdminCommand, Cluster, admin};
pub use self::health::{HealthArgs, health};
pub use self::helm::{HelmCommand, TemplateArgs, helm};
pub use self::image::{ImageCommand, SetArgs, Surroundings, image};
pub use self::kustomize::{KustomizeCommand, kustomize};
pub use command::{AppCommand, AppSetCommand, ClusterCommand, ConnectionFlags, OutputFlags, ServerCommand};
pub use context::{ColorChoice, Connection, Context, Face, ProgressChoice, Style, Terminal};
pub use deferred::Deferred;
pub use run::{application_names, run, run_appset, run_cluster};
pub use server::{Backend, Local, Target, serve, serve_cluster};
