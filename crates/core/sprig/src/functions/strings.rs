//! Pieces of strings: trimming, cutting, joining, replacing, quoting.

use gotemplate::{Call, CallError, Function, Kind, Map, MapType, Str, Type, Value};

use super::{Answer, give, give_bytes, refuse};
use crate::show;

const STRING: Type = Type::String;

pub(crate) const TABLE: &[Function] = &[
    Function::new("hello", &[], |_| give("Hello!")),
    Function::new("trim", &[STRING], |call| give(call.text(0).trim())),
    Function::new("trimall", &[STRING, STRING], trim_all),
    Function::new("trimAll", &[STRING, STRING], trim_all),
    Function::new("trimSuffix", &[STRING, STRING], |call| {
        let text = call.bytes(1);
        give(Str::from(text.strip_suffix(call.bytes(0)).unwrap_or(text)))
    }),
    Function::new("trimPrefix", &[STRING, STRING], |call| {
        let text = call.bytes(1);
        give(Str::from(text.strip_prefix(call.bytes(0)).unwrap_or(text)))
    }),
    Function::new("contains", &[STRING, STRING], |call| {
        let (part, text) = (call.bytes(0), call.bytes(1));
        give(part.is_empty() || text.windows(part.len()).any(|window| window == part))
    }),
    Function::new("hasPrefix", &[STRING, STRING], |call| give(call.bytes(1).starts_with(call.bytes(0)))),
    Function::new("hasSuffix", &[STRING, STRING], |call| give(call.bytes(1).ends_with(call.bytes(0)))),
    Function::variadic("quote", &[], Type::Any, quote),
    Function::variadic("squote", &[], Type::Any, squote),
    Function::variadic("cat", &[], Type::Any, cat),
    Function::new("indent", &[Type::Int, STRING], |call| indent(call, b"")),
    Function::new("nindent", &[Type::Int, STRING], |call| indent(call, b"\n")),
    Function::new("replace", &[STRING, STRING, STRING], replace),
    Function::new("repeat", &[Type::Int, STRING], repeat),
    Function::new("substr", &[Type::Int, Type::Int, STRING], substr),
    Function::new("trunc", &[Type::Int, STRING], trunc),
    Function::new("plural", &[STRING, STRING, Type::Int], |call| {
        give(call.arg(usize::from(call.int(2) != 1)).clone())
    }),
    Function::new("toString", &[Type::Any], |call| give_bytes(show::text(call.arg(0))?)),
    Function::new("toStrings", &[Type::Any], |call| give(Value::strings(strings(call.arg(0))?))),
    Function::new("join", &[STRING, Type::Any], join),
    Function::new("sortAlpha", &[Type::Any], sort_alpha),
    Function::new("split", &[STRING, STRING], |call| numbered(call, 1, -1)),
    Function::new("splitn", &[STRING, Type::Int, STRING], |call| numbered(call, 2, call.int(1))),
    Function::new("splitList", &[STRING, STRING], |call| {
        let text = call.bytes(1);
        let parts = split(call.bytes(0), text, -1);
        call.budget().allocate(parts.len() * 32 + text.len())?;
        give(Value::strings(parts))
    }),
];

fn trim_all(call: &mut Call<'_>) -> Answer {
    let cutset = call.text(0);
    give(call.text(1).trim_matches(|c| cutset.contains(c)))
}

fn quote(call: &mut Call<'_>) -> Answer {
    let mut parts = Vec::new();
    for value in call.args().iter().filter(|value| !matches!(value, Value::Nil)) {
        parts.push(gotemplate::format::quoted(&show::text(value)?));
    }
    charged(call, parts.join(" ").into_bytes())
}

fn squote(call: &mut Call<'_>) -> Answer {
    let mut out = Vec::new();
    for value in call.args().iter().filter(|value| !matches!(value, Value::Nil)) {
        if !out.is_empty() {
            out.push(b' ');
        }
        out.push(b'\'');
        out.extend(show::plain(value)?);
        out.push(b'\'');
    }
    charged(call, out)
}

fn cat(call: &mut Call<'_>) -> Answer {
    let mut out = Vec::new();
    for (at, value) in call.args().iter().filter(|value| !matches!(value, Value::Nil)).enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend(show::plain(value)?);
    }
    charged(call, out)
}

fn charged(call: &mut Call<'_>, bytes: Vec<u8>) -> Answer {
    call.budget().allocate(bytes.len())?;
    give_bytes(bytes)
}

fn indent(call: &mut Call<'_>, before: &[u8]) -> Answer {
    let text = call.bytes(1);
    let Ok(spaces) = usize::try_from(call.int(0)) else {
        return refuse("strings: negative Repeat count");
    };
    let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
    let size = spaces.saturating_mul(lines).saturating_add(text.len() + before.len());
    call.budget().allocate(size)?;
    let pad = vec![b' '; spaces];
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(before);
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if at > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(&pad);
        out.extend_from_slice(line);
    }
    give_bytes(out)
}

fn replace(call: &mut Call<'_>) -> Answer {
    let (old, new, text) = (call.text(0), call.text(1), call.text(2));
    let matches = if old.is_empty() { text.len() + 1 } else { text.matches(old.as_ref()).count() };
    if matches == 0 {
        return give(call.arg(2).clone());
    }
    call.budget().allocate(matches.saturating_mul(new.len()).saturating_add(text.len()))?;
    give(text.replace(old.as_ref(), &new))
}

fn repeat(call: &mut Call<'_>) -> Answer {
    let text = call.bytes(1);
    let Ok(count) = usize::try_from(call.int(0)) else {
        return refuse("strings: negative Repeat count");
    };
    call.budget().allocate(text.len().saturating_mul(count))?;
    if text.is_empty() {
        return give("");
    }
    give_bytes(text.repeat(count))
}

fn substr(call: &mut Call<'_>) -> Answer {
    let (start, end, text) = (call.int(0), call.int(1), call.bytes(2));
    let len = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let (from, to) = if start < 0 {
        if end < 0 {
            return refuse(format!("runtime error: slice bounds out of range [:{end}]"));
        }
        (0, end)
    } else if end < 0 || end > len {
        if start > len {
            return refuse(format!("runtime error: slice bounds out of range [{start}:{len}]"));
        }
        (start, len)
    } else {
        (start, end)
    };
    if to > len {
        return refuse(format!("runtime error: slice bounds out of range [:{to}] with length {len}"));
    }
    let range = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
    match text.get(range) {
        Some(part) => give(Str::from(part)),
        None => refuse(format!("runtime error: slice bounds out of range [{from}:{to}]")),
    }
}

fn trunc(call: &mut Call<'_>) -> Answer {
    let (count, text) = (call.int(0), call.bytes(1));
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let cut = if count < 0 {
        text.len().checked_sub(size).filter(|at| *at > 0).and_then(|at| text.get(at..))
    } else {
        text.get(..size)
    };
    match cut {
        Some(part) => give(Str::from(part)),
        None => give(call.arg(1).clone()),
    }
}

/// As Sprig's `toStrings`: the items' texts without nils; one text for what is no list; none for nil.
pub(crate) fn strings(value: &Value) -> Result<Vec<Str>, CallError> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::List(list) => {
            let items = list.items().iter().filter(|item| !matches!(item, Value::Nil));
            items
                .map(|item| match item {
                    Value::String(text) => Ok(text.clone()),
                    _ => show::text(item).map(Str::from),
                })
                .collect()
        }
        Value::Bytes(bytes) => Ok(bytes.iter().map(|byte| byte.to_string().into()).collect()),
        _ => Ok(vec![show::text(value)?.into()]),
    }
}

fn join(call: &mut Call<'_>) -> Answer {
    let separator = call.bytes(0);
    let parts = strings(call.arg(1))?;
    let size: usize = parts.iter().map(|part| part.len() + separator.len()).sum();
    call.budget().allocate(size)?;
    let mut out = Vec::with_capacity(size);
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(part.as_bytes());
    }
    give_bytes(out)
}

fn sort_alpha(call: &mut Call<'_>) -> Answer {
    let value = call.arg(0);
    if value.kind() != Kind::Slice {
        return give(Value::strings([Str::from(show::text(value)?)]));
    }
    let mut parts = strings(value)?;
    call.budget().step(parts.len() as u64)?;
    parts.sort();
    give(Value::strings(parts))
}

fn numbered(call: &mut Call<'_>, text: usize, most: i64) -> Answer {
    let text = call.bytes(text);
    let parts = split(call.bytes(0), text, most);
    call.budget().allocate(parts.len() * 96 + text.len())?;
    let entries =
        parts.into_iter().enumerate().map(|(at, part)| (Str::from(format!("_{at}")), Value::String(part)));
    give(Map::new(MapType::STRINGS, entries.collect()))
}

/// As `strings.SplitN`: at most so many parts where `most` is not negative; an empty separator cuts between characters.
pub(crate) fn split(separator: &[u8], text: &[u8], most: i64) -> Vec<Str> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    if most == 0 {
        return parts;
    }
    let mut rest = text;
    while parts.len() + 1 < most {
        let next = if separator.is_empty() {
            let first = rest.utf8_chunks().next().map_or(0, |chunk| {
                chunk.valid().chars().next().map_or(chunk.invalid().len().min(1), char::len_utf8)
            });
            (first < rest.len()).then_some((first, 0))
        } else {
            rest.windows(separator.len())
                .position(|window| window == separator)
                .map(|at| (at, separator.len()))
        };
        let Some((at, skip)) = next else { break };
        let (part, after) = rest.split_at(at);
        parts.push(Str::from(part));
        rest = after.get(skip..).unwrap_or_default();
    }
    if !(separator.is_empty() && rest.is_empty()) {
        parts.push(Str::from(rest));
    }
    parts
}
