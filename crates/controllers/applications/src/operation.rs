//! One operation, from its begin to its end: recorded before each wave, taken up again from the record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api::project::Begin;
use api::{
    Application, Consent, HookType, OperationPhase, OperationState, ResourceResult, ResultCode,
    RevisionHistory, SyncOperationResource, SyncOptions, SyncPhase, SyncStatusCode,
};
use cluster::Knowledge;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use resource::{GroupKind, Object, ResourceKey};
use sync::operation::{Next, Outcome, Readiness, Recorded, Step, next};
use sync::pause::pause_before;
use sync::{Item, Kept, Phase, Plan, Removal, Request, Wave, plan};
use tracing::{Instrument as _, debug_span};
use why::{Resource, WaitsFor};

use crate::assess::{Memory, own_options_of, why_unseen};
use crate::attempt::{Failure, fail};
use crate::comparison::Comparison;
use crate::conditions::Findings;
use crate::deletion::approved_since;
use crate::execute::{StepResult, Steps, make_namespace};
use crate::fit;
use crate::hooks::{self, Making, Started};
use crate::judge::{Judge, Window};
use crate::manifests;
use crate::preflight::{self, Made, Preflight};
use crate::shared::RunningOperation;
use crate::status::operation_patch;
use crate::wanted::WantedSet;
use crate::waves::{self, LeftOut};
use crate::write::{Lost, write};

/// Objects of one kind that an operation applies at the same time.
pub const PARALLEL_APPLIES: usize = 16;
/// How long an operation that waits for health is left without a look, should every event get lost.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How long an operation waits at first for what an earlier one left to be gone.
const LEFTOVERS_GONE: Duration = Duration::from_secs(1);

/// An operation and what it works on.
pub(crate) struct Run<'a> {
    pub(crate) judge: &'a Judge<'a>,
    /// The state so far; written to the Application before each wave.
    pub(crate) state: OperationState,
    pub(crate) wanted: Arc<WantedSet>,
}

/// What a pass of an operation came to.
pub(crate) struct Progress {
    pub(crate) state: OperationState,
    pub(crate) history: Option<RevisionHistory>,
    /// When to look again although nothing happened.
    pub(crate) again: Option<Duration>,
    /// What it waits for, where it does.
    pub(crate) waits: Option<WaitsFor>,
}

impl Progress {
    /// So far, and nothing to wait for.
    pub(crate) fn at(state: OperationState) -> Self {
        Self { state, history: None, again: None, waits: None }
    }
}

impl Run<'_> {
    /// Goes as far as it can: through every wave that may run now, until it has to wait or is over. Beside that, its target as it
    /// compares then.
    pub(crate) async fn advance(
        mut self,
        app: &mut Arc<Application>,
        running: &mut Option<RunningOperation>,
        assessed: &mut Memory,
        mut comparison: Comparison,
    ) -> Result<(Progress, Comparison, Findings), Lost> {
        let mut findings = Findings::default();
        let mut messages = Vec::new();
        if let Some(refusal) = self.wanted.refused.first() {
            let text = format!("nothing was written, since the project does not permit all of it: {refusal}");
            return Ok((self.finish(&Outcome::Failed(text), &messages), comparison, findings));
        }
        if let Some(blocked) = self.blocked(app) {
            return Ok((blocked, comparison, findings));
        }
        if let Err(message) = &self.judge.writer {
            let failure = Failure { message: message.clone(), ends: OperationPhase::Error, retried: true };
            let again = fail(&mut self.state, failure, &self.judge.shared.now());
            return Ok((Progress { again, ..Progress::at(self.state) }, comparison, findings));
        }
        let plan = self.plan(app, running, &comparison);
        loop {
            hooks::observe(self.judge.shared, self.judge.writer(), &mut self.state).await;
            let recorded = self.recorded(Some(&plan));
            let step = next(&plan, &recorded, |key| readiness(&comparison, key));
            // What is done about a failure does not wait.
            if let Next::Run(wave) = &step
                && wave.phase != Phase::SyncFail
                && let Some(blocked) = self.blocked(app)
            {
                return Ok((blocked, comparison, findings));
            }
            if let Next::Run(wave) = &step
                && wave.phase != Phase::SyncFail
                && let Some(leaving) = self.leaving()
            {
                return Ok((self.wait(leaving, Some(LOOK_AGAIN)), comparison, findings));
            }
            if let Next::Run(wave) = &step
                && let Some(left) = self.pause(wave)
            {
                let until = api::format_time(self.now() + left);
                let pause = WaitsFor::Pause { time: seconds(self.delay()), until };
                return Ok((self.wait(pause, Some(left)), comparison, findings));
            }
            match step {
                Next::Run(wave) => {
                    if recorded.is_empty()
                        && let Some(refusal) =
                            self.preflight(app, &plan, &comparison).instrument(debug_span!("preflight")).await
                    {
                        return Ok((self.finish(&Outcome::Failed(refusal), &messages), comparison, findings));
                    }
                    self.state.message =
                        format!("running wave {} of phase {}", wave.number, wave.phase.as_str());
                    self.record(app).await?;
                    let first = recorded.is_empty();
                    let leftover = self
                        .run_wave(app, &plan, &wave, first, &mut messages)
                        .instrument(debug_span!("wave"))
                        .await;
                    self.leave_out(&plan);
                    if let Some(key) = leftover {
                        let leftover = WaitsFor::Leftover { resource: Resource::from(&key) };
                        return Ok((self.wait(leftover, Some(LEFTOVERS_GONE)), comparison, findings));
                    }
                    let now = self.now();
                    if !self.delay().is_zero() {
                        waves::note(&mut self.state, wave.phase, wave.number, now);
                    }
                    (comparison, findings) = self.judge.assess(app, &self.wanted, assessed).await;
                }
                Next::Record(key, reason) => {
                    let what = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                    self.note_broken(&key, format!("is degraded{what}"));
                }
                Next::Wait { objects, hooks } => {
                    if let Some(key) = self.gone(&objects).await {
                        self.note_broken(&key, "was applied and is gone: somebody deleted it".to_owned());
                        continue;
                    }
                    let waits = waits_for(&objects, &hooks);
                    return Ok((self.wait(waits, Some(LOOK_AGAIN)), comparison, findings));
                }
                Next::Finish(Outcome::Succeeded(_)) if self.awaits_consent(&plan) => {
                    // Planned anew at the next look, by what was approved until then.
                    *running = None;
                    return Ok((self.wait(consent(&plan), None), comparison, findings));
                }
                Next::Finish(outcome) => {
                    self.note_kept(&plan);
                    return Ok((self.finish(&outcome, &messages), comparison, findings));
                }
            }
        }
    }

    /// Whether something is to be pruned that asks for consent (`Prune=confirm`): the operation goes on when it is given.
    fn awaits_consent(&self, plan: &Plan) -> bool {
        let sync = self.state.operation.sync.as_ref();
        sync.is_some_and(|sync| sync.prune && !sync.dry_run) && unapproved(plan).next().is_some()
    }

    /// Stays where it is until what it waits for has happened.
    fn wait(mut self, waits_for: WaitsFor, again: Option<Duration>) -> Progress {
        self.state.message = waits_for.to_string();
        Progress { again, waits: Some(waits_for), ..Progress::at(self.state) }
    }

    /// What was pruned and is on its way out still: the next wave waits until it is gone. The end of the operation does not, as
    /// in the peer: an object whose finalizer nobody takes away holds up no later sync.
    fn leaving(&self) -> Option<WaitsFor> {
        let pruned = self.results().filter(|r| r.hook_type.is_none() && r.status == Some(ResultCode::Pruned));
        let live = pruned.filter_map(|r| self.judge.cluster().get(&hooks::key_of(r)));
        let leaving: Vec<_> = live.filter(|live| live.deleting()).collect();
        let first = leaving.first()?;
        let object = first.object();
        let finalizers = object.as_ref().map(Object::finalizers).unwrap_or_default();
        Some(WaitsFor::Deletion {
            resource: Resource::from(&first.key()),
            finalizers: finalizers.into_iter().map(str::to_owned).collect(),
            more: leaving.len() - 1,
        })
    }

    /// The operation as it stands still while a window of the project does not let it run, in the peer's words.
    fn blocked(&self, app: &Application) -> Option<Progress> {
        let automated = self.state.operation.initiated_by.automated;
        let begin = if automated { Begin::Automatic } else { Begin::Manual };
        let window = self.judge.window(app, begin, Some(&self.state.started_at));
        let Window::Closed { error, message, until, again } = window else { return None };
        let mut state = self.state.clone();
        state.message = match &error {
            Some(error) => format!("Sync operation blocked by sync window: {error}"),
            None => "Sync operation blocked by sync window".to_owned(),
        };
        Some(Progress { again, waits: Some(WaitsFor::Window { message, until }), ..Progress::at(state) })
    }

    fn now(&self) -> jiff::Timestamp {
        (self.judge.shared.options.clock)()
    }

    /// The pause between waves of this operation.
    fn delay(&self) -> Duration {
        let dry_run = self.state.operation.sync.as_ref().is_some_and(|sync| sync.dry_run);
        if dry_run { Duration::ZERO } else { waves::delay(self.judge.shared) }
    }

    /// How long a wave has to wait for the time's sake.
    fn pause(&self, wave: &Wave) -> Option<Duration> {
        pause_before(wave, waves::last(&self.state, self.now()), self.delay())
    }

    async fn record(&self, app: &mut Arc<Application>) -> Result<(), Lost> {
        let state = &self.state;
        let Judge { shared, view, .. } = self.judge;
        write(shared, &view.name, app, |app| operation_patch(app, state)).await.map(drop)
    }

    fn plan(
        &self,
        app: &Application,
        running: &mut Option<RunningOperation>,
        comparison: &Comparison,
    ) -> Arc<Plan> {
        if let Some(running) = running
            && running.started_at == self.state.started_at
            && running.attempt == self.state.retry_count
        {
            return Arc::clone(&running.plan);
        }
        let sync = self.state.operation.sync.clone().unwrap_or_default();
        let options = self.options(app);
        let items = self.items(app, &options, comparison);
        let request = Request {
            prune: sync.prune,
            out_of_sync_only: options.apply_out_of_sync_only == Some(true),
            only: chosen(&sync.resources, comparison),
            create_namespace: namespace_to_create(app, &self.wanted, &options),
        };
        let hooks = hooks::items(&hooks::runs(&self.state, &self.wanted));
        let plan = Arc::new(plan(&items, &hooks, &request));
        *running = Some(RunningOperation {
            started_at: self.state.started_at.clone(),
            attempt: self.state.retry_count,
            plan: Arc::clone(&plan),
        });
        plan
    }

    /// Options of the operation, where it names any, else those of the application.
    fn options(&self, app: &Application) -> SyncOptions {
        general_options(app).with(&self.own_options())
    }

    fn own_options(&self) -> SyncOptions {
        let sync = self.state.operation.sync.as_ref();
        SyncOptions::parse(sync.into_iter().flat_map(|sync| sync.sync_options.iter().map(String::as_str))).0
    }

    fn items(&self, app: &Application, options: &SyncOptions, comparison: &Comparison) -> Vec<Item> {
        let recorded = self.recorded(None);
        // What was out of sync at the begin is not told of all objects any more.
        let untold = waves::left_out(&self.state).is_some();
        let (general, asked) = (general_options(app), self.own_options());
        let mut items = Vec::new();
        for resource in &comparison.resources {
            let key = &resource.key;
            let (wanted, live) = (self.wanted.objects.get(key), self.judge.cluster().get(key));
            if wanted.is_none() && live.as_ref().is_some_and(|live| live.deleting()) {
                continue;
            }
            let own = match (wanted, live) {
                (Some(wanted), _) => general.with(&wanted.options).with(&asked),
                (None, Some(live)) => live.object().map_or_else(
                    || options.clone(),
                    |object| general.with(&own_options_of(&object)).with(&asked),
                ),
                (None, None) => options.clone(),
            };
            items.push(Item {
                key: key.clone(),
                wanted: resource.wanted,
                live: resource.live,
                out_of_sync: resource.sync != SyncStatusCode::Synced
                    || untold
                    || recorded.contains_key(&(Phase::Sync, key.clone())),
                wave: resource.wave,
                prune_last: own.prune_last == Some(true),
                removal: if resource.wanted {
                    Removal::Allowed
                } else {
                    self.removal(app, key, &own, comparison)
                },
            });
        }
        items
    }

    fn removal(
        &self,
        app: &Application,
        key: &ResourceKey,
        own: &SyncOptions,
        comparison: &Comparison,
    ) -> Removal {
        let kept = match own.prune {
            Some(Consent::No) => Some(Kept::PruneFalse),
            Some(Consent::Confirm) if !approved_since(app, &self.state.started_at) => {
                Some(Kept::NeedsConfirmation)
            }
            _ => None,
        };
        let allow_empty = app
            .spec
            .sync_policy
            .as_ref()
            .and_then(|p| p.automated.as_ref())
            .is_some_and(|a| a.allows_empty());
        let kept = kept
            .or_else(|| (!comparison.rendered_any && !allow_empty).then_some(Kept::EmptyRender))
            .or_else(|| {
                let unknown = self.wanted.unknown_kinds.first()?;
                Some(Kept::Incomplete(format!("the cluster does not serve {unknown}, which git has")))
            })
            .or_else(|| match self.judge.cluster().knowledge(&key.group_kind()) {
                Knowledge::Complete => None,
                unseen => Some(Kept::Incomplete(why_unseen(&unseen))),
            })
            .or_else(|| self.judge.claimed_elsewhere(key).map(Kept::ClaimedElsewhere));
        kept.map_or(Removal::Allowed, Removal::Kept)
    }

    /// What is on record, with what was left out of it: by the plan, which says what the waves were.
    fn recorded(&self, plan: Option<&Plan>) -> BTreeMap<Step, Recorded> {
        let mut recorded: BTreeMap<Step, Recorded> = self
            .results()
            .filter_map(|r| {
                let hook = r.hook_type.is_some();
                let recorded = match (r.status.as_ref()?, r.hook_phase.as_ref()) {
                    (ResultCode::SyncFailed, _) => Recorded::Refused,
                    (_, Some(OperationPhase::Running)) if hook => Recorded::Running,
                    (_, Some(OperationPhase::Failed)) if hook => {
                        Recorded::Broken(format!("failed: {}", r.message))
                    }
                    (_, Some(OperationPhase::Failed)) => Recorded::Broken(r.message.clone()),
                    _ => Recorded::Done,
                };
                Some(((hooks::phase_of(r).unwrap_or(Phase::Sync), hooks::key_of(r)), recorded))
            })
            .collect();
        if let (Some(plan), Some(left_out)) = (plan, waves::left_out(&self.state)) {
            let last = |wave: &Wave| (wave.phase, wave.number) == (left_out.phase, left_out.wave);
            let upto = plan.waves.iter().position(last).map_or(0, |at| at + 1);
            for wave in plan.waves.iter().take(upto) {
                for key in wave.applies.iter().chain(&wave.prunes) {
                    recorded.entry((wave.phase, key.clone())).or_insert(Recorded::Done);
                }
            }
        }
        recorded
    }

    /// Leaves results out of the record of waves that are over, where there are too many. Those stay that a next wave waits for: of what
    /// was pruned and is there still.
    fn leave_out(&mut self, plan: &Plan) {
        if !self.state.sync_result.as_ref().is_some_and(|result| fit::overfull(&result.resources)) {
            return;
        }
        let recorded = self.recorded(Some(plan));
        let over = |wave: &&Wave| {
            let steps = wave.applies.iter().chain(&wave.prunes).chain(&wave.hooks);
            steps.into_iter().all(|key| recorded.contains_key(&(wave.phase, key.clone())))
        };
        let over: Vec<&Wave> = plan.waves.iter().take_while(over).collect();
        let Some(last) = over.last() else { return };
        let done: BTreeSet<(Phase, &ResourceKey)> = over
            .iter()
            .flat_map(|wave| wave.applies.iter().chain(&wave.prunes).map(|key| (wave.phase, key)))
            .collect();
        let before = waves::left_out(&self.state).map_or(0, |left_out| left_out.count);
        let cluster = self.judge.cluster();
        let Some(result) = &mut self.state.sync_result else { return };
        let gone = fit::results(&mut result.resources, |result| {
            let (phase, key) = (hooks::phase_of(result).unwrap_or(Phase::Sync), hooks::key_of(result));
            let leaves = || {
                result.status == Some(ResultCode::Pruned)
                    && cluster.get(&key).is_some_and(|live| live.deleting())
            };
            went_well(result) && done.contains(&(phase, &key)) && !leaves()
        });
        if gone > 0 {
            let left_out = LeftOut { phase: last.phase, wave: last.number, count: before + gone };
            waves::note_left_out(&mut self.state, left_out);
        }
    }

    /// An object that was applied and came to no good: what its result says from now on. One that was left out comes back: the operation
    /// goes by what is on record.
    fn note_broken(&mut self, key: &ResourceKey, what: String) {
        let is_its = |r: &ResourceResult| r.hook_type.is_none() && hooks::key_of(r) == *key;
        if !self.results().any(is_its) {
            self.put_result(key.clone(), ResultCode::Synced, String::new(), Phase::Sync);
            if let Some(left_out) = waves::left_out(&self.state) {
                let count = left_out.count.saturating_sub(1);
                waves::note_left_out(&mut self.state, LeftOut { count, ..left_out });
            }
        }
        let mut results = self.state.sync_result.iter_mut().flat_map(|result| &mut result.resources);
        if let Some(result) = results.find(|r| is_its(r)) {
            result.hook_phase = Some(OperationPhase::Failed);
            result.message = what;
        }
    }

    fn results(&self) -> impl Iterator<Item = &ResourceResult> {
        self.state.sync_result.iter().flat_map(|result| &result.resources)
    }

    /// What was applied, is waited for, and is not there any more: nothing but another attempt brings it back. (The peer waits on.)
    async fn gone(&self, waited_for: &[(ResourceKey, String)]) -> Option<ResourceKey> {
        if self.state.operation.sync.as_ref().is_some_and(|sync| sync.dry_run) {
            return None;
        }
        let cluster = self.judge.cluster();
        for (key, _) in waited_for {
            let unseen = cluster.get(key).is_none() && cluster.knowledge(&key.group_kind()).is_complete();
            // The watch may be late.
            if unseen && matches!(cluster.fetch(key).await, Ok(None)) {
                return Some(key.clone());
            }
        }
        None
    }

    /// Looks whether everything can be made before anything is. The answer is why not; each object has its own result then.
    async fn preflight(&mut self, app: &Application, plan: &Plan, comparison: &Comparison) -> Option<String> {
        let sync = self.state.operation.sync.clone().unwrap_or_default();
        let steps = |wave: &Wave| wave.applies.len() + wave.hooks.len() + wave.prunes.len();
        // A single step says by itself what is wrong, and a dry run is its own.
        if sync.dry_run || plan.waves.iter().map(steps).sum::<usize>() < 2 {
            return None;
        }
        let differs: BTreeSet<&ResourceKey> = comparison
            .resources
            .iter()
            .filter(|r| r.sync != SyncStatusCode::Synced)
            .map(|r| &r.key)
            .collect();
        let runs = hooks::runs(&self.state, &self.wanted);
        let run = hooks::run_of(&self.state);
        let shared = self.judge.shared;
        let leading = || shared.is_leading();
        let making = self.making(&leading, sync.dry_run);
        let mut all = Vec::new();
        for wave in &plan.waves {
            let objects = wave.applies.iter().filter(|key| differs.contains(key)).filter_map(|key| {
                let object = self.wanted.objects.get(key)?.body.object()?;
                Some(Made { known_by: (key.clone(), wave.phase, None), object, created: false })
            });
            all.extend(objects);
            let hooks = wave.hooks.iter().filter_map(|key| {
                let hook = *runs.get(&(wave.phase, key.clone()))?;
                let object = hooks::dressed(making, hook, key, &run.id(wave.phase)).ok()?;
                let version = Some(hook.version.clone());
                Some(Made { known_by: (key.clone(), wave.phase, version), object, created: true })
            });
            all.extend(hooks);
        }
        let preflight = Preflight {
            cluster: self.judge.writer(),
            app,
            rules: &self.judge.rules,
            options: self.own_options(),
            defines: all.iter().filter_map(|made| preflight::defined_by(&made.object)).collect(),
        };
        let refused = preflight.refused(all).await;
        let mut named = Vec::new();
        for ((key, phase, hook), reason) in refused {
            named.push((key.clone(), reason.clone()));
            match hook {
                Some(version) => self.put_hook_result(key, &version, StepResult::failed(reason), phase),
                None => self.put_result(key, ResultCode::SyncFailed, reason, phase),
            }
        }
        preflight::told(&named)
    }

    fn making<'b>(&'b self, leading: &'b (dyn Fn() -> bool + Sync), dry_run: bool) -> Making<'b> {
        Making {
            shared: self.judge.shared,
            cluster: self.judge.writer(),
            tracking: &self.judge.view.settings.settings.tracking,
            instance: &self.judge.view.instance,
            dry_run,
            leading,
        }
    }

    /// Runs a wave. The answer is the hook that an earlier operation left and that has to be gone before it can go on.
    async fn run_wave(
        &mut self,
        app: &Application,
        plan: &Plan,
        wave: &Wave,
        first: bool,
        messages: &mut Vec<String>,
    ) -> Option<ResourceKey> {
        let shared = self.judge.shared;
        let applied = plan.waves.iter().flat_map(|wave| &wave.applies).filter(|key| preflight::defines(key));
        let definitions: Vec<GroupKind> = applied
            .filter_map(|key| preflight::defined_by(&self.wanted.objects.get(key)?.body.object()?))
            .collect();
        let defines = |kind: &GroupKind| definitions.contains(kind);
        let claimed = |key: &ResourceKey| self.judge.claimed_elsewhere(key);
        let leading = || shared.is_leading();
        let sync = self.state.operation.sync.clone().unwrap_or_default();
        let steps = &Steps {
            cluster: self.judge.writer(),
            app,
            instance: self.judge.instance(),
            rules: &self.judge.rules,
            force: sync.sync_strategy.as_ref().is_some_and(api::SyncStrategy::is_forced),
            dry_run: sync.dry_run,
            options: self.own_options(),
            defines: &defines,
            leading: &leading,
            claimed_elsewhere: &claimed,
        };
        if first && let Some(namespace) = &plan.create_namespace {
            match make_namespace(self.judge.writer(), app, sync.dry_run, namespace).await {
                Ok(None) => {}
                Ok(Some(message)) | Err(message) => messages.push(message),
            }
        }
        let mut results = Vec::new();
        let objects = &self.wanted.objects;
        for group in wave.applies.chunk_by(|a, b| a.kind == b.kind && a.group == b.group) {
            // One that is slow holds up no other of its kind.
            let (mut left, mut running) = (group.iter().enumerate(), FuturesUnordered::new());
            let mut done = Vec::with_capacity(group.len());
            loop {
                while running.len() < PARALLEL_APPLIES
                    && let Some((place, key)) = left.next()
                {
                    running.push(async move {
                        let object = objects.get(key).and_then(|wanted| wanted.body.object());
                        let result = match object {
                            Some(object) => steps.apply(&object).await,
                            None => StepResult::failed("git no longer has it"),
                        };
                        (place, (key.clone(), result))
                    });
                }
                let Some(result) = running.next().await else { break };
                done.push(result);
            }
            done.sort_by_key(|(place, _)| *place);
            results.extend(done.into_iter().map(|(_, result)| result));
        }
        // No hook starts beside what was refused, and nothing goes while what should replace it was.
        let refused = |results: &[(ResourceKey, StepResult)]| {
            results.iter().any(|(_, result)| result.status == ResultCode::SyncFailed)
        };
        let mut leftover = None;
        let mut started = Vec::new();
        if !refused(&results) {
            let runs = hooks::runs(&self.state, &self.wanted);
            let run = hooks::run_of(&self.state).id(wave.phase);
            let making = self.making(&leading, sync.dry_run);
            for batch in wave.hooks.chunks(PARALLEL_APPLIES) {
                let work = batch.iter().filter_map(|key| {
                    let wanted = *runs.get(&(wave.phase, key.clone()))?;
                    let run = &run;
                    Some(async move { (key, wanted, hooks::start(making, wanted, key, run).await) })
                });
                for (key, wanted, result) in futures::future::join_all(work).await {
                    match result {
                        Started::Over(result) => started.push((key.clone(), wanted.version.clone(), result)),
                        Started::Waiting => leftover = Some(key.clone()),
                    }
                }
            }
        }
        let hooks_refused = started.iter().any(|(.., result)| result.status == ResultCode::SyncFailed);
        if !refused(&results) && !hooks_refused && leftover.is_none() {
            let tracking = &self.judge.view.settings.settings.tracking;
            let owner_of = |object: &Object| tracking.owner_of(object).map(|owner| owner.as_str().to_owned());
            for key in &wave.prunes {
                let result = match self.judge.cluster().get(key) {
                    Some(live) => steps.prune(&live, &owner_of).await,
                    None => StepResult { status: ResultCode::Pruned, message: "was gone already".to_owned() },
                };
                results.push((key.clone(), result));
            }
        }
        for (key, result) in results {
            self.put_result(key, result.status, result.message, wave.phase);
        }
        for (key, version, result) in started {
            self.put_hook_result(key, &version, result, wave.phase);
        }
        leftover
    }

    fn put_result(&mut self, key: ResourceKey, status: ResultCode, message: String, phase: Phase) {
        let version = self.wanted.objects.get(&key).map(|wanted| wanted.version.to_string());
        let version =
            version.or_else(|| self.judge.cluster().get(&key).map(|live| live.gvk().version.clone()));
        let state = match &status {
            ResultCode::SyncFailed => OperationPhase::Failed,
            ResultCode::Synced => OperationPhase::Running,
            _ => OperationPhase::Succeeded,
        };
        let result = ResourceResult {
            version: version.unwrap_or_default(),
            hook_phase: Some(state),
            ..result_of(key, StepResult { status, message }, phase)
        };
        self.state.sync_result.get_or_insert_default().resources.push(result);
    }

    fn put_hook_result(&mut self, key: ResourceKey, version: &str, result: StepResult, phase: Phase) {
        let dry_run = self.state.operation.sync.as_ref().is_some_and(|sync| sync.dry_run);
        let state = match (&result.status, dry_run) {
            (ResultCode::SyncFailed, _) => OperationPhase::Failed,
            (_, true) => OperationPhase::Succeeded,
            (_, false) => OperationPhase::Running,
        };
        let result = ResourceResult {
            version: version.to_owned(),
            hook_type: Some(HookType::from(phase.as_str())),
            hook_phase: Some(state),
            ..result_of(key, result, phase)
        };
        self.state.sync_result.get_or_insert_default().resources.push(result);
    }

    /// Puts on record what stayed although git does not name it.
    fn note_kept(&mut self, plan: &Plan) {
        let recorded = self.recorded(Some(plan));
        let noted = |key: &ResourceKey| recorded.contains_key(&(Phase::Sync, key.clone()));
        for (key, why) in plan.kept.iter().filter(|(key, _)| !noted(key)) {
            self.put_result(key.clone(), ResultCode::PruneSkipped, why.message(), Phase::Sync);
        }
    }

    fn finish(mut self, outcome: &Outcome, messages: &[String]) -> Progress {
        let now = self.judge.shared.now();
        let mut left_out = waves::left_out(&self.state).map_or(0, |left_out| left_out.count);
        waves::forget(&mut self.state.operation);
        if let Some(result) = &mut self.state.sync_result {
            left_out += fit::results(&mut result.resources, |_| true);
        }
        let sync = self.state.operation.sync.clone().unwrap_or_default();
        let (mut history, mut again) = (None, None);
        match outcome {
            Outcome::Succeeded(message) => {
                self.state.phase = OperationPhase::Succeeded;
                self.state.message.clone_from(message);
                self.state.finished_at = Some(now.clone());
                // There is no way back to what came from somebody's machine.
                let local = manifests::is_local(&self.state.operation);
                manifests::forget(&mut self.state.operation);
                if !sync.dry_run && sync.resources.is_empty() && !local {
                    history = Some(self.history_entry(&now));
                }
                for result in self.state.sync_result.iter_mut().flat_map(|result| &mut result.resources) {
                    if result.hook_phase == Some(OperationPhase::Running) {
                        result.hook_phase = Some(OperationPhase::Succeeded);
                    }
                }
            }
            Outcome::Failed(message) => {
                let ends = OperationPhase::Failed;
                let failure = Failure { message: message.clone(), ends, retried: true };
                again = fail(&mut self.state, failure, &now);
            }
        }
        let left_out = (left_out > 0).then(|| format!("{left_out} results are not listed: they do not fit"));
        for message in messages.iter().chain(&left_out) {
            self.state.message.push_str("; ");
            self.state.message.push_str(message);
        }
        Progress { state: self.state, history, again, waits: None }
    }

    fn history_entry(&self, now: &str) -> RevisionHistory {
        let result = self.state.sync_result.clone().unwrap_or_default();
        RevisionHistory {
            revision: result.revision,
            revisions: result.revisions,
            source: result.source,
            sources: result.sources,
            deployed_at: now.to_owned(),
            deploy_started_at: Some(self.state.started_at.clone()),
            initiated_by: self.state.operation.initiated_by.clone(),
            ..RevisionHistory::default()
        }
    }
}

/// Options of the application.
pub(crate) fn general_options(app: &Application) -> SyncOptions {
    let options = app.spec.sync_policy.as_ref().map(|policy| policy.sync_options.as_slice());
    SyncOptions::parse(options.unwrap_or_default().iter().map(String::as_str)).0
}

/// The destination's namespace, where it is to be made and git does not have it.
pub(crate) fn namespace_to_create(
    app: &Application,
    wanted: &WantedSet,
    options: &SyncOptions,
) -> Option<String> {
    let namespace = &app.spec.destination.namespace;
    let key = ResourceKey::new("", "Namespace", "", namespace.as_str());
    let asked = options.create_namespace == Some(true) && !namespace.is_empty();
    (asked && !wanted.objects.contains_key(&key)).then(|| namespace.clone())
}

fn result_of(key: ResourceKey, result: StepResult, phase: Phase) -> ResourceResult {
    ResourceResult {
        group: key.group,
        kind: key.kind,
        namespace: key.namespace,
        name: key.name,
        status: Some(result.status),
        message: result.message,
        sync_phase: Some(SyncPhase::from(phase.as_str())),
        ..ResourceResult::default()
    }
}

/// The keys that a selective sync names; an entry without a namespace means any.
fn chosen(resources: &[SyncOperationResource], comparison: &Comparison) -> Option<BTreeSet<ResourceKey>> {
    if resources.is_empty() {
        return None;
    }
    let mut namespaces: BTreeMap<(&str, &str, &str), BTreeSet<&str>> = BTreeMap::new();
    for r in resources {
        namespaces.entry((&r.group, &r.kind, &r.name)).or_default().insert(&r.namespace);
    }
    let is_named = |key: &&ResourceKey| {
        let among = namespaces.get(&(&*key.group, &*key.kind, &*key.name));
        among.is_some_and(|among| among.contains("") || among.contains(key.namespace.as_str()))
    };
    Some(comparison.resources.iter().map(|r| &r.key).filter(is_named).cloned().collect())
}

/// Whether a result says that its step came to what it was for.
fn went_well(result: &ResourceResult) -> bool {
    !matches!(result.status, None | Some(ResultCode::SyncFailed))
        && result.hook_phase != Some(OperationPhase::Failed)
}

fn readiness(comparison: &Comparison, key: &ResourceKey) -> Readiness {
    let place = comparison.resources.binary_search_by(|r| r.key.cmp(key));
    let Some(resource) = place.ok().and_then(|place| comparison.resources.get(place)) else {
        return Readiness::Waiting("not seen yet".to_owned());
    };
    match &resource.health {
        None => Readiness::Ready,
        Some(health) => match health.status {
            health::Status::Healthy => Readiness::Ready,
            health::Status::Degraded => Readiness::Broken(health.message.clone()),
            other => {
                Readiness::Waiting(format!("{} {}", other.as_str(), health.message).trim_end().to_owned())
            }
        },
    }
}

fn unapproved(plan: &Plan) -> impl Iterator<Item = &ResourceKey> {
    plan.kept.iter().filter(|(_, why)| **why == Kept::NeedsConfirmation).map(|(key, _)| key)
}

fn consent(plan: &Plan) -> WaitsFor {
    match unapproved(plan).next() {
        Some(first) => WaitsFor::Confirmation {
            resource: Resource::from(first),
            annotation: api::names::annotation::DELETION_APPROVED.to_owned(),
            more: unapproved(plan).count() - 1,
        },
        None => WaitsFor::Unknown,
    }
}

/// Whole seconds, or what is exact.
fn seconds(time: Duration) -> String {
    if time.subsec_nanos() == 0 { format!("{} s", time.as_secs()) } else { format!("{time:?}") }
}

/// The first of what a wave waits for.
fn waits_for(objects: &[(ResourceKey, String)], hooks: &[ResourceKey]) -> WaitsFor {
    match (objects.first(), hooks.first()) {
        (Some((key, reason)), _) => WaitsFor::Health {
            resource: Resource::from(key),
            message: reason.clone(),
            more: objects.len() - 1,
        },
        (None, Some(key)) => WaitsFor::Hook { resource: Resource::from(key), more: hooks.len() - 1 },
        (None, None) => WaitsFor::Unknown,
    }
}
