//! The patterns of `.Files.Glob`.

use std::borrow::Cow;

/// Longest pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 4096;
/// What `{a,b}` may multiply out to.
const MAX_ALTERNATIVES: usize = 1000;

/// Braces in braces.
const MAX_BRACES: usize = 20;

/// One element of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `*`: any characters but `/`.
    Star,
    /// `**`: any characters.
    Any,
    /// `?`: one character but `/`.
    One,
    /// `[…]`: one character of (or not of) these ranges.
    Class {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
    Literal(char),
}

/// A pattern of `.Files.Glob`: `*`, `**`, `?`, `[a-c]`, `[!abc]`, `{a,b}`, with `/` as the separator.
#[derive(Debug)]
pub(crate) struct Glob {
    /// Every way that the pattern can be meant.
    ways: Vec<Vec<Part>>,
    /// Of a pattern of two texts around `**`: these. The peer lets them overlap, so that `d/**/f` also matches `d/f`.
    ends: Option<(String, String)>,
}

impl Glob {
    /// Reads a pattern; one that cannot be read matches everything, as in Helm.
    pub(crate) fn new(pattern: &str) -> Self {
        Self::parse(pattern).unwrap_or_else(|| Self { ways: vec![vec![Part::Any]], ends: None })
    }

    fn parse(pattern: &str) -> Option<Self> {
        if pattern.len() > MAX_PATTERN_BYTES {
            return None;
        }
        let chars: Vec<char> = pattern.chars().collect();
        let mut at = 0;
        let ways = alternatives(&chars, &mut at, 0)?;
        let ends = match ways.as_slice() {
            [parts] => ends(parts),
            _ => None,
        };
        (at == chars.len()).then_some(Self { ways, ends })
    }

    /// Whether a path matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let overlap = |(start, end): &(String, String)| path.starts_with(start) && path.ends_with(end);
        self.ends.as_ref().is_some_and(overlap) || self.ways.iter().any(|parts| matches(parts, path))
    }
}

/// The texts around the only `**` of a pattern that has nothing else.
fn ends(parts: &[Part]) -> Option<(String, String)> {
    let at = parts.iter().position(|part| *part == Part::Any)?;
    let text = |parts: &[Part]| -> Option<String> {
        parts.iter().map(|part| if let Part::Literal(c) = part { Some(*c) } else { None }).collect()
    };
    Some((text(parts.get(..at)?)?, text(parts.get(at + 1..)?)?))
}

/// Reads up to the end, or inside braces up to `,` or `}`: every way that the text can be meant.
fn alternatives(chars: &[char], at: &mut usize, depth: usize) -> Option<Vec<Vec<Part>>> {
    let inside = depth > 0;
    let mut all: Vec<Vec<Part>> = vec![Vec::new()];
    while let Some(c) = chars.get(*at) {
        *at += 1;
        let part = match c {
            ',' | '}' if inside => {
                *at -= 1;
                return Some(all);
            }
            '*' => {
                let double = chars.get(*at) == Some(&'*');
                *at += usize::from(double);
                if double { Part::Any } else { Part::Star }
            }
            '?' => Part::One,
            '\\' => {
                let escaped = *chars.get(*at)?;
                *at += 1;
                Part::Literal(escaped)
            }
            '[' => glob_class(chars, at)?,
            '{' => {
                if depth == MAX_BRACES {
                    return None;
                }
                let mut choices: Vec<Vec<Part>> = Vec::new();
                loop {
                    choices.extend(alternatives(chars, at, depth + 1)?);
                    let end = chars.get(*at)?;
                    *at += 1;
                    if *end == '}' {
                        break;
                    }
                }
                if all.len().saturating_mul(choices.len()) > MAX_ALTERNATIVES {
                    return None;
                }
                all = all
                    .iter()
                    .flat_map(|before| {
                        choices.iter().map(move |choice| before.iter().chain(choice).cloned().collect())
                    })
                    .collect();
                continue;
            }
            c => Part::Literal(*c),
        };
        all.iter_mut().for_each(|parts| parts.push(part.clone()));
    }
    (!inside).then_some(all)
}

fn glob_class(chars: &[char], at: &mut usize) -> Option<Part> {
    let negated = chars.get(*at) == Some(&'!');
    *at += usize::from(negated);
    let end = *at + chars.get(*at..)?.iter().position(|c| *c == ']')?;
    let inner = chars.get(*at..end)?;
    *at = end + 1;
    let ranges = match inner {
        [] => return None,
        [low, '-', high] => vec![(*low, *high)],
        // A dash behind the first character makes a range, or nothing that can be read.
        [_, '-', ..] => return None,
        list => list.iter().map(|c| (*c, *c)).collect(),
    };
    Some(Part::Class { ranges, negated })
}

/// Matches in time of at most pattern × text, without recursion.
fn matches(parts: &[Part], text: &str) -> bool {
    let text: Cow<'_, [char]> = text.chars().collect();
    // Which positions of the pattern can be reached with what was read so far.
    let mut reached = vec![false; parts.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    pass_stars(parts, &mut reached);
    for c in text.iter() {
        let mut next = vec![false; parts.len() + 1];
        for (at, part) in parts.iter().enumerate() {
            if !reached.get(at).copied().unwrap_or_default() {
                continue;
            }
            let (stays, goes) = match part {
                Part::Star => (*c != '/', false),
                Part::Any => (true, false),
                Part::One => (false, *c != '/'),
                Part::Literal(literal) => (false, literal == c),
                Part::Class { ranges, negated } => {
                    let within = ranges.iter().any(|(low, high)| low <= c && c <= high);
                    (false, within != *negated)
                }
            };
            if stays && let Some(here) = next.get_mut(at) {
                *here = true;
            }
            if goes && let Some(there) = next.get_mut(at + 1) {
                *there = true;
            }
        }
        pass_stars(parts, &mut next);
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

/// A star may also stand for nothing.
fn pass_stars(parts: &[Part], reached: &mut [bool]) {
    for (at, part) in parts.iter().enumerate() {
        let here = reached.get(at).copied().unwrap_or_default();
        if here
            && matches!(part, Part::Star | Part::Any)
            && let Some(there) = reached.get_mut(at + 1)
        {
            *there = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn files_glob() {
        // (pattern, path, matches)
        let rows = [
            ("*.txt", "a.txt", true),
            ("*.txt", "d/a.txt", false),
            ("**.txt", "d/a.txt", true),
            ("**", "d/e/f", true),
            ("d/**", "d/e/f", true),
            ("d/*", "d/e/f", false),
            ("**/f", "d/e/f", true),
            ("**/f", "f", false),
            ("d/**/f", "d/f", true),
            ("d/**/f", "d/e/f", true),
            ("d/**/f", "df", false),
            ("d/*/f", "d/f", false),
            ("{f,{a.b,a-b}}", "a-b", true),
            ("a[.-]b", "what/ever", true),
            ("a[-.]b", "a-b", true),
            ("{a,b}.txt", "b.txt", true),
            ("{a,b}.txt", "c.txt", false),
            ("d/{*.x,*.y}", "d/e.y", true),
            ("[a-c].txt", "b.txt", true),
            ("[!a-c].txt", "b.txt", false),
            ("[abc].txt", "c.txt", true),
            ("?.txt", "ab.txt", false),
            ("[", "anything/at/all", true),
            ("", "", true),
            ("", "a", false),
            (r"\*", "*", true),
        ];
        for (pattern, path, want) in rows {
            assert_eq!(Glob::new(pattern).matches(path), want, "{pattern} on {path}");
        }
        let hostile = "*a".repeat(2000);
        assert!(!Glob::new(&hostile).matches(&"a".repeat(1999)));
    }
}
