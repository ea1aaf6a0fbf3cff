//! The forms in which a kustomization names a directory in a repository.

use std::time::Duration;

/// A directory in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoSpec {
    /// What to fetch from: `https://host/org/repo`, `ssh://git@host/org/repo` or `git@host:org/repo`. Never `file://` or `ext::`, except that
    /// [`RepoSpec::is_local`] says so.
    pub url: String,
    /// Directory in the repository, empty for its root.
    pub path: String,
    /// Branch, tag or commit; empty for the default branch.
    pub reference: String,
    /// Whether submodules are wanted.
    pub submodules: bool,
    /// How long the fetch may take, where the text says so.
    pub timeout: Option<Duration>,
}

const SCHEMES: [&str; 4] = ["ssh://", "https://", "http://", "file://"];
const FILE: &str = "file://";

impl RepoSpec {
    /// Reads a text; none if it names no repository, and is a path then.
    ///
    /// **Shape**: `[git::][scheme://][user@]host{/|:}path[?ref=…&version=…&timeout=…&submodules=…]`. The path is cut behind the name that
    /// follows `_git/`, else at `//`, else behind `.git`, else behind its second name. `github.com` needs no scheme, and is spoken to by
    /// https unless there is a user or `ssh://`.
    /// **Source**: kustomize `internal/git/repospec.go`, api v0.21.2.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return None;
        }
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let (host, rest) = split_host(text)?;
        let (repository, path) = split_path(rest, host == FILE)?;
        let path = path.strip_prefix('/').unwrap_or(path);
        if repository.is_empty() || leaves(path) {
            return None;
        }
        let mut spec = Self {
            url: format!("{host}{repository}"),
            path: path.trim_end_matches('/').to_owned(),
            reference: String::new(),
            submodules: true,
            timeout: None,
        };
        spec.read_query(query);
        Some(spec)
    }

    /// Whether it names a repository on the machine's own disk, which a build never reads.
    pub fn is_local(&self) -> bool {
        self.url.starts_with(FILE)
    }

    fn read_query(&mut self, query: &str) {
        // Go refuses queries with `;` and bad escapes as a whole.
        let Some(pairs) = query.split('&').map(pair).collect::<Option<Vec<_>>>() else { return };
        let first = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
        };
        self.reference = first("ref").or_else(|| first("version")).unwrap_or_default().to_owned();
        if let Some(flag) = first("submodules").and_then(go_bool) {
            self.submodules = flag;
        }
        self.timeout = first("timeout").and_then(timeout);
    }
}

/// `61`, whole seconds, or `1m30s`; nothing where it is not above zero.
fn timeout(text: &str) -> Option<Duration> {
    let given = match text.parse::<i64>() {
        Ok(seconds) if seconds > 0 => Duration::from_secs(seconds.unsigned_abs()),
        _ => Duration::from_nanos(u64::try_from(sprig::parse_duration(text).ok()?).ok()?),
    };
    (!given.is_zero()).then_some(given)
}

fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn pair(text: &str) -> Option<(String, String)> {
    if text.contains(';') {
        return None;
    }
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    Some((unescape(key)?, unescape(value)?))
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Scheme, user and host, as they are to be spoken to, and the rest.
fn split_host(text: &str) -> Option<(String, &str)> {
    let text = strip_ignoring_case(text, "git::").unwrap_or(text);
    let (scheme, text) = SCHEMES
        .iter()
        .find_map(|scheme| strip_ignoring_case(text, scheme).map(|rest| (*scheme, rest)))
        .unwrap_or(("", text));
    if scheme == FILE {
        return Some((FILE.to_owned(), text));
    }
    let (user, text) = split_user(text);
    let github = ["github.com/", "github.com:"].iter().any(|host| strip_ignoring_case(text, host).is_some());
    let scp = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !scp {
        return None;
    }
    let slash = text.find('/');
    let colon = text.find(':').filter(|_| scp);
    let end = match (slash, colon) {
        (Some(slash), Some(colon)) if colon > 0 && colon < slash => Some(colon),
        (Some(slash), _) => Some(slash),
        (None, colon) => colon,
    };
    let (host, rest) = end.and_then(|end| text.split_at_checked(end + 1)).unwrap_or((text, ""));
    if github {
        let ssh = scheme == "ssh://" || !user.is_empty();
        return Some((
            if ssh { format!("{user}github.com:") } else { "https://github.com/".to_owned() },
            rest,
        ));
    }
    (!host.is_empty()).then(|| (format!("{scheme}{user}{host}"), rest))
}

/// A user of letters, digits and dashes in front of `@`, with the `@`.
fn split_user(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(text.len());
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    match text.split_at_checked(end + 1) {
        Some((user, rest)) if starts && user.ends_with('@') => (user, rest),
        _ => ("", text),
    }
}

/// The repository, and the directory in it.
fn split_path(text: &str, whole: bool) -> Option<(&str, &str)> {
    const ORGANISED: &str = "_git/";
    let cut = |end: usize, skip: usize| Some((text.get(..end)?, text.get(end + skip..).unwrap_or_default()));
    if let Some(at) = text.find(ORGANISED) {
        let name = at + ORGANISED.len();
        let end = text.get(name..)?.find('/').map_or(text.len(), |slash| name + slash);
        return cut(end, 1);
    }
    if let Some(at) = text.find("//") {
        return cut(at, 2);
    }
    if let Some(at) = text.find(".git") {
        return cut(at + ".git".len(), 0);
    }
    if whole {
        return Some((text, ""));
    }
    let first = text.find('/')?;
    let second = text.get(first + 1..)?.find('/').map_or(text.len(), |slash| first + 1 + slash);
    cut(second, 1)
}

fn leaves(path: &str) -> bool {
    let mut depth = 0_i64;
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

fn strip_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
