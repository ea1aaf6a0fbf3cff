//! The effects of a sync: applies and prunes one object, and says what became of it.

use std::time::Duration;

use api::{Application, Consent, PropagationPolicy, ResultCode, SyncOptions};
use cluster::{
    ApplyOptions, Cluster, Deleted, How, LiveObject, Preconditions, Propagation, Validation, WriteError,
    chain,
};
use compare::Rules;
use resource::{GroupKind, Object, ResourceKey};
use sync::Kept;

use crate::assess::options_of;

/// Tries of one write that fails for a passing reason.
const TRIES: u32 = 3;
/// Pause before the second try; it doubles.
const PAUSE: Duration = Duration::from_millis(200);
/// Longest pause that a server may ask for inside a step; past it the step fails and the operation's own retry takes over.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a kind may take to be served after its definition was applied in the same sync.
const DEFINITION_WAIT: Duration = Duration::from_secs(30);

/// What became of one step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StepResult {
    pub(crate) status: ResultCode,
    pub(crate) message: String,
}

impl StepResult {
    pub(crate) fn done(status: ResultCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::done(ResultCode::SyncFailed, message)
    }

    /// Never seen in a status, since that is not written either.
    pub(crate) fn deposed() -> Self {
        Self::failed("this controller is not the active one any more")
    }
}

/// What every step of an operation shares.
pub(crate) struct Steps<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) app: &'a Application,
    pub(crate) instance: &'a str,
    pub(crate) rules: &'a Rules,
    pub(crate) force: bool,
    pub(crate) dry_run: bool,
    /// Options of the operation itself, which win over the application's.
    pub(crate) options: SyncOptions,
    /// Kinds that this sync defines.
    pub(crate) defines: &'a (dyn Fn(&GroupKind) -> bool + Sync),
    /// Whether this controller may write still.
    pub(crate) leading: &'a (dyn Fn() -> bool + Sync),
    /// Who else has an object in git.
    pub(crate) claimed_elsewhere: &'a (dyn Fn(&ResourceKey) -> Option<String> + Sync),
}

impl Steps<'_> {
    /// Applies one object as its options say.
    ///
    /// **Shape**: server-side apply by force under the peer's field manager, strict about unknown fields; fields that
    /// kubectl or the peer applied the client's way are folded into ours first, so that what left git leaves the
    /// cluster. **Source**: design §7; the options are the peer's.
    pub(crate) async fn apply(&self, desired: &Object) -> StepResult {
        let key = desired.key();
        if let Err(problem) = compare::check_secret(desired) {
            return StepResult::failed(problem.to_string());
        }
        let options = options_of(self.app, desired).with(&self.options);
        if options.fail_on_shared_resource == Some(true)
            && let Some(other) = self.owner_elsewhere(&key)
        {
            return StepResult::failed(format!(
                "shared resource found: {key} is part of application {other}"
            ));
        }
        let deadline = tokio::time::Instant::now() + DEFINITION_WAIT;
        let mut tries = 0;
        loop {
            if !(self.leading)() {
                return StepResult::deposed();
            }
            let error = match self.apply_once(desired, &options).await {
                Ok(message) => return StepResult::done(ResultCode::Synced, message),
                Err(error) => error,
            };
            let kind = key.group_kind();
            let pause = match &error {
                // Its definition came with this very sync: the server needs a moment to serve it.
                WriteError::KindUnknown { .. }
                    if (self.defines)(&kind) && tokio::time::Instant::now() < deadline =>
                {
                    if let Err(error) = self.cluster.refresh_discovery().await {
                        tracing::debug!(error = %chain(&error), "discovery failed while waiting for a definition");
                    }
                    PAUSE
                }
                // Who is away is asked again by the next attempt, and until then the application says so.
                _ if self.cluster.unreachable().is_some() => return StepResult::failed(chain(&error)),
                _ => match pause_before_retry(&error, tries) {
                    Some(pause) => {
                        tries += 1;
                        pause
                    }
                    None => return StepResult::failed(chain(&error)),
                },
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn owner_elsewhere(&self, key: &ResourceKey) -> Option<String> {
        let live = self.cluster.get(key)?;
        let owner = live.instance()?;
        if owner.as_ref() == self.instance { None } else { Some(owner.to_string()) }
    }

    async fn apply_once(&self, desired: &Object, options: &SyncOptions) -> Result<String, WriteError> {
        let key = desired.key();
        let live = match self.cluster.get(&key) {
            Some(live) => match live.object() {
                Some(object) => Some(object),
                None => self.cluster.fetch(&key).await.ok().flatten(),
            },
            None => None,
        };
        let respect = options.respect_ignore_differences == Some(true);
        let validation =
            if options.validate == Some(false) { Validation::Ignore } else { Validation::Strict };
        let base = ApplyOptions { dry_run: self.dry_run, validation, ..ApplyOptions::default() };
        let forced = self.force || options.force == Some(true);
        if options.replace == Some(true) {
            return self.replace(desired, live.as_ref(), &base, forced).await;
        }
        if options.server_side_apply == Some(false) {
            let base = ApplyOptions { how: How::ClientSide, ..base };
            return self.apply_or_recreate(desired, live.as_ref(), &base, forced).await;
        }
        if !self.dry_run && options.client_side_apply_migration != Some(false) {
            self.take_over(&key, live.as_ref()).await?;
        }
        let body = compare::apply_body(desired, live.as_ref(), self.rules, respect);
        match self.apply_or_recreate(&body, live.as_ref(), &base, forced).await {
            Err(WriteError::DuplicateListKeys { message, .. }) => {
                if live.is_some() {
                    self.check_as_new(&body, &base).await?;
                }
                let base = ApplyOptions { how: How::ClientSide, ..base };
                let done = self.apply_or_recreate(&body, live.as_ref(), &base, forced).await?;
                Ok(format!("{done} the client's way, since server-side apply refuses it: {message}"))
            }
            other => other,
        }
    }

    /// Whether the server would take the object as it stands in git. A merge patch tells list entries apart by fewer keys than
    /// the server does (ports by their number alone): it makes something valid of what is not, and not what git says.
    async fn check_as_new(&self, body: &Object, base: &ApplyOptions) -> Result<(), WriteError> {
        let options = ApplyOptions { how: How::Create, dry_run: true, ..base.clone() };
        match self.cluster.apply(body, &options).await {
            Err(error @ WriteError::Invalid { .. }) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Makes fields that another tool applied the client's way ours. Values are not touched.
    async fn take_over(&self, key: &ResourceKey, live: Option<&Object>) -> Result<(), WriteError> {
        let Some(live) = live else { return Ok(()) };
        if let Some(managed_fields) = compare::takeover(live) {
            let patch = serde_json::json!({ "metadata": { "managedFields": managed_fields } });
            self.cluster.merge_patch(key, &patch, Some(live.resource_version())).await?;
        }
        Ok(())
    }

    async fn apply_or_recreate(
        &self,
        body: &Object,
        live: Option<&Object>,
        options: &ApplyOptions,
        forced: bool,
    ) -> Result<String, WriteError> {
        match self.cluster.apply(body, options).await {
            Ok(applied) => Ok(describe(body, live, &applied, options)),
            Err(WriteError::Invalid { .. }) if forced && !self.dry_run && live.is_some() => {
                self.recreate(body, live).await
            }
            Err(error) => Err(error),
        }
    }

    async fn replace(
        &self,
        desired: &Object,
        live: Option<&Object>,
        base: &ApplyOptions,
        forced: bool,
    ) -> Result<String, WriteError> {
        // A definition or a namespace takes everything in it along: these are updated, never deleted, as in the peer.
        let precious = matches!(desired.kind(), "CustomResourceDefinition" | "Namespace");
        if forced && live.is_some() && !precious && !self.dry_run {
            return self.recreate(desired, live).await;
        }
        let options = ApplyOptions { how: How::Replace, ..base.clone() };
        let applied = self.cluster.apply(desired, &options).await?;
        Ok(format!("{} {}", named(desired), if applied.created { "created" } else { "replaced" }))
    }

    /// Deletes the object and creates it anew, for changes that an update cannot make (`Force`).
    async fn recreate(&self, body: &Object, live: Option<&Object>) -> Result<String, WriteError> {
        let key = body.key();
        if let Some(live) = live {
            delete(self.cluster, live, Propagation::Foreground, self.leading).await?;
            self.gone(&key, live.uid()).await?;
        }
        self.cluster.apply(body, &ApplyOptions::default()).await?;
        Ok(format!("{} deleted and created anew", named(body)))
    }

    /// Waits until an object of this uid is gone, for as long as a definition may take.
    async fn gone(&self, key: &ResourceKey, uid: &str) -> Result<(), WriteError> {
        let deadline = tokio::time::Instant::now() + DEFINITION_WAIT;
        while let Ok(Some(object)) = self.cluster.fetch(key).await {
            if object.uid() != uid {
                break;
            }
            if tokio::time::Instant::now() >= deadline {
                let message = "it was told to go and is still there: see its finalizers".to_owned();
                let (key, causes) = (Box::new(key.clone()), Vec::new());
                return Err(WriteError::Invalid { key, message, causes, malformed: false });
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Deletes an object that git no longer names: looked at once more, deleted as it was then or not at all.
    ///
    /// **Invariants**: reliability P1 (it names this application and itself), P2(d) (a look at it just before), P3
    /// (uid and resourceVersion).
    pub(crate) async fn prune(
        &self,
        live: &LiveObject,
        owner_of: &(dyn Fn(&Object) -> Option<String> + Sync),
    ) -> StepResult {
        let key = live.key();
        let object = match self.cluster.fetch(&key).await {
            Ok(Some(object)) => object,
            Ok(None) => return StepResult::done(ResultCode::Pruned, "was gone already"),
            Err(error) => return StepResult::failed(chain(&error)),
        };
        if let Some(kept) = self.must_stay(&object, owner_of) {
            return StepResult::done(ResultCode::PruneSkipped, kept.message());
        }
        if object.is_deleting() {
            return StepResult::done(ResultCode::Pruned, "pruned");
        }
        if self.dry_run {
            return StepResult::done(ResultCode::Pruned, "pruned (dry run)");
        }
        let options = options_of(self.app, &object).with(&self.options);
        let propagation = propagation(options.prune_propagation_policy.unwrap_or_default());
        match delete(self.cluster, &object, propagation, self.leading).await {
            Ok(Deleted::AlreadyGone | Deleted::Done | Deleted::Finalizing) => {
                StepResult::done(ResultCode::Pruned, "pruned")
            }
            Err(error) => StepResult::failed(chain(&error)),
        }
    }

    fn must_stay(
        &self,
        object: &Object,
        owner_of: &(dyn Fn(&Object) -> Option<String> + Sync),
    ) -> Option<Kept> {
        let owner = owner_of(object);
        if owner.as_deref() != Some(self.instance) {
            return Some(Kept::ClaimedElsewhere(owner.unwrap_or_else(|| "nobody of ours".to_owned())));
        }
        if object.owner_references().iter().any(|owner| owner.controller) {
            return Some(Kept::OwnedByController);
        }
        if let Some(other) = (self.claimed_elsewhere)(&object.key()) {
            return Some(Kept::ClaimedElsewhere(other));
        }
        match options_of(self.app, object).with(&self.options).prune {
            Some(Consent::No) => Some(Kept::PruneFalse),
            _ => None,
        }
    }
}

/// Creates the destination namespace where it is missing, and gives it the labels and annotations that the
/// application manages. `Err` is a message; a namespace that cannot be seen or made may still be there.
pub(crate) async fn make_namespace(
    cluster: &Cluster,
    app: &Application,
    dry_run: bool,
    name: &str,
) -> Result<Option<String>, String> {
    let key = ResourceKey::new("", "Namespace", "", name);
    let policy = app.spec.sync_policy.as_ref();
    let managed = policy.and_then(|p| p.managed_namespace_metadata.as_ref());
    let there = cluster.get(&key).is_some();
    if there && managed.is_none() {
        return Ok(None);
    }
    let mut metadata = serde_json::json!({ "name": name });
    if let Some(managed) = managed {
        metadata["labels"] = serde_json::json!(managed.labels);
        metadata["annotations"] = serde_json::json!(managed.annotations);
    }
    let value = serde_json::json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata });
    let object = Object::from_value(value).map_err(|error| error.to_string())?;
    let how = if managed.is_some() { How::ServerSide } else { How::Create };
    let options = ApplyOptions { dry_run, how, ..ApplyOptions::default() };
    let mut tries = 0;
    loop {
        match cluster.apply(&object, &options).await {
            Ok(applied) if applied.created => return Ok(Some(format!("namespace {name} created"))),
            Ok(_) | Err(WriteError::AlreadyExists { .. }) => return Ok(None),
            Err(error) => match pause_before_retry(&error, tries) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(format!("namespace {name} could not be created: {}", chain(&error))),
            },
        }
        tries += 1;
    }
}

/// `deployment.apps/web configured`, as kubectl says it, with the server's warnings.
fn describe(
    body: &Object,
    live: Option<&Object>,
    applied: &cluster::Applied,
    options: &ApplyOptions,
) -> String {
    let unchanged = live.is_some_and(|live| live.resource_version() == applied.object.resource_version());
    let what = match (applied.created, unchanged) {
        (true, _) => "created",
        (false, true) => "unchanged",
        (false, false) => "configured",
    };
    let mut text = format!("{} {what}", named(body));
    if options.dry_run {
        text.push_str(" (dry run)");
    }
    for warning in &applied.warnings {
        text.push_str(". Warning: ");
        text.push_str(warning);
    }
    text
}

pub(crate) fn named(object: &Object) -> String {
    let kind = object.group_kind();
    let group = if kind.group.is_empty() { String::new() } else { format!(".{}", kind.group) };
    format!("{}{group}/{}", kind.kind.to_lowercase(), object.name())
}

/// Deletes an object as it was looked at, if this controller is the active one still: asked here, with nothing to wait for before the
/// request goes out. Every deletion of the controllers goes this way.
pub(crate) async fn delete(
    cluster: &Cluster,
    object: &Object,
    propagation: Propagation,
    leading: &(dyn Fn() -> bool + Sync),
) -> Result<Deleted, WriteError> {
    let key = object.key();
    if !leading() {
        let message = StepResult::deposed().message;
        return Err(WriteError::Transient { key: Box::new(key), message, retry_after: None });
    }
    let conditions = Preconditions {
        uid: Some(object.uid().to_owned()),
        resource_version: Some(object.resource_version().to_owned()),
    };
    cluster.delete(&key, &conditions, propagation).await
}

pub(crate) fn propagation(policy: PropagationPolicy) -> Propagation {
    match policy {
        PropagationPolicy::Foreground => Propagation::Foreground,
        PropagationPolicy::Background => Propagation::Background,
        PropagationPolicy::Orphan => Propagation::Orphan,
    }
}

pub(crate) fn pause_before_retry(error: &WriteError, tries: u32) -> Option<Duration> {
    if tries + 1 >= TRIES {
        return None;
    }
    match error.disposition() {
        cluster::Disposition::Backoff { after } => {
            let pause = after.unwrap_or(PAUSE * 2u32.pow(tries));
            (pause <= LONGEST_PAUSE).then_some(pause)
        }
        cluster::Disposition::Reread => Some(PAUSE),
        cluster::Disposition::Stalled => None,
    }
}
