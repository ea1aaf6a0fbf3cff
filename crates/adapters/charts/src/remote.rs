//! What is known of a repository before it is asked.

use crate::digest::Digest;
use crate::url::RepositoryUrl;
use net::{Proxy, Secret};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A repository and how to speak with it. `Debug` shows no secret.
///
/// The fields are those of the peer's `repository` Secret that concern charts, plus the certificates of a ConfigMap.
/// `forceHttpBasicAuth` has no field: name and password of a Helm repository always go with the first request, and a registry
/// says itself what it wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Where it is.
    pub url: RepositoryUrl,
    /// For basic authentication, and for the token server of a registry. Goes before a user in the URL.
    pub username: Option<String>,
    /// As [`Remote::username`].
    pub password: Option<Secret>,
    /// Send name, password and client certificate to other hosts that the index names, too (the peer's `passCredentials`).
    pub pass_credentials: bool,
    /// How servers are trusted, and how they trust us.
    pub tls: Tls,
    /// Instead of [`crate::Options::proxy`].
    pub proxy: Option<Proxy>,
    /// Whether plain `http` may be spoken at all: the repository's own Secret has an `http` URL.
    pub allow_http: bool,
    /// Speak plain `http` with a registry (the Secret's `insecureOCIForceHttp`).
    pub force_http: bool,
    /// Instead of [`crate::Options::layer_media_types`].
    pub layer_media_types: Option<Arc<[String]>>,
}

/// Certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM; goes to the repository's own host only, unless [`Remote::pass_credentials`].
    pub client_cert: Option<String>,
    /// PEM.
    pub client_key: Option<Secret>,
    /// Take any certificate, of other hosts that the repository leads to as well, as the peer does.
    pub insecure: bool,
    /// `argocd-tls-certs-cm`, host → PEM. For a host that is named, these are trusted and no others, as in the peer.
    pub ca_certs: Arc<BTreeMap<String, String>>,
}

impl Remote {
    /// Without credentials, the peer's defaults.
    pub fn new(url: RepositoryUrl) -> Self {
        Self {
            url,
            username: None,
            password: None,
            pass_credentials: false,
            tls: Tls::default(),
            proxy: None,
            allow_http: false,
            force_http: false,
            layer_media_types: None,
        }
    }

    /// Name and password, if there are any.
    pub(crate) fn login(&self) -> Option<(&str, &str)> {
        let name = self.username.as_deref().unwrap_or_default();
        let password = self.password.as_ref().map_or("", Secret::expose);
        if !name.is_empty() || !password.is_empty() {
            return Some((name, password));
        }
        match &self.url {
            RepositoryUrl::Index(index) => {
                index.user.as_ref().map(|(name, password)| (name.as_str(), password.expose()))
            }
            RepositoryUrl::Registry(_) => None,
        }
    }

    /// A value that differs where what a server would let us see may differ, or what it is asked. One-way.
    pub(crate) fn access(&self, question: &[&str]) -> Digest {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        match &self.url {
            RepositoryUrl::Index(index) => {
                add("index");
                add(index.base.as_str());
            }
            RepositoryUrl::Registry(registry) => {
                add("registry");
                add(&registry.host);
                add(&registry.path);
            }
        }
        let (name, password) = self.login().unwrap_or_default();
        add(name);
        add(password);
        let proxy = self.proxy.as_ref();
        add(self.tls.client_cert.as_deref().unwrap_or_default());
        add(self.tls.client_key.as_ref().map_or("", Secret::expose));
        add(self.tls.ca_certs.get(self.url.host()).map_or("", String::as_str));
        add(proxy.map_or("", |proxy| proxy.url.expose()));
        add(proxy.and_then(|proxy| proxy.no_proxy.as_deref()).unwrap_or_default());
        for part in question {
            add(part);
        }
        let flags = [self.pass_credentials, self.tls.insecure, self.allow_http, self.force_http];
        hash.update(flags.map(u8::from));
        Digest::from(<[u8; 32]>::from(hash.finalize()))
    }

    /// The secrets that no error may show.
    pub(crate) fn secrets(&self) -> Vec<&Secret> {
        let user = match &self.url {
            RepositoryUrl::Index(index) => index.user.as_ref().map(|(_, password)| password),
            RepositoryUrl::Registry(_) => None,
        };
        let proxy = self.proxy.as_ref().map(|proxy| &proxy.url);
        [self.password.as_ref(), self.tls.client_key.as_ref(), proxy, user].into_iter().flatten().collect()
    }
}
