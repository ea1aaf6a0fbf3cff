//! Rows with some of their fields.

use serde_json::Value;

use crate::error::QueryError;
use crate::row::Row;

/// Fields of a row.
const NAMES: [&str; 17] = [
    "namespace",
    "name",
    "project",
    "version",
    "created",
    "labels",
    "health",
    "sync",
    "revisions",
    "operation",
    "synced",
    "autoSync",
    "destination",
    "sources",
    "images",
    "conditions",
    "deleting",
];
/// What says which application a row is of, and how new it is.
const ALWAYS: [&str; 3] = ["namespace", "name", "version"];

/// Some fields of rows; all where nothing is said. What names the row is always among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<&'static str>);

impl Fields {
    /// Reads names with commas between.
    ///
    /// # Errors
    /// A name that is none.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut at = 0;
        let mut fields = Vec::new();
        for name in text.split(',') {
            let trimmed = name.trim();
            if !trimmed.is_empty() {
                let known = NAMES.iter().find(|known| known.eq_ignore_ascii_case(trimmed));
                fields.push(*known.ok_or_else(|| QueryError::unknown(at, "field", trimmed, &NAMES))?);
            }
            at += name.chars().count() + 1;
        }
        Ok(Self(fields))
    }

    /// The JSON of a row.
    pub fn of(&self, row: &Row) -> Value {
        let mut value = row.value();
        if let Some(map) = value.as_object_mut().filter(|_| !self.0.is_empty()) {
            map.retain(|name, _| self.0.contains(&name.as_str()) || ALWAYS.contains(&name.as_str()));
        }
        value
    }
}
