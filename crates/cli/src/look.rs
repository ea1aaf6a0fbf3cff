//! Colours and symbols: what a status looks like.

use api::{HealthStatusCode, OperationPhase, SyncStatusCode};

use crate::context::{ColorChoice, Face, Style};
use crate::escape;
use crate::table::Cell;

/// How a text is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Paint {
    /// As it is.
    #[default]
    Plain,
    Good,
    Warn,
    Bad,
    Busy,
    Dim,
    Bold,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "31",
            Self::Busy => "36",
            Self::Dim => "2",
            Self::Bold => "1",
        }
    }
}

/// How one stream is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Look {
    /// Whose conventions hold.
    pub(crate) style: Style,
    /// Whether colours are used.
    pub(crate) color: bool,
    /// Whether symbols may be more than ASCII.
    pub(crate) unicode: bool,
}

/// Sign, colour: the sign says it alone as well.
type Sign = (&'static str, &'static str, Paint);
const GOOD: Sign = ("✓", "+", Paint::Good);
const WARN: Sign = ("!", "!", Paint::Warn);
const BAD: Sign = ("✗", "x", Paint::Bad);
const BUSY: Sign = ("…", "~", Paint::Busy);
const HELD: Sign = ("‖", "=", Paint::Warn);
const DARK: Sign = ("?", "?", Paint::Dim);

impl Look {
    /// How a stream looks that leads to a terminal or not. The peer's tables have no colours, whatever is asked for.
    pub(crate) fn new(face: &Face, terminal: bool) -> Self {
        let color = match face.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => face.terminal.color.unwrap_or(terminal),
        };
        Self {
            style: face.style,
            color: color && face.style == Style::Native,
            unicode: face.terminal.unicode,
        }
    }

    /// Without colours, for what is as often read by programs.
    pub(crate) fn plain() -> Self {
        Self { style: Style::Native, color: false, unicode: false }
    }

    /// Whether our own conventions hold.
    pub(crate) fn native(self) -> bool {
        self.style == Style::Native
    }

    pub(crate) fn paint(self, paint: Paint, text: &str) -> String {
        if self.color && paint != Paint::Plain && !text.is_empty() {
            format!("\x1b[{}m{text}\x1b[0m", paint.code())
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn sync(self, code: &SyncStatusCode) -> Cell {
        let sign = match code {
            SyncStatusCode::Synced => GOOD,
            SyncStatusCode::OutOfSync => WARN,
            SyncStatusCode::Unknown | SyncStatusCode::Other(_) => DARK,
        };
        self.signed(sign, code.as_str())
    }

    pub(crate) fn health(self, code: &HealthStatusCode) -> Cell {
        let sign = match code {
            HealthStatusCode::Healthy => GOOD,
            HealthStatusCode::Suspended => HELD,
            HealthStatusCode::Progressing => BUSY,
            HealthStatusCode::Missing => WARN,
            HealthStatusCode::Degraded => BAD,
            HealthStatusCode::Unknown | HealthStatusCode::Other(_) => DARK,
        };
        self.signed(sign, code.as_str())
    }

    pub(crate) fn phase(self, phase: &OperationPhase) -> Cell {
        let sign = match phase {
            OperationPhase::Succeeded => GOOD,
            OperationPhase::Running | OperationPhase::Terminating => BUSY,
            OperationPhase::Failed | OperationPhase::Error => BAD,
            OperationPhase::Other(_) => DARK,
        };
        self.signed(sign, phase.as_str())
    }

    /// Any word of the columns STATUS and HEALTH, which hold words of several sets.
    pub(crate) fn word(self, word: &str) -> Cell {
        if word.is_empty() {
            return Cell::default();
        }
        if let sync @ (SyncStatusCode::Synced | SyncStatusCode::OutOfSync) = SyncStatusCode::from(word) {
            return self.sync(&sync);
        }
        match HealthStatusCode::from(word) {
            HealthStatusCode::Other(_) => {}
            health => return self.health(&health),
        }
        match word {
            "Pruned" => self.signed(GOOD, word),
            "PruneSkipped" => self.signed(WARN, word),
            "SyncFailed" => self.signed(BAD, word),
            _ => self.phase(&OperationPhase::from(word)),
        }
    }

    fn signed(self, (sign, plain, paint): Sign, word: &str) -> Cell {
        let word = escape::line(word);
        let text = if self.native() {
            format!("{} {word}", if self.unicode { sign } else { plain })
        } else {
            word.into_owned()
        };
        Cell { text, paint }
    }

    /// The branches of a tree: more siblings follow, the last sibling, a passing line.
    pub(crate) fn branches(self) -> [&'static str; 3] {
        if self.unicode || !self.native() { ["├─", "└─", "│ "] } else { ["|-", "`-", "| "] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_by_its_sign_what_it_says_by_colour() {
        let native = Look { style: Style::Native, color: false, unicode: true };
        let ascii = Look { unicode: false, ..native };
        let peer = Look { style: Style::Argocd, ..native };
        for (word, sign, plain) in [
            ("Synced", "✓ Synced", "+ Synced"),
            ("OutOfSync", "! OutOfSync", "! OutOfSync"),
            ("Degraded", "✗ Degraded", "x Degraded"),
            ("Progressing", "… Progressing", "~ Progressing"),
            ("Suspended", "‖ Suspended", "= Suspended"),
            ("Unknown", "? Unknown", "? Unknown"),
            ("Pruned", "✓ Pruned", "+ Pruned"),
            ("SyncFailed", "✗ SyncFailed", "x SyncFailed"),
            ("Running", "… Running", "~ Running"),
            ("", "", ""),
        ] {
            assert_eq!((&*native.word(word).text, &*ascii.word(word).text), (sign, plain), "{word}");
            assert_eq!(peer.word(word).text, word);
        }
        let painted = Look { color: true, ..native };
        assert_eq!(painted.paint(Paint::Bad, "x"), "\u{1b}[31mx\u{1b}[0m");
    }
}
