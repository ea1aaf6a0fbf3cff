//! Clients that take their time (A123 of the abuse cases).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use remote::{Options, Remote, Secret};
use serde_json::json;
use server::{Bounds, Calls, Reply};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::raw::{self, END_HEADERS, END_STREAM, HEADERS, PING, frame};
use crate::{FILES, WATCH, calls, open_within};

const SECOND: Duration = Duration::from_secs(1);
/// Fewer places than there are slow clients.
const BOUNDS: Bounds = Bounds { connections: 20, haste: SECOND, body: SECOND, idle: SECOND };

#[tokio::test]
async fn whoever_takes_too_long_makes_room_for_others() {
    let port = open_within(BOUNDS, None, calls()).await;
    let post = "POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let get = "GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n";
    let begun = raw::begin(&[]);
    let length = [("content-type", "application/json"), ("content-length", "9")];
    let ask = raw::head("POST", "/api/v1/session", &length);
    let grpc = [("content-type", "application/grpc"), ("te", "trailers")];
    let grpc = raw::head("POST", "/session.SessionService/Create", &grpc);
    let nothing = raw::head("GET", "/nothing", &[]);
    let kinds: [(&str, Vec<u8>, &str); 13] = [
        ("nothing", vec![], ""),
        ("a letter of what HTTP/2 begins with", b"P".to_vec(), ""),
        ("half of what HTTP/2 begins with", raw::PREFACE[..20].to_vec(), ""),
        ("half a line", b"GET /api".to_vec(), ""),
        ("half a head", b"GET / HTTP/1.1\r\nhost: x\r\n".to_vec(), ""),
        ("half a body", format!("{post}content-length: 9\r\n\r\n{{").into(), "HTTP/1.1 408 "),
        ("half a chunk", format!("{post}transfer-encoding: chunked\r\n\r\n9\r\n{{").into(), "HTTP/1.1 408 "),
        ("nothing behind an answer", get.into(), "HTTP/1.1 404 "),
        ("the beginning of HTTP/2", begun.clone(), ""),
        ("half a head of HTTP/2", [&begun[..], &frame(HEADERS, END_STREAM, 1, &ask)].concat(), ""),
        (
            "half a body of HTTP/2",
            [&begun[..], &frame(HEADERS, END_HEADERS, 1, &ask)].concat(),
            "did not come in time",
        ),
        (
            "half a message of gRPC",
            [&begun[..], &frame(HEADERS, END_HEADERS, 1, &grpc), &frame(0, 0, 1, &[0; 3])].concat(),
            "",
        ),
        (
            "nothing behind an answer of HTTP/2",
            [&begun[..], &frame(HEADERS, END_HEADERS | END_STREAM, 1, &nothing), &frame(PING, 0, 0, &[0; 8])]
                .concat(),
            "Not Found",
        ),
    ];
    let address = port.address;
    let sockets = kinds.iter().cycle().take(5 * kinds.len()).map(|(what, sent, expected)| async move {
        let mut stream = raw::connect(address).await;
        stream.write_all(sent).await.unwrap();
        let heard = raw::heard(&mut stream).await.unwrap_or_else(|| panic!("{what} holds its place"));
        assert!(heard.contains(expected), "{what}: {heard}");
    });
    let others = async {
        let answer = reqwest::get(format!("http://{address}/api/v1/session/userinfo")).await.unwrap();
        assert_eq!(answer.status(), 401);
    };
    tokio::join!(join_all(sockets), others);
    // Nor does anybody keep the server from its end.
    let held = join_all((0..2 * BOUNDS.connections).map(|_| raw::connect(address))).await;
    tokio::time::timeout(raw::PATIENCE, port.shutdown()).await.unwrap();
    drop(held);
}

#[tokio::test]
async fn a_body_that_goes_on_is_read_to_its_end() {
    let port = open_within(Bounds { body: 3 * SECOND, ..BOUNDS }, None, calls()).await;
    let options = Options {
        plaintext: true,
        token: Some(Secret::new("good")),
        ..Options::new(port.address.to_string(), "argocd-client/v3.2.11")
    };
    let friend = Remote::connect(options).await.unwrap();
    let chunk = json!({"chunk": {"chunk": "A".repeat(40_000)}});
    let first = json!({"query": {"name": "a", "checksum": ""}});
    let again = chunk.clone();
    let rest = futures::stream::iter(0..5).then(move |_| {
        let chunk = chunk.clone();
        // All together longer than a body may take of which nothing comes.
        async move {
            tokio::time::sleep(SECOND).await;
            chunk
        }
    });
    let answer = friend.send(FILES, futures::stream::iter([first, again]).chain(rest)).await.unwrap();
    assert_eq!(answer["manifests"].as_array().map(Vec::len), Some(6));
}

/// Counts itself while it is there.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn what_nobody_takes_is_neither_made_nor_kept() {
    let (open, made) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (opened, making) = (Arc::clone(&open), Arc::clone(&made));
    let mut calls = Calls::new();
    let large = "x".repeat(64 * 1024);
    let endless = move |_| {
        let (counted, making, large) = (Counted::new(&opened), Arc::clone(&making), large.clone());
        let answers = futures::stream::repeat_with(move || {
            let _ = &counted;
            making.fetch_add(1, Ordering::SeqCst);
            Ok(Reply::from(json!({ "type": large })))
        });
        std::future::ready(Ok(answers.boxed()))
    };
    calls.many(WATCH, endless).unwrap();
    let port = open_within(BOUNDS, None, calls).await;
    let watch = "/api/v1/stream/applications";
    let no_window = raw::begin(&[(4, 0)]);
    let rest = raw::head("GET", watch, &[("token", "good")]);
    let grpc = [("token", "good"), ("content-type", "application/grpc"), ("te", "trailers")];
    let grpc = raw::head("POST", &format!("/{WATCH}"), &grpc);
    let web = format!(
        "POST /{WATCH} HTTP/1.1\r\nhost: x\r\ntoken: good\r\ncontent-type: application/grpc-web+proto\r\ncontent-length: 5\r\n\r\n\0\0\0\0\0"
    );
    for (what, sent) in [
        ("HTTP/1.1", format!("GET {watch} HTTP/1.1\r\nhost: x\r\ntoken: good\r\n\r\n").into_bytes()),
        ("gRPC-Web", web.into_bytes()),
        ("HTTP/2", [&no_window[..], &frame(HEADERS, END_HEADERS | END_STREAM, 1, &rest)].concat()),
        (
            "gRPC",
            [&no_window[..], &frame(HEADERS, END_HEADERS, 1, &grpc), &frame(0, END_STREAM, 1, &[0; 5])]
                .concat(),
        ),
    ] {
        made.store(0, Ordering::SeqCst);
        let mut stream: TcpStream = raw::connect(port.address).await;
        stream.write_all(&sent).await.unwrap();
        until(what, || made.load(Ordering::SeqCst) > 0).await;
        until(what, || open.load(Ordering::SeqCst) == 0).await;
        // What the system keeps of a connection (some MiB) is not ours to bound.
        let made = made.load(Ordering::SeqCst);
        assert!(made < 500, "{what}: {made} answers of 64 KiB were made");
    }
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(raw::PATIENCE, wait).await.is_ok(), "{what}");
}
