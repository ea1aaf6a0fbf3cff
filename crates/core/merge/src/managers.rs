//! Entries of `metadata.managedFields`.

use std::fmt;

use crate::set::FieldSet;

/// How a manager came to own its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Any other write.
    Update,
}

impl Operation {
    /// The word in `managedFields`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who writes, and when.
#[derive(Debug, Clone, Copy)]
pub struct Manager<'a> {
    /// Field manager; empty becomes `unknown`.
    pub name: &'a str,
    /// How it writes.
    pub operation: Operation,
    /// `apps/v1`, the version that it writes in.
    pub api_version: &'a str,
    /// `status`, `scale`, … or empty.
    pub subresource: &'a str,
    /// Now, RFC 3339 in UTC with whole seconds: `2026-01-01T00:00:00Z`.
    pub time: &'a str,
    /// Fields that this endpoint resets, so that a writer does not come to own them: `status` for a kind with a
    /// status subresource, all else for `/status` itself.
    pub resets: Option<&'a FieldSet>,
}
