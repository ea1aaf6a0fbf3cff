use serde_json::{Map, Value};

use super::{FieldSpec, Segment};
use crate::id::{Gvk, ResId};

/// What to make of a field that is missing, or there with null, at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Create {
    /// Nothing, whatever the spec says.
    Never,
    /// An empty text, where the spec says `create`.
    Scalar,
    /// An empty map, where the spec says `create`.
    Map,
}

/// Why a path could not be walked in an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldError {
    /// The path goes on below a scalar.
    #[error("considering field '{path}' of object {object}: expected sequence or mapping node")]
    Scalar {
        /// The whole path.
        path: String,
        /// The object, as the peer names it.
        object: String,
    },
    /// A part of the path is empty.
    #[error("considering field '{path}' of object {object}: cannot set or create an empty field name")]
    EmptyName {
        /// The whole path.
        path: String,
        /// The object, as the peer names it.
        object: String,
    },
    /// The field is there, but what is to be done with it does not fit.
    #[error("considering field '{path}' of object {object}: {reason}")]
    Unfit {
        /// The whole path.
        path: String,
        /// The object, as the peer names it.
        object: String,
        /// What does not fit.
        reason: String,
    },
    /// Two configurations name the same path and disagree on `create`.
    #[error("conflicting fieldspecs for path '{0}'")]
    Conflict(String),
}

/// Calls `act` on each field that the spec leads to; does nothing to objects of another kind.
///
/// **Shape**: lists are walked through, each item with the whole rest of the path. With `create`, missing maps on the
/// way are made, and a null on the way becomes an empty map; a null where the path says `[]` becomes an empty list.
/// Otherwise a path that leads nowhere is no error.
/// **Errors**: [`FieldError`], also for what `act` refuses.
/// **Source**: kustomize `filters/fieldspec`, api v0.21.2.
pub(crate) fn for_each(
    object: &mut Value,
    spec: &FieldSpec,
    create: Create,
    act: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), FieldError> {
    if !spec.matches(object) {
        return Ok(());
    }
    visit(object, spec, create, act)
}

/// The same for an object of any kind, and without making anything.
pub(crate) fn for_each_anyway(
    object: &mut Value,
    spec: &FieldSpec,
    act: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), FieldError> {
    visit(object, spec, Create::Never, act)
}

fn visit(
    object: &mut Value,
    spec: &FieldSpec,
    create: Create,
    act: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), FieldError> {
    let create = if spec.create { create } else { Create::Never };
    walk(object, spec.segments(), create, act).map_err(|stop| {
        let (path, object) = (spec.path.clone(), describe(object));
        match stop {
            Stop::Scalar => FieldError::Scalar { path, object },
            Stop::EmptyName => FieldError::EmptyName { path, object },
            Stop::Unfit(reason) => FieldError::Unfit { path, object, reason },
        }
    })
}

enum Stop {
    Scalar,
    EmptyName,
    Unfit(String),
}

fn walk(
    node: &mut Value,
    path: &[Segment],
    create: Create,
    act: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), Stop> {
    let Some((segment, rest)) = path.split_first() else {
        return act(node).map_err(Stop::Unfit);
    };
    match node {
        Value::Null => Ok(()),
        Value::Array(items) => items.iter_mut().try_for_each(|item| walk(item, path, create, act)),
        Value::Object(map) => {
            if segment.name.is_empty() {
                return Err(Stop::EmptyName);
            }
            match field(map, segment, rest.is_empty(), create) {
                Some(next) => walk(next, rest, create, act),
                None => Ok(()),
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(Stop::Scalar),
    }
}

/// The field that a segment names, made or given a type where the walk may do so.
fn field<'a>(
    map: &'a mut Map<String, Value>,
    segment: &Segment,
    last: bool,
    create: Create,
) -> Option<&'a mut Value> {
    let fresh = || match create {
        Create::Scalar if last => Value::String(String::new()),
        Create::Never | Create::Scalar | Create::Map => Value::Object(Map::new()),
    };
    if segment.list {
        let found = map.get_mut(&segment.name)?;
        if found.is_null() {
            *found = Value::Array(Vec::new());
        }
        return Some(found);
    }
    if create == Create::Never {
        return map.get_mut(&segment.name);
    }
    let found = map.entry(segment.name.as_str()).or_insert(Value::Null);
    if found.is_null() {
        *found = fresh();
    }
    Some(found)
}

/// An object as the peer's messages name it: `Deployment.v1.apps/web.shop`.
pub(crate) fn describe(object: &Value) -> String {
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let gvk = Gvk::new(&text(object, "apiVersion"), &text(object, "kind"));
    let (name, namespace) = (text(&object["metadata"], "name"), text(&object["metadata"], "namespace"));
    ResId { gvk, name, namespace }.to_string()
}
