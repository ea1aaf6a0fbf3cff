//! The API of our own pages, `/api/v2`: lists by questions, one application, its tree, and one stream of all that changes.
//!
//! Beside the peer's API, which answers whole objects, it answers what a page shows: [`query::Row`]s by a [`query::Filter`], a page at a time, with
//! counts; and what changes of them as merge patches. Whoever comes in has a [`Guard`], and everything is had through that.

mod detail;
mod frame;
mod hub;
mod list;
mod question;
mod refusal;
mod stream;
#[cfg(test)]
mod tests;
mod topic;
mod trees;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::body::{Body, Incoming, answer as reply, broken};
use crate::door::{Entered, admit};
use crate::guard::Guard;
use crate::server::Backend;
pub use hub::Streams;
pub(crate) use hub::{Hub, keep};
use question::Question;
use refusal::Refusal;

/// What all paths begin with.
const ROOT: &str = "/api/v2";
/// Longest body of a request.
const BODY_BYTES: usize = 64 << 10;
const JSON: &str = "application/json";

/// What is at a path.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Applications,
    Application { namespace: String, name: String },
    Tree { namespace: String, name: String },
    Events,
    Topics { stream: String },
}

impl Place {
    fn at(path: &str) -> Option<Self> {
        let mut parts = Vec::new();
        for part in path.split('/') {
            parts.push(percent_decode_str(part).decode_utf8().ok()?.into_owned());
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (of, own) = (|text: &str| text.to_owned(), |text: &str| !text.is_empty());
        match parts.as_slice() {
            ["applications"] => Some(Self::Applications),
            ["applications", namespace, name] if own(namespace) && own(name) => {
                Some(Self::Application { namespace: of(namespace), name: of(name) })
            }
            ["applications", namespace, name, "tree"] if own(namespace) && own(name) => {
                Some(Self::Tree { namespace: of(namespace), name: of(name) })
            }
            ["events"] => Some(Self::Events),
            ["events", stream, "topics"] => Some(Self::Topics { stream: of(stream) }),
            _ => None,
        }
    }

    fn verb(&self) -> &'static str {
        match self {
            Self::Topics { .. } => "POST",
            Self::Applications | Self::Application { .. } | Self::Tree { .. } | Self::Events => "GET",
        }
    }
}

/// Whether a path is one of this API.
pub(crate) fn has(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request.
pub(crate) async fn answer(backend: Arc<Backend>, request: Request<Incoming>) -> Response<Body> {
    match respond(&backend, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.response(),
    }
}

async fn respond(backend: &Arc<Backend>, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
    let (head, body) = request.into_parts();
    // Strangers are not told what there is.
    let entered = admit(backend, &head.headers, false).await?;
    let path = head.uri.path().strip_prefix(ROOT).unwrap_or_default();
    let place =
        Place::at(path.strip_prefix('/').unwrap_or_default()).ok_or_else(|| Refusal::nowhere(path))?;
    if head.method.as_str() != place.verb() {
        return Err(Refusal::verb(place.verb()));
    }
    let query = head.uri.query().unwrap_or_default();
    let guard = &entered.guard;
    let mut response = match place {
        Place::Applications => tagged(list::list(backend, guard, &Question::parse(query)?), &head.headers),
        Place::Application { namespace, name } => {
            tagged(detail::application(backend, guard, (&namespace, &name))?, &head.headers)
        }
        Place::Tree { namespace, name } => {
            tagged(Box::pin(detail::tree(backend, guard, (&namespace, &name))).await?, &head.headers)
        }
        Place::Events => return stream::open(backend, &entered, &head.headers, query),
        Place::Topics { stream } => {
            let order = order(&head.headers, Limited::new(body, BODY_BYTES)).await?;
            reply(StatusCode::OK, JSON, stream::order(backend, guard, &stream, &order)?.to_string())
        }
    };
    renew(&mut response, &entered, backend);
    Ok(response)
}

fn renew(response: &mut Response<Body>, entered: &Entered, backend: &Backend) {
    let cookies = entered.renewal(backend).into_iter();
    response.headers_mut().extend(cookies.map(|cookie| (header::SET_COOKIE, cookie)));
}

/// The body of a request, which must say to be JSON: a page of somebody else cannot send that.
async fn order(headers: &HeaderMap, body: Limited<Incoming>) -> Result<Value, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(JSON)) {
        return Err(Refusal::kind());
    }
    let bytes = body
        .collect()
        .await
        .map_err(|error| Refusal::malformed(format!("the body: {}", broken(error).message())))?
        .to_bytes();
    serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::malformed(format!("the body is no JSON: {error}")))
}

/// An answer that a client need not be sent again while it is the same.
struct Answer {
    value: Value,
    /// Where the stream of changes is now. A client that keeps the answer that it has keeps its position, too, so this is no part of the tag.
    position: String,
}

fn tagged(answer: Answer, headers: &HeaderMap) -> Response<Body> {
    let Answer { mut value, position } = answer;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, value.to_string().as_bytes());
    let hex: String = digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("W/\"{hex}\"");
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let same = known.flat_map(|tags| tags.split(',')).any(|known| known.trim() == tag || known.trim() == "*");
    let mut response = if same {
        let mut response = Response::new(crate::body::whole(Bytes::new()));
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        value["position"] = Value::String(position);
        reply(StatusCode::OK, JSON, value.to_string())
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    // What one may see, another may not.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// Whether two policies are one, which is made anew with every change.
fn same_policy(a: &Guard, b: &Guard) -> bool {
    Arc::ptr_eq(a.policy(), b.policy())
}
