//! Another cluster, reached over the network: through a gate that can be shut.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubesim::workloads::{ControllerOptions, Handle, spawn_controllers};
use kubesim::{KubeSim, Serving};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{Api, Cluster, clock, nodes};

/// What becomes of connections to a remote cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// They are handed on.
    Open,
    /// They are cut off, and new ones at once.
    Shut,
    /// They are cut off, and new ones hear nothing.
    Silent,
}

/// See the module. Dropping it ends everything.
pub struct Remote {
    /// The cluster, where it is a kubesim.
    pub sim: Option<KubeSim>,
    /// Requests to it, past the gate.
    pub api: Api,
    token: String,
    ca: String,
    server: String,
    gate: watch::Sender<Gate>,
    task: JoinHandle<()>,
    _simulated: Option<(Serving, [Handle; 2])>,
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Remote {
    /// An empty cluster behind an open gate.
    pub async fn start() -> Result<Self> {
        let sim = KubeSim::new(kubesim::Options::default());
        let client = sim.client();
        let workloads =
            [spawn_controllers(client.clone(), ControllerOptions::default()), nodes(&client, &clock())];
        let serving = sim.serve_https(([127, 0, 0, 1], 0).into()).await?;
        let (token, ca) = (serving.token.clone(), serving.ca.clone());
        let mut remote = Self::behind(serving.addr, client, token, ca).await?;
        (remote.sim, remote._simulated) = (Some(sim), Some((serving, workloads)));
        Ok(remote)
    }

    /// A real cluster behind an open gate.
    pub async fn real(cluster: &Cluster) -> Result<Self> {
        let real = cluster.real.as_ref().context("no real cluster")?;
        let address = real.url().trim_start_matches("https://").parse()?;
        let (token, ca) = real.login()?;
        Self::behind(address, cluster.client.clone(), token, ca).await
    }

    async fn behind(
        address: std::net::SocketAddr,
        client: kube::Client,
        token: String,
        ca: String,
    ) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let server = format!("https://{}", listener.local_addr()?);
        let (gate, seen) = watch::channel(Gate::Open);
        let task = tokio::spawn(pass(listener, address, seen));
        let api = Api::new(client);
        Ok(Self { sim: None, api, token, ca, server, gate, task, _simulated: None })
    }

    /// Its URL.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Opens or shuts the gate.
    pub fn set_gate(&self, gate: Gate) {
        self.gate.send_replace(gate);
    }

    /// The Secret by which it is known under a name, with fields beside server, name and config.
    pub fn secret(&self, name: &str, more: &[(&str, &str)]) -> Value {
        self.secret_with_token(name, &self.token, more)
    }

    /// The same with another token.
    pub fn secret_with_token(&self, name: &str, token: &str, more: &[(&str, &str)]) -> Value {
        let config = json!({"bearerToken": token, "tlsClientConfig": {"caData": STANDARD.encode(&self.ca)}});
        let mut fields = json!({"server": self.server, "name": name, "config": config.to_string()});
        for (key, value) in more {
            fields[*key] = json!(value);
        }
        json!({
            "apiVersion": "v1", "kind": "Secret", "stringData": fields,
            "metadata": {"name": format!("cluster-{name}"), "namespace": "argocd",
                         "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
        })
    }
}

async fn pass(listener: TcpListener, to: std::net::SocketAddr, gate: watch::Receiver<Gate>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((mut from, _)) = listener.accept().await {
        let mut gate = gate.clone();
        connections.spawn(async move {
            let begun = *gate.borrow_and_update();
            match begun {
                Gate::Shut => {}
                Gate::Silent => drop(gate.changed().await),
                Gate::Open => {
                    let Ok(mut to) = TcpStream::connect(to).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut from, &mut to) => {}
                        _ = gate.changed() => {}
                    }
                }
            }
        });
    }
}
