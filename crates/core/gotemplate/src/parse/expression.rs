//! Pipelines, commands and operands.

use std::sync::Arc;

use super::{Parser, Step};
use crate::lexer::{Kind, Token};
use crate::node::{Literal, NodeId, NodeKind, Pipe};
use crate::number::Number;
use crate::quote::{self, Unit};

/// Parentheses inside each other, as Go has it.
const MAX_DEPTH: usize = 10_000;

/// A pipeline that has not ended: the outer one, or one in parentheses.
struct OpenPipe {
    at: usize,
    assign: bool,
    declared: Vec<NodeId>,
    commands: Vec<NodeId>,
    /// The command that is being read.
    command: Option<OpenCommand>,
}

struct OpenCommand {
    at: usize,
    args: Vec<NodeId>,
}

/// What comes after a term.
enum Term {
    Node(NodeId),
    /// A parenthesis opened; its pipeline is the term.
    Paren,
    None,
}

const PARENTHESIZED: &str = "parenthesized pipeline";

impl Parser<'_> {
    /// Parses a pipeline up to and with the right delimiter.
    pub(super) fn pipeline(&mut self, context: &'static str) -> Step<NodeId> {
        let mut pipes = vec![self.open_pipe(context)?];
        // Each round: a pipeline at the beginning of a command or at its end; or an operand inside a command.
        while let Some(depth) = pipes.len().checked_sub(1) {
            let (context, end) =
                if depth == 0 { (context, Kind::RightDelim) } else { (PARENTHESIZED, Kind::RightParen) };
            let pipe = &mut pipes[depth];
            if pipe.command.is_none() {
                let token = self.next_non_space();
                if token.kind == end {
                    let Some(pipe) = pipes.pop() else { break };
                    let node = self.close_pipe(pipe, context)?;
                    match pipes.last_mut() {
                        None => return Ok(node),
                        Some(outer) => self.after_term(outer, Some(node))?,
                    }
                    continue;
                }
                if !starts_operand(token.kind) {
                    return Err(self.unexpected(&token, context));
                }
                self.backup();
                let at = self.peek_non_space().span.start;
                pipe.command = Some(OpenCommand { at, args: Vec::new() });
            }
            self.peek_non_space();
            match self.term()? {
                Term::Paren if depth >= MAX_DEPTH => return Err("max expression depth exceeded".into()),
                Term::Paren => pipes.push(self.open_pipe(PARENTHESIZED)?),
                Term::Node(node) => self.after_term(pipe, Some(node))?,
                Term::None => self.after_term(pipe, None)?,
            }
        }
        Err("unexpected EOF".into())
    }

    /// Reads the declarations, if there are any.
    fn open_pipe(&mut self, context: &str) -> Step<OpenPipe> {
        let at = self.peek_non_space().span.start;
        let mut pipe =
            OpenPipe { at, assign: false, declared: Vec::new(), commands: Vec::new(), command: None };
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok(pipe);
            }
            self.next();
            // `$x foo` shows only here that it is no declaration; so up to three tokens go back.
            let after = self.peek();
            let next = self.peek_non_space();
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    pipe.assign = next.kind == Kind::Assign;
                    self.next_non_space();
                    self.declare(&mut pipe, &variable);
                    return Ok(pipe);
                }
                Kind::Char if self.value(&next) == "," => {
                    self.next_non_space();
                    self.declare(&mut pipe, &variable);
                    if context != "range" || pipe.declared.len() >= 2 {
                        return Err(format!("too many declarations in {context}"));
                    }
                    let ahead = self.peek_non_space().kind;
                    if !matches!(ahead, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                        return Err("range can only initialize variables".into());
                    }
                }
                _ => {
                    if after.kind == Kind::Space {
                        self.backup3(variable, after);
                    } else {
                        self.backup2(variable);
                    }
                    return Ok(pipe);
                }
            }
        }
    }

    fn declare(&mut self, pipe: &mut OpenPipe, variable: &Token) {
        let name: Arc<str> = self.value(variable).into();
        self.tree().variables.push(Arc::clone(&name));
        pipe.declared.push(self.add(variable.span.start, NodeKind::Variable([name].into())));
    }

    fn close_pipe(&mut self, pipe: OpenPipe, context: &str) -> Step<NodeId> {
        if pipe.commands.is_empty() {
            return Err(format!("missing value for {context}"));
        }
        for (at, command) in pipe.commands.iter().enumerate().skip(1) {
            let NodeKind::Command(args) = &self.nodes[*command as usize].kind else { continue };
            let first = args.first().map(|first| &self.nodes[*first as usize].kind);
            if let Some(
                NodeKind::Bool(_)
                | NodeKind::Dot
                | NodeKind::Nil
                | NodeKind::Number(..)
                | NodeKind::String(..),
            ) = first
            {
                return Err(format!("non executable command in pipeline stage {}", at + 1));
            }
        }
        let (declared, commands) = (pipe.declared.into(), pipe.commands.into());
        Ok(self.add(pipe.at, NodeKind::Pipe(Pipe { assign: pipe.assign, declared, commands }.into())))
    }

    /// Reads the fields behind a term, adds it to the command, and sees whether that ends.
    fn after_term(&mut self, pipe: &mut OpenPipe, term: Option<NodeId>) -> Step<()> {
        let operand = match term {
            Some(term) => Some(self.with_fields(term)?),
            None => None,
        };
        let Some(mut command) = pipe.command.take() else { return Ok(()) };
        command.args.extend(operand);
        let token = self.next();
        match token.kind {
            Kind::Space => {
                pipe.command = Some(command);
                return Ok(());
            }
            Kind::RightDelim | Kind::RightParen => self.backup(),
            Kind::Pipe => {}
            _ => return Err(self.unexpected(&token, "operand")),
        }
        if command.args.is_empty() {
            return Err("empty command".into());
        }
        pipe.commands.push(self.add(command.at, NodeKind::Command(command.args.into())));
        Ok(())
    }

    fn with_fields(&mut self, term: NodeId) -> Step<NodeId> {
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(term);
        }
        let mut fields: Vec<Arc<str>> = Vec::new();
        while self.peek().kind == Kind::Field {
            let token = self.next();
            fields.push(self.value(&token).trim_start_matches('.').into());
        }
        let at = first.span.start;
        let kind = match &self.nodes[term as usize].kind {
            NodeKind::Field(names) => NodeKind::Field(names.iter().cloned().chain(fields).collect()),
            NodeKind::Variable(names) => NodeKind::Variable(names.iter().cloned().chain(fields).collect()),
            NodeKind::Bool(_)
            | NodeKind::String(..)
            | NodeKind::Number(..)
            | NodeKind::Nil
            | NodeKind::Dot => {
                return Err(format!(
                    "unexpected . after term {}",
                    quote::quoted(self.literal(term).as_bytes())
                ));
            }
            _ => NodeKind::Chain(term, fields.into()),
        };
        Ok(self.add(at, kind))
    }

    /// The text of a constant.
    fn literal(&self, node: NodeId) -> &str {
        match &self.nodes[node as usize].kind {
            NodeKind::Bool(true) => "true",
            NodeKind::Bool(false) => "false",
            NodeKind::Nil => "nil",
            NodeKind::String(literal) => self.text.get(literal.span.clone()).unwrap_or_default(),
            NodeKind::Number(literal) => self.text.get(literal.span.clone()).unwrap_or_default(),
            _ => ".",
        }
    }

    fn term(&mut self) -> Step<Term> {
        let token = self.next_non_space();
        let value = self.value(&token);
        let number = |value: Number| NodeKind::Number(Literal { value, span: token.span.clone() }.into());
        let kind = match token.kind {
            Kind::Identifier => match self.functions.get(value) {
                Some(function) => NodeKind::Identifier(function),
                None => return Err(format!("function {} not defined", quote::quoted(value.as_bytes()))),
            },
            Kind::Dot => NodeKind::Dot,
            Kind::Nil => NodeKind::Nil,
            Kind::Variable => {
                if !self.tree().variables.iter().any(|name| name.as_ref() == value) {
                    return Err(format!("undefined variable {}", quote::quoted(value.as_bytes())));
                }
                NodeKind::Variable([value.into()].into())
            }
            Kind::Field => NodeKind::Field([value.trim_start_matches('.').into()].into()),
            Kind::Bool => NodeKind::Bool(value == "true"),
            Kind::CharConstant => number(char_constant(value)?),
            Kind::Complex => number(Number::parse_complex(value)?),
            Kind::Number => number(Number::parse(value)?),
            Kind::String | Kind::RawString => {
                let bytes = quote::unquote(value).ok_or("invalid syntax")?;
                NodeKind::String(Literal { value: bytes.into(), span: token.span.clone() }.into())
            }
            Kind::LeftParen => return Ok(Term::Paren),
            _ => {
                self.backup();
                return Ok(Term::None);
            }
        };
        Ok(Term::Node(self.add(token.span.start, kind)))
    }
}

fn starts_operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::CharConstant
            | Kind::Complex
            | Kind::Dot
            | Kind::Field
            | Kind::Identifier
            | Kind::Number
            | Kind::Nil
            | Kind::RawString
            | Kind::String
            | Kind::Variable
            | Kind::LeftParen
    )
}

fn char_constant(text: &str) -> Step<Number> {
    let inner = text.strip_prefix('\'').unwrap_or(text);
    let (unit, rest) = quote::unquote_char(inner, '\'').ok_or("invalid syntax")?;
    if rest != "'" {
        return Err(format!("malformed character constant: {text}"));
    }
    Ok(Number::of_char(match unit {
        Unit::Byte(byte) => byte.into(),
        Unit::Char(character) => character.into(),
    }))
}
