//! Hashing of passwords, which is made dear, and yields to all else.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tonic::Status;

/// How much later than others a thread that hashes gets its share of a core.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Hashes passwords on at most half of the cores; whoever comes later waits.
pub(crate) struct Hashing(Arc<Semaphore>);

/// A place among those that hash.
pub(crate) struct Turn(OwnedSemaphorePermit);

impl Default for Hashing {
    fn default() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2)))
    }
}

impl Hashing {
    fn new(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places)))
    }

    /// Waits for a place.
    pub(crate) async fn turn(&self) -> Result<Turn, Status> {
        let place = Arc::clone(&self.0).acquire_owned().await;
        place.map(Turn).map_err(|_| Status::unavailable("the server ends"))
    }
}

impl Turn {
    /// Hashes. The place is taken until that is over, whether anybody still waits for it or not.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let (Self(place), (tell, told)) = (self, oneshot::channel());
        // A thread of its own, as what it yields is not given back.
        let thread = std::thread::Builder::new().name("hashing".to_owned()).spawn(move || {
            step_back();
            let done = work();
            drop(place);
            // Nobody may be there any more.
            tell.send(done).ok();
        });
        thread.map_err(|error| Status::unavailable(format!("there is no thread to hash on: {error}")))?;
        told.await.map_err(|_| Status::internal("the password could not be hashed"))
    }
}

/// Lets other threads go first. Elsewhere than on Linux priorities are those of the whole process.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "hashing has the priority of the rest");
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn who_hangs_up_does_not_make_room_for_others() {
        let hashing = Hashing::new(1);
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let turn = hashing.turn().await.unwrap();
        assert!(turn.run(move || wait.recv()).now_or_never().is_none(), "it hashes");
        assert!(hashing.turn().now_or_never().is_none(), "though nobody waits for it");
        end.send(()).unwrap();
        assert_eq!(hashing.turn().await.unwrap().run(|| 1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_breaks_is_an_error_and_leaves_its_place() {
        let hashing = Hashing::new(1);
        let broken = hashing.turn().await.unwrap().run(|| assert!(std::hint::black_box(false))).await;
        assert_eq!(broken.unwrap_err().code(), tonic::Code::Internal);
        assert!(hashing.turn().await.is_ok());
    }
}
