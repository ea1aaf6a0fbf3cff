//! JSON that YAML 1.1 cannot read.

use serde_json::{Deserializer, Value};

use crate::node::Tree;
use crate::value::whole;
use crate::{Document, Limits, Mark};

/// What Go's reader of JSON calls a value: `null`, `bool`, `number`, `string`, `array` or `object`.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Escapes in a JSON text of `serde_json` what Go's writer of JSON does besides: `<`, `>`, `&` and the two line separators of Unicode.
pub fn escape_json(text: String) -> String {
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Reads JSON objects that follow each other. `None` where the text is anything else, or goes beyond the limits.
pub(crate) fn parse_stream(text: &[u8], limits: &Limits) -> Option<Vec<Document>> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    if text.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
        return None;
    }
    // There is one of these before each value but the first.
    let values = text.iter().filter(|b| matches!(b, b',' | b'[' | b'{' | b':')).count();
    if values > limits.nodes {
        return None;
    }
    let mut documents = Vec::new();
    // serde_json stops at a depth of 128 by itself.
    let mut stream = Deserializer::from_slice(text).into_iter::<Value>();
    let (mut line, mut counted) = (1, 0);
    loop {
        let from = stream.byte_offset();
        let Some(value) = stream.next() else { break };
        let blanks = text.get(from..)?.iter().take_while(|b| b.is_ascii_whitespace()).count();
        line += text.get(counted..from + blanks)?.iter().filter(|&&b| b == b'\n').count();
        counted = from + blanks;
        let line_start = text.get(..counted)?.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
        let start = Mark { line, column: counted - line_start + 1 };
        let mut value = value.ok().filter(Value::is_object)?;
        make_whole(&mut value);
        if documents.len() >= limits.documents {
            return None;
        }
        documents.push(Document { value, start, tree: Tree::default(), duplicates: Vec::new() });
    }
    Some(documents)
}

/// Makes integers of floats that are whole, as they are when the same text is read as YAML. Recursion goes as deep as the reader went.
fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(int) = number.as_f64().and_then(whole) {
                *number = int;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(map) => map.values_mut().for_each(make_whole),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
