//! Which repository is meant, and who we are there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use source::{Credentials, Remote, RepoUrl, Scheme, Secret};

use super::SetArgs;
use crate::failure::Failure;

/// Largest file of keys or certificates, in bytes.
const FILE_BYTES: u64 = 4 << 20;

type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What somebody said about a repository and who they are there.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Given<'a> {
    pub(crate) repo: &'a str,
    /// Whether a person named the repository, and not a file that comes from somewhere: only then it is given credentials that are for
    /// no host in particular.
    pub(crate) named: bool,
    pub(crate) insecure_skip_tls_verify: bool,
    pub(crate) insecure_ignore_host_key: bool,
    pub(crate) ca_file: Option<&'a Path>,
    pub(crate) ssh_private_key_file: Option<&'a Path>,
    pub(crate) known_hosts_file: Option<&'a Path>,
}

impl<'a> From<&'a SetArgs> for Given<'a> {
    fn from(arguments: &'a SetArgs) -> Self {
        Self {
            repo: &arguments.repo,
            named: true,
            insecure_skip_tls_verify: arguments.insecure_skip_tls_verify,
            insecure_ignore_host_key: arguments.insecure_ignore_host_key,
            ca_file: arguments.ca_file.as_deref(),
            ssh_private_key_file: arguments.ssh_private_key_file.as_deref(),
            known_hosts_file: arguments.known_hosts_file.as_deref(),
        }
    }
}

/// The repository that the arguments name, with the credentials that they and the environment have for it.
///
/// Tokens that a CI system hands to every job go to its own server only.
pub(crate) fn remote(arguments: Given<'_>, environment: Environment<'_>) -> Result<Remote, Failure> {
    let (text, login) = split_login(arguments.repo)?;
    let wrong =
        |error: &dyn std::error::Error| Failure::usage("the repository cannot be used").because(error);
    let url = RepoUrl::parse(&text).map_err(|error| wrong(&error))?;
    let variable = |name: &str| environment(name).filter(|text| !text.is_empty());
    let mut credentials = Credentials {
        allow_http: true,
        insecure: arguments.insecure_skip_tls_verify,
        insecure_ignore_host_key: arguments.insecure_ignore_host_key,
        ..Credentials::default()
    };
    match url.scheme() {
        Scheme::Https | Scheme::Http => {
            let (username, password) = match login {
                Some(login) => (Some(login.0), Some(login.1)),
                None => from_environment(&url, arguments.named, &variable),
            };
            credentials.username = username;
            credentials.password = password;
            let ca_file = arguments
                .ca_file
                .map(Path::to_owned)
                .or_else(|| variable("GIT_SSL_CAINFO").map(PathBuf::from));
            if let Some(file) = ca_file {
                let certificates = BTreeMap::from([(url.host().to_owned(), read(&file)?)]);
                credentials.ca_certs = Arc::new(certificates);
            }
        }
        Scheme::Ssh => {
            let home = variable("HOME").map(|home| Path::new(&home).join(".ssh"));
            let at_home =
                |name: &str| home.as_ref().map(|home| home.join(name)).filter(|file| file.is_file());
            let named = arguments.ssh_private_key_file.map(Path::to_owned);
            let key = named
                .or_else(|| variable("GIT_SSH_PRIVATE_KEY_FILE").map(PathBuf::from))
                .or_else(|| ["id_ed25519", "id_ecdsa", "id_rsa"].iter().find_map(|name| at_home(name)))
                .ok_or_else(|| Failure::usage("no key for ssh").next("name one: --ssh-private-key-file"))?;
            credentials.ssh_private_key = Some(Secret::new(read(&key)?));
            let hosts = arguments.known_hosts_file.map(Path::to_owned).or_else(|| at_home("known_hosts"));
            credentials.known_hosts = hosts.map(|file| read(&file)).transpose()?.map(Into::into);
        }
        Scheme::File => {}
    }
    if let Some((way, without)) = proxy(&url, environment) {
        (credentials.proxy, credentials.no_proxy) = (Some(way), without);
    }
    // The newest commit is enough to make the next one of.
    Ok(Remote { credentials, depth: Some(1), submodules: false, ..Remote::new(url) })
}

/// Whether a password crosses a network that anybody may listen on.
pub(super) fn in_the_open(remote: &Remote) -> bool {
    let here = ["localhost", "127.0.0.1", "[::1]"].contains(&remote.url.host());
    remote.url.scheme() == Scheme::Http && remote.credentials.password.is_some() && !here
}

/// The proxy that the environment has for a repository, and the hosts that go without it.
fn proxy(url: &RepoUrl, environment: Environment<'_>) -> Option<(Secret, Option<String>)> {
    let first =
        |names: &[&str]| names.iter().find_map(|name| environment(name).filter(|text| !text.is_empty()));
    let proxy = match url.scheme() {
        Scheme::Https => first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
        // Not the upper-case one: in CGI a client's header sets it.
        Scheme::Http => first(&["http_proxy", "all_proxy", "ALL_PROXY"]),
        Scheme::Ssh | Scheme::File => None,
    };
    proxy.map(|proxy| (Secret::new(proxy), first(&["no_proxy", "NO_PROXY"])))
}

fn from_environment(
    url: &RepoUrl,
    named: bool,
    variable: &dyn Fn(&str) -> Option<String>,
) -> (Option<String>, Option<Secret>) {
    let name = variable("GIT_USERNAME");
    let host_of = |text: String| text.split_once("://").map_or(text.clone(), |(_, rest)| rest.to_owned());
    let is_at = |server: Option<String>| {
        let server = server.map(host_of).unwrap_or_default().to_ascii_lowercase();
        let server = server.split(['/', ':']).next().unwrap_or_default();
        !server.is_empty() && server == url.host()
    };
    if let Some(password) = variable("GIT_PASSWORD").filter(|_| named) {
        return (name, Some(Secret::new(password)));
    }
    let token = |token: String, user: &str| {
        (name.clone().or_else(|| Some(user.to_owned())), Some(Secret::new(token)))
    };
    if let Some(text) = variable("GIT_TOKEN").filter(|_| named) {
        return token(text, "x-access-token");
    }
    if let Some(text) = variable("CI_JOB_TOKEN").filter(|_| is_at(variable("CI_SERVER_HOST"))) {
        return token(text, "gitlab-ci-token");
    }
    let github = || variable("GITHUB_SERVER_URL").or_else(|| Some("https://github.com".to_owned()));
    if let Some(text) = variable("GITHUB_TOKEN").filter(|_| is_at(github())) {
        return token(text, "x-access-token");
    }
    (name, None)
}

/// A name and a password.
type Login = (String, Secret);

/// Takes `user:password@` out of an http(s) URL. What is left may be shown.
fn split_login(url: &str) -> Result<(String, Option<Login>), Failure> {
    let Some((scheme, rest)) = url.trim().split_once("://") else { return Ok((url.to_owned(), None)) };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let login = authority.rsplit_once('@').and_then(|(login, host)| Some((login.split_once(':')?, host)));
    match login {
        Some(((name, password), host))
            if ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) =>
        {
            let bad =
                || Failure::usage("the credentials in the URL are not percent-encoded as they should be");
            let name = decoded(name).ok_or_else(bad)?;
            let password = decoded(password).ok_or_else(bad)?;
            Ok((format!("{scheme}://{host}{path}"), Some((name, Secret::new(password)))))
        }
        _ => Ok((url.to_owned(), None)),
    }
}

fn decoded(text: &str) -> Option<String> {
    let (mut out, mut bytes) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        out.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(out).ok()
}

fn read(file: &Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let mut text = String::new();
    let read = std::fs::File::open(file).and_then(|opened| opened.take(FILE_BYTES).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::usage(format!("{} cannot be read", file.display())).because(&error)),
    }
}

#[cfg(test)]
mod tests;
