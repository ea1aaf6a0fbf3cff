//! Floods (A123 of the abuse cases).

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::raw::{
    self, ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RESET, SETTINGS, frame,
};

/// How many frames make a flood.
const FLOOD: usize = 200_000;

/// Writes until the server has enough of it, reading whatever it says. Whether it had.
async fn flood(stream: TcpStream, frames: impl Fn(usize) -> Vec<u8> + Send + 'static) -> bool {
    let (mut read, mut write) = stream.into_split();
    let heard = tokio::spawn(async move {
        let mut piece = [0; 64 * 1024];
        while let Ok(1..) = read.read(&mut piece).await {}
    });
    for round in 0..FLOOD / 100 {
        let frames: Vec<u8> = (0..100).flat_map(|index| frames(round * 100 + index)).collect();
        if write.write_all(&frames).await.is_err() {
            return true;
        }
    }
    let over = heard.is_finished();
    heard.abort();
    over
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_keep_nobody_from_others() {
    let port = crate::open(None).await;
    let address = port.address;
    let stream = |index: usize| u32::try_from(index * 2 + 1).unwrap();
    let ask = raw::head("GET", "/api/v1/session/userinfo", &[]);
    let long = raw::fields(&[("x", &"y".repeat(100))]);
    let begun = raw::head("POST", "/api/v1/session", &[("content-type", "application/json")]);
    let opened = frame(HEADERS, END_HEADERS, 1, &begun);
    let (asked, hidden) = (ask.clone(), ask.clone());
    type Frames = Box<dyn Fn(usize) -> Vec<u8> + Send>;
    let floods: [(&str, Vec<u8>, Frames, Option<bool>); 7] = [
        (
            "streams that are taken back (CVE-2023-44487)",
            vec![],
            Box::new(move |index| {
                let reset = frame(RESET, 0, stream(index), &8_u32.to_be_bytes());
                [frame(HEADERS, END_HEADERS | END_STREAM, stream(index), &asked), reset].concat()
            }),
            Some(true),
        ),
        (
            "a head without an end",
            frame(HEADERS, 0, 1, &hidden),
            Box::new(move |_| frame(CONTINUATION, 0, 1, &long)),
            Some(true),
        ),
        (
            "a head of nothing without an end",
            frame(HEADERS, 0, 1, &hidden),
            Box::new(|_| frame(CONTINUATION, 0, 1, &[])),
            Some(true),
        ),
        ("pings", vec![], Box::new(|_| frame(PING, 0, 0, &[0; 8])), None),
        ("settings", vec![], Box::new(|_| frame(SETTINGS, 0, 0, &[])), None),
        ("thanks for settings that nobody made", vec![], Box::new(|_| frame(SETTINGS, ACK, 0, &[])), None),
        ("data of nothing", opened, Box::new(|_| frame(DATA, 0, 1, &[])), None),
    ];
    for (what, first, frames, ends) in floods {
        let mut tcp = raw::connect(address).await;
        tcp.write_all(&[&raw::begin(&[])[..], &first].concat()).await.unwrap();
        let flooding = tokio::spawn(flood(tcp, frames));
        raw::others_are_served(address).await;
        let ended = tokio::time::timeout(raw::PATIENCE, flooding).await;
        let ended = ended.unwrap_or_else(|_| panic!("{what}: nobody reads it")).unwrap();
        assert!(ends.is_none_or(|ends| ended == ends), "{what}");
    }
    port.shutdown().await;
}
