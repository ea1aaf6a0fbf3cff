//! JSON to protobuf.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use prost::encoding::{WireType, encode_key, encode_varint};
use serde_json::{Map, Value};

use crate::WireError;
use crate::schema::{Field, Form, Kind, Message, Shape, schema};

#[cfg(test)]
mod tests;

const NANOS: i128 = 1_000_000_000;

impl Message {
    /// The message in protobuf. Members that it has no field for are left out; `null` is nothing, and in a list or a map a zero.
    ///
    /// # Errors
    /// Where a member has a type that its field cannot have.
    pub fn encode(&self, value: &Value) -> Result<Vec<u8>, WireError> {
        let mut out = Vec::new();
        self.write(value, &mut out)?;
        Ok(out)
    }

    /// Appends one value of a field that is a message and was encoded before, as an item of a list that is put together from parts.
    /// A field that is not there adds nothing.
    pub fn append(&self, field: &str, encoded: &[u8], out: &mut Vec<u8>) {
        if let Some(field) = self.fields.iter().find(|known| known.json == field) {
            bytes(field.number, encoded, out);
        }
    }

    fn write(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), WireError> {
        match (self.form, value) {
            (Form::Object, Value::Object(map)) => return self.write_fields(map, out),
            (Form::Object, Value::Null) => return self.write_fields(&Map::new(), out),
            (Form::Object, other) => return Err(unlike("an object", other)),
            (_, Value::Null) => {}
            (Form::Time, time) => {
                let nanos = nanoseconds(time)?;
                seconds(nanos, out);
                varint(2, 0, out);
            }
            (Form::MicroTime, time) => {
                let nanos = nanoseconds(time)?;
                seconds(nanos, out);
                let micros = nanos.rem_euclid(NANOS) / 1000;
                varint(2, u64::try_from(micros * 1000).unwrap_or_default(), out);
            }
            (Form::IntOrString, Value::String(text)) => {
                varint(1, 1, out);
                bytes(3, text.as_bytes(), out);
            }
            (Form::IntOrString, number) => varint(2, signed(number, 32)?, out),
            (Form::Raw, any) => bytes(1, any.to_string().as_bytes(), out),
            (Form::Only, value) => {
                for field in &self.fields {
                    field.write(value, out)?;
                }
            }
        }
        Ok(())
    }

    fn write_fields(&self, map: &Map<String, Value>, out: &mut Vec<u8>) -> Result<(), WireError> {
        for field in &self.fields {
            if let (true, Kind::Message(message)) = (field.inline, field.kind) {
                let mut inner = Vec::new();
                schema().at(message).write_fields(map, &mut inner)?;
                bytes(field.number, &inner, out);
                continue;
            }
            let value = map.get(&field.json).unwrap_or(&Value::Null);
            if !value.is_null() || field.required {
                field.write(value, out).map_err(|error| error.within(&field.json))?;
            }
        }
        Ok(())
    }
}

impl Field {
    fn write(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), WireError> {
        match self.shape {
            Shape::Plain | Shape::Pointer if self.yaml => {
                let limits = goyaml::Limits { depth: 64, ..goyaml::Limits::default() };
                let value = goyaml::parse_one(text(value)?.as_bytes(), &limits)
                    .map_err(|error| WireError::new(format!("no YAML: {error}")))?;
                self.kind.write(self.number, &value, out)
            }
            Shape::Plain | Shape::Pointer => self.kind.write(self.number, value, out),
            Shape::Many => {
                let list = value.as_array().ok_or_else(|| unlike("a list", value))?;
                for (index, one) in list.iter().enumerate() {
                    let written = self.kind.write(self.number, one, out);
                    written.map_err(|error| error.within(&format!("[{index}]")))?;
                }
                Ok(())
            }
            Shape::Map => {
                let map = value.as_object().ok_or_else(|| unlike("an object", value))?;
                for (key, one) in map {
                    let mut entry = Vec::new();
                    bytes(1, key.as_bytes(), &mut entry);
                    self.kind.write(2, one, &mut entry).map_err(|error| error.within(key))?;
                    bytes(self.number, &entry, out);
                }
                Ok(())
            }
        }
    }
}

impl Kind {
    /// The field, zero for `null`.
    fn write(self, number: u32, value: &Value, out: &mut Vec<u8>) -> Result<(), WireError> {
        match (self, value) {
            (Self::Int32 | Self::Int64 | Self::Bool, Value::Null) => varint(number, 0, out),
            (Self::Text | Self::Bytes, Value::Null) => bytes(number, &[], out),
            (Self::Int32, value) => varint(number, signed(value, 32)?, out),
            (Self::Int64, value) => varint(number, signed(value, 64)?, out),
            (Self::Bool, value) => {
                let flag = value.as_bool().ok_or_else(|| unlike("true or false", value))?;
                varint(number, u64::from(flag), out);
            }
            (Self::Text, value) => bytes(number, text(value)?.as_bytes(), out),
            (Self::Bytes, value) => {
                let decoded = STANDARD.decode(text(value)?);
                let decoded = decoded.map_err(|error| WireError::new(format!("no base64: {error}")))?;
                bytes(number, &decoded, out);
            }
            (Self::Message(message), value) => {
                let mut inner = Vec::new();
                schema().at(message).write(value, &mut inner)?;
                bytes(number, &inner, out);
            }
        }
        Ok(())
    }
}

fn varint(number: u32, value: u64, out: &mut Vec<u8>) {
    encode_key(number, WireType::Varint, out);
    encode_varint(value, out);
}

fn bytes(number: u32, value: &[u8], out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// Since the epoch.
fn nanoseconds(value: &Value) -> Result<i128, WireError> {
    let time = text(value)?;
    let time: Timestamp =
        time.parse().map_err(|error| WireError::new(format!("{time:?} is no time: {error}")))?;
    Ok(time.as_nanosecond())
}

/// The whole seconds; what is left goes forward in time, before the epoch, too.
fn seconds(nanos: i128, out: &mut Vec<u8>) {
    varint(1, i64::try_from(nanos.div_euclid(NANOS)).unwrap_or_default().cast_unsigned(), out);
}

/// A number with a sign, in the form in which protobuf has it.
fn signed(value: &Value, bits: u32) -> Result<u64, WireError> {
    let whole = value.as_i64().ok_or_else(|| unlike("a whole number", value))?;
    if bits == 32 && i32::try_from(whole).is_err() {
        return Err(WireError::new(format!("{whole} has more than 32 bits")));
    }
    Ok(whole.cast_unsigned())
}

fn text(value: &Value) -> Result<&str, WireError> {
    value.as_str().ok_or_else(|| unlike("a string", value))
}

fn unlike(wanted: &str, found: &Value) -> WireError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.as_i64().is_none() => "a fraction or a number that is too large",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    WireError::new(format!("{wanted} is wanted, not {found}"))
}
