//! Makes sure that a watch told everything.

use std::sync::{Arc, atomic::Ordering::Relaxed};
use std::time::Duration;

use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{METADATA_LIST, Mode, Observation, Phase, Watcher, is_older, stretched};
use crate::counters::Verb;
use crate::http::Failure;
use crate::ledger::{Audit, Finding};
use crate::seen::Seen;

/// Pause where as many lists as may run at once do.
const BUSY: Duration = Duration::from_secs(1);
/// How long a watch has to tell what a list showed already.
const DOUBT: Duration = Duration::from_secs(10);
/// Lists in a row that are older than what was told before, and are taken for a replica that lags behind. One more, and history went
/// back.
const MAX_OLD_LISTS: u32 = 2;

impl Watcher {
    /// Whether an answer that is older than what was told before is one of a replica that lags behind: it is asked again.
    pub(super) fn is_a_stale_replica(&mut self) -> bool {
        self.old_lists += 1;
        self.old_lists <= MAX_OLD_LISTS
    }

    pub(super) fn remember(&mut self, objects: &[Seen]) {
        if self.target.mode == Mode::Full {
            objects.iter().for_each(|seen| self.ledger.applied(seen));
        }
    }

    /// What is held is what the server has: the watch goes on, until it is to be made sure of again.
    pub(super) fn is_right(&mut self) {
        let options = &self.shared.options;
        let lasts = match self.target.mode {
            Mode::Full => stretched(options.verify_after, 2),
            Mode::Metadata => stretched(options.relist_after, 5),
        };
        (self.old_lists, self.doubting) = (0, false);
        self.due_at = Instant::now() + lasts;
        self.phase = Phase::Parted;
    }

    /// Makes sure later. The view stays what the watch makes it.
    pub(super) fn verify_later(&mut self) -> Option<Observation> {
        self.due_at = Instant::now() + stretched(self.shared.options.backoff.1, 1);
        self.phase = Phase::Parted;
        None
    }

    /// What to do if it is time to make sure. A list that would have to wait for others is put off, and the watch goes on.
    pub(super) fn due(&mut self) -> Option<Phase> {
        let now = Instant::now();
        if now < self.due_at {
            return None;
        }
        // The list of a kind's metadata is as cheap as holding it against anything.
        if self.target.mode == Mode::Metadata {
            return Some(Phase::Idle);
        }
        let Ok(permit) = Arc::clone(&self.shared.lists).try_acquire_owned() else {
            self.due_at = now + stretched(BUSY, 1);
            return None;
        };
        let (token, resource_version, audit) = (None, String::new(), Audit::default());
        Some(Phase::Verifying { token, resource_version, audit, _permit: permit })
    }

    pub(super) async fn verify_page(
        &mut self,
        token: Option<String>,
        resource_version: String,
        mut audit: Audit,
        permit: OwnedSemaphorePermit,
    ) -> Option<Observation> {
        // No watch is open meanwhile.
        if token.is_some() && self.parted_since.elapsed() >= self.shared.options.stale_after {
            return self.verify_later();
        }
        let uri = self.page_uri(token.as_deref());
        let read = self.shared.api.get_bytes(Verb::List, &uri, METADATA_LIST).await;
        let page = match read
            .and_then(|body| audit.read(&body, &self.ledger, &self.resource_version, &self.doubts))
        {
            Ok(page) => page,
            Err(failure) => {
                if matches!(failure, Failure::TooLarge { .. }) {
                    self.page_size = (self.page_size / 4).max(1);
                }
                return self.verify_later();
            }
        };
        let next = page.continue_token.filter(|token| !token.is_empty());
        let torn = token.is_some() && (page.resource_version != resource_version || next == token);
        if torn || page.resource_version.is_empty() {
            return self.verify_later();
        }
        if is_older(&page.resource_version, &self.resource_version) {
            if self.is_a_stale_replica() {
                return self.verify_later();
            }
            self.lose_continuity();
            return None;
        }
        if next.is_some() {
            let resource_version = page.resource_version;
            self.phase = Phase::Verifying { token: next, resource_version, audit, _permit: permit };
            return None;
        }
        match audit.finding(&self.ledger, &self.doubts) {
            Finding::Nothing => {
                self.doubts.clear();
                self.is_right();
            }
            Finding::Doubts(doubts) => {
                let again = !self.doubting;
                self.is_right();
                self.doubts = doubts;
                // Where much changes there is always something; one more look is enough.
                self.doubting = again;
                if again {
                    self.due_at = Instant::now() + stretched(DOUBT, 2);
                }
            }
            // The list that comes now is read in the background, since the view is as good as the watch made it.
            Finding::Untold(object) => {
                let path = self.target.path();
                self.shared.api.tally().untold.fetch_add(1, Relaxed);
                tracing::warn!(path, object, "a watch lost an event: its kind is listed anew");
            }
        }
        None
    }
}
