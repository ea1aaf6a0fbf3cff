//! A resource on its way through a build.

use std::cell::Cell;

use serde_json::{Map, Value};

use crate::id::{Gvk, ResId};
use crate::origin::Origin;
use crate::patch::{EmptyNulls, Schemas};

/// A resource, and what its build remembers of it. The peer keeps the latter in annotations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resource {
    /// What it says. A map, unless a patch deleted it: then null.
    pub(crate) body: Value,
    /// What it was called before, oldest first.
    pub(crate) previous: Vec<Previous>,
    /// Prefixes that its name was given, in order.
    pub(crate) prefixes: Vec<String>,
    /// Suffixes that its name was given, in order.
    pub(crate) suffixes: Vec<String>,
    /// What to do when another of the same id exists already.
    pub(crate) behavior: Behavior,
    /// Whether its name gets a hash of its content.
    pub(crate) needs_hash: bool,
    /// As a patch: whether the name in it may change its target's.
    pub(crate) allow_name_change: bool,
    /// As a patch: whether the kind in it may change its target's.
    pub(crate) allow_kind_change: bool,
    /// Variables that read from this one.
    pub(crate) variables: Vec<String>,
    /// The file or kustomization that it comes from, for messages.
    pub(crate) origin: String,
    /// Why it cannot be written, whatever becomes of the rest of it.
    pub(crate) flaw: Option<String>,
    /// Its fields with nothing behind their colon; a merge treats them otherwise than nulls.
    pub(crate) empty_nulls: EmptyNulls,
    /// Where it comes from, and what changed it, for `buildMetadata`.
    pub(crate) made: Option<Origin>,
    pub(crate) transformations: Vec<Origin>,
    /// Whether a chart made it: then it keeps its namespace.
    pub(crate) of_chart: bool,
}

/// A former id; the group and version stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Previous {
    pub(crate) name: String,
    /// The effective one: `default`, or the word for cluster-wide kinds.
    pub(crate) namespace: String,
    pub(crate) kind: String,
}

/// What a generator does when its resource exists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// Not said: create.
    #[default]
    Unspecified,
    /// It must not exist.
    Create,
    /// Labels, annotations and name stay, the rest is replaced.
    Replace,
    /// Data is merged.
    Merge,
}

impl Resource {
    /// A resource that nothing is known of yet.
    pub(crate) fn new(body: Value) -> Self {
        Self { body, ..Self::default() }
    }

    /// Whether a patch deleted it.
    pub(crate) fn is_deleted(&self) -> bool {
        self.body.as_object().is_none_or(Map::is_empty)
    }

    pub(crate) fn api_version(&self) -> &str {
        text(&self.body, "apiVersion")
    }

    pub(crate) fn kind(&self) -> &str {
        text(&self.body, "kind")
    }

    pub(crate) fn name(&self) -> &str {
        self.body.get("metadata").map_or("", |metadata| text(metadata, "name"))
    }

    pub(crate) fn namespace(&self) -> &str {
        self.body.get("metadata").map_or("", |metadata| text(metadata, "namespace"))
    }

    pub(crate) fn gvk(&self) -> Gvk {
        Gvk::new(self.api_version(), self.kind())
    }

    /// What it is called now.
    pub(crate) fn id(&self) -> ResId {
        ResId { gvk: self.gvk(), name: self.name().to_owned(), namespace: self.namespace().to_owned() }
    }

    /// What it was called first.
    pub(crate) fn original_id(&self) -> ResId {
        self.previous_ids().next().unwrap_or_else(|| self.id())
    }

    /// What it was called before now, oldest first.
    pub(crate) fn previous_ids(&self) -> impl Iterator<Item = ResId> {
        self.previous.iter().map(|previous| {
            let gvk = Gvk { kind: previous.kind.clone(), ..self.gvk() };
            ResId { gvk, name: previous.name.clone(), namespace: previous.namespace.clone() }
        })
    }

    /// The namespace as ids are compared: `default` where there is none, one word for all cluster-wide kinds.
    pub(crate) fn effective_namespace(&self, scopes: &Scopes) -> &str {
        if scopes.is_cluster_wide(self.api_version(), self.kind()) {
            return CLUSTER_WIDE;
        }
        effective(self.namespace())
    }

    /// What ids are compared by: two resources with the same must not be in one build.
    pub(crate) fn key(&self, scopes: &Scopes) -> String {
        // What differs most comes first, since keys are compared a lot.
        let parts = [self.name(), self.kind(), self.effective_namespace(scopes), self.api_version()];
        parts.join("\n")
    }

    /// Whether it is called, or was called before, what `id` says; `namespace` is the effective one.
    pub(crate) fn was_called(&self, id: &ResId, namespace: &str, scopes: &Scopes) -> bool {
        let (group, version) = self.api_version().split_once('/').unwrap_or(("", self.api_version()));
        if id.gvk.group != group || id.gvk.version != version {
            return false;
        }
        let before = |previous: &Previous| {
            previous.name == id.name
                && previous.kind == id.gvk.kind
                && effective(&previous.namespace) == namespace
        };
        self.previous.iter().any(before)
            || (self.name() == id.name
                && self.kind() == id.gvk.kind
                && self.effective_namespace(scopes) == namespace)
    }

    /// Remembers what it is called now.
    pub(crate) fn remember_id(&mut self, scopes: &Scopes) {
        let namespace = self.effective_namespace(scopes).to_owned();
        self.previous.push(Previous {
            name: self.name().to_owned(),
            namespace,
            kind: self.kind().to_owned(),
        });
    }

    /// Gives it another name.
    pub(crate) fn set_name(&mut self, name: &str) {
        if let Some(metadata) = self.metadata_mut() {
            metadata.insert("name".to_owned(), Value::from(name));
        }
    }

    /// Gives it another namespace, or none.
    pub(crate) fn set_namespace(&mut self, namespace: &str) {
        if let Some(metadata) = self.metadata_mut() {
            if namespace.is_empty() {
                metadata.remove("namespace");
            } else {
                metadata.insert("namespace".to_owned(), Value::from(namespace));
            }
        }
    }

    /// `metadata`, made where it is missing; none where it or the body is no map.
    pub(crate) fn metadata_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.body
            .as_object_mut()?
            .entry("metadata")
            .or_insert_with(|| Value::Object(Map::new()))
            .as_object_mut()
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The effective namespace of kinds that have none.
pub(crate) const CLUSTER_WIDE: &str = "_non_namespaceable_";

/// A namespace as ids are compared, of a kind that has one.
pub(crate) fn effective(namespace: &str) -> &str {
    if namespace.is_empty() { "default" } else { namespace }
}

/// Kinds that the peer knows the scope of beyond those of its schema.
const LATER_CLUSTER_WIDE: [(&str, &str); 2] = [
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
];

/// Which kinds have namespaces: what is compiled in, then what the kustomization's own schema says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scopes<'a> {
    pub(crate) own: Option<&'a Schemas>,
    /// Set when a kind is asked for that is not compiled in.
    pub(crate) asked_for_unknown: &'a Cell<bool>,
}

impl Scopes<'_> {
    /// Whether a kind is known to live outside of namespaces.
    pub(crate) fn is_cluster_wide(&self, api_version: &str, kind: &str) -> bool {
        if LATER_CLUSTER_WIDE.contains(&(api_version, kind)) {
            return true;
        }
        let known = Schemas::is_builtin_namespaced(api_version, kind);
        if known.is_none() {
            self.asked_for_unknown.set(true);
        }
        known.or_else(|| self.own?.is_namespaced(api_version, kind)) == Some(false)
    }
}
