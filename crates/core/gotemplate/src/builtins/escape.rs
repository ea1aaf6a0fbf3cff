//! `html`, `js`, `urlquery`.

use std::fmt::Write as _;

use crate::error::CallError;
use crate::format;
use crate::functions::{Call, Outcome};
use crate::unicode::{decode, is_print};
use crate::value::{Str, Value};

/// The text of all arguments together, as `print` has it, but `<no value>` for nil.
fn text(call: &mut Call<'_>) -> Result<Str, CallError> {
    match call.args() {
        [Value::String(text)] => Ok(text.clone()),
        args => {
            let args: Vec<_> = args.iter().map(shown).collect();
            Ok(format::sprint(call.budget(), &args)?)
        }
    }
}

fn shown(arg: &Value) -> Value {
    match arg {
        Value::Nil => "<no value>".into(),
        value => value.clone(),
    }
}

pub(super) fn html(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let text = text(call)?;
    let mut out = Vec::with_capacity(text.len());
    for byte in text.as_bytes() {
        match byte {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            byte => out.push(*byte),
        }
    }
    call.budget().allocate(out.len())?;
    Ok(Str::from(out).into())
}

pub(super) fn js(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let text = text(call)?;
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while !bytes.is_empty() {
        let (character, length) = decode(bytes);
        let (here, rest) = bytes.split_at(length);
        match character {
            Some('\\') => out.extend_from_slice(b"\\\\"),
            Some('\'') => out.extend_from_slice(b"\\'"),
            Some('"') => out.extend_from_slice(b"\\\""),
            Some(special @ ('<' | '>' | '&' | '=' | '\0'..' ')) => push_code(&mut out, special),
            Some(hidden) if !hidden.is_ascii() && !is_print(hidden) => push_code(&mut out, hidden),
            // A byte that belongs to no character is passed on as it is.
            _ => out.extend_from_slice(here),
        }
        bytes = rest;
    }
    call.budget().allocate(out.len())?;
    Ok(Str::from(out).into())
}

fn push_code(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(format!("\\u{:04X}", u32::from(character)).as_bytes());
}

pub(super) fn url_query(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let text = text(call)?;
    let mut out = String::with_capacity(text.len());
    for byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(*byte))
            }
            b' ' => out.push('+'),
            // Writing to a String cannot fail.
            byte => drop(write!(out, "%{byte:02X}")),
        }
    }
    call.budget().allocate(out.len())?;
    Ok(out.into())
}
