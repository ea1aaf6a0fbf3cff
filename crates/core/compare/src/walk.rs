//! The comparison by the server's own bookkeeping.

use merge::{FieldSet, Node, Path, PathElement};
use resource::Object;
use serde_json::{Map, Value};

use crate::FIELD_MANAGER;
use crate::managed::{self, LAST_APPLIED};
use crate::pair::Pair;
use crate::path;
use crate::rules::Rules;
use crate::same::{Same, absent, is_empty, same};
use crate::verdict::{FieldDiff, Verdict, Why};

/// Differences beyond this number are not listed.
pub(crate) const MAX_DIFFS: usize = 200;

/// Compares git with the cluster by the set of fields that we own, without a request.
///
/// **Shape.** `Synced` when every field of git is ours and has git's value, and nothing is ours that git no longer has.
/// `OutOfSync` when another manager has written a value that cannot mean the same as git's, or when a client-side
/// apply has left a field that git no longer has. `AskServer` for all else: a field of ours that differs may have been
/// changed by a webhook when we applied it, one that git gained may be the server's default already, one that
/// git lost may have one.
/// **Source.** Structured-merge-diff's ownership; the peer compares by last-applied or always asks the server.
pub fn compare(desired: &Object, live: &Object, rules: &Rules) -> Verdict {
    let pair = Pair::new(desired, live, rules);
    if let Some(problem) = &pair.problem {
        return Verdict::AskServer(Why::RuleFailed {
            rule: problem.rule.clone(),
            reason: problem.reason.clone(),
        });
    }
    let removed = removed_since_last_applied(&pair);
    let Some(entry) = managed::ours(live) else {
        // The server keeps no entry for an apply of nothing but a name.
        let why = if names_only(&pair.desired) { None } else { Some(Why::NotAppliedByUs) };
        return verdict(removed, why);
    };
    for version in [entry.api_version(), live.api_version()] {
        if version != desired.api_version() {
            return verdict(removed, Some(Why::OtherVersion { applied: version.to_owned() }));
        }
    }
    let Some(fields) = entry.fields() else { return verdict(removed, Some(Why::UnreadableOwnership)) };
    let mut walk = Walk { pair: &pair, path: Vec::new(), certain: removed, why: None };
    if let (Value::Object(desired), Value::Object(live)) = (&pair.desired, &pair.live) {
        walk.map(&fields, desired, live);
    }
    verdict(walk.certain, walk.why)
}

/// Compares an object that we have not applied yet: what is certain is only what a client-side apply left behind.
pub fn compare_unowned(desired: &Object, live: &Object, rules: &Rules) -> Verdict {
    verdict(removed_since_last_applied(&Pair::new(desired, live, rules)), Some(Why::NotAppliedByUs))
}

/// Whether git says no more than which object it is.
fn names_only(desired: &Value) -> bool {
    let fields = desired.as_object().into_iter().flatten();
    let rest = fields.filter(|(field, _)| !matches!(field.as_str(), "apiVersion" | "kind"));
    rest.into_iter().all(|(field, value)| match value {
        Value::Object(map) if field == "metadata" => {
            map.iter().all(|(field, value)| matches!(field.as_str(), "name" | "namespace") || is_empty(value))
        }
        value => is_empty(value),
    })
}

fn verdict(mut certain: Vec<FieldDiff>, why: Option<Why>) -> Verdict {
    certain.truncate(MAX_DIFFS);
    match why {
        _ if !certain.is_empty() => Verdict::OutOfSync(certain),
        Some(why) => Verdict::AskServer(why),
        None => Verdict::Synced,
    }
}

/// Fields that a client-side apply has applied, that git no longer has, and that the cluster still has: they will go,
/// since the first apply takes such fields over. Defaults are owned by the same entry, but are not in the annotation.
fn removed_since_last_applied(pair: &Pair<'_>) -> Vec<FieldDiff> {
    let Some(annotation) = pair.original.annotation(LAST_APPLIED) else { return Vec::new() };
    let Ok(applied @ Value::Object(_)) = serde_json::from_str::<Value>(annotation) else { return Vec::new() };
    let mut owned = FieldSet::new();
    // Ours as well: while the annotation is there, the takeover may be done and the apply not.
    let entries = managed::foldable(pair.original).into_iter().chain(managed::ours(pair.original));
    for fields in entries.filter_map(managed::Entry::fields) {
        owned.extend(&fields);
    }
    let mut removed = Vec::new();
    below(&owned, &applied, pair, &mut Vec::new(), &mut removed);
    removed
}

fn below(owned: &FieldSet, applied: &Value, pair: &Pair<'_>, at: &mut Path, removed: &mut Vec<FieldDiff>) {
    for node in owned.nodes() {
        at.push(node.element.clone());
        if path::find(applied, at).is_some_and(|value| !is_empty(value)) {
            let live = path::find(&pair.live, at).filter(|value| !is_empty(value));
            match path::find(&pair.desired, at) {
                Some(_) => below(&node.children, applied, pair, at, removed),
                None => removed.extend(live.map(|live| pair.diff(at, None, Some(live)))),
            }
        }
        at.pop();
    }
}

struct Walk<'a> {
    pair: &'a Pair<'a>,
    path: Path,
    certain: Vec<FieldDiff>,
    /// The first reason to ask.
    why: Option<Why>,
}

impl Walk<'_> {
    fn ask(&mut self, why: fn(String) -> Why) {
        if self.why.is_none() {
            self.why = Some(why(path::display(&self.path)));
        }
    }

    fn within(&mut self, element: PathElement, visit: impl FnOnce(&mut Self)) {
        self.path.push(element);
        visit(self);
        self.path.pop();
    }

    /// A map of which we own some fields.
    fn map(&mut self, owned: &FieldSet, desired: &Map<String, Value>, live: &Map<String, Value>) {
        for (name, wanted) in desired {
            if !self.names_the_object(name) {
                let node = owned.get_field(name);
                self.within(PathElement::field(name), |walk| walk.value(node, wanted, live.get(name)));
            }
        }
        for node in owned.nodes() {
            if let PathElement::Field(name) = &node.element
                && !desired.contains_key(name)
                && let Some(has) = live.get(name)
            {
                self.within(node.element.clone(), |walk| walk.gone(node, has));
            }
        }
    }

    /// The fields that nobody owns: they say which object it is.
    fn names_the_object(&self, name: &str) -> bool {
        match self.path.as_slice() {
            [] => matches!(name, "apiVersion" | "kind"),
            [PathElement::Field(parent)] if parent == "metadata" => matches!(name, "name" | "namespace"),
            _ => false,
        }
    }

    fn value(&mut self, node: Option<&Node>, desired: &Value, live: Option<&Value>) {
        let Some(live) = live.filter(|live| !live.is_null()) else {
            if self.absent(desired) != Same::Yes {
                self.ask(|path| Why::NotOwned { path });
            }
            return;
        };
        let Some(node) = node else { return self.not_owned(desired, live) };
        match (desired, live) {
            _ if node.children.is_empty() => self.leaf(desired, live),
            (Value::Object(desired), Value::Object(live)) => self.map(&node.children, desired, live),
            (Value::Array(desired), Value::Array(live)) => self.list(&node.children, desired, live),
            _ if is_empty(desired) => self.gone(node, live),
            _ => self.ask(|path| Why::Differs { path }),
        }
    }

    /// A field that is ours as a whole.
    fn leaf(&mut self, desired: &Value, live: &Value) {
        match self.same(desired, live) {
            Same::Yes => {}
            Same::Perhaps => self.ask(|path| Why::MayBeSame { path }),
            Same::No => self.ask(|path| Why::Differs { path }),
        }
    }

    /// A field of git that is not ours, or ours no longer, because somebody else has written it since.
    fn not_owned(&mut self, desired: &Value, live: &Value) {
        if is_empty(desired) && is_empty(live) {
            return;
        }
        if let (Value::Object(desired), Value::Object(live)) = (desired, live)
            && !desired.is_empty()
        {
            return self.map(&FieldSet::new(), desired, live);
        }
        if self.same(desired, live) == Same::No {
            let diff = self.pair.diff(&self.path, Some(desired), Some(live));
            // Of a list that is merged, git may have its part all the same.
            let merged = live.is_array() && !managed::owned_whole(self.pair.original, &self.path);
            // Under our own name it may be a webhook that answers to every apply.
            if !merged && diff.manager.as_deref().is_some_and(|manager| manager != FIELD_MANAGER) {
                return self.certain.push(diff);
            }
        }
        self.ask(|path| Why::NotOwned { path });
    }

    /// Something of ours that git does not have.
    fn gone(&mut self, node: &Node, live: &Value) {
        if self.absent(live) == Same::Yes {
            return;
        }
        if node.children.is_empty() {
            return self.ask(|path| Why::NoLongerDesired { path });
        }
        for child in node.children.nodes() {
            if let Some((_, has)) = path::child(live, &child.element) {
                self.within(child.element.clone(), |walk| walk.gone(child, has));
            }
        }
        // An item that holds only its key is ours as well.
        if node.member && matches!(node.element, PathElement::Key(_) | PathElement::Value(_)) {
            self.ask(|path| Why::NoLongerDesired { path });
        }
    }

    /// A list of which we own some items, by key or by value.
    fn list(&mut self, owned: &FieldSet, desired: &[Value], live: &[Value]) {
        if owned
            .nodes()
            .iter()
            .any(|node| matches!(node.element, PathElement::Field(_) | PathElement::Index(_)))
        {
            return self.leaf(&Value::from(desired), &Value::from(live));
        }
        let mut matched = vec![false; owned.nodes().len()];
        let mut last = None;
        for wanted in desired {
            let Some((index, node)) = item_node(owned, wanted).filter(|(index, _)| !matched[*index]) else {
                self.item_not_owned(owned, wanted, live);
                continue;
            };
            matched[index] = true;
            let found = live.iter().enumerate().find(|(_, has)| is_item_strictly(&node.element, has));
            self.within(node.element.clone(), |walk| match found {
                Some((_, has)) if matches!(node.element, PathElement::Key(_)) => {
                    walk.value(Some(node), wanted, Some(has))
                }
                Some(_) => {}
                None => walk.ask(|path| Why::NotOwned { path }),
            });
            if let Some((position, _)) = found {
                if last.is_some_and(|last| position < last) {
                    self.ask(|path| Why::Order { path });
                }
                last = Some(position);
            }
        }
        for (node, _) in owned.nodes().iter().zip(matched).filter(|(_, matched)| !matched) {
            if let Some(has) = live.iter().find(|has| is_item_strictly(&node.element, has)) {
                self.within(node.element.clone(), |walk| walk.gone(node, has));
            }
        }
    }

    /// An item of git that is not ours. Its key is made of the names that the keys of ours have.
    fn item_not_owned(&mut self, owned: &FieldSet, wanted: &Value, live: &[Value]) {
        let names = owned.nodes().iter().find_map(|node| match &node.element {
            PathElement::Key(keys) => Some(keys.keys()),
            PathElement::Field(_) | PathElement::Value(_) | PathElement::Index(_) => None,
        });
        let key = names.and_then(|names| {
            let pairs = names.map(|name| Some((name.clone(), wanted.get(name)?.clone())));
            pairs.collect::<Option<_>>().map(PathElement::Key)
        });
        let Some(key) = key else { return self.ask(|path| Why::NotOwned { path }) };
        let found = live.iter().find(|has| is_item_strictly(&key, has));
        self.within(key, |walk| walk.value(None, wanted, found));
    }

    fn same(&self, desired: &Value, live: &Value) -> Same {
        same(desired, live, &mut self.place(), self.pair.kind)
    }

    fn absent(&self, value: &Value) -> Same {
        absent(value, &self.place(), self.pair.kind)
    }

    /// The path without its lists.
    fn place(&self) -> Vec<&str> {
        let names = self.path.iter().filter_map(|element| match element {
            PathElement::Field(name) => Some(name.as_str()),
            PathElement::Key(_) | PathElement::Value(_) | PathElement::Index(_) => None,
        });
        names.collect()
    }
}

/// The node that an item of git belongs to, if it is certain which. A key that it leaves out has a default: where
/// that leaves a choice, `TCP`, the only default that Kubernetes has for a key.
fn item_node<'a>(owned: &'a FieldSet, wanted: &Value) -> Option<(usize, &'a Node)> {
    let found: Vec<_> =
        owned.nodes().iter().enumerate().filter(|(_, node)| is_item(&node.element, wanted)).collect();
    match found.as_slice() {
        [one] => Some(*one),
        several => {
            let with_default = several.iter().filter(|(_, node)| match &node.element {
                PathElement::Key(keys) => {
                    keys.iter().all(|(name, value)| wanted.get(name).is_some() || value == "TCP")
                }
                PathElement::Field(_) | PathElement::Value(_) | PathElement::Index(_) => false,
            });
            let mut with_default = with_default.copied();
            with_default.next().filter(|_| with_default.next().is_none())
        }
    }
}

/// Whether an item of git is the one that an element names; keys that it leaves out have a default.
fn is_item(element: &PathElement, item: &Value) -> bool {
    match element {
        PathElement::Key(keys) => {
            item.is_object()
                && keys.iter().all(|(name, value)| item.get(name).is_none_or(|own| merge::equal(own, value)))
        }
        PathElement::Value(value) => merge::equal(item, value),
        PathElement::Field(_) | PathElement::Index(_) => false,
    }
}

fn is_item_strictly(element: &PathElement, item: &Value) -> bool {
    match element {
        PathElement::Key(keys) => {
            keys.iter().all(|(name, value)| item.get(name).is_some_and(|own| merge::equal(own, value)))
        }
        _ => is_item(element, item),
    }
}
