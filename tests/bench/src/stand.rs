//! The cluster that is measured against: started, asked what it was asked, and how much CPU it took itself.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use http::Request;
use kubesim::{KubeSim, Serving};
use serde_json::Value;
use testkit::{RealCluster, RealOptions};

use crate::controller::{AGENT, cpu_seconds};

/// Which cluster is measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum On {
    /// kube-apiserver and etcd without fsync; no controller manager, as the peer was measured.
    Real,
    /// The Kubernetes API in memory, over HTTPS, without its workload controllers.
    Kubesim,
}

impl std::fmt::Display for On {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Real => "kube-apiserver",
            Self::Kubesim => "kubesim",
        })
    }
}

/// A running cluster.
pub(crate) enum Stand {
    Real(Box<RealCluster>),
    Kubesim { sim: KubeSim, _serving: Serving, kubeconfig: PathBuf },
}

/// One request of the controller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) verb: String,
    pub(crate) resource: String,
}

impl Asked {
    /// The lease's renewal is the heartbeat, counted apart.
    pub(crate) fn is_heartbeat(&self) -> bool {
        self.resource == "leases"
    }

    pub(crate) fn is_watch(&self) -> bool {
        self.verb == "watch"
    }

    /// At rest lists make sure of watches: their number hangs on the kinds, not on the applications.
    pub(crate) fn is_list(&self) -> bool {
        self.verb == "list"
    }
}

impl Stand {
    /// Starts a cluster; `None` where the real one cannot be had here, which is said.
    pub(crate) async fn start(on: On, dir: &Path) -> Result<Option<Self>> {
        match on {
            On::Real => {
                let options = RealOptions { audit_log: true, ..RealOptions::default() };
                Ok(RealCluster::start(options).await?.map(|real| Self::Real(Box::new(real))))
            }
            On::Kubesim => {
                let sim = KubeSim::new(kubesim::Options {
                    requests_kept: 4_000_000,
                    ..kubesim::Options::default()
                });
                let serving = sim.serve_https(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
                let kubeconfig = dir.join("kubeconfig");
                std::fs::write(&kubeconfig, serving.kubeconfig())?;
                Ok(Some(Self::Kubesim { sim, _serving: serving, kubeconfig }))
            }
        }
    }

    /// A client for the bench's own requests.
    pub(crate) fn client(&self) -> kube::Client {
        match self {
            Self::Real(real) => real.client(),
            Self::Kubesim { sim, .. } => sim.client(),
        }
    }

    /// A client that speaks with the cluster as the controller does: over TLS, as a user of this name.
    pub(crate) async fn outside(&self, agent: &'static str) -> Result<kube::Client> {
        crate::controller::client(&self.kubeconfig(), agent).await
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        match self {
            Self::Real(real) => real.kubeconfig(),
            Self::Kubesim { kubeconfig, .. } => kubeconfig.clone(),
        }
    }

    /// CPU time of the cluster so far, in seconds: API server and etcd, or the simulator, whose process is the bench's own.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        match self {
            Self::Real(real) => real.cpu_seconds().values().sum(),
            Self::Kubesim { .. } => cpu_seconds(std::process::id()),
        }
    }

    /// The controller's requests so far, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        match self {
            Self::Real(real) => real
                .audit()
                .into_iter()
                .filter(|entry| entry.user_agent.contains(AGENT))
                .map(|entry| Asked { verb: entry.verb, resource: entry.resource })
                .collect(),
            Self::Kubesim { sim, .. } => sim
                .requests()
                .into_iter()
                .filter(|record| record.user_agent.contains(AGENT))
                .map(|record| Asked { verb: record.verb, resource: record.resource })
                .collect(),
        }
    }
}

/// How often each verb and resource occurs, as in `patch applications`.
pub(crate) fn tally(asked: &[Asked]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for one in asked {
        let resource = if one.resource.is_empty() { "discovery" } else { &one.resource };
        *counts.entry(format!("{} {resource}", one.verb)).or_default() += 1;
    }
    counts
}

/// Requests by path, as the bench makes them.
#[derive(Clone)]
pub(crate) struct Api {
    client: kube::Client,
}

impl Api {
    pub(crate) fn new(client: kube::Client) -> Self {
        Self { client }
    }

    pub(crate) fn client(&self) -> &kube::Client {
        &self.client
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Option<Value>> {
        match self.client.request(Request::get(path).body(Vec::new())?).await {
            Ok(value) => Ok(Some(value)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error).with_context(|| format!("GET {path}")),
        }
    }

    /// Merges a patch into an object.
    pub(crate) async fn patch(&self, path: &str, patch: &Value) -> Result<Value> {
        self.send(Request::patch(path), "application/merge-patch+json", path, patch).await
    }

    /// Creates or updates an object in its collection.
    pub(crate) async fn apply(&self, collection: &str, object: &Value) -> Result<Value> {
        let name =
            object.pointer("/metadata/name").and_then(Value::as_str).context("an object without a name")?;
        let path = format!("{collection}/{name}?fieldManager=bench&force=true");
        self.send(Request::patch(&path), "application/apply-patch+yaml", &path, object).await
    }

    async fn send(
        &self,
        request: http::request::Builder,
        kind: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value> {
        let request = request.header("content-type", kind).body(serde_json::to_vec(body)?)?;
        self.client.request(request).await.with_context(|| format!("PATCH {path}"))
    }

    /// Installs what Capstan needs; a kind that was just defined is waited for.
    pub(crate) async fn install(&self) -> Result<()> {
        for manifest in ::api::install_manifests(crate::workload::NAMESPACE) {
            let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let namespace = text("/metadata/namespace");
            let place = match text("/kind") {
                "CustomResourceDefinition" => {
                    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions".to_owned()
                }
                "Namespace" => "/api/v1/namespaces".to_owned(),
                "ConfigMap" => format!("/api/v1/namespaces/{namespace}/configmaps"),
                "Secret" => format!("/api/v1/namespaces/{namespace}/secrets"),
                "AppProject" => format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/appprojects"),
                other => anyhow::bail!("the installation has a {other}, whose path is not known here"),
            };
            let what = format!("{} {} is taken", text("/kind"), text("/metadata/name"));
            testkit::eventually(&what, std::time::Duration::from_secs(60), || async {
                self.apply(&place, &manifest).await.map(|_| true)
            })
            .await;
        }
        Ok(())
    }
}
