use http::uri::Authority;
use net::{Proxies, Secret};

use crate::Error;

/// The port of a server whose address has none, TLS or not: the peer's client takes it, too.
const PORT: u16 = 443;

/// Which server, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Options {
    /// `host` or `host:port`, without a scheme.
    pub server: String,
    /// Without TLS.
    pub plaintext: bool,
    /// Whatever certificate it shows.
    pub insecure: bool,
    /// gRPC-Web alone; otherwise it is tried where gRPC does not get through.
    pub web: bool,
    /// What paths begin with in gRPC-Web.
    pub web_root: String,
    /// Certificates in PEM that are trusted beside the system's.
    pub certificates: Option<String>,
    /// Who we are in TLS.
    pub identity: Option<Identity>,
    /// Headers of every request, as `Name: value`.
    pub headers: Vec<String>,
    /// Who we are in the API.
    pub token: Option<Secret>,
    /// What program asks.
    pub user_agent: String,
    /// Ways out for gRPC-Web.
    pub proxies: Proxies,
}

/// A certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate, and those that vouch for it.
    pub certificate: String,
    /// Its key.
    pub key: Secret,
}

impl Options {
    /// A server over TLS that the system's certificates vouch for, nobody being logged in.
    pub fn new(server: impl Into<String>, user_agent: impl Into<String>) -> Self {
        Self {
            server: server.into(),
            plaintext: false,
            insecure: false,
            web: false,
            web_root: String::new(),
            certificates: None,
            identity: None,
            headers: Vec::new(),
            token: None,
            user_agent: user_agent.into(),
            proxies: Proxies::default(),
        }
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> Result<Authority, Error> {
        let wrong =
            || Error::Setup(format!("the server's address {:?} is not of the form host:port", self.server));
        let authority: Authority = self.server.parse().map_err(|_| wrong())?;
        match authority.port_u16() {
            _ if authority.as_str().contains('@') => Err(wrong()),
            Some(_) => Ok(authority),
            None => format!("{}:{PORT}", authority.host()).parse().map_err(|_| wrong()),
        }
    }

    /// `http` or `https`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.plaintext { "http" } else { "https" }
    }
}
