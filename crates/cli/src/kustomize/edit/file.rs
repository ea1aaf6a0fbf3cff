//! The file of a kustomization: found, read, written.

use std::path::{Path, PathBuf};

use yamledit::Stream;

use super::field::{Fields, check};

/// The names that it may have.
pub(in crate::kustomize) const NAMES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A kustomization that was read.
#[derive(Debug)]
pub(super) struct Kustomization {
    pub(super) name: &'static str,
    path: PathBuf,
    pub(super) stream: Stream,
}

impl Kustomization {
    /// Reads the one in a directory.
    ///
    /// **Errors**: none there, or several; no YAML; a field that kustomize does not know.
    pub(super) fn read(directory: &Path) -> Result<Self, String> {
        let found: Vec<&'static str> =
            NAMES.into_iter().filter(|name| directory.join(name).exists()).collect();
        let name = match found.as_slice() {
            [] => return Err(format!("Missing kustomization file '{}'.\n", NAMES[0])),
            [name] => *name,
            several => return Err(format!("Found multiple kustomization file: [{}]\n", several.join(" "))),
        };
        let path = directory.join(name);
        if path.is_dir() {
            return Err(format!("{name} should be a file"));
        }
        let text = std::fs::read_to_string(&path).map_err(|error| format!("open {name}: {error}"))?;
        let stream =
            Stream::parse(&text).map_err(|error| format!("invalid Kustomization: {name}: {error}"))?;
        check(stream.value(0)).map_err(|problem| format!("invalid Kustomization: {problem}"))?;
        Ok(Self { name, path, stream })
    }

    pub(super) fn fields(&self) -> Fields {
        Fields::of(self.stream.value(0), self.name)
    }

    /// Writes what the fields say now; nothing where they say what they did.
    pub(super) fn write(mut self, fields: Fields) -> Result<(), String> {
        let edited = |error: yamledit::Error| format!("{}: {error}", self.name);
        if !self.stream.update(0, &fields.into_value()).map_err(edited)? {
            return Ok(());
        }
        self.save()
    }

    /// Writes the text as it is.
    pub(super) fn save(self) -> Result<(), String> {
        std::fs::write(&self.path, self.stream.text())
            .map_err(|error| format!("failed to write kustomization file: {}: {error}", self.name))
    }
}
