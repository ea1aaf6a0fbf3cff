//! Label selectors of workloads.

use serde_json::Value;

use super::{Errors, list, metadata, text};
use crate::status::FieldError;

/// The selector of a workload, and the labels of its template, which it must select.
pub(super) fn check(spec: &Value, errors: &mut Errors) {
    let selector = &spec["selector"];
    let labels = &spec["template"]["metadata"]["labels"];
    if !selector.is_object() {
        errors.push(FieldError::required("spec.selector", ""));
    } else {
        errors.extend(metadata::labels(&selector["matchLabels"], "spec.selector.matchLabels"));
        let empty = selector["matchLabels"].as_object().is_none_or(serde_json::Map::is_empty)
            && list(selector, "matchExpressions").is_empty();
        if empty {
            let why = "empty selector is invalid for deployment";
            errors.push(FieldError::invalid("spec.selector", selector.clone(), why));
        }
    }
    if !selector.is_object() || !selects(selector, labels) {
        errors.push(FieldError::invalid(
            "spec.template.metadata.labels",
            if labels.is_null() { Value::Null } else { labels.clone() },
            "`selector` does not match template `labels`",
        ));
    }
}

/// Whether a label selector takes these labels.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    let value = |key: &str| labels[key].as_str();
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    equal.into_iter().all(|(key, wanted)| value(key) == wanted.as_str())
        && list(selector, "matchExpressions").iter().all(|expression| {
            let value = value(text(expression, "key"));
            let among = value.is_some_and(|v| list(expression, "values").iter().any(|w| w == v));
            match text(expression, "operator") {
                "In" => among,
                "NotIn" => !among,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}
