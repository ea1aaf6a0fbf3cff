//! The words of `kustomize edit set image`.

use serde_json::{Map, Value};

use crate::ImageRef;

/// Stands for what the kustomization says, as the new name, tag or digest.
const KEEP: &str = "*";

/// What `kustomize edit set image` is told about one image: an entry of `images`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageEdit {
    /// The image's name.
    pub name: String,
    entry: Map<String, Value>,
}

impl ImageEdit {
    /// The forms of a word, for those who are told that theirs is none.
    pub const FORMS: [&str; 7] = [
        "<image>=<newimage>:<newtag>",
        "<image>=<newimage>@<digest>",
        "<image>=<newimage>:<newtag>@<digest>",
        "<image>=<newimage>",
        "<image>:<newtag>",
        "<image>:<newtag>@<digest>",
        "<image>@<digest>",
    ];

    /// Reads a word.
    ///
    /// **Shape**: one of [`FORMS`](Self::FORMS), any part of which may be `*` (see [`fill_in`](Self::fill_in)); what stands before
    /// an empty `=` is as if it were not there. **Errors**: `None` where it says nothing new of an image.
    /// **Source**: kustomize v5.8, `edit/set/setimage.go`.
    pub fn parse(word: &str) -> Option<Self> {
        let (name, value) = word.split_once('=').unwrap_or(("", word));
        let ImageRef { name: of_value, tag, digest } = ImageRef::split(value);
        if of_value == word {
            return None;
        }
        let (name, new_name) =
            if name.is_empty() { (of_value, None) } else { (name.to_owned(), Some(of_value)) };
        let mut entry = Map::new();
        entry.insert("name".to_owned(), name.as_str().into());
        for (field, text) in [("newName", new_name), ("newTag", tag), ("digest", digest)] {
            entry.extend(text.filter(|text| !text.is_empty()).map(|text| (field.to_owned(), text.into())));
        }
        Some(Self { name, entry })
    }

    /// The entry, with every `*` as it is.
    pub fn into_entry(self) -> Value {
        Value::Object(self.entry)
    }

    /// The entry that it makes of one that is there, `null` for none.
    pub fn over(&self, there: &Value) -> Value {
        let mut entry = Value::Object(self.entry.clone());
        Self::fill_in(&mut entry, there);
        entry
    }

    /// Puts what is there, `null` for nothing, into the fields of an entry that are `*`; those that it lacks go.
    pub fn fill_in(entry: &mut Value, there: &Value) {
        let Some(entry) = entry.as_object_mut() else { return };
        for field in ["newName", "newTag", "digest"] {
            if entry.get(field).and_then(Value::as_str) != Some(KEEP) {
                continue;
            }
            match there.get(field).filter(|value| !value.is_null() && *value != "") {
                Some(value) => drop(entry.insert(field.to_owned(), value.clone())),
                None => drop(entry.remove(field)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
