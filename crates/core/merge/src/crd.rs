//! Types from the schemas of custom resources.
use crate::types::{TypeRef, deduced};
use serde_json::Value;

/// Why a CRD's schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("schema at {path}: {reason}")]
pub struct CrdSchemaError {
    /// Where, as in `.spec.replicas`.
    pub path: String,
    /// What is wrong.
    pub reason: String,
}

/// The type of a CRD's `openAPIV3Schema`.
///
/// # Errors
/// See [`CrdSchemaError`].
pub fn type_from_crd(_open_api_v3_schema: &Value) -> Result<TypeRef, CrdSchemaError> {
    Ok(deduced())
}
