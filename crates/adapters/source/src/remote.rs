//! What is known of a repository before it is asked.

use crate::url::{RepoUrl, Scheme};
use net::Secret;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How to prove who we are to a repository's server and how to know that it is the right one.
///
/// The fields are those of the peer's `repository` Secret that concern git, plus what two ConfigMaps hold for its host.
/// `Debug` shows no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// For http(s). With a password and no name, `git` is sent, as some servers want any name beside a token.
    pub username: Option<String>,
    /// For http(s).
    pub password: Option<Secret>,
    /// For http(s); goes before name and password.
    pub bearer_token: Option<Secret>,
    /// For ssh: a private key without passphrase, in a form that OpenSSH reads.
    pub ssh_private_key: Option<Secret>,
    /// For https: PEM.
    pub tls_client_cert: Option<String>,
    /// For https: PEM.
    pub tls_client_key: Option<Secret>,
    /// For https: take any certificate.
    pub insecure: bool,
    /// For ssh: take any host key.
    pub insecure_ignore_host_key: bool,
    /// `http://`, `https://`, `socks5://` or `socks5h://`, credentials in it allowed; for http(s) only.
    pub proxy: Option<Secret>,
    /// Hosts that go without the proxy, separated by commas, as in the environment variable of that name.
    pub no_proxy: Option<String>,
    /// Sent as given; credentials are always sent with the first request, so this changes nothing here.
    pub force_http_basic_auth: bool,
    /// Whether plain `http` may be spoken at all: the repository's own Secret has an `http` URL.
    pub allow_http: bool,
    /// For ssh: the text of `argocd-ssh-known-hosts-cm`.
    pub known_hosts: Option<Arc<str>>,
    /// For https: `argocd-tls-certs-cm`, host → PEM. For a host that is named, these are trusted and no others, as in the peer.
    pub ca_certs: Arc<BTreeMap<String, String>>,
}

/// A repository and how to speak with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Where it is.
    pub url: RepoUrl,
    /// Who we are there.
    pub credentials: Credentials,
    /// Commits of history to fetch; all when none (as the peer's `depth: 0`).
    pub depth: Option<u32>,
    /// Whether directories of submodules show what the submodules hold.
    pub submodules: bool,
    /// The Secret's `enableLfs`: large files cannot be had here, so a pointer to one is an error instead of a text.
    pub enable_lfs: bool,
}

impl Remote {
    /// Without credentials; full history, submodules on: the peer's defaults.
    pub fn new(url: RepoUrl) -> Self {
        Self { url, credentials: Credentials::default(), depth: None, submodules: true, enable_lfs: false }
    }

    /// A value that differs where what a server would let us see may differ. One-way.
    pub(crate) fn access(&self) -> [u8; 32] {
        let c = &self.credentials;
        let mut hash = Sha256::new();
        let mut add = |text: Option<&str>| {
            let text = text.unwrap_or_default();
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        add(Some(&self.url.to_string()));
        add(self.url.user.as_deref());
        add(c.username.as_deref());
        add(c.tls_client_cert.as_deref());
        add(c.no_proxy.as_deref());
        add(c.known_hosts.as_deref());
        add(c.ca_certs.get(self.url.host()).map(String::as_str));
        for secret in [&c.password, &c.bearer_token, &c.ssh_private_key, &c.tls_client_key, &c.proxy] {
            add(secret.as_ref().map(Secret::expose));
        }
        hash.update([u8::from(c.insecure), u8::from(c.insecure_ignore_host_key), u8::from(c.allow_http)]);
        hash.finalize().into()
    }

    /// The secrets that no error may show.
    pub(crate) fn secrets(&self) -> Vec<&Secret> {
        let c = &self.credentials;
        [&c.password, &c.bearer_token, &c.ssh_private_key, &c.tls_client_key, &c.proxy]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The same settings for a submodule: credentials go along to the same server only, trust goes along anywhere.
    pub(crate) fn submodule(&self, url: RepoUrl) -> Self {
        let own = &self.credentials;
        let credentials = if self.url.same_server(&url) {
            own.clone()
        } else {
            Credentials {
                known_hosts: own.known_hosts.clone(),
                ca_certs: Arc::clone(&own.ca_certs),
                ..Credentials::default()
            }
        };
        Self { url, credentials, depth: self.depth, submodules: true, enable_lfs: self.enable_lfs }
    }

    /// Whether a submodule of this repository may be reached by `scheme`: never from the network to a file on this machine.
    pub(crate) fn may_lead_to(&self, scheme: Scheme) -> bool {
        scheme != Scheme::File || self.url.scheme() == Scheme::File
    }
}
