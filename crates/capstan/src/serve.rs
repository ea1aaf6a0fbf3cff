//! The API server beside the controllers.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use applications::Controller;
use server::{Options, Server};

/// Serves the API of an installation. What is `None` is as `argocd-cmd-params-cm` says.
pub(crate) async fn start(
    namespace: &str,
    client: kube::Client,
    controller: &Controller,
    address: SocketAddr,
    (insecure, root): (Option<bool>, Option<String>),
) -> Result<Server> {
    let options = Options {
        namespace: namespace.to_owned(),
        client,
        controller: controller.clone(),
        address,
        insecure,
        root,
        clock: Arc::new(jiff::Timestamp::now),
    };
    Server::start(options).await.context("the API cannot be served")
}
