//! What templates compute with: Go's values, as `reflect` shows them.

mod container;
mod json;
mod object;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

pub use container::{List, ListType, Map, MapType};
pub use json::{JsonError, Numbers};
pub use object::Object;
pub use text::Str;

use crate::functions::Function;

/// A value of a template. Cloning is cheap: what is large is shared, and maps are references as in Go.
///
/// Values belong to one thread.
#[derive(Clone, Default)]
pub enum Value {
    /// No value at all, or a nil interface.
    #[default]
    Nil,
    /// `bool`.
    Bool(bool),
    /// Signed integers; a literal in a template is `IntKind::Int`.
    Int(IntKind, i64),
    /// Unsigned integers.
    Uint(UintKind, u64),
    /// `float32` and `float64`.
    Float(FloatKind, f64),
    /// `complex128`: only literals such as `1i`.
    Complex(f64, f64),
    /// `string`.
    String(Str),
    /// `[]uint8`.
    Bytes(Rc<[u8]>),
    /// Any other slice.
    List(List),
    /// Maps with string keys.
    Map(Map),
    /// Structs and pointers to them.
    Object(Rc<dyn Object>),
    /// A function as a value, for `call`.
    Function(&'static Function),
}

/// Go's signed integer types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum IntKind {
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
}

/// Go's unsigned integer types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum UintKind {
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
}

/// Go's floating types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum FloatKind {
    Float32,
    Float64,
}

/// Go's `reflect.Kind`; [`Kind::name`] is what `kindOf` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Invalid,
    Bool,
    Int(IntKind),
    Uint(UintKind),
    Float(FloatKind),
    Complex,
    String,
    Slice,
    Map,
    Struct,
    Ptr,
    Func,
}

/// The Go type of a parameter, an element or a result, as far as assigning to it needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`: takes everything.
    Any,
    /// `reflect.Value`: takes everything, and nil stays untyped. Errors call it `reflect.Value`.
    Reflect,
    /// `bool`.
    Bool,
    /// `string`.
    String,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `int32`.
    Int32,
    /// `uint8`.
    Uint8,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
    /// `float64`.
    Float64,
    /// `[]uint8`.
    Bytes,
    /// `[]interface {}`.
    List,
    /// `[]string`.
    Strings,
    /// `map[string]interface {}`; also takes named maps of that shape.
    Map,
    /// `map[string]string`.
    StringMap,
    /// A type known by its name only: takes objects, lists and maps whose type has this name. Nil is taken where it starts with `*`.
    Named(&'static str),
}

impl Type {
    /// As `%T` prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Int32 => "int32",
            Self::Uint8 => "uint8",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Float64 => "float64",
            Self::Bytes => "[]uint8",
            Self::List => "[]interface {}",
            Self::Strings => "[]string",
            Self::Map => "map[string]interface {}",
            Self::StringMap => "map[string]string",
            Self::Named(name) => name,
        }
    }

    /// The zero value of the type: 0, "", a nil map.
    #[must_use]
    pub fn zero(self) -> Value {
        match self {
            Self::Any | Self::Reflect | Self::Named(_) => Value::Nil,
            Self::Bool => Value::Bool(false),
            Self::String => Value::from(""),
            Self::Int => Value::Int(IntKind::Int, 0),
            Self::Int64 => Value::Int(IntKind::Int64, 0),
            Self::Int32 => Value::Int(IntKind::Int32, 0),
            Self::Uint8 => Value::Uint(UintKind::Uint8, 0),
            Self::Uint32 => Value::Uint(UintKind::Uint32, 0),
            Self::Uint64 => Value::Uint(UintKind::Uint64, 0),
            Self::Float64 => Value::Float(FloatKind::Float64, 0.0),
            Self::Bytes => Value::Bytes(Rc::new([])),
            Self::List => Value::List(List::nil(ListType::ANY)),
            Self::Strings => Value::List(List::nil(ListType::STRINGS)),
            Self::Map => Value::Map(Map::nil(MapType::ANY)),
            Self::StringMap => Value::Map(Map::nil(MapType::STRINGS)),
        }
    }
}

impl IntKind {
    /// As `%T` prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
        }
    }
}

impl UintKind {
    /// As `%T` prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uint => "uint",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
        }
    }
}

impl FloatKind {
    /// As `%T` prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float64 => "float64",
        }
    }
}

impl Kind {
    /// As `reflect.Kind` prints it: `map`, `slice`, `float64`, `ptr`, `invalid`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int(kind) => kind.name(),
            Self::Uint(kind) => kind.name(),
            Self::Float(kind) => kind.name(),
            Self::Complex => "complex128",
            Self::String => "string",
            Self::Slice => "slice",
            Self::Map => "map",
            Self::Struct => "struct",
            Self::Ptr => "ptr",
            Self::Func => "func",
        }
    }
}

impl Value {
    /// A Go `int`.
    #[must_use]
    pub fn int(number: i64) -> Self {
        Self::Int(IntKind::Int, number)
    }

    /// A Go `int64`.
    #[must_use]
    pub fn int64(number: i64) -> Self {
        Self::Int(IntKind::Int64, number)
    }

    /// A Go `float64`.
    #[must_use]
    pub fn float(number: f64) -> Self {
        Self::Float(FloatKind::Float64, number)
    }

    /// An `[]interface {}`.
    #[must_use]
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(ListType::ANY, items))
    }

    /// A `[]string`.
    #[must_use]
    pub fn strings<S: Into<Str>>(items: impl IntoIterator<Item = S>) -> Self {
        let items = items.into_iter().map(|item| Self::String(item.into())).collect();
        Self::List(List::new(ListType::STRINGS, items))
    }

    /// A `map[string]interface {}`.
    #[must_use]
    pub fn map(entries: BTreeMap<Str, Self>) -> Self {
        Self::Map(Map::new(MapType::ANY, entries))
    }

    /// An object.
    #[must_use]
    pub fn object(object: impl Object) -> Self {
        Self::Object(Rc::new(object))
    }

    /// The kind, as `reflect` gives it (`Ptr` for an object that is a pointer).
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(kind, _) => Kind::Int(*kind),
            Self::Uint(kind, _) => Kind::Uint(*kind),
            Self::Float(kind, _) => Kind::Float(*kind),
            Self::Complex(..) => Kind::Complex,
            Self::String(_) => Kind::String,
            Self::Bytes(_) | Self::List(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Object(object) => {
                if object.is_pointer() {
                    Kind::Ptr
                } else {
                    object.kind()
                }
            }
            Self::Function(_) => Kind::Func,
        }
    }

    /// The Go type, as `%T` prints it: `<nil>` for nil.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(kind, _) => kind.name(),
            Self::Uint(kind, _) => kind.name(),
            Self::Float(kind, _) => kind.name(),
            Self::Complex(..) => "complex128",
            Self::String(_) => "string",
            Self::Bytes(_) => "[]uint8",
            Self::List(list) => list.kind().name,
            Self::Map(map) => map.kind().name,
            Self::Object(object) => object.type_name(),
            Self::Function(function) => function.type_name,
        }
    }

    /// What `if` makes of it: false for nil, false, 0, and what is empty.
    #[must_use]
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(truth) => *truth,
            Self::Int(_, number) => *number != 0,
            Self::Uint(_, number) => *number != 0,
            Self::Float(_, number) => *number != 0.0,
            Self::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Self::String(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(list) => !list.items().is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(object) => object.truth(),
            Self::Function(_) => true,
        }
    }

    /// The list or map in an object that is one ([`Object::contents`]), else the value itself.
    pub(crate) fn opened(self) -> Self {
        match &self {
            Self::Object(object) => object.contents().unwrap_or(self),
            _ => self,
        }
    }

    /// The bytes of a string.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::String(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// The map, if it is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if it is one (not for [`Value::Bytes`]).
    #[must_use]
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The object, if it is one of this type.
    #[must_use]
    pub fn as_object<T: Object>(&self) -> Option<&T> {
        match self {
            Self::Object(object) => object.downcast(),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<Str> for Value {
    fn from(text: Str) -> Self {
        Self::String(text)
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl fmt::Debug for Value {
    /// Containers are shown by type and length only: they may be deep, and may hold themselves.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => formatter.write_str("nil"),
            Self::Bool(truth) => write!(formatter, "{truth}"),
            Self::Int(kind, number) => write!(formatter, "{}({number})", kind.name()),
            Self::Uint(kind, number) => write!(formatter, "{}({number})", kind.name()),
            Self::Float(kind, number) => write!(formatter, "{}({number})", kind.name()),
            Self::Complex(real, imaginary) => write!(formatter, "complex({real}, {imaginary})"),
            Self::String(text) => write!(formatter, "{text:?}"),
            Self::Bytes(bytes) => write!(formatter, "[]uint8 of {}", bytes.len()),
            Self::List(list) => write!(formatter, "{} of {}", list.kind().name, list.items().len()),
            Self::Map(map) => write!(formatter, "{} of {}", map.kind().name, map.len()),
            Self::Object(object) => formatter.write_str(object.type_name()),
            Self::Function(function) => write!(formatter, "func {}", function.name),
        }
    }
}
