use std::{borrow::Cow, fmt, hash::Hasher as _};

use bytes::Bytes;
use jiff::Timestamp;
use resource::GroupKind;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use crate::options::Tracker;

/// An entry of `metadata.ownerReferences`, as far as the tree needs it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct SeenOwner {
    #[serde(default)]
    pub(crate) uid: String,
    #[serde(default)]
    pub(crate) controller: bool,
}

/// One object as the server sent it, read in one pass over its text and without building its JSON.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) generation: i64,
    pub(crate) created: Option<Timestamp>,
    pub(crate) deleting: bool,
    pub(crate) owners: Vec<SeenOwner>,
    /// What the tracker is shown.
    tracked_by: Map<String, Value>,
    /// What it said.
    pub(crate) instance: Option<String>,
    /// Hash of everything but `status` and its owners, `resourceVersion`, `generation`, the times in `managedFields`,
    /// and the type's own words.
    pub(crate) digest: u64,
    /// The object's text.
    pub(crate) raw: Bytes,
}

impl Seen {
    /// Reads one object's text.
    pub(crate) fn parse(raw: Bytes) -> Result<Self, serde_json::Error> {
        let mut seen = Self {
            name: String::new(),
            namespace: String::new(),
            uid: String::new(),
            resource_version: String::new(),
            generation: 0,
            created: None,
            deleting: false,
            owners: Vec::new(),
            tracked_by: Map::new(),
            instance: None,
            digest: 0,
            raw: Bytes::new(),
        };
        let mut text = serde_json::Deserializer::from_slice(&raw);
        ObjectReader { seen: &mut seen }.deserialize(&mut text)?;
        text.end()?;
        seen.raw = raw;
        Ok(seen)
    }

    /// Asks whose it is; the metadata is not needed afterwards.
    pub(crate) fn track(&mut self, tracker: &Tracker, kind: &GroupKind) {
        self.instance = tracker(&std::mem::take(&mut self.tracked_by), kind);
    }
}

/// The hash of one field. Its keys are constant, so digests mean the same in every process.
fn digest_of(key: &str, raw: &RawValue) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(key.as_bytes());
    hasher.write_u8(0);
    hasher.write(raw.get().as_bytes());
    hasher.finish()
}

/// An entry of `managedFields`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Ownership<'a> {
    #[serde(borrow)]
    manager: Cow<'a, str>,
    operation: Cow<'a, str>,
    subresource: Cow<'a, str>,
    #[serde(borrow)]
    fields_v1: Option<&'a RawValue>,
}

/// Who owns what matters to a comparison; when it was written, and who writes the status, does not.
fn ownership_of(entry: &RawValue) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    match serde_json::from_str::<Ownership<'_>>(entry.get()) {
        Ok(ownership) if ownership.subresource == "status" => return 0,
        Ok(ownership) => {
            for text in [&ownership.manager, &ownership.operation, &ownership.subresource] {
                hasher.write(text.as_bytes());
                hasher.write_u8(0);
            }
            hasher.write(ownership.fields_v1.map_or("", RawValue::get).as_bytes());
        }
        Err(_) => hasher.write(entry.get().as_bytes()),
    }
    hasher.finish()
}

struct ObjectReader<'s> {
    seen: &'s mut Seen,
}

impl<'de> DeserializeSeed<'de> for ObjectReader<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectReader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "metadata" => map.next_value_seed(MetadataReader { seen: &mut *self.seen })?,
                // A list's items lack the type's words, a watch's have them; status is told apart on purpose.
                "apiVersion" | "kind" | "status" => {
                    map.next_value::<IgnoredAny>()?;
                }
                // Added up, so that the order of fields does not matter.
                other => {
                    self.seen.digest = self.seen.digest.wrapping_add(digest_of(other, map.next_value()?))
                }
            }
        }
        Ok(())
    }
}

struct MetadataReader<'s> {
    seen: &'s mut Seen,
}

impl<'de> DeserializeSeed<'de> for MetadataReader<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MetadataReader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object's metadata")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let seen = self.seen;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "managedFields" => {
                    let entries = map.next_value::<Option<Vec<&'de RawValue>>>()?;
                    for entry in entries.into_iter().flatten() {
                        seen.digest = seen.digest.wrapping_add(ownership_of(entry));
                    }
                    continue;
                }
                "resourceVersion" => {
                    seen.resource_version = map.next_value()?;
                    continue;
                }
                _ => {}
            }
            let raw: &'de RawValue = map.next_value()?;
            // Where a kind has no subresource for its status, each write of it counts the generation on.
            if key != "generation" {
                seen.digest = seen.digest.wrapping_add(digest_of(&key, raw));
            }
            let parsed = match key.as_str() {
                "name" => read(raw, &mut seen.name),
                "namespace" => read(raw, &mut seen.namespace),
                "uid" => read(raw, &mut seen.uid),
                "generation" => read(raw, &mut seen.generation),
                "creationTimestamp" => read(raw, &mut seen.created),
                "deletionTimestamp" => {
                    seen.deleting = raw.get() != "null";
                    Ok(())
                }
                "ownerReferences" => read(raw, &mut seen.owners),
                "labels" | "annotations" => Ok(()),
                _ => continue,
            };
            parsed.map_err(serde::de::Error::custom)?;
            if matches!(
                key.as_str(),
                "name" | "namespace" | "uid" | "labels" | "annotations" | "ownerReferences"
            ) {
                let value = serde_json::from_str(raw.get()).map_err(serde::de::Error::custom)?;
                seen.tracked_by.insert(key, value);
            }
        }
        Ok(())
    }
}

/// `null` leaves the default, as the API server means it.
fn read<'de, T: Deserialize<'de>>(raw: &'de RawValue, into: &mut T) -> Result<(), serde_json::Error> {
    if raw.get() != "null" {
        *into = serde_json::from_str(raw.get())?;
    }
    Ok(())
}

/// One page of a list; `items` borrow its text.
#[derive(Debug, Deserialize)]
pub(crate) struct ListPage<'a> {
    #[serde(default)]
    pub(crate) metadata: ListMeta,
    #[serde(borrow, default)]
    pub(crate) items: Option<Vec<&'a RawValue>>,
}

/// `metadata` of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListMeta {
    pub(crate) resource_version: String,
    #[serde(rename = "continue")]
    pub(crate) continue_token: Option<String>,
}

/// One line of a watch.
#[derive(Debug, Deserialize)]
pub(crate) struct WatchLine<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(borrow)]
    pub(crate) object: &'a RawValue,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(value: &Value) -> Seen {
        Seen::parse(Bytes::from(value.to_string())).unwrap()
    }

    #[test]
    fn reads_what_the_tree_and_the_tracker_need() {
        let pod = seen(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {
            "name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": "7", "generation": 3,
            "creationTimestamp": "2026-01-02T03:04:05Z", "deletionTimestamp": "2026-01-02T03:04:06Z",
            "annotations": {"a": "b"}, "managedFields": [{"manager": "x"}],
            "ownerReferences": [{"apiVersion": "v1", "kind": "A", "name": "n", "uid": "u0", "controller": true}]}}));
        assert_eq!((pod.name.as_str(), pod.namespace.as_str(), pod.uid.as_str()), ("web", "shop", "u1"));
        assert_eq!((pod.resource_version.as_str(), pod.generation, pod.deleting), ("7", 3, true));
        assert_eq!(pod.created.unwrap().to_string(), "2026-01-02T03:04:05Z");
        assert_eq!(pod.owners, [SeenOwner { uid: "u0".to_owned(), controller: true }]);
        assert_eq!(pod.tracked_by["annotations"], json!({"a": "b"}));
        assert!(!pod.tracked_by.contains_key("managedFields"));
    }

    #[test]
    fn digest_changes_with_what_a_comparison_looks_at() {
        let base = json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "resourceVersion": "1", "generation": 1,
            "labels": {"l": "1"}, "managedFields": [
                {"manager": "argocd-controller", "operation": "Apply", "time": "t", "fieldsV1": {"f:spec": {}}},
                {"manager": "kubelet", "operation": "Update", "time": "t", "subresource": "status", "fieldsV1": {"f:status": {}}}]},
            "spec": {"x": 1}, "status": {"s": 1}});
        for (row, pointer, same) in [
            ("status", "/status/s", true),
            ("resourceVersion", "/metadata/resourceVersion", true),
            ("generation", "/metadata/generation", true),
            ("when we wrote", "/metadata/managedFields/0/time", true),
            ("who owns what", "/metadata/managedFields/0/manager", false),
            ("what is owned", "/metadata/managedFields/0/fieldsV1/f:spec", false),
            ("who writes the status", "/metadata/managedFields/1/manager", true),
            ("the type's words", "/apiVersion", true),
            ("spec", "/spec/x", false),
            ("labels", "/metadata/labels/l", false),
            ("name", "/metadata/name", false),
        ] {
            let mut other = base.clone();
            let place = other.pointer_mut(pointer).unwrap();
            *place = if place.is_number() { json!(2) } else { json!("2") };
            assert_eq!(seen(&base).digest == seen(&other).digest, same, "{row}");
        }
    }

    #[test]
    fn refuses_what_is_no_object() {
        for (row, text) in [
            ("cut off", r#"{"metadata":{"name":"a""#),
            ("a list", "[]"),
            ("two values", r#"{"metadata":{}} {}"#),
            ("name is a number", r#"{"metadata":{"name":1}}"#),
        ] {
            assert!(Seen::parse(Bytes::from(text)).is_err(), "{row}");
        }
    }

    #[test]
    fn nulls_read_as_absent() {
        let seen = Seen::parse(Bytes::from(
            r#"{"metadata":{"name":"a","creationTimestamp":null,"ownerReferences":null,"labels":null}}"#,
        ))
        .unwrap();
        assert!(seen.created.is_none() && seen.owners.is_empty());
    }
}
