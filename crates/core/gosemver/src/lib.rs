//! Versions and version ranges as the peer's library reads them (Masterminds/semver 3.5), not as Cargo does.
//!
//! Looser than semver.org in the version (`v1.2`, `01`) and richer in the range (`1.x`, `~1.2`, `^0.2`, `1 - 2.3`, `>=1 <3 || 5.*`).
//! A range without a pre-release matches no pre-release. The crate knows nothing of tags, charts or templates.
//!
//! ```
//! let range: gosemver::Range = gosemver::Range::new(">= 1.2, < 3")?;
//! assert!(range.matches(&gosemver::Version::new("v2.0")?));
//! assert_eq!(gosemver::Range::new("new").unwrap_err().to_string(), "improper constraint: \"new\"");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod range;
mod version;

pub use range::{Range, RangeError};
pub use version::{Version, VersionError};

#[cfg(test)]
mod tests;
