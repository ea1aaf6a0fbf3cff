//! Several who ask the same at the same time get one answer.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Questions under way.
pub(crate) struct Flights<K, T> {
    cells: Mutex<HashMap<K, Arc<OnceCell<T>>>>,
}

impl<K, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self { cells: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash, T: Clone> Flights<K, T> {
    /// Joins the question `key` when it is under way, or asks it. When who asked goes away, the next in line asks again.
    pub(crate) async fn join(&self, key: K, ask: impl Future<Output = T>) -> T {
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key.clone()).or_default())
        };
        let answer = cell.get_or_init(|| ask).await.clone();
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if cells.get(&key).is_some_and(|current| Arc::ptr_eq(current, &cell)) {
            cells.remove(&key);
        }
        answer
    }
}
