//! What holds up a sync: one under way, or the next one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::reason::Resource;

/// The one thing that an operation waits for. `Display` is the text for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all_fields = "camelCase")]
pub enum WaitsFor {
    /// An object of the wave to become healthy.
    Health {
        /// The first of them.
        resource: Resource,
        /// What it says.
        message: String,
        /// How many there are beside it.
        #[serde(default)]
        more: usize,
    },
    /// A hook to come to its end.
    Hook {
        /// The first of them.
        resource: Resource,
        /// How many there are beside it.
        #[serde(default)]
        more: usize,
    },
    /// A pruned object to be gone.
    Deletion {
        /// The first of them.
        resource: Resource,
        /// What holds it.
        finalizers: Vec<String>,
        /// How many there are beside it.
        #[serde(default)]
        more: usize,
    },
    /// What an earlier sync left to be gone.
    Leftover {
        /// The hook's object.
        resource: Resource,
    },
    /// Somebody to say that an object may be pruned.
    Confirmation {
        /// The first of them.
        resource: Resource,
        /// The annotation of the Application that says so.
        annotation: String,
        /// How many there are beside it.
        #[serde(default)]
        more: usize,
    },
    /// The pause between waves to be over.
    Pause {
        /// How long it is, for people: `2 s`.
        time: String,
        /// When it is over, RFC 3339.
        until: String,
    },
    /// The time of the next attempt.
    Retry {
        /// Its number.
        attempt: i64,
        /// When it begins, RFC 3339.
        due: String,
        /// What the last one ended with.
        message: String,
    },
    /// A sync window that permits it.
    Window {
        /// Which window is in the way, for people.
        message: String,
        /// When that changes, RFC 3339; empty where it does not by itself.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        until: String,
    },
    /// The first look at every other application: what moves from one to another is handed over, not pruned.
    OtherApplications,
    /// Something that another version of the controller waits for.
    #[serde(other)]
    Unknown,
}

impl WaitsFor {
    /// Whether this is the same as before, though other words may be said of it.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Retry { attempt, .. }, Self::Retry { attempt: other, .. }) => attempt == other,
            (Self::Pause { until, .. }, Self::Pause { until: other, .. }) => until == other,
            _ => {
                std::mem::discriminant(self) == std::mem::discriminant(other)
                    && self.resource() == other.resource()
            }
        }
    }

    /// The object that it is about.
    pub fn resource(&self) -> Option<&Resource> {
        match self {
            Self::Health { resource, .. }
            | Self::Hook { resource, .. }
            | Self::Deletion { resource, .. }
            | Self::Leftover { resource }
            | Self::Confirmation { resource, .. } => Some(resource),
            Self::Pause { .. }
            | Self::Retry { .. }
            | Self::Window { .. }
            | Self::OtherApplications
            | Self::Unknown => None,
        }
    }
}

impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Health { resource, message, more } => {
                write!(f, "waiting for healthy state of {resource} ({message}){}", beside(*more, "resources"))
            }
            Self::Hook { resource, more } => {
                write!(f, "waiting for completion of hook {resource}{}", beside(*more, "hooks"))
            }
            Self::Deletion { resource, finalizers, more } => {
                let held = match finalizers.as_slice() {
                    [] => String::new(),
                    held => format!(" (its finalizers: {})", held.join(", ")),
                };
                write!(f, "waiting for deletion of {resource}{held}{}", beside(*more, "resources"))
            }
            Self::Leftover { resource } => {
                write!(f, "waiting: {resource} of an earlier sync is being deleted")
            }
            Self::Confirmation { resource, annotation, more } => write!(
                f,
                "waiting for pruning confirmation of {resource}{}: set the annotation {annotation} to the time now",
                beside(*more, "resources")
            ),
            Self::Pause { time, .. } => write!(f, "waiting for {time} between waves"),
            Self::Retry { attempt, due, message } => {
                write!(f, "waiting for attempt #{attempt} at {due}: {message}")
            }
            Self::Window { message, until } if until.is_empty() => {
                write!(f, "waiting for a sync window: {message}")
            }
            Self::Window { message, until } => {
                write!(f, "waiting for a sync window until {until}: {message}")
            }
            Self::OtherApplications => {
                f.write_str("waiting until every other application was looked at: what moves is not pruned")
            }
            Self::Unknown => f.write_str("waiting for something that this version does not know"),
        }
    }
}

/// Where the first of `count` things is named: how many there are beside it; nothing where it is alone.
pub fn and_more(count: usize, what: &str) -> String {
    beside(count.saturating_sub(1), what)
}

fn beside(more: usize, what: &str) -> String {
    match more {
        0 => String::new(),
        more => format!(" and {more} more {what}"),
    }
}

/// Why an application that is out of sync is not synced by itself. `Display` is the text for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all_fields = "camelCase")]
pub enum Rests {
    /// Its policy does not say so.
    Disabled,
    /// All that differs would have to be pruned, and pruning is off.
    OnlyPruning,
    /// This revision was synced already, and self-healing is off.
    AlreadySynced {
        /// The revision.
        revision: String,
    },
    /// This revision was tried already, and failed; the next commit is tried again.
    Failed {
        /// The revision.
        revision: String,
        /// What the sync ended with.
        message: String,
    },
    /// Git renders nothing, and that would remove everything.
    Empty,
    /// What comes back again and again is undone with growing pauses.
    HealLater {
        /// When it is undone next, RFC 3339.
        due: String,
    },
    /// Something could not be compared.
    Uncompared,
    /// The project refuses something of what git wants.
    Refused {
        /// The first of it.
        message: String,
    },
    /// A sync window does not permit it now.
    Window {
        /// Which window is in the way, for people.
        message: String,
        /// When that changes, RFC 3339; empty where it does not by itself.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        until: String,
    },
    /// Another application has to be well before.
    DependsOn {
        /// `namespace/name` of it.
        application: String,
        /// What it lacks.
        message: String,
    },
    /// Somebody holds it where it is.
    Held {
        /// Why, for people; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
        /// Until when, RFC 3339; empty where it does not end by itself.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        until: String,
    },
    /// All that differs is another application's, which has it in git, too.
    Contested,
    /// A reason of another version of the controller.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for Rests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("automated sync is off"),
            Self::OnlyPruning => {
                f.write_str("everything that differs would have to be pruned, and syncPolicy.automated.prune is off")
            }
            Self::AlreadySynced { revision } => write!(
                f,
                "{revision} was synced already and the cluster was changed since; syncPolicy.automated.selfHeal is off"
            ),
            Self::Failed { revision, message } => {
                write!(f, "the sync to {revision} has failed and is not repeated before git changes: {message}")
            }
            Self::Empty => f.write_str(
                "git renders no object, which would remove everything; syncPolicy.automated.allowEmpty is off",
            ),
            Self::HealLater { due } => {
                write!(f, "what was undone comes back again and again; it is undone next at {due}")
            }
            Self::Uncompared => f.write_str("something could not be compared"),
            Self::Refused { message } => write!(f, "the project does not permit it: {message}"),
            Self::Window { message, until } if until.is_empty() => {
                write!(f, "a sync window does not permit it now: {message}")
            }
            Self::Window { message, until } => {
                write!(f, "a sync window does not permit it until {until}: {message}")
            }
            Self::DependsOn { application, message } => {
                write!(f, "it depends on application {application}: {message}")
            }
            Self::Held { reason, until } => {
                f.write_str("it is held")?;
                if !until.is_empty() {
                    write!(f, " until {until}")?;
                }
                if reason.is_empty() { Ok(()) } else { write!(f, ": {reason}") }
            }
            Self::Contested => {
                f.write_str("everything that differs belongs to another application that has it in git, too")
            }
            Self::Unknown => f.write_str("for a reason that this version does not know"),
        }
    }
}

#[cfg(test)]
mod tests {
    use resource::ResourceKey;

    use super::*;

    #[test]
    fn what_holds_up_a_sync_is_told_in_a_sentence() {
        let resource = || Resource::from(&ResourceKey::new("", "ConfigMap", "ns", "a"));
        let window = |until: &str| WaitsFor::Window { message: "night".into(), until: until.into() };
        let deletion = |finalizers: &[&str], more| WaitsFor::Deletion {
            resource: resource(),
            finalizers: finalizers.iter().map(|&name| name.to_owned()).collect(),
            more,
        };
        for (waits_for, text) in [
            (
                WaitsFor::Health { resource: resource(), message: "Progressing 1 of 2".into(), more: 1 },
                "waiting for healthy state of /ConfigMap/ns/a (Progressing 1 of 2) and 1 more resources",
            ),
            (
                WaitsFor::Hook { resource: resource(), more: 0 },
                "waiting for completion of hook /ConfigMap/ns/a",
            ),
            (deletion(&[], 0), "waiting for deletion of /ConfigMap/ns/a"),
            (
                deletion(&["x", "y"], 2),
                "waiting for deletion of /ConfigMap/ns/a (its finalizers: x, y) and 2 more resources",
            ),
            (
                WaitsFor::Leftover { resource: resource() },
                "waiting: /ConfigMap/ns/a of an earlier sync is being deleted",
            ),
            (
                WaitsFor::Confirmation { resource: resource(), annotation: "ok".into(), more: 0 },
                "waiting for pruning confirmation of /ConfigMap/ns/a: set the annotation ok to the time now",
            ),
            (WaitsFor::Pause { time: "2 s".into(), until: "t".into() }, "waiting for 2 s between waves"),
            (window(""), "waiting for a sync window: night"),
            (window("t"), "waiting for a sync window until t: night"),
            (
                WaitsFor::Retry { attempt: 2, due: "t".into(), message: "boom".into() },
                "waiting for attempt #2 at t: boom",
            ),
        ] {
            assert_eq!(waits_for.to_string(), text);
            let value = serde_json::to_value(&waits_for).unwrap();
            assert_eq!(serde_json::from_value::<WaitsFor>(value).unwrap(), waits_for);
        }
        let closed = |until: &str| Rests::Window { message: "night".into(), until: until.into() };
        for (rests, words) in [
            (Rests::Disabled, "off"),
            (Rests::OnlyPruning, "automated.prune"),
            (Rests::AlreadySynced { revision: "r".into() }, "r was synced already"),
            (Rests::Failed { revision: "r".into(), message: "boom".into() }, "boom"),
            (Rests::Empty, "allowEmpty"),
            (Rests::HealLater { due: "t".into() }, "next at t"),
            (Rests::Refused { message: "no".into() }, "does not permit it: no"),
            (closed(""), "does not permit it now: night"),
            (closed("t"), "until t: night"),
        ] {
            assert!(rests.to_string().contains(words), "{rests}");
            let value = serde_json::to_value(&rests).unwrap();
            assert_eq!(serde_json::from_value::<Rests>(value).unwrap(), rests);
        }
    }
}
