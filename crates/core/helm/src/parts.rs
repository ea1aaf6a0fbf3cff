//! The charts that take part in one render: which are on, under which names, and with which values.
//!
//! **Source**: Helm 3.22, `chartutil/dependencies.go`. A chart that is used twice (by aliases) is there twice, but as in Helm the copies
//! share what is below them, with all that follows from it.

use crate::chart::Chart;
use crate::coalesce::{Coalesce, Nulls, ValuesBudget};
use crate::error::Error;
use crate::metadata::Dependency;
use crate::values::{Node, Table};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Charts that take part, copies included: aliases of aliases multiply.
const MAX_PARTS: usize = 5_000;

/// A chart that takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part(usize);

/// All of them, held together by index.
pub(crate) struct Parts {
    all: Vec<Entry>,
    requirements: Vec<Requirement>,
}

#[derive(Clone)]
struct Entry {
    chart: Arc<Chart>,
    /// The chart's, or the alias.
    name: String,
    parent: Option<Part>,
    children: Vec<Part>,
    /// What `Chart.yaml` asks for; none differs from an empty list.
    requirements: Option<Vec<usize>>,
    values: Option<Table>,
}

/// One dependency of a `Chart.yaml`; copies of a chart share it.
struct Requirement {
    dependency: Dependency,
    /// Its name; the alias once it was looked at.
    name: String,
    enabled: bool,
    /// Values that were imported are not imported again.
    imported: bool,
}

impl Parts {
    /// The outermost chart.
    pub(crate) const ROOT: Part = Part(0);

    /// Decides which charts take part, and gives them their imported values.
    pub(crate) fn new(
        chart: &Arc<Chart>,
        values: &Table,
        budget: &mut ValuesBudget,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let mut parts = Self { all: Vec::new(), requirements: Vec::new() };
        parts.add(chart, None)?;
        parts.enable(Self::ROOT, values, "", budget, warnings)?;
        parts.import(Self::ROOT, budget, warnings)?;
        Ok(parts)
    }

    fn add(&mut self, chart: &Arc<Chart>, parent: Option<Part>) -> Result<Part, Error> {
        let requirements = chart.metadata.dependencies.as_ref().map(|dependencies| {
            let first = self.requirements.len();
            self.requirements.extend(dependencies.iter().map(|dependency| Requirement {
                dependency: dependency.clone(),
                name: dependency.name.clone(),
                enabled: true,
                imported: false,
            }));
            (first..self.requirements.len()).collect()
        });
        let part = self.push(Entry {
            chart: Arc::clone(chart),
            name: chart.metadata.name.clone(),
            parent,
            children: Vec::new(),
            requirements,
            values: chart.values.as_deref().map(Table::from_chart),
        })?;
        for child in &chart.dependencies {
            let child = self.add(child, Some(part))?;
            self.entry_mut(part, |entry| entry.children.push(child));
        }
        Ok(part)
    }

    fn push(&mut self, entry: Entry) -> Result<Part, Error> {
        if self.all.len() == MAX_PARTS {
            return Err(Error::Chart(format!(
                "more than {MAX_PARTS} charts take part, copies by alias included"
            )));
        }
        self.all.push(entry);
        Ok(Part(self.all.len() - 1))
    }

    #[expect(clippy::indexing_slicing, reason = "a part is an index that this very list gave out")]
    fn entry(&self, part: Part) -> &Entry {
        &self.all[part.0]
    }

    fn entry_mut(&mut self, part: Part, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.all.get_mut(part.0) {
            change(entry);
        }
    }

    pub(crate) fn chart(&self, part: Part) -> &Arc<Chart> {
        &self.entry(part).chart
    }

    /// The name under which the chart takes part: its own, or an alias.
    pub(crate) fn name(&self, part: Part) -> &str {
        &self.entry(part).name
    }

    pub(crate) fn children(&self, part: Part) -> &[Part] {
        &self.entry(part).children
    }

    pub(crate) fn values(&self, part: Part) -> Option<&Table> {
        self.entry(part).values.as_ref()
    }

    pub(crate) fn is_root(&self, part: Part) -> bool {
        self.entry(part).parent.is_none()
    }

    /// Names of the dependencies that are left in the chart's metadata, as the dependency and the name it has now.
    pub(crate) fn requirements(&self, part: Part) -> impl Iterator<Item = (&Dependency, &str)> {
        let listed = self.entry(part).requirements.as_deref().unwrap_or_default();
        let found = listed.iter().filter_map(|at| self.requirements.get(*at));
        found.map(|requirement| (&requirement.dependency, requirement.name.as_str()))
    }

    /// Where a chart's files are said to be: `parent/charts/child`.
    pub(crate) fn path(&self, part: Part) -> String {
        let mut names = vec![self.name(part)];
        let mut at = part;
        while let Some(parent) = self.entry(at).parent {
            names.push(self.name(parent));
            at = parent;
        }
        names.reverse();
        names.join("/charts/")
    }

    /// Puts copies in the place of aliases, and takes out what conditions and tags turn off.
    fn enable(
        &mut self,
        part: Part,
        values: &Table,
        path: &str,
        budget: &mut ValuesBudget,
        warnings: &mut Vec<String>,
    ) -> Result<(), Error> {
        let Some(listed) = self.entry(part).requirements.clone() else { return Ok(()) };
        let existing = self.entry(part).children.clone();
        let mut children: Vec<Part> = existing
            .iter()
            .copied()
            .filter(|child| !listed.iter().any(|at| self.satisfies(*child, *at)))
            .collect();
        for at in &listed {
            let found = existing.iter().copied().find(|child| self.satisfies(*child, *at));
            if let Some(found) = found {
                let mut copy = self.entry(found).clone();
                if let Some(alias) = self.alias(*at) {
                    copy.name = alias;
                }
                children.push(self.push(copy)?);
            }
            if let Some(alias) = self.alias(*at)
                && let Some(requirement) = self.requirements.get_mut(*at)
            {
                requirement.name = alias;
            }
        }
        self.set_children(part, children.clone());
        let together = Coalesce { parts: self, budget: &mut *budget, warnings: &mut *warnings }.values(
            part,
            values,
            Nulls::Delete,
        )?;
        for at in &listed {
            let enabled = self.is_enabled(*at, &together, path, warnings);
            if let Some(requirement) = self.requirements.get_mut(*at) {
                requirement.enabled = enabled;
            }
        }
        let on = |at: &usize| self.requirements.get(*at).is_some_and(|requirement| requirement.enabled);
        let off: BTreeSet<&str> = listed
            .iter()
            .filter(|at| !on(at))
            .filter_map(|at| self.requirements.get(*at))
            .map(|requirement| requirement.name.as_str())
            .collect();
        let children: Vec<Part> =
            children.into_iter().filter(|child| !off.contains(self.name(*child))).collect();
        let left: Vec<usize> = listed
            .into_iter()
            .filter(|at| self.requirements.get(*at).is_some_and(|it| !off.contains(it.name.as_str())))
            .collect();
        for child in &children {
            let below = format!("{path}{}.", self.name(*child));
            self.enable(*child, &together, &below, budget, warnings)?;
        }
        self.entry_mut(part, |entry| entry.requirements = (!left.is_empty()).then_some(left));
        self.set_children(part, children);
        Ok(())
    }

    fn set_children(&mut self, part: Part, children: Vec<Part>) {
        for child in &children {
            self.entry_mut(*child, |entry| entry.parent = Some(part));
        }
        self.entry_mut(part, |entry| entry.children = children);
    }

    fn alias(&self, requirement: usize) -> Option<String> {
        let alias = &self.requirements.get(requirement)?.dependency.alias;
        (!alias.is_empty()).then(|| alias.clone())
    }

    /// Whether a chart in `charts/` is what a requirement asks for.
    fn satisfies(&self, child: Part, requirement: usize) -> bool {
        let Some(requirement) = self.requirements.get(requirement) else { return false };
        self.name(child) == requirement.name
            && in_range(&requirement.dependency.version, &self.chart(child).metadata.version)
    }

    fn is_enabled(&self, requirement: usize, values: &Table, path: &str, warnings: &mut Vec<String>) -> bool {
        let Some(Requirement { dependency, name, .. }) = self.requirements.get(requirement) else {
            return true;
        };
        for condition in dependency.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
            match value_at(values, &format!("{path}{condition}")) {
                Some(Node::Bool(enabled)) => return enabled,
                None | Some(Node::Table(_)) => {}
                Some(_) => warnings.push(format!(
                    "Warning: Condition path '{condition}' for chart {name} returned non-bool value"
                )),
            }
        }
        let Some(tags) = values.table("tags") else { return true };
        let (mut on, mut off) = (false, false);
        for tag in &dependency.tags {
            match tags.get(tag) {
                Some(Node::Bool(true)) => on = true,
                Some(Node::Bool(false)) => off = true,
                Some(_) => {
                    warnings.push(format!("Warning: Tag '{tag}' for chart {name} returned non-bool value"))
                }
                None => {}
            }
        }
        on || !off
    }

    /// Takes over values of subcharts that `import-values` names, those of the innermost first.
    fn import(
        &mut self,
        part: Part,
        budget: &mut ValuesBudget,
        warnings: &mut Vec<String>,
    ) -> Result<(), Error> {
        for child in self.children(part).to_vec() {
            self.import(child, budget, warnings)?;
        }
        let Some(listed) = self.entry(part).requirements.clone() else { return Ok(()) };
        let mut coalesce = Coalesce { parts: self, budget, warnings };
        let values = coalesce.values(part, &Table::default(), Nulls::Keep)?;
        let imports = Table::default();
        for requirement in listed.iter().filter_map(|at| self.requirements.get(*at)) {
            if requirement.imported {
                continue;
            }
            for import in &requirement.dependency.import_values {
                let Some((child, parent)) = import_paths(import) else { continue };
                let name = &requirement.name;
                let path = format!("{name}.{child}");
                let Some(from) = values.table_at(path.split('.')) else {
                    let missing = missing_table(&values, &path);
                    let of = if import.is_string() { String::new() } else { format!(" from chart {name}") };
                    coalesce
                        .warnings
                        .push(format!("Warning: ImportValues missing table{of}: {missing:?} is not a table"));
                    continue;
                };
                let from = match parent.as_str() {
                    "." => from,
                    path => path.rsplit('.').fold(from, |inner, name| {
                        let outer = Table::default();
                        outer.set(name, Node::Table(inner));
                        outer
                    }),
                };
                coalesce.tables(&imports, &from, "", Nulls::Keep);
            }
        }
        let values = coalesce.budget.copy(&values)?;
        coalesce.tables(&values, &imports, "", Nulls::Keep);
        for at in listed {
            if let Some(requirement) = self.requirements.get_mut(at) {
                requirement.imported = true;
                // Templates see them written out.
                let imports = &mut requirement.dependency.import_values;
                let paths = imports.iter().filter_map(import_paths);
                *imports = paths
                    .map(|(child, parent)| serde_json::json!({"child": child, "parent": parent}))
                    .collect();
            }
        }
        self.entry_mut(part, |entry| entry.values = Some(values));
        Ok(())
    }
}

/// Whether a version lies in a range; not where either cannot be read.
pub(crate) fn in_range(range: &str, version: &str) -> bool {
    match (gosemver::Range::parse(range), gosemver::Version::parse(version)) {
        (Some(range), Some(version)) => range.matches(&version),
        _ => false,
    }
}

fn value_at(values: &Table, path: &str) -> Option<Node> {
    match path.rsplit_once('.') {
        None => values.get(path),
        Some((tables, key)) => values.table_at(tables.split('.'))?.get(key),
    }
}

/// The first name of a path that is no table.
fn missing_table<'a>(values: &Table, path: &'a str) -> &'a str {
    let mut table = values.clone();
    for name in path.split('.') {
        match table.table(name) {
            Some(next) => table = next,
            None => return name,
        }
    }
    ""
}

/// From where in a subchart's values to where in its parent's; `None` for what is no import, and passed over.
fn import_paths(import: &serde_json::Value) -> Option<(String, String)> {
    match import {
        serde_json::Value::String(name) => Some((format!("exports.{name}"), ".".to_owned())),
        serde_json::Value::Object(map) => Some((word(map.get("child")), word(map.get("parent")))),
        _ => None,
    }
}

/// What `%v` prints of a part of `import-values`.
fn word(value: Option<&serde_json::Value>) -> String {
    match value {
        Some(serde_json::Value::String(text)) => text.clone(),
        None | Some(serde_json::Value::Null) => "<nil>".to_owned(),
        Some(other) => other.to_string(),
    }
}
