//! How the bytes of a fuzzer become what the targets want.

use resource::{Gvk, Object};
use serde_json::Value;

/// One JSON value a line, as many as there are. `None` where a line is none, so that the fuzzer looks elsewhere.
pub fn values<const N: usize>(data: &[u8]) -> Option<[Value; N]> {
    let text = std::str::from_utf8(data).ok()?;
    let mut values: Vec<Value> = Vec::with_capacity(N);
    for line in text.lines().take(N) {
        values.push(serde_json::from_str(line).ok()?);
    }
    values.resize(N, Value::Null);
    values.try_into().ok()
}

/// The type of an object: Kubernetes' own where it names one, else what its form says.
pub fn type_of(value: &Value) -> merge::TypeRef {
    let gvk: Option<Gvk> = Object::from_value(value.clone()).ok().map(|object| object.gvk());
    let builtin = gvk.and_then(|gvk| merge::Schemas::builtin().get(&gvk).cloned());
    builtin.unwrap_or_else(merge::deduced)
}

/// Whether there is a `null` anywhere, which merge patches cannot express.
pub fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.iter().any(has_null),
        Value::Object(map) => map.values().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
