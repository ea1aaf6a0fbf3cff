//! What the controller would see and do, for people: the functions of a pass without its effects.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api::{Application, ApplicationStatus, ConditionType, ResourceStatus, SyncStatusCode};
use compare::Rules;
use filetree::Store;
use futures::StreamExt as _;
use jiff::Timestamp;
use resource::{Object, ResourceKey};
use tokio::time::Instant;
use why::{Reason, Why};

use crate::assess::dry_run;
use crate::comparison::Comparison;
use crate::conditions::Findings;
use crate::controller::Controller;
use crate::deciding::automatic;
use crate::destination::Destination;
use crate::explain::{self, Found, Limits, explain};
use crate::judge::Judge;
use crate::obtain::{Ask, View, check_destination, check_spec, from_directory, from_store, obtain};
use crate::orphans::orphans;
use crate::repositories::Freshness;
use crate::shared::{ProjectEntry, Shared, TargetMemory};
use crate::status::{listed, why_of};
use crate::wanted::{WantedSet, kinds};
use crate::writer::writer;

/// How long kinds may take to be listed.
const LOADING: Duration = Duration::from_secs(60);

/// How long the kinds may take that the application has no objects of itself.
pub(crate) const LOADING_OTHERS: Duration = Duration::from_secs(15);

/// Dry runs at the same time.
const DRY_RUNS: usize = 8;

/// Which state of the sources is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct What {
    /// A revision instead of the target revision.
    pub revision: Option<String>,
    /// A directory on this machine instead of the repository: the root of its checkout.
    pub local: Option<PathBuf>,
    /// These files instead of the repository's.
    pub files: Option<Files>,
    /// Whether the cluster is looked at. Without it `live` is empty and nothing is compared.
    pub desired_only: bool,
    /// Whether it is found out why it is not as git wants it.
    pub why: bool,
    /// Whether the server is asked what objects that differ would be after a sync.
    pub predicted: bool,
}

/// Files that somebody sent. Two are the same if they are one.
#[derive(Clone)]
pub struct Files(pub Arc<dyn Store>);

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Files")
    }
}

impl PartialEq for Files {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Files {}

/// What was found.
#[derive(Debug)]
pub struct Evaluation {
    /// What git wants, with file and line, in the order of their keys; hooks behind them.
    pub desired: Vec<(Object, String)>,
    /// What the cluster has of it, and what else carries the application's tracking.
    pub live: BTreeMap<ResourceKey, Object>,
    /// What objects that differ would be after a sync, if that was asked; what the server refuses is missing.
    pub predicted: BTreeMap<ResourceKey, Object>,
    /// The verdict.
    pub comparison: Option<Comparison>,
    /// The rules that it was reached by.
    pub rules: Arc<Rules>,
    /// What is wrong or strange.
    pub findings: Vec<(ConditionType, String)>,
    /// Commits that were looked at.
    pub revisions: Vec<String>,
    /// Why it is not as git wants it, if that was asked.
    pub why: Option<Why>,
}

impl Evaluation {
    /// Every object as a status lists it, also where the status has no room for all ([`is_cut`](crate::is_cut)). `status` tells since
    /// when each has its health.
    pub fn resources(&self, status: &ApplicationStatus, now: Timestamp) -> Option<Vec<ResourceStatus>> {
        let comparison = self.comparison.as_ref()?;
        Some(listed(comparison, &status.resources, &api::format_time(now)))
    }
}

/// Why there is nothing to show: everything that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .findings.iter().map(|(kind, message)| format!("{kind}: {message}")).collect::<Vec<_>>().join("\n"))]
pub struct Unrendered {
    /// As conditions.
    pub findings: Vec<(ConditionType, String)>,
}

impl Unrendered {
    /// The same as reasons, beside what the Application's status says of an operation under way.
    pub fn why(&self, app: &Application) -> Why {
        Why::new(explain::error_reasons(self.findings.iter()).chain(under_way(app)).collect())
    }
}

/// The cluster of an application, which is connected to where it is not yet.
pub(crate) async fn destination(
    shared: &Shared,
    app: &Application,
    project: &ProjectEntry,
    settings: &settings::Snapshot,
) -> Result<Arc<Destination>, Findings> {
    let located = check_destination(app, project, settings)?;
    let found = located.find_within(shared, LOADING).await;
    found.map_err(|error| Findings::one(ConditionType::ComparisonError, error.to_string()))
}

impl Controller {
    /// Whether an Application may be as it is, as far as that can be told without asking git or the cluster that it goes to: its own fields,
    /// its project, its destination.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub async fn check(&self, app: &Application) -> Result<(), Unrendered> {
        let shared = self.shared();
        let project = self.read_project(app.spec.project_name()).await?;
        let mut invalid = check_spec(shared, app, &project);
        if let Err(more) = check_destination(app, &project, &shared.settings.current()) {
            invalid.extend(more);
        }
        if invalid.has_errors() { Err(Unrendered { findings: invalid.into_list() }) } else { Ok(()) }
    }

    /// Evaluates an Application by the functions that the controller itself uses (there is no second implementation).
    /// Writes nothing; dry-run applies may be sent. Needs no lease and no [`run`](Self::run).
    pub async fn evaluate(&self, app: &Application, what: &What) -> Result<Evaluation, Unrendered> {
        let shared = self.shared();
        let name = shared.name_of(&app.metadata.namespace, &app.metadata.name);
        let project = self.read_project(app.spec.project_name()).await?;
        let settings = shared.settings.current();
        let mut invalid = check_spec(shared, app, &project);
        let to = match destination(shared, app, &project, &settings).await {
            Ok(to) if !invalid.has_errors() => to,
            refused => {
                invalid.extend(refused.err().unwrap_or_default());
                return Err(Unrendered { findings: invalid.into_list() });
            }
        };
        let view = View::new(shared, &name, project, settings, to);
        let mut memory = TargetMemory::default();
        let pinned = vec![what.revision.clone().unwrap_or_default()];
        let ask = Ask {
            sources: app.spec.sources(),
            pinned: &pinned,
            freshness: Freshness::Since(Instant::now()),
            afresh: false,
        };
        let obtained = match (&what.files, &what.local) {
            (Some(Files(store)), _) => from_store(shared, &view, app, &mut memory, Arc::clone(store)).await,
            (None, Some(directory)) => from_directory(shared, &view, app, &mut memory, directory).await,
            (None, None) => obtain(shared, &view, app, &mut memory, &ask).await,
        };
        let (wanted, mut findings) =
            obtained.map_err(|findings| Unrendered { findings: findings.into_list() })?;
        findings.extend(wanted.refused.clone());
        let bodies = wanted.objects.values().map(|wanted| &wanted.body);
        let desired: Vec<(Object, String)> = bodies
            .chain(wanted.hooks.iter().map(|hook| &hook.body))
            .filter_map(|body| Some((body.object()?, body.origin.clone().into_string())))
            .collect();
        let (rules, problems) = crate::rules::compile(app, &view.settings.settings);
        for problem in problems {
            findings.add(ConditionType::ComparisonError, problem.to_string());
        }
        let rules = Arc::new(rules);
        let (mut live, mut predicted, mut comparison, mut why) =
            (BTreeMap::new(), BTreeMap::new(), None, None);
        if !what.desired_only {
            let mut kinds = kinds(app.status.resources.iter().map(|r| (&*r.group, &*r.kind)));
            kinds.append(&mut wanted.kinds());
            view.to.cluster.need_full(&kinds);
            view.to.cluster.wait_complete(&kinds, LOADING).await;
            let writer = writer(app, &view.project, &view.settings, &view.to);
            let updates = shared.updates.of(&view.settings).rules;
            let judge =
                Judge { shared, view: &view, rules: Arc::clone(&rules), rules_id: 0, updates, writer };
            let (found, seen) = judge.assess(app, &wanted, &mut memory.assessed).await;
            findings.extend(seen);
            if what.why {
                why = Some(explained(&judge, app, &wanted, &memory, &found, &mut findings).await);
            }
            for state in found.resources.iter().filter(|state| state.live) {
                let held = view.to.cluster.get(&state.key).and_then(|live| live.object());
                let object = match held {
                    Some(object) => Some(object),
                    None => view.to.cluster.fetch(&state.key).await.ok().flatten(),
                };
                if let Some(object) = object {
                    live.insert(state.key.clone(), object);
                }
            }
            if what.predicted {
                predicted = predict(&judge, &wanted, &found, &live).await;
            }
            comparison = Some(found);
        }
        let revisions = wanted.revisions.clone();
        Ok(Evaluation {
            desired,
            live,
            predicted,
            comparison,
            rules,
            findings: findings.into_list(),
            revisions,
            why,
        })
    }

    /// The objects that no application has where this one goes to, with what they made, whether its project asks for them or not at all:
    /// then there are none. `exists` tells the applications that there are, as objects name them. Reads the whole cluster.
    pub async fn orphans(
        &self,
        app: &Application,
        exists: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Vec<ResourceKey>, Unrendered> {
        let shared = self.shared();
        let name = shared.name_of(&app.metadata.namespace, &app.metadata.name);
        let project = self.read_project(app.spec.project_name()).await?;
        let settings = shared.settings.current();
        let to = destination(shared, app, &project, &settings)
            .await
            .map_err(|findings| Unrendered { findings: findings.into_list() })?;
        let view = View::new(shared, &name, project, settings, to);
        let managed: Vec<ResourceKey> = app.status.resources.iter().map(ResourceStatus::key).collect();
        let managed = managed.iter().collect();
        let mut changes = view.to.cluster.changes();
        let deadline = Instant::now() + LOADING;
        loop {
            if let Some(found) = orphans(&view, &app.spec.destination.namespace, &managed, exists) {
                return Ok(found);
            }
            if tokio::time::timeout_at(deadline, changes.next()).await.is_err() {
                let message = "the cluster's objects could not be listed in time".to_owned();
                return Err(Unrendered { findings: vec![(ConditionType::ComparisonError, message)] });
            }
        }
    }

    /// A project with what the global projects that are for it add.
    pub(crate) async fn read_project(&self, name: &str) -> Result<Arc<ProjectEntry>, Unrendered> {
        let refused =
            |message: String| Unrendered { findings: vec![(ConditionType::InvalidSpecError, message)] };
        let own = self.fetch_project(name).await.map_err(refused)?;
        let own = own
            .ok_or_else(|| refused(format!("Application referencing project {name} which does not exist")))?;
        let settings = self.shared().settings.current();
        let mut globals = Vec::new();
        for global in api::project::globals_of(&own, &settings.settings) {
            globals.extend(self.fetch_project(global).await.map_err(refused)?);
        }
        let of = |name: &str| globals.iter().find(|global| global.metadata.name == name);
        Ok(Arc::new(ProjectEntry::new(&api::project::completed(&own, &settings.settings, of))))
    }

    async fn fetch_project(&self, name: &str) -> Result<Option<api::AppProject>, String> {
        let shared = self.shared();
        let key =
            ResourceKey::new(api::names::GROUP, api::names::APP_PROJECT, &*shared.options.namespace, name);
        let found = shared.home.cluster.fetch(&key).await.map_err(|error| error.to_string())?;
        let read = found.map(|object| api::AppProject::from_value(object.into_value())).transpose();
        read.map_err(|error| format!("project {name} cannot be read: {error}"))
    }
}

/// What objects that differ would be after a sync, by dry runs.
async fn predict(
    judge: &Judge<'_>,
    wanted: &WantedSet,
    found: &Comparison,
    live: &BTreeMap<ResourceKey, Object>,
) -> BTreeMap<ResourceKey, Object> {
    let Ok(writer) = &judge.writer else { return BTreeMap::new() };
    let differing = found.resources.iter().filter(|state| state.sync == SyncStatusCode::OutOfSync);
    let desired = |key: &ResourceKey| wanted.objects.get(key)?.body.object();
    let pairs: Vec<(ResourceKey, Object)> =
        differing.filter_map(|state| Some((state.key.clone(), desired(&state.key)?))).collect();
    let ask = |(key, desired): (ResourceKey, Object)| async move {
        let live = live.get(&key)?;
        let predicted = dry_run(writer, &desired, Some(live), &judge.rules).await.ok()?;
        Some((key, predicted))
    };
    let asked = futures::stream::iter(pairs).map(ask).buffer_unordered(DRY_RUNS);
    asked.filter_map(std::future::ready).collect().await
}

/// Why an application is not as git wants it, as somebody asks who is not the controller: what an operation waits for is known from
/// the status.
async fn explained(
    judge: &Judge<'_>,
    app: &Application,
    wanted: &WantedSet,
    memory: &TargetMemory,
    comparison: &Comparison,
    findings: &mut Findings,
) -> Why {
    // Below what the application has may be anything.
    let cluster = judge.cluster();
    let kinds = cluster.discovery().kinds().map(|(kind, _)| kind.clone()).collect();
    cluster.wait_complete(&kinds, LOADING_OTHERS).await;
    let before = why_of(&app.status);
    let under_way = under_way(app);
    let waits = match &under_way {
        Some(Reason::Waits { waits_for, .. }) => Some(waits_for.clone()),
        _ => None,
    };
    let rests = match under_way {
        None => automatic(judge, app, wanted, comparison, findings).1,
        Some(_) => None,
    };
    let found = Found {
        judge,
        app,
        wanted: Some((wanted, memory.rendered.as_slice())),
        comparison: Some(comparison),
        findings,
        state: app.status.operation_state.as_ref(),
        waits: waits.as_ref(),
        rests: rests.as_ref(),
        before: &before,
        limits: Limits::WHOLE,
    };
    let (mut why, _) = explain(found, &mut explain::Memory::default()).await;
    let waits = why.reasons.iter().any(|reason| matches!(reason, Reason::Waits { .. }));
    why.reasons.splice(0..0, under_way.filter(|_| !waits));
    why
}

/// What an Application says of its operation: what it waits for and since when, or how far it is.
fn under_way(app: &Application) -> Option<Reason> {
    let state = app.status.running();
    match (state, &app.operation) {
        (Some(state), _) => {
            let told = why_of(&app.status).reasons;
            let waits = told.into_iter().find(|reason| matches!(reason, Reason::Waits { .. }));
            let (message, since) = (state.message.clone(), state.started_at.clone());
            Some(waits.unwrap_or(Reason::Runs { message, since }))
        }
        (None, Some(_)) => {
            let message = "it was asked for, and the controller has not begun it yet".to_owned();
            Some(Reason::Runs { message, since: String::new() })
        }
        (None, None) => None,
    }
}
