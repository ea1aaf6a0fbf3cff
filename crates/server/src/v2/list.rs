//! Lists of applications.

use std::sync::Arc;

use query::{count, page};
use serde_json::{Map, Value, json};

use super::Answer;
use super::question::Question;
use crate::guard::Guard;
use crate::server::Backend;

/// A page of the rows that are asked for and may be seen: `{"items", "total", "next", "facets", "position"}`. `total` and the facets are of all of them,
/// whatever the page.
pub(super) fn list(backend: &Backend, guard: &Guard, question: &Question) -> Answer {
    // First, so that a stream from there on misses nothing of what is read now.
    let position = backend.hub.position();
    let now = backend.now();
    let rows = backend.apps.rows(guard, |row| question.which.takes(row, now));
    let total = rows.len();
    let counts = count(rows.iter().map(Arc::as_ref), &question.facets);
    let counted = question.facets.iter().zip(counts);
    let facets: Map<String, Value> =
        counted.map(|(facet, count)| (facet.name().to_owned(), json!(count))).collect();
    let page = page(rows, question.sort, question.after.as_ref(), question.limit);
    let items: Vec<Value> = page.rows.iter().map(|row| question.fields.of(row)).collect();
    let mut value = json!({"items": items, "total": total});
    if let Some(next) = page.next {
        value["next"] = json!(next.text());
    }
    if !facets.is_empty() {
        value["facets"] = Value::Object(facets);
    }
    Answer { value, position }
}
