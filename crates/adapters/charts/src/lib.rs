//! Charts from Helm repositories and OCI registries, kept by digest.
//!
//! [`Charts`] says which version of a chart a target revision means ([`Charts::resolve`]) and gives its archive
//! ([`Charts::fetch`]), as bytes; unpacking is the business of the crate `helm`. It also reads values files by http
//! ([`Charts::fetch_file`]), and says what a chart's dependencies are to be fetched as ([`dependencies::plan`]).
//!
//! Whatever a server, a URL or an index says is a stranger's text: time, bytes and counts are bounded, credentials go to the host
//! that they are for, and every failure is a [`ChartError`] without a secret in it. Indexes, answers and archives are kept on the
//! disk and verified when they are read; while a server is away, its last good answer is given with the error beside it. This
//! crate refuses to know the cluster, Secrets, projects and their rules, polling intervals, and what is in a chart.
//!
//! ```no_run
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! use charts::{Charts, Freshness, Options, Remote, RepositoryUrl};
//!
//! let charts = Charts::new(Options::new("/var/lib/capstan/charts"))?;
//! let remote = Remote::new(RepositoryUrl::parse("https://charts.example/stable")?);
//! let found = charts.resolve(&remote, "ingress-nginx", "4.x", Freshness::Known).await?;
//! let archive = charts.fetch(&remote, &found.value).await?;
//! println!("{} {}: {} bytes", found.value.version(), archive.digest, archive.bytes.len());
//! # Ok(()) }
//! ```

mod archive;
mod charts;
pub mod dependencies;
mod digest;
mod documents;
mod error;
mod files;
mod http;
mod index;
mod ledger;
mod oci;
mod options;
mod questions;
mod remote;
mod shelf;
mod url;

pub use archive::{Archive, Resolved};
pub use charts::Charts;
pub use digest::{Digest, DigestError};
pub use error::ChartError;
pub use files::FileRequest;
pub use http::Counts;
pub use index::{Entry, Index, IndexError};
pub use ledger::{Answer, Freshness};
pub use net::{Proxies, Proxy, Secret};
pub use oci::{LAYER_HELM_CHART, LAYER_TAR, LAYER_TAR_GZIP};
pub use options::{Limits, Options, Timeouts};
pub use remote::{Remote, Tls};
pub use url::{IndexUrl, MAX_URL_BYTES, RegistryUrl, RepositoryUrl, RepositoryUrlError};
