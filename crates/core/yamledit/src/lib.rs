//! Edits YAML files and keeps what it does not change: comments, blank lines, the order of keys, quoting, indentation, line endings,
//! anchors and document markers.
//!
//! It knows places in a text, by [`goyaml::Outline`], and nothing of what the text is about. New text is written as the text around it:
//! its way of indenting lists, its quotes, its brackets. Strings are quoted where a reader of YAML 1.1 or of 1.2 would take them for
//! something else. After each edit the text is read again and held against the value as it was changed in memory.
//!
//! - [`Stream`]: a text of documents, and what can be done to it.
//! - [`Path`]: which value.
//!
//! ```
//! let mut stream = yamledit::Stream::parse("image:\n  tag: '1.1' # by hand\n")?;
//! let changed = stream.set(0, &["image", "tag"].into(), &"1.10".into())?;
//! assert!(changed);
//! assert_eq!(stream.text(), "image:\n  tag: '1.10' # by hand\n");
//! # Ok::<(), yamledit::Error>(())
//! ```

mod difference;
mod error;
mod path;
mod place;
mod scalar;
mod splice;
mod stream;
mod text;
mod write;

pub use error::Error;
pub use goyaml::Mark;
pub use path::{Path, Step};
pub use scalar::plain_is_safe;
pub use stream::{Sharing, Stream};
