//! One version.

use std::cmp::Ordering;
use std::fmt;

/// Longest version, in bytes.
const MAX_VERSION_BYTES: usize = 256;

/// Why a text is no version. The words are the peer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Not of the form at all.
    #[error("invalid semantic version")]
    Invalid,
    /// More than 256 bytes.
    #[error("version string is too long (max {MAX_VERSION_BYTES} bytes)")]
    TooLong,
    /// A number past 64 bits.
    #[error("error parsing version segment: strconv.ParseUint: parsing \"{0}\": value out of range")]
    OutOfRange(String),
    /// A numeric identifier of a pre-release with a zero before it.
    #[error("version segment starts with 0")]
    SegmentStartsZero,
    /// A pre-release with other than identifiers.
    #[error("invalid prerelease string")]
    InvalidPrerelease,
    /// Build metadata with other than identifiers.
    #[error("invalid metadata string")]
    InvalidMetadata,
}

/// A version as a tag or chart has it; ordered by precedence, which build metadata does not count for.
#[derive(Clone, Debug)]
pub struct Version {
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) patch: u64,
    pub(crate) pre: String,
    metadata: String,
    original: String,
}

impl Version {
    /// `v1.2.3-rc.1+build`, where `v`, minor and patch may be missing and numbers may have zeros before them.
    pub fn new(text: &str) -> Result<Self, VersionError> {
        if text.len() > MAX_VERSION_BYTES {
            return Err(VersionError::TooLong);
        }
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let parts = Parts::scan(text, digits).filter(|parts| parts.len == text.len());
        let parts = parts.ok_or(VersionError::Invalid)?;
        let number = |text: Option<&str>| {
            let text = text.unwrap_or("0");
            text.parse().map_err(|_| VersionError::OutOfRange(text.into()))
        };
        check_pre(parts.pre)?;
        Ok(Self {
            major: number(Some(parts.major))?,
            minor: number(parts.minor)?,
            patch: number(parts.patch)?,
            pre: parts.pre.into(),
            metadata: parts.metadata.into(),
            original: text.into(),
        })
    }

    /// As [`Version::new`], for those who do not tell why not.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::new(text).ok()
    }

    /// The first number.
    #[must_use]
    pub fn major(&self) -> u64 {
        self.major
    }

    /// The second number.
    #[must_use]
    pub fn minor(&self) -> u64 {
        self.minor
    }

    /// The third number.
    #[must_use]
    pub fn patch(&self) -> u64 {
        self.patch
    }

    /// What follows `-`; empty for a release.
    #[must_use]
    pub fn prerelease(&self) -> &str {
        &self.pre
    }

    /// What follows `+`; empty without.
    #[must_use]
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// The text that it was read from. (`Display` writes all three numbers and no `v`.)
    #[must_use]
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The next patch: a pre-release's own release, else one more. `None` past 64 bits.
    #[must_use]
    pub fn next_patch(&self) -> Option<Self> {
        let patch = if self.pre.is_empty() { self.patch.checked_add(1)? } else { self.patch };
        Some(self.with(self.major, self.minor, patch))
    }

    /// The next minor version. `None` past 64 bits.
    #[must_use]
    pub fn next_minor(&self) -> Option<Self> {
        Some(self.with(self.major, self.minor.checked_add(1)?, 0))
    }

    /// The next major version. `None` past 64 bits.
    #[must_use]
    pub fn next_major(&self) -> Option<Self> {
        Some(self.with(self.major.checked_add(1)?, 0, 0))
    }

    /// The same with another pre-release; an empty one for none.
    pub fn with_prerelease(&self, pre: &str) -> Result<Self, VersionError> {
        if !pre.is_empty() {
            if !are_identifiers(pre) {
                return Err(VersionError::InvalidPrerelease);
            }
            check_pre(pre)?;
        }
        Ok(Self { pre: pre.into(), ..self.clone() }.renamed())
    }

    /// The same with other build metadata; empty for none.
    pub fn with_metadata(&self, metadata: &str) -> Result<Self, VersionError> {
        if !metadata.is_empty() && !are_identifiers(metadata) {
            return Err(VersionError::InvalidMetadata);
        }
        Ok(Self { metadata: metadata.into(), ..self.clone() }.renamed())
    }

    fn with(&self, major: u64, minor: u64, patch: u64) -> Self {
        let (pre, metadata) = (String::new(), String::new());
        Self { major, minor, patch, pre, metadata, original: self.original.clone() }.renamed()
    }

    /// A changed version's original is its text, with the `v` that the first one had.
    fn renamed(mut self) -> Self {
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        self.original = format!("{prefix}{self}");
        self
    }

    /// As the peer's `Compare`.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(formatter, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(formatter, "+{}", self.metadata)?;
        }
        Ok(())
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

/// The pieces of a version at the beginning of a text.
pub(crate) struct Parts<'a> {
    pub(crate) major: &'a str,
    pub(crate) minor: Option<&'a str>,
    pub(crate) patch: Option<&'a str>,
    pub(crate) pre: &'a str,
    pub(crate) metadata: &'a str,
    /// Bytes that the whole takes.
    pub(crate) len: usize,
}

impl<'a> Parts<'a> {
    /// `number` says how many bytes of its argument are a number (or stand for one).
    pub(crate) fn scan(text: &'a str, number: impl Fn(&str) -> usize) -> Option<Self> {
        let mut rest = text.strip_prefix('v').unwrap_or(text);
        let (major, after) = rest.split_at(number(rest));
        if major.is_empty() {
            return None;
        }
        rest = after;
        let mut next = || {
            let after = rest.strip_prefix('.')?;
            let (part, after) = after.split_at(number(after));
            if part.is_empty() {
                return None;
            }
            rest = after;
            Some(part)
        };
        let minor = next();
        let patch = minor.and_then(|_| next());
        let mut tail = |sign: char| {
            let Some(after) = rest.strip_prefix(sign) else { return "" };
            let (part, after) = after.split_at(identifiers_len(after));
            if !part.is_empty() {
                rest = after;
            }
            part
        };
        let pre = tail('-');
        let metadata = tail('+');
        Some(Self { major, minor, patch, pre, metadata, len: text.len() - rest.len() })
    }
}

/// Bytes of identifiers, separated by dots, at the beginning of a text.
fn identifiers_len(text: &str) -> usize {
    let mut len = 0;
    for (at, identifier) in text.split('.').enumerate() {
        let good = identifier.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'-').count();
        if good == 0 {
            break;
        }
        len += good + usize::from(at > 0);
        if good < identifier.len() {
            break;
        }
    }
    len
}

fn are_identifiers(text: &str) -> bool {
    identifiers_len(text) == text.len()
}

fn check_pre(pre: &str) -> Result<(), VersionError> {
    let leading_zero =
        |id: &str| id.len() > 1 && id.starts_with('0') && id.bytes().all(|b| b.is_ascii_digit());
    if pre.split('.').any(leading_zero) {
        return Err(VersionError::SegmentStartsZero);
    }
    Ok(())
}

pub(crate) fn compare_pre(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) => match (x.parse::<u64>(), y.parse::<u64>()) {
                (Ok(x), Ok(y)) => x.cmp(&y),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => x.cmp(y),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}
