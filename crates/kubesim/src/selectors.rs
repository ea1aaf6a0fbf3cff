//! Label and field selectors.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{
    registry::Kind,
    status::{ApiError, ApiResult},
    store::Stored,
};

/// Longest selector, in bytes.
const MAX_SELECTOR: usize = 64 << 10;

/// What a list or watch is narrowed to. The default one takes everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<FieldRequirement>,
}

#[derive(Debug, Clone)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Above(i64),
    Below(i64),
}

#[derive(Debug, Clone)]
struct FieldRequirement {
    field: String,
    value: String,
    equal: bool,
}

impl Selector {
    /// Reads both forms as they stand in a query.
    pub(crate) fn parse(kind: &Kind, labels: &str, fields: &str) -> ApiResult<Self> {
        if labels.len() + fields.len() > MAX_SELECTOR {
            return Err(ApiError::bad_request("the selector is too long"));
        }
        let labels_read = parse_labels(labels).map_err(ApiError::bad_request)?;
        let fields_read = parse_fields(fields).map_err(ApiError::bad_request)?;
        for requirement in &fields_read {
            if !is_selectable(kind, &requirement.field) {
                let field = &requirement.field;
                let plain = built_in_fields(&kind.storage).is_empty() && kind.custom.is_none();
                return Err(ApiError::bad_request(if plain {
                    format!(
                        "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                    )
                } else {
                    format!("field label not supported: {field}")
                }));
            }
        }
        Ok(Self { labels: labels_read, fields: fields_read })
    }

    /// Whether an object is wanted.
    pub(crate) fn matches(&self, stored: &Stored) -> bool {
        self.labels.iter().all(|r| r.matches(stored)) && self.fields.iter().all(|r| r.matches(stored))
    }
}

impl Requirement {
    fn matches(&self, stored: &Stored) -> bool {
        let value = stored.labels.iter().find(|(k, _)| *k == self.key).map(|(_, v)| v.as_str());
        let number = || value.and_then(|v| v.parse::<i64>().ok());
        match &self.test {
            Test::In(values) => value.is_some_and(|v| values.iter().any(|w| w == v)),
            Test::NotIn(values) => value.is_none_or(|v| !values.iter().any(|w| w == v)),
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::Above(bound) => number().is_some_and(|n| n > *bound),
            Test::Below(bound) => number().is_some_and(|n| n < *bound),
        }
    }
}

impl FieldRequirement {
    fn matches(&self, stored: &Stored) -> bool {
        let value = match self.field.as_str() {
            "metadata.name" => stored.key.name.as_str(),
            "metadata.namespace" => stored.key.namespace.as_str(),
            field => stored.fields.iter().find(|(f, _)| f == field).map_or("", |(_, v)| v.as_str()),
        };
        (value == self.value) == self.equal
    }
}

/// Splits at commas that are not inside parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts.into_iter().map(str::trim).filter(|p| !p.is_empty()).collect()
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, String> {
    split(text).into_iter().map(parse_label).collect()
}

fn parse_label(part: &str) -> Result<Requirement, String> {
    let bad = |why: String| format!("unable to parse requirement: {why}");
    let requirement = |key: &str, test: Test| {
        let key = key.trim();
        match crate::validation::names::qualified_name(key).into_iter().next() {
            Some(why) => Err(bad(format!("<nil>: Invalid value: {key:?}: {why}"))),
            None => Ok(Requirement { key: key.to_owned(), test }),
        }
    };
    let set = |text: &str| -> Result<Vec<String>, String> {
        let inner = text.trim().strip_prefix('(').and_then(|t| t.strip_suffix(')'));
        let inner = inner.ok_or_else(|| bad(format!("found '{}' expected: '('", text.trim())))?;
        inner.split(',').map(|v| label_value(v.trim())).collect()
    };
    if let Some(key) = part.strip_prefix('!') {
        return requirement(key, Test::Absent);
    }
    if let Some((key, rest)) = part.split_once(char::is_whitespace) {
        let rest = rest.trim();
        if let Some(values) = rest.strip_prefix("notin") {
            return requirement(key, Test::NotIn(set(values)?));
        }
        if let Some(values) = rest.strip_prefix("in") {
            return requirement(key, Test::In(set(values)?));
        }
        if !rest.starts_with(['=', '!', '<', '>']) && !key.contains(['=', '!', '<', '>']) {
            let word = rest.split(char::is_whitespace).next().unwrap_or_default();
            return Err(bad(format!("found '{word}', expected: in, notin, =, ==, !=, gt, lt")));
        }
    }
    if let Some((key, value)) = part.split_once("!=") {
        return requirement(key, Test::NotIn(vec![label_value(value.trim())?]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return requirement(key, Test::In(vec![label_value(value.trim())?]));
    }
    for (mark, make) in [('>', Test::Above as fn(i64) -> Test), ('<', Test::Below)] {
        if let Some((key, value)) = part.split_once(mark) {
            let number = value.trim().parse();
            let number = number.map_err(|_| {
                bad(format!("values[0][{}]: Invalid value: {:?}: for 'Gt', 'Lt' operators, the value must be an integer", key.trim(), value.trim()))
            })?;
            return requirement(key, make(number));
        }
    }
    requirement(part, Test::Exists)
}

fn label_value(value: &str) -> Result<String, String> {
    match crate::validation::names::label_value(value) {
        Some(why) => Err(format!("unable to parse requirement: values[0]: Invalid value: {value:?}: {why}")),
        None => Ok(value.to_owned()),
    }
}

fn parse_fields(text: &str) -> Result<Vec<FieldRequirement>, String> {
    split(text)
        .into_iter()
        .map(|part| {
            let (field, value, equal) = if let Some((f, v)) = part.split_once("!=") {
                (f, v, false)
            } else if let Some((f, v)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (f, v, true)
            } else {
                return Err(format!("invalid selector: '{text}'; can't understand '{part}'"));
            };
            let value = value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\");
            Ok(FieldRequirement { field: field.to_owned(), value, equal })
        })
        .collect()
}

/// The fields, besides name and namespace, by which objects of a built-in kind can be asked for.
fn built_in_fields(storage: &str) -> &'static [&'static str] {
    match storage {
        "pods" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "secrets" => &["type"],
        "namespaces" => &["status.phase"],
        "nodes" => &["spec.unschedulable"],
        "services" => &["spec.clusterIP", "spec.type"],
        "replicasets.apps" | "replicationcontrollers" => &["status.replicas"],
        "jobs.batch" => &["status.successful"],
        "certificatesigningrequests.certificates.k8s.io" => &["spec.signerName"],
        _ => &[],
    }
}

fn is_selectable(kind: &Kind, field: &str) -> bool {
    let field = events_face(kind, field);
    matches!(field, "metadata.name" | "metadata.namespace")
        || built_in_fields(&kind.storage).contains(&field)
        || kind.custom.as_ref().is_some_and(|c| c.selectable_fields.iter().any(|f| f == field))
}

/// `events.k8s.io` calls the same fields by other names.
fn events_face<'a>(kind: &Kind, field: &'a str) -> &'a str {
    match (kind.group.as_str(), field) {
        ("events.k8s.io", "regarding.name") => "involvedObject.name",
        ("events.k8s.io", "regarding.namespace") => "involvedObject.namespace",
        ("events.k8s.io", "regarding.kind") => "involvedObject.kind",
        ("events.k8s.io", "regarding.uid") => "involvedObject.uid",
        ("events.k8s.io", "reportingController") => "reportingComponent",
        _ => field,
    }
}

/// What a new state of an object answers to field selectors.
pub(crate) fn selectable_fields(
    kind: &Kind,
    object: &Map<String, Value>,
) -> Vec<(Cow<'static, str>, String)> {
    let mut found: Vec<(Cow<'static, str>, String)> = Vec::new();
    for field in built_in_fields(&kind.storage) {
        let path = match (&*kind.storage, *field) {
            ("events", "source") => "source.component",
            ("jobs.batch", "status.successful") => "status.succeeded",
            (_, path) => path,
        };
        let text = match look_up(object, path) {
            Some(text) => text,
            None if *field == "spec.unschedulable" || *field == "spec.hostNetwork" => "false".to_owned(),
            None if *field == "status.replicas" || *field == "status.successful" => "0".to_owned(),
            None => continue,
        };
        found.push((Cow::Borrowed(field), text));
    }
    if let Some(custom) = &kind.custom {
        for field in &custom.selectable_fields {
            found.extend(look_up(object, field).map(|text| (Cow::Owned(field.clone()), text)));
        }
    }
    found
}

fn look_up(object: &Map<String, Value>, path: &str) -> Option<String> {
    let mut steps = path.split('.');
    let first = object.get(steps.next()?)?;
    match steps.try_fold(first, |value, step| value.get(step))? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::Registry;

    fn pod() -> (Registry, Stored) {
        let registry = Registry::built_in();
        let object = json!({"metadata": {"name": "a", "labels": {"app": "web", "tier": "2"}},
            "spec": {"nodeName": "n1"}, "status": {"phase": "Running"}});
        let stored =
            Stored::new(registry.find("", "v1", "pods").unwrap(), object.as_object().unwrap().clone());
        (registry, stored)
    }

    #[test]
    fn selectors_choose() {
        let (registry, stored) = pod();
        let kind = registry.find("", "v1", "pods").unwrap();
        for (labels, fields, expected) in [
            ("", "", true),
            ("app=web", "", true),
            ("app==web,tier", "", true),
            ("app!=web", "", false),
            ("none!=web", "", true),
            ("app in (web, db)", "", true),
            ("app notin (web)", "", false),
            ("!app", "", false),
            ("!other,app", "", true),
            ("tier>1", "", true),
            ("tier<2", "", false),
            ("", "status.phase=Running,spec.nodeName!=n2", true),
            ("", "metadata.name=b", false),
        ] {
            let selector = Selector::parse(kind, labels, fields).unwrap();
            assert_eq!(selector.matches(&stored), expected, "{labels} {fields}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        let (registry, _) = pod();
        let kind = registry.find("", "v1", "pods").unwrap();
        for (labels, fields) in
            [("a in b", ""), ("=x", ""), ("a=b c", ""), ("", "spec.foo=1"), ("", "x"), ("a>b", "")]
        {
            assert_eq!(Selector::parse(kind, labels, fields).unwrap_err().code, 400, "{labels} {fields}");
        }
    }
}
