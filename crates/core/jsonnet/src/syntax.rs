//! What a program is made of once it is read.

use std::rc::Rc;

use crate::text::Text;

/// A place in a file: the file by its number, and both ends as line and column (from 1, in bytes; the end is behind the last one).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) file: u32,
    pub(crate) begin: (u32, u32),
    pub(crate) end: (u32, u32),
}

impl Span {
    /// From the start of one place to the end of another.
    pub(crate) fn to(self, end: Self) -> Self {
        Self { end: end.end, ..self }
    }
}

/// An expression; shared by all that is to be evaluated later.
pub(crate) type Expr = Rc<Node>;

/// An expression and where it stands.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    /// Levels of the tree from here down.
    pub(crate) height: u32,
    pub(crate) kind: Kind,
}

/// A name in a program.
pub(crate) type Name = Rc<str>;

#[derive(Debug)]
pub(crate) enum Kind {
    Null,
    True,
    False,
    Number(f64),
    /// A number too large for one.
    Overflow,
    Text(Text),
    /// As it is written; scopes turn it into one of the three below.
    Name(Name),
    /// A variable: frames up, place in the frame.
    Variable(u32, u32),
    Std,
    /// Before scopes: `self` (false) or `$` (true).
    SelfWord(bool),
    /// An object: frames up to the one that has it.
    This(u32),
    /// `super[..]`; frames up.
    Super(u32, Expr),
    /// `.. in super`; frames up.
    InSuper(u32, Expr),
    Array(Vec<Expr>),
    ArrayFor(Expr, Vec<Clause>),
    Object(Rc<ObjectCode>),
    ObjectFor(Rc<ObjectCode>, Vec<Clause>),
    Import(ImportKind, Rc<str>),
    Error(Expr),
    If(Expr, Expr, Option<Expr>),
    Index(Expr, Expr),
    Slice(Expr, [Option<Expr>; 3]),
    Local(Vec<Bind>, Expr),
    Function(Rc<FunctionCode>),
    Apply(Box<Call>),
    Unary(Unary, Expr),
    Binary(Binary, Expr, Expr),
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) target: Expr,
    pub(crate) positional: Vec<Expr>,
    pub(crate) named: Vec<(Name, Expr)>,
    pub(crate) tailstrict: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImportKind {
    Code,
    Text,
    Bytes,
}

#[derive(Debug)]
pub(crate) struct Bind {
    pub(crate) name: Name,
    pub(crate) value: Expr,
}

#[derive(Debug)]
pub(crate) struct FunctionCode {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Expr,
}

#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Name,
    pub(crate) default: Option<Expr>,
}

/// A part of a comprehension.
#[derive(Debug)]
pub(crate) enum Clause {
    For(Name, Expr),
    If(Expr),
}

/// Fields are evaluated in a frame of their own, which has the object's locals; names of fields outside of it.
#[derive(Debug)]
pub(crate) struct ObjectCode {
    pub(crate) locals: Vec<Bind>,
    pub(crate) asserts: Vec<Expr>,
    pub(crate) fields: Vec<FieldCode>,
}

#[derive(Debug)]
pub(crate) struct FieldCode {
    pub(crate) name: FieldName,
    pub(crate) shown: Shown,
    /// `+:`
    pub(crate) plus: bool,
    pub(crate) value: Expr,
}

#[derive(Debug)]
pub(crate) enum FieldName {
    Fixed(Name),
    Computed(Expr),
}

/// How a field is shown: `:`, `::`, `:::`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As the field that it takes the place of, else shown.
    Inherit,
    Hidden,
    Forced,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    BitNot,
    Plus,
    Minus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Multiply,
    Divide,
    Modulo,
    Plus,
    Minus,
    ShiftLeft,
    ShiftRight,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Equal,
    Unequal,
    BitAnd,
    BitXor,
    BitOr,
    And,
    Or,
}

impl Kind {
    /// Levels below.
    pub(crate) fn height(&self) -> u32 {
        let of = |expr: &Expr| expr.height;
        let of_some = |expr: &Option<Expr>| expr.as_ref().map_or(0, of);
        let of_clauses = |clauses: &[Clause]| {
            let of_one = |clause: &Clause| match clause {
                Clause::For(_, expr) | Clause::If(expr) => expr.height,
            };
            clauses.iter().map(of_one).max().unwrap_or(0)
        };
        match self {
            Self::Null
            | Self::True
            | Self::False
            | Self::Number(_)
            | Self::Overflow
            | Self::Text(_)
            | Self::Name(_)
            | Self::Variable(..)
            | Self::Std
            | Self::SelfWord(_)
            | Self::This(_)
            | Self::Import(..) => 0,
            Self::Super(_, inner) | Self::InSuper(_, inner) | Self::Error(inner) | Self::Unary(_, inner) => {
                of(inner)
            }
            Self::Array(items) => items.iter().map(of).max().unwrap_or(0),
            Self::ArrayFor(body, clauses) => of(body).max(of_clauses(clauses)),
            Self::Object(code) => code.height(),
            Self::ObjectFor(code, clauses) => code.height().max(of_clauses(clauses)),
            Self::If(condition, then, otherwise) => of(condition).max(of(then)).max(of_some(otherwise)),
            Self::Index(left, right) | Self::Binary(_, left, right) => of(left).max(of(right)),
            Self::Slice(target, parts) => parts.iter().map(of_some).max().unwrap_or(0).max(of(target)),
            Self::Local(binds, body) => {
                binds.iter().map(|bind| of(&bind.value)).max().unwrap_or(0).max(of(body))
            }
            Self::Function(code) => {
                let defaults = code.parameters.iter().map(|parameter| of_some(&parameter.default)).max();
                defaults.unwrap_or(0).max(of(&code.body))
            }
            Self::Apply(call) => {
                let positional = call.positional.iter().map(of).max().unwrap_or(0);
                let named = call.named.iter().map(|(_, argument)| of(argument)).max().unwrap_or(0);
                of(&call.target).max(positional).max(named)
            }
        }
    }
}

impl ObjectCode {
    fn height(&self) -> u32 {
        let locals = self.locals.iter().map(|bind| bind.value.height);
        let asserts = self.asserts.iter().map(|check| check.height);
        let fields = self.fields.iter().map(|field| {
            let name = match &field.name {
                FieldName::Fixed(_) => 0,
                FieldName::Computed(name) => name.height,
            };
            field.value.height.max(name)
        });
        locals.chain(asserts).chain(fields).max().unwrap_or(0)
    }
}
