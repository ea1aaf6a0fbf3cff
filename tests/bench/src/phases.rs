//! The phases, one after the other on the same cluster, each measured from its event until all is at rest.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use serde_json::json;
use testkit::{GitServer, GitServerOptions, Repository};
use tokio::time::Instant;

use crate::Bench;
use crate::controller::{Counts, Process};
use crate::follow::Follow;
use crate::peer::recorded;
use crate::report::{Bar, Figure, Report};
use crate::stand::{Api, Asked, On, Stand, tally};
use crate::workload::{NAMESPACE, application, config, files, name, repository_secret};

/// How long any phase may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// At rest: less than this share of a core …
const REST_CORES: f64 = 0.05;
/// … for so long.
const REST: Duration = Duration::from_secs(4);
/// Requests of the bench at the same time.
const PARALLEL: usize = 16;
/// Drifts that are made and healed.
const DRIFTS: usize = 6;
/// Pause between two looks at an object that is about to change.
const LOOK: Duration = Duration::from_millis(5);

/// What can be measured after the first sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Phase {
    /// A commit that touches one application.
    One,
    /// A commit that touches all of them.
    All,
    /// Objects that are edited in the cluster.
    Drift,
    /// The controller ended and started again.
    Restart,
    /// Nothing happens.
    Steady,
}

impl Phase {
    pub(crate) const ALL: [Self; 5] = [Self::One, Self::All, Self::Drift, Self::Restart, Self::Steady];
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::One => "one",
            Self::All => "all",
            Self::Drift => "drift",
            Self::Restart => "restart",
            Self::Steady => "steady",
        })
    }
}

/// Runs all phases; `None` where the cluster cannot be had here.
pub(crate) async fn run(arguments: &Bench, on: On, apps: usize) -> Result<Option<Report>> {
    let load_before = crate::report::load();
    let dir = tempfile::Builder::new().prefix("capstan-bench-").tempdir()?;
    let Some(stand) = Stand::start(on, dir.path()).await? else { return Ok(None) };
    let through = arguments.outcome.through.as_deref();
    let mut run = Run::prepare(on, apps, stand, dir.path().join("data"), through).await?;
    run.report.load_before = load_before;
    say("first sync");
    run.first_sync().await.context("first sync")?;
    for phase in &arguments.phases {
        say(&format!("phase {phase}"));
        match phase {
            Phase::One => run.commit_to_one().await,
            Phase::All => run.commit_to_all().await,
            Phase::Drift => run.drift().await,
            Phase::Restart => run.restart(through).await,
            Phase::Steady => run.steady(Duration::from_secs(arguments.steady_seconds)).await,
        }
        .with_context(|| format!("phase {phase}"))?;
    }
    let report = std::mem::take(&mut run.report);
    run.controller.take().map(Process::end).transpose()?;
    Ok(Some(report))
}

/// Tells whoever waits where the run is.
#[expect(clippy::print_stderr, reason = "a run takes minutes")]
fn say(what: &str) {
    eprintln!("bench: {what}");
}

struct Run {
    apps: usize,
    stand: Stand,
    api: Api,
    repository: Arc<Repository>,
    git: GitServer,
    url: String,
    data: PathBuf,
    /// `None` only while it is started again.
    controller: Option<Process>,
    follow: Follow,
    report: Report,
    /// The version that the ConfigMaps show.
    version: u32,
}

/// What a phase cost.
struct Cost {
    cpu: f64,
    cluster_cpu: f64,
    counts: Counts,
    /// Without the heartbeat.
    asked: Vec<Asked>,
    heartbeats: usize,
    ls_refs: usize,
}

/// Where a phase began.
struct Mark {
    cpu: f64,
    cluster_cpu: f64,
    counts: Counts,
    asked: usize,
    ls_refs: usize,
}

impl Run {
    async fn prepare(
        on: On,
        apps: usize,
        stand: Stand,
        data: PathBuf,
        through: Option<&str>,
    ) -> Result<Self> {
        let api = Api::new(stand.client());
        api.install().await?;
        let repository = Arc::new(Repository::new("config")?);
        let all: Vec<(String, String)> = (0..apps).flat_map(|number| files(&name(number))).collect();
        commit(&repository, all).await?;
        let git = GitServer::start(&repository, GitServerOptions::default())?;
        let url = git.url(&repository);
        let secrets = format!("/api/v1/namespaces/{NAMESPACE}/secrets");
        api.apply(&secrets, &repository_secret(&url)).await?;
        let follow = Follow::start(api.client().clone());
        let controller = Process::start(&stand.kubeconfig(), &data, through)?;
        let report = Report {
            what: format!("{apps} applications on {on}"),
            peer: format!("Argo CD, {} on kube-apiserver", crate::peer::size(apps)),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            ..Report::default()
        };
        let mut run = Self {
            apps,
            stand,
            api,
            repository,
            git,
            url,
            data,
            controller: Some(controller),
            follow,
            report,
            version: 1,
        };
        run.until_active().await?;
        run.at_rest().await?;
        Ok(run)
    }

    fn controller(&mut self) -> Result<&mut Process> {
        self.controller.as_mut().context("the controller does not run")
    }

    fn cpu_seconds(&self) -> f64 {
        self.controller.as_ref().map_or(0.0, Process::cpu_seconds)
    }

    fn peak_mib(&self) -> f64 {
        self.controller.as_ref().map_or(0.0, Process::peak_mib)
    }

    async fn until_active(&mut self) -> Result<()> {
        let begin = Instant::now();
        while !self.controller()?.counts()?.active {
            ensure!(begin.elapsed() < PATIENCE, "the controller did not become active");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Waits until the controller uses next to no CPU.
    async fn at_rest(&self) -> Result<()> {
        let begin = Instant::now();
        loop {
            let before = self.cpu_seconds();
            tokio::time::sleep(REST).await;
            if self.cpu_seconds() - before <= REST_CORES * REST.as_secs_f64() {
                return Ok(());
            }
            ensure!(begin.elapsed() < PATIENCE, "the controller did not come to rest");
        }
    }

    fn mark(&mut self) -> Result<Mark> {
        Ok(Mark {
            asked: self.stand.asked().len(),
            counts: self.controller()?.counts()?,
            ls_refs: self.git.requests().ls_refs,
            cluster_cpu: self.stand.cpu_seconds(),
            cpu: self.cpu_seconds(),
        })
    }

    fn since(&mut self, mark: &Mark) -> Result<Cost> {
        let cpu = self.cpu_seconds() - mark.cpu;
        let cluster_cpu = self.stand.cpu_seconds() - mark.cluster_cpu;
        let now = self.controller()?.counts()?;
        let counts = now.since(&mark.counts);
        let all = self.stand.asked().split_off(mark.asked);
        let (heartbeats, asked): (Vec<_>, Vec<_>) = all.into_iter().partition(Asked::is_heartbeat);
        let heartbeats = heartbeats.len();
        Ok(Cost {
            cpu,
            cluster_cpu,
            counts,
            asked,
            heartbeats,
            ls_refs: self.git.requests().ls_refs - mark.ls_refs,
        })
    }

    fn figure(&mut self, phase: &'static str, name: &'static str, unit: &'static str, ours: f64, bar: Bar) {
        let peer = recorded(phase, name, self.apps);
        self.report.figures.push(Figure { peer: peer.into(), ..Figure::ours(phase, name, unit, ours, bar) });
    }

    fn config_map(&self, number: usize) -> String {
        let app = name(number);
        format!("/api/v1/namespaces/{app}/configmaps/{app}")
    }

    async fn first_sync(&mut self) -> Result<()> {
        let mark = self.mark()?;
        let collection = format!("/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications");
        let begin = Instant::now();
        let manifests = (0..self.apps).map(|number| application(&name(number), &self.url));
        let (api, place) = (&self.api, collection.as_str());
        let creations =
            futures::stream::iter(manifests.map(|app| async move { api.apply(place, &app).await.map(drop) }));
        for created in creations.buffer_unordered(PARALLEL).collect::<Vec<_>>().await {
            created?;
        }
        self.follow.until_all(self.apps, PATIENCE, |app| app.synced && app.settled).await?;
        let seconds = begin.elapsed().as_secs_f64();
        self.at_rest().await?;
        let cost = self.since(&mark)?;
        ensure!(cost.counts.failed_syncs == 0, "{} syncs failed", cost.counts.failed_syncs);
        let apps = self.apps as f64;
        let phase = "first sync";
        self.figure(phase, "all Synced after", "s", seconds, Bar::None);
        self.figure(phase, "CPU an application", "ms", cost.cpu * 1000.0 / apps, Bar::AtMost(30.0));
        self.figure(phase, "requests an application", "", cost.asked.len() as f64 / apps, Bar::AtMost(12.0));
        self.figure(phase, "passes an application", "", cost.counts.passes as f64 / apps, Bar::None);
        self.figure(phase, "renders an application", "", cost.counts.renders as f64 / apps, Bar::None);
        self.figure(
            phase,
            "the cluster's own CPU an application",
            "ms",
            cost.cluster_cpu * 1000.0 / apps,
            Bar::None,
        );
        let bar = Bar::AtMost(if self.apps > 500 { 250.0 } else { 150.0 });
        self.figure(phase, "peak memory", "MiB", self.peak_mib(), bar);
        self.report.requests.insert(phase, tally(&cost.asked));
        Ok(())
    }

    /// Twice: announced by a refresh of the application, then as by a webhook.
    async fn commit_to_one(&mut self) -> Result<()> {
        let number = self.apps / 2;
        let phase = "commit to one, refreshed";
        let (cost, live) = self.one(number, true).await?;
        self.figure(phase, "live after", "s", live, Bar::AtMost(0.5));
        self.figure(phase, "CPU until at rest", "s", cost.cpu, Bar::AtMost(0.2));
        self.figure(phase, "renders", "", cost.counts.renders as f64, Bar::Exactly(1.0));
        self.figure(phase, "requests", "", cost.asked.len() as f64, Bar::AtMost(10.0));
        self.report.requests.insert(phase, tally(&cost.asked));
        let phase = "commit to one, webhook";
        let (cost, live) = self.one(number, false).await?;
        self.figure(phase, "live after", "s", live, Bar::AtMost(0.5));
        self.figure(phase, "CPU until at rest", "s", cost.cpu, Bar::AtMost(0.2));
        self.figure(phase, "renders", "", cost.counts.renders as f64, Bar::Exactly(1.0));
        self.figure(phase, "requests", "", cost.asked.len() as f64, Bar::AtMost(10.0));
        self.figure(phase, "passes", "", cost.counts.passes as f64, Bar::None);
        self.report.requests.insert(phase, tally(&cost.asked));
        Ok(())
    }

    async fn one(&mut self, number: usize, refreshed: bool) -> Result<(Cost, f64)> {
        self.version += 1;
        let version = self.version.to_string();
        let app = name(number);
        commit(&self.repository, vec![config(&app, &version)]).await?;
        let mark = self.mark()?;
        let begin = Instant::now();
        if refreshed {
            let path = format!("/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications/{app}");
            let patch = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
            self.api.patch(&path, &patch).await?;
        } else {
            let url = self.url.clone();
            self.controller()?.repository_changed(&url)?;
        }
        let live = self.until_version(number, &version, begin).await?;
        self.at_rest().await?;
        Ok((self.since(&mark)?, live))
    }

    /// Seconds since `begin` until a ConfigMap shows a version.
    async fn until_version(&self, number: usize, version: &str, begin: Instant) -> Result<f64> {
        let path = self.config_map(number);
        loop {
            let live = self.api.get(&path).await?;
            if live.is_some_and(|live| live["data"]["version"] == version) {
                return Ok(begin.elapsed().as_secs_f64());
            }
            ensure!(begin.elapsed() < PATIENCE, "{path} did not come to version {version}");
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn commit_to_all(&mut self) -> Result<()> {
        self.version += 1;
        let version = self.version.to_string();
        let all = (0..self.apps).map(|number| config(&name(number), &version)).collect();
        let revision = commit(&self.repository, all).await?;
        let mark = self.mark()?;
        let url = self.url.clone();
        self.controller()?.repository_changed(&url)?;
        let took = self
            .follow
            .until_all(self.apps, PATIENCE, |app| app.synced && app.settled && app.revision == revision)
            .await?;
        self.at_rest().await?;
        let cost = self.since(&mark)?;
        let apps = self.apps as f64;
        let phase = "commit to all, webhook";
        self.figure(phase, "all Synced after", "s", took.as_secs_f64(), Bar::None);
        self.figure(phase, "CPU an application", "ms", cost.cpu * 1000.0 / apps, Bar::AtMost(30.0));
        self.figure(phase, "renders an application", "", cost.counts.renders as f64 / apps, Bar::None);
        self.figure(phase, "requests an application", "", cost.asked.len() as f64 / apps, Bar::None);
        self.figure(phase, "peak memory so far", "MiB", self.peak_mib(), Bar::None);
        self.report.requests.insert(phase, tally(&cost.asked));
        Ok(())
    }

    /// Each in another application: repetition in one is slowed down on purpose.
    async fn drift(&mut self) -> Result<()> {
        let mut healed = Vec::new();
        let mark = self.mark()?;
        for edit in 0..DRIFTS.min(self.apps) {
            let number = edit * self.apps / DRIFTS;
            let path = self.config_map(number);
            let begin = Instant::now();
            self.api.patch(&path, &json!({"data": {"version": "drifted"}})).await?;
            healed.push(self.until_version(number, &self.version_of(number), begin).await?);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        self.at_rest().await?;
        let cost = self.since(&mark)?;
        healed.sort_by(f64::total_cmp);
        let median = healed.get(healed.len() / 2).copied().unwrap_or_default();
        let phase = "drift";
        self.figure(phase, "healed after, median", "s", median, Bar::AtMost(0.2));
        self.figure(
            phase,
            "healed after, longest",
            "s",
            healed.last().copied().unwrap_or_default(),
            Bar::None,
        );
        self.figure(phase, "CPU each", "s", cost.cpu / healed.len().max(1) as f64, Bar::None);
        self.figure(
            phase,
            "requests each",
            "",
            cost.asked.len() as f64 / healed.len().max(1) as f64,
            Bar::None,
        );
        self.report.requests.insert(phase, tally(&cost.asked));
        Ok(())
    }

    /// The version that git has for an application.
    fn version_of(&self, number: usize) -> String {
        let (path, _) = config(&name(number), "");
        let text = std::fs::read_to_string(self.repository.work().join(path)).unwrap_or_default();
        let line = text.lines().find_map(|line| line.trim().strip_prefix("version: "));
        line.unwrap_or_default().trim_matches('"').to_owned()
    }

    async fn restart(&mut self, through: Option<&str>) -> Result<()> {
        // Ended first, so that it gives the lease up.
        self.controller.take().map(Process::end).transpose()?;
        let asked = self.stand.asked().len();
        let begin = Instant::now();
        self.controller = Some(Process::start(&self.stand.kubeconfig(), &self.data, through)?);
        self.until_active().await?;
        self.at_rest().await?;
        let seconds = begin.elapsed().saturating_sub(REST).as_secs_f64();
        let cpu = self.cpu_seconds();
        let counts = self.controller()?.counts()?;
        let asked = self.stand.asked().split_off(asked);
        let phase = "restart";
        self.figure(phase, "CPU until at rest", "s", cpu, Bar::AtMost(2.0));
        self.figure(phase, "at rest after", "s", seconds, Bar::None);
        self.figure(phase, "renders", "", counts.renders as f64, Bar::None);
        self.figure(phase, "requests", "", asked.len() as f64, Bar::None);
        self.figure(phase, "peak memory", "MiB", self.peak_mib(), Bar::None);
        self.report.requests.insert(phase, tally(&asked));
        Ok(())
    }

    async fn steady(&mut self, span: Duration) -> Result<()> {
        let mark = self.mark()?;
        let begin = Instant::now();
        tokio::time::sleep(span).await;
        let cost = self.since(&mark)?;
        let seconds = begin.elapsed().as_secs_f64();
        let watches = cost.asked.iter().filter(|asked| asked.is_watch()).count();
        let lists = cost.asked.iter().filter(|asked| asked.is_list()).count();
        let others = cost.asked.len() - watches - lists;
        let phase = "steady";
        self.figure(phase, "seconds looked at", "", seconds, Bar::None);
        self.figure(phase, "renders", "", cost.counts.renders as f64, Bar::Exactly(0.0));
        self.figure(phase, "requests besides watches and heartbeat", "", others as f64, Bar::Exactly(0.0));
        self.figure(phase, "lists that make sure of watches", "", lists as f64, Bar::None);
        self.figure(phase, "requests of the heartbeat (lease)", "", cost.heartbeats as f64, Bar::None);
        self.figure(phase, "watches renewed", "", watches as f64, Bar::None);
        self.figure(phase, "ls-refs", "", cost.ls_refs as f64, Bar::AtMost((seconds / 120.0).ceil()));
        self.figure(phase, "CPU", "millicores", cost.cpu * 1000.0 / seconds, Bar::AtMost(5.0));
        self.figure(phase, "passes", "", cost.counts.passes as f64, Bar::None);
        self.report.requests.insert(phase, tally(&cost.asked));
        Ok(())
    }
}

/// Commits files from a thread of its own: git blocks.
async fn commit(repository: &Arc<Repository>, files: Vec<(String, String)>) -> Result<String> {
    let repository = Arc::clone(repository);
    tokio::task::spawn_blocking(move || {
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        repository.commit(&files, "change")
    })
    .await?
}
