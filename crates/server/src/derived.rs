//! What is made from other things, and anew when these change.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

/// Something that is made from others. Whoever reads it never waits.
pub(crate) struct Derived<T> {
    value: ArcSwap<T>,
    making: Mutex<()>,
}

impl<T> Derived<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: ArcSwap::from_pointee(value), making: Mutex::default() }
    }

    pub(crate) fn get(&self) -> Arc<T> {
        self.value.load_full()
    }

    /// Makes it anew, from what `make` itself reads; it stays as it is where that fails.
    ///
    /// One at a time: of two at once, the one that read first could put what it made from older things in the place of the newer, where it
    /// would stay until something changes again.
    pub(crate) fn renew<E>(&self, make: impl FnOnce(&T) -> Result<T, E>) -> Result<(), E> {
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        self.value.store(Arc::new(make(&self.get())?));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn what_was_made_from_older_things_replaces_nothing_newer() {
        let (source, derived) = (AtomicU32::new(0), Derived::new(0));
        let change = || {
            for _ in 0..1000 {
                let mine = source.fetch_add(1, Ordering::AcqRel) + 1;
                let Ok(()) = derived.renew(|_| {
                    let read = source.load(Ordering::Acquire);
                    std::thread::yield_now();
                    Ok::<_, Infallible>(read)
                });
                assert!(*derived.get() >= mine);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(change);
            }
        });
    }
}
