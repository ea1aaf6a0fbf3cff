//! Repositories and their credentials, as Secrets hold them.

use std::collections::BTreeMap;

use crate::Secret;
use crate::fields::{Fields, SecretError};

/// What a repository is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RepositoryType {
    /// Git.
    #[default]
    Git,
    /// A Helm repository, with an index or, with `enableOCI`, a registry.
    Helm,
    /// OCI artifacts.
    Oci,
}

/// How to log in. Any of the kinds may be there; a field that is absent or empty in the Secret is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    /// User, for basic authentication.
    pub username: Option<Secret>,
    /// Password or token, for basic authentication.
    pub password: Option<Secret>,
    /// Bearer token, for git servers that want one.
    pub bearer_token: Option<Secret>,
    /// Private key for SSH, PEM or OpenSSH.
    pub ssh_private_key: Option<Secret>,
    /// Client certificate, PEM.
    pub tls_client_cert_data: Option<Secret>,
    /// Key of the client certificate, PEM.
    pub tls_client_cert_key: Option<Secret>,
    /// A GitHub App.
    pub github_app: Option<GithubApp>,
    /// Key of a service account of Google Cloud, JSON.
    pub gcp_service_account_key: Option<Secret>,
    /// Ask Azure for a token by workload identity.
    pub use_azure_workload_identity: bool,
    /// A service principal of Azure.
    pub azure_service_principal: Option<AzureServicePrincipal>,
}

/// A GitHub App that hands out tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubApp {
    /// Private key, PEM.
    pub private_key: Secret,
    /// Id of the app.
    pub id: i64,
    /// Id of its installation; looked up where 0.
    pub installation_id: i64,
    /// API of a GitHub Enterprise server; github.com's where empty.
    pub enterprise_base_url: String,
}

/// A service principal of Azure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureServicePrincipal {
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: Secret,
    /// Tenant.
    pub tenant_id: String,
    /// Endpoint; the public cloud's where empty.
    pub active_directory_endpoint: String,
}

impl Credentials {
    /// Whether a repository has credentials of its own, so that those of a prefix are not used.
    /// **Source**: the peer's `HasCredentials`; a client certificate alone does not count there, nor here.
    pub fn are_there(&self) -> bool {
        self.username.is_some()
            || self.password.is_some()
            || self.bearer_token.is_some()
            || self.ssh_private_key.is_some()
            || self.github_app.is_some()
            || self.gcp_service_account_key.is_some()
            || self.use_azure_workload_identity
            || self.azure_service_principal.is_some()
    }
}

/// A Secret that names a repository, or a prefix of repositories.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repository {
    /// Name of the Secret.
    pub secret_name: String,
    /// URL, or the prefix of URLs.
    pub url: String,
    /// Name, for people.
    pub name: String,
    /// The only project that may use it; all may where empty.
    pub project: String,
    /// What it is.
    pub repository_type: RepositoryType,
    /// How to log in.
    pub credentials: Credentials,
    /// Do not verify certificates, nor the keys of SSH servers.
    pub insecure: bool,
    /// Do not verify the keys of SSH servers (an older name for `insecure`).
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
}

impl Repository {
    /// Reads the data of a Secret, decoded. Texts are trimmed of the line end that `echo | base64` leaves, but for
    /// keys and certificates.
    pub fn parse(secret_name: &str, data: &BTreeMap<String, Vec<u8>>) -> Result<Self, SecretError> {
        let fields = Fields(data);
        let url = fields.text("url")?.ok_or(SecretError::Missing { key: "url" })?;
        let repository_type = match fields.text("type")?.as_deref() {
            None | Some("git") => RepositoryType::Git,
            Some("helm") => RepositoryType::Helm,
            Some("oci") => RepositoryType::Oci,
            Some(_) => return Err(SecretError::Malformed { key: "type", expected: "git, helm or oci" }),
        };
        let depth = match fields.number("depth")? {
            None | Some(0) => None,
            Some(depth) => Some(
                u32::try_from(depth)
                    .map_err(|_| SecretError::Malformed { key: "depth", expected: "a number of commits" })?,
            ),
        };
        Ok(Self {
            secret_name: secret_name.to_owned(),
            url,
            name: fields.text("name")?.unwrap_or_default(),
            project: fields.text("project")?.unwrap_or_default(),
            repository_type,
            credentials: credentials(&fields)?,
            insecure: fields.truth("insecure")?,
            insecure_ignore_host_key: fields.truth("insecureIgnoreHostKey")?,
            enable_lfs: fields.truth("enableLfs")?,
            enable_oci: fields.truth("enableOCI")?,
            insecure_oci_force_http: fields.truth("insecureOCIForceHttp")?,
            force_http_basic_auth: fields.truth("forceHttpBasicAuth")?,
            depth,
            proxy: fields.secret("proxy")?,
            no_proxy: fields.text("noProxy")?.unwrap_or_default(),
        })
    }
}

fn credentials(fields: &Fields<'_>) -> Result<Credentials, SecretError> {
    let github_app = match fields.whole("githubAppPrivateKey")? {
        None => None,
        Some(private_key) => Some(GithubApp {
            private_key,
            id: fields.number("githubAppID")?.unwrap_or_default(),
            installation_id: fields.number("githubAppInstallationID")?.unwrap_or_default(),
            enterprise_base_url: fields.text("githubAppEnterpriseBaseUrl")?.unwrap_or_default(),
        }),
    };
    let azure_service_principal = match fields.secret("azureServicePrincipalClientSecret")? {
        None => None,
        Some(client_secret) => Some(AzureServicePrincipal {
            client_id: fields.text("azureServicePrincipalClientId")?.unwrap_or_default(),
            client_secret,
            tenant_id: fields.text("azureServicePrincipalTenantId")?.unwrap_or_default(),
            active_directory_endpoint: fields.text("azureActiveDirectoryEndpoint")?.unwrap_or_default(),
        }),
    };
    Ok(Credentials {
        username: fields.secret("username")?,
        password: fields.secret("password")?,
        bearer_token: fields.secret("bearerToken")?,
        ssh_private_key: fields.whole("sshPrivateKey")?,
        tls_client_cert_data: fields.whole("tlsClientCertData")?,
        tls_client_cert_key: fields.whole("tlsClientCertKey")?,
        github_app,
        gcp_service_account_key: fields.whole("gcpServiceAccountKey")?,
        use_azure_workload_identity: fields.truth("useAzureWorkloadIdentity")?,
        azure_service_principal,
    })
}
