//! The API server beside the controllers.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use api::settings::Networks;
use applications::Controller;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::{Adopt, Options, Server};

/// Takes as many files as the system permits: a process begins with fewer, and connections have half of them. Go's runtime does so, too.
fn take_files() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::debug!(%error, "no more files may be open than at the start");
    }
}

/// Serves the API of an installation. What is `None` is as `argocd-cmd-params-cm` says.
pub(crate) async fn start(
    namespace: &str,
    client: kube::Client,
    controller: &Controller,
    address: SocketAddr,
    (insecure, root, trusted_proxies): (Option<bool>, Option<String>, Option<Networks>),
    adopt: Option<Adopt>,
) -> Result<Server> {
    take_files();
    let options = Options {
        insecure,
        root,
        trusted_proxies,
        adopt,
        ..Options::new(namespace, client, controller, address)
    };
    Server::start(options).await.context("the API cannot be served")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_are_taken() {
        let limit = getrlimit(Resource::Nofile);
        let fewer = limit.maximum.map_or(20_000, |maximum| maximum - 1);
        setrlimit(Resource::Nofile, Rlimit { current: Some(fewer), ..limit }).unwrap();
        take_files();
        assert_eq!(getrlimit(Resource::Nofile).current, limit.maximum);
    }
}
