//! gRPC-Web over HTTP/1.1.

use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, header};
use http_body_util::BodyExt as _;
use tonic::{Code, Status};
use tonic_web::{GrpcWebCall, GrpcWebClientService};
use tower::Service;

use crate::{Error, Options};

const TYPE: &str = "application/grpc-web+proto";

/// The transport of gRPC-Web: HTTP below, what tonic calls above.
pub(crate) type Web = GrpcWebClientService<Posts>;

/// Sends each call as one request whose body is there as a whole.
#[derive(Debug, Clone)]
pub(crate) struct Posts {
    http: reqwest::Client,
    /// Host and port.
    address: String,
    /// Scheme, host and what paths begin with.
    base: String,
}

/// The transport for a server; nothing is sent yet.
///
/// # Errors
/// What was given to connect by cannot be used.
pub(crate) fn transport(options: &Options) -> Result<Web, Error> {
    let address = options.authority()?.to_string();
    let root = options.web_root.trim_matches('/');
    // The port of a web server is its scheme's where none is given.
    let base =
        format!("{}://{}{}{root}", options.scheme(), options.server, if root.is_empty() { "" } else { "/" });
    let ways = options.proxies.ways(None).map_err(Error::Setup)?;
    let mut builder = reqwest::Client::builder()
        .user_agent(options.user_agent.as_str())
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    for way in ways {
        builder = builder.proxy(way);
    }
    if !options.plaintext {
        builder = builder.tls_backend_preconfigured(crate::tls::config(options)?);
    }
    let http = builder
        .build()
        .map_err(|error| Error::Setup(format!("the client of gRPC-Web: {}", net::chain(&error))))?;
    Ok(GrpcWebClientService::new(Posts { http, address, base }))
}

impl Service<Request<GrpcWebCall<tonic::body::Body>>> for Posts {
    type Response = Response<reqwest::Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<GrpcWebCall<tonic::body::Body>>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.post(request).await })
    }
}

impl Posts {
    async fn post(
        self,
        request: Request<GrpcWebCall<tonic::body::Body>>,
    ) -> Result<Response<reqwest::Body>, Status> {
        let (mut parts, body) = request.into_parts();
        let url = format!("{}{}", self.base, parts.uri.path());
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(TYPE));
        // It is for HTTP/2, where tonic believes to be.
        parts.headers.remove(header::TE);
        parts.headers.remove(header::USER_AGENT);
        let body = body.collect().await?.to_bytes();
        let sent = self.http.post(&url).headers(parts.headers).body(body).send().await;
        let response = sent.map_err(|error| {
            Status::new(Code::Unknown, format!("Post {url:?}: {}", cause(&self.address, &error)))
        })?;
        if response.status() != http::StatusCode::OK {
            let message = format!("POST {url} failed with status code {}", response.status().as_u16());
            return Err(Status::new(Code::Unknown, message));
        }
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        // Errors may come in headers alone, without a type.
        if !response.headers().contains_key("grpc-status")
            && !kind.is_some_and(|kind| kind.starts_with("application/grpc-web"))
        {
            let message = format!(
                "POST {url} was answered by something else than the API: {}",
                net::excerpt(kind.unwrap_or("no content type"))
            );
            return Err(Status::new(Code::Unknown, message));
        }
        Ok(response.into())
    }
}

/// What lies under an error of the client, in Go's words where it is about a connection.
fn cause(address: &str, error: &reqwest::Error) -> String {
    let mut current: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = current {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && io.raw_os_error().is_some()
        {
            return crate::error::dialled(address, io);
        }
        current = error.source();
    }
    net::excerpt(&net::chain(error))
}
