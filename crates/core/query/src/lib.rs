//! Questions about many applications: which, in what order, which page of them, and how many of each sort.
//!
//! - [`Row`]: what lists show of an application; all that questions look at. What many rows have is a [`Word`], in memory once.
//! - [`Filter`]: `health:Degraded project:web -label:env=dev age<1h`, read and held against rows.
//! - [`Sort`], [`page`]: an order, and a page of it by a [`Cursor`] that stays right while rows come and go.
//! - [`Facet`], [`count`]: how many rows have each value.
//! - [`Fields`]: a row with some of its fields.
//!
//! It refuses to know who asks and where rows come from; the time is an argument.
//!
//! ```
//! use serde_json::json;
//! let app = json!({"metadata": {"name": "web"}, "spec": {"project": "shop"}, "status": {"health": {"status": "Degraded"}}});
//! let row = query::Row::of(&app);
//! let now = "2026-01-02T03:04:05Z".parse()?;
//! assert!(query::Filter::parse("health:Degraded,Missing project:sh*")?.takes(&row, now));
//! let error = query::Filter::parse("helth:Degraded").unwrap_err();
//! assert_eq!((error.position, error.nearest.as_deref()), (0, Some("health")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod facet;
mod fields;
mod filter;
mod glob;
mod page;
mod row;
#[cfg(test)]
mod tests;
mod token;
mod word;

pub use error::QueryError;
pub use facet::{Count, Facet, count};
pub use fields::Fields;
pub use filter::{FILTER_BYTES, Filter, TERMS};
pub use page::{Cursor, Page, Sort, page};
pub use row::{Destination, Row, Source};
pub use word::Word;
