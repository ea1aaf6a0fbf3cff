//! From what the settings know of a repository to what the source adapter needs; adapters do not see each other.

use std::sync::Arc;

use source::{Credentials, Remote, RepoUrl};

/// The remote of a repository as a project's applications use it. `Err` is a message without secrets.
pub fn remote(settings: &settings::Snapshot, repo_url: &str, project: &str) -> Result<Remote, String> {
    let url = RepoUrl::parse(repo_url).map_err(|error| error.to_string())?;
    let access = settings.repositories.lookup(repo_url, project);
    let secret = |value: &Option<settings::Secret>| value.as_ref().map(|value| source::Secret::new(value.expose()));
    let credentials = Credentials {
        username: access.username.clone(),
        password: secret(&access.password),
        bearer_token: secret(&access.bearer_token),
        ssh_private_key: secret(&access.ssh_private_key),
        tls_client_cert: access.tls_client_cert_data.clone(),
        tls_client_key: secret(&access.tls_client_cert_key),
        insecure: access.insecure,
        insecure_ignore_host_key: access.insecure_ignore_host_key,
        proxy: secret(&access.proxy),
        no_proxy: access.no_proxy.clone(),
        force_http_basic_auth: access.force_http_basic_auth,
        allow_http: access.allows_http(),
        known_hosts: settings.known_hosts.clone(),
        ca_certs: Arc::clone(&settings.tls_certs),
    };
    Ok(Remote { credentials, depth: access.depth, enable_lfs: access.enable_lfs, ..Remote::new(url) })
}
