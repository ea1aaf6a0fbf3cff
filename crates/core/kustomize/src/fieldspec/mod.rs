//! Where in an object a transformer works: a path with a filter on the object's kind.
//!
//! A path is split at `/`; `\/` stands for a slash inside a name, and a leading `/` is dropped. A name that ends in
//! `[]` says that the field is a list. Lists are walked through whether or not the path says so.

mod defaults;
mod name_references;
mod walk;

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::id::Gvk;

pub(crate) use defaults::{
    common_annotations, common_labels, images, metadata_name, namespace, replicas, template_labels,
    var_references, volume_claim_template_labels,
};
pub(crate) use name_references::{NameReference, name_references};
pub(crate) use walk::{Create, FieldError, describe, for_each, for_each_anyway};

/// A path in objects of some kind; empty parts of the kind match everything. Shared by all who have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldSpec(Arc<Parts>);

/// What a [`FieldSpec`] says.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Group, version and kind, each exactly.
    pub(crate) gvk: Gvk,
    /// The path as it was written, for messages and for comparing specs.
    pub(crate) path: String,
    /// Whether missing fields on the way are made.
    pub(crate) create: bool,
    /// The names of the path, split when somebody first goes it: most specs are about kinds that nobody has.
    segments: OnceLock<Vec<Segment>>,
}

impl Deref for FieldSpec {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl PartialEq for Parts {
    fn eq(&self, other: &Self) -> bool {
        (&self.gvk, &self.path, self.create) == (&other.gvk, &other.path, other.create)
    }
}

impl Eq for Parts {}

/// One name of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    name: String,
    /// The name ended in `[]`.
    list: bool,
}

impl FieldSpec {
    /// A spec from its parts.
    pub(crate) fn new(group: &str, version: &str, kind: &str, path: &str, create: bool) -> Self {
        let gvk = Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() };
        Self(Arc::new(Parts { gvk, path: path.to_owned(), create, segments: OnceLock::new() }))
    }

    fn segments(&self) -> &[Segment] {
        let segment = |part: String| match part.strip_suffix("[]") {
            Some(name) => Segment { name: name.to_owned(), list: true },
            None => Segment { name: part, list: false },
        };
        self.segments.get_or_init(|| split_path(&self.path, '/').into_iter().map(segment).collect())
    }

    /// Whether the spec is about this object, by its `apiVersion` and `kind`.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        let Gvk { group, version, kind } = &self.gvk;
        let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        if !kind.is_empty() && kind != text("kind") {
            return false;
        }
        if group.is_empty() && version.is_empty() {
            return true;
        }
        let api_version = text("apiVersion");
        let (own_group, own_version) = api_version.split_once('/').unwrap_or(("", api_version));
        let fits = |wanted: &str, have: &str| wanted.is_empty() || wanted == have;
        fits(group, own_group) && fits(version, own_version)
    }
}

/// Adds specs to a list as configurations are merged: one whose kind and path are there already must agree on `create`.
///
/// **Errors**: the path of the first spec that disagrees.
/// **Source**: kustomize `types.FsSlice.MergeAll`, api v0.21.2. A spec in the list covers a new one if the *list's*
/// kind is selected by the new one's, so the order matters.
pub(crate) fn merge_specs(list: &mut Vec<FieldSpec>, more: &[FieldSpec]) -> Result<(), FieldError> {
    for spec in more {
        let same = |have: &&FieldSpec| have.gvk.is_selected(&spec.gvk) && have.path == spec.path;
        match list.iter().find(same) {
            Some(have) if have.create != spec.create => {
                return Err(FieldError::Conflict(spec.path.clone()));
            }
            Some(_) => {}
            None => list.push(spec.clone()),
        }
    }
    Ok(())
}

/// Splits at a delimiter that a backslash escapes; one leading delimiter is dropped.
pub(crate) fn split_path(path: &str, delimiter: char) -> Vec<String> {
    let mut parts = path.split(delimiter);
    let mut first = parts.next().unwrap_or_default();
    if first.is_empty()
        && let Some(next) = parts.next()
    {
        first = next;
    }
    let mut result: Vec<String> = vec![first.to_owned()];
    for part in parts {
        match result.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(delimiter);
                last.push_str(part);
            }
            _ => result.push(part.to_owned()),
        }
    }
    result
}

#[cfg(test)]
mod tests;
