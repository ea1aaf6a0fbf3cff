//! What all passes share, and what is remembered of each application between its passes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};
use std::time::Duration;

use api::names::annotation::DEPENDS_ON;
use api::project::Project;
use api::settings::Namespaces;
use api::tracking::AppInstanceName;
use api::{ApiError, AppProject, Application, OperationState};
use charts::{Charts, Proxies};
use compare::{RuleProblem, Rules};
use jiff::Timestamp;
use resource::{GroupKind, ResourceKey};
use serde_json::Value;
use settings::SettingsHandle;
use source::Sources;
use sync::Plan;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::assess;
use crate::clusters::{Clusters, server_named};
use crate::destination::Destination;
use crate::explain;
use crate::metrics::Metrics;
use crate::obtain::MadeFrom;
use crate::quarantine::Journal;
use crate::queue::Queue;
use crate::repositories::{Elsewhere, Repositories, RepositoryKey};
use crate::sights::{Seen, Sights};
use crate::wanted::{RenderedSource, WantedSet};

/// Text of templates that is kept parsed, in bytes; parsed it takes about ten times as much.
const TEMPLATE_BYTES: usize = 4 << 20;

/// An application as objects name it: its name, with its namespace before it where that is not the controller's.
pub(crate) type AppName = Arc<str>;

/// How the controller runs.
#[derive(Clone)]
pub struct Options {
    /// Namespace of the Applications, projects and settings.
    pub namespace: String,
    /// Who this is, for the lease: unique among the controllers that share it.
    pub identity: String,
    /// Other namespaces of Applications, as patterns, where the settings say nothing.
    pub application_namespaces: Vec<String>,
    /// Applications that are worked on at the same time.
    pub workers: usize,
    /// Renders at the same time.
    pub renders: usize,
    /// Programs that cluster Secrets may name to get credentials from (`execProviderConfig.command`).
    pub credential_programs: Vec<String>,
    /// What the environment says of AWS, for clusters of EKS.
    pub aws: aws::Environment,
    /// Ways out for repositories whose Secret names no proxy.
    pub proxies: Proxies,
    /// The pause between waves of a sync, where the settings say nothing; 2 s where this does not either.
    pub wave_delay: Option<Duration>,
    /// Whether signatures are verified where a project asks for them.
    pub signatures: bool,
    /// Where the sockets of config management plugins are.
    pub plugin_sockets: PathBuf,
    /// The time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Options {
    /// The figures of one small installation: twenty passes at the same time, as in the peer, and a render a core.
    pub fn new(namespace: impl Into<String>, identity: impl Into<String>) -> Self {
        let renders = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            namespace: namespace.into(),
            identity: identity.into(),
            application_namespaces: Vec::new(),
            workers: 20,
            renders,
            credential_programs: Vec::new(),
            aws: aws::Environment::default(),
            proxies: Proxies::default(),
            wave_delay: None,
            signatures: true,
            plugin_sockets: PathBuf::from(plugins::DEFAULT_DIRECTORY),
            clock: Arc::new(Timestamp::now),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// An Application as last seen.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) app: Result<Arc<Application>, ApiError>,
    /// A hash of what a pass depends on: everything but the status and the server's bookkeeping. Our own status
    /// writes do not change it (an Application has no status subresource, so its generation counts them too).
    pub(crate) trigger: u64,
    /// A hash of the spec: what it wants changes only with this or with its repositories.
    pub(crate) spec: u64,
    uid: String,
    /// `resourceVersion`, which grows from write to write.
    version: u64,
}

impl Entry {
    pub(crate) fn new(value: Value) -> Self {
        let trigger = trigger(&value);
        let spec = crate::wanted::hash_of(value.get("spec").map(Value::to_string));
        let (uid, version) = identity(&value);
        let uid = uid.to_owned();
        Self { app: Application::from_value(value).map(Arc::new), trigger, spec, uid, version }
    }

    /// Whether it waits for other applications.
    fn depends(&self) -> bool {
        self.app.as_ref().is_ok_and(|app| app.metadata.annotation(DEPENDS_ON).is_some())
    }

    /// What applications that depend on it look at.
    fn standing(&self) -> Option<(&api::SyncStatusCode, Option<&api::HealthStatusCode>, bool)> {
        let app = self.app.as_ref().ok()?;
        let running = app.status.running().is_some();
        Some((&app.status.sync.status, app.status.health.status.as_ref(), running))
    }

    /// The spec that the next pass looks at; `None` where no pass looks at it.
    fn expected(&self) -> Option<u64> {
        let app = self.app.as_ref().ok()?;
        let skipped = app.metadata.annotation(api::names::annotation::SKIP_RECONCILE) == Some("true");
        (!skipped && !app.metadata.is_deleting()).then_some(self.spec)
    }
}

/// The uid and the resourceVersion; 0 where that is no number.
fn identity(value: &Value) -> (&str, u64) {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    (text("/metadata/uid"), text("/metadata/resourceVersion").parse().unwrap_or_default())
}

/// Whether the server shows an Application in an older version than the one that is known.
pub(crate) fn is_older(shown: &Value, known: &Application) -> bool {
    let (uid, version) = identity(shown);
    let newer = known.metadata.resource_version.parse::<u64>();
    uid == known.metadata.uid && newer.is_ok_and(|newer| version > 0 && version < newer)
}

fn trigger(value: &Value) -> u64 {
    let part = |pointer: &str| value.pointer(pointer).map(Value::to_string).unwrap_or_default();
    crate::wanted::hash_of(
        [
            "/spec",
            "/operation",
            "/metadata/annotations",
            "/metadata/labels",
            "/metadata/finalizers",
            "/metadata/deletionTimestamp",
            "/metadata/uid",
            // A client ends an operation by writing its phase.
            "/status/operationState/phase",
        ]
        .map(part),
    )
}

/// A project, ready to be asked.
pub(crate) struct ProjectEntry {
    pub(crate) limits: Project,
    pub(crate) unimplemented: Vec<String>,
    /// What is wrong with it and stops nobody.
    pub(crate) problems: Vec<String>,
}

impl ProjectEntry {
    pub(crate) fn new(project: &AppProject) -> Self {
        let limits = Project::new(project);
        let orphans = limits.orphans().into_iter().flat_map(api::project::Orphans::problems);
        let keys = limits.integrity().into_iter().flat_map(|integrity| integrity.problems().to_vec());
        let namespaces = limits.source_namespaces().problems();
        let namespaces = namespaces.map(|problem| format!("sourceNamespaces: {problem}"));
        let problems = limits.windows().problems().chain(orphans).chain(namespaces).chain(keys).collect();
        Self { limits, unimplemented: api::project::unimplemented_limits(project), problems }
    }
}

/// What is remembered of an application. All of it can be had again.
#[derive(Default)]
pub(crate) struct AppMemory {
    /// The cluster that all of this is about.
    pub(crate) to: Option<Arc<Destination>>,
    /// What the spec asks for.
    pub(crate) spec: TargetMemory,
    /// What the operation under way works on, should that be something else.
    pub(crate) own: TargetMemory,
    pub(crate) rules: Option<CompiledRules>,
    pub(crate) operation: Option<RunningOperation>,
    /// When everything was last rendered anew, whatever was remembered; the first pass after a start counts.
    pub(crate) afresh: Option<Instant>,
    /// Begin and number of the attempt whose hooks were tidied up.
    pub(crate) tidied: Option<(String, i64)>,
    /// The namespace whose objects of no application are counted.
    pub(crate) observed: Option<String>,
    /// Why it is not as git wants it, as far as that was found out.
    pub(crate) explained: explain::Memory,
    /// Failures of hooks of its deletion.
    pub(crate) deletion_failures: crate::deletion_hooks::Failures,
}

impl AppMemory {
    /// Turns to another cluster, of which nothing is remembered. The answer is the one before.
    pub(crate) fn turn_to(&mut self, to: &Arc<Destination>) -> Option<Arc<Destination>> {
        if self.to.as_ref().is_some_and(|before| Arc::ptr_eq(before, to)) {
            return None;
        }
        let before = std::mem::take(self).to;
        self.to = Some(Arc::clone(to));
        before
    }

    /// Time until everything is to be rendered anew, by the setting's interval; zero once it is due.
    pub(crate) fn until_afresh(&self, interval: Option<Duration>) -> Option<Duration> {
        Some(interval?.saturating_sub(self.afresh?.elapsed()))
    }

    /// Forgets what only an operation needs.
    pub(crate) fn operation_ended(&mut self) {
        (self.operation, self.own) = (None, TargetMemory::default());
    }
}

/// What is remembered of some sources at some commits.
#[derive(Default)]
pub(crate) struct TargetMemory {
    pub(crate) rendered: Vec<Arc<RenderedSource>>,
    /// Whether `rendered` is all that was asked for, got without anything going wrong: nothing is left to look at again
    /// while what it was rendered from stays the same.
    pub(crate) sound: bool,
    /// Whether something could not be had for a render that may be there later, and that nobody asks for meanwhile.
    pub(crate) lacking: bool,
    /// How many times in a row it was so.
    pub(crate) lacked: u32,
    pub(crate) wanted: Option<(MadeFrom, Arc<WantedSet>)>,
    pub(crate) assessed: assess::Memory,
    /// The repositories that it reads, and which of their answers was looked at.
    pub(crate) repositories: BTreeMap<RepositoryKey, u64>,
}

/// The rules for differences, and what they were made from.
pub(crate) struct CompiledRules {
    pub(crate) own: String,
    pub(crate) settings: Arc<settings::Snapshot>,
    pub(crate) id: u64,
    pub(crate) rules: Arc<Rules>,
    pub(crate) problems: Vec<RuleProblem>,
}

/// The operation under way, as planned at its begin.
#[derive(Clone)]
pub(crate) struct RunningOperation {
    pub(crate) started_at: String,
    pub(crate) attempt: i64,
    pub(crate) plan: Arc<Plan>,
}

/// See the module.
pub(crate) struct Shared {
    /// This itself, for tasks that must not keep it.
    pub(crate) me: Weak<Self>,
    pub(crate) client: kube::Client,
    pub(crate) clusters: Clusters,
    /// The cluster that this runs in, which has the Applications.
    pub(crate) home: Arc<Destination>,
    pub(crate) settings: SettingsHandle,
    pub(crate) sources: Arc<Sources>,
    pub(crate) charts: Charts,
    pub(crate) plugins: plugins::Plugins,
    pub(crate) repositories: Repositories,
    pub(crate) options: Options,
    pub(crate) queue: Queue<AppName>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) renders: Arc<Semaphore>,
    /// Which renders go on; not before the controller runs, and not for the command line, which may be ended at will.
    pub(crate) journal: OnceLock<Arc<Journal>>,
    pub(crate) scripts: crate::scripts::Scripts,
    pub(crate) updates: crate::rules::UpdateRules,
    pub(crate) signatures: crate::signed::Signatures,
    /// Templates of charts, parsed.
    pub(crate) templates: Arc<helm::Cache>,
    /// Whoever has it may take `sights`, too; no other lock of these is taken under another one.
    apps: RwLock<Apps>,
    projects: RwLock<Projects>,
    memories: Mutex<HashMap<AppName, Arc<tokio::sync::Mutex<AppMemory>>>>,
    /// All resources of the applications whose status has no room for them, as of the last pass.
    unlisted: Mutex<HashMap<AppName, Arc<Vec<api::ResourceStatus>>>>,
    /// What was shown of objects.
    pub(crate) shown: crate::site::ShownCache,
    /// What was read of nodes.
    pub(crate) hosts: crate::site::HostCache,
    sights: RwLock<Sights>,
    /// Whether the API server drops what only we have in a status: the peer's definition is installed. Nothing is written there then.
    pub(crate) drops_ours: AtomicBool,
    /// Until when the lease is held without another renewal.
    leading: Mutex<Option<Instant>>,
    /// When this installation began, RFC 3339.
    installed_at: Mutex<Option<String>>,
}

#[derive(Default)]
struct Apps {
    known: BTreeMap<AppName, Entry>,
    /// Those among them that depend on others.
    depending: BTreeSet<AppName>,
}

#[derive(Default)]
struct Projects {
    /// Whether all of them were seen once.
    seen: bool,
    known: BTreeMap<String, AppProject>,
    compiled: BTreeMap<String, (Arc<settings::Snapshot>, Arc<ProjectEntry>)>,
}

impl Apps {
    fn remove(&mut self, name: &AppName) -> Option<Entry> {
        self.depending.remove(name);
        self.known.remove(name)
    }

    /// Applications that depend on others.
    fn dependents(&self) -> Vec<(AppName, Arc<Application>)> {
        let app =
            |name: &AppName| Some((Arc::clone(name), Arc::clone(self.known.get(name)?.app.as_ref().ok()?)));
        self.depending.iter().filter_map(app).collect()
    }
}

impl Shared {
    pub(crate) fn new(
        me: Weak<Self>,
        (client, home): (kube::Client, Destination),
        settings: SettingsHandle,
        sources: Arc<Sources>,
        charts: Charts,
        metrics: Arc<Metrics>,
        options: Options,
    ) -> Self {
        Self {
            repositories: Repositories::new(Arc::clone(&sources), charts.clone()),
            plugins: plugins::Plugins::new(&options.plugin_sockets, plugins::Limits::default()),
            renders: Arc::new(Semaphore::new(options.renders.max(1))),
            journal: OnceLock::new(),
            scripts: crate::scripts::Scripts::default(),
            updates: crate::rules::UpdateRules::default(),
            signatures: crate::signed::Signatures::default(),
            templates: Arc::new(helm::Cache::new(TEMPLATE_BYTES)),
            me,
            client,
            clusters: Clusters::default(),
            home: Arc::new(home),
            settings,
            sources,
            charts,
            options,
            queue: Queue::new(),
            metrics,
            apps: RwLock::default(),
            projects: RwLock::default(),
            memories: Mutex::default(),
            unlisted: Mutex::default(),
            shown: crate::site::ShownCache::default(),
            hosts: crate::site::HostCache::default(),
            sights: RwLock::default(),
            drops_ours: AtomicBool::new(false),
            leading: Mutex::new(None),
            installed_at: Mutex::default(),
        }
    }

    /// Watches all clusters by what the settings say now.
    pub(crate) fn heed_settings(&self) {
        self.home.heed(&self.settings);
        self.clusters.connected().iter().for_each(|at| at.heed(&self.settings));
    }

    /// The time as statuses have it: RFC 3339, whole seconds, UTC.
    pub(crate) fn now(&self) -> String {
        api::format_time((self.options.clock)())
    }

    pub(crate) fn instance(&self, name: &AppName) -> AppInstanceName {
        AppInstanceName::from_text(&**name)
    }

    /// The name of an Application, by its namespace and its own name.
    pub(crate) fn name_of(&self, namespace: &str, name: &str) -> AppName {
        AppName::from(AppInstanceName::new(name, namespace, &self.options.namespace).as_str())
    }

    /// `namespace/name` of an application.
    pub(crate) fn qualified(&self, name: &AppName) -> String {
        let instance = self.instance(name);
        let (namespace, name) = instance.split(&self.options.namespace);
        format!("{namespace}/{name}")
    }

    /// Namespaces beside the controller's own whose Applications are looked after.
    pub(crate) fn app_namespaces(&self) -> Namespaces {
        let set = self.settings.current().params.application_namespaces.clone();
        set.unwrap_or_else(|| Namespaces::new(&self.options.application_namespaces))
    }

    pub(crate) fn app(&self, name: &AppName) -> Option<Entry> {
        read(&self.apps).known.get(name).cloned()
    }

    pub(crate) fn app_names(&self) -> Vec<AppName> {
        read(&self.apps).known.keys().cloned().collect()
    }

    /// Calls `visit` with every Application that can be read.
    pub(crate) fn each_app(&self, mut visit: impl FnMut(&AppName, &Application)) {
        for (name, entry) in &read(&self.apps).known {
            if let Ok(app) = &entry.app {
                visit(name, app);
            }
        }
    }

    /// Takes in an Application as the server has it; true where a pass should look at it. What is older than what is known is
    /// dropped: answers to our own writes and the watch's events overtake each other.
    pub(crate) fn put_app(&self, name: &AppName, value: Value) -> bool {
        let (uid, version) = identity(&value);
        let known = |old: &Entry| old.uid == uid && old.version >= version && version > 0;
        // The event of what we wrote ourselves.
        if read(&self.apps).known.get(name).is_some_and(known) {
            return false;
        }
        self.put_entry(name, Entry::new(value))
    }

    /// Whether a list shows an Application as it was before it was last seen, though that was before the list: the cluster was put back to
    /// what was saved of it.
    pub(crate) fn went_back(&self, name: &AppName, value: &Value, listed: u64) -> bool {
        let (uid, version) = identity(value);
        read(&self.apps)
            .known
            .get(name)
            .is_some_and(|old| old.uid == uid && version < old.version && old.version <= listed)
    }

    /// Forgets what is known of all applications and of what was done for them, as a process that starts: it may be of a time that never
    /// was.
    pub(crate) fn forget_all(&self) {
        for name in self.app_names() {
            drop(write(&self.apps).remove(&name));
            write(&self.sights).forget(&name);
            self.memories().remove(&name);
        }
    }

    /// [`Shared::put_app`] of one that was read already.
    pub(crate) fn put_entry(&self, name: &AppName, entry: Entry) -> bool {
        let mut apps = write(&self.apps);
        let known = apps.known.get(name);
        if known.is_some_and(|old| old.uid == entry.uid && old.version > entry.version) {
            return false;
        }
        let changed = known.is_none_or(|old| old.trigger != entry.trigger);
        write(&self.sights).expect(name, entry.expected());
        let news = known.is_none_or(|old| old.standing() != entry.standing());
        if entry.depends() {
            apps.depending.insert(Arc::clone(name));
        } else {
            apps.depending.remove(name);
        }
        apps.known.insert(Arc::clone(name), entry);
        drop(apps);
        if news {
            self.tell_dependents(name);
        }
        changed
    }

    /// Applications that depend on one look at it again.
    fn tell_dependents(&self, name: &AppName) {
        let dependents = read(&self.apps).dependents();
        for (other, app) in dependents {
            if crate::dependencies::depends_on(self, &app).contains(name) {
                self.queue.add(other);
            }
        }
    }

    /// Forgets an application; the answer is who else has an object of its in git.
    pub(crate) fn remove_app(&self, name: &AppName) -> BTreeSet<AppName> {
        let gone = write(&self.apps).remove(name);
        if let Some(app) = gone.as_ref().and_then(|entry| entry.app.as_ref().ok()) {
            self.metrics.forget(&app.metadata.namespace, &app.metadata.name);
        }
        write(&self.sights).forget(name);
        self.memories().remove(name);
        self.keep_unlisted(name, None);
        self.queue.forget(name);
        let instance = self.instance(name);
        let others = self.clusters.connected();
        let all = others.iter().chain([&self.home]);
        all.flat_map(|at| at.let_go(name, instance.as_str())).collect()
    }

    /// Counts an operation that ended.
    pub(crate) fn synced(&self, app: &Application, state: &OperationState) {
        let server = server_named(&self.settings.current(), &app.spec.destination);
        self.metrics.synced(app, server, state);
    }

    /// Notes that an application was looked at, and that what it wants is on record if it can be told at all.
    pub(crate) fn looked(&self, name: &AppName, spec: u64, seen: &Seen) {
        write(&self.sights).looked(name, spec, seen);
    }

    /// Notes that what an application wants is the same at this answer of a repository; false where nothing is noted of it yet.
    pub(crate) fn saw(&self, name: &AppName, repository: &RepositoryKey, answer: u64) -> bool {
        write(&self.sights).saw(name, repository, answer)
    }

    /// Who was last looked at with an answer of this repository, for its sources or for what a kustomization names.
    pub(crate) fn readers(&self, repository: &RepositoryKey) -> BTreeSet<AppName> {
        read(&self.sights).readers(repository)
    }

    /// Notes whether every application is known.
    pub(crate) fn set_listed(&self, listed: bool) {
        write(&self.sights).set_listed(listed);
    }

    /// Whether an application was last looked at with older answers of git than another one.
    pub(crate) fn is_behind(&self, name: &AppName, other: &AppName) -> bool {
        let seen = |name| read(&self.sights).seen_by(name).cloned();
        let (Some(own), Some(theirs)) = (seen(name), seen(other)) else { return true };
        theirs.iter().any(|(repository, at)| {
            let elsewhere = self.repositories.elsewhere(repository);
            own.get(repository).is_some_and(|seen| seen < at)
                || elsewhere.iter().any(|e| own.get(&e.key).is_some_and(|seen| e.older || *seen < e.version))
        })
    }

    /// Whether another application may want an object that nobody knows of: it has not been looked at since the start, since
    /// its spec changed, or since a repository in `seen` said what this application has seen, to whichever project. Nothing may
    /// be removed before. A repository whose answer to another project is older is asked.
    pub(crate) fn others_unseen(&self, name: &AppName, seen: &Seen) -> bool {
        let elsewhere: Vec<Elsewhere> =
            seen.keys().flat_map(|repository| self.repositories.elsewhere(repository)).collect();
        let older: BTreeSet<&RepositoryKey> = elsewhere.iter().filter(|e| e.older).map(|e| &e.key).collect();
        // Nobody reads it there any more: it will not be asked, and there is nobody to wait for.
        let is_read = |key: &&RepositoryKey| read(&self.sights).anybody_else_before(name, key, u64::MAX);
        let older: BTreeSet<&RepositoryKey> = older.into_iter().filter(is_read).collect();
        if !older.is_empty() {
            self.repositories.hurry(|key| older.contains(key));
            return true;
        }
        let answers =
            seen.iter().map(|(key, at)| (key, *at)).chain(elsewhere.iter().map(|e| (&e.key, e.version)));
        let sights = read(&self.sights);
        sights.anybody_else_unlooked(name)
            || answers.into_iter().any(|(key, at)| sights.anybody_else_before(name, key, at))
    }

    /// A project with what global projects add to it, as the settings have them.
    pub(crate) fn project(
        &self,
        name: &str,
        settings: &Arc<settings::Snapshot>,
    ) -> Option<Arc<ProjectEntry>> {
        if let Some((made_from, entry)) = read(&self.projects).compiled.get(name)
            && Arc::ptr_eq(made_from, settings)
        {
            return Some(Arc::clone(entry));
        }
        let mut projects = write(&self.projects);
        let own = projects.known.get(name)?;
        let whole = api::project::completed(own, &settings.settings, |name| projects.known.get(name));
        let entry = Arc::new(ProjectEntry::new(&whole));
        projects.compiled.insert(name.to_owned(), (Arc::clone(settings), Arc::clone(&entry)));
        Some(entry)
    }

    pub(crate) fn put_project(&self, name: &str, project: Option<&AppProject>) {
        let mut projects = write(&self.projects);
        // Any project may be a global one.
        projects.compiled.clear();
        match project {
            Some(project) => drop(projects.known.insert(name.to_owned(), project.clone())),
            None => drop(projects.known.remove(name)),
        }
    }

    /// Whether a project that is not known does not exist.
    pub(crate) fn has_seen_projects(&self) -> bool {
        read(&self.projects).seen
    }

    pub(crate) fn saw_projects(&self) {
        write(&self.projects).seen = true;
    }

    pub(crate) fn memory(&self, name: &AppName) -> Arc<tokio::sync::Mutex<AppMemory>> {
        Arc::clone(self.memories().entry(Arc::clone(name)).or_default())
    }

    /// What is remembered of an application, where anything is.
    pub(crate) fn remembered(&self, name: &AppName) -> Option<Arc<tokio::sync::Mutex<AppMemory>>> {
        self.memories().get(name).cloned()
    }

    fn memories(&self) -> MutexGuard<'_, HashMap<AppName, Arc<tokio::sync::Mutex<AppMemory>>>> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps all resources of an application whose status has no room for them; `None` where it has.
    pub(crate) fn keep_unlisted(&self, name: &AppName, all: Option<Vec<api::ResourceStatus>>) {
        let mut unlisted = self.unlisted.lock().unwrap_or_else(PoisonError::into_inner);
        match all {
            Some(all) => drop(unlisted.insert(Arc::clone(name), Arc::new(all))),
            None => drop(unlisted.remove(name)),
        }
    }

    /// All resources of an application whose status has no room for them, if a pass of this controller found them.
    pub(crate) fn unlisted(&self, name: &AppName) -> Option<Arc<Vec<api::ResourceStatus>>> {
        let unlisted = self.unlisted.lock().unwrap_or_else(PoisonError::into_inner);
        unlisted.get(name).filter(|_| self.is_leading()).cloned()
    }

    /// Records what an application has in git, at its destination.
    pub(crate) fn claim(
        &self,
        to: &Destination,
        name: &AppName,
        wanted: &[&WantedSet],
        also: &BTreeSet<GroupKind>,
    ) {
        let sharers = to.claim((name, self.instance(name).as_str()), wanted, also);
        sharers.into_iter().for_each(|other| self.queue.add(other));
    }

    /// Forgets what an application has in git at a cluster that it leaves.
    pub(crate) fn let_go(&self, to: &Destination, name: &AppName) {
        let sharers = to.let_go(name, self.instance(name).as_str());
        sharers.into_iter().for_each(|other| self.queue.add(other));
    }

    /// Whether an application of this name, as objects have it, exists.
    pub(crate) fn is_known(&self, instance: &str) -> bool {
        read(&self.apps).known.contains_key(instance)
    }

    /// Another application that has this object in git.
    pub(crate) fn claimed_elsewhere(
        &self,
        to: &Destination,
        key: &ResourceKey,
        name: &AppName,
    ) -> Option<String> {
        let claimants = to.claimants(key);
        let apps = read(&self.apps);
        // What is on its way out gives up what it has.
        let stays = |other: &AppName| match apps.known.get(other).map(|entry| &entry.app) {
            Some(Ok(app)) => !app.metadata.is_deleting(),
            Some(Err(_)) => true,
            None => false,
        };
        let other = claimants.iter().find(|other| *other != name && stays(other))?;
        Some(self.qualified(other))
    }

    /// Whether this controller may write. One that slept past its lease may not, even before it finds out who has it now.
    pub(crate) fn is_leading(&self) -> bool {
        let until = *self.leading.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// When this installation began, RFC 3339; none before it has had its Lease.
    pub(crate) fn installed_at(&self) -> Option<String> {
        self.installed_at.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_installed_at(&self, at: Option<&str>) {
        *self.installed_at.lock().unwrap_or_else(PoisonError::into_inner) = at.map(str::to_owned);
    }

    /// `until` is when the lease ends unless it is renewed; `None` is no lease.
    pub(crate) fn set_leading(&self, until: Option<Instant>) {
        *self.leading.lock().unwrap_or_else(PoisonError::into_inner) = until;
        self.metrics.set_leading(until.is_some());
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
