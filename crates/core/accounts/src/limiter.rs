//! Failed logins: how many, and when no more are heard.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::password::MAX_NAME_BYTES;

/// What is permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many failures, and the next login is not heard.
    pub max_failures: u32,
    /// For so long after the last of them, in seconds; for ever where 0.
    pub window_seconds: i64,
    /// Most pairs of account and source that are remembered.
    pub max_entries: usize,
}

/// 5 failures, 300 seconds, 10,000 entries.
impl Default for Limits {
    fn default() -> Self {
        Self { max_failures: 5, window_seconds: 300, max_entries: 10_000 }
    }
}

impl Limits {
    /// Reads `ARGOCD_SESSION_FAILURE_MAX_FAIL_COUNT`, `_WINDOW_SECONDS` and `ARGOCD_SESSION_MAX_CACHE_SIZE`; what is absent, no number
    /// or out of bounds is the default's, as in the peer.
    pub fn read(max_failures: Option<&str>, window_seconds: Option<&str>, max_entries: Option<&str>) -> Self {
        let default = Self::default();
        let number = |text: Option<&str>, least: i32| {
            text.and_then(|text| text.parse::<i32>().ok()).filter(|number| *number >= least)
        };
        Self {
            max_failures: number(max_failures, 1).map_or(default.max_failures, i32::unsigned_abs),
            window_seconds: number(window_seconds, 0).map_or(default.window_seconds, i64::from),
            max_entries: number(max_entries, 1).map_or(default.max_entries, |n| n.unsigned_abs() as usize),
        }
    }
}

/// Where a login comes from: an address, or the 64 bits of an IPv6 network, of which one machine may have all addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source(IpAddr);

impl Source {
    /// Of the client's own address. Where a proxy stands between, the caller has to know whom to believe.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let network = u128::from(v6) & !u128::from(u64::MAX);
                IpAddr::V6(network.into())
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// Too many failures. To the outside it is the same error as a wrong password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{failures} failed logins")]
pub struct Locked {
    /// How many there were.
    pub failures: u32,
    /// When logins are heard again, in seconds since 1970; `None` where never.
    pub until: Option<i64>,
}

/// Failed logins of each account from each source: who fails elsewhere locks nobody out here.
///
/// Ask [`Self::check`] before the password is looked at, and tell [`Self::failed`] or [`Self::succeeded`] after. Logins of one account from
/// one source have to come one after the other, or more of them are heard than permitted.
///
/// **Source**: `SessionManager.updateFailureCount`, which counts for each account alone, so that everybody can lock `admin` out; which
/// forgets at random where there is no place; and which a restart resets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failures(BTreeMap<(String, Source), Entry>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    count: u32,
    /// In seconds since 1970.
    last: i64,
}

/// An entry as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    account: String,
    source: IpAddr,
    count: u32,
    last: i64,
}

impl Failures {
    /// Whether a login is heard.
    ///
    /// **Errors**: [`Locked`]; what is tried meanwhile does not count, so that the lock ends.
    pub fn check(
        &self,
        account: &str,
        source: Source,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<(), Locked> {
        match self.0.get(&key(account, source)) {
            Some(entry) if entry.count >= limits.max_failures && entry.counts(limits, now) => Err(Locked {
                failures: entry.count,
                until: (limits.window_seconds > 0).then(|| entry.last.saturating_add(limits.window_seconds)),
            }),
            _ => Ok(()),
        }
    }

    /// A wrong name or password.
    pub fn failed(&mut self, account: &str, source: Source, limits: &Limits, now: Timestamp) {
        let key = key(account, source);
        if !self.0.contains_key(&key) && self.0.len() >= limits.max_entries {
            self.make_room(limits, now);
        }
        let entry = self.0.entry(key).or_insert(Entry { count: 0, last: 0 });
        if !entry.counts(limits, now) {
            entry.count = 0;
        }
        entry.count = entry.count.saturating_add(1);
        entry.last = now.as_second();
    }

    /// The right password.
    pub fn succeeded(&mut self, account: &str, source: Source) {
        self.0.remove(&key(account, source));
    }

    /// Drops what is over, and if nothing is, the entry of least risk: the fewest failures, of these the oldest.
    fn make_room(&mut self, limits: &Limits, now: Timestamp) {
        self.0.retain(|_, entry| entry.counts(limits, now));
        while self.0.len() >= limits.max_entries {
            let least = self.0.iter().min_by_key(|(_, entry)| (entry.count, entry.last));
            let Some(key) = least.map(|(key, _)| key.clone()) else { return };
            self.0.remove(&key);
        }
    }

    /// How many pairs are remembered.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What has to outlive a restart, in JSON: the entries of greatest risk, at most `most`, without what is over.
    pub fn write(&self, limits: &Limits, now: Timestamp, most: usize) -> String {
        let mut entries: Vec<_> = self.0.iter().filter(|(_, entry)| entry.counts(limits, now)).collect();
        entries.sort_by_key(|(_, entry)| std::cmp::Reverse((entry.count, entry.last)));
        let written = entries.into_iter().take(most).map(|((account, source), entry)| Written {
            account: account.clone(),
            source: source.0,
            count: entry.count,
            last: entry.last,
        });
        serde_json::to_string(&written.collect::<Vec<_>>()).unwrap_or_default()
    }

    /// Adds what was written before a restart or by another replica. Of two counts the greater one stays; what cannot be read, lies in the
    /// future or has no place is passed over.
    pub fn read(&mut self, text: &str, limits: &Limits, now: Timestamp) {
        let written: Vec<Written> = serde_json::from_str(text).unwrap_or_default();
        for one in written {
            let key = key(&one.account, Source::of(one.source));
            let entry = Entry { count: one.count, last: one.last };
            let room = self.0.contains_key(&key) || self.0.len() < limits.max_entries;
            if room
                && entry.counts(limits, now)
                && one.last <= now.as_second().saturating_add(limits.window_seconds)
            {
                let known = self.0.entry(key).or_insert(entry);
                *known = Entry { count: known.count.max(entry.count), last: known.last.max(entry.last) };
            }
        }
    }
}

impl Entry {
    fn counts(self, limits: &Limits, now: Timestamp) -> bool {
        limits.window_seconds == 0 || now.as_second().saturating_sub(self.last) <= limits.window_seconds
    }
}

fn key(account: &str, source: Source) -> (String, Source) {
    // Longer names are refused before; here they must not cost memory.
    let end = account.floor_char_boundary(MAX_NAME_BYTES);
    (account.get(..end).unwrap_or_default().to_owned(), source)
}
