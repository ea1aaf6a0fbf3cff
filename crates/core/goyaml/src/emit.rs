//! JSON to YAML, byte for byte as yaml.v2 writes it.

mod order;
mod scalar;
mod writer;

use std::borrow::Cow;
use std::vec;

use order::sort_keys;
use scalar::Scalar;
use serde_json::{Map, Value};
use writer::Writer;

/// Keys longer than this, in bytes, are written after a `?`.
const MAX_SIMPLE_KEY: usize = 128;

/// Writes a value as sigs.k8s.io/yaml 1.6 `Marshal` does.
///
/// **Shape**: keys in natural order (`a2` before `a10`), lists not indented under their field, text with line breaks as a `|` block,
/// lines folded at a blank after column 80, floats as Go's `%g`. It ends in a line break. No recursion.
pub fn to_string(value: &Value) -> String {
    let mut writer = Writer::default();
    let mut open = Vec::new();
    open.extend(start(&mut writer, value, Place::Root));
    while let Some(innermost) = open.last_mut() {
        match innermost.next(&mut writer) {
            Some((value, place)) => open.extend(start(&mut writer, value, place)),
            None => {
                writer.pop_indent();
                open.pop();
            }
        }
    }
    writer.end_document()
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    /// The value of a field.
    Field,
}

/// A collection that is being written.
enum Open<'a> {
    List(std::slice::Iter<'a, Value>),
    Map { entries: vec::IntoIter<(&'a str, &'a Value)> },
}

impl<'a> Open<'a> {
    /// Writes what comes before the next value, and gives the value.
    fn next(&mut self, writer: &mut Writer) -> Option<(&'a Value, Place)> {
        match self {
            Self::List(items) => {
                let item = items.next()?;
                writer.indent();
                writer.indicator("-", true, true);
                Some((item, Place::Item))
            }
            Self::Map { entries } => {
                let (key, value) = entries.next()?;
                writer.indent();
                let scalar = Scalar::of_text(key);
                if key.len() <= MAX_SIMPLE_KEY && !scalar.multiline() {
                    scalar.write(writer, true);
                    writer.indicator(":", false, false);
                } else {
                    writer.indicator("?", true, true);
                    scalar.write(writer, false);
                    writer.indent();
                    writer.indicator(":", true, true);
                }
                Some((value, Place::Field))
            }
        }
    }
}

/// Writes a scalar or an empty collection, or opens a collection.
fn start<'a>(writer: &mut Writer, value: &'a Value, place: Place) -> Option<Open<'a>> {
    match value {
        Value::Array(items) if items.is_empty() => writer.indicator_pair("[", "]"),
        Value::Object(map) if map.is_empty() => writer.indicator_pair("{", "}"),
        Value::Array(items) => {
            // A list in the line of its key is not indented under it.
            let flush = place == Place::Field && !writer.at_indentation();
            writer.push_indent(flush);
            return Some(Open::List(items.iter()));
        }
        Value::Object(map) => {
            writer.push_indent(false);
            return Some(Open::Map { entries: sorted(map).into_iter() });
        }
        Value::Null => Scalar::of_word(Cow::Borrowed("null")).write(writer, false),
        Value::Bool(true) => Scalar::of_word(Cow::Borrowed("true")).write(writer, false),
        Value::Bool(false) => Scalar::of_word(Cow::Borrowed("false")).write(writer, false),
        Value::Number(number) => Scalar::of_word(Cow::Owned(scalar::number(number))).write(writer, false),
        Value::String(text) => Scalar::of_text(text).write(writer, false),
    }
    None
}

fn sorted(map: &Map<String, Value>) -> Vec<(&str, &Value)> {
    sort_keys(map.iter().map(|(key, value)| (key.as_str(), value)).collect())
}
