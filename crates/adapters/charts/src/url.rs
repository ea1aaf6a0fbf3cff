//! Where charts are: an address with an index, or a place in a registry.

use net::{Secret, excerpt};
use reqwest::Url;
use std::fmt;

/// Longest repository URL, in bytes.
pub const MAX_URL_BYTES: usize = 2048;

/// Longest name of a repository in a registry, in bytes (the distribution specification's advice).
const MAX_NAME_BYTES: usize = 255;

/// A repository of charts.
///
/// `Display` and `Debug` show neither user and password nor the query.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum RepositoryUrl {
    /// `https://host/path` or `http://host/path`: below it lies an `index.yaml`.
    Index(IndexUrl),
    /// `oci://host/path`, or `host/path` as the peer writes it with `enableOCI`.
    Registry(RegistryUrl),
}

/// The base of a Helm repository.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IndexUrl {
    /// Without user and password.
    pub(crate) base: Url,
    pub(crate) user: Option<(String, Secret)>,
}

/// A place in a registry.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RegistryUrl {
    /// Host, and port where one is given.
    pub(crate) host: String,
    /// Names between slashes; may be empty.
    pub(crate) path: String,
}

/// Why a text is no repository's URL. It repeats nothing of the text that could be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryUrlError {
    /// Longer than [`MAX_URL_BYTES`].
    #[error("the repository URL is longer than {MAX_URL_BYTES} bytes")]
    TooLong,
    /// Not one of the forms.
    #[error("the repository URL is not of the form https://host/path, oci://host/path or host/path: {0}")]
    Malformed(&'static str),
    /// Charts are not had that way.
    #[error("charts cannot be had by {0}")]
    Scheme(String),
    /// A name that a registry cannot have.
    #[error(
        "{0:?} is no name of a repository in a registry (lower case letters, digits, `.`, `_`, `-` and `/`)"
    )]
    Name(String),
}

impl RepositoryUrl {
    /// Reads a `repoURL`: with `http` or `https` it has an index, with `oci` or without a scheme it is in a registry.
    ///
    /// # Errors
    /// [`RepositoryUrlError`].
    pub fn parse(text: &str) -> Result<Self, RepositoryUrlError> {
        let text = checked(text)?;
        match text.split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("oci") => Self::parse_registry(text),
            Some((scheme, _))
                if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") =>
            {
                index(text).map(Self::Index)
            }
            Some((scheme, _)) => Err(RepositoryUrlError::Scheme(excerpt(scheme))),
            None => Self::parse_registry(text),
        }
    }

    /// Reads a `repoURL` of a Secret with `enableOCI` or of type `oci`: it is in a registry, whatever its scheme.
    ///
    /// # Errors
    /// [`RepositoryUrlError`].
    pub fn parse_registry(text: &str) -> Result<Self, RepositoryUrlError> {
        let text = checked(text)?;
        let rest = match text.split_once("://") {
            Some((scheme, rest))
                if ["oci", "https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) =>
            {
                rest
            }
            Some((scheme, _)) => return Err(RepositoryUrlError::Scheme(excerpt(scheme))),
            None => text,
        };
        let rest = rest.trim_end_matches('/');
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.contains('@') {
            return Err(RepositoryUrlError::Malformed("credentials belong into a repository Secret"));
        }
        let url = Url::parse(&format!("https://{host}/"))
            .map_err(|_| RepositoryUrlError::Malformed("the host cannot be read"))?;
        let (Some(name), "/", None, None) = (url.host_str(), url.path(), url.query(), url.fragment()) else {
            return Err(RepositoryUrlError::Malformed("the host cannot be read"));
        };
        let host = match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        if !path.is_empty() {
            check_name(path)?;
        }
        Ok(Self::Registry(RegistryUrl { host, path: path.to_owned() }))
    }

    /// The host, without port.
    pub fn host(&self) -> &str {
        match self {
            Self::Index(index) => index.base.host_str().unwrap_or_default(),
            Self::Registry(registry) => host_name(&registry.host),
        }
    }

    /// Whether it is in a registry.
    pub fn is_registry(&self) -> bool {
        matches!(self, Self::Registry(_))
    }

    /// Whether its own scheme is plain `http`.
    pub fn is_plain_http(&self) -> bool {
        matches!(self, Self::Index(index) if index.base.scheme() == "http")
    }
}

impl RegistryUrl {
    /// The name of the registry's repository that holds `chart`; of this very place where there is no chart.
    pub(crate) fn repository(&self, chart: &str) -> Result<String, RepositoryUrlError> {
        let name = match (self.path.as_str(), chart) {
            (path, "") => path.to_owned(),
            ("", chart) => chart.to_owned(),
            (path, chart) => format!("{path}/{chart}"),
        };
        check_name(&name)?;
        Ok(name)
    }
}

/// A host without its port; brackets of IPv6 stay.
pub(crate) fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn checked(text: &str) -> Result<&str, RepositoryUrlError> {
    let text = text.trim();
    if text.len() > MAX_URL_BYTES {
        return Err(RepositoryUrlError::TooLong);
    }
    if text.is_empty() {
        return Err(RepositoryUrlError::Malformed("it is empty"));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(RepositoryUrlError::Malformed("it has a blank, a control character or a backslash"));
    }
    Ok(text)
}

fn index(text: &str) -> Result<IndexUrl, RepositoryUrlError> {
    let mut base = Url::parse(text).map_err(|_| RepositoryUrlError::Malformed("it cannot be read"))?;
    if base.host_str().is_none_or(str::is_empty) {
        return Err(RepositoryUrlError::Malformed("it has no host"));
    }
    let user = user_of(&mut base);
    base.set_fragment(None);
    Ok(IndexUrl { base, user })
}

/// Takes user and password out of a URL.
pub(crate) fn user_of(url: &mut Url) -> Option<(String, Secret)> {
    let name = percent_decoded(url.username());
    let password = percent_decoded(url.password().unwrap_or_default());
    // Neither fails on a URL that has a host.
    let removed = url.set_username("").and_then(|()| url.set_password(None));
    (removed.is_ok() && !(name.is_empty() && password.is_empty())).then(|| (name, Secret::new(password)))
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = (ahead.next(), ahead.next());
        match (byte, digits) {
            (b'%', (Some(high), Some(low))) => {
                let value = |digit: u8| char::from(digit).to_digit(16);
                match (value(high), value(low)) {
                    (Some(high), Some(low)) => {
                        out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                        bytes = ahead;
                    }
                    _ => out.push(byte),
                }
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn check_name(name: &str) -> Result<(), RepositoryUrlError> {
    let fine = |part: &str| {
        let edge =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let bytes = part.as_bytes();
        edge(bytes.first())
            && edge(bytes.last())
            && !part.contains("..")
            && bytes.iter().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-')
            })
    };
    if name.len() <= MAX_NAME_BYTES && name.split('/').all(fine) {
        return Ok(());
    }
    // What follows could be a query with a token.
    Err(RepositoryUrlError::Name(excerpt(name.split(['?', '#', '@']).next().unwrap_or_default())))
}

impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => f.write_str(&shown(&index.base)),
            Self::Registry(registry) if registry.path.is_empty() => write!(f, "oci://{}", registry.host),
            Self::Registry(registry) => write!(f, "oci://{}/{}", registry.host, registry.path),
        }
    }
}

impl fmt::Debug for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A URL without user, password, query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    let query = if url.query().is_some() { "?…" } else { "" };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    excerpt(&format!("{}://{}{port}{}{query}", url.scheme(), url.host_str().unwrap_or_default(), url.path()))
}

#[cfg(test)]
mod tests;
