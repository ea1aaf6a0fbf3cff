//! `goto` to the end of a block that it is in, the one way in which scripts of the peer use it: a `continue`.
//!
//! Lua 5.1 has none. The body of such a block becomes `repeat … until true`, and the jump a `break` out of that. Lines stay
//! where they are, so that errors name the right ones.

/// Blocks deeper than Lua reads them, and more jumps than anybody writes, are left alone.
const MAX_DEPTH: usize = 200;
const MAX_JUMPS: usize = 1000;

/// A piece of a script that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token<'a> {
    text: &'a str,
    start: usize,
}

impl Token<'_> {
    fn end(self) -> usize {
        self.start + self.text.len()
    }

    fn is_name(self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    }
}

/// What a block is for jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Ends with `end`, and can be left by `break`.
    Loop,
    /// `repeat`, whose condition sees the body's locals, so that the body cannot be wrapped.
    Repeat,
    Function,
    /// `if`, part by part, and `do`.
    Plain,
}

#[derive(Debug)]
struct Block<'a> {
    kind: Kind,
    /// Where its body begins.
    body: usize,
    /// `for` or `while` was read, and its `do` is to come.
    heads_loop: bool,
    jumps: Vec<(&'a str, usize, usize)>,
    breaks: bool,
    /// Its name, where it stands, and how many tokens end with it.
    label: Option<(&'a str, usize, usize, usize)>,
}

impl Block<'_> {
    fn new(kind: Kind, body: usize) -> Self {
        Self { kind, body, heads_loop: false, jumps: Vec::new(), breaks: false, label: None }
    }
}

impl<'a> Block<'a> {
    /// Ends the block, or a part of an `if`: its jumps to its label become ways out. `end` is the number of the token that
    /// ends it.
    fn settle(&mut self, end: usize, edits: &mut Vec<(usize, usize, &'a str)>) -> Option<()> {
        let Some((label, start, behind, tokens)) = self.label.take() else { return Some(()) };
        let body = self.body;
        let is_ours = |(name, at, _): &(&str, usize, usize)| *name == label && *at > body;
        let ours: Vec<_> = self.jumps.iter().copied().filter(is_ours).collect();
        // Nothing may stand between the label and the end. A loop's own `break` would leave our block, not the loop.
        if tokens != end || (self.breaks && !ours.is_empty()) {
            return None;
        }
        if ours.is_empty() {
            edits.push((start, behind, ""));
            return Some(());
        }
        self.jumps.retain(|jump| !is_ours(jump));
        edits.push((self.body, self.body, " repeat"));
        edits.push((start, behind, "until true"));
        edits.extend(ours.iter().map(|(_, start, end)| (*start, *end, "do break end")));
        Some(())
    }
}

/// The script without its jumps; `None` where there are none, or others than to the end of a block around them, or where
/// something in that block leaves a loop around it by `break`, too.
pub(crate) fn rewritten(script: &str) -> Option<String> {
    let mut edits: Vec<(usize, usize, &str)> = Vec::new();
    let mut blocks = vec![Block::new(Kind::Function, 0)];
    let tokens = tokens(script);
    let (mut at, mut jumps) = (0, 0);
    while let Some(token) = tokens.get(at).copied() {
        let (next, after) = (tokens.get(at + 1).copied(), tokens.get(at + 2).copied());
        at += 1;
        if blocks.len() > MAX_DEPTH || jumps > MAX_JUMPS {
            return None;
        }
        let top = blocks.last_mut()?;
        match (token.text, next) {
            ("else", _) => {
                top.settle(at - 1, &mut edits)?;
                top.body = token.end();
            }
            ("while" | "for", _) => top.heads_loop = true,
            ("do", _) => {
                let kind = if std::mem::take(&mut top.heads_loop) { Kind::Loop } else { Kind::Plain };
                blocks.push(Block::new(kind, token.end()));
            }
            ("function", _) => blocks.push(Block::new(Kind::Function, token.end())),
            ("if", _) => blocks.push(Block::new(Kind::Plain, token.end())),
            ("repeat", _) => blocks.push(Block::new(Kind::Repeat, token.end())),
            // A part of an `if` ends as a block does, and the next begins.
            ("elseif", _) => top.settle(at - 1, &mut edits)?,
            ("then", _) => top.body = token.end(),
            ("end" | "until", _) => {
                let mut block = blocks.pop()?;
                block.settle(at - 1, &mut edits)?;
                let around = blocks.last_mut()?;
                match block.kind {
                    Kind::Plain => {
                        around.jumps.append(&mut block.jumps);
                        around.breaks |= block.breaks;
                    }
                    Kind::Loop | Kind::Repeat | Kind::Function if block.jumps.is_empty() => {}
                    Kind::Loop | Kind::Repeat | Kind::Function => return None,
                }
            }
            ("break", _) => top.breaks = true,
            ("goto", Some(name)) if name.is_name() => {
                top.jumps.push((name.text, token.start, name.end()));
                (at, jumps) = (at + 1, jumps + 1);
            }
            ("::", Some(name)) if name.is_name() && after.is_some_and(|after| after.text == "::") => {
                if !matches!(top.kind, Kind::Loop | Kind::Plain) || top.label.is_some() {
                    return None;
                }
                at += 2;
                top.label = Some((name.text, token.start, after?.end(), at));
            }
            _ => {}
        }
    }
    if edits.is_empty() || blocks.len() != 1 || blocks.iter().any(|block| !block.jumps.is_empty()) {
        return None;
    }
    edits.sort_unstable_by_key(|(start, ..)| *start);
    let (mut out, mut from) = (String::with_capacity(script.len()), 0);
    for (start, end, text) in edits {
        out.push_str(script.get(from..start)?);
        out.push_str(text);
        from = end;
    }
    out.push_str(script.get(from..)?);
    Some(out)
}

/// Names, keywords and signs; without texts, comments, numbers and blanks.
fn tokens(script: &str) -> Vec<Token<'_>> {
    let bytes = script.as_bytes();
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(at).copied() {
        let rest = script.get(at..).unwrap_or_default();
        let length = match byte {
            b'-' if rest.starts_with("--") => {
                let text = rest.get(2..).unwrap_or_default();
                2 + long_text(text).unwrap_or_else(|| text.find('\n').unwrap_or(text.len()))
            }
            b'[' => long_text(rest).unwrap_or(1),
            b'"' | b'\'' => short_text(rest.as_bytes(), byte),
            b':' if rest.starts_with("::") => {
                tokens.push(Token { text: "::", start: at });
                2
            }
            b if b.is_ascii_alphabetic() || b == b'_' => {
                let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
                tokens.push(Token { text: rest.get(..length).unwrap_or_default(), start: at });
                length
            }
            b if b.is_ascii_digit() => {
                rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'.').count()
            }
            b if b.is_ascii_whitespace() || !b.is_ascii() => 1,
            _ => {
                tokens.push(Token { text: rest.get(..1).unwrap_or_default(), start: at });
                1
            }
        };
        at += length;
    }
    tokens
}

/// The length of `[[…]]` or `[==[…]==]` at the beginning of a text.
fn long_text(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?;
    let level = inner.bytes().take_while(|b| *b == b'=').count();
    inner.get(level..)?.strip_prefix('[')?;
    let end = format!("]{}]", "=".repeat(level));
    Some(text.find(&end).map_or(text.len(), |at| at + end.len()))
}

fn short_text(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(byte) = bytes.get(at).copied() {
        at += if byte == b'\\' { 2 } else { 1 };
        if byte == quote || byte == b'\n' {
            break;
        }
    }
    at.min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_to_the_end_of_a_loop_are_left_by_break() {
        for (row, script, expected) in [
            (
                "in a for",
                "for i = 1, 3 do if i == 2 then goto next end f(i) ::next:: end",
                Some("for i = 1, 3 do repeat if i == 2 then do break end end f(i) until true end"),
            ),
            (
                "two of them, over lines",
                "while x do\n  if a then\n    goto c\n  end\n  do goto c end\n  ::c:: -- on\nend",
                Some(
                    "while x do repeat\n  if a then\n    do break end\n  end\n  do do break end end\n  until true -- on\nend",
                ),
            ),
            (
                "an inner loop with a break of its own",
                "for i in a do for j in b do break end goto c ::c:: end",
                Some("for i in a do repeat for j in b do break end do break end until true end"),
            ),
            (
                "both loops",
                "for i in a do for j in b do goto d ::d:: end goto c ::c:: end",
                Some(
                    "for i in a do repeat for j in b do repeat do break end until true end do break end until true end",
                ),
            ),
            (
                "to the end of an if",
                "for i in a do if x then if y then goto c end f() ::c:: end end",
                Some("for i in a do if x then repeat if y then do break end end f() until true end end"),
            ),
            (
                "to the end of another part",
                "if x then f() elseif y then goto c ::c:: else g() end",
                Some("if x then f() elseif y then repeat do break end until true else g() end"),
            ),
            ("from another part", "if x then goto c else f() ::c:: end", None),
            ("a break in the if", "for i in a do if x then if y then break end goto c ::c:: end end", None),
            ("a label that nobody wants", "for i in a do f() ::c:: end", Some("for i in a do f()  end")),
            (
                "a function in the head",
                "for i in g(function() do end end) do goto c ::c:: end",
                Some("for i in g(function() do end end) do repeat do break end until true end"),
            ),
            ("words in texts", "for i in a do x = 'goto c' -- ::c::\nend", None),
            ("no jump", "for i in a do f() end", None),
            ("a break beside it", "for i in a do if x then break end goto c ::c:: end", None),
            ("out of two loops", "for i in a do for j in b do goto c end ::c:: end", None),
            ("back", "::top:: f() goto top", None),
            ("out of a function", "for i in a do f(function() goto c end) ::c:: end", None),
            ("not at the end", "for i in a do goto c ::c:: f() end", None),
            ("in repeat", "repeat goto c ::c:: until x", None),
            ("an open block", "for i in a do goto c ::c:: end if x then", None),
            ("too many ends", "for i in a do goto c ::c:: end end", None),
        ] {
            assert_eq!(rewritten(script).as_deref(), expected, "{row}");
        }
    }

    #[test]
    fn odd_texts_are_read_to_their_end() {
        for script in [
            "'",
            "\"\\",
            "[[",
            "[==[ ]]",
            "--[[",
            "--",
            "::",
            "goto",
            "'ä\\ä",
            "end end until",
            "ä::ä",
            "for do do",
            "\u{1f600}goto x",
        ] {
            assert_eq!(rewritten(script), None, "{script}");
        }
        let deep = format!("{}goto c ::c::{}", "do ".repeat(100_000), " end".repeat(100_000));
        let wide = format!("for i in a do {}::c:: end", "goto c ".repeat(100_000));
        assert_eq!((rewritten(&deep), rewritten(&wide)), (None, None), "too much is left alone");
    }
}
