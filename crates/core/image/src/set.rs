//! Images in a file's text: where they are named, and the text with others in their place.

mod kustomization;
mod manifest;
mod values;

use std::fmt;

use serde_json::Value;
use yamledit::{Path, Stream};

use crate::tree::KUSTOMIZATIONS;
use crate::{ImageRef, InvalidImage};

/// An image that is looked for, and what it shall be.
///
/// From text ([`str::parse`]) as `kustomize edit set image` takes it: `NAME:TAG`, `NAME@DIGEST`, `NAME:TAG@DIGEST`, `NAME=NEW` and
/// `NAME=NEW:TAG`. `*` as the tag or digest, or nothing after the new name, keeps what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Name of the image as files have it now, without tag and digest.
    pub name: String,
    /// Another name, where it shall have one.
    pub new_name: Option<String>,
    /// The tag it shall have; `None` keeps the one it has, unless a digest takes its place.
    pub tag: Option<String>,
    /// The digest it shall have; `None` takes away the one it has, if there is a new tag.
    pub digest: Option<String>,
}

/// Path of a value in a Helm values file, as `image.tag`, `api.images[0].tag` or `"a.b".tag`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuesKey {
    /// The image that it belongs to, where several are set: `NAME=KEY`.
    pub image: Option<String>,
    /// Keys and indices.
    pub path: Vec<String>,
}

/// What to set in one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// The images.
    pub images: Vec<Wanted>,
    /// Where the values file has them. With at least one, the file is taken for a values file whatever it is called, and only these keys
    /// change. A key that is missing is added.
    pub values_keys: Vec<ValuesKey>,
    /// Whether a kustomization that does not name an image gets an entry for it. Say so where a resource or a base of it uses the image.
    pub add_to_kustomization: bool,
}

/// One value that is another now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file, as it was called in the question.
    pub path: String,
    /// Line of the value in the new text, from 1.
    pub line: usize,
    /// Path of the value: `spec.template.spec.containers[0].image`, `images[1].newTag`. In a file of several documents `#2` and a blank
    /// come first for the second.
    pub field: String,
    /// What stood there; `None` where nothing did.
    pub old: Option<String>,
    /// What stands there now; `None` where it was taken away.
    pub new: Option<String>,
}

/// A place where one of the images stands, changed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Index in [`Request::images`].
    pub image: usize,
    /// Line in the new text, from 1.
    pub line: usize,
    /// Path of the value, as in [`Change::field`].
    pub field: String,
}

/// A file's text with the images in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The text, byte for byte what it was where nothing changed.
    pub text: String,
    /// What changed, in the order of the text. Empty: there was nothing to change.
    pub changes: Vec<Change>,
    /// Where the images are, those that were right already included. Empty: the file names none of them.
    pub found: Vec<Found>,
}

/// Why a file was left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The reference asked for is none.
    #[error(transparent)]
    Image(#[from] InvalidImage),
    /// The key of a values file cannot be read.
    #[error("{key:?} is no key of a values file: {problem}")]
    Key {
        /// The key as it was typed.
        key: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A values file has something at a key that is no part of an image.
    #[error("line {line}: {field} is no place for an image")]
    Place {
        /// The key.
        field: String,
        /// Where it is, or what it would be in.
        line: usize,
    },
    /// Several images are set, and which of them a key is for cannot be told.
    #[error("{key} may be for any of the images: say NAME={key}")]
    Which {
        /// The key.
        key: String,
    },
    /// A key is for an image that is not set.
    #[error("{key} is for an image that is not among those to set")]
    NotAsked {
        /// The key, with its image.
        key: String,
    },
    /// The registry stands in a key of its own and would have to be another.
    #[error("{field} is {found:?}, and the image is in {wanted:?}: give its key, too")]
    Registry {
        /// The key of the registry.
        field: String,
        /// What it says.
        found: String,
        /// Where the image is.
        wanted: String,
    },
    /// The file cannot be read, or not be edited without harm.
    #[error(transparent)]
    Edit(#[from] yamledit::Error),
}

/// Sets images in one file.
///
/// **Shape**: a kustomization (by its file name) is edited in its `images`; with [`Request::values_keys`] the file is one of Helm values;
/// every other is one of manifests, of as many documents as it likes, and a document without `apiVersion` and `kind` one of values whose
/// images are found by their names. What names other images, and everything else in the text, stays byte for byte.
/// **Errors**: the file is not YAML, an alias stands in the way, a key leads through a value that is none: each with line and column.
/// **Source**: `kustomize edit set image` v5.8 for kustomizations; argocd-image-updater's `helmvalues` for values.
pub fn set_image(path: &str, text: &str, request: &Request) -> Result<Edited, Error> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stream = Stream::parse(text)?;
    let sets = if !request.values_keys.is_empty() {
        values::by_keys(&stream, request)?
    } else if KUSTOMIZATIONS.contains(&name) {
        kustomization::sets(&stream, request)
    } else {
        manifest::sets(&stream, request)
    };
    write(path, stream, &sets)
}

/// One value that belongs to an image.
#[derive(Debug, Clone, PartialEq)]
struct Set {
    document: usize,
    path: Path,
    /// Index in [`Request::images`].
    image: usize,
    /// What it shall be; `None` where it shall not be there.
    new: Option<String>,
}

fn write(file: &str, mut stream: Stream, sets: &[Set]) -> Result<Edited, Error> {
    let before = stream.clone();
    for document in 0..stream.documents().max(1) {
        let mut wanted = stream.value(document).clone();
        for set in sets.iter().filter(|set| set.document == document) {
            match &set.new {
                Some(new) if set.path.find(&wanted).and_then(Value::as_str) != Some(new) => {
                    set.path.put(&mut wanted, new.as_str().into()).ok_or_else(|| Error::Place {
                        field: set.path.to_string(),
                        line: line(&stream, set),
                    })?;
                }
                Some(_) => {}
                None => drop(set.path.take(&mut wanted)),
            }
        }
        stream.update(document, &wanted)?;
    }
    let (mut changes, mut found) = (Vec::new(), Vec::new());
    for set in sets {
        let field = match set.document {
            0 if stream.documents() <= 1 => set.path.to_string(),
            document => format!("#{} {}", document + 1, set.path),
        };
        let old = set.path.find(before.value(set.document)).map(shown);
        let line = line(&stream, set);
        // What is taken away changes, and is not where the image stands.
        if set.new.is_some() {
            found.push(Found { image: set.image, line, field: field.clone() });
        }
        if old != set.new {
            changes.push(Change { path: file.to_owned(), line, field, old, new: set.new.clone() });
        }
    }
    changes.sort_by_key(|change| change.line);
    Ok(Edited { text: stream.into_text(), changes, found })
}

/// The line of a value, or that of what it was in.
fn line(stream: &Stream, set: &Set) -> usize {
    let mut path = set.path.clone();
    loop {
        if let Some(mark) = stream.locate_value(set.document, &path) {
            return mark.line;
        }
        match path.parent() {
            Some((parent, _)) => path = parent,
            None => return 1,
        }
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Wanted {
    /// The reference that comes in the place of one: another tag takes the digest away, another digest the tag.
    fn instead_of(&self, old: &ImageRef) -> ImageRef {
        let (tag, digest) = match (&self.tag, &self.digest) {
            (None, None) => (old.tag.clone(), old.digest.clone()),
            (tag, digest) => (tag.clone(), digest.clone()),
        };
        ImageRef { name: self.new_name.clone().unwrap_or_else(|| old.name.clone()), tag, digest }
    }

    /// Whether a name is this image's.
    fn is(&self, name: &str) -> bool {
        let named = |name: &str| ImageRef { name: name.to_owned(), ..ImageRef::default() };
        named(&self.name).same_name(&named(name))
    }
}

impl std::str::FromStr for Wanted {
    type Err = InvalidImage;

    fn from_str(text: &str) -> Result<Self, InvalidImage> {
        let invalid = |problem| InvalidImage { text: text.to_owned(), problem };
        let (name, new) = match text.split_once('=') {
            Some((name, new)) => (Some(name), new),
            None => (None, text),
        };
        let kept = new.strip_suffix(":*").or_else(|| new.strip_suffix("@*"));
        let image = ImageRef::parse(kept.unwrap_or(new)).map_err(|error| invalid(error.problem))?;
        let Some(name) = name else {
            if image.tag.is_none() && image.digest.is_none() && kept.is_none() {
                return Err(invalid("it has neither a tag nor a digest nor a new name"));
            }
            return Ok(Self { name: image.name, new_name: None, tag: image.tag, digest: image.digest });
        };
        let old = ImageRef::parse(name).map_err(|error| invalid(error.problem))?;
        if old.name != name {
            return Err(invalid("the name before the `=` has a tag or a digest"));
        }
        let new_name = (image.name != name).then_some(image.name);
        Ok(Self { name: old.name, new_name, tag: image.tag, digest: image.digest })
    }
}

impl std::str::FromStr for ValuesKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let key_error = |problem| Error::Key { key: text.to_owned(), problem };
        let (image, key) = match text.split_once('=') {
            Some((image, key)) => (Some(image.to_owned()), key),
            None => (None, text),
        };
        let path = keys(key).map_err(key_error)?;
        Ok(Self { image, path })
    }
}

impl fmt::Display for ValuesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(image) = &self.image {
            write!(f, "{image}=")?;
        }
        f.write_str(&self.path.join("."))
    }
}

/// Cuts `a."b.c".d[0]` into its keys.
fn keys(text: &str) -> Result<Vec<String>, &'static str> {
    let (mut keys, mut rest) = (Vec::new(), text);
    if rest.is_empty() {
        return Err("it is empty");
    }
    loop {
        let (key, after) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted.split_once('"').ok_or("a quote is not closed")?
        } else {
            rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()))
        };
        if key.is_empty() {
            return Err("a part of it is empty");
        }
        keys.push(key.to_owned());
        rest = after;
        while let Some(open) = rest.strip_prefix('[') {
            let (index, after) = open.split_once(']').ok_or("a `[` is not closed")?;
            if index.parse::<usize>().is_err() {
                return Err("an index is no number");
            }
            keys.push(index.to_owned());
            rest = after;
        }
        if rest.is_empty() {
            return Ok(keys);
        }
        rest = rest.strip_prefix('.').ok_or("a `.` is missing")?;
    }
}
