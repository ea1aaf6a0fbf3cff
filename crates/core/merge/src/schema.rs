//! Defaulting, pruning, validation.
use crate::types::TypeRef;
use serde_json::Value;

/// One thing wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field, as in `spec.ports[0].port`.
    pub path: String,
    /// Worded as the API server words it, without the path: `Required value`.
    pub message: String,
}

/// Fills in defaults.
pub fn default(_ty: &TypeRef, _value: &mut Value) {}

/// Drops unknown fields and returns their paths.
pub fn prune(_ty: &TypeRef, _value: &mut Value) -> Vec<String> {
    Vec::new()
}

/// Checks a value against its type.
pub fn validate(_ty: &TypeRef, _value: &Value) -> Vec<Violation> {
    Vec::new()
}
