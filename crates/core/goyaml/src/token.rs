//! What the scanner makes of a text.

use crate::cursor::Position;
use crate::outline::Style;

/// A token; the names are those of the YAML 1.1 grammar as libyaml has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    StreamEnd,
    VersionDirective { major: u8, minor: u8 },
    TagDirective { handle: String, prefix: String },
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
    Tag { handle: String, suffix: String },
    Scalar { text: String, style: Style },
}

/// A token with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spanned {
    pub(crate) token: Token,
    pub(crate) start: Position,
    pub(crate) end: Position,
}
