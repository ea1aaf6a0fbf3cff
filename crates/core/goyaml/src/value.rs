//! Nodes to JSON, as yaml.v2 and sigs.k8s.io/yaml do it together: types, merges, aliases, keys that are no text.

mod key;
mod scalar;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::node::{Content, NodeId, Tree};
use crate::{Dialect, Error, ErrorKind, Limits, Mark, Verbatim};
pub(crate) use scalar::whole;
pub(crate) use scalar::{KeyError, key_text};
use scalar::{scalar_value, scalar_value_modern};

/// Repeated keys that are reported in one document; the rest is dropped the same, in silence.
const MAX_DUPLICATES: usize = 100;

/// What is left of the limits, for all documents of a stream.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Nodes that may still be read, and nodes that may still be made of them, aliases expanded.
    pub(crate) nodes: usize,
    pub(crate) values: usize,
    /// Bytes of text that aliases may still repeat.
    pub(crate) repeated: usize,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { nodes: limits.nodes, values: limits.nodes, repeated: limits.bytes }
    }
}

/// A document's JSON and the keys that stand in it more than once.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) value: Value,
    pub(crate) duplicates: Vec<(String, Mark)>,
    /// Why Go could not write this value as JSON; only where the dialect reads it nevertheless.
    pub(crate) flaw: Option<String>,
    /// Fields with nothing behind their colon, by the names that lead there.
    pub(crate) empty: Vec<Vec<String>>,
}

/// Fields without a value that are told; nobody has more.
const MAX_EMPTY: usize = 1_000;

/// How to read, besides the limits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) verbatim: Verbatim<'a>,
}

/// Makes JSON of a document. Takes the text of scalars out of the tree, unless there are aliases.
pub(crate) fn build(tree: &mut Tree<'_>, limits: &Limits, budget: &mut Budget) -> Result<Built, Error> {
    build_in(tree, limits, budget, Manner::default())
}

/// The same, in any dialect.
pub(crate) fn build_in(
    tree: &mut Tree<'_>,
    limits: &Limits,
    budget: &mut Budget,
    manner: Manner<'_>,
) -> Result<Built, Error> {
    let mut builder = Builder {
        manner,
        flaw: None,
        empty: Vec::new(),
        active: vec![false; tree.nodes.len()],
        tree,
        limits,
        budget,
        frames: Vec::new(),
        duplicates: Vec::new(),
        alias_depth: 0,
        // The document itself counts, as in Go.
        decoded: 1,
        decoded_by_alias: 0,
    };
    let value = builder.run()?;
    Ok(Built { value, duplicates: builder.duplicates, flaw: builder.flaw, empty: builder.empty })
}

/// A collection being made.
enum Frame {
    List { node: NodeId, next: usize, items: Vec<Value>, alias: Option<NodeId> },
    Map(MapFrame),
}

/// A map being made, from its own entries and those that `<<` brings.
struct MapFrame {
    out: Map<String, Value>,
    /// The key whose value is being made.
    key: String,
    /// Maps to read from, the innermost last. The first is the map itself.
    sources: Vec<Source>,
    /// Keys that came by a merge: writing them again is no repetition.
    merged: BTreeSet<String>,
    /// Maps to merge once the map's own entries are read, where those win wherever they stand.
    later: Vec<Source>,
    /// Whether `later` is being read.
    merging: bool,
}

/// A map that is being read, and how far.
struct Source {
    node: NodeId,
    next: usize,
    alias: Option<NodeId>,
}

/// What to do with the innermost collection next.
enum Step {
    Make(NodeId),
    Done(Value),
    Again,
}

struct Builder<'a, 'text> {
    manner: Manner<'a>,
    flaw: Option<String>,
    empty: Vec<Vec<String>>,
    tree: &'a mut Tree<'text>,
    limits: &'a Limits,
    budget: &'a mut Budget,
    frames: Vec<Frame>,
    duplicates: Vec<(String, Mark)>,
    /// Alias nodes that are being expanded.
    active: Vec<bool>,
    alias_depth: usize,
    decoded: usize,
    decoded_by_alias: usize,
}

impl<'text> Builder<'_, 'text> {
    fn run(&mut self) -> Result<Value, Error> {
        let mut made = self.make(self.tree.root)?;
        loop {
            if let Some(value) = made.take() {
                match self.frames.last_mut() {
                    None => return Ok(value),
                    Some(Frame::List { items, .. }) => items.push(value),
                    Some(Frame::Map(frame)) => {
                        let key = std::mem::take(&mut frame.key);
                        frame.out.insert(key, value);
                    }
                }
            }
            made = match self.step()? {
                Step::Make(node) => self.make(node)?,
                Step::Done(value) => Some(value),
                Step::Again => None,
            };
        }
    }

    /// Makes a scalar's value, or opens a collection.
    fn make(&mut self, node: NodeId) -> Result<Option<Value>, Error> {
        let (node, alias) = self.enter(node)?;
        let frame = match self.content(node) {
            Some(Content::Scalar(_)) => {
                let value = self.scalar(node)?;
                self.leave(alias);
                return Ok(Some(value));
            }
            Some(Content::Sequence(children)) => {
                // The capacity is bounded by what was read, not by what a text claims.
                Frame::List { node, next: 0, items: Vec::with_capacity(children.len()), alias }
            }
            Some(Content::Mapping(_)) => Frame::Map(MapFrame {
                out: Map::new(),
                key: String::new(),
                sources: vec![Source { node, next: 0, alias }],
                merged: BTreeSet::new(),
                later: Vec::new(),
                merging: false,
            }),
            // An anchor is never on an alias.
            Some(Content::Alias { .. }) | None => return Ok(Some(Value::Null)),
        };
        if self.frames.len() >= self.limits.depth {
            return Err(self.error(node, ErrorKind::TooDeep(self.limits.depth)));
        }
        self.frames.push(frame);
        Ok(None)
    }

    fn step(&mut self) -> Result<Step, Error> {
        match self.frames.last_mut() {
            Some(Frame::List { node, next, items, alias }) => {
                let index = *next;
                *next += 1;
                if let Some(Content::Sequence(children)) =
                    self.tree.nodes.get(*node as usize).map(|n| &n.content)
                    && let Some(&child) = children.get(index)
                {
                    return Ok(Step::Make(child));
                }
                let (items, alias) = (std::mem::take(items), *alias);
                self.leave(alias);
                self.frames.pop();
                Ok(Step::Done(Value::Array(items)))
            }
            Some(Frame::Map(frame)) => {
                if frame.sources.is_empty() && !frame.later.is_empty() {
                    frame.merging = true;
                    frame.sources = std::mem::take(&mut frame.later);
                }
                let Some(source) = frame.sources.last_mut() else {
                    let out = std::mem::take(&mut frame.out);
                    self.frames.pop();
                    return Ok(Step::Done(Value::Object(out)));
                };
                let (node, index) = (source.node, source.next);
                source.next += 2;
                if let Some(Content::Mapping(children)) =
                    self.tree.nodes.get(node as usize).map(|n| &n.content)
                    && let (Some(&key), Some(&value)) = (children.get(index), children.get(index + 1))
                {
                    return self.entry(key, value);
                }
                let alias = source.alias;
                frame.sources.pop();
                self.leave(alias);
                Ok(Step::Again)
            }
            // `run` ends when the last frame is done.
            None => Ok(Step::Done(Value::Null)),
        }
    }

    /// Starts an entry of the innermost map.
    fn entry(&mut self, key: NodeId, value: NodeId) -> Result<Step, Error> {
        if self.is_merge(key) {
            self.merge(value)?;
            return Ok(Step::Again);
        }
        if self.manner.dialect == Dialect::Yaml3 {
            return self.modern_entry(key, value);
        }
        let (node, alias) = self.enter(key)?;
        let name = match self.content(node) {
            Some(Content::Scalar(scalar)) => key_text(scalar),
            Some(Content::Sequence(_)) => Err(KeyError::No("invalid map key: a list")),
            _ => Err(KeyError::No("invalid map key: a map")),
        };
        let name = name.map_err(|refused| {
            let kind = match refused {
                KeyError::Scalar(kind) => kind,
                KeyError::No(what) => ErrorKind::Key { what, printed: key::printed(self.tree, key, value) },
            };
            self.error(key, kind)
        })?;
        self.leave(alias);
        let (mark, path) = (self.mark(key), self.duplicates.len() < MAX_DUPLICATES);
        let Some(Frame::Map(frame)) = self.frames.last_mut() else { return Ok(Step::Again) };
        let own = frame.sources.len() == 1;
        let repeated = own && frame.out.contains_key(&name) && !frame.merged.remove(&name);
        if !own {
            frame.merged.insert(name.clone());
        }
        frame.key = name;
        if repeated && path {
            let path = self.path();
            self.duplicates.push((path, mark));
        }
        Ok(Step::Make(value))
    }

    /// Puts the maps that `<<` names before the rest of the innermost map. Of several, the first wins, so it is read last.
    fn merge(&mut self, value: NodeId) -> Result<(), Error> {
        let maps = match self.content(value) {
            Some(Content::Sequence(children)) => children.clone(),
            _ => vec![value],
        };
        // Of a list, each item counts; the list itself does not.
        let mut sources = Vec::with_capacity(maps.len());
        for map in maps {
            let (node, alias) = self.enter(map)?;
            if !matches!(self.content(node), Some(Content::Mapping(_))) {
                return Err(self.error(map, ErrorKind::Merge));
            }
            sources.push(Source { node, next: 0, alias });
        }
        if let Some(Frame::Map(frame)) = self.frames.last_mut() {
            if self.manner.dialect == Dialect::Yaml3 {
                frame.later.splice(0..0, sources.into_iter().rev());
            } else {
                frame.sources.extend(sources);
            }
            if frame.sources.len() + frame.later.len() > self.limits.depth {
                return Err(self.error(value, ErrorKind::TooDeep(self.limits.depth)));
            }
        }
        Ok(())
    }

    /// Counts a node and, where it is an alias, goes to what it stands for.
    fn enter(&mut self, node: NodeId) -> Result<(NodeId, Option<NodeId>), Error> {
        self.count(node)?;
        let Some(&Content::Alias { target }) = self.content(node) else { return Ok((node, None)) };
        match self.active.get_mut(node as usize) {
            Some(active) if !*active => *active = true,
            _ => {
                let name = self.tree.alias_names.get(&node).cloned().unwrap_or_default();
                return Err(self.error(node, ErrorKind::RecursiveAnchor(name)));
            }
        }
        self.alias_depth += 1;
        self.count(target)?;
        Ok((target, Some(node)))
    }

    fn leave(&mut self, alias: Option<NodeId>) {
        if let Some(active) = alias.and_then(|alias| self.active.get_mut(alias as usize)) {
            *active = false;
            self.alias_depth -= 1;
        }
    }

    fn count(&mut self, node: NodeId) -> Result<(), Error> {
        self.budget.values = self
            .budget
            .values
            .checked_sub(1)
            .ok_or_else(|| self.error(node, ErrorKind::TooManyNodes(self.limits.nodes)))?;
        self.decoded += 1;
        if self.alias_depth > 0 {
            self.decoded_by_alias += 1;
            let bytes = match self.content(node) {
                Some(Content::Scalar(scalar)) => scalar.text.len(),
                _ => 0,
            };
            self.budget.repeated = self
                .budget
                .repeated
                .checked_sub(bytes)
                .ok_or_else(|| self.error(node, ErrorKind::Aliases))?;
            if is_excessive(self.decoded, self.decoded_by_alias) {
                return Err(self.error(node, ErrorKind::Aliases));
            }
        }
        Ok(())
    }

    fn scalar(&mut self, node: NodeId) -> Result<Value, Error> {
        if self.manner.dialect == Dialect::Yaml3 {
            return Ok(self.modern_scalar(node));
        }
        let shared = !self.tree.alias_names.is_empty();
        let made = match self.tree.nodes.get_mut(node as usize).map(|n| &mut n.content) {
            Some(Content::Scalar(scalar)) => scalar_value(scalar, shared),
            _ => Ok(Value::Null),
        };
        made.map_err(|kind| self.error(node, kind))
    }

    fn modern_scalar(&mut self, node: NodeId) -> Value {
        if let Some(Content::Scalar(scalar)) = self.content(node)
            && scalar.text.is_empty()
            && scalar.resolvable
            && self.empty.len() < MAX_EMPTY
        {
            let names = self.frames.iter().filter_map(|frame| match frame {
                Frame::Map(frame) => Some(frame.key.clone()),
                Frame::List { .. } => None,
            });
            self.empty.push(names.collect());
        }
        let shared = !self.tree.alias_names.is_empty();
        let (verbatim, nulls) = (self.is_verbatim(), self.manner.verbatim.nulls);
        let made = match self.tree.nodes.get_mut(node as usize).map(|n| &mut n.content) {
            Some(Content::Scalar(scalar)) if verbatim && (nulls || !scalar::is_null_modern(scalar)) => {
                Ok(Value::String(scalar.text.clone().into_owned()))
            }
            Some(Content::Scalar(scalar)) => scalar_value_modern(scalar, shared),
            _ => Ok(Value::Null),
        };
        made.unwrap_or_else(|kind| {
            self.flaw.get_or_insert_with(|| kind.to_string());
            match self.content(node) {
                Some(Content::Scalar(scalar)) => Value::String(scalar.text.clone().into_owned()),
                _ => Value::Null,
            }
        })
    }

    /// Whether the value that is being made stands directly in a map whose scalars stay text.
    fn is_verbatim(&self) -> bool {
        let fits = |path: &&[&str]| {
            path.len() + 1 == self.frames.len()
                && path.iter().zip(&self.frames).all(|(name, frame)| match frame {
                    Frame::List { .. } => *name == "*",
                    Frame::Map(frame) => frame.key == *name,
                })
        };
        self.manner.verbatim.maps.iter().any(fits)
    }

    /// Starts an entry as yaml.v3 does: a key that is no text is read, but the map cannot be written; own entries win over merged ones.
    fn modern_entry(&mut self, key: NodeId, value: NodeId) -> Result<Step, Error> {
        const NO_TEXT: &str = "json: unsupported type: map[interface {}]interface {}";
        let (node, alias) = self.enter(key)?;
        let (name, flaw, collection) = match self.content(node) {
            Some(Content::Scalar(scalar)) => {
                (scalar.text.clone().into_owned(), !scalar::is_text_modern(scalar), None)
            }
            Some(Content::Sequence(_)) => (key::printed(self.tree, key, value), true, Some("!!seq")),
            _ => (key::printed(self.tree, key, value), true, Some("!!map")),
        };
        self.leave(alias);
        let line = self.mark(key).line;
        let root = self.frames.len() == 1;
        let Some(Frame::Map(frame)) = self.frames.last_mut() else { return Ok(Step::Again) };
        let known = frame.out.contains_key(&name);
        if known && frame.merging {
            return Ok(Step::Again);
        }
        if known {
            self.flaw.get_or_insert_with(|| {
                format!("yaml: unmarshal errors:\n  line {line}: mapping key {name:?} already defined")
            });
        }
        // The outermost map is read as one from texts, which takes any scalar for a key.
        if flaw && !root {
            self.flaw.get_or_insert_with(|| NO_TEXT.to_owned());
        } else if let Some(tag) = collection {
            self.flaw.get_or_insert_with(|| {
                format!("yaml: unmarshal errors:\n  line {line}: cannot unmarshal {tag} into string")
            });
        }
        frame.key = name;
        Ok(Step::Make(value))
    }

    fn is_merge(&self, node: NodeId) -> bool {
        match self.content(node) {
            Some(Content::Scalar(scalar)) => {
                scalar.text == "<<" && (scalar.resolvable || &*scalar.tag == "tag:yaml.org,2002:merge")
            }
            _ => false,
        }
    }

    /// The field that is being made: `spec.containers.0.image`.
    fn path(&self) -> String {
        let mut path = String::new();
        for frame in &self.frames {
            if !path.is_empty() {
                path.push('.');
            }
            match frame {
                Frame::List { next, .. } => path.push_str(&next.saturating_sub(1).to_string()),
                Frame::Map(frame) => path.push_str(&frame.key),
            }
        }
        path
    }

    fn content(&self, node: NodeId) -> Option<&Content<'text>> {
        self.tree.nodes.get(node as usize).map(|node| &node.content)
    }

    fn mark(&self, node: NodeId) -> Mark {
        self.tree.nodes.get(node as usize).map_or(Mark { line: 1, column: 1 }, crate::node::Node::mark)
    }

    fn error(&self, node: NodeId, kind: ErrorKind) -> Error {
        Error::new(Some(self.mark(node)), kind)
    }
}

/// Go's own rule against alias bombs: of few values nearly all may come from aliases, of four million a tenth.
#[expect(clippy::cast_precision_loss, reason = "a ratio of counts far below 2^52")]
fn is_excessive(decoded: usize, by_alias: usize) -> bool {
    const FEW: usize = 400_000;
    const MANY: usize = 4_000_000;
    let allowed = match decoded {
        ..=FEW => 0.99,
        MANY.. => 0.10,
        between => 0.99 - 0.89 * ((between - FEW) as f64 / (MANY - FEW) as f64),
    };
    by_alias > 100 && decoded > 1_000 && by_alias as f64 / decoded as f64 > allowed
}
