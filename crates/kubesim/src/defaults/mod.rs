//! What the server fills in.

use serde_json::Value;

use crate::{crd, registry::Kind, status::FieldError, store::State};

/// Fills in the defaults of a kind, in a new object or in a new state of `live`.
pub(crate) fn fill(kind: &Kind, object: &mut Value, _live: Option<&Value>) {
    if let Some(custom) = &kind.custom {
        merge::default(&custom.merge_type, object);
        return;
    }
    if crd::is_definition(kind) {
        crd::default_definition(object);
    }
}

/// Hands out what only one object can have, such as a Service's address.
pub(crate) fn allocate(
    _state: &mut State,
    _kind: &Kind,
    _object: &mut Value,
    _live: Option<&Value>,
) -> Result<(), FieldError> {
    Ok(())
}
