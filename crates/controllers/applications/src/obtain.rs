//! From an Application's sources to its wanted set: resolve, fetch, render where something read has changed, name, track.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use api::{Application, ApplicationSource, ApplicationSourceType, ConditionType};
use cluster::chain;
use filetree::{FileError, FileTree, ReadSet, Store, TreePath};
use resource::{GroupKind, Gvk, ResourceKey};
use source::Remote;
use sync::desired::Scope;
use tokio::time::Instant;

use crate::bases::{BaseReads, Look, permitted};
use crate::clusters::{self, Located};
use crate::conditions::Findings;
use crate::destination::Destination;
use crate::fetch::{Fetched, Obtaining, fetch, is_commit, recorded_revision};
use crate::plugin;
use crate::remote::check_url;
use crate::render_time::{RENDER_TIME, within};
use crate::repositories::Freshness;
use crate::shared::{AppName, ProjectEntry, Shared, TargetMemory};
use crate::sights::Seen;
use crate::supplies::{Supplied, supply};
use crate::tree::Tree;
use crate::wanted::{Body, Naming, RenderedSource, WantedSet, inputs, wanted};

/// How often one render may find that something has to be fetched for it: a base that is fetched may name another one.
pub(crate) const SUPPLY_ROUNDS: usize = 250;

/// What is said where that many are not enough.
pub(crate) const NEVER_ENOUGH: &str = "what it needs from elsewhere is never enough";

/// What is looked at in one pass over an application.
pub(crate) struct View {
    pub(crate) name: AppName,
    pub(crate) instance: api::tracking::AppInstanceName,
    pub(crate) project: Arc<ProjectEntry>,
    pub(crate) settings: Arc<settings::Snapshot>,
    /// The cluster that it goes to.
    pub(crate) to: Arc<Destination>,
}

impl View {
    pub(crate) fn new(
        shared: &Shared,
        name: &AppName,
        project: Arc<ProjectEntry>,
        settings: Arc<settings::Snapshot>,
        to: Arc<Destination>,
    ) -> Self {
        Self { name: Arc::clone(name), instance: shared.instance(name), project, settings, to }
    }
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
pub(crate) fn check_spec(shared: &Shared, app: &Application, project: &ProjectEntry) -> Findings {
    let mut findings = Findings::default();
    if let Err(denied) = permits_application(shared, app, project) {
        // What else the project says is none of its business.
        findings.add(ConditionType::InvalidSpecError, denied.message);
        return findings;
    }
    let mut invalid = |message: String| findings.add(ConditionType::InvalidSpecError, message);
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
        project,
    ));
    findings
}

/// The cluster that an application names, if its project permits it. Findings are `InvalidSpecError`s.
pub(crate) fn check_destination<'a>(
    app: &Application,
    project: &ProjectEntry,
    settings: &'a settings::Snapshot,
) -> Result<Located<'a>, Findings> {
    let to = &app.spec.destination;
    let refused = |message: String| Findings::one(ConditionType::InvalidSpecError, message);
    let found = clusters::locate(settings, to).map_err(|error| refused(error.to_string()))?;
    let limits = &project.limits;
    let permitted = limits
        .permits_destination(found.server, found.name, &to.namespace)
        .and_then(|()| limits.permits_cluster_of(found.project, found.server));
    permitted.map_err(|denied| refused(denied.message))?;
    Ok(found)
}

/// Checks sources, of the spec or of an operation, against what there is and what the project permits. `field` names them.
pub(crate) fn check_sources(sources: &[ApplicationSource], field: &str, project: &ProjectEntry) -> Findings {
    let mut findings = Findings::default();
    let mut invalid = |message: String| findings.add(ConditionType::InvalidSpecError, message);
    let several = field.ends_with('s');
    for (place, source) in sources.iter().enumerate() {
        let field = if several { format!("{field}[{place}]") } else { field.to_owned() };
        if let Err(error) = check_url(source) {
            invalid(format!("{field}.repoURL: {error}"));
        } else if let Err(denied) = project.limits.permits_source(&source.repo_url) {
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
        if !source.chart.is_empty() && !source.ref_name.is_empty() {
            invalid(format!(
                "{field}: a source with ref lends files of a git repository; it cannot have a chart"
            ));
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
    let mut seen = Seen::new();
    (memory.sound, memory.lacking) = (false, false);
    let what = Obtaining { shared, view, app, ask };
    let rendered = render_all(what, memory, &mut findings, &mut seen).await;
    memory.repositories = seen;
    memory.lacked = if memory.lacking { memory.lacked.saturating_add(1) } else { 0 };
    let Some(rendered) = rendered else { return Err(findings) };
    let set = name_and_track(view, app, memory, &rendered);
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

/// Fetches and renders all sources; `None` where one of them cannot be, which the findings say.
async fn render_all(
    what: Obtaining<'_>,
    memory: &mut TargetMemory,
    findings: &mut Findings,
    seen: &mut Seen,
) -> Option<Vec<Arc<RenderedSource>>> {
    let sources = what.ask.sources;
    let mut fetched = Vec::with_capacity(sources.len());
    for (place, source) in sources.iter().enumerate() {
        match fetch(what, place, source, findings, seen).await {
            Ok(found) => fetched.push(found),
            Err(passing) => {
                memory.lacking = passing;
                return None;
            }
        }
    }
    let mut look = Look::new(what.shared, what.view, what.ask.freshness, std::mem::take(seen));
    let rendered = render_each(what, &fetched, memory, &mut look).await;
    (*seen, memory.lacking) = (look.seen, look.lacking);
    findings.extend(look.findings);
    let rendered = match rendered {
        Ok(rendered) => rendered,
        Err(message) => {
            findings.add(ConditionType::ComparisonError, message);
            return None;
        }
    };
    let mut all = Vec::with_capacity(sources.len());
    for (place, (source, fetched)) in sources.iter().zip(&fetched).enumerate() {
        match rendered.get(place)? {
            Some(done) => all.push(Arc::clone(done)),
            None => all.push(lender(what, place, source, fetched, memory, &rendered).await),
        }
    }
    Some(all)
}

/// Renders every source but those that only lend their files.
async fn render_each(
    what: Obtaining<'_>,
    fetched: &[Fetched],
    memory: &TargetMemory,
    look: &mut Look<'_>,
) -> Result<Vec<Option<Arc<RenderedSource>>>, String> {
    let sources = what.ask.sources;
    let lent: BTreeMap<&str, &Tree> = (sources.iter().zip(fetched))
        .filter(|(source, _)| !source.ref_name.is_empty())
        .map(|(source, fetched)| (source.ref_name.as_str(), &fetched.tree))
        .collect();
    let mut rendered = Vec::with_capacity(sources.len());
    for (place, (source, fetched)) in sources.iter().zip(fetched).enumerate() {
        if lends_only(source) {
            rendered.push(None);
            continue;
        }
        let before = memory.rendered.get(place).filter(|_| !what.ask.afresh);
        rendered.push(Some(render(what, place, source, fetched, (&lent, before), look).await?));
    }
    Ok(rendered)
}

/// Whether an application may belong to its project, by its namespace.
pub(crate) fn permits_application(
    shared: &Shared,
    app: &Application,
    project: &ProjectEntry,
) -> Result<(), api::Denied> {
    let (name, namespace) = (&app.metadata.name, &app.metadata.namespace);
    project.limits.permits_application(name, namespace, &shared.options.namespace)
}

/// Whether a source only lends its files to others and renders nothing by itself.
fn lends_only(source: &ApplicationSource) -> bool {
    !source.ref_name.is_empty() && source.path.is_empty()
}

/// What stands for a source that only lends its files. Like any other, it keeps its revision while nothing that was read
/// of it has changed.
async fn lender(
    what: Obtaining<'_>,
    place: usize,
    source: &ApplicationSource,
    fetched: &Fetched,
    memory: &TargetMemory,
    rendered: &[Option<Arc<RenderedSource>>],
) -> Arc<RenderedSource> {
    let before = memory.rendered.get(place);
    let same = (rendered.iter().enumerate()).all(|(place, now)| match (now, memory.rendered.get(place)) {
        (Some(now), Some(before)) => Arc::ptr_eq(now, before),
        (None, _) => true,
        (Some(_), None) => false,
    });
    if let Some(before) = before.filter(|_| same && !is_pinned(what, place)) {
        return Arc::clone(before);
    }
    let borrowed = rendered.iter().flatten().flat_map(|rendered| &rendered.borrowed);
    let reads: Vec<&ReadSet> =
        borrowed.filter(|(name, _)| *name == source.ref_name).map(|(_, reads)| reads).collect();
    let revision = revision_of(what, place, source, fetched, &reads).await;
    Arc::new(RenderedSource::lender(revision))
}

fn is_pinned(what: Obtaining<'_>, place: usize) -> bool {
    what.ask.pinned.get(place).is_some_and(|revision| !revision.is_empty())
}

/// The wanted set of an application whose repository is a directory on this machine (the command line only).
pub(crate) async fn from_directory(
    shared: &Shared,
    view: &View,
    app: &Application,
    memory: &mut TargetMemory,
    directory: &std::path::Path,
) -> Result<(Arc<WantedSet>, Findings), Findings> {
    let store = source::open_dir(directory);
    let store = store.map_err(|error| Findings::one(ConditionType::ComparisonError, error.to_string()))?;
    from_store(shared, view, app, memory, Arc::new(store)).await
}

/// The wanted set of an application whose repository's files are these.
pub(crate) async fn from_store(
    shared: &Shared,
    view: &View,
    app: &Application,
    memory: &mut TargetMemory,
    store: Arc<dyn Store>,
) -> Result<(Arc<WantedSet>, Findings), Findings> {
    let mut findings = Findings::default();
    let refused = |message: String| Findings::one(ConditionType::ComparisonError, message);
    let tree = Tree { revision: String::new(), store };
    let mut rendered = Vec::new();
    let lent: BTreeMap<&str, &Tree> =
        app.spec.sources().iter().map(|source| (source.ref_name.as_str(), &tree)).collect();
    let mut look = Look::new(shared, view, Freshness::Since(Instant::now()), Seen::new());
    for source in app.spec.sources().iter().filter(|source| !lends_only(source)) {
        let done = render_tree(app, source, (&tree, &lent), Supplied::default(), &mut look).await;
        let done = done.map_err(refused)?;
        rendered.push(Arc::new(done));
    }
    findings.extend(look.findings);
    let set = name_and_track(view, app, memory, &rendered).map_err(refused)?;
    findings.extend(set.findings.clone());
    Ok((set, findings))
}

async fn render(
    what: Obtaining<'_>,
    place: usize,
    source: &ApplicationSource,
    fetched: &Fetched,
    (lent, before): (&BTreeMap<&str, &Tree>, Option<&Arc<RenderedSource>>),
    look: &mut Look<'_>,
) -> Result<Arc<RenderedSource>, String> {
    let Obtaining { view, app, .. } = what;
    let (tree, pinned) = (&fetched.tree, is_pinned(what, place));
    let mut supplied = Supplied::default();
    if let Some(before) = before
        && before.inputs == inputs(source, &view.settings)
        && before.surroundings.is_none_or(|own| own == surroundings_of(view, app, &before.tool))
        && (!(pinned || before.of_the_revision) || before.revision == tree.revision)
        && holds(before, tree, lent)
    {
        if bases_hold(before, look).await? {
            return Ok(Arc::clone(before));
        }
        supplied.again(look, &before.bases).await?;
    }
    let mut done = render_tree(app, source, (tree, lent), supplied, look).await?;
    look.settle(app, &mut done.bases).await;
    if !pinned && !done.of_the_revision {
        done.revision = revision_of(what, place, source, fetched, &[&done.reads]).await;
    }
    Ok(Arc::new(done))
}

/// Whether the files that a render read are the same in these trees.
fn holds(before: &RenderedSource, tree: &Tree, lent: &BTreeMap<&str, &Tree>) -> bool {
    let same = |reads: &ReadSet, store: &dyn Store| matches!(reads.holds(store), Ok(true));
    same(&before.reads, tree.store.as_ref())
        && before
            .borrowed
            .iter()
            .all(|(name, reads)| lent.get(name.as_str()).is_some_and(|tree| same(reads, tree.store.as_ref())))
}

/// The same for what it read of other repositories, as they are now. `Err`: one cannot be had, or may not be read any more.
async fn bases_hold(before: &RenderedSource, look: &mut Look<'_>) -> Result<bool, String> {
    for address in &before.addresses {
        permitted(look.view, address, address)?;
    }
    for base in &before.bases {
        if !look.holds(base).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What one render gave: its result, or why there is none, which may be what has to be fetched for it.
type Outcome<T> = Result<T, render::RenderError>;

/// Renders one source. What has to be fetched for it is fetched.
async fn render_tree(
    app: &Application,
    source: &ApplicationSource,
    (tree, lent): (&Tree, &BTreeMap<&str, &Tree>),
    mut supplied: Supplied,
    look: &mut Look<'_>,
) -> Result<RenderedSource, String> {
    for _ in 0..SUPPLY_ROUNDS {
        match render_once(look, app, source, tree, lent, &supplied).await? {
            Ok(done) => return Ok(done),
            Err(render::RenderError::Needs(needs)) => {
                if let [render::Need::Plugin(need)] = needs.as_slice() {
                    let asked = plugin::ask(look, app, source, tree, need).await;
                    supplied.plugin = Some(asked.map_err(|message| at(source, tree, message))?);
                    continue;
                }
                let done = supply(look, source, &needs, &mut supplied).await;
                done.map_err(|message| at(source, tree, message))?;
            }
            Err(error) => {
                look.lacking |= is_of_the_store(&error);
                return Err(at(source, tree, chain(&error)));
            }
        }
    }
    Err(at(source, tree, NEVER_ENOUGH.to_owned()))
}

/// A message with the revision that it is about.
pub(crate) fn at(source: &ApplicationSource, tree: &Tree, message: String) -> String {
    match tree.shown() {
        "" => message,
        shown if is_commit(&tree.revision) => format!("{message} (commit {shown})"),
        shown => format!("{message} ({} {shown})", source.chart),
    }
}

/// Whether files could not be read from where we keep them, rather than that they are wrong: they are fetched again.
fn is_of_the_store(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| matches!(cause.downcast_ref(), Some(FileError::Store { .. })))
}

async fn render_once(
    look: &Look<'_>,
    app: &Application,
    source: &ApplicationSource,
    tree: &Tree,
    lent: &BTreeMap<&str, &Tree>,
    supplied: &Supplied,
) -> Result<Outcome<RenderedSource>, String> {
    let (view, revision) = (look.view, tree.revision.clone());
    let inputs = inputs(source, &view.settings);
    let charts = surroundings_of(view, app, &ApplicationSourceType::Helm);
    let kustomizations = surroundings_of(view, app, &ApplicationSourceType::Kustomize);
    let work = move |request: &render::Request<'_>| {
        let rendered = render::render(request)?;
        let refs = request.context.refs.iter();
        let borrowed = refs.map(|(name, tree)| (name.clone(), tree.reads()));
        let bodies = rendered.manifests.into_iter().map(|m| Body::new(&m.object, m.origin.to_string()));
        Ok(RenderedSource {
            revision,
            inputs,
            surroundings: match rendered.tool {
                render::Tool::Directory => None,
                render::Tool::Kustomize => Some(kustomizations),
                render::Tool::Helm | render::Tool::Plugin => Some(charts),
            },
            bases: Vec::new(),
            addresses: Vec::new(),
            of_the_revision: rendered.of_the_revision,
            tool: rendered.tool.into(),
            reads: request.tree.reads(),
            borrowed: borrowed.filter(|(_, reads)| !reads.is_empty()).collect(),
            manifests: bodies.collect(),
            warnings: rendered.warnings,
        })
    };
    let (done, bases) = with_files(look, app, source, (tree, lent), supplied, work).await?;
    look.shared.metrics.rendered();
    Ok(done.map(|done| RenderedSource { bases, addresses: supplied.addresses(), ..done }))
}

/// Does something with the files of a source, as renders do: on the blocking pool, at most so many at a time, on record while it goes on.
/// The answer tells what was read of bases, too.
pub(crate) async fn with_files<T: Send + 'static>(
    look: &Look<'_>,
    app: &Application,
    source: &ApplicationSource,
    (tree, lent): (&Tree, &BTreeMap<&str, &Tree>),
    supplied: &Supplied,
    work: impl FnOnce(&render::Request<'_>) -> Outcome<T> + Send + 'static,
) -> Result<(Outcome<T>, Vec<BaseReads>), String> {
    let (shared, view) = (look.shared, look.view);
    let path = TreePath::parse(&source.path).map_err(|error| error.to_string())?;
    let settings = &view.settings.settings;
    let tools = enabled_tools(settings);
    let made_from = crate::wanted::hash_of((inputs(source, &view.settings), &tree.revision));
    let journal = shared.journal.get();
    if let Some(why) = journal.and_then(|journal| journal.refusal(&view.name, made_from)) {
        return Err(why);
    }
    // Who is suspected of ending processes is rendered alone.
    let alone = journal.is_some_and(|journal| journal.is_suspect(&view.name));
    let permits = if alone { u32::try_from(shared.options.renders.max(1)).unwrap_or(1) } else { 1 };
    let renders = Arc::clone(&shared.renders);
    let permit = renders.acquire_many_owned(permits).await.map_err(|error| error.to_string())?;
    let (owned, name) = (source.clone(), app.metadata.name.clone());
    let (supplies, opened) = supplied.open();
    let plugins = plugin::are_there(shared, app).await;
    let over =
        |store: &Arc<dyn Store>| Arc::new(FileTree::new(Arc::clone(store), filetree::Limits::default()));
    let files = over(&tree.store);
    let mut context = render::Context {
        project: app.spec.project_name().to_owned(),
        revision: tree.revision.clone(),
        namespace: app.spec.destination.namespace.clone(),
        kube_version: view.to.cluster.server_version().to_owned(),
        api_versions: view.to.api_versions().names,
        refs: lent.iter().map(|(name, tree)| ((*name).to_owned(), over(&tree.store))).collect(),
        value_schemes: settings.helm_values_file_schemes.clone(),
        kustomize: settings.kustomize.clone(),
        supplies,
        plugins,
        world: Arc::new(|| Rc::new(sprig::Host::new(world::System))),
        templates: Some(Arc::clone(&shared.templates)),
        cancelled: None,
    };
    let usual = render::Limits::default();
    let combined_bytes = view.settings.params.directory_bytes.unwrap_or(usual.combined_bytes);
    let open = journal.map(|journal| journal.enter(&view.name, made_from));
    let work = within(RENDER_TIME, move |cancelled| {
        // The place is free when the thread is.
        let (_open, _permit) = (open, permit);
        context.cancelled = Some(cancelled);
        let limits = render::Limits { combined_bytes, ..usual };
        work(&render::Request {
            tree: &files,
            path: &path,
            application: &name,
            source: &owned,
            limits: &limits,
            tools,
            context: &context,
        })
    });
    let done = work.await.map_err(|error| format!("rendering {} failed: {error}", source.path))?;
    Ok((done, opened.reads()))
}

/// What charts and kustomizations depend on beside their files and the source's own words.
fn surroundings_of(view: &View, app: &Application, tool: &ApplicationSourceType) -> u64 {
    let kustomize = (*tool == ApplicationSourceType::Kustomize).then_some(&view.settings.settings.kustomize);
    crate::wanted::hash_of((
        kustomize,
        view.name.as_ref(),
        app.spec.project_name(),
        &app.spec.destination.namespace,
        view.to.cluster.server_version(),
        view.to.api_versions().id,
    ))
}

fn enabled_tools(settings: &api::settings::Settings) -> render::EnabledTools {
    render::EnabledTools {
        helm: settings.helm_enabled,
        kustomize: settings.kustomize_enabled,
        jsonnet: settings.jsonnet_enabled,
    }
}

/// The revision to show: the recorded one where its tree renders the same, so that a restart, or a commit that does not
/// touch the application, is no new revision of it.
async fn revision_of(
    what: Obtaining<'_>,
    place: usize,
    source: &ApplicationSource,
    fetched: &Fetched,
    reads: &[&ReadSet],
) -> String {
    let now = &fetched.tree.revision;
    if !is_pinned(what, place)
        && let Some(remote) = &fetched.git
        && let Some(recorded) = recorded_revision(what.app, place, source)
        && recorded != *now
        && is_commit(&recorded)
        && let Some(old) = old_tree(what.shared, remote, &recorded).await
        && reads.iter().all(|reads| matches!(reads.holds(old.as_ref()), Ok(true)))
    {
        return recorded;
    }
    now.clone()
}

async fn old_tree(shared: &Shared, remote: &Arc<Remote>, commit: &str) -> Option<Arc<dyn Store>> {
    let snapshot = shared.sources.snapshot(remote, commit).await.ok()?;
    Some(Arc::clone(&snapshot.store))
}

pub(crate) fn name_and_track(
    view: &View,
    app: &Application,
    memory: &mut TargetMemory,
    rendered: &[Arc<RenderedSource>],
) -> Result<Arc<WantedSet>, String> {
    let discovery = view.to.cluster.discovery();
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
    let excluded = |kind: &GroupKind| settings.filter.excluded(&kind.group, &kind.kind, &view.to.server);
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
    let mut refused = Findings::default();
    for key in set.objects.keys().chain(set.hooks.iter().map(|hook| &hook.key)) {
        if !view.to.cluster.looks_at(&key.namespace) {
            refused.add(ConditionType::ComparisonError, not_managed(view, key));
        }
        if let Some(why) = not_permitted(view, key) {
            refused.add(ConditionType::InvalidSpecError, why);
        }
    }
    set.refused = refused;
}

/// Says that an object lies where nobody looks, as the peer does.
fn not_managed(view: &View, key: &ResourceKey) -> String {
    let (kind, name, cluster) = (&key.kind, &key.name, view.to.name());
    if key.namespace.is_empty() {
        return format!(
            "Cluster level {kind} {name:?} can not be managed when in namespaced mode: the Secret of cluster {cluster} has namespaces \
             and not clusterResources"
        );
    }
    let namespace = &key.namespace;
    format!(
        "namespace {namespace:?} for {kind} {name:?} is not managed: it is not among the namespaces in the Secret of cluster {cluster}"
    )
}

/// Why the project does not permit an object, if it does not.
pub(crate) fn not_permitted(view: &View, key: &ResourceKey) -> Option<String> {
    let limits = &view.project.limits;
    let namespaced = !key.namespace.is_empty();
    let verdict = limits.permits_kind(&key.group_kind(), &key.name, namespaced).and_then(|()| {
        if !namespaced {
            return Ok(());
        }
        limits.permits_destination(&view.to.server, &view.to.name(), &key.namespace)
    });
    verdict.err().map(|denied| format!("{key}: {}", denied.message))
}
