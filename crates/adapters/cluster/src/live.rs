use std::sync::Arc;

use jiff::Timestamp;
use resource::{GroupKind, Gvk, Object, ResourceKey};
use serde_json::Value;

/// An owner of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The owner's uid.
    pub uid: Arc<str>,
    /// Whether it is the managing controller.
    pub controller: bool,
}

/// One object of the cluster, as last seen: a compact node, with the whole text only where it is needed
/// (a Pod of 3.6 KB costs some 60 KB as a `DynamicObject`).
#[derive(Debug)]
pub struct LiveObject {
    pub(crate) gvk: Arc<Gvk>,
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) uid: Arc<str>,
    pub(crate) resource_version: Box<str>,
    pub(crate) generation: i64,
    pub(crate) owners: Box<[Owner]>,
    pub(crate) instance: Option<Arc<str>>,
    pub(crate) deleting: bool,
    pub(crate) created: Option<Timestamp>,
    pub(crate) digest: u64,
    pub(crate) full: Option<Box<str>>,
}

impl LiveObject {
    /// What identifies it.
    pub fn key(&self) -> ResourceKey {
        ResourceKey::new(&*self.gvk.group, &*self.gvk.kind, &*self.namespace, &*self.name)
    }

    /// Kind and the version in which it is watched.
    pub fn gvk(&self) -> &Gvk {
        &self.gvk
    }

    /// Kind without the version.
    pub fn group_kind(&self) -> GroupKind {
        self.gvk.group_kind()
    }

    /// Namespace, empty for a cluster-wide kind.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `metadata.uid`.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// `metadata.resourceVersion`.
    pub fn resource_version(&self) -> &str {
        &self.resource_version
    }

    /// `metadata.generation`, 0 where the kind has none.
    pub fn generation(&self) -> i64 {
        self.generation
    }

    /// `metadata.ownerReferences`.
    pub fn owners(&self) -> &[Owner] {
        &self.owners
    }

    /// Whether a controller owns it: such an object is not ours to prune (reliability P1).
    pub fn has_controller(&self) -> bool {
        self.owners.iter().any(|owner| owner.controller)
    }

    /// The application instance that its tracking names.
    pub fn instance(&self) -> Option<&Arc<str>> {
        self.instance.as_ref()
    }

    /// Whether it is being deleted.
    pub fn deleting(&self) -> bool {
        self.deleting
    }

    /// `metadata.creationTimestamp`.
    pub fn created(&self) -> Option<Timestamp> {
        self.created
    }

    /// A hash of everything but `status` and its owners, `resourceVersion`, `generation` and the times in `managedFields`; two states of
    /// one object with the same digest, read whole, compare alike.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// Whether the whole object is held.
    pub fn is_full(&self) -> bool {
        self.full.is_some()
    }

    /// The whole object, parsed anew at each call; `None` where only its metadata is held (see
    /// [`Cluster::need_full`](crate::Cluster::need_full), [`Cluster::want`](crate::Cluster::want)) or where it
    /// nests deeper than 128 levels.
    pub fn object(&self) -> Option<Object> {
        let mut value: Value = serde_json::from_str(self.full.as_deref()?).ok()?;
        // Items of a list of a built-in kind lack both.
        let map = value.as_object_mut()?;
        map.insert("apiVersion".to_owned(), Value::String(self.gvk.api_version()));
        map.insert("kind".to_owned(), Value::String(self.gvk.kind.clone()));
        Object::from_value(value).ok()
    }
}

/// What is known about the objects of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Knowledge {
    /// A list was read to its end, and the watch since then has no gap.
    Complete,
    /// The first list, or a list after a gap, is being read.
    Loading,
    /// The server refuses to list or watch it.
    Forbidden {
        /// The missing right, in the server's words.
        reason: String,
    },
    /// The kind is served, but cannot be listed or watched now, or discovery of its group failed.
    Failed {
        /// Why.
        reason: String,
    },
    /// The server does not serve the kind.
    Absent,
    /// The operator's settings leave it out.
    Excluded,
}

impl Knowledge {
    /// Whether a missing object of the kind is known to be missing. A kind that is not served has no objects.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    /// How far from complete: of several scopes of one kind, the worst counts.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Excluded => 1,
            Self::Absent => 2,
            Self::Loading => 3,
            Self::Failed { .. } => 4,
            Self::Forbidden { .. } => 5,
        }
    }
}
