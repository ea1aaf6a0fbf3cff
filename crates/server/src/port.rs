//! One port for everything: TLS or plain HTTP, HTTP/1.1 and HTTP/2.

mod pulse;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::api::{Api, Door, Origin};
use crate::body::{Body, Incoming, answer};
use crate::tls::{Certificates, TlsError};
use pulse::Pulse;

/// Connections at the same time, where there are files enough.
const CONNECTIONS: usize = 20_000;
/// How long requests that are under way may take when the server ends.
const FAREWELL: Duration = Duration::from_secs(10);
/// The first byte of TLS.
const HANDSHAKE: u8 = 0x16;
const HEAD_BYTES: usize = 64 * 1024;
const HEADERS: usize = 128;
const STREAMS: u32 = 250;
/// Streams that a client took back before we saw them, until it is sent away (CVE-2023-44487).
const RESETS: usize = 20;

/// How to listen.
#[derive(Debug, Clone)]
pub struct PortOptions {
    /// Where; port 0 for a free one.
    pub address: SocketAddr,
    /// The certificate; plain HTTP without.
    pub certificates: Option<Certificates>,
    /// What clients may take.
    pub bounds: Bounds,
}

/// What clients may take of places and time. What comes beyond waits, or is ended.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections at the same time; one more waits.
    pub connections: usize,
    /// How long a client may take for its first bytes, a handshake, its first request, or the headers of any over HTTP/1.1.
    pub haste: Duration,
    /// How long the body of a request may take at least; 16 KiB of it make up for a second.
    pub body: Duration,
    /// How long a connection may have no request under way, or leave an answer where it is.
    pub idle: Duration,
}

impl Default for Bounds {
    /// Connections take half of the files that we may open, so that something is left for clusters and repositories.
    fn default() -> Self {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
        Self {
            connections: (files / 2).clamp(1, CONNECTIONS),
            haste: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_mins(5),
        }
    }
}

/// Why it does not listen.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A port that is listened on, until it is shut down or dropped.
#[derive(Debug)]
pub struct Port {
    /// Where.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Port {
    /// Listens.
    ///
    /// # Errors
    /// See [`PortError`].
    pub async fn open<D: Door>(options: PortOptions, api: Api<D>) -> Result<Self, PortError> {
        let address = options.address;
        let listen = |source| PortError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let tls = options.certificates.map(|certificates| certificates.config()).transpose()?;
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        let (stop, stopped) = watch::channel(false);
        let shared = Shared { tls, api, bounds: options.bounds, stopped };
        let task = tokio::spawn(accept(listener, shared));
        Ok(Self { address, stop, task })
    }

    /// Takes no more connections, lets requests end for a while, and waits for that.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(%error, "the server's port ended badly");
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What connections have in common.
struct Shared<D: Door> {
    tls: Option<TlsAcceptor>,
    api: Api<D>,
    bounds: Bounds,
    stopped: watch::Receiver<bool>,
}

impl<D: Door> Clone for Shared<D> {
    fn clone(&self) -> Self {
        let (tls, api, stopped) = (self.tls.clone(), self.api.clone(), self.stopped.clone());
        Self { tls, api, bounds: self.bounds, stopped }
    }
}

async fn accept<D: Door>(listener: TcpListener, shared: Shared<D>) {
    let room = Arc::new(Semaphore::new(shared.bounds.connections));
    let (mut connections, mut stopped) = (JoinSet::new(), shared.stopped.clone());
    loop {
        // A place first: whoever has none stays with the system.
        let next = async { (Arc::clone(&room).acquire_owned().await, listener.accept().await) };
        let (place, accepted) = tokio::select! {
            next = next => next,
            _ = stopped.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => continue,
        };
        let stream = match accepted {
            Ok((stream, address)) => (stream, Origin(address.ip())),
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                // Out of file descriptors, most likely: give others the time to end.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let shared = shared.clone();
        connections.spawn(async move {
            serve(stream, shared).await;
            drop(place);
        });
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    drop(timeout(FAREWELL, ended).await);
}

async fn serve<D: Door>((stream, origin): (TcpStream, Origin), mut shared: Shared<D>) {
    let bounds = shared.bounds;
    drop(stream.set_nodelay(true));
    let mut first = [0];
    let begun = tokio::select! {
        begun = timeout(bounds.haste, stream.peek(&mut first)) => begun,
        _ = shared.stopped.wait_for(|stop| *stop) => return,
    };
    if !matches!(begun, Ok(Ok(1))) {
        return;
    }
    match shared.tls.take() {
        Some(tls) if first[0] == HANDSHAKE => match timeout(bounds.haste, tls.accept(stream)).await {
            Ok(Ok(stream)) => speak(TokioIo::new(stream), origin, shared).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        },
        Some(_) => {
            let service = service_fn(|request| {
                std::future::ready(Ok::<_, std::convert::Infallible>(elsewhere(&request)))
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(bounds.haste).keep_alive(false);
            builder.max_buf_size(HEAD_BYTES).max_headers(HEADERS);
            if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a plain connection ended early");
            }
        }
        None => speak(TokioIo::new(stream), origin, shared).await,
    }
}

async fn speak<I, D>(io: I, origin: Origin, shared: Shared<D>)
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    D: Door,
{
    let Shared { api, bounds, mut stopped, .. } = shared;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.haste)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS)
        .keep_alive_interval(Some(Duration::from_secs(20)));
    let pulse = Pulse::new();
    let beats = Arc::clone(&pulse);
    let service = service_fn(move |request| {
        let (beat, api) = (beats.begin(), api.clone());
        async move {
            let response = respond(request, origin, api, bounds.body).await?;
            Ok::<_, std::convert::Infallible>(response.map(|body| beat.answer(body)))
        }
    });
    let mut connection = std::pin::pin!(builder.serve_connection_with_upgrades(io, service));
    let stopped = async { drop(stopped.wait_for(|stop| *stop).await) };
    let early = |error| tracing::debug!(%error, "a connection ended early");
    let patience = tokio::select! {
        ended = connection.as_mut() => return ended.unwrap_or_else(early),
        () = pulse.over(&bounds) => bounds.haste,
        () = stopped => FAREWELL,
    };
    connection.as_mut().graceful_shutdown();
    match timeout(patience, connection).await {
        Ok(ended) => ended.unwrap_or_else(early),
        Err(_) => tracing::debug!("a client did not let go"),
    }
}

/// Answers one request, if its head is one that every server reads alike.
async fn respond<D: Door>(
    mut request: Request<hyper::body::Incoming>,
    origin: Origin,
    api: Api<D>,
    patience: Duration,
) -> Result<Response<Body>, std::convert::Infallible> {
    if request.headers().len() > HEADERS {
        let text = "the request has too many headers\n";
        return Ok(answer(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "text/plain; charset=utf-8", text));
    }
    request.extensions_mut().insert(origin);
    // HTTP/2 says it in another place.
    let host = request.uri().authority().and_then(|host| host.as_str().parse().ok());
    if let (false, Some(host)) = (request.headers().contains_key(header::HOST), host) {
        request.headers_mut().insert(header::HOST, host);
    }
    // What a proxy took for its length is not known any more, so that nothing behind it is read as a request.
    let last = request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = api.answer(request.map(|body| Incoming::new(body, patience))).await?;
    if last {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// Where the same is over TLS.
fn elsewhere(request: &Request<hyper::body::Incoming>) -> Response<Body> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let mut response =
        answer(StatusCode::TEMPORARY_REDIRECT, "text/plain; charset=utf-8", "this port speaks TLS\n");
    let place = format!("https://{host}{path}");
    if let (Ok(_), Ok(value)) = (place.parse::<Uri>(), place.parse()) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_others() {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
        let connections = u64::try_from(Bounds::default().connections).unwrap();
        assert!(connections > 0 && connections <= (files / 2).max(1), "{connections} of {files}");
    }
}
