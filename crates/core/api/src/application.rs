//! The custom resource `Application`.

mod operation;
mod source;
mod spec;
mod status;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use operation::*;
pub use source::*;
pub use spec::*;
pub use status::*;

use crate::metadata::Metadata;
use crate::parse::{ApiError, from_value};
use crate::wire::wire;

wire! {
    /// An Application, whole.
    pub struct Application {
        [
            /// `argoproj.io/v1alpha1`.
            api_version: String,
            /// `Application`.
            kind: String,
            /// Names, labels, annotations.
            metadata: Metadata,
            /// What is asked for.
            spec: ApplicationSpec,
        ]
        /// What is known.
        status: ApplicationStatus,
        /// What is to be done.
        operation: Option<Operation>,
    }
}

impl Application {
    /// Reads an Application.
    ///
    /// **Shape**: any field may be absent; a `null` is an absent field, as in Go's JSON, except inside
    /// `valuesObject`, where it deletes a default of the chart. **Errors**: the first field whose value has
    /// another type than it should, by its path. **Source**: the peer's informer fails its whole list on one such
    /// object; ours skips that object and says which.
    pub fn from_value(value: Value) -> Result<Self, ApiError> {
        from_value(value)
    }

    /// The Application as JSON, unknown fields included.
    pub fn to_value(&self) -> Value {
        crate::parse::to_value(self)
    }

    /// `namespace/name`.
    pub fn qualified_name(&self) -> String {
        format!("{}/{}", self.metadata.namespace, self.metadata.name)
    }
}
