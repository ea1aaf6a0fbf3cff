use serde_json::Value;

use crate::node::{Content, NodeId, Tree};
use crate::value::key_text;

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
    pub(crate) tree: Tree<'static>,
    pub(crate) duplicates: Vec<(String, Mark)>,
}

impl Document {
    /// Where a field or a list item is: `["spec", "containers", "0", "image"]`. Fields go by name, and the answer is the place of the
    /// name; list items go by index. `None` where the text has no such field, and for fields of documents that are JSON, not YAML.
    pub fn locate(&self, pointer: &[&str]) -> Option<Mark> {
        let (mut node, mut mark) = (self.tree.root, self.start);
        for name in pointer {
            (node, mark) = self.child(self.resolve(node)?, name, 0)?;
        }
        Some(mark)
    }

    /// Keys that a map has more than once: path of the field (`spec.replicas`, lists by index) and place of each repetition, in the
    /// order of the text, the first hundred. The last one is what [`Document::value`] has, as in the peers.
    pub fn duplicate_keys(&self) -> &[(String, Mark)] {
        &self.duplicates
    }

    fn child(&self, node: NodeId, name: &str, merges: usize) -> Option<(NodeId, Mark)> {
        /// Merges within merges that are followed.
        const MAX_MERGES: usize = 16;
        let node = self.tree.nodes.get(node as usize)?;
        match &node.content {
            Content::Sequence(items) => {
                let item = *items.get(name.parse::<usize>().ok()?)?;
                Some((item, self.tree.nodes.get(item as usize)?.mark()))
            }
            Content::Mapping(entries) => {
                let (pairs, _) = entries.as_chunks::<2>();
                let named = |key: NodeId| match self.content(key) {
                    Some(Content::Scalar(scalar)) => key_text(scalar).is_ok_and(|text| text == name),
                    _ => false,
                };
                if let Some([key, value]) = pairs.iter().rev().find(|[key, _]| named(*key)) {
                    return Some((*value, self.tree.nodes.get(*key as usize)?.mark()));
                }
                let merged = pairs.iter().rev().filter(|[key, _]| self.is_merge(*key)).flat_map(
                    |[_, value]| match self.content(*value) {
                        Some(Content::Sequence(maps)) => maps.clone(),
                        _ => vec![*value],
                    },
                );
                if merges >= MAX_MERGES {
                    return None;
                }
                merged.filter_map(|map| self.resolve(map)).find_map(|map| self.child(map, name, merges + 1))
            }
            Content::Scalar(_) | Content::Alias { .. } => None,
        }
    }

    fn is_merge(&self, key: NodeId) -> bool {
        matches!(self.content(key), Some(Content::Scalar(scalar)) if scalar.text == "<<" && scalar.resolvable)
    }

    /// The content of a node, or of what it is an alias for.
    fn content(&self, node: NodeId) -> Option<&Content<'static>> {
        self.tree.nodes.get(self.resolve(node)? as usize).map(|node| &node.content)
    }

    fn resolve(&self, node: NodeId) -> Option<NodeId> {
        match self.tree.nodes.get(node as usize)?.content {
            Content::Alias { target } => Some(target),
            Content::Scalar(_) | Content::Sequence(_) | Content::Mapping(_) => Some(node),
        }
    }
}
