//! A cluster in memory with a git server, and controllers that come and go.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use applications::Controller;
use e2e::Api;
use kubesim::KubeSim;
use kubesim::workloads::{ControllerOptions, Handle, NodeOptions, spawn_controllers, spawn_nodes};
use serde_json::{Value, json};
use testkit::{GitServer, GitServerOptions, Repository};
use tokio::task::JoinHandle;

use crate::judge::{Log, Record, judge};
use crate::line::Line;
use crate::weather::Weather;

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/argocd/leases/argocd-application-controller";

/// See the module. Dropping it ends everything.
pub struct Rig {
    /// The cluster.
    pub sim: KubeSim,
    /// Requests to it as its administrator, outside of every line.
    pub api: Api,
    /// The config repository.
    pub repository: Repository,
    /// Its server.
    pub git: GitServer,
    /// What went over the lines.
    pub log: Arc<Log>,
    /// The weather on lines made by [`Rig::line`].
    pub weather: Arc<Weather>,
    running: Mutex<Option<Running>>,
    data: tempfile::TempDir,
    _workloads: [Handle; 2],
}

/// A controller at work. Dropping it kills it.
pub struct Running {
    /// The controller.
    pub controller: Controller,
    /// `None` where it runs elsewhere.
    task: Option<JoinHandle<()>>,
    _data: Option<tempfile::TempDir>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Rig {
    /// Everything but a controller.
    pub async fn new(weather: Weather) -> Result<Self> {
        let sim = KubeSim::new(kubesim::Options::default());
        let client = sim.client();
        let nodes =
            NodeOptions { ready_delay: std::time::Duration::from_millis(10), ..NodeOptions::default() };
        let workloads = [
            spawn_controllers(client.clone(), ControllerOptions::default()),
            spawn_nodes(client.clone(), nodes),
        ];
        let api = Api::new(client);
        for manifest in ::api::install_manifests("argocd") {
            api.apply(&manifest).await.context("install")?;
        }
        let repository = Repository::new("config")?;
        repository.commit(&[("README.md", "what runs\n")], "begin")?;
        let git = GitServer::start(&repository, GitServerOptions::default())?;
        api.apply(&repository_secret("config", &git.url(&repository))).await?;
        Ok(Self {
            sim,
            api,
            repository,
            git,
            log: Arc::default(),
            weather: Arc::new(weather),
            running: Mutex::default(),
            data: tempfile::tempdir()?,
            _workloads: workloads,
        })
    }

    /// A line to this cluster.
    pub fn line(&self, who: &str) -> Line {
        Line::new(&self.sim, who, &self.log, &self.weather)
    }

    /// Starts a controller at the end of a line, in place of the one that ran, whose lease it need not wait for.
    pub async fn start(&self, who: &str, line: Line, fresh_data: bool) -> Result<()> {
        drop(self.put(None));
        self.api.delete(LEASE).await?;
        let fresh = if fresh_data { Some(tempfile::tempdir()?) } else { None };
        let data = fresh.as_ref().map_or(self.data.path(), tempfile::TempDir::path);
        let (controller, task) = run(line, data, who).await?;
        drop(self.put(Some(Running { controller, task: Some(task), _data: fresh })));
        // A push may have been told to the one that died.
        self.pushed();
        Ok(())
    }

    /// Tells a controller that runs elsewhere about pushes.
    pub fn adopt(&self, controller: Controller) {
        drop(self.put(Some(Running { controller, task: None, _data: None })));
    }

    /// Starts a controller beside one that this rig did not start, and whose lease it waits for.
    pub async fn join(&self, who: &str, line: Line) -> Result<()> {
        let (controller, task) = run(line, self.data.path(), who).await?;
        drop(self.put(Some(Running { controller, task: Some(task), _data: None })));
        Ok(())
    }

    fn put(&self, running: Option<Running>) -> Option<Running> {
        std::mem::replace(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner), running)
    }

    /// Tells the running controller that the repository changed.
    pub fn pushed(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = &*running {
            running.controller.repository_changed(&self.git.url(&self.repository));
        }
    }

    /// Allows the deletion of objects from here on.
    pub fn may_go(&self, paths: &[&str]) {
        self.log.push(Record::MayGo(paths.iter().map(|path| (*path).to_owned()).collect()));
    }

    /// The promises that were broken so far, see [`judge`]; `ours` are the paths that applications are about.
    pub fn judgement(&self, ours: &[&str]) -> Vec<String> {
        judge(&self.log.records(), |path| ours.contains(&path))
    }

    /// An Application of this repository with the resources finalizer.
    pub fn application(&self, name: &str, automated: bool) -> Value {
        let mut app = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": name, "namespace": "argocd", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
            "spec": {
                "project": "default",
                "source": {"repoURL": self.git.url(&self.repository), "targetRevision": "main", "path": name},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
                "syncPolicy": {"syncOptions": ["CreateNamespace=true"]},
            },
        });
        if automated {
            app["spec"]["syncPolicy"]["automated"] = json!({"prune": true, "selfHeal": true});
            let backoff = json!({"duration": "1s", "factor": 2, "maxDuration": "5s"});
            app["spec"]["syncPolicy"]["retry"] = json!({"limit": 20, "backoff": backoff});
        }
        app
    }
}

/// The Secret of a repository that needs no credentials.
pub fn repository_secret(name: &str, url: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": format!("repo-{name}"), "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": "repository"}},
        "stringData": {"type": "git", "url": url},
    })
}

/// Starts a controller at the end of a line, in this runtime.
pub async fn run(line: Line, data: &Path, who: &str) -> Result<(Controller, JoinHandle<()>)> {
    e2e::run(kube::Client::new(line, "default"), data, who).await
}
