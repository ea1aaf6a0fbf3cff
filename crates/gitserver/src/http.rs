//! The HTTP side: routes, bodies, limits.

use std::convert::Infallible;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::repository::{File, create};
use crate::{GitError, receive, upload};

/// Largest request, in bytes, packed or not: a push to a playground is small.
const MAX_REQUEST: usize = 256 << 20;

type Pushed = Arc<dyn Fn(&str) + Send + Sync>;

/// A git server. Dropping it ends it.
pub struct GitServer {
    address: SocketAddr,
    directory: PathBuf,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for GitServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl GitServer {
    /// Serves the repositories under `directory` as `http://address/NAME.git`. `pushed` hears the name of each
    /// repository that was pushed to, once its refs have moved.
    pub async fn start(
        address: SocketAddr,
        directory: impl Into<PathBuf>,
        pushed: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Self, GitError> {
        let directory = directory.into();
        let listener =
            TcpListener::bind(address).await.map_err(|source| GitError::Listen { address, source })?;
        let address = listener.local_addr().map_err(|source| GitError::Listen { address, source })?;
        let task = tokio::spawn(serve(listener, directory.clone(), Arc::new(pushed)));
        Ok(Self { address, directory, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of a repository.
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}.git", self.address)
    }

    /// Makes the repository `name` with one commit of these files on `main`, where there is none yet. `seconds` is the
    /// commit's time since 1970.
    pub fn create(&self, name: &str, files: &[File], message: &str, seconds: i64) -> Result<(), GitError> {
        create(&self.directory.join(format!("{name}.git")), files, message, seconds)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, directory: PathBuf, pushed: Pushed) {
    let mut connections = JoinSet::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(error = %error, "connection was not accepted");
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let (directory, pushed) = (directory.clone(), Arc::clone(&pushed));
        connections.spawn(async move {
            let service = service_fn(move |request| respond(request, directory.clone(), Arc::clone(&pushed)));
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, "connection ended early");
            }
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    directory: PathBuf,
    pushed: Pushed,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let answer = match route(request, &directory, &pushed).await {
        Ok((kind, body)) => Response::builder()
            .header("content-type", kind)
            .header("cache-control", "no-cache")
            .body(Full::new(Bytes::from(body))),
        Err((status, message)) => Response::builder()
            .status(status)
            .header("content-type", "text/plain")
            .body(Full::new(Bytes::from(message))),
    };
    Ok(answer.unwrap_or_default())
}

type Refusal = (StatusCode, String);

async fn route(
    request: Request<Incoming>,
    directory: &Path,
    pushed: &Pushed,
) -> Result<(String, Vec<u8>), Refusal> {
    let (head, body) = request.into_parts();
    let absent = || (StatusCode::NOT_FOUND, "no such repository\n".to_owned());
    let path = head.uri.path().trim_start_matches('/').to_owned();
    let (name, rest) = path.split_once(".git/").ok_or_else(absent)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || !name.chars().all(plain) {
        return Err(absent());
    }
    let location = directory.join(format!("{name}.git"));
    if !location.join("HEAD").is_file() {
        return Err(absent());
    }
    let service =
        head.uri.query().and_then(|query| query.split('&').find_map(|part| part.strip_prefix("service=")));
    let v2 = head
        .headers
        .get("git-protocol")
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.contains("version=2"));
    match (head.method, rest, service) {
        (Method::GET, "info/refs", Some("git-upload-pack")) if v2 => {
            Ok(("application/x-git-upload-pack-advertisement".to_owned(), upload::advertise()))
        }
        (Method::GET, "info/refs", Some("git-upload-pack")) => {
            Err((StatusCode::BAD_REQUEST, "only git protocol version 2 is spoken here\n".to_owned()))
        }
        (Method::GET, "info/refs", Some("git-receive-pack")) => {
            let work = move || {
                gix::open(location).map_err(GitError::repository).and_then(|r| receive::advertise(&r))
            };
            Ok(("application/x-git-receive-pack-advertisement".to_owned(), blocking(work).await?))
        }
        (Method::POST, "git-upload-pack", _) => {
            let request = read(head.headers.get("content-encoding").is_some(), body).await?;
            let work = move || {
                let repository = gix::open(location).map_err(GitError::repository)?;
                upload::answer(&repository, &request)
            };
            Ok(("application/x-git-upload-pack-result".to_owned(), blocking(work).await?))
        }
        (Method::POST, "git-receive-pack", _) => {
            let request = read(head.headers.get("content-encoding").is_some(), body).await?;
            let work = move || {
                let repository = gix::open(location).map_err(GitError::repository)?;
                receive::answer(&repository, &request)
            };
            let (answer, moved) = blocking(work).await?;
            if moved {
                pushed(name);
            }
            Ok(("application/x-git-receive-pack-result".to_owned(), answer))
        }
        _ => Err(absent()),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GitError> + Send + 'static,
) -> Result<T, Refusal> {
    let failed = |message: String| (StatusCode::INTERNAL_SERVER_ERROR, format!("{message}\n"));
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error @ GitError::Request(_))) => Err((StatusCode::BAD_REQUEST, format!("{error}\n"))),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// The whole body, unpacked where the client packed it, within the limit both times.
async fn read(packed: bool, body: Incoming) -> Result<Vec<u8>, Refusal> {
    let too_large = || (StatusCode::PAYLOAD_TOO_LARGE, "the request is too large\n".to_owned());
    let bytes = Limited::new(body, MAX_REQUEST).collect().await.map_err(|_| too_large())?.to_bytes();
    if !packed {
        return Ok(bytes.to_vec());
    }
    let mut plain = Vec::new();
    let limit = u64::try_from(MAX_REQUEST).unwrap_or(u64::MAX);
    let read = flate2::read::GzDecoder::new(bytes.as_ref()).take(limit).read_to_end(&mut plain);
    match read {
        Ok(length) if length < MAX_REQUEST => Ok(plain),
        Ok(_) => Err(too_large()),
        Err(error) => Err((StatusCode::BAD_REQUEST, format!("{error}\n"))),
    }
}
