//! A repository's news, carried to the applications that they concern.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Application, ApplicationSource};
use source::Snapshot;

use crate::fetch::poll_interval;
use crate::remote::{Origin, origin};
use crate::repositories::{Freshness, Question, Remote, RepositoryKey};
use crate::shared::{AppName, Shared};

/// Whether any application reads from this repository.
pub(crate) fn is_used(shared: &Shared, key: &RepositoryKey) -> bool {
    let mut used = false;
    shared.each_app(|_, app| used |= uses(app, key));
    used || !shared.readers(key).is_empty()
}

/// Whether an application has a source of this repository. Others may read from it what a kustomization names.
fn uses(app: &Application, key: &RepositoryKey) -> bool {
    app.spec.project_name() == key.project && app.spec.sources().iter().any(|source| key.is_of(source))
}

/// Queues the applications of a repository whose answer is another one than before.
///
/// Those that would read from the new commit what they were rendered from are left alone, since a pass over them would
/// come to the same: so a commit costs by what it touches, not by how many share the repository. Whatever cannot be
/// told for sure puts an application into the queue.
pub(crate) async fn announce(shared: &Arc<Shared>, key: &RepositoryKey) {
    let mut readers: BTreeMap<(String, String), (ApplicationSource, Vec<AppName>)> = BTreeMap::new();
    let mut concerned = Vec::new();
    shared.each_app(|name, app| match app.spec.sources() {
        [source] if key.question == Question::Refs && uses(app, key) => {
            let wish = (source.target_revision.clone(), source.tag_prefix.clone());
            readers.entry(wish).or_insert_with(|| (source.clone(), Vec::new())).1.push(Arc::clone(name));
        }
        _ if uses(app, key) => concerned.push(Arc::clone(name)),
        _ => {}
    });
    let mut others = shared.readers(key);
    readers.values().flat_map(|(_, names)| names).chain(&concerned).for_each(|name| {
        others.remove(name);
    });
    concerned.extend(others);
    for (source, names) in readers.into_values() {
        match tree_of(shared, key, &source).await {
            Some((snapshot, version)) => {
                let answer = (key.clone(), version);
                concerned.extend(touched(Arc::clone(shared), snapshot, answer, names).await);
            }
            None => concerned.extend(names),
        }
    }
    concerned.into_iter().for_each(|name| shared.queue.add(name));
}

/// The commit that a source asks for now, if it can be had without anything being wrong, and which answer says so.
async fn tree_of(
    shared: &Shared,
    key: &RepositoryKey,
    source: &ApplicationSource,
) -> Option<(Arc<Snapshot>, u64)> {
    let settings = shared.settings.current();
    let Ok(Origin::Git(remote)) = origin(&settings, source, &key.project) else { return None };
    let remote = Arc::new(remote);
    let next = poll_interval(&settings, &key.url);
    let asked = Remote::Git(Arc::clone(&remote));
    let known = shared.repositories.answer(key, &asked, Freshness::Known, next).await;
    let refs = known.refs().filter(|_| known.error.is_none())?;
    let wish =
        shared.sources.revision(&remote, refs, &source.target_revision, &source.tag_prefix).await.ok()?;
    let snapshot = shared.sources.snapshot(&remote, &wish.commit).await.ok()?;
    shared.repositories.hold(key, &snapshot);
    Some((snapshot, known.version))
}

/// Those of `names` that read something else from this commit, or of which that cannot be told. The others have seen the
/// repository's answer by this.
async fn touched(
    shared: Arc<Shared>,
    snapshot: Arc<Snapshot>,
    answer: (RepositoryKey, u64),
    names: Vec<AppName>,
) -> Vec<AppName> {
    let all = names.clone();
    let look = move || {
        let untouched = |name: &AppName| {
            let memory = shared.memory(name);
            let Ok(memory) = memory.try_lock() else { return false };
            let [rendered] = memory.spec.rendered.as_slice() else { return false };
            // What it names in another place of the same repository may be another branch.
            let apart = rendered.bases.iter().all(|base| base.key != answer.0);
            let same = apart
                && memory.spec.sound
                && matches!(rendered.reads.holds(snapshot.store.as_ref()), Ok(true));
            same && shared.saw(name, &answer.0, answer.1)
        };
        names.into_iter().filter(|name| !untouched(name)).collect()
    };
    tokio::task::spawn_blocking(look).await.unwrap_or(all)
}
