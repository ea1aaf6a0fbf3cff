//! Patterns of paths.

/// Longest pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 4096;

/// A pattern that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// Whether a path fits a pattern, as Go's `filepath.Match` says on Unix.
///
/// **Shape**: the pattern is for the whole path. `*` is any bytes but `/`, `?` one character but `/`, `[a-z]` and `[^a-z]` one
/// character (`/` among them), and `\` takes the next as it is. A `*` takes as little as what follows it up to the next `*` allows,
/// and is not asked again: `*[^b]*c` is not for `x/c`. **Errors**: a class that is empty, open or has a bare `-` or `]` in it, a `\`
/// at the end; like Go's, they are found only as far as the path fits. A pattern of more than 4096 bytes, which Go would take.
/// **Source**: `path/filepath` of Go 1.26; the test holds its verdicts.
pub fn path_match(pattern: &str, path: &str) -> Result<bool, BadPattern> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(BadPattern);
    }
    let (mut pattern, mut path) = (pattern.as_bytes(), path.as_bytes());
    while !pattern.is_empty() {
        let stars = pattern.iter().take_while(|&&byte| byte == b'*').count();
        let piece;
        (piece, pattern) = cut(pattern.get(stars..).unwrap_or_default());
        if piece.is_empty() {
            return Ok(!path.contains(&b'/'));
        }
        let name = path.iter().take_while(|&&byte| byte != b'/').count();
        let most = if stars > 0 { name } else { 0 };
        let mut rest = None;
        for taken in 0..=most {
            rest = begins(piece, path.get(taken..).unwrap_or_default())?;
            // The last piece has to reach the end.
            rest = rest.filter(|rest| rest.is_empty() || !pattern.is_empty());
            if rest.is_some() {
                break;
            }
        }
        let Some(rest) = rest else { return Ok(false) };
        path = rest;
    }
    Ok(path.is_empty())
}

/// The pattern up to the next `*` that stands for something, and from there.
fn cut(pattern: &[u8]) -> (&[u8], &[u8]) {
    let (mut in_class, mut escaped) = (false, false);
    let star = pattern.iter().position(|byte| {
        let literal = escaped;
        escaped = *byte == b'\\' && !literal;
        match byte {
            b'[' if !literal => in_class = true,
            b']' if !literal => in_class = false,
            _ => {}
        }
        *byte == b'*' && !literal && !in_class
    });
    pattern.split_at(star.unwrap_or(pattern.len()))
}

/// What is left of a text that begins as a piece without stars says; `None` where it does not.
fn begins<'t>(mut piece: &[u8], text: &'t [u8]) -> Result<Option<&'t [u8]>, BadPattern> {
    // Past a difference the piece is still read to its end, for its errors.
    let mut text = Some(text);
    while let Some((first, after)) = piece.split_first() {
        piece = after;
        text = match first {
            b'[' => {
                let next = text.and_then(next_char);
                let (fits, after) = class(piece, next.map(|(c, _)| c))?;
                piece = after;
                next.filter(|_| fits).map(|(_, rest)| rest)
            }
            b'?' => text.and_then(next_char).filter(|(c, _)| *c != '/').map(|(_, rest)| rest),
            b'\\' => {
                let (literal, after) = piece.split_first().ok_or(BadPattern)?;
                piece = after;
                text.and_then(|text| text.strip_prefix(&[*literal]))
            }
            literal => text.and_then(|text| text.strip_prefix(&[*literal])),
        };
    }
    Ok(text)
}

/// Whether a character is one of a class, and what stands behind its `]`.
fn class(mut piece: &[u8], c: Option<char>) -> Result<(bool, &[u8]), BadPattern> {
    let negated = piece.strip_prefix(b"^");
    piece = negated.unwrap_or(piece);
    let mut found = false;
    loop {
        let (low, after) = class_char(piece)?;
        let mut high = low;
        piece = after;
        if let Some(after) = piece.strip_prefix(b"-") {
            (high, piece) = class_char(after)?;
        }
        found |= c.is_some_and(|c| (low..=high).contains(&c));
        if let Some(after) = piece.strip_prefix(b"]") {
            return Ok((found != negated.is_some(), after));
        }
    }
}

/// A character of a class, and what follows it.
fn class_char(piece: &[u8]) -> Result<(char, &[u8]), BadPattern> {
    let plain = match piece {
        [b'-' | b']', ..] => return Err(BadPattern),
        [b'\\', escaped @ ..] => escaped,
        plain => plain,
    };
    next_char(plain).ok_or(BadPattern)
}

/// The first character, and what follows it. A byte that is none counts as one, as in Go: a star may end inside a character.
fn next_char(text: &[u8]) -> Option<(char, &[u8])> {
    let chunk = text.get(..text.len().min(4))?.utf8_chunks().next()?;
    let c = chunk.valid().chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
    let width = if chunk.valid().is_empty() { 1 } else { c.len_utf8() };
    Some((c, text.get(width..)?))
}

#[cfg(test)]
mod tests;
