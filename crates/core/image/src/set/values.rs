//! Images in the values of Helm charts: whole, or in parts of their own.

use serde_json::Value;
use yamledit::{Path, Stream};

use super::{Error, Request, Set, ValuesKey, Wanted};
use crate::ImageRef;

/// Keys that charts have for the path of an image, and for its digest.
const REPOSITORY: [&str; 2] = ["repository", "name"];
const DIGEST: [&str; 3] = ["digest", "sha", "sha256"];

/// A map that has an image in parts: `{registry: …, repository: …, tag: …, digest: …}`.
#[derive(Debug, Clone)]
pub(super) struct Parts<'a> {
    registry: Option<&'a str>,
    repository_key: &'static str,
    repository: &'a str,
    tag: Option<&'a Value>,
    digest: Option<(&'static str, &'a Value)>,
}

impl<'a> Parts<'a> {
    /// Reads a map. `None` where it has no path of an image, or neither tag nor digest.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let repository_key = REPOSITORY.into_iter().find(|key| text(key).is_some())?;
        let digest = DIGEST.into_iter().find_map(|key| value.get(key).map(|digest| (key, digest)));
        let tag = value.get("tag");
        if tag.is_none() && digest.is_none() {
            return None;
        }
        let registry = text("registry").filter(|registry| !registry.is_empty());
        Some(Self { registry, repository_key, repository: text(repository_key)?, tag, digest })
    }

    /// The image's name, with its registry.
    pub(super) fn name(&self) -> String {
        match self.registry {
            Some(registry) => format!("{registry}/{}", self.repository),
            None => self.repository.to_owned(),
        }
    }
}

/// What the parts of an image become: paths and values, those that stay what they are included.
pub(super) fn parts(path: &Path, old: &Parts<'_>, wanted: &Wanted) -> Vec<(Path, String)> {
    let mut out = Vec::new();
    if let Some(new) = &wanted.new_name {
        let new = ImageRef::split(new);
        match (old.registry, new.registry()) {
            (Some(_), Some(registry)) => {
                out.push((path.key("registry"), registry.to_owned()));
                out.push((path.key(old.repository_key), new.path().to_owned()));
            }
            (Some(registry), None) => {
                out.push((path.key("registry"), registry.to_owned()));
                out.push((path.key(old.repository_key), new.name.clone()));
            }
            (None, _) => out.push((path.key(old.repository_key), new.name.clone())),
        }
    }
    let old_tag = old.tag.map(text).unwrap_or_default();
    match (&wanted.tag, &wanted.digest, old.digest) {
        (None, None, _) if out.is_empty() => {
            out.push((path.key(old.repository_key), old.repository.to_owned()))
        }
        (None, None, _) => {}
        (Some(tag), None, digest) => {
            out.push((path.key("tag"), tag.clone()));
            // Charts put a digest before a tag, so that the old one must go.
            if let Some((key, _)) = digest.filter(|(_, digest)| !text(digest).is_empty()) {
                out.push((path.key(key), String::new()));
            }
        }
        (tag, Some(digest), Some((key, _))) => {
            if let Some(tag) = tag {
                out.push((path.key("tag"), tag.clone()));
            }
            out.push((path.key(key), digest.clone()));
        }
        (tag, Some(digest), None) => {
            out.push((path.key("tag"), with_digest(tag.as_deref(), &old_tag, digest)))
        }
    }
    out
}

/// Sets the keys that were asked for, and no others.
pub(super) fn by_keys(stream: &Stream, request: &Request) -> Result<Vec<Set>, Error> {
    let (document, mut sets) = (0, Vec::new());
    let value = stream.value(document);
    let paths: Vec<Path> = request.values_keys.iter().map(|key| path_in(value, &key.path)).collect();
    for (key, path) in request.values_keys.iter().zip(&paths) {
        let (image, wanted) = image_of(request, key, path, value)?;
        let set = |(path, new): (Path, String)| Set { document, path, image, new: Some(new) };
        match path.find(value) {
            Some(found @ Value::Object(_)) => match Parts::of(found) {
                Some(found) => sets.extend(parts(path, &found, wanted).into_iter().map(set)),
                // A map that has nothing of the image yet.
                None => sets.extend(fresh(path, found, wanted).into_iter().map(set)),
            },
            Some(Value::Array(_)) => {
                let line = stream.locate_value(document, path).map_or(1, |mark| mark.line);
                return Err(Error::Place { field: path.to_string(), line });
            }
            scalar => sets.push(set((path.clone(), one(path, scalar, value, wanted, &paths)?))),
        }
    }
    Ok(sets)
}

/// The path of a key: the keys one in another, or, as charts with dots in their keys have it, one that is spelled so.
fn path_in(value: &Value, keys: &[String]) -> Path {
    let literal = keys.join(".");
    if keys.len() > 1 && value.get(&literal).is_some() {
        return Path::root().key(&literal);
    }
    keys.iter()
        .fold((Path::root(), Some(value)), |(path, at), key| {
            let index = key.parse::<usize>().ok().filter(|_| at.is_some_and(Value::is_array));
            let path = index.map_or_else(|| path.key(key), |index| path.index(index));
            let below = at.and_then(|at| index.map_or_else(|| at.get(key.as_str()), |index| at.get(index)));
            (path, below)
        })
        .0
}

/// Which image a key is for: the one it names, the only one, or the one that stands beside it.
fn image_of<'r>(
    request: &'r Request,
    key: &ValuesKey,
    path: &Path,
    value: &Value,
) -> Result<(usize, &'r Wanted), Error> {
    let mut images = request.images.iter().enumerate();
    if let Some(name) = &key.image {
        return images
            .find(|(_, wanted)| wanted.is(name))
            .ok_or_else(|| Error::NotAsked { key: key.to_string() });
    }
    if let [only] = request.images.as_slice() {
        return Ok((0, only));
    }
    let map = match path.find(value) {
        Some(map @ Value::Object(_)) => Some(map),
        _ => path.parent().and_then(|(parent, _)| parent.find(value)),
    };
    let beside = map.and_then(Parts::of).map(|parts| parts.name());
    let whole = path.find(value).and_then(Value::as_str).map(|text| ImageRef::split(text).name);
    images
        .find(|(_, wanted)| [&beside, &whole].into_iter().flatten().any(|name| wanted.is(name)))
        .ok_or_else(|| Error::Which { key: key.to_string() })
}

/// What a single value becomes. Its key says which part of the image it is, or else what it says now.
fn one(
    path: &Path,
    old: Option<&Value>,
    root: &Value,
    wanted: &Wanted,
    keys: &[Path],
) -> Result<String, Error> {
    let key = match path.steps().last() {
        Some(yamledit::Step::Key(key)) => key.to_lowercase(),
        _ => String::new(),
    };
    let now = old.map(text).unwrap_or_default();
    let name = ImageRef::split(wanted.new_name.as_deref().unwrap_or(&wanted.name));
    Ok(if key.ends_with("tag") {
        tag_of(wanted, &now)
    } else if DIGEST.iter().any(|digest| key.ends_with(digest)) {
        wanted.digest.clone().unwrap_or_default()
    } else if key == "registry" {
        name.registry().map_or(now, str::to_owned)
    } else if key.ends_with("repository") || key == "name" {
        repository(path, root, &name, keys)?
    } else if key.ends_with("image") || now.contains(['/', ':', '@']) {
        let old = if now.is_empty() { name } else { ImageRef::split(&now) };
        wanted.instead_of(&old).to_string()
    } else {
        tag_of(wanted, &now)
    })
}

fn tag_of(wanted: &Wanted, now: &str) -> String {
    match (&wanted.tag, &wanted.digest) {
        (None, None) => now.to_owned(),
        (Some(tag), None) => tag.clone(),
        (tag, Some(digest)) => with_digest(tag.as_deref(), now, digest),
    }
}

/// A tag that has a digest behind it: charts put it behind the name and a `:`, which is a reference then.
fn with_digest(tag: Option<&str>, now: &str, digest: &str) -> String {
    let now = now.split('@').next().unwrap_or_default();
    format!("{}@{digest}", tag.unwrap_or(now))
}

/// The path of an image, without its registry where that has a key of its own.
fn repository(path: &Path, root: &Value, name: &ImageRef, keys: &[Path]) -> Result<String, Error> {
    let Some((map, _)) = path.parent() else { return Ok(name.name.clone()) };
    let registry = map.key("registry");
    let found = registry.find(root).and_then(Value::as_str).filter(|found| !found.is_empty());
    match (found, name.registry()) {
        (None, _) if !keys.contains(&registry) => Ok(name.name.clone()),
        (Some(found), Some(wanted)) if found != wanted && !keys.contains(&registry) => Err(Error::Registry {
            field: registry.to_string(),
            found: found.to_owned(),
            wanted: wanted.to_owned(),
        }),
        (Some(_), None) => Ok(name.name.clone()),
        _ => Ok(name.path().to_owned()),
    }
}

/// The parts of an image in a map that has none of them.
fn fresh(path: &Path, map: &Value, wanted: &Wanted) -> Vec<(Path, String)> {
    let mut out = Vec::new();
    if let (Some(new), Some(key)) =
        (&wanted.new_name, REPOSITORY.into_iter().find(|key| map.get(key).is_some()).or(Some("repository")))
    {
        out.push((path.key(key), new.clone()));
    }
    let tag = tag_of(wanted, "");
    if !tag.is_empty() {
        out.push((path.key("tag"), tag));
    }
    out
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
