use std::convert::Infallible;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};

use anyhow::{Context, Result, bail};
use base64::Engine;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::repository::{Repository, hermetic_git};

/// How the server listens.
#[derive(Debug, Clone, Default)]
pub struct GitServerOptions {
    /// User and password that every request must carry (Basic); 401 otherwise.
    pub basic_auth: Option<(String, String)>,
    /// Serve https with a certificate of its own; see [`GitServer::ca_pem`].
    pub tls: bool,
}

/// What the server does wrong, until told otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Answers each request with this HTTP status.
    Status(u16),
    /// Closes each connection as soon as it is accepted, and open ones at their next request.
    Refuse,
    /// Never answers.
    Hang,
    /// Breaks the connection after this many bytes of each answer's body.
    Truncate(usize),
}

/// How many requests came, by what they asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// `GET …/info/refs`.
    pub info_refs: usize,
    /// `POST …/git-upload-pack`, of all commands.
    pub upload_pack: usize,
    /// Of these, protocol v2's `ls-refs`.
    pub ls_refs: usize,
    /// Of these, protocol v2's `fetch`.
    pub fetch: usize,
    /// Refused for missing or wrong credentials.
    pub unauthorized: usize,
    /// Never answered.
    pub hung: usize,
}

/// A [`Repository`]'s folder, served by git's own `http-backend` on a free loopback port, from a thread of its own:
/// it answers while a test blocks. Ends on drop.
#[derive(Debug)]
pub struct GitServer {
    address: SocketAddr,
    ca_pem: Option<String>,
    state: Arc<State>,
    stop: Option<tokio::sync::oneshot::Sender<Infallible>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    root: PathBuf,
    authorization: Option<String>,
    fault: Mutex<Fault>,
    requests: Mutex<Requests>,
}

impl GitServer {
    /// Serves the repository and its siblings.
    ///
    /// # Errors
    /// `git http-backend` is not there, or no port is free.
    pub fn start(repository: &Repository, options: GitServerOptions) -> Result<Self> {
        let authorization = options.basic_auth.map(|(user, password)| {
            format!(
                "Basic {}",
                base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
            )
        });
        let state = Arc::new(State {
            root: repository.served(),
            authorization,
            fault: Mutex::default(),
            requests: Mutex::default(),
        });
        let (tls, ca_pem) =
            if options.tls { acceptor().map(|(a, pem)| (Some(a), Some(pem)))? } else { (None, None) };
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let serve = {
            let state = Arc::clone(&state);
            move || {
                runtime.block_on(async move {
                    tokio::select! {
                        () = accept(listener, tls, state) => {}
                        _ = stopped => {}
                    }
                });
                // Hanging connections and git processes end with the runtime.
                runtime.shutdown_background();
            }
        };
        let thread = std::thread::Builder::new().name("git-http".to_owned()).spawn(serve)?;
        Ok(Self { address, ca_pem, state, stop: Some(stop), thread: Some(thread) })
    }

    /// `http(s)://127.0.0.1:<port>/<name>.git`.
    pub fn url(&self, repository: &Repository) -> String {
        format!("{}/{}.git", self.base_url(), repository.name())
    }

    /// `http(s)://127.0.0.1:<port>`, the prefix of all URLs of this server.
    pub fn base_url(&self) -> String {
        format!("http{}://{}", if self.ca_pem.is_some() { "s" } else { "" }, self.address)
    }

    /// The certificate to trust, where `tls` was asked for.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Misbehave from now on; [`Fault::None`] ends it.
    pub fn set_fault(&self, fault: Fault) {
        *self.state.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Requests since the start.
    pub fn requests(&self) -> Requests {
        *self.state.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl State {
    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, change: impl FnOnce(&mut Requests)) {
        change(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn acceptor() -> Result<(TlsAcceptor, String)> {
    let names = ["127.0.0.1", "localhost"].map(str::to_owned);
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names)?;
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der())
        .map_err(|reason| anyhow::anyhow!("unusable key: {reason}"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    Ok((TlsAcceptor::from(Arc::new(config)), cert.pem()))
}

async fn accept(listener: std::net::TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        if state.fault() == Fault::Refuse {
            continue;
        }
        tokio::spawn(connection(stream, tls.clone(), Arc::clone(&state)));
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, state: Arc<State>) {
    // A broken connection is the client's affair; it sees the error itself.
    match tls {
        None => serve(stream, state).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, state).await;
            }
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, state: Arc<State>) {
    let service = hyper::service::service_fn(move |request| {
        let state = Arc::clone(&state);
        async move {
            // A connection that is open already is closed, too.
            if state.fault() == Fault::Refuse {
                return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
            }
            Ok(answer(request, &state).await)
        }
    });
    let http = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    http.serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn answer(request: Request<Incoming>, state: &Arc<State>) -> Response<Reply> {
    let fault = state.fault();
    match fault {
        Fault::Hang => {
            state.count(|requests| requests.hung += 1);
            return std::future::pending().await;
        }
        Fault::Status(code) => {
            return plain(StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY), "broken");
        }
        Fault::None | Fault::Refuse | Fault::Truncate(_) => {}
    }
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return plain(StatusCode::BAD_REQUEST, "unreadable body") };
    let body = body.to_bytes();
    if let Some(wanted) = &state.authorization
        && head.headers.get(header::AUTHORIZATION).is_none_or(|given| given.as_bytes() != wanted.as_bytes())
    {
        state.count(|r| r.unauthorized += 1);
        let mut response = plain(StatusCode::UNAUTHORIZED, "credentials, please");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Basic realm=\"git\""));
        return response;
    }
    let path = head.uri.path();
    let asks = |command: &str| body.windows(command.len()).any(|window| window == command.as_bytes());
    state.count(|r| {
        r.info_refs += usize::from(path.ends_with("/info/refs"));
        if path.ends_with("/git-upload-pack") {
            r.upload_pack += 1;
            r.ls_refs += usize::from(asks("command=ls-refs"));
            r.fetch += usize::from(asks("command=fetch"));
        }
    });
    let root = state.root.clone();
    let result = tokio::task::spawn_blocking(move || http_backend(&root, &head, &body)).await;
    match result.map_err(anyhow::Error::from).and_then(|r| r) {
        Ok(mut response) => {
            if let Fault::Truncate(bytes) = fault {
                response.body_mut().truncate(bytes);
            }
            response
        }
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error:#}")),
    }
}

/// Runs the CGI program once, as a web server would.
fn http_backend(root: &Path, head: &http::request::Parts, body: &Bytes) -> Result<Response<Reply>> {
    let text =
        |name: &str| head.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let mut child = hermetic_git()
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", head.method.as_str())
        .env("PATH_INFO", head.uri.path())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", text("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", text("content-encoding"))
        .env("GIT_PROTOCOL", text("git-protocol"))
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("git http-backend could not be started")?;
    let stdin = child.stdin.take();
    let input = body.clone();
    // In a thread of its own, for the program may answer before it has read everything.
    let writer = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
    let output = child.wait_with_output()?;
    writer.join().ok();
    cgi_response(&output.stdout)
}

fn cgi_response(output: &[u8]) -> Result<Response<Reply>> {
    let Some(end) = output.windows(4).position(|w| w == b"\r\n\r\n") else {
        bail!("git http-backend gave no headers");
    };
    let (head, body) = output.split_at(end + 4);
    let mut status = StatusCode::OK;
    let mut headers = HeaderMap::new();
    for line in String::from_utf8_lossy(head).lines() {
        let Some((name, value)) = line.split_once(": ") else { continue };
        if name.eq_ignore_ascii_case("status") {
            status = value.split(' ').next().unwrap_or_default().parse().context("bad CGI status")?;
        } else {
            headers.append(header::HeaderName::try_from(name)?, value.try_into()?);
        }
    }
    let mut response = Response::new(Reply::new(Bytes::copy_from_slice(body)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn plain(status: StatusCode, text: &str) -> Response<Reply> {
    let mut response = Response::new(Reply::new(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() = status;
    response
}

/// A body that can break off: then its frames end with an error, and the connection is cut.
#[derive(Debug)]
struct Reply {
    data: Option<Bytes>,
    broken: bool,
}

impl Reply {
    fn new(data: Bytes) -> Self {
        Self { data: Some(data), broken: false }
    }

    fn truncate(&mut self, bytes: usize) {
        if let Some(data) = &mut self.data {
            data.truncate(bytes);
        }
        self.broken = true;
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(match self.data.take() {
            Some(data) => Some(Ok(Frame::data(data))),
            None if self.broken => Some(Err(std::io::ErrorKind::ConnectionReset.into())),
            None => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clone(url: &str, extra: &[&str]) -> Result<String> {
        let target = tempfile::tempdir()?;
        let output = hermetic_git().args(extra).args(["clone", "-q", url]).arg(target.path()).output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(std::fs::read_to_string(target.path().join("a.yaml"))?)
    }

    fn repository() -> Repository {
        let repository = Repository::new("config").unwrap();
        repository.commit(&[("a.yaml", "a: 1\n")], "first").unwrap();
        repository
    }

    #[test]
    fn git_clones_from_it_and_is_counted() {
        let repository = repository();
        let server = GitServer::start(&repository, GitServerOptions::default()).unwrap();
        assert_eq!(clone(&server.url(&repository), &[]).unwrap(), "a: 1\n");
        let wanted = Requests { info_refs: 1, upload_pack: 2, ls_refs: 1, fetch: 1, ..Requests::default() };
        assert_eq!(server.requests(), wanted);
    }

    #[test]
    fn asks_for_credentials() {
        let repository = repository();
        let basic_auth = Some(("ada".to_owned(), "s3cret".to_owned()));
        let server = GitServer::start(&repository, GitServerOptions { basic_auth, tls: false }).unwrap();
        assert!(clone(&server.url(&repository), &[]).is_err());
        let with_credentials = server.url(&repository).replace("http://", "http://ada:s3cret@");
        assert_eq!(clone(&with_credentials, &[]).unwrap(), "a: 1\n");
        assert!(server.requests().unauthorized > 0);
    }

    #[test]
    fn serves_https_with_a_certificate_of_its_own() {
        let repository = repository();
        let server = GitServer::start(&repository, GitServerOptions { basic_auth: None, tls: true }).unwrap();
        assert!(clone(&server.url(&repository), &[]).is_err(), "trusted a certificate it does not know");
        let dir = tempfile::tempdir().unwrap();
        let ca = dir.path().join("ca.pem");
        std::fs::write(&ca, server.ca_pem().unwrap()).unwrap();
        let trust = format!("http.sslCAInfo={}", ca.display());
        assert_eq!(clone(&server.url(&repository), &["-c", &trust]).unwrap(), "a: 1\n");
    }

    #[test]
    fn misbehaves_on_demand() {
        let repository = repository();
        let server = GitServer::start(&repository, GitServerOptions::default()).unwrap();
        for fault in [Fault::Status(503), Fault::Refuse, Fault::Truncate(20)] {
            server.set_fault(fault);
            assert!(clone(&server.url(&repository), &[]).is_err(), "{fault:?}");
        }
        server.set_fault(Fault::None);
        assert!(clone(&server.url(&repository), &[]).is_ok());
    }
}
