//! What is said to whoever does not get what they ask for.

use http::{HeaderValue, Response, StatusCode, header};
use query::QueryError;
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::JSON;
use crate::body::{Body, answer};

/// An error, always of the same shape: `{"code": "E2001", "message": …, "next": …}`, where a question cannot be read with `detail`:
/// `{"parameter", "position", "known", "nearest"}`. Codes stay what they are; the texts are for people.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    next: String,
    detail: Option<Box<Value>>,
    allow: Option<&'static str>,
}

impl Refusal {
    fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self { status, code, message: message.into(), next: next.into(), detail: None, allow: None }
    }

    /// E2001: a question cannot be read.
    pub(super) fn question(parameter: &str, error: &QueryError) -> Self {
        let QueryError { position, known, nearest, .. } = error;
        let mut detail = json!({"parameter": parameter, "position": position});
        if !known.is_empty() {
            detail["known"] = json!(known);
        }
        let next = match nearest {
            Some(nearest) => format!("write {nearest}"),
            None if known.is_empty() => format!("change {parameter} at character {position}"),
            None => format!("use one of {}", known.join(", ")),
        };
        if let Some(nearest) = nearest {
            detail["nearest"] = json!(nearest);
        }
        let message = format!("{parameter}: {error}");
        let refusal = Self::new(StatusCode::BAD_REQUEST, "E2001", message, next);
        Self { detail: Some(Box::new(detail)), ..refusal }
    }

    /// E2002: something else of a request cannot be read.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "E2002", message, "docs/server.md says what can be asked")
    }

    /// E2005: nothing is at this path.
    pub(super) fn nowhere(path: &str) -> Self {
        let path: String = path.chars().take(200).collect();
        let next = "docs/server.md lists what there is";
        Self::new(StatusCode::NOT_FOUND, "E2005", format!("there is nothing at {}{path}", super::ROOT), next)
    }

    /// E2006: not with this method.
    pub(super) fn verb(allowed: &'static str) -> Self {
        let refusal = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "E2006",
            format!("only {allowed} is answered here"),
            format!("ask with {allowed}"),
        );
        Self { allow: Some(allowed), ..refusal }
    }

    /// E2007: the body is not said to be JSON.
    pub(super) fn kind() -> Self {
        let next = "send the header Content-Type: application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "E2007", "the body is not said to be JSON", next)
    }

    /// E2008: there is no such stream, or it is somebody else's.
    pub(super) fn no_stream() -> Self {
        let next = "open GET /api/v2/events and use the id of its first event";
        Self::new(StatusCode::NOT_FOUND, "E2008", "there is no such stream", next)
    }

    /// E2009: there is too much of something.
    pub(super) fn too_many(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "E2009", message, next)
    }

    /// The JSON.
    pub(super) fn value(&self) -> Value {
        let mut value = json!({"code": self.code, "message": self.message, "next": self.next});
        if let Some(detail) = &self.detail {
            value["detail"] = (**detail).clone();
        }
        value
    }

    pub(super) fn response(self) -> Response<Body> {
        let mut response = answer(self.status, JSON, self.value().to_string());
        if let Some(allow) = self.allow {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let (http, code, next) = match status.code() {
            Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "E2003", "log in again"),
            // What is not there is answered like what may not be seen.
            Code::PermissionDenied | Code::NotFound => (
                StatusCode::FORBIDDEN,
                "E2004",
                "check the name; otherwise whoever looks after argocd-rbac-cm can give you applications, get",
            ),
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
                (StatusCode::BAD_REQUEST, "E2002", "change what the message names")
            }
            Code::Unavailable | Code::DeadlineExceeded => {
                (StatusCode::SERVICE_UNAVAILABLE, "E2010", "try again in a moment")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "E2011", "the server's log says more; try again"),
        };
        Self::new(http, code, status.message(), next)
    }
}
