//! Configuration read as Go's JSON decoder reads it into a struct: names without regard to case, unknown ones refused or dropped, `null` as
//! nothing said.

use serde_json::{Map, Value};

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Anything.
    Any,
    /// A text.
    Text,
    /// A text of a type of its own, as Go calls it.
    Word(&'static str),
    /// A truth value.
    Bool,
    /// A whole number, and Go's name of its type.
    Int(&'static str),
    /// A list.
    List(&'static Self),
    /// A list that Go holds by pointers.
    Pointers(&'static Self),
    /// A map from texts.
    Map(&'static Self),
    /// A map of known fields, and what Go calls it.
    Fields(&'static str, &'static [(&'static str, Self)]),
    /// The same with the fields of others that are embedded in it: its name, those, its own.
    Joined(&'static str, &'static [&'static Self], &'static [(&'static str, Self)]),
}

/// A field, and the names of the embedded structs that it is in, from the outside in.
type Field = (Vec<&'static str>, &'static str, &'static Shape);

impl Shape {
    /// A field of a map by its name, or failing that by its name in another case.
    fn field(&self, key: &str) -> Option<Field> {
        let exact = self.find(&|name| name == key);
        exact.or_else(|| self.find(&|name| name.eq_ignore_ascii_case(key)))
    }

    /// The first field whose name is fit.
    fn find(&self, fits: &dyn Fn(&str) -> bool) -> Option<Field> {
        let (embedded, own) = match self {
            Self::Fields(_, own) => (&[] as &[&Self], *own),
            Self::Joined(_, embedded, own) => (*embedded, *own),
            Self::Any
            | Self::Text
            | Self::Word(_)
            | Self::Bool
            | Self::Int(_)
            | Self::List(_)
            | Self::Pointers(_)
            | Self::Map(_) => return None,
        };
        let own = own.iter().find(|(name, _)| fits(name));
        own.map(|(name, shape)| (Vec::new(), *name, shape)).or_else(|| {
            embedded.iter().find_map(|shape| {
                let (mut within, name, found) = shape.find(fits)?;
                within.insert(0, shape.name());
                Some((within, name, found))
            })
        })
    }

    /// What Go calls a struct.
    fn name(&self) -> &'static str {
        match self {
            Self::Fields(name, _) | Self::Joined(name, ..) => name,
            _ => "",
        }
    }
}

/// How strictly to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Types must fit, unknown names are errors: a kustomization.
    Kustomization,
    /// Scalars become texts, unknown names are errors: a transformer configuration.
    Configuration,
    /// Scalars become texts, unknown names are dropped: the configuration of a plugin.
    Plugin,
}

/// Brings a value into the shape that `serde` will find: fields by their own names, no nulls, texts where texts are wanted.
///
/// **Errors**: those of Go's `encoding/json`, with the path of the field.
pub(crate) fn conform(value: Value, shape: &Shape, strictness: Strictness) -> Result<Value, String> {
    let mut reader = Reader { strictness, path: Vec::new(), structs: vec![shape.name()] };
    Ok(reader.read(value, shape)?.unwrap_or(Value::Null))
}

struct Reader {
    strictness: Strictness,
    path: Vec<&'static str>,
    /// Names of the structs around, the outermost first.
    structs: Vec<&'static str>,
}

impl Reader {
    /// None for null.
    fn read(&mut self, value: Value, shape: &Shape) -> Result<Option<Value>, String> {
        Ok(Some(match (shape, value) {
            (_, Value::Null) => return Ok(None),
            (Shape::Any, value) => value,
            (Shape::Text | Shape::Word(_), Value::String(text)) => Value::String(text),
            (Shape::Text | Shape::Word(_), Value::Bool(flag)) if self.converts() => {
                Value::String(flag.to_string())
            }
            (Shape::Text | Shape::Word(_), Value::Number(number)) if self.converts() => {
                Value::String(number.to_string())
            }
            (Shape::Bool, Value::Bool(flag)) => Value::Bool(flag),
            (Shape::Int(_), Value::Number(number)) if number.is_i64() => Value::Number(number),
            (Shape::List(item) | Shape::Pointers(item), Value::Array(items)) => {
                let mut read = Vec::with_capacity(items.len());
                for value in items {
                    read.push(self.read(value, item)?.unwrap_or_else(|| zero(item)));
                }
                Value::Array(read)
            }
            (Shape::Map(item), Value::Object(map)) => {
                let mut read = Map::new();
                for (key, value) in map {
                    read.insert(key, self.read(value, item)?.unwrap_or_else(|| zero(item)));
                }
                Value::Object(read)
            }
            (Shape::Fields(..) | Shape::Joined(..), Value::Object(map)) => {
                self.structs.push(shape.name());
                let read = self.fields(map, shape)?;
                self.structs.pop();
                read
            }
            (shape, value) => return Err(self.unfit(shape, &value)),
        }))
    }

    fn fields(&mut self, map: Map<String, Value>, shape: &Shape) -> Result<Value, String> {
        let mut read = Map::new();
        for (key, value) in map {
            let Some((within, name, shape)) = shape.field(&key) else {
                if self.strictness == Strictness::Plugin {
                    continue;
                }
                return Err(format!("json: unknown field {key:?}"));
            };
            let depth = self.path.len();
            self.path.extend(within);
            self.path.push(name);
            if let Some(value) = self.read(value, shape)? {
                read.insert(name.to_owned(), value);
            }
            self.path.truncate(depth);
        }
        Ok(Value::Object(read))
    }

    fn converts(&self) -> bool {
        self.strictness != Strictness::Kustomization
    }

    fn unfit(&self, shape: &Shape, value: &Value) -> String {
        let kind = match value {
            Value::Number(number) if matches!(shape, Shape::Int(_)) => format!("number {number}"),
            other => goyaml::kind_of(other).to_owned(),
        };
        let what = go_type(shape);
        let around = self.structs.last().copied().unwrap_or_default();
        if self.path.is_empty() {
            return format!("json: cannot unmarshal {kind} into Go value of type types.{around}");
        }
        let path = self.path.join(".");
        format!("json: cannot unmarshal {kind} into Go struct field {around}.{path} of type {what}")
    }
}

fn zero(shape: &Shape) -> Value {
    match shape {
        Shape::Any => Value::Null,
        Shape::Text | Shape::Word(_) => Value::String(String::new()),
        Shape::Bool => Value::Bool(false),
        Shape::Int(_) => Value::from(0),
        Shape::List(_) | Shape::Pointers(_) => Value::Array(Vec::new()),
        Shape::Map(_) | Shape::Fields(..) | Shape::Joined(..) => Value::Object(Map::new()),
    }
}

fn go_type(shape: &Shape) -> String {
    match shape {
        Shape::Any => "interface {}".to_owned(),
        Shape::Text => "string".to_owned(),
        Shape::Bool => "bool".to_owned(),
        Shape::Word(name) | Shape::Int(name) => (*name).to_owned(),
        Shape::List(item) => format!("[]{}", go_type(item)),
        Shape::Pointers(item) => format!("[]*{}", go_type(item)),
        Shape::Map(item) => format!("map[string]{}", go_type(item)),
        Shape::Fields(name, _) | Shape::Joined(name, ..) => format!("types.{name}"),
    }
}
