//! Protobuf to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use prost::encoding::{WireType, decode_key, decode_varint};
use serde_json::{Map, Value};

use crate::WireError;
use crate::schema::{Field, Form, Kind, Message, Shape, schema};

#[cfg(test)]
mod tests;

/// How many values a message may consist of: two bytes can stand for one, which takes many times that in memory.
pub const VALUES: usize = 4_000_000;

/// How many more values may be read.
struct Budget(usize);

impl Budget {
    fn take(&mut self, values: usize) -> Result<(), WireError> {
        let left = self.0.checked_sub(values);
        self.0 = left.ok_or_else(|| WireError::new(format!("more than {VALUES} values")))?;
        Ok(())
    }
}

impl Message {
    /// The message in JSON. Fields that it does not know are passed over; of those that it knows the zero ones are left out, unless they
    /// are marked `optional`. How deep it nests is bounded by the schema: no message is inside of itself.
    ///
    /// # Errors
    /// Where the bytes are no such message, or more than [`VALUES`] allow.
    pub fn decode(&self, bytes: &[u8]) -> Result<Value, WireError> {
        self.read(bytes, &mut Budget(VALUES))
    }

    fn read(&self, bytes: &[u8], budget: &mut Budget) -> Result<Value, WireError> {
        let mut map = Map::new();
        match self.form {
            Form::Raw => return raw(bytes, budget),
            Form::Only => {
                for field in &self.fields {
                    map.insert(field.json.clone(), field.zero()?);
                }
            }
            Form::Object | Form::Time | Form::MicroTime | Form::IntOrString => {}
        }
        self.read_fields(bytes, budget, &mut map)?;
        Ok(match self.form {
            Form::Object => Value::Object(map),
            Form::Time | Form::MicroTime => self.time(&map)?,
            Form::IntOrString => match map.get("type").and_then(Value::as_i64) {
                Some(1) => map.remove("strVal").unwrap_or_else(|| Value::from("")),
                _ => map.remove("intVal").unwrap_or_else(|| Value::from(0)),
            },
            Form::Raw | Form::Only => map.into_iter().next().map_or(Value::Null, |(_, only)| only),
        })
    }

    /// A time that is not set has no fields; the epoch has two zeros.
    fn time(&self, map: &Map<String, Value>) -> Result<Value, WireError> {
        if map.is_empty() {
            return Ok(Value::Null);
        }
        let part = |name| map.get(name).and_then(Value::as_i64).unwrap_or_default();
        let seconds = Timestamp::from_second(part("seconds"));
        let wrong = |error: jiff::Error| WireError::new(error.to_string());
        Ok(Value::String(match self.form {
            Form::MicroTime => {
                let micros = SignedDuration::from_micros(part("nanos") / 1000);
                let time = seconds.and_then(|time| time.checked_add(micros)).map_err(wrong)?;
                format!("{time:.6}")
            }
            _ => format!("{:.0}", seconds.map_err(wrong)?),
        }))
    }

    fn read_fields(
        &self,
        mut bytes: &[u8],
        budget: &mut Budget,
        map: &mut Map<String, Value>,
    ) -> Result<(), WireError> {
        while !bytes.is_empty() {
            budget.take(1)?;
            let (number, raw) = Raw::take(&mut bytes)?;
            let Ok(index) = self.fields.binary_search_by_key(&number, |field| field.number) else { continue };
            let field = &self.fields[index];
            match (field.inline, field.kind, raw) {
                (true, Kind::Message(message), Raw::Bytes(inner)) => {
                    schema().at(message).read_fields(inner, budget, map)?;
                }
                _ => field.read(raw, budget, map).map_err(|error| error.within(&field.json))?,
            }
        }
        Ok(())
    }
}

/// Any JSON, which is the bytes of field 1.
fn raw(mut bytes: &[u8], budget: &mut Budget) -> Result<Value, WireError> {
    let mut json: &[u8] = &[];
    while !bytes.is_empty() {
        match Raw::take(&mut bytes)? {
            (1, Raw::Bytes(found)) => json = found,
            (1, _) => return Err(mixed()),
            _ => {}
        }
    }
    if json.is_empty() {
        return Ok(Value::Null);
    }
    budget.take(values(json))?;
    serde_json::from_slice(json).map_err(|error| WireError::new(format!("no JSON: {error}")))
}

/// At least as many values as a text of JSON has.
fn values(json: &[u8]) -> usize {
    let (mut count, mut in_string, mut escaped) = (1, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

/// A field's value before its type is looked at.
#[derive(Clone, Copy)]
enum Raw<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Of four or eight bytes. The API has no such field.
    Fixed,
}

impl<'a> Raw<'a> {
    /// The next field, with its number.
    fn take(bytes: &mut &'a [u8]) -> Result<(u32, Self), WireError> {
        let (number, wire) = decode_key(bytes).map_err(broken)?;
        let length = match wire {
            WireType::Varint => return Ok((number, Self::Varint(decode_varint(bytes).map_err(broken)?))),
            WireType::ThirtyTwoBit => 4,
            WireType::SixtyFourBit => 8,
            WireType::LengthDelimited => {
                usize::try_from(decode_varint(bytes).map_err(broken)?).unwrap_or(usize::MAX)
            }
            WireType::StartGroup | WireType::EndGroup => return Err(WireError::new("groups are not read")),
        };
        let (taken, rest) = bytes
            .split_at_checked(length)
            .ok_or_else(|| WireError::new("it ends in the middle of a value"))?;
        *bytes = rest;
        Ok((number, if wire == WireType::LengthDelimited { Self::Bytes(taken) } else { Self::Fixed }))
    }
}

impl Field {
    fn read(&self, raw: Raw<'_>, budget: &mut Budget, map: &mut Map<String, Value>) -> Result<(), WireError> {
        match self.shape {
            Shape::Plain | Shape::Pointer => {
                let value = match (self.kind, raw, map.remove(&self.json)) {
                    // Parts of a message are put together.
                    (Kind::Message(message), Raw::Bytes(part), Some(Value::Object(mut whole)))
                        if schema().at(message).form == Form::Object =>
                    {
                        schema().at(message).read_fields(part, budget, &mut whole)?;
                        Value::Object(whole)
                    }
                    _ => self.kind.read(raw, budget)?,
                };
                let value = match value {
                    value if self.yaml && !is_zero(&value) => Value::String(goyaml::to_string(&value)),
                    value => value,
                };
                if !value.is_null() && (self.shape == Shape::Pointer || !is_zero(&value)) {
                    map.insert(self.json.clone(), value);
                }
            }
            Shape::Many => {
                let numbers = matches!(self.kind, Kind::Bool | Kind::Int32 | Kind::Int64);
                if numbers && matches!(raw, Raw::Bytes([])) {
                    return Ok(());
                }
                let list = map.entry(&self.json).or_insert_with(|| Value::Array(Vec::new()));
                let Value::Array(list) = list else { return Ok(()) };
                match (raw, self.kind) {
                    (Raw::Bytes(mut packed), _) if numbers => {
                        while !packed.is_empty() {
                            budget.take(1)?;
                            let number = Raw::Varint(decode_varint(&mut packed).map_err(broken)?);
                            list.push(self.kind.read(number, budget)?);
                        }
                    }
                    (raw, kind) => {
                        let one = kind.read(raw, budget);
                        list.push(one.map_err(|error| error.within(&format!("[{}]", list.len())))?);
                    }
                }
            }
            Shape::Map => {
                let Raw::Bytes(entry) = raw else { return Err(mixed()) };
                let (key, value) = self.entry(entry, budget)?;
                let entries = map.entry(&self.json).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(entries) = entries {
                    entries.insert(key, value);
                }
            }
        }
        Ok(())
    }

    fn entry(&self, mut bytes: &[u8], budget: &mut Budget) -> Result<(String, Value), WireError> {
        let (mut key, mut value) = (String::new(), None);
        while !bytes.is_empty() {
            match Raw::take(&mut bytes)? {
                (1, Raw::Bytes(text)) => key = utf8(text)?.to_owned(),
                (2, raw) => value = Some(raw),
                _ => {}
            }
        }
        let value = match value {
            Some(raw) => self.kind.read(raw, budget),
            None => self.kind.zero(),
        };
        Ok((key.clone(), value.map_err(|error| error.within(&key))?))
    }

    /// What it is in JSON where nothing is said.
    pub(crate) fn zero(&self) -> Result<Value, WireError> {
        match self.shape {
            Shape::Plain | Shape::Pointer => self.kind.zero(),
            Shape::Many => Ok(Value::Array(Vec::new())),
            Shape::Map => Ok(Value::Object(Map::new())),
        }
    }
}

impl Kind {
    fn zero(self) -> Result<Value, WireError> {
        match self {
            Self::Bool | Self::Int32 | Self::Int64 => self.read(Raw::Varint(0), &mut Budget(0)),
            Self::Text | Self::Bytes | Self::Message(_) => self.read(Raw::Bytes(&[]), &mut Budget(0)),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "protobuf has 32-bit numbers in as many bits as 64-bit ones, and what is above counts for nothing"
    )]
    fn read(self, raw: Raw<'_>, budget: &mut Budget) -> Result<Value, WireError> {
        Ok(match (self, raw) {
            (Self::Int32, Raw::Varint(number)) => Value::from(number as i32),
            (Self::Int64, Raw::Varint(number)) => Value::from(number.cast_signed()),
            (Self::Bool, Raw::Varint(number)) => Value::Bool(number != 0),
            (Self::Text, Raw::Bytes(text)) => Value::String(utf8(text)?.to_owned()),
            (Self::Bytes, Raw::Bytes(bytes)) => Value::String(STANDARD.encode(bytes)),
            (Self::Message(message), Raw::Bytes(bytes)) => schema().at(message).read(bytes, budget)?,
            _ => return Err(mixed()),
        })
    }
}

pub(crate) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, WireError> {
    std::str::from_utf8(bytes).map_err(|error| WireError::new(format!("no UTF-8: {error}")))
}

fn mixed() -> WireError {
    WireError::new("its value has another type than the field")
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn broken(error: prost::DecodeError) -> WireError {
    WireError::new(error.to_string())
}
