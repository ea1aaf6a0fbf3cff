//! A whole installation for end-to-end tests: a cluster (kubesim, or a real kube-apiserver), a git server, a controller.

mod requests;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use applications::{Controller, Options, Start};
use kubesim::workloads::{ControllerOptions, Handle, NodeOptions, spawn_controllers, spawn_nodes};
use kubesim::KubeSim;
use serde_json::{Value, json};
use testkit::{GitServer, GitServerOptions, RealCluster, RealOptions, Repository, eventually, eventually_some};
use tokio::task::JoinHandle;

pub use requests::Api;

/// How long anything may take before a test gives up. Nothing waits for it that can be watched.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Which cluster a scenario runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// The Kubernetes API in memory.
    Kubesim,
    /// kube-apiserver, kube-controller-manager and etcd.
    Real,
}

/// A cluster with its nodes. Dropping it ends everything.
pub struct Cluster {
    /// A client with all rights.
    pub client: kube::Client,
    /// The simulator, where it is one.
    pub sim: Option<KubeSim>,
    /// The real one, where it is one.
    pub real: Option<RealCluster>,
    _workloads: Vec<Handle>,
}

impl Cluster {
    /// Starts a cluster; `None` where the real one cannot be had here, which is said.
    pub async fn start(on: On) -> Result<Option<Self>> {
        let nodes = NodeOptions { ready_delay: Duration::from_millis(10), ..NodeOptions::default() };
        match on {
            On::Kubesim => {
                let sim = KubeSim::new(kubesim::Options::default());
                let client = sim.client();
                let workloads = vec![
                    spawn_controllers(client.clone(), ControllerOptions::default()),
                    spawn_nodes(client.clone(), nodes),
                ];
                Ok(Some(Self { client, sim: Some(sim), real: None, _workloads: workloads }))
            }
            On::Real => {
                let options = RealOptions { controller_manager: true, audit_log: true, ..RealOptions::default() };
                let Some(real) = RealCluster::start(options).await? else { return Ok(None) };
                let client = real.client();
                let workloads = vec![spawn_nodes(client.clone(), nodes)];
                Ok(Some(Self { client, sim: None, real: Some(real), _workloads: workloads }))
            }
        }
    }
}

/// See the module.
pub struct World {
    /// The cluster.
    pub cluster: Cluster,
    /// Requests to it.
    pub api: Api,
    /// The config repository.
    pub repository: Repository,
    /// Its server.
    pub git: GitServer,
    /// The controller that runs.
    pub controller: Controller,
    task: JoinHandle<()>,
    data: tempfile::TempDir,
}

impl World {
    /// Everything installed and running, the repository empty but for a README.
    pub async fn start(on: On) -> Result<Option<Self>> {
        let Some(cluster) = Cluster::start(on).await? else { return Ok(None) };
        let api = Api::new(cluster.client.clone());
        for manifest in ::api::install_manifests("argocd") {
            api.apply(&manifest).await.context("install")?;
        }
        let repository = Repository::new("config")?;
        repository.commit(&[("README.md", "what runs\n")], "begin")?;
        let git = GitServer::start(&repository, GitServerOptions::default())?;
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "repo-config", "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": "repository"}},
            "stringData": {"type": "git", "url": git.url(&repository)},
        });
        api.apply(&secret).await?;
        let data = tempfile::tempdir()?;
        let (controller, task) = run(cluster.client.clone(), data.path(), "first").await?;
        Ok(Some(Self { cluster, api, repository, git, controller, task, data }))
    }

    /// Ends the controller at whatever it is doing, as SIGKILL would, and starts another one that waits for its lease
    /// no longer than it must.
    pub async fn restart(&mut self) -> Result<()> {
        self.task.abort();
        self.api.delete("/apis/coordination.k8s.io/v1/namespaces/argocd/leases/argocd-application-controller").await?;
        let (controller, task) = run(self.cluster.client.clone(), self.data.path(), "second").await?;
        (self.controller, self.task) = (controller, task);
        Ok(())
    }

    /// An Application of this repository, automated, pruned and healed.
    pub fn application(&self, name: &str, path: &str, namespace: &str) -> Value {
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": name, "namespace": "argocd", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
            "spec": {
                "project": "default",
                "source": {"repoURL": self.git.url(&self.repository), "targetRevision": "main", "path": path},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
                "syncPolicy": {
                    "automated": {"prune": true, "selfHeal": true},
                    "syncOptions": ["CreateNamespace=true"],
                },
            },
        })
    }

    /// Commits files and tells the controller, as a webhook would.
    pub fn push(&self, files: &[(&str, &str)]) -> Result<String> {
        let commit = self.repository.commit(files, "change")?;
        self.pushed();
        Ok(commit)
    }

    /// Tells the controller that the repository changed.
    pub fn pushed(&self) {
        self.controller.repository_changed(&self.git.url(&self.repository));
    }

    /// The Application as it is now.
    pub async fn app(&self, name: &str) -> Result<Value> {
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{name}");
        self.api.get(&path).await?.with_context(|| format!("no application {name}"))
    }

    /// Waits until an Application is as `check` wants it.
    pub async fn until_app(&self, name: &str, what: &str, check: impl Fn(&Value) -> bool) -> Value {
        let what = format!("application {name} {what}");
        eventually_some(&what, PATIENCE, || async {
            let app = self.app(name).await?;
            if check(&app) {
                return Ok(Some(app));
            }
            Err::<Option<Value>, _>(anyhow::anyhow!("status is {}", app["status"]))
        })
        .await
    }

    /// Waits until an Application is Synced and Healthy.
    pub async fn until_good(&self, name: &str) -> Value {
        self.until_app(name, "is Synced and Healthy", is_good).await
    }

    /// Waits until an Application is Synced, Healthy, and shows this commit.
    pub async fn until_good_at(&self, name: &str, commit: &str) -> Value {
        self.until_app(name, &format!("is Synced and Healthy at {commit}"), |app| {
            is_good(app) && app["status"]["sync"]["revision"] == commit
        })
        .await
    }

    /// Waits until the object at `path` is as `check` wants it; `None` is an absent one.
    pub async fn until(&self, path: &str, what: &str, check: impl Fn(Option<&Value>) -> bool) {
        eventually(&format!("{path} {what}"), PATIENCE, || async {
            let object = self.api.get(path).await?;
            if check(object.as_ref()) { Ok(true) } else { Err(anyhow::anyhow!("it is {object:?}")) }
        })
        .await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether an Application is Synced and Healthy, with no operation under way.
pub fn is_good(app: &Value) -> bool {
    let status = &app["status"];
    let phase = &status["operationState"]["phase"];
    status["sync"]["status"] == "Synced"
        && status["health"]["status"] == "Healthy"
        && (phase.is_null() || phase == "Succeeded")
        && app["operation"].is_null()
}

async fn run(client: kube::Client, data: &std::path::Path, identity: &str) -> Result<(Controller, JoinHandle<()>)> {
    if std::env::args().any(|argument| argument == "--nocapture") {
        drop(tracing_subscriber::fmt().with_env_filter("warn,applications=debug,cluster=info,source=debug").try_init());
    }
    let start = Start {
        client,
        options: Options::new("argocd", identity),
        data_dir: data.to_owned(),
        allow_file: false,
    };
    let controller = start.start().await?;
    let running = controller.clone();
    let task = tokio::spawn(async move { running.run(std::future::pending()).await });
    Ok((controller, task))
}

/// Runs a scenario on a cluster; where the real one cannot be had, says so and passes.
pub async fn scenario<F>(on: On, story: impl FnOnce(Arc<tokio::sync::Mutex<World>>) -> F)
where
    F: Future<Output = Result<()>>,
{
    match World::start(on).await {
        Ok(Some(world)) => {
            let world = Arc::new(tokio::sync::Mutex::new(world));
            if let Err(error) = story(world).await {
                panic!("{error:?}");
            }
        }
        Ok(None) => {}
        Err(error) => panic!("{error:?}"),
    }
}
