//! Edits YAML files and keeps what it does not change: comments, blank lines, the order of keys, quoting, indentation, line endings,
//! anchors and document markers.
//!
//! It knows places in a text and nothing of what the text is about.
