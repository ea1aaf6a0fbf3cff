use std::time::Duration;

use resource::{Gvk, ResourceKey};

/// Why the cluster could not be asked. `Display` names what was asked for; no Secret's text is in it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClusterError {
    /// The server does not serve this kind, as far as discovery knows.
    #[error("the server does not serve {kind}")]
    KindUnknown {
        /// The kind, as asked for.
        kind: String,
    },
    /// HTTP 403.
    #[error("no right to {verb} {resource}: {message}")]
    Forbidden {
        /// API verb, as in `list`.
        verb: &'static str,
        /// What was asked for: a kind or an object.
        resource: String,
        /// The server's text.
        message: String,
    },
    /// No connection, a timeout, 429, 5xx, or an answer that was cut off. Worth another try.
    #[error("{what} failed: {message}")]
    Transient {
        /// What was asked for.
        what: String,
        /// The cause, one line.
        message: String,
        /// How long the server asked us to wait.
        retry_after: Option<Duration>,
    },
    /// Any other answer.
    #[error("{what} was refused ({code}): {message}")]
    Refused {
        /// What was asked for.
        what: String,
        /// HTTP status.
        code: u16,
        /// The server's text.
        message: String,
    },
    /// The answer is not what the Kubernetes API sends, or breaks a budget.
    #[error("{what} was answered out of form: {message}")]
    Malformed {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        message: String,
    },
}

/// One field that another manager owns, from a refused server-side apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConflict {
    /// The other manager's name, as in `kubectl`.
    pub manager: String,
    /// The field's path, as in `.spec.replicas`.
    pub field: String,
}

/// One complaint of a refused object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Path of the field, as in `spec.ports[0].port`; empty where the server named none.
    pub field: String,
    /// What is wrong with it; empty for a Secret, whose values the text may quote.
    pub message: String,
}

/// What a caller should do about a [`WriteError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Useless to repeat until the manifest, a right or the cluster changes.
    Stalled,
    /// Read again, decide again, then repeat: the object or its context changed under us.
    Reread,
    /// Repeat as it is, not before this long.
    Backoff {
        /// How long the server asked us to wait, if it did.
        after: Option<Duration>,
    },
}

/// Why a write was not taken. The texts are the server's own, except those about a `Secret`, which may quote
/// its values and are therefore replaced (reliability §1, "Secret values in diffs, errors, logs").
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// Another field manager owns fields that differ (server-side apply without `force`).
    #[error("{key} has fields of other managers: {message}")]
    Conflict {
        /// The object.
        key: Box<ResourceKey>,
        /// The fields and their owners.
        fields: Vec<FieldConflict>,
        /// The server's text.
        message: String,
    },
    /// The object breaks its schema or its validation (400, 422, and 500 of a failed conversion).
    #[error("{key} is invalid: {message}")]
    Invalid {
        /// The object.
        key: Box<ResourceKey>,
        /// The server's text.
        message: String,
        /// The single complaints, if the server sent them.
        causes: Vec<Cause>,
        /// Whether the text alone is at fault (unknown fields, wrong types, missing ones): nothing that happens in the cluster makes
        /// it right.
        malformed: bool,
    },
    /// Server-side apply cannot take a list that has one key twice; apply it the client's way.
    #[error("{key} has duplicate list keys: {message}")]
    DuplicateListKeys {
        /// The object.
        key: Box<ResourceKey>,
        /// The server's text, which names the list.
        message: String,
    },
    /// 403: no right, or an admission plugin said no.
    #[error("no right to {verb} {key}: {message}")]
    Forbidden {
        /// The object.
        key: Box<ResourceKey>,
        /// API verb, as in `patch`.
        verb: &'static str,
        /// Plural resource name, as in `deployments`.
        resource: String,
        /// The server's text.
        message: String,
    },
    /// 401: the cluster's credentials are not valid (any more).
    #[error("the cluster's credentials were refused while writing {key}")]
    Unauthorized {
        /// The object.
        key: Box<ResourceKey>,
    },
    /// The object is not there.
    #[error("{key} not found")]
    NotFound {
        /// The object.
        key: Box<ResourceKey>,
    },
    /// The object's namespace is not there.
    #[error("{key}: namespace {namespace} not found")]
    NamespaceMissing {
        /// The object.
        key: Box<ResourceKey>,
        /// Its namespace.
        namespace: String,
    },
    /// The object's namespace is being deleted and takes nothing new.
    #[error("{key}: namespace {namespace} is being terminated")]
    NamespaceTerminating {
        /// The object.
        key: Box<ResourceKey>,
        /// Its namespace.
        namespace: String,
    },
    /// The server does not serve this version of this kind (yet).
    #[error("the server does not serve {gvk}")]
    KindUnknown {
        /// The kind, as asked for.
        gvk: Gvk,
    },
    /// The object is not the one that the decision was made on: another uid or resourceVersion.
    #[error("{key} changed meanwhile: {message}")]
    Precondition {
        /// The object.
        key: Box<ResourceKey>,
        /// The server's text.
        message: String,
    },
    /// A create met an object of this name.
    #[error("{key} already exists")]
    AlreadyExists {
        /// The object.
        key: Box<ResourceKey>,
    },
    /// 413, or more than etcd takes.
    #[error("{key} is too large: {message}")]
    TooLarge {
        /// The object.
        key: Box<ResourceKey>,
        /// The server's text.
        message: String,
    },
    /// 429.
    #[error("the server is busy, {key} waits")]
    Throttled {
        /// The object.
        key: Box<ResourceKey>,
        /// How long the server asked us to wait.
        retry_after: Option<Duration>,
    },
    /// No connection, a timeout or 5xx: the write may or may not have been taken.
    #[error("the server did not take {key} this time: {message}")]
    Transient {
        /// The object.
        key: Box<ResourceKey>,
        /// The cause, one line.
        message: String,
        /// How long the server asked us to wait.
        retry_after: Option<Duration>,
    },
    /// Any other answer (405, 415, …).
    #[error("{key} was refused ({code}): {message}")]
    Refused {
        /// The object.
        key: Box<ResourceKey>,
        /// HTTP status.
        code: u16,
        /// The server's text.
        message: String,
    },
}

impl WriteError {
    /// The one place where a failed write becomes a decision to repeat it.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Conflict { .. }
            | Self::Invalid { .. }
            | Self::DuplicateListKeys { .. }
            | Self::Forbidden { .. }
            | Self::TooLarge { .. }
            | Self::Refused { .. } => Disposition::Stalled,
            Self::NotFound { .. } | Self::Precondition { .. } | Self::AlreadyExists { .. } => {
                Disposition::Reread
            }
            Self::NamespaceMissing { .. }
            | Self::NamespaceTerminating { .. }
            | Self::KindUnknown { .. }
            | Self::Unauthorized { .. } => Disposition::Backoff { after: None },
            Self::Throttled { retry_after, .. } | Self::Transient { retry_after, .. } => {
                Disposition::Backoff { after: *retry_after }
            }
        }
    }
}
/// An error and its causes on one line; a cause that its parent has printed already is left out.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
