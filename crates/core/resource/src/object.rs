use serde_json::{Map, Value};

use crate::{GroupKind, Gvk, ResourceKey};

/// Why a value is no Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnObject {
    /// Not a map at all.
    #[error("expected a map with apiVersion, kind and metadata, found {found}")]
    NotAMap {
        /// What it was instead: `a string`, `a list`, …
        found: &'static str,
    },
    /// A field that every object has is missing, empty or of another type.
    #[error("{field} is missing or is not {expected}")]
    Field {
        /// Path of the field, as in `metadata.name`.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// An entry of `metadata.ownerReferences`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerReference {
    /// Kind of the owner, with its group.
    pub group_kind: GroupKind,
    /// Name of the owner, in the same namespace or cluster-wide.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Whether it is the managing controller.
    pub controller: bool,
}

/// Any Kubernetes object. Holds a JSON map whose `apiVersion` and `kind` are non-empty strings;
/// `metadata`, where present, is a map. `metadata.name` may be absent (`generateName`).
#[derive(Debug, Clone, PartialEq)]
pub struct Object(Map<String, Value>);

impl Object {
    /// Checks what every object has: a map with string `apiVersion`, string `kind`, and, where present, a
    /// map `metadata` whose `labels` and `annotations` are maps or null.
    pub fn from_value(value: Value) -> Result<Self, NotAnObject> {
        let map = match value {
            Value::Object(map) => map,
            Value::Null => return Err(NotAnObject::NotAMap { found: "nothing" }),
            Value::Bool(_) => return Err(NotAnObject::NotAMap { found: "a boolean" }),
            Value::Number(_) => return Err(NotAnObject::NotAMap { found: "a number" }),
            Value::String(_) => return Err(NotAnObject::NotAMap { found: "a string" }),
            Value::Array(_) => return Err(NotAnObject::NotAMap { found: "a list" }),
        };
        for field in ["apiVersion", "kind"] {
            if map.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
                return Err(NotAnObject::Field { field, expected: "a non-empty string" });
            }
        }
        let metadata = map.get("metadata");
        if metadata.is_some_and(|m| !m.is_object() && !m.is_null()) {
            return Err(NotAnObject::Field { field: "metadata", expected: "a map" });
        }
        for (field, name) in [("metadata.labels", "labels"), ("metadata.annotations", "annotations")] {
            if metadata.and_then(|m| m.get(name)).is_some_and(|v| !v.is_object() && !v.is_null()) {
                return Err(NotAnObject::Field { field, expected: "a map" });
            }
        }
        Ok(Self(map))
    }

    /// The whole object as JSON.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The whole object, to be changed. The caller keeps `apiVersion`, `kind` and `metadata` well formed.
    pub fn as_map_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    /// Gives up the object's JSON.
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// A copy of the object's JSON.
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// Its group, version and kind.
    pub fn gvk(&self) -> Gvk {
        Gvk::from_api_version(self.api_version(), self.kind())
    }

    /// Its kind without the version.
    pub fn group_kind(&self) -> GroupKind {
        self.gvk().group_kind()
    }

    /// `apiVersion`.
    pub fn api_version(&self) -> &str {
        self.0.get("apiVersion").and_then(Value::as_str).unwrap_or_default()
    }

    /// `kind`.
    pub fn kind(&self) -> &str {
        self.0.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// What identifies it; the namespace as written in the object, empty where it has none.
    pub fn key(&self) -> ResourceKey {
        let GroupKind { group, kind } = self.group_kind();
        ResourceKey::new(group, kind, self.namespace().unwrap_or_default(), self.name())
    }

    /// `metadata.name`, empty where absent.
    pub fn name(&self) -> &str {
        self.meta_str("name").unwrap_or_default()
    }

    /// `metadata.namespace`, if there and not empty.
    pub fn namespace(&self) -> Option<&str> {
        self.meta_str("namespace").filter(|s| !s.is_empty())
    }

    /// `metadata.generateName`, if there and not empty.
    pub fn generate_name(&self) -> Option<&str> {
        self.meta_str("generateName").filter(|s| !s.is_empty())
    }

    /// `metadata.uid`, empty where absent.
    pub fn uid(&self) -> &str {
        self.meta_str("uid").unwrap_or_default()
    }

    /// `metadata.resourceVersion`, empty where absent.
    pub fn resource_version(&self) -> &str {
        self.meta_str("resourceVersion").unwrap_or_default()
    }

    /// `metadata.generation`, 0 where absent.
    pub fn generation(&self) -> i64 {
        self.metadata().and_then(|m| m.get("generation")).and_then(Value::as_i64).unwrap_or_default()
    }

    /// `metadata.deletionTimestamp`: since when it is on its way out (RFC 3339). Of a Pod, when its grace period ends.
    pub fn deletion_timestamp(&self) -> Option<&str> {
        self.meta_str("deletionTimestamp")
    }

    /// Whether `metadata.deletionTimestamp` is set.
    pub fn is_deleting(&self) -> bool {
        self.deletion_timestamp().is_some()
    }

    /// `metadata`, if there.
    pub fn metadata(&self) -> Option<&Map<String, Value>> {
        self.0.get("metadata").and_then(Value::as_object)
    }

    /// `metadata`, made where absent.
    pub fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        as_map_mut(self.0.entry("metadata").or_insert_with(|| Value::Object(Map::new())))
    }

    /// One annotation's value.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.metadata()?.get("annotations")?.get(name)?.as_str()
    }

    /// One label's value.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.metadata()?.get("labels")?.get(name)?.as_str()
    }

    /// Sets one annotation.
    pub fn set_annotation(&mut self, name: &str, value: impl Into<String>) {
        let annotations =
            self.metadata_mut().entry("annotations").or_insert_with(|| Value::Object(Map::new()));
        as_map_mut(annotations).insert(name.to_owned(), Value::String(value.into()));
    }

    /// Takes one annotation away; an empty map of annotations goes with it.
    pub fn remove_annotation(&mut self, name: &str) -> Option<String> {
        let annotations = self.metadata_mut().get_mut("annotations")?.as_object_mut()?;
        let old = annotations.remove(name);
        if annotations.is_empty() {
            self.metadata_mut().remove("annotations");
        }
        old.and_then(|v| v.as_str().map(str::to_owned))
    }

    /// Sets one label.
    pub fn set_label(&mut self, name: &str, value: impl Into<String>) {
        let labels = self.metadata_mut().entry("labels").or_insert_with(|| Value::Object(Map::new()));
        as_map_mut(labels).insert(name.to_owned(), Value::String(value.into()));
    }

    /// Sets or, with `None`, removes `metadata.namespace`.
    pub fn set_namespace(&mut self, namespace: Option<&str>) {
        match namespace {
            Some(namespace) => {
                self.metadata_mut().insert("namespace".to_owned(), Value::String(namespace.to_owned()));
            }
            None => {
                self.metadata_mut().remove("namespace");
            }
        }
    }

    /// `metadata.finalizers`.
    pub fn finalizers(&self) -> Vec<&str> {
        let list = self.metadata().and_then(|m| m.get("finalizers")).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// `metadata.ownerReferences`; malformed entries are left out.
    pub fn owner_references(&self) -> Vec<OwnerReference> {
        let list = self.metadata().and_then(|m| m.get("ownerReferences")).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(owner_reference).collect()
    }

    fn meta_str(&self, field: &str) -> Option<&str> {
        self.metadata()?.get(field)?.as_str()
    }
}

fn owner_reference(value: &Value) -> Option<OwnerReference> {
    let text = |field: &str| value.get(field).and_then(Value::as_str);
    Some(OwnerReference {
        group_kind: Gvk::from_api_version(text("apiVersion")?, text("kind")?).group_kind(),
        name: text("name")?.to_owned(),
        uid: text("uid").unwrap_or_default().to_owned(),
        controller: value.get("controller").and_then(Value::as_bool).unwrap_or_default(),
    })
}

/// Turns whatever is there into a map: a null `metadata`, `labels` or `annotations` reads as an empty one.
fn as_map_mut(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made a map above"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refuses_what_is_no_object() {
        for (value, message) in [
            (json!("x"), "expected a map with apiVersion, kind and metadata, found a string"),
            (json!({"kind": "A"}), "apiVersion is missing or is not a non-empty string"),
            (json!({"apiVersion": "v1", "kind": ""}), "kind is missing or is not a non-empty string"),
            (json!({"apiVersion": "v1", "kind": "A", "metadata": 1}), "metadata is missing or is not a map"),
            (
                json!({"apiVersion": "v1", "kind": "A", "metadata": {"labels": "x"}}),
                "metadata.labels is missing or is not a map",
            ),
        ] {
            assert_eq!(Object::from_value(value).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn null_maps_read_as_empty_ones() {
        let value = json!({"apiVersion": "v1", "kind": "A", "metadata": {"annotations": null}});
        let mut object = Object::from_value(value).unwrap();
        object.set_annotation("a", "b");
        assert_eq!(object.annotation("a"), Some("b"));
        assert_eq!(object.remove_annotation("a").as_deref(), Some("b"));
        assert_eq!(object.to_value(), json!({"apiVersion": "v1", "kind": "A", "metadata": {}}));
    }

    #[test]
    fn reads_owners() {
        let object = Object::from_value(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "a", "uid": "1", "controller": true}, 7]}}))
        .unwrap();
        let owners = object.owner_references();
        assert_eq!(owners.len(), 1);
        assert_eq!(
            (owners[0].group_kind.to_string().as_str(), owners[0].controller),
            ("ReplicaSet.apps", true)
        );
    }
}
