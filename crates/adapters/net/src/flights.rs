//! Several who ask the same at the same time get one answer.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

/// Questions under way, by what is asked.
pub struct Flights<K, T> {
    cells: Mutex<HashMap<K, Arc<OnceCell<T>>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self { cells: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash, T: Clone> Flights<K, T> {
    /// Joins the question `key` when it is under way, or asks it. When who asked goes away, the next in line asks again.
    pub async fn join(&self, key: K, ask: impl Future<Output = T>) -> T {
        let cell = Arc::clone(lock(&self.cells).entry(key.clone()).or_default());
        let place = Place { flights: self, key, cell };
        place.cell.get_or_init(|| ask).await.clone()
    }
}

/// Stands for one who waits; the last one to go takes the question away.
struct Place<'a, K: Eq + Hash, T> {
    flights: &'a Flights<K, T>,
    key: K,
    cell: Arc<OnceCell<T>>,
}

impl<K: Eq + Hash, T> Drop for Place<'_, K, T> {
    fn drop(&mut self) {
        let mut cells = lock(&self.flights.cells);
        let Some(current) = cells.get(&self.key).filter(|current| Arc::ptr_eq(current, &self.cell)) else {
            return;
        };
        // Two hold it when nobody else does: the map and we.
        if self.cell.initialized() || Arc::strong_count(current) <= 2 {
            cells.remove(&self.key);
        }
    }
}
