//! The answer.

use std::fmt;

use resource::ResourceKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::waits::{Rests, WaitsFor};

/// An object, as reasons name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Resource {
    /// API group; empty for the core's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty for cluster-wide kinds.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl From<&ResourceKey> for Resource {
    fn from(key: &ResourceKey) -> Self {
        Self {
            group: key.group.clone(),
            kind: key.kind.clone(),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
        }
    }
}

impl From<&Resource> for ResourceKey {
    fn from(resource: &Resource) -> Self {
        Self::new(&*resource.group, &*resource.kind, &*resource.namespace, &*resource.name)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ResourceKey::from(self).fmt(f)
    }
}

/// A commit of git.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// 40 hex digits.
    pub id: String,
    /// `Name <address>`.
    pub author: String,
    /// When it was authored, RFC 3339, UTC.
    pub at: String,
    /// The first line of its message.
    pub subject: String,
    /// The file that it changed, where one file is what counts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
}

/// Who wrote a field of a live object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// The field manager.
    pub manager: String,
    /// When its entry of `managedFields` was last written, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// A field that differs. An absent value is an absent field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Where: `spec.template.spec.containers[name=web].image`.
    pub path: String,
    /// Git's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<Value>,
    /// The cluster's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Value>,
    /// The commit that last wrote git's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The manager that wrote the cluster's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<Writer>,
}

/// What a container of a pod says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// A word: `ImagePullBackOff`, `OOMKilled`, `NotReady`.
    pub reason: String,
    /// In the kubelet's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// How often it was started again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub restarts: i64,
}

/// The latest warning about an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// A word: `Failed`, `FailedScheduling`.
    pub reason: String,
    /// In the words of who saw it.
    pub message: String,
    /// When it was last seen, RFC 3339; empty where that is not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// How often.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub count: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// One object of the chain from an object of the application down to what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The object.
    pub resource: Resource,
    /// Its health: `Degraded`; empty where its kind has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub health: String,
    /// What its health says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Of a pod: the container that holds it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// The latest warning about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
}

/// One thing that is amiss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum Reason {
    /// The operation under way waits.
    Waits {
        /// For this.
        waits_for: WaitsFor,
        /// Since then, RFC 3339.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        since: String,
    },
    /// An operation is under way, or asked for.
    Runs {
        /// How far it is.
        message: String,
        /// When it began, RFC 3339; empty where it has not.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        since: String,
    },
    /// It is out of sync, and nothing is synced by itself.
    Rests {
        /// Because of this.
        because: Rests,
        /// Since then, RFC 3339; empty where that is not known.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        since: String,
    },
    /// It could not be told what git wants or what the cluster has.
    Error {
        /// The type of its condition.
        condition: String,
        /// What is wrong.
        message: String,
    },
    /// An object is not healthy.
    Unhealthy {
        /// `Degraded`, `Progressing`, `Missing`, `Unknown`.
        health: String,
        /// Since when it is, RFC 3339; empty where that is not known.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        since: String,
        /// From the object of the application down to what is wrong. Never empty.
        chain: Vec<Link>,
    },
    /// An object has other fields than git wants.
    Differs {
        /// The object.
        resource: Resource,
        /// The fields, in the order of the comparison.
        fields: Vec<Field>,
        /// How many more there are.
        #[serde(default, skip_serializing_if = "is_none_more")]
        more: usize,
    },
    /// Git has an object and the cluster has not.
    Missing {
        /// The object.
        resource: Resource,
        /// More about it.
        message: String,
        /// The commit that last wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<Commit>,
    },
    /// The cluster has an object of the application and git has not.
    Extra {
        /// The object.
        resource: Resource,
    },
    /// An object is out of sync for another reason, or could not be compared.
    Uncompared {
        /// The object.
        resource: Resource,
        /// Why.
        message: String,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none_more(number: &usize) -> bool {
    *number == 0
}

impl Reason {
    /// Reasons are told in this order; those of one kind keep theirs.
    fn rank(&self) -> u8 {
        match self {
            Self::Waits { .. } | Self::Runs { .. } => 0,
            Self::Rests { .. } => 1,
            Self::Error { .. } => 2,
            Self::Unhealthy { .. } => 3,
            Self::Differs { .. } | Self::Missing { .. } | Self::Extra { .. } | Self::Uncompared { .. } => 4,
        }
    }
}

/// Everything that is amiss with an application.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Why {
    /// The reasons: what an operation waits for, why nothing is synced, errors, health, differences; objects by key.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_none_more")]
    pub more: usize,
}

impl Why {
    /// All reasons, in their order.
    pub fn new(mut reasons: Vec<Reason>) -> Self {
        reasons.sort_by_key(Reason::rank);
        Self { reasons, more: 0 }
    }

    /// Since when an operation waits for this: as before where it did already, else now.
    ///
    /// **Shape**: `now` is RFC 3339. What is waited for is the same where its [identity](WaitsFor::is_same) is.
    pub fn waiting(before: &Self, waits_for: WaitsFor, now: &str) -> Reason {
        let since = before.reasons.iter().find_map(|reason| match reason {
            Reason::Waits { waits_for: earlier, since } if earlier.is_same(&waits_for) => Some(since.clone()),
            _ => None,
        });
        Reason::Waits { waits_for, since: since.unwrap_or_else(|| now.to_owned()) }
    }
}
