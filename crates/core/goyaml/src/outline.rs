//! Where the nodes of a text are, byte by byte, for those who edit it.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;

use crate::cursor::Separators;
use crate::node::{Content, NodeId, Places, Tree};
use crate::{Document, Error, ErrorKind, Limits, Mark, check_size, node, parser, value};

/// How a node is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// A scalar without quotes.
    Plain,
    /// A scalar in `'`.
    SingleQuoted,
    /// A scalar in `"`.
    DoubleQuoted,
    /// A scalar after `|`.
    Literal,
    /// A scalar after `>`.
    Folded,
    /// Nothing at all, as the value of `key:`. It is null, and has no bytes but those of an anchor or a tag.
    #[default]
    Empty,
    /// A map or a list by indentation.
    Block,
    /// A list by indentation whose items stand no further in than the key that it belongs to.
    Indentless,
    /// A map or a list in brackets.
    Flow,
    /// A map of one entry without brackets of its own, in a list that has some: `[a: b]`.
    Pair,
    /// `*name`.
    Alias,
}

/// Bytes of one node, and how it is written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    /// Where its anchor or tag starts, or its content where it has neither.
    pub(crate) start: usize,
    pub(crate) content: usize,
    pub(crate) end: usize,
    pub(crate) style: Style,
}

impl Extent {
    /// Makes it that of nothing, where the reading has come to.
    pub(crate) fn nothing(&mut self) {
        *self = Self { start: self.end, content: self.end, end: self.end, style: Style::Empty };
    }
}

/// One document of a stream with the bytes of its nodes.
#[derive(Debug, Clone)]
pub struct Outline {
    document: Document,
    places: Places,
    /// Bytes that were dropped before the text that was read: a byte order mark.
    shift: usize,
}

/// A node of an [`Outline`].
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    outline: &'a Outline,
    id: NodeId,
}

/// What a node is, with the nodes in it.
#[derive(Debug, Clone)]
pub enum NodeKind<'a> {
    /// A scalar; what it says is in [`Outline::value`].
    Scalar,
    /// A list.
    Sequence(Vec<Node<'a>>),
    /// A map: keys and values, in the order of the text, merges (`<<`) and repeated keys included.
    Mapping(Vec<(Node<'a>, Node<'a>)>),
    /// An alias, and the node that has its anchor.
    Alias(Node<'a>),
}

/// Reads all documents of a stream, empty ones included, with the bytes of their nodes.
///
/// **Shape**: documents in the order of the text; none for a text of nothing but comments. Offsets are those in `text`.
/// **Errors**: as [`crate::parse_all`], with which it agrees on what is a document; but it reads no JSON that YAML 1.1 has not, and no UTF-16,
/// whose offsets nobody could use.
pub fn outline(text: &str, limits: &Limits) -> Result<Vec<Outline>, Error> {
    check_size(text.as_bytes(), limits)?;
    let decoded = crate::text::decode(text.as_bytes())?;
    let shift = text.len() - decoded.len();
    let mut parser = parser::Parser::new(&decoded, Separators::Kubernetes);
    let mut budget = value::Budget::new(limits);
    let mut outlines: Vec<Outline> = Vec::new();
    while let Some(mut tree) = node::next_document(&mut parser, limits, &mut budget.nodes, true)? {
        let start = tree.start();
        if outlines.len() >= limits.documents {
            return Err(Error::new(Some(start), ErrorKind::TooManyDocuments(limits.documents)));
        }
        let value::Built { value, duplicates, .. } = value::build(&mut tree, limits, &mut budget)?;
        let places = tree.places.take().unwrap_or_default();
        let tree = tree.into_owned();
        outlines.push(Outline { document: Document { value, start, tree, duplicates }, places, shift });
    }
    Ok(outlines)
}

impl Outline {
    /// What the document says, `null` for an empty one.
    pub fn value(&self) -> &Value {
        &self.document.value
    }

    /// The document with the places of its fields.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The node that the document is.
    pub fn root(&self) -> Node<'_> {
        self.node(self.tree().root)
    }

    /// Offset of what ends the document: a `...`, what starts the next one, or the end of the text.
    pub fn end(&self) -> usize {
        self.places.end + self.shift
    }

    fn node(&self, id: NodeId) -> Node<'_> {
        Node { outline: self, id }
    }

    fn tree(&self) -> &Tree<'static> {
        &self.document.tree
    }
}

impl<'a> Node<'a> {
    /// What it is.
    pub fn kind(&self) -> NodeKind<'a> {
        let node = |id: &NodeId| self.outline.node(*id);
        match self.outline.tree().nodes.get(self.id as usize).map(|node| &node.content) {
            Some(Content::Sequence(items)) => NodeKind::Sequence(items.iter().map(node).collect()),
            Some(Content::Mapping(entries)) => {
                let (pairs, _) = entries.as_chunks::<2>();
                NodeKind::Mapping(pairs.iter().map(|[key, value]| (node(key), node(value))).collect())
            }
            Some(Content::Alias { target }) => NodeKind::Alias(node(target)),
            Some(Content::Scalar(_)) | None => NodeKind::Scalar,
        }
    }

    /// How it is written.
    pub fn style(&self) -> Style {
        self.extent().style
    }

    /// Bytes of its content: without anchor and tag, and without what follows it on its last line. Those of a collection by indentation end
    /// with its last item, and those of a [`Style::Literal`] or [`Style::Folded`] scalar behind the empty lines that follow it.
    pub fn span(&self) -> Range<usize> {
        let (extent, shift) = (self.extent(), self.outline.shift);
        extent.content + shift..extent.end.max(extent.content) + shift
    }

    /// Offset of its anchor or tag, or of its content where it has neither.
    pub fn start(&self) -> usize {
        self.extent().start + self.outline.shift
    }

    /// Line and column of [`Self::start`].
    pub fn mark(&self) -> Mark {
        self.outline.tree().nodes.get(self.id as usize).map_or(Mark { line: 1, column: 1 }, node::Node::mark)
    }

    /// The name of its anchor (`&name`).
    pub fn anchor(&self) -> Option<&'a str> {
        self.outline.places.anchors.get(&self.id).map(String::as_str)
    }

    /// Aliases in the document that stand for this very node, in the order of the text.
    pub fn aliases(&self) -> Vec<Self> {
        let aliases: BTreeSet<NodeId> = self.outline.tree().alias_names.keys().copied().collect();
        let stands_for =
            |node: &Node<'a>| matches!(node.kind(), NodeKind::Alias(target) if target.id == self.id);
        aliases.into_iter().map(|id| self.outline.node(id)).filter(stands_for).collect()
    }

    /// The field name that it stands for as a key of a map, alias or not. `None` where it is a merge (`<<`), or no scalar.
    pub fn key(&self) -> Option<String> {
        let tree = self.outline.tree();
        let content = |id: NodeId| tree.nodes.get(id as usize).map(|node| &node.content);
        let scalar = match content(self.id)? {
            Content::Alias { target } => content(*target),
            own => Some(own),
        };
        match scalar? {
            Content::Scalar(scalar) if !(scalar.text == "<<" && scalar.resolvable) => {
                value::key_text(scalar).ok()
            }
            _ => None,
        }
    }

    fn extent(&self) -> Extent {
        self.outline.places.extents.get(self.id as usize).copied().unwrap_or_default()
    }
}
