//! Repository URLs: one parsed form decides what a project allows and where a connection goes.

use std::fmt;

/// Longest URL that is taken, in bytes.
pub const MAX_URL_BYTES: usize = 4096;

/// How a repository is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Git over TLS.
    Https,
    /// Git over plain HTTP; used only where the repository's Secret asks for it.
    Http,
    /// Git over ssh, `ssh://` and `user@host:path` both.
    Ssh,
    /// A repository on this machine; used only where the operator allows it.
    File,
}

impl Scheme {
    /// As it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::File => "file",
        }
    }

    fn default_port(self) -> Option<u16> {
        match self {
            Self::Https => Some(443),
            Self::Http => Some(80),
            Self::Ssh => Some(22),
            Self::File => None,
        }
    }
}

/// The URL of a git repository, parsed once and safe to hand to a transport.
///
/// `Display` and `Debug` never show user information of an http(s) URL (the password cannot be held at all).
/// Source: the peer keeps the text and normalises it for comparing only (`util/git/git.go`, `NormalizeGitURL`); here the
/// parsed parts feed both [`RepoUrl::normal_form`] and [`RepoUrl::connect_form`], so they cannot mean different hosts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoUrl {
    pub(crate) scheme: Scheme,
    /// Decoded; for ssh the login, for http(s) a user name.
    pub(crate) user: Option<Box<str>>,
    /// Lower case, no trailing dot; IPv6 in brackets.
    pub(crate) host: Box<str>,
    /// None when it is the scheme's own.
    pub(crate) port: Option<u16>,
    /// No dot segments, no empty segments, no trailing slash. Absolute except for `user@host:path`.
    pub(crate) path: Box<str>,
}

/// Why a text is not taken as a repository URL. What is shown of it is escaped, shortened, and has no password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("repository URL {shown}: {reason}")]
pub struct RepoUrlError {
    /// The text, fit for a log.
    pub shown: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl RepoUrl {
    /// Reads `https://…`, `http://…`, `ssh://…`, `user@host:path` or `file:///…`.
    ///
    /// # Errors
    /// Other schemes and forms, control characters (also percent-encoded), backslashes, a leading `-` in any part that a
    /// program could take for an option, a password, a query, a host that is not ASCII, more than [`MAX_URL_BYTES`].
    pub fn parse(text: &str) -> Result<Self, RepoUrlError> {
        Self::read(text).map_err(|reason| RepoUrlError { shown: masked(text), reason })
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_URL_BYTES {
            return Err("is longer than 4096 bytes");
        }
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Err("is empty");
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("has a control character or white space");
        }
        if text.contains('\\') {
            return Err("has a backslash");
        }
        if text.starts_with('-') {
            return Err("begins with '-'");
        }
        // `helper::address`; past a scheme, or inside brackets, two colons are part of an address or a path.
        let start = text.split("://").next().unwrap_or_default();
        if start.find("::").is_some_and(|colons| start.find('[').is_none_or(|bracket| bracket > colons)) {
            return Err("names a transport helper");
        }
        match text.split_once("://") {
            Some((scheme, rest)) => Self::read_with_scheme(scheme, rest),
            None => Self::read_scp(text),
        }
    }

    fn read_with_scheme(scheme: &str, rest: &str) -> Result<Self, &'static str> {
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "ssh" | "git+ssh" | "ssh+git" => Scheme::Ssh,
            "file" => Scheme::File,
            _ => return Err("has a scheme other than https, http, ssh and file"),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if path.contains(['?', '#']) || authority.contains(['?', '#']) {
            return Err("has a query or a fragment");
        }
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, authority)) => (read_user(scheme, user)?, authority),
            None => (None, authority),
        };
        if scheme == Scheme::File {
            if user.is_some() || !(authority.is_empty() || authority.eq_ignore_ascii_case("localhost")) {
                return Err("names a host for a file");
            }
            let path = read_path(&percent_decoded(path)?)?;
            return Ok(Self { scheme, user: None, host: Box::default(), port: None, path: path.into() });
        }
        let (host, port) = read_host_and_port(authority)?;
        let decoded = percent_decoded(path)?;
        if decoded.chars().any(char::is_control) || decoded.contains('\\') {
            return Err("has a percent-encoded control character or backslash");
        }
        if decoded.split('/').count() != path.split('/').count() || has_dots(&decoded) != has_dots(path) {
            return Err("has a percent-encoded slash or dot segment");
        }
        let path = match scheme {
            Scheme::Ssh => read_path(&decoded)?,
            Scheme::Https | Scheme::Http | Scheme::File => read_path(&evenly_encoded(path)?)?,
        };
        if path == "/" {
            return Err("has no path");
        }
        let port = port.filter(|port| Some(*port) != scheme.default_port());
        Ok(Self { scheme, user, host: host.into(), port, path: path.into() })
    }

    /// `user@host:path`, the path relative to the user's home unless it begins with `/`.
    fn read_scp(text: &str) -> Result<Self, &'static str> {
        let Some((authority, path)) = text.split_once(':') else {
            return Err("is neither a URL nor user@host:path");
        };
        let Some((user, host)) = authority.rsplit_once('@') else {
            return Err("is neither a URL nor user@host:path");
        };
        let (host, port) = read_host_and_port(host)?;
        if port.is_some() || path.starts_with('-') {
            return Err("is not of the form user@host:path");
        }
        let user = read_user(Scheme::Ssh, user)?;
        let whole = read_path(&format!("/{path}"))?;
        let path = if path.starts_with('/') { whole } else { whole.trim_start_matches('/').to_owned() };
        if path.is_empty() || path == "/" {
            return Err("has no path");
        }
        Ok(Self { scheme: Scheme::Ssh, user, host: host.into(), port: None, path: path.into() })
    }

    /// How the repository is reached.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Lower case; empty for `file`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What project globs and Secrets' URLs are compared with, both brought to this form: lower case, no user but for ssh,
    /// no default port, no `.git`, no trailing slash, `ssh://` left out as in the peer (`git@host/org/repo`).
    pub fn normal_form(&self) -> String {
        let path = self.path.trim_start_matches('/').to_lowercase();
        let path = path.strip_suffix(".git").unwrap_or(&path).replace(' ', "%20");
        match self.scheme {
            Scheme::File => format!("file:///{path}"),
            Scheme::Ssh => {
                let user =
                    self.user.as_deref().map_or_else(String::new, |user| format!("{}@", user.to_lowercase()));
                format!("{user}{}/{path}", self.authority())
            }
            Scheme::Https | Scheme::Http => format!("{}://{}/{path}", self.scheme.as_str(), self.authority()),
        }
    }

    /// A project's glob (without `!`) or a credential template's URL in the form that [`RepoUrl::normal_form`] is compared with.
    pub fn normal_pattern(pattern: &str) -> String {
        let lower = pattern.trim().to_lowercase();
        let (scheme, rest) = match lower.split_once("://") {
            Some((scheme, rest)) => (scheme, rest.to_owned()),
            // The first colon of user@host:path takes the part of a slash.
            None if lower.contains('@') => ("ssh", lower.replacen(':', "/", 1).replace("//", "/")),
            None => return lower.strip_suffix(".git").map_or(lower.clone(), str::to_owned),
        };
        let port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => ":22",
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let authority = authority.strip_suffix(port).unwrap_or(authority);
        let path = path.strip_suffix(".git").unwrap_or(path);
        match scheme {
            "ssh" => format!("{authority}{path}"),
            _ => format!("{scheme}://{authority}{path}"),
        }
    }

    /// What a connection is made to: no user information.
    pub fn connect_form(&self) -> String {
        match self.scheme {
            Scheme::File => format!("file://{}", self.encoded_path()),
            Scheme::Ssh if !self.path.starts_with('/') => format!("{}:{}", self.authority(), self.path),
            Scheme::Ssh => format!("ssh://{}{}", self.authority(), self.encoded_path()),
            Scheme::Https | Scheme::Http => {
                format!("{}://{}{}", self.scheme.as_str(), self.authority(), self.path)
            }
        }
    }

    /// The URL of a submodule as `.gitmodules` of this repository has it: absolute, or relative (`./`, `../`) to this one.
    ///
    /// # Errors
    /// As [`RepoUrl::parse`]; a relative URL that climbs past the host.
    pub fn submodule(&self, text: &str) -> Result<Self, RepoUrlError> {
        if !(text.starts_with("./") || text.starts_with("../")) {
            return Self::parse(text);
        }
        let refuse = |reason| RepoUrlError { shown: masked(text), reason };
        if text.len() > MAX_URL_BYTES
            || text.contains(['\\', '?', '#', '%'])
            || text.chars().any(char::is_control)
        {
            return Err(refuse("is not a plain relative path"));
        }
        let absolute = self.path.starts_with('/');
        let joined = read_path(&format!("/{}/{text}", self.path.trim_start_matches('/'))).map_err(refuse)?;
        let path = if absolute { joined } else { joined.trim_start_matches('/').to_owned() };
        if path.is_empty() || path == "/" || path.starts_with('-') {
            return Err(refuse("has no path"));
        }
        Ok(Self { path: path.into(), ..self.clone() })
    }

    /// Whether credentials for `other` may be shown to this one: same scheme, host and port.
    pub fn same_server(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.host == other.host && self.port == other.port
    }

    /// The path as it stands in an `ssh://` or `file://` URL, where it is held decoded.
    fn encoded_path(&self) -> String {
        let mut out = String::with_capacity(self.path.len());
        for byte in self.path.bytes() {
            if byte.is_ascii_graphic() && !matches!(byte, b'%' | b'?' | b'#') {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
        out
    }

    fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.to_string(),
        }
    }
}

impl fmt::Display for RepoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.scheme, &self.user) {
            (Scheme::Ssh, Some(user)) if self.path.starts_with('/') => {
                write!(f, "ssh://{user}@{}{}", self.authority(), self.encoded_path())
            }
            (Scheme::Ssh, Some(user)) => write!(f, "{user}@{}:{}", self.host, self.path),
            _ => f.write_str(&self.connect_form()),
        }
    }
}

impl fmt::Debug for RepoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepoUrl({self})")
    }
}

impl std::str::FromStr for RepoUrl {
    type Err = RepoUrlError;

    fn from_str(text: &str) -> Result<Self, RepoUrlError> {
        Self::parse(text)
    }
}

fn read_user(scheme: Scheme, text: &str) -> Result<Option<Box<str>>, &'static str> {
    if text.contains(':') {
        return Err("holds a password; it belongs in a repository Secret");
    }
    let user = percent_decoded(text)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match scheme {
        _ if user.starts_with('-') => Err("has a user name that begins with '-'"),
        Scheme::Ssh if !user.chars().all(plain) => Err("has a user name that ssh should not see"),
        _ if text.contains('@') || user.chars().any(char::is_control) => Err("has a user name that is none"),
        _ => Ok((!user.is_empty()).then(|| user.into())),
    }
}

fn read_host_and_port(text: &str) -> Result<(String, Option<u16>), &'static str> {
    let (host, port) = match text.rsplit_once(':') {
        // The last colon inside brackets belongs to an IPv6 address.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port = match port {
        None | Some("") => None,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some(digits.parse().map_err(|_| "has no such port")?)
        }
        Some(_) => return Err("has a port that is no number"),
    };
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let fine = match inside {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
                && !host.is_empty()
        }
    };
    if !fine || host.starts_with(['-', '.']) || host.ends_with('.') || host.contains("..") {
        return Err("has no valid host name (ASCII letters, digits, '.', '-'; others as xn--…)");
    }
    Ok((host.to_owned(), port))
}

/// An absolute path without empty and dot segments.
fn read_path(text: &str) -> Result<String, &'static str> {
    if text.chars().any(char::is_control) || text.contains('\\') {
        return Err("has a path with a control character or backslash");
    }
    let mut names: Vec<&str> = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop().ok_or("has a path that climbs above its root")?;
            }
            name => names.push(name),
        }
    }
    if names.first().is_some_and(|name| name.starts_with('-')) {
        return Err("has a path that begins with '-'");
    }
    Ok(format!("/{}", names.join("/")))
}

fn has_dots(path: &str) -> bool {
    path.split('/').any(|name| name == "." || name == "..")
}

/// One spelling of what may be spelled in two ways: letters, digits, `-`, `.`, `_`, `~` stand for themselves (RFC 3986 §6.2.2.2), so
/// that a rule against `/app` is not passed by `/%61pp`.
fn evenly_encoded(path: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        let code = after.get(..2).ok_or("has a bad percent-encoding")?;
        let byte = u8::from_str_radix(code, 16).map_err(|_| "has a bad percent-encoding")?;
        out.push_str(before);
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        rest = after.get(2..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out)
}

fn percent_decoded(text: &str) -> Result<String, &'static str> {
    const BAD: &str = "has a bad percent-encoding";
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16)).ok_or(BAD);
        let value = digit()? * 16 + digit()?;
        out.push(u8::try_from(value).map_err(|_| BAD)?);
    }
    String::from_utf8(out).map_err(|_| BAD)
}

/// A refused text for an error: everything before the last `@` of the authority hidden, and what stands in a query or
/// fragment; escaped, shortened.
fn masked(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let rest = rest.rsplit_once('@').map_or_else(|| rest.to_owned(), |(_, host)| format!("***@{host}"));
    let query = |(before, _): (&str, &str)| format!("{before}?***");
    let rest = rest.split_once(['?', '#']).map_or_else(|| rest.clone(), query);
    let whole = if scheme.is_empty() { rest } else { format!("{scheme}://{rest}") };
    net::excerpt(&whole)
}

#[cfg(test)]
mod tests;
