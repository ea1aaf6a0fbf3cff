//! Regular expressions. Go's `must…` forms return an error where the others panic, with the same text; `regexMatch` alone swallows it.

use std::rc::Rc;

use goregex::{Pattern, Piece};
use gotemplate::{Call, CallError, Function, List, ListType, Str, Type, Value};

use super::{Answer, give};
use crate::host;

const STRING: Type = Type::String;
const INT: Type = Type::Int;

pub(crate) const TABLE: &[Function] = &[
    Function::new("regexMatch", &[STRING, STRING], |call| {
        let pattern = host::pattern(call, &call.text(0));
        charge(call, 1)?;
        give(pattern.is_ok_and(|pattern| pattern.is_match(&call.text(1))))
    }),
    Function::new("mustRegexMatch", &[STRING, STRING], |call| {
        let pattern = pattern(call, 1)?;
        give(pattern.is_match(&call.text(1)))
    }),
    Function::new("regexFind", &[STRING, STRING], find),
    Function::new("mustRegexFind", &[STRING, STRING], find),
    Function::new("regexFindAll", &[STRING, STRING, INT], find_all),
    Function::new("mustRegexFindAll", &[STRING, STRING, INT], find_all),
    Function::new("regexReplaceAll", &[STRING, STRING, STRING], replace_all),
    Function::new("mustRegexReplaceAll", &[STRING, STRING, STRING], replace_all),
    Function::new("regexReplaceAllLiteral", &[STRING, STRING, STRING], replace_all_literal),
    Function::new("mustRegexReplaceAllLiteral", &[STRING, STRING, STRING], replace_all_literal),
    Function::new("regexSplit", &[STRING, STRING, INT], split),
    Function::new("mustRegexSplit", &[STRING, STRING, INT], split),
    Function::new("regexQuoteMeta", &[STRING], quote_meta),
];

fn charge(call: &mut Call<'_>, text: usize) -> Result<(), CallError> {
    let bytes = call.bytes(text).len() as u64;
    Ok(call.budget().step(8 + (bytes >> 8))?)
}

fn pattern(call: &mut Call<'_>, text: usize) -> Result<Rc<Pattern>, CallError> {
    charge(call, text)?;
    let source = call.text(0);
    host::pattern(call, &source).map_err(|error| {
        if call.name().starts_with("must") {
            return error.into();
        }
        // The others compile by what panics, and that says more.
        let plain = !source.contains(|c: char| c == '`' || (c.is_control() && c != '\t'));
        let shown = if plain { format!("`{source}`") } else { gotemplate::format::quoted(source.as_bytes()) };
        format!("regexp: Compile({shown}): {error}").into()
    })
}

fn find(call: &mut Call<'_>) -> Answer {
    let pattern = pattern(call, 1)?;
    give(pattern.find(&call.text(1)).unwrap_or_default())
}

fn find_all(call: &mut Call<'_>) -> Answer {
    let pattern = pattern(call, 1)?;
    let text = call.text(1);
    let found = pattern.find_all(&text, usize::try_from(call.int(2)).unwrap_or(usize::MAX));
    if found.is_empty() {
        return give(List::nil(ListType::STRINGS));
    }
    call.budget().allocate(found.len() * 32 + text.len())?;
    give(Value::strings(found.into_iter().map(|(start, end)| text.get(start..end).unwrap_or_default())))
}

fn replace_all(call: &mut Call<'_>) -> Answer {
    let pattern = pattern(call, 1)?;
    replaced(call, &pattern, &goregex::template(&call.text(2)))
}

fn replace_all_literal(call: &mut Call<'_>) -> Answer {
    let pattern = pattern(call, 1)?;
    replaced(call, &pattern, &[Piece::Literal(&call.text(2))])
}

fn replaced(call: &mut Call<'_>, pattern: &Pattern, template: &[Piece<'_>]) -> Answer {
    let (text, replacement) = (call.text(1), call.bytes(2));
    // At worst every byte matches, and every group reference brings all of the text.
    let count = pattern.find_all(&text, usize::MAX).len();
    let references = template.iter().filter(|piece| !matches!(piece, Piece::Literal(_))).count();
    let grown = count.saturating_mul(replacement.len()).saturating_add(text.len() * (references + 1));
    call.budget().allocate(grown)?;
    give(pattern.replace_all(&text, template))
}

/// As `Regexp.Split`.
fn split(call: &mut Call<'_>) -> Answer {
    let pattern = pattern(call, 1)?;
    let (text, most) = (call.text(1), call.int(2));
    if most == 0 {
        return give(List::nil(ListType::STRINGS));
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if text.is_empty() && !call.bytes(0).is_empty() {
        return give(Value::strings([""]));
    }
    let found = pattern.find_all(&text, most);
    call.budget().allocate(found.len() * 32 + text.len())?;
    let mut parts: Vec<Str> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for (start, stop) in found {
        if parts.len() + 1 >= most {
            break;
        }
        end = start;
        if stop != 0 {
            parts.push(text.get(begin..end).unwrap_or_default().into());
        }
        begin = stop;
    }
    if end != text.len() {
        parts.push(text.get(begin..).unwrap_or_default().into());
    }
    give(Value::strings(parts))
}

fn quote_meta(call: &mut Call<'_>) -> Answer {
    let text = call.text(0);
    call.budget().allocate(text.len() * 2)?;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    give(out)
}
