//! One bare object store a repository: packs that arrived whole, the commits that were asked for, and nothing checked out.

use crate::tree::DecodedTree;
use gix::ObjectId;
use gix::odb::{HandleArc, Store, store::init};
use gix::prelude::FindExt;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many of the commits that were asked for are kept as what a server is told that we have.
const TIPS: usize = 64;

/// Bytes of decoded trees that are kept. One that is larger alone is kept until the next comes.
const TREE_CACHE_BYTES: usize = 24 << 20;

/// Bytes of delta bases that one thread keeps while it reads.
const DELTA_CACHE_BYTES: usize = 4 << 20;

/// Most packs that one store can know of at a time; stores are begun anew long before.
const PACK_SLOTS: u16 = 1024;

/// The objects of one repository. Readers share it; the one writer is who holds the repository's lock.
pub(crate) struct Objects {
    directory: PathBuf,
    /// Where the objects lie below it.
    objects: PathBuf,
    store: Arc<Store>,
    handles: Mutex<Vec<HandleArc>>,
    trees: Mutex<TreeCache>,
    /// An object was missing or could not be decoded: the next fetch begins a new store.
    pub(crate) damaged: AtomicBool,
    /// Nobody needs the files once the last reader has gone.
    retired: AtomicBool,
}

#[derive(Default)]
struct TreeCache {
    by_id: BTreeMap<ObjectId, Arc<DecodedTree>>,
    order: VecDeque<ObjectId>,
    bytes: usize,
}

impl Objects {
    /// Opens the store in `directory`, made when it is not there; half-written files of an earlier process are removed.
    pub(crate) fn open(directory: &Path, object_bytes: usize) -> io::Result<Self> {
        let pack = directory.join("objects/pack");
        fs::create_dir_all(&pack)?;
        fs::create_dir_all(directory.join("refs"))?;
        // These make it a repository for git itself, which helps an operator who wants to look.
        for (name, text) in [
            ("HEAD", "ref: refs/heads/none\n"),
            ("config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"),
        ] {
            if !directory.join(name).exists() {
                fs::write(directory.join(name), text)?;
            }
        }
        for entry in fs::read_dir(&pack)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let whole = |other: &str| path.with_extension(other).exists();
            let keep = match path.extension().and_then(|extension| extension.to_str()) {
                Some("pack") => name.starts_with("pack-") && whole("idx"),
                Some("idx") => name.starts_with("pack-") && whole("pack"),
                _ => false,
            };
            if !keep {
                fs::remove_file(&path)?;
            }
        }
        match fs::remove_file(directory.join("shallow.lock")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Self::at(directory, &directory.join("objects"), init::Slots::Given(PACK_SLOTS), object_bytes)
    }

    /// Reads the objects of somebody else's repository, alternates included, and changes nothing there.
    pub(crate) fn foreign(objects: &Path, object_bytes: usize) -> io::Result<Self> {
        Self::at(objects, objects, init::Slots::default(), object_bytes)
    }

    fn at(directory: &Path, objects: &Path, slots: init::Slots, object_bytes: usize) -> io::Result<Self> {
        let options =
            init::Options { slots, alloc_limit_bytes: Some(object_bytes), ..init::Options::default() };
        let store =
            Store::at_opts(objects.to_owned(), gix::hash::Kind::Sha1, &mut std::iter::empty(), options)
                .map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self {
            directory: directory.to_owned(),
            objects: objects.to_owned(),
            store: Arc::new(store),
            handles: Mutex::default(),
            trees: Mutex::default(),
            damaged: AtomicBool::new(false),
            retired: AtomicBool::new(false),
        })
    }

    /// Lends a reader; one thread at a time uses it.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&HandleArc) -> T) -> T {
        let handle = self.handles.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_else(|| {
            let mut handle = self.store.to_cache_arc();
            handle.set_pack_cache(|| {
                Box::new(gix::odb::pack::cache::lru::StaticLinkedList::<64>::new(DELTA_CACHE_BYTES))
            });
            handle
        });
        let out = read(&handle);
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
        out
    }

    /// Whether an object is here.
    pub(crate) fn has(&self, id: &ObjectId) -> bool {
        self.with(|odb| gix::objs::Exists::exists(odb, id))
    }

    /// An object, decoded by `decode`. What is missing or was changed on the disk marks the store as damaged; what is of another
    /// kind than hoped, or never was well-formed, does not: fetching it again would bring the same.
    pub(crate) fn decode<T>(
        &self,
        id: &ObjectId,
        decode: impl FnOnce(gix::objs::Kind, &[u8]) -> Result<T, String>,
    ) -> Result<T, String> {
        let damaged = |detail: String| {
            self.damaged.store(true, Ordering::Relaxed);
            detail
        };
        self.with(|odb| {
            let mut buffer = Vec::new();
            let data = odb.find(id, &mut buffer).map_err(|error| damaged(error.to_string()))?;
            // The odb believes its packs. A disk that lies must not become what runs.
            match gix::objs::compute_hash(gix::hash::Kind::Sha1, data.kind, data.data) {
                Ok(hash) if hash == *id => decode(data.kind, data.data),
                Ok(_) | Err(_) => Err(damaged(format!("object {id} is damaged"))),
            }
        })
    }

    /// A tree, from the cache where it can be.
    pub(crate) fn tree(&self, id: &ObjectId) -> Result<Arc<DecodedTree>, String> {
        if let Some(tree) = self.trees.lock().unwrap_or_else(PoisonError::into_inner).by_id.get(id) {
            return Ok(Arc::clone(tree));
        }
        let tree = Arc::new(self.decode(id, |kind, data| match kind {
            gix::objs::Kind::Tree => Ok(DecodedTree::new(data.to_vec())),
            kind => Err(format!("object {id} is a {kind} and no tree")),
        })?);
        let mut cache = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        while cache.bytes > TREE_CACHE_BYTES
            && let Some(oldest) = cache.order.pop_front()
        {
            let bytes = cache.by_id.remove(&oldest).map_or(0, |tree| tree.bytes());
            cache.bytes = cache.bytes.saturating_sub(bytes);
        }
        if cache.by_id.insert(*id, Arc::clone(&tree)).is_none() {
            cache.order.push_back(*id);
            cache.bytes += tree.bytes();
        }
        Ok(tree)
    }

    /// Takes a pack in: whole and with the right checksum, or not at all.
    pub(crate) fn receive(
        &self,
        pack: &mut dyn BufRead,
        interrupt: &AtomicBool,
        object_bytes: usize,
    ) -> Result<(), gix::Error> {
        let options = gix::odb::pack::bundle::write::Options {
            thread_limit: Some(2),
            alloc_limit_bytes: Some(object_bytes),
            ..Default::default()
        };
        let directory = self.directory.join("objects/pack");
        let bases = self.store.to_cache_arc();
        let outcome = gix::odb::pack::Bundle::write_to_directory(
            pack,
            Some(&directory),
            &mut gix::progress::Discard,
            interrupt,
            Some(bases),
            gix::hash::Kind::Sha1,
            options,
        )?;
        if let Some(keep) = outcome.keep_path
            && let Err(error) = fs::remove_file(&keep)
        {
            tracing::debug!(%error, "a .keep file was not removed");
        }
        Ok(())
    }

    /// How many packs there are.
    pub(crate) fn packs(&self) -> usize {
        let Ok(entries) = fs::read_dir(self.directory.join("objects/pack")) else { return 0 };
        entries
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "idx"))
            .count()
    }

    /// The commits that were asked for, latest last, of those that are here.
    pub(crate) fn tips(&self) -> Vec<ObjectId> {
        let text = fs::read_to_string(self.directory.join("tips")).unwrap_or_default();
        text.lines()
            .filter_map(|line| ObjectId::from_hex(line.as_bytes()).ok())
            .filter(|id| self.has(id))
            .collect()
    }

    /// Notes that `commit` is here whole.
    pub(crate) fn add_tip(&self, commit: ObjectId) -> io::Result<()> {
        let mut tips = self.tips();
        tips.retain(|tip| *tip != commit);
        tips.push(commit);
        let first = tips.len().saturating_sub(TIPS);
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        for tip in tips.iter().skip(first) {
            writeln!(file, "{tip}")?;
        }
        file.persist(self.directory.join("tips")).map_err(|error| error.error)?;
        Ok(())
    }

    /// Where the ends of a cut-off history are kept.
    pub(crate) fn shallow_file(&self) -> PathBuf {
        self.directory.join("shallow")
    }

    /// Whether its files are still where they were.
    pub(crate) fn is_there(&self) -> bool {
        self.objects.is_dir()
    }

    /// Where it all is.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Has the files removed when the last reader is gone.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        if *self.retired.get_mut()
            && let Err(error) = fs::remove_dir_all(&self.directory)
        {
            tracing::warn!(%error, "an old object store was not removed");
        }
    }
}
