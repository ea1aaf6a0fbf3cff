//! Files on the disk under names that say what they hold, of bounded size together.

use crate::digest::Digest;
use crate::http::lock;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

/// What a file takes at least, and is rounded up to: a block of the disk.
const BLOCK_BYTES: u64 = 4096;

/// A folder of files, each named by a digest. Those that were not read for longest go when there is too much.
///
/// What is read is verified; a file that does not hold what it should is dropped as if it had never been there.
pub(crate) struct Shelf {
    dir: PathBuf,
    budget: u64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Size, and when it was last read or written, counted in uses.
    files: HashMap<Digest, (u64, u64)>,
    /// The same by last use.
    order: BTreeMap<u64, Digest>,
    bytes: u64,
    uses: u64,
}

impl Known {
    fn add(&mut self, name: Digest, size: u64) {
        self.remove(&name);
        self.uses += 1;
        self.files.insert(name, (size, self.uses));
        self.order.insert(self.uses, name);
        self.bytes += cost(size);
    }

    fn remove(&mut self, name: &Digest) {
        if let Some((size, used)) = self.files.remove(name) {
            self.order.remove(&used);
            self.bytes -= cost(size);
        }
    }
}

impl Shelf {
    /// Opens the folder, or makes it; what an earlier process left half done goes.
    pub(crate) fn open(dir: PathBuf, budget: u64) -> io::Result<Self> {
        make(&dir)?;
        let mut found: Vec<(SystemTime, Digest, u64)> = Vec::new();
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            match entry.file_name().to_str().and_then(Digest::loose).filter(|_| metadata.is_file()) {
                Some(name) => found.push((metadata.modified()?, name, metadata.len())),
                None if metadata.is_file() => fs::remove_file(entry.path())?,
                None => {}
            }
        }
        found.sort_unstable();
        let mut known = Known::default();
        for (_, name, size) in found {
            known.add(name, size);
        }
        let shelf = Self { dir, budget, known: Mutex::new(known) };
        shelf.make_room(None);
        Ok(shelf)
    }

    /// A file whose content `check` accepts.
    pub(crate) fn read(&self, name: &Digest, check: impl FnOnce(&[u8]) -> bool) -> Option<Vec<u8>> {
        let size = lock(&self.known).files.get(name).map(|(size, _)| *size)?;
        match fs::read(self.path(name)) {
            Ok(content) if content.len() as u64 == size && check(&content) => {
                lock(&self.known).add(*name, size);
                Some(content)
            }
            outcome => {
                let error = outcome.err().map(|error| error.to_string());
                tracing::warn!(file = %self.path(name).display(), error, "a file of the chart cache was broken and dropped");
                self.remove(name);
                None
            }
        }
    }

    /// Writes a file as a whole or not at all, and lets others go for it. A folder that somebody deleted is made anew.
    pub(crate) fn write(&self, name: &Digest, parts: &[&[u8]]) -> io::Result<()> {
        match self.put(name, parts) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(&self.dir)?;
                tracing::warn!(folder = %self.dir.display(), "the chart cache was deleted and is made anew");
                *lock(&self.known) = Known::default();
                self.put(name, parts)
            }
            outcome => outcome,
        }
    }

    fn put(&self, name: &Digest, parts: &[&[u8]]) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix("new-").tempfile_in(&self.dir)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.persist(self.path(name)).map_err(|error| error.error)?;
        lock(&self.known).add(*name, parts.iter().map(|part| part.len() as u64).sum());
        self.make_room(Some(name));
        Ok(())
    }

    pub(crate) fn remove(&self, name: &Digest) {
        lock(&self.known).remove(name);
        forget(&self.path(name));
    }

    /// Where a file lies.
    pub(crate) fn path(&self, name: &Digest) -> PathBuf {
        self.dir.join(name.hex())
    }

    fn make_room(&self, but: Option<&Digest>) {
        loop {
            let oldest = {
                let known = lock(&self.known);
                let oldest = known.order.values().find(|name| Some(*name) != but).copied();
                oldest.filter(|_| known.bytes > self.budget)
            };
            let Some(oldest) = oldest else { return };
            self.remove(&oldest);
        }
    }
}

/// Makes a folder. What others' credentials brought is nobody else's business.
fn make(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn cost(size: u64) -> u64 {
    size.max(1).next_multiple_of(BLOCK_BYTES)
}

fn forget(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::debug!(file = %path.display(), error = %error, "a file of the chart cache stays");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
