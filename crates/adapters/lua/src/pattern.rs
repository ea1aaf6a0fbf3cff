//! Lua's string patterns, with a budget: a backtracking match that can be stopped, which a call into C cannot.
//!
//! Texts and patterns are bytes, as in Lua. Positions count from 0.

/// How deep a match may nest: captures, optional items and lazy repeats each take a level. Beyond it, the pattern is
/// refused.
const MAX_DEPTH: usize = 220;

/// As many captures as Lua allows.
const MAX_CAPTURES: usize = 32;

/// Why a match ended without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PatternError {
    /// The pattern is not one.
    Malformed(&'static str),
    /// It nests too deep.
    TooDeep,
    /// The budget is used up.
    Budget,
}

/// What a capture holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capture {
    /// A part of the text.
    Range(usize, usize),
    /// `()`: a place.
    Position(usize),
}

/// A match: from where to where, and what was captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) captures: Vec<Capture>,
}

#[derive(Clone, Copy)]
enum Slot {
    Open(usize),
    Closed(usize, usize),
    Position(usize),
}

struct Matcher<'a, F> {
    text: &'a [u8],
    pattern: &'a [u8],
    slots: Vec<Slot>,
    depth: usize,
    /// Asked for every step; `false` ends the match.
    step: &'a mut F,
}

/// The first match at or behind `from`; `step` is asked for every step and ends the match by `false`.
pub(crate) fn find<F: FnMut() -> bool>(
    text: &[u8],
    pattern: &[u8],
    from: usize,
    step: &mut F,
) -> Result<Option<Match>, PatternError> {
    let (anchored, pattern) = match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut matcher = Matcher { text, pattern, slots: Vec::new(), depth: 0, step };
    let last = if anchored { from } else { text.len() };
    for start in from..=last {
        matcher.slots.clear();
        if let Some(end) = matcher.run(start, 0)? {
            return Ok(Some(Match { start, end, captures: matcher.captures()? }));
        }
    }
    Ok(None)
}

impl<F: FnMut() -> bool> Matcher<'_, F> {
    fn captures(&self) -> Result<Vec<Capture>, PatternError> {
        let capture = |slot: &Slot| match slot {
            Slot::Closed(start, end) => Ok(Capture::Range(*start, *end)),
            Slot::Position(at) => Ok(Capture::Position(*at)),
            Slot::Open(_) => Err(PatternError::Malformed("unfinished capture")),
        };
        self.slots.iter().map(capture).collect()
    }

    fn tick(&mut self) -> Result<(), PatternError> {
        if (self.step)() { Ok(()) } else { Err(PatternError::Budget) }
    }

    fn at(&self, p: usize) -> Option<u8> {
        self.pattern.get(p).copied()
    }

    /// Matches the pattern from `p` at `s`, one level deeper.
    fn run(&mut self, s: usize, p: usize) -> Result<Option<usize>, PatternError> {
        if self.depth >= MAX_DEPTH {
            return Err(PatternError::TooDeep);
        }
        self.depth += 1;
        let found = self.items(s, p);
        self.depth -= 1;
        found
    }

    fn items(&mut self, mut s: usize, mut p: usize) -> Result<Option<usize>, PatternError> {
        loop {
            self.tick()?;
            let Some(c) = self.at(p) else { return Ok(Some(s)) };
            match (c, self.at(p + 1)) {
                (b'(', Some(b')')) => return self.open(s, p + 2, true),
                (b'(', _) => return self.open(s, p + 1, false),
                (b')', _) => return self.close(s, p + 1),
                (b'$', None) => return Ok((s == self.text.len()).then_some(s)),
                (b'%', Some(b'b')) => match self.balanced(s, p + 2)? {
                    Some(end) => (s, p) = (end, p + 4),
                    None => return Ok(None),
                },
                (b'%', Some(b'f')) => match self.frontier(s, p + 2)? {
                    Some(behind) => p = behind,
                    None => return Ok(None),
                },
                (b'%', Some(digit)) if digit.is_ascii_digit() => match self.again(s, digit)? {
                    Some(end) => (s, p) = (end, p + 2),
                    None => return Ok(None),
                },
                _ => {
                    let behind = self.class_end(p)?;
                    match self.at(behind) {
                        Some(b'?') => {
                            if self.single(s, p, behind)
                                && let Some(end) = self.run(s + 1, behind + 1)?
                            {
                                return Ok(Some(end));
                            }
                            p = behind + 1;
                        }
                        Some(b'*') => return self.greedy(s, p, behind, 0),
                        Some(b'+') => return self.greedy(s, p, behind, 1),
                        Some(b'-') => return self.lazy(s, p, behind),
                        _ if self.single(s, p, behind) => (s, p) = (s + 1, behind),
                        _ => return Ok(None),
                    }
                }
            }
        }
    }

    /// The pattern's item at `p` ends here.
    fn class_end(&self, p: usize) -> Result<usize, PatternError> {
        match self.at(p) {
            Some(b'%') if self.at(p + 1).is_none() => {
                Err(PatternError::Malformed("malformed pattern (ends with '%')"))
            }
            Some(b'%') => Ok(p + 2),
            Some(b'[') => {
                let mut at = p + 1;
                if self.at(at) == Some(b'^') {
                    at += 1;
                }
                // The first character is never the end.
                let mut first = true;
                loop {
                    match self.at(at) {
                        None => return Err(PatternError::Malformed("malformed pattern (missing ']')")),
                        Some(b']') if !first => return Ok(at + 1),
                        Some(b'%') => at += 2,
                        Some(_) => at += 1,
                    }
                    first = false;
                }
            }
            _ => Ok(p + 1),
        }
    }

    /// Whether the one character at `s` fits the item from `p` to `end`.
    fn single(&self, s: usize, p: usize, end: usize) -> bool {
        let Some(c) = self.text.get(s).copied() else { return false };
        match (self.at(p), self.at(p + 1)) {
            (Some(b'.'), _) => true,
            (Some(b'%'), Some(class)) => in_class(c, class),
            (Some(b'['), _) => in_set(c, self.pattern.get(p..end).unwrap_or_default()),
            (Some(literal), _) => literal == c,
            (None, _) => false,
        }
    }

    fn greedy(
        &mut self,
        s: usize,
        p: usize,
        end: usize,
        least: usize,
    ) -> Result<Option<usize>, PatternError> {
        let mut count = 0;
        while self.single(s + count, p, end) {
            self.tick()?;
            count += 1;
        }
        while count >= least {
            if let Some(found) = self.run(s + count, end + 1)? {
                return Ok(Some(found));
            }
            if count == 0 {
                break;
            }
            count -= 1;
        }
        Ok(None)
    }

    fn lazy(&mut self, mut s: usize, p: usize, end: usize) -> Result<Option<usize>, PatternError> {
        loop {
            if let Some(found) = self.run(s, end + 1)? {
                return Ok(Some(found));
            }
            if !self.single(s, p, end) {
                return Ok(None);
            }
            s += 1;
        }
    }

    fn open(&mut self, s: usize, p: usize, position: bool) -> Result<Option<usize>, PatternError> {
        if self.slots.len() >= MAX_CAPTURES {
            return Err(PatternError::Malformed("too many captures"));
        }
        let level = self.slots.len();
        self.slots.push(if position { Slot::Position(s) } else { Slot::Open(s) });
        let found = self.run(s, p)?;
        if found.is_none() {
            self.slots.truncate(level);
        }
        Ok(found)
    }

    fn close(&mut self, s: usize, p: usize) -> Result<Option<usize>, PatternError> {
        let open = self.slots.iter_mut().rev().find_map(|slot| match slot {
            Slot::Open(start) => Some((*start, slot)),
            Slot::Closed(..) | Slot::Position(_) => None,
        });
        let Some((start, slot)) = open else {
            return Err(PatternError::Malformed("invalid pattern capture"));
        };
        *slot = Slot::Closed(start, s);
        let at = self
            .slots
            .iter()
            .rposition(|slot| matches!(slot, Slot::Closed(from, to) if (*from, *to) == (start, s)));
        let found = self.run(s, p)?;
        if let (None, Some(slot)) = (found, at.and_then(|at| self.slots.get_mut(at))) {
            *slot = Slot::Open(start);
        }
        Ok(found)
    }

    fn balanced(&mut self, s: usize, p: usize) -> Result<Option<usize>, PatternError> {
        let (Some(begin), Some(end)) = (self.at(p), self.at(p + 1)) else {
            return Err(PatternError::Malformed("unbalanced pattern"));
        };
        if self.text.get(s) != Some(&begin) {
            return Ok(None);
        }
        let mut open = 1usize;
        let mut at = s + 1;
        while let Some(c) = self.text.get(at).copied() {
            self.tick()?;
            at += 1;
            if c == end {
                open -= 1;
                if open == 0 {
                    return Ok(Some(at));
                }
            } else if c == begin {
                open += 1;
            }
        }
        Ok(None)
    }

    /// `%f[set]`: between a character outside of the set and one inside; the text's ends count as `\0`.
    fn frontier(&self, s: usize, p: usize) -> Result<Option<usize>, PatternError> {
        if self.at(p) != Some(b'[') {
            return Err(PatternError::Malformed("missing '[' after '%f' in pattern"));
        }
        let end = self.class_end(p)?;
        let set = self.pattern.get(p..end).unwrap_or_default();
        let before = s.checked_sub(1).and_then(|at| self.text.get(at)).copied().unwrap_or(0);
        let here = self.text.get(s).copied().unwrap_or(0);
        Ok((!in_set(before, set) && in_set(here, set)).then_some(end))
    }

    /// `%1`: what a capture holds, again.
    fn again(&mut self, s: usize, digit: u8) -> Result<Option<usize>, PatternError> {
        self.tick()?;
        let slot = usize::from(digit).checked_sub(usize::from(b'1')).and_then(|at| self.slots.get(at));
        let Some(Slot::Closed(start, end)) = slot else {
            return Err(PatternError::Malformed("invalid capture index"));
        };
        let held = self.text.get(*start..*end).unwrap_or_default();
        let same = self.text.get(s..).is_some_and(|rest| rest.starts_with(held));
        Ok(same.then_some(s + held.len()))
    }
}

fn in_class(c: u8, class: u8) -> bool {
    let inside = match class.to_ascii_lowercase() {
        b'a' => c.is_ascii_alphabetic(),
        b'c' => c.is_ascii_control(),
        b'd' => c.is_ascii_digit(),
        b'l' => c.is_ascii_lowercase(),
        b'p' => c.is_ascii_punctuation(),
        // The vertical tab is a space for C, and not for Rust.
        b's' => c.is_ascii_whitespace() || c == 0x0b,
        b'u' => c.is_ascii_uppercase(),
        b'w' => c.is_ascii_alphanumeric(),
        b'x' => c.is_ascii_hexdigit(),
        b'z' => c == 0,
        _ => return class == c,
    };
    inside != class.is_ascii_uppercase()
}

/// Whether a character is in `[...]`, brackets included.
fn in_set(c: u8, set: &[u8]) -> bool {
    let inner = set.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")).unwrap_or_default();
    let (negated, inner) = match inner.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, inner),
    };
    let mut at = 0;
    while let Some(first) = inner.get(at).copied() {
        match (first, inner.get(at + 1).copied(), inner.get(at + 2).copied()) {
            (b'%', Some(class), _) => {
                if in_class(c, class) {
                    return !negated;
                }
                at += 2;
            }
            (low, Some(b'-'), Some(high)) => {
                if (low..=high).contains(&c) {
                    return !negated;
                }
                at += 3;
            }
            (literal, _, _) => {
                if literal == c {
                    return !negated;
                }
                at += 1;
            }
        }
    }
    negated
}

#[cfg(test)]
mod tests;
