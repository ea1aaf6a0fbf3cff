//! A server on a socket that answers as it is told, byte for byte.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures::stream;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::UnixListener;

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// What is answered.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Frames as they are, and that all is well.
    Raw(Vec<u8>),
    /// A status that is no success, with its message as it is on the wire.
    Status(u32, String),
    /// Another protocol's status.
    Http(u16),
    /// The start of an answer, and then the end of the stream without a word.
    Half(Vec<u8>),
    /// Nothing, and the end of the connection.
    HangUp,
    /// Nothing, ever.
    Never,
}

impl Reply {
    pub(crate) fn message(message: &[u8]) -> Self {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        Self::Raw([&[0], length.as_slice(), message].concat())
    }

    pub(crate) fn status(code: u32, message: &str) -> Self {
        Self::Status(code, message.to_owned())
    }
}

/// A protobuf message of fields of bytes.
pub(crate) fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, value) in fields {
        bytes.push(number << 3 | 2);
        let mut length = value.len();
        while length > 127 {
            bytes.push(u8::try_from(length & 127).unwrap() | 128);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap());
        bytes.extend_from_slice(value);
    }
    bytes
}

/// A request that came.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) messages: Vec<Vec<u8>>,
    pub(crate) timeout: Option<String>,
}

/// Serves until it is dropped.
pub(crate) struct Server {
    directory: PathBuf,
    socket: PathBuf,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
    own: Option<tempfile::TempDir>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        drop(std::fs::remove_file(&self.socket));
    }
}

impl Server {
    /// In a directory of its own.
    pub(crate) async fn start(name: &str, setup: Reply, matching: Reply, generate: Reply) -> Self {
        let own = tempfile::tempdir().unwrap();
        let mut server = Self::start_in(own.path(), name, setup, matching, generate).await;
        server.own = Some(own);
        server
    }

    pub(crate) async fn start_in(
        directory: &Path,
        name: &str,
        setup: Reply,
        matching: Reply,
        generate: Reply,
    ) -> Self {
        let socket = directory.join(format!("{name}.sock"));
        let listener = UnixListener::bind(&socket).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, replies) = (Arc::clone(&log), [setup.clone(), matching.clone(), generate.clone()]);
                tokio::spawn(async move {
                    let service =
                        service_fn(move |request| answer(request, Arc::clone(&log), replies.clone()));
                    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    drop(server.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Self { directory: directory.to_owned(), socket, seen, task, own: None }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    log: Arc<Mutex<Vec<Seen>>>,
    [setup, matching, generate]: [Reply; 3],
) -> Result<Response<Body>, std::io::Error> {
    let path = request.uri().path().to_owned();
    let timeout = request.headers().get("grpc-timeout").map(|value| value.to_str().unwrap().to_owned());
    let body = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
    let (mut messages, mut rest) = (Vec::new(), &body[..]);
    while let Some((head, tail)) = rest.split_at_checked(5) {
        let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        messages.push(tail[..length].to_vec());
        rest = &tail[length..];
    }
    log.lock().unwrap().push(Seen { path: path.clone(), messages, timeout });
    let reply = match path.rsplit('/').next().unwrap() {
        "CheckPluginConfiguration" => setup,
        "MatchRepository" => matching,
        _ => generate,
    };
    let mut trailers = HeaderMap::new();
    let response = Response::builder().header("content-type", "application/grpc");
    let frames: Vec<Result<Frame<Bytes>, std::io::Error>> = match reply {
        Reply::Raw(bytes) => {
            trailers.insert("grpc-status", "0".parse().unwrap());
            vec![Ok(Frame::data(bytes.into())), Ok(Frame::trailers(trailers))]
        }
        Reply::Status(code, message) => {
            trailers.insert("grpc-status", code.into());
            trailers.insert("grpc-message", message.parse().unwrap());
            vec![Ok(Frame::trailers(trailers))]
        }
        Reply::Http(status) => {
            return Ok(Response::builder()
                .status(status)
                .body(StreamBody::new(stream::empty()).boxed_unsync())
                .unwrap());
        }
        Reply::Half(bytes) => vec![Ok(Frame::data(bytes.into()))],
        Reply::HangUp => vec![Err(std::io::Error::other("hangs up"))],
        Reply::Never => std::future::pending::<Result<Vec<_>, Infallible>>().await.unwrap_or_default(),
    };
    Ok(response.body(StreamBody::new(stream::iter(frames)).boxed_unsync()).unwrap())
}
