//! Charts from Helm repositories and OCI registries, kept by digest.

mod digest;
mod error;
mod mask;
mod oci;
mod options;
mod remote;
mod url;

pub use digest::{Digest, DigestError};
pub use error::ChartError;
pub use mask::Secret;
pub use oci::{LAYER_HELM_CHART, LAYER_TAR, LAYER_TAR_GZIP};
pub use options::{Limits, Options, Timeouts};
pub use remote::{Proxy, Remote, Tls};
pub use url::{IndexUrl, MAX_URL_BYTES, RegistryUrl, RepositoryUrl, RepositoryUrlError};
