//! Lines, looked up by who, about what kind of thing, and which.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::builtin;
use crate::decision::Rule;
use crate::pattern::{Key, Mode, Pattern, folder};
use crate::permission::Resource;

/// Most `g` lines between a subject and a role: casbin's limit; what is farther does not count.
const MAX_STEPS: usize = 10;

/// What lines say: the global ones, or those of one project.
#[derive(Debug, Default)]
pub(crate) struct Table {
    nodes: BTreeMap<String, Node>,
}

/// A name and what is said of it.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// The second names of its `g` lines.
    roles: Vec<String>,
    /// Its `p` lines by the kind of thing; a line may be about several.
    lines: BTreeMap<Resource, Lines>,
}

/// What is said of a name about one kind of thing.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    allow: Shelf,
    deny: Shelf,
}

/// Lines of one effect by their object, so that thousands of them cost no more than those that are about its project.
#[derive(Debug, Default)]
struct Shelf {
    exact: BTreeMap<String, Vec<Line>>,
    folders: BTreeMap<String, Vec<Line>>,
    rest: Vec<Line>,
}

#[derive(Debug, Clone)]
struct Line {
    action: Arc<Pattern>,
    object: Arc<Pattern>,
    rule: Arc<Rule>,
}

/// Whether a line allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// A `p` line, read.
#[derive(Debug)]
pub(crate) struct Permit {
    pub(crate) subject: String,
    pub(crate) resources: Vec<Resource>,
    pub(crate) action: Arc<Pattern>,
    pub(crate) object: Arc<Pattern>,
    pub(crate) effect: Effect,
    pub(crate) rule: Rule,
}

/// Patterns that were compiled; most lines share theirs.
#[derive(Debug)]
pub(crate) struct Patterns {
    mode: Mode,
    known: BTreeMap<String, Result<Arc<Pattern>, String>>,
}

impl Patterns {
    pub(crate) fn new(mode: Mode) -> Self {
        Self { mode, known: BTreeMap::new() }
    }

    pub(crate) fn get(&mut self, text: &str) -> Result<Arc<Pattern>, String> {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let compiled = Pattern::compile(text, self.mode).map(Arc::new);
        self.known.insert(text.to_owned(), compiled.clone());
        compiled
    }
}

impl Table {
    pub(crate) fn add(&mut self, permit: Permit) {
        let line = Line { action: permit.action, object: permit.object, rule: Arc::new(permit.rule) };
        let node = self.nodes.entry(permit.subject).or_default();
        for resource in permit.resources {
            let lines = node.lines.entry(resource).or_default();
            match permit.effect {
                Effect::Allow => lines.allow.add(&line),
                Effect::Deny => lines.deny.add(&line),
            }
        }
    }

    pub(crate) fn bind(&mut self, member: &str, role: &str) {
        self.nodes.entry(role.to_owned()).or_default();
        self.nodes.entry(member.to_owned()).or_default().roles.push(role.to_owned());
    }

    /// Whether a `g` line begins with the name.
    pub(crate) fn is_bound(&self, member: &str) -> bool {
        self.nodes.get(member).is_some_and(|node| !node.roles.is_empty())
    }

    /// Whether the name itself has lines that allow or deny.
    pub(crate) fn has_lines(&self, name: &str) -> bool {
        self.nodes.get(name).is_some_and(|node| !node.lines.is_empty())
    }

    /// All names with their roles.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.nodes.iter().map(|(name, node)| (name.as_str(), node.roles.as_slice()))
    }
}

/// The name whose rights are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start<'a> {
    pub(crate) name: &'a str,
    /// Whether the built-in line of the account `admin` counts for a name that is the same.
    pub(crate) may_be_admin: bool,
}

/// What lines say to a request.
#[derive(Debug)]
pub(crate) enum Verdict<'t> {
    Allowed(&'t Arc<Rule>),
    Denied(&'t Arc<Rule>),
    Silent,
}

/// The lines of a name and of all its roles about one kind of thing.
pub(crate) fn lines_of<'t>(tables: &[&'t Table], start: Start<'t>, resource: Resource) -> Vec<&'t Lines> {
    closure(tables, start).into_iter().filter_map(|node| node.lines.get(&resource)).collect()
}

/// What lines say together: one that denies wins; of those that allow the first is named.
pub(crate) fn judge<'t>(lines: &[&'t Lines], action: &str, object: &str) -> Verdict<'t> {
    let first = |found: &&'t Arc<Rule>| found.order();
    let denies = lines.iter().filter_map(|lines| lines.deny.find(action, object));
    if let Some(rule) = denies.min_by_key(first) {
        return Verdict::Denied(rule);
    }
    match lines.iter().filter_map(|lines| lines.allow.find(action, object)).min_by_key(first) {
        Some(rule) => Verdict::Allowed(rule),
        None => Verdict::Silent,
    }
}

/// The name and its roles, nearest first, each once: circles end.
fn closure<'t>(tables: &[&'t Table], start: Start<'t>) -> Vec<&'t Node> {
    let (mut nodes, mut level) = (Vec::new(), vec![start.name]);
    let mut seen = BTreeSet::from([start.name]);
    for step in 0..=MAX_STEPS {
        let mut next = Vec::new();
        for name in level {
            for node in tables.iter().filter_map(|table| table.nodes.get(name)) {
                nodes.push(node);
                next.extend(node.roles.iter().map(String::as_str).filter(|role| seen.insert(role)));
            }
            let admin = name == builtin::ADMIN && (step > 0 || start.may_be_admin);
            if admin && seen.insert(builtin::ADMIN_ROLE) {
                next.push(builtin::ADMIN_ROLE);
            }
        }
        if next.is_empty() {
            break;
        }
        level = next;
    }
    nodes
}

impl Shelf {
    fn add(&mut self, line: &Line) {
        for key in line.object.keys() {
            let shelf = match key {
                Key::Exact(text) => self.exact.entry(text.to_owned()).or_default(),
                Key::Folder(text) => self.folders.entry(text.to_owned()).or_default(),
                Key::Any => &mut self.rest,
            };
            // Alternatives may lead to one place.
            if shelf.last().is_none_or(|last| !Arc::ptr_eq(&last.rule, &line.rule)) {
                shelf.push(line.clone());
            }
        }
    }

    /// The first line that matches.
    fn find(&self, action: &str, object: &str) -> Option<&Arc<Rule>> {
        let exact = self.exact.get(object);
        let folders = folder(object).and_then(|folder| self.folders.get(folder));
        [exact, folders, Some(&self.rest)]
            .into_iter()
            .flatten()
            .filter_map(|lines| lines.iter().find(|line| line.matches(action, object)))
            .map(|line| &line.rule)
            .min_by_key(|rule| rule.order())
    }
}

impl Line {
    fn matches(&self, action: &str, object: &str) -> bool {
        self.action.matches(action) && self.object.matches(object)
    }
}
