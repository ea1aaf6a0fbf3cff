//! Reading and changing fields of objects whose shape nobody has checked.

use resource::Object;
use serde_json::{Map, Value};

/// The value at a path of field names; null reads as absent.
pub(crate) fn at<'a>(object: &'a Object, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let start = object.as_map().get(*first)?;
    rest.iter().try_fold(start, |value, field| value.get(*field)).filter(|value| !value.is_null())
}

/// Whether the value there is `true`.
pub(crate) fn yes(object: &Object, path: &[&str]) -> bool {
    at(object, path).and_then(Value::as_bool) == Some(true)
}

/// A text, empty where absent.
pub(crate) fn text<'a>(object: &'a Object, path: &[&str]) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// How many items a list has, 0 where there is none.
pub(crate) fn length(object: &Object, path: &[&str]) -> usize {
    at(object, path).and_then(Value::as_array).map_or(0, Vec::len)
}

/// The map at a path, made where there is none. What is no map on the way is replaced by one.
fn map_at<'a>(object: &'a mut Object, path: &[&str]) -> &'a mut Map<String, Value> {
    path.iter().fold(object.as_map_mut(), |map, field| {
        let value = map.entry(*field).or_insert_with(|| Value::Object(Map::new()));
        if !value.is_object() {
            *value = Value::Object(Map::new());
        }
        match value {
            Value::Object(map) => map,
            _ => unreachable!("it was made a map above"),
        }
    })
}

/// Sets a field; the maps that it lies in are made.
pub(crate) fn set(object: &mut Object, path: &[&str], value: impl Into<Value>) {
    if let Some((field, maps)) = path.split_last() {
        map_at(object, maps).insert((*field).to_owned(), value.into());
    }
}

/// Removes a field.
pub(crate) fn remove(object: &mut Object, path: &[&str]) {
    if let Some((field, maps)) = path.split_last()
        && at(object, maps).is_some_and(Value::is_object)
    {
        map_at(object, maps).remove(*field);
    }
}
