//! REST, as the peer's gateway has it.

mod fields;
mod place;
mod stream;

use http::{HeaderMap, Method as Verb, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tonic::{Code, Status};

use crate::api::{Api, Door, Visit};
use crate::body::{Body, Incoming, answer as reply, broken};
use crate::call::{Ask, Reply, Run, traced};
use fields::Fields;
pub(crate) use place::Places;
use place::{Found, Place};

const JSON: &str = "application/json";

/// Answers a request, or says that there is nothing at its path.
pub(crate) async fn answer<D: Door>(api: &Api<D>, request: Request<Incoming>) -> Response<Body> {
    match respond(api, request).await {
        Ok(response) => response,
        Err(status) => refusal(&status),
    }
}

async fn respond<D: Door>(api: &Api<D>, request: Request<Incoming>) -> Result<Response<Body>, Status> {
    let (head, body) = request.into_parts();
    let (place, captured) = match api.places.find(&head.method, head.uri.path()) {
        Found::Place(place, captured) => (place, captured),
        Found::OtherVerb => return Err(Status::unimplemented("Method Not Allowed")),
        Found::Nothing => return Err(Status::not_found("Not Found")),
    };
    let call = place.call();
    let mut under_way = call.begin();
    let entered = api.door.enter(Visit::new(Some(call.method), &head.headers, &head.extensions)).await;
    let caller = under_way.with(entered)?;
    if head.method != Verb::GET && !may_be_sent(&api.door.params().content_types, &head.headers) {
        return Ok(reply(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "text/plain; charset=utf-8",
            "Invalid content type\n",
        ));
    }
    let renewal = api.door.renewal(&caller);
    let body = Limited::new(body, api.door.limit(call.method));
    let request = request_of(place, &captured, head.uri.query().unwrap_or_default(), body).await;
    let request = under_way.with(request)?;
    let (ask, span) = (Ask { caller, request }, api.span(call.method, &head.headers));
    let fields = Fields::of(head.uri.query().unwrap_or_default());
    match &call.run {
        Run::One(run) => {
            let answer = under_way.with(traced(span, run(ask)).await)?;
            let text = answer.json(call.output);
            let text = fields.map_or_else(|| text.clone(), |fields| fields.of_text(&text));
            let mut response = reply(StatusCode::OK, JSON, text);
            let own = match &answer {
                Reply::Value(value) => api.door.cookies(call.method, value),
                Reply::Made(_) => Vec::new(),
            };
            // Who logs in or out wants no other session than that.
            let cookies = if own.is_empty() { renewal } else { own };
            response.headers_mut().extend(cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie)));
            Ok(response)
        }
        Run::Many(run) => {
            let answers = under_way.with(traced(span, run(ask)).await)?;
            let answers = under_way.stream(answers);
            let mut response = stream::response(answers, call.output, fields, &head.headers);
            response.headers_mut().extend(renewal.into_iter().map(|cookie| (header::SET_COOKIE, cookie)));
            Ok(response)
        }
        Run::Gather(_) => {
            let text = "this method takes a stream of requests: it is there over gRPC alone";
            Err(under_way.refuse(Status::unimplemented(text)))
        }
        Run::Nobody => Err(under_way.refuse(call.nobody())),
    }
}

/// The request that path, query and body make together.
async fn request_of<C: Send + 'static>(
    place: &Place<C>,
    captured: &[(String, String)],
    query: &str,
    body: Limited<Incoming>,
) -> Result<Value, Status> {
    let invalid = |error: wire::WireError| Status::invalid_argument(error.to_string());
    let mut request = Value::Object(Map::new());
    if !place.body().is_empty() {
        let bytes = body.collect().await.map_err(broken)?.to_bytes();
        let value: Value = if bytes.is_empty() {
            Value::Object(Map::new())
        } else {
            serde_json::from_slice(&bytes)
                .map_err(|error| Status::invalid_argument(format!("the body is no JSON: {error}")))?
        };
        match place.body() {
            "*" => request = value,
            field => request = json!({ field: value }),
        }
    }
    if place.body() != "*" {
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            place.call().input.set(&mut request, &name, &text).map_err(invalid)?;
        }
    }
    for (name, text) in captured {
        place.call().input.set(&mut request, name, text).map_err(invalid)?;
    }
    Ok(request)
}

/// Whether a body is of one of these kinds, which a form of another site cannot be; of any kind where there are none.
///
/// **Source**: `enforceContentTypes`, which takes no parameters of a type.
fn may_be_sent(kinds: &[String], headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kinds.is_empty() || kinds.iter().any(|known| known.eq_ignore_ascii_case(kind))
}

/// An error as the gateway writes it.
#[derive(Serialize)]
struct Refusal<'a> {
    error: &'a str,
    code: i32,
    message: &'a str,
}

fn refusal(status: &Status) -> Response<Body> {
    let (code, message) = (status.code() as i32, status.message());
    let text = serde_json::to_string(&Refusal { error: message, code, message }).unwrap_or_default();
    reply(http_code(status.code()), JSON, text)
}

fn http_code(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::Cancelled => StatusCode::REQUEST_TIMEOUT,
        Code::InvalidArgument | Code::OutOfRange | Code::FailedPrecondition => StatusCode::BAD_REQUEST,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
