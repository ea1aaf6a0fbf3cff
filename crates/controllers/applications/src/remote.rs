//! From what the settings know of a repository to what the adapters need; adapters do not see each other.

use api::ApplicationSource;
use charts::RepositoryUrl;
use settings::{RepositoryAccess, RepositoryType};
use source::{Credentials, Remote, RepoUrl};

/// Who has the files of a source.
pub(crate) enum Origin {
    /// A git server.
    Git(Remote),
    /// A Helm repository or a registry.
    Charts(charts::Remote),
}

/// Who has the files of a source, and how he is reached by a project's applications. `Err` is a message without secrets.
pub(crate) fn origin(
    settings: &settings::Snapshot,
    source: &ApplicationSource,
    project: &str,
) -> Result<Origin, String> {
    let access = settings.repositories.lookup(&source.repo_url, project);
    if is_git(source) && access.repository_type != RepositoryType::Oci {
        return remote(settings, &source.repo_url, project).map(Origin::Git);
    }
    let pass_credentials = source.helm.as_ref().is_some_and(|helm| helm.pass_credentials);
    let mut remote = chart_remote(settings, &source.repo_url, project)?;
    remote.pass_credentials |= pass_credentials;
    Ok(Origin::Charts(remote))
}

/// Whether a source is a git repository's, as far as it says by itself.
pub(crate) fn is_git(source: &ApplicationSource) -> bool {
    source.chart.is_empty() && !source.repo_url.starts_with("oci://")
}

/// Whether the URL of a source can be read. `Err` says what is wrong with it.
pub(crate) fn check_url(source: &ApplicationSource) -> Result<(), String> {
    if is_git(source) {
        RepoUrl::parse(&source.repo_url).map(drop).map_err(|error| error.to_string())
    } else {
        RepositoryUrl::parse(&source.repo_url).map(drop).map_err(|error| error.to_string())
    }
}

/// A Helm repository or registry as a project's applications use it.
pub(crate) fn chart_remote(
    settings: &settings::Snapshot,
    repo_url: &str,
    project: &str,
) -> Result<charts::Remote, String> {
    let access = settings.repositories.lookup(repo_url, project);
    let in_registry = access.enable_oci || access.repository_type == RepositoryType::Oci;
    let url =
        if in_registry { RepositoryUrl::parse_registry(repo_url) } else { RepositoryUrl::parse(repo_url) };
    let url = url.map_err(|error| error.to_string())?;
    refuse_unknown(&access, &url)?;
    let own = &access.credentials;
    let secret =
        |value: &Option<settings::Secret>| value.as_ref().map(|value| charts::Secret::new(value.expose()));
    let text = |value: &Option<settings::Secret>| value.as_ref().map(|value| value.expose().to_owned());
    let no_proxy = (!access.no_proxy.is_empty()).then(|| access.no_proxy.clone());
    Ok(charts::Remote {
        username: text(&own.username),
        password: secret(&own.password),
        tls: charts::Tls {
            client_cert: text(&own.tls_client_cert_data),
            client_key: secret(&own.tls_client_cert_key),
            insecure: access.insecure,
            ca_certs: settings.tls_certs.clone().into(),
        },
        proxy: secret(&access.proxy).map(|url| charts::Proxy { url, no_proxy }),
        allow_http: access.plain_http,
        force_http: access.insecure_oci_force_http,
        layer_media_types: settings.params.oci_layer_media_types.clone().map(Into::into),
        ..charts::Remote::new(url)
    })
}

/// The remote of a repository as a project's applications use it. `Err` is a message without secrets.
pub fn remote(settings: &settings::Snapshot, repo_url: &str, project: &str) -> Result<Remote, String> {
    let url = RepoUrl::parse(repo_url).map_err(|error| error.to_string())?;
    let access = settings.repositories.lookup(repo_url, project);
    refuse_unknown(&access, &url)?;
    let own = &access.credentials;
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
    let plain = Remote::new(url);
    let submodules = settings.params.git_submodules.unwrap_or(plain.submodules);
    Ok(Remote { credentials, depth: access.depth, enable_lfs: access.enable_lfs, submodules, ..plain })
}

/// Credentials of kinds that are not there yet are an error, lest a server be asked as nobody.
fn refuse_unknown(access: &RepositoryAccess, url: &impl std::fmt::Display) -> Result<(), String> {
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
    Ok(())
}
