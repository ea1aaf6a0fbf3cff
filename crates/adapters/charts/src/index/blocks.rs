//! An index in block style, as every tool writes it, cut at its lines: each entry is read by itself, so that neither the whole
//! tree is in memory nor one malformed entry loses the others.
//!
//! Cutting is sound because no line inside an entry is indented as little as the `-` of its list, but for texts in quotes; those
//! make a piece that cannot be read, and the whole is read at once then.

use super::{Builder, ENTRY, Index, IndexError};
use serde_json::Value;

/// How far cutting went.
pub(super) enum Outcome {
    /// Every entry was read.
    All(Result<Index, IndexError>),
    /// Some could not be.
    Some(Result<Index, IndexError>),
    /// The text has another form.
    Unusual,
}

/// The chart that is being read.
struct Chart {
    name: String,
    /// Where the `-` of its entries stand.
    dash: Option<usize>,
}

/// What a line of the text is part of.
#[derive(PartialEq)]
enum Part {
    Root,
    Entries,
}

pub(super) fn read(text: &str, most: usize) -> Outcome {
    let mut cutter = Cutter {
        builder: Builder::new(most),
        part: Part::Root,
        name_column: None,
        chart: None,
        piece: None,
        broken: false,
        root_keys: 0,
        entries: false,
        api_version: false,
    };
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        match cutter.line(line.trim_end_matches(['\n', '\r']), start, text) {
            Ok(Step::On) => {}
            Ok(Step::End) => break,
            Ok(Step::Unusual) => return Outcome::Unusual,
            Err(error) => return Outcome::All(Err(error)),
        }
        if let Some((_, piece_end)) = &mut cutter.piece {
            *piece_end = end;
        }
        start = end;
    }
    cutter.finish(text)
}

enum Step {
    On,
    End,
    Unusual,
}

struct Cutter {
    builder: Builder,
    part: Part,
    name_column: Option<usize>,
    chart: Option<Chart>,
    /// Where the entry that is being read begins, and where what is known of it ends.
    piece: Option<(usize, usize)>,
    broken: bool,
    root_keys: usize,
    entries: bool,
    api_version: bool,
}

impl Cutter {
    fn line(&mut self, line: &str, start: usize, text: &str) -> Result<Step, IndexError> {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        if content.is_empty() || content.starts_with('#') {
            return Ok(Step::On);
        }
        if indent == 0 {
            if self.part == Part::Entries && is_dash(content) {
                return Ok(Step::Unusual);
            }
            return self.root(content, text);
        }
        if self.part == Part::Root {
            return Ok(Step::On);
        }
        self.below_entries(content, indent, start, text)
    }

    fn root(&mut self, content: &str, text: &str) -> Result<Step, IndexError> {
        self.entry_done(text)?;
        self.chart = None;
        self.part = Part::Root;
        if content.starts_with("---") {
            return Ok(if self.root_keys == 0 && content.trim_end() == "---" { Step::On } else { Step::End });
        }
        if content.starts_with("...") {
            return Ok(Step::End);
        }
        if is_dash(content) {
            // Of a list that belongs to another key.
            return Ok(if self.root_keys == 0 { Step::Unusual } else { Step::On });
        }
        let Some((key, value)) = content.split_once(':') else { return Ok(Step::Unusual) };
        let value = value.split(" #").next().unwrap_or_default().trim();
        self.root_keys += 1;
        match key.trim_end() {
            "entries" if self.entries => return Ok(Step::Unusual),
            "entries" => {
                self.entries = true;
                match value {
                    "" => self.part = Part::Entries,
                    "{}" | "null" | "~" => {}
                    _ => return Ok(Step::Unusual),
                }
            }
            "apiVersion" => self.api_version = !value.is_empty(),
            key if key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) => {
                // What goes on in the next lines, perhaps as far left as a key.
                if value.starts_with(['"', '\'', '{', '[', '&', '*', '!']) && !is_closed(value) {
                    return Ok(Step::Unusual);
                }
            }
            _ => return Ok(Step::Unusual),
        }
        Ok(Step::On)
    }

    fn below_entries(
        &mut self,
        content: &str,
        indent: usize,
        start: usize,
        text: &str,
    ) -> Result<Step, IndexError> {
        let name_column = *self.name_column.get_or_insert(indent);
        let Some(chart) = &mut self.chart else {
            return if indent == name_column { self.name(content) } else { Ok(Step::Unusual) };
        };
        let is_entry =
            is_dash(content) && indent >= name_column && chart.dash.is_none_or(|dash| dash == indent);
        if is_entry {
            chart.dash = Some(indent);
            self.entry_done(text)?;
            self.piece = Some((start, start));
            return Ok(Step::On);
        }
        match chart.dash {
            Some(dash) if indent > dash => Ok(Step::On),
            _ if indent == name_column => {
                self.entry_done(text)?;
                self.name(content)
            }
            _ => Ok(Step::Unusual),
        }
    }

    /// A chart's name, on a line by itself.
    fn name(&mut self, content: &str) -> Result<Step, IndexError> {
        let Ok(Value::Object(line)) = goyaml::parse_one(content.as_bytes(), &ENTRY) else {
            return Ok(Step::Unusual);
        };
        let mut keys = line.into_iter();
        let (Some((name, value)), None) = (keys.next(), keys.next()) else { return Ok(Step::Unusual) };
        let empty = match &value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        // `<<` and anchors mean something only in their place.
        if !empty || content.starts_with(['<', '?']) || content.contains(['&', '*', '!']) {
            return Ok(Step::Unusual);
        }
        self.builder.chart(&name);
        self.chart = Some(Chart { name, dash: None });
        Ok(Step::On)
    }

    fn entry_done(&mut self, text: &str) -> Result<(), IndexError> {
        let (Some((start, end)), Some(chart)) = (self.piece.take(), &self.chart) else { return Ok(()) };
        let piece = text.get(start..end).unwrap_or_default();
        let value = goyaml::parse_one(piece.as_bytes(), &ENTRY);
        match value.as_ref().map(|value| value.as_array().map(Vec::as_slice)) {
            Ok(Some([entry])) => self.builder.entry(&chart.name, entry),
            Ok(_) | Err(_) => {
                self.broken = true;
                self.builder.note(&chart.name, "an entry that cannot be read");
                Ok(())
            }
        }
    }

    fn finish(mut self, text: &str) -> Outcome {
        if let Err(error) = self.entry_done(text) {
            return Outcome::All(Err(error));
        }
        if !self.entries && !self.api_version {
            return Outcome::Unusual;
        }
        let index = Ok(self.builder.done());
        if self.broken { Outcome::Some(index) } else { Outcome::All(index) }
    }
}

fn is_dash(content: &str) -> bool {
    content == "-" || content.starts_with("- ")
}

/// Whether a value in quotes or brackets ends on its line.
fn is_closed(value: &str) -> bool {
    let pairs = [('"', '"'), ('\'', '\''), ('{', '}'), ('[', ']')];
    pairs.iter().any(|(open, close)| value.len() > 1 && value.starts_with(*open) && value.ends_with(*close))
}
