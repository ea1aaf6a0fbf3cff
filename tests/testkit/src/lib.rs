//! The real parts that tests run against: a Kubernetes API server with its etcd, git over http and ssh, a registry; and web servers,
//! chart repositories and registries that do what a test tells them.
//!
//! Everything listens on loopback, on a free port, under a temporary folder, and ends with the value that stands
//! for it, even when the test's process is killed. Where a part cannot run (no Go, no sshd and no root), its
//! `start` says so on standard error and returns `None`, so that a test can pass without it.
//!
//! It knows nothing of Capstan's own crates.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! let Some(cluster) = testkit::RealCluster::start(testkit::RealOptions::default()).await? else { return Ok(()) };
//! let version = cluster.client().apiserver_version().await?;
//! assert_eq!(version.minor, "34");
//! # Ok(()) }
//! ```

#![expect(
    clippy::disallowed_methods,
    reason = "tests start real programs and read where the cache is; nothing of this ships"
)]

mod audit;
mod chart_archive;
mod chart_repository;
mod child;
mod eventually;
mod git_http;
mod identity_provider;
mod oci_registry;
mod peer_server;
mod plugin_server;
mod real;
mod real_registry;
mod repository;
mod signer;
mod ssh_key;
mod sshd;
mod tools;
mod web;

pub use audit::AuditEntry;
pub use chart_archive::chart_archive;
pub use chart_repository::{ChartRepository, index_of};
pub use child::Child;
pub use eventually::{eventually, eventually_some};
pub use git_http::{Fault, GitServer, GitServerOptions, Requests};
pub use identity_provider::IdentityProvider;
pub use oci_registry::{OciRegistry, RegistryLogin, digest};
pub use peer_server::PeerServer;
pub use plugin_server::PluginServer;
pub use real::{RealCluster, RealOptions};
pub use real_registry::RealRegistry;
pub use repository::Repository;
pub use signer::Signer;
pub use ssh_key::SshKey;
pub use sshd::Sshd;
pub use tools::{
    ARGO_CD_VERSION, HELM_VERSION, KUBERNETES_VERSION, KUSTOMIZE_VERSION, OIDC_PROVIDER_VERSION,
    REGISTRY_VERSION, Tools, ensure_argocd, ensure_helm, ensure_kustomize, ensure_registry, ensure_tools,
    ensure_yq, tools_dir,
};
pub use web::{WebBody, WebHandler, WebReply, WebRequest, WebServer, WebTls};

/// Says on standard error that a real part does not run here, once per call; tests then pass without it.
#[expect(clippy::print_stderr, reason = "a skipped suite must be visible in the test's output")]
pub(crate) fn say_skipped(what: &str, why: &str) {
    eprintln!("NOT RUN: {what}: {why}");
}
