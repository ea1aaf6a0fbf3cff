//! The rules for custom kinds, read from the table in `rules/`.
//!
//! A rule is a list of lines; the first that holds gives the answer. `rules/README.md` has the grammar. Where a line
//! cannot say it, `code NAME` calls a function of [`crate::custom`].

mod cond;
mod parse;
mod run;
mod template;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use resource::{GroupKind, Object};

use crate::{Health, Status};
pub(crate) use run::Scope;

use cond::Condition;
use template::{Path, Template};

/// A function for what lines cannot say: the object, and the texts that stand behind its name.
pub(crate) type Function = fn(&Object, &[String]) -> Option<Health>;

/// The table's files. Conventions come first: other files use them.
const FILES: &[(&str, &str)] = &[
    ("conventions", include_str!("rules/conventions.rules")),
    ("argo", include_str!("rules/argo.rules")),
    ("cloud", include_str!("rules/cloud.rules")),
    ("clusters", include_str!("rules/clusters.rules")),
    ("data", include_str!("rules/data.rules")),
    ("delivery", include_str!("rules/delivery.rules")),
    ("network", include_str!("rules/network.rules")),
    ("observe", include_str!("rules/observe.rules")),
    ("policy", include_str!("rules/policy.rules")),
    ("secrets", include_str!("rules/secrets.rules")),
    ("storage", include_str!("rules/storage.rules")),
    ("workloads", include_str!("rules/workloads.rules")),
];

static TABLE: LazyLock<Table> =
    LazyLock::new(|| parse::files(FILES).expect("the table is part of the program, and a test reads it"));

/// All rules.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Rules in the order of the files; kinds that share a rule point to the same.
    rules: Vec<Rule>,
    exact: BTreeMap<GroupKind, usize>,
    /// Patterns in their order as texts, as the peer sorts them; the first that fits decides.
    patterns: BTreeMap<(String, String), usize>,
}

/// What is known of one kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rule {
    /// What to say of an object that is being deleted; `Pending deletion` where there is nothing special.
    deletion: Option<Deletion>,
    body: Vec<Step>,
}

#[derive(Debug, Clone)]
struct Deletion {
    text: Template,
    /// What a finalizer waits for, and what happens when it is removed by hand.
    finalizers: BTreeMap<String, String>,
}

/// One line, and what is below it.
#[derive(Debug, Clone)]
enum Step {
    Say { status: Status, text: Template, when: Condition },
    Each { list: Path, by: Option<String>, body: Vec<Self> },
    When { when: Condition, body: Vec<Self> },
    Code { function: Function, args: Vec<String> },
}

/// The rule for a kind: its own one, else the first pattern that fits.
pub(crate) fn rule(kind: &GroupKind) -> Option<&'static Rule> {
    TABLE.find(kind)
}

impl Table {
    fn find(&self, kind: &GroupKind) -> Option<&Rule> {
        let by_pattern = || {
            let fits =
                |(group, of): &(String, String)| matches(group, &kind.group) && matches(of, &kind.kind);
            self.patterns.iter().find(|(pattern, _)| fits(pattern)).map(|(_, at)| at)
        };
        self.exact.get(kind).or_else(by_pattern).and_then(|at| self.rules.get(*at))
    }
}

/// `*` stands for any text; it stands alone or in front of a suffix.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => name.ends_with(suffix),
        None => pattern == name,
    }
}

impl Rule {
    /// What the rule says of an object; `None` where no line holds.
    pub(crate) fn judge(&self, object: &Object) -> Option<Health> {
        run::steps(&self.body, &Scope::new(object))
    }

    /// What is said of an object that is being deleted.
    pub(crate) fn deletion(&self, object: &Object) -> Option<Health> {
        let deletion = self.deletion.as_ref()?;
        let mut text = deletion.text.fill(&Scope::new(object));
        if !deletion.finalizers.is_empty() {
            for name in object.finalizers() {
                let why = deletion.finalizers.get(name).map_or("still present.", String::as_str);
                text.push_str(&format!(" {name}: {why}"));
            }
        }
        Some(Health::new(Status::Progressing, text))
    }
}

#[cfg(test)]
mod tests;
