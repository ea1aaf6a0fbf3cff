use goyaml::kind_of;
use serde_json::{Number, Value};

/// Why a JSON patch cannot be read or applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonPatchError {
    /// There is no text.
    #[error("empty json patch operations")]
    Empty,
    /// The text is neither JSON nor YAML.
    #[error("reading the operations: {0}")]
    Text(String),
    /// It is read, and is no list of operations.
    #[error("json: cannot unmarshal {0} into Go value of type jsonpatch.Patch")]
    NotAList(&'static str),
    /// An operation fails.
    #[error("{0}")]
    Operation(#[from] merge::PatchError),
    /// What is left is no object.
    #[error("the patch leaves {0}, which is no object")]
    NotAnObject(&'static str),
}

/// The largest integer that a float64 holds with all its neighbours; the peer passes numbers through one.
const EXACT: u64 = 1 << 53;

/// Reads operations: JSON where the text begins with `[`, else the first document of YAML. `null` where there is none.
pub(crate) fn operations(text: &str) -> Result<Value, JsonPatchError> {
    let read = |error: &dyn std::fmt::Display| JsonPatchError::Text(error.to_string());
    let value: Value = match text.chars().next() {
        None => return Err(JsonPatchError::Empty),
        Some('[') => serde_json::from_str(text).map_err(|error| read(&error))?,
        Some(_) => {
            goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default()).map_err(|error| read(&error))?
        }
    };
    match &value {
        Value::Null => Ok(value),
        Value::Array(items) => match items.iter().find(|item| !item.is_object() && !item.is_null()) {
            Some(item) => Err(JsonPatchError::NotAList(kind_of(item))),
            None => Ok(value),
        },
        other => Err(JsonPatchError::NotAList(kind_of(other))),
    }
}

/// Applies operations to an object; a failing one leaves it as it was.
///
/// **Shape**: as RFC 6902, with the liberties of the peer's library ([`merge::json_patch`]). All numbers of the object pass through
/// float64, and annotations that are left are texts, and no `annotations` is left where there are none.
/// **Source**: kustomize `filters/patchjson6902` and `PatchTransformer`, api v0.21.2.
pub(crate) fn apply_operations(object: &mut Value, operations: &Value) -> Result<(), JsonPatchError> {
    let none = Value::Array(Vec::new());
    let operations = if operations.is_null() { &none } else { operations };
    let mut patched = merge::json_patch(object, operations)?;
    if !patched.is_object() {
        return Err(JsonPatchError::NotAnObject(kind_of(&patched)));
    }
    through_float(&mut patched);
    *object = patched;
    Ok(())
}

/// Gives numbers the value that they have as a float64, written as JSON does: whole ones without a point.
fn through_float(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(changed) = as_float(number) {
                *number = changed;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(through_float),
        Value::Object(map) => map.values_mut().for_each(through_float),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// `None` where it stays as it is. Whole numbers are written with the fewest digits that tell them apart, then zeros.
fn as_float(number: &Number) -> Option<Number> {
    if number.as_i64().is_some_and(|whole| whole.unsigned_abs() <= EXACT) {
        return None;
    }
    let float = number.as_f64()?;
    if float.fract() != 0.0 {
        return None;
    }
    let digits = float.to_string();
    digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from)).ok()
}
