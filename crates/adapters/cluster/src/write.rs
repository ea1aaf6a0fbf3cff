use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, header};
use jiff::Timestamp;
use resource::{Gvk, Object, ResourceKey};
use serde_json::{Value, json};

use crate::{
    client_side,
    cluster::{Cluster, collection_path, object_path},
    counters::Verb,
    discovery::ResourceKind,
    error::WriteError,
    http::{Answer, Failure, malformed, query_value},
    options::{ApplyOptions, How, Preconditions, Propagation},
    refusal::Attempt,
};

pub(crate) const JSON: &str = "application/json";
const APPLY_PATCH: &str = "application/apply-patch+yaml";
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";
const IMPERSONATE_USER: &str = "impersonate-user";
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";

/// Warnings kept of one answer.
const MAX_WARNINGS: usize = 32;
/// Tries of a client-side patch or a replace against changes of others. Source: kubectl's `maxPatchRetry`.
const MAX_TRIES: u32 = 5;
/// Characters of an object's name that go into the name of an event about it.
const MAX_EVENT_STEM: usize = 200;

/// What an apply came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The object as the server has it now (or would have it, in a dry run).
    pub object: Object,
    /// What the server remarked, as in deprecated versions and unknown fields.
    pub warnings: Vec<String>,
    /// Whether it did not exist before.
    pub created: bool,
    /// Whether something was sent; a client-side apply that changes nothing sends nothing.
    pub sent: bool,
}

/// What a delete came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It did not exist.
    AlreadyGone,
    /// The server took it away.
    Done,
    /// It is being deleted, and waits for finalizers, dependents or its grace period.
    Finalizing,
}

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Something happened as it should.
    Normal,
    /// Something did not.
    Warning,
}

/// An event about an object. **Source**: the peer's audit logger, `util/argo/audit_logger.go`: every event is an
/// object of its own, with a count of 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventNote {
    /// The object.
    pub regarding: ResourceKey,
    /// Its `apiVersion`.
    pub api_version: String,
    /// Its uid.
    pub uid: String,
    /// Its resourceVersion.
    pub resource_version: String,
    /// One word, as in `OperationStarted`.
    pub reason: String,
    /// One sentence; no secret value.
    pub message: String,
    /// How much it matters.
    pub severity: Severity,
    /// Who says it, as in `argocd-application-controller`.
    pub component: String,
    /// When; it is part of the event's name, too.
    pub at: Timestamp,
}

impl Cluster {
    /// Writes a manifest as the options say, and remembers what came of it (not of a dry run).
    ///
    /// **Shape.** The manifest's `managedFields` are left out. A namespaced kind must name its namespace; a
    /// cluster-wide one may name one, which is ignored.
    /// **Errors.** See [`WriteError`]; [`WriteError::DuplicateListKeys`] asks for [`How::ClientSide`].
    /// `Replace` and `ClientSide` read first, and try five times against changes of others.
    pub async fn apply(&self, object: &Object, options: &ApplyOptions) -> Result<Applied, WriteError> {
        match options.how {
            How::ServerSide => self.apply_server_side(object, options).await,
            How::ClientSide => client_side::apply(self, object, options).await,
            How::Replace => self.replace_or_create(object, options).await,
            How::Create => self.post(object, options).await,
        }
    }

    /// Creates an object; `metadata.generateName` is honored.
    pub async fn create(&self, object: &Object) -> Result<Object, WriteError> {
        let options = self.plain(How::Create);
        Ok(self.post(object, &options).await?.object)
    }

    /// Updates an object as a whole; with its `metadata.resourceVersion`, as a compare-and-swap.
    ///
    /// **Errors.** [`WriteError::Precondition`] where the object changed, [`WriteError::NotFound`].
    pub async fn replace(&self, object: &Object) -> Result<Object, WriteError> {
        let options = self.plain(How::Replace);
        Ok(self.put(object, &options).await?.object)
    }

    fn plain(&self, how: How) -> ApplyOptions {
        ApplyOptions { manager: self.inner.shared.options.manager.clone(), how, ..ApplyOptions::default() }
    }

    /// Merges a JSON merge patch into an object; with a resourceVersion, as a compare-and-swap: where the
    /// object changed meanwhile, nothing is written and the error is [`WriteError::Precondition`].
    pub async fn merge_patch(
        &self,
        key: &ResourceKey,
        patch: &Value,
        resource_version: Option<&str>,
    ) -> Result<Object, WriteError> {
        let mut patch = patch.clone();
        if let Some(version) = resource_version {
            if !patch.get("metadata").is_some_and(Value::is_object) {
                patch["metadata"] = json!({});
            }
            patch["metadata"]["resourceVersion"] = Value::String(version.to_owned());
        }
        self.patch_key(key, MERGE_PATCH, &patch).await
    }

    /// Runs a JSON patch on an object. What replaces `/metadata/resourceVersion` makes it a compare-and-swap.
    pub async fn json_patch(&self, key: &ResourceKey, patch: &Value) -> Result<Object, WriteError> {
        self.patch_key(key, JSON_PATCH, patch).await
    }

    async fn patch_key(
        &self,
        key: &ResourceKey,
        form: &'static str,
        patch: &Value,
    ) -> Result<Object, WriteError> {
        let served = self.served_for(key)?;
        let attempt = attempt(&served, key.clone(), Verb::Patch);
        let query = format!("fieldManager={}", query_value(&self.inner.shared.options.manager));
        let path = object_path(&served, &key.namespace, &key.name)
            .map_err(|failure| attempt.invalid_name(&failure))?;
        let answer = self.write(&attempt, request("PATCH", &path, &query, form, patch)).await?;
        self.remember(&attempt, answer.body)
    }

    /// The kind of a key in the version that is watched, else in the preferred one.
    pub(crate) fn served_for(&self, key: &ResourceKey) -> Result<ResourceKind, WriteError> {
        let kind = key.group_kind();
        let discovery = self.discovery();
        let watched = self.inner.store().watched_version(&kind).cloned();
        let served = watched.and_then(|gvk| discovery.version(&gvk)).or_else(|| discovery.get(&kind));
        served.cloned().ok_or_else(|| WriteError::KindUnknown { gvk: Gvk::new(kind.group, "", kind.kind) })
    }

    /// Deletes an object, if it still is the one that the caller decided on.
    ///
    /// What the server took away at once is forgotten here and now; what it lets go of later, when the watch says so.
    ///
    /// **Errors.** [`WriteError::Precondition`] where it is not. An object that is gone is no error.
    pub async fn delete(
        &self,
        key: &ResourceKey,
        preconditions: &Preconditions,
        propagation: Propagation,
    ) -> Result<Deleted, WriteError> {
        self.delete_with(key, preconditions, json!({"propagationPolicy": propagation.as_str()})).await
    }

    /// Deletes an object without the time that it asks for its end: what runs is cut off. Its dependents go after it.
    ///
    /// **Errors.** As of [`delete`](Self::delete).
    pub async fn delete_at_once(
        &self,
        key: &ResourceKey,
        preconditions: &Preconditions,
    ) -> Result<Deleted, WriteError> {
        let options = json!({"propagationPolicy": Propagation::Background.as_str(), "gracePeriodSeconds": 0});
        self.delete_with(key, preconditions, options).await
    }

    async fn delete_with(
        &self,
        key: &ResourceKey,
        preconditions: &Preconditions,
        mut body: Value,
    ) -> Result<Deleted, WriteError> {
        let served = self.served_for(key)?;
        let attempt = attempt(&served, key.clone(), Verb::Delete);
        let path = object_path(&served, &key.namespace, &key.name)
            .map_err(|failure| attempt.invalid_name(&failure))?;
        (body["apiVersion"], body["kind"]) = (json!("v1"), json!("DeleteOptions"));
        if let Some(uid) = &preconditions.uid {
            body["preconditions"]["uid"] = Value::String(uid.clone());
        }
        if let Some(version) = &preconditions.resource_version {
            body["preconditions"]["resourceVersion"] = Value::String(version.clone());
        }
        let answer = match self.write(&attempt, request("DELETE", &path, "", JSON, &body)).await {
            Ok(answer) => answer,
            Err(WriteError::NotFound { .. } | WriteError::NamespaceMissing { .. }) => {
                return Ok(Deleted::AlreadyGone);
            }
            Err(error) => return Err(error),
        };
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if value.pointer("/metadata/deletionTimestamp").is_none() {
            if answer.code == 200
                && let Some(uid) = taken_away(&value, preconditions.uid.as_deref())
            {
                self.inner.store().ended(key, uid);
            }
            return Ok(Deleted::Done);
        }
        // The delete is accepted; an answer that cannot be read is left to the watch.
        drop(self.remember(&attempt, answer.body));
        Ok(Deleted::Finalizing)
    }

    /// Records an event about an object, in its namespace (`default` for a cluster-wide one).
    pub async fn emit_event(&self, note: &EventNote) -> Result<(), WriteError> {
        let event = Object::from_value(event(note)).map_err(|error| WriteError::Invalid {
            key: Box::new(note.regarding.clone()),
            message: error.to_string(),
            causes: Vec::new(),
            malformed: true,
        })?;
        self.create(&event).await.map(drop)
    }

    // The single steps, also for the client's way.

    async fn apply_server_side(
        &self,
        object: &Object,
        options: &ApplyOptions,
    ) -> Result<Applied, WriteError> {
        let served = self.served(object)?;
        let attempt = attempt(&served, object.key(), Verb::Apply);
        let path = path_of(&served, object).map_err(|failure| attempt.invalid_name(&failure))?;
        let query = format!("{}&force={}", query(options), options.force);
        let request = request("PATCH", &path, &query, APPLY_PATCH, &body(object));
        self.written(&attempt, request, options).await
    }

    pub(crate) async fn post(&self, object: &Object, options: &ApplyOptions) -> Result<Applied, WriteError> {
        let served = self.served(object)?;
        let attempt = attempt(&served, object.key(), Verb::Create);
        let path = collection_path(&served, object.namespace().unwrap_or_default())
            .map_err(|failure| attempt.invalid_name(&failure))?;
        let request = request("POST", &path, &query(options), JSON, &body(object));
        self.written(&attempt, request, options).await
    }

    async fn put(&self, object: &Object, options: &ApplyOptions) -> Result<Applied, WriteError> {
        let served = self.served(object)?;
        let attempt = attempt(&served, object.key(), Verb::Update);
        let path = path_of(&served, object).map_err(|failure| attempt.invalid_name(&failure))?;
        let request = request("PUT", &path, &query(options), JSON, &body(object));
        self.written(&attempt, request, options).await
    }

    pub(crate) async fn patch_object(
        &self,
        object: &Object,
        form: &'static str,
        patch: &Value,
        options: &ApplyOptions,
    ) -> Result<Applied, WriteError> {
        let served = self.served(object)?;
        let attempt = attempt(&served, object.key(), Verb::Patch);
        let path = path_of(&served, object).map_err(|failure| attempt.invalid_name(&failure))?;
        self.written(&attempt, request("PATCH", &path, &query(options), form, patch), options).await
    }

    async fn replace_or_create(
        &self,
        object: &Object,
        options: &ApplyOptions,
    ) -> Result<Applied, WriteError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let result = match self.live_of(object).await? {
                None => self.post(object, options).await,
                Some(_) if !object.resource_version().is_empty() => self.put(object, options).await,
                Some(live) => {
                    let mut next = object.clone();
                    let version = Value::String(live.resource_version().to_owned());
                    next.metadata_mut().insert("resourceVersion".to_owned(), version);
                    self.put(&next, options).await
                }
            };
            match result {
                Err(
                    WriteError::Precondition { .. }
                    | WriteError::AlreadyExists { .. }
                    | WriteError::NotFound { .. },
                ) if tries < MAX_TRIES && object.resource_version().is_empty() => {}
                other => return other,
            }
        }
    }

    /// Reads the object that a manifest is about, in the manifest's version.
    pub(crate) async fn live_of(&self, object: &Object) -> Result<Option<Object>, WriteError> {
        let served = self.served(object)?;
        let attempt = attempt(&served, object.key(), Verb::Get);
        let path = path_of(&served, object).map_err(|failure| attempt.invalid_name(&failure))?;
        match self.inner.shared.api.get_bytes(Verb::Get, &path, JSON).await {
            Ok(body) => self.remember(&attempt, body).map(Some),
            Err(failure) => match attempt.refused(failure) {
                WriteError::NotFound { .. } | WriteError::NamespaceMissing { .. } => Ok(None),
                error => Err(error),
            },
        }
    }

    fn served(&self, object: &Object) -> Result<ResourceKind, WriteError> {
        let gvk = object.gvk();
        self.discovery().version(&gvk).cloned().ok_or(WriteError::KindUnknown { gvk })
    }

    pub(crate) async fn write(
        &self,
        attempt: &Attempt<'_>,
        request: Result<Request<Vec<u8>>, Failure>,
    ) -> Result<Answer, WriteError> {
        let sent = match request {
            Ok(request) => match impersonated(request, self.user.as_deref()) {
                Ok(request) => self.inner.shared.api.send(attempt.verb, request).await,
                Err(failure) => Err(failure),
            },
            Err(failure) => Err(failure),
        };
        sent.map_err(|failure| attempt.refused(failure))
    }

    async fn written(
        &self,
        attempt: &Attempt<'_>,
        request: Result<Request<Vec<u8>>, Failure>,
        options: &ApplyOptions,
    ) -> Result<Applied, WriteError> {
        let answer = self.write(attempt, request).await?;
        let warnings = warnings(&answer.headers);
        let object = if options.dry_run {
            serde_json::from_slice(&answer.body)
                .map_err(malformed)
                .and_then(|value| Object::from_value(value).map_err(malformed))
                .map_err(|failure| attempt.refused(failure))?
        } else {
            self.remember(attempt, answer.body)?
        };
        Ok(Applied { object, warnings, created: answer.code == 201, sent: true })
    }

    pub(crate) fn remember(&self, attempt: &Attempt<'_>, body: Bytes) -> Result<Object, WriteError> {
        self.inner.take_in(attempt.gvk, body).map_err(|failure| attempt.refused(failure))
    }
}

impl Attempt<'_> {
    /// A name or a namespace that no path can hold.
    pub(crate) fn invalid_name(&self, failure: &Failure) -> WriteError {
        WriteError::Invalid {
            key: Box::new(self.key.clone()),
            message: failure.to_string(),
            causes: Vec::new(),
            malformed: true,
        }
    }
}

pub(crate) fn attempt(served: &ResourceKind, key: ResourceKey, verb: Verb) -> Attempt<'_> {
    Attempt { gvk: &served.gvk, plural: &served.plural, key, verb }
}

fn path_of(served: &ResourceKind, object: &Object) -> Result<String, Failure> {
    object_path(served, object.namespace().unwrap_or_default(), object.name())
}

/// The manifest without what only the server writes.
fn body(object: &Object) -> Value {
    let mut object = object.clone();
    if object.metadata().is_some_and(|metadata| metadata.contains_key("managedFields")) {
        object.metadata_mut().remove("managedFields");
    }
    object.into_value()
}

fn query(options: &ApplyOptions) -> String {
    let dry_run = if options.dry_run { "&dryRun=All" } else { "" };
    let manager = query_value(&options.manager);
    format!("fieldManager={manager}&fieldValidation={}{dry_run}", options.validation.as_str())
}

pub(crate) fn request(
    method: &str,
    path: &str,
    query: &str,
    form: &'static str,
    body: &Value,
) -> Result<Request<Vec<u8>>, Failure> {
    let uri = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    Request::builder()
        .method(method)
        .uri(uri)
        .header(header::CONTENT_TYPE, form)
        .header(header::ACCEPT, JSON)
        .body(serde_json::to_vec(body).map_err(malformed)?)
        .map_err(malformed)
}

/// A request of somebody else.
pub(crate) fn impersonated(
    mut request: Request<Vec<u8>>,
    user: Option<&str>,
) -> Result<Request<Vec<u8>>, Failure> {
    if let Some(user) = user {
        let value = HeaderValue::from_str(user).map_err(malformed)?;
        request.headers_mut().insert(IMPERSONATE_USER, value);
    }
    Ok(request)
}

/// The uid of what a delete took away; `None` where the answer leaves open whether it did, or of what.
fn taken_away<'a>(answer: &'a Value, asked: Option<&'a str>) -> Option<&'a str> {
    let answer = answer.as_object()?;
    let (over, of) = if answer.get("kind").is_some_and(|kind| kind == "Status") {
        (answer.get("status").is_some_and(|status| status == "Success"), answer.get("details"))
    } else {
        let metadata = answer.get("metadata");
        (metadata.is_some_and(|metadata| metadata.get("finalizers").is_none()), metadata)
    };
    let uid = of.and_then(|of| of.get("uid")).and_then(Value::as_str);
    uid.or(asked).filter(|_| over)
}

/// The texts of `Warning: 299 - "text"`.
fn warnings(headers: &HeaderMap) -> Vec<String> {
    let texts = headers.get_all(header::WARNING).iter().filter_map(|value| value.to_str().ok());
    texts.filter_map(quoted).take(MAX_WARNINGS).collect()
}

/// The first quoted string of a header, with its escapes resolved.
fn quoted(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('"')?;
    let mut out = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(out),
            '\\' => out.push(chars.next()?),
            other => out.push(other),
        }
    }
}

fn event(note: &EventNote) -> Value {
    let key = &note.regarding;
    let namespace = if key.namespace.is_empty() { "default" } else { &key.namespace };
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c.to_ascii_lowercase() } else { '-' }
    };
    let stem: String = key.name.chars().take(MAX_EVENT_STEM).map(letter).collect();
    let at = Timestamp::from_second(note.at.as_second()).unwrap_or(note.at).to_string();
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": namespace, "name": format!("{stem}.{:x}", note.at.as_nanosecond())},
        "involvedObject": {
            "apiVersion": note.api_version, "kind": key.kind, "namespace": key.namespace, "name": key.name,
            "uid": note.uid, "resourceVersion": note.resource_version,
        },
        "reason": note.reason,
        "message": note.message,
        "type": match note.severity { Severity::Normal => "Normal", Severity::Warning => "Warning" },
        "source": {"component": note.component},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_read_from_their_quotes() {
        let mut headers = HeaderMap::new();
        for text in ["299 - \"a \\\"b\\\" is deprecated\"", "299 - no quotes", "299 - \"c\""] {
            headers.append(header::WARNING, text.parse().unwrap());
        }
        assert_eq!(warnings(&headers), ["a \"b\" is deprecated", "c"]);
    }

    #[test]
    fn events_are_named_after_object_and_time() {
        let note = EventNote {
            regarding: ResourceKey::new("rbac.authorization.k8s.io", "ClusterRole", "", "system:Node"),
            api_version: "rbac.authorization.k8s.io/v1".to_owned(),
            uid: "u".to_owned(),
            resource_version: "1".to_owned(),
            reason: "R".to_owned(),
            message: "m".to_owned(),
            severity: Severity::Warning,
            component: "c".to_owned(),
            at: Timestamp::new(1, 5).unwrap(),
        };
        let event = event(&note);
        assert_eq!(event["metadata"], json!({"namespace": "default", "name": "system-node.3b9aca05"}));
        assert_eq!(
            (event["firstTimestamp"].as_str(), event["type"].as_str()),
            (Some("1970-01-01T00:00:01Z"), Some("Warning"))
        );
    }
}
