//! Hooks of a deletion: PreDelete before an application's objects go, PostDelete after them.
//!
//! As the hooks of a sync, each object carries the run that it was made for (here: the deletion and its phase) and the finalizer that
//! holds it until the phase's own finalizer is gone from the Application, which is the record that the phase is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api::names::annotation;
use api::{Application, ResultCode};
use cluster::{Cluster, chain};
use resource::{Object, ResourceKey};
use sync::deletion::{DeletionPhase, HookState, Next, finalizers, next, pause};
use tokio::time::Instant;
use why::{Resource, WaitsFor, and_more};

use crate::deletion::{Came, LOOK_AGAIN, sees_all};
use crate::destination::Destination;
use crate::execute::make_namespace;
use crate::hooks::{Fate, Making, Started, WantedHook, fate, gone_is_well, release, remove, start};
use crate::obtain::{Ask, View, check_sources, not_permitted, obtain};
use crate::operation::{general_options, namespace_to_create};
use crate::repositories::Freshness;
use crate::shared::{AppMemory, AppName, Shared};
use crate::wanted::WantedSet;
use crate::write::{Lost, write};

/// When it is looked again at what takes a moment.
const SOON: Duration = Duration::from_secs(1);
/// When it is looked again at what failed.
const LATER: Duration = Duration::from_secs(10);

/// Failures of hooks of a deletion, as far as this process has seen them.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    count: u32,
    /// When the last one was seen, while it is not tried again.
    since: Option<Instant>,
}

/// Gives an application the finalizers that its hooks need, before anything is applied, and takes those of hooks that it has no more.
pub(crate) async fn ask_for(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    wanted: &WantedSet,
) -> Result<(), Lost> {
    let has = |phase| wanted.hooks.iter().any(|wanted| wanted.hook.deletion.contains(&phase));
    write(shared, name, app, |app| {
        let right = finalizers(&app.metadata.finalizers, has).filter(|_| !app.metadata.is_deleting())?;
        Some(serde_json::json!({ "metadata": { "finalizers": right } }))
    })
    .await
    .map(drop)
}

/// Runs the hooks of a phase as far as they go now.
///
/// **Shape**: wave by wave. A hook that failed holds up the deletion; it is deleted and made anew after a while, as git has it then, or
/// at once where somebody deletes it. What cannot be rendered holds it up, too, as in the peer.
/// **Invariants**: reliability P8: a hook that runs or has succeeded is not made again, whoever comes back to it.
pub(crate) async fn run(
    shared: &Shared,
    to: &Arc<Destination>,
    name: &AppName,
    app: &Application,
    memory: &mut AppMemory,
    phase: DeletionPhase,
) -> Result<Came, Lost> {
    let cluster = &to.cluster;
    let (view, wanted) = match of_git(shared, to, name, app, memory, phase).await {
        Ok(found) => found,
        Err(came) => return Ok(came),
    };
    let (asked, run, help) = (asked(app), phase.id(asked(app)), without(phase));
    let hooks = of_phase(&wanted, phase, asked);
    if let Some(why) = hooks.keys().find_map(|(_, key)| not_permitted(&view, key)) {
        let message = format!("waiting: the project does not permit a {} hook: {why}", phase.as_str());
        return Ok(Came::Blocked(message, LATER));
    }
    let leading = || shared.is_leading();
    let making = Making {
        shared,
        cluster,
        tracking: &view.settings.settings.tracking,
        instance: &view.instance,
        dry_run: false,
        leading: &leading,
    };
    // Once for every wave, and once to see the end.
    for _ in 0..=hooks.len() {
        let states = match look(shared, cluster, hooks.keys(), &run).await {
            Ok(states) => states,
            Err(message) => return Ok(Came::Blocked(message, LATER)),
        };
        match next(&states) {
            Next::Start(keys) => {
                // What was never synced may have none.
                if let Some(namespace) = namespace_to_create(app, &wanted, &general_options(app))
                    && let Err(message) = make_namespace(cluster, app, false, &namespace).await
                {
                    return Ok(Came::Blocked(format!("waiting: {message}"), LATER));
                }
                for key in &keys {
                    let wanted = hooks.iter().find(|((_, other), _)| other == key).map(|(_, hook)| *hook);
                    let Some(wanted) = wanted else { continue };
                    match start(making, wanted, key, &run).await {
                        Started::Over(result) if result.status == ResultCode::SyncFailed => {
                            let (phase, why) = (phase.as_str(), result.message);
                            let message =
                                format!("waiting: {phase} hook {key} could not be made: {why}. {help}");
                            return Ok(Came::Blocked(message, LATER));
                        }
                        Started::Over(_) => {}
                        Started::Waiting => {
                            let leftover = WaitsFor::Leftover { resource: Resource::from(key) };
                            return Ok(Came::Blocked(leftover.to_string(), SOON));
                        }
                    }
                }
            }
            Next::Wait(keys) => {
                let message = format!("waiting for completion of {} hook {}", phase.as_str(), named(&keys));
                return Ok(Came::Blocked(message, LOOK_AGAIN));
            }
            Next::Retry(failed) => {
                return retry(shared, cluster, &mut memory.deletion_failures, phase, &failed, &run).await;
            }
            Next::Done => {
                memory.deletion_failures = Failures::default();
                if !app.metadata.has_finalizer(phase.cleanup_finalizer()) {
                    // Nobody would come back to them.
                    return let_go(shared, cluster, hooks.into_keys().map(|(_, key)| key), &run).await;
                }
                return Ok(Came::Over);
            }
        }
    }
    Ok(Came::Waits(SOON))
}

/// What git has of the hooks now; else what the phase came to.
async fn of_git(
    shared: &Shared,
    to: &Arc<Destination>,
    name: &AppName,
    app: &Application,
    memory: &mut AppMemory,
    phase: DeletionPhase,
) -> Result<(View, Arc<WantedSet>), Came> {
    let blocked = |why: &str| {
        let (phase, help) = (phase.as_str(), without(phase));
        Came::Blocked(format!("waiting: the {phase} hooks cannot be had from git: {why}. {help}"), LATER)
    };
    let settings = shared.settings.current();
    let project_name = app.spec.project_name();
    let Some(project) = shared.project(project_name, &settings) else {
        if !shared.has_seen_projects() {
            return Err(Came::Waits(SOON));
        }
        return Err(blocked(&format!("project {project_name} does not exist")));
    };
    let sources = app.spec.sources();
    let denied = check_sources(sources, "spec.source", &project);
    if let Some(why) = denied.first() {
        return Err(blocked(why));
    }
    let view = View::new(shared, name, project, settings, Arc::clone(to));
    // Somebody may have mended what failed.
    let again = memory.deletion_failures.count > 0 && memory.deletion_failures.since.is_none();
    let fresh = memory.spec.wanted.is_none() || !memory.spec.sound || again;
    let freshness = if fresh { Freshness::Since(Instant::now()) } else { Freshness::Known };
    let ask = Ask { sources, pinned: &[], freshness, afresh: false };
    match obtain(shared, &view, app, &mut memory.spec, &ask).await {
        Ok((wanted, _)) => Ok((view, wanted)),
        Err(errors) => Err(blocked(errors.first().unwrap_or("its sources cannot be had"))),
    }
}

/// How to do without the hooks of a phase.
fn without(phase: DeletionPhase) -> String {
    let (run, clean_up) = (phase.finalizer(), phase.cleanup_finalizer());
    format!("To delete the application without them, remove its finalizers {run} and {clean_up}")
}

/// When the deletion was asked for, in seconds.
fn asked(app: &Application) -> i64 {
    let at = app.metadata.deletion_timestamp.as_deref().and_then(|at| api::parse_time(at).ok());
    at.map_or(0, |at| at.as_second())
}

fn of_phase(
    wanted: &WantedSet,
    phase: DeletionPhase,
    asked: i64,
) -> BTreeMap<(i32, ResourceKey), &WantedHook> {
    let of_phase = wanted.hooks.iter().filter(|wanted| wanted.hook.deletion.contains(&phase));
    of_phase
        .map(|wanted| {
            let mut key = wanted.key.clone();
            if key.name.is_empty() {
                key.name = phase.name(wanted.generate_name.as_deref().unwrap_or_default(), asked);
            }
            ((wanted.wave, key), wanted)
        })
        .collect()
}

async fn look(
    shared: &Shared,
    cluster: &Cluster,
    hooks: impl Iterator<Item = &(i32, ResourceKey)>,
    run: &str,
) -> Result<BTreeMap<(i32, ResourceKey), HookState>, String> {
    let mut states = BTreeMap::new();
    for (wave, key) in hooks {
        let state = match cluster.fetch(key).await {
            Ok(Some(object)) if object.annotation(annotation::HOOK_RUN) == Some(run) => {
                match (fate(shared, &object).await, object.is_deleting()) {
                    (Fate::Succeeded(_), _) => HookState::Done,
                    (Fate::Running, _) => HookState::Running,
                    (Fate::Failed(why), false) => HookState::Failed(why),
                    (Fate::Failed(_), true) => {
                        // Whoever deleted it, it was seen that it came to nothing.
                        gone_is_well(release(cluster, object).await).map_err(|error| chain(&error))?;
                        HookState::Deleting
                    }
                }
            }
            // What an earlier run left is seen to when this one starts; a kind that is not served has no objects, and the write says so.
            Ok(_) | Err(cluster::ClusterError::KindUnknown { .. }) => HookState::Absent,
            Err(error) => return Err(chain(&error)),
        };
        states.insert((*wave, key.clone()), state);
    }
    Ok(states)
}

/// Holds up the deletion because of hooks that failed, and lets them be made anew when it is time.
async fn retry(
    shared: &Shared,
    cluster: &Cluster,
    failures: &mut Failures,
    phase: DeletionPhase,
    failed: &[(ResourceKey, String)],
    run: &str,
) -> Result<Came, Lost> {
    let since = *failures.since.get_or_insert_with(|| {
        failures.count = failures.count.saturating_add(1);
        Instant::now()
    });
    let whole = pause(failures.count);
    let left = whole.saturating_sub(since.elapsed());
    if !left.is_zero() {
        let words =
            failed.iter().map(|(key, why)| format!("{} hook {key} has failed: {why}", phase.as_str()));
        let message = format!(
            "waiting: {}. Nothing more is deleted until it succeeds; it is tried again {}s after it failed, or as soon as it is deleted. {}",
            words.collect::<Vec<_>>().join("; "),
            whole.as_secs(),
            without(phase)
        );
        return Ok(Came::Blocked(message, left));
    }
    failures.since = None;
    for (key, _) in failed {
        let end = async {
            match cluster.fetch(key).await {
                Ok(Some(live)) if live.annotation(annotation::HOOK_RUN) == Some(run) => {
                    let live = release(cluster, live).await?;
                    remove(shared, cluster, &live).await
                }
                Ok(_) | Err(_) => Ok(()),
            }
        };
        if let Err(error) = gone_is_well(end.await) {
            return Ok(Came::Blocked(chain(&error), LATER));
        }
    }
    Ok(Came::Waits(SOON))
}

/// Deletes what the hooks of a phase left, where their delete policies say so, and lets go of the rest.
pub(crate) async fn clean_up(
    shared: &Shared,
    to: &Destination,
    name: &AppName,
    app: &Application,
    memory: &AppMemory,
    phase: DeletionPhase,
) -> Result<Came, Lost> {
    if !sees_all(to) {
        return Ok(Came::Waits(SOON));
    }
    let asked = asked(app);
    // What this process has made may not have come by the watch yet.
    let known = memory.spec.wanted.iter().flat_map(|(_, wanted)| of_phase(wanted, phase, asked).into_keys());
    let mut keys: BTreeSet<ResourceKey> = known.map(|(_, key)| key).collect();
    let instance = shared.instance(name);
    let since = |live: &cluster::LiveObject| live.created().is_none_or(|at| at.as_second() >= asked);
    let live = to.cluster.owned_by(instance.as_str()).into_iter().filter(|live| since(live));
    keys.extend(live.map(|live| live.key()));
    let_go(shared, &to.cluster, keys.into_iter(), &phase.id(asked)).await
}

async fn let_go(
    shared: &Shared,
    cluster: &Cluster,
    keys: impl Iterator<Item = ResourceKey>,
    run: &str,
) -> Result<Came, Lost> {
    let mut going = Vec::new();
    for key in keys {
        let live = match cluster.fetch(&key).await {
            Ok(Some(live)) if live.annotation(annotation::HOOK_RUN) == Some(run) => live,
            Ok(_) | Err(cluster::ClusterError::KindUnknown { .. }) => continue,
            Err(error) => return Ok(Came::Blocked(chain(&error), LATER)),
        };
        let goes = live.is_deleting() || goes(shared, &live).await;
        let end = async {
            let live = release(cluster, live).await?;
            if goes { remove(shared, cluster, &live).await } else { Ok(()) }
        };
        if let Err(error) = gone_is_well(end.await) {
            return Ok(Came::Blocked(chain(&error), LATER));
        }
        if goes && matches!(cluster.fetch(&key).await, Ok(Some(_))) {
            going.push(key);
        }
    }
    Ok(if going.is_empty() { Came::Over } else { Came::Waits(SOON) })
}

async fn goes(shared: &Shared, live: &Object) -> bool {
    let policy = sync::hooks::read(live).policy;
    match fate(shared, live).await {
        Fate::Succeeded(_) => policy.succeeded,
        Fate::Failed(_) => policy.failed,
        Fate::Running => false,
    }
}

fn named(keys: &[ResourceKey]) -> String {
    let first = keys.first().map(ToString::to_string).unwrap_or_default();
    format!("{first}{}", and_more(keys.len(), "hooks"))
}
