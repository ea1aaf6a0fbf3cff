use serde_json::Value;

/// One finished request, as the API server's audit log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// Path and query.
    pub uri: String,
    /// Name of the user, the impersonated one where there is one.
    pub user: String,
    /// The client's `User-Agent`.
    pub user_agent: String,
    /// API group, empty for core and for requests without a resource.
    pub group: String,
    /// Plural resource, as in `deployments`; empty for `/healthz` and the like.
    pub resource: String,
    /// `status`, `scale`, …, or empty.
    pub subresource: String,
    /// Namespace, or empty.
    pub namespace: String,
    /// Object's name, or empty.
    pub name: String,
    /// HTTP status of the answer.
    pub code: u16,
    /// When the request came, RFC 3339 in microseconds, UTC.
    pub received: String,
    /// The request's body, for writes.
    pub body: Option<Value>,
    /// The answer to a write without `managedFields`, where answers are logged.
    pub answer: Option<Value>,
}

impl AuditEntry {
    /// Whether the request could have changed something.
    pub fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }

    /// Reads one line of the log; `None` for a stage that repeats a request told already, and for noise.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let event: Value = serde_json::from_str(line).ok()?;
        let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let stage = text("/stage");
        let verb = text("/verb");
        // A watch is counted when it begins, everything else when it ends.
        if (verb == "watch") != (stage == "ResponseStarted") {
            return None;
        }
        let impersonated = text("/impersonatedUser/username");
        Some(Self {
            uri: text("/requestURI"),
            user: if impersonated.is_empty() { text("/user/username") } else { impersonated },
            user_agent: text("/userAgent"),
            group: text("/objectRef/apiGroup"),
            resource: text("/objectRef/resource"),
            subresource: text("/objectRef/subresource"),
            namespace: text("/objectRef/namespace"),
            name: text("/objectRef/name"),
            code: event.pointer("/responseStatus/code").and_then(Value::as_u64).unwrap_or_default() as u16,
            received: text("/requestReceivedTimestamp"),
            body: event.get("requestObject").cloned(),
            answer: event.get("responseObject").cloned(),
            verb,
        })
    }
}

/// What the API server logs: writes with their bodies, and with `answers` also what was answered to them but where there is much
/// of it; the rest by its metadata; nothing of its own loopback client.
pub(crate) fn policy(answers: bool) -> String {
    let answers = if answers { ANSWERS } else { "" };
    format!(
        r#"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: {}
rules:
- level: None
  users: ["system:apiserver"]
{answers}- level: Request
  verbs: [create, update, patch, delete, deletecollection]
- level: Metadata
"#,
        !answers.is_empty()
    )
}

const ANSWERS: &str = r#"- level: Metadata
  resources:
  - group: ""
    resources: [pods, pods/status, pods/binding, events, nodes, nodes/status, endpoints, serviceaccounts, serviceaccounts/token]
  - group: events.k8s.io
  - group: discovery.k8s.io
  - group: coordination.k8s.io
- level: RequestResponse
  verbs: [create, update, patch, delete, deletecollection]
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_a_request_once() {
        let line = |verb: &str, stage: &str| {
            format!(
                r#"{{"verb":"{verb}","stage":"{stage}","requestURI":"/api","responseStatus":{{"code":200}}}}"#
            )
        };
        for (verb, stage, counted) in [
            ("get", "ResponseComplete", true),
            ("watch", "ResponseStarted", true),
            ("watch", "ResponseComplete", false),
            ("get", "ResponseStarted", false),
        ] {
            assert_eq!(AuditEntry::parse(&line(verb, stage)).is_some(), counted, "{verb} {stage}");
        }
    }
}
