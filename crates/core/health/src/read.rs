//! Reading fields of objects whose shape nobody has checked.

use resource::Object;
use serde_json::Value;

/// The value at a path of field names.
pub(crate) fn at<'a>(object: &'a Object, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    below(object.as_map().get(*first)?, rest)
}

/// The value at a path of field names below a value; null reads as absent.
pub(crate) fn below<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, field| value.get(*field)).filter(|value| !value.is_null())
}

/// A whole number, if there.
pub(crate) fn number(object: &Object, path: &[&str]) -> Option<i64> {
    at(object, path).and_then(Value::as_i64)
}

/// A whole number, 0 where absent: what a Go struct has there.
pub(crate) fn count(object: &Object, path: &[&str]) -> i64 {
    number(object, path).unwrap_or_default()
}

/// A text, empty where absent.
pub(crate) fn text<'a>(object: &'a Object, path: &[&str]) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a list, none where absent.
pub(crate) fn items<'a>(object: &'a Object, path: &[&str]) -> &'a [Value] {
    at(object, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A text in a map, empty where absent.
pub(crate) fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The first of the object's conditions that has this type.
pub(crate) fn condition<'a>(object: &'a Object, kind: &str) -> Option<&'a Value> {
    items(object, &["status", "conditions"]).iter().find(|condition| field(condition, "type") == kind)
}

/// Whether the controller has seen the object as it is now.
pub(crate) fn observed(object: &Object) -> bool {
    object.generation() <= count(object, &["status", "observedGeneration"])
}
