//! From an Application's sources to its wanted set: resolve, fetch, render where something read has changed, name, track.

use std::sync::Arc;
use std::time::Duration;

use api::names::{IN_CLUSTER_NAME, IN_CLUSTER_SERVER};
use api::{Application, ApplicationSource, ApplicationSourceType, ConditionType};
use cluster::chain;
use filetree::{FileTree, TreePath};
use resource::{GroupKind, Gvk};
use source::{Remote, RepoUrl, Snapshot};
use sync::desired::Scope;

use crate::conditions::Findings;
use crate::remote::remote;
use crate::repositories::{Freshness, RepositoryKey};
use crate::shared::{AppName, ProjectEntry, Shared, TargetMemory};
use crate::wanted::{Body, Naming, RenderedSource, WantedSet, hash_of, inputs, wanted};

/// What is looked at in one pass over an application.
pub(crate) struct View {
    pub(crate) name: AppName,
    pub(crate) instance: api::tracking::AppInstanceName,
    pub(crate) project: Arc<ProjectEntry>,
    pub(crate) settings: Arc<settings::Snapshot>,
}

/// Which state of the sources is asked for.
pub(crate) struct Ask<'a> {
    /// The sources, those of the spec or those of an operation.
    pub(crate) sources: &'a [ApplicationSource],
    /// Commits to take instead of what the target revisions say; empty entries ask for the target revision.
    pub(crate) pinned: &'a [String],
    /// How fresh the remotes' answers must be.
    pub(crate) freshness: Freshness,
    /// Whether everything is rendered anew, whatever is remembered (`refresh: hard`).
    pub(crate) afresh: bool,
}

/// Checks what can be checked before anything is fetched. Every finding is an `InvalidSpecError`.
pub(crate) fn check_spec(app: &Application, view: &View) -> Findings {
    let project = &view.project;
    let mut findings = Findings::default();
    let mut invalid = |message: String| findings.add(ConditionType::InvalidSpecError, message);
    if view.settings.settings.impersonation_enabled {
        invalid(
            "argocd-cm asks for impersonation, which is not implemented yet, so nothing is synced".to_owned(),
        );
    }
    let spec = &app.spec;
    let sources = spec.sources();
    if sources.is_empty() {
        invalid("spec.source is missing: say which repository and path the manifests come from".to_owned());
    }
    for limit in &project.unimplemented {
        invalid(format!(
            "project {} has a limit that this version does not enforce yet, so its applications are refused: {limit}",
            project.limits.name()
        ));
    }
    if spec.source_hydrator.is_some() {
        invalid("spec.sourceHydrator is not implemented yet".to_owned());
    }
    findings.extend(check_sources(
        sources,
        if spec.has_multiple_sources() { "spec.sources" } else { "spec.source" },
        view,
    ));
    let mut invalid = |message: String| findings.add(ConditionType::InvalidSpecError, message);
    let to = &spec.destination;
    let in_cluster = (IN_CLUSTER_SERVER, IN_CLUSTER_NAME);
    let known = (to.server.is_empty() || to.server.trim_end_matches('/') == in_cluster.0)
        && (to.name.is_empty() || to.name == in_cluster.1);
    if to.server.is_empty() && to.name.is_empty() {
        invalid("spec.destination: server or name is missing".to_owned());
    } else if !to.server.is_empty() && !to.name.is_empty() {
        invalid("spec.destination: server and name are both set: give one of them".to_owned());
    } else if !known {
        invalid(format!(
            "spec.destination: cluster {} is not known: this version serves the cluster that it runs in ({} or {})",
            if to.server.is_empty() { &to.name } else { &to.server },
            in_cluster.0,
            in_cluster.1
        ));
    } else if !view.settings.settings.in_cluster_enabled {
        invalid(
            "spec.destination: argocd-cm forbids the cluster that this runs in (cluster.inClusterEnabled)"
                .to_owned(),
        );
    } else if let Err(denied) = project.limits.permits_destination(in_cluster.0, in_cluster.1, &to.namespace)
    {
        invalid(denied.message);
    }
    findings
}

/// Checks sources, of the spec or of an operation, against what there is and what the project permits. `field` names them.
pub(crate) fn check_sources(sources: &[ApplicationSource], field: &str, view: &View) -> Findings {
    let mut findings = Findings::default();
    let mut invalid = |message: String| findings.add(ConditionType::InvalidSpecError, message);
    let several = field.ends_with('s');
    for (place, source) in sources.iter().enumerate() {
        let field = if several { format!("{field}[{place}]") } else { field.to_owned() };
        if let Err(error) = RepoUrl::parse(&source.repo_url) {
            invalid(format!("{field}.repoURL: {error}"));
        } else if let Err(denied) = view.project.limits.permits_source(&source.repo_url) {
            invalid(denied.message);
        }
        if let Err(error) = TreePath::parse(&source.path) {
            invalid(format!("{field}.path: {error}"));
        }
        if source.chart.is_empty() && source.path.is_empty() && source.ref_name.is_empty() {
            invalid(format!(
                "{field}: path is missing: name the directory of the manifests, \".\" for the root"
            ));
        }
        if !source.chart.is_empty() {
            invalid(format!("{field}.chart: charts from Helm repositories are not implemented yet"));
        }
    }
    findings
}

/// The wanted set, from memory where nothing that it depends on has changed. Findings say what is wrong: with an error
/// among them there is no set.
pub(crate) async fn obtain(
    shared: &Shared,
    view: &View,
    app: &Application,
    memory: &mut TargetMemory,
    ask: &Ask<'_>,
) -> Result<(Arc<WantedSet>, Findings), Findings> {
    let mut findings = Findings::default();
    let mut rendered = Vec::new();
    let mut repositories = std::collections::BTreeMap::new();
    memory.sound = false;
    let what = Obtaining { shared, view, app, ask };
    for (place, source) in ask.sources.iter().enumerate() {
        let fetched = fetch(what, place, source, &mut findings, &mut repositories).await;
        let Some((remote, snapshot)) = fetched else {
            memory.repositories = repositories;
            return Err(findings);
        };
        // A source that only lends its files to others renders nothing by itself.
        if !source.ref_name.is_empty() && source.path.is_empty() {
            continue;
        }
        let before = memory.rendered.get(rendered.len()).filter(|_| !ask.afresh);
        match render(what, place, source, &remote, &snapshot, before).await {
            Ok(done) => rendered.push(done),
            Err(message) => {
                findings.add(ConditionType::ComparisonError, message);
                memory.repositories = repositories;
                return Err(findings);
            }
        }
    }
    memory.repositories = repositories;
    let set = name_and_track(shared, view, app, memory, &rendered);
    memory.rendered = rendered;
    let set = set.map_err(|message| {
        let mut findings = findings.clone();
        findings.add(ConditionType::InvalidSpecError, message);
        findings
    })?;
    memory.sound = findings.first().is_none();
    findings.extend(set.findings.clone());
    Ok((set, findings))
}

/// The wanted set of an application whose repository is a directory on this machine (the command line only).
pub(crate) async fn from_directory(
    shared: &Shared,
    view: &View,
    app: &Application,
    memory: &mut TargetMemory,
    directory: &std::path::Path,
) -> Result<(Arc<WantedSet>, Findings), Findings> {
    let mut findings = Findings::default();
    let refused = |message: String| {
        let mut findings = Findings::default();
        findings.add(ConditionType::ComparisonError, message);
        findings
    };
    let store = source::open_dir(directory).map_err(|error| refused(error.to_string()))?;
    let commit = String::new();
    let snapshot = Tree { commit, store: Arc::new(store) };
    let mut rendered = Vec::new();
    for source in app.spec.sources().iter().filter(|s| s.ref_name.is_empty() || !s.path.is_empty()) {
        let inputs = inputs(source, &view.settings.settings);
        let (tool, reads, manifests, warnings) =
            render_tree(shared, view, app, source, &snapshot).await.map_err(refused)?;
        let revision = String::new();
        rendered.push(Arc::new(RenderedSource { revision, inputs, tool, reads, manifests, warnings }));
    }
    let set = name_and_track(shared, view, app, memory, &rendered).map_err(refused)?;
    findings.extend(set.findings.clone());
    Ok((set, findings))
}

/// Whose sources are obtained, and how.
#[derive(Clone, Copy)]
struct Obtaining<'a> {
    shared: &'a Shared,
    view: &'a View,
    app: &'a Application,
    ask: &'a Ask<'a>,
}

/// Resolves one source and makes its commit available. A remote that fails is no reason to stop: what is known of it
/// is used, and a condition says so.
async fn fetch(
    what: Obtaining<'_>,
    place: usize,
    source: &ApplicationSource,
    findings: &mut Findings,
    repositories: &mut std::collections::BTreeMap<RepositoryKey, u64>,
) -> Option<(Arc<Remote>, Arc<Snapshot>)> {
    let Obtaining { shared, view, app, ask } = what;
    let mut broken = |message: String| findings.add(ConditionType::ComparisonError, message);
    let remote = match remote(&view.settings, &source.repo_url, view.project.limits.name()) {
        Ok(remote) => Arc::new(remote),
        Err(message) => {
            broken(message);
            return None;
        }
    };
    let key = RepositoryKey { url: remote.url.to_string(), project: view.project.limits.name().to_owned() };
    repositories.insert(key.clone(), 0);
    let pinned = ask.pinned.get(place).map(String::as_str).filter(|commit| !commit.is_empty());
    let commit = match pinned.filter(|commit| is_commit(commit)) {
        Some(commit) => commit.to_owned(),
        None => {
            let next = poll_interval(&view.settings, &key.url);
            let known = shared.repositories.refs(&key, &remote, ask.freshness, next).await;
            repositories.insert(key.clone(), known.version);
            let wish = pinned.unwrap_or(&source.target_revision);
            let recorded = recorded_revision(app, place, source).filter(|_| *wish == source.target_revision);
            match (&known.refs, &known.error) {
                (None, error) => {
                    let error = error.clone().unwrap_or_else(|| "not asked yet".to_owned());
                    let Some(recorded) = recorded else {
                        broken(format!("{}: {error}", remote.url));
                        return None;
                    };
                    broken(format!(
                        "{}: {error}; comparing with the last known commit {recorded}",
                        remote.url
                    ));
                    recorded
                }
                (Some(refs), error) => {
                    if let Some(error) = error {
                        broken(format!("{}: {error}; comparing with the last known state of it", remote.url));
                    }
                    match shared.sources.revision(&remote, refs, wish, &source.tag_prefix).await {
                        Ok(resolved) => resolved.commit,
                        Err(error) => {
                            broken(chain(&error));
                            return None;
                        }
                    }
                }
            }
        }
    };
    match shared.sources.snapshot(&remote, &commit).await {
        Ok(snapshot) => {
            shared.repositories.hold(&key, &snapshot);
            Some((remote, snapshot))
        }
        Err(error) => {
            broken(format!("commit {commit}: {}", chain(&error)));
            None
        }
    }
}

/// Time to the next poll of a repository: the setting, and up to as much jitter as the setting allows, spread by the
/// repository's name so that a restart does not bring all polls together.
pub(crate) fn poll_interval(settings: &settings::Snapshot, url: &str) -> Duration {
    let reconciliation = &settings.settings.reconciliation;
    let Some(interval) = reconciliation.timeout else {
        // Polling is off: only webhooks and refreshes ask the remote.
        return Duration::from_secs(u64::from(u32::MAX));
    };
    let share = u32::try_from(hash_of(url) % 1_000).unwrap_or_default();
    interval + reconciliation.jitter * share / 1_000
}

async fn render(
    what: Obtaining<'_>,
    place: usize,
    source: &ApplicationSource,
    remote: &Remote,
    snapshot: &Arc<Snapshot>,
    before: Option<&Arc<RenderedSource>>,
) -> Result<Arc<RenderedSource>, String> {
    let Obtaining { shared, view, app, ask } = what;
    let settings = &view.settings.settings;
    let inputs = inputs(source, settings);
    let pinned = ask.pinned.get(place).is_some_and(|commit| !commit.is_empty());
    if let Some(before) = before
        && before.inputs == inputs
        && (!pinned || before.revision == snapshot.commit)
        && matches!(before.reads.holds(snapshot.store.as_ref()), Ok(true))
    {
        return Ok(Arc::clone(before));
    }
    let tree = Tree { commit: snapshot.commit.clone(), store: Arc::clone(&snapshot.store) };
    let (tool, reads, manifests, warnings) = render_tree(shared, view, app, source, &tree).await?;
    let revision = if pinned {
        snapshot.commit.clone()
    } else {
        earliest_equal(shared, app, place, source, remote, snapshot, &reads).await
    };
    Ok(Arc::new(RenderedSource { revision, inputs, tool, reads, manifests, warnings }))
}

/// The files of a commit, or of a directory.
struct Tree {
    commit: String,
    store: Arc<dyn filetree::Store>,
}

type RenderedTree = (ApplicationSourceType, filetree::ReadSet, Vec<Body>, Vec<String>);

/// Renders one source on the blocking pool, at most so many at a time.
async fn render_tree(
    shared: &Shared,
    view: &View,
    app: &Application,
    source: &ApplicationSource,
    tree: &Tree,
) -> Result<RenderedTree, String> {
    let path = TreePath::parse(&source.path).map_err(|error| error.to_string())?;
    let permit = shared.renders.acquire().await.map_err(|error| error.to_string())?;
    let (store, owned, name) = (Arc::clone(&tree.store), source.clone(), app.metadata.name.clone());
    let tools = enabled_tools(&view.settings.settings);
    let work = tokio::task::spawn_blocking(move || {
        let tree = FileTree::new(store, filetree::Limits::default());
        let limits = render::Limits::default();
        let request = render::Request {
            tree: &tree,
            path: &path,
            application: &name,
            source: &owned,
            limits: &limits,
            tools,
            context: &render::Context::default(),
        };
        let rendered = render::render(&request);
        let reads = tree.reads();
        rendered.map(|rendered| {
            let bodies =
                rendered.manifests.into_iter().map(|m| Body::new(&m.object, m.origin.to_string())).collect();
            (rendered.tool.into(), reads, bodies, rendered.warnings)
        })
    });
    let done = work.await.map_err(|error| format!("rendering {} failed: {error}", source.path))?;
    drop(permit);
    shared.metrics.rendered();
    done.map_err(|error| match tree.commit.get(..7) {
        Some(commit) => format!("{} (commit {commit})", chain(&error)),
        None => chain(&error),
    })
}

fn enabled_tools(settings: &api::settings::Settings) -> render::EnabledTools {
    render::EnabledTools {
        helm: settings.helm_enabled,
        kustomize: settings.kustomize_enabled,
        jsonnet: settings.jsonnet_enabled,
    }
}

/// The commit to show: the recorded one where its tree renders the same, so that a restart, or a commit that does not
/// touch the application, is no new revision of it.
async fn earliest_equal(
    shared: &Shared,
    app: &Application,
    place: usize,
    source: &ApplicationSource,
    remote: &Remote,
    snapshot: &Snapshot,
    reads: &filetree::ReadSet,
) -> String {
    if let Some(recorded) = recorded_revision(app, place, source)
        && recorded != snapshot.commit
        && let Ok(old) = shared.sources.snapshot(remote, &recorded).await
        && matches!(reads.holds(old.store.as_ref()), Ok(true))
    {
        return recorded;
    }
    snapshot.commit.clone()
}

/// The commit in the status, if it is one of this very source.
fn recorded_revision(app: &Application, place: usize, source: &ApplicationSource) -> Option<String> {
    let sync = &app.status.sync;
    let (compared, revision) = if app.spec.has_multiple_sources() {
        (sync.compared_to.sources.get(place)?, sync.revisions.get(place)?)
    } else {
        (sync.compared_to.source.as_ref()?, &sync.revision)
    };
    let same = compared == source && is_commit(revision);
    same.then(|| revision.clone())
}

/// A full object id, SHA-1 or SHA-256.
pub(crate) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn name_and_track(
    shared: &Shared,
    view: &View,
    app: &Application,
    memory: &mut TargetMemory,
    rendered: &[Arc<RenderedSource>],
) -> Result<Arc<WantedSet>, String> {
    let discovery = shared.cluster.discovery();
    let settings = &view.settings.settings;
    let made_from = MadeFrom {
        rendered: rendered.to_vec(),
        settings: Arc::clone(&view.settings),
        discovery: Arc::clone(&discovery),
        project: Arc::clone(&view.project),
        namespace: app.spec.destination.namespace.clone(),
    };
    if let Some((before, set)) = &memory.wanted
        && before.is(&made_from)
    {
        return Ok(Arc::clone(set));
    }
    let scope = |gvk: &Gvk| match discovery.version(gvk).map(|kind| kind.namespaced) {
        Some(true) => Scope::Namespaced,
        Some(false) => Scope::Cluster,
        None => Scope::Unknown,
    };
    let excluded = |kind: &GroupKind| settings.filter.excluded(&kind.group, &kind.kind, IN_CLUSTER_SERVER);
    let naming = Naming {
        namespace: &app.spec.destination.namespace,
        scope: &scope,
        excluded: &excluded,
        tracking: &settings.tracking,
        instance: &view.instance,
    };
    let mut set = wanted(rendered, &naming).map_err(|error| error.to_string())?;
    check_limits(view, &mut set);
    let set = Arc::new(set);
    memory.wanted = Some((made_from, Arc::clone(&set)));
    Ok(set)
}

/// What a wanted set was made from. Nothing in it is ever changed in place, so that being the same is being equal.
pub(crate) struct MadeFrom {
    rendered: Vec<Arc<RenderedSource>>,
    settings: Arc<settings::Snapshot>,
    discovery: Arc<cluster::Discovery>,
    project: Arc<ProjectEntry>,
    namespace: String,
}

impl MadeFrom {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.settings, &other.settings)
            && Arc::ptr_eq(&self.discovery, &other.discovery)
            && Arc::ptr_eq(&self.project, &other.project)
            && self.namespace == other.namespace
            && self.rendered.len() == other.rendered.len()
            && self.rendered.iter().zip(&other.rendered).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

/// A project's limits hold for what was rendered, not only for what was asked for.
fn check_limits(view: &View, set: &mut WantedSet) {
    let limits = &view.project.limits;
    let mut refused = Findings::default();
    for key in set.objects.keys() {
        let namespaced = !key.namespace.is_empty();
        let verdict = limits.permits_kind(&key.group_kind(), &key.name, namespaced).and_then(|()| {
            if !namespaced {
                return Ok(());
            }
            limits.permits_destination(IN_CLUSTER_SERVER, IN_CLUSTER_NAME, &key.namespace)
        });
        if let Err(denied) = verdict {
            refused.add(ConditionType::InvalidSpecError, format!("{key}: {}", denied.message));
        }
    }
    set.refused = refused;
}
