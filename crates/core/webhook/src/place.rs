/// Where a repository is: two URLs of one repository have the same place, whichever protocol, user, port and spelling they have.
///
/// **Source**: the peer's `GetWebURLRegex`, as a form to compare instead of a regular expression for each event; the SSH form of Azure
/// DevOps is known beside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    host: String,
    path: String,
}

/// Subdomains under which providers have their SSH.
const SSH: [&str; 2] = ["ssh.", "altssh."];

impl Place {
    /// The place of a URL, of the scp form `git@host:path`, or of `host/path`; `None` where there is no host or no path.
    pub fn of(url: &str) -> Option<Self> {
        let url = url.trim().to_lowercase();
        let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let authority = rest.split('/').next().unwrap_or_default();
        let rest = authority
            .rsplit_once('@')
            .and_then(|(user, _)| rest.strip_prefix(user)?.strip_prefix('@'))
            .unwrap_or(rest);
        let (host, path) = rest.split_once([':', '/'])?;
        let (port, behind) = path.split_once('/').unwrap_or_default();
        let path = if rest.strip_prefix(host)?.starts_with(':') && is_port(port) { behind } else { path };
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
        let host = SSH.iter().find_map(|ssh| host.strip_prefix(ssh)).unwrap_or(host);
        let path = azure(host, path).unwrap_or_else(|| path.to_owned());
        (!host.is_empty() && !path.is_empty()).then(|| Self { host: host.to_owned(), path })
    }
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `v3/organisation/project/repository`, which is how Azure DevOps calls `organisation/project/_git/repository` over SSH.
fn azure(host: &str, path: &str) -> Option<String> {
    let path = path.strip_prefix("v3/").filter(|_| host == "dev.azure.com")?;
    let (project, repository) = path.rsplit_once('/')?;
    Some(format!("{project}/_git/{repository}"))
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}
