//! One change as bytes: what to cut out of the text, and what to put there.

mod add;
mod remove;
mod replace;

use std::ops::Range;

use goyaml::{Node, NodeKind, Outline, Style};

use crate::difference::Change;
use crate::place::Place;
use crate::scalar::Around;
use crate::text::part;
use crate::write::Manner;
use crate::{Error, Sharing};

/// A text in the place of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Splice {
    pub(crate) bytes: Range<usize>,
    pub(crate) text: String,
}

impl Splice {
    pub(crate) fn new(bytes: Range<usize>, text: impl Into<String>) -> Self {
        Self { bytes, text: text.into() }
    }

    fn cut(bytes: Range<usize>) -> Self {
        Self::new(bytes, "")
    }

    fn at(offset: usize, text: impl Into<String>) -> Self {
        Self::new(offset..offset, text)
    }
}

/// A document and how it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'a> {
    pub(crate) text: &'a str,
    pub(crate) outline: &'a Outline,
    pub(crate) manner: Manner,
    pub(crate) sharing: Sharing,
}

impl<'a> Page<'a> {
    /// What makes a change of the text, in the order of the text.
    pub(crate) fn splices(&self, change: &Change) -> Result<Vec<Splice>, Error> {
        match change {
            Change::Replace(path, value) => match self.find(path) {
                Ok(place) => self.replace(&place, value),
                // An own key goes before one that is merged.
                Err(Error::Merged { path: merged, .. }) if merged == *path => self.add(path, value),
                Err(error) => Err(error),
            },
            Change::Add(path, value) => self.add(path, value),
            Change::Insert(path, value) => self.insert(path, value),
            Change::Remove(path) => self.remove(path),
        }
    }

    fn find(&self, path: &crate::Path) -> Result<Place<'a>, Error> {
        crate::place::find(self.outline, self.text, path, self.sharing)
    }

    fn end(&self, node: Node<'_>) -> usize {
        crate::place::end(self.text, node)
    }

    /// Offset behind the `:` or the `-` that a value follows, and behind its anchor.
    fn slot(&self, place: &Place<'_>) -> usize {
        use crate::place::Within;
        let mut at = match &place.within {
            Within::Document => return place.node.span().start,
            Within::Map { key } => {
                let behind = crate::text::skip_trivia(self.text, key.span().end);
                if part(self.text, behind, behind + 1) == ":" { behind + 1 } else { key.span().end }
            }
            Within::List { dash } => dash + 1,
        };
        // Anchor and tag stand together before anything else.
        let properties = part(self.text, place.node.start(), place.node.span().start);
        let mut behind = place.node.start();
        for word in properties.split([' ', '\t', '\r', '\n']) {
            if word.starts_with(['&', '!']) {
                at = behind + word.len();
            } else if word.starts_with('#') {
                break;
            }
            behind += word.len() + 1;
        }
        at
    }

    /// How strings in brackets are written where a collection is: as JSON where its first key is.
    fn around(&self, node: Node<'_>) -> Around {
        let quoted = |node: &Node<'_>| node.style() == Style::DoubleQuoted;
        let json = |node: &Node<'_>| match node.kind() {
            NodeKind::Mapping(entries) => entries.first().map(|(key, _)| quoted(key)),
            NodeKind::Sequence(items) => {
                items.first().filter(|item| !matches!(item.style(), Style::Flow | Style::Pair)).map(quoted)
            }
            NodeKind::Scalar | NodeKind::Alias(_) => None,
        };
        // Where it has no key, the document's first tells.
        match json(&node).or_else(|| json(&self.outline.root())) {
            Some(true) if self.outline.root().style() == Style::Flow => Around::Json,
            _ => Around::Flow,
        }
    }
}

/// Puts splices, which do not overlap, into a text.
pub(crate) fn apply(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.bytes.start);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for Splice { bytes, text: new } in splices {
        out.push_str(part(text, at, bytes.start));
        out.push_str(&new);
        at = bytes.end.max(at);
    }
    out.push_str(part(text, at, text.len()));
    out
}
