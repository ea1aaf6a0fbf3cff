//! Putting a chart's values under those that are given, and those of its subcharts.
//!
//! **Source**: Helm 3.22, `chartutil/coalesce.go`.

use crate::error::Error;
use crate::parts::{Part, Parts};
use crate::values::{Node, Table};
use gotemplate::Str;
use std::collections::BTreeSet;

/// The key whose values all charts see.
const GLOBAL: &str = "global";

/// Warnings that are kept.
const MAX_WARNINGS: usize = 200;

/// What a null in the upper values does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// It takes the lower value away, and goes itself.
    Delete,
    /// It stays, to take a value away later.
    Keep,
}

/// Puts values together for charts, within a budget, and notes what it had to pass over.
pub(crate) struct Coalesce<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) budget: &'a mut ValuesBudget,
    pub(crate) warnings: &'a mut Vec<String>,
}

/// Entries of maps that may still be copied: charts in charts copy the same values again and again.
pub(crate) struct ValuesBudget {
    left: u64,
}

impl ValuesBudget {
    pub(crate) fn new(entries: u64) -> Self {
        Self { left: entries }
    }

    pub(crate) fn copy(&mut self, table: &Table) -> Result<Table, Error> {
        table.copy(&mut self.left).ok_or_else(|| {
            Error::Values(
                "the values of the chart and its subcharts are too many to be put together".to_owned(),
            )
        })
    }
}

impl Coalesce<'_> {
    /// The chart's values, its subcharts' included, under `values`, which stay as they are.
    pub(crate) fn values(&mut self, part: Part, values: &Table, nulls: Nulls) -> Result<Table, Error> {
        let values = self.budget.copy(values)?;
        self.part(part, &values, "", nulls)?;
        Ok(values)
    }

    fn warn(&mut self, warning: String) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(warning);
        }
    }

    fn part(&mut self, part: Part, over: &Table, prefix: &str, nulls: Nulls) -> Result<(), Error> {
        self.own(part, over, prefix, nulls)?;
        let parts = self.parts;
        let prefix = concat(prefix, parts.name(part));
        for child in parts.children(part) {
            let name = parts.name(*child);
            let below = match over.get(name) {
                None => {
                    let fresh = Table::default();
                    over.set(name, Node::Table(fresh.clone()));
                    fresh
                }
                Some(Node::Table(table)) => table,
                Some(other) => {
                    return Err(Error::Values(format!(
                        "type mismatch on {name}: {}",
                        other.display_as_bool()
                    )));
                }
            };
            self.globals(&below, over, &prefix);
            self.part(*child, &below, &prefix, nulls)?;
        }
        Ok(())
    }

    /// The values of a chart's own `values.yaml`.
    fn own(&mut self, part: Part, over: &Table, prefix: &str, nulls: Nulls) -> Result<(), Error> {
        let parts = self.parts;
        let Some(own) = parts.values(part) else { return Ok(()) };
        let own = self.budget.copy(own)?;
        let prefix = concat(prefix, parts.name(part));
        for (key, value) in own.snapshot() {
            let name = key.to_text();
            match over.get(&name) {
                None => over.set(key, value),
                Some(Node::Null) if nulls == Nulls::Delete => over.remove(&key),
                Some(Node::Table(upper)) => match value {
                    Node::Table(lower) => {
                        let is_child = parts.children(part).iter().any(|child| parts.name(*child) == name);
                        let nulls = if is_child { Nulls::Keep } else { nulls };
                        self.tables(&upper, &lower, &concat(&prefix, &name), nulls);
                    }
                    Node::Null => {}
                    _ => self.warn(format!("warning: skipped value for {prefix}.{name}: Not a table.")),
                },
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Puts `lower` under `upper`, map into map. Both may change: see [`Table`].
    pub(crate) fn tables(&mut self, upper: &Table, lower: &Table, prefix: &str, nulls: Nulls) {
        let given: BTreeSet<Str> =
            lower.snapshot().into_iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key).collect();
        for (key, value) in upper.snapshot() {
            if value.is_null() {
                lower.set(key, Node::Null);
            }
        }
        for (key, value) in lower.snapshot() {
            let name = key.to_text();
            match (upper.get(&name), value) {
                (Some(Node::Null), _) if nulls == Nulls::Delete && given.contains(&key) => upper.remove(&key),
                (None, value) => upper.set(key, value),
                (Some(Node::Table(upper)), Node::Table(lower)) => {
                    self.tables(&upper, &lower, &concat(prefix, &name), nulls);
                }
                (Some(_), Node::Table(lower)) => {
                    let (key, value) = (concat(prefix, &name), Node::Table(lower).display());
                    self.warn(format!("warning: cannot overwrite table with non table for {key} ({value})"));
                }
                (Some(Node::Table(_)), value) if !value.is_null() => {
                    let (key, value) = (concat(prefix, &name), value.display());
                    self.warn(format!(
                        "warning: destination for {key} is a table. Ignoring non-table value ({value})"
                    ));
                }
                (Some(_), _) => {}
            }
        }
    }

    /// Gives a subchart the globals of the chart that holds it; the outer ones win.
    fn globals(&mut self, inner: &Table, outer: &Table, prefix: &str) {
        let to = match inner.get(GLOBAL) {
            None => Table::default(),
            Some(Node::Table(table)) => table,
            Some(_) => {
                return self
                    .warn("warning: skipping globals because destination global is not a table.".to_owned());
            }
        };
        let from = match outer.get(GLOBAL) {
            None => Vec::new(),
            Some(Node::Table(table)) => table.snapshot(),
            Some(_) => {
                return self
                    .warn("warning: skipping globals because source global is not a table.".to_owned());
            }
        };
        for (key, value) in from {
            let name = key.to_text();
            match (value, to.get(&name)) {
                (Node::Table(table), None) => to.set(key, Node::Table(table.shallow())),
                (Node::Table(table), Some(Node::Table(below))) => {
                    let above = table.shallow();
                    self.tables(&above, &below, &concat(prefix, &name), Nulls::Keep);
                    to.set(key, Node::Table(above));
                }
                (Node::Table(_), Some(_)) => {
                    self.warn(format!("Conflict: cannot merge map onto non-map for {name:?}. Skipping."));
                }
                (_, Some(Node::Table(_))) => self.warn(format!("key {name} is table. Skipping")),
                (value, _) => to.set(key, value),
            }
        }
        inner.set(GLOBAL, Node::Table(to));
    }
}

fn concat(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}
