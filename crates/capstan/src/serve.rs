//! The API server beside the controllers.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use applications::Controller;
use server::{Identity, Options, PortOptions, Server};

/// Serves the API of an installation, over TLS with a certificate of its own, or plainly.
pub(crate) async fn start(
    namespace: &str,
    client: kube::Client,
    controller: &Controller,
    address: SocketAddr,
    tls: bool,
) -> Result<Server> {
    let names =
        vec!["localhost".to_owned(), "argocd-server".to_owned(), format!("argocd-server.{namespace}.svc")];
    let identity = if tls { Some(Identity::self_signed(names)?) } else { None };
    let options = Options {
        namespace: namespace.to_owned(),
        client,
        controller: controller.clone(),
        port: PortOptions { address, identity },
        root: String::new(),
        clock: Arc::new(jiff::Timestamp::now),
    };
    Server::start(options).await.context("the API cannot be served")
}
