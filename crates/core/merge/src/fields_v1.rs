//! `fieldsV1`, the JSON form of a [`FieldSet`].

use serde_json::{Map, Value};

use crate::path::{PathElement, PathElementError};
use crate::set::FieldSet;

/// Deepest nesting of `fieldsV1` that is read; objects of the API are far below it.
pub(crate) const MAX_DEPTH: usize = 128;

/// Why a `fieldsV1` value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldsV1Error {
    /// A node is not a JSON object.
    #[error("fieldsV1 has a node that is not an object")]
    NotAnObject,
    /// Nested deeper than 128 levels.
    #[error("fieldsV1 is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A key that is not a path element.
    #[error("fieldsV1 has a key that cannot be read")]
    Element(#[source] PathElementError),
}

impl FieldSet {
    /// Reads the `fieldsV1` of a managed-fields entry. Elements of unknown kinds are skipped, as the server does.
    ///
    /// # Errors
    /// See [`FieldsV1Error`].
    pub fn from_fields_v1(fields: &Value) -> Result<Self, FieldsV1Error> {
        read(fields, 0).map(|(set, _)| set)
    }

    /// Writes `fieldsV1`: `{}` for a plain member, `"."` beside children for a container that is itself a member.
    pub fn to_fields_v1(&self) -> Value {
        let mut map = Map::new();
        for node in &self.nodes {
            let mut below = node.children.to_fields_v1();
            if let (true, Value::Object(children)) = (node.member && !node.children.is_empty(), &mut below) {
                children.insert(".".to_owned(), Value::Object(Map::new()));
            }
            map.insert(node.element.serialize(), below);
        }
        Value::Object(map)
    }
}

/// The set below a node, and whether the node is itself a member.
fn read(fields: &Value, depth: usize) -> Result<(FieldSet, bool), FieldsV1Error> {
    if depth > MAX_DEPTH {
        return Err(FieldsV1Error::TooDeep);
    }
    let map = fields.as_object().ok_or(FieldsV1Error::NotAnObject)?;
    let mut set = FieldSet::new();
    let mut dot = false;
    for (key, below) in map {
        if key == "." {
            dot = true;
            continue;
        }
        let element = match PathElement::parse(key) {
            Ok(element) => element,
            Err(PathElementError::UnknownKind(_)) => continue,
            Err(error) => return Err(FieldsV1Error::Element(error)),
        };
        let (children, member) = read(below, depth + 1)?;
        let node = set.entry(&element);
        node.member = member;
        node.children = children;
    }
    let member = dot || set.nodes.is_empty();
    Ok((set, member))
}
