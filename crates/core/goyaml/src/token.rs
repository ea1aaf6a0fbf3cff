//! What the scanner makes of a text.

use std::borrow::Cow;

use crate::cursor::Position;
use crate::outline::Style;

/// A token; the names are those of the YAML 1.1 grammar as libyaml has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    StreamEnd,
    VersionDirective {
        major: u8,
        minor: u8,
    },
    TagDirective(Box<Handle>),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    Tag(Box<Handle>),
    /// As it stands in the text, wherever that is what it says.
    Scalar {
        text: Cow<'a, str>,
        style: Style,
    },
}

/// The handle of a tag, and what stands behind it or, in a directive, for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) handle: String,
    pub(crate) rest: String,
}

/// A token with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spanned<'a> {
    pub(crate) token: Token<'a>,
    pub(crate) start: Position,
    pub(crate) end: Position,
}
