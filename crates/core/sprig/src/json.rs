//! JSON as Go's `encoding/json` writes and reads it.

mod read;
mod write;

pub(crate) use read::read;
pub use write::to_json;
pub(crate) use write::{Style, float, write};
