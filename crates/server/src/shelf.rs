//! Tokens of the identity provider's users, where all replicas find them and a restart does, too.
//!
//! The peer has them in Redis. Here Secrets are what outlives a restart, as for ended sessions ([`crate::record`]); but not that one, and
//! not watched: tokens have some KiB a user, and one replica asks for one user's now and then. So there are sixteen Secrets, by a sum of
//! whose the tokens are, which are read when they are asked for and written at logins, renewals and logouts alone, and only where the
//! settings want tokens for longer than a login. Each entry is sealed with a key that follows from that of the sessions, for its own place and
//! end: whoever reads Secrets without that key learns when a session ends, and can put no entry into the place of another.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use oidc::{Later, Shelved, Turn};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use settings::SettingsHandle;

use crate::seal::{Purpose, Seal};
use crate::store::{Kind, Store, code, decoded, version};

/// What the Secrets are called, with a hexadecimal digit behind it.
const SECRET: &str = "capstan-sso-";
/// Most bytes of all entries of a Secret: what the API server takes, with a margin.
const MOST_BYTES: usize = 800 << 10;
/// Most bytes of one entry; tokens with more groups than fit are known to one replica alone.
const ENTRY_BYTES: usize = 64 << 10;
/// How long a turn is, in seconds: longer than a provider may take to answer.
const TURN_SECONDS: i64 = 30;
/// How often it is tried where others write, too.
const ATTEMPTS: usize = 10;

/// See the module.
#[derive(Clone)]
pub(crate) struct Shelf {
    store: Store,
    settings: SettingsHandle,
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shelf(…)")
    }
}

/// What is kept of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Until when it is worth keeping, in seconds since 1970.
    until: i64,
    /// Until when somebody has the turn.
    turn: i64,
    tokens: Texts,
}

/// Tokens as they are sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Texts {
    id: String,
    access: String,
    refresh: Option<String>,
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl From<Shelved> for Texts {
    fn from(tokens: Shelved) -> Self {
        let text = |secret: &net::Secret| secret.expose().to_owned();
        let refresh = tokens.refresh.as_ref().map(text);
        Self { id: text(&tokens.id), access: text(&tokens.access), refresh }
    }
}

impl From<Texts> for Shelved {
    fn from(texts: Texts) -> Self {
        Self { id: texts.id.into(), access: texts.access.into(), refresh: texts.refresh.map(Into::into) }
    }
}

/// What is to become of an entry.
enum Change {
    Nothing,
    To(Entry),
    Gone,
}

impl Shelf {
    pub(crate) fn new(store: Store, settings: SettingsHandle) -> Self {
        Self { store, settings }
    }

    /// Decides by what is kept of a user, and writes that. `None` where it cannot be had.
    async fn change<T>(
        &self,
        owner: &str,
        now: Timestamp,
        decide: impl Fn(Option<Entry>) -> (Change, T),
    ) -> Option<T> {
        let outcome = self.try_change(owner, now, decide).await;
        let told = |error: kube::Error| tracing::warn!(code = ?code(&error), "tokens of a user are known here alone");
        outcome.map_err(told).ok().flatten()
    }

    async fn try_change<T>(
        &self,
        owner: &str,
        now: Timestamp,
        decide: impl Fn(Option<Entry>) -> (Change, T),
    ) -> Result<Option<T>, kube::Error> {
        let key = {
            let settings = self.settings.current();
            let secret = settings.secret("server.secretkey");
            secret.and_then(|secret| Seal::new(secret, Purpose::Tokens))
        };
        let Some(key) = key else { return Ok(None) };
        let place = place(owner);
        let name = format!("{SECRET}{}", place.get(..1).unwrap_or_default());
        for _ in 0..ATTEMPTS {
            let secret = self.store.own(Kind::Secret, &name).await?;
            let before = secret.as_ref().map(decoded).unwrap_or_default();
            let known = before.get(&place).and_then(|bytes| Entry::open(&key, &place, bytes));
            let known = known.filter(|entry| entry.until > now.as_second());
            let (change, answer) = decide(known);
            let after = match change {
                Change::Nothing => return Ok(Some(answer)),
                Change::Gone => None,
                Change::To(entry) => {
                    match entry.close(&key, &place).filter(|bytes| bytes.len() <= ENTRY_BYTES) {
                        Some(bytes) => Some(bytes),
                        None => return Ok(None),
                    }
                }
            };
            let data = patch(&before, &place, after.as_deref(), now);
            let written = match &secret {
                None if after.is_none() => return Ok(Some(answer)),
                None => self.store.create(Kind::Secret, &fresh(&name, &data)).await,
                Some(secret) => {
                    let patch = json!({"metadata": {"resourceVersion": version(secret)}, "data": data});
                    self.store.patch_own(Kind::Secret, &name, &patch).await.map(drop)
                }
            };
            match written {
                Err(error) if code(&error) == Some(409) => {}
                written => return written.map(|()| Some(answer)),
            }
        }
        Ok(None)
    }
}

impl oidc::Shelf for Shelf {
    fn get(&self, owner: String, now: Timestamp) -> Later<'_, Option<Shelved>> {
        Box::pin(async move {
            let known = self.change(&owner, now, |known| (Change::Nothing, known)).await.flatten();
            known.map(|entry| entry.tokens.into())
        })
    }

    fn turn(&self, owner: String, now: Timestamp) -> Later<'_, Turn> {
        let second = now.as_second();
        let decide = move |known: Option<Entry>| match known {
            None => (Change::Nothing, Turn::Ours(None)),
            Some(entry) if entry.turn > second => (Change::Nothing, Turn::Others),
            Some(entry) => {
                let tokens = entry.tokens.clone().into();
                (Change::To(Entry { turn: second + TURN_SECONDS, ..entry }), Turn::Ours(Some(tokens)))
            }
        };
        Box::pin(async move { self.change(&owner, now, decide).await.unwrap_or(Turn::Ours(None)) })
    }

    fn put(&self, owner: String, tokens: Shelved, until: i64, now: Timestamp) -> Later<'_, ()> {
        let entry = Entry { until, turn: 0, tokens: tokens.into() };
        Box::pin(async move {
            self.change(&owner, now, |_| (Change::To(entry.clone()), ())).await;
        })
    }

    fn remove(&self, owner: String, now: Timestamp) -> Later<'_, ()> {
        let decide = |known: Option<Entry>| match known {
            None => (Change::Nothing, ()),
            Some(_) => (Change::Gone, ()),
        };
        Box::pin(async move {
            self.change(&owner, now, decide).await;
        })
    }
}

impl Entry {
    /// A line with the end and that of the turn, for whoever has to make room, and the sealed tokens.
    fn close(&self, key: &Seal, place: &str) -> Option<Vec<u8>> {
        let head = format!("{} {}\n", self.until, self.turn);
        let sealed =
            key.close(serde_json::to_vec(&self.tokens).ok()?, format!("{place} {head}").as_bytes())?;
        Some([head.into_bytes(), sealed].concat())
    }

    fn open(key: &Seal, place: &str, bytes: &[u8]) -> Option<Self> {
        let (until, turn, head) = head(bytes)?;
        let (head, sealed) = bytes.split_at_checked(head)?;
        let beside = [place.as_bytes(), b" ", head].concat();
        let tokens = serde_json::from_slice(&key.open(sealed, &beside)?).ok()?;
        Some(Self { until, turn, tokens })
    }
}

/// The end of an entry and that of its turn, and how many bytes say so.
fn head(bytes: &[u8]) -> Option<(i64, i64, usize)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (until, turn) = std::str::from_utf8(bytes.get(..end)?).ok()?.split_once(' ')?;
    Some((until.parse().ok()?, turn.parse().ok()?, end + 1))
}

/// Where entries of an owner are: hexadecimal digits.
fn place(owner: &str) -> String {
    digest(&SHA256, owner.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The merge patch of a Secret's data that puts one entry in or takes it away, and with it those that are over; and where there is no room for
/// it, those that will be over first.
fn patch(before: &BTreeMap<String, Vec<u8>>, place: &str, after: Option<&[u8]>, now: Timestamp) -> Value {
    let mut data = Map::new();
    let mut kept = Vec::new();
    for (known, bytes) in before.iter().filter(|(known, _)| *known != place) {
        match head(bytes) {
            Some((until, ..)) if until > now.as_second() => kept.push((until, known, bytes.len())),
            Some(_) | None => drop(data.insert(known.clone(), Value::Null)),
        }
    }
    let mut size = after.map_or(0, <[u8]>::len) + kept.iter().map(|(.., size)| size).sum::<usize>();
    kept.sort_unstable();
    for (_, known, bytes) in kept {
        if size <= MOST_BYTES {
            break;
        }
        size -= bytes;
        data.insert(known.clone(), Value::Null);
    }
    data.insert(place.to_owned(), after.map_or(Value::Null, |bytes| STANDARD.encode(bytes).into()));
    Value::Object(data)
}

/// Not one of those that are watched.
fn fresh(name: &str, data: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "capstan-sso"}}, "data": data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Before<'a> = Vec<(&'a str, Vec<u8>)>;

    fn entry(until: i64) -> Entry {
        let tokens =
            Texts { id: "id".to_owned(), access: "access".to_owned(), refresh: Some("again".to_owned()) };
        Entry { until, turn: 7, tokens }
    }

    #[test]
    fn an_entry_is_read_at_its_own_place_alone() {
        let key = |secret: &[u8]| Seal::new(secret, Purpose::Tokens).unwrap();
        let bytes = entry(1_000).close(&key(b"k"), "aa").unwrap();
        let longer = [b"9".as_slice(), &bytes].concat();
        let logins = Seal::new(b"k", Purpose::Logins).unwrap();
        for (name, key, place, bytes, expected) in [
            ("its own", key(b"k"), "aa", bytes.clone(), Some(entry(1_000))),
            ("another's place", key(b"k"), "ab", bytes.clone(), None),
            ("another key", key(b"l"), "aa", bytes.clone(), None),
            ("a key for something else", logins, "aa", bytes.clone(), None),
            ("made to last longer", key(b"k"), "aa", longer, None),
            ("cut", key(b"k"), "aa", bytes[..9].to_vec(), None),
            ("empty", key(b"k"), "aa", Vec::new(), None),
        ] {
            assert_eq!(Entry::open(&key, place, &bytes), expected, "{name}");
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("again") && !format!("{:?}", entry(1)).contains("again"));
    }

    #[test]
    fn what_is_over_goes_and_then_what_ends_first() {
        let now = Timestamp::from_second(100).unwrap();
        let sized = |until: i64, size: usize| {
            let mut bytes = format!("{until} 0\n").into_bytes();
            bytes.resize(size, b'x');
            bytes
        };
        let most = MOST_BYTES;
        let rows: [(&str, Before<'_>, Option<usize>, &[&str]); 5] = [
            ("there is room", vec![("a", sized(101, 10)), ("b", sized(200, 10))], Some(10), &[]),
            ("over", vec![("a", sized(100, 10)), ("b", sized(200, 10))], Some(10), &["a"]),
            ("no entry", vec![("a", b"what?".to_vec())], Some(10), &["a"]),
            ("full", vec![("a", sized(300, most / 2)), ("b", sized(200, most / 2))], Some(10), &["b"]),
            ("its own goes", vec![("a", sized(300, 10)), ("own", sized(200, most))], None, &[]),
        ];
        for (name, before, after, gone) in rows {
            let before = before.into_iter().map(|(known, bytes)| (known.to_owned(), bytes)).collect();
            let after = after.map(|size| vec![b'x'; size]);
            let data = patch(&before, "own", after.as_deref(), now);
            let mut expected: Map<String, Value> =
                gone.iter().map(|known| ((*known).to_owned(), Value::Null)).collect();
            expected
                .insert("own".to_owned(), after.map_or(Value::Null, |bytes| STANDARD.encode(bytes).into()));
            assert_eq!(data, Value::Object(expected), "{name}");
        }
    }
}
