//! What the API server's audit log says of the controllers' requests, in the form of the lines' log.

use std::collections::BTreeMap;

use serde_json::Value;
use testkit::AuditEntry;

use crate::judge::{Entry, Record};
use crate::line::is_write;

/// Users that controllers act as begin so.
pub(crate) const USERS: &str = "capstan-";

/// The requests of controllers whose users end with `mark`, with what `log` says may go. What was there before a deletion is what the
/// last write to it, whose ever, was answered with.
pub(crate) fn records(audit: &[AuditEntry], mark: &str, log: &[Record]) -> Vec<Record> {
    let mut last: BTreeMap<String, &Value> = BTreeMap::new();
    let mut records: Vec<Record> =
        log.iter().filter(|record| !matches!(record, Record::Request(_))).cloned().collect();
    let restores = log.iter().filter(|record| matches!(record, Record::WentBack(_)));
    let mut restores = restores.map(Record::at).peekable();
    for entry in audit {
        let (path, query) = entry.uri.split_once('?').unwrap_or((&entry.uri, ""));
        let answer = entry.answer.as_ref();
        let at = entry.received.parse().unwrap_or(jiff::Timestamp::MAX);
        while restores.next_if(|restored| *restored <= at).is_some() {
            last.clear();
        }
        let who = entry.user.strip_prefix(USERS).and_then(|user| user.strip_suffix(mark));
        if let (Some(who), Ok(at)) = (who, entry.received.parse()) {
            let method = match entry.verb.as_str() {
                "create" => http::Method::POST,
                "update" => http::Method::PUT,
                "patch" => http::Method::PATCH,
                "delete" | "deletecollection" => http::Method::DELETE,
                _ => http::Method::GET,
            };
            // The log does not tell one patch from another; only an apply can be forced.
            let kind = match &entry.body {
                _ if query.contains("force=") => "apply-patch",
                Some(Value::Array(_)) => "json-patch",
                _ => "merge-patch",
            };
            records.push(Record::Request(Box::new(Entry {
                at,
                who: who.to_owned(),
                content_type: kind.to_owned(),
                path: path.to_owned(),
                query: query.to_owned(),
                write: is_write(&method, path, query),
                status: entry.code,
                body: entry.body.clone().unwrap_or_default(),
                answer: answer.cloned().unwrap_or_default(),
                before: last.get(path).copied().filter(|_| method == http::Method::DELETE).cloned(),
                method: method.to_string(),
            })));
        }
        if entry.is_write()
            && entry.code < 300
            && !query.contains("dryRun=All")
            && entry.subresource.is_empty()
            && let Some(answer) = answer
        {
            let made = answer.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            let path = if entry.verb == "create" { format!("{path}/{made}") } else { path.to_owned() };
            last.insert(path, answer);
        }
    }
    records.sort_by_key(Record::at);
    records
}

/// Writes that a line carried and the audit log does not have: there are none, or the log is no witness.
pub(crate) fn unseen(lines: &[Record], audit: &[Record]) -> Vec<String> {
    let count = |log: &[Record]| {
        let mut all: BTreeMap<String, usize> = BTreeMap::new();
        for record in log {
            if let Record::Request(entry) = record
                && entry.write
            {
                let text = format!("{} {} of {}: {}", entry.method, entry.path, entry.who, entry.status);
                *all.entry(text).or_default() += 1;
            }
        }
        all
    };
    let audited = count(audit);
    let seen = |write: &str| audited.get(write).copied().unwrap_or_default();
    let unseen = count(lines).into_iter().filter(|(write, times)| seen(write) < *times);
    unseen.map(|(write, times)| format!("the audit log has not {times} times {write}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::judge::judge;

    const PATH: &str = "/api/v1/namespaces/n/configmaps/c";

    fn entry(user: &str, verb: &str, path: &str, second: u32, body: Value, answer: Value) -> AuditEntry {
        AuditEntry {
            verb: verb.to_owned(),
            uri: format!("{path}?fieldManager=m&force=true"),
            user: user.to_owned(),
            user_agent: String::new(),
            group: String::new(),
            resource: "configmaps".to_owned(),
            subresource: String::new(),
            namespace: "n".to_owned(),
            name: "c".to_owned(),
            code: 200,
            received: format!("2026-01-01T00:00:{second:02}Z"),
            body: Some(body),
            answer: Some(answer),
        }
    }

    fn object(tracking: &str) -> Value {
        let annotations = json!({"argocd.argoproj.io/tracking-id": tracking});
        let metadata = json!({"name": "c", "namespace": "n", "uid": "u", "annotations": annotations});
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    }

    #[test]
    fn the_audit_log_alone_shows_a_wrong_deletion() {
        let delete = json!({"preconditions": {"uid": "u", "resourceVersion": "1"}});
        let get = |second| entry("capstan-1-r1", "get", PATH, second, Value::Null, Value::Null);
        let write = |by: &str, tracking: &str| entry(by, "patch", PATH, 1, json!({}), object(tracking));
        let end = entry("capstan-1-r1", "delete", PATH, 30, delete, json!({"kind": "Status"}));
        let (own, other) = ("app:/ConfigMap:n/c", "app:/ConfigMap:n/d");
        for (row, audit, expect) in [
            ("right", vec![write("capstan-1-r1", own), get(29), end.clone()], ""),
            (
                "another wrote last",
                vec![write("capstan-1-r1", own), write("admin", other), get(29), end.clone()],
                "P1",
            ),
            (
                "made elsewhere",
                vec![
                    entry(
                        "capstan-1-r1",
                        "create",
                        "/api/v1/namespaces/n/configmaps",
                        1,
                        json!({}),
                        object(other),
                    ),
                    get(29),
                    end.clone(),
                ],
                "P1",
            ),
            (
                "looked at long ago",
                vec![write("capstan-1-r1", own), get(2), end],
                "P2: deleted without a look",
            ),
            ("another rig's", vec![entry("capstan-1-r2", "delete", PATH, 3, json!({}), json!({}))], ""),
        ] {
            let may = Record::MayGo(jiff::Timestamp::UNIX_EPOCH, [PATH.to_owned()].into());
            let broken =
                judge(&records(&audit, "-r1", &[may]), |path| path.starts_with("/api/v1/namespaces/n/"));
            let right = if expect.is_empty() {
                broken.is_empty()
            } else {
                broken.len() == 1 && broken[0].starts_with(expect)
            };
            assert!(right, "{row}: {broken:?}");
        }
    }

    #[test]
    fn a_write_that_the_audit_log_lacks_is_told() {
        let seen = records(&[entry("capstan-1", "patch", PATH, 1, json!({}), json!({}))], "", &[]);
        assert_eq!(unseen(&seen, &seen), [""; 0]);
        assert_eq!(unseen(&[seen.clone(), seen.clone()].concat(), &seen).len(), 1);
    }
}
