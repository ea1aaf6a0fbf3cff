//! What is remembered of a login while its browser is at the identity provider: by the browser itself, in a cookie that only we can read.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::seal::Seal;

/// How long a login may take, in seconds.
pub(super) const LOGIN_SECONDS: i64 = 300;
/// Most logins that came back and are remembered, so that none comes twice.
const RETURNED: usize = 100_000;
/// Longest cookie that is opened, in bytes.
const COOKIE_BYTES: usize = 8 << 10;

/// A login that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    /// What the identity provider gives back with the code.
    pub(super) state: String,
    /// What it puts into the token.
    pub(super) nonce: String,
    /// What the code is bound to, if it is.
    pub(super) verifier: Option<String>,
    /// Where the code comes to.
    pub(super) redirect: String,
    /// Where the browser goes then.
    pub(super) place: String,
    /// When it began, in seconds since 1970.
    pub(super) at: i64,
}

impl Pending {
    /// The value of a cookie.
    pub(super) fn seal(&self, key: &Seal) -> Option<String> {
        Some(BASE64_URL_SAFE_NO_PAD.encode(key.close(serde_json::to_vec(self).ok()?, b"")?))
    }

    /// The login that a cookie keeps, if it is not too old and the answer is to it.
    pub(super) fn open(key: &Seal, cookie: &str, state: &str, now: Timestamp) -> Option<Self> {
        if cookie.len() > COOKIE_BYTES {
            return None;
        }
        let opened = key.open(&BASE64_URL_SAFE_NO_PAD.decode(cookie).ok()?, b"")?;
        let pending: Self = serde_json::from_slice(&opened).ok()?;
        let age = now.as_second().saturating_sub(pending.at);
        let same = verify_slices_are_equal(pending.state.as_bytes(), state.as_bytes()).is_ok();
        (same && (0..=LOGIN_SECONDS).contains(&age)).then_some(pending)
    }
}

/// Logins that came back, by their beginning, until they are too old to come again.
#[derive(Debug, Default)]
pub(crate) struct Returned(Mutex<BTreeSet<(i64, String)>>);

impl Returned {
    /// Whether it is the first time that this login comes back.
    pub(super) fn first(&self, pending: &Pending, now: Timestamp) -> bool {
        let mut returned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = now.as_second().saturating_sub(LOGIN_SECONDS);
        // Whoever makes so many shuts nobody else out: the provider takes a code once, too.
        while returned.len() >= RETURNED || returned.first().is_some_and(|(at, _)| *at < oldest) {
            returned.pop_first();
        }
        returned.insert((pending.at, pending.state.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Purpose;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn pending() -> Pending {
        Pending {
            state: "s".to_owned(),
            nonce: "n".to_owned(),
            verifier: Some("v".to_owned()),
            redirect: "https://argo/auth/callback".to_owned(),
            place: "https://argo/".to_owned(),
            at: 1_000,
        }
    }

    #[test]
    fn only_its_own_answer_opens_a_login() {
        let key = |secret: &[u8]| Seal::new(secret, Purpose::Logins).unwrap();
        let (key, other) = (key(b"key"), key(b"other"));
        let cookie = pending().seal(&key).unwrap();
        assert!(!cookie.contains('=') && cookie != pending().seal(&key).unwrap());
        let mut forged = cookie.clone().into_bytes();
        forged[30] = if forged[30] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        let rows: [(&str, &Seal, &str, &str, i64, bool); 11] = [
            ("its own", &key, &cookie, "s", 1_001, true),
            ("at the last moment", &key, &cookie, "s", 1_300, true),
            ("too late", &key, &cookie, "s", 1_301, false),
            ("before it began", &key, &cookie, "s", 999, false),
            ("another state", &key, &cookie, "t", 1_001, false),
            ("no state", &key, &cookie, "", 1_001, false),
            ("another key", &other, &cookie, "s", 1_001, false),
            ("changed", &key, &forged, "s", 1_001, false),
            ("short", &key, "AAAA", "s", 1_001, false),
            ("no base64", &key, "!", "s", 1_001, false),
            ("empty", &key, "", "s", 1_001, false),
        ];
        for (name, key, cookie, state, now, opens) in rows {
            let found = Pending::open(key, cookie, state, at(now));
            assert_eq!(found, opens.then(pending), "{name}");
        }
    }

    #[test]
    fn a_login_comes_back_once() {
        let returned = Returned::default();
        assert!(returned.first(&pending(), at(1_001)));
        assert!(!returned.first(&pending(), at(1_002)));
        assert!(returned.first(&Pending { state: "t".to_owned(), ..pending() }, at(1_002)));
        assert!(returned.first(&Pending { state: "u".to_owned(), at: 2_000, ..pending() }, at(2_000)));
        assert_eq!(returned.0.lock().unwrap().len(), 1, "what is too old to be opened is forgotten");
    }
}
