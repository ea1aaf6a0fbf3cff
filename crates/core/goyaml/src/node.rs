//! Events to a tree of nodes, in an arena: anchors are shared, nothing recurses.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::cursor::Position;
use crate::outline::Extent;
use crate::parser::{Event, Parser};
use crate::{Error, ErrorKind, Limits, Mark};

/// A node's number in its arena.
pub(crate) type NodeId = u32;

/// One node and where it starts.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    line: u32,
    column: u32,
    pub(crate) content: Content<'a>,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Content<'a> {
    Scalar(Scalar<'a>),
    Sequence(Vec<NodeId>),
    /// Keys and values by turns.
    Mapping(Vec<NodeId>),
    Alias {
        target: NodeId,
    },
}

/// A scalar before its type is known.
#[derive(Debug, Clone)]
pub(crate) struct Scalar<'a> {
    pub(crate) text: Cow<'a, str>,
    /// The full tag, empty where there is none.
    pub(crate) tag: Box<str>,
    /// Whether the words alone decide on the type.
    pub(crate) resolvable: bool,
}

impl Node<'_> {
    pub(crate) fn mark(&self) -> Mark {
        Mark { line: self.line as usize, column: self.column as usize }
    }
}

/// The nodes of one document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) root: NodeId,
    /// Names of anchors, by the alias node that used them; for messages.
    pub(crate) alias_names: BTreeMap<NodeId, String>,
    /// Bytes of the nodes, by their numbers, and names of those that have an anchor; only where somebody wants to edit the text.
    pub(crate) places: Option<Places>,
}

/// What an edit of the text needs to know of a document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    pub(crate) extents: Vec<Extent>,
    pub(crate) anchors: BTreeMap<NodeId, String>,
    /// Offset of what ends the document: the next document's `---` or directives, this one's `...`, or the end of the text.
    pub(crate) end: usize,
}

impl Tree<'_> {
    /// Where the document's value starts.
    pub(crate) fn start(&self) -> Mark {
        self.nodes.get(self.root as usize).map_or(Mark { line: 1, column: 1 }, Node::mark)
    }

    /// The same without the text that it was read from.
    pub(crate) fn into_owned(self) -> Tree<'static> {
        let owned = |Node { line, column, content }: Node<'_>| {
            let content = match content {
                Content::Scalar(Scalar { text, tag, resolvable }) => {
                    Content::Scalar(Scalar { text: Cow::Owned(text.into_owned()), tag, resolvable })
                }
                Content::Sequence(children) => Content::Sequence(children),
                Content::Mapping(children) => Content::Mapping(children),
                Content::Alias { target } => Content::Alias { target },
            };
            Node { line, column, content }
        };
        let Self { nodes, root, alias_names, places } = self;
        Tree { nodes: nodes.into_iter().map(owned).collect(), root, alias_names, places }
    }

    fn end(&mut self, node: NodeId, end: usize) {
        if let Some(extent) = self.places.as_mut().and_then(|places| places.extents.get_mut(node as usize)) {
            extent.end = end;
        }
    }
}

/// An open collection.
struct Open {
    id: NodeId,
    children: Vec<NodeId>,
    mapping: bool,
}

/// Reads the next document, `None` at the end of the stream, with the bytes of its nodes where `places` asks for them. `budget` is how many nodes there may still be; what was read is taken off.
pub(crate) fn next_document<'a>(
    parser: &mut Parser<'a>,
    limits: &Limits,
    budget: &mut usize,
    places: bool,
) -> Result<Option<Tree<'a>>, Error> {
    let (event, _) = parser.next()?;
    if event != Event::DocumentStart {
        return Ok(None);
    }
    let mut tree = Tree { places: places.then(Places::default), ..Tree::default() };
    let mut anchors: BTreeMap<String, NodeId> = BTreeMap::new();
    let mut open: Vec<Open> = Vec::new();
    loop {
        let (event, position) = parser.next()?;
        let id = node_id(tree.nodes.len());
        let (content, anchor) = match event {
            Event::Scalar { anchor, tag, text, resolvable } => {
                let tag = tag.into_boxed_str();
                (Content::Scalar(Scalar { text, tag, resolvable }), anchor)
            }
            Event::Alias(name) => {
                let Some(target) = anchors.get(&name).copied() else {
                    return Err(Error::new(Some(position.into()), ErrorKind::UnknownAnchor(name)));
                };
                tree.alias_names.insert(id, name);
                (Content::Alias { target }, None)
            }
            Event::SequenceStart { anchor } => (Content::Sequence(Vec::new()), anchor),
            Event::MappingStart { anchor } => (Content::Mapping(Vec::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(done) = open.pop() {
                    tree.end(done.id, parser.extent().end);
                    close(&mut tree, done);
                }
                if open.is_empty() {
                    break;
                }
                continue;
            }
            Event::DocumentStart | Event::DocumentEnd | Event::StreamEnd => break,
        };
        *budget = budget
            .checked_sub(1)
            .ok_or_else(|| Error::new(Some(position.into()), ErrorKind::TooManyNodes(limits.nodes)))?;
        if let Some(places) = &mut tree.places {
            places.extents.push(parser.extent());
            if let Some(name) = &anchor {
                places.anchors.insert(id, name.clone());
            }
        }
        if let Some(name) = anchor {
            anchors.insert(name, id);
        }
        let mapping = matches!(content, Content::Mapping(_));
        let collection = mapping || matches!(content, Content::Sequence(_));
        tree.nodes.push(node(position, content));
        if let Some(parent) = open.last_mut() {
            parent.children.push(id);
        }
        if collection {
            if open.len() >= limits.depth {
                return Err(Error::new(Some(position.into()), ErrorKind::TooDeep(limits.depth)));
            }
            open.push(Open { id, children: Vec::new(), mapping });
        } else if open.is_empty() {
            break;
        }
    }
    // The end of the document, so that what follows it is judged with it, as Go does.
    let (_, end) = parser.next()?;
    if let Some(places) = &mut tree.places {
        places.end = end.offset;
    }
    Ok(Some(tree))
}

fn close(tree: &mut Tree<'_>, done: Open) {
    if let Some(node) = tree.nodes.get_mut(done.id as usize) {
        node.content =
            if done.mapping { Content::Mapping(done.children) } else { Content::Sequence(done.children) };
    }
}

fn node(position: Position, content: Content<'_>) -> Node<'_> {
    let Mark { line, column } = position.into();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Node { line: number(line), column: number(column), content }
}

/// Four thousand million nodes do not fit in any budget, so that the number never saturates.
fn node_id(index: usize) -> NodeId {
    NodeId::try_from(index).unwrap_or(NodeId::MAX)
}
