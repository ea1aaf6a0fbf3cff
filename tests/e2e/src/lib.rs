//! A whole installation for end-to-end tests: a cluster (kubesim, or a real kube-apiserver), a git server, a controller.

mod browser;
mod remote;
mod requests;
mod seen;
mod tokens;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use applications::{Controller, Options, Start};
use jiff::{SignedDuration, Timestamp};
use kubesim::workloads::{ControllerOptions, Handle, NodeOptions, spawn_controllers, spawn_nodes};
use kubesim::{Access, Identity, KubeSim};
use serde_json::{Value, json};
use testkit::{
    GitServer, GitServerOptions, RealCluster, RealOptions, Repository, eventually, eventually_some,
};
use tokio::task::JoinHandle;

pub use browser::{Browser, Page};
pub use kubesim::Clock;
pub use remote::{Gate, Remote};
pub use requests::Api;
pub use seen::Seen;
pub use tokens::make_tokens;

/// How long anything may take before a test gives up. Nothing waits for it that can be watched.
pub const PATIENCE: Duration = Duration::from_secs(60);

const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";
const REFRESH: &str = "argocd.argoproj.io/refresh";
/// The Lease of whoever is the active controller.
pub const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/argocd/leases/argocd-application-controller";

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
    /// Its time, which on a runtime with paused time is that runtime's.
    pub clock: Clock,
    nodes: Mutex<Option<Handle>>,
    _workloads: Option<Handle>,
}

impl Cluster {
    /// Starts a cluster; `None` where the real one cannot be had here, which is said.
    pub async fn start(on: On) -> Result<Option<Self>> {
        match on {
            On::Kubesim => {
                let clock = clock();
                let sim = KubeSim::new(kubesim::Options {
                    clock: Arc::clone(&clock),
                    ..kubesim::Options::default()
                });
                let client = sim.client();
                let options = ControllerOptions { clock: Arc::clone(&clock) };
                let workloads = Some(spawn_controllers(client.clone(), options));
                let nodes = Mutex::new(Some(nodes(&client, &clock)));
                Ok(Some(Self { client, sim: Some(sim), real: None, clock, nodes, _workloads: workloads }))
            }
            On::Real => Self::real(RealOptions { audit_log: true, ..RealOptions::default() }).await,
        }
    }

    /// Starts a real cluster with its controllers and these options.
    pub async fn real(options: RealOptions) -> Result<Option<Self>> {
        let options = RealOptions { controller_manager: true, ..options };
        let Some(real) = RealCluster::start(options).await? else { return Ok(None) };
        let client = real.client();
        let clock = clock();
        let nodes = Mutex::new(Some(nodes(&client, &clock)));
        Ok(Some(Self { client, sim: None, real: Some(real), clock, nodes, _workloads: None }))
    }

    /// Stops the nodes, so that no pod becomes ready, or starts them again.
    pub fn run_nodes(&self, run: bool) {
        let mut handle = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        *handle = run.then(|| nodes(&self.client, &self.clock));
    }

    /// A client of the user `capstan-<who>`, so that its requests can be told apart, with all rights or with those of `access`
    /// (kubesim only).
    pub async fn client_of(&self, who: &str, access: Access) -> Result<kube::Client> {
        let user = format!("{}{who}", seen::USERS);
        if let Some(sim) = &self.sim {
            sim.set_identity(user.clone(), Identity { user: user.clone(), groups: Vec::new(), access });
            return Ok(sim.client_with_token(&user));
        }
        let real = self.real.as_ref().context("no cluster")?;
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": user},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        });
        Api::new(self.client.clone()).apply(&binding).await?;
        real.client_as(&user).await
    }
}

/// The wall clock's time, by a clock that begins to agree with it now and runs with the runtime's.
fn clock() -> Clock {
    let (began, since) = (Timestamp::now(), tokio::time::Instant::now());
    Arc::new(move || began.saturating_add(since.elapsed()).unwrap_or(Timestamp::MAX))
}

fn nodes(client: &kube::Client, clock: &Clock) -> Handle {
    let options = NodeOptions {
        ready_delay: Duration::from_millis(10),
        clock: Arc::clone(clock),
        ..NodeOptions::default()
    };
    spawn_nodes(client.clone(), options)
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
    operations: AtomicU64,
    starts: u64,
}

/// A controller that runs beside the world's own. Dropping it kills it.
pub struct Another {
    /// The controller.
    pub controller: Controller,
    task: JoinHandle<()>,
    _data: tempfile::TempDir,
}

impl Drop for Another {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl World {
    /// Everything installed and running, the repository empty but for a README.
    pub async fn start(on: On) -> Result<Option<Self>> {
        Self::start_with(on, Access::All).await
    }

    /// As [`Self::start`], the controller with these rights only (kubesim).
    pub async fn start_with(on: On, access: Access) -> Result<Option<Self>> {
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
        let (controller, task) = run(cluster.client_of("1", access).await?, data.path(), "1").await?;
        let operations = AtomicU64::new(0);
        Ok(Some(Self { cluster, api, repository, git, controller, task, data, operations, starts: 1 }))
    }

    /// Where the controller looks for the sockets of plugins.
    pub fn plugin_sockets(&self) -> Result<std::path::PathBuf> {
        let directory = self.data.path().join("plugins");
        std::fs::create_dir_all(&directory)?;
        Ok(directory)
    }

    /// Where the controller keeps what it can have again.
    pub fn data_dir(&self) -> &std::path::Path {
        self.data.path()
    }

    /// Ends the controller at whatever it is doing, as SIGKILL would.
    pub async fn kill(&mut self) {
        self.task.abort();
        drop((&mut self.task).await);
    }

    /// Kills the controller for good: whoever comes next need not wait for the lease.
    pub async fn retire(&mut self) -> Result<()> {
        self.kill().await;
        self.api.vacate(LEASE).await
    }

    /// Kills the controller and starts another one on the same data, which need not wait for the lease.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await;
        self.succeed().await
    }

    /// Starts another controller on the data of one that was killed; it need not wait for the lease.
    pub async fn succeed(&mut self) -> Result<()> {
        self.api.vacate(LEASE).await?;
        self.starts += 1;
        let who = self.starts.to_string();
        let client = self.cluster.client_of(&who, Access::All).await?;
        (self.controller, self.task) = run(client, self.data.path(), &who).await?;
        Ok(())
    }

    /// As [`Self::restart`], with clocks that show this much more.
    pub async fn restart_at(&mut self, ahead: SignedDuration) -> Result<()> {
        self.retire().await?;
        self.starts += 1;
        let who = self.starts.to_string();
        let client = self.cluster.client_of(&who, Access::All).await?;
        (self.controller, self.task) = run_at(client, self.data.path(), &who, ahead).await?;
        Ok(())
    }

    /// Starts a second controller beside the first.
    pub async fn another(&self, who: &str) -> Result<Another> {
        let data = tempfile::tempdir()?;
        let client = self.cluster.client_of(who, Access::All).await?;
        let (controller, task) = run(client, data.path(), who).await?;
        Ok(Another { controller, task, _data: data })
    }

    /// The requests that controllers have made so far.
    pub fn requests(&self) -> Vec<Seen> {
        match (&self.cluster.sim, &self.cluster.real) {
            (Some(sim), _) => seen::of_kubesim(&sim.requests()),
            (None, Some(real)) => seen::of_real(&real.audit()),
            (None, None) => Vec::new(),
        }
    }

    /// The writes among [`Self::requests`] that count as such: no dry runs, no leases, no events.
    pub fn writes(&self) -> Vec<Seen> {
        self.requests().into_iter().filter(Seen::is_write).collect()
    }

    /// Asks for a sync as a client does, and waits for its end. The answer is the Application then.
    pub async fn sync(&self, name: &str, sync: Value) -> Result<Value> {
        let id = self.begin_sync(name, sync).await?;
        Ok(self.until_ended(name, &id).await)
    }

    /// Asks for a sync as a client does; the answer is its mark, see [`Self::until_ended`].
    pub async fn begin_sync(&self, name: &str, sync: Value) -> Result<String> {
        let id = self.operations.fetch_add(1, Ordering::Relaxed).to_string();
        let operation = json!({
            "sync": sync, "info": [{"name": "mark", "value": id}], "initiatedBy": {"username": "tester"},
        });
        self.api.patch(&app_path(name), &json!({ "operation": operation })).await?;
        Ok(id)
    }

    /// Waits until the operation with this mark is over.
    pub async fn until_ended(&self, name: &str, mark: &str) -> Value {
        self.until_app(name, "has ended its operation", |app| {
            let state = &app["status"]["operationState"];
            let ended = matches!(state["phase"].as_str(), Some("Succeeded" | "Failed" | "Error"));
            ended && state["operation"]["info"][0]["value"] == mark && app["operation"].is_null()
        })
        .await
    }

    /// Asks for a comparison and waits for it.
    pub async fn refresh(&self, name: &str) -> Result<Value> {
        let asked = json!({"metadata": {"annotations": {REFRESH: "normal"}}});
        self.api.patch(&app_path(name), &asked).await?;
        Ok(self
            .until_app(name, "is refreshed", |app| app["metadata"]["annotations"][REFRESH].is_null())
            .await)
    }

    /// An Application of this repository, automated, pruned and healed.
    pub fn application(&self, name: &str, path: &str, namespace: &str) -> Value {
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": name, "namespace": "argocd", "finalizers": [FINALIZER]},
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

    /// Deletes applications with what they made, and waits until they are gone.
    pub async fn leave(&self, names: &[&str]) -> Result<()> {
        let finalizers = json!({"metadata": {"finalizers": [FINALIZER]}});
        for name in names {
            self.api.patch(&app_path(name), &finalizers).await?;
            self.api.delete(&app_path(name)).await?;
        }
        for name in names {
            self.until(&app_path(name), "is gone", |o| o.is_none()).await;
        }
        Ok(())
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
        self.api.get(&app_path(name)).await?.with_context(|| format!("no application {name}"))
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

/// Where an Application lies.
pub fn app_path(name: &str) -> String {
    format!("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{name}")
}

/// An Application's conditions, each as `Type: message`.
pub fn conditions(app: &Value) -> Vec<String> {
    let all = app["status"]["conditions"].as_array().into_iter().flatten();
    let text = |c: &Value, field: &str| c[field].as_str().unwrap_or_default().to_owned();
    all.map(|c| format!("{}: {}", text(c, "type"), text(c, "message"))).collect()
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

/// Starts a controller on a cluster, under a name of its own.
pub async fn run(
    client: kube::Client,
    data: &std::path::Path,
    identity: &str,
) -> Result<(Controller, JoinHandle<()>)> {
    run_at(client, data, identity, SignedDuration::ZERO).await
}

async fn run_at(
    client: kube::Client,
    data: &std::path::Path,
    identity: &str,
    ahead: SignedDuration,
) -> Result<(Controller, JoinHandle<()>)> {
    run_in("argocd", client, data, identity, move || Timestamp::now() + ahead).await
}

/// As [`run`], an installation in another namespace, by another clock.
pub async fn run_in(
    namespace: &str,
    client: kube::Client,
    data: &std::path::Path,
    identity: &str,
    clock: impl Fn() -> Timestamp + Send + Sync + 'static,
) -> Result<(Controller, JoinHandle<()>)> {
    if std::env::args().any(|argument| argument == "--nocapture") {
        drop(
            tracing_subscriber::fmt()
                .with_env_filter("warn,applications=debug,cluster=info,source=debug")
                .try_init(),
        );
    }
    let start = Start {
        client,
        options: Options {
            // The story about it sets it.
            wave_delay: Some(Duration::ZERO),
            plugin_sockets: data.join("plugins"),
            clock: Arc::new(clock),
            ..Options::new(namespace, identity)
        },
        data_dir: data.to_owned(),
        allow_file: false,
        serves: false,
    };
    let controller = start.start().await?;
    let running = controller.clone();
    let task = tokio::spawn(async move { running.run(std::future::pending()).await });
    Ok((controller, task))
}
