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
    /// A truth value.
    Bool,
    /// A whole number.
    Int,
    /// A list.
    List(&'static Self),
    /// A map from texts.
    Map(&'static Self),
    /// A map of known fields.
    Fields(&'static [(&'static str, Self)]),
    /// A map of the fields of all of these.
    Joined(&'static [&'static Self]),
}

impl Shape {
    /// A field of a map by its name, or failing that by its name in another case.
    fn field(&self, key: &str) -> Option<&'static (&'static str, Self)> {
        let exact = self.find(&|name| name == key);
        exact.or_else(|| self.find(&|name| name.eq_ignore_ascii_case(key)))
    }

    /// The first field whose name is fit.
    fn find(&self, fits: &dyn Fn(&str) -> bool) -> Option<&'static (&'static str, Self)> {
        match self {
            Self::Fields(fields) => fields.iter().find(|(name, _)| fits(name)),
            Self::Joined(shapes) => shapes.iter().find_map(|shape| shape.find(fits)),
            Self::Any | Self::Text | Self::Bool | Self::Int | Self::List(_) | Self::Map(_) => None,
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
    let mut reader = Reader { strictness, path: Vec::new() };
    Ok(reader.read(value, shape)?.unwrap_or(Value::Null))
}

struct Reader {
    strictness: Strictness,
    path: Vec<&'static str>,
}

impl Reader {
    /// None for null.
    fn read(&mut self, value: Value, shape: &Shape) -> Result<Option<Value>, String> {
        Ok(Some(match (shape, value) {
            (_, Value::Null) => return Ok(None),
            (Shape::Any, value) => value,
            (Shape::Text, Value::String(text)) => Value::String(text),
            (Shape::Text, Value::Bool(flag)) if self.converts() => Value::String(flag.to_string()),
            (Shape::Text, Value::Number(number)) if self.converts() => Value::String(number.to_string()),
            (Shape::Bool, Value::Bool(flag)) => Value::Bool(flag),
            (Shape::Int, Value::Number(number)) if number.is_i64() => Value::Number(number),
            (Shape::List(item), Value::Array(items)) => {
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
            (Shape::Fields(_) | Shape::Joined(_), Value::Object(map)) => self.fields(map, shape)?,
            (shape, value) => return Err(self.unfit(shape, &value)),
        }))
    }

    fn fields(&mut self, map: Map<String, Value>, shape: &Shape) -> Result<Value, String> {
        let mut read = Map::new();
        for (key, value) in map {
            let Some((name, shape)) = shape.field(&key) else {
                if self.strictness == Strictness::Plugin {
                    continue;
                }
                return Err(format!("json: unknown field {key:?}"));
            };
            self.path.push(name);
            if let Some(value) = self.read(value, shape)? {
                read.insert((*name).to_owned(), value);
            }
            self.path.pop();
        }
        Ok(Value::Object(read))
    }

    fn converts(&self) -> bool {
        self.strictness != Strictness::Kustomization
    }

    fn unfit(&self, shape: &Shape, value: &Value) -> String {
        let kind = match value {
            Value::Number(number) if matches!(shape, Shape::Int) => format!("number {number}"),
            other => goyaml::kind_of(other).to_owned(),
        };
        let what = go_type(shape);
        if self.path.is_empty() {
            return format!("json: cannot unmarshal {kind} into Go value of type types.Kustomization");
        }
        format!(
            "json: cannot unmarshal {kind} into Go struct field Kustomization.{} of type {what}",
            self.path.join(".")
        )
    }
}

fn zero(shape: &Shape) -> Value {
    match shape {
        Shape::Any => Value::Null,
        Shape::Text => Value::String(String::new()),
        Shape::Bool => Value::Bool(false),
        Shape::Int => Value::from(0),
        Shape::List(_) => Value::Array(Vec::new()),
        Shape::Map(_) | Shape::Fields(_) | Shape::Joined(_) => Value::Object(Map::new()),
    }
}

fn go_type(shape: &Shape) -> String {
    match shape {
        Shape::Any => "interface {}".to_owned(),
        Shape::Text => "string".to_owned(),
        Shape::Bool => "bool".to_owned(),
        Shape::Int => "int64".to_owned(),
        Shape::List(item) => format!("[]{}", go_type(item)),
        Shape::Map(item) => format!("map[string]{}", go_type(item)),
        Shape::Fields(_) | Shape::Joined(_) => "struct".to_owned(),
    }
}
