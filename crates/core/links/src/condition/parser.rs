//! From words to an expression.

use serde_json::Value;

use super::lexer::{Token, tokens};

/// Expressions inside of each other.
const DEPTH: usize = 64;

#[derive(Debug, Clone)]
pub(super) enum Expression {
    Literal(Value),
    Name(String),
    List(Vec<Self>),
    Field { of: Box<Self>, name: Box<Self>, optional: bool },
    Not(Box<Self>),
    Negative(Box<Self>),
    Call(String, Box<Self>),
    Choice { condition: Box<Self>, yes: Box<Self>, no: Box<Self> },
    Two { operator: Operator, left: Box<Self>, right: Box<Self> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Else,
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
    In,
    NotIn,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Plus,
}

/// Words, what they mean, and how tightly they bind.
const OPERATORS: [(&str, Operator, u8); 17] = [
    ("||", Operator::Or, 10),
    ("or", Operator::Or, 10),
    ("&&", Operator::And, 15),
    ("and", Operator::And, 15),
    ("==", Operator::Equal, 20),
    ("!=", Operator::Unequal, 20),
    ("<", Operator::Less, 20),
    ("<=", Operator::AtMost, 20),
    (">", Operator::More, 20),
    (">=", Operator::AtLeast, 20),
    ("in", Operator::In, 20),
    ("contains", Operator::Contains, 20),
    ("startsWith", Operator::StartsWith, 20),
    ("endsWith", Operator::EndsWith, 20),
    ("matches", Operator::Matches, 20),
    ("+", Operator::Plus, 30),
    ("??", Operator::Else, 50),
];
/// How tightly `not` and a sign bind.
const SIGN: u8 = 50;

impl Operator {
    pub(super) fn as_str(self) -> &'static str {
        OPERATORS.iter().find(|(_, operator, _)| *operator == self).map_or("not in", |(word, _, _)| word)
    }
}

pub(super) fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let expression = parser.whole(0)?;
    match parser.tokens.get(parser.at) {
        None => Ok(expression),
        Some(token) => Err(format!("unexpected {token:?}")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn take(&mut self, mark: &str) -> bool {
        let found = match self.tokens.get(self.at) {
            Some(Token::Mark(known)) => *known == mark,
            Some(Token::Name(name)) => name == mark,
            _ => false,
        };
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: &str) -> Result<(), String> {
        if self.take(mark) { Ok(()) } else { Err(format!("{mark} is missing")) }
    }

    fn whole(&mut self, depth: usize) -> Result<Expression, String> {
        let condition = self.binary(0, depth)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let yes = self.whole(deeper(depth)?)?;
        self.expect(":")?;
        let no = self.whole(deeper(depth)?)?;
        Ok(Expression::Choice { condition: condition.into(), yes: yes.into(), no: no.into() })
    }

    fn binary(&mut self, least: u8, depth: usize) -> Result<Expression, String> {
        let mut left = self.unary(deeper(depth)?)?;
        while let Some((operator, binds, words)) = self.operator().filter(|(_, binds, _)| *binds >= least) {
            self.at += words;
            let right = self.binary(binds + 1, deeper(depth)?)?;
            left = Expression::Two { operator, left: left.into(), right: right.into() };
        }
        Ok(left)
    }

    /// The operator that comes next, how tightly it binds, and of how many words it is.
    fn operator(&self) -> Option<(Operator, u8, usize)> {
        let word = |at: usize| match self.tokens.get(at)? {
            Token::Mark(mark) => Some(*mark),
            Token::Name(name) => Some(name.as_str()),
            Token::Text(_) | Token::Number(_) => None,
        };
        let first = word(self.at)?;
        if first == "not" && word(self.at + 1) == Some("in") {
            return Some((Operator::NotIn, 20, 2));
        }
        let known = OPERATORS.iter().find(|(known, _, _)| *known == first)?;
        Some((known.1, known.2, 1))
    }

    fn unary(&mut self, depth: usize) -> Result<Expression, String> {
        if self.take("!") || self.take("not") {
            return Ok(Expression::Not(self.binary(SIGN, deeper(depth)?)?.into()));
        }
        if self.take("-") {
            return Ok(Expression::Negative(self.binary(SIGN, deeper(depth)?)?.into()));
        }
        let mut expression = self.primary(depth)?;
        loop {
            let text = |name: String| Expression::Literal(Value::String(name)).into();
            let (name, optional) = if self.take(".") {
                (text(self.name()?), false)
            } else if self.take("?.") {
                (text(self.name()?), true)
            } else if self.take("[") {
                (self.index(depth)?, false)
            } else if self.take("?[") {
                (self.index(depth)?, true)
            } else {
                return Ok(expression);
            };
            expression = Expression::Field { of: expression.into(), name, optional };
        }
    }

    fn index(&mut self, depth: usize) -> Result<Box<Expression>, String> {
        let index = self.whole(deeper(depth)?)?;
        self.expect("]")?;
        Ok(index.into())
    }

    fn name(&mut self) -> Result<String, String> {
        match self.tokens.get(self.at) {
            Some(Token::Name(name)) => {
                self.at += 1;
                Ok(name.clone())
            }
            other => Err(format!("a field's name is missing, there is {other:?}")),
        }
    }

    fn primary(&mut self, depth: usize) -> Result<Expression, String> {
        let token = self.tokens.get(self.at).cloned().ok_or("unexpected end")?;
        self.at += 1;
        match token {
            Token::Text(text) => Ok(Expression::Literal(Value::String(text))),
            Token::Number(number) => Ok(Expression::Literal(whole_number(number))),
            Token::Name(name) => match name.as_str() {
                "true" => Ok(Expression::Literal(Value::Bool(true))),
                "false" => Ok(Expression::Literal(Value::Bool(false))),
                "nil" => Ok(Expression::Literal(Value::Null)),
                _ if !self.take("(") => Ok(Expression::Name(name)),
                "len" | "lower" | "upper" => {
                    let argument = self.whole(deeper(depth)?)?;
                    self.expect(")")?;
                    Ok(Expression::Call(name, argument.into()))
                }
                _ => Err(format!("the function {name} is not known here")),
            },
            Token::Mark("(") => {
                let inner = self.whole(deeper(depth)?)?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Mark("[") => {
                let mut items = Vec::new();
                while !self.take("]") {
                    if !items.is_empty() {
                        self.expect(",")?;
                    }
                    items.push(self.whole(deeper(depth)?)?);
                }
                Ok(Expression::List(items))
            }
            Token::Mark(mark) => Err(format!("unexpected {mark}")),
        }
    }
}

/// A number that can be an index.
fn whole_number(number: f64) -> Value {
    let text = number.to_string();
    text.parse::<i64>().map_or_else(|_| Value::from(number), Value::from)
}

fn deeper(depth: usize) -> Result<usize, String> {
    if depth >= DEPTH { Err(format!("a condition nests at most {DEPTH} levels")) } else { Ok(depth + 1) }
}
