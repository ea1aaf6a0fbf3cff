//! A reference to an image, split.

use std::fmt;

/// A reference to a container image: `registry.example:5000/team/api:1.2@sha256:…`.
///
/// It is text that was cut, and `Display` puts it together again as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ImageRef {
    /// Registry and path: everything before the tag and the digest.
    pub name: String,
    /// What follows the `:`.
    pub tag: Option<String>,
    /// What follows the `@`, with its algorithm: `sha256:…`.
    pub digest: Option<String>,
}

/// Why a text is no reference to an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no image: {problem}")]
pub struct InvalidImage {
    /// The text.
    pub text: String,
    /// What is wrong.
    pub problem: &'static str,
}

impl ImageRef {
    /// Cuts any text.
    ///
    /// **Shape**: behind the first `/` (a registry before it may have a port) the first `:` starts the tag and the first `@` the digest;
    /// a `:` behind an `@` belongs to the digest. What is missing, or empty, is `None`. **Errors**: none; a text that is no reference is
    /// cut all the same.
    /// **Source**: kustomize v5.8 (api v0.21), `internal/image`, `Split`, which gives texts of which the empty one says "none".
    pub fn split(text: &str) -> Self {
        let path = text.find('/').filter(|&slash| slash > 0).unwrap_or(0);
        let behind = |c: char| text.get(path..).and_then(|rest| rest.find(c)).map(|at| at + path);
        let (colon, at) = (behind(':'), behind('@'));
        let colon = colon.filter(|&colon| at.is_none_or(|at| colon < at));
        let end = text.len();
        let part = |from: Option<usize>, to: usize| {
            from.and_then(|from| text.get(from + 1..to)).filter(|part| !part.is_empty()).map(str::to_owned)
        };
        Self {
            name: text.get(..colon.or(at).unwrap_or(end)).unwrap_or(text).to_owned(),
            tag: part(colon, at.unwrap_or(end)),
            digest: part(at, end),
        }
    }

    /// Cuts a text that somebody typed, and says what is wrong with it.
    ///
    /// **Errors**: [`InvalidImage`] where a container runtime would refuse it: an empty name, characters that names, tags or digests
    /// cannot have, a tag of more than 128 characters. Of a digest only the form `ALGORITHM:HEX` is checked, and the length of sha256.
    /// **Source**: the grammar of `distribution/reference`.
    pub fn parse(text: &str) -> Result<Self, InvalidImage> {
        let invalid = |problem| InvalidImage { text: text.to_owned(), problem };
        let image = Self::split(text);
        if image.name.is_empty() {
            return Err(invalid("it has no name"));
        }
        if text.ends_with([':', '@']) || text.contains(":@") {
            return Err(invalid("it has an empty tag or digest"));
        }
        if !is_name(&image) {
            return Err(invalid(
                "a name is made of lower case letters, digits and single `.`, `_`, `-` between them",
            ));
        }
        if image.tag.as_deref().is_some_and(|tag| !is_tag(tag)) {
            return Err(invalid("a tag has up to 128 letters, digits, `_`, `.` and `-`"));
        }
        if image.digest.as_deref().is_some_and(|digest| !is_digest(digest)) {
            return Err(invalid("a digest is `sha256:` and 64 hexadecimal digits"));
        }
        Ok(image)
    }

    /// The registry, with its port: the first part of the name if it has a `.` or a `:` or is `localhost`, as Docker tells it from a path.
    pub fn registry(&self) -> Option<&str> {
        self.name.split_once('/').map(|(first, _)| first).filter(|first| is_registry(first))
    }

    /// The name without its registry.
    pub fn path(&self) -> &str {
        match self.name.split_once('/') {
            Some((first, rest)) if is_registry(first) => rest,
            _ => &self.name,
        }
    }

    /// Whether two names mean the same image: the same text, or the same once the public hub's short forms are written out (`nginx` is
    /// `docker.io/library/nginx`). Tags and digests play no part.
    pub fn same_name(&self, other: &Self) -> bool {
        self.name == other.name || self.full_name() == other.full_name()
    }

    fn full_name(&self) -> (&str, String) {
        const HUB: &str = "docker.io";
        match self.registry() {
            None | Some(HUB | "index.docker.io") if !self.path().contains('/') => {
                (HUB, format!("library/{}", self.path()))
            }
            None | Some("index.docker.io") => (HUB, self.path().to_owned()),
            Some(registry) => (registry, self.path().to_owned()),
        }
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

fn is_registry(part: &str) -> bool {
    part.contains(['.', ':']) || part == "localhost"
}

fn is_name(image: &ImageRef) -> bool {
    let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    image.registry().is_none_or(|registry| registry.chars().all(host))
        && image.path().split('/').all(|part| {
            let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            let inner =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
            edge(part.chars().next()) && edge(part.chars().next_back()) && part.chars().all(inner)
        })
}

fn is_tag(tag: &str) -> bool {
    const MAX_CHARACTERS: usize = 128;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= MAX_CHARACTERS
        && tag.starts_with(word)
        && tag.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

fn is_digest(digest: &str) -> bool {
    const MIN_HEX: usize = 32;
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let named =
        !algorithm.is_empty() && algorithm.chars().all(|c| c.is_ascii_alphanumeric() || "+._-".contains(c));
    let long = if algorithm == "sha256" { hex.len() == 64 } else { hex.len() >= MIN_HEX };
    named && long && hex.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
