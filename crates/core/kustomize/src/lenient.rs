//! Reading of configuration as the peer's YAML library does it: where a text is wanted, a number or a boolean is one.
//!
//! **Source**: sigs.k8s.io/yaml 1.6, `Unmarshal` into a Go struct.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A text; `null` is the empty one.
pub(crate) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    as_text(Value::deserialize(from)?).map_err(Error::custom)
}

/// A text and nothing else; `null` is the empty one. So are fields of structs that the peer embeds in others, whose types its
/// library does not find.
pub(crate) fn strict_text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(from)?.unwrap_or_default())
}

/// A text that may be absent; `null` is absence.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        value => as_text(value).map(Some).map_err(Error::custom),
    }
}

/// A list of texts; `null` is the empty one, in the place of a text, too.
pub(crate) fn strict_texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let list = Option::<Vec<Option<String>>>::deserialize(from)?.unwrap_or_default();
    Ok(list.into_iter().map(Option::unwrap_or_default).collect())
}

/// A map of texts; `null` is the empty one, in the place of a text, too.
pub(crate) fn strict_text_map<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let map = Option::<BTreeMap<String, Option<String>>>::deserialize(from)?.unwrap_or_default();
    Ok(map.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

/// A list of texts, or of what passes for one.
pub(crate) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let list = Option::<Vec<Value>>::deserialize(from)?.unwrap_or_default();
    list.into_iter().map(as_text).collect::<Result<_, _>>().map_err(Error::custom)
}

/// What is there, or the default where `null` stands.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

fn as_text(value: Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(_) => Err("cannot unmarshal array into a value of type string".to_owned()),
        Value::Object(_) => Err("cannot unmarshal object into a value of type string".to_owned()),
    }
}
