//! A cluster with a git server, and controllers that come and go.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use applications::Controller;
use e2e::{Api, Cluster, On, is_good};
use jiff::SignedDuration;
use serde_json::{Value, json};
use testkit::{GitServer, GitServerOptions, RealOptions, Repository, eventually_some};
use tokio::task::JoinHandle;

use crate::judge::{Log, Record, judge};
use crate::line::Line;
use crate::observer;
use crate::weather::Weather;

/// What faults delayed is done so long after they ended (reliability P6): 2 x resync + 60 s.
const PROMISED: Duration = Duration::from_secs(300);
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/argocd~/leases/argocd-application-controller";

/// See the module. Dropping it ends everything but a cluster that it shares.
pub struct Rig {
    /// The cluster.
    pub cluster: Arc<Cluster>,
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
    /// What stands for `~`, see [`Rig::at`].
    pub(crate) mark: String,
    /// Where the audit log ended when it began.
    began: u64,
    /// Seconds by which controllers' clocks are fast.
    ahead: Arc<AtomicI64>,
    running: Mutex<Option<Running>>,
    data: tempfile::TempDir,
}

/// A real API server with its controllers, for many rigs; `None` where it cannot be had, which is said.
pub async fn real() -> Result<Option<Arc<Cluster>>> {
    let options = RealOptions { audit_log: true, audit_answers: true, ..RealOptions::default() };
    let Some(cluster) = Cluster::real(options).await? else { return Ok(None) };
    // Controllers act as users of their own, so that the audit log tells them apart.
    let all = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "all"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:authenticated"}],
    });
    Api::new(cluster.client.clone()).apply(&all).await?;
    Ok(Some(Arc::new(cluster)))
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
    /// Everything but a controller, on a kubesim of its own.
    pub async fn new(weather: Weather) -> Result<Self> {
        let cluster = Cluster::start(On::Kubesim).await?.context("no kubesim")?;
        Self::with(Arc::new(cluster), String::new(), weather).await
    }

    /// Everything but a controller, on a cluster that other rigs are on, too: all of this one has a number in its name.
    pub async fn on(cluster: &Arc<Cluster>, number: u64, weather: Weather) -> Result<Self> {
        Self::with(Arc::clone(cluster), format!("-r{number:05}"), weather).await
    }

    async fn with(cluster: Arc<Cluster>, mark: String, weather: Weather) -> Result<Self> {
        let began = cluster.real.as_ref().map_or(0, testkit::RealCluster::audit_end);
        let api = Api::new(cluster.client.clone());
        for manifest in ::api::install_manifests(&format!("argocd{mark}")) {
            api.apply(&manifest).await.context("install")?;
        }
        let repository = Repository::new("config")?;
        repository.commit(&[("README.md", "what runs\n")], "begin")?;
        let git = GitServer::start(&repository, GitServerOptions::default())?;
        let rig = Self {
            cluster,
            api,
            repository,
            git,
            log: Arc::default(),
            weather: Arc::new(weather),
            mark,
            began,
            ahead: Arc::default(),
            running: Mutex::default(),
            data: tempfile::tempdir()?,
        };
        let mut secret = repository_secret("config", &rig.git.url(&rig.repository));
        secret["metadata"]["namespace"] = json!(rig.at("argocd~"));
        rig.api.apply(&secret).await?;
        Ok(rig)
    }

    /// A text with the mark of this rig, which may be empty, for each `~`.
    pub fn at(&self, text: &str) -> String {
        text.replace('~', &self.mark)
    }

    /// Where one of its Applications lies.
    pub fn app_path(&self, name: &str) -> String {
        self.at(&format!("/apis/argoproj.io/v1alpha1/namespaces/argocd~/applications/{name}~"))
    }

    /// How long anything may take here before a test gives up: as long as promised.
    pub fn patience(&self) -> Duration {
        PROMISED
    }

    /// Commits files, in which `~` stands for the mark, and removes others.
    pub fn commit(&self, files: &[(&str, String)], removed: &[&str]) -> Result<String> {
        let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (*path, self.at(text))).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        for path in removed {
            self.repository.git(&["rm", "-r", "-q", path])?;
        }
        self.repository.commit(&files, "change")
    }

    /// Waits until the object at a path is as `check` wants it, null where it is absent, and returns it.
    pub async fn until(&self, path: &str, what: &str, check: impl Fn(&Value) -> bool) -> Value {
        let path = self.at(path);
        eventually_some(&format!("{path} is {what}"), self.patience(), || async {
            let object = self.api.get(&path).await?.unwrap_or_default();
            if check(&object) {
                return Ok(Some(object));
            }
            let shown = if object["status"].is_null() { &object } else { &object["status"] };
            Err(anyhow::anyhow!("it is {:.1500}", shown.to_string()))
        })
        .await
    }

    /// Waits until an Application is Synced and Healthy at a commit.
    pub async fn until_good_at(&self, name: &str, commit: &str) -> Value {
        let good = |app: &Value| is_good(app) && app["status"]["sync"]["revision"] == commit;
        self.until(&self.app_path(name), &format!("Synced and Healthy at {commit}"), good).await
    }

    /// A line to this cluster.
    pub async fn line(&self, who: &str) -> Result<Line> {
        let to = match &self.cluster.real {
            Some(real) => real.client_as(&format!("{}{who}{}", observer::USERS, self.mark)).await?,
            None => self.cluster.client.clone(),
        };
        Ok(Line::new(to, &self.cluster, who, &self.log, &self.weather))
    }

    /// Where controllers keep their data, unless they start with fresh ones.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Starts a controller at the end of a line, in place of the one that ran, whose lease it need not wait for.
    pub async fn start(&self, who: &str, line: Line, fresh_data: bool) -> Result<()> {
        drop(self.put(None));
        self.api.vacate(&self.at(LEASE)).await?;
        let fresh = if fresh_data { Some(tempfile::tempdir()?) } else { None };
        let data = fresh.as_ref().map_or(self.data.path(), tempfile::TempDir::path);
        let (controller, task) = self.run(line, data, who).await?;
        drop(self.put(Some(Running { controller, task: Some(task), _data: fresh })));
        // A push may have been told to the one that died.
        self.pushed();
        Ok(())
    }

    /// Kills the controller that runs.
    pub fn kill(&self) {
        drop(self.put(None));
    }

    /// Tells a controller that runs elsewhere about pushes.
    pub fn adopt(&self, controller: Controller) {
        drop(self.put(Some(Running { controller, task: None, _data: None })));
    }

    /// Starts a controller beside one that this rig did not start, and whose lease it waits for.
    pub async fn join(&self, who: &str, line: Line) -> Result<()> {
        let (controller, task) = self.run(line, self.data.path(), who).await?;
        drop(self.put(Some(Running { controller, task: Some(task), _data: None })));
        Ok(())
    }

    /// Starts a controller at the end of a line, in this runtime, and leaves it to the caller.
    pub async fn run(&self, line: Line, data: &Path, who: &str) -> Result<(Controller, JoinHandle<()>)> {
        let (client, ahead) = (kube::Client::new(line, "default"), Arc::clone(&self.ahead));
        let clock = Arc::clone(&self.cluster.clock);
        let clock = move || clock() + SignedDuration::from_secs(ahead.load(Ordering::Relaxed));
        e2e::run_in(&self.at("argocd~"), client, data, who, clock).await
    }

    /// Sets the controllers' clocks to this much more than it is.
    pub fn set_clock(&self, ahead: SignedDuration) {
        self.ahead.store(ahead.as_secs(), Ordering::Relaxed);
    }

    /// Who holds the lease.
    pub async fn leader(&self) -> Result<Value> {
        let lease = self.api.get(&self.at(LEASE)).await?.context("no lease")?;
        Ok(lease["spec"]["holderIdentity"].clone())
    }

    /// When the lease was last renewed.
    pub async fn renewed(&self) -> Result<Value> {
        let lease = self.api.get(&self.at(LEASE)).await?.context("no lease")?;
        Ok(lease["spec"]["renewTime"].clone())
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
        self.log
            .push(Record::MayGo((self.cluster.clock)(), paths.iter().map(|path| self.at(path)).collect()));
    }

    /// Notes that the cluster is put back to an earlier state.
    pub fn went_back(&self) {
        self.log.push(Record::WentBack((self.cluster.clock)()));
    }

    /// The promises that were broken so far, see [`judge`]; `ours` are the paths that applications are about. On the real API server
    /// its audit log is held against them, too.
    pub fn judgement(&self, ours: &[&str]) -> Vec<String> {
        let ours: Vec<String> = ours.iter().map(|path| self.at(path)).collect();
        let is_ours = |path: &str| ours.iter().any(|one| one == path);
        let log = self.log.records();
        let mut broken = judge(&log, is_ours);
        if let Some(real) = &self.cluster.real {
            let audit = observer::records(&real.audit_with(self.began, &self.mark), &self.mark, &log);
            broken.extend(observer::unseen(&log, &audit));
            let audited = judge(&audit, is_ours);
            broken.extend(audited.into_iter().map(|what| format!("by the audit log: {what}")));
        }
        broken
    }

    /// Removes what is left of it from a cluster that it shares, without waiting for that.
    pub async fn leave(&self) -> Result<()> {
        drop(self.put(None));
        if self.mark.is_empty() {
            return Ok(());
        }
        let apps = self.at("/apis/argoproj.io/v1alpha1/namespaces/argocd~/applications");
        let list = self.api.get(&apps).await?.unwrap_or_default();
        for app in list["items"].as_array().into_iter().flatten() {
            let path = format!("{apps}/{}", app["metadata"]["name"].as_str().unwrap_or_default());
            self.api.patch(&path, &json!({"metadata": {"finalizers": null}})).await?;
            self.api.delete(&path).await?;
        }
        let namespaces = self.api.get("/api/v1/namespaces").await?.unwrap_or_default();
        for namespace in namespaces["items"].as_array().into_iter().flatten() {
            let name = namespace["metadata"]["name"].as_str().unwrap_or_default();
            if name.ends_with(&self.mark) {
                self.api.delete(&format!("/api/v1/namespaces/{name}")).await?;
            }
        }
        Ok(())
    }

    /// An Application of this repository with the resources finalizer.
    pub fn application(&self, name: &str, automated: bool) -> Value {
        let mut app = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": format!("{name}~"), "namespace": "argocd~", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
            "spec": {
                "project": "default",
                "source": {"repoURL": self.git.url(&self.repository), "targetRevision": "main", "path": name},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": format!("{name}~")},
                "syncPolicy": {"syncOptions": ["CreateNamespace=true"]},
            },
        });
        if automated {
            app["spec"]["syncPolicy"]["automated"] = json!({"prune": true, "selfHeal": true});
            let backoff = json!({"duration": "1s", "factor": 2, "maxDuration": "5s"});
            app["spec"]["syncPolicy"]["retry"] = json!({"limit": 20, "backoff": backoff});
        }
        serde_json::from_str(&self.at(&app.to_string())).unwrap_or_default()
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
