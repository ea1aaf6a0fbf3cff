//! The API server beside the controllers.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use api::settings::Networks;
use applications::Controller;
use server::{Adopt, Options, Server};

/// Serves the API of an installation. What is `None` is as `argocd-cmd-params-cm` says.
pub(crate) async fn start(
    namespace: &str,
    client: kube::Client,
    controller: &Controller,
    address: SocketAddr,
    (insecure, root, trusted_proxies): (Option<bool>, Option<String>, Option<Networks>),
    adopt: Option<Adopt>,
) -> Result<Server> {
    let options = Options {
        insecure,
        root,
        trusted_proxies,
        adopt,
        ..Options::new(namespace, client, controller, address)
    };
    Server::start(options).await.context("the API cannot be served")
}
