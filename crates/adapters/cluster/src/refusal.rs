//! What a refused write means.

use resource::{Gvk, ResourceKey};

use crate::{
    counters::Verb,
    error::{Cause, FieldConflict, WriteError},
    http::{Failure, Status},
};

/// Stands for a text about a Secret, which may quote its values.
const WITHHELD: &str = "the server's text is withheld, it may quote the Secret's values";

/// How the server says that a kind has no such field.
const UNDECLARED: &str = ": field not declared in schema";
/// Characters of a place in a Secret that is passed on.
const MAX_PLACE: usize = 100;

/// What a write was about.
pub(crate) struct Attempt<'a> {
    pub(crate) gvk: &'a Gvk,
    pub(crate) plural: &'a str,
    pub(crate) key: ResourceKey,
    pub(crate) verb: Verb,
}

impl Attempt<'_> {
    fn is_secret(&self) -> bool {
        self.gvk.group.is_empty() && self.gvk.kind == "Secret"
    }

    /// The server's text, or what stands for it. Of a Secret only the texts that Kubernetes itself makes of
    /// names and rights are passed on: validation, conversion and webhooks quote what they were given.
    fn text(&self, status: &Status) -> String {
        let by_name = matches!(status.reason.as_str(), "NotFound" | "AlreadyExists" | "Conflict");
        let by_right = status.code == 403 && status.message.contains("is forbidden: User");
        if self.is_secret() && !by_name && !by_right { withheld(status) } else { status.message.clone() }
    }

    /// Turns a failure into what it means for the object.
    pub(crate) fn refused(&self, failure: Failure) -> WriteError {
        let key = Box::new(self.key.clone());
        match failure {
            Failure::Status(status) => self.refused_by(&status),
            Failure::Transport(message) => WriteError::Transient { key, message, retry_after: None },
            Failure::TooLarge { .. } => WriteError::TooLarge { key, message: failure.to_string() },
            // The write was taken; what it came to is not known.
            Failure::Malformed(_) if self.is_secret() => {
                WriteError::Transient { key, message: WITHHELD.to_owned(), retry_after: None }
            }
            Failure::Malformed(message) => WriteError::Transient { key, message, retry_after: None },
        }
    }

    fn refused_by(&self, status: &Status) -> WriteError {
        let key = Box::new(self.key.clone());
        let message = self.text(status);
        match status.code {
            400 | 422 => self.invalid(status, message),
            401 => WriteError::Unauthorized { key },
            403 if status.has_cause("NamespaceTerminating") => {
                WriteError::NamespaceTerminating { namespace: key.namespace.clone(), key }
            }
            403 => WriteError::Forbidden {
                key,
                verb: self.verb.rbac(),
                resource: self.plural.to_owned(),
                message,
            },
            404 => self.not_found(status),
            409 if status.reason == "AlreadyExists" => WriteError::AlreadyExists { key },
            409 if status.has_cause("FieldManagerConflict") => {
                WriteError::Conflict { key, fields: conflicts(status), message }
            }
            409 => WriteError::Precondition { key, message },
            413 => WriteError::TooLarge { key, message },
            429 => WriteError::Throttled { key, retry_after: status.retry_after },
            500 if status.message.contains("request is too large") => WriteError::TooLarge { key, message },
            // The server has no reason and no better code for a manifest that does not fit its schema.
            500 if is_about_the_manifest(&status.message) => self.invalid(status, message),
            408 | 500..=599 => WriteError::Transient { key, message, retry_after: status.retry_after },
            code => WriteError::Refused { key, code, message },
        }
    }

    fn invalid(&self, status: &Status, message: String) -> WriteError {
        let key = Box::new(self.key.clone());
        if status.message.contains("duplicate entries for key") {
            return WriteError::DuplicateListKeys { key, message };
        }
        let withheld = self.is_secret();
        let cause = |cause: &crate::http::StatusCause| Cause {
            field: cause.field.clone(),
            message: if withheld { String::new() } else { cause.message.clone() },
        };
        let causes = status.causes().iter().map(cause).collect();
        WriteError::Invalid { key, message, causes, malformed: is_malformed(status) }
    }

    fn not_found(&self, status: &Status) -> WriteError {
        let key = Box::new(self.key.clone());
        match &status.details {
            // A namespace that is missing, rather than a Namespace that was asked for.
            Some(details) if details.kind == "namespaces" && self.plural != "namespaces" => {
                WriteError::NamespaceMissing { namespace: key.namespace.clone(), key }
            }
            Some(details) if !details.name.is_empty() => WriteError::NotFound { key },
            // The path itself is not served.
            _ => WriteError::KindUnknown { gvk: self.gvk.clone() },
        }
    }
}

/// What stands for the server's text about a Secret: the names of the fields that it is about, and no value.
fn withheld(status: &Status) -> String {
    let unknown =
        status.message.split(UNDECLARED).next().filter(|before| before.len() < status.message.len());
    let unknown = unknown.and_then(|before| before.rsplit(": ").next()).map(str::to_owned);
    let caused = status.causes().iter().map(|cause| cause.field.clone());
    let mut fields: Vec<String> = caused.chain(unknown).filter(|field| is_path(field)).collect();
    fields.sort();
    fields.dedup();
    match (fields.is_empty(), status.message.contains(UNDECLARED)) {
        (true, _) => WITHHELD.to_owned(),
        (false, true) => format!("{}: no field of a Secret", fields.join(", ")),
        (false, false) => format!("{WITHHELD}; it is about {}", fields.join(", ")),
    }
}

/// A place as the server writes it. A webhook may write anything there, so what looks like a text is none.
fn is_path(field: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '[' | ']' | '_' | '-');
    (1..=MAX_PLACE).contains(&field.len()) && field.chars().all(word)
}

/// Whether an object was refused for its text alone. What plugins and rules of validation say may hang on other objects and on what the
/// object was before.
fn is_malformed(status: &Status) -> bool {
    let by_admission =
        status.message.contains("admission webhook") || status.message.contains("denied request");
    let of_form = |cause: &crate::http::StatusCause| {
        matches!(
            cause.reason.as_str(),
            "FieldValueTypeInvalid" | "FieldValueRequired" | "FieldValueNotSupported"
        )
    };
    !by_admission && (status.code != 422 || status.causes().iter().any(of_form))
}

fn is_about_the_manifest(message: &str) -> bool {
    [
        "failed to create typed patch object",
        "failed to convert new object",
        "unable to convert unstructured object",
    ]
    .iter()
    .any(|start| message.contains(start))
}

/// Each conflict names its manager as `conflict with "kubectl" using apps/v1`.
fn conflicts(status: &Status) -> Vec<FieldConflict> {
    let conflicts = status.causes().iter().filter(|cause| cause.reason == "FieldManagerConflict");
    conflicts
        .map(|cause| FieldConflict {
            manager: cause.message.split('"').nth(1).unwrap_or_default().to_owned(),
            field: cause.field.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refused(gvk: &Gvk, status: Value) -> WriteError {
        let plural = format!("{}s", gvk.kind.to_lowercase());
        let key = ResourceKey::new(gvk.group.clone(), gvk.kind.clone(), "shop", "web");
        let attempt = Attempt { gvk, plural: &plural, key, verb: Verb::Apply };
        attempt.refused(Failure::Status(Box::new(serde_json::from_value(status).unwrap())))
    }

    fn name(error: &WriteError) -> String {
        let debug = format!("{error:?}");
        debug.split([' ', '{']).next().unwrap_or_default().to_owned()
    }

    #[test]
    fn every_answer_has_its_class() {
        let map = Gvk::new("", "v1", "ConfigMap");
        for (row, status, class) in [
            ("bad field", json!({"code": 400, "message": "strict decoding error"}), "Invalid"),
            ("validation", json!({"code": 422, "reason": "Invalid"}), "Invalid"),
            (
                "unknown field in an apply",
                json!({"code": 500, "message": "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .datax: field not declared in schema"}),
                "Invalid",
            ),
            (
                "duplicate keys",
                json!({"code": 500, "message": "failed to create typed patch object (/dup; apps/v1, Kind=Deployment): .spec.template.spec.containers[name=\"x\"].env: duplicate entries for key [name=\"A\"]"}),
                "DuplicateListKeys",
            ),
            ("webhook is down", json!({"code": 500, "message": "failed calling webhook"}), "Transient"),
            ("token", json!({"code": 401}), "Unauthorized"),
            ("right", json!({"code": 403, "message": "x is forbidden"}), "Forbidden"),
            (
                "namespace ends",
                json!({"code": 403, "details": {"causes": [{"reason": "NamespaceTerminating"}]}}),
                "NamespaceTerminating",
            ),
            (
                "no namespace",
                json!({"code": 404, "reason": "NotFound", "details": {"name": "shop", "kind": "namespaces"}}),
                "NamespaceMissing",
            ),
            (
                "no object",
                json!({"code": 404, "reason": "NotFound", "details": {"name": "web", "kind": "configmaps"}}),
                "NotFound",
            ),
            ("no kind", json!({"code": 404, "message": "404 page not found"}), "KindUnknown"),
            (
                "no kind, as a status",
                json!({"code": 404, "reason": "NotFound", "details": {}}),
                "KindUnknown",
            ),
            ("exists", json!({"code": 409, "reason": "AlreadyExists"}), "AlreadyExists"),
            ("stale", json!({"code": 409, "reason": "Conflict"}), "Precondition"),
            ("size", json!({"code": 413}), "TooLarge"),
            ("etcd's size", json!({"code": 500, "message": "etcdserver: request is too large"}), "TooLarge"),
            ("busy", json!({"code": 429}), "Throttled"),
            ("down", json!({"code": 503}), "Transient"),
            ("method", json!({"code": 405}), "Refused"),
        ] {
            assert_eq!(name(&refused(&map, status)), class, "{row}");
        }
    }

    #[test]
    fn what_is_malformed_is_so_everywhere() {
        let map = Gvk::new("", "v1", "ConfigMap");
        let cause = |reason: &str| json!({"code": 422, "reason": "Invalid", "details": {"causes": [{"reason": reason, "field": "spec.x"}]}});
        for (row, status, malformed) in [
            (
                "an unknown field",
                json!({"code": 400, "message": "strict decoding error: unknown field \"x\""}),
                true,
            ),
            (
                "a typed patch",
                json!({"code": 500, "message": "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .x: field not declared in schema"}),
                true,
            ),
            ("a type", cause("FieldValueTypeInvalid"), true),
            ("a missing field", cause("FieldValueRequired"), true),
            ("a word", cause("FieldValueNotSupported"), true),
            ("what may not change", cause("FieldValueInvalid"), false),
            ("what may not be set", cause("FieldValueForbidden"), false),
            (
                "a webhook",
                json!({"code": 400, "message": "admission webhook \"a.b\" denied the request: no"}),
                false,
            ),
            (
                "a webhook without dry runs",
                json!({"code": 400, "message": "admission webhook \"a.b\" does not support dry run"}),
                false,
            ),
            (
                "a policy",
                json!({"code": 422, "message": "x is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"}),
                false,
            ),
        ] {
            let WriteError::Invalid { malformed: found, .. } = refused(&map, status) else { panic!("{row}") };
            assert_eq!(found, malformed, "{row}");
        }
    }

    #[test]
    fn conflicts_name_field_and_manager() {
        let status = json!({"code": 409, "reason": "Conflict",
            "message": "Apply failed with 2 conflicts: …", "details": {"causes": [
            {"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using apps/v1", "field": ".spec.replicas"},
            {"reason": "FieldManagerConflict", "message": "conflict with \"one\"", "field": ".data.x"}]}});
        let WriteError::Conflict { fields, .. } = refused(&Gvk::new("", "v1", "ConfigMap"), status) else {
            panic!("not a conflict")
        };
        let pairs: Vec<_> = fields.iter().map(|f| (f.manager.as_str(), f.field.as_str())).collect();
        assert_eq!(pairs, [("kubectl", ".spec.replicas"), ("one", ".data.x")]);
    }

    #[test]
    fn texts_about_secrets_are_withheld() {
        let secret = Gvk::new("", "v1", "Secret");
        let canary = "c4n4ry";
        for (row, status) in [
            (
                "validation",
                json!({"code": 422, "reason": "Invalid", "message": canary,
                "details": {"causes": [{"field": "data.x", "message": canary}]}}),
            ),
            (
                "conversion",
                json!({"code": 500, "message": format!("unable to convert unstructured object: {canary}")}),
            ),
            ("webhook", json!({"code": 403, "message": format!("admission webhook denied: {canary}")})),
            ("server", json!({"code": 503, "message": canary})),
            ("other", json!({"code": 418, "message": canary})),
        ] {
            let error = refused(&secret, status);
            assert!(!format!("{error} {error:?}").contains(canary), "{row}: {error:?}");
        }
        for (row, status, text) in [
            (
                "an unknown field",
                json!({"code": 500, "message": "failed to create typed patch object (a/b; /v1, Kind=Secret): .stringdata: field not declared in schema"}),
                ".stringdata: no field of a Secret",
            ),
            (
                "a place",
                json!({"code": 422, "message": canary, "details": {"causes": [{"field": "data[a]"}, {"field": "a text"}]}}),
                "it is about data[a]",
            ),
        ] {
            let error = refused(&secret, status).to_string();
            assert!(error.ends_with(text), "{row}: {error}");
        }
        let right = json!({"code": 403, "message": "secrets \"web\" is forbidden: User \"a\" cannot patch"});
        assert!(refused(&secret, right).to_string().contains("cannot patch"), "a missing right is named");
    }
}
