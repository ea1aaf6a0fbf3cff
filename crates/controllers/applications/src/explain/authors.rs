//! Who last wrote what git wants.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use api::{ApplicationSource, ApplicationSourceType};
use compare::Place;
use filetree::{ContentId, Store, TreePath};
use jiff::Timestamp;
use resource::{Object, ResourceKey};
use serde_json::Value;
use source::Change;
use why::Commit;

use super::Found;
use crate::fetch::is_commit;
use crate::remote::{Origin, origin};
use crate::wanted::RenderedSource;

/// States of one file that are read for one answer.
const STATES: usize = 200;
/// Bytes of a file that is read for it.
const FILE_BYTES: u64 = 4 << 20;

/// Objects that are looked at to tell which source has one.
const BODIES: usize = 100;

/// What is asked: an object and a place in it (or the whole), at some revisions.
type Asked = (Vec<String>, ResourceKey, String);

/// Answers, as long as they are asked for.
#[derive(Default)]
pub(super) struct Authors {
    known: Answers,
    used: Answers,
    left: usize,
}

#[derive(Default)]
struct Answers {
    places: BTreeMap<Asked, Option<Commit>>,
    /// Of renders as a whole: by source and revision.
    renders: BTreeMap<(usize, String), Option<Commit>>,
}

impl Authors {
    /// What is asked for from now on is kept; at most so many questions are answered.
    pub(super) fn begin(&mut self, at_most: usize) {
        (self.known, self.left) = (std::mem::take(&mut self.used), at_most);
    }

    pub(super) fn end(&mut self) {
        self.known = Answers::default();
    }

    /// The commit that last wrote git's value at a place of an object, or the object.
    ///
    /// **Shape**: of a plain manifest it is the commit that changed the value; where that cannot be told, and of charts and
    /// kustomizations, the newest commit that touched what the render read. `None` where it does not come from git, or lies further
    /// back than is looked.
    pub(super) async fn of(
        &mut self,
        found: Found<'_>,
        key: &ResourceKey,
        place: Option<&Place>,
    ) -> Option<Commit> {
        let (wanted, rendered) = found.wanted?;
        // What is known counts, too, so that the next pass tells the same.
        self.left = self.left.checked_sub(1)?;
        let asked = (wanted.revisions.clone(), key.clone(), format!("{place:?}"));
        let answer = match self.known.places.remove(&asked) {
            Some(known) => known,
            None => {
                let body = &wanted.objects.get(key)?.body;
                let object = body.object()?;
                let at = place_of(rendered, &body.origin, &object)?;
                let source = rendered.get(at)?;
                let file = manifest_file(&body.origin);
                match file.filter(|_| source.tool == ApplicationSourceType::Directory) {
                    Some(file) => of_file(found, (at, source), &file, &object, place).await,
                    None => self.of_render(found, at, rendered).await,
                }
            }
        };
        self.used.places.insert(asked, answer.clone());
        answer
    }

    async fn of_render(
        &mut self,
        found: Found<'_>,
        at: usize,
        rendered: &[Arc<RenderedSource>],
    ) -> Option<Commit> {
        let source = rendered.get(at)?;
        let asked = (at, source.revision.clone());
        if let Some(answer) = self.used.renders.get(&asked) {
            return answer.clone();
        }
        let answer = match self.known.renders.remove(&asked) {
            Some(known) => known,
            None => of_render(found, (at, source), rendered).await,
        };
        self.used.renders.insert(asked, answer.clone());
        answer
    }
}

/// The place of the source that has this object from there; of several the last, as in the wanted set.
fn place_of(rendered: &[Arc<RenderedSource>], origin: &str, object: &Object) -> Option<usize> {
    let has_manifests = |source: &&Arc<RenderedSource>| !source.manifests.is_empty();
    if rendered.iter().filter(has_manifests).count() == 1 {
        return rendered.iter().position(|source| !source.manifests.is_empty());
    }
    let mut left = BODIES;
    rendered.iter().rposition(|source| {
        source.manifests.iter().filter(|body| *body.origin == *origin).any(|body| {
            left = left.saturating_sub(1);
            left > 0
                && body
                    .object()
                    .is_some_and(|other| other.kind() == object.kind() && other.name() == object.name())
        })
    })
}

async fn of_file(
    found: Found<'_>,
    (at, source): (usize, &RenderedSource),
    file: &TreePath,
    object: &Object,
    place: Option<&Place>,
) -> Option<Commit> {
    let wish = found.app.spec.sources().get(at)?;
    let exhausted = Arc::new(AtomicBool::new(false));
    let said = says(file.clone(), object, place.cloned(), Arc::clone(&exhausted));
    let mut change = last_change(found, wish, &source.revision, said).await;
    if change.is_none() || exhausted.load(Ordering::Relaxed) {
        let (path, mut first) = (file.clone(), None);
        let same = move |store: &dyn Store| {
            let now = store.entry(&path).ok().flatten();
            now.is_some() && *first.get_or_insert(now) == now
        };
        change = last_change(found, wish, &source.revision, same).await;
    }
    change.map(|change| commit(change, file.as_str()))
}

async fn of_render(
    found: Found<'_>,
    (at, source): (usize, &RenderedSource),
    rendered: &[Arc<RenderedSource>],
) -> Option<Commit> {
    let sources = found.app.spec.sources();
    let reads = source.reads.clone();
    let same = move |store: &dyn Store| matches!(reads.holds(store), Ok(true));
    let mut changes = Vec::new();
    changes.extend(last_change(found, sources.get(at)?, &source.revision, same).await);
    // Files that another source lends it, the values of a chart.
    for (name, reads) in &source.borrowed {
        let lender = sources.iter().position(|source| source.ref_name == *name);
        let lender = lender.and_then(|at| Some((sources.get(at)?, rendered.get(at)?)));
        let Some((lender, lent)) = lender else { continue };
        let reads = reads.clone();
        let same = move |store: &dyn Store| matches!(reads.holds(store), Ok(true));
        changes.extend(last_change(found, lender, &lent.revision, same).await);
    }
    changes.into_iter().max_by_key(|change| change.date).map(|change| commit(change, ""))
}

async fn last_change(
    found: Found<'_>,
    source: &ApplicationSource,
    revision: &str,
    same: impl FnMut(&dyn Store) -> bool + Send + 'static,
) -> Option<Change> {
    let view = found.judge.view;
    let Ok(Origin::Git(remote)) = origin(&view.settings, source, view.project.limits.name()) else {
        return None;
    };
    if !is_commit(revision) {
        return None;
    }
    // It is told without its author where that cannot be had.
    found.judge.shared.sources.last_change(&remote, revision, found.limits.commits, same).await.ok().flatten()
}

fn commit(change: Change, file: &str) -> Commit {
    let at = Timestamp::from_second(change.date).map(api::format_time).unwrap_or_default();
    Commit { id: change.commit, author: change.author, at, subject: change.subject, file: file.to_owned() }
}

/// The file of a manifest, from where it comes (`apps/web.yaml:3`).
fn manifest_file(origin: &str) -> Option<TreePath> {
    let (file, line) = origin.rsplit_once(':')?;
    let plain = [".yaml", ".yml", ".json"].iter().any(|end| file.ends_with(end));
    (plain && line.bytes().all(|b| b.is_ascii_digit())).then(|| TreePath::parse(file).ok())?
}

/// Whether a file of another commit has the same at a place of an object as in the one that is looked at first.
fn says(
    file: TreePath,
    object: &Object,
    place: Option<Place>,
    exhausted: Arc<AtomicBool>,
) -> impl FnMut(&dyn Store) -> bool + Send + 'static {
    let (kind, name) = (object.kind().to_owned(), object.name().to_owned());
    let mut seen: HashMap<ContentId, bool> = HashMap::new();
    let mut first: Option<Option<Value>> = None;
    move |store| {
        let Ok(Some((_, id))) = store.entry(&file) else { return false };
        if let Some(same) = seen.get(&id) {
            return *same;
        }
        if seen.len() >= STATES {
            exhausted.store(true, Ordering::Relaxed);
            return false;
        }
        let value = match manifest(store, &file, &kind, &name) {
            Some(object) => match &place {
                Some(place) => Some(place.value_in(&object).cloned()),
                None => Some(Some(object.into_value())),
            },
            None => None,
        };
        let same = value.is_some_and(|value| *first.get_or_insert_with(|| value.clone()) == value);
        seen.insert(id, same);
        same
    }
}

/// An object of a file, as it is written there.
fn manifest(store: &dyn Store, file: &TreePath, kind: &str, name: &str) -> Option<Object> {
    let text = store.read(file, FILE_BYTES).ok()?;
    let documents = goyaml::parse_all(&text, &goyaml::Limits::default()).ok()?;
    let items = documents.into_iter().flat_map(|document| match document.value {
        Value::Object(mut list) if list.get("items").is_some_and(Value::is_array) => {
            match list.remove("items") {
                Some(Value::Array(items)) => items,
                other => other.into_iter().collect(),
            }
        }
        value => vec![value],
    });
    let mut objects = items.filter_map(|value| Object::from_value(value).ok());
    objects.find(|object| object.kind() == kind && object.name() == name)
}

#[cfg(test)]
mod tests {
    use filetree::MemoryStore;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_says_the_same_as_long_as_the_value_is_the_same() {
        let state = |replicas: u32, image: &str, comment: &str| {
            let text = format!(
                "{comment}\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{replicas: {replicas}, image: {image}}}\n"
            );
            MemoryStore::from_files([("a.yaml", text.as_str())]).unwrap()
        };
        let value = |replicas: Value| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": replicas}});
        let live = Object::from_value(value(json!(5))).unwrap();
        let git = Object::from_value(value(json!(2))).unwrap();
        let compare::Verdict::OutOfSync(fields) =
            compare::compare_predicted(&live, &git, &compare::Rules::default())
        else {
            panic!("they differ")
        };
        let place = fields[0].place.clone();
        let exhausted = Arc::new(AtomicBool::new(false));
        let file = TreePath::parse("a.yaml").unwrap();
        let says = |place: Option<Place>| says(file.clone(), &git, place, Arc::clone(&exhausted));
        let empty = MemoryStore::from_files([("b.yaml", "")]).unwrap();
        for (reason, place, states, expected) in [
            (
                "the field",
                Some(place.clone()),
                vec![state(2, "a", ""), state(2, "b", ""), state(2, "b", "# x"), state(3, "b", "")],
                vec![true, true, true, false],
            ),
            (
                "the object",
                None,
                vec![state(2, "a", ""), state(2, "a", "# x"), state(2, "b", "")],
                vec![true, true, false],
            ),
            ("no such file", Some(place.clone()), vec![state(2, "a", ""), empty.clone()], vec![true, false]),
            ("not there at all", Some(place), vec![empty], vec![false]),
        ] {
            let mut says = says(place);
            let found: Vec<bool> = states.iter().map(|state| says(state)).collect();
            assert_eq!(found, expected, "{reason}");
        }
        let mut says = says(None);
        for n in 0..=STATES {
            says(&state(2, "a", &format!("# {n}")));
        }
        assert!(exhausted.load(Ordering::Relaxed), "the number of states is bounded");
    }

    #[test]
    fn only_plain_manifests_have_a_file() {
        for (origin, file) in [
            ("apps/web.yaml:3", Some("apps/web.yaml")),
            ("a.json:1", Some("a.json")),
            ("a.jsonnet:1", None),
            ("chart/templates/web.yaml", None),
        ] {
            assert_eq!(manifest_file(origin).as_ref().map(TreePath::as_str), file, "{origin}");
        }
    }
}
