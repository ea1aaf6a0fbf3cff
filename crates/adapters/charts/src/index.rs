//! `index.yaml`: what a Helm repository says that it has, in little memory.

mod blocks;
mod json;

use crate::digest::Digest;
use gosemver::{Range, Version};
use net::excerpt;
use serde_json::Value;
use std::collections::BTreeMap;

/// How many things that were wrong with an index are told.
const NOTES: usize = 20;

/// What one entry may cost: its bytes, nesting and values.
const ENTRY: goyaml::Limits = goyaml::Limits { bytes: 1 << 20, depth: 64, nodes: 20_000, documents: 1 };

/// Values that an index may have that can only be read in one piece; they cost some 200 bytes each.
const NODES_IN_ONE_PIECE: usize = 500_000;

/// The charts of a repository: of each its versions, and where their archives lie.
///
/// **Shape**: entries in the order of the text. One that is malformed is left out and named in [`Index::notes`]; a text that is
/// no index at all is an error. **Source**: helm 3.22 `pkg/repo`; we differ in that an entry whose metadata break Helm's own
/// rules is kept as long as it has a version, and in that a field that is unknown or doubled is no error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// All texts, one after the other.
    text: String,
    charts: BTreeMap<Box<str>, Vec<Row>>,
    versions: usize,
    notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    version: Span,
    url: Span,
    digest: Option<Digest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: u32,
    end: u32,
}

/// One version of a chart in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// As it is written.
    pub version: &'a str,
    /// The first of its URLs, perhaps relative to the index; empty where it has none.
    pub url: &'a str,
    /// The archive's, where a well-formed one is given.
    pub digest: Option<Digest>,
}

/// Why a text is no index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// Neither YAML nor JSON of that form.
    #[error("index.yaml cannot be read: {0}")]
    Malformed(String),
    /// More versions than the limit.
    #[error("index.yaml has more than {0} versions")]
    TooMany(usize),
}

impl Index {
    /// Reads the text of an index, YAML or JSON. `most` is how many versions it may have.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn parse(text: &[u8], most: usize) -> Result<Self, IndexError> {
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
        if text.trim_ascii_start().first() == Some(&b'{')
            && let Some(index) = json::read(text, most)
        {
            return index;
        }
        match std::str::from_utf8(text).ok().map(|text| blocks::read(text, most)) {
            Some(blocks::Outcome::All(index)) => index,
            // What could not be read by itself may make sense in its place. If not, the others are not lost.
            Some(blocks::Outcome::Some(index)) => in_one_piece(text, most).or(index),
            Some(blocks::Outcome::Unusual) | None => in_one_piece(text, most),
        }
    }

    /// The charts' names, in order.
    pub fn charts(&self) -> impl Iterator<Item = &str> {
        self.charts.keys().map(|name| &**name)
    }

    /// The versions of a chart in the order of the index; `None` where the index does not name it.
    pub fn entries(&self, chart: &str) -> Option<impl Iterator<Item = Entry<'_>>> {
        Some(self.charts.get(chart)?.iter().map(|row| self.entry(row)))
    }

    /// How many versions there are of all charts together.
    pub fn versions(&self) -> usize {
        self.versions
    }

    /// What was left out and why, at most a few.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The entry that a revision means: the one with this very version, else the highest in the range. Nothing at all and `*`
    /// mean the highest that is no pre-release.
    pub fn resolve(&self, chart: &str, revision: &str) -> Option<Entry<'_>> {
        let revision = revision.trim();
        let rows = self.charts.get(chart)?;
        if let Some(row) = rows.iter().find(|row| !revision.is_empty() && self.at(row.version) == revision) {
            return Some(self.entry(row));
        }
        let range = Range::parse(if revision.is_empty() { "*" } else { revision })?;
        let mut best: Option<(Version, &Row)> = None;
        for row in rows {
            if let Some(version) = Version::parse(self.at(row.version))
                && best.as_ref().is_none_or(|(highest, _)| version > *highest)
                && range.matches(&version)
            {
                best = Some((version, row));
            }
        }
        best.map(|(_, row)| self.entry(row))
    }

    /// About how many bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        let names: usize = self.charts.keys().map(|name| name.len() + 64).sum();
        self.text.capacity() + names + self.versions * size_of::<Row>()
    }

    fn at(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    fn entry(&self, row: &Row) -> Entry<'_> {
        Entry { version: self.at(row.version), url: self.at(row.url), digest: row.digest }
    }
}

/// Puts an index together.
struct Builder {
    index: Index,
    most: usize,
}

impl Builder {
    fn new(most: usize) -> Self {
        Self { index: Index::default(), most }
    }

    /// Begins a chart. As in Go's YAML the last of two with one name counts.
    fn chart(&mut self, name: &str) {
        if let Some(rows) = self.index.charts.insert(name.into(), Vec::new()) {
            self.index.versions -= rows.len();
        }
    }

    fn entry(&mut self, chart: &str, entry: &Value) -> Result<(), IndexError> {
        let version = match entry.get("version") {
            Some(Value::String(version)) => version.clone(),
            // `version: 1.0` without quotes is a text for Helm, too.
            Some(Value::Number(version)) => version.to_string(),
            _ => {
                self.note(chart, "an entry without a version");
                return Ok(());
            }
        };
        if version.trim().is_empty() {
            self.note(chart, "an entry without a version");
            return Ok(());
        }
        if self.index.versions >= self.most {
            return Err(IndexError::TooMany(self.most));
        }
        let url = entry.get("urls").and_then(|urls| urls.get(0)).and_then(Value::as_str).unwrap_or_default();
        let digest = entry.get("digest").and_then(Value::as_str).and_then(Digest::loose);
        let row = Row { version: self.span(&version)?, url: self.span(url)?, digest };
        if let Some(rows) = self.index.charts.get_mut(chart) {
            rows.push(row);
            self.index.versions += 1;
        }
        Ok(())
    }

    fn note(&mut self, chart: &str, what: &str) {
        if self.index.notes.len() < NOTES {
            self.index.notes.push(excerpt(&format!("chart {chart:?}: {what} is left out")));
        }
    }

    fn span(&mut self, text: &str) -> Result<Span, IndexError> {
        let text_of = &mut self.index.text;
        let start = text_of.len();
        text_of.push_str(text);
        match (u32::try_from(start), u32::try_from(text_of.len())) {
            (Ok(start), Ok(end)) => Ok(Span { start, end }),
            _ => Err(IndexError::Malformed("it is larger than 4 GiB".to_owned())),
        }
    }

    fn done(mut self) -> Index {
        self.index.text.shrink_to_fit();
        self.index.charts.values_mut().for_each(Vec::shrink_to_fit);
        self.index
    }

    /// What is known whole.
    fn whole(mut self, index: &Value) -> Result<Index, IndexError> {
        let entries = match (index.get("entries"), index.get("apiVersion")) {
            (None | Some(Value::Null), Some(Value::String(_))) => return Ok(self.done()),
            (Some(Value::Object(entries)), _) => entries,
            _ => return Err(IndexError::Malformed("it has no entries".to_owned())),
        };
        for (name, versions) in entries {
            self.chart(name);
            match versions {
                Value::Array(versions) => {
                    for entry in versions {
                        self.entry(name, entry)?;
                    }
                }
                Value::Null => {}
                _ => self.note(name, "what is no list of entries"),
            }
        }
        Ok(self.done())
    }
}

fn in_one_piece(text: &[u8], most: usize) -> Result<Index, IndexError> {
    let limits =
        goyaml::Limits { bytes: text.len(), depth: ENTRY.depth, nodes: NODES_IN_ONE_PIECE, documents: 1 };
    let value = goyaml::parse_one(text, &limits)
        .map_err(|error| IndexError::Malformed(excerpt(&error.to_string())))?;
    Builder::new(most).whole(&value)
}

#[cfg(test)]
mod tests;
