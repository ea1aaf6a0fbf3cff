//! Helm charts: read, put together with values, and rendered, as `helm template` does.

mod archive;
mod chart;
mod error;
mod glob;
mod go_json;
mod ignore;
mod metadata;
mod values;

pub use archive::{Archive, ArchiveError, ArchiveFile, ArchiveLimits, ArchiveStore};
pub use chart::{Chart, ChartFile, LoadLimits};
pub use error::Error;
pub use values::{Given, assemble};
pub use metadata::{Dependency, Locked, Maintainer, Metadata};
