//! `capstan up`: a playground in one process, on a machine that has no cluster.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result};
use api::settings::Networks;
use applications::{Controller, Options, Start};
use gitserver::GitServer;
use kubesim::workloads::{ControllerOptions, NodeOptions, spawn_controllers, spawn_nodes};
use kubesim::{KubeSim, Serving};
use serde_json::{Value, json};

use crate::metrics::Told;
use crate::screen::{Mark, Screen};
use crate::{bootstrap, demo, metrics, serve, shutdown};

/// Name of the playground's repository.
const REPOSITORY: &str = "config";
/// How long the demo's applications may take before the playground says that they are not there yet.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  capstan up --demo\n  capstan up --demo --kubeconfig-out ./kubeconfig")]
pub(crate) struct Arguments {
    /// Serve the example config repository and let its applications run
    #[arg(long)]
    demo: bool,
    /// Port of the API server; git and the Kubernetes API take the next two. Free ports are taken where these are not
    #[arg(long, default_value_t = 7777)]
    port: u16,
    /// Serve /metrics and /healthz here, as in 127.0.0.1:8082
    #[arg(long, value_name = "ADDR")]
    metrics_addr: Option<SocketAddr>,
    /// Where the git repository and the kubeconfig are kept; without it they go when the playground ends
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Write the kubeconfig here
    #[arg(long, value_name = "FILE")]
    kubeconfig_out: Option<PathBuf>,
    /// Do not open a browser (there is no page to open yet; accepted for scripts)
    #[arg(long)]
    no_browser: bool,
    /// End as soon as the demo's applications are Synced and Healthy; fail if they are not within a minute
    #[arg(long)]
    exit_when_ready: bool,
}

pub(crate) async fn up(arguments: Arguments) -> Result<()> {
    let mut screen = Screen::new();
    let temporary = tempfile::tempdir().context("no temporary directory")?;
    let home = arguments.data_dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&home).with_context(|| format!("{} cannot be made", home.display()))?;
    let playground = tokio::select! {
        playground = Playground::start(&arguments, &home, &mut screen) => playground?,
        () = shutdown::asked() => return Ok(()),
    };
    if arguments.demo {
        let ready = tokio::select! {
            ready = playground.demo(&mut screen) => ready?,
            () = shutdown::asked() => false,
        };
        if arguments.exit_when_ready {
            playground.end(&mut screen).await;
            return if ready {
                Ok(())
            } else {
                Err(anyhow::anyhow!("not all applications became Synced and Healthy"))
            };
        }
    }
    playground.next_steps(&mut screen, arguments.demo);
    shutdown::asked().await;
    playground.end(&mut screen).await;
    Ok(())
}

struct Playground {
    client: kube::Client,
    serving: Serving,
    git: GitServer,
    server: server::Server,
    kubeconfig: PathBuf,
    controller: tokio::task::JoinHandle<()>,
    stop: tokio::sync::oneshot::Sender<()>,
    _metrics: Option<metrics::Serving>,
    _workloads: [kubesim::workloads::Handle; 2],
}

impl Playground {
    async fn start(arguments: &Arguments, home: &Path, screen: &mut Screen) -> Result<Self> {
        let sim = KubeSim::new(kubesim::Options::default());
        let client = sim.client();
        let workloads = [
            spawn_controllers(client.clone(), ControllerOptions::default()),
            spawn_nodes(client.clone(), NodeOptions::default()),
        ];
        let next = |n: u16| if arguments.port == 0 { 0 } else { arguments.port.saturating_add(n) };
        let serving = match sim.serve_https(local(next(2))).await {
            Ok(serving) => serving,
            Err(_) => sim.serve_https(local(0)).await.context("the Kubernetes API could not be served")?,
        };
        let kubeconfig = arguments.kubeconfig_out.clone().unwrap_or_else(|| home.join("kubeconfig"));
        write_private(&kubeconfig, &serving.kubeconfig())?;
        for manifest in api::install_manifests("argocd") {
            bootstrap::apply(&client, &manifest).await?;
        }
        screen.step(
            Mark::Good,
            "playground cluster",
            &format!("https://{} (Kubernetes API in memory)", serving.addr),
        );

        // The git server tells the controller about a push; the controller comes after it.
        let listener: Arc<OnceLock<(Controller, String)>> = Arc::default();
        let hears = Arc::clone(&listener);
        let pushed = move |_: &str| {
            if let Some((controller, url)) = hears.get() {
                controller.repository_changed(url);
            }
        };
        let repositories = home.join("repositories");
        let git = match GitServer::start(local(next(1)), &repositories, pushed.clone()).await {
            Ok(git) => git,
            Err(_) => {
                GitServer::start(local(0), &repositories, pushed).await.context("git could not be served")?
            }
        };
        let url = git.url(REPOSITORY);
        let readme = gitserver::File { path: "README.md".to_owned(), content: b"# What runs\n".to_vec() };
        let files = if arguments.demo { demo::files(&url) } else { vec![readme] };
        git.create(REPOSITORY, &files, "What runs", now())?;
        screen.step(Mark::Good, "git server", &url);

        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": "repo-config", "namespace": "argocd",
                "labels": {"argocd.argoproj.io/secret-type": "repository"},
            },
            "stringData": {"type": "git", "url": url},
        });
        bootstrap::apply(&client, &secret).await?;
        let controller = Start {
            client: client.clone(),
            // Its controllers are quick.
            options: Options { wave_delay: Some(Duration::ZERO), ..Options::new("argocd", "playground") },
            data_dir: home.join("data"),
            allow_file: true,
            serves: true,
        }
        .start()
        .await?;
        // Set once, here.
        drop(listener.set((controller.clone(), url)));
        let server =
            match serve::start("argocd", client.clone(), &controller, local(arguments.port), plain(), None)
                .await
            {
                Err(_) if arguments.port != 0 => {
                    serve::start("argocd", client.clone(), &controller, local(0), plain(), None).await
                }
                started => started,
            }?;
        let metrics = match arguments.metrics_addr {
            Some(address) => {
                let labels = Arc::default();
                let told = Told { controller: controller.clone(), server: Some(server.meter()), labels };
                Some(metrics::serve(address, told).await?)
            }
            None => None,
        };
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            controller
                .run(async {
                    // A sender that is gone says stop, too.
                    drop(stopped.await);
                })
                .await;
        });
        screen.step(Mark::Good, "capstan", "controllers are running");
        screen.step(Mark::Good, "API server", &format!("http://{}", server.address()));
        if let Some(metrics) = &metrics {
            screen.step(Mark::Good, "metrics", &format!("http://{}/metrics", metrics.address));
        }
        Ok(Self {
            client,
            serving,
            git,
            server,
            kubeconfig,
            controller: running,
            stop,
            _metrics: metrics,
            _workloads: workloads,
        })
    }

    /// Applies the root Application and waits for all that it brings. False where they are not there in time.
    async fn demo(&self, screen: &mut Screen) -> Result<bool> {
        let root =
            goyaml::parse_one(demo::root(&self.git.url(REPOSITORY)).as_bytes(), &goyaml::Limits::default())
                .context("the example's root Application")?;
        bootstrap::apply(&self.client, &root).await?;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut told: BTreeMap<String, String> = BTreeMap::new();
        loop {
            let apps = self.applications().await?;
            let good = |app: &&Value| is_good(app);
            for app in apps.iter().filter(good) {
                let name = app["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                let revision = app["status"]["sync"]["revision"].as_str().unwrap_or_default();
                let detail = format!("Synced, Healthy at {}", revision.get(..7).unwrap_or(revision));
                if told.get(&name) != Some(&detail) {
                    screen.step(Mark::Good, &format!("app {name}"), &detail);
                    told.insert(name, detail);
                }
            }
            let waiting = apps.iter().filter(|app| !is_good(app)).count();
            // The root is good before its children are there at all.
            if waiting == 0 && apps.len() > 1 {
                return Ok(true);
            }
            if tokio::time::Instant::now() >= deadline {
                for app in apps.iter().filter(|app| !is_good(app)) {
                    let name = app["metadata"]["name"].as_str().unwrap_or_default();
                    let (sync, health) =
                        (&app["status"]["sync"]["status"], &app["status"]["health"]["status"]);
                    screen.step(Mark::Bad, &format!("app {name}"), &format!("{sync}, {health}"));
                }
                return Ok(false);
            }
            screen.live(&format!(
                " … {} of {} applications are Synced and Healthy",
                apps.len() - waiting,
                apps.len()
            ));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn applications(&self) -> Result<Vec<Value>> {
        let request = http::Request::get("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications")
            .body(Vec::new())?;
        let list: Value = self.client.request(request).await.context("applications could not be listed")?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    fn next_steps(&self, screen: &mut Screen, demo: bool) {
        let kubeconfig = self.kubeconfig.display();
        let url = self.git.url(REPOSITORY);
        screen.line("");
        screen.line(&format!("   export KUBECONFIG={kubeconfig}"));
        if demo {
            screen.line("   capstan app list                                   what runs, and whether it is as git says");
            screen.line(
                "   kubectl scale deployment/shop -n shop-prod --replicas=9   break it by hand: it is healed",
            );
            screen.line(&format!("   git clone {url}       change it in git and push"));
        } else {
            screen.line(&format!("   git clone {url}       put manifests there and push"));
            screen
                .line(&format!("   capstan app create NAME --repo {url} --path DIR --dest-namespace NS \\"));
            screen.line("     --dest-server https://kubernetes.default.svc --sync-policy automated --sync-option CreateNamespace=true");
        }
        let address = self.server.address();
        screen.line(&format!("   argocd login {address} --plaintext --username admin --password $(kubectl get secret -n argocd \\"));
        screen.line("     argocd-initial-admin-secret -o jsonpath={.data.password} | base64 -d)     the API, for the argocd command");
        screen.line("");
        screen.line("   This cluster lives in memory and is not for production. Stop it with Ctrl-C.");
    }

    async fn end(self, screen: &mut Screen) {
        // The receiver is gone only if the controller has ended by itself.
        if self.stop.send(()).is_err() {
            tracing::debug!("the controller had ended");
        }
        drop(tokio::time::timeout(Duration::from_secs(5), self.controller).await);
        drop(tokio::time::timeout(Duration::from_secs(2), self.server.shutdown()).await);
        drop(tokio::time::timeout(Duration::from_secs(2), self.serving.shutdown()).await);
        screen.line("stopped");
    }
}

fn is_good(app: &Value) -> bool {
    let status = &app["status"];
    status["sync"]["status"] == "Synced" && status["health"]["status"] == "Healthy"
}

/// The playground is spoken to plainly, at the root.
fn plain() -> (Option<bool>, Option<String>, Option<Networks>) {
    (Some(true), Some(String::new()), None)
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the edge's clock: the time of the example's first commit")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or_default())
}

/// A kubeconfig holds a token: only its owner may read it.
fn write_private(path: &Path, content: &str) -> Result<()> {
    use std::io::Write as _;
    let failed = || format!("{} cannot be written", path.display());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(failed)?;
    file.write_all(content.as_bytes()).with_context(failed)
}
