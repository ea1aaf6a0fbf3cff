//! Decides from what was asked of the cluster, and what was there, whether a promise of reliability §3 was broken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// How old the look may be that a deletion goes by (P2).
const LOOK: SignedDuration = SignedDuration::from_secs(10);
const TRACKING: &str = "argocd.argoproj.io/tracking-id";
const WAVE: &str = "argocd.argoproj.io/sync-wave";
const HOOK_RUN: &str = "capstan/hook-run";

/// One request of a controller that reached the cluster.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When it was answered.
    pub at: Timestamp,
    /// Which controller.
    pub who: String,
    /// HTTP method.
    pub method: String,
    /// `Content-Type`.
    pub content_type: String,
    /// Path without the query.
    pub path: String,
    /// The query.
    pub query: String,
    /// Whether it counts as a write.
    pub write: bool,
    /// HTTP status, also where the answer was lost.
    pub status: u16,
    /// What was sent, where it is JSON.
    pub body: Value,
    /// What was answered to a write.
    pub answer: Value,
    /// For a deletion, the object just before.
    pub before: Option<Value>,
}

/// Time in which nothing of a controller ran: whatever it had decided to send before goes out when it wakes, and no program can help that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sleep {
    /// Which controller.
    pub who: String,
    /// When it stopped.
    pub from: Timestamp,
    /// When it woke.
    pub to: Timestamp,
}

/// What a log consists of.
#[derive(Debug, Clone)]
pub enum Record {
    /// A request.
    Request(Box<Entry>),
    /// From then on these objects, by path, may be deleted.
    MayGo(Timestamp, BTreeSet<String>),
    /// A controller was stopped as a whole, and woke.
    Slept(Sleep),
    /// The cluster was put back to an earlier state: what came before is no measure for what comes.
    WentBack(Timestamp),
}

impl Record {
    /// When it was.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Request(entry) => entry.at,
            Self::MayGo(at, _) | Self::WentBack(at) => *at,
            Self::Slept(sleep) => sleep.to,
        }
    }
}

/// What happened on the lines of a cluster, in order.
#[derive(Debug, Default)]
pub struct Log(Mutex<Vec<Record>>);

impl Log {
    /// Adds a record.
    pub fn push(&self, record: Record) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }

    /// All records so far.
    pub fn records(&self) -> Vec<Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The broken promises, each with its number. `ours` says which paths the applications are about: none other may be written.
pub fn judge(log: &[Record], ours: impl Fn(&str) -> bool) -> Vec<String> {
    let mut may_go = BTreeSet::new();
    let histories = log.split(|record| matches!(record, Record::WentBack(_)));
    histories.flat_map(|history| judge_one(history, &ours, &mut may_go)).collect()
}

/// As [`judge`], within one history of the cluster.
fn judge_one(log: &[Record], ours: impl Fn(&str) -> bool, may_go: &mut BTreeSet<String>) -> Vec<String> {
    let mut broken = Vec::new();
    let mut looked: BTreeMap<(String, String), Timestamp> = BTreeMap::new();
    let mut created: BTreeMap<String, u32> = BTreeMap::new();
    let mut waves: BTreeMap<String, i64> = BTreeMap::new();
    let sleeps: Vec<&Sleep> = log
        .iter()
        .filter_map(|record| if let Record::Slept(sleep) = record { Some(sleep) } else { None })
        .collect();
    for record in log {
        let entry = match record {
            Record::MayGo(_, paths) => {
                may_go.extend(paths.iter().cloned());
                continue;
            }
            Record::WentBack(_) | Record::Slept(_) => continue,
            Record::Request(entry) => entry,
        };
        let path = &entry.path;
        if !entry.write {
            if entry.method == "GET" && entry.status == 200 {
                looked.insert((entry.who.clone(), path.clone()), entry.at);
            }
            continue;
        }
        if !ours(path) && !is_application(path) {
            broken
                .push(format!("an object that no application is about was written: {} {path}", entry.method));
        }
        match entry.method.as_str() {
            "DELETE" => {
                broken.extend(wrong_deletion(entry).into_iter().map(|why| format!("{why}: {path}")));
                if !may_go.contains(path) {
                    broken.push(format!("P2: deleted although it is wanted: {path}"));
                }
                let look = looked.get(&(entry.who.clone(), path.clone()));
                if look.is_none_or(|at| awake(&sleeps, &entry.who, *at, entry.at) > LOOK) {
                    broken.push(format!("P2: deleted without a look: {path}"));
                }
            }
            "PATCH" if entry.status == 201 => {
                *created.entry(path.clone()).or_default() += 1;
                broken.extend(out_of_order(entry, &mut waves));
            }
            "POST" if entry.status == 201 => {
                let name = entry.answer.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
                // A hook is made anew for each operation, which its object tells.
                let run = entry.body["metadata"]["annotations"][HOOK_RUN].as_str().unwrap_or_default();
                *created.entry(format!("{path}/{name} {run}")).or_default() += 1;
            }
            // An audit log has no body of what was refused before it was read.
            "PATCH" if entry.status >= 400 && entry.body.is_null() => {}
            "PATCH" if is_about_status(entry) && !swaps(&entry.body) => {
                broken.push(format!("P19: an Application was written without a compare-and-swap: {path}"));
            }
            _ => {}
        }
    }
    broken.extend(
        created
            .iter()
            .filter(|(_, times)| **times > 1)
            .map(|(path, times)| format!("P8: created {times} times: {path}")),
    );
    broken.extend(deposed(log));
    broken
}

/// How much of the time from one moment to another this controller was awake.
fn awake(sleeps: &[&Sleep], who: &str, from: Timestamp, to: Timestamp) -> SignedDuration {
    let asleep = sleeps.iter().filter(|sleep| sleep.who == who);
    asleep.fold(to.duration_since(from), |left, sleep| {
        let within = sleep.to.min(to).duration_since(sleep.from.max(from));
        left - within.max(SignedDuration::ZERO)
    })
}

/// Who has followed another in writing an Application is followed for good: the other writes it no more (P7).
fn deposed(log: &[Record]) -> Vec<String> {
    let mut writes: BTreeMap<(&str, u64), &str> = BTreeMap::new();
    for record in log {
        let Record::Request(entry) = record else { continue };
        if entry.write && entry.status < 300 && is_about_status(entry) {
            let version = entry.answer.pointer("/metadata/resourceVersion").and_then(Value::as_str);
            let version = version.and_then(|version| version.parse().ok()).unwrap_or_default();
            // A write that changes nothing has the version of the one before.
            writes.entry((&entry.path, version)).or_insert(&entry.who);
        }
    }
    let mut broken = Vec::new();
    let mut followed: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for ((path, version), who) in writes {
        if followed.contains(&(path, who)) {
            broken.push(format!("P7: {who} wrote {path} at {version} after it was followed"));
        }
        if let Some(before) = last.insert(path, who).filter(|before| *before != who) {
            followed.insert((path, before));
        }
    }
    broken
}

/// Whether an Application is written. What a parent applies on its way is the child's manifest, not its status, and the same whoever
/// applies it.
fn is_about_status(entry: &Entry) -> bool {
    let merges = ["merge-patch", "json-patch"].iter().any(|kind| entry.content_type.contains(kind));
    is_application(&entry.path) && merges
}

/// Whether a patch says which version it is for.
fn swaps(patch: &Value) -> bool {
    let version = match patch.as_array() {
        Some(operations) => {
            operations.iter().find(|one| one["path"] == "/metadata/resourceVersion").map(|one| &one["value"])
        }
        None => patch.pointer("/metadata/resourceVersion"),
    };
    version.and_then(Value::as_str).is_some_and(|version| !version.is_empty())
}

fn is_application(path: &str) -> bool {
    path.contains("/applications/")
}

fn wrong_deletion(entry: &Entry) -> Vec<String> {
    let mut wrong = Vec::new();
    if entry.status >= 400 && entry.body.is_null() {
        // An audit log has no body of what was refused before it was read.
        return wrong;
    }
    let text = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let (uid, version) =
        (text(&entry.body, "/preconditions/uid"), text(&entry.body, "/preconditions/resourceVersion"));
    if uid.is_empty() || version.is_empty() {
        wrong.push("P3: deleted without preconditions".to_owned());
    }
    let Some(before) = &entry.before else { return wrong };
    if entry.status >= 300 {
        return wrong;
    }
    if text(before, "/metadata/uid") != uid {
        wrong.push("P3: another object than the one decided on was deleted".to_owned());
    }
    if before
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .is_some_and(|o| o.iter().any(|o| o["controller"] == true))
    {
        wrong.push("P1: deleted although a controller owns it".to_owned());
    }
    let api_version = text(before, "/apiVersion");
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let (kind, name) = (text(before, "/kind"), text(before, "/metadata/name"));
    let itself = format!("{group}/{kind}:{}/{name}", text(before, "/metadata/namespace"));
    let tracking = before["metadata"]["annotations"][TRACKING].as_str().unwrap_or_default();
    // A cluster-wide object carries the destination's namespace.
    let names_itself = tracking.split_once(':').is_some_and(|(_, id)| {
        id == itself
            || (text(before, "/metadata/namespace").is_empty()
                && id.starts_with(&format!("{group}/{kind}:"))
                && id.ends_with(&format!("/{name}")))
    });
    if !names_itself {
        wrong.push(format!("P1: deleted although its tracking id is {tracking:?}"));
    }
    wrong
}

/// Objects of one application are created in the order of their waves, as long as none was created before.
fn out_of_order(entry: &Entry, waves: &mut BTreeMap<String, i64>) -> Option<String> {
    let annotations = &entry.body["metadata"]["annotations"];
    let app = annotations[TRACKING].as_str()?.split_once(':')?.0.to_owned();
    let wave = annotations[WAVE].as_str().and_then(|wave| wave.parse().ok()).unwrap_or(0);
    let last = waves.entry(app.clone()).or_insert(wave);
    let out_of_order = wave < *last && wave < 0;
    *last = wave.max(*last);
    out_of_order.then(|| format!("P8: {app}: {} of wave {wave} was created after wave {last}", entry.path))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deletion(tracking: &str, preconditions: &Value, status: u16) -> Record {
        Record::Request(Box::new(Entry {
            at: Timestamp::UNIX_EPOCH,
            who: "1".to_owned(),
            method: "DELETE".to_owned(),
            content_type: String::new(),
            path: "/api/v1/namespaces/n/configmaps/c".to_owned(),
            query: String::new(),
            write: true,
            status,
            body: json!({ "preconditions": preconditions }),
            answer: Value::Null,
            before: Some(json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "c", "namespace": "n", "uid": "u", "annotations": {TRACKING: tracking}},
            })),
        }))
    }

    fn look() -> Record {
        let Record::Request(mut entry) = deletion("", &json!({}), 200) else { unreachable!() };
        entry.method = "GET".to_owned();
        entry.write = false;
        Record::Request(entry)
    }

    #[test]
    fn a_wrong_deletion_is_seen() {
        let may = Record::MayGo(
            Timestamp::UNIX_EPOCH,
            BTreeSet::from(["/api/v1/namespaces/n/configmaps/c".to_owned()]),
        );
        let good = json!({"uid": "u", "resourceVersion": "1"});
        let own = "app:/ConfigMap:n/c";
        for (row, log, expect) in [
            ("right", vec![may.clone(), look(), deletion(own, &good, 200)], ""),
            ("still wanted", vec![look(), deletion(own, &good, 200)], "P2: deleted although it is wanted"),
            ("not looked at", vec![may.clone(), deletion(own, &good, 200)], "P2: deleted without a look"),
            (
                "no preconditions",
                vec![may.clone(), look(), deletion(own, &json!({}), 409)],
                "P3: deleted without",
            ),
            ("tracks another", vec![may.clone(), look(), deletion("app:/ConfigMap:n/d", &good, 200)], "P1"),
            ("not tracked", vec![may, look(), deletion("", &good, 200)], "P1"),
        ] {
            let broken = judge(&log, |_| true);
            assert!(
                if expect.is_empty() {
                    broken.is_empty()
                } else {
                    broken.len() == 1 && broken[0].starts_with(expect)
                },
                "{row}: {broken:?}"
            );
        }
    }

    /// A stopped controller cannot give up what it was about to send; one that is awake can.
    #[test]
    fn a_look_ages_while_its_controller_is_awake() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let moved = |record: Record, second| {
            let Record::Request(mut entry) = record else { unreachable!() };
            entry.at = at(second);
            Record::Request(entry)
        };
        let slept =
            |who: &str, from, to| Record::Slept(Sleep { who: who.to_owned(), from: at(from), to: at(to) });
        let may = Record::MayGo(at(0), BTreeSet::from(["/api/v1/namespaces/n/configmaps/c".to_owned()]));
        let (whole, uid_alone) = (json!({"uid": "u", "resourceVersion": "1"}), json!({"uid": "u"}));
        let old = "P2: deleted without a look";
        for (row, sleeps, conditions, expect) in [
            ("awake for 11 s", vec![], &whole, vec![old]),
            ("awake for 11 s, by its uid alone", vec![], &uid_alone, vec!["P3: deleted without", old]),
            ("10 of 11 s asleep", vec![slept("1", 100, 110)], &whole, vec![]),
            ("10 of 11 s asleep, by its uid alone", vec![slept("1", 100, 110)], &uid_alone, vec!["P3"]),
            ("asleep before the look", vec![slept("1", 85, 100)], &whole, vec![old]),
            ("half of its sleep before the look", vec![slept("1", 90, 105)], &whole, vec![]),
            ("asleep after the deletion", vec![slept("1", 111, 121)], &whole, vec![old]),
            ("another slept", vec![slept("2", 100, 110)], &whole, vec![old]),
        ] {
            let looked = [may.clone(), moved(look(), 100)];
            let deleted = moved(deletion("app:/ConfigMap:n/c", conditions, 200), 111);
            let log: Vec<Record> = looked.into_iter().chain(sleeps).chain([deleted]).collect();
            let broken = judge(&log, |_| true);
            let right = broken.len() == expect.len()
                && broken.iter().zip(&expect).all(|(broken, expect)| broken.starts_with(expect));
            assert!(right, "{row}: {broken:?}");
        }
    }

    #[test]
    fn what_was_before_the_cluster_went_back_is_no_measure() {
        let Record::Request(mut created) = deletion("", &json!({}), 201) else { unreachable!() };
        created.method = "PATCH".to_owned();
        let created = Record::Request(created);
        let back = Record::WentBack(Timestamp::UNIX_EPOCH);
        let good = json!({"uid": "u", "resourceVersion": "1"});
        let may =
            Record::MayGo(Timestamp::UNIX_EPOCH, ["/api/v1/namespaces/n/configmaps/c".to_owned()].into());
        let deleted = deletion("app:/ConfigMap:n/c", &good, 200);
        for (row, log, expect) in [
            ("created twice", vec![created.clone(), created.clone()], 1),
            ("created anew", vec![created.clone(), back.clone(), created], 0),
            ("a look at what was", vec![may.clone(), look(), back.clone(), deleted.clone()], 1),
            ("a look anew", vec![may, back, look(), deleted], 0),
        ] {
            assert_eq!(judge(&log, |_| true).len(), expect, "{row}");
        }
    }

    #[test]
    fn a_write_says_which_version_it_is_for() {
        let operation =
            |value: &str| json!([{"op": "replace", "path": "/metadata/resourceVersion", "value": value}]);
        for (patch, swapped) in [
            (json!({"metadata": {"resourceVersion": "7"}, "status": {}}), true),
            (json!({"metadata": {"resourceVersion": ""}}), false),
            (json!({"status": {}}), false),
            (operation("7"), true),
            (operation(""), false),
            (json!([{"op": "replace", "path": "/status", "value": "7"}]), false),
        ] {
            assert_eq!(swaps(&patch), swapped, "{patch}");
        }
    }

    #[test]
    fn a_write_of_who_was_followed_is_seen() {
        let write = |who: &str, version: u64| {
            let Record::Request(mut entry) = deletion("", &json!({}), 200) else { unreachable!() };
            entry.method = "PATCH".to_owned();
            entry.content_type = "application/merge-patch+json".to_owned();
            entry.path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/a".to_owned();
            entry.body = json!({"metadata": {"resourceVersion": "1"}});
            entry.answer = json!({"metadata": {"resourceVersion": version.to_string()}});
            entry.who = who.to_owned();
            Record::Request(entry)
        };
        for (row, log, expect) in [
            ("one after the other", vec![write("1", 1), write("2", 2), write("2", 3)], 0),
            ("told in another order", vec![write("2", 3), write("1", 2)], 0),
            ("back again", vec![write("1", 1), write("2", 2), write("1", 3)], 1),
            ("without an effect", vec![write("1", 1), write("2", 2), write("1", 2)], 0),
        ] {
            assert_eq!(judge(&log, |_| true).len(), expect, "{row}");
        }
    }
}
