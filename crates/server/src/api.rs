//! The calls behind a door, as one service for gRPC, gRPC-Web and REST.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use ::api::settings::ServerParams;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request, Response, Version, header};
use serde_json::Value;
use tonic::Status;
use tracing::Span;
use wire::Method;

use crate::body::{Body, Incoming, packed, takes_gzip};
use crate::call::Calls;
use crate::pages::Pages;
use crate::rest::Places;
use crate::{grpc, rest};

/// What keeps browsers from showing an answer in somebody else's frame, or from taking it for something else than it says.
fn shield(params: &ServerParams) -> [(HeaderName, &str); 3] {
    [
        (header::X_FRAME_OPTIONS, &params.frame_options),
        (header::CONTENT_SECURITY_POLICY, &params.content_security_policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
}

/// Header of answers over gRPC.
///
/// **Source**: `renewTokenKey`. The peer's REST has it as `Grpc-Metadata-Renew-Token`, too, where scripts could read what the cookie keeps from
/// them; ours has the cookie alone.
pub(crate) const RENEWED: &str = "renew-token";

/// Somebody who asks to come in.
#[derive(Debug)]
pub struct Visit {
    /// For what; `None` for what is beside the methods, for which one has to be somebody.
    pub method: Option<&'static Method>,
    /// What is said of who it is.
    pub headers: HeaderMap,
    /// Where the client is, as far as is known.
    pub address: Option<IpAddr>,
}

/// Makes a span a part of the trace that a request's headers name (`traceparent`), if they name one.
pub type Adopt = Arc<dyn Fn(&Span, &HeaderMap) + Send + Sync>;

/// Where a client is, among a request's extensions: where the connection comes from, or as [`Door::address`] has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin(pub(crate) IpAddr);

/// Who lets callers in. It sees a request's headers and nothing of its body, which is read only for those who are in.
pub trait Door: Send + Sync + 'static {
    /// Who came in.
    type Caller: Send + 'static;

    /// Who makes this request.
    ///
    /// # Errors
    /// What the caller is told who may not come in.
    fn enter(&self, visit: Visit) -> impl Future<Output = Result<Self::Caller, Status>> + Send;

    /// Where the client is whose connection comes from there.
    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let _ = headers;
        peer
    }

    /// Cookies that go with an answer over REST.
    fn cookies(&self, method: &'static Method, answer: &Value) -> Vec<HeaderValue> {
        let (_, _) = (method, answer);
        Vec::new()
    }

    /// The token that takes the place of this caller's, whose session is made anew: over gRPC in the header `renew-token` of the answer.
    fn renewed<'a>(&self, caller: &'a Self::Caller) -> Option<&'a str> {
        let _ = caller;
        None
    }

    /// The same over REST: cookies that go with any answer.
    fn renewal(&self, caller: &Self::Caller) -> Vec<HeaderValue> {
        let _ = caller;
        Vec::new()
    }

    /// What is said of the server.
    fn params(&self) -> Arc<ServerParams> {
        Arc::default()
    }

    /// How many bytes a request for this method may have.
    fn limit(&self, method: &'static Method) -> usize;
}

impl Visit {
    pub(crate) fn new(method: Option<&'static Method>, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let address = extensions.get::<Origin>().map(|origin| origin.0);
        Self { method, headers: headers.clone(), address }
    }
}

/// See the module.
pub struct Api<D: Door> {
    pub(crate) door: Arc<D>,
    pub(crate) calls: Arc<Calls<D::Caller>>,
    pub(crate) places: Arc<Places<D::Caller>>,
    pages: Option<Arc<dyn Pages>>,
    adopt: Option<Adopt>,
    /// What all paths begin with, as in `/argo-cd`, or nothing.
    root: Arc<str>,
}

impl<D: Door> Clone for Api<D> {
    fn clone(&self) -> Self {
        Self {
            door: Arc::clone(&self.door),
            calls: Arc::clone(&self.calls),
            places: Arc::clone(&self.places),
            pages: self.pages.clone(),
            adopt: self.adopt.clone(),
            root: Arc::clone(&self.root),
        }
    }
}

impl<D: Door> Api<D> {
    /// These calls, for whom this door lets in. All paths begin with `root`, as in `/argo-cd`; nothing where it is empty.
    pub fn new(door: D, calls: Calls<D::Caller>, root: &str) -> Self {
        let places = Arc::new(Places::new(&calls));
        let (door, calls) = (Arc::new(door), Arc::new(calls));
        Self { door, calls, places, pages: None, adopt: None, root: root.into() }
    }

    /// With what makes the work of a call a part of the trace that its caller names.
    pub fn with_traces(self, adopt: Option<Adopt>) -> Self {
        Self { adopt, ..self }
    }

    /// The span of a call by somebody who came in.
    pub(crate) fn span(&self, method: &'static Method, headers: &HeaderMap) -> Span {
        let span = tracing::debug_span!(
            "call",
            otel.name = format!("{}/{}", method.service, method.name),
            otel.kind = "server",
            rpc.service = method.service,
            rpc.method = method.name,
            rpc.grpc.status_code = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        );
        if let Some(adopt) = self.adopt.as_ref().filter(|_| !span.is_disabled()) {
            adopt(&span, headers);
        }
        span
    }

    /// With what is at paths of its own beside the methods.
    pub fn with_pages(self, pages: Arc<dyn Pages>) -> Self {
        Self { pages: Some(pages), ..self }
    }

    /// Answers one request of any protocol.
    pub async fn answer(self, mut request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        if let Some(path) = request.uri().path().strip_prefix(&*self.root).filter(|_| !self.root.is_empty()) {
            let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
            if let Ok(uri) = format!("{}{query}", if path.is_empty() { "/" } else { path }).parse() {
                *request.uri_mut() = uri;
            }
        }
        if let Some(Origin(peer)) = request.extensions().get::<Origin>().copied() {
            let address = self.door.address(peer, request.headers());
            request.extensions_mut().insert(Origin(address));
        }
        let params = self.door.params();
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let page = self.pages.as_ref().filter(|pages| pages.has(request.uri().path()));
        let mut response = match kind {
            Some(kind) if kind.starts_with("application/grpc-web") => grpc::web(&self, request).await,
            Some(kind) if kind.starts_with("application/grpc") && request.version() == Version::HTTP_2 => {
                grpc::native(&self, request).await
            }
            _ => {
                let packs = params.gzip && takes_gzip(request.headers());
                let response = match page {
                    Some(pages) => Arc::clone(pages).open(request).await,
                    None => rest::answer(&self, request).await,
                };
                if packs { packed(response).await } else { response }
            }
        };
        for (name, value) in shield(&params) {
            response.headers_mut().extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        }
        Ok(response)
    }
}
