//! Where a path leads in a text, and whether something may be changed there.

use goyaml::{Mark, Node, NodeKind, Outline, Style};

use crate::text::{part, skip_trivia};
use crate::{Error, Path, Sharing, Step};

/// A node and what it is in.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    pub(crate) path: Path,
    pub(crate) node: Node<'a>,
    pub(crate) within: Within<'a>,
    /// Whether it is in brackets.
    pub(crate) in_flow: bool,
}

/// What a node is in.
#[derive(Debug, Clone)]
pub(crate) enum Within<'a> {
    /// Nothing: it is the document.
    Document,
    /// A map, under a key.
    Map { key: Node<'a> },
    /// A list, with the offset of its `-`; that of the item itself in brackets.
    List { dash: usize },
}

/// Follows a path. The nodes on the way may be changed, as far as `sharing` lets them.
pub(crate) fn find<'a>(
    outline: &'a Outline,
    text: &str,
    path: &Path,
    sharing: Sharing,
) -> Result<Place<'a>, Error> {
    let mut place =
        Place { path: Path::root(), node: outline.root(), within: Within::Document, in_flow: false };
    for step in path.steps() {
        place.check_anchor(sharing)?;
        place = place.open(sharing)?;
        let (mark, next) = (place.node.mark(), place.path.with(step.clone()));
        let in_flow = place.in_flow || matches!(place.node.style(), Style::Flow | Style::Pair);
        let (node, within) = match (step, place.node.kind()) {
            (Step::Key(name), NodeKind::Mapping(entries)) => {
                let named = |(key, _): &&(Node<'_>, Node<'_>)| key.key().as_deref() == Some(name);
                let Some((key, value)) = entries.iter().rev().find(named) else {
                    let merged = next.find(outline.value()).is_some();
                    return Err(if merged {
                        Error::Merged { path: next, mark }
                    } else {
                        Error::NotFound { path: next, mark }
                    });
                };
                (*value, Within::Map { key: *key })
            }
            (Step::Index(index), NodeKind::Sequence(items)) => {
                let Some(item) = items.get(*index) else { return Err(Error::NotFound { path: next, mark }) };
                let dash = if in_flow { item.start() } else { dash(text, place.node, &items, *index) };
                (*item, Within::List { dash })
            }
            (step, kind) => return Err(place.wrong_kind(step, &kind)),
        };
        place = Place { path: next, node, within, in_flow };
    }
    Ok(place)
}

/// Offset of the `-` of an item.
pub(crate) fn dash(text: &str, list: Node<'_>, items: &[Node<'_>], index: usize) -> usize {
    match index.checked_sub(1).and_then(|before| items.get(before)) {
        Some(before) => skip_trivia(text, end(text, *before)),
        None => list.span().start,
    }
}

/// Where the text of a node ends, without the empty lines after a block scalar that are none of it.
pub(crate) fn end(text: &str, node: Node<'_>) -> usize {
    let (mut leaf, whole) = (node, node.span());
    loop {
        leaf = match leaf.kind() {
            NodeKind::Sequence(items) if leaf.style() != Style::Flow => match items.last() {
                Some(last) => *last,
                None => return whole.end,
            },
            NodeKind::Mapping(entries) if leaf.style() != Style::Flow => match entries.last() {
                Some((_, last)) => *last,
                None => return whole.end,
            },
            _ => break,
        };
    }
    if !matches!(leaf.style(), Style::Literal | Style::Folded) {
        return whole.end;
    }
    let from = leaf.span().start;
    let header = part(text, from, whole.end).split(['\n', ' ']).next().unwrap_or_default();
    let last = part(text, from, whole.end);
    let last = last.strip_suffix('\n').map_or(last, |rest| rest.strip_suffix('\r').unwrap_or(rest));
    let kept = if header.contains('+') { last } else { last.trim_end_matches(['\n', '\r', ' ']) };
    from + kept.len()
}

impl<'a> Place<'a> {
    /// The same place with the node that an alias stands for, where that may be changed.
    pub(crate) fn open(self, sharing: Sharing) -> Result<Self, Error> {
        let NodeKind::Alias(target) = self.node.kind() else { return Ok(self) };
        match sharing {
            Sharing::Refuse => Err(Error::Alias {
                path: self.path,
                anchor: target.anchor().unwrap_or_default().to_owned(),
                mark: self.node.mark(),
                anchor_mark: target.mark(),
            }),
            Sharing::Change => Ok(Self {
                in_flow: matches!(target.style(), Style::Flow | Style::Pair),
                node: target,
                ..self
            }),
        }
    }

    /// Refuses what changes the places of aliases, too.
    pub(crate) fn check_anchor(&self, sharing: Sharing) -> Result<(), Error> {
        match self.node.aliases().first() {
            Some(alias) if sharing == Sharing::Refuse => Err(self.anchor_error(self.node, *alias)),
            _ => Ok(()),
        }
    }

    /// Refuses to lose an anchor that an alias outside of the node needs. The node's own is not meant: it stays with what comes.
    pub(crate) fn check_inner_anchors(&self, own_too: bool) -> Result<(), Error> {
        let mut open = vec![self.node];
        while let Some(node) = open.pop() {
            let inner = own_too || node.start() != self.node.start() || node.style() != self.node.style();
            if inner && node.anchor().is_some() {
                let within = self.node.start()..self.node.span().end;
                if let Some(alias) = node.aliases().into_iter().find(|alias| !within.contains(&alias.start()))
                {
                    return Err(self.anchor_error(node, alias));
                }
            }
            match node.kind() {
                NodeKind::Sequence(items) => open.extend(items),
                NodeKind::Mapping(entries) => {
                    open.extend(entries.into_iter().flat_map(|(key, value)| [key, value]))
                }
                NodeKind::Scalar | NodeKind::Alias(_) => {}
            }
        }
        Ok(())
    }

    pub(crate) fn wrong_kind(&self, step: &Step, kind: &NodeKind<'_>) -> Error {
        let found = match kind {
            NodeKind::Scalar if self.node.style() == Style::Empty => "nothing",
            NodeKind::Scalar => "a single value",
            NodeKind::Sequence(_) => "a list",
            NodeKind::Mapping(_) => "a map",
            NodeKind::Alias(_) => "an alias",
        };
        let wanted = match step {
            Step::Key(_) => "a map",
            Step::Index(_) => "a list",
        };
        Error::WrongKind { path: self.path.clone(), found, wanted, mark: self.node.mark() }
    }

    pub(crate) fn unsupported(&self, what: &'static str) -> Error {
        Error::Unsupported { what, mark: self.mark() }
    }

    pub(crate) fn mark(&self) -> Mark {
        match &self.within {
            Within::Map { key } => key.mark(),
            Within::Document | Within::List { .. } => self.node.mark(),
        }
    }

    fn anchor_error(&self, node: Node<'_>, alias: Node<'_>) -> Error {
        Error::Anchor {
            path: self.path.clone(),
            anchor: node.anchor().unwrap_or_default().to_owned(),
            mark: node.mark(),
            alias_mark: alias.mark(),
        }
    }
}
