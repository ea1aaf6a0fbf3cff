//! Runs the passes: what happened where puts applications into the queue, workers take them out.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use api::settings::Namespaces;
use api::{AppProject, Application};
use charts::Charts;
use cluster::{Cluster, KindEvent, KindWatch, Knowledge, Listed, Notice};
use resource::Gvk;
use serde_json::Value;
use settings::SettingsHandle;
use source::{Counts as GitCounts, Sources};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{Instrument as _, debug_span};

use crate::assess::why_unseen;
use crate::clusters::{server_named, wake};
use crate::destination::Destination;
use crate::fetch::poll_interval;
use crate::inventory::{ClusterFigures, figures};
use crate::lease::{Claim, Standing};
use crate::metrics::Metrics;
use crate::news::{announce, is_used};
use crate::quarantine::Journal;
use crate::quiet::is_quiet;
use crate::reconcile::reconcile;
use crate::repositories::{Question, RepositoryKey};
use crate::shared::{AppName, Options, Shared};

/// Time without a finished pass, while work waits, after which a controller says that it is stuck.
const STUCK: Duration = Duration::from_secs(60);

/// The controller of Applications. Cheap to clone: all clones are one controller.
#[derive(Clone)]
pub struct Controller {
    shared: Arc<Shared>,
}

impl Controller {
    /// Wires a controller; nothing runs yet.
    pub(crate) fn new(
        client: kube::Client,
        home: Destination,
        settings: SettingsHandle,
        sources: Arc<Sources>,
        charts: Charts,
        options: Options,
    ) -> Self {
        let metrics = Arc::new(Metrics::default());
        let shared = |me: &Weak<Shared>| {
            Shared::new(me.clone(), (client, home), settings, sources, charts, metrics, options)
        };
        Self { shared: Arc::new_cyclic(shared) }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn shared_arc(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// The cluster that it runs in, as it is watched.
    pub fn cluster(&self) -> Cluster {
        self.shared.home.cluster.clone()
    }

    /// The ways out to other servers.
    pub fn proxies(&self) -> crate::Proxies {
        self.shared.options.proxies.clone()
    }

    /// The settings, as they are watched.
    pub fn settings(&self) -> SettingsHandle {
        self.shared.settings.clone()
    }

    /// What it counts.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.shared.metrics)
    }

    /// Requests to the API server so far, by verb.
    pub fn requests(&self) -> Vec<(&'static str, u64)> {
        self.shared.home.cluster.counters().requests.into_iter().collect()
    }

    /// The clusters that applications go to, the one that this runs in first.
    pub fn clusters(&self) -> Vec<ClusterFigures> {
        let home = &self.shared.home;
        std::iter::once(figures(home)).chain(self.shared.clusters.figures()).collect()
    }

    /// Requests to git servers so far, by the repository's URL without what may be secret.
    pub fn git_requests(&self) -> BTreeMap<String, GitCounts> {
        self.shared.sources.counters().into_iter().collect()
    }

    /// Applications that wait for a worker, and those that are worked on.
    pub fn queue(&self) -> (usize, usize) {
        self.shared.queue.depth()
    }

    /// URL of the cluster that an application goes to, as far as it can be told.
    pub fn server_of(&self, app: &Application) -> String {
        server_named(&self.shared.settings.current(), &app.spec.destination)
    }

    /// Why this controller is not healthy: work has been waiting for a minute and none was finished. A controller that
    /// stands by is healthy.
    pub fn stuck(&self) -> Option<String> {
        let (ready, running) = self.shared.queue.depth();
        let since = self.shared.metrics.since_last_pass();
        let stuck = self.shared.is_leading() && ready > 0 && since > STUCK;
        stuck.then(|| {
            format!(
                "{ready} applications wait, {running} are worked on, none was finished for {}s",
                since.as_secs()
            )
        })
    }

    /// Calls `visit` with every Application as last seen.
    pub fn each_app(&self, mut visit: impl FnMut(&Application)) {
        self.shared.each_app(|_, app| visit(app));
    }

    /// Has a repository asked now: somebody pushed to it. `url` is compared in normal form.
    pub fn repository_changed(&self, url: &str) {
        self.shared.repositories.hurry(|key| api::same_repository(&key.url, url));
    }

    /// As [`Self::repository_changed`], of all repositories that `changed` names by their URLs; of a chart in a registry it is the
    /// chart's own. The answer is those that are used.
    pub fn repositories_changed(&self, changed: impl Fn(&str) -> bool) -> BTreeSet<String> {
        self.shared.repositories.hurry(|key| match &key.question {
            Question::Chart { name, .. } if !name.is_empty() => {
                changed(&format!("{}/{name}", key.url.trim_end_matches('/')))
            }
            _ => changed(&key.url),
        })
    }

    /// Waits for the lease, then works until `shutdown` or until the lease is lost. While it waits it writes nothing.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let mut claim = Claim::new(&self.shared.options.namespace, &self.shared.options.identity);
        match Journal::open(self.shared.sources.data_dir(), (self.shared.options.clock)()) {
            // A second run of the same controller goes on with the first one's.
            Ok(journal) => drop(self.shared.journal.set(Arc::new(journal))),
            Err(error) => {
                tracing::warn!(error = %error, "renders are not put on record: what ends the process is not told apart");
            }
        }
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = self.acquire(&mut claim) => {}
                // Servers show what is watched, whoever leads.
                () = heed_settings(&self.shared) => {}
                () = &mut shutdown => return,
            }
            tracing::info!(controller = "applications", "became active");
            let mut tasks = self.spawn();
            tokio::select! {
                () = self.keep(&mut claim) => {
                    self.shared.set_leading(None);
                    tasks.shutdown().await;
                    tracing::warn!(controller = "applications", "lost the lease, waiting for it again");
                }
                () = &mut shutdown => {
                    self.shared.set_leading(None);
                    tasks.shutdown().await;
                    claim.release(&self.shared.home.cluster).await;
                    if let Some(journal) = self.shared.journal.get() {
                        journal.close();
                    }
                    return;
                }
            }
        }
    }

    async fn acquire(&self, claim: &mut Claim) {
        let mut told = String::new();
        loop {
            let asked = Instant::now();
            let standing = claim.attempt(&self.shared.home.cluster, (self.shared.options.clock)()).await;
            match &standing {
                Standing::Held => {
                    self.shared.set_installed_at(claim.made());
                    // Counted from before the request: others count from when they saw what it wrote.
                    self.shared.set_leading(Some(asked + crate::lease::DURATION));
                    return;
                }
                Standing::Waiting(who) | Standing::Unknown(who) if *who != told => {
                    tracing::info!(controller = "applications", holder = %who, "stands by");
                    told.clone_from(who);
                }
                Standing::Waiting(_) | Standing::Unknown(_) => {}
            }
            tokio::time::sleep(Claim::pause(&standing)).await;
        }
    }

    /// Renews the lease; returns when it is lost: somebody has it, or it could not be renewed for most of its time.
    async fn keep(&self, claim: &mut Claim) {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(Claim::pause(&Standing::Held)).await;
            let asked = Instant::now();
            let standing = claim.attempt(&self.shared.home.cluster, (self.shared.options.clock)()).await;
            match standing {
                Standing::Held => {
                    self.shared.set_leading(Some(asked + crate::lease::DURATION));
                    renewed = Instant::now();
                }
                Standing::Waiting(_) => return,
                Standing::Unknown(_) if renewed.elapsed() * 3 >= crate::lease::DURATION * 2 => return,
                Standing::Unknown(_) => {}
            }
        }
    }

    fn spawn(&self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let shared = || Arc::clone(&self.shared);
        // Subscribed before the first list, so that nothing falls in between.
        let home = Arc::clone(&self.shared.home);
        let changes = home.cluster.changes();
        tasks.spawn(follow_changes(Arc::downgrade(&self.shared), home, changes));
        let (projects_known, ready) = watch::channel(false);
        tasks.spawn(follow_projects(shared(), projects_known));
        tasks.spawn(follow_apps(shared()));
        tasks.spawn(follow_settings(shared()));
        tasks.spawn(poll(shared()));
        for _ in 0..self.shared.options.workers.max(1) {
            tasks.spawn(work(shared(), ready.clone()));
        }
        tasks
    }
}

/// Works on what is ready, once the projects are known: an application whose project has not been listed yet must not be told
/// that there is none.
async fn work(shared: Arc<Shared>, mut ready: watch::Receiver<bool>) {
    if ready.wait_for(|known| *known).await.is_err() {
        return;
    }
    loop {
        let name = shared.queue.next().await;
        // Also when this task is ended in mid-pass, as with a lost lease: else nobody would ever work on it again.
        let _done = DoneOnDrop { shared: &shared, name: &name };
        // A pass in a task of its own: a panic ends that pass and no other.
        let pass = {
            let (shared, name) = (Arc::clone(&shared), Arc::clone(&name));
            let span = debug_span!("pass", application = %name);
            tokio::spawn(async move { Box::pin(reconcile(&shared, &name)).await }.instrument(span))
        };
        let ended = AbortOnDrop(pass).await;
        shared.metrics.finished();
        match ended {
            Ok(Some(after)) => shared.queue.add_at(Arc::clone(&name), Instant::now() + after),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(application = %name, error = %error, "pass ended early");
                shared.queue.add_at(Arc::clone(&name), Instant::now() + Duration::from_secs(60));
            }
        }
    }
}

/// Gives an application back to the queue.
struct DoneOnDrop<'a> {
    shared: &'a Shared,
    name: &'a AppName,
}

impl Drop for DoneOnDrop<'_> {
    fn drop(&mut self) {
        self.shared.queue.done(self.name);
    }
}

/// A task that ends with the one that waits for it.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(context)
    }
}

fn name_of(value: &Value) -> Option<&str> {
    value.pointer("/metadata/name").and_then(Value::as_str)
}

async fn follow_apps(shared: Arc<Shared>) {
    let gvk = Gvk::new(api::names::GROUP, api::names::VERSION, api::names::APPLICATION);
    let mut settings = shared.settings.subscribe();
    let mut first = true;
    loop {
        shared.set_listed(false);
        let namespaces = shared.app_namespaces();
        let scope = namespaces.is_empty().then_some(&*shared.options.namespace);
        let mut events = shared.home.cluster.watch_kind(&gvk, scope);
        let changed = async {
            while shared.app_namespaces() == namespaces {
                if settings.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            () = changed => {}
            () = follow_apps_of(&shared, &namespaces, &mut events, &mut first) => return,
        }
    }
}

/// The name of an Application that is looked after.
fn app_of(shared: &Shared, namespaces: &Namespaces, value: &Value) -> Option<AppName> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let (name, namespace) = (text("/metadata/name")?, text("/metadata/namespace").unwrap_or_default());
    let ours = namespace == shared.options.namespace || namespaces.contains(namespace);
    ours.then(|| shared.name_of(namespace, name))
}

async fn follow_apps_of(
    shared: &Arc<Shared>,
    namespaces: &Namespaces,
    events: &mut KindWatch,
    first: &mut bool,
) {
    let name_of = |value: &Value| app_of(shared, namespaces, value);
    while let Some(event) = events.next().await {
        match event {
            KindEvent::Restarted(Listed { objects, version, rewound }) => {
                let all: Vec<_> =
                    objects.into_iter().filter_map(|value| Some((name_of(&value)?, value))).collect();
                let there: BTreeSet<&AppName> = all.iter().map(|(name, _)| name).collect();
                let mut gone = shared.app_names();
                gone.retain(|name| !there.contains(name));
                for name in gone {
                    remove(shared, &name);
                }
                let listed = version.parse().unwrap_or_default();
                let went_back =
                    rewound || all.iter().any(|(name, value)| shared.went_back(name, value, listed));
                if went_back {
                    tracing::warn!(
                        controller = "applications",
                        "the cluster was put back, all is looked at anew"
                    );
                }
                // Whoever was not the active one for a while has missed what happened meanwhile.
                let first = std::mem::take(first);
                if first || went_back {
                    shared.set_listed(false);
                    shared.forget_all();
                }
                all.into_iter().for_each(|(name, value)| put(shared, name, value));
                shared.set_listed(true);
                if first {
                    enqueue(shared, |_| true);
                }
            }
            KindEvent::Applied(value) => {
                if let Some(name) = name_of(&value) {
                    put(shared, name, value);
                }
            }
            KindEvent::Deleted(value) => {
                if let Some(name) = name_of(&value) {
                    remove(shared, &name);
                }
            }
            KindEvent::State(knowledge) => {
                tracing::warn!(
                    controller = "applications",
                    state = why_unseen(&knowledge),
                    "Applications cannot be followed"
                );
            }
        }
    }
}

fn put(shared: &Shared, name: AppName, value: Value) {
    if shared.put_app(&name, value) {
        shared.queue.add(name);
    }
}

/// Forgets an application that is gone; those that have an object of its in git, too, take it over.
fn remove(shared: &Shared, name: &AppName) {
    for heir in shared.remove_app(name) {
        shared.queue.add(heir);
    }
    // What it leaves may be nobody's from now on.
    let elsewhere = shared.clusters.connected();
    for at in elsewhere.iter().chain([&shared.home]) {
        at.cluster.observers().into_iter().for_each(|observer| shared.queue.add(AppName::from(&*observer)));
    }
}

async fn follow_projects(shared: Arc<Shared>, projects_known: watch::Sender<bool>) {
    let gvk = Gvk::new(api::names::GROUP, api::names::VERSION, api::names::APP_PROJECT);
    let mut events = shared.home.cluster.watch_kind(&gvk, Some(&shared.options.namespace));
    let mut known: BTreeSet<String> = BTreeSet::new();
    while let Some(event) = events.next().await {
        let whole = matches!(event, KindEvent::Restarted(_));
        let (changed, gone): (Vec<Value>, Vec<String>) = match event {
            KindEvent::Restarted(Listed { objects: all, .. }) => {
                let now: BTreeSet<String> = all.iter().filter_map(name_of).map(str::to_owned).collect();
                let gone = known.difference(&now).cloned().collect();
                known = now;
                (all, gone)
            }
            KindEvent::Applied(value) => {
                known.extend(name_of(&value).map(str::to_owned));
                (vec![value], Vec::new())
            }
            KindEvent::Deleted(value) => {
                (Vec::new(), name_of(&value).map(str::to_owned).into_iter().collect())
            }
            KindEvent::State(knowledge) => {
                // They cannot be had: then their applications say so.
                if knowledge != Knowledge::Loading {
                    projects_known.send_replace(true);
                }
                continue;
            }
        };
        let mut touched: BTreeSet<String> = gone.iter().cloned().collect();
        for name in &gone {
            shared.put_project(name, None);
        }
        for value in changed {
            let Some(name) = name_of(&value).map(str::to_owned) else { continue };
            match AppProject::from_value(value) {
                Ok(project) => shared.put_project(&name, Some(&project)),
                Err(error) => {
                    // Limits that cannot be read must not be taken for none: its applications stop.
                    tracing::error!(project = %name, error = %error, "project cannot be read");
                    shared.put_project(&name, None);
                }
            }
            touched.insert(name);
        }
        if whole {
            shared.saw_projects();
        }
        // What a global project says, others inherit.
        let settings = shared.settings.current();
        let global = settings.settings.global_projects.iter().any(|g| touched.contains(&g.project_name));
        enqueue(&shared, |app| global || touched.contains(app.spec.project_name()));
        projects_known.send_replace(true);
    }
}

pub(crate) fn enqueue(shared: &Shared, which: impl Fn(&Application) -> bool) {
    let mut names = Vec::new();
    shared.each_app(|name, app| {
        if which(app) {
            names.push(Arc::clone(name));
        }
    });
    names.into_iter().for_each(|name| shared.queue.add(name));
}

pub(crate) async fn follow_changes(
    shared: Weak<Shared>,
    at: Arc<Destination>,
    mut changes: cluster::Changes,
) {
    while let Some(notice) = changes.next().await {
        let Some(shared) = shared.upgrade() else { return };
        match notice {
            Notice::Changed(change) => {
                let names = change.instances.iter().map(|instance| AppName::from(instance.as_ref()));
                for name in names.filter(|name| !is_quiet(&shared, &at, name, &change)) {
                    shared.queue.add(name);
                }
            }
            Notice::Knowledge(kind) => {
                let observers = at.cluster.observers().into_iter().map(|name| AppName::from(name.as_ref()));
                for name in at.apps_with_kind(&kind).into_iter().chain(observers) {
                    shared.queue.add(name);
                }
            }
            Notice::Discovery | Notice::Reach | Notice::Lagged => wake(&shared, &at.server),
        }
    }
}

/// Keeps watching clusters by the settings, for ever.
async fn heed_settings(shared: &Shared) {
    let mut changed = shared.settings.subscribe();
    while changed.changed().await.is_ok() {
        shared.heed_settings();
    }
    std::future::pending().await
}

async fn follow_settings(shared: Arc<Shared>) {
    let mut changed = shared.settings.subscribe();
    let mut told = BTreeSet::new();
    crate::events::report_problems(&shared, &mut told).await;
    while changed.changed().await.is_ok() {
        shared.heed_settings();
        shared.clusters.keep(&shared.settings.current());
        crate::events::report_problems(&shared, &mut told).await;
        enqueue(&shared, |_| true);
    }
}

async fn poll(shared: Arc<Shared>) {
    let interval = |url: &str| poll_interval(&shared.settings.current(), url);
    let used = |key: &RepositoryKey| is_used(&shared, key);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel::<RepositoryKey>();
    // The receiver lives as long as this function.
    let asking = shared.repositories.poll(interval, used, |key| drop(tell.send(key.clone())));
    let telling = async {
        let mut tasks = JoinSet::new();
        loop {
            // Each in a task of its own, for one may have to fetch from a slow server.
            tokio::select! {
                Some(key) = told.recv() => {
                    let shared = Arc::clone(&shared);
                    tasks.spawn(async move { announce(&shared, &key).await });
                }
                Some(_) = tasks.join_next() => {}
            }
        }
    };
    tokio::select! { () = asking => {} () = telling => {} }
}
