//! A resource on its way through a build.

use serde_json::{Map, Value};

use crate::id::{Gvk, ResId};

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
    /// Resources that name this one.
    pub(crate) referenced_by: Vec<ResId>,
    /// Variables that read from this one.
    pub(crate) variables: Vec<String>,
    /// The file or kustomization that it comes from, for messages.
    pub(crate) origin: String,
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
