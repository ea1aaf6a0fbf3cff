//! The patches.
use crate::errors::PatchError;
use crate::types::TypeRef;
use serde_json::Value;

/// RFC 7386.
pub fn json_merge_patch(target: Value, _patch: &Value) -> Value {
    target
}

/// RFC 6902.
///
/// # Errors
/// See [`PatchError`].
pub fn json_patch(target: &Value, _operations: &Value) -> Result<Value, PatchError> {
    Ok(target.clone())
}

/// Strategic merge patch.
///
/// # Errors
/// See [`PatchError`].
pub fn strategic_merge_patch(_ty: &TypeRef, target: &Value, _patch: &Value) -> Result<Value, PatchError> {
    Ok(target.clone())
}

/// The patch of `kubectl apply`: strategic for a built-in type, else a JSON merge patch.
///
/// # Errors
/// See [`PatchError`].
pub fn three_way_strategic(
    _ty: &TypeRef,
    _original: &Value,
    modified: &Value,
    _current: &Value,
) -> Result<Value, PatchError> {
    Ok(modified.clone())
}
