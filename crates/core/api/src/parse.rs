//! From JSON to the wire types and back.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// An object that cannot be read because one of its fields is of another type than it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct ApiError {
    /// The field, as in `spec.sources[1].helm.parameters`; `.` for the whole object.
    pub path: String,
    /// What was found and what should be there.
    pub message: String,
}

/// Maps below this key keep their nulls: there a null means something.
const KEEPS_NULLS: &str = "valuesObject";

pub(crate) fn from_value<T: DeserializeOwned>(mut value: Value) -> Result<T, ApiError> {
    drop_nulls(&mut value);
    // Keeping track of the path costs as much as reading: it is done where it is needed.
    if let Ok(read) = T::deserialize(&value) {
        return Ok(read);
    }
    serde_path_to_error::deserialize(value)
        .map_err(|error| ApiError { path: error.path().to_string(), message: error.into_inner().to_string() })
}

pub(crate) fn to_value<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("wire types have string keys and no failing serializers")
}

/// Depth is that of the value, which serde_json and the API server have bounded before.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            for (key, value) in map {
                if key != KEEPS_NULLS {
                    drop_nulls(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
