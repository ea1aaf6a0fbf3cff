//! Parsed texts: expressions as nodes in one arena, statements as a flat list. Nothing here nests in memory, so nothing is dropped, copied
//! or printed by recursion.

use std::ops::Range;
use std::sync::Arc;

use crate::error::Place;
use crate::functions::Function;
use crate::number::Number;
use crate::value::Str;

/// An index into [`Source::nodes`].
pub(crate) type NodeId = u32;

/// One text and the nodes of all templates in it.
#[derive(Debug)]
pub(crate) struct Source {
    /// The name that it was parsed under.
    pub(crate) name: Arc<str>,
    pub(crate) text: Box<str>,
    pub(crate) nodes: Box<[Node]>,
}

/// A node and where it begins.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: usize,
    pub(crate) kind: NodeKind,
}

#[derive(Debug)]
pub(crate) enum NodeKind {
    Pipe(Box<Pipe>),
    Command(Box<[NodeId]>),
    Identifier(&'static Function),
    /// The name with its `$`, then fields.
    Variable(Names),
    Dot,
    Nil,
    Field(Names),
    Chain(NodeId, Names),
    Bool(bool),
    Number(Box<Literal<Number>>),
    String(Box<Literal<Str>>),
    /// `{{pipe}}` that prints.
    Action(NodeId),
    Template(Arc<str>, Option<NodeId>),
}

pub(crate) type Names = Box<[Arc<str>]>;

/// A constant: what it says, and where it stands.
#[derive(Debug)]
pub(crate) struct Literal<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) assign: bool,
    /// Variables declared or assigned: `Variable` nodes.
    pub(crate) declared: Box<[NodeId]>,
    pub(crate) commands: Box<[NodeId]>,
}

/// A statement of a template. Blocks are bracketed: an `If` has its `End`, perhaps an `Else` before it.
#[derive(Debug)]
pub(crate) enum Statement {
    Text(Range<usize>),
    Action(NodeId),
    If(NodeId),
    With(NodeId),
    Range(NodeId),
    Else,
    End,
    Break,
    Continue,
    Template(NodeId),
}

enum Piece {
    Node(NodeId),
    Text(&'static str),
    Name(Arc<str>),
}

impl Source {
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        const NOTHING: &Node = &Node { at: 0, kind: NodeKind::Nil };
        self.nodes.get(id as usize).unwrap_or(NOTHING)
    }

    pub(crate) fn spanned(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// Where a node is, for errors.
    pub(crate) fn place(&self, id: NodeId) -> Place {
        let at = self.node(id).at;
        let before = self.text.get(..at).unwrap_or_default();
        let column = before.rfind('\n').map_or(at, |newline| at - newline - 1);
        let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
        Place { file: self.name.as_ref().into(), line, column, context: self.shown(id) }
    }

    /// Whether what an action prints comes from a field or a variable, not from a function: Go knows where it lies in memory then.
    pub(crate) fn has_place(&self, action: NodeId) -> bool {
        let mut at = action;
        loop {
            let inner = match &self.node(at).kind {
                NodeKind::Action(pipe) => Some(*pipe),
                NodeKind::Pipe(pipe) => pipe.commands.last().copied(),
                NodeKind::Command(args) => args.first().copied(),
                NodeKind::Dot | NodeKind::Field(_) | NodeKind::Variable(_) | NodeKind::Chain(..) => {
                    return true;
                }
                _ => None,
            };
            match inner {
                Some(inner) => at = inner,
                None => return false,
            }
        }
    }

    /// A node as Go prints it.
    pub(crate) fn shown(&self, id: NodeId) -> String {
        let mut out = String::new();
        let mut work = vec![Piece::Node(id)];
        while let Some(piece) = work.pop() {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Name(name) => out.push_str(&name),
                Piece::Node(id) => self.expand(id, &mut out, &mut work),
            }
        }
        out
    }

    /// Writes a leaf; of any other node, puts the pieces on the worklist, the first one last.
    fn expand(&self, id: NodeId, out: &mut String, work: &mut Vec<Piece>) {
        match &self.node(id).kind {
            NodeKind::Identifier(function) => out.push_str(function.name),
            NodeKind::Variable(names) => out.push_str(&names.join(".")),
            NodeKind::Dot => out.push('.'),
            NodeKind::Nil => out.push_str("nil"),
            NodeKind::Field(names) => names.iter().for_each(|name| {
                out.push('.');
                out.push_str(name);
            }),
            NodeKind::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
            NodeKind::Number(literal) => out.push_str(self.spanned(&literal.span)),
            NodeKind::String(literal) => out.push_str(self.spanned(&literal.span)),
            NodeKind::Action(pipe) => {
                out.push_str("{{");
                work.extend([Piece::Text("}}"), Piece::Node(*pipe)]);
            }
            NodeKind::Template(name, pipe) => {
                out.push_str("{{template ");
                out.push_str(&crate::quote::quoted(name.as_bytes()));
                work.push(Piece::Text("}}"));
                if let Some(pipe) = pipe {
                    work.extend([Piece::Node(*pipe), Piece::Text(" ")]);
                }
            }
            NodeKind::Chain(node, names) => {
                for name in names.iter().rev() {
                    work.extend([Piece::Name(Arc::clone(name)), Piece::Text(".")]);
                }
                self.push_term(*node, work);
            }
            NodeKind::Command(args) => {
                for (at, arg) in args.iter().enumerate().rev() {
                    self.push_term(*arg, work);
                    if at > 0 {
                        work.push(Piece::Text(" "));
                    }
                }
            }
            NodeKind::Pipe(pipe) => {
                for (at, command) in pipe.commands.iter().enumerate().rev() {
                    work.push(Piece::Node(*command));
                    if at > 0 {
                        work.push(Piece::Text(" | "));
                    }
                }
                if !pipe.declared.is_empty() {
                    work.push(Piece::Text(if pipe.assign { " = " } else { " := " }));
                }
                for (at, variable) in pipe.declared.iter().enumerate().rev() {
                    work.push(Piece::Node(*variable));
                    if at > 0 {
                        work.push(Piece::Text(", "));
                    }
                }
            }
        }
    }

    fn push_term(&self, id: NodeId, work: &mut Vec<Piece>) {
        if matches!(self.node(id).kind, NodeKind::Pipe(_)) {
            work.extend([Piece::Text(")"), Piece::Node(id), Piece::Text("(")]);
        } else {
            work.push(Piece::Node(id));
        }
    }
}
