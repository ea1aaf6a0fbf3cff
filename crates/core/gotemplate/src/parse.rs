//! Tokens into templates, as `text/template/parse` does, with explicit stacks where that recurses.

mod expression;

use std::sync::Arc;

use crate::error::ParseError;
use crate::functions::Functions;
use crate::lexer::{Kind, Lexer, LoopWords, Token};
use crate::node::{Node, NodeId, NodeKind, Source, Statement};
use crate::quote;

/// A template of a text.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) name: Arc<str>,
    pub(crate) statements: Vec<Statement>,
}

/// What a text holds: the templates that it defines and last its own, all of different names.
pub(crate) struct Trees {
    pub(crate) source: Source,
    pub(crate) trees: Vec<Tree>,
}

/// Parses a text under a name.
pub(crate) fn parse(
    name: &str,
    text: &str,
    (left, right): (&str, &str),
    functions: &Functions,
) -> Result<Trees, ParseError> {
    let loop_words = LoopWords {
        break_word: functions.get("break").is_none(),
        continue_word: functions.get("continue").is_none(),
    };
    let mut parser = Parser {
        text,
        functions,
        lexer: Lexer::new(text, left, right, loop_words),
        nodes: Vec::new(),
        done: Vec::new(),
        open: vec![OpenTree::new(name.into(), TreeKind::Root)],
    };
    let outcome = parser.run();
    match outcome {
        Ok(()) => {
            let source = Source { name: name.into(), text: text.into(), nodes: parser.nodes.into() };
            Ok(Trees { source, trees: parser.done })
        }
        Err(message) => {
            let line = parser.open.last().map_or(0, |tree| tree.tokens[0].line);
            Err(ParseError { name: name.into(), line, message })
        }
    }
}

/// Whether a template is blanks and comments only; such a one replaces no other.
pub(crate) fn is_empty(statements: &[Statement], text: &str) -> bool {
    statements.iter().all(|statement| match statement {
        Statement::Text(span) => text.get(span.clone()).unwrap_or_default().trim().is_empty(),
        _ => false,
    })
}

/// A message; the place is that of the innermost open tree.
type Step<T> = Result<T, String>;

struct Parser<'a> {
    text: &'a str,
    functions: &'a Functions,
    lexer: Lexer<'a>,
    nodes: Vec<Node>,
    done: Vec<Tree>,
    /// Templates being parsed: the text's own, and `define` or `block`s inside it.
    open: Vec<OpenTree>,
}

enum TreeKind {
    Root,
    Define,
    /// With the `template` statement that it leaves behind.
    Block(NodeId),
}

struct OpenTree {
    name: Arc<str>,
    kind: TreeKind,
    statements: Vec<Statement>,
    /// Names of the variables defined here, by scope.
    variables: Vec<Arc<str>>,
    controls: Vec<Control>,
    ranges: usize,
    action_line: usize,
    /// Go keeps three tokens; the line of an error is that of the last one read.
    tokens: [Token; 3],
    peeked: usize,
}

/// An `if`, `with` or `range` that has not ended.
struct Control {
    kind: Kind,
    variables: usize,
    in_else: bool,
    /// It stands directly behind an `else`, and ends with the one before.
    chained: bool,
}

impl OpenTree {
    fn new(name: Arc<str>, kind: TreeKind) -> Self {
        Self {
            name,
            kind,
            statements: Vec::new(),
            variables: vec!["$".into()],
            controls: Vec::new(),
            ranges: 0,
            action_line: 0,
            tokens: [Token::none(), Token::none(), Token::none()],
            peeked: 0,
        }
    }
}

impl<'a> Parser<'a> {
    fn tree(&mut self) -> &mut OpenTree {
        let last = self.open.len() - 1;
        &mut self.open[last]
    }

    fn next(&mut self) -> Token {
        let last = self.open.len() - 1;
        let tree = &mut self.open[last];
        if tree.peeked > 0 {
            tree.peeked -= 1;
        } else {
            tree.tokens[0] = self.lexer.next();
        }
        tree.tokens[tree.peeked].clone()
    }

    fn backup(&mut self) {
        self.tree().peeked += 1;
    }

    /// Puts back a token that came before the one just read.
    fn backup2(&mut self, before: Token) {
        let tree = self.tree();
        tree.tokens[1] = before;
        tree.peeked = 2;
    }

    fn backup3(&mut self, first: Token, second: Token) {
        let tree = self.tree();
        tree.tokens[1] = second;
        tree.tokens[2] = first;
        tree.peeked = 3;
    }

    fn peek(&mut self) -> Token {
        let token = self.next();
        self.backup();
        token
    }

    fn next_non_space(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Token {
        let token = self.next_non_space();
        self.backup();
        token
    }

    fn value(&self, token: &Token) -> &'a str {
        self.text.get(token.span.clone()).unwrap_or_default()
    }

    fn add(&mut self, at: usize, kind: NodeKind) -> NodeId {
        self.nodes.push(Node { at, kind });
        // A node takes at least one byte of text, and texts are far below 4 GiB.
        NodeId::try_from(self.nodes.len() - 1).unwrap_or(NodeId::MAX)
    }

    fn expect(&mut self, kinds: &[Kind], context: &str) -> Step<Token> {
        let token = self.next_non_space();
        if kinds.contains(&token.kind) { Ok(token) } else { Err(self.unexpected(&token, context)) }
    }

    fn unexpected(&mut self, token: &Token, context: &str) -> String {
        if token.kind != Kind::Error {
            return format!("unexpected {} in {context}", token.shown(self.text));
        }
        let message = token.shown(self.text).to_string();
        let action_line = self.tree().action_line;
        if action_line == 0 || action_line == token.line {
            return message;
        }
        let name = self.open.first().map(|root| Arc::clone(&root.name)).unwrap_or_default();
        let action = if message.ends_with(" action") { "" } else { " in action" };
        format!("{message}{action} started at {name}:{action_line}")
    }

    fn run(&mut self) -> Step<()> {
        loop {
            let at_root = self.open.len() == 1 && self.tree().controls.is_empty();
            let token = self.peek_non_space();
            if token.kind == Kind::Eof {
                if !at_root {
                    return Err("unexpected EOF".into());
                }
                return self.finish_tree();
            }
            if at_root && token.kind == Kind::LeftDelim {
                let delim = self.next();
                if self.next_non_space().kind == Kind::Define {
                    self.define()?;
                    continue;
                }
                self.backup2(delim);
            }
            self.text_or_action()?;
        }
    }

    fn text_or_action(&mut self) -> Step<()> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => {
                self.tree().statements.push(Statement::Text(token.span));
                Ok(())
            }
            Kind::LeftDelim => {
                self.tree().action_line = token.line;
                self.action()
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn action(&mut self) -> Step<()> {
        let token = self.next_non_space();
        let statement = match token.kind {
            Kind::If | Kind::With | Kind::Range => return self.control(token.kind, false),
            Kind::Block => return self.block(),
            Kind::Else => return self.else_action(),
            Kind::End => {
                self.expect(&[Kind::RightDelim], "end")?;
                self.tree().action_line = 0;
                return self.end();
            }
            Kind::Break => self.loop_word("{{break}}", Statement::Break)?,
            Kind::Continue => self.loop_word("{{continue}}", Statement::Continue)?,
            Kind::Template => self.template()?,
            _ => {
                self.backup();
                let at = self.peek().span.start;
                let pipe = self.pipeline("command")?;
                Statement::Action(self.add(at, NodeKind::Action(pipe)))
            }
        };
        let tree = self.tree();
        tree.statements.push(statement);
        tree.action_line = 0;
        Ok(())
    }

    fn control(&mut self, kind: Kind, chained: bool) -> Step<()> {
        let variables = self.tree().variables.len();
        let (context, statement): (_, fn(NodeId) -> Statement) = match kind {
            Kind::If => ("if", Statement::If),
            Kind::With => ("with", Statement::With),
            _ => ("range", Statement::Range),
        };
        let pipe = self.pipeline(context)?;
        let tree = self.tree();
        tree.statements.push(statement(pipe));
        tree.controls.push(Control { kind, variables, in_else: false, chained });
        tree.ranges += usize::from(kind == Kind::Range);
        Ok(())
    }

    fn else_action(&mut self) -> Step<()> {
        let ahead = self.peek_non_space();
        if !matches!(ahead.kind, Kind::If | Kind::With) {
            self.expect(&[Kind::RightDelim], "else")?;
        }
        let tree = self.tree();
        tree.action_line = 0;
        let Some(control) = tree.controls.last_mut() else {
            return Err(match tree.kind {
                TreeKind::Root => "unexpected {{else}}".into(),
                TreeKind::Define => "unexpected {{else}} in define clause".into(),
                TreeKind::Block(_) => return Err(self.fail_in_block("unexpected {{else}} in block clause")),
            });
        };
        if control.in_else {
            return Err("expected end; found {{else}}".into());
        }
        control.in_else = true;
        let kind = control.kind;
        tree.ranges -= usize::from(kind == Kind::Range);
        tree.statements.push(Statement::Else);
        if kind != Kind::Range && self.peek().kind == kind {
            self.next();
            return self.control(kind, true);
        }
        Ok(())
    }

    /// Go finds this error in the template around the block, so its line is that of the block's beginning.
    fn fail_in_block(&mut self, message: &str) -> String {
        self.open.pop();
        message.into()
    }

    fn end(&mut self) -> Step<()> {
        if self.tree().controls.is_empty() {
            return match self.tree().kind {
                TreeKind::Root => Err("unexpected {{end}}".into()),
                TreeKind::Define | TreeKind::Block(_) => self.finish_tree(),
            };
        }
        let tree = self.tree();
        while let Some(control) = tree.controls.pop() {
            tree.variables.truncate(control.variables);
            tree.ranges -= usize::from(control.kind == Kind::Range && !control.in_else);
            tree.statements.push(Statement::End);
            if !control.chained {
                break;
            }
        }
        Ok(())
    }

    fn loop_word(&mut self, shown: &str, statement: Statement) -> Step<Statement> {
        self.expect(&[Kind::RightDelim], shown)?;
        if self.tree().ranges == 0 {
            return Err(format!("{shown} outside {{{{range}}}}"));
        }
        Ok(statement)
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Step<Arc<str>> {
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return Err(self.unexpected(token, context));
        }
        self.unquoted_name(token)
    }

    fn unquoted_name(&self, token: &Token) -> Step<Arc<str>> {
        let bytes = quote::unquote(self.value(token)).ok_or("invalid syntax")?;
        Ok(String::from_utf8_lossy(&bytes).into())
    }

    fn template(&mut self) -> Step<Statement> {
        const CONTEXT: &str = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let mut pipe = None;
        if self.next_non_space().kind != Kind::RightDelim {
            self.backup();
            pipe = Some(self.pipeline(CONTEXT)?);
        }
        Ok(Statement::Template(self.add(token.span.start, NodeKind::Template(name, pipe))))
    }

    fn define(&mut self) -> Step<()> {
        const CONTEXT: &str = "define clause";
        self.open.push(OpenTree::new("".into(), TreeKind::Define));
        let token = self.expect(&[Kind::String, Kind::RawString], CONTEXT)?;
        self.tree().name = self.unquoted_name(&token)?;
        self.expect(&[Kind::RightDelim], CONTEXT)?;
        Ok(())
    }

    fn block(&mut self) -> Step<()> {
        const CONTEXT: &str = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT)?;
        let node = self.add(token.span.start, NodeKind::Template(Arc::clone(&name), Some(pipe)));
        self.open.push(OpenTree::new(name, TreeKind::Block(node)));
        Ok(())
    }

    /// Adds the innermost open tree to what the text defines.
    fn finish_tree(&mut self) -> Step<()> {
        let tree = self.tree();
        let statements = std::mem::take(&mut tree.statements);
        let name = Arc::clone(&tree.name);
        match self.done.iter().position(|done| done.name == name) {
            None => self.done.push(Tree { name, statements }),
            Some(at) if is_empty(&self.done[at].statements, self.text) => {
                self.done.remove(at);
                self.done.push(Tree { name, statements });
            }
            Some(_) if is_empty(&statements, self.text) => {}
            Some(_) => {
                let name = quote::quoted(name.as_bytes());
                return Err(format!("template: multiple definition of template {name}"));
            }
        }
        if self.open.len() > 1
            && let Some(OpenTree { kind: TreeKind::Block(node), .. }) = self.open.pop()
        {
            let outer = self.tree();
            outer.statements.push(Statement::Template(node));
            outer.action_line = 0;
        }
        Ok(())
    }
}
