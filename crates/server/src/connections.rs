//! How repositories were found when they were last asked whether they let us in.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use applications::Controller;
use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use settings::{RepositoryAccess, Snapshot};

/// How long one is waited for.
const ASKING: Duration = Duration::from_secs(20);
/// Repositories that are asked at the same time.
const AT_ONCE: usize = 8;
/// How long an answer counts: a good one, and a failure. In the peer both count for an hour.
const COUNTS: [SignedDuration; 2] = [SignedDuration::from_mins(10), SignedDuration::from_secs(30)];
/// Answers that are kept.
const KEPT: usize = 10_000;

/// A repository's URL and the project that it is for.
pub(crate) type Place = (String, String);

#[derive(Clone)]
struct State {
    access: RepositoryAccess,
    /// Why it does not let us in.
    error: Option<String>,
    at: Timestamp,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Connections(Mutex<BTreeMap<Place, State>>);

/// Asks a repository. **Errors**: a message without secrets.
pub(crate) async fn test(
    controller: &Controller,
    settings: &Snapshot,
    (url, project): (&str, &str),
) -> Result<(), String> {
    let asked = controller.reach_repository(settings, url, project);
    match tokio::time::timeout(ASKING, Box::pin(asked)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("no answer within {} s", ASKING.as_secs())),
    }
}

impl Connections {
    fn states(&self) -> MutexGuard<'_, BTreeMap<Place, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, place: &Place, access: &RepositoryAccess, now: Timestamp) -> Option<State> {
        let states = self.states();
        let state = states.get(place).filter(|state| state.access == *access)?;
        let counts = COUNTS[usize::from(state.error.is_some())];
        (now.duration_since(state.at) < counts).then(|| state.clone())
    }

    /// The `connectionState` of each place, in their order. `fresh` asks all of them now.
    pub(crate) async fn of(
        &self,
        controller: &Controller,
        settings: &Snapshot,
        places: Vec<Place>,
        fresh: bool,
        now: impl Fn() -> Timestamp,
    ) -> Vec<Value> {
        let now = &now;
        let ask = |place: Place| async move {
            let access = settings.repositories.lookup(&place.0, &place.1);
            if let Some(state) = self.known(&place, &access, now()).filter(|_| !fresh) {
                return shown(&state);
            }
            let error = test(controller, settings, (&place.0, &place.1)).await.err();
            let state = State { access, error, at: now() };
            let mut states = self.states();
            if states.len() >= KEPT {
                states.clear();
            }
            states.insert(place, state.clone());
            shown(&state)
        };
        futures::stream::iter(places.into_iter().map(ask)).buffered(AT_ONCE).collect().await
    }
}

fn shown(state: &State) -> Value {
    let (status, message) = match &state.error {
        None => ("Successful", String::new()),
        Some(error) => ("Failed", format!("Unable to connect to repository: {error}")),
    };
    json!({"status": status, "message": message, "attemptedAt": ::api::format_time(state.at)})
}
