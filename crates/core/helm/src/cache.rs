//! What was parsed in renders before.

use crate::manifests::Document;
use gotemplate::Parsed;
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Path and text.
type TemplateKey = (Arc<str>, Arc<[u8]>);

/// Parsed templates and documents, kept from one render to the next; several threads may use one. It changes nothing but the time that a
/// render takes.
///
/// A template is known by its path and its whole text, a document by its text, so nothing has to be taken out of it. When it holds more
/// than it may, what has not been used for longest goes.
pub struct Cache {
    templates: Mutex<Shelf<TemplateKey, Parsed>>,
    documents: Mutex<Shelf<Arc<str>, Arc<Document>>>,
}

impl Cache {
    /// A cache for so many bytes of templates, and as many of the documents that they make. What is kept takes about ten times as much.
    #[must_use]
    pub fn new(most_bytes: usize) -> Self {
        Self { templates: Mutex::new(Shelf::new(most_bytes)), documents: Mutex::new(Shelf::new(most_bytes)) }
    }

    pub(crate) fn template(&self, path: &Arc<str>, text: &Arc<[u8]>) -> Option<Parsed> {
        lock(&self.templates).get(&(Arc::clone(path), Arc::clone(text)))
    }

    pub(crate) fn keep_template(&self, path: &Arc<str>, text: &Arc<[u8]>, parsed: Parsed) {
        let bytes = path.len() + text.len();
        lock(&self.templates).put((Arc::clone(path), Arc::clone(text)), bytes, parsed);
    }

    pub(crate) fn document(&self, text: &str) -> Option<Arc<Document>> {
        lock(&self.documents).get(text)
    }

    pub(crate) fn keep_document(&self, text: &str, document: Arc<Document>) {
        lock(&self.documents).put(text.into(), text.len(), document);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while it was held leaves at worst a count that is off.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Cache {
    /// 16 MiB of templates and 16 MiB of documents.
    fn default() -> Self {
        Self::new(16 << 20)
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (templates, documents) = (lock(&self.templates), lock(&self.documents));
        write!(
            f,
            "Cache of {} templates ({} bytes) and {} documents ({} bytes)",
            templates.kept.len(),
            templates.bytes,
            documents.kept.len(),
            documents.bytes
        )
    }
}

/// Things by their text, up to so many bytes of it.
struct Shelf<K, V> {
    kept: BTreeMap<K, Kept<V>>,
    bytes: usize,
    most_bytes: usize,
    clock: u64,
}

struct Kept<V> {
    value: V,
    bytes: usize,
    used: u64,
}

impl<K: Ord, V: Clone> Shelf<K, V> {
    fn new(most_bytes: usize) -> Self {
        Self { kept: BTreeMap::new(), bytes: 0, most_bytes, clock: 0 }
    }

    fn get<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.clock += 1;
        let kept = self.kept.get_mut(key)?;
        kept.used = self.clock;
        Some(kept.value.clone())
    }

    fn put(&mut self, key: K, bytes: usize, value: V) {
        if bytes > self.most_bytes {
            return;
        }
        if self.bytes + bytes > self.most_bytes {
            self.make_room(self.most_bytes / 2);
        }
        let before = self.kept.insert(key, Kept { value, bytes, used: self.clock });
        self.bytes += bytes - before.map_or(0, |before| before.bytes);
    }

    /// Drops what was used longest ago, down to so many bytes.
    fn make_room(&mut self, bytes: usize) {
        let mut ages: Vec<(u64, usize)> = self.kept.values().map(|kept| (kept.used, kept.bytes)).collect();
        ages.sort_unstable_by(|a, b| b.cmp(a));
        let (mut total, mut oldest) = (0, u64::MAX);
        for (used, size) in ages {
            total += size;
            if total > bytes {
                break;
            }
            oldest = used;
        }
        self.kept.retain(|_, kept| kept.used >= oldest);
        self.bytes = self.kept.values().map(|kept| kept.bytes).sum();
    }
}
