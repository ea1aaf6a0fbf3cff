//! Health of live objects: users' scripts first, then the built-in rules.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use health::{Health, Status};
use resource::{Object, ResourceKey};
use tokio::sync::Semaphore;

use crate::shared::Shared;

/// How many scripts run at the same time: each may hold as much memory as its limit says.
const AT_ONCE: usize = 4;

/// A script that was stopped before gets half of its time for each time that it was, down to this.
const SHORTEST: Duration = Duration::from_millis(10);

/// Longer messages are cut: they stand in the application's status.
const LONGEST_MESSAGE: usize = 4096;

/// What running scripts have in common.
pub(crate) struct Scripts {
    slots: Semaphore,
    /// How often a script was stopped, by its hash.
    stopped: Mutex<BTreeMap<u64, u32>>,
}

impl Default for Scripts {
    fn default() -> Self {
        Self { slots: Semaphore::new(AT_ONCE), stopped: Mutex::default() }
    }
}

impl Scripts {
    fn time(&self, script: u64, whole: Duration) -> Duration {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let strikes = stopped.get(&script).copied().unwrap_or(0).min(16);
        (whole / (1 << strikes)).max(SHORTEST)
    }

    /// Notes how a run went; one that ends by itself takes a strike away.
    fn ran(&self, script: u64, was_stopped: bool) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let strikes = stopped.remove(&script).unwrap_or(0);
        let strikes = if was_stopped { strikes.saturating_add(1) } else { strikes.saturating_sub(1) };
        if strikes > 0 {
            stopped.insert(script, strikes);
        }
    }
}

/// Answers of scripts, by what they were about: a script does not run again for an object that is as it was.
#[derive(Default)]
pub(crate) struct Answers(BTreeMap<ResourceKey, Answer>);

struct Answer {
    uid: Box<str>,
    version: Box<str>,
    script: u64,
    health: Option<Health>,
}

impl Answers {
    /// Forgets objects that are no longer looked at.
    pub(crate) fn retain(&mut self, keep: impl Fn(&ResourceKey) -> bool) {
        self.0.retain(|key, _| keep(key));
    }
}

impl Shared {
    /// Health of a live object, of its script where its kind has one.
    ///
    /// **Source.** The peer's order: deletion, the kind's own script, the first pattern's script, the built-in rules. A
    /// script that returns nothing leaves it to the checks in the peer's own code; one that fails makes the object
    /// Unknown, with the error as its message, and stops nothing else.
    pub(crate) async fn health(&self, live: &Object) -> Option<Health> {
        self.health_with(live, &mut Answers::default()).await
    }

    /// The same, with the answers of earlier looks.
    pub(crate) async fn health_with(&self, live: &Object, answers: &mut Answers) -> Option<Health> {
        let settings = self.settings.current();
        let script = settings.settings.overrides.health_script(&live.group_kind());
        let Some(script) = script.filter(|_| !live.is_deleting()) else { return health::of(live) };
        let hash = crate::wanted::hash_of((script.lua, script.open_libs));
        let key = live.key();
        if let Some(answer) = answers.0.get(&key)
            && (&*answer.uid, &*answer.version, answer.script) == (live.uid(), live.resource_version(), hash)
            && !answer.version.is_empty()
        {
            return answer.health.clone();
        }
        let health = self.run_script(script.lua.to_owned(), script.open_libs, hash, live).await;
        let (uid, version) = (live.uid().into(), live.resource_version().into());
        answers.0.insert(key, Answer { uid, version, script: hash, health: health.clone() });
        health
    }

    async fn run_script(&self, script: String, open_libs: bool, hash: u64, live: &Object) -> Option<Health> {
        let mut limits = lua::Limits::default();
        limits.time = self.scripts.time(hash, limits.time);
        let world = lua::World { open_libs, now: (self.options.clock)().as_second(), limits };
        let _slot = self.scripts.slots.acquire().await.ok()?;
        let object = live.clone();
        let run = tokio::task::spawn_blocking(move || lua::health(&script, &object, &world)).await;
        let answer = match run {
            Ok(answer) => answer,
            Err(error) => {
                let message = format!("the health script did not end well: {error}");
                return Some(Health::new(Status::Unknown, message));
            }
        };
        self.scripts.ran(hash, answer.as_ref().is_err_and(lua::ScriptError::is_limit));
        lua::settle(answer, live).map(|said| Health::new(said.status, cut(said.message)))
    }
}

fn cut(mut message: String) -> String {
    if message.len() > LONGEST_MESSAGE {
        let end = (0..=LONGEST_MESSAGE).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
        message.truncate(end);
        message.push('…');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_was_stopped_gets_less_time() {
        let (scripts, whole) = (Scripts::default(), Duration::from_secs(1));
        let times: Vec<u128> = (0..9)
            .map(|_| {
                let time = scripts.time(7, whole);
                scripts.ran(7, true);
                time.as_millis()
            })
            .collect();
        assert_eq!(times, [1000, 500, 250, 125, 62, 31, 15, 10, 10]);
        assert_eq!(scripts.time(8, whole), whole, "another script has all of its time");
        (0..9).for_each(|_| scripts.ran(7, false));
        assert_eq!(scripts.time(7, whole), whole, "who ends by himself is trusted again");
        assert!(scripts.stopped.lock().unwrap().is_empty());
    }

    #[test]
    fn long_messages_are_cut_between_letters() {
        assert_eq!(cut("short".to_owned()), "short");
        let long = cut("ä".repeat(LONGEST_MESSAGE));
        assert!(long.len() <= LONGEST_MESSAGE + '…'.len_utf8() && long.ends_with('…'));
    }
}
