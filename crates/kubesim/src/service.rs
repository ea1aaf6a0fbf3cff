//! One request: who asks, what for, which fault it meets, what the answer is.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Limited};
use serde_json::json;
use tower::Service;

use crate::{
    access::{self, Attributes, Identity},
    audit::RequestRecord,
    body::SimBody,
    delete, discovery, exec,
    faults::FaultAction,
    read,
    reply::{Accept, Answer},
    reviews,
    route::{self, Query, Route, Target},
    sim::KubeSim,
    status::{ApiError, ApiResult, FieldError},
    subresources, watch, write,
};

/// Largest request body, in bytes, as the real server's.
const MAX_BODY: usize = 3 << 20;

/// The connection broke: a fault, never an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection reset by peer")]
pub struct Reset;

/// The API as a tower service, for any body type.
#[derive(Debug, Clone)]
pub struct SimService {
    sim: KubeSim,
    token: Option<String>,
    token_required: bool,
}

impl SimService {
    pub(crate) fn new(sim: KubeSim, token_required: bool) -> Self {
        Self { sim, token: None, token_required }
    }

    /// The same service for somebody else: requests without an `Authorization` header carry this token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<SimBody>, Reset>> + Send>>;

impl<B> Service<Request<B>> for SimService
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<SimBody>;
    type Error = Reset;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Reset>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering {
        let service = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            if exec::needs_a_pipe(&parts) {
                return exec::through_a_pipe(service, parts).await;
            }
            let body = match Limited::new(body, MAX_BODY).collect().await {
                Ok(body) => body.to_bytes(),
                Err(_) => {
                    let error = ApiError::new(
                        413,
                        "RequestEntityTooLarge",
                        format!("Request entity too large: limit is {MAX_BODY}"),
                    );
                    return Ok(finish(Answer::error(&error), &error_headers(&error)));
                }
            };
            service.answer(&parts, body).await
        })
    }
}

/// What holds for a whole request.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) sim: KubeSim,
    pub(crate) identity: Identity,
    pub(crate) query: Query,
    pub(crate) accept: Accept,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) now: jiff::Timestamp,
    pub(crate) dry_run: bool,
    /// What goes into `Warning` headers.
    pub(crate) warnings: Vec<String>,
    /// What a watch has to suffer.
    pub(crate) fault: Option<FaultAction>,
    /// Frames are wanted on the connection.
    pub(crate) upgrade: Option<exec::Upgrade>,
    /// What says that they begin.
    pub(crate) switched: Option<HeaderMap>,
}

impl SimService {
    async fn answer(&self, parts: &http::request::Parts, body: Bytes) -> Result<Response<SimBody>, Reset> {
        let sim = &self.sim;
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let registry = Arc::clone(&sim.lock().registry);
        let route = route::parse(&registry, parts.uri.path());
        let mut record = describe(parts, &query, &route);
        let identity = self.identify(&parts.headers);
        if let Some(identity) = &identity {
            record.user.clone_from(&identity.user);
        }
        let fault = sim.faults().meet(&record);
        let mut reset_after = false;
        match &fault {
            Some(FaultAction::Delay(time)) => tokio::time::sleep(*time).await,
            Some(FaultAction::Hang) => {
                self.log(record, 0);
                return std::future::pending().await;
            }
            Some(FaultAction::Reset) => {
                self.log(record, 0);
                return Err(Reset);
            }
            Some(FaultAction::ResetAfterCommit) => reset_after = true,
            Some(FaultAction::Refuse { status, retry_after }) => {
                let error = refused(*status, *retry_after);
                self.log(record, *status);
                return Ok(finish(Answer::error(&error), &error_headers(&error)));
            }
            _ => {}
        }
        let dry_run = record.dry_run;
        let mut context = Context {
            sim: sim.clone(),
            identity: identity.clone().unwrap_or_else(anonymous),
            accept: Accept::Json,
            content_type: text(&parts.headers, &header::CONTENT_TYPE),
            user_agent: record.user_agent.clone(),
            now: sim.now(),
            dry_run,
            warnings: Vec::new(),
            fault,
            query,
            upgrade: exec::Upgrade::of(parts),
            switched: None,
        };
        let result = if identity.is_none() {
            Err(ApiError::new(401, "Unauthorized", "Unauthorized"))
        } else if let Err(error) = impersonate(&mut context, &parts.headers) {
            Err(error)
        } else {
            dispatch(&mut context, parts, route, &body, &record)
        };
        let (answer, mut headers) = match result {
            Ok(answer) => (answer, context.switched.take().unwrap_or_default()),
            Err(error) => (Answer::error(&error), error_headers(&error)),
        };
        for warning in &context.warnings {
            let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r'], " ");
            if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
                headers.append(header::WARNING, value);
            }
        }
        self.log(record, if reset_after { 0 } else { answer.code });
        if reset_after { Err(Reset) } else { Ok(finish(answer, &headers)) }
    }

    fn log(&self, mut record: RequestRecord, status: u16) {
        record.status = status;
        let limit = self.sim.options().requests_kept;
        self.sim.audit().add(record, limit);
    }

    fn identify(&self, headers: &HeaderMap) -> Option<Identity> {
        let given = text(headers, &header::AUTHORIZATION);
        match given.strip_prefix("Bearer ").map(str::trim).or(self.token.as_deref()) {
            Some(token) => self.sim.identity(token),
            None if self.token_required => None,
            None => Some(Identity::admin()),
        }
    }
}

/// Takes the place of the user that `Impersonate-User` names, whose rights are those of its bindings.
fn impersonate(context: &mut Context, headers: &HeaderMap) -> ApiResult<()> {
    let user = text(headers, &header::HeaderName::from_static("impersonate-user"));
    if user.is_empty() {
        return Ok(());
    }
    let account = user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    let (resource, namespace, name) = match account {
        Some((namespace, name)) => ("serviceaccounts", namespace, name),
        None => ("users", "", user.as_str()),
    };
    let asked = Attributes { verb: "impersonate", resource, namespace, name, ..Attributes::default() };
    if !access::allowed(&context.sim, &context.identity, &asked) {
        return Err(ApiError::new(403, "Forbidden", access::refusal(&context.identity, &asked)));
    }
    let mut groups = vec!["system:authenticated".to_owned()];
    if let Some((namespace, _)) = account {
        groups.push("system:serviceaccounts".to_owned());
        groups.push(format!("system:serviceaccounts:{namespace}"));
    }
    context.identity = Identity { user, groups, access: access::Access::Bindings };
    Ok(())
}

fn anonymous() -> Identity {
    let groups = vec!["system:unauthenticated".to_owned()];
    Identity { user: "system:anonymous".to_owned(), groups, access: access::Access::Rules(Vec::new()) }
}

fn text(headers: &HeaderMap, name: &header::HeaderName) -> String {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

fn describe(parts: &http::request::Parts, query: &Query, route: &ApiResult<Route>) -> RequestRecord {
    let mut record = RequestRecord {
        verb: parts.method.as_str().to_ascii_lowercase(),
        group: String::new(),
        resource: String::new(),
        namespace: String::new(),
        name: String::new(),
        path: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        user_agent: text(&parts.headers, &header::USER_AGENT),
        user: String::new(),
        field_manager: query.get("fieldManager").to_owned(),
        dry_run: query.get("dryRun") == "All",
        status: 0,
    };
    if let Ok(Route::Resource(target)) = route {
        record.verb = verb(&parts.method, query, target, &parts.headers).to_owned();
        record.group.clone_from(&target.kind.group);
        record.resource.clone_from(&target.kind.plural);
        if !target.subresource.is_empty() {
            record.resource = format!("{}/{}", target.kind.plural, target.subresource);
        }
        record.namespace.clone_from(&target.namespace);
        record.name.clone_from(&target.name);
    }
    record
}

fn verb(method: &Method, query: &Query, target: &Target, headers: &HeaderMap) -> &'static str {
    match (method, target.name.is_empty()) {
        (&Method::GET, _) if query.flag("watch") && target.subresource.is_empty() => "watch",
        (&Method::GET, true) => "list",
        (&Method::GET | &Method::HEAD, _) => "get",
        (&Method::POST, _) => "create",
        (&Method::PUT, _) => "update",
        (&Method::PATCH, _)
            if text(headers, &header::CONTENT_TYPE).starts_with("application/apply-patch") =>
        {
            "apply"
        }
        (&Method::PATCH, _) => "patch",
        (&Method::DELETE, true) => "deletecollection",
        (&Method::DELETE, false) => "delete",
        _ => "options",
    }
}

fn dispatch(
    context: &mut Context,
    parts: &http::request::Parts,
    route: ApiResult<Route>,
    body: &Bytes,
    record: &RequestRecord,
) -> ApiResult<Answer> {
    let path = parts.uri.path();
    let route = match route {
        Ok(route) => route,
        Err(error) if is_served(context, path) => return Err(error),
        Err(_) => return Ok(Answer::text(404, "404 page not found\n")),
    };
    let accept = text(&parts.headers, &header::ACCEPT);
    let target = match route {
        Route::Other(segments) => {
            authorize(
                context,
                &Attributes { verb: &record.verb, path: Some(path), ..Attributes::default() },
                None,
            )?;
            let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
            return discovery::answer(context, &segments, &accept);
        }
        Route::Resource(target) => target,
    };
    let verb = record.verb.as_str();
    let asked = Attributes {
        // Apply is a patch to those who grant rights.
        verb: if verb == "apply" { "patch" } else { verb },
        group: &target.kind.group,
        resource: &record.resource,
        // Reading or deleting a namespace counts as being in it.
        namespace: if target.kind.plural == "namespaces" { &target.name } else { &target.namespace },
        name: &target.name,
        path: None,
    };
    authorize(context, &asked, Some(&target))?;
    if !matches!(context.query.get("dryRun"), "" | "All") {
        let value = context.query.get("dryRun");
        let error = FieldError::not_supported("dryRun", json!([value]), &["All"]);
        let options = match verb {
            "create" => "CreateOptions",
            "update" => "UpdateOptions",
            "patch" | "apply" => "PatchOptions",
            _ => "DeleteOptions",
        };
        return Err(ApiError::invalid_options(options, &[error]));
    }
    context.accept = if matches!(target.subresource.as_str(), "log" | "exec" | "portforward") {
        Accept::Json
    } else {
        Accept::parse(&accept)?
    };
    if &*target.kind.storage == "endpoints" {
        let text = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
        context.warnings.push(text.to_owned());
    }
    if !target.subresource.is_empty() {
        return subresources::answer(context, &target, verb, body);
    }
    if !allows(&target, verb) {
        return Err(ApiError::method_not_allowed());
    }
    match verb {
        "get" => read::get(context, &target),
        "list" => read::list(context, &target),
        "watch" => watch::watch(context, &target),
        "create" if !target.kind.is_stored() => reviews::answer(context, &target, body),
        "create" => write::create(context, &target, body),
        "update" => write::update(context, &target, body),
        "patch" | "apply" => write::patch(context, &target, body),
        "delete" => delete::delete(context, &target, body),
        "deletecollection" => delete::delete_collection(context, &target, body),
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// Whether a path is under a group and version that is served.
fn is_served(context: &Context, path: &str) -> bool {
    let words: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let registry = Arc::clone(&context.sim.lock().registry);
    let served = |group: &str, version: &str| {
        registry.groups().iter().any(|(g, versions)| g == group && versions.iter().any(|v| v == version))
    };
    match words.as_slice() {
        ["api", version, ..] => served("", version),
        ["apis", group, version, ..] => served(group, version),
        _ => false,
    }
}

fn allows(target: &Target, verb: &str) -> bool {
    let verb = if verb == "apply" { "patch" } else { verb };
    let everywhere = target.kind.namespaced && target.namespace.is_empty();
    let one = !target.name.is_empty();
    let fits = match verb {
        "create" => !everywhere && !one,
        "deletecollection" => !everywhere,
        "update" | "patch" => one,
        _ => true,
    };
    fits && target.kind.verbs.iter().any(|v| v == verb)
}

fn authorize(context: &Context, asked: &Attributes<'_>, target: Option<&Target>) -> ApiResult<()> {
    if access::allowed(&context.sim, &context.identity, asked) {
        return Ok(());
    }
    let why = access::refusal(&context.identity, asked);
    Err(match target {
        Some(target) => ApiError::forbidden(&target.kind, &target.name, &why),
        None => ApiError::new(403, "Forbidden", format!("forbidden: {why}")),
    })
}

fn refused(status: u16, retry_after: Option<u32>) -> ApiError {
    let (reason, message) = match status {
        400 => ("BadRequest", "the server rejected our request for an unknown reason"),
        401 => ("Unauthorized", "Unauthorized"),
        403 => ("Forbidden", "forbidden: injected by a fault"),
        404 => ("NotFound", "the server could not find the requested resource"),
        409 => (
            "Conflict",
            "Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest \
             version and try again",
        ),
        410 => ("Expired", "The provided continue parameter is too old to display a consistent list result."),
        429 => ("TooManyRequests", "too many requests, please try again later"),
        503 => ("ServiceUnavailable", "apiserver not ready"),
        504 => ("Timeout", "Timeout: request did not complete within the allotted timeout"),
        _ => ("InternalError", "Internal error occurred: injected by a fault"),
    };
    let mut error = ApiError::new(status, reason, message);
    error.retry_after = retry_after;
    error
}

fn error_headers(error: &ApiError) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(seconds) = error.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    headers
}

fn finish(answer: Answer, headers: &HeaderMap) -> Response<SimBody> {
    let mut response = Response::new(answer.body);
    *response.status_mut() =
        http::StatusCode::from_u16(answer.code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response.headers_mut().extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    response
}

impl From<Infallible> for Reset {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
