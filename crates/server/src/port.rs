//! One port for everything: TLS or plain HTTP, HTTP/1.1 and HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode, Uri, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::api::{Api, Door, Origin};
use crate::body::{Body, answer};
use crate::tls::{Certificates, TlsError};

/// Connections at the same time; one more waits.
const CONNECTIONS: usize = 20_000;
/// How long a client may take for its first bytes, a handshake, or the headers of a request.
const HASTE: Duration = Duration::from_secs(10);
/// How long requests that are under way may take when the server ends.
const FAREWELL: Duration = Duration::from_secs(10);
/// The first byte of TLS.
const HANDSHAKE: u8 = 0x16;
const HEADERS_BYTES: u32 = 64 * 1024;
const HEADERS: usize = 128;
const STREAMS: u32 = 250;

/// How to listen.
#[derive(Debug, Clone)]
pub struct PortOptions {
    /// Where; port 0 for a free one.
    pub address: SocketAddr,
    /// The certificate; plain HTTP without.
    pub certificates: Option<Certificates>,
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
        let task = tokio::spawn(accept(listener, tls, api, stopped));
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

async fn accept<D: Door>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    api: Api<D>,
    mut stopped: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
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
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { break };
        let (tls, api, watcher) = (tls.clone(), api.clone(), graceful.watcher());
        connections.spawn(async move {
            serve(stream, tls, api, watcher).await;
            drop(place);
        });
    }
    drop(listener);
    drop(tokio::time::timeout(FAREWELL, graceful.shutdown()).await);
}

async fn serve<D: Door>(
    (stream, origin): (TcpStream, Origin),
    tls: Option<TlsAcceptor>,
    api: Api<D>,
    watcher: Watcher,
) {
    drop(stream.set_nodelay(true));
    let mut first = [0];
    let begun = tokio::time::timeout(HASTE, stream.peek(&mut first)).await;
    if !matches!(begun, Ok(Ok(1))) {
        return;
    }
    match tls {
        Some(tls) if first[0] == HANDSHAKE => match tokio::time::timeout(HASTE, tls.accept(stream)).await {
            Ok(Ok(stream)) => speak(TokioIo::new(stream), origin, api, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        },
        Some(_) => {
            let service = service_fn(|request| {
                std::future::ready(Ok::<_, std::convert::Infallible>(elsewhere(&request)))
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HASTE).keep_alive(false);
            if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a plain connection ended early");
            }
        }
        None => speak(TokioIo::new(stream), origin, api, watcher).await,
    }
}

async fn speak<I, D>(io: I, origin: Origin, api: Api<D>, watcher: Watcher)
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    D: Door,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HASTE).max_headers(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEADERS_BYTES)
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(Some(Duration::from_secs(20)));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(origin);
        // HTTP/2 says it in another place.
        let host = request.uri().authority().and_then(|host| host.as_str().parse().ok());
        if let (false, Some(host)) = (request.headers().contains_key(header::HOST), host) {
            request.headers_mut().insert(header::HOST, host);
        }
        api.clone().answer(request)
    });
    let connection = builder.serve_connection_with_upgrades(io, service);
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(error = %error, "a connection ended early");
    }
}

/// Where the same is over TLS.
fn elsewhere(request: &Request<Incoming>) -> Response<Body> {
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
