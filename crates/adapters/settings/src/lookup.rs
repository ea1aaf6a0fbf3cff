//! From a repository's URL to how it is reached.

use api::{is_evasive, normal_form};

use crate::{Credentials, Repository, RepositoryType, Secret};

/// All repositories and prefixes that are configured, each list in the order of their Secrets' names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repositories {
    repositories: Vec<Entry>,
    prefixes: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Normal form of the URL; for a prefix, with the slash at its end where one was written.
    url: String,
    repository: Repository,
}

/// How one repository is reached for one project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepositoryAccess {
    /// Names of the Secrets that this comes from: none, the repository's, the prefix's, or both, in this order.
    pub secrets: Vec<String>,
    /// What the repository is, where a Secret says so.
    pub repository_type: RepositoryType,
    /// Name, for people.
    pub name: String,
    /// How to log in.
    pub credentials: Credentials,
    /// Do not verify certificates, nor the keys of SSH servers.
    pub insecure: bool,
    /// Do not verify the keys of SSH servers.
    pub insecure_ignore_host_key: bool,
    /// Fetch files that are kept in LFS.
    pub enable_lfs: bool,
    /// The Helm repository is a registry.
    pub enable_oci: bool,
    /// Talk plain HTTP to the registry.
    pub insecure_oci_force_http: bool,
    /// Send basic authentication unasked.
    pub force_http_basic_auth: bool,
    /// Commits to fetch; all where `None`.
    pub depth: Option<u32>,
    /// Proxy, which may hold a password.
    pub proxy: Option<Secret>,
    /// Hosts that are reached without the proxy.
    pub no_proxy: String,
    /// Whether a Secret for this URL, or for a prefix of it, is itself written with `http://`: the operator accepts
    /// that nothing on the way is encrypted.
    pub plain_http: bool,
}

impl Repositories {
    /// Puts repositories and prefixes (`repo-creds`) in order.
    pub fn new(
        repositories: impl IntoIterator<Item = Repository>,
        prefixes: impl IntoIterator<Item = Repository>,
    ) -> Self {
        let repositories = repositories
            .into_iter()
            .map(|repository| Entry { url: normal_form(&repository.url), repository });
        let prefixes =
            prefixes.into_iter().map(|repository| Entry { url: prefix_form(&repository.url), repository });
        let mut all = Self { repositories: repositories.collect(), prefixes: prefixes.collect() };
        for list in [&mut all.repositories, &mut all.prefixes] {
            list.retain(|entry| !entry.url.is_empty());
            list.sort_by(|left, right| left.repository.secret_name.cmp(&right.repository.secret_name));
        }
        all
    }

    /// Every repository that is configured, prefixes not among them.
    pub fn repositories(&self) -> impl Iterator<Item = &Repository> {
        self.repositories.iter().map(|entry| &entry.repository)
    }

    /// Every prefix whose repositories have the same credentials.
    pub fn prefixes(&self) -> impl Iterator<Item = &Repository> {
        self.prefixes.iter().map(|entry| &entry.repository)
    }

    /// The same with one more repository, instead of those of its URL and project.
    pub fn with(&self, repository: Repository) -> Self {
        let url = normal_form(&repository.url);
        let others = self
            .repositories
            .iter()
            .filter(|entry| entry.url != url || entry.repository.project != repository.project);
        let mut all: Vec<Repository> = others.map(|entry| entry.repository.clone()).collect();
        all.push(repository);
        Self::new(all, self.prefixes().cloned())
    }

    /// The Helm repository (or registry) that a chart's dependency names as `@name` or `alias:name`.
    ///
    /// **Shape**: by the Secret's `name`, of a project's own before those of none; one of another project is not found.
    /// **Source**: the peer adds the Helm repositories that a project may use to `helm` under their names.
    pub fn named(&self, name: &str, project: &str) -> Option<&Repository> {
        let of = |wanted: &str| {
            self.repositories().find(|repository| {
                repository.name == name
                    && repository.project == wanted
                    && repository.repository_type != RepositoryType::Git
            })
        };
        (!name.is_empty()).then(|| of(project).or_else(|| of(""))).flatten()
    }

    /// How a repository is reached for an application of a project.
    ///
    /// **Shape**: the Secret with this very URL (in [normal form](normal_form)) and this project wins over the one
    /// with no project; one of another project is not used. Only where it has no credentials, those of the longest
    /// prefix are taken. Without any Secret: anonymous. **Source**: the peer's `GetRepository` and
    /// `enrichCredsToRepo`. We differ where credentials could leak: a prefix matches whole hosts only
    /// (`https://git.example` is none of `https://git.example.evil/x`), a prefix that has a project is used for that
    /// project only, and a URL with dot segments gets nothing.
    pub fn lookup(&self, url: &str, project: &str) -> RepositoryAccess {
        let url = normal_form(url);
        if url.is_empty() || is_evasive(&url) {
            return RepositoryAccess::default();
        }
        let of = |wanted: &str| {
            self.repositories.iter().find(|entry| entry.url == url && entry.repository.project == wanted)
        };
        let repository = of(project).or_else(|| of("")).map(|entry| &entry.repository);
        let mut access = repository.map(access_to).unwrap_or_default();
        if access.credentials.are_there() {
            return access;
        }
        let usable = self.prefixes.iter().rev().filter(|entry| {
            let of = &entry.repository.project;
            (of.is_empty() || of == project) && is_prefix(&entry.url, &url)
        });
        // The first of the longest: the iterator's maximum would be the last.
        let longest = usable.max_by_key(|entry| (entry.url.len(), entry.repository.project == project));
        if let Some(prefix) = longest {
            inherit(&mut access, &prefix.repository, repository.is_some());
        }
        access
    }
}

fn access_to(repository: &Repository) -> RepositoryAccess {
    RepositoryAccess {
        secrets: vec![repository.secret_name.clone()],
        repository_type: repository.repository_type,
        name: repository.name.clone(),
        credentials: repository.credentials.clone(),
        insecure: repository.insecure,
        insecure_ignore_host_key: repository.insecure_ignore_host_key,
        enable_lfs: repository.enable_lfs,
        enable_oci: repository.enable_oci,
        insecure_oci_force_http: repository.insecure_oci_force_http,
        force_http_basic_auth: repository.force_http_basic_auth,
        depth: repository.depth,
        proxy: repository.proxy.clone(),
        no_proxy: repository.no_proxy.clone(),
        plain_http: is_plain_http(&repository.url),
    }
}

/// What a prefix gives: credentials, and what goes with them where the repository says nothing itself.
/// A client certificate of the repository's own stays.
fn inherit(access: &mut RepositoryAccess, prefix: &Repository, has_own_secret: bool) {
    let own = std::mem::replace(&mut access.credentials, prefix.credentials.clone());
    if own.tls_client_cert_data.is_some() {
        access.credentials.tls_client_cert_data = own.tls_client_cert_data;
        access.credentials.tls_client_cert_key = own.tls_client_cert_key;
    }
    if !has_own_secret {
        access.repository_type = prefix.repository_type;
    }
    access.secrets.push(prefix.secret_name.clone());
    access.enable_oci |= prefix.enable_oci;
    access.insecure_oci_force_http |= prefix.insecure_oci_force_http;
    access.force_http_basic_auth |= prefix.force_http_basic_auth;
    access.plain_http |= is_plain_http(&prefix.url);
    if access.proxy.is_none() {
        access.proxy.clone_from(&prefix.proxy);
        access.no_proxy.clone_from(&prefix.no_proxy);
    }
}

fn is_plain_http(url: &str) -> bool {
    url.trim().to_lowercase().starts_with("http://")
}

/// As the normal form, but a slash at the end stays: `https://h/org/` is no prefix of `https://h/organisation`.
fn prefix_form(url: &str) -> String {
    let slash = if url.trim().ends_with('/') { "/" } else { "" };
    format!("{}{slash}", normal_form(url))
}

/// Whether `url` is below `prefix`. Inside a path any beginning counts, as in the peer; a host counts whole.
fn is_prefix(prefix: &str, url: &str) -> bool {
    let Some(rest) = url.strip_prefix(prefix) else { return false };
    let authority_and_path = prefix.split_once("://").map_or(prefix, |(_, rest)| rest);
    authority_and_path.contains('/') || rest.is_empty() || rest.starts_with('/')
}

#[cfg(test)]
mod tests;
