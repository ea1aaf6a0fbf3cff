//! Heads that servers may read differently, or that are too large (A123 of the abuse cases).

use bytes::Bytes;
use server::Bounds;

use crate::{calls, open_within, raw};

/// Bounds under which a connection that has nothing to say is over soon.
fn brief() -> Bounds {
    Bounds { haste: std::time::Duration::from_secs(1), ..Bounds::default() }
}

const POST: &str = "POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
/// What hides behind a request.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn nothing_is_smuggled_behind_a_request() {
    let port = open_within(brief(), None, calls()).await;
    for (what, rest, expected) in [
        ("nothing wrong", "content-length: 2\r\n\r\n{}", &[401, 404][..]),
        ("one length twice", "content-length: 2\r\ncontent-length: 2\r\n\r\n{}", &[401, 404]),
        ("chunks and a length", "transfer-encoding: chunked\r\ncontent-length: 49\r\n\r\n0\r\n\r\n", &[401]),
        ("a length and chunks", "content-length: 49\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", &[401]),
        ("chunks alone", "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", &[401]),
        ("two lengths", "content-length: 2\r\ncontent-length: 49\r\n\r\n{}", &[400]),
        ("lengths in one line", "content-length: 2, 49\r\n\r\n{}", &[400]),
        ("a signed length", "content-length: +2\r\n\r\n{}", &[400]),
        ("a negative length", "content-length: -2\r\n\r\n{}", &[400]),
        ("an enormous length", "content-length: 99999999999999999999999\r\n\r\n{}", &[400]),
        ("another encoding", "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n", &[400]),
        ("chunks, then another", "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n", &[400]),
        ("chunks by a tab", "transfer-encoding:\u{b}chunked\r\n\r\n0\r\n\r\n", &[400]),
        ("a space before the colon", "transfer-encoding : chunked\r\ncontent-length: 2\r\n\r\n{}", &[400]),
        ("a folded line", "x: a\r\n transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n{}", &[400]),
        ("a name with a space", "content length: 2\r\n\r\n", &[400]),
        ("a return alone", "x: a\rcontent-length: 2\r\n\r\n{}", &[400]),
        ("a NUL", "x: a\0b\r\ncontent-length: 2\r\n\r\n{}", &[400]),
        ("a line without a colon", "nothing\r\ncontent-length: 2\r\n\r\n{}", &[400]),
        (
            "a chunk of an enormous size",
            "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n",
            &[400],
        ),
        ("a chunk of a signed size", "transfer-encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n", &[400]),
        ("a chunk of a size with 0x", "transfer-encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n", &[400]),
        ("a chunk without an end", "transfer-encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n", &[400]),
    ] {
        let sent = format!("{POST}{rest}{HIDDEN}");
        assert_eq!(raw::statuses(port.address, sent.as_bytes()).await, expected, "{what}");
    }
    let old = format!("{}transfer-encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}", POST.replace("/1.1", "/1.0"));
    assert_eq!(raw::statuses(port.address, old.as_bytes()).await, [400], "chunks in HTTP/1.0");
    let comment = format!("{POST}transfer-encoding: chunked\r\n\r\n2;{}\r\n{{}}\r\n", "x".repeat(100_000));
    assert_eq!(raw::statuses(port.address, comment.as_bytes()).await, [400], "a chunk with a long comment");
}

#[tokio::test]
async fn heads_are_no_larger_than_they_may_be() {
    let port = open_within(brief(), None, calls()).await;
    let long = "x".repeat(100 * 1024);
    let lines = |count: usize| (0..count).map(|line| (format!("x-{line}"), "y".to_owned())).collect();
    for (what, headers, expected) in [
        ("few lines", lines(100), 401),
        ("many lines", lines(129), 431),
        ("very many lines", lines(2000), 431),
        ("100 KiB", vec![("x".to_owned(), long)], 431),
        ("100 KiB in pieces", (0..100).map(|line| (format!("x-{line}"), "y".repeat(1024))).collect(), 431),
    ] {
        let headers: Vec<(String, String)> = headers;
        let said: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let sent = format!("GET /api/v1/session/userinfo HTTP/1.1\r\nhost: x\r\n{said}\r\n");
        assert_eq!(raw::statuses(port.address, sent.as_bytes()).await, [expected], "{what}");
        let stream = raw::connect(port.address).await;
        let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let mut request = http::Request::get("http://x/api/v1/session/userinfo");
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let (answer, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
        assert_eq!(answer.await.unwrap().status(), expected, "{what}, over HTTP/2");
        drop::<h2::client::SendRequest<Bytes>>(client);
        connection.abort();
    }
}

#[tokio::test]
async fn nobody_upgrades_to_what_is_not_there() {
    let port = open_within(brief(), None, calls()).await;
    let upgrade =
        "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n";
    let socket = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    for (what, sent, expected) in [
        (
            "HTTP/2",
            format!("GET /api/v1/session/userinfo HTTP/1.1\r\nhost: x\r\n{upgrade}\r\n{HIDDEN}"),
            &[401, 404][..],
        ),
        (
            "a WebSocket",
            format!("GET /api/v1/session/userinfo HTTP/1.1\r\nhost: x\r\n{socket}\r\n{HIDDEN}"),
            &[401, 404],
        ),
        ("a tunnel", format!("CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n{HIDDEN}"), &[404, 404]),
    ] {
        assert_eq!(raw::statuses(port.address, sent.as_bytes()).await, expected, "{what}");
    }
}
