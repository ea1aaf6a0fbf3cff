//! From a kubeconfig to a client.

use std::path::Path;

use anyhow::{Context as _, Result};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// A client for the cluster that `kubeconfig` names, else for the one that `KUBECONFIG`, the user's own file or the pod's
/// service account name, in this order.
pub(crate) async fn connect(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Client> {
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let mut config = match kubeconfig {
        Some(path) => {
            let file = Kubeconfig::read_from(path).with_context(|| format!("{} cannot be read", path.display()))?;
            Config::from_custom_kubeconfig(file, &options)
                .await
                .with_context(|| format!("{} names no usable cluster", path.display()))?
        }
        None if context.is_some() => {
            Config::from_kubeconfig(&options).await.context("the kubeconfig names no such context")?
        }
        None => Config::infer().await.context(
            "no cluster: give --kubeconfig, set KUBECONFIG, or run in a pod (for a playground without a cluster: capstan up)",
        )?,
    };
    // The cluster adapter tries again by itself, and knows what may be repeated.
    config.default_retry = false;
    Client::try_from(config).context("the cluster's client could not be made")
}
