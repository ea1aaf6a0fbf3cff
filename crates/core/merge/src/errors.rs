//! Why merging fails.

use crate::managers::Operation;
use crate::path::{Path, display_path};

/// A value does not have the shape that its type wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", prefix(path), message)]
pub struct TypeError {
    /// Where, from the root of the object.
    pub path: Path,
    /// What is wrong, worded as structured-merge-diff words it.
    pub message: String,
}

fn prefix(path: &Path) -> String {
    if path.is_empty() { String::new() } else { format!("{}: ", display_path(path)) }
}

/// A field that somebody else owns and that an apply without force would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The other manager.
    pub manager: String,
    /// How it came to own the field.
    pub operation: Operation,
    /// The version of its entry.
    pub api_version: String,
    /// The subresource that it wrote through, empty for the object itself.
    pub subresource: String,
    /// The contested field.
    pub path: Path,
}

impl Conflict {
    /// The other manager as the API server names it: `"kubectl" using apps/v1`.
    pub fn who(&self) -> String {
        let mut text = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            text.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if self.operation == Operation::Update {
            text.push_str(&format!(" using {}", self.api_version));
        }
        text
    }
}

/// Why an apply is refused. `Display` is the message of the API server's `Status`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// HTTP 409, reason `Conflict`; one cause (`FieldManagerConflict`) for each conflict.
    #[error("{}", conflict_message(.0))]
    Conflicts(Vec<Conflict>),
    /// The applied object does not fit its type: unknown field, wrong shape, duplicate list keys (HTTP 500
    /// in the peer).
    #[error("{0}")]
    Invalid(String),
    /// HTTP 400: the request is wrong in itself, e.g. it carries managedFields.
    #[error("{0}")]
    BadRequest(String),
}

fn conflict_message(conflicts: &[Conflict]) -> String {
    if let [only] = conflicts {
        return format!(
            "Apply failed with 1 conflict: conflict with {}: {}",
            only.who(),
            display_path(&only.path)
        );
    }
    let mut lines = Vec::new();
    let mut last = None;
    for conflict in conflicts {
        let who = conflict.who();
        if last.as_ref() != Some(&who) {
            lines.push(format!("conflicts with {who}:"));
            last = Some(who);
        }
        lines.push(format!("- {}", display_path(&conflict.path)));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

/// Why a patch cannot be made or applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch document itself is malformed (HTTP 400).
    #[error("{0}")]
    Malformed(String),
    /// The patch is well-formed and does not fit the object (HTTP 422): a failed `test`, a missing path.
    #[error("{0}")]
    DoesNotFit(String),
}
