//! Credentials of a repository for programs that fetch by git: asked for on a socket, by a word that is good for one call.
//!
//! **Source**: the peer's `util/askpass`: git runs `argocd` in the sidecar as its askpass program, and that asks
//! `askpass.AskPassService/GetCredentials` on the socket that the environment names. So no credential is in an environment that a
//! manifest could show.
//!
//! The socket has a name instead of a file (Linux' abstract sockets), which all containers of a pod see: the peer's client says the
//! socket's address as HTTP's authority, and a path is none for servers that look at it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::stream;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use net::Secret;
use prost::Message;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// How its name begins.
const SOCKET: &str = "capstan-ask-pass";
/// The one call.
const PATH: &str = "/askpass.AskPassService/GetCredentials";
/// Bytes of a question.
const MAX_QUESTION_BYTES: usize = 4 << 10;
/// Connections at a time.
const MAX_CONNECTIONS: usize = 256;
/// How long one may last.
const CONNECTION: Duration = Duration::from_secs(120);
/// Bytes of a word.
const WORD_BYTES: usize = 16;

/// A user and a password, for a repository over http.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GitCredentials {
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// Listens, and knows what is lent out.
#[derive(Debug)]
pub(crate) struct AskPass {
    /// The socket's name, as programs are told it.
    socket: String,
    lent: Lent,
    task: JoinHandle<()>,
}

type Lent = Arc<Mutex<HashMap<String, GitCredentials>>>;

fn all(lent: &Lent) -> MutexGuard<'_, HashMap<String, GitCredentials>> {
    lent.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for AskPass {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Credentials that are lent out for as long as this is there.
#[derive(Debug)]
pub(crate) struct Loan {
    lent: Lent,
    word: String,
    socket: String,
}

impl Drop for Loan {
    fn drop(&mut self) {
        all(&self.lent).remove(&self.word);
    }
}

impl Loan {
    /// What the plugin's programs are to be told.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        [
            ("GIT_ASKPASS", "argocd".to_owned()),
            ("ARGOCD_GIT_ASKPASS_NONCE", self.word.clone()),
            ("GIT_TERMINAL_PROMPT", "0".to_owned()),
            ("ARGOCD_BINARY_NAME", "argocd-git-ask-pass".to_owned()),
            ("ARGOCD_ASK_PASS_SOCK", self.socket.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

impl AskPass {
    /// Listens under a name that nobody else has.
    ///
    /// **Errors**: the system has no such sockets.
    pub(crate) fn start() -> io::Result<Self> {
        let name = format!("{SOCKET}-{}", word()?);
        let listener = bind(&name)?;
        let lent = Lent::default();
        let task = tokio::spawn(listen(listener, Arc::clone(&lent)));
        Ok(Self { socket: format!("@{name}"), lent, task })
    }

    /// Lends credentials. **Errors**: there is no randomness.
    pub(crate) fn lend(&self, credentials: GitCredentials) -> io::Result<Loan> {
        let word = word()?;
        all(&self.lent).insert(word.clone(), credentials);
        Ok(Loan { lent: Arc::clone(&self.lent), word, socket: self.socket.clone() })
    }
}

/// What nobody guesses.
fn word() -> io::Result<String> {
    let mut random = [0; WORD_BYTES];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| io::Error::other("no randomness"))?;
    Ok(random.iter().fold(String::new(), |mut word, byte| {
        write!(word, "{byte:02x}").expect("a string takes every text");
        word
    }))
}

#[cfg(target_os = "linux")]
fn bind(name: &str) -> io::Result<UnixListener> {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixListener as Listener};
    let listener = Listener::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

#[cfg(not(target_os = "linux"))]
fn bind(_: &str) -> io::Result<UnixListener> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "credentials are lent on Linux only"))
}

async fn listen(listener: UnixListener, lent: Lent) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, perhaps: not at once again.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let lent = Arc::clone(&lent);
        tokio::spawn(async move {
            drop(tokio::time::timeout(CONNECTION, serve(stream, lent)).await);
            drop(place);
        });
    }
}

async fn serve(stream: UnixStream, lent: Lent) {
    let service = service_fn(move |request| {
        let lent = Arc::clone(&lent);
        async move { Ok::<_, Infallible>(answer(request, &lent).await) }
    });
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    if let Err(error) = connection.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(error = %error, "a question for credentials ended early");
    }
}

type Body = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

/// Statuses of gRPC.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    InvalidArgument = 3,
    NotFound = 5,
    Unimplemented = 12,
}

async fn answer(request: Request<Incoming>, lent: &Lent) -> Response<Body> {
    let found = if request.uri().path() == PATH {
        match Limited::new(request.into_body(), MAX_QUESTION_BYTES).collect().await {
            Ok(body) => credentials(&body.to_bytes(), lent),
            Err(_) => Err(Refusal::InvalidArgument),
        }
    } else {
        Err(Refusal::Unimplemented)
    };
    let mut trailers = HeaderMap::new();
    let status = found.as_ref().err().map_or(0, |refusal| *refusal as u16);
    trailers.insert("grpc-status", HeaderValue::from(status));
    let message = found.ok().map(|answer| Ok(Frame::data(framed(&answer))));
    let frames: Vec<_> = message.into_iter().chain([Ok(Frame::trailers(trailers))]).collect();
    let mut response = Response::new(StreamBody::new(stream::iter(frames)));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

fn credentials(body: &[u8], lent: &Lent) -> Result<Answer, Refusal> {
    // One message: whether it is compressed, its length, itself.
    let message = match body.split_first_chunk::<5>() {
        Some(([0, length @ ..], message)) if u32::from_be_bytes(*length) as usize == message.len() => message,
        _ => return Err(Refusal::InvalidArgument),
    };
    let question = Question::decode(message).map_err(|_| Refusal::InvalidArgument)?;
    let known = all(lent).get(&question.word).cloned().ok_or(Refusal::NotFound)?;
    Ok(Answer { username: known.username, password: known.password.expose().to_owned() })
}

fn framed(answer: &Answer) -> Bytes {
    let message = answer.encode_to_vec();
    let mut bytes = BytesMut::with_capacity(message.len() + 5);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    bytes.extend_from_slice(&message);
    bytes.freeze()
}

#[derive(Clone, PartialEq, prost::Message)]
struct Question {
    #[prost(string, tag = "1")]
    word: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Answer {
    #[prost(string, tag = "1")]
    username: String,
    #[prost(string, tag = "2")]
    password: String,
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use http::uri::PathAndQuery;
    use tonic::Code;
    use tonic::client::Grpc;
    use tonic::transport::Endpoint;
    use tonic_prost::ProstCodec;

    use super::*;

    async fn ask(socket: &str, path: &'static str, word: &str) -> Result<Answer, Code> {
        use std::os::linux::net::SocketAddrExt as _;
        let name = socket.strip_prefix('@').unwrap();
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
        let connector = tower::service_fn(move |_| {
            let stream = std::os::unix::net::UnixStream::connect_addr(&address).unwrap();
            stream.set_nonblocking(true).unwrap();
            std::future::ready(UnixStream::from_std(stream).map(TokioIo::new))
        });
        let channel = Endpoint::from_static("http://x").connect_with_connector(connector).await.unwrap();
        let mut grpc = Grpc::new(channel);
        grpc.ready().await.unwrap();
        let question = tonic::Request::new(Question { word: word.to_owned() });
        let codec = ProstCodec::<Question, Answer>::default();
        let answer = grpc.unary(question, PathAndQuery::from_static(path), codec).await;
        answer.map(tonic::Response::into_inner).map_err(|status| status.code())
    }

    #[tokio::test]
    async fn a_word_is_good_for_as_long_as_the_loan() {
        let (ask_pass, another) = (AskPass::start().unwrap(), AskPass::start().unwrap());
        let socket = ask_pass.socket.clone();
        let credentials =
            |name: &str| GitCredentials { username: name.to_owned(), password: Secret::new("hush") };
        let (first, second) =
            (ask_pass.lend(credentials("a")).unwrap(), ask_pass.lend(credentials("b")).unwrap());
        for (loan, name) in [(&first, "a"), (&second, "b")] {
            let answer = Answer { username: name.to_owned(), password: "hush".to_owned() };
            assert_eq!(ask(&socket, PATH, &loan.word).await, Ok(answer));
            assert_eq!(ask(&another.socket, PATH, &loan.word).await, Err(Code::NotFound));
            assert_eq!(loan.environment()[1], ("ARGOCD_GIT_ASKPASS_NONCE".to_owned(), loan.word.clone()));
            assert!(!format!("{loan:?}{:?}", loan.environment()).contains("hush"));
        }
        let word = first.word.clone();
        drop(first);
        for (path, word, code) in [
            (PATH, word.as_str(), Code::NotFound),
            (PATH, "", Code::NotFound),
            (PATH, &"x".repeat(MAX_QUESTION_BYTES), Code::InvalidArgument),
            ("/askpass.AskPassService/Other", &second.word, Code::Unimplemented),
        ] {
            assert_eq!(ask(&socket, path, word).await, Err(code), "{path} {}", word.len());
        }
    }
}
