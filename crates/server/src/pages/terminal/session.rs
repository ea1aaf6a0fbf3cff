//! A terminal that is open: what is typed and printed, between a browser and a container.
//!
//! **Shape**: text messages of JSON: `{"operation":"stdin","data":…}` and `{"operation":"resize","cols":…,"rows":…}` come in,
//! `{"operation":"stdout","data":…}` goes out, and `{"Code":1}` where the session is over, which has the peer's pages open another terminal.
//! **Source**: `server/application/websocket.go`. Beyond the peer: rights are asked for again as soon as the policy changes, and not only before
//! something is typed; whose session is over has their terminal closed; messages, silence and waiting are bounded; the next shell is tried only where
//! one could not begin.

use std::sync::Arc;
use std::time::Duration;

use applications::Site;
use bytes::Bytes;
use cluster::{Exec, ExecRequest, Happened, LiveObject};
use futures::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use rbac::Decision;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use crate::audit;
use crate::door::Caller;
use crate::server::Backend;

/// Bytes of one message of a browser's: a paste.
const MESSAGE: usize = 64 * 1024;
/// Between signs of life, as in the peer.
const PINGS: Duration = Duration::from_secs(5);
/// Who has given no sign of life for so long is away.
const AWAY: Duration = Duration::from_secs(30);
/// How long nothing may be typed or printed.
const IDLE: Duration = Duration::from_secs(60 * 60);
/// How often rights are asked for though no policy changed: the application may be in another project.
const RIGHTS: Duration = Duration::from_secs(5);
/// How long a browser may take to take what is printed.
const TAKING: Duration = Duration::from_secs(10);
/// How long a browser may take to go, and bytes that it may send meanwhile.
const PARTING: Duration = Duration::from_secs(2);
const REST: u64 = 1 << 20;
/// What people read whose session is over, in the peer's words.
const OVER: &str = "\nReconnect because the token was refreshed...\n";
/// Codes of programs that could not begin, as shells and container runtimes have them.
const NOT_BEGUN: [i32; 2] = [126, 127];

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What is opened.
pub(super) struct Terminal {
    pub(super) backend: Arc<Backend>,
    pub(super) caller: Caller,
    pub(super) decision: Decision,
    pub(super) app: Value,
    pub(super) site: Site,
    pub(super) pod: Arc<LiveObject>,
    pub(super) container: String,
    pub(super) shells: Vec<String>,
}

/// Why it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// The shell ended.
    Exit(i32),
    /// No shell began, or its end is not known.
    Failed(String),
    /// The browser went.
    Gone,
    /// The browser gave no sign of life, or takes nothing.
    Away,
    Idle,
    TooLarge,
    /// A message that is none.
    Malformed,
    /// The right is gone.
    Denied,
    /// The session is over.
    SessionOver,
}

impl End {
    /// What the browser is told, what people read before that, and what the log says.
    fn told(&self) -> (CloseCode, String, String) {
        let log = |text: &str| text.to_owned();
        match self {
            Self::Exit(code) => (CloseCode::Normal, String::new(), format!("the shell ended with {code}")),
            Self::Failed(why) => (CloseCode::Error, format!("\r\n{why}\r\n"), why.clone()),
            Self::Gone => (CloseCode::Normal, String::new(), log("the client went")),
            Self::Away => (CloseCode::Away, String::new(), log("the client gave no sign of life")),
            Self::Idle => {
                let text = format!("\r\nnothing was typed or printed for {} min\r\n", IDLE.as_secs() / 60);
                (CloseCode::Normal, text, log("idle"))
            }
            Self::TooLarge => (CloseCode::Size, String::new(), log("a message is too large")),
            Self::Malformed => (CloseCode::Protocol, String::new(), log("a message is none")),
            Self::Denied => (CloseCode::Policy, log("Permission denied"), log("the right was withdrawn")),
            Self::SessionOver => (CloseCode::Policy, log(OVER), log("the session is over")),
        }
    }
}

/// What a browser says.
enum Said {
    Typed(String),
    Resized { columns: u16, rows: u16 },
}

impl Said {
    fn of(text: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(text).ok()?;
        let side = |name: &str| u16::try_from(message.get(name)?.as_u64()?).ok();
        match message.get("operation")?.as_str()? {
            "stdin" => Some(Self::Typed(message.get("data")?.as_str()?.to_owned())),
            "resize" => Some(Self::Resized { columns: side("cols")?, rows: side("rows")? }),
            _ => None,
        }
    }
}

/// Text that is cut between characters: the rest of one waits for what comes.
#[derive(Debug, Default)]
struct Letters(Vec<u8>);

impl Letters {
    fn add(&mut self, bytes: &Bytes) -> String {
        self.0.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.0) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Ok(_) | Err(_) => self.0.len(),
        };
        let rest = self.0.split_off(whole);
        String::from_utf8_lossy(&std::mem::replace(&mut self.0, rest)).into_owned()
    }
}

/// What is known while it is open.
struct Talk {
    socket: Socket,
    letters: Letters,
    size: Option<(u16, u16)>,
    heard: Instant,
    busy: Instant,
    pings: Interval,
    rights: Interval,
}

impl Terminal {
    /// Speaks until either side ends.
    pub(super) async fn serve(self, on: OnUpgrade) {
        let Ok(upgraded) = on.await else { return };
        let mut limits = WebSocketConfig::default();
        (limits.max_message_size, limits.max_frame_size) = (Some(MESSAGE), Some(MESSAGE));
        let io = TokioIo::new(upgraded);
        let now = Instant::now();
        let every = |period| {
            let mut interval = interval_at(now + period, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        let mut talk = Talk {
            socket: WebSocketStream::from_raw_socket(io, Role::Server, Some(limits)).await,
            letters: Letters::default(),
            size: None,
            heard: now,
            busy: now,
            pings: every(PINGS),
            rights: every(RIGHTS),
        };
        self.log("opened a terminal");
        let end = self.shells(&mut talk).await;
        let (code, text, log) = end.told();
        if !text.is_empty() {
            drop(talk.print(&text).await);
        }
        if end == End::SessionOver {
            drop(talk.send(Message::text(json!({"Code": 1}).to_string())).await);
        }
        drop(tokio::time::timeout(PARTING, talk.part(code)).await);
        self.log(&format!("closed a terminal: {log}"));
    }

    fn log(&self, what: &str) {
        let pod = self.pod.key();
        let name = format!("{}/{}/{}", pod.namespace, pod.name, self.container);
        audit::done(&self.caller, what, ("container", &name), &self.decision);
    }

    /// Tries the shells one after the other.
    async fn shells(&self, talk: &mut Talk) -> End {
        let mut end = End::Failed(format!("{}: no shells are permitted", super::SHELLS));
        for shell in &self.shells {
            let request = ExecRequest { container: self.container.clone(), command: vec![shell.clone()] };
            let mut exec = match self.site.exec(&self.pod, &request).await {
                Ok(exec) => exec,
                Err(error) => return End::Failed(error.to_string()),
            };
            if let Some((columns, rows)) = talk.size {
                drop(exec.resize(columns, rows).await);
            }
            let mut typed = false;
            end = self.talk(talk, &mut exec, &mut typed).await;
            match &end {
                End::Exit(code) if NOT_BEGUN.contains(code) && !typed => {}
                End::Failed(_) if !typed => {}
                _ => break,
            }
        }
        end
    }

    /// Speaks until one side ends.
    async fn talk(&self, talk: &mut Talk, exec: &mut Exec, typed: &mut bool) -> End {
        let mut changes = self.backend.changed.subscribe();
        loop {
            let outcome = tokio::select! {
                message = talk.socket.next(), if !exec.holds() => talk.hear(message, exec, typed).await,
                happened = exec.next() => match happened {
                    Ok(Happened::Printed(bytes)) => {
                        talk.busy = Instant::now();
                        let text = talk.letters.add(&bytes);
                        talk.print(&text).await
                    }
                    Ok(Happened::Ended(code)) => Err(End::Exit(code)),
                    Ok(Happened::Failed(why)) => Err(End::Failed(why)),
                    Err(error) => Err(End::Failed(error.to_string())),
                },
                _ = talk.pings.tick() => talk.ping().await,
                _ = talk.rights.tick() => self.ask_again().await,
                _ = changes.changed() => self.ask_again().await,
                () = sleep_until(talk.busy + IDLE) => Err(End::Idle),
            };
            if let Err(end) = outcome {
                return end;
            }
        }
    }

    async fn ask_again(&self) -> Result<(), End> {
        match super::ask_again(&self.backend, &self.caller, &self.app).await {
            None => Err(End::SessionOver),
            Some(Err(_)) => Err(End::Denied),
            Some(Ok(())) => Ok(()),
        }
    }
}

impl Talk {
    async fn hear(
        &mut self,
        message: Option<Result<Message, SocketError>>,
        exec: &mut Exec,
        typed: &mut bool,
    ) -> Result<(), End> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                self.heard = Instant::now();
                return Ok(());
            }
            Some(Ok(Message::Binary(_))) => return Err(End::Malformed),
            Some(Err(SocketError::Capacity(_))) => return Err(End::TooLarge),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
        };
        self.heard = Instant::now();
        let taken = match Said::of(&text).ok_or(End::Malformed)? {
            Said::Typed(text) => {
                self.busy = self.heard;
                *typed = true;
                exec.type_in(text.as_bytes()).await
            }
            Said::Resized { columns, rows } => {
                self.size = Some((columns, rows));
                exec.resize(columns, rows).await
            }
        };
        taken.map_err(|error| End::Failed(error.to_string()))
    }

    async fn print(&mut self, text: &str) -> Result<(), End> {
        let message = json!({"operation": "stdout", "data": text, "rows": 0, "cols": 0});
        self.send(Message::text(message.to_string())).await
    }

    async fn ping(&mut self) -> Result<(), End> {
        if self.heard.elapsed() > AWAY {
            return Err(End::Away);
        }
        self.send(Message::Ping(Bytes::from_static(b"ping"))).await
    }

    /// Says why it ends, and reads the rest: a connection that is closed while there is something to be read is torn, and what was said last is lost.
    async fn part(&mut self, code: CloseCode) {
        let frame = CloseFrame { code, reason: "".into() };
        if self.socket.close(Some(frame)).await.is_ok() {
            let mut rest = self.socket.get_mut().take(REST);
            drop(tokio::io::copy(&mut rest, &mut tokio::io::sink()).await);
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(TAKING, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Away),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_not_cut() {
        let mut letters = Letters::default();
        for (bytes, expected) in [
            (&b"a\xc3"[..], "a"),
            (b"\xa4b\xf0\x9f", "äb"),
            (b"\x98", ""),
            (b"\x80\xff", "😀\u{fffd}"),
            (b"c", "c"),
        ] {
            assert_eq!(letters.add(&Bytes::copy_from_slice(bytes)), expected, "{bytes:?}");
        }
    }

    #[test]
    fn messages_are_read() {
        for (text, expected) in [
            (r#"{"operation":"stdin","data":"ls\r","rows":1,"cols":2}"#, Some("ls\r")),
            (r#"{"operation":"resize","rows":24,"cols":80}"#, Some("80x24")),
            (r#"{"operation":"resize","rows":70000,"cols":80}"#, None),
            (r#"{"operation":"stdin"}"#, None),
            (r#"{"operation":"stdout","data":"x"}"#, None),
            ("ls", None),
        ] {
            let said = Said::of(text).map(|said| match said {
                Said::Typed(text) => text,
                Said::Resized { columns, rows } => format!("{columns}x{rows}"),
            });
            assert_eq!(said.as_deref(), expected, "{text}");
        }
    }
}
