//! Another value in the place of one.

use goyaml::{Node, NodeKind, Style};
use serde_json::Value;

use super::{Page, Splice};
use crate::Error;
use crate::place::{Place, Within};
use crate::scalar::Around;
use crate::text::{column, is_first_on_line, line_end, line_start, next_line, part};
use crate::write::{flow, is_block};

impl Page<'_> {
    pub(super) fn replace(&self, place: &Place<'_>, value: &Value) -> Result<Vec<Splice>, Error> {
        place.check_anchor(self.sharing)?;
        place.check_inner_anchors(false)?;
        // With leave to change what is shared, that is what an alias stands for.
        let opened = if self.sharing == crate::Sharing::Change {
            place.clone().open(self.sharing)?
        } else {
            place.clone()
        };
        let place = &opened;
        let mut splices = if place.in_flow {
            self.replace_in_flow(place, value)
        } else if is_block(value) {
            self.replace_by_block(place, value)
        } else {
            self.replace_by_scalar(place, value)
        }?;
        self.drop_tag(place, &mut splices);
        Ok(splices)
    }

    fn replace_in_flow(&self, place: &Place<'_>, value: &Value) -> Result<Vec<Splice>, Error> {
        let (node, style) = (place.node, place.node.style());
        let around = if style == Style::DoubleQuoted && self.around(self.outline.root()) == Around::Json {
            Around::Json
        } else {
            self.around(node)
        };
        let new = flow(value, style, around);
        if style != Style::Empty {
            return Ok(vec![Splice::new(node.span(), new)]);
        }
        let slot = self.slot(place);
        // `{a}` has no `:` yet.
        let colon = matches!(&place.within, Within::Map { key } if key.span().end == slot);
        Ok(vec![Splice::at(slot, format!("{}{new}", if colon { ": " } else { " " }))])
    }

    fn replace_by_scalar(&self, place: &Place<'_>, value: &Value) -> Result<Vec<Splice>, Error> {
        let (node, text) = (place.node, self.text);
        let (span, end, slot) = (node.span(), self.end(node), self.slot(place));
        let style = match node.kind() {
            NodeKind::Scalar => node.style(),
            _ => Style::Plain,
        };
        let (head, lines) = self.manner.scalar(value, style, self.column_of_lines(place));
        match node.style() {
            Style::Empty => {
                self.check_colon(place, slot)?;
                Ok(vec![
                    Splice::at(slot, format!(" {head}")),
                    Splice::at(self.lines_end(slot, &lines), lines),
                ])
            }
            Style::Literal | Style::Folded => {
                let header = part(text, span.start, line_end(text, span.start));
                let comment = header.find(" #").and_then(|at| header.get(at..)).unwrap_or_default();
                Ok(vec![Splice::new(span.start..end, format!("{head}{comment}{lines}"))])
            }
            Style::Block | Style::Indentless if slot < span.start && self.is_below(slot, span.start) => {
                let (from, to) = (line_start(text, span.start), next_line(text, end));
                Ok(vec![
                    Splice::at(slot, format!(" {head}")),
                    Splice::at(self.lines_end(slot, &lines), lines),
                    Splice::cut(from..to),
                ])
            }
            _ if lines.is_empty() => Ok(vec![Splice::new(span.start..end, head)]),
            _ => Ok(vec![Splice::new(span.start..end, head), Splice::at(line_end(text, end), lines)]),
        }
    }

    fn replace_by_block(&self, place: &Place<'_>, value: &Value) -> Result<Vec<Splice>, Error> {
        let (node, text, manner) = (place.node, self.text, self.manner);
        let (span, end, slot) = (node.span(), self.end(node), self.slot(place));
        let key_column = match &place.within {
            Within::Document => {
                let block = manner.block(value, 0);
                let first = is_first_on_line(text, span.start) && column(text, span.start) == 0;
                let new = if first { block } else { format!("{}{block}", manner.line(0)) };
                return Ok(vec![Splice::new(span.start..end, new)]);
            }
            Within::List { dash } => {
                let column = column(text, *dash) + 2;
                let block = manner.block(value, column);
                return Ok(vec![if node.style() == Style::Empty {
                    Splice::at(slot, format!(" {block}"))
                } else if self.is_below(slot, span.start) {
                    Splice::new(line_start(text, span.start)..end, format!("{}{block}", " ".repeat(column)))
                } else {
                    Splice::new(span.start..end, block)
                }]);
            }
            Within::Map { key } => column(text, key.start()),
        };
        self.check_colon(place, slot)?;
        let under = manner.column_under(key_column, value);
        let block = manner.block(value, under);
        if node.style() != Style::Empty && self.is_below(slot, span.start) {
            return Ok(vec![Splice::new(
                line_start(text, span.start)..end,
                format!("{}{block}", " ".repeat(under)),
            )]);
        }
        // What follows the old value on its line, a comment, stays with the key.
        let block = format!("{}{block}", manner.line(under));
        Ok(if matches!(node.style(), Style::Literal | Style::Folded) {
            vec![Splice::new(slot..end, block)]
        } else {
            vec![Splice::cut(slot..end.max(slot)), Splice::at(line_end(text, end.max(slot)), block)]
        })
    }

    /// A tag would make something else of the new value.
    fn drop_tag(&self, place: &Place<'_>, splices: &mut Vec<Splice>) {
        let (from, to) = (place.node.start(), place.node.span().start);
        let mut at = from;
        for word in part(self.text, from, to).split([' ', '\t', '\r', '\n']) {
            if word.starts_with('!') {
                let before = part(self.text, 0, at).ends_with(' ');
                let bytes = at - usize::from(before)..at + word.len();
                if splices
                    .iter()
                    .all(|splice| splice.bytes.start >= bytes.end || splice.bytes.end <= bytes.start)
                {
                    splices.push(Splice::cut(bytes));
                }
                return;
            }
            if word.starts_with('#') {
                return;
            }
            at += word.len() + 1;
        }
    }

    /// A key after `?` may have no `:` at all.
    fn check_colon(&self, place: &Place<'_>, slot: usize) -> Result<(), Error> {
        match &place.within {
            Within::Map { key } if key.span().end == slot => {
                Err(place.unsupported("a key after `?` without a `:` is not edited"))
            }
            Within::Map { .. } | Within::Document | Within::List { .. } => Ok(()),
        }
    }

    fn is_below(&self, slot: usize, content: usize) -> bool {
        part(self.text, slot, content).contains('\n')
    }

    /// Where the further lines of a scalar go: behind the comment on its first line. Where there are none it does not matter.
    fn lines_end(&self, slot: usize, lines: &str) -> usize {
        if lines.is_empty() { slot } else { line_end(self.text, slot) }
    }

    /// Column of the lines of a block scalar in this place.
    fn column_of_lines(&self, place: &Place<'_>) -> usize {
        let written = |node: Node<'_>| {
            let lines = part(self.text, node.span().start, node.span().end).split('\n').skip(1);
            lines
                .filter(|line| !line.trim().is_empty())
                .map(|line| line.len() - line.trim_start_matches(' ').len())
                .next()
        };
        let block = matches!(place.node.style(), Style::Literal | Style::Folded);
        if let Some(column) = block.then(|| written(place.node)).flatten() {
            return column;
        }
        match &place.within {
            Within::Document => self.manner.width,
            Within::Map { key } => column(self.text, key.start()) + self.manner.width,
            Within::List { dash } => column(self.text, *dash) + 2,
        }
    }
}
