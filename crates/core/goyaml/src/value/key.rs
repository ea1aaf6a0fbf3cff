//! A key that JSON has no form for, and its value, as Go's `%#v` prints them: the peer's errors quote both.

use std::cmp::Ordering;

use super::scalar::{binary_text, is_binary, resolve_scalar};
use crate::node::{Content, NodeId, Scalar, Tree};
use crate::resolve::{Resolved, go_float};

/// Bytes that are printed, about; the rest is left out. Aliases of aliases would make a text without end.
const MAX_BYTES: usize = 64 << 10;

/// Nodes within each other that are printed.
const MAX_DEPTH: usize = 100;

/// What the peer says of a key that is no field name: a list, a map, null, or a number beyond 63 bits. Of the latter two it says the value,
/// too.
pub(super) fn printed(tree: &Tree, key: NodeId, value: NodeId) -> String {
    let of_type = match plain(tree, key) {
        Plain::Null => "%!s(<nil>)",
        Plain::Uint(_) => "uint64",
        _ => {
            let mut out = String::from("invalid map key: ");
            print(tree, key, 0, &mut out);
            return out;
        }
    };
    let mut out = format!("unsupported map key of type: {of_type}");
    for (before, node) in [(", key: ", key), (", value: ", value)] {
        out.push_str(before);
        match plain(tree, node) {
            // Only within something it has a type.
            Plain::Null => out.push_str("<nil>"),
            _ => print(tree, node, 0, &mut out),
        }
    }
    out
}

/// A node as Go holds it. The order is that in which Go prints keys of a map: by type, then by value.
enum Plain<'a> {
    Null,
    Text(String),
    Int(i64),
    Uint(u64),
    Float(f64),
    Bool(bool),
    List(&'a [NodeId]),
    Map(&'a [NodeId]),
}

impl Plain<'_> {
    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Text(_) => 1,
            Self::Int(_) => 2,
            Self::Uint(_) => 3,
            Self::Float(_) => 4,
            Self::Bool(_) => 5,
            Self::List(_) => 6,
            Self::Map(_) => 7,
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Uint(a), Self::Uint(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

fn plain<'a>(tree: &'a Tree<'_>, node: NodeId) -> Plain<'a> {
    let content = |node: NodeId| tree.nodes.get(node as usize).map(|node| &node.content);
    let found = match content(node) {
        // An anchor is never on an alias.
        Some(Content::Alias { target }) => content(*target),
        other => other,
    };
    match found {
        Some(Content::Scalar(scalar)) => plain_scalar(scalar),
        Some(Content::Sequence(items)) => Plain::List(items),
        Some(Content::Mapping(entries)) => Plain::Map(entries),
        Some(Content::Alias { .. }) | None => Plain::Null,
    }
}

fn plain_scalar(scalar: &Scalar) -> Plain<'static> {
    match resolve_scalar(scalar) {
        Ok(Resolved::Null) => Plain::Null,
        Ok(Resolved::Bool(bool)) => Plain::Bool(bool),
        Ok(Resolved::Int(int)) => Plain::Int(int),
        Ok(Resolved::Uint(uint)) => Plain::Uint(uint),
        Ok(Resolved::Float(float)) => Plain::Float(float),
        Ok(Resolved::Timestamp | Resolved::Text) | Err(_) => {
            let decoded = is_binary(scalar).then(|| binary_text(&scalar.text).ok()).flatten();
            Plain::Text(decoded.unwrap_or_else(|| scalar.text.clone().into_owned()))
        }
    }
}

/// Recursion goes to [`MAX_DEPTH`].
fn print(tree: &Tree, node: NodeId, depth: usize, out: &mut String) {
    if out.len() > MAX_BYTES || depth > MAX_DEPTH {
        return out.push('…');
    }
    match plain(tree, node) {
        Plain::Null => out.push_str("interface {}(nil)"),
        Plain::Text(text) => quote(&text, out),
        Plain::Int(int) => out.push_str(&int.to_string()),
        Plain::Uint(uint) => out.push_str(&format!("{uint:#x}")),
        Plain::Float(float) => out.push_str(&match float {
            float if float.is_nan() => "NaN".to_owned(),
            float if float.is_infinite() => if float > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
            float => go_float(&format!("{float:e}")),
        }),
        Plain::Bool(bool) => out.push_str(if bool { "true" } else { "false" }),
        Plain::List(items) => {
            out.push_str("[]interface {}{");
            for (at, item) in items.iter().enumerate() {
                if out.len() > MAX_BYTES {
                    break;
                }
                out.push_str(if at > 0 { ", " } else { "" });
                print(tree, *item, depth + 1, out);
            }
            out.push('}');
        }
        Plain::Map(entries) => {
            out.push_str("map[interface {}]interface {}{");
            let (pairs, _) = entries.as_chunks::<2>();
            let mut sorted: Vec<_> =
                pairs.iter().map(|[key, value]| (plain(tree, *key), *key, *value)).collect();
            sorted.sort_by(|(a, ..), (b, ..)| a.order(b));
            for (at, (_, key, value)) in sorted.into_iter().enumerate() {
                if out.len() > MAX_BYTES {
                    break;
                }
                out.push_str(if at > 0 { ", " } else { "" });
                print(tree, key, depth + 1, out);
                out.push(':');
                print(tree, value, depth + 1, out);
            }
            out.push('}');
        }
    }
}

/// `strconv.Quote`.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            ' '..='~' => out.push(c),
            '\0'..='\x7f' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            // Rust escapes what neither language prints; a mark that combines only where it stands first, hence the `a`.
            _ if !format!("{:?}", format_args!("a{c}").to_string()).contains('\\') => out.push(c),
            '\u{10000}'.. => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            _ => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    out.push('"');
}
