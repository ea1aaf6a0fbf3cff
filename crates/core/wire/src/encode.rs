//! JSON to protobuf.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use prost::bytes::BufMut;
use prost::encoding::{WireType, encode_key, encode_varint};
use serde_json::{Map, Value};

use crate::schema::{Field, Form, Kind, Message, Shape, schema};
use crate::{DEPTH, WireError};

impl Message {
    /// The message in protobuf. Members that it has no field for are left out.
    ///
    /// # Errors
    /// Where a member has a type that its field cannot have.
    pub fn encode(&self, value: &Value) -> Result<Vec<u8>, WireError> {
        let mut out = Vec::new();
        self.write(value, DEPTH, &mut out)?;
        Ok(out)
    }

    fn write(&self, value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<(), WireError> {
        if depth == 0 {
            return Err(WireError::new(format!("nested deeper than {DEPTH} levels")));
        }
        match self.form {
            Form::Object => match value {
                Value::Object(map) => self.write_fields(map, depth, out),
                Value::Null => Ok(()),
                other => Err(unlike("an object", other)),
            },
            Form::Time | Form::MicroTime => {
                let time = text(value)?;
                let time: Timestamp =
                    time.parse().map_err(|error| WireError::new(format!("{time:?} is no time: {error}")))?;
                varint(1, time.as_second().cast_unsigned(), out);
                varint(2, u64::from(time.subsec_nanosecond().unsigned_abs()), out);
                Ok(())
            }
            Form::IntOrString => match value {
                Value::String(text) => {
                    varint(1, 1, out);
                    bytes(3, text.as_bytes(), out);
                    Ok(())
                }
                _ => {
                    varint(2, signed(value, 32)?, out);
                    Ok(())
                }
            },
            Form::Raw => {
                bytes(1, value.to_string().as_bytes(), out);
                Ok(())
            }
            Form::Text => {
                bytes(1, text(value)?.as_bytes(), out);
                Ok(())
            }
        }
    }

    fn write_fields(
        &self,
        map: &Map<String, Value>,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        for field in &self.fields {
            if field.inline {
                let mut inner = Vec::new();
                if let Kind::Message(message) = field.kind {
                    schema().at(message).write_fields(map, depth - 1, &mut inner)?;
                }
                bytes(field.number, &inner, out);
                continue;
            }
            match map.get(&field.json) {
                None | Some(Value::Null) => {}
                Some(value) => field.write(value, depth, out).map_err(|error| error.within(&field.json))?,
            }
        }
        Ok(())
    }
}

impl Field {
    fn write(&self, value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<(), WireError> {
        match self.shape {
            Shape::Plain | Shape::Pointer => self.kind.write(self.number, value, depth, out),
            Shape::Many => {
                let list = value.as_array().ok_or_else(|| unlike("a list", value))?;
                for (index, one) in list.iter().enumerate() {
                    let written = self.kind.write(self.number, one, depth, out);
                    written.map_err(|error| error.within(&format!("[{index}]")))?;
                }
                Ok(())
            }
            Shape::Map => {
                let map = value.as_object().ok_or_else(|| unlike("an object", value))?;
                for (key, one) in map {
                    let mut entry = Vec::new();
                    bytes(1, key.as_bytes(), &mut entry);
                    self.kind.write(2, one, depth, &mut entry).map_err(|error| error.within(key))?;
                    bytes(self.number, &entry, out);
                }
                Ok(())
            }
        }
    }
}

impl Kind {
    fn write(&self, number: u32, value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<(), WireError> {
        match self {
            Self::Double => {
                let float = value.as_f64().ok_or_else(|| unlike("a number", value))?;
                encode_key(number, WireType::SixtyFourBit, out);
                out.put_f64_le(float);
            }
            Self::Float => {
                let float = value.as_f64().ok_or_else(|| unlike("a number", value))?;
                encode_key(number, WireType::ThirtyTwoBit, out);
                #[expect(clippy::cast_possible_truncation, reason = "the field has no more digits")]
                out.put_f32_le(float as f32);
            }
            Self::Int32 | Self::Enum(_) => varint(number, signed(value, 32)?, out),
            Self::Int64 => varint(number, signed(value, 64)?, out),
            Self::Uint32 | Self::Uint64 => {
                let whole = value.as_u64().ok_or_else(|| unlike("a whole number", value))?;
                if matches!(self, Self::Uint32) && u32::try_from(whole).is_err() {
                    return Err(WireError::new(format!("{whole} has more than 32 bits")));
                }
                varint(number, whole, out);
            }
            Self::Bool => {
                let flag = value.as_bool().ok_or_else(|| unlike("true or false", value))?;
                varint(number, u64::from(flag), out);
            }
            Self::Text => bytes(number, text(value)?.as_bytes(), out),
            Self::Bytes => {
                let decoded = STANDARD.decode(text(value)?);
                let decoded = decoded.map_err(|error| WireError::new(format!("no base64: {error}")))?;
                bytes(number, &decoded, out);
            }
            Self::Message(message) => {
                let mut inner = Vec::new();
                schema().at(*message).write(value, depth - 1, &mut inner)?;
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

pub(crate) fn unlike(wanted: &str, found: &Value) -> WireError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    WireError::new(format!("{wanted} is wanted, not {found}"))
}
