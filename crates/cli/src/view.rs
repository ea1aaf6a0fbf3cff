//! What commands print: functions from data to text, with no I/O in them.
//!
//! **Source** of the layouts: the peer's client, to the letter where it is printed as `argocd`.

pub(crate) mod details;
pub(crate) mod diff;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod operation;
pub(crate) mod parameters;
pub(crate) mod resources;
pub(crate) mod tree;
pub(crate) mod why;

#[cfg(test)]
pub(crate) mod sample;

use api::Application;
use jiff::SignedDuration;

use crate::escape;
use crate::look::Look;
use crate::table::Cell;

/// A labelled line: the label takes twenty columns.
pub(crate) fn field(look: Look, label: &str, value: &Cell) -> String {
    let line = format!("{label:<20}{}", look.paint(value.paint, &value.text));
    if look.native() { format!("{}\n", line.trim_end()) } else { format!("{line}\n") }
}

/// A time as the peer prints it, in UTC; what cannot be read stays as it is.
pub(crate) fn go_time(text: &str) -> String {
    match api::parse_time(text) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string(),
        Err(_) => escape::line(text).into_owned(),
    }
}

/// A duration as Go prints it, in whole seconds: `1h0m3s`.
pub(crate) fn go_duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// The destination cluster: by URL, or by name where there is no URL.
pub(crate) fn server(app: &Application) -> &str {
    let destination = &app.spec.destination;
    if destination.server.is_empty() { &destination.name } else { &destination.server }
}

/// The first seven letters of a commit.
pub(crate) fn short(revision: &str) -> &str {
    revision.get(..7).unwrap_or(revision)
}

/// Whether a revision is a commit, whole or shortened.
pub(crate) fn is_commit(revision: &str) -> bool {
    revision.len() >= 7 && revision.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_times_as_go_has_them() {
        for (seconds, expected) in [(0, "0s"), (59, "59s"), (60, "1m0s"), (3603, "1h0m3s"), (-5, "0s")] {
            assert_eq!(go_duration(SignedDuration::from_secs(seconds)), expected);
        }
        assert_eq!(go_time("2026-01-02T03:04:05Z"), "2026-01-02 03:04:05 +0000 UTC");
        assert_eq!(go_time("\x1b"), "\\x1b");
    }
}
