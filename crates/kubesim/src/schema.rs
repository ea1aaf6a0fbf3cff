//! Objects in their kind's form: types for merging, and cleaning of what a client sent.

use resource::Gvk;
use serde_json::Value;

use crate::{
    registry::Kind,
    shapes,
    status::{ApiError, ApiResult},
};

/// The type of a kind's objects, for merging.
pub(crate) fn type_of(kind: &Kind) -> merge::TypeRef {
    if let Some(custom) = &kind.custom {
        return custom.merge_type.clone();
    }
    let gvk = Gvk::new(kind.group.clone(), kind.version.clone(), kind.kind.clone());
    merge::Schemas::builtin().get(&gvk).cloned().unwrap_or_else(merge::deduced)
}

/// Drops what the kind has no place for and returns the paths of it; nulls and empty containers go as they go in the
/// server's own structs. A value of the wrong type is an error.
pub(crate) fn clean(kind: &Kind, value: &mut Value) -> ApiResult<Vec<String>> {
    if let Some(custom) = &kind.custom {
        let unknown =
            if custom.preserves_unknown { Vec::new() } else { merge::prune(&custom.merge_type, value) };
        let metadata = shapes::clean_metadata(value).map_err(|why| cannot_handle(kind, &why))?;
        return Ok(unknown
            .into_iter()
            .map(|path| path.trim_start_matches('.').to_owned())
            .chain(metadata)
            .collect());
    }
    let unknown = shapes::clean(&kind.group, &kind.version, &kind.kind, value)
        .map_err(|why| cannot_handle(kind, &why))?;
    merge::normalize(&type_of(kind), value);
    // Autoscalers alone have a list that is written where there is none.
    if (&*kind.storage, kind.version.as_str()) == ("horizontalpodautoscalers.autoscaling", "v2")
        && let Some(Value::Object(status)) = value.get_mut("status")
    {
        status.entry("currentMetrics").or_insert(Value::Null);
    }
    Ok(unknown)
}

fn cannot_handle(kind: &Kind, why: &str) -> ApiError {
    let Kind { kind, version, .. } = kind;
    ApiError::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
}
