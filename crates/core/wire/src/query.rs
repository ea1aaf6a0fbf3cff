//! Parameters of a URL to JSON.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::WireError;
use crate::schema::{Field, Form, Kind, Message, Shape, schema};

#[cfg(test)]
mod tests;

/// Where a parameter goes.
struct Place<'a> {
    /// The members that it is inside of.
    parents: Vec<&'a str>,
    field: &'a Field,
    /// The key of a map, as in `labels[app]=web`.
    key: Option<&'a str>,
}

impl Message {
    /// Puts a parameter, as in `resource.kind=Pod`, into a request. Names are those of JSON or of the `.proto` file; one that is not known
    /// is passed over, as by the peer's gateway. A list gets one more, a map (`labels[app]=web`) a key, and anything else another value.
    ///
    /// # Errors
    /// Where the text is no value of the field.
    pub fn set(&self, request: &mut Value, name: &str, text: &str) -> Result<(), WireError> {
        let Some(map) = request.as_object_mut() else {
            return Err(WireError::new("a request is an object"));
        };
        match self.place(name)? {
            Some(place) => place.put(map, text).map_err(|error| error.within(name)),
            None => Ok(()),
        }
    }

    /// A request from parameters, see [`Self::set`]. Of a field that is no list and is said twice the first counts.
    ///
    /// # Errors
    /// As there.
    ///
    /// **Source**: grpc-gateway 1.16, `runtime/query.go`. Unlike it we take times, and parameters cannot be both of a list and of a map.
    pub fn from_query<'a>(
        &self,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Value, WireError> {
        let mut map = Map::new();
        let mut seen = BTreeSet::new();
        for (name, text) in parameters {
            let Some(place) = self.place(name)? else { continue };
            if seen.insert(name) || matches!(place.field.shape, Shape::Many) {
                place.put(&mut map, text).map_err(|error| error.within(name))?;
            }
        }
        Ok(Value::Object(map))
    }

    fn place<'a>(&'a self, name: &'a str) -> Result<Option<Place<'a>>, WireError> {
        let (path, key) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((path, key)) => (path, Some(key)),
            None => (name, None),
        };
        let mut parents = Vec::new();
        let mut message = self;
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            let Some(field) = message.fields.iter().find(|field| field.json == part || field.name == part)
            else {
                return Ok(None);
            };
            if parts.peek().is_none() {
                return Ok(Some(Place { parents, field, key }));
            }
            match (field.kind, field.shape) {
                (Kind::Message(inner), Shape::Plain | Shape::Pointer) if !field.yaml => {
                    message = schema().at(inner);
                }
                _ => return Err(WireError::new(format!("{part} has no fields")).within(name)),
            }
            if message.form != Form::Object {
                return Ok(None);
            }
            if !field.inline {
                parents.push(&field.json);
            }
        }
        Ok(None)
    }
}

impl Place<'_> {
    fn put(&self, mut map: &mut Map<String, Value>, text: &str) -> Result<(), WireError> {
        for parent in &self.parents {
            let inner = map.entry(*parent).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            let Some(inner) = inner.as_object_mut() else { return Ok(()) };
            map = inner;
        }
        let value = self.field.kind.parse(text)?;
        let member = map.entry(&self.field.json);
        match (self.field.shape, self.key) {
            (Shape::Plain | Shape::Pointer, None) => {
                *member.or_insert(Value::Null) = value;
            }
            (Shape::Many, None) => {
                if let Value::Array(list) = member.or_insert_with(|| Value::Array(Vec::new())) {
                    list.push(value);
                }
            }
            (Shape::Map, Some(key)) => {
                if let Value::Object(entries) = member.or_insert_with(|| Value::Object(Map::new())) {
                    entries.insert(key.to_owned(), value);
                }
            }
            (Shape::Map, None) => return Err(WireError::new("it is a map: say name[key]=value")),
            (_, Some(_)) => return Err(WireError::new("it is no map")),
        }
        Ok(())
    }
}

impl Kind {
    fn parse(self, text: &str) -> Result<Value, WireError> {
        let wrong = |wanted: &str| WireError::new(format!("{text:?} is not {wanted}"));
        Ok(match self {
            Self::Text | Self::Bytes => Value::from(text),
            Self::Bool => match text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Value::Bool(true),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Value::Bool(false),
                _ => return Err(wrong("true or false")),
            },
            Self::Int32 => Value::from(text.parse::<i32>().map_err(|_| wrong("a whole number"))?),
            Self::Int64 => Value::from(text.parse::<i64>().map_err(|_| wrong("a whole number"))?),
            Self::Message(message) => match schema().at(message).form {
                Form::Time | Form::MicroTime => Value::from(text),
                Form::Object | Form::IntOrString | Form::Raw | Form::Only => {
                    return Err(WireError::new("it takes no parameter"));
                }
            },
        })
    }
}
