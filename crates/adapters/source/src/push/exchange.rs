//! What is said with a server's `receive-pack`, in git's packet lines.
//!
//! **Source**: git's `gitprotocol-pack` and `gitprotocol-http`, version 0, which is the only one that pushes.

use super::Swap;
use crate::call::Call;
use crate::error::SourceError;
use crate::remote::Remote;
use gix::ObjectId;
use net::excerpt;
use std::collections::BTreeSet;
use std::io::{self, Read};

/// Ends a list of lines.
pub(super) const FLUSH: &[u8] = b"0000";

/// How much of a server's messages is kept for the reason, in bytes.
const MESSAGE_BYTES: usize = 4 << 10;

/// How much of a server's report is read, in bytes.
const REPORT_BYTES: usize = 64 << 10;

/// What a server says before anything is asked.
pub(super) struct Offer {
    /// Where the branch is.
    tip: Option<ObjectId>,
    capabilities: BTreeSet<String>,
}

/// What became of a command.
pub(super) enum Verdict {
    /// The branch is at our commit.
    Done,
    /// It is somewhere else than we said.
    Elsewhere(Option<ObjectId>),
    /// The server does not want it, or could not do it.
    Refused {
        /// In its words, without our secrets.
        reason: String,
        /// It says that somebody else has the branch in hand.
        busy: bool,
    },
}

/// Nothing was sent: the offer says why.
pub(super) enum Early {
    Elsewhere(Option<ObjectId>),
    Unsuitable(&'static str),
}

impl Early {
    pub(super) fn into_verdict(self, remote: &Remote) -> Result<Verdict, SourceError> {
        match self {
            Self::Elsewhere(tip) => Ok(Verdict::Elsewhere(tip)),
            Self::Unsuitable(reason) => {
                Err(SourceError::Refused { repo: remote.url.clone(), reason: reason.to_owned() })
            }
        }
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// A packet line; none for a flush.
fn read_line(reader: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut digits = [0; 4];
    reader.read_exact(&mut digits)?;
    let length = std::str::from_utf8(&digits).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
    match length {
        Some(0) => Ok(None),
        Some(length @ 4..) => {
            let mut line = vec![0; length - 4];
            reader.read_exact(&mut line)?;
            Ok(Some(line))
        }
        Some(1..4) | None => Err(malformed("it sent something that is no packet line")),
    }
}

fn put_line(out: &mut Vec<u8>, line: &str) {
    out.extend_from_slice(format!("{:04x}", line.len() + 4).as_bytes());
    out.extend_from_slice(line.as_bytes());
}

/// The first lines over http: which service this is.
pub(super) fn read_service(reader: &mut impl Read) -> io::Result<()> {
    let line = read_line(reader)?.unwrap_or_default();
    if line.trim_ascii_end() != b"# service=git-receive-pack" {
        return Err(malformed("it does not take pushes in the way of git's smart http"));
    }
    match read_line(reader)? {
        None => Ok(()),
        Some(_) => Err(malformed("it sent a line too many")),
    }
}

/// Reads the branches; only the one called `name` counts.
pub(super) fn read_offer(reader: &mut impl Read, name: &str) -> io::Result<Offer> {
    let mut offer = Offer { tip: None, capabilities: BTreeSet::new() };
    let mut first = true;
    while let Some(line) = read_line(reader)? {
        if let Some(said) = line.strip_prefix(b"ERR ") {
            return Err(malformed(&excerpt(&String::from_utf8_lossy(said))));
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches('\n');
        if line == "version 1" || line.starts_with("shallow ") {
            continue;
        }
        let (line, capabilities) = line.split_once('\0').unwrap_or((line, ""));
        if std::mem::take(&mut first) {
            offer.capabilities = capabilities.split(' ').map(str::to_owned).collect();
        }
        let (id, named) = line.split_once(' ').ok_or_else(|| malformed("it sent no list of branches"))?;
        if named == name {
            // An id of another length shows below, as another format of objects.
            offer.tip = ObjectId::from_hex(id.as_bytes()).ok();
        }
    }
    if first {
        return Err(malformed("it sent no list of branches"));
    }
    Ok(offer)
}

/// The command, up to where the pack begins, and whether the answer comes in side bands.
pub(super) fn request(offer: &Offer, swap: &Swap) -> Result<(Vec<u8>, bool), Early> {
    let has = |name: &str| offer.capabilities.contains(name);
    let format = offer.capabilities.iter().find_map(|capability| capability.strip_prefix("object-format="));
    if format.is_some_and(|format| format != "sha1") {
        return Err(Early::Unsuitable("its objects are not of SHA-1, and others are not supported"));
    }
    if !has("report-status") {
        return Err(Early::Unsuitable("the server does not report what becomes of a push"));
    }
    if offer.tip != swap.old {
        return Err(Early::Elsewhere(offer.tip));
    }
    let agent = concat!("agent=capstan/", env!("CARGO_PKG_VERSION"));
    let mut words = vec!["report-status"];
    words.extend(["side-band-64k", "atomic", "quiet"].into_iter().filter(|word| has(word)));
    words.extend(format.map(|_| "object-format=sha1"));
    words.extend(offer.capabilities.iter().any(|word| word.starts_with("agent=")).then_some(agent));
    let old = swap.old.unwrap_or_else(|| ObjectId::null(gix::hash::Kind::Sha1));
    let mut out = Vec::new();
    put_line(&mut out, &format!("{old} {} {}\0 {}", swap.new, swap.name, words.join(" ")));
    out.extend_from_slice(FLUSH);
    Ok((out, has("side-band-64k")))
}

/// Reads the report.
pub(super) fn read_verdict(
    reader: &mut impl Read,
    side_band: bool,
    name: &str,
    call: &Call,
) -> io::Result<Verdict> {
    let mut messages = Vec::new();
    let report = if side_band { demultiplexed(reader, &mut messages)? } else { undivided(reader)? };
    let report = String::from_utf8_lossy(&report);
    let messages = String::from_utf8_lossy(&messages);
    let refused = |said: &str| {
        let said = with_messages(said, &messages);
        // Of several who push at once, all but one may find the branch locked.
        let busy = [
            "cannot lock ref",
            "failed to update ref",
            "Unable to create",
            "reference already exists",
            "incorrect old value",
            "fetch first",
            "stale info",
        ]
        .iter()
        .any(|text| said.contains(text));
        Verdict::Refused { reason: call.shown(&said), busy }
    };
    let mut lines = report.lines();
    match lines.next().and_then(|line| line.strip_prefix("unpack ")) {
        Some("ok") => {}
        Some(reason) => return Ok(refused(&format!("the server could not unpack it: {reason}"))),
        // It ended before it could report.
        None if !messages.trim().is_empty() => return Ok(refused("no report")),
        None => return Err(malformed("it did not report what became of the push")),
    }
    for line in lines {
        match line.split_once(' ') {
            Some(("ok", done)) if done == name => return Ok(Verdict::Done),
            Some(("ng", rest)) => {
                if let Some(reason) = rest.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')) {
                    return Ok(refused(reason));
                }
            }
            // Options of an answer in the second form, and refs that nobody asked for.
            _ => {}
        }
    }
    Err(malformed("it did not report what became of the branch"))
}

/// A reason, and what the server printed with it.
fn with_messages(reason: &str, messages: &str) -> String {
    let lines: Vec<&str> = messages
        .lines()
        .map(|line| line.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() { reason.to_owned() } else { format!("{reason}: {}", lines.join("\n")) }
}

/// Lines of a report, up to the flush at their end.
fn undivided(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut report = Vec::new();
    while let Some(line) = read_line(reader)? {
        keep(&mut report, &line, REPORT_BYTES);
    }
    Ok(report)
}

/// The report out of band 1, as lines; what the server prints in band 2 goes to `messages`.
fn demultiplexed(reader: &mut impl Read, messages: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut inner = Vec::new();
    loop {
        let line = match read_line(reader) {
            Ok(Some(line)) => line,
            Ok(None) => break,
            // A hook's server may hang up where it should say goodbye; what it said before counts.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !messages.is_empty() => break,
            Err(error) => return Err(error),
        };
        match line.split_first() {
            Some((1, data)) => keep(&mut inner, data, REPORT_BYTES),
            Some((2 | 3, text)) => keep(messages, text, MESSAGE_BYTES),
            Some(_) => return Err(malformed("it sent an unknown side band")),
            None => {}
        }
    }
    if inner.is_empty() {
        return Ok(inner);
    }
    undivided(&mut inner.as_slice())
}

fn keep(out: &mut Vec<u8>, more: &[u8], most: usize) {
    let room = most.saturating_sub(out.len()).min(more.len());
    out.extend_from_slice(more.get(..room).unwrap_or_default());
}

#[cfg(test)]
mod tests;
