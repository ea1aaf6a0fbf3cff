//! New values as text, in the manner of the text around them.

use goyaml::{Node, NodeKind, Outline, Style};
use serde_json::Value;

use crate::scalar::{Around, inline, string};
use crate::text::{column, line_break};

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    pub(crate) line_break: &'static str,
    /// Columns that a map is further in than its key.
    pub(crate) width: usize,
    /// Whether a list stands further in than its key.
    pub(crate) lists_indented: bool,
    /// Whether a text of several lines is written as lines, where it can be.
    pub(crate) literals: bool,
}

impl Manner {
    /// The manner of a text: how most of its lists and its first map within a map are indented. Where it has none: by two, and lists not
    /// at all, as the tools of Kubernetes write.
    pub(crate) fn of(text: &str, outlines: &[Outline]) -> Self {
        let (mut indented, mut flush, mut width) = (0_usize, 0_usize, None);
        let mut open: Vec<Node<'_>> = outlines.iter().map(Outline::root).collect();
        while let Some(node) = open.pop() {
            match node.kind() {
                NodeKind::Mapping(entries) => {
                    for (key, value) in entries {
                        match value.style() {
                            Style::Indentless => flush += 1,
                            Style::Block if matches!(value.kind(), NodeKind::Sequence(_)) => indented += 1,
                            Style::Block if width.is_none() => {
                                let [outer, inner] =
                                    [key.start(), value.span().start].map(|at| column(text, at));
                                width = inner.checked_sub(outer).filter(|width| (1..=8).contains(width));
                            }
                            _ => {}
                        }
                        open.push(value);
                    }
                }
                NodeKind::Sequence(items) => open.extend(items),
                NodeKind::Scalar | NodeKind::Alias(_) => {}
            }
        }
        Self {
            line_break: line_break(text),
            width: width.unwrap_or(2),
            lists_indented: indented > flush,
            literals: true,
        }
    }

    /// A line break and the blanks of a column.
    pub(crate) fn line(&self, column: usize) -> String {
        format!("{}{}", self.line_break, " ".repeat(column))
    }

    /// Column of what is under a key, by lines.
    pub(crate) fn column_under(&self, key: usize, value: &Value) -> usize {
        if value.is_array() && !self.lists_indented { key } else { key + self.width }
    }

    /// A map or a list by lines. The first line comes without its indentation, the last without its line break.
    pub(crate) fn block(&self, value: &Value, column: usize) -> String {
        let lines: Vec<String> = match value {
            Value::Object(map) => map.iter().map(|(key, value)| self.entry(key, value, column)).collect(),
            Value::Array(items) => {
                items.iter().map(|item| format!("-{}", self.behind_dash(item, column))).collect()
            }
            scalar => vec![inline(scalar, Style::Plain, Around::Block)],
        };
        lines.join(&self.line(column))
    }

    /// `key: value`, further lines included.
    pub(crate) fn entry(&self, key: &str, value: &Value, column: usize) -> String {
        format!("{}:{}", string(key, Style::Plain, Around::Block), self.behind_key(value, column))
    }

    /// What follows the `:` of a key.
    fn behind_key(&self, value: &Value, column: usize) -> String {
        if is_block(value) {
            let under = self.column_under(column, value);
            return format!("{}{}", self.line(under), self.block(value, under));
        }
        let (head, lines) = self.scalar(value, Style::Plain, column + self.width);
        format!(" {head}{lines}")
    }

    /// What follows the `-` of an item.
    pub(crate) fn behind_dash(&self, item: &Value, dash: usize) -> String {
        if is_block(item) {
            return format!(" {}", self.block(item, dash + 2));
        }
        let (head, lines) = self.scalar(item, Style::Plain, dash + 2);
        format!(" {head}{lines}")
    }

    /// A scalar among lines: what comes on its line, and its further lines, each with its line break before it.
    pub(crate) fn scalar(&self, value: &Value, style: Style, column: usize) -> (String, String) {
        let literal = value
            .as_str()
            .filter(|_| self.literals && !matches!(style, Style::SingleQuoted | Style::DoubleQuoted));
        match literal.and_then(|text| self.literal(text, style, column)) {
            Some(parts) => parts,
            None => (inline(value, style, Around::Block), String::new()),
        }
    }

    /// A text of several lines as they are. `None` where it is one line that did not stand so, or would not be read again as it is.
    fn literal(&self, text: &str, style: Style, column: usize) -> Option<(String, String)> {
        let block = matches!(style, Style::Literal | Style::Folded);
        let lines = text.strip_suffix('\n').unwrap_or(text);
        let clean = !text.is_empty()
            && !lines.starts_with([' ', '\n', '\t'])
            && !lines.ends_with(['\n', ' '])
            && text.chars().all(|c| {
                c == '\n'
                    || c == '\t'
                    || (!c.is_control() && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}'))
            })
            && !lines
                .split('\n')
                .any(|line| !line.is_empty() && line.trim_end_matches([' ', '\t']).is_empty());
        if !clean || !(block || lines.contains('\n')) || lines.is_empty() {
            return None;
        }
        let sign = if style == Style::Folded && !lines.contains('\n') { '>' } else { '|' };
        let head = format!("{sign}{}", if text.ends_with('\n') { "" } else { "-" });
        let indent = |line: &str| {
            if line.is_empty() { self.line_break.to_owned() } else { format!("{}{line}", self.line(column)) }
        };
        Some((head, lines.split('\n').map(indent).collect()))
    }
}

/// Whether a value is written by lines, where it may be.
pub(crate) fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A value in brackets.
pub(crate) fn flow(value: &Value, style: Style, around: Around) -> String {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let entries: Vec<_> = map.iter().map(|(key, value)| flow_entry(key, value, around)).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Array(items) if !items.is_empty() => {
            let items: Vec<_> = items.iter().map(|item| flow(item, Style::Plain, around)).collect();
            format!("[{}]", items.join(", "))
        }
        scalar => inline(scalar, style, around),
    }
}

/// `key: value` in brackets.
pub(crate) fn flow_entry(key: &str, value: &Value, around: Around) -> String {
    format!("{}: {}", string(key, Style::Plain, around), flow(value, Style::Plain, around))
}
