//! Progress for people: a line a step, and on a terminal one line that changes in place.

use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

/// Writes progress to standard error; results go to standard output and are not its business.
pub(crate) struct Screen {
    terminal: bool,
    colour: bool,
    started: Instant,
    live: bool,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Good,
    Bad,
}

impl Screen {
    #[expect(clippy::disallowed_methods, reason = "the terminal's own conventions")]
    pub(crate) fn new() -> Self {
        let terminal =
            std::io::stderr().is_terminal() && std::env::var("TERM").is_ok_and(|term| term != "dumb");
        let colour = terminal && std::env::var("NO_COLOR").map_or(true, |value| value.is_empty());
        Self { terminal, colour, started: Instant::now(), live: false }
    }

    /// A finished step, with the seconds since the start.
    pub(crate) fn step(&mut self, mark: Mark, what: &str, detail: &str) {
        let seconds = self.started.elapsed().as_secs_f32();
        let (symbol, code) = match mark {
            Mark::Good => ("✓", "32"),
            Mark::Bad => ("✗", "31"),
        };
        let symbol = if self.colour { format!("\x1b[{code}m{symbol}\x1b[0m") } else { symbol.to_owned() };
        self.line(&format!(" {symbol} {what:<20} {detail:<58} {seconds:>5.1} s"));
    }

    /// Plain text.
    pub(crate) fn line(&mut self, text: &str) {
        self.clear();
        self.write(&format!("{text}\n"));
    }

    /// What is being waited for: in place on a terminal, nothing elsewhere.
    pub(crate) fn live(&mut self, text: &str) {
        if self.terminal {
            self.clear();
            self.write(text);
            self.live = true;
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.live) {
            self.write("\r\x1b[2K");
        }
    }

    fn write(&self, text: &str) {
        // A terminal that went away is no reason to fail.
        drop(std::io::stderr().write_all(text.as_bytes()));
    }
}
