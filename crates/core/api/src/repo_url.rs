//! Repository URLs, compared.

/// The form in which two spellings of one repository are equal.
///
/// **Shape**: surrounding blanks, a trailing `.git`, trailing slashes and `ssh://` go; the scp form `git@host:path`
/// becomes `git@host/path`; everything is lower case. **Source**: the peer's `NormalizeGitURL`, which lowers the
/// whole URL as well, and not only its host; it keeps trailing slashes, we do not.
pub fn normal_form(url: &str) -> String {
    let url = url.trim().to_lowercase();
    let (url, is_scp) = match url.strip_prefix("ssh://") {
        Some(rest) => (rest.to_owned(), false),
        None => {
            let is_scp = is_scp_form(&url);
            (url, is_scp)
        }
    };
    let url = if is_scp { url.replacen(':', "/", 1) } else { url };
    let url = url.trim_end_matches('/');
    url.strip_suffix(".git").unwrap_or(url).trim_end_matches('/').to_owned()
}

/// Whether two URLs name one repository.
pub fn same_repository(left: &str, right: &str) -> bool {
    let left = normal_form(left);
    !left.is_empty() && left == normal_form(right)
}

/// A URL without what may be secret: a password or token before the `@`, and the query.
pub fn redact_url(url: &str) -> String {
    let (url, query) = url.split_once('?').map_or((url, ""), |(url, _)| (url, "?***"));
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:***@{host}"),
            // Over HTTP a lone user name is often a token.
            None if scheme.starts_with("http") => format!("***@{host}"),
            None => format!("{user}@{host}"),
        },
        None => authority.to_owned(),
    };
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{authority}{path}{query}")
}

/// Whether a client may read another path out of this URL than the one that a pattern or prefix sees: dot segments,
/// plain or encoded, backslashes, control characters. **Source**: ours; the peer accepts them.
pub fn is_evasive(url: &str) -> bool {
    let path = url.to_lowercase();
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let decoded = path.replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\");
    decoded.split('/').any(|segment| segment == "." || segment == "..")
        || decoded.contains('\\')
        || url.chars().any(char::is_control)
}

/// `user@host:path`: an `@` before any colon or slash, and no scheme.
fn is_scp_form(url: &str) -> bool {
    let Some((user, rest)) = url.split_once('@') else { return false };
    !user.contains(['/', ':']) && !rest.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_urls_are_masked() {
        for (url, expected) in [
            ("https://h/a.git", "https://h/a.git"),
            ("https://me:secret@h/a", "https://me:***@h/a"),
            ("https://me:s@cret@h/a", "https://me:***@h/a"),
            ("https://token@h/a", "https://***@h/a"),
            ("https://h/a?sas=secret", "https://h/a?***"),
            ("git@h:a/b.git", "git@h:a/b.git"),
            ("ssh://git:secret@h/a", "ssh://git:***@h/a"),
        ] {
            assert_eq!(redact_url(url), expected, "{url}");
        }
    }

    #[test]
    fn evasive_urls() {
        for (url, evasive) in [
            ("https://h/a/b.git", false),
            ("https://h/a.b/..c", false),
            ("https://h/a?x=/../", false),
            ("https://h/a/../b", true),
            ("https://h/a/./b", true),
            ("https://h/a/%2E%2e/b", true),
            ("https://h/a%2f..%2Fb", true),
            ("https://h\\a", true),
            ("https://h/a\nb", true),
            ("git@h:../b", true),
        ] {
            assert_eq!(is_evasive(&normal_form(url)), evasive, "{url}");
        }
    }

    #[test]
    fn spellings_of_one_repository_are_equal() {
        for (url, expected) in [
            ("https://GitHub.com/Org/Repo.git", "https://github.com/org/repo"),
            ("https://github.com/org/repo/", "https://github.com/org/repo"),
            (" https://github.com/org/repo.git/ ", "https://github.com/org/repo"),
            ("git@github.com:org/repo.git", "git@github.com/org/repo"),
            ("ssh://git@github.com/org/repo", "git@github.com/org/repo"),
            ("ssh://git@github.com:2222/org/repo", "git@github.com:2222/org/repo"),
            ("https://user@dev.azure.com/org/_git/repo", "https://user@dev.azure.com/org/_git/repo"),
            ("oci://registry.example/charts", "oci://registry.example/charts"),
            ("registry.example/charts", "registry.example/charts"),
            ("file:///srv/repo.git", "file:///srv/repo"),
            ("", ""),
        ] {
            assert_eq!(normal_form(url), expected, "{url}");
        }
        assert!(same_repository("git@h:a/b.git", "ssh://git@h/a/b"));
        assert!(!same_repository("", ""));
        assert!(!same_repository("https://h/a", "https://h/ab"));
    }
}
