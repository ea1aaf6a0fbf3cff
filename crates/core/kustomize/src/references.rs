//! Names in fields follow the resources that they name.
//!
//! The peer holds every field against every resource. Here the resources are found by the names that they had before, so that the time
//! grows with the number of fields and not with its product with the number of resources.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::error::Error;
use crate::fieldspec::{FieldSpec, NameReference, for_each_anyway};
use crate::id::{Gvk, ResId};
use crate::patch::scalar_text;
use crate::resource::{CLUSTER_WIDE, Resource, Scopes, effective};
use crate::resources::Resources;
use crate::scalar::{MAPPING, wrong_node};

/// Renames what fields name.
///
/// **Errors**: a name that several resources had, where nothing tells which is meant.
/// **Source**: kustomize `filters/nameref` and `internal/accumulator/namereferencetransformer.go`, api v0.21.2.
pub(crate) fn fix(
    resources: &mut Resources,
    references: &[NameReference],
    scopes: &Scopes<'_>,
) -> Result<(), Error> {
    resources.list().iter().try_for_each(|resource| subjects_of(resource).map(|_| ()))?;
    let directory = Directory::new(resources.list(), scopes);
    let fields = Fields::new(references);
    let mut by_kind: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let gvks: Vec<Gvk> = resources.list().iter().map(|resource| resource.original_id().gvk).collect();
    for (at, (resource, gvk)) in resources.list_mut().iter_mut().zip(&gvks).enumerate() {
        let specs = by_kind.entry(gvk.kind.clone()).or_insert_with(|| fields.of_kind(&gvk.kind));
        let mut referrer = None;
        for (target, spec) in specs.iter().filter_map(|at| fields.all.get(*at)) {
            if !gvk.is_selected(&spec.gvk) {
                continue;
            }
            let referrer = match &referrer {
                Some(referrer) => referrer,
                None => referrer.insert(Referrer::new(resource, at, &directory)?),
            };
            let search = Search { directory: &directory, referrer, target, path: &spec.path };
            for_each_anyway(&mut resource.body, spec, &mut |place| search.follow(place)).map_err(
                |error| {
                    let doing =
                        format!("updating name reference in '{}' field of '{}'", spec.path, referrer.id);
                    Error::invalid(error.to_string()).within(&doing)
                },
            )?;
        }
    }
    Ok(())
}

/// All fields that hold names, with what they name.
struct Fields<'a> {
    all: Vec<(&'a Gvk, &'a FieldSpec)>,
    by_kind: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Fields<'a> {
    fn new(references: &'a [NameReference]) -> Self {
        let all: Vec<_> = references
            .iter()
            .flat_map(|reference| reference.fields.iter().map(|spec| (&reference.gvk, spec)))
            .collect();
        let mut by_kind: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, (_, spec)) in all.iter().enumerate() {
            by_kind.entry(&spec.gvk.kind).or_default().push(at);
        }
        Self { all, by_kind }
    }

    /// Those of a kind and those of all kinds, in their order.
    fn of_kind(&self, kind: &str) -> Vec<usize> {
        let mut found = self.by_kind.get(kind).cloned().unwrap_or_default();
        if !kind.is_empty() {
            found.extend(self.by_kind.get("").into_iter().flatten());
        }
        found.sort_unstable();
        found
    }
}

/// What may be named: what is asked of it, and where it is found.
struct Directory<'a> {
    entries: Vec<Entry>,
    /// By the names that they had before.
    by_name: BTreeMap<String, Vec<usize>>,
    /// By the effective namespace that they had first.
    by_first_namespace: BTreeMap<String, Vec<usize>>,
    scopes: Scopes<'a>,
}

struct Entry {
    id: ResId,
    namespace: String,
    first_namespace: String,
    /// Kinds that it had before.
    before: Vec<Gvk>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

impl<'a> Directory<'a> {
    fn new(resources: &[Resource], scopes: &Scopes<'a>) -> Self {
        let mut directory = Self {
            entries: Vec::new(),
            by_name: BTreeMap::new(),
            by_first_namespace: BTreeMap::new(),
            scopes: *scopes,
        };
        for (at, resource) in resources.iter().enumerate() {
            let names: BTreeSet<&str> =
                resource.previous.iter().map(|previous| previous.name.as_str()).collect();
            for name in names {
                directory.by_name.entry(name.to_owned()).or_default().push(at);
            }
            let namespace = resource.effective_namespace(scopes).to_owned();
            let first = resource.previous.first().map(|previous| effective(&previous.namespace).to_owned());
            let first_namespace = first.unwrap_or_else(|| namespace.clone());
            directory.by_first_namespace.entry(first_namespace.clone()).or_default().push(at);
            directory.entries.push(Entry {
                id: resource.id(),
                namespace,
                first_namespace,
                before: resource.previous_ids().map(|id| id.gvk).collect(),
                prefixes: resource.prefixes.clone(),
                suffixes: resource.suffixes.clone(),
            });
        }
        directory
    }
}

/// The resource whose fields are followed.
struct Referrer {
    at: usize,
    id: ResId,
    namespace: String,
    /// Other namespaces that its subjects are in.
    subjects: BTreeSet<String>,
    role: Option<Gvk>,
    /// Whether something in the subset that it may name was in a namespace first.
    known: RefCell<BTreeMap<String, bool>>,
}

impl Referrer {
    fn new(resource: &Resource, at: usize, directory: &Directory<'_>) -> Result<Self, Error> {
        let id = resource.id();
        let namespace = resource.effective_namespace(&directory.scopes).to_owned();
        let subjects = subjects_of(resource)?;
        let role = &resource.body["roleRef"];
        let role = match (&role["apiGroup"], &role["kind"]) {
            (Value::Null, _) | (_, Value::Null) => None,
            (group, kind) => Some(Gvk {
                group: scalar_text(group).into_owned(),
                kind: scalar_text(kind).into_owned(),
                version: String::new(),
            }),
        };
        Ok(Self { at, id, namespace, subjects, role, known: RefCell::default() })
    }

    fn is_cluster_wide(&self) -> bool {
        self.namespace == CLUSTER_WIDE
    }

    /// Whether it may name something at all.
    fn may_name(&self, entry: &Entry) -> bool {
        self.is_cluster_wide()
            || entry.namespace == CLUSTER_WIDE
            || entry.namespace == self.namespace
            || self.subjects.contains(&entry.id.namespace)
    }

    /// Whether anything that it may name was in this namespace first.
    fn knows_namespace(&self, namespace: &str, directory: &Directory<'_>) -> bool {
        if let Some(known) = self.known.borrow().get(namespace) {
            return *known;
        }
        let there = directory.by_first_namespace.get(namespace).into_iter().flatten();
        let known = namespace != CLUSTER_WIDE
            && there.filter_map(|at| directory.entries.get(*at)).any(|entry| self.may_name(entry));
        self.known.borrow_mut().insert(namespace.to_owned(), known);
        known
    }
}

/// The namespaces of the service accounts that a role binding names.
fn subjects_of(resource: &Resource) -> Result<BTreeSet<String>, Error> {
    let mut subjects = BTreeSet::new();
    if resource.kind() != "RoleBinding" {
        return Ok(subjects);
    }
    for subject in resource.body.get("subjects").and_then(Value::as_array).into_iter().flatten() {
        let Some(namespace) = subject.get("namespace") else { continue };
        if subject["kind"] == "ServiceAccount" {
            let Some(text) = namespace.as_str() else {
                let id = resource.id().to_string();
                return Err(Error::invalid(format!(
                    "Invalid Input: namespace is blank for resource {id:?}\n"
                )));
            };
            subjects.insert(text.to_owned());
        }
    }
    Ok(subjects)
}

/// One field of one resource.
struct Search<'a> {
    directory: &'a Directory<'a>,
    referrer: &'a Referrer,
    /// The kind that the field names.
    target: &'a Gvk,
    path: &'a str,
}

impl Search<'_> {
    fn follow(&self, place: &mut Value) -> Result<(), String> {
        match place {
            Value::Null => Ok(()),
            Value::Object(_) => self.follow_map(place),
            Value::Array(items) => items.iter_mut().try_for_each(|item| match item {
                Value::Null => Ok(()),
                Value::Array(_) => Err("is expected to be either a string or a map of string".to_owned()),
                Value::Object(_) => self.follow_map(item),
                Value::Bool(_) | Value::Number(_) | Value::String(_) => self.follow_scalar(item),
            }),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => self.follow_scalar(place),
        }
    }

    fn follow_scalar(&self, place: &mut Value) -> Result<(), String> {
        let old = scalar_text(place);
        let Some(found) = self.find(&old, None)? else { return Ok(()) };
        if found.id.name != old {
            *place = Value::from(found.id.name.as_str());
        }
        Ok(())
    }

    fn follow_map(&self, place: &mut Value) -> Result<(), String> {
        let Value::Object(map) = place else { return Err(wrong_node(MAPPING, place)) };
        let Some(name) = map.get("name") else {
            return Err("path config error; no 'name' field in node".to_owned());
        };
        let old = if name.is_null() { String::new() } else { scalar_text(name).into_owned() };
        let namespace = map.get("namespace").map(|namespace| scalar_text(namespace).into_owned());
        let Some(found) = self.find(&old, Some(namespace.as_deref()))? else { return Ok(()) };
        if found.id.name == old && found.id.namespace.is_empty() {
            return Ok(());
        }
        map.insert("name".to_owned(), Value::from(found.id.name.as_str()));
        // An empty namespace stands for any, not for `default`.
        if !found.id.namespace.is_empty() {
            map.insert("namespace".to_owned(), Value::from(found.id.namespace.as_str()));
        }
        Ok(())
    }

    /// What is named. `within`: in a map, the namespace that it says, if it says one.
    fn find(&self, old: &str, within: Option<Option<&str>>) -> Result<Option<&Entry>, String> {
        let Some(named) = self.directory.by_name.get(old) else { return Ok(None) };
        let namespace = within.flatten();
        let by_first =
            namespace.is_some_and(|namespace| self.referrer.knows_namespace(namespace, self.directory));
        let in_namespace = |entry: &Entry| match namespace {
            None => true,
            Some(namespace) if by_first => entry.first_namespace == namespace,
            Some(namespace) => entry.namespace == namespace && namespace != CLUSTER_WIDE,
        };
        let role = self.referrer.role.as_ref().filter(|_| self.path.ends_with("roleRef/name"));
        let was = |entry: &Entry, gvk: &Gvk| entry.before.iter().any(|before| before.is_selected(gvk));
        let mut found: Vec<&Entry> = named
            .iter()
            .filter_map(|at| self.directory.entries.get(*at))
            .filter(|entry| self.referrer.may_name(entry) && in_namespace(entry))
            .filter(|entry| was(entry, self.target) && role.is_none_or(|role| was(entry, role)))
            .filter(|entry| self.shares_namespace(entry))
            .collect();
        if found.len() == 1 {
            return Ok(found.pop());
        }
        found.retain(|entry| self.same_affixes(entry, true));
        if found.len() > 1 {
            found.retain(|entry| self.same_affixes(entry, false));
        }
        let Some(first) = found.first() else { return Ok(None) };
        let identical = found.iter().all(|entry| {
            entry.id.name == first.id.name && (within.is_none() || entry.id.namespace == first.id.namespace)
        });
        if identical {
            return Ok(Some(first));
        }
        let ids: Vec<String> = found.iter().map(|entry| entry.id.to_string()).collect();
        Err(format!("found multiple possible referrals: {}", ids.join(", ")))
    }

    fn shares_namespace(&self, entry: &Entry) -> bool {
        self.referrer.is_cluster_wide()
            || entry.namespace == CLUSTER_WIDE
            || entry.id.gvk.kind == "ServiceAccount"
            || entry.namespace == self.referrer.namespace
    }

    /// Whether both got their names by the same prefixes and suffixes.
    fn same_affixes(&self, entry: &Entry, allow_empty: bool) -> bool {
        let Some(own) = self.directory.entries.get(self.referrer.at) else { return false };
        let same =
            |a: &[String], b: &[String]| (allow_empty && (a.is_empty() || b.is_empty())) || same_end(a, b);
        same(&entry.prefixes, &own.prefixes) && same(&entry.suffixes, &own.suffixes)
    }
}

/// Whether the longer of two lists ends with the other; the empty one is the end of none but itself.
fn same_end(a: &[String], b: &[String]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}
