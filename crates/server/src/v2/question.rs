//! What is asked of a list.

use ::api::settings::LabelSelector;
use jiff::Timestamp;
use query::{Cursor, Facet, Fields, Filter, QueryError, Row, Sort};

use super::refusal::Refusal;

/// Rows of a page where nothing is said.
const LIMIT: usize = 50;
/// Most rows of a page.
const MOST: usize = 500;
/// Parameters that are a key of the filter each, as the peer's pages have them.
const TERMS: [(&str, &str); 11] = [
    ("proj", "project"),
    ("project", "project"),
    ("sync", "sync"),
    ("health", "health"),
    ("namespace", "namespace"),
    ("appNamespace", "appNamespace"),
    ("cluster", "cluster"),
    ("repo", "repo"),
    ("targetRevision", "targetRevision"),
    ("autoSync", "autoSync"),
    ("operation", "operation"),
];
const OTHERS: [&str; 8] = ["filter", "search", "labels", "sort", "cursor", "limit", "fields", "facets"];

/// Which rows: the part of a question that a stream follows, too.
#[derive(Debug, Clone, Default)]
pub(super) struct Which {
    filter: Filter,
    labels: Vec<LabelSelector>,
}

impl Which {
    pub(super) fn takes(&self, row: &Row, now: Timestamp) -> bool {
        self.labels.iter().all(|selector| selector.matches(&row.labels)) && self.filter.takes(row, now)
    }

    /// Whether what it takes changes while time goes by.
    pub(super) fn is_of_time(&self) -> bool {
        self.filter.is_of_time()
    }
}

/// A question for a list.
///
/// **Shape**: `filter` in the grammar of [`Filter`]; `search`, words that are all in the text; `labels`, a selector as of `kubectl`; `sort`; `cursor` and
/// `limit` (50, at most 500); `fields`; `facets`; and parameters as the peer's pages have them (`proj`, `sync`, `health`, …), each with commas or several
/// times for any of its values. **Errors**: E2001, also for a parameter that there is not.
#[derive(Debug, Default)]
pub(super) struct Question {
    pub(super) which: Which,
    pub(super) sort: Sort,
    pub(super) after: Option<Cursor>,
    pub(super) limit: usize,
    pub(super) fields: Fields,
    pub(super) facets: Vec<Facet>,
}

impl Question {
    pub(super) fn parse(query: &str) -> Result<Self, Refusal> {
        let mut said: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match said.iter_mut().find(|(known, _)| *known == name) {
                Some((name, before)) => {
                    before.push_str(if matches!(name.as_str(), "filter" | "search") { " " } else { "," });
                    before.push_str(&value);
                }
                None => said.push((name.into_owned(), value.into_owned())),
            }
        }
        let mut question = Self { limit: LIMIT, ..Self::default() };
        let mut cursor = None;
        for (name, value) in &said {
            if name == "cursor" {
                cursor = Some(value);
                continue;
            }
            question.say(name, value).map_err(|error| Refusal::question(name, &error))?;
        }
        // A cursor is of an order, which may be said behind it.
        let read = cursor.filter(|text| !text.is_empty()).map(|text| Cursor::parse(text, question.sort));
        question.after = read.transpose().map_err(|error| Refusal::question("cursor", &error))?;
        Ok(question)
    }

    fn say(&mut self, name: &str, value: &str) -> Result<(), QueryError> {
        let problem = |message: String| QueryError { position: 0, message, known: Vec::new(), nearest: None };
        match name {
            "filter" => self.which.filter.also(Filter::parse(value)?)?,
            "search" => self.which.filter.search(value)?,
            "labels" => self.which.labels.push(LabelSelector::parse(value).map_err(problem)?),
            "sort" => self.sort = Sort::parse(value)?,
            "fields" => self.fields = Fields::parse(value)?,
            "facets" => self.facets = Facet::parse(value)?,
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                self.limit = limit.ok_or_else(|| problem(format!("a number from 1 to {MOST} is wanted")))?;
            }
            _ => {
                let Some((_, key)) = TERMS.iter().find(|(known, _)| *known == name) else {
                    let known: Vec<&'static str> =
                        OTHERS.into_iter().chain(TERMS.iter().map(|(known, _)| *known)).collect();
                    let nearest = ::api::nearest(name, known.iter().copied()).map(str::to_owned);
                    return Err(QueryError {
                        position: 0,
                        message: "there is no such parameter".to_owned(),
                        known,
                        nearest,
                    });
                };
                self.which.filter.add(key, value)?;
            }
        }
        Ok(())
    }
}
