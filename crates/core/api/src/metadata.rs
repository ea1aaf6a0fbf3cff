//! `metadata` of the objects that we serve.

use serde_json::Value;
use std::collections::BTreeMap;

use crate::wire::wire;

wire! {
    /// The part of `metadata` that we read; `managedFields` and the rest stay in `other`.
    pub struct Metadata {
        /// Name.
        name: String,
        /// Namespace, empty where not set.
        namespace: String,
        /// Identity, given by the server.
        uid: String,
        /// Version of the stored object, opaque.
        resource_version: String,
        /// Counts changes of the object: of all of it where there is no status subresource.
        generation: i64,
        /// Labels.
        labels: BTreeMap<String, String>,
        /// Annotations.
        annotations: BTreeMap<String, String>,
        /// What must be done before the object may go.
        finalizers: Vec<String>,
        /// RFC 3339.
        creation_timestamp: Option<String>,
        /// RFC 3339; set when the object is being deleted.
        deletion_timestamp: Option<String>,
        /// Owners, as they came.
        owner_references: Vec<Value>,
    }
}

impl Metadata {
    /// One annotation's value.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(name).map(String::as_str)
    }

    /// One label's value.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// Whether the object is being deleted.
    pub fn is_deleting(&self) -> bool {
        self.deletion_timestamp.is_some()
    }

    /// Whether it carries this finalizer.
    pub fn has_finalizer(&self, name: &str) -> bool {
        self.finalizers.iter().any(|finalizer| finalizer == name)
    }
}
