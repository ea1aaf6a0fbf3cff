//! `ValueAddTransformer`: one value in fields of several resources.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::namespace::{self, Subjects};
use super::select;
use crate::error::Error;
use crate::fieldspec::split_path;
use crate::patch::{Selector, scalar_text};
use crate::resource::Scopes;
use crate::resources::Resources;
use crate::scalar::{MAPPING, SCALAR, wrong_node};

/// Fields that get the value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ValueTarget {
    pub(crate) selector: Option<Selector>,
    pub(crate) field_path: String,
    /// Where in a path that the field holds the value goes, from 1; the field is replaced for 0.
    pub(crate) file_path_position: i64,
}

/// Sets the value.
///
/// **Source**: kustomize `filters/valueadd`, api v0.21.2.
pub(crate) fn apply(
    resources: &mut Resources,
    value: &str,
    targets: &[ValueTarget],
    scopes: &Scopes<'_>,
) -> Result<(), Error> {
    for target in targets {
        let selected = match &target.selector {
            Some(selector) => select(resources, selector, scopes)?,
            None => (0..resources.list().len()).collect(),
        };
        let list = resources.list_mut();
        for at in selected {
            let Some(resource) = list.get_mut(at) else { continue };
            if target.field_path == "metadata/namespace" {
                namespace::set(resource, value, &[], false, Subjects::Default, scopes)?;
                continue;
            }
            let place = field(&mut resource.body, &target.field_path).map_err(Error::invalid)?;
            let old = if place.is_null() { "".into() } else { scalar_text(place) };
            let position = usize::try_from(target.file_path_position).unwrap_or_default();
            let new = if position > 0 { insert(&old, position - 1, value) } else { value.to_owned() };
            *place = Value::String(new);
        }
    }
    Ok(())
}

/// A scalar, made where it is missing.
fn field<'a>(body: &'a mut Value, path: &str) -> Result<&'a mut Value, String> {
    let mut place = body;
    for name in split_path(path, '/') {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        place = match place {
            Value::Object(map) => map.entry(name).or_insert(Value::Null),
            Value::Array(items) => {
                let at = name.parse::<usize>().ok().filter(|at| *at < items.len());
                at.and_then(|at| items.get_mut(at)).ok_or_else(|| format!("no item {name} in '{path}'"))?
            }
            other => return Err(wrong_node(MAPPING, other)),
        };
    }
    if place.is_object() || place.is_array() { Err(wrong_node(SCALAR, place)) } else { Ok(place) }
}

/// Puts a part into a path of files.
fn insert(path: &str, position: usize, part: &str) -> String {
    if path.is_empty() {
        return part.to_owned();
    }
    let (root, rest) = path.strip_prefix('/').map_or(("", path), |rest| ("/", rest));
    let mut parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    format!("{root}{}", parts.join("/"))
}
