//! Server-side apply and ownership.
use crate::errors::ApplyError;
use crate::managers::Manager;
use crate::types::TypeRef;
use serde_json::Value;

/// Server-side apply.
///
/// # Errors
/// See [`ApplyError`].
pub fn server_side_apply(
    _ty: &TypeRef,
    _live: Option<&Value>,
    applied: &Value,
    _manager: &Manager<'_>,
    _force: bool,
) -> Result<Value, ApplyError> {
    Ok(applied.clone())
}

/// Ownership after a create, update or patch.
pub fn track_update(_ty: &TypeRef, _live: Option<&Value>, new: Value, _manager: &Manager<'_>) -> Value {
    new
}
