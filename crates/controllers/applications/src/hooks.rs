//! Hooks of an operation: made once, watched to their end, and tidied away when the operation is over.
//!
//! A hook's object carries the run that it was made for (`annotation::HOOK_RUN`), so that a controller that comes back knows what it
//! has made, and takes nothing for it that an earlier operation left. The peer's finalizer holds it until the operation's end is on
//! record: whatever deletes it (a Job's time to live), its result is seen.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use api::names::{annotation, finalizer};
use api::tracking::{AppInstanceName, Tracking};
use api::{OperationPhase, OperationState, ResourceResult, ResultCode};
use cluster::{ApplyOptions, Cluster, ClusterError, How, Propagation, WriteError, chain};
use health::Health;
use resource::{Object, ResourceKey};
use sync::hooks::{Hook, RunOf, runs_to_an_end};
use sync::{HookItem, Phase};

use crate::execute::{StepResult, delete, named, pause_before_retry};
use crate::shared::Shared;
use crate::wanted::{Body, WantedSet};

/// A hook that git wants.
#[derive(Debug, Clone)]
pub(crate) struct WantedHook {
    /// Without a name where only `generateName` is given.
    pub(crate) key: ResourceKey,
    pub(crate) generate_name: Option<Box<str>>,
    pub(crate) version: Box<str>,
    pub(crate) body: Body,
    pub(crate) wave: i32,
    pub(crate) hook: Hook,
}

/// The hooks that an operation runs, by phase and name.
pub(crate) type Runs<'a> = BTreeMap<(Phase, ResourceKey), &'a WantedHook>;

/// What an operation runs; nothing where it is selective or leaves out hooks.
pub(crate) fn runs<'a>(state: &OperationState, wanted: &'a WantedSet) -> Runs<'a> {
    let sync = state.operation.sync.as_ref();
    let none = sync.is_some_and(|sync| {
        !sync.resources.is_empty() || sync.sync_strategy.as_ref().is_some_and(api::SyncStrategy::skips_hooks)
    });
    let mut runs = Runs::new();
    if none {
        return runs;
    }
    let run = run_of(state);
    for wanted in &wanted.hooks {
        for phase in &wanted.hook.phases {
            let mut key = wanted.key.clone();
            if key.name.is_empty() {
                key.name = run.name(wanted.generate_name.as_deref().unwrap_or_default(), *phase);
            }
            runs.insert((*phase, key), wanted);
        }
    }
    runs
}

pub(crate) fn items(runs: &Runs<'_>) -> Vec<HookItem> {
    let item = |((phase, key), hook): (&(Phase, ResourceKey), &&WantedHook)| HookItem {
        key: key.clone(),
        phase: *phase,
        wave: hook.wave,
    };
    runs.iter().map(item).collect()
}

/// The attempt of an operation that is under way, or was the last one.
pub(crate) fn run_of(state: &OperationState) -> RunOf<'_> {
    let result = state.sync_result.as_ref();
    let revision = result.map_or("", |result| match result.revisions.first() {
        Some(first) => first.as_str(),
        None => result.revision.as_str(),
    });
    let started = api::parse_time(&state.started_at).map_or(0, |at| at.as_second());
    RunOf { revision, started, attempt: state.retry_count }
}

/// What became of the attempt to start a hook.
pub(crate) enum Started {
    /// It is there, or was refused.
    Over(StepResult),
    /// What an earlier operation left of it is on its way out.
    Waiting,
}

/// What making a hook takes.
#[derive(Clone, Copy)]
pub(crate) struct Making<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) cluster: &'a Cluster,
    pub(crate) tracking: &'a Tracking,
    /// The application, as its objects name it.
    pub(crate) instance: &'a AppInstanceName,
    pub(crate) dry_run: bool,
    /// Whether this controller may write still.
    pub(crate) leading: &'a (dyn Fn() -> bool + Sync),
}

/// Makes the object of a hook, if this attempt of the operation has not made it yet.
///
/// **Shape**: what an earlier operation left goes first where the delete policy says so, and where it has run to its end; what must
/// not be deleted is applied over. **Invariants**: reliability P8 (at most once: its name and its run are functions of the
/// operation), P1 (only this application's own hook is deleted).
/// **Source**: the peer; we differ where it takes an old Job, already complete, for the new one.
pub(crate) async fn start(making: Making<'_>, wanted: &WantedHook, key: &ResourceKey, run: &str) -> Started {
    let desired = match dressed(making, wanted, key, run) {
        Ok(desired) => desired,
        Err(message) => return Started::Over(StepResult::failed(message)),
    };
    let mut tries = 0;
    loop {
        if !(making.leading)() {
            return Started::Over(StepResult::deposed());
        }
        let error = match start_once(making, wanted, &desired, run).await {
            Ok(started) => return started,
            Err(error) => error,
        };
        let Some(pause) = pause_before_retry(&error, tries) else {
            return Started::Over(StepResult::failed(chain(&error)));
        };
        tries += 1;
        tokio::time::sleep(pause).await;
    }
}

async fn start_once(
    making: Making<'_>,
    wanted: &WantedHook,
    desired: &Object,
    run: &str,
) -> Result<Started, WriteError> {
    let (cluster, key) = (making.cluster, desired.key());
    let done = |message: String| Ok(Started::Over(StepResult::done(ResultCode::Synced, message)));
    let refused = |message: String| Ok(Started::Over(StepResult::failed(message)));
    let live = match cluster.fetch(&key).await {
        Ok(live) => live,
        // A kind that is not served has no objects; the write says so better.
        Err(ClusterError::KindUnknown { .. }) => None,
        Err(error) => return refused(chain(&error)),
    };
    let Some(live) = live else {
        let options = ApplyOptions { how: How::Create, dry_run: making.dry_run, ..ApplyOptions::default() };
        cluster.apply(desired, &options).await?;
        return done(format!("{} created", named(desired)));
    };
    if live.annotation(annotation::HOOK_RUN) == Some(run) {
        return done(format!("{} created", named(desired)));
    }
    if making.tracking.owner_of(&live).as_ref() != Some(making.instance) {
        return refused(format!(
            "{key} is there already and not a hook of this application: rename one of them, or delete it"
        ));
    }
    if making.dry_run {
        return done(format!("{} is there from an earlier sync (dry run)", named(desired)));
    }
    if live.is_deleting() {
        release(cluster, live).await?;
        return Ok(Started::Waiting);
    }
    let ends = runs_to_an_end(&key);
    if wanted.hook.policy.before_creation
        || (ends && !matches!(fate(making.shared, &live).await, Fate::Running))
    {
        let live = release(cluster, live).await?;
        remove(making.shared, cluster, &live).await?;
        return Ok(Started::Waiting);
    }
    if ends {
        return refused(format!(
            "{key} of an earlier sync still runs, and its hook-delete-policy has no BeforeHookCreation: wait for its end, or delete it"
        ));
    }
    let options = ApplyOptions { dry_run: false, ..ApplyOptions::default() };
    cluster.apply(desired, &options).await?;
    done(format!("{} configured", named(desired)))
}

/// The object of a hook's run.
pub(crate) fn dressed(
    making: Making<'_>,
    wanted: &WantedHook,
    key: &ResourceKey,
    run: &str,
) -> Result<Object, String> {
    let mut object = wanted.body.object().ok_or("git no longer has it")?;
    let metadata = object.metadata_mut();
    metadata.remove("generateName");
    metadata.insert("name".to_owned(), key.name.clone().into());
    let mut finalizers: BTreeSet<String> = object.finalizers().into_iter().map(str::to_owned).collect();
    finalizers.insert(finalizer::HOOK.to_owned());
    object.metadata_mut().insert("finalizers".to_owned(), finalizers.into_iter().collect());
    object.set_annotation(annotation::HOOK_RUN, run);
    let namespace = key.namespace.as_str();
    making.tracking.stamp(&mut object, making.instance, namespace).map_err(|error| error.to_string())?;
    Ok(object)
}

/// How far a hook is.
#[derive(Debug, PartialEq)]
pub(crate) enum Fate {
    Running,
    Succeeded(String),
    Failed(String),
}

/// **Source**: the peer: Progressing and Suspended run, Degraded and Unknown have failed, a kind without health has succeeded.
pub(crate) async fn fate(shared: &Shared, object: &Object) -> Fate {
    by_health(object, shared.health(&kept(object)).await)
}

/// The object as it would be if nobody had deleted it. What is on its way out is Progressing, whatever it came to: a Job that was
/// collected after its end has ended all the same.
fn kept(object: &Object) -> Cow<'_, Object> {
    let mut object = Cow::Borrowed(object);
    if object.is_deleting() {
        object.to_mut().metadata_mut().remove("deletionTimestamp");
    }
    object
}

fn by_health(object: &Object, health: Option<Health>) -> Fate {
    use health::Status;
    let Some(health) = health else { return Fate::Succeeded(String::new()) };
    match health.status {
        Status::Healthy => Fate::Succeeded(health.message),
        Status::Degraded | Status::Unknown => Fate::Failed(health.message),
        Status::Progressing | Status::Suspended | Status::Missing if object.is_deleting() => {
            Fate::Failed("it was deleted while it ran".to_owned())
        }
        Status::Progressing | Status::Suspended | Status::Missing => Fate::Running,
    }
}

/// Looks at the hooks that are on record as running, and puts on record those that are over.
pub(crate) async fn observe(shared: &Shared, cluster: &Cluster, state: &mut OperationState) {
    let ids = |phase| run_of(state).id(phase);
    let mut over = Vec::new();
    for (at, result) in hook_results(state) {
        let (Some(OperationPhase::Running), Some(phase)) = (&result.hook_phase, phase_of(result)) else {
            continue;
        };
        let found = match look(shared, cluster, &key_of(result), &ids(phase)).await {
            Fate::Running => continue,
            Fate::Succeeded(message) => (OperationPhase::Succeeded, message),
            Fate::Failed(message) => (OperationPhase::Failed, message),
        };
        over.push((at, found));
    }
    for (at, (phase, message)) in over {
        if let Some(result) = state.sync_result.as_mut().and_then(|result| result.resources.get_mut(at)) {
            result.hook_phase = Some(phase);
            if !message.is_empty() {
                result.message = message;
            }
        }
    }
}

async fn look(shared: &Shared, cluster: &Cluster, key: &ResourceKey, run: &str) -> Fate {
    // The watch may be behind what we wrote.
    let seen = cluster.get(key).and_then(|live| live.object());
    if let Some(object) = seen.filter(|object| object.annotation(annotation::HOOK_RUN) == Some(run)) {
        return fate(shared, &object).await;
    }
    match cluster.fetch(key).await {
        Ok(Some(object)) => verdict(Some((&object, shared.health(&kept(&object)).await)), run),
        Ok(None) => verdict(None, run),
        // It is asked again.
        Err(_) => Fate::Running,
    }
}

/// What became of a hook that is on record as running, by what there is under its name, with its health.
fn verdict(found: Option<(&Object, Option<Health>)>, run: &str) -> Fate {
    match found {
        Some((object, health)) if object.annotation(annotation::HOOK_RUN) == Some(run) => {
            by_health(object, health)
        }
        Some(_) => Fate::Failed("somebody made another object of its name".to_owned()),
        None => Fate::Failed("it vanished before its end was seen: somebody deleted it".to_owned()),
    }
}

/// Tidies up after an attempt of an operation whose end is on record: hooks are let go of, those that still run are deleted, and
/// those whose policy says so. Done again it changes nothing.
pub(crate) async fn tidy(shared: &Shared, cluster: &Cluster, state: &OperationState) -> Result<(), String> {
    let run = run_of(state);
    for (_, result) in hook_results(state) {
        let Some(phase) = phase_of(result) else { continue };
        let key = key_of(result);
        let live = match cluster.fetch(&key).await {
            Ok(Some(live)) if live.annotation(annotation::HOOK_RUN) == Some(&run.id(phase)) => live,
            Ok(_) => continue,
            Err(error) => return Err(chain(&error)),
        };
        let policy = sync::hooks::read(&live).policy;
        let goes = match fate(shared, &live).await {
            Fate::Running => true,
            Fate::Succeeded(_) => policy.succeeded,
            Fate::Failed(_) => policy.failed,
        };
        let end = async {
            let live = release(cluster, live).await?;
            if goes { remove(shared, cluster, &live).await } else { Ok(()) }
        };
        match end.await {
            Ok(()) | Err(WriteError::NotFound { .. }) => {}
            Err(error) => return Err(chain(&error)),
        }
    }
    Ok(())
}

/// Takes the finalizer off an object that an earlier run, or this one, has put there.
pub(crate) async fn release(cluster: &Cluster, object: Object) -> Result<Object, WriteError> {
    if !object.finalizers().contains(&finalizer::HOOK) {
        return Ok(object);
    }
    let rest: Vec<&str> = object.finalizers().into_iter().filter(|name| *name != finalizer::HOOK).collect();
    let patch = serde_json::json!({ "metadata": { "finalizers": rest } });
    cluster.merge_patch(&object.key(), &patch, Some(object.resource_version())).await
}

pub(crate) async fn remove(shared: &Shared, cluster: &Cluster, live: &Object) -> Result<(), WriteError> {
    if live.is_deleting() {
        return Ok(());
    }
    delete(cluster, live, Propagation::Background, &|| shared.is_leading()).await.map(drop)
}

/// What somebody took away meanwhile is gone, which is as well; what changed meanwhile is looked at again.
pub(crate) fn gone_is_well<T>(end: Result<T, WriteError>) -> Result<(), WriteError> {
    match end {
        Ok(_) | Err(WriteError::NotFound { .. } | WriteError::Precondition { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The results that are hooks', with their places.
fn hook_results(state: &OperationState) -> impl Iterator<Item = (usize, &ResourceResult)> {
    let results = state.sync_result.iter().flat_map(|result| &result.resources);
    results.enumerate().filter(|(_, result)| result.hook_type.is_some())
}

/// Whether an operation has run hooks.
pub(crate) fn has_run(state: &OperationState) -> bool {
    hook_results(state).next().is_some()
}

/// The phase that a result is of; for results of an older writer, `None`.
pub(crate) fn phase_of(result: &ResourceResult) -> Option<Phase> {
    let phase = result.sync_phase.as_ref()?;
    [Phase::PreSync, Phase::Sync, Phase::PostSync, Phase::SyncFail]
        .into_iter()
        .find(|known| known.as_str() == phase.as_str())
}

pub(crate) fn key_of(result: &ResourceResult) -> ResourceKey {
    ResourceKey::new(&*result.group, &*result.kind, &*result.namespace, &*result.name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn whatever_is_seen_of_a_running_hook_says_how_far_it_is() {
        let job = |run: &str, status: Value, deleting: bool| {
            let mut job = json!({
                "apiVersion": "batch/v1", "kind": "Job", "status": status,
                "metadata": {"name": "migrate", "namespace": "ns", "annotations": {annotation::HOOK_RUN: run}},
            });
            if deleting {
                job["metadata"]["deletionTimestamp"] = json!("2024-01-01T00:00:00Z");
            }
            Some(Object::from_value(job).unwrap())
        };
        let (ours, others) = ("1-0-PreSync", "2-0-PreSync");
        let ended = |how: &str| json!({"conditions": [{"type": how, "status": "True", "message": "why"}], "succeeded": 1});
        let works = || json!({"active": 1});
        for (reason, object, expected) in [
            ("vanished", None, "failed: it vanished before its end was seen: somebody deleted it"),
            (
                "another's",
                job(others, ended("Complete"), false),
                "failed: somebody made another object of its name",
            ),
            ("just made", job(ours, json!({}), false), "running"),
            ("at work", job(ours, works(), false), "running"),
            ("suspended", job(ours, ended("Suspended"), false), "running"),
            ("done", job(ours, ended("Complete"), false), "succeeded"),
            ("failed", job(ours, ended("Failed"), false), "failed: why"),
            ("deleted while it ran", job(ours, works(), true), "failed: it was deleted while it ran"),
            ("deleted after its end", job(ours, ended("Complete"), true), "succeeded"),
            ("deleted after its failure", job(ours, ended("Failed"), true), "failed: why"),
        ] {
            let found = object.as_ref().map(|object| (object, health::of(&kept(object))));
            let text = match verdict(found, ours) {
                Fate::Running => "running".to_owned(),
                Fate::Succeeded(_) => "succeeded".to_owned(),
                Fate::Failed(why) => format!("failed: {why}"),
            };
            assert_eq!(text, expected, "{reason}");
        }
        let plain = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}});
        let plain = Object::from_value(plain).unwrap();
        let why = "a kind that does not end has succeeded once it is there";
        assert_eq!(by_health(&plain, health::of(&plain)), Fate::Succeeded(String::new()), "{why}");
    }
}
