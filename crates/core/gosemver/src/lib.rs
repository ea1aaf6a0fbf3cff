//! Version ranges as the peer's library reads them (Masterminds/semver v3), not as Cargo does.
//!
//! Looser than semver.org in the version (`v1.2`, `1`) and richer in the range (`1.x`, `~1.2`, `^0.2`, `1 - 2.3`, `>=1 <3 || 5.*`).
//! A range without a pre-release matches no pre-release.

use std::cmp::Ordering;

/// Longest range, in bytes, and most alternatives and comparators in one.
const MAX_RANGE_BYTES: usize = 512;

/// A version as a tag has it; ordered by precedence (build metadata does not count).
#[derive(Clone, Debug)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    pre: Vec<String>,
}

impl Version {
    /// `v1.2.3-rc.1+build`, where `v`, minor and patch may be missing.
    pub fn parse(text: &str) -> Option<Self> {
        let parts = Parts::parse(text)?;
        let number = |part: &Option<String>| match part {
            None => Some(0),
            Some(digits) => digits.parse().ok(),
        };
        Some(Self {
            major: parts.major.parse().ok()?,
            minor: number(&parts.minor)?,
            patch: number(&parts.patch)?,
            pre: parts.pre,
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare(other)
    }
}

/// A version with some text in place of its numbers.
struct Parts {
    major: String,
    minor: Option<String>,
    patch: Option<String>,
    pre: Vec<String>,
}

impl Parts {
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        let (numbers, pre) = text.split_once('-').map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
        let identifiers = |text: &str| -> Option<Vec<String>> {
            let fine =
                |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            text.split('.').map(|id| fine(id).then(|| id.to_owned())).collect()
        };
        if let Some(build) = build {
            identifiers(build)?;
        }
        let pre = pre.map_or(Some(Vec::new()), identifiers)?;
        let leading_zero =
            |id: &String| id.len() > 1 && id.starts_with('0') && id.bytes().all(|b| b.is_ascii_digit());
        if pre.iter().any(leading_zero) {
            return None;
        }
        let mut numbers = numbers.split('.').map(str::to_owned);
        let parts = Self { major: numbers.next()?, minor: numbers.next(), patch: numbers.next(), pre };
        (numbers.next().is_none() && !parts.major.is_empty()).then_some(parts)
    }
}

fn compare_pre(a: &[String], b: &[String]) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    for (x, y) in a.iter().zip(b) {
        let order = match (x.parse::<u64>(), y.parse::<u64>()) {
            (Ok(x), Ok(y)) => x.cmp(&y),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => x.cmp(y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// A range: alternatives (`||`) of comparators that all must hold (`,` or space).
#[derive(Clone, Debug)]
pub struct Range(Vec<Vec<Comparator>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    /// None or `=`: equal, or within what a wildcard leaves open.
    Is,
    Not,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// Which parts of a comparator's version were left out or written as `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Open {
    None,
    Patch,
    Minor,
    All,
}

#[derive(Clone, Debug)]
struct Comparator {
    operator: Operator,
    version: Version,
    open: Open,
}

impl Range {
    /// None when the text is no range; a plain version is one too (ask [`Version::parse`] first where that matters).
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_RANGE_BYTES {
            return None;
        }
        text.split("||").map(parse_all).collect::<Option<Vec<_>>>().map(Self)
    }

    /// Whether `version` lies in the range. A pre-release does only where a comparator of the same alternative names one.
    pub fn matches(&self, version: &Version) -> bool {
        self.0.iter().any(|all| {
            let wants_pre = all.iter().any(|comparator| !comparator.version.pre.is_empty());
            (version.pre.is_empty() || wants_pre) && all.iter().all(|comparator| comparator.matches(version))
        })
    }

    /// The name with the highest version in the range among `names`; others than versions are passed over. `0.0.0` and what
    /// comes before it never win, as in the peer.
    pub fn highest<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let mut best = (Version { major: 0, minor: 0, patch: 0, pre: Vec::new() }, None);
        for name in names {
            if let Some(version) = Version::parse(name)
                && version > best.0
                && self.matches(&version)
            {
                best = (version, Some(name));
            }
        }
        best.1
    }
}

fn parse_all(text: &str) -> Option<Vec<Comparator>> {
    // `1.2 - 3.4` is the one place where a lone dash stands between blanks.
    let words: Vec<&str> = text.split([' ', '\t', ',']).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        // Nothing at all is everything.
        return if text.contains(',') { None } else { Some(vec![comparator(Operator::Is, "*")?]) };
    }
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if words.get(at + 1) == Some(&"-") {
            all.push(comparator(Operator::GreaterOrEqual, word)?);
            all.push(comparator(Operator::LessOrEqual, words.get(at + 2)?)?);
            at += 3;
            continue;
        }
        let (operator, rest) = split_operator(word);
        if rest.is_empty() {
            // An operator may stand apart from its version.
            at += 1;
            all.push(comparator(operator, words.get(at)?)?);
        } else {
            all.push(comparator(operator, rest)?);
        }
        at += 1;
    }
    Some(all)
}

fn split_operator(word: &str) -> (Operator, &str) {
    const OPERATORS: [(&str, Operator); 12] = [
        (">=", Operator::GreaterOrEqual),
        ("=>", Operator::GreaterOrEqual),
        ("<=", Operator::LessOrEqual),
        ("=<", Operator::LessOrEqual),
        ("!=", Operator::Not),
        ("~>", Operator::Tilde),
        ("~", Operator::Tilde),
        ("^", Operator::Caret),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("=", Operator::Is),
        ("", Operator::Is),
    ];
    OPERATORS
        .iter()
        .find_map(|(sign, operator)| Some((*operator, word.strip_prefix(sign)?)))
        .unwrap_or((Operator::Is, word))
}

fn comparator(operator: Operator, text: &str) -> Option<Comparator> {
    let parts = Parts::parse(text)?;
    let open = |part: &Option<String>| part.as_deref().is_none_or(|part| matches!(part, "x" | "X" | "*"));
    let (open, major, minor, patch) = if open(&Some(parts.major.clone())) {
        (Open::All, "0", None, None)
    } else if open(&parts.minor) {
        (Open::Minor, parts.major.as_str(), None, None)
    } else if open(&parts.patch) {
        (Open::Patch, parts.major.as_str(), parts.minor.as_deref(), None)
    } else {
        (Open::None, parts.major.as_str(), parts.minor.as_deref(), parts.patch.as_deref())
    };
    let number = |text: Option<&str>| text.map_or(Some(0), |text| text.parse().ok());
    let version =
        Version { major: number(Some(major))?, minor: number(minor)?, patch: number(patch)?, pre: parts.pre };
    Some(Comparator { operator, version, open })
}

impl Comparator {
    fn matches(&self, v: &Version) -> bool {
        let c = &self.version;
        match self.operator {
            Operator::Is if self.open == Open::None => v == c,
            Operator::Is | Operator::Tilde => self.tilde(v),
            Operator::Not => match self.open {
                Open::None => v != c,
                Open::Patch => v.major != c.major || v.minor != c.minor,
                Open::Minor => v.major != c.major,
                Open::All => false,
            },
            Operator::Greater => match self.open {
                Open::None => v > c,
                Open::Patch => (v.major, v.minor) > (c.major, c.minor),
                Open::Minor | Open::All => v.major > c.major,
            },
            Operator::Less => v < c,
            Operator::GreaterOrEqual => v >= c,
            Operator::LessOrEqual => match self.open {
                Open::None => v <= c,
                Open::Patch => (v.major, v.minor) <= (c.major, c.minor),
                Open::Minor | Open::All => v.major <= c.major,
            },
            Operator::Caret => self.caret(v),
        }
    }

    fn tilde(&self, v: &Version) -> bool {
        let c = &self.version;
        match self.open {
            _ if v < c => false,
            Open::All => true,
            // A corner of the peer's library: `~0.0.0` is everything.
            Open::None if (c.major, c.minor, c.patch) == (0, 0, 0) => true,
            Open::Minor => v.major == c.major,
            Open::None | Open::Patch => (v.major, v.minor) == (c.major, c.minor),
        }
    }

    fn caret(&self, v: &Version) -> bool {
        let c = &self.version;
        if v < c {
            return false;
        }
        match self.open {
            Open::All => true,
            Open::Minor => v.major == c.major,
            Open::None | Open::Patch if c.major > 0 => v.major == c.major,
            Open::Patch => (v.major, v.minor) == (0, c.minor),
            Open::None if c.minor > 0 => (v.major, v.minor) == (0, c.minor),
            Open::None => (v.major, v.minor, v.patch) == (0, 0, c.patch),
        }
    }
}

#[cfg(test)]
mod tests;
