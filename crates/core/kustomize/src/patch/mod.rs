//! The patches of kustomize: strategic merge and JSON 6902, and the selectors that say what they are for.

mod elements;
mod json6902;
mod labels;
mod schema;
mod selector;
mod strategic;

use serde_json::Value;

pub(crate) use elements::text as scalar_text;
pub(crate) use json6902::{apply_operations, operations};
pub(crate) use schema::Schemas;
pub(crate) use selector::{Matcher, Selector, SelectorError};
pub(crate) use strategic::{EmptyNulls, strategic_merge};

/// What an entry of `patches` holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Patches {
    /// Nothing but comments: it changes nothing.
    Nothing,
    /// Objects to be merged into their targets.
    Merge(Vec<Value>),
    /// A list of operations.
    Operations(Value),
}

/// Why a text is no patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatchTextError {
    /// It is neither.
    #[error("unable to parse SM or JSON patch from {origin}")]
    Neither {
        /// `[path: "p.yaml"]` or `[patch: "…"]`.
        origin: String,
    },
    /// It is both.
    #[error("illegally qualifies as both an SM and JSON patch: {origin}")]
    Both {
        /// `[path: "p.yaml"]` or `[patch: "…"]`.
        origin: String,
    },
}

/// Tells which of the two a patch is. `objects` is what the text holds when it is read as resources are: a patch to be
/// merged is a text that can be read so.
///
/// **Source**: kustomize `PatchTransformer`, api v0.21.2.
pub(crate) fn classify<E>(
    text: &str,
    objects: Result<Vec<Value>, E>,
    origin: &str,
) -> Result<Patches, PatchTextError> {
    let found = operations(text);
    match (objects, found) {
        (Ok(objects), Ok(list)) if !objects.is_empty() && list.as_array().is_some_and(|l| !l.is_empty()) => {
            Err(PatchTextError::Both { origin: origin.to_owned() })
        }
        (Ok(objects), _) if objects.is_empty() => Ok(Patches::Nothing),
        (Ok(objects), _) => Ok(Patches::Merge(objects)),
        (Err(_), Ok(Value::Null)) => Ok(Patches::Nothing),
        (Err(_), Ok(list)) => Ok(Patches::Operations(list)),
        (Err(_), Err(_)) => Err(PatchTextError::Neither { origin: origin.to_owned() }),
    }
}

#[cfg(test)]
pub(crate) mod tests;
