//! From tokens to expressions.

use std::rc::Rc;

use crate::error::Fault;
use crate::lexer::{Token, shown, tokens};
use crate::syntax::{
    Binary, Bind, Call, Clause, Expr, FieldCode, FieldName, FunctionCode, ImportKind, Kind, Name, Node,
    ObjectCode, Parameter, Shown, Span, Unary,
};
use crate::text::Text;

/// Expressions inside each other. What is nested deeper is refused, so that whoever walks the tree can recurse.
const MAX_NESTING: u32 = 1000;

/// Levels of a tree. A chain of operators (`a + b + …`) has as many.
const MAX_HEIGHT: u32 = 5000;

/// Binds tighter the smaller it is.
const LOOSEST: u8 = 16;
const UNARY: u8 = 4;

/// Reads a file.
pub(crate) fn parse(file: u32, text: &str) -> Result<Expr, Fault> {
    let tokens = tokens(file, text)?;
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let expr = parser.expr(LOOSEST)?;
    let (token, span) = parser.peek();
    if *token != Token::End {
        return Err(Fault::syntax(format!("Did not expect: {}", shown(token)), span));
    }
    Ok(expr)
}

struct Parser {
    /// Never empty; the last one is the end.
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: u32,
}

fn node(span: Span, kind: Kind) -> Expr {
    Rc::new(Node { span, height: kind.height() + 1, kind })
}

fn check_height(expr: &Expr) -> Result<(), Fault> {
    if expr.height > MAX_HEIGHT {
        return Err(Fault::limit("levels of an expression", MAX_HEIGHT.into(), expr.span));
    }
    Ok(())
}

impl Parser {
    fn peek(&self) -> (&Token, Span) {
        self.ahead(0)
    }

    fn ahead(&self, by: usize) -> (&Token, Span) {
        let last = self.tokens.len() - 1;
        let (token, span) = &self.tokens[(self.at + by).min(last)];
        (token, *span)
    }

    fn take(&mut self) -> (Token, Span) {
        let (token, span) = self.peek();
        let taken = (token.clone(), span);
        self.at += 1;
        taken
    }

    fn previous(&self) -> Span {
        self.tokens.get(self.at.saturating_sub(1)).map(|(_, span)| *span).unwrap_or_default()
    }

    fn eat_sign(&mut self, sign: char) -> bool {
        let found = *self.peek().0 == Token::Sign(sign);
        self.at += usize::from(found);
        found
    }

    fn eat_keyword(&mut self, word: &str) -> bool {
        let found = matches!(self.peek().0, Token::Keyword(keyword) if *keyword == word);
        self.at += usize::from(found);
        found
    }

    fn eat_operator(&mut self, operator: &str) -> bool {
        let found = self.peek().0.is_operator(operator);
        self.at += usize::from(found);
        found
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T, Fault> {
        let (token, span) = self.peek();
        Err(Fault::syntax(format!("Expected {wanted} but got {}", shown(token)), span))
    }

    fn expect_sign(&mut self, sign: char) -> Result<Span, Fault> {
        if self.eat_sign(sign) { Ok(self.previous()) } else { self.unexpected(&format!("token \"{sign}\"")) }
    }

    fn expect_operator(&mut self, operator: &str) -> Result<(), Fault> {
        if self.eat_operator(operator) { Ok(()) } else { self.unexpected(&format!("operator {operator}")) }
    }

    fn expect_keyword(&mut self, word: &str) -> Result<(), Fault> {
        if self.eat_keyword(word) { Ok(()) } else { self.unexpected(&format!("token {word}")) }
    }

    fn expect_name(&mut self) -> Result<(Name, Span), Fault> {
        match self.peek() {
            (Token::Name(name), span) => {
                let name = Rc::from(name.as_str());
                self.at += 1;
                Ok((name, span))
            }
            _ => self.unexpected("token IDENTIFIER"),
        }
    }

    /// An expression of operators that bind at most so loosely.
    fn expr(&mut self, loosest: u8) -> Result<Expr, Fault> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(Fault::limit("nesting of expressions", MAX_NESTING.into(), self.peek().1));
        }
        let expr = self.expr_here(loosest)?;
        self.depth -= 1;
        check_height(&expr)?;
        Ok(expr)
    }

    fn expr_here(&mut self, loosest: u8) -> Result<Expr, Fault> {
        let begin = self.peek().1;
        let (Token::Keyword(word), _) = self.peek() else { return self.operators(loosest) };
        match *word {
            "assert" => {
                self.at += 1;
                let (condition, message) = self.assertion("Assertion failed")?;
                self.expect_sign(';')?;
                let rest = self.expr(LOOSEST)?;
                let span = begin.to(self.previous());
                let failed = node(span, Kind::Error(message));
                Ok(node(span, Kind::If(condition, rest, Some(failed))))
            }
            "error" => {
                self.at += 1;
                let message = self.expr(LOOSEST)?;
                Ok(node(begin.to(self.previous()), Kind::Error(message)))
            }
            "if" => {
                self.at += 1;
                let condition = self.expr(LOOSEST)?;
                self.expect_keyword("then")?;
                let then = self.expr(LOOSEST)?;
                let otherwise = if self.eat_keyword("else") { Some(self.expr(LOOSEST)?) } else { None };
                Ok(node(begin.to(self.previous()), Kind::If(condition, then, otherwise)))
            }
            "function" => {
                self.at += 1;
                if *self.peek().0 != Token::Sign('(') {
                    let (token, span) = self.peek();
                    return Err(Fault::syntax(format!("Expected ( but got {}", shown(token)), span));
                }
                self.function(begin)
            }
            "import" => self.import(ImportKind::Code),
            "importstr" => self.import(ImportKind::Text),
            "importbin" => self.import(ImportKind::Bytes),
            "local" => {
                self.at += 1;
                let mut binds = Vec::new();
                loop {
                    self.bind(&mut binds)?;
                    if self.eat_sign(';') {
                        break;
                    }
                    if !self.eat_sign(',') {
                        let (token, span) = self.peek();
                        return Err(Fault::syntax(format!("Expected , or ; but got {}", shown(token)), span));
                    }
                }
                let body = self.expr(LOOSEST)?;
                Ok(node(begin.to(self.previous()), Kind::Local(binds, body)))
            }
            _ => self.operators(loosest),
        }
    }

    fn import(&mut self, kind: ImportKind) -> Result<Expr, Fault> {
        let begin = self.take().1;
        let block = matches!(self.peek().0, Token::Block(_));
        let body = self.expr(LOOSEST)?;
        match &body.kind {
            Kind::Text(_) if block => {
                Err(Fault::syntax("Block string literals not allowed in imports", body.span))
            }
            Kind::Text(path) => Ok(node(begin.to(body.span), Kind::Import(kind, Rc::from(path.as_str())))),
            _ => Err(Fault::syntax("Computed imports are not allowed", body.span)),
        }
    }

    /// `cond [: message]`
    fn assertion(&mut self, default: &str) -> Result<(Expr, Expr), Fault> {
        let condition = self.expr(LOOSEST)?;
        let message = if self.eat_operator(":") {
            self.expr(LOOSEST)?
        } else {
            node(condition.span, Kind::Text(Text::new(default)))
        };
        Ok((condition, message))
    }

    fn bind(&mut self, binds: &mut Vec<Bind>) -> Result<(), Fault> {
        let (name, span) = self.expect_name()?;
        if binds.iter().any(|bind| bind.name == name) {
            return Err(Fault::syntax(format!("Duplicate local var: {name}"), span));
        }
        let value = if *self.peek().0 == Token::Sign('(') {
            self.method(span, &["="])?.0
        } else {
            self.expect_operator("=")?;
            self.expr(LOOSEST)?
        };
        binds.push(Bind { name, value });
        Ok(())
    }

    /// `(parameters) body`.
    fn function(&mut self, begin: Span) -> Result<Expr, Fault> {
        let parameters = self.parameters()?;
        let body = self.expr(LOOSEST)?;
        let span = begin.to(self.previous());
        Ok(node(span, Kind::Function(Rc::new(FunctionCode { parameters, body }))))
    }

    /// `(parameters) = body`, or another operator; says which.
    fn method(&mut self, begin: Span, operators: &[&'static str]) -> Result<(Expr, &'static str), Fault> {
        let parameters = self.parameters()?;
        let Some(operator) = operators.iter().find(|operator| self.peek().0.is_operator(operator)) else {
            return self.unexpected(&format!("operator {}", operators.first().unwrap_or(&"=")));
        };
        self.at += 1;
        let body = self.expr(LOOSEST)?;
        let span = begin.to(self.previous());
        Ok((node(span, Kind::Function(Rc::new(FunctionCode { parameters, body }))), operator))
    }

    fn parameters(&mut self) -> Result<Vec<Parameter>, Fault> {
        self.expect_sign('(')?;
        let mut parameters: Vec<Parameter> = Vec::new();
        loop {
            if self.eat_sign(')') {
                return Ok(parameters);
            }
            let (name, span) = self.expect_name()?;
            if parameters.iter().any(|parameter| parameter.name == name) {
                return Err(Fault::syntax(format!("Duplicate function parameter: {name}"), span));
            }
            let default = if self.eat_operator("=") { Some(self.expr(LOOSEST)?) } else { None };
            parameters.push(Parameter { name, default });
            if !self.eat_sign(',') && *self.peek().0 != Token::Sign(')') {
                let (token, span) = self.peek();
                let message =
                    format!("Expected a comma before next function parameter, got {}", shown(token));
                return Err(Fault::syntax(message, span));
            }
        }
    }

    fn operators(&mut self, loosest: u8) -> Result<Expr, Fault> {
        let begin = self.peek().1;
        let mut left = self.operand()?;
        loop {
            let (operator, precedence) = match self.peek().0 {
                Token::Operator(text) => match binary(text) {
                    Some(found) => found,
                    // Punctuation of what stands around the expression.
                    None if matches!(text.as_str(), "=" | ":" | "::" | ":::" | "+:" | "+::" | "+:::") => {
                        return Ok(left);
                    }
                    None => {
                        return Err(Fault::syntax(format!("Not a binary operator: {text}"), self.peek().1));
                    }
                },
                Token::Keyword("in") => (Binary::In, 8),
                _ => return Ok(left),
            };
            if precedence >= loosest {
                return Ok(left);
            }
            check_height(&left)?;
            self.at += 1;
            let alone = !matches!(self.ahead(1).0, Token::Sign('.' | '['));
            if operator == Binary::In && alone && self.eat_keyword("super") {
                left = node(begin.to(self.previous()), Kind::InSuper(0, left));
                continue;
            }
            let right = self.expr(precedence)?;
            let span = begin.to(self.previous());
            left = node(span, Kind::Binary(operator, left, right));
        }
    }

    /// Something with signs before it and indexes and arguments behind it.
    fn operand(&mut self) -> Result<Expr, Fault> {
        if let (Token::Operator(text), begin) = self.peek() {
            let operator = match text.as_str() {
                "!" => Unary::Not,
                "~" => Unary::BitNot,
                "+" => Unary::Plus,
                "-" => Unary::Minus,
                other => return Err(Fault::syntax(format!("Not a unary operator: {other}"), begin)),
            };
            self.at += 1;
            let inner = self.expr(UNARY)?;
            return Ok(node(begin.to(self.previous()), Kind::Unary(operator, inner)));
        }
        let begin = self.peek().1;
        let mut expr = self.terminal()?;
        loop {
            check_height(&expr)?;
            match self.peek().0 {
                Token::Sign('.') => {
                    self.at += 1;
                    let (name, span) = self.expect_name()?;
                    let index = node(span, Kind::Text(Text::new(&name)));
                    expr = node(begin.to(span), Kind::Index(expr, index));
                }
                Token::Sign('[') => {
                    self.at += 1;
                    expr = self.index(begin, expr)?;
                }
                Token::Sign('(') => {
                    self.at += 1;
                    let (positional, named) = self.arguments()?;
                    let end = self.previous();
                    let tailstrict = self.eat_keyword("tailstrict");
                    let call = Call { target: expr, positional, named, tailstrict };
                    expr = node(
                        begin.to(if tailstrict { self.previous() } else { end }),
                        Kind::Apply(Box::new(call)),
                    );
                }
                Token::Sign('{') => {
                    let start = self.take().1;
                    let object = self.object(start)?;
                    expr = node(begin.to(object.span), Kind::Binary(Binary::Plus, expr, object));
                }
                _ => return Ok(expr),
            }
        }
    }

    /// Behind `[`: an index or a slice.
    fn index(&mut self, begin: Span, target: Expr) -> Result<Expr, Fault> {
        let mut parts: [Option<Expr>; 3] = [None, None, None];
        let mut part = 0;
        let mut colons = 0;
        loop {
            if self.eat_sign(']') {
                break;
            }
            let count = if self.eat_operator(":") { 1 } else { 2 * usize::from(self.eat_operator("::")) };
            if count > 0 {
                colons += count;
                part += count;
                if part > 2 {
                    return self.unexpected("token \"]\"");
                }
                continue;
            }
            match parts.get_mut(part) {
                Some(slot) if slot.is_none() => {
                    let value = self.expr(LOOSEST)?;
                    if let Some(slot) = parts.get_mut(part) {
                        *slot = Some(value);
                    }
                }
                _ => return self.unexpected("token \"]\""),
            }
        }
        let span = begin.to(self.previous());
        if colons > 0 {
            return Ok(node(span, Kind::Slice(target, parts)));
        }
        let [Some(index), ..] = parts else {
            return Err(Fault::syntax("ast.Index requires an expression", span));
        };
        Ok(node(span, Kind::Index(target, index)))
    }

    #[expect(clippy::type_complexity, reason = "positional and named arguments, once")]
    fn arguments(&mut self) -> Result<(Vec<Expr>, Vec<(Name, Expr)>), Fault> {
        let (mut positional, mut named) = (Vec::new(), Vec::new());
        loop {
            if self.eat_sign(')') {
                return Ok((positional, named));
            }
            let start = self.peek().1;
            if let (Token::Name(name), true) = (self.peek().0, self.ahead(1).0.is_operator("=")) {
                let name = Rc::from(name.as_str());
                self.at += 2;
                named.push((name, self.expr(LOOSEST)?));
            } else if named.is_empty() {
                positional.push(self.expr(LOOSEST)?);
            } else {
                let message = "Positional argument after a named argument is not allowed";
                return Err(Fault::syntax(message, start));
            }
            if !self.eat_sign(',') && *self.peek().0 != Token::Sign(')') {
                let (token, span) = self.peek();
                let message = format!("Expected a comma before next function argument, got {}", shown(token));
                return Err(Fault::syntax(message, span));
            }
        }
    }

    fn terminal(&mut self) -> Result<Expr, Fault> {
        let (token, span) = self.take();
        let kind = match token {
            Token::Sign('{') => return self.object(span),
            Token::Sign('[') => return self.array(span),
            Token::Sign('(') => {
                let inner = self.expr(LOOSEST)?;
                self.expect_sign(')')?;
                return Ok(inner);
            }
            Token::Number(digits) => match digits.parse::<f64>() {
                Ok(number) if number.is_finite() => Kind::Number(number),
                _ => Kind::Overflow,
            },
            Token::Text(text) | Token::Block(text) => Kind::Text(Text::from(text)),
            Token::Name(name) => Kind::Name(Rc::from(name)),
            Token::Keyword("null") => Kind::Null,
            Token::Keyword("true") => Kind::True,
            Token::Keyword("false") => Kind::False,
            Token::Keyword("self") => Kind::SelfWord(false),
            Token::Keyword("$") => Kind::SelfWord(true),
            Token::Keyword("super") => {
                let index = if self.eat_sign('.') {
                    let (name, at) = self.expect_name()?;
                    node(at, Kind::Text(Text::new(&name)))
                } else if self.eat_sign('[') {
                    let index = self.expr(LOOSEST)?;
                    self.expect_sign(']')?;
                    index
                } else {
                    return Err(Fault::syntax("Expected . or [ after super", span));
                };
                return Ok(node(span, Kind::Super(0, index)));
            }
            Token::End => return Err(Fault::syntax("Unexpected end of file", span)),
            other => {
                let message = format!("Unexpected: {} while parsing terminal", shown(&other));
                return Err(Fault::syntax(message, span));
            }
        };
        Ok(node(span, kind))
    }

    fn array(&mut self, begin: Span) -> Result<Expr, Fault> {
        if self.eat_sign(']') {
            return Ok(node(begin.to(self.previous()), Kind::Array(Vec::new())));
        }
        let first = self.expr(LOOSEST)?;
        let comma = self.eat_sign(',');
        if matches!(self.peek().0, Token::Keyword("for")) {
            let clauses = self.clauses(']')?;
            let end = self.expect_sign(']')?;
            return Ok(node(begin.to(end), Kind::ArrayFor(first, clauses)));
        }
        let mut items = vec![first];
        let mut comma = comma;
        loop {
            if self.eat_sign(']') {
                return Ok(node(begin.to(self.previous()), Kind::Array(items)));
            }
            if !comma {
                return Err(Fault::syntax("Expected a comma before next array element", self.peek().1));
            }
            items.push(self.expr(LOOSEST)?);
            comma = self.eat_sign(',');
        }
    }

    fn clauses(&mut self, close: char) -> Result<Vec<Clause>, Fault> {
        let mut clauses = Vec::new();
        loop {
            if self.eat_keyword("for") {
                let (name, _) = self.expect_name()?;
                self.expect_keyword("in")?;
                clauses.push(Clause::For(name, self.expr(LOOSEST)?));
            } else if !clauses.is_empty() && self.eat_keyword("if") {
                clauses.push(Clause::If(self.expr(LOOSEST)?));
            } else if *self.peek().0 == Token::Sign(close) {
                return Ok(clauses);
            } else {
                let (token, span) = self.peek();
                let message =
                    format!("Expected for, if or \"{close}\" after for clause, got: {}", shown(token));
                return Err(Fault::syntax(message, span));
            }
        }
    }

    /// Behind `{`.
    fn object(&mut self, begin: Span) -> Result<Expr, Fault> {
        let mut code = ObjectCode { locals: Vec::new(), asserts: Vec::new(), fields: Vec::new() };
        let mut comma = true;
        loop {
            if self.eat_sign('}') {
                return Ok(node(begin.to(self.previous()), Kind::Object(Rc::new(code))));
            }
            if matches!(self.peek().0, Token::Keyword("for")) {
                let span = self.peek().1;
                check_comprehension(&code, span)?;
                let clauses = self.clauses('}')?;
                let end = self.expect_sign('}')?;
                return Ok(node(begin.to(end), Kind::ObjectFor(Rc::new(code), clauses)));
            }
            if !comma {
                return Err(Fault::syntax("Expected a comma before next field", self.peek().1));
            }
            self.member(&mut code)?;
            comma = self.eat_sign(',');
        }
    }

    fn member(&mut self, code: &mut ObjectCode) -> Result<(), Fault> {
        if self.eat_keyword("local") {
            return self.bind(&mut code.locals);
        }
        if self.eat_keyword("assert") {
            let begin = self.previous();
            let (condition, message) = self.assertion("Object assertion failed.")?;
            let span = begin.to(self.previous());
            let holds = node(span, Kind::Null);
            code.asserts.push(node(span, Kind::If(condition, holds, Some(node(span, Kind::Error(message))))));
            return Ok(());
        }
        let (token, span) = self.take();
        let name = match token {
            Token::Name(name) => FieldName::Fixed(Rc::from(name)),
            Token::Text(text) | Token::Block(text) => FieldName::Fixed(Rc::from(text)),
            Token::Sign('[') => {
                let name = self.expr(LOOSEST)?;
                self.expect_sign(']')?;
                FieldName::Computed(name)
            }
            other => {
                let message = format!("Unexpected: {} while parsing field definition", shown(&other));
                return Err(Fault::syntax(message, span));
            }
        };
        if let FieldName::Fixed(name) = &name {
            let again = |field: &FieldCode| matches!(&field.name, FieldName::Fixed(other) if other == name);
            if code.fields.iter().any(again) {
                return Err(Fault::syntax(format!("Duplicate field: {name}"), span));
            }
        }
        let (operator, plus, value) = if *self.peek().0 == Token::Sign('(') {
            let (value, operator) = self.method(span, &[":", "::", ":::"])?;
            (operator, false, value)
        } else {
            let Some(operator) = [":", "::", ":::", "+:", "+::", "+:::"]
                .into_iter()
                .find(|text| self.peek().0.is_operator(text))
            else {
                return self.unexpected("one of :, ::, :::, +:, +::, +:::, got");
            };
            self.at += 1;
            (operator, operator.starts_with('+'), self.expr(LOOSEST)?)
        };
        let shown = match operator.trim_start_matches('+') {
            "::" => Shown::Hidden,
            ":::" => Shown::Forced,
            _ => Shown::Inherit,
        };
        code.fields.push(FieldCode { name, shown, plus, value });
        Ok(())
    }
}

fn check_comprehension(code: &ObjectCode, span: Span) -> Result<(), Fault> {
    let problem = match code.fields.as_slice() {
        _ if !code.asserts.is_empty() => "Object comprehension cannot have asserts",
        [FieldCode { shown: Shown::Hidden | Shown::Forced, .. }] => {
            "Object comprehensions cannot have hidden fields"
        }
        [FieldCode { name: FieldName::Fixed(_), .. }] => "Object comprehensions can only have [e] fields",
        [_] => return Ok(()),
        _ => "Object comprehension can only have one field",
    };
    Err(Fault::syntax(problem, span))
}

/// The operator and how tightly it binds.
fn binary(text: &str) -> Option<(Binary, u8)> {
    Some(match text {
        "*" => (Binary::Multiply, 5),
        "/" => (Binary::Divide, 5),
        "%" => (Binary::Modulo, 5),
        "+" => (Binary::Plus, 6),
        "-" => (Binary::Minus, 6),
        "<<" => (Binary::ShiftLeft, 7),
        ">>" => (Binary::ShiftRight, 7),
        "<" => (Binary::Less, 8),
        "<=" => (Binary::LessEqual, 8),
        ">" => (Binary::Greater, 8),
        ">=" => (Binary::GreaterEqual, 8),
        "==" => (Binary::Equal, 9),
        "!=" => (Binary::Unequal, 9),
        "&" => (Binary::BitAnd, 10),
        "^" => (Binary::BitXor, 11),
        "|" => (Binary::BitOr, 12),
        "&&" => (Binary::And, 13),
        "||" => (Binary::Or, 14),
        _ => return None,
    })
}
