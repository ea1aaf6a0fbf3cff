//! From flags, the environment and the file of contexts to a server, or to the cluster.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use net::{Proxies, Secret};
use remote::{Identity, Options, Remote};

use super::Local;
use super::contexts::{self, Contexts, Named};
use super::forward::{Forwarded, forward};
use crate::command::ConnectionFlags;
use crate::console::Console;
use crate::failure::{Failure, Kind};

/// What contexts call the server of a forwarded port, as in the peer: which one it is the kubeconfig says.
pub(super) const FORWARDED: &str = "port-forward";

/// Whom a command asks.
#[derive(Debug)]
pub enum Backend {
    /// The cluster's own API.
    Cluster,
    /// A server.
    Server(Box<Target>),
}

/// A server that is to be asked.
#[derive(Debug, Clone)]
pub struct Target {
    pub(crate) options: Options,
    /// The context that it is of, if any.
    pub(crate) context: Option<Named>,
}

impl Local {
    /// Whom a command asks: the cluster with `--core` or in a context of that kind; a server that a flag, the environment or the current
    /// context names; else the cluster. The peer's client fails where nothing names a server.
    ///
    /// A token of the file goes to its own server alone; the peer's client sends the current context's to whichever server is named.
    ///
    /// # Errors
    /// What went wrong was said; the exit code is the answer.
    pub fn backend(&self) -> Result<Backend, u8> {
        self.target()
            .map(|target| target.map_or(Backend::Cluster, |target| Backend::Server(Box::new(target))))
            .map_err(|failure| Console::of_process(&self.face).end(&failure, self.face.style, (self.clock)()))
    }

    /// Whether the server is reached by a forwarded port: then the kubeconfig says where that is, and not whom a command asks.
    pub fn forwards(&self) -> bool {
        self.settled().is_ok_and(|flags| flags.forwards())
    }

    /// The server to be asked; `None` for the cluster.
    pub(crate) fn target(&self) -> Result<Option<Target>, Failure> {
        let flags = self.settled()?;
        if flags.core {
            return Ok(None);
        }
        let file = Contexts::read(&self.contexts_path(&flags)?)?;
        let named = flags.argocd_context.as_deref().filter(|name| !name.is_empty());
        let context = match &file {
            Some(file) if named.is_some() || !file.current().is_empty() => Some(file.resolve(named)?),
            None if named.is_some() => Some(Contexts::open(&self.contexts_path(&flags)?)?.resolve(named)?),
            _ => None,
        };
        let server = if flags.forwards() { Some(FORWARDED.to_owned()) } else { flags.server.clone() };
        let context = match (&server, context) {
            (Some(server), Some(context)) if named.is_none() && context.address() != server => {
                file.and_then(|file| file.of_server(server))
            }
            (None, Some(context)) if context.is("core") => return Ok(None),
            (_, context) => context,
        };
        let server = server.or_else(|| Some(context.as_ref()?.address().to_owned()));
        let Some(server) = server.filter(|server| !server.is_empty()) else { return Ok(None) };
        let options = self.options(server, &flags, context.as_ref())?;
        Ok(Some(Target { options, context }))
    }

    /// The server to be asked, where the cluster cannot be.
    pub(crate) fn needed(&self) -> Result<Target, Failure> {
        self.target()?.ok_or_else(|| {
            Failure::usage("no server is named")
                .cause("this needs the API server")
                .next("log in: capstan login SERVER, or name one: --server ADDRESS")
                .peer("Argo CD server address unspecified", 1)
        })
    }

    /// Where contexts are kept.
    pub(crate) fn contexts_path(&self, flags: &ConnectionFlags) -> Result<PathBuf, Failure> {
        contexts::path(flags.config.as_deref(), self.variable)
    }

    /// What was typed, and what `ARGOCD_OPTS`, `ARGOCD_SERVER` and `ARGOCD_AUTH_TOKEN` say where nothing was.
    pub(crate) fn settled(&self) -> Result<ConnectionFlags, Failure> {
        let said = said((self.variable)("ARGOCD_OPTS").as_deref().unwrap_or_default())?;
        let variable = |name: &str| (self.variable)(name).filter(|text| !text.is_empty());
        let text = |typed: &Option<String>, name: &str| typed.clone().or_else(|| said.get(name).cloned());
        let switch = |typed: bool, name: &str| typed || said.get(name).is_some_and(|text| text == "true");
        let typed = &self.flags;
        let headers = match (typed.headers.as_slice(), said.get("header")) {
            ([], Some(headers)) => headers.split(',').map(str::to_owned).collect(),
            (typed, _) => typed.to_vec(),
        };
        Ok(ConnectionFlags {
            server: text(&typed.server, "server").or_else(|| variable("ARGOCD_SERVER")),
            auth_token: text(&typed.auth_token, "auth-token").or_else(|| variable("ARGOCD_AUTH_TOKEN")),
            config: text(&typed.config, "config"),
            core: switch(typed.core, "core"),
            plaintext: switch(typed.plaintext, "plaintext"),
            insecure: switch(typed.insecure, "insecure"),
            grpc_web: switch(typed.grpc_web, "grpc-web"),
            grpc_web_root_path: text(&typed.grpc_web_root_path, "grpc-web-root-path"),
            server_crt: text(&typed.server_crt, "server-crt"),
            client_crt: text(&typed.client_crt, "client-crt"),
            client_crt_key: text(&typed.client_crt_key, "client-crt-key"),
            headers,
            prompts_enabled: typed.prompts_enabled.or_else(|| Some(said.get("prompts-enabled")? == "true")),
            port_forward: switch(typed.port_forward, "port-forward"),
            port_forward_namespace: text(&typed.port_forward_namespace, "port-forward-namespace"),
            server_name: text(&typed.server_name, "server-name").or_else(|| variable("ARGOCD_SERVER_NAME")),
            logformat: text(&typed.logformat, "logformat"),
            ..typed.clone()
        })
    }

    /// How a server is spoken to: as its context says, and as flags say more.
    pub(crate) fn options(
        &self,
        server: String,
        flags: &ConnectionFlags,
        context: Option<&Named>,
    ) -> Result<Options, Failure> {
        let is = |field: &str| context.is_some_and(|context| context.is(field));
        let held = |field: &str| held(context, field);
        let root = flags.grpc_web_root_path.clone().filter(|path| !path.is_empty());
        let root = root.or_else(|| Some(context?.text("grpc-web-root-path").to_owned())).unwrap_or_default();
        let certificates = match &flags.server_crt {
            Some(path) => Some(file(path)?),
            None => held("certificate-authority-data")?,
        };
        let identity = match (&flags.client_crt, &flags.client_crt_key) {
            (Some(certificate), Some(key)) => Some((file(certificate)?, file(key)?)),
            (None, None) => held("client-certificate-data")?.zip(held("client-certificate-key-data")?),
            _ => {
                let said = "--client-crt and --client-crt-key must always be specified together";
                return Err(Failure::usage(said).peer(said, 1));
            }
        };
        let given = flags.auth_token.as_deref().map(str::trim).filter(|token| !token.is_empty());
        Ok(Options {
            plaintext: flags.plaintext || is("plain-text"),
            insecure: flags.insecure || is("insecure"),
            web: flags.grpc_web || is("grpc-web") || !root.is_empty(),
            web_root: root,
            certificates,
            identity: identity.map(|(certificate, key)| Identity { certificate, key: Secret::new(key) }),
            headers: flags.headers.clone(),
            token: given.map(Secret::new).or_else(|| context?.token.clone()),
            proxies: Proxies::from_environment(self.variable),
            ..Options::new(server, concat!("capstan/", env!("CARGO_PKG_VERSION")))
        })
    }
}

/// Connects, by a forwarded port where flags say so, and says where another protocol was needed.
///
/// **Errors**: nobody answers, or no port can be forwarded.
pub(crate) async fn connect(
    local: &Local,
    console: &mut Console,
    options: Options,
) -> Result<Remote, Failure> {
    let flags = local.settled()?;
    let (options, line) = if flags.forwards() {
        let line = forward(local, &flags).await?;
        // No certificate is for this address, and the cluster vouches for who is at the other end.
        (Options { server: line.address.to_string(), insecure: true, ..options }, Some(line))
    } else {
        (options, None)
    };
    let server = options.server.clone();
    let remote = Remote::connect(options).await.map_err(|error| unreachable(&server, &error));
    // A forwarded port is open whether or not somebody is behind it.
    if let Some(said) = line.as_ref().and_then(Forwarded::said) {
        let failure =
            Failure::new(Kind::Unreachable, "cannot reach the server by a forwarded port").cause(said);
        return Err(failure.peer(said, 1));
    }
    let remote = remote?;
    if remote.fell_back() {
        console.warn(
            "Failed to invoke grpc call. Use flag --grpc-web in grpc calls. To avoid this warning message, use flag --grpc-web.",
            (local.clock)(),
        );
    }
    Ok(remote)
}

fn unreachable(server: &str, error: &remote::Error) -> Failure {
    let failure = Failure::from_remote(error, format!("cannot reach the server {server}"));
    match error {
        remote::Error::Unreachable(why) => failure
            .next("check the address, and whether it speaks TLS: --plaintext, --insecure, --grpc-web")
            .peer(format!("Failed to establish connection to {server}: error dial proxy: {why}"), 1),
        other => failure.peer(other.to_string(), 1),
    }
}

/// A field of base64 of a context's server.
fn held(context: Option<&Named>, field: &str) -> Result<Option<String>, Failure> {
    let Some(text) = context.map(|context| context.text(field)).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let decoded = BASE64_STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let wrong = || Failure::new(Kind::Invalid, format!("{field} of the context is no base64 of a text"));
    decoded.map(Some).ok_or_else(wrong)
}

fn file(path: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        let failure = Failure::usage(format!("the file {path} cannot be read")).because(&error);
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                failure.peer(format!("open {path}: no such file or directory"), 1)
            }
            _ => failure,
        }
    })
}

/// The flags in `ARGOCD_OPTS`.
fn said(text: &str) -> Result<BTreeMap<String, String>, Failure> {
    let wrong = |at: &str| {
        let said = format!("ARGOCD_OPTS invalid at '{at}'");
        Failure::usage(said.clone())
            .next("write it as flags: ARGOCD_OPTS='--grpc-web --server HOST'")
            .peer(said, 1)
    };
    let words = shlex::split(text).ok_or_else(|| wrong(text))?;
    let mut said = BTreeMap::new();
    let mut key: Option<String> = None;
    for word in words {
        match (word.strip_prefix("--"), key.take()) {
            (Some(flag), before) => {
                said.extend(before.map(|key| (key, "true".to_owned())));
                key = match flag.split_once('=') {
                    Some((flag, value)) => {
                        said.entry(flag.to_owned()).or_insert_with(|| value.to_owned());
                        None
                    }
                    None => Some(flag.to_owned()),
                };
            }
            (None, Some(key)) => drop(said.insert(key, word)),
            (None, None) => return Err(wrong(&word)),
        }
    }
    said.extend(key.map(|key| (key, "true".to_owned())));
    Ok(said)
}

#[cfg(test)]
mod tests;
