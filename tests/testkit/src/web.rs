use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Longest head of a request.
const HEAD_BYTES: usize = 64 << 10;
/// Longest body of a request.
const BODY_BYTES: usize = 16 << 20;

/// How a [`WebServer`] listens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WebTls {
    /// Plain http.
    #[default]
    Off,
    /// https with a certificate of its own; see [`WebServer::ca_pem`].
    Server,
    /// As [`WebTls::Server`], and only for clients that show the certificate of [`WebServer::client`].
    Mutual,
}

/// What was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebRequest {
    /// `GET`, …
    pub method: String,
    /// Path and query; the whole URL where the server is asked as a proxy.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As long as `Content-Length` says.
    pub body: Vec<u8>,
}

impl WebRequest {
    /// A header's first value, empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// What to answer.
#[derive(Debug, Clone, Default)]
pub struct WebReply {
    /// HTTP status.
    pub status: u16,
    /// Headers; `Content-Length` is the body's where none is given.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: WebBody,
}

/// A body, honest or not.
#[derive(Debug, Clone)]
pub enum WebBody {
    /// All at once.
    Bytes(Vec<u8>),
    /// The same piece again and again, with a pause before each, until the client goes away.
    Drip(Vec<u8>, Duration),
    /// Less than was announced, then the end.
    Short(Vec<u8>),
    /// Nothing, ever, not even a head.
    Hang,
}

impl Default for WebBody {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl WebReply {
    /// A status with a body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: WebBody::Bytes(body.into()) }
    }

    /// 200.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, body)
    }

    /// 302.
    pub fn redirect(to: impl Into<String>) -> Self {
        Self::new(302, "").with("location", to)
    }

    /// With one header more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// Says what to answer to each request.
pub type WebHandler = dyn Fn(&WebRequest) -> WebReply + Send + Sync;

/// A web server on a free loopback port that answers what a test tells it to, also what no decent server would. One request a
/// connection; from a thread of its own, so that it answers while a test blocks. Ends on drop.
pub struct WebServer {
    address: SocketAddr,
    ca_pem: Option<String>,
    client: Option<(String, String)>,
    requests: Arc<Mutex<Vec<WebRequest>>>,
    stop: Option<tokio::sync::oneshot::Sender<Infallible>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl WebServer {
    /// Starts it.
    ///
    /// # Errors
    /// No port is free, or a certificate cannot be made.
    pub fn start(
        tls: WebTls,
        handler: impl Fn(&WebRequest) -> WebReply + Send + Sync + 'static,
    ) -> Result<Self> {
        let (acceptor, ca_pem, client) = match tls {
            WebTls::Off => (None, None, None),
            WebTls::Server | WebTls::Mutual => {
                let made = certificates(tls == WebTls::Mutual)?;
                (Some(made.acceptor), Some(made.ca_pem), made.client)
            }
        };
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, handler): (_, Arc<WebHandler>) = (Arc::clone(&requests), Arc::new(handler));
        let serve = move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = accept(listener, acceptor, log, handler) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("web".to_owned()).spawn(serve)?;
        Ok(Self { address, ca_pem, client, requests, stop: Some(stop), thread: Some(thread) })
    }

    /// `http(s)://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http{}://{}", if self.ca_pem.is_some() { "s" } else { "" }, self.address)
    }

    /// `127.0.0.1:<port>`.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The certificate to trust, where it speaks https.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Certificate and key of the one client that a [`WebTls::Mutual`] server lets in, in PEM.
    pub fn client(&self) -> Option<(&str, &str)> {
        self.client.as_ref().map(|(certificate, key)| (certificate.as_str(), key.as_str()))
    }

    /// All requests so far, in order.
    pub fn requests(&self) -> Vec<WebRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `METHOD path` of all requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.requests().iter().map(|request| format!("{} {}", request.method, request.target)).collect()
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

struct Certificates {
    acceptor: TlsAcceptor,
    ca_pem: String,
    client: Option<(String, String)>,
}

fn certificates(mutual: bool) -> Result<Certificates> {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["127.0.0.1", "localhost"].map(str::to_owned))?;
    let key = PrivateKeyDer::try_from(signing_key.serialize_der())
        .map_err(|reason| anyhow::anyhow!("unusable key: {reason}"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let (builder, client) = if mutual {
        let client = rcgen::generate_simple_self_signed(["client".to_owned()])?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(client.cert.der().clone())?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        let pem = (client.cert.pem(), client.signing_key.serialize_pem());
        (builder.with_client_cert_verifier(verifier), Some(pem))
    } else {
        (builder.with_no_client_auth(), None)
    };
    let config = builder.with_single_cert(vec![cert.der().clone()], key)?;
    Ok(Certificates { acceptor: TlsAcceptor::from(Arc::new(config)), ca_pem: cert.pem(), client })
}

async fn accept(
    listener: std::net::TcpListener,
    tls: Option<TlsAcceptor>,
    log: Arc<Mutex<Vec<WebRequest>>>,
    handler: Arc<WebHandler>,
) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, log, handler) = (tls.clone(), Arc::clone(&log), Arc::clone(&handler));
        tokio::spawn(async move {
            // A broken connection is the client's affair; it sees the error itself.
            connection(stream, tls, log, handler).await.ok();
        });
    }
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    log: Arc<Mutex<Vec<WebRequest>>>,
    handler: Arc<WebHandler>,
) -> Result<()> {
    match tls {
        None => serve(stream, &log, &handler).await,
        Some(tls) => serve(tls.accept(stream).await?, &log, &handler).await,
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    log: &Mutex<Vec<WebRequest>>,
    handler: &Arc<WebHandler>,
) -> Result<()> {
    let request = read_request(&mut stream).await?;
    let reply = handler(&request);
    let head_only = request.method == "HEAD";
    log.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    write_reply(&mut stream, reply, head_only).await?;
    stream.shutdown().await?;
    Ok(())
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Result<WebRequest> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        anyhow::ensure!(head.len() < HEAD_BYTES, "the head is too long");
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines();
    let mut words = lines.next().context("no request")?.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    let mut request = WebRequest { method, target, headers, body: Vec::new() };
    let length = request.header("content-length").parse().unwrap_or(0);
    anyhow::ensure!(length <= BODY_BYTES, "the body is too long");
    request.body.resize(length, 0);
    stream.read_exact(&mut request.body).await?;
    Ok(request)
}

async fn write_reply(stream: &mut (impl AsyncWrite + Unpin), reply: WebReply, head_only: bool) -> Result<()> {
    let mut head = format!("HTTP/1.1 {} x\r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let announced = reply.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    if let (WebBody::Bytes(body), false) = (&reply.body, announced) {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    if let WebBody::Hang = reply.body {
        return std::future::pending().await;
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).await?;
    match reply.body {
        _ if head_only => {}
        WebBody::Bytes(body) | WebBody::Short(body) => stream.write_all(&body).await?,
        WebBody::Drip(piece, pause) => loop {
            tokio::time::sleep(pause).await;
            stream.write_all(&piece).await?;
            stream.flush().await?;
        },
        WebBody::Hang => {}
    }
    stream.flush().await?;
    Ok(())
}
