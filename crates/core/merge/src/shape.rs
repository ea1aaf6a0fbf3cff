//! Which shape of a type a value takes, and what tells a list's items apart.

use serde_json::{Map, Value};

use crate::trail::Item;
use crate::types::{ListKind, ListType, MapType, Scalar, Type, View};

/// The one shape of a type that a value (or the lack of one) selects.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape<'a> {
    Map(&'a MapType),
    Scalar(Scalar),
    List(&'a ListType),
    /// The schema allows nothing at all.
    Nothing,
}

impl<'a> Shape<'a> {
    /// A value picks its own shape where the type allows it; otherwise maps go before scalars before lists.
    pub(crate) fn of(ty: &'a Type, value: Option<&Value>) -> Self {
        match (value, ty) {
            (
                Some(Value::Bool(_) | Value::Number(_) | Value::String(_)),
                Type { scalar: Some(scalar), .. },
            ) => Self::Scalar(*scalar),
            (Some(Value::Array(_)), Type { list: Some(list), .. }) => Self::List(list),
            (_, Type { map: Some(map), .. }) => Self::Map(map),
            (_, Type { scalar: Some(scalar), .. }) => Self::Scalar(*scalar),
            (_, Type { list: Some(list), .. }) => Self::List(list),
            _ => Self::Nothing,
        }
    }

    /// Whether both are the same of map, scalar and list.
    pub(crate) fn same_kind(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

pub(crate) fn as_list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(crate) fn as_map(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

/// What a scalar type refuses, worded as structured-merge-diff words it.
pub(crate) fn check_scalar(scalar: Scalar, value: &Value, side: &str) -> Option<String> {
    let fits = matches!(
        (scalar, value),
        (_, Value::Null)
            | (Scalar::Number | Scalar::Any, Value::Number(_))
            | (Scalar::String | Scalar::Any, Value::String(_))
            | (Scalar::Bool | Scalar::Any, Value::Bool(_))
    );
    let wanted = match scalar {
        _ if fits => return None,
        Scalar::Number => {
            return Some(format!("{side}expected numeric (int or float), got {}", go_type(value)));
        }
        Scalar::String => "string",
        Scalar::Bool => "boolean",
        Scalar::Any => "any scalar",
    };
    let got = match (scalar, value) {
        (Scalar::String, value) => format!("&value.valueUnstructured{{Value:{}}}", go_syntax(value)),
        (_, value) => format!("&{{{}}}", go_plain(value)),
    };
    Some(format!("{side}expected {wanted}, got {got}"))
}

/// A value's Go type, as `%T` prints it.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A value as Go's `%#v` prints it.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(go_syntax).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let entries: Vec<_> =
                map.iter().map(|(key, value)| format!("{key:?}:{}", go_syntax(value))).collect();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
        Value::Null => "interface {}(nil)".to_owned(),
        scalar => scalar.to_string(),
    }
}

/// A value as Go's `%v` prints it.
pub(crate) fn go_plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_plain).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let entries: Vec<_> =
                map.iter().map(|(key, value)| format!("{key}:{}", go_plain(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}

/// The identity of an item of a set or list map.
///
/// # Errors
/// Structured-merge-diff's wording for an item that cannot be told apart from others.
pub(crate) fn identify<'a>(view: View<'a>, list: &'a ListType, item: &'a Value) -> Result<Item<'a>, String> {
    match &list.kind {
        ListKind::Atomic => Err("invalid indexing of non-associative list".to_owned()),
        ListKind::Set => match item {
            Value::Object(_) => {
                Err("associative list without keys has an element that's a map type".to_owned())
            }
            Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
            Value::Null => {
                Err("associative list without keys has an element that's an explicit null".to_owned())
            }
            scalar => Ok(Item::Value(scalar)),
        },
        ListKind::Map(keys) => identify_by_keys(view, list, keys, item),
    }
}

fn identify_by_keys<'a>(
    view: View<'a>,
    list: &'a ListType,
    keys: &'a [String],
    item: &'a Value,
) -> Result<Item<'a>, String> {
    let map = match item {
        Value::Object(map) => map,
        Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let element = view.at(list.element).get().map.as_ref();
    let value = |key: &str| map.get(key).or_else(|| element?.field(key)?.default.as_ref());
    let mut found: Vec<_> = keys.iter().filter_map(|key| Some((key.as_str(), value(key)?))).collect();
    if found.is_empty() {
        let names: Vec<_> = keys.iter().map(|key| format!("{key:?}")).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values \
             for any key fields)",
            names.join(" ")
        ));
    }
    found.sort_unstable_by_key(|(name, _)| *name);
    Ok(Item::Keys(found))
}
