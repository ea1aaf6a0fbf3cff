//! What is asked for of logs.

use cluster::LogRequest;
use jiff::Timestamp;
use resource::ResourceKey;
use serde_json::Value;
use tonic::Status;

use super::merge::Line;
use crate::services::text;

/// An `ApplicationPodLogsQuery`.
#[derive(Debug, Default)]
pub(super) struct Query {
    /// What the cluster is asked for.
    pub(super) log: LogRequest,
    until: Option<Timestamp>,
    filter: Option<Filter>,
    /// Group, kind, namespace and name of an object whose pods are meant; what is empty means any.
    object: [String; 4],
}

#[derive(Debug)]
struct Filter {
    text: String,
    /// Lines that do not have it.
    without: bool,
    match_case: bool,
}

impl Query {
    pub(super) fn of(request: &Value) -> Result<Self, Status> {
        let said = |field: &str| Some(text(request, field)).filter(|text| !text.is_empty());
        let flag = |field: &str| request.get(field).and_then(Value::as_bool).unwrap_or_default();
        // Over gRPC-Web and REST large numbers may be texts.
        let number = |field: &str| {
            let value = request.get(field)?;
            let number = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
            u64::try_from(number).ok().filter(|number| *number > 0)
        };
        let until = said("untilTime").map(str::parse).transpose();
        let until = until.map_err(|error: jiff::Error| {
            Status::invalid_argument(format!("invalid untilTime parameter value: {error}"))
        })?;
        let filter = said("filter").map(|filter| {
            let without = filter.starts_with('!');
            let text = filter.strip_prefix('!').unwrap_or(filter).to_owned();
            Filter { text, without, match_case: flag("matchCase") }
        });
        let log = LogRequest {
            container: text(request, "container").to_owned(),
            since_seconds: number("sinceSeconds"),
            since: said("sinceTime").map(str::to_owned),
            tail: number("tailLines"),
            follow: flag("follow"),
            previous: flag("previous"),
        };
        let mut object =
            ["group", "kind", "namespace", "resourceName"].map(|field| text(request, field).to_owned());
        if let Some(pod) = said("podName") {
            (object[1], object[3]) = ("Pod".to_owned(), pod.to_owned());
        }
        Ok(Self { log, until, filter, object })
    }

    /// Whether the pods of this object, or it itself, are meant.
    pub(super) fn means(&self, key: &ResourceKey) -> bool {
        let is = [&key.group, &key.kind, &key.namespace, &key.name];
        self.object.iter().zip(is).all(|(wanted, is)| wanted.is_empty() || wanted == is)
    }

    /// Whether a line is after what is asked for.
    pub(super) fn is_late(&self, line: &Line) -> bool {
        self.until.is_some_and(|until| line.at > until)
    }

    /// Whether a line is shown.
    pub(super) fn shows(&self, line: &str) -> bool {
        let Some(filter) = &self.filter else { return true };
        let has = if filter.match_case {
            line.contains(&filter.text)
        } else {
            line.to_lowercase().contains(&filter.text.to_lowercase())
        };
        has != filter.without
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_chosen_as_in_the_peer() {
        for (filter, match_case, line, shown) in [
            ("", false, "anything", true),
            ("error", false, "an ERROR", true),
            ("error", true, "an ERROR", false),
            ("!error", false, "an ERROR", false),
            ("!error", false, "fine", true),
            ("!", false, "fine", false),
        ] {
            let query = Query::of(&json!({"filter": filter, "matchCase": match_case})).unwrap();
            assert_eq!(query.shows(line), shown, "{filter} {line}");
        }
    }

    #[test]
    fn pods_are_meant_by_themselves_or_by_what_made_them() {
        let (pod, set) =
            (ResourceKey::new("", "Pod", "n", "p"), ResourceKey::new("apps", "ReplicaSet", "n", "r"));
        for (request, expected) in [
            (json!({}), (true, true)),
            (json!({"podName": "p"}), (true, false)),
            (json!({"podName": "q"}), (false, false)),
            (json!({"kind": "ReplicaSet", "group": "apps", "resourceName": "r"}), (false, true)),
            (json!({"namespace": "m"}), (false, false)),
        ] {
            let query = Query::of(&request).unwrap();
            assert_eq!((query.means(&pod), query.means(&set)), expected, "{request}");
        }
    }

    #[test]
    fn numbers_and_times_are_read() {
        let query =
            Query::of(&json!({"tailLines": "3", "sinceSeconds": 0, "untilTime": "2026-01-01T00:00:00Z"}));
        let query = query.unwrap();
        assert_eq!((query.log.tail, query.log.since_seconds), (Some(3), None));
        assert!(Query::of(&json!({"untilTime": "yesterday"})).is_err());
    }
}
