//! Strategic merge, as kyaml's `merge2` does it when kustomize calls it: new items go to the front of a list.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::elements;
use super::schema::{NodeId, Schemas};
use crate::scalar::{SCALAR, SEQUENCE, node_kind, styled};

/// The directive's key, in a map or in a list's item that holds nothing else.
pub(super) const DIRECTIVE: &str = "$patch";

/// Why a strategic merge patch cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MergeError {
    /// Target and patch have values of different kinds at one place.
    #[error("{}wrong node kind: expected {expected} but got {found}", at(path))]
    Kind {
        /// Dotted path of the place.
        path: String,
        /// `MappingNode`, `SequenceNode`, `ScalarNode`.
        expected: &'static str,
        /// The same of what the patch has.
        found: &'static str,
    },
    /// `$patch` has a value that is no directive.
    #[error("{}unknown patch strategy '{value}'", at(path))]
    Directive {
        /// Dotted path of the map or list.
        path: String,
        /// What it says.
        value: String,
    },
    /// Target or patch nest too deep.
    #[error("at '{path}': nested more than {MAX_DEPTH} levels deep")]
    Depth {
        /// Dotted path of the place.
        path: String,
    },
}

/// Where it is, in front of an error; nothing at the top.
fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("at '{path}': ") }
}

/// Nesting that a merge follows. The parser's own limit is lower; this one guards other ways in.
const MAX_DEPTH: usize = 1000;

/// Merges a patch into a target. `None` means that the patch deletes the whole of it.
///
/// **Shape**: maps are merged, `null` in the patch deletes, scalars and lists replace. Lists that the schema calls
/// associative are merged item by item: first the patch's items in its order, merged, then what only the target has.
/// `$patch: delete|replace|merge` works in maps, and in lists as an item of its own; no other directive is known, and
/// `$retainKeys/…`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…` are fields like others. Also where the patch says
/// nothing, associative lists lose items with equal keys but for the last.
/// **Errors**: [`MergeError`]; the target is lost then.
/// **Source**: kyaml `yaml/walk` and `yaml/merge2`, v0.21.2, with `MergeOptionsListPrepend` and without inference of keys.
/// Verdicts of it are in `tests/cases/strategic.jsonl`.
pub(crate) fn strategic_merge(
    target: Value,
    patch: Value,
    schemas: &Schemas,
    empty: &EmptyNulls,
) -> Result<Option<Value>, MergeError> {
    let mut merge = Merge { schemas, empty, path: Vec::new() };
    let outcome = merge.walk(Some(target), Origin::Node(patch), None)?;
    Ok(outcome.into_value())
}

/// Fields of a target that are null because nothing is written behind their colon, by the names that lead to them; lists
/// on the way are not named. The peer keeps `a: null` and `a: ~` where a merge passes by, and drops `a:`.
pub(crate) type EmptyNulls = BTreeSet<Vec<String>>;

/// What a patch has at a place.
#[derive(Debug)]
pub(super) enum Origin {
    /// Nothing.
    Missing,
    /// The very node that the target has, because it was taken from the patch as it is.
    Same,
    /// Something of its own.
    Node(Value),
}

/// What became of a place.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It goes.
    Clear,
    /// The target's node, changed in place.
    Target(Value),
    /// The patch's node; a list's item of the target is still there beside it.
    Patch(Value),
    /// A null that the target had and keeps.
    Null,
}

impl Outcome {
    fn into_value(self) -> Option<Value> {
        match self {
            Self::Clear => None,
            Self::Null => Some(Value::Null),
            Self::Target(value) | Self::Patch(value) => (!value.is_null()).then_some(value),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

/// A merge under way.
pub(super) struct Merge<'a> {
    schemas: &'a Schemas,
    empty: &'a EmptyNulls,
    path: Vec<String>,
}

impl Merge<'_> {
    pub(super) fn walk(
        &mut self,
        target: Option<Value>,
        patch: Origin,
        schema: Option<NodeId>,
    ) -> Result<Outcome, MergeError> {
        if self.path.len() > MAX_DEPTH {
            return Err(MergeError::Depth { path: self.at() });
        }
        let schema = schema.or_else(|| {
            let of_patch = match &patch {
                Origin::Node(node) => Some(node),
                Origin::Missing | Origin::Same => None,
            };
            [target.as_ref(), of_patch].into_iter().flatten().find_map(|node| self.kind_of(node))
        });
        let of_target = target.as_ref().filter(|node| !node.is_null()).map(node_kind);
        let of_patch = match &patch {
            Origin::Node(node) if !node.is_null() => Some(node_kind(node)),
            Origin::Node(_) | Origin::Missing | Origin::Same => None,
        };
        let expected = of_target.or(of_patch);
        if let (Some(expected), Some(found)) = (expected, of_patch)
            && expected != found
        {
            return Err(MergeError::Kind { path: self.at(), expected, found });
        }
        match expected {
            Some(SEQUENCE) => match schema.and_then(|id| Some((id, self.schemas.merge_keys(id)?.to_vec()))) {
                Some((id, keys)) => self.associative(target, patch, id, &keys),
                None => Ok(scalar(target, patch)),
            },
            Some(SCALAR) => Ok(scalar(target, patch)),
            _ => self.map(target, patch, schema),
        }
    }

    /// The type of an object that says its kind, wherever it stands.
    fn kind_of(&self, node: &Value) -> Option<NodeId> {
        let (api_version, kind) = (node.get("apiVersion")?.as_str()?, node.get("kind")?.as_str()?);
        self.schemas.kind(api_version, kind).flatten()
    }

    fn map(
        &mut self,
        target: Option<Value>,
        patch: Origin,
        schema: Option<NodeId>,
    ) -> Result<Outcome, MergeError> {
        match (target, patch) {
            (None, Origin::Missing | Origin::Same) => Ok(Outcome::Clear),
            (Some(Value::Null), Origin::Missing) => Ok(Outcome::Null),
            (Some(Value::Null), Origin::Same) => Ok(Outcome::Clear),
            (None | Some(Value::Null), Origin::Node(mut node)) => {
                // A directive that is none is an error only where there is something to be patched.
                if let Value::Object(map) = &mut node
                    && self.map_directive(map) == Ok(Directive::Delete)
                {
                    return Ok(Outcome::Clear);
                }
                Ok(Outcome::Patch(self.fields(node, Origin::Same, schema)?))
            }
            (Some(_), Origin::Node(Value::Null)) => Ok(Outcome::Clear),
            (Some(target), Origin::Missing) => {
                Ok(Outcome::Target(self.fields(target, Origin::Missing, schema)?))
            }
            (Some(mut target), Origin::Same) => {
                let directive = match &mut target {
                    Value::Object(map) => self.map_directive(map)?,
                    _ => Directive::Merge,
                };
                if directive == Directive::Delete {
                    return Ok(Outcome::Clear);
                }
                Ok(Outcome::Target(self.fields(target, Origin::Same, schema)?))
            }
            (Some(target), Origin::Node(mut node)) => {
                let directive = match &mut node {
                    Value::Object(map) => self.map_directive(map)?,
                    _ => Directive::Merge,
                };
                match directive {
                    Directive::Delete => Ok(Outcome::Clear),
                    Directive::Replace => Ok(Outcome::Patch(self.fields(node, Origin::Same, schema)?)),
                    Directive::Merge => {
                        Ok(Outcome::Target(self.fields(target, Origin::Node(node), schema)?))
                    }
                }
            }
        }
    }

    /// Merges the fields of two maps, one by one.
    fn fields(&mut self, target: Value, patch: Origin, schema: Option<NodeId>) -> Result<Value, MergeError> {
        let Value::Object(mut target) = target else { return Ok(target) };
        let (same, mut patch) = match patch {
            Origin::Missing => (false, Map::new()),
            Origin::Same => (true, Map::new()),
            Origin::Node(Value::Object(map)) => (false, map),
            Origin::Node(_) => (false, Map::new()),
        };
        let mut gone: Vec<String> = Vec::new();
        for (name, value) in &mut target {
            let origin = match patch.remove(name) {
                Some(node) => Origin::Node(styled(value, node)),
                None if same => Origin::Same,
                None => Origin::Missing,
            };
            // Most of a document is scalars that the patch does not name; they stay where they are, explicit nulls included.
            if matches!(origin, Origin::Missing) && !value.is_object() && !value.is_array() {
                if value.is_null() && self.is_empty_null(name) {
                    gone.push(name.clone());
                }
                continue;
            }
            match self.child(name, Some(value.take()), origin, schema)?.into_value() {
                Some(merged) => *value = merged,
                None => gone.push(name.clone()),
            }
        }
        for name in gone {
            target.remove(&name);
        }
        for (name, value) in patch {
            let outcome = self.child(&name, None, Origin::Node(value), schema)?;
            if let Some(value) = outcome.into_value() {
                target.insert(name, value);
            }
        }
        Ok(Value::Object(target))
    }

    fn child(
        &mut self,
        name: &str,
        target: Option<Value>,
        patch: Origin,
        schema: Option<NodeId>,
    ) -> Result<Outcome, MergeError> {
        let schema = schema.and_then(|id| self.schemas.field(id, name));
        self.path.push(name.to_owned());
        let outcome = self.walk(target, patch, schema);
        self.path.pop();
        outcome
    }

    fn is_empty_null(&mut self, name: &str) -> bool {
        if self.empty.is_empty() {
            return false;
        }
        self.path.push(name.to_owned());
        let found = self.empty.contains(&self.path);
        self.path.pop();
        found
    }

    fn associative(
        &mut self,
        target: Option<Value>,
        patch: Origin,
        schema: NodeId,
        keys: &[String],
    ) -> Result<Outcome, MergeError> {
        let item = self.schemas.item(schema);
        let list = |value: Option<Value>| match value {
            Some(Value::Array(items)) => Some(items),
            _ => None,
        };
        match (list(target), patch) {
            (None, Origin::Node(Value::Array(items))) => {
                let merged = elements::merge(self, items, &Origin::Same, item, keys)?;
                Ok(Outcome::Patch(Value::Array(merged)))
            }
            (None, _) | (Some(_), Origin::Node(Value::Null)) => Ok(Outcome::Clear),
            (Some(items), Origin::Missing) => {
                let merged = elements::merge(self, items, &Origin::Missing, item, keys)?;
                Ok(Outcome::Target(Value::Array(merged)))
            }
            (Some(mut items), Origin::Same) => {
                if self.list_directive(&mut items)? == Directive::Delete {
                    return Ok(Outcome::Clear);
                }
                Ok(Outcome::Target(Value::Array(elements::merge(self, items, &Origin::Same, item, keys)?)))
            }
            (Some(items), Origin::Node(Value::Array(mut new))) => match self.list_directive(&mut new)? {
                Directive::Delete => Ok(Outcome::Clear),
                Directive::Replace => {
                    Ok(Outcome::Patch(Value::Array(elements::merge(self, new, &Origin::Same, item, keys)?)))
                }
                Directive::Merge => {
                    let origin = Origin::Node(Value::Array(new));
                    Ok(Outcome::Target(Value::Array(elements::merge(self, items, &origin, item, keys)?)))
                }
            },
            (Some(items), Origin::Node(_)) => Ok(Outcome::Target(Value::Array(items))),
        }
    }

    /// Reads and removes the directive of a map.
    fn map_directive(&self, map: &mut Map<String, Value>) -> Result<Directive, MergeError> {
        let Some(value) = map.get(DIRECTIVE) else { return Ok(Directive::Merge) };
        let directive = self.directive(value)?;
        map.remove(DIRECTIVE);
        Ok(directive)
    }

    /// Reads and removes the directive of a list: the first item that holds `$patch`, if it holds nothing else.
    fn list_directive(&self, items: &mut Vec<Value>) -> Result<Directive, MergeError> {
        let found = items.iter().filter_map(Value::as_object).find(|map| map.contains_key(DIRECTIVE));
        let Some(value) = found.filter(|map| map.len() == 1).and_then(|map| map.get(DIRECTIVE)) else {
            return Ok(Directive::Merge);
        };
        let directive = self.directive(value)?;
        let text = elements::text(value).into_owned();
        elements::set(items, None, &[DIRECTIVE], &[&text]);
        Ok(directive)
    }

    fn directive(&self, value: &Value) -> Result<Directive, MergeError> {
        match elements::text(value).as_ref() {
            "delete" => Ok(Directive::Delete),
            "replace" => Ok(Directive::Replace),
            "merge" => Ok(Directive::Merge),
            other => Err(MergeError::Directive { path: self.at(), value: other.to_owned() }),
        }
    }

    pub(super) fn wrong_kind(&self, expected: &'static str, found: &Value) -> MergeError {
        MergeError::Kind { path: self.at(), expected, found: node_kind(found) }
    }

    fn at(&self) -> String {
        self.path.join(".")
    }
}

/// Scalars, and lists that are replaced: the patch's, if it has one.
fn scalar(target: Option<Value>, patch: Origin) -> Outcome {
    match (target, patch) {
        (_, Origin::Node(node)) => Outcome::Patch(node),
        (Some(value), Origin::Missing | Origin::Same) => Outcome::Target(value),
        (None, Origin::Missing | Origin::Same) => Outcome::Clear,
    }
}
