//! What is at paths of its own beside the methods.

mod auth;
mod auth_state;
mod badge;
mod terminal;
mod webhook;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header};

use crate::body::{Body, Incoming, answer};
use crate::server::Backend;
use crate::v2;

pub(crate) use auth_state::Returned;
pub(crate) use webhook::Room;

const TEXT: &str = "text/plain; charset=utf-8";

/// Answers at some paths.
pub trait Pages: Send + Sync {
    /// Whether there is something at this path.
    fn has(&self, path: &str) -> bool;

    /// What is there.
    fn open(self: Arc<Self>, request: Request<Incoming>) -> BoxFuture<'static, Response<Body>>;
}

/// One of ours.
#[derive(Debug, Clone, Copy)]
enum Page {
    Health,
    Swagger,
    Badge,
    Webhook,
    Login,
    Callback,
    Logout,
    Terminal,
}

impl Page {
    fn at(path: &str) -> Option<Self> {
        match path {
            "/healthz" => Some(Self::Health),
            "/swagger.json" => Some(Self::Swagger),
            "/api/badge" => Some(Self::Badge),
            "/api/webhook" => Some(Self::Webhook),
            "/auth/login" => Some(Self::Login),
            "/auth/callback" => Some(Self::Callback),
            "/auth/logout" => Some(Self::Logout),
            "/terminal" => Some(Self::Terminal),
            _ => None,
        }
    }

    fn verb(self) -> Method {
        match self {
            Self::Webhook => Method::POST,
            Self::Health
            | Self::Swagger
            | Self::Badge
            | Self::Login
            | Self::Callback
            | Self::Logout
            | Self::Terminal => Method::GET,
        }
    }
}

impl Pages for Backend {
    fn has(&self, path: &str) -> bool {
        Page::at(path).is_some() || v2::has(path)
    }

    fn open(self: Arc<Self>, request: Request<Incoming>) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            if v2::has(request.uri().path()) {
                return v2::answer(self, request).await;
            }
            let Some(page) = Page::at(request.uri().path()) else {
                return answer(StatusCode::NOT_FOUND, TEXT, "not found\n");
            };
            if request.method() != page.verb() {
                let mut response =
                    answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, format!("only {}\n", page.verb()));
                if let Ok(verb) = page.verb().as_str().parse() {
                    response.headers_mut().insert(header::ALLOW, verb);
                }
                return response;
            }
            let query = request.uri().query().unwrap_or_default();
            match page {
                Page::Health => health(&self, query).await,
                Page::Swagger => answer(StatusCode::OK, "application/json", swagger()),
                Page::Badge => badge::answer(&self, query),
                Page::Webhook => webhook::answer(&self, request).await,
                Page::Login => auth::login(&self, &request).await,
                Page::Callback => auth::callback_page(&self, &request).await,
                Page::Logout => auth::logout(&self, &request).await,
                Page::Terminal => terminal::answer(&self, request).await,
            }
        })
    }
}

/// Whether this server answers; with `full=true`, whether it reaches the API server, too.
///
/// **Source**: `/healthz` of the peer.
async fn health(backend: &Backend, query: &str) -> Response<Body> {
    let full =
        form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "full" && value == "true");
    if full && backend.store.settings().await.is_err() {
        return answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, "the API server cannot be reached\n");
    }
    answer(StatusCode::OK, TEXT, "ok\n")
}

/// The API as OpenAPI 2.0, made once.
fn swagger() -> Bytes {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let document = || wire::schema().openapi(env!("CARGO_PKG_VERSION")).to_string().into();
    DOCUMENT.get_or_init(document).clone()
}
