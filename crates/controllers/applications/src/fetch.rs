//! From a source to its files: whom to ask, what the target revision means, and the tree of it.

use std::sync::Arc;
use std::time::Duration;

use api::{Application, ApplicationSource, ConditionType};
use charts::{ChartError, Resolved};
use cluster::chain;
use source::SourceError;

use crate::conditions::Findings;
use crate::obtain::{Ask, View};
use crate::remote::{Origin, origin};
use crate::repositories::{Remote, RepositoryKey};
use crate::shared::Shared;
use crate::sights::Seen;
use crate::signed::{self, At};
use crate::tree::Tree;
use crate::wanted::hash_of;

/// Whose sources are obtained, and how.
#[derive(Clone, Copy)]
pub(crate) struct Obtaining<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) view: &'a View,
    pub(crate) app: &'a Application,
    pub(crate) ask: &'a Ask<'a>,
}

/// A source whose files are here.
#[derive(Clone)]
pub(crate) struct Fetched {
    pub(crate) tree: Tree,
    /// The git server that they came from, if it was one.
    pub(crate) git: Option<Arc<source::Remote>>,
}

/// Why the files of a source are not here.
struct Lack {
    /// For people; empty where others say it.
    message: String,
    /// Whether asking again may help, with the repository saying nothing new.
    passing: bool,
}

impl From<String> for Lack {
    fn from(message: String) -> Self {
        Self { message, passing: false }
    }
}

impl Lack {
    fn of_git(place: &str, error: &SourceError) -> Self {
        Self { message: format!("{place}{}", chain(error)), passing: error.is_transient() }
    }
}

/// Resolves one source and makes its files available. A remote that fails is no reason to stop: what is known of it
/// is used, and a condition says so. Without files, the answer is whether asking again may help.
pub(crate) async fn fetch(
    what: Obtaining<'_>,
    place: usize,
    source: &ApplicationSource,
    findings: &mut Findings,
    seen: &mut Seen,
) -> Result<Fetched, bool> {
    let origin = match origin(&what.view.settings, source, what.view.project.limits.name()) {
        Ok(origin) => origin,
        Err(message) => {
            findings.add(ConditionType::ComparisonError, message);
            return Err(false);
        }
    };
    let found = match origin {
        Origin::Git(remote) => fetch_git(what, place, source, Arc::new(remote), findings, seen).await,
        Origin::Charts(remote) => fetch_chart(what, place, source, Arc::new(remote), findings, seen).await,
    };
    found.map_err(|Lack { message, passing }| {
        if !message.is_empty() {
            findings.add(ConditionType::ComparisonError, message);
        }
        passing
    })
}

async fn fetch_git(
    what: Obtaining<'_>,
    place: usize,
    source: &ApplicationSource,
    remote: Arc<source::Remote>,
    findings: &mut Findings,
    seen: &mut Seen,
) -> Result<Fetched, Lack> {
    let Obtaining { shared, view, app, ask } = what;
    let key = RepositoryKey::git(&remote.url, view.project.limits.name());
    seen.insert(key.clone(), 0);
    let asked = Remote::Git(Arc::clone(&remote));
    let next = poll_interval(&view.settings, &key.url);
    let answer = async || shared.repositories.answer(&key, &asked, ask.freshness, next).await;
    let pinned = ask.pinned.get(place).map(String::as_str).filter(|commit| !commit.is_empty());
    let mut answered = None;
    let commit = match pinned.filter(|commit| is_commit(commit)) {
        Some(commit) => commit.to_owned(),
        None => {
            let known = answered.insert(answer().await);
            seen.insert(key.clone(), known.version);
            let wish = pinned.unwrap_or(&source.target_revision);
            let recorded = recorded_revision(app, place, source)
                .filter(|recorded| *wish == source.target_revision && is_commit(recorded));
            match (known.refs(), &known.error) {
                (None, error) => {
                    let error = error.clone().unwrap_or_else(|| "not asked yet".to_owned());
                    let Some(recorded) = recorded else {
                        return Err(format!("{}: {error}", remote.url).into());
                    };
                    let message =
                        format!("{}: {error}; comparing with the last known commit {recorded}", remote.url);
                    findings.add(ConditionType::ComparisonError, message);
                    recorded
                }
                (Some(refs), error) => {
                    if let Some(error) = error {
                        findings.add(ConditionType::ComparisonError, last_known(&remote.url, error));
                    }
                    let found = shared.sources.revision(&remote, refs, wish, &source.tag_prefix).await;
                    found.map_err(|error| Lack::of_git("", &error))?.commit
                }
            }
        }
    };
    let snapshot = shared.sources.snapshot(&remote, &commit).await;
    let snapshot = snapshot.map_err(|error| Lack::of_git(&format!("commit {commit}: "), &error))?;
    if let Some(keys) = signed::asked(shared, view, source)? {
        let known = match answered {
            Some(known) => known,
            None => answer().await,
        };
        let tag = match known.refs() {
            Some(refs) => signed::tag_of(shared, source, &remote, refs, &snapshot.commit).await,
            None => None,
        };
        let tag = tag.as_ref().map(|(name, id)| (name.as_str(), id.as_str()));
        signed::check(shared, view, keys, At { remote: &remote, commit: &snapshot.commit, tag }).await?;
    }
    shared.repositories.hold(&key, &snapshot);
    let tree = Tree { revision: snapshot.commit.clone(), store: Arc::clone(&snapshot.store) };
    Ok(Fetched { tree, git: Some(remote) })
}

async fn fetch_chart(
    what: Obtaining<'_>,
    place: usize,
    source: &ApplicationSource,
    remote: Arc<charts::Remote>,
    findings: &mut Findings,
    seen: &mut Seen,
) -> Result<Fetched, Lack> {
    let Obtaining { shared, view, ask, .. } = what;
    if view.project.limits.integrity().is_ok_and(api::project::Integrity::is_for_git_only) {
        let url = &remote.url;
        return Err(format!(
            "{url} is no git repository: it is not signed, but the project requires a signature"
        )
        .into());
    }
    let pinned = ask.pinned.get(place).filter(|revision| !revision.is_empty());
    let revision = pinned.unwrap_or(&source.target_revision).clone();
    let key = RepositoryKey::charts(&remote.url, source, &revision, view.project.limits.name());
    seen.insert(key.clone(), 0);
    let next = poll_interval(&view.settings, &key.url);
    let asked = Remote::Charts(Arc::clone(&remote));
    let known = shared.repositories.answer(&key, &asked, ask.freshness, next).await;
    seen.insert(key.clone(), known.version);
    let Some(resolved) = known.chart() else {
        let error = known.error.unwrap_or_else(|| "not asked yet".to_owned());
        return Err(error.into());
    };
    if let Some(error) = &known.error {
        findings.add(ConditionType::ComparisonError, last_known(&remote.url, error));
    }
    if ask.afresh {
        shared.charts.forget(&remote, &source.chart, resolved);
    }
    let params = &view.settings.params;
    // What has a chart's name is a chart; what has none is an artifact of any files.
    let bytes =
        if source.chart.is_empty() { params.oci_extracted_bytes } else { params.helm_extracted_bytes };
    let usual = helm::ArchiveLimits::default();
    let limits = helm::ArchiveLimits { total_bytes: bytes.unwrap_or(usual.total_bytes), ..usual };
    let tree = match shared.repositories.held_chart(&key, resolved).filter(|_| !ask.afresh) {
        Some(tree) => tree,
        None => {
            let tree = open_chart(shared, &remote, resolved, limits).await?;
            shared.repositories.hold_chart(&key, resolved, &tree);
            tree
        }
    };
    Ok(Fetched { tree, git: None })
}

/// Fetches and unpacks a chart, in memory.
async fn open_chart(
    shared: &Shared,
    remote: &charts::Remote,
    resolved: &Resolved,
    limits: helm::ArchiveLimits,
) -> Result<Tree, Lack> {
    let lack = |error: ChartError| Lack { message: chain(&error), passing: error.is_transient() };
    let archive = shared.charts.fetch(remote, resolved).await.map_err(lack)?;
    let revision = resolved.revision();
    let shown = format!("{} {revision}", remote.url);
    let work = tokio::task::spawn_blocking(move || {
        // A chart has a directory of its own on top, which is no part of the tree.
        let files = if archive.media_type == charts::LAYER_HELM_CHART {
            helm::Archive::read(&archive.bytes, &limits)
        } else {
            helm::Archive::read_tree(&archive.bytes, &limits)
        };
        let files = files.map_err(|error| chain(&error))?;
        helm::ArchiveStore::new(&files).map_err(|error| error.to_string())
    });
    let store = work.await.map_err(|error| error.to_string()).and_then(|store| store);
    let store = store.map_err(|error| format!("{shown}: {error}"))?;
    Ok(Tree { revision, store: Arc::new(store) })
}

pub(crate) fn last_known(url: impl std::fmt::Display, error: &str) -> String {
    format!("{url}: {error}; comparing with the last known state of it")
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

/// The revision in the status, if it is one of this very source.
pub(crate) fn recorded_revision(
    app: &Application,
    place: usize,
    source: &ApplicationSource,
) -> Option<String> {
    let sync = &app.status.sync;
    let (compared, revision) = if app.spec.has_multiple_sources() {
        (sync.compared_to.sources.get(place)?, sync.revisions.get(place)?)
    } else {
        (sync.compared_to.source.as_ref()?, &sync.revision)
    };
    (compared == source).then(|| revision.clone())
}

/// A full object id, SHA-1 or SHA-256.
pub(crate) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}
