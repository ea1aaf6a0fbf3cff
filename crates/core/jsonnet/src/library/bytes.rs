//! Bytes, and the sums of them.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};
use sha2::Digest;

use super::{Given, Native, Result, count, integer};
use crate::error::Fault;
use crate::machine::Machine;
use crate::value::{Lazy, Value};

const S: &[(&str, bool)] = &[("s", true)];
const STR: &[(&str, bool)] = &[("str", true)];

pub(super) static TABLE: &[Native] = &[
    Native { name: "md5", parameters: S, run: |machine, given| sum::<md5::Md5>(machine, given) },
    Native { name: "sha1", parameters: S, run: |machine, given| sum::<sha1::Sha1>(machine, given) },
    Native { name: "sha256", parameters: S, run: |machine, given| sum::<sha2::Sha256>(machine, given) },
    Native { name: "sha512", parameters: S, run: |machine, given| sum::<sha2::Sha512>(machine, given) },
    Native { name: "sha3", parameters: S, run: |machine, given| sum::<sha3::Sha3_512>(machine, given) },
    Native { name: "base64", parameters: &[("input", true)], run: base64 },
    Native { name: "base64Decode", parameters: STR, run: base64_decode },
    Native { name: "base64DecodeBytes", parameters: STR, run: base64_decode_bytes },
    Native { name: "encodeUTF8", parameters: STR, run: encode },
    Native { name: "decodeUTF8", parameters: &[("arr", true)], run: decode },
];

/// A list of numbers.
pub(crate) fn bytes(machine: &mut Machine<'_>, bytes: &[u8]) -> Result<Value> {
    machine.room_for_items(bytes.len().saturating_mul(2))?;
    Ok(Value::array(bytes.iter().map(|byte| Lazy::done(count(usize::from(*byte)))).collect()))
}

fn sum<D: Digest>(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let text = given.text(machine, 0)?;
    machine.step(text.as_str().len() as u64 / 8)?;
    let sum = D::digest(text.as_str().as_bytes());
    machine.make_text(sum.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn base64(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let encoded = match given.value(machine, 0)? {
        Value::Text(text) => {
            // Its bytes are what is encoded, though its characters are what is looked at.
            if let Some(point) = text.as_str().chars().map(u32::from).find(|point| *point > 255) {
                return Err(Fault::runtime(format!(
                    "base64 encountered invalid codepoint value in the array (must be 0 <= X <= 255), got {point}"
                )));
            }
            STANDARD.encode(text.as_str())
        }
        Value::Array(list) => {
            let mut bytes = Vec::with_capacity(list.items.len());
            for item in &list.items {
                let item = machine.force(item)?;
                let Value::Number(_) = item else {
                    let got = item.type_name();
                    return Err(Fault::runtime(format!(
                        "base64 encountered a non-integer value in the array, got {got}"
                    )));
                };
                let number = integer(&item)?;
                bytes.push(u8::try_from(number).map_err(|_| {
                    Fault::runtime(format!(
                        "base64 encountered invalid codepoint value in the array (must be 0 <= X <= 255), got {number}"
                    ))
                })?);
            }
            STANDARD.encode(bytes)
        }
        other => {
            let got = other.type_name();
            return Err(Fault::runtime(format!(
                "base64 can only base64 encode strings / arrays of single bytes, got {got}"
            )));
        }
    };
    machine.make_text(encoded)
}

fn decoded(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Vec<u8>> {
    let value = given.value(machine, 0)?;
    let Value::Text(text) = value else {
        let got = value.type_name();
        return Err(Fault::runtime(format!("base64DecodeBytes requires a string, got {got}")));
    };
    let length = text.as_str().len();
    if !length.is_multiple_of(4) {
        return Err(Fault::runtime(format!(
            "input string appears not to be a base64 encoded string. Wrong length found ({length})"
        )));
    }
    STANDARD.decode(text.as_str()).map_err(|problem| {
        let at = match problem {
            DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => at,
            DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => length,
        };
        Fault::runtime(format!("failed to decode: illegal base64 data at input byte {at}"))
    })
}

fn base64_decode(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let bytes = decoded(machine, given)?;
    machine.make_text(String::from_utf8_lossy(&bytes).into_owned())
}

fn base64_decode_bytes(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let found = decoded(machine, given)?;
    bytes(machine, &found)
}

fn encode(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let text = given.text(machine, 0)?;
    bytes(machine, text.as_str().as_bytes())
}

fn decode(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let list = given.array(machine, 0)?;
    let mut bytes = Vec::with_capacity(list.items.len());
    for item in &list.items {
        let number = integer(&machine.force(item)?)?;
        bytes.push(u8::try_from(number).map_err(|_| {
            Fault::runtime(format!("Bytes must be integers in range [0, 255], got {number}"))
        })?);
    }
    machine.make_text(String::from_utf8_lossy(&bytes).into_owned())
}
