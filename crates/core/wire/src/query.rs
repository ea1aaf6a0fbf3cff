//! Parameters of a URL to JSON.

use serde_json::{Map, Value};

use crate::WireError;
use crate::schema::{Field, Kind, Message, Shape, schema};

impl Message {
    /// Puts a parameter, as in `resource.kind=Pod`, into a request. Names are those of JSON or of the `.proto` file; one that is not known
    /// is passed over, as by the peer's gateway. Said twice, a list has both and anything else the last.
    ///
    /// # Errors
    /// Where the text is no value of the field.
    pub fn set(&self, request: &mut Value, name: &str, text: &str) -> Result<(), WireError> {
        let Some(map) = request.as_object_mut() else {
            return Err(WireError::new("a request is an object"));
        };
        self.put(map, name, text).map_err(|error| error.within(name))
    }

    /// A request from parameters, see [`Self::set`].
    ///
    /// # Errors
    /// As there.
    pub fn from_query<'a>(
        &self,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Value, WireError> {
        let mut request = Value::Object(Map::new());
        for (name, text) in parameters {
            self.set(&mut request, name, text)?;
        }
        Ok(request)
    }

    fn put(&self, map: &mut Map<String, Value>, name: &str, text: &str) -> Result<(), WireError> {
        let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
        let Some(field) = self.fields.iter().find(|field| field.json == first || field.name == first) else {
            return Ok(());
        };
        match (rest, &field.kind, field.shape) {
            (Some(rest), Kind::Message(message), Shape::Plain | Shape::Pointer) => {
                let inner = map.entry(&field.json).or_insert_with(|| Value::Object(Map::new()));
                match inner.as_object_mut() {
                    Some(inner) => schema().at(*message).put(inner, rest, text),
                    None => Ok(()),
                }
            }
            (None, _, Shape::Plain | Shape::Pointer) => {
                map.insert(field.json.clone(), field.parse(text)?);
                Ok(())
            }
            (None, _, Shape::Many) => {
                let list = map.entry(&field.json).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(list) = list {
                    list.push(field.parse(text)?);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Field {
    fn parse(&self, text: &str) -> Result<Value, WireError> {
        let wrong = |wanted: &str| WireError::new(format!("{text:?} is not {wanted}"));
        Ok(match &self.kind {
            Kind::Text | Kind::Bytes => Value::from(text),
            Kind::Bool => match text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Value::Bool(true),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Value::Bool(false),
                _ => return Err(wrong("true or false")),
            },
            Kind::Int32 => Value::from(text.parse::<i32>().map_err(|_| wrong("a whole number"))?),
            Kind::Int64 => Value::from(text.parse::<i64>().map_err(|_| wrong("a whole number"))?),
            Kind::Uint32 => Value::from(text.parse::<u32>().map_err(|_| wrong("a whole number"))?),
            Kind::Uint64 => Value::from(text.parse::<u64>().map_err(|_| wrong("a whole number"))?),
            Kind::Double | Kind::Float => Value::from(text.parse::<f64>().map_err(|_| wrong("a number"))?),
            Kind::Enum(values) => match values.get(text) {
                Some(number) => Value::from(*number),
                None => Value::from(text.parse::<i32>().map_err(|_| wrong("one of the values"))?),
            },
            Kind::Message(_) => Value::from(text),
        })
    }
}
