//! What a watch has told of its kind, and whether a list says the same.
//!
//! A watch that loses an event goes on as if nothing had happened, for ever. So now and then the kind's objects are listed by their
//! metadata, and their uids and resourceVersions held against what was told: equal ones are the same state, by the rules of the API.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use bytes::Bytes;
use serde::Deserialize;

use crate::http::{Failure, malformed};
use crate::seen::{ListMeta, Seen};
use crate::watch::is_older;

/// The state of each object as it was told last, in 16 bytes an object.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    hashes: RandomState,
    told: HashMap<u64, u64>,
}

impl Ledger {
    pub(crate) fn applied(&mut self, seen: &Seen) {
        let (object, state) = self.entry(&seen.uid, &seen.namespace, &seen.name, &seen.resource_version);
        self.told.insert(object, state);
    }

    pub(crate) fn deleted(&mut self, seen: &Seen) {
        let (object, _) = self.entry(&seen.uid, &seen.namespace, &seen.name, "");
        self.told.remove(&object);
    }

    /// Forgets everything: a list begins that tells it anew.
    pub(crate) fn clear(&mut self) {
        self.told.clear();
    }

    /// Not every server gives uids.
    fn entry(&self, uid: &str, namespace: &str, name: &str, version: &str) -> (u64, u64) {
        let object =
            if uid.is_empty() { self.hashes.hash_one((namespace, name)) } else { self.hashes.hash_one(uid) };
        (object, self.hashes.hash_one(version))
    }
}

/// States in which a list showed objects and of which the watch had not told then: [`GONE`] where one was told of and not listed.
pub(crate) type Doubts = HashMap<u64, u64>;

/// The state of an object that is no more.
const GONE: u64 = 0;

/// A list that is held against a [`Ledger`], page by page.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    named: HashSet<u64>,
    doubts: Doubts,
    untold: Option<String>,
}

/// What a list shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The watch told everything.
    Nothing,
    /// The watch may be about to tell of these.
    Doubts(Doubts),
    /// It lost an event: of this object.
    Untold(String),
}

impl Audit {
    /// Reads a page. What is not newer than `told`, the place that the watch has come to, was to be told; so was what was in doubt before.
    pub(crate) fn read(
        &mut self,
        page: &Bytes,
        ledger: &Ledger,
        told: &str,
        before: &Doubts,
    ) -> Result<ListMeta, Failure> {
        let page: Page<'_> = serde_json::from_slice(page).map_err(malformed)?;
        for Item { metadata } in page.items.unwrap_or_default() {
            let version = &metadata.resource_version;
            let (object, state) = ledger.entry(&metadata.uid, &metadata.namespace, &metadata.name, version);
            self.named.insert(object);
            if ledger.told.get(&object) == Some(&state) {
                continue;
            }
            if !is_older(told, version) || before.get(&object) == Some(&state) {
                self.untold.get_or_insert_with(|| format!("{}/{}", metadata.namespace, metadata.name));
            }
            self.doubts.insert(object, state);
        }
        Ok(page.metadata)
    }

    /// What all pages show.
    pub(crate) fn finding(self, ledger: &Ledger, before: &Doubts) -> Finding {
        let Self { named, mut doubts, untold } = self;
        if let Some(untold) = untold {
            return Finding::Untold(untold);
        }
        // When an object went a list cannot tell.
        doubts.extend(
            ledger.told.keys().filter(|object| !named.contains(object)).map(|object| (*object, GONE)),
        );
        if doubts.iter().any(|(object, state)| *state == GONE && before.get(object) == Some(state)) {
            return Finding::Untold("one that is gone".to_owned());
        }
        if doubts.is_empty() { Finding::Nothing } else { Finding::Doubts(doubts) }
    }
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(borrow, default)]
    items: Option<Vec<Item<'a>>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    metadata: Named<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Named<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    uid: Cow<'a, str>,
    #[serde(borrow)]
    resource_version: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object(name: &str, uid: &str, version: u64) -> Value {
        json!({"metadata": {"name": name, "namespace": "n", "uid": uid, "resourceVersion": version.to_string()}})
    }

    #[test]
    fn a_list_shows_what_a_watch_did_not_tell() {
        let (a, b) = (object("a", "u1", 3), object("b", "", 4));
        let untold = |what: &str| Some(what.to_owned());
        // The first list, and one some time later that says the same.
        for (row, listed, first, second) in [
            ("the same", vec![a.clone(), b.clone()], None, None),
            (
                "changed before the watch's place",
                vec![object("a", "u1", 9), b.clone()],
                untold("n/a"),
                untold("n/a"),
            ),
            ("changed after it", vec![object("a", "u1", 11), b.clone()], None, untold("n/a")),
            ("one more", vec![a.clone(), b.clone(), object("c", "u3", 5)], untold("n/c"), untold("n/c")),
            ("one more since", vec![a.clone(), b.clone(), object("c", "u3", 11)], None, untold("n/c")),
            ("one less", vec![b.clone()], None, untold("one that is gone")),
            ("another of the name", vec![object("a", "u2", 11), b.clone()], None, untold("n/a")),
            ("without a uid, changed", vec![a.clone(), object("b", "", 5)], untold("n/b"), untold("n/b")),
        ] {
            let mut ledger = Ledger::default();
            for told in [&a, &b, &object("gone", "u9", 6)] {
                ledger.applied(&Seen::parse(Bytes::from(told.to_string())).unwrap());
            }
            ledger.deleted(&Seen::parse(Bytes::from(object("gone", "u9", 7).to_string())).unwrap());
            let mut doubts = Doubts::new();
            for expect in [first, second] {
                let mut audit = Audit::default();
                for items in listed.chunks(1) {
                    let page = json!({"metadata": {"resourceVersion": "12"}, "items": items}).to_string();
                    let meta = audit.read(&Bytes::from(page), &ledger, "10", &doubts).unwrap();
                    assert_eq!(meta.resource_version, "12", "{row}");
                }
                let found = match audit.finding(&ledger, &doubts) {
                    Finding::Nothing => None,
                    Finding::Doubts(found) => {
                        doubts = found;
                        None
                    }
                    Finding::Untold(what) => Some(what),
                };
                assert_eq!(found, expect, "{row}");
            }
        }
    }
}
