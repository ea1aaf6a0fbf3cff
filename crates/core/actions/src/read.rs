//! What scripts return, read as actions and changes.

use resource::Object;
use serde_json::{Map, Value};

use crate::{Action, ActionError, Change, Param};

impl Action {
    /// Reads what a discovery script returned: a map from name to its properties. An empty list is no action.
    ///
    /// **Errors.** [`ActionError::Malformed`] where it is something else.
    pub fn read_all(found: &Value) -> Result<Vec<Self>, ActionError> {
        match found {
            Value::Object(map) => map.iter().map(|(name, value)| Self::read(name, value)).collect(),
            Value::Array(items) if items.is_empty() => Ok(Vec::new()),
            _ => Err(ActionError::Malformed("the actions are no table from name to properties".to_owned())),
        }
    }

    fn read(name: &str, value: &Value) -> Result<Self, ActionError> {
        let mut action = Self { name: name.to_owned(), ..Self::default() };
        let map = match value {
            Value::Object(map) => map,
            // An empty table reads as a list.
            Value::Array(_) | Value::Null => return Ok(action),
            _ => return Err(ActionError::Malformed(format!("the action {name} is no table"))),
        };
        let text = |map: &Map<String, Value>, field: &str| match map.get(field) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(ActionError::Malformed(format!("{field} of the action {name} is no text"))),
        };
        action.disabled = match map.get("disabled") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(disabled)) => *disabled,
            Some(_) => {
                return Err(ActionError::Malformed(format!(
                    "disabled of the action {name} is not true or false"
                )));
            }
        };
        action.display_name = text(map, "displayName")?;
        action.icon_class = text(map, "iconClass")?;
        for param in map.get("params").and_then(Value::as_array).into_iter().flatten() {
            let Value::Object(param) = param else {
                return Err(ActionError::Malformed(format!("a parameter of the action {name} is no table")));
            };
            action.params.push(Param { name: text(param, "name")?, default: text(param, "default")? });
        }
        Ok(action)
    }
}

impl Change {
    /// Reads what an action's script returned for `live`: the object as it should be, or a list of
    /// `{operation, resource}`.
    ///
    /// Lua cannot tell an empty list from an empty map; where live has a map and a patch has an empty list, the map is
    /// meant.
    ///
    /// **Errors.** [`ActionError::Malformed`].
    pub fn read_all(found: Value, live: &Object) -> Result<Vec<Self>, ActionError> {
        let object = |value: Value| {
            Object::from_value(value)
                .map_err(|error| ActionError::Malformed(format!("the action's result: {error}")))
        };
        let patch = |mut value: Value| {
            if let Value::Object(map) = &mut value {
                keep_maps(map, live.as_map());
            }
            object(value).map(Self::Patch)
        };
        match found {
            Value::Array(items) => items.into_iter().map(|item| impacted(item, &patch, &object)).collect(),
            value => patch(value).map(|patch| vec![patch]),
        }
    }
}

fn impacted(
    item: Value,
    patch: &impl Fn(Value) -> Result<Change, ActionError>,
    object: &impl Fn(Value) -> Result<Object, ActionError>,
) -> Result<Change, ActionError> {
    let malformed = |text: &str| ActionError::Malformed(text.to_owned());
    let Value::Object(mut item) = item else {
        return Err(malformed("an entry of the action's result is no table"));
    };
    let resource = item
        .remove("resource")
        .ok_or_else(|| malformed("an entry of the action's result has no resource"))?;
    match item.get("operation").and_then(Value::as_str) {
        Some("create") => object(resource).map(Change::Create),
        Some("patch") => patch(resource),
        other => Err(malformed(&format!("unsupported operation: {:?}", other.unwrap_or_default()))),
    }
}

fn keep_maps(new: &mut Map<String, Value>, old: &Map<String, Value>) {
    for (name, value) in new {
        if let Some(old) = old.get(name) {
            keep(value, old);
        }
    }
}

fn keep(new: &mut Value, old: &Value) {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => keep_maps(new, old),
        (Value::Array(new), Value::Array(old)) => {
            new.iter_mut().zip(old).for_each(|(new, old)| keep(new, old))
        }
        (new @ Value::Array(_), Value::Object(_)) if new.as_array().is_some_and(Vec::is_empty) => {
            *new = Value::Object(Map::new());
        }
        _ => {}
    }
}
