//! Images in manifests, and in values whose keys nobody named.

use serde_json::Value;
use yamledit::{Path, Stream};

use super::values::{Parts, parts};
use super::{Request, Set};
use crate::ImageRef;

/// Lists of containers, wherever they are: workloads, templates in other kinds, custom resources.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

pub(super) fn sets(stream: &Stream, request: &Request) -> Vec<Set> {
    let mut sets = Vec::new();
    for document in 0..stream.documents() {
        let value = stream.value(document);
        let manifest = value.get("apiVersion").is_some() && value.get("kind").is_some();
        let mut finder = Finder { document, request, manifest, sets: &mut sets };
        finder.walk(&Path::root(), value);
    }
    sets
}

struct Finder<'a> {
    document: usize,
    request: &'a Request,
    manifest: bool,
    sets: &'a mut Vec<Set>,
}

impl Finder<'_> {
    /// Recursion goes as deep as the reader of YAML lets values be.
    fn walk(&mut self, path: &Path, value: &Value) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let below = path.key(key);
                    match value {
                        Value::Array(items) if self.manifest && CONTAINERS.contains(&key.as_str()) => {
                            for (index, item) in items.iter().enumerate() {
                                if let Some(text) = item.get("image").and_then(Value::as_str) {
                                    self.whole(&below.index(index).key("image"), text);
                                }
                            }
                        }
                        Value::String(text)
                            if !self.manifest && (key == "image" || key.ends_with("Image")) =>
                        {
                            self.whole(&below, text);
                        }
                        Value::Object(_) if !self.manifest => self.parts(&below, value),
                        _ => {}
                    }
                    self.walk(&below, value);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.walk(&path.index(index), item);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn whole(&mut self, path: &Path, text: &str) {
        let old = ImageRef::split(text);
        for (image, wanted) in self.request.images.iter().enumerate() {
            if wanted.is(&old.name) {
                let new = Some(wanted.instead_of(&old).to_string());
                self.sets.push(Set { document: self.document, path: path.clone(), image, new });
                return;
            }
        }
    }

    /// A map of values that has the image in parts.
    fn parts(&mut self, path: &Path, value: &Value) {
        let Some(found) = Parts::of(value) else { return };
        for (image, wanted) in self.request.images.iter().enumerate() {
            if wanted.is(&found.name()) {
                self.sets.extend(parts(path, &found, wanted).into_iter().map(|(path, new)| Set {
                    document: self.document,
                    path,
                    image,
                    new: Some(new),
                }));
                return;
            }
        }
    }
}
