//! Programs that are run in containers.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use http::{Request, header};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use crate::cluster::Cluster;
use crate::counters::Verb;
use crate::error::ClusterError;
use crate::http::{Failure, is_segment, malformed, query_value, segment};
use crate::write::impersonated;

/// What frames mean, in the order in which we would have it.
const PROTOCOLS: &str = "v5.channel.k8s.io, v4.channel.k8s.io";
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
/// Bytes of one message of the server's.
const MESSAGE: usize = 1 << 20;
/// How long the server may take to take what is typed.
const TAKING: Duration = Duration::from_secs(10);
/// Bytes of what is printed that are kept while the server takes what is typed: a program that prints what it reads reads no more otherwise.
const HELD: usize = 1 << 20;

/// Which program is to be run. It has a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecRequest {
    /// The container.
    pub container: String,
    /// The program with its arguments.
    pub command: Vec<String>,
}

/// What a program did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// It printed this.
    Printed(Bytes),
    /// It ended with this code.
    Ended(i32),
    /// It did not begin, or its end is not known; in the server's words.
    Failed(String),
}

/// A program at work in a container. Dropping it ends the connection, and with its terminal the program.
#[derive(Debug)]
pub struct Exec {
    socket: WebSocketStream<TokioIo<Upgraded>>,
    /// What came while something was typed.
    held: VecDeque<Came>,
    what: String,
}

/// What a socket says; `None` at its end.
type Came = Option<Result<Message, SocketError>>;

impl Cluster {
    /// Runs a program in a container, with a terminal.
    ///
    /// **Errors.** As a read's; the server's own words where the pod or container is not there.
    /// **Source**: kubectl's `remotecommand`, over a WebSocket as since 1.31. The hash of the handshake's key is not asked for: it is against caches
    /// between us, and what answers is the API server by its certificate, which names the protocol.
    pub async fn exec(
        &self,
        namespace: &str,
        pod: &str,
        request: &ExecRequest,
    ) -> Result<Exec, ClusterError> {
        let what = format!("a program in pod {namespace}/{pod}");
        let failed = |failure: Failure| failure.into_cluster(Verb::Get, &what);
        if !is_segment(namespace) || !is_segment(pod) {
            return Err(failed(malformed(format!("{pod:?} is no name of a pod"))));
        }
        let words: String =
            request.command.iter().map(|word| format!("&command={}", query_value(word))).collect();
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}/exec?container={}&stdin=true&stdout=true&tty=true{words}",
            segment(namespace),
            segment(pod),
            query_value(&request.container),
        );
        let request = Request::get(path)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, key())
            .header(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOLS)
            .body(Vec::new())
            .map_err(malformed);
        let request =
            request.and_then(|request| impersonated(request, self.user.as_deref())).map_err(failed)?;
        let upgraded = self.api().switch(Verb::Get, request).await.map_err(failed)?;
        let mut limits = WebSocketConfig::default();
        (limits.max_message_size, limits.max_frame_size) = (Some(MESSAGE), Some(MESSAGE));
        let io = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(io, Role::Client, Some(limits)).await;
        Ok(Exec { socket, held: VecDeque::new(), what })
    }
}

/// A key for a handshake: what nobody has to guess, and what is another one each time.
fn key() -> String {
    let part = |n: u8| RandomState::new().hash_one(n).to_be_bytes();
    BASE64_STANDARD.encode([part(0), part(1)].concat())
}

impl Exec {
    /// What happens next. Whoever drops the future has missed nothing.
    pub async fn next(&mut self) -> Result<Happened, ClusterError> {
        loop {
            let came = match self.held.pop_front() {
                Some(came) => came,
                None => self.socket.next().await,
            };
            let data = match came {
                Some(Ok(Message::Binary(data))) => data,
                Some(Ok(Message::Text(text))) => Bytes::from(text),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_))) | None => {
                    return Ok(Happened::Failed("the connection to the container ended".to_owned()));
                }
                Some(Err(error)) => return Err(self.broken(&error)),
            };
            match data.first() {
                Some(&(STDOUT | STDERR)) if data.len() > 1 => return Ok(Happened::Printed(data.slice(1..))),
                Some(&STATUS) => return Ok(end(&data.slice(1..))),
                _ => {}
            }
        }
    }

    /// Whether something that happened was kept while something was typed. Nothing more is to be typed before that was asked for.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Types this.
    pub async fn type_in(&mut self, typed: &[u8]) -> Result<(), ClusterError> {
        self.send(STDIN, typed).await
    }

    /// Says how large the terminal is.
    pub async fn resize(&mut self, columns: u16, rows: u16) -> Result<(), ClusterError> {
        self.send(RESIZE, json!({"Width": columns, "Height": rows}).to_string().as_bytes()).await
    }

    async fn send(&mut self, channel: u8, data: &[u8]) -> Result<(), ClusterError> {
        let message = Message::Binary([&[channel], data].concat().into());
        match tokio::time::timeout(TAKING, self.sent(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.broken(&error)),
            Err(_) => Err(self.lost(format!("nothing was taken within {TAKING:?}"))),
        }
    }

    /// Sends a message, and keeps what comes meanwhile.
    async fn sent(&mut self, message: Message) -> Result<(), SocketError> {
        let (mut sink, mut stream) = (&mut self.socket).split();
        let mut sent = std::pin::pin!(sink.send(message));
        let mut bytes: usize = self.held.iter().flatten().flatten().map(Message::len).sum();
        loop {
            tokio::select! {
                biased;
                sent = &mut sent => return sent,
                came = stream.next(), if bytes < HELD => {
                    // Behind the end comes nothing.
                    bytes = came.as_ref().and_then(|came| came.as_ref().ok()).map_or(HELD, |came| bytes + came.len());
                    self.held.push_back(came);
                }
            }
        }
    }

    fn broken(&self, error: &SocketError) -> ClusterError {
        self.lost(error.to_string())
    }

    fn lost(&self, message: String) -> ClusterError {
        ClusterError::Transient { what: self.what.clone(), message, retry_after: None }
    }
}

/// How a program ended, by the `metav1.Status` that says so.
fn end(status: &[u8]) -> Happened {
    let status: Value = serde_json::from_slice(status).unwrap_or_default();
    let text = |pointer: &str| status.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if text("/status") == "Success" {
        return Happened::Ended(0);
    }
    let causes = status.pointer("/details/causes").and_then(Value::as_array).into_iter().flatten();
    let mut codes = causes.filter(|cause| cause["reason"] == "ExitCode");
    let code = codes.next().and_then(|cause| cause["message"].as_str()?.parse().ok());
    match code {
        Some(code) if text("/reason") == "NonZeroExitCode" => Happened::Ended(code),
        _ => Happened::Failed(text("/message").to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_read() {
        let code = |code: &str| {
            json!({"status": "Failure", "reason": "NonZeroExitCode",
                   "details": {"causes": [{"reason": "ExitCode", "message": code}]}, "message": "m"})
        };
        for (status, expected) in [
            (json!({"status": "Success"}), Happened::Ended(0)),
            (code("3"), Happened::Ended(3)),
            (code("x"), Happened::Failed("m".to_owned())),
            (
                json!({"status": "Failure", "reason": "InternalError", "message": "m"}),
                Happened::Failed("m".to_owned()),
            ),
            (json!("text"), Happened::Failed(String::new())),
        ] {
            assert_eq!(end(status.to_string().as_bytes()), expected, "{status}");
        }
    }

    #[test]
    fn keys_are_of_their_length_and_differ() {
        assert_eq!(key().len(), 24);
        assert_ne!(key(), key());
    }
}
