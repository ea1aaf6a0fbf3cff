//! `replacements`: values copied from one field to others.

mod apply;
mod field_path;
mod structured;

use serde::Deserialize;

use crate::lenient;
use crate::patch::Selector;

pub(crate) use apply::replace;
pub(crate) use field_path::{lookup, split_field_path};

/// An entry of `replacements`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Replacement {
    /// Where the value comes from.
    pub(crate) source: Option<Source>,
    /// Where it goes.
    pub(crate) targets: Option<Vec<Target>>,
    /// The value itself, instead of a source.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub(crate) source_value: Option<String>,
}

/// The one object that a value comes from, all parts exactly; empty ones match everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Source {
    /// API group.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) group: String,
    /// API version.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) version: String,
    /// Kind.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) kind: String,
    /// Name, current or of before.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) name: String,
    /// Namespace; `default` and none are the same.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) namespace: String,
    /// The field; `metadata.name` if empty.
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) field_path: String,
    /// Which part of the value.
    pub(crate) options: Option<FieldOptions>,
}

/// Objects, and fields of them, that a value goes to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Target {
    /// Objects that get it.
    pub(crate) select: Option<Selector>,
    /// Of those, objects that do not.
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) reject: Vec<Selector>,
    /// The fields; `metadata.name` if there are none.
    #[serde(deserialize_with = "lenient::texts")]
    pub(crate) field_paths: Vec<String>,
    /// Which part of the field, and whether it is made.
    pub(crate) options: Option<FieldOptions>,
}

/// How a field is read or written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FieldOptions {
    /// What a text is split at; empty: it is taken whole.
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) delimiter: String,
    /// Which part, from 0. For a target: before the first if negative, behind the last if there is none such.
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) index: i64,
    /// Accepted and without effect, as in the peer.
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) encoding: String,
    /// Whether a missing field is made.
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) create: bool,
}

/// The field where none is named.
const DEFAULT_FIELD: &str = "metadata.name";

#[cfg(test)]
mod tests;
