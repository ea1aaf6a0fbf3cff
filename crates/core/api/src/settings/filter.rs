//! Kinds that are left alone.

use serde::Deserialize;
use serde_json::Value;

use crate::glob::{Dialect, Glob};

/// Most entries of one list.
const MOST_ENTRIES: usize = 1_000;

/// Which kinds are watched and managed, by cluster. Settings `resource.exclusions` and `resource.inclusions`.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceFilter {
    always: Vec<Entry>,
    pub(super) exclusions: Vec<Entry>,
    pub(super) inclusions: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    groups: Vec<Glob>,
    kinds: Vec<String>,
    clusters: Vec<Glob>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    api_groups: Vec<String>,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    clusters: Vec<String>,
}

impl Entry {
    fn new(groups: &[&str], kinds: &[&str]) -> Self {
        Self {
            groups: groups.iter().map(|group| Glob::new(group, Dialect::Text)).collect(),
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            clusters: Vec::new(),
        }
    }

    /// An empty list matches everything; kinds are no globs, but for a lone star.
    fn matches(&self, group: &str, kind: &str, cluster: &str) -> bool {
        let any =
            |globs: &[Glob], text: &str| globs.is_empty() || globs.iter().any(|glob| glob.matches(text));
        any(&self.groups, group)
            && (self.kinds.is_empty() || self.kinds.iter().any(|k| k == "*" || k == kind))
            && any(&self.clusters, cluster)
    }
}

impl Default for ResourceFilter {
    /// What the peer leaves alone whatever the settings say: kinds that change all the time and that nobody manages.
    fn default() -> Self {
        Self {
            always: vec![
                Entry::new(&["events.k8s.io", "metrics.k8s.io"], &[]),
                Entry::new(&[""], &["Event"]),
                Entry::new(&["coordination.k8s.io"], &["Lease"]),
            ],
            exclusions: Vec::new(),
            inclusions: Vec::new(),
        }
    }
}

impl ResourceFilter {
    /// Whether a kind is neither watched nor managed in a cluster, given by its URL.
    ///
    /// **Shape**: an exclusion wins; where there are inclusions, what is on none of them is excluded too.
    /// **Source**: the peer's `IsExcludedResource`.
    pub fn excluded(&self, group: &str, kind: &str, cluster: &str) -> bool {
        let on = |entries: &[Entry]| entries.iter().any(|entry| entry.matches(group, kind, cluster));
        on(&self.always) || on(&self.exclusions) || (!self.inclusions.is_empty() && !on(&self.inclusions))
    }
}

/// Reads a list of entries. A field that we do not know (newer versions narrow entries by labels) is an error: an
/// entry without its narrowing would exclude more than was meant.
pub(super) fn parse(value: Value) -> Result<Vec<Entry>, String> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let written: Vec<Written> = serde_path_to_error::deserialize(value).map_err(|error| error.to_string())?;
    if written.len() > MOST_ENTRIES {
        return Err(format!("{} entries are too many, {MOST_ENTRIES} are read", written.len()));
    }
    written.into_iter().map(compile).collect()
}

fn compile(entry: Written) -> Result<Entry, String> {
    let globs = |patterns: Vec<String>| {
        let globs: Vec<_> = patterns.iter().map(|pattern| Glob::new(pattern, Dialect::Text)).collect();
        match globs.iter().find_map(|glob| Some((glob.pattern(), glob.problem()?))) {
            Some((pattern, problem)) => Err(format!("{pattern:?} is no pattern: {problem}")),
            None => Ok(globs),
        }
    };
    Ok(Entry { groups: globs(entry.api_groups)?, kinds: entry.kinds, clusters: globs(entry.clusters)? })
}
