//! How many rows have each value.
#![expect(clippy::disallowed_types, reason = "what is counted is sorted before anybody sees it")]

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Serialize;

use crate::error::QueryError;
use crate::row::Row;
use crate::word::Word;

/// Values of one facet that are told; of more, those that most rows have.
const VALUES: usize = 200;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// Health.
    Health,
    /// Whether live is as desired.
    Sync,
    /// Phase of the operation; `None` where there was none.
    Operation,
    /// Whether it syncs by itself.
    AutoSync,
    /// Project.
    Project,
    /// Cluster, by server or else by name.
    Cluster,
    /// Namespace that it goes to.
    Namespace,
    /// Namespace that it is in.
    AppNamespace,
    /// Repositories.
    Repo,
    /// Target revisions.
    TargetRevision,
    /// Labels, as `key=value`.
    Labels,
    /// Types of conditions.
    Conditions,
}

impl Facet {
    /// All, by name.
    const NAMES: [(&'static str, Self); 12] = [
        ("health", Self::Health),
        ("sync", Self::Sync),
        ("operation", Self::Operation),
        ("autoSync", Self::AutoSync),
        ("project", Self::Project),
        ("cluster", Self::Cluster),
        ("namespace", Self::Namespace),
        ("appNamespace", Self::AppNamespace),
        ("repo", Self::Repo),
        ("targetRevision", Self::TargetRevision),
        ("labels", Self::Labels),
        ("conditions", Self::Conditions),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, facet)| *facet == self).map_or("", |(name, _)| name)
    }

    /// Reads names with commas between; each counts once.
    ///
    /// # Errors
    /// A name that is none.
    pub fn parse(text: &str) -> Result<Vec<Self>, QueryError> {
        let mut at = 0;
        let mut facets = Vec::new();
        for name in text.split(',') {
            let trimmed = name.trim();
            if !trimmed.is_empty() {
                let found = Self::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(trimmed));
                let known = Self::NAMES.map(|(known, _)| known);
                facets.push(found.ok_or_else(|| QueryError::unknown(at, "facet", trimmed, &known))?.1);
            }
            at += name.chars().count() + 1;
        }
        facets.sort();
        facets.dedup();
        Ok(facets)
    }

    fn each<'a>(self, row: &'a Row, tally: &mut Tally<'a>) {
        let mut nth = 0;
        let mut say = |name: &'a Word, value: Option<&'a Word>| {
            if !name.is_empty() {
                tally.add(nth, Key(name, value));
                nth += 1;
            }
        };
        let [none, yes, no] = &*OURS;
        match self {
            Self::Health => say(&row.health, None),
            Self::Sync => say(&row.sync, None),
            Self::Operation => say(if row.operation.is_empty() { none } else { &row.operation }, None),
            Self::AutoSync => say(if row.auto_sync { yes } else { no }, None),
            Self::Project => say(&row.project, None),
            Self::Cluster => say(row.cluster(), None),
            Self::Namespace => say(&row.destination.namespace, None),
            Self::AppNamespace => say(&row.namespace, None),
            Self::Repo => row.sources.iter().for_each(|source| say(&source.repo, None)),
            Self::TargetRevision => row.sources.iter().for_each(|source| say(&source.target_revision, None)),
            Self::Conditions => row.conditions.iter().for_each(|condition| say(condition, None)),
            Self::Labels => row.labels.iter().for_each(|(key, value)| say(key, Some(value))),
        }
    }
}

/// Values that no Application says.
static OURS: LazyLock<[Word; 3]> = LazyLock::new(|| ["None", "true", "false"].map(Word::from));

/// A value, or a label's key and value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a>(&'a Word, Option<&'a Word>);

impl Key<'_> {
    /// What no other value has: texts are not looked at to count.
    fn id(self) -> (usize, usize) {
        (self.0.id(), self.1.map_or(0, Word::id))
    }
}

/// Values with how many rows had them so far.
#[derive(Default)]
struct Tally<'a> {
    counts: Vec<(Key<'a>, usize)>,
    places: HashMap<(usize, usize), usize, foldhash::fast::RandomState>,
    /// Where the first, the second… value of the last row is counted: the next one mostly has the same.
    last: Vec<usize>,
}

impl<'a> Tally<'a> {
    /// Counts the `nth` value of a row.
    fn add(&mut self, nth: usize, key: Key<'a>) {
        let last = self.last.get(nth).and_then(|place| self.counts.get_mut(*place));
        if let Some((_, count)) = last.filter(|(known, _)| known.id() == key.id()) {
            *count += 1;
            return;
        }
        let place = *self.places.entry(key.id()).or_insert(self.counts.len());
        match self.counts.get_mut(place) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((key, 1)),
        }
        match self.last.get_mut(nth) {
            Some(last) => *last = place,
            None => self.last.push(place),
        }
    }
}

/// How many rows have which value of a facet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Values with how many rows have them, the most first.
    pub values: Vec<(String, usize)>,
    /// Values that are left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// Counts rows by facets, in the order of these. Each row is looked at once: to fetch it costs more than to count it.
pub fn count<'a>(rows: impl Iterator<Item = &'a Row>, facets: &[Facet]) -> Vec<Count> {
    let mut tallies: Vec<Tally<'_>> = facets.iter().map(|_| Tally::default()).collect();
    for row in rows {
        for (facet, tally) in facets.iter().zip(&mut tallies) {
            facet.each(row, tally);
        }
    }
    tallies.into_iter().map(|tally| ordered(tally.counts)).collect()
}

fn ordered(mut values: Vec<(Key<'_>, usize)>) -> Count {
    // Values that as many rows have are in the order of their names.
    let order =
        |(one, a): &(Key<'_>, usize), (other, b): &(Key<'_>, usize)| b.cmp(a).then_with(|| one.cmp(other));
    let more = values.len().saturating_sub(VALUES);
    if more > 0 {
        // What is left out needs no order.
        values.select_nth_unstable_by(VALUES - 1, order);
        values.truncate(VALUES);
    }
    values.sort_by(order);
    let named = |Key(name, value): &Key<'_>| match value {
        Some(value) => format!("{name}={value}"),
        None => name.to_string(),
    };
    Count { values: values.iter().map(|(key, count)| (named(key), *count)).collect(), more }
}
