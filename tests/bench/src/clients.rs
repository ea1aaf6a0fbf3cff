//! Clients of streams of events, in a process of their own.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::controller::lines_of;

/// Label that says when a change was made, in milliseconds.
pub(crate) const MARK: &str = "bench.at";
/// Longest delay that is told apart, in milliseconds.
const LONGEST: usize = 60_000;
/// Of so many clients one does not read.
const SLEEPERS: usize = 10;
/// Clients that connect at the same time.
const AT_ONCE: usize = 200;
/// How long a client may take to be told the first event.
const PATIENCE: Duration = Duration::from_secs(120);

/// Flags of the hidden subcommand that is the clients.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    address: String,
    #[arg(long)]
    path: String,
    #[arg(long)]
    streams: usize,
}

/// What clients saw.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) changes: u64,
    pub(crate) bytes: u64,
    pub(crate) median_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Counts of what came, by how long it took.
struct Tally {
    delays: Vec<AtomicU64>,
    bytes: AtomicU64,
}

impl Tally {
    /// Takes the marks of a text that came, and says where the last whole one ends.
    fn take(&self, text: &[u8]) -> usize {
        let text = std::str::from_utf8(text).unwrap_or_else(|error| {
            text.get(..error.valid_up_to())
                .and_then(|valid| std::str::from_utf8(valid).ok())
                .unwrap_or_default()
        });
        let (now, mark) = (now_ms(), format!("\"{MARK}\":\""));
        let mut end = text.len().saturating_sub(mark.len() + 20);
        for (at, _) in text.match_indices(&mark) {
            let value = text.get(at + mark.len()..).unwrap_or_default();
            let Some((value, _)) = value.split_once('"') else {
                end = end.min(at);
                break;
            };
            end = end.max(at + mark.len() + value.len());
            let Some(made) = value.parse::<u64>().ok().filter(|made| *made > 0) else { continue };
            let delay = now.saturating_sub(made);
            let place = usize::try_from(delay).unwrap_or(LONGEST).min(LONGEST);
            if let Some(count) = self.delays.get(place) {
                count.fetch_add(1, Relaxed);
            }
        }
        end
    }

    fn seen(&self) -> Seen {
        let counts: Vec<u64> = self.delays.iter().map(|count| count.load(Relaxed)).collect();
        let changes: u64 = counts.iter().sum();
        let part = |percent: u64| {
            let mut rest = changes * percent / 100;
            let at = counts.iter().position(|count| {
                let found = *count > rest;
                rest = rest.saturating_sub(*count);
                found
            });
            at.unwrap_or_default() as f64
        };
        Seen { changes, bytes: self.bytes.load(Relaxed), median_ms: part(50), p99_ms: part(99) }
    }
}

/// Reads a token from standard input, connects, says `ready`, reads until standard input ends, and prints what was seen. One client of ten does not read.
#[expect(clippy::print_stdout, reason = "the bench reads it")]
pub(crate) async fn run(arguments: &Arguments) -> Result<()> {
    let mut token = String::new();
    std::io::stdin().read_line(&mut token)?;
    let delays = (0..=LONGEST).map(|_| AtomicU64::new(0)).collect();
    let tally = Arc::new(Tally { delays, bytes: AtomicU64::new(0) });
    let connects = (0..arguments.streams).map(|n| {
        let connect = connect(&arguments.address, &arguments.path, token.trim());
        async move { connect.await.with_context(|| format!("client {n}")) }
    });
    let connected: Vec<_> = futures::stream::iter(connects).buffer_unordered(AT_ONCE).try_collect().await?;
    let mut sleepers = Vec::new();
    for (n, stream) in connected.into_iter().enumerate() {
        if n % SLEEPERS == 0 {
            sleepers.push(stream);
        } else {
            tokio::spawn(read(stream, Arc::clone(&tally)));
        }
    }
    println!("ready");
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().lines().map_while(Result::ok).count());
    drop(ended.await);
    println!("{}", serde_json::to_string(&tally.seen())?);
    // Reading standard input keeps a thread; nothing else is to be waited for.
    Ok(())
}

/// Opens a stream and waits for its first event.
async fn connect(address: &str, path: &str, token: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let first = async {
        while !answer.windows(2).any(|two| two == b"{\"") {
            ensure!(
                stream.read_buf(&mut answer).await? > 0,
                "the server hangs up: {}",
                String::from_utf8_lossy(&answer)
            );
        }
        let said = String::from_utf8_lossy(&answer);
        ensure!(said.starts_with("HTTP/1.1 200"), "the server says {said}");
        Ok(())
    };
    tokio::time::timeout(PATIENCE, first).await??;
    Ok(stream)
}

async fn read(mut stream: TcpStream, tally: Arc<Tally>) {
    let mut text = Vec::with_capacity(64 << 10);
    while let Ok(count) = stream.read_buf(&mut text).await {
        if count == 0 {
            return;
        }
        tally.bytes.fetch_add(count as u64, Relaxed);
        let end = tally.take(&text);
        text.drain(..end);
    }
}

/// The process of the clients, seen from the bench. Dropping it kills it.
pub(crate) struct Clients {
    child: Child,
    lines: Receiver<String>,
}

impl Clients {
    /// Starts this very program again, as the clients.
    pub(crate) fn start(address: &str, path: &str, token: &str, streams: usize) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["clients", "--address", address, "--path", path, "--streams", &streams.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("the clients")?;
        let stdout = child.stdout.take().context("the clients have no output")?;
        let mut clients = Self { child, lines: lines_of(stdout) };
        writeln!(clients.child.stdin.as_mut().context("the clients have no input")?, "{token}")?;
        Ok(clients)
    }

    /// Whether all are connected and were told something.
    pub(crate) fn ready(&self) -> Result<bool> {
        match self.lines.try_recv() {
            Ok(line) if line == "ready" => Ok(true),
            Ok(line) => bail!("the clients say {line}"),
            Err(TryRecvError::Empty) => Ok(false),
            Err(TryRecvError::Disconnected) => bail!("the clients ended"),
        }
    }

    /// Ends them, and says what they saw.
    pub(crate) fn end(mut self) -> Result<Seen> {
        drop(self.child.stdin.take());
        let line = self.lines.recv_timeout(PATIENCE).context("the clients do not say what they saw")?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The time of the clock, in milliseconds.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_counted_once_however_they_are_cut() {
        let whole =
            format!("data: {{\"{MARK}\":\"1\"}},{{\"{MARK}\":\"2\"}}, and much more text behind them");
        for size in 1..whole.len() {
            let delays = (0..=LONGEST).map(|_| AtomicU64::new(0)).collect();
            let tally = Tally { delays, bytes: AtomicU64::new(0) };
            let mut text = Vec::new();
            for part in whole.as_bytes().chunks(size) {
                text.extend_from_slice(part);
                let end = tally.take(&text);
                text.drain(..end);
            }
            assert_eq!(tally.seen().changes, 2, "{size}");
        }
    }
}
