//! The library `string`, in Rust, so that every call can be stopped.

use std::rc::Rc;

use mlua::{Error, Function, Lua, MultiValue, Result, Table, Value};

use crate::budget::Budget;
use crate::format::format;
use crate::number;
use crate::pattern::{self, Capture, Match, PatternError};

/// Makes the library and gives it to all texts as their metatable.
pub(crate) fn open(lua: &Lua, budget: &Rc<Budget>) -> Result<()> {
    let library = lua.create_table()?;
    simple(lua, &library, budget)?;
    patterns(lua, &library, budget)?;
    let index = lua.create_table()?;
    index.set("__index", &library)?;
    lua.set_type_metatable::<mlua::LuaString>(Some(index));
    lua.globals().set("string", library)
}

fn simple(lua: &Lua, library: &Table, budget: &Rc<Budget>) -> Result<()> {
    library.set("len", lua.create_function(|_, text: Text| Ok(text.0.len()))?)?;
    library.set(
        "lower",
        lua.create_function(|lua, text: Text| lua.create_string(text.0.to_ascii_lowercase()))?,
    )?;
    library.set(
        "upper",
        lua.create_function(|lua, text: Text| lua.create_string(text.0.to_ascii_uppercase()))?,
    )?;
    let reverse = lua.create_function(|lua, mut text: Text| {
        text.0.reverse();
        lua.create_string(&text.0)
    })?;
    library.set("reverse", reverse)?;
    let sub = lua.create_function(|lua, (text, from, to): (Text, Option<i64>, Option<i64>)| {
        let (from, to) = range(text.0.len(), from.unwrap_or(1), to.unwrap_or(-1));
        lua.create_string(text.0.get(from..to).unwrap_or_default())
    })?;
    library.set("sub", sub)?;
    let byte = lua.create_function(|_, (text, from, to): (Text, Option<i64>, Option<i64>)| {
        const MOST: usize = 4096;
        let from = from.unwrap_or(1);
        let (from, to) = range(text.0.len(), from, to.unwrap_or(from));
        let bytes = text.0.get(from..to).unwrap_or_default();
        if bytes.len() > MOST {
            return Err(Error::runtime("string slice too long"));
        }
        Ok(bytes.iter().map(|byte| Value::Integer(i64::from(*byte))).collect::<MultiValue>())
    })?;
    library.set("byte", byte)?;
    let char = lua.create_function(|lua, codes: mlua::Variadic<i64>| {
        let code =
            |code: &i64| u8::try_from(*code).map_err(|_| Error::runtime("invalid value for string.char"));
        lua.create_string(codes.iter().map(code).collect::<Result<Vec<u8>>>()?)
    })?;
    library.set("char", char)?;
    let account = Rc::clone(budget);
    let rep = lua.create_function(move |lua, (text, times): (Text, i64)| {
        let times = usize::try_from(times).unwrap_or(0);
        let length = text.0.len().saturating_mul(times);
        if length > account.limits().memory {
            account.spend(crate::budget::Spent::Memory);
        }
        if !account.take((length / 64) as u64 + 1) {
            return Err(ended());
        }
        lua.create_string(text.0.repeat(times))
    })?;
    library.set("rep", rep)?;
    let account = Rc::clone(budget);
    let format = lua.create_function(move |lua, (text, args): (Text, MultiValue)| {
        let _nested = account.enter().ok_or_else(too_deep)?;
        let out = format(lua, &text.0, args, account.limits().memory)?;
        if account.take((out.len() / 64) as u64 + 1) { lua.create_string(out) } else { Err(ended()) }
    })?;
    library.set("format", format)
}

fn patterns(lua: &Lua, library: &Table, budget: &Rc<Budget>) -> Result<()> {
    let account = Rc::clone(budget);
    let find = lua.create_function(
        move |lua, (text, wanted, from, plain): (Text, Text, Option<i64>, Option<bool>)| {
            let start = place(text.0.len(), from);
            let found = if plain.unwrap_or(false) || !special(&wanted.0) {
                plain_find(&account, &text.0, &wanted.0, start)?
            } else {
                search(&account, &text.0, &wanted.0, start)?
            };
            let Some(found) = found else { return Ok(MultiValue::from_vec(vec![Value::Nil])) };
            let place = |at: usize| Value::Number(at as f64);
            let mut values = vec![place(found.start + 1), place(found.end)];
            for capture in &found.captures {
                values.push(value(lua, &text.0, *capture)?);
            }
            Ok(MultiValue::from_vec(values))
        },
    )?;
    library.set("find", find)?;
    let account = Rc::clone(budget);
    let matches = lua.create_function(move |lua, (text, wanted, from): (Text, Text, Option<i64>)| {
        let start = place(text.0.len(), from);
        match search(&account, &text.0, &wanted.0, start)? {
            Some(found) => captures(lua, &text.0, &found),
            None => Ok(MultiValue::from_vec(vec![Value::Nil])),
        }
    })?;
    library.set("match", matches)?;
    let account = Rc::clone(budget);
    let gmatch = lua.create_function(move |lua, (text, wanted): (Text, Text)| {
        let (account, at) = (Rc::clone(&account), std::cell::Cell::new(0));
        lua.create_function(move |lua, _: MultiValue| {
            if at.get() > text.0.len() {
                return Ok(MultiValue::from_vec(vec![Value::Nil]));
            }
            match search(&account, &text.0, &wanted.0, at.get())? {
                Some(found) => {
                    // An empty match does not stay where it is.
                    at.set(if found.end == found.start { found.end + 1 } else { found.end });
                    captures(lua, &text.0, &found)
                }
                None => {
                    at.set(text.0.len() + 1);
                    Ok(MultiValue::from_vec(vec![Value::Nil]))
                }
            }
        })
    })?;
    library.set("gfind", &gmatch)?;
    library.set("gmatch", gmatch)?;
    let account = Rc::clone(budget);
    let gsub =
        lua.create_function(move |lua, (text, wanted, with, most): (Text, Text, Value, Option<i64>)| {
            let _nested = account.enter().ok_or_else(too_deep)?;
            let with = Replacement::read(with)?;
            let most = most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(0));
            let (out, count) = substitute(lua, &account, &text.0, &wanted.0, &with, most)?;
            Ok((lua.create_string(out)?, count as f64))
        })?;
    library.set("gsub", gsub)
}

/// What `gsub` puts in place of a match.
enum Replacement {
    Text(Vec<u8>),
    Table(Table),
    Function(Function),
}

impl Replacement {
    fn read(value: Value) -> Result<Self> {
        Ok(match value {
            Value::String(text) => Self::Text(text.as_bytes().to_vec()),
            Value::Integer(_) | Value::Number(_) => Self::Text(text_of_number(&value)),
            Value::Table(table) => Self::Table(table),
            Value::Function(function) => Self::Function(function),
            other => {
                let kind = crate::kind_of(&other);
                return Err(Error::runtime(format!(
                    "bad argument #3 to gsub (string/function/table expected, got {kind})"
                )));
            }
        })
    }
}

fn substitute(
    lua: &Lua,
    account: &Rc<Budget>,
    text: &[u8],
    wanted: &[u8],
    with: &Replacement,
    most: usize,
) -> Result<(Vec<u8>, usize)> {
    let anchored = wanted.first() == Some(&b'^');
    let (mut out, mut at, mut count) = (Vec::new(), 0, 0);
    while count < most {
        let Some(found) = search(account, text, wanted, at)? else { break };
        out.extend_from_slice(text.get(at..found.start).unwrap_or_default());
        count += 1;
        replace(lua, text, &found, with, &mut out)?;
        if out.len() > account.limits().memory {
            account.spend(crate::budget::Spent::Memory);
            return Err(ended());
        }
        at = found.end;
        if found.end == found.start {
            // The character behind an empty match is kept.
            out.extend(text.get(at).copied());
            at += 1;
        }
        if anchored || at > text.len() {
            break;
        }
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    Ok((out, count))
}

fn replace(lua: &Lua, text: &[u8], found: &Match, with: &Replacement, out: &mut Vec<u8>) -> Result<()> {
    let whole = text.get(found.start..found.end).unwrap_or_default();
    let new = match with {
        Replacement::Text(template) => return fill(template, text, found, out),
        Replacement::Table(table) => {
            let key = captures(lua, text, found)?.into_iter().next().unwrap_or(Value::Nil);
            table.get::<Value>(key)?
        }
        Replacement::Function(function) => {
            let values: MultiValue = function.call(captures(lua, text, found)?)?;
            values.into_iter().next().unwrap_or(Value::Nil)
        }
    };
    match new {
        Value::Nil | Value::Boolean(false) => out.extend_from_slice(whole),
        Value::String(new) => out.extend_from_slice(&new.as_bytes()),
        Value::Integer(_) | Value::Number(_) => out.extend(text_of_number(&new)),
        other => {
            let kind = crate::kind_of(&other);
            return Err(Error::runtime(format!("invalid replacement value (a {kind})")));
        }
    }
    Ok(())
}

/// `%1` and so on in the text of a replacement.
fn fill(template: &[u8], text: &[u8], found: &Match, out: &mut Vec<u8>) -> Result<()> {
    let mut bytes = template.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'0') => out.extend_from_slice(text.get(found.start..found.end).unwrap_or_default()),
            Some(digit) if digit.is_ascii_digit() => {
                let at = usize::from(digit - b'1');
                match found.captures.get(at) {
                    Some(Capture::Range(from, to)) => {
                        out.extend_from_slice(text.get(*from..*to).unwrap_or_default());
                    }
                    Some(Capture::Position(at)) => out.extend((at + 1).to_string().into_bytes()),
                    None if at == 0 => {
                        out.extend_from_slice(text.get(found.start..found.end).unwrap_or_default());
                    }
                    None => return Err(Error::runtime("invalid capture index")),
                }
            }
            Some(other) => out.push(other),
            None => out.push(b'%'),
        }
    }
    Ok(())
}

/// What `match` gives: the captures, or the whole where there are none.
fn captures(lua: &Lua, text: &[u8], found: &Match) -> Result<MultiValue> {
    if found.captures.is_empty() {
        return Ok(MultiValue::from_vec(vec![value(lua, text, Capture::Range(found.start, found.end))?]));
    }
    found.captures.iter().map(|capture| value(lua, text, *capture)).collect()
}

fn value(lua: &Lua, text: &[u8], capture: Capture) -> Result<Value> {
    Ok(match capture {
        Capture::Range(from, to) => Value::String(lua.create_string(text.get(from..to).unwrap_or_default())?),
        Capture::Position(at) => Value::Number((at + 1) as f64),
    })
}

fn search(account: &Rc<Budget>, text: &[u8], wanted: &[u8], from: usize) -> Result<Option<Match>> {
    if from > text.len() {
        return Ok(None);
    }
    pattern::find(text, wanted, from, &mut || account.take(1)).map_err(|error| match error {
        PatternError::Malformed(what) => Error::runtime(what),
        PatternError::TooDeep => Error::runtime("pattern too complex"),
        PatternError::Budget => ended(),
    })
}

fn plain_find(account: &Rc<Budget>, text: &[u8], wanted: &[u8], from: usize) -> Result<Option<Match>> {
    let Some(rest) = text.get(from..) else { return Ok(None) };
    let steps = (rest.len() as u64).saturating_mul(wanted.len() as u64 / 32 + 1);
    if !account.take(steps / 16 + 1) {
        return Err(ended());
    }
    let at =
        if wanted.is_empty() { Some(0) } else { rest.windows(wanted.len()).position(|part| part == wanted) };
    Ok(at.map(|at| Match { start: from + at, end: from + at + wanted.len(), captures: Vec::new() }))
}

fn special(pattern: &[u8]) -> bool {
    pattern.iter().any(|byte| b"^$*+?.([%-".contains(byte))
}

/// An error that says nothing by itself: the budget knows why.
pub(crate) fn ended() -> Error {
    Error::runtime("the script has used up what it may")
}

/// Functions that call each other through ours, too often.
pub(crate) fn too_deep() -> Error {
    Error::runtime("C stack overflow")
}

/// Lua's positions from 1, and from the end where negative, as a half-open range.
fn range(length: usize, from: i64, to: i64) -> (usize, usize) {
    let whole = i64::try_from(length).unwrap_or(i64::MAX);
    let place = |at: i64| if at < 0 { whole.saturating_add(at).saturating_add(1) } else { at };
    let (from, to) = (place(from).max(1), place(to).min(whole));
    if from > to {
        return (0, 0);
    }
    (usize::try_from(from - 1).unwrap_or(0), usize::try_from(to).unwrap_or(0))
}

/// Where a search begins, from 0; beyond the text where there is nothing to find.
fn place(length: usize, from: Option<i64>) -> usize {
    let whole = i64::try_from(length).unwrap_or(i64::MAX);
    let at = match from.unwrap_or(1) {
        at if at < 0 => whole.saturating_add(at).max(0),
        0 => 0,
        at => at - 1,
    };
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// A number as a text.
pub(crate) fn text_of_number(value: &Value) -> Vec<u8> {
    match value {
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Number(number) => number::to_text(*number).into_bytes(),
        _ => Vec::new(),
    }
}

/// A text argument: a string, or a number as one.
pub(crate) struct Text(pub(crate) Vec<u8>);

impl mlua::FromLua for Text {
    fn from_lua(value: Value, _: &Lua) -> Result<Self> {
        match &value {
            Value::String(text) => Ok(Self(text.as_bytes().to_vec())),
            Value::Integer(_) | Value::Number(_) => Ok(Self(text_of_number(&value))),
            other => {
                Err(Error::runtime(format!("bad argument (string expected, got {})", crate::kind_of(other))))
            }
        }
    }
}
