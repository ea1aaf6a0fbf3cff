//! What is not acceptable, in the server's words.

mod metadata;
pub(crate) mod names;

use serde_json::Value;

use crate::{prepare::Part, registry::Kind, status::FieldError};

/// What is wrong with a new object.
pub(crate) fn create(kind: &Kind, object: &Value) -> Vec<FieldError> {
    let mut errors = metadata::check(kind, object);
    errors.extend(contents(kind, object));
    errors
}

/// What is wrong with a new state of an object.
pub(crate) fn update(kind: &Kind, object: &Value, live: &Value, _part: Part) -> Vec<FieldError> {
    let mut errors = metadata::check_update(object, live);
    errors.extend(contents(kind, object));
    errors
}

fn contents(kind: &Kind, object: &Value) -> Vec<FieldError> {
    if let Some(custom) = &kind.custom {
        return merge::validate(&custom.merge_type, object)
            .into_iter()
            .map(|v| FieldError::raw(v.path.trim_start_matches('.'), v.message))
            .collect();
    }
    Vec::new()
}
