//! A text of documents, and what can be done to it.

use goyaml::{Limits, Mark, Outline, Style, outline};
use serde_json::Value;

use crate::difference::{Change, changes};
use crate::place::Within;
use crate::scalar::{Around, string};
use crate::splice::{Page, Splice, apply};
use crate::write::Manner;
use crate::{Error, Path, place};

/// What becomes of values that stand in several places, by anchor and alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// They are not edited: [`Error::Alias`], [`Error::Anchor`].
    #[default]
    Refuse,
    /// They are edited in all their places at once.
    Change,
}

/// A text of YAML documents. Each edit reads the text again, so that it costs what reading costs.
#[derive(Debug, Clone)]
pub struct Stream {
    text: String,
    outlines: Vec<Outline>,
    limits: Limits,
    sharing: Sharing,
}

impl Stream {
    /// Reads a text, within [`Limits::default`].
    ///
    /// **Errors**: [`Error::Syntax`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_within(text, Limits::default())
    }

    /// Reads a text, within limits that hold for what becomes of it, too.
    pub fn parse_within(text: &str, limits: Limits) -> Result<Self, Error> {
        let outlines = outline(text, &limits).map_err(Error::Syntax)?;
        Ok(Self { text: text.to_owned(), outlines, limits, sharing: Sharing::Refuse })
    }

    /// Says what becomes of values that stand in several places.
    #[must_use]
    pub fn sharing(self, sharing: Sharing) -> Self {
        Self { sharing, ..self }
    }

    /// The text as it is now.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text, at the end.
    pub fn into_text(self) -> String {
        self.text
    }

    /// How many documents the text has, empty ones included.
    pub fn documents(&self) -> usize {
        self.outlines.len()
    }

    /// What a document says; `null` for an empty one, and for the first of a text that has none.
    pub fn value(&self, document: usize) -> &Value {
        self.outlines.get(document).map_or(&Value::Null, Outline::value)
    }

    /// Where a value is; that of its key, where it has one.
    pub fn locate(&self, document: usize, path: &Path) -> Option<Mark> {
        let outline = self.outlines.get(document)?;
        place::find(outline, &self.text, path, Sharing::Change).ok().map(|place| place.mark())
    }

    /// Where the text of a value starts, behind its key. For one that is nothing, where it would start.
    pub fn locate_value(&self, document: usize, path: &Path) -> Option<Mark> {
        let outline = self.outlines.get(document)?;
        place::find(outline, &self.text, path, Sharing::Change).ok().map(|place| place.node.mark())
    }

    /// Makes the value of a path this one, with as few changes as there can be: within maps and lists only what differs is touched. Keys
    /// that are missing on the way, and the value's own, are added at the end of their maps; an item may be the next of its list.
    /// Says whether the text changed.
    pub fn set(&mut self, document: usize, path: &Path, value: &Value) -> Result<bool, Error> {
        let mut wanted = self.value(document).clone();
        self.check_document(document)?;
        path.put(&mut wanted, value.clone()).ok_or_else(|| self.explain(document, path))?;
        self.update(document, &wanted)
    }

    /// Puts an item before the one with this index of a list, or behind its last one. A list that is null is made one.
    pub fn insert(&mut self, document: usize, list: &Path, index: usize, value: &Value) -> Result<(), Error> {
        self.check_document(document)?;
        self.change(document, &Change::Insert(list.index(index), value.clone()))
    }

    /// Puts an item behind the last one of a list.
    pub fn push(&mut self, document: usize, list: &Path, value: &Value) -> Result<(), Error> {
        let count = list.find(self.value(document)).and_then(Value::as_array).map_or(0, Vec::len);
        self.insert(document, list, count, value)
    }

    /// Takes away a key with its value, or an item. A map or list that loses its last one is written `{}` or `[]`.
    pub fn remove(&mut self, document: usize, path: &Path) -> Result<(), Error> {
        self.check_document(document)?;
        self.change(document, &Change::Remove(path.clone()))
    }

    /// Gives a key another name, which its map must not have; its value and its place stay.
    pub fn rename(&mut self, document: usize, path: &Path, name: &str) -> Result<(), Error> {
        self.check_document(document)?;
        let Some(outline) = self.outlines.get(document) else { return Err(self.explain(document, path)) };
        let place = place::find(outline, &self.text, path, self.sharing)?;
        let disturbs = || Error::Disturbs { path: path.clone(), mark: Some(place.mark()) };
        let Within::Map { key } = &place.within else { return Err(disturbs()) };
        let mut wanted = outline.value().clone();
        let value = path.take(&mut wanted).ok_or_else(disturbs)?;
        let renamed = path.parent().map(|(parent, _)| parent.key(name)).unwrap_or_default();
        if renamed.find(&wanted).is_some() {
            return Err(disturbs());
        }
        renamed.put(&mut wanted, value).ok_or_else(disturbs)?;
        let around = if place.in_flow { Around::Flow } else { Around::Block };
        let text = apply(&self.text, vec![Splice::new(key.span(), string(name, key.style(), around))]);
        let outlines = goyaml::outline(&text, &self.limits).map_err(|_| disturbs())?;
        if outlines.get(document).map(Outline::value) != Some(&wanted) {
            return Err(disturbs());
        }
        (self.text, self.outlines) = (text, outlines);
        Ok(())
    }

    /// Makes a document say this, with as few changes as there can be, as [`Self::set`]. What stands in several places by anchor and alias
    /// is changed if all of them shall say the same.
    pub fn update(&mut self, document: usize, value: &Value) -> Result<bool, Error> {
        self.check_document(document)?;
        let mut list = Vec::new();
        changes(&Path::root(), self.value(document), value, &mut list);
        // All or nothing. Where aliases are among what changes, they stay aliases if their anchors become the same.
        let shared = || {
            let edited = self.clone().sharing(Sharing::Change).with(document, &list).ok()?;
            (edited.value(document) == value).then(|| edited.sharing(self.sharing))
        };
        let edited = match self.is_alias_among(document, &list).then(shared).flatten() {
            Some(edited) => edited,
            None => match self.with(document, &list) {
                Err(refused @ Error::Anchor { .. }) => shared().ok_or(refused)?,
                other => other?,
            },
        };
        *self = edited;
        Ok(!list.is_empty())
    }

    fn is_alias_among(&self, document: usize, changes: &[Change]) -> bool {
        let Some(outline) = self.outlines.get(document) else { return false };
        changes.iter().any(|change| {
            let found = place::find(outline, &self.text, change.path(), Sharing::Change);
            found.is_ok_and(|place| place.node.style() == Style::Alias)
        })
    }

    fn with(&self, document: usize, changes: &[Change]) -> Result<Self, Error> {
        let mut edited = self.clone();
        for change in changes {
            edited.change(document, change)?;
        }
        Ok(edited)
    }

    fn change(&mut self, document: usize, change: &Change) -> Result<(), Error> {
        let mut wanted = self.value(document).clone();
        let path = change.path();
        change.apply(&mut wanted).ok_or_else(|| self.explain(document, path))?;
        // Lines without quotes end where the text does, or go on in what follows; in quotes they do not.
        let (text, outlines) = match self.attempt(document, change, &wanted, true)? {
            Some(edited) => edited,
            None => self
                .attempt(document, change, &wanted, false)?
                .ok_or_else(|| Error::Disturbs { path: path.clone(), mark: self.locate(document, path) })?,
        };
        (self.text, self.outlines) = (text, outlines);
        Ok(())
    }

    /// The text after a change. `None` where it does not say what is wanted, or something else besides.
    fn attempt(
        &self,
        document: usize,
        change: &Change,
        wanted: &Value,
        literals: bool,
    ) -> Result<Option<(String, Vec<Outline>)>, Error> {
        let splices = match self.outlines.get(document) {
            Some(outline) if outline.root().span().is_empty() && outline.value().is_null() => {
                self.first_value(outline.end(), wanted, literals)
            }
            Some(outline) => {
                let manner = Manner { literals, ..Manner::of(&self.text, &self.outlines) };
                Page { text: &self.text, outline, manner, sharing: self.sharing }.splices(change)?
            }
            None => self.first_value(self.text.len(), wanted, literals),
        };
        let text = apply(&self.text, splices);
        let Ok(outlines) = outline(&text, &self.limits) else { return Ok(None) };
        let Some(made) = outlines.get(document).map(Outline::value) else { return Ok(None) };
        let same = match (self.sharing, change) {
            (Sharing::Refuse, _) => made == wanted,
            // The other places of what is shared say the same now; this one must say what it should.
            (
                Sharing::Change,
                Change::Replace(path, value) | Change::Add(path, value) | Change::Insert(path, value),
            ) => path.find(made) == Some(value),
            (Sharing::Change, Change::Remove(_)) => true,
        };
        let others = self.outlines.iter().zip(&outlines).enumerate();
        let alone =
            others.into_iter().all(|(i, (before, after))| i == document || before.value() == after.value());
        let count = self.outlines.len().max(1) == outlines.len();
        Ok((same && alone && count).then_some((text, outlines)))
    }

    /// The first value of a document that has none, behind its comments.
    fn first_value(&self, end: usize, value: &Value, literals: bool) -> Vec<Splice> {
        let manner = Manner { literals, ..Manner::of(&self.text, &self.outlines) };
        let before = self.text.get(..end).unwrap_or_default();
        let glue = if before.is_empty() || before.ends_with('\n') || before == "\u{feff}" {
            ""
        } else {
            manner.line_break
        };
        vec![Splice::new(end..end, format!("{glue}{}{}", manner.block(value, 0), manner.line_break))]
    }

    fn check_document(&self, document: usize) -> Result<(), Error> {
        let documents = self.outlines.len().max(1);
        if document < documents { Ok(()) } else { Err(Error::NoDocument { document, documents }) }
    }

    /// Why there is no such path.
    fn explain(&self, document: usize, path: &Path) -> Error {
        let mark = Mark { line: 1, column: 1 };
        let Some(outline) = self.outlines.get(document) else {
            return Error::NotFound { path: path.clone(), mark };
        };
        match place::find(outline, &self.text, path, Sharing::Change) {
            Err(error) => error,
            Ok(place) => Error::NotFound { path: path.clone(), mark: place.mark() },
        }
    }
}
