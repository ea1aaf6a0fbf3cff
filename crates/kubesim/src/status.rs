//! Errors in the API server's words: one [`ApiError`] becomes one `Status` object.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::registry::Kind;

/// An answer that is no success. `Display` is the message of its Status.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Option<Map<String, Value>>,
    pub(crate) retry_after: Option<u32>,
    /// `metadata.continue` of an expired list.
    pub(crate) resume: Option<String>,
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ApiError {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, retry_after: None, resume: None }
    }

    fn with_details(mut self, details: Value) -> Self {
        if let Value::Object(mut map) = details {
            map.retain(|_, v| v.as_str().is_none_or(|s| !s.is_empty()));
            self.details = Some(map);
        }
        self
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn not_found(kind: &Kind, name: &str) -> Self {
        Self::named_not_found(&kind.group, &kind.plural, name)
    }

    pub(crate) fn named_not_found(group: &str, plural: &str, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", qualified(plural, group)))
            .with_details(json!({"name": name, "group": group, "kind": plural}))
    }

    /// A path under a known prefix that names no resource.
    pub(crate) fn no_such_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").with_details(json!({}))
    }

    pub(crate) fn already_exists(kind: &Kind, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", kind.qualified()))
            .with_details(json!({"name": name, "group": kind.group, "kind": kind.plural}))
    }

    pub(crate) fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.qualified());
        Self::new(409, "Conflict", message)
            .with_details(json!({"name": name, "group": kind.group, "kind": kind.plural}))
    }

    /// The same error about a subresource: `pods/binding` in place of `pods`.
    pub(crate) fn renamed(mut self, resource: &str) -> Self {
        if let Some(plural) = resource.split('/').next() {
            self.message = self.message.replacen(plural, resource, 1);
        }
        if let Some(details) = self.details.as_mut() {
            details.insert("kind".to_owned(), json!(resource));
        }
        self
    }

    pub(crate) fn modified(kind: &Kind, name: &str) -> Self {
        Self::conflict(
            kind,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    pub(crate) fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        let plural = kind.qualified();
        let message = if name.is_empty() {
            format!("{plural} is forbidden: {why}")
        } else {
            format!("{plural} \"{name}\" is forbidden: {why}")
        };
        Self::new(403, "Forbidden", message)
            .with_details(json!({"name": name, "group": kind.group, "kind": kind.plural}))
    }

    pub(crate) fn invalid(kind: &Kind, name: &str, errors: &[FieldError]) -> Self {
        Self::invalid_named(&kind.group, &kind.kind, name, errors)
    }

    fn invalid_named(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let all = match texts.as_slice() {
            [] => "<nil>".to_owned(),
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let causes: Vec<Value> = errors
            .iter()
            .map(|e| json!({"reason": e.reason.cause(), "message": e.body(), "field": e.field}))
            .collect();
        let message = format!("{} \"{name}\" is invalid: {all}", qualified(kind, group));
        let mut error = Self::new(422, "Invalid", message)
            .with_details(json!({"name": name, "group": group, "kind": kind}));
        if let Some(details) = error.details.as_mut() {
            details.insert("causes".to_owned(), Value::Array(causes));
        }
        error
    }

    /// Parameters of a request that do not fit: `CreateOptions.meta.k8s.io "" is invalid: …`.
    pub(crate) fn invalid_options(options: &str, errors: &[FieldError]) -> Self {
        Self::invalid_named("meta.k8s.io", options, "", errors)
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .with_details(json!({}))
    }

    pub(crate) fn unsupported_media(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn internal(message: impl fmt::Display) -> Self {
        let message = message.to_string();
        Self::new(500, "InternalError", format!("Internal error occurred: {message}"))
            .with_details(json!({"causes": [{"message": message}]}))
    }

    /// The Status object.
    pub(crate) fn to_value(&self) -> Value {
        let mut metadata = Map::new();
        if let Some(resume) = &self.resume {
            metadata.insert("continue".to_owned(), json!(resume));
        }
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        let mut details = self.details.clone();
        if let Some(seconds) = self.retry_after {
            details.get_or_insert_default().insert("retryAfterSeconds".to_owned(), json!(seconds));
        }
        if let Some(details) = details {
            status["details"] = Value::Object(details);
        }
        status
    }
}

/// `deployments.apps`, or `pods` for the core group.
pub(crate) fn qualified(plural: &str, group: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

/// Why a field is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Invalid,
    Required,
    NotSupported,
    Forbidden,
    TooLong,
    TooMany,
    TypeInvalid,
    Duplicate,
    NotFound,
}

impl Reason {
    fn cause(self) -> &'static str {
        match self {
            Self::Invalid => "FieldValueInvalid",
            Self::Required => "FieldValueRequired",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::Duplicate => "FieldValueDuplicate",
            Self::NotFound => "FieldValueNotFound",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::Required => "Required value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::Duplicate => "Duplicate value",
            Self::NotFound => "Not found",
        }
    }
}

/// One field that is not acceptable; `Display` is `spec.x: Invalid value: "y": why`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldError {
    pub(crate) field: String,
    reason: Reason,
    value: Option<Value>,
    detail: String,
}

impl FieldError {
    pub(crate) fn invalid(field: impl Into<String>, value: Value, detail: impl Into<String>) -> Self {
        Self { field: field.into(), reason: Reason::Invalid, value: Some(value), detail: detail.into() }
    }

    pub(crate) fn required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), reason: Reason::Required, value: None, detail: detail.into() }
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), reason: Reason::Forbidden, value: None, detail: detail.into() }
    }

    pub(crate) fn duplicate(field: impl Into<String>, value: Value) -> Self {
        Self { field: field.into(), reason: Reason::Duplicate, value: Some(value), detail: String::new() }
    }

    pub(crate) fn not_found(field: impl Into<String>, value: Value) -> Self {
        Self { field: field.into(), reason: Reason::NotFound, value: Some(value), detail: String::new() }
    }

    pub(crate) fn too_long(field: impl Into<String>, bytes: usize) -> Self {
        let detail = format!("may not be more than {bytes} bytes");
        Self { field: field.into(), reason: Reason::TooLong, value: None, detail }
    }

    pub(crate) fn too_many(field: impl Into<String>, have: usize, most: usize) -> Self {
        let detail = format!("must have at most {most} items");
        Self { field: field.into(), reason: Reason::TooMany, value: Some(json!(have)), detail }
    }

    pub(crate) fn not_supported(field: impl Into<String>, value: Value, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|s| format!("\"{s}\"")).collect();
        let detail = format!("supported values: {}", list.join(", "));
        Self { field: field.into(), reason: Reason::NotSupported, value: Some(value), detail }
    }

    /// An error whose words are made already: `Required value: why`.
    pub(crate) fn raw(field: impl Into<String>, body: impl Into<String>) -> Self {
        let body: String = body.into();
        let reasons = [
            Reason::Required,
            Reason::NotSupported,
            Reason::Forbidden,
            Reason::TooLong,
            Reason::TooMany,
            Reason::Duplicate,
        ];
        let reason = reasons.into_iter().find(|r| body.starts_with(r.text()));
        let (reason, value) = match reason {
            Some(reason) => (reason, None),
            None if body.contains("in body must be of type") => (Reason::TypeInvalid, None),
            None => (Reason::Invalid, None),
        };
        let detail = body.strip_prefix(reason.text()).unwrap_or(&body);
        Self { field: field.into(), reason, value, detail: detail.trim_start_matches(": ").to_owned() }
    }

    /// The message of the cause: all but the field.
    pub(crate) fn body(&self) -> String {
        let mut text = self.reason.text().to_owned();
        if let Some(value) = &self.value {
            text.push_str(": ");
            text.push_str(&value.to_string());
        }
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        text
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}
