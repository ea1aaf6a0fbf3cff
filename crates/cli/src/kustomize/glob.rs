//! Patterns of files, as Go's `path/filepath` has them.

use std::path::Path;

/// Files and directories that a pattern leads to from a directory, in the order of their names; hidden ones only where the pattern's last
/// name begins with a dot.
///
/// **Errors**: a pattern that is none.
pub(super) fn glob(directory: &Path, pattern: &str) -> Result<Vec<String>, String> {
    matches(pattern, "")?;
    let found = find(directory, pattern);
    let hidden =
        |path: &str| path.trim_end_matches('/').rsplit('/').next().is_some_and(|name| name.starts_with('.'));
    let all = hidden(pattern);
    Ok(found.into_iter().filter(|path| all || !hidden(path)).collect())
}

/// What patterns lead to; one that leads nowhere has to be the address of a repository.
pub(super) fn existing(directory: &Path, patterns: &[String]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for pattern in patterns {
        let here = glob(directory, pattern)?;
        if here.is_empty() && !is_remote(pattern) {
            return Err(format!(
                "{pattern} has no match: it is no file, no directory and no address of a repository"
            ));
        }
        if here.is_empty() {
            found.push(pattern.clone());
        } else {
            found.extend(here);
        }
    }
    Ok(found)
}

/// Whether a name fits a pattern: `*` and `?` stop at `/`, `[a-z]` and `[^a-z]` are one character, `\` takes the next as it is.
pub(super) fn matches(pattern: &str, name: &str) -> Result<bool, String> {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    check(&pattern)?;
    // The last `*`, and how far it had reached: going back to it is enough, since it may take anything the ones before could.
    let (mut at, mut from, mut star) = (0, 0, None);
    loop {
        let next = pattern.get(at).copied();
        if next == Some('*') {
            star = Some((at, from));
            at += 1;
            continue;
        }
        let step = match (next, name.get(from)) {
            (None, None) => return Ok(true),
            (Some(_), Some(&c)) => one(&pattern, at, c),
            _ => None,
        };
        match (step, star) {
            (Some(width), _) => (at, from) = (at + width, from + 1),
            (None, Some((star_at, taken))) if name.get(taken).is_some_and(|c| *c != '/') => {
                star = Some((star_at, taken + 1));
                (at, from) = (star_at + 1, taken + 1);
            }
            _ => return Ok(false),
        }
    }
}

/// How many characters of the pattern stand for this one; `None` where they do not.
fn one(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => (c != '/').then_some(1),
        '\\' => (pattern.get(at + 1) == Some(&c)).then_some(2),
        '[' => {
            let (inside, width) = class(pattern, at)?;
            let negated = inside.first() == Some(&'^');
            let ranges = if negated { inside.get(1..)? } else { inside };
            (fits(ranges, c) != negated).then_some(width)
        }
        literal => (*literal == c).then_some(1),
    }
}

/// What stands in brackets, and the width with them.
fn class(pattern: &[char], at: usize) -> Option<(&[char], usize)> {
    let mut end = at + 1;
    while *pattern.get(end)? != ']' || end == at + 1 {
        end += if pattern.get(end) == Some(&'\\') { 2 } else { 1 };
    }
    Some((pattern.get(at + 1..end)?, end + 1 - at))
}

fn fits(ranges: &[char], c: char) -> bool {
    let mut rest = ranges.iter().copied().filter(|c| *c != '\\').peekable();
    while let Some(low) = rest.next() {
        let high = match rest.peek() {
            Some('-') => {
                rest.next();
                rest.next().unwrap_or(low)
            }
            _ => low,
        };
        if (low..=high).contains(&c) {
            return true;
        }
    }
    false
}

fn check(pattern: &[char]) -> Result<(), String> {
    let mut at = 0;
    while let Some(c) = pattern.get(at) {
        at += match c {
            '[' => {
                class(pattern, at)
                    .filter(|(inside, _)| !inside.is_empty())
                    .ok_or("syntax error in pattern")?
                    .1
            }
            '\\' if pattern.get(at + 1).is_none() => return Err("syntax error in pattern".to_owned()),
            '\\' => 2,
            _ => 1,
        };
    }
    Ok(())
}

fn find(directory: &Path, pattern: &str) -> Vec<String> {
    if !pattern.contains(['*', '?', '[', '\\']) {
        let there = !pattern.is_empty() && directory.join(pattern).symlink_metadata().is_ok();
        return if there { vec![pattern.to_owned()] } else { Vec::new() };
    }
    let (above, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let directories = if above.is_empty() { vec![above.to_owned()] } else { find(directory, above) };
    let mut found = Vec::new();
    for above in directories {
        let Ok(entries) = std::fs::read_dir(directory.join(&above)) else { continue };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        let fitting = names.into_iter().filter(|name| matches(last, name) == Ok(true));
        found.extend(fitting.map(|name| if above.is_empty() { name } else { format!("{above}/{name}") }));
    }
    found
}

/// Whether a text is the address of a repository, or of a file.
fn is_remote(text: &str) -> bool {
    text.starts_with("https://")
        || text.starts_with("http://")
        || ::kustomize::RepoSpec::parse(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_go() {
        let rows = [
            ("a.yaml", "a.yaml", true),
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "b/a.yaml", false),
            ("*/*.yaml", "b/a.yaml", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a*b*c", "aXbYbc", true),
            ("a*b*c", "aXbYb", false),
            ("*", "", true),
            ("", "", true),
            ("a", "", false),
            ("[]a]", "]", true),
            ("*a", "aaa", true),
        ];
        for (pattern, name, fits) in rows {
            assert_eq!(matches(pattern, name), Ok(fits), "{pattern} {name}");
        }
        for bad in ["[", "[a", "a\\", "x[^"] {
            assert!(matches(bad, "a").is_err(), "{bad}");
        }
    }
}
