//! Bytes by hand: HTTP/1.1 and frames of HTTP/2.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than anything takes that is bounded.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const ACK: u8 = 1;

/// A frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Fields as they are, without tables.
pub(crate) fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// The head of a request.
pub(crate) fn head(verb: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let usual = [(":method", verb), (":path", path), (":scheme", "http"), (":authority", "localhost")];
    fields(&[&usual, more].concat())
}

/// A connection over HTTP/2 that has begun, with these settings.
pub(crate) fn begin(settings: &[(u16, u32)]) -> Vec<u8> {
    let payload =
        settings.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
    [PREFACE, &frame(SETTINGS, 0, 0, &payload.collect::<Vec<_>>())].concat()
}

pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// What the server says until it closes, or `None` where it does not.
pub(crate) async fn heard(stream: &mut TcpStream) -> Option<String> {
    let mut all = Vec::new();
    let read = async {
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            all.extend_from_slice(&piece[..count]);
        }
    };
    timeout(PATIENCE, read).await.ok()?;
    Some(String::from_utf8_lossy(&all).into_owned())
}

/// The statuses of all answers over HTTP/1.1 to what is sent, until the server closes.
pub(crate) async fn statuses(address: SocketAddr, sent: &[u8]) -> Vec<u16> {
    let mut stream = connect(address).await;
    // Who is refused early may be cut off before all is sent.
    drop(stream.write_all(sent).await);
    let heard = heard(&mut stream).await.expect("the server closes");
    heard.split("HTTP/1.1 ").skip(1).map(|answer| answer.get(..3).unwrap().parse().unwrap()).collect()
}

/// Whether somebody else is answered fast, and the whole time: twenty in a row within a second each.
pub(crate) async fn others_are_served(address: SocketAddr) {
    let mut slowest = Duration::ZERO;
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        slowest = Duration::ZERO;
        for _ in 0..20 {
            let begun = Instant::now();
            let client = reqwest::Client::new();
            let answer = client.get(format!("http://{address}/api/v1/session/userinfo")).send();
            let status = timeout(PATIENCE, answer).await.expect("others are answered").unwrap().status();
            assert_eq!(status, 401);
            slowest = slowest.max(begun.elapsed());
        }
        if slowest < Duration::from_secs(1) {
            return;
        }
    }
    assert!(slowest < Duration::from_secs(1), "others waited {slowest:?}");
}
