//! From what the settings know of a repository to what the source adapter needs; adapters do not see each other.

use source::{Credentials, Remote, RepoUrl};

/// The remote of a repository as a project's applications use it. `Err` is a message without secrets.
pub fn remote(settings: &settings::Snapshot, repo_url: &str, project: &str) -> Result<Remote, String> {
    let url = RepoUrl::parse(repo_url).map_err(|error| error.to_string())?;
    let access = settings.repositories.lookup(repo_url, project);
    let own = &access.credentials;
    for (given, name) in [
        (own.github_app.is_some(), "a GitHub App"),
        (own.gcp_service_account_key.is_some(), "a Google Cloud service account"),
        (own.use_azure_workload_identity, "an Azure workload identity"),
        (own.azure_service_principal.is_some(), "an Azure service principal"),
    ] {
        if given {
            return Err(format!(
                "{url}: credentials of {name} are not implemented yet (Secret {})",
                access.secrets.join(", ")
            ));
        }
    }
    let secret =
        |value: &Option<settings::Secret>| value.as_ref().map(|value| source::Secret::new(value.expose()));
    let text = |value: &Option<settings::Secret>| value.as_ref().map(|value| value.expose().to_owned());
    let credentials = Credentials {
        username: text(&own.username),
        password: secret(&own.password),
        bearer_token: secret(&own.bearer_token),
        ssh_private_key: secret(&own.ssh_private_key),
        tls_client_cert: text(&own.tls_client_cert_data),
        tls_client_key: secret(&own.tls_client_cert_key),
        insecure: access.insecure,
        insecure_ignore_host_key: access.insecure_ignore_host_key,
        proxy: secret(&access.proxy),
        no_proxy: (!access.no_proxy.is_empty()).then(|| access.no_proxy.clone()),
        force_http_basic_auth: access.force_http_basic_auth,
        allow_http: access.plain_http,
        known_hosts: (!settings.known_hosts.is_empty()).then(|| settings.known_hosts.as_str().into()),
        ca_certs: settings.tls_certs.clone().into(),
    };
    Ok(Remote { credentials, depth: access.depth, enable_lfs: access.enable_lfs, ..Remote::new(url) })
}
