//! A key or an item more.

use goyaml::{Node, NodeKind, Style};
use serde_json::{Map, Value};

use super::{Page, Splice};
use crate::place::{Place, dash};
use crate::text::{column, is_first_on_line, line_end, line_start, part};
use crate::write::{flow, flow_entry};
use crate::{Error, Path, Step};

impl Page<'_> {
    /// A key behind the last one of its map.
    pub(super) fn add(&self, path: &Path, value: &Value) -> Result<Vec<Splice>, Error> {
        let Some((parent, Step::Key(name))) = path.parent() else {
            return Err(Error::NotFound { path: path.clone(), mark: self.outline.root().mark() });
        };
        let place = self.parent(&parent)?;
        let entries = match place.node.kind() {
            NodeKind::Mapping(entries) => entries,
            NodeKind::Scalar if self.is_null(&place) => Vec::new(),
            kind => return Err(place.wrong_kind(&Step::Key(name.clone()), &kind)),
        };
        let Some((key, last)) = entries.last() else {
            return self.replace(&place, &Value::Object(Map::from_iter([(name.clone(), value.clone())])));
        };
        match place.node.style() {
            Style::Block => {
                let column = column(self.text, place.node.span().start);
                let entry = self.manner.entry(name, value, column);
                let at = line_end(self.text, self.end(place.node));
                Ok(vec![Splice::at(at, format!("{}{entry}", self.manner.line(column)))])
            }
            Style::Pair => Err(place.unsupported("a map without brackets of its own takes no second key")),
            _ => {
                let entry = flow_entry(name, value, self.around(place.node));
                Ok(vec![self.behind_in_flow(*key, *last, &entry)])
            }
        }
    }

    /// An item before the one with this index, or behind the last one.
    pub(super) fn insert(&self, path: &Path, value: &Value) -> Result<Vec<Splice>, Error> {
        let Some((parent, Step::Index(index))) = path.parent() else {
            return Err(Error::NotFound { path: path.clone(), mark: self.outline.root().mark() });
        };
        let place = self.parent(&parent)?;
        let items = match place.node.kind() {
            NodeKind::Sequence(items) => items,
            NodeKind::Scalar if self.is_null(&place) => Vec::new(),
            kind => return Err(place.wrong_kind(&Step::Index(*index), &kind)),
        };
        if *index > items.len() {
            return Err(Error::NotFound { path: path.clone(), mark: place.node.mark() });
        }
        let Some(first) = items.first() else {
            return self.replace(&place, &Value::Array(vec![value.clone()]));
        };
        let before = index.checked_sub(1).and_then(|before| items.get(before));
        if place.node.style() == Style::Flow {
            let item = flow(value, Style::Plain, self.around(place.node));
            return Ok(vec![match before {
                Some(before) => self.behind_in_flow(*before, *before, &item),
                None => Splice::at(first.start(), format!("{item}, ")),
            }]);
        }
        let column = column(self.text, place.node.span().start);
        let item = format!("-{}", self.manner.behind_dash(value, column));
        Ok(vec![match before {
            Some(before) => {
                // An empty item ends with its dash.
                let end = self.end(*before).max(dash(self.text, place.node, &items, index - 1) + 1);
                Splice::at(line_end(self.text, end), format!("{}{item}", self.manner.line(column)))
            }
            None => Splice::at(place.node.span().start, format!("{item}{}", self.manner.line(column))),
        }])
    }

    /// The collection that is to have more.
    fn parent(&self, path: &Path) -> Result<Place<'_>, Error> {
        let place = self.find(path)?;
        place.check_anchor(self.sharing)?;
        place.open(self.sharing)
    }

    fn is_null(&self, place: &Place<'_>) -> bool {
        place.path.find(self.outline.value()).is_some_and(Value::is_null)
    }

    /// A further entry in brackets, on a line of its own where the one before is.
    fn behind_in_flow(&self, start: Node<'_>, last: Node<'_>, entry: &str) -> Splice {
        let (from, end) = (start.start(), last.span().end.max(start.span().end));
        // A `,` right behind a `:` would be part of the key.
        let blank = if last.style() == Style::Empty { " " } else { "" };
        if is_first_on_line(self.text, from) {
            let indent = part(self.text, line_start(self.text, from), from);
            Splice::at(end, format!("{blank},{}{indent}{entry}", self.manner.line_break))
        } else {
            Splice::at(end, format!("{blank}, {entry}"))
        }
    }
}
