//! Protobuf to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};
use serde_json::{Map, Value};

use crate::WireError;
use crate::schema::{Field, Form, Kind, Message, Shape, schema};

/// How deep messages may be nested.
pub const DEPTH: usize = 64;
/// How many values a message may consist of: a short text can stand for many.
pub const VALUES: usize = 4_000_000;

impl Message {
    /// The message in JSON. Fields that it does not know are passed over; of those that it knows the zero ones are left out, unless they
    /// are marked `optional`.
    ///
    /// # Errors
    /// Where the bytes are no such message, or more than [`DEPTH`] and [`VALUES`] allow.
    pub fn decode(&self, bytes: &[u8]) -> Result<Value, WireError> {
        let mut left = VALUES;
        self.read(bytes, DEPTH, &mut left)
    }

    fn read(&self, bytes: &[u8], depth: usize, left: &mut usize) -> Result<Value, WireError> {
        if depth == 0 {
            return Err(WireError::new(format!("nested deeper than {DEPTH} levels")));
        }
        let mut map = Map::new();
        self.read_fields(bytes, depth, left, &mut map)?;
        Ok(match self.form {
            Form::Object => Value::Object(map),
            Form::Time | Form::MicroTime => {
                let part = |name| map.get(name).and_then(Value::as_i64).unwrap_or_default();
                let nanos = i32::try_from(part("nanos")).unwrap_or_default();
                let time = Timestamp::from_second(part("seconds"))
                    .and_then(|time| time.checked_add(SignedDuration::new(0, nanos)))
                    .map_err(|error| WireError::new(error.to_string()))?;
                if map.is_empty() {
                    return Ok(Value::Null);
                }
                Value::String(match self.form {
                    Form::Time => format!("{time:.0}"),
                    _ => format!("{time:.6}"),
                })
            }
            Form::IntOrString => match map.get("type").and_then(Value::as_i64) {
                Some(1) => map.remove("strVal").unwrap_or_else(|| Value::String(String::new())),
                _ => map.remove("intVal").unwrap_or_else(|| Value::from(0)),
            },
            Form::Raw => {
                let raw = map.values().next().and_then(Value::as_str).unwrap_or_default();
                let raw = STANDARD.decode(raw).unwrap_or_default();
                if raw.is_empty() {
                    return Ok(Value::Null);
                }
                serde_json::from_slice(&raw).map_err(|error| WireError::new(format!("no JSON: {error}")))?
            }
            Form::Text => {
                map.into_iter().next().map_or_else(|| Value::String(String::new()), |(_, text)| text)
            }
        })
    }

    fn read_fields(
        &self,
        mut bytes: &[u8],
        depth: usize,
        left: &mut usize,
        map: &mut Map<String, Value>,
    ) -> Result<(), WireError> {
        while !bytes.is_empty() {
            *left =
                left.checked_sub(1).ok_or_else(|| WireError::new(format!("more than {VALUES} values")))?;
            let (number, wire) = decode_key(&mut bytes).map_err(broken)?;
            let Ok(index) = self.fields.binary_search_by_key(&number, |field| field.number) else {
                pass(wire, &mut bytes)?;
                continue;
            };
            let field = &self.fields[index];
            let raw = Raw::take(wire, &mut bytes).map_err(|error| error.within(&field.json))?;
            if let (true, Kind::Message(message), Raw::Bytes(inner)) = (field.inline, &field.kind, raw) {
                schema().at(*message).read_fields(inner, depth.saturating_sub(1), left, map)?;
                continue;
            }
            field.read(raw, depth, left, map).map_err(|error| error.within(&field.json))?;
        }
        Ok(())
    }
}

/// A field's value before its type is looked at.
#[derive(Clone, Copy)]
enum Raw<'a> {
    Varint(u64),
    Four([u8; 4]),
    Eight([u8; 8]),
    Bytes(&'a [u8]),
}

impl<'a> Raw<'a> {
    fn take(wire: WireType, bytes: &mut &'a [u8]) -> Result<Self, WireError> {
        Ok(match wire {
            WireType::Varint => Self::Varint(decode_varint(bytes).map_err(broken)?),
            WireType::ThirtyTwoBit => Self::Four(fixed(bytes)?),
            WireType::SixtyFourBit => Self::Eight(fixed(bytes)?),
            WireType::LengthDelimited => {
                let length = decode_varint(bytes).map_err(broken)?;
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                let (taken, rest) = bytes.split_at_checked(length).ok_or_else(short)?;
                *bytes = rest;
                Self::Bytes(taken)
            }
            WireType::StartGroup | WireType::EndGroup => return Err(WireError::new("groups are not read")),
        })
    }
}

fn fixed<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], WireError> {
    let (taken, rest) = bytes.split_first_chunk::<N>().ok_or_else(short)?;
    *bytes = rest;
    Ok(*taken)
}

fn pass(wire: WireType, bytes: &mut &[u8]) -> Result<(), WireError> {
    Raw::take(wire, bytes).map(drop)
}

impl Field {
    fn read(
        &self,
        raw: Raw<'_>,
        depth: usize,
        left: &mut usize,
        map: &mut Map<String, Value>,
    ) -> Result<(), WireError> {
        match self.shape {
            Shape::Plain => {
                let value = self.kind.read(raw, depth, left)?;
                if is_zero(&value) {
                    // The last one counts.
                    map.remove(&self.json);
                } else {
                    map.insert(self.json.clone(), value);
                }
            }
            Shape::Pointer => {
                map.insert(self.json.clone(), self.kind.read(raw, depth, left)?);
            }
            Shape::Many => {
                let list = map.entry(&self.json).or_insert_with(|| Value::Array(Vec::new()));
                let Value::Array(list) = list else { return Ok(()) };
                match (raw, &self.kind) {
                    (Raw::Bytes(packed), kind) if !kind.is_delimited() => kind.unpack(packed, left, list)?,
                    (raw, kind) => list.push(kind.read(raw, depth, left)?),
                }
            }
            Shape::Map => {
                let Raw::Bytes(entry) = raw else { return Err(mixed()) };
                let (key, value) = self.entry(entry, depth, left)?;
                let entries = map.entry(&self.json).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(entries) = entries {
                    entries.insert(key, value);
                }
            }
        }
        Ok(())
    }

    fn entry(&self, mut bytes: &[u8], depth: usize, left: &mut usize) -> Result<(String, Value), WireError> {
        let (mut key, mut value) = (String::new(), None);
        while !bytes.is_empty() {
            let (number, wire) = decode_key(&mut bytes).map_err(broken)?;
            match (number, Raw::take(wire, &mut bytes)?) {
                (1, Raw::Bytes(text)) => key = utf8(text)?.to_owned(),
                (2, raw) => value = Some(self.kind.read(raw, depth, left)?),
                _ => {}
            }
        }
        Ok((key, value.unwrap_or_else(|| self.kind.zero())))
    }
}

impl Kind {
    fn is_delimited(&self) -> bool {
        matches!(self, Self::Text | Self::Bytes | Self::Message(_))
    }

    fn zero(&self) -> Value {
        match self {
            Self::Bool => Value::Bool(false),
            Self::Text | Self::Bytes => Value::String(String::new()),
            Self::Message(_) => Value::Object(Map::new()),
            _ => Value::from(0),
        }
    }

    fn unpack(&self, mut packed: &[u8], left: &mut usize, list: &mut Vec<Value>) -> Result<(), WireError> {
        let wire = match self {
            Self::Double => WireType::SixtyFourBit,
            Self::Float => WireType::ThirtyTwoBit,
            _ => WireType::Varint,
        };
        while !packed.is_empty() {
            *left =
                left.checked_sub(1).ok_or_else(|| WireError::new(format!("more than {VALUES} values")))?;
            list.push(self.read(Raw::take(wire, &mut packed)?, 1, left)?);
        }
        Ok(())
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "protobuf has 32-bit numbers in as many bits as 64-bit ones, and what is above counts for nothing"
    )]
    fn read(&self, raw: Raw<'_>, depth: usize, left: &mut usize) -> Result<Value, WireError> {
        Ok(match (self, raw) {
            (Self::Double, Raw::Eight(bytes)) => Value::from((&bytes[..]).get_f64_le()),
            (Self::Float, Raw::Four(bytes)) => Value::from(f64::from((&bytes[..]).get_f32_le())),
            (Self::Int32 | Self::Enum(_), Raw::Varint(number)) => Value::from(number as i32),
            (Self::Int64, Raw::Varint(number)) => Value::from(number.cast_signed()),
            (Self::Uint32, Raw::Varint(number)) => Value::from(number as u32),
            (Self::Uint64, Raw::Varint(number)) => Value::from(number),
            (Self::Bool, Raw::Varint(number)) => Value::Bool(number != 0),
            (Self::Text, Raw::Bytes(text)) => Value::String(utf8(text)?.to_owned()),
            (Self::Bytes, Raw::Bytes(bytes)) => Value::String(STANDARD.encode(bytes)),
            (Self::Message(message), Raw::Bytes(bytes)) => {
                schema().at(*message).read(bytes, depth.saturating_sub(1), left)?
            }
            _ => return Err(mixed()),
        })
    }
}

fn is_zero(value: &Value) -> bool {
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

fn short() -> WireError {
    WireError::new("it ends in the middle of a value")
}

fn mixed() -> WireError {
    WireError::new("its value has another type than the field")
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn broken(error: prost::DecodeError) -> WireError {
    WireError::new(error.to_string())
}
