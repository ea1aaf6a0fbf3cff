//! What a comparison says.

use std::fmt;

use merge::{Path, PathElement};
use resource::Object;
use serde_json::Value;

use crate::path;

/// How one object stands against git.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Applying it would change nothing that counts.
    Synced,
    /// The fields in which the cluster differs from git for certain. From [`compare`](crate::compare()) the list has
    /// what was seen without asking; from [`compare_predicted`](crate::compare_predicted) it is complete.
    OutOfSync(Vec<FieldDiff>),
    /// It cannot be told from here: a dry-run apply and [`compare_predicted`](crate::compare_predicted) can.
    AskServer(Why),
}

/// One field that differs. Values of Secrets and of masked annotations are placeholders already.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDiff {
    /// Where: `spec.template.spec.containers[name=web].image`; odd field names are quoted:
    /// `metadata.annotations["a.b/c"]`.
    pub path: String,
    /// The value in the cluster, `None` where absent.
    pub live: Option<Value>,
    /// The value in git (or, after a dry run, what an apply would make of it), `None` where absent.
    pub desired: Option<Value>,
    /// The field manager that owns the live value, as its managed fields say.
    pub manager: Option<String>,
    /// When that manager last wrote any of its fields, RFC 3339.
    pub changed_at: Option<String>,
    /// The place that `path` names.
    pub place: Place,
}

/// A place in an object, to be found in others of its kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Place(pub(crate) Path);

impl Place {
    /// What another object has there. It is as it comes: a Secret's value is not masked, so compare it and do not show it.
    pub fn value_in<'a>(&self, object: &'a Object) -> Option<&'a Value> {
        let mut path = self.0.as_slice();
        let mut value = match path.split_first() {
            Some((PathElement::Field(name), rest)) => {
                path = rest;
                object.as_map().get(name)?
            }
            _ => return None,
        };
        for element in path {
            (_, value) = path::child(value, element)?;
        }
        Some(value)
    }
}

/// Why the server has to be asked. Shown to users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No managed-fields entry of ours: nobody, or another tool, has applied the object.
    NotAppliedByUs,
    /// Our entry cannot be read.
    UnreadableOwnership,
    /// Our entry was made in another API version than git has.
    OtherVersion {
        /// `apiVersion` of our entry.
        applied: String,
    },
    /// Git has a field that we do not own yet.
    NotOwned {
        /// Where.
        path: String,
    },
    /// We own a field that git no longer has; the server may have a default for it.
    NoLongerDesired {
        /// Where.
        path: String,
    },
    /// A field of ours has another value than git; a webhook may have changed it when it was applied.
    Differs {
        /// Where.
        path: String,
    },
    /// The values differ as text, and may be the same to the server: a quantity, a duration, a number as text, a default.
    MayBeSame {
        /// Where.
        path: String,
    },
    /// The items of a keyed list stand in another order.
    Order {
        /// Where.
        path: String,
    },
    /// An ignore rule could not be evaluated on this object, so the fields that it names are unknown.
    RuleFailed {
        /// The rule, as [`RuleProblem::rule`](crate::RuleProblem) names it.
        rule: String,
        /// What went wrong.
        reason: String,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAppliedByUs => f.write_str("the object was not applied by this controller"),
            Self::UnreadableOwnership => f.write_str("the managed fields of this controller cannot be read"),
            Self::OtherVersion { applied } => write!(f, "the object was applied as {applied}"),
            Self::NotOwned { path } => write!(f, "{path} is in git and was not applied yet"),
            Self::NoLongerDesired { path } => write!(f, "{path} was applied and is no longer in git"),
            Self::Differs { path } => write!(f, "{path} differs from git"),
            Self::MayBeSame { path } => write!(f, "{path} is written differently and may mean the same"),
            Self::Order { path } => write!(f, "the items of {path} are in another order"),
            Self::RuleFailed { rule, reason } => write!(f, "{rule} could not be evaluated: {reason}"),
        }
    }
}
