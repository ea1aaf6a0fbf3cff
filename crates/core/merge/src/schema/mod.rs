//! Defaulting, pruning and validation by schema, as the API server does them for custom resources.

mod default;
mod formats;
mod list_keys;
mod pattern;
mod prune;
mod validate;

pub use default::{default, default_applied};
pub use pattern::Pattern;
pub use prune::prune;
pub use validate::{Violation, validate};

/// apiVersion, kind and metadata: in an object of its own the schema has no say in them.
pub(crate) fn is_standard(name: &str) -> bool {
    matches!(name, "apiVersion" | "kind" | "metadata")
}
