//! Text from strangers, made safe to show.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with everything escaped that a terminal could take for a command or that changes the order of what is
/// read: control characters, line breaks, bidirectional marks, zero-width characters.
///
/// **Source**: ours; GHSA-c38g-469g-cmgx is what happens without it.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escape(text, |c| c.is_control())
}

/// The same for text of several lines: line breaks and tabs stay.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| c.is_control() && c != '\n' && c != '\t')
}

/// The same for a text of JSON, whose meaning stays: what is escaped can only stand inside of strings.
pub(crate) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && (c.is_control() || misleads(c)) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                push(&mut out, format_args!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

fn escape(text: &str, controls: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| controls(c) || misleads(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            _ if !controls(c) && !misleads(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii() => push(&mut out, format_args!("\\x{:02x}", u32::from(c))),
            c => push(&mut out, format_args!("\\u{{{:x}}}", u32::from(c))),
        }
    }
    Cow::Owned(out)
}

/// Characters without a picture of their own that change how their neighbours are read.
fn misleads(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_that_it_could_obey() {
        for (reason, text, expected) in [
            ("plain", "guestbook", "guestbook"),
            ("other scripts", "Büro 東京 🚀", "Büro 東京 🚀"),
            ("colour", "\x1b[31mred", "\\x1b[31mred"),
            ("a link (OSC 8)", "\x1b]8;;http://evil\x07x", "\\x1b]8;;http://evil\\x07x"),
            ("the clipboard (OSC 52)", "\u{9d}52;c;x", "\\u{9d}52;c;x"),
            ("back to the line's begin", "bad\rgood", "bad\\rgood"),
            ("a forged row", "a\nb", "a\\nb"),
            ("bidirectional", "a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c"),
            ("invisible", "adm\u{200b}in", "adm\\u{200b}in"),
            ("delete", "a\x7f", "a\\x7f"),
        ] {
            assert_eq!(line(text), expected, "{reason}");
        }
        assert_eq!(lines("a\n\tb\x1b"), "a\n\tb\\x1b");
    }

    #[test]
    fn json_says_the_same_afterwards() {
        let value = serde_json::json!({ "a\u{202e}": "x\u{7f}\u{9d}\ny" });
        let text = json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!text.contains('\u{202e}') && !text.contains('\u{7f}') && !text.contains('\u{9d}'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
