//! Orders, and pages of them.

use std::cmp::Ordering;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::error::QueryError;
use crate::row::Row;

/// Healths from the best to the worst, as applications are judged by their worst object.
const HEALTH: [&str; 6] = ["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"];
/// Longest cursor, in bytes.
const CURSOR_BYTES: usize = 4 << 10;

/// What rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum By {
    #[default]
    Name,
    Created,
    Synced,
    Health,
    Sync,
    Operation,
    Project,
    Namespace,
    Cluster,
}

const NAMES: [(&str, By); 9] = [
    ("name", By::Name),
    ("created", By::Created),
    ("synced", By::Synced),
    ("health", By::Health),
    ("sync", By::Sync),
    ("operation", By::Operation),
    ("project", By::Project),
    ("namespace", By::Namespace),
    ("cluster", By::Cluster),
];

/// An order of rows: `name`, or `-created` for the newest first. Rows that are equal in it are in the order of name and namespace.
///
/// **Shape**: what never was (`synced`) comes as if it were the oldest; `health` goes from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    by: By,
    descending: bool,
}

/// What a row is ordered by, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
enum Rank {
    Number(i64),
    Text(String),
}

impl Sort {
    /// Reads a name, with a `-` in front for the other direction.
    ///
    /// # Errors
    /// A name that is none.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let (descending, name) =
            text.trim().strip_prefix('-').map_or((false, text.trim()), |name| (true, name));
        if name.is_empty() && !descending {
            return Ok(Self::default());
        }
        let found = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let known = NAMES.map(|(known, _)| known);
        let by = found.ok_or_else(|| QueryError::unknown(usize::from(descending), "order", name, &known))?.1;
        Ok(Self { by, descending })
    }

    fn text(self) -> String {
        let name = NAMES.iter().find(|(_, by)| *by == self.by).map_or("", |(name, _)| name);
        format!("{}{name}", if self.descending { "-" } else { "" })
    }

    fn number(self, row: &Row) -> Option<i64> {
        let second = |time: Option<jiff::Timestamp>| time.map_or(i64::MIN, jiff::Timestamp::as_second);
        match self.by {
            By::Created => Some(second(row.created)),
            By::Synced => Some(second(row.synced)),
            By::Health => Some(
                HEALTH.iter().zip(0..).find(|(name, _)| row.health == **name).map_or(6, |(_, rank)| rank),
            ),
            By::Name | By::Sync | By::Operation | By::Project | By::Namespace | By::Cluster => None,
        }
    }

    fn word(self, row: &Row) -> &str {
        match self.by {
            By::Name => &row.name,
            By::Sync => &row.sync,
            By::Operation => &row.operation,
            By::Project => &row.project,
            By::Namespace => &row.destination.namespace,
            By::Cluster => row.cluster(),
            By::Created | By::Synced | By::Health => "",
        }
    }

    fn rank(self, row: &Row) -> Rank {
        self.number(row).map_or_else(|| Rank::Text(self.word(row).to_owned()), Rank::Number)
    }

    fn compare(self, a: &Row, b: &Row) -> Ordering {
        let ranks = match (self.number(a), self.number(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => self.word(a).cmp(self.word(b)),
        };
        let ranks = if self.descending { ranks.reverse() } else { ranks };
        ranks.then_with(|| (&a.name, &a.namespace).cmp(&(&b.name, &b.namespace)))
    }

    /// How a row stands to the one that a cursor was made of.
    fn compare_to(self, row: &Row, cursor: &Cursor) -> Ordering {
        let ranks = self.rank(row).cmp(&cursor.rank);
        let ranks = if self.descending { ranks.reverse() } else { ranks };
        let place = (row.name.as_str(), row.namespace.as_str());
        ranks.then_with(|| place.cmp(&(&cursor.name, &cursor.namespace)))
    }
}

/// Where a page ended: what the order looks at of its last row, and whose row it was. So the next page goes on behind it, also where the row is
/// gone or others came; whoever asks so meets each row that stays where it is exactly once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    sort: String,
    rank: Rank,
    name: String,
    namespace: String,
}

impl Cursor {
    /// Reads one that was written for the same order.
    ///
    /// # Errors
    /// Where it was not.
    pub fn parse(text: &str, sort: Sort) -> Result<Self, QueryError> {
        let none = || QueryError::new(0, "the cursor is none of ours; ask for the first page without one");
        let bytes = Some(text)
            .filter(|text| text.len() <= CURSOR_BYTES)
            .and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok());
        let cursor: Self = serde_json::from_slice(&bytes.ok_or_else(none)?).map_err(|_| none())?;
        if cursor.sort != sort.text() {
            let text = format!(
                "the cursor is of the order {:?}; ask for the first page of another without one",
                cursor.sort
            );
            return Err(QueryError::new(0, text));
        }
        Ok(cursor)
    }

    /// The text that clients send back.
    pub fn text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// A page of rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// In their order.
    pub rows: Vec<Arc<Row>>,
    /// Where the next page begins; none where this is the last.
    pub next: Option<Cursor>,
}

/// The rows behind a cursor in an order, at most `limit`.
pub fn page(mut rows: Vec<Arc<Row>>, sort: Sort, after: Option<&Cursor>, limit: usize) -> Page {
    if let Some(cursor) = after {
        rows.retain(|row| sort.compare_to(row, cursor) == Ordering::Greater);
    }
    let more = rows.len() > limit;
    // Mostly they come by their names, and are asked for so; otherwise what is behind the page needs no order.
    let is_sorted = || rows.is_sorted_by(|a, b| sort.compare(a, b).is_le());
    if more && limit > 0 && !is_sorted() {
        rows.select_nth_unstable_by(limit - 1, |a, b| sort.compare(a, b));
    }
    rows.truncate(limit);
    rows.sort_by(|a, b| sort.compare(a, b));
    let cursor = |row: &Arc<Row>| Cursor {
        sort: sort.text(),
        rank: sort.rank(row),
        name: row.name.clone(),
        namespace: row.namespace.to_string(),
    };
    let next = rows.last().filter(|_| more).map(cursor);
    Page { rows, next }
}
