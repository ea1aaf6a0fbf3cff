use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::child::Child;
use crate::real::free_ports;

/// How long it may take to listen: it waits for its caches, and that for all Applications.
const PATIENCE: Duration = Duration::from_secs(120);

/// The peer's own API server (`argocd-server`) with its Redis, on plain http and a free loopback port. Sessions of another server of the
/// same installation count here, too, since they are signed with the same key. It has no repository server. Ends on drop.
pub struct PeerServer {
    address: String,
    server: Child,
    _redis: Child,
    _dir: tempfile::TempDir,
}

impl PeerServer {
    /// The definition of ApplicationSets, which it asks for, but for what they are.
    pub fn definition() -> Value {
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let version = json!({"name": "v1alpha1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}});
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "applicationsets.argoproj.io"},
            "spec": {
                "group": "argoproj.io", "scope": "Namespaced", "names": {"plural": "applicationsets", "kind": "ApplicationSet"},
                "versions": [version],
            },
        })
    }

    /// Starts it on the cluster that a file names, for the installation in a namespace; `None`, with a word on standard error, where the
    /// server cannot be built or there is no Redis. Blocking.
    ///
    /// # Errors
    /// It ends or does not listen.
    pub fn start(kubeconfig: &Path, namespace: &str) -> Result<Option<Self>> {
        let tools = match crate::ensure_argocd() {
            Ok(tools) => tools,
            Err(error) => {
                crate::say_skipped("argocd-server", &format!("{error:#}"));
                return Ok(None);
            }
        };
        let dir = tempfile::tempdir()?;
        let [port, metrics, redis_port] = free_ports()?;
        let args = ["--port", &redis_port.to_string(), "--save", "", "--appendonly", "no"].map(str::to_owned);
        let Ok(redis) = Child::start("redis", Path::new("redis-server"), &args, dir.path()) else {
            crate::say_skipped("argocd-server", "there is no redis-server");
            return Ok(None);
        };
        let args = [
            "ARGOCD_BINARY_NAME=argocd-server".to_owned(),
            format!("ARGOCD_TLS_DATA_PATH={}", dir.path().display()),
            tools.program("argocd").display().to_string(),
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--namespace={namespace}"),
            "--insecure".to_owned(),
            format!("--redis=127.0.0.1:{redis_port}"),
            "--address=127.0.0.1".to_owned(),
            format!("--port={port}"),
            "--metrics-address=127.0.0.1".to_owned(),
            format!("--metrics-port={metrics}"),
            "--repo-server=127.0.0.1:1".to_owned(),
            "--dex-server=127.0.0.1:1".to_owned(),
            "--loglevel=warn".to_owned(),
        ];
        let server = Child::start("argocd-server", Path::new("env"), &args, dir.path())?;
        let (address, begun) = (format!("127.0.0.1:{port}"), Instant::now());
        while std::net::TcpStream::connect(&address).is_err() {
            server.check_running()?;
            if redis.check_running().is_err() {
                crate::say_skipped("argocd-server", &format!("no redis-server: {}", redis.log_tail()));
                return Ok(None);
            }
            ensure!(begun.elapsed() < PATIENCE, "the peer's server does not listen:\n{}", server.log_tail());
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Some(Self { address, server, _redis: redis, _dir: dir }))
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The server's process, without its Redis.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }
}
