//! Servers that break, lie or never end. Each ends in an error of ours, in time, and what was there before stays good.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use source::{Options, SourceError, Sources, Timeouts};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::git::Origins;
use support::server::{
    ADVERTISEMENT, RESULT, Server, Stream, capabilities, head, pack_of, pkt, send_pack, with_pack,
};
use support::{checkout, names, read, remote, secs};

fn strict(data: &std::path::Path) -> Sources {
    limited(data, secs(20))
}

/// Small limits, and times that a busy machine keeps where nothing hangs.
fn limited(data: &std::path::Path, time: Duration) -> Sources {
    let mut options = Options::new(data);
    options.timeouts = Timeouts { connect: secs(5), idle: secs(2), ls_refs: time, fetch: time };
    options.limits.refs = 10_000;
    options.limits.refs_bytes = 4 << 20;
    options.limits.pack_bytes = 4 << 20;
    options.limits.object_bytes = 8 << 20;
    Sources::new(options).unwrap()
}

type Misdeed = Box<dyn Fn(&mut dyn Stream) -> std::io::Result<()> + Send + Sync>;
type Verdict = fn(&SourceError) -> bool;

fn forever(stream: &mut dyn Stream, bytes: &[u8], pause: Duration) -> std::io::Result<()> {
    loop {
        stream.write_all(bytes)?;
        stream.flush()?;
        std::thread::sleep(pause);
    }
}

#[tokio::test]
async fn listings_that_misbehave_are_errors_in_time() {
    let none = Duration::ZERO;
    let rows: Vec<(&str, Misdeed, Verdict)> = vec![
        (
            "A49 endless advertisement",
            Box::new(move |s| {
                head(s, "200 OK", ADVERTISEMENT)?;
                s.write_all(&pkt("# service=git-upload-pack\n"))?;
                forever(s, &pkt("x".repeat(60_000)), none)
            }),
            |e| matches!(e, SourceError::TooLarge { .. }),
        ),
        (
            "endless headers",
            Box::new(move |s| {
                s.write_all(b"HTTP/1.1 200 OK\r\n")?;
                forever(s, format!("X: {}\r\n", "x".repeat(60_000)).as_bytes(), none)
            }),
            |e| matches!(e, SourceError::Unavailable { .. }),
        ),
        (
            "F9 a byte a while",
            Box::new(|s| {
                head(s, "200 OK", ADVERTISEMENT)?;
                forever(s, b"0", Duration::from_millis(200))
            }),
            |e| matches!(e, SourceError::TimedOut { .. } | SourceError::Protocol { .. }),
        ),
        (
            "hangs before the answer",
            Box::new(|_| {
                std::thread::sleep(secs(8));
                Ok(())
            }),
            |e| matches!(e, SourceError::Unavailable { .. } | SourceError::TimedOut { .. }),
        ),
        ("hangs up", Box::new(|_| Ok(())), |e| matches!(e, SourceError::Unavailable { .. })),
        (
            "F9 500",
            Box::new(|s| {
                head(s, "500 Oops", "text/plain")?;
                s.write_all(b"database is down\x1b[31m")
            }),
            |e| matches!(e, SourceError::Unavailable { detail, .. } if detail.contains("database is down\\u{1b}")),
        ),
        (
            "F9 429",
            Box::new(|s| head(s, "429 Slow down", "text/plain\r\nRetry-After: 7")),
            |e| matches!(e, SourceError::Unavailable { retry_after, .. } if *retry_after == Some(secs(7))),
        ),
        (
            "a page for browsers",
            Box::new(|s| {
                head(s, "200 OK", "text/html")?;
                s.write_all(b"<html>please log in</html>")
            }),
            |e| matches!(e, SourceError::Protocol { .. }),
        ),
        (
            "garbage in place of lines",
            Box::new(|s| {
                head(s, "200 OK", ADVERTISEMENT)?;
                s.write_all(b"zzzzgarbage")
            }),
            |e| matches!(e, SourceError::Protocol { .. }),
        ),
        (
            "redirection to another host",
            Box::new(|s| {
                head(
                    s,
                    "302 Found",
                    "text/plain\r\nLocation: http://evil.example/app.git/info/refs?service=git-upload-pack",
                )
            }),
            |e| matches!(e, SourceError::Refused { reason, .. } if reason.contains("evil.example")),
        ),
        (
            "redirection in a circle",
            Box::new(|s| {
                head(s, "302 Found", "text/plain\r\nLocation: /app.git/info/refs?service=git-upload-pack")
            }),
            |e| matches!(e, SourceError::Protocol { .. }),
        ),
        (
            "redirection to a file",
            Box::new(|s| head(s, "302 Found", "text/plain\r\nLocation: file:///etc/passwd")),
            |e| matches!(e, SourceError::Refused { .. }),
        ),
    ];
    let checks = rows.into_iter().map(|(row, misdeed, verdict)| async move {
        let server = Server::start(move |_, stream| misdeed(stream));
        let data = tempfile::tempdir().unwrap();
        let mut remote = remote(&server.url("app.git"));
        remote.credentials.password = Some("secret-word".into());
        let start = Instant::now();
        let sources = limited(data.path(), secs(4));
        let error = sources.ls_refs(&remote).await.unwrap_err();
        assert!(verdict(&error), "{row}: {error:?}");
        assert!(start.elapsed() < secs(9), "{row}: {:?}", start.elapsed());
        assert!(!error.to_string().contains("secret-word"), "{row}");
    });
    futures::future::join_all(checks).await;
}

#[tokio::test]
async fn a_million_names_are_too_many() {
    let listing: Vec<u8> =
        (0..20_000).flat_map(|n| pkt(format!("{} refs/heads/b{n}\n", "1".repeat(40)))).collect();
    let server = Server::start(move |request, stream| {
        if request.is_advertisement() {
            head(stream, "200 OK", ADVERTISEMENT)?;
            return stream.write_all(&capabilities());
        }
        head(stream, "200 OK", RESULT)?;
        stream.write_all(&listing)?;
        stream.write_all(b"0000")
    });
    let data = tempfile::tempdir().unwrap();
    let error = strict(data.path()).ls_refs(&remote(&server.url("app.git"))).await.unwrap_err();
    assert!(matches!(error, SourceError::TooLarge { limit: 10_000, .. }), "A49: {error}");
}

#[tokio::test]
async fn a_move_on_the_same_server_is_followed() {
    let origins = Origins::new();
    let commit = origins.create("new.git").put("a", "1");
    let root = origins.root.path().to_owned();
    let server = Server::start(move |request, stream| match request.target.strip_prefix("/old.git") {
        Some(rest) => head(stream, "301 Moved", &format!("text/plain\r\nLocation: /new.git{rest}")),
        None => support::server::git_backend(&root, None, request, stream),
    });
    let data = tempfile::tempdir().unwrap();
    let snapshot = checkout(&strict(data.path()), &remote(&server.url("old.git")), "main").await.unwrap();
    assert_eq!(snapshot.commit, commit);
}

fn varint(kind: u8, size: u64) -> Vec<u8> {
    let mut out = vec![kind << 4 | (size & 15) as u8];
    let mut rest = size >> 4;
    while rest > 0 {
        *out.last_mut().unwrap() |= 0x80;
        out.push((rest & 0x7f) as u8);
        rest >>= 7;
    }
    out
}

/// A pack of raw entries with a right checksum.
fn pack(count: u32, entries: &[u8]) -> Vec<u8> {
    let mut pack = [b"PACK\x00\x00\x00\x02".as_slice(), &count.to_be_bytes(), entries].concat();
    let mut hash = gix::hash::hasher(gix::hash::Kind::Sha1);
    hash.update(&pack);
    pack.extend_from_slice(hash.try_finalize().unwrap().as_slice());
    pack
}

/// zlib, stored: what compression would make smaller is not the point.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut chunks: Vec<_> = bytes.chunks(60_000).collect();
    if chunks.is_empty() {
        chunks.push(b"");
    }
    for (n, chunk) in chunks.iter().enumerate() {
        let size = u16::try_from(chunk.len()).unwrap();
        out.push(u8::from(n + 1 == chunks.len()));
        out.extend(size.to_le_bytes());
        out.extend((!size).to_le_bytes());
        out.extend_from_slice(chunk);
    }
    let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        ((a + u32::from(*byte)) % 65521, (b + (a + u32::from(*byte)) % 65521) % 65521)
    });
    out.extend((b << 16 | a).to_be_bytes());
    out
}

#[tokio::test]
async fn packs_that_misbehave_are_errors_in_time_and_leave_nothing() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    let commit = origin.put("a", "1");
    let good = pack_of(&origin.path);
    let pack_of = move |edit: fn(&mut Vec<u8>)| {
        let mut pack = good.clone();
        edit(&mut pack);
        pack
    };
    let sent = |pack: Vec<u8>| -> Misdeed { Box::new(move |s| send_pack(s, &pack)) };
    // A chain of deltas: each entry refers to the one before; the first has no base at all.
    let bomb = pack(1, &[varint(3, 1 << 50), zlib(b"x")].concat());
    let chain: Vec<u8> =
        (0..20_000).flat_map(|_| [varint(6, 4), vec![1], zlib(b"\x01\x01\x01x")].concat()).collect();
    let half = pack_of(|pack| pack.truncate(pack.len() / 2));
    let rows: Vec<(&str, Misdeed, Verdict)> = vec![
        ("A49 wrong checksum", sent(pack_of(|pack| *pack.last_mut().unwrap() ^= 1)), |e| {
            matches!(e, SourceError::Protocol { .. })
        }),
        ("F9 truncated", sent(half.clone()), |e| matches!(e, SourceError::Protocol { .. })),
        ("flipped bits", sent(pack_of(|pack| pack[20..60].iter_mut().for_each(|b| *b ^= 0x55))), |e| {
            matches!(e, SourceError::Protocol { .. })
        }),
        ("no pack at all", sent(b"<html>".to_vec()), |e| matches!(e, SourceError::Protocol { .. })),
        ("empty pack", sent(pack(0, b"")), |e| {
            matches!(e, SourceError::NoCommit { .. } | SourceError::Protocol { .. })
        }),
        ("another repository's pack", sent(pack(1, &[varint(3, 1), zlib(b"x")].concat())), |e| {
            matches!(e, SourceError::NoCommit { .. })
        }),
        ("A49 object that says it is 1 PiB", sent(bomb), |e| matches!(e, SourceError::Protocol { .. })),
        ("A49 deltas of deltas", sent(pack(20_000, &chain)), |e| matches!(e, SourceError::Protocol { .. })),
        (
            "A49 says four billion objects",
            sent([b"PACK\x00\x00\x00\x02\xff\xff\xff\xff".as_slice(), &[0x31]].concat()),
            |e| matches!(e, SourceError::Protocol { .. }),
        ),
        (
            "A49 hang in the middle",
            Box::new(move |s| {
                s.write_all(&pkt([b"\x01", half.as_slice()].concat()))?;
                s.flush()?;
                std::thread::sleep(secs(8));
                Ok(())
            }),
            |e| {
                matches!(
                    e,
                    SourceError::Protocol { .. }
                        | SourceError::TimedOut { .. }
                        | SourceError::Unavailable { .. }
                )
            },
        ),
        (
            "A49 side-band flood",
            Box::new(|s| forever(s, &pkt([b"\x02".as_slice(), &[b'x'; 60_000]].concat()), Duration::ZERO)),
            |e| matches!(e, SourceError::TooLarge { .. } | SourceError::TimedOut { .. }),
        ),
        (
            "slow side-band flood",
            Box::new(|s| forever(s, &pkt(b"\x02still counting"), Duration::from_millis(100))),
            |e| matches!(e, SourceError::TimedOut { .. }),
        ),
        ("the server's own error", Box::new(|s| s.write_all(&pkt(b"\x03fatal: out of disk\n"))), |e| {
            matches!(e, SourceError::Protocol { .. })
        }),
        (
            "endless pack",
            Box::new(|s| {
                s.write_all(&pkt(b"\x01PACK\x00\x00\x00\x02\x00\x00\xff\xff"))?;
                forever(s, &pkt([b"\x01".as_slice(), &[0x33; 60_000]].concat()), Duration::ZERO)
            }),
            |e| matches!(e, SourceError::TooLarge { .. } | SourceError::Protocol { .. }),
        ),
    ];
    let commit = &commit;
    let checks = rows.into_iter().map(|(row, misdeed, verdict)| async move {
        let server = with_pack(commit, move |stream| misdeed(stream));
        let data = tempfile::tempdir().unwrap();
        let sources =
            if row.starts_with("slow") { limited(data.path(), secs(4)) } else { strict(data.path()) };
        let start = Instant::now();
        let error = checkout(&sources, &remote(&server.url("app.git")), "main").await.unwrap_err();
        assert!(verdict(&error), "{row}: {error:?}");
        assert!(start.elapsed() < secs(30), "{row}: {:?}", start.elapsed());
        let mut todo = vec![data.path().join("git")];
        while let Some(path) = todo.pop() {
            match std::fs::read_dir(&path) {
                Ok(entries) => todo.extend(entries.map(|entry| entry.unwrap().path())),
                Err(_) if path.parent().unwrap().ends_with("pack") => {
                    assert!(
                        path.file_name().unwrap().to_str().unwrap().starts_with("pack-"),
                        "{row} left {path:?}"
                    );
                }
                Err(_) => {}
            }
        }
    });
    futures::future::join_all(checks).await;
}

/// Thirty thousand commits, each a delta of the one before: what follows the chain may not use the stack for it. (Past 65,535
/// gix counts over in a build with overflow checks; that panic ends as an error of this fetch.)
#[tokio::test]
async fn a_chain_of_deltas_is_as_deep_as_it_likes() {
    const DEPTH: u32 = 30_000;
    let text = |n: u32| {
        format!(
            "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\n{n:06}"
        )
    };
    let size = u8::try_from(text(0).len()).unwrap();
    assert!(size > 16 && size < 128);
    let mut entries =
        [varint(2, 0), zlib(b""), varint(1, u64::from(size)), zlib(text(0).as_bytes())].concat();
    let mut previous = entries.len() - [varint(2, 0), zlib(b"")].concat().len();
    for n in 1..=DEPTH {
        // Sizes, a copy of all but the number, the number.
        let delta = [&[size, size, 0x90, size - 6, 6][..], format!("{n:06}").as_bytes()].concat();
        let mut offset = vec![u8::try_from(previous & 0x7f).unwrap()];
        if previous >= 0x80 {
            offset.insert(0, 0x80 | u8::try_from((previous >> 7) - 1).unwrap());
        }
        let entry = [varint(6, delta.len() as u64), offset, zlib(&delta)].concat();
        previous = entry.len();
        entries.extend(entry);
    }
    let last = text(DEPTH);
    let commit = gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Commit, last.as_bytes())
        .unwrap()
        .to_string();
    let pack = pack(DEPTH + 2, &entries);
    let server = with_pack(&commit, move |stream| send_pack(stream, &pack));
    let data = tempfile::tempdir().unwrap();
    let mut options = Options::new(data.path());
    options.timeouts.fetch = secs(30);
    let sources = Sources::new(options).unwrap();
    let snapshot = checkout(&sources, &remote(&server.url("app.git")), "main").await.unwrap();
    assert_eq!((snapshot.subject.as_str(), names(&snapshot, "").len()), ("030000", 0));
}

#[tokio::test]
async fn the_last_good_state_survives_a_server_that_turns() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    origin.put("a", "1");
    let root = origins.root.path().to_owned();
    let turned = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let turn = Arc::clone(&turned);
    let server = Server::start(move |request, stream| {
        if !turn.load(std::sync::atomic::Ordering::Relaxed)
            || request.is_advertisement()
            || request.is_ls_refs()
        {
            return support::server::git_backend(&root, None, request, stream);
        }
        head(stream, "200 OK", RESULT)?;
        stream.write_all(&pkt("packfile\n"))?;
        send_pack(stream, b"PACK broken")
    });
    let data = tempfile::tempdir().unwrap();
    let sources = strict(data.path());
    let remote = remote(&server.url("app.git"));
    let good = checkout(&sources, &remote, "main").await.unwrap();
    turned.store(true, std::sync::atomic::Ordering::Relaxed);
    let next = origin.put("b", "2");
    assert!(sources.snapshot(&remote, &next).await.is_err());
    assert_eq!((read(&good, "a").unwrap(), names(&good, "")), ("1".to_owned(), vec!["a".to_owned()]));
    assert_eq!(sources.snapshot(&remote, &good.commit).await.unwrap().commit, good.commit);
    turned.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(read(&sources.snapshot(&remote, &next).await.unwrap(), "b").unwrap(), "2");
}
