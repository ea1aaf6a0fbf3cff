//! A key or an item less.

use std::ops::Range;

use goyaml::{Node, NodeKind, Style};
use serde_json::{Map, Value};

use super::{Page, Splice};
use crate::place::{Place, dash};
use crate::text::{is_first_on_line, line_end, line_start, next_line, part, skip_trivia};
use crate::{Error, Path, Step};

impl Page<'_> {
    pub(super) fn remove(&self, path: &Path) -> Result<Vec<Splice>, Error> {
        let gone = self.find(path)?;
        gone.check_inner_anchors(true)?;
        let Some((parent, step)) = path.parent() else {
            return Err(gone.unsupported("a document is not removed"));
        };
        let place = self.find(&parent)?.open(self.sharing)?;
        place.check_anchor(self.sharing)?;
        match (step, place.node.kind()) {
            (Step::Key(name), NodeKind::Mapping(entries)) => self.remove_key(&place, &entries, name),
            (Step::Index(index), NodeKind::Sequence(items)) => self.remove_item(&place, &items, *index),
            (step, kind) => Err(place.wrong_kind(step, &kind)),
        }
    }

    /// All entries of the name: with the last gone, one before it would count.
    fn remove_key(
        &self,
        place: &Place<'_>,
        entries: &[(Node<'_>, Node<'_>)],
        name: &str,
    ) -> Result<Vec<Splice>, Error> {
        let named: Vec<usize> = entries
            .iter()
            .enumerate()
            .filter(|(_, (key, _))| key.key().as_deref() == Some(name))
            .map(|(i, _)| i)
            .collect();
        if named.len() == entries.len() {
            return self.replace(place, &Value::Object(Map::new()));
        }
        if named.len() > 1 {
            return Err(place.unsupported("a key that stands there more than once is not removed"));
        }
        let Some(&index) = named.first() else {
            return Err(place.unsupported("a merged key is not removed"));
        };
        if place.node.style() == Style::Flow {
            let parts: Vec<_> = entries
                .iter()
                .map(|(key, value)| key.start()..value.span().end.max(key.span().end))
                .collect();
            return Ok(self.cut_from_flow(&parts, index));
        }
        // A key may be behind a `?`.
        let starts = |i: usize| match i.checked_sub(1).and_then(|before| entries.get(before)) {
            Some((key, value)) => skip_trivia(self.text, self.end(*value).max(key.span().end)),
            None => place.node.span().start,
        };
        let Some((key, value)) = entries.get(index) else { return Ok(Vec::new()) };
        let end = self.end(*value).max(key.span().end);
        let next = (index + 1 < entries.len()).then(|| starts(index + 1));
        Ok(vec![self.cut_lines(starts(index)..end, next)])
    }

    fn remove_item(&self, place: &Place<'_>, items: &[Node<'_>], index: usize) -> Result<Vec<Splice>, Error> {
        if items.len() == 1 {
            return self.replace(place, &Value::Array(Vec::new()));
        }
        if place.node.style() == Style::Flow {
            let parts: Vec<_> = items.iter().map(|item| item.start()..item.span().end).collect();
            return Ok(self.cut_from_flow(&parts, index));
        }
        let starts = |i: usize| dash(self.text, place.node, items, i);
        let Some(item) = items.get(index) else { return Ok(Vec::new()) };
        let end = self.end(*item).max(starts(index) + 1);
        let next = (index + 1 < items.len()).then(|| starts(index + 1));
        Ok(vec![self.cut_lines(starts(index)..end, next)])
    }

    /// Cuts an entry with its lines. Where something else begins its first line (the `-` of the item that a map is), the next entry moves there.
    fn cut_lines(&self, bytes: Range<usize>, next: Option<usize>) -> Splice {
        let text = self.text;
        if is_first_on_line(text, bytes.start) {
            return Splice::cut(line_start(text, bytes.start)..next_line(text, bytes.end));
        }
        match next {
            Some(next) if !part(text, bytes.end, next).contains('#') => Splice::cut(bytes.start..next),
            _ => {
                let before = part(text, 0, bytes.start);
                Splice::cut(before.trim_end_matches(' ').len()..line_end(text, bytes.end))
            }
        }
    }

    fn cut_from_flow(&self, parts: &[Range<usize>], index: usize) -> Vec<Splice> {
        let text = self.text;
        let Some(bytes) = parts.get(index) else { return Vec::new() };
        let behind = skip_trivia(text, bytes.end);
        let own_line = is_first_on_line(text, bytes.start);
        if part(text, behind, behind + 1) == "," {
            let after = behind + 1;
            let rest = part(text, after, line_end(text, after)).trim_start_matches([' ', '\t']);
            if own_line && (rest.is_empty() || rest.starts_with('#')) {
                return vec![Splice::cut(line_start(text, bytes.start)..next_line(text, after))];
            }
            let blanks = part(text, after, text.len());
            let blanks = blanks.len() - blanks.trim_start_matches([' ', '\t']).len();
            return vec![Splice::cut(bytes.start..after + blanks)];
        }
        // The last one: the comma before it goes, too.
        let Some(before) = index.checked_sub(1).and_then(|before| parts.get(before)) else {
            return vec![Splice::cut(bytes.clone())];
        };
        let comma = skip_trivia(text, before.end);
        let rest = part(text, bytes.end, line_end(text, bytes.end)).trim_start_matches([' ', '\t']);
        if own_line && (rest.is_empty() || rest.starts_with('#')) {
            return vec![
                Splice::cut(comma..comma + 1),
                Splice::cut(line_start(text, bytes.start)..next_line(text, bytes.end)),
            ];
        }
        if part(text, comma, bytes.start).contains('#') {
            return vec![Splice::cut(comma..comma + 1), Splice::cut(bytes.clone())];
        }
        vec![Splice::cut(comma..bytes.end)]
    }
}
