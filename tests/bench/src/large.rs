//! One Application with very many objects: `cargo run --release -p bench -- large`. See `docs/performance.md`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use serde_json::{Value, json};
use testkit::{GitServer, GitServerOptions, Repository};
use tokio::time::Instant;

use crate::Outcome;
use crate::controller::{Counts, Process};
use crate::follow::Follow;
use crate::report::{Bar, Figure, Report};
use crate::stand::{Api, Asked, On, Stand, tally};
use crate::workload::{
    LARGE, NAMESPACE, files, large_application, repository_secret, sync_all, unit, unit_file,
};

/// Objects of a unit of the workload.
const UNIT: usize = 4;
/// How long any phase may take.
const PATIENCE: Duration = Duration::from_secs(900);
/// At rest: no pass ended and less CPU than this many seconds …
const REST_CPU: f64 = 0.05;
/// … for so long.
const REST: Duration = Duration::from_secs(2);
/// Objects that are changed one after the other.
const CHANGES: usize = 5;
/// Requests of the bench at the same time.
const PARALLEL: usize = 16;
/// Status changes a second.
const RATE: f64 = 2000.0;
/// Deployments of nobody that get the second storm.
const STRANGERS: usize = 500;
/// Namespace of what belongs to no application.
const ELSEWHERE: &str = "elsewhere";
/// By this name the API server's log knows the bare loop.
const BARE: &str = "capstan-bench-bare";
/// An Application's status must stay below this, in bytes of JSON.
const STATUS_BYTES: f64 = 1048576.0;

/// Flags of the bench of one large application.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Cluster to measure against.
    #[arg(long, value_enum, default_value_t = On::Kubesim)]
    on: On,
    /// Objects of the application, a multiple of four.
    #[arg(long, default_value_t = 10_000)]
    objects: usize,
    /// How long the status storms last and how long the steady state is looked at.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    #[command(flatten)]
    outcome: Outcome,
}

/// Runs all phases and prints the table.
#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let load_before = crate::report::load();
    say("the same applies from a bare loop");
    let Some(bare) = bare(arguments).await? else { return Ok(ExitCode::SUCCESS) };
    let dir = tempfile::Builder::new().prefix("capstan-bench-").tempdir()?;
    let Some(stand) = Stand::start(arguments.on, dir.path()).await? else { return Ok(ExitCode::SUCCESS) };
    let mut run = Run::prepare(arguments, stand, dir.path().join("data")).await?;
    run.report.load_before = load_before;
    run.first_sync(bare).await.context("first sync")?;
    run.become_healthy().await.context("health")?;
    run.status_size().await?;
    run.restart(arguments.outcome.through.as_deref()).await.context("restart")?;
    run.changes().await.context("one object changed")?;
    run.storms(arguments.seconds).await.context("status changes")?;
    run.steady(Duration::from_secs(arguments.seconds)).await?;
    println!("{}", run.report.table());
    arguments.outcome.end(&run.report, run.report.misses())
}

/// Tells whoever waits where the run is.
#[expect(clippy::print_stderr, reason = "a run takes minutes")]
fn say(what: &str) {
    eprintln!("bench: {what}");
}

/// Seconds that a cluster needs for the application's objects, applied by a loop that does nothing else, with as many requests at the
/// same time as the controller has; `None` where the cluster cannot be had here.
async fn bare(arguments: &Arguments) -> Result<Option<f64>> {
    let dir = tempfile::Builder::new().prefix("capstan-bench-").tempdir()?;
    let Some(stand) = Stand::start(arguments.on, dir.path()).await? else { return Ok(None) };
    let api = Api::new(stand.outside(BARE).await?);
    api.apply("/api/v1/namespaces", &namespace(LARGE)).await?;
    let mut objects = Vec::new();
    for number in 0..arguments.objects / UNIT {
        for (_, text) in files(&unit(number)) {
            let mut value = goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default())?;
            let id =
                format!("{LARGE}:{}:{LARGE}/{}", value["kind"].as_str().unwrap_or_default(), unit(number));
            value["metadata"]["namespace"] = json!(LARGE);
            value["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": id});
            objects.push(value);
        }
    }
    // As in a sync: kind by kind.
    objects.sort_by_key(|value| value["kind"].as_str().map(str::to_owned));
    let begin = Instant::now();
    let applies = objects.iter().map(|object| api.apply(collection(object), object));
    let mut applies = futures::stream::iter(applies).buffer_unordered(applications::PARALLEL_APPLIES);
    while let Some(applied) = applies.next().await {
        applied?;
    }
    Ok(Some(begin.elapsed().as_secs_f64()))
}

/// The collection of an object of the workload.
fn collection(object: &Value) -> &'static str {
    match object["kind"].as_str().unwrap_or_default() {
        "Deployment" => "/apis/apps/v1/namespaces/large/deployments",
        "Service" => "/api/v1/namespaces/large/services",
        "ServiceAccount" => "/api/v1/namespaces/large/serviceaccounts",
        _ => "/api/v1/namespaces/large/configmaps",
    }
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

struct Run {
    units: usize,
    stand: Stand,
    api: Api,
    _git: GitServer,
    data: PathBuf,
    /// `None` only while it is started again.
    controller: Option<Process>,
    follow: Follow,
    report: Report,
}

/// Where a phase began, or what it cost.
struct Mark {
    counts: Counts,
    asked: usize,
}

impl Run {
    async fn prepare(arguments: &Arguments, stand: Stand, data: PathBuf) -> Result<Self> {
        let units = arguments.objects / UNIT;
        let api = Api::new(stand.client());
        api.install().await?;
        let repository = Repository::new("large")?;
        let all: Vec<(String, String)> = (0..units).map(unit_file).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        repository.commit(&all, "all units")?;
        let git = GitServer::start(&repository, GitServerOptions::default())?;
        let url = git.url(&repository);
        api.apply(&format!("/api/v1/namespaces/{NAMESPACE}/secrets"), &repository_secret(&url)).await?;
        let follow = Follow::start(api.client().clone());
        let controller = Process::start(&stand.kubeconfig(), &data, arguments.outcome.through.as_deref())?;
        let report = Report {
            what: format!("One application of {} objects on {}", units * UNIT, arguments.on),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            ..Report::default()
        };
        let mut run =
            Self { units, stand, api, _git: git, data, controller: Some(controller), follow, report };
        run.until_active().await?;
        run.at_rest().await?;
        let collection = format!("/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications");
        run.report.requests.clear();
        say("first sync");
        run.api.apply(&collection, &large_application(&url)).await?;
        Ok(run)
    }

    fn counts(&mut self) -> Result<Counts> {
        self.controller.as_mut().context("the controller does not run")?.counts()
    }

    fn mark(&mut self) -> Result<Mark> {
        Ok(Mark { asked: self.stand.asked().len(), counts: self.counts()? })
    }

    /// What the controller did since, and its requests without the heartbeat.
    fn since(&mut self, mark: &Mark) -> Result<(Counts, Vec<Asked>)> {
        let counts = self.counts()?.since(&mark.counts);
        let mut asked = self.stand.asked().split_off(mark.asked);
        asked.retain(|asked| !asked.is_heartbeat());
        Ok((counts, asked))
    }

    fn figure(&mut self, phase: &'static str, name: &'static str, unit: &'static str, ours: f64, bar: Bar) {
        self.report.figures.push(Figure::ours(phase, name, unit, ours, bar));
    }

    async fn until_active(&mut self) -> Result<()> {
        let begin = Instant::now();
        while !self.counts()?.active {
            ensure!(begin.elapsed() < PATIENCE, "the controller did not become active");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn at_rest(&mut self) -> Result<()> {
        let begin = Instant::now();
        loop {
            let before = self.counts()?;
            tokio::time::sleep(REST).await;
            let now = self.counts()?.since(&before);
            if now.passes == 0 && now.cpu <= REST_CPU {
                return Ok(());
            }
            ensure!(begin.elapsed() < PATIENCE, "the controller did not come to rest");
        }
    }

    async fn first_sync(&mut self, bare: f64) -> Result<()> {
        let phase = "first sync";
        let begin = Instant::now();
        self.follow.until_all(1, PATIENCE, |app| app.synced && app.settled).await?;
        let seconds = begin.elapsed().as_secs_f64();
        self.at_rest().await?;
        let counts = self.counts()?;
        ensure!(counts.failed_syncs == 0, "{} syncs failed", counts.failed_syncs);
        let wave = counts.span("wave");
        let applies = wave.wall_ms / 1e3;
        self.figure(phase, "Synced after", "s", seconds, Bar::None);
        let looks = counts.span("preflight").wall_ms / 1e3;
        self.figure(phase, "the dry runs before the applies", "s", looks, Bar::None);
        self.figure(phase, "the applies alone", "s", applies, Bar::None);
        self.figure(phase, "the same applies from a bare loop", "s", bare, Bar::None);
        self.figure(phase, "ratio", "", applies / bare, Bar::AtMost(1.5));
        self.figure(phase, "CPU", "s", counts.cpu, Bar::None);
        self.figure(
            phase,
            "of it: the applies, without reading their events",
            "s",
            wave.cpu_ms / 1e3,
            Bar::None,
        );
        self.spans(phase, &counts);
        let peak = self.controller.as_ref().map_or(0.0, Process::peak_mib);
        self.figure(phase, "peak memory", "MiB", peak, Bar::None);
        let asked: Vec<Asked> =
            self.stand.asked().into_iter().filter(|asked| !asked.is_heartbeat()).collect();
        self.report.requests.insert(phase, tally(&asked));
        Ok(())
    }

    /// The CPU time of the passes' parts.
    fn spans(&mut self, phase: &'static str, counts: &Counts) {
        let parts = [
            ("passes: CPU", "pass"),
            ("of it: rendering", "observe git"),
            ("of it: comparing", "compare"),
            ("of it: why", "explain"),
            ("of it: reporting", "report"),
        ];
        for (name, span) in parts {
            self.figure(phase, name, "ms", counts.span(span).cpu_ms, Bar::None);
        }
        self.figure(phase, "passes", "", counts.passes as f64, Bar::None);
        self.figure(phase, "comparisons", "", counts.comparisons as f64, Bar::None);
        self.figure(phase, "writes of the Application", "", counts.status_writes as f64, Bar::None);
    }

    /// Every Deployment's status says that all is well: there are no controllers here that would.
    async fn become_healthy(&mut self) -> Result<()> {
        say("all Deployments become healthy");
        let phase = "2,500 Deployments become healthy";
        let mark = self.mark()?;
        self.set_statuses(LARGE, self.units, self.units, f64::INFINITY).await?;
        self.at_rest().await?;
        let (counts, _) = self.since(&mark)?;
        self.figure(phase, "CPU", "s", counts.cpu, Bar::None);
        self.spans(phase, &counts);
        let app = self.application().await?;
        ensure!(app["status"]["health"]["status"] == "Healthy", "{}", app["status"]["health"]);
        Ok(())
    }

    /// Writes the status of so many Deployments in turn, at most at a rate; the time that this took.
    async fn set_statuses(&self, namespace: &str, of: usize, count: usize, rate: f64) -> Result<Duration> {
        let begin = Instant::now();
        let writes = (0..count).map(|number| async move {
            tokio::time::sleep_until(begin + Duration::from_secs_f64(number as f64 / rate)).await;
            let name = unit(number % of);
            let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}/status");
            let status = json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2,
                "availableReplicas": 2, "conditions": [
                    {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": format!("look {number}")},
                    {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "done"}]});
            self.api.patch(&path, &json!({"status": status})).await.map(drop)
        });
        let mut writes = futures::stream::iter(writes).buffer_unordered(PARALLEL);
        while let Some(written) = writes.next().await {
            written?;
        }
        Ok(begin.elapsed())
    }

    async fn application(&self) -> Result<Value> {
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications/{LARGE}");
        self.api.get(&path).await?.context("the Application is gone")
    }

    async fn status_size(&mut self) -> Result<()> {
        let phase = "status";
        let app = self.application().await?;
        let length =
            |pointer: &str| app.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len) as f64;
        let bytes = app["status"].to_string().len() as f64;
        self.figure(phase, "bytes of JSON", "", bytes, Bar::AtMost(STATUS_BYTES));
        self.figure(phase, "resources listed", "", length("/status/resources"), Bar::None);
        let results = length("/status/operationState/syncResult/resources");
        self.figure(phase, "results of the last sync listed", "", results, Bar::None);
        Ok(())
    }

    async fn restart(&mut self, through: Option<&str>) -> Result<()> {
        say("restart");
        let phase = "restart";
        // Ended first, so that it gives the lease up.
        self.controller.take().map(Process::end).transpose()?;
        let asked = self.stand.asked().len();
        self.controller = Some(Process::start(&self.stand.kubeconfig(), &self.data, through)?);
        self.until_active().await?;
        self.at_rest().await?;
        let (counts, asked) = self.since(&Mark { counts: Counts::default(), asked })?;
        let compared = counts.span("compare").cpu_ms / 1e3;
        self.figure(phase, "CPU until at rest", "s", counts.cpu, Bar::None);
        self.figure(phase, "comparing all objects: CPU", "s", compared, Bar::AtMost(1.0));
        self.spans(phase, &counts);
        self.report.requests.insert(phase, tally(&asked));
        Ok(())
    }

    /// Somebody writes one object after the other; the application is not healed by itself.
    async fn changes(&mut self) -> Result<()> {
        say("one object changed");
        let phase = "one object changed";
        let (mut passes, mut cpus, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for change in 0..CHANGES {
            let name = unit(change * self.units / CHANGES);
            let path = format!("/api/v1/namespaces/{LARGE}/configmaps/{name}");
            let mark = self.mark()?;
            self.api.patch(&path, &json!({"data": {"version": "drifted"}})).await?;
            self.at_rest().await?;
            let (counts, asked) = self.since(&mark)?;
            passes.push(counts.span("compare").cpu_ms);
            all.push(counts.span("pass").cpu_ms);
            cpus.push(counts.cpu * 1e3);
            if change + 1 == CHANGES {
                self.spans(phase, &counts);
                self.report.requests.insert(phase, tally(&asked));
            }
        }
        self.figure(phase, "comparing, median: CPU", "ms", median(&mut passes), Bar::AtMost(50.0));
        self.figure(phase, "all of the passes, median: CPU", "ms", median(&mut all), Bar::None);
        self.figure(
            phase,
            "the whole process until at rest, median: CPU",
            "ms",
            median(&mut cpus),
            Bar::None,
        );
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications/{LARGE}");
        self.api.patch(&path, &json!({"operation": sync_all()})).await?;
        self.follow.until_all(1, PATIENCE, |app| app.synced && app.settled).await?;
        self.at_rest().await
    }

    async fn storms(&mut self, seconds: u64) -> Result<()> {
        self.api.apply("/api/v1/namespaces", &namespace(ELSEWHERE)).await?;
        let collection = format!("/apis/apps/v1/namespaces/{ELSEWHERE}/deployments");
        for number in 0..STRANGERS {
            let (_, text) = &files(&unit(number))[1];
            let value = goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default())?;
            self.api.apply(&collection, &value).await?;
        }
        self.at_rest().await?;
        let count = (RATE * seconds as f64) as usize;
        let storms = [
            ("status changes of its Deployments", LARGE, self.units),
            ("status changes of Deployments of nobody", ELSEWHERE, STRANGERS),
        ];
        for (phase, namespace, of) in storms {
            say(phase);
            let mark = self.mark()?;
            let took = self.set_statuses(namespace, of, count, RATE).await?;
            self.at_rest().await?;
            let (counts, asked) = self.since(&mark)?;
            self.figure(phase, "a second", "", count as f64 / took.as_secs_f64(), Bar::None);
            self.figure(phase, "comparisons", "", counts.comparisons as f64, Bar::Exactly(0.0));
            self.figure(phase, "renders", "", counts.renders as f64, Bar::Exactly(0.0));
            self.figure(phase, "passes", "", counts.passes as f64, Bar::None);
            self.figure(phase, "CPU of 1,000 changes", "ms", counts.cpu * 1e6 / count as f64, Bar::None);
            let requests = asked.iter().filter(|asked| !asked.is_watch() && !asked.is_list()).count();
            self.figure(
                phase,
                "requests besides watches and heartbeat",
                "",
                requests as f64,
                Bar::Exactly(0.0),
            );
        }
        Ok(())
    }

    async fn steady(&mut self, span: Duration) -> Result<()> {
        say("steady state");
        let phase = "steady";
        let mark = self.mark()?;
        tokio::time::sleep(span).await;
        let (counts, asked) = self.since(&mark)?;
        let requests = asked.iter().filter(|asked| !asked.is_watch() && !asked.is_list()).count();
        self.figure(phase, "passes", "", counts.passes as f64, Bar::Exactly(0.0));
        self.figure(phase, "requests besides watches and heartbeat", "", requests as f64, Bar::Exactly(0.0));
        self.figure(phase, "CPU", "millicores", counts.cpu * 1e3 / span.as_secs_f64(), Bar::AtMost(5.0));
        let peak = self.controller.as_ref().map_or(0.0, Process::peak_mib);
        self.figure(phase, "peak memory since the restart", "MiB", peak, Bar::None);
        Ok(())
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
