//! The server with very many applications, beside the peer's own: `cargo run --release -p bench -- api`. See `docs/performance.md`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use testkit::PeerServer;
use tokio::time::Instant;

use crate::Outcome;
use crate::clients::{Clients, MARK, now_ms};
use crate::controller::{cpu_seconds, resident_kib};
use crate::installation::{self, Login, Serving, get};
use crate::report::{Bar, Figure, Report, quantile};
use crate::stand::{Api, On, Stand};
use crate::workload::NAMESPACE;

/// Requests of a kind that are measured, after a tenth as many that are not.
const REQUESTS: usize = 300;
/// Requests for whole lists.
const LISTS: usize = 10;
/// Requests of the bench at the same time.
const PARALLEL: usize = 16;
/// Projects of the applications.
const PROJECTS: usize = 10;
/// How long a page of a list may take, in milliseconds.
const PAGE_MS: f64 = 50.0;
/// The same for a list of everything.
const LIST_MS: f64 = 300.0;
/// Memory of a client that follows what changes, in KiB.
const CLIENT_KIB: f64 = 100.0;
/// Seconds from a change until a client is told.
const TOLD_SECONDS: f64 = 1.0;

/// Flags of the bench of the server.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Applications.
    #[arg(long, default_value_t = 10_000)]
    apps: usize,
    /// Streams of what changes.
    #[arg(long, default_value_t = 2000)]
    streams: usize,
    /// Changes a second meanwhile.
    #[arg(long, default_value_t = 200)]
    rate: usize,
    /// Streams as the peer has them, whose every event is a whole Application.
    #[arg(long, default_value_t = 100)]
    whole_streams: usize,
    /// Changes a second meanwhile.
    #[arg(long, default_value_t = 50)]
    whole_rate: usize,
    /// How long streams are read.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    #[command(flatten)]
    outcome: Outcome,
}

/// A server that is measured, in a process of its own.
struct Subject {
    address: String,
    token: String,
    pid: u32,
}

/// What reading costs: seconds of each request, CPU a request in milliseconds, and the bytes of the last answer.
struct Read {
    seconds: Vec<f64>,
    cpu_ms: f64,
    bytes: usize,
}

/// What following costs.
struct Followed {
    sent: usize,
    told: f64,
    median: f64,
    p99: f64,
    idle_kib: f64,
    most_kib: f64,
    cpu: f64,
    bytes: f64,
}

/// Runs all phases and prints the table.
#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let what = format!("The server with {} applications on kubesim", arguments.apps);
    let report = Report::begin(what);
    let dir = tempfile::Builder::new().prefix("capstan-bench-").tempdir()?;
    let Some(mut run) = Run::prepare(arguments, report, dir.path()).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    run.pages().await?;
    run.v1(arguments).await?;
    run.streams(arguments).await?;
    println!("{}", run.report.table());
    arguments.outcome.end(&run.report, run.report.misses())
}

struct Run {
    api: Api,
    http: reqwest::Client,
    ours: Subject,
    peer: Option<Subject>,
    report: Report,
    _serving: Serving,
    _peer: Option<PeerServer>,
    _stand: Stand,
}

/// An Application as a controller leaves it, with a status of some objects.
fn application(number: usize) -> Value {
    let name = format!("app-{number:05}");
    let healths = ["Healthy", "Healthy", "Healthy", "Progressing", "Degraded", "Missing"];
    let (env, health) = (["dev", "staging", "prod"][number % 3], healths[number % healths.len()]);
    let resources: Vec<Value> = (0..8)
        .map(|n| {
            json!({
                "group": "apps", "version": "v1", "kind": "Deployment", "namespace": name, "name": format!("{name}-{n}"), "status": "Synced",
                "health": {"status": "Healthy"},
            })
        })
        .collect();
    let (project, commit) = (format!("project-{}", number % PROJECTS), format!("{:040x}", number * 7919));
    let source = json!({"repoURL": format!("https://git.example.com/{project}.git"), "path": format!("apps/{name}"), "targetRevision": "main"});
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {
            "name": name, "namespace": NAMESPACE,
            "labels": {"env": env, "team": format!("team-{}", number % 40)},
        },
        "spec": {
            "project": project, "source": source, "syncPolicy": {"automated": {"prune": true}},
            "destination": {"server": format!("https://cluster-{}.example.com", number % 25), "namespace": name},
        },
        "status": {
            "health": {"status": health}, "resources": resources,
            "sync": {"status": if number.is_multiple_of(9) { "OutOfSync" } else { "Synced" }, "revision": commit},
            "operationState": {"phase": "Succeeded", "finishedAt": "2026-01-02T03:04:05Z", "startedAt": "2026-01-02T03:04:00Z"},
            "summary": {"images": [format!("registry.example.com/{name}:1.{}", number % 50)]},
        },
    })
}

impl Run {
    /// Puts the applications there and starts what serves them; no controller runs, for what is measured is the server.
    async fn prepare(arguments: &Arguments, mut report: Report, dir: &Path) -> Result<Option<Self>> {
        let Some(stand) = Stand::start(On::Kubesim, dir).await? else { return Ok(None) };
        let api = Api::new(stand.client());
        api.install().await?;
        api.apply("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &PeerServer::definition())
            .await?;
        for number in 0..PROJECTS {
            let spec = json!({"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]});
            let metadata = json!({"name": format!("project-{number}"), "namespace": NAMESPACE});
            let project = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata, "spec": spec});
            let place = format!("/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/appprojects");
            api.apply(&place, &project).await?;
        }
        let (place, objects) = (installation::applications(), (0..arguments.apps).map(application));
        let applies = futures::stream::iter(objects.map(|object| {
            let (api, place) = (api.clone(), place.clone());
            async move { api.apply(&place, &object).await }
        }));
        applies.buffer_unordered(PARALLEL).try_for_each(|_| async { Ok(()) }).await?;
        let http = reqwest::Client::new();
        let serving = Serving::start(&stand.kubeconfig())?;
        let token = Login::new(&api, http.clone(), &serving.address).await?.token().await?;
        let ours = Subject { address: serving.address.clone(), token, pid: serving.pid() };
        let kubeconfig = stand.kubeconfig();
        let peer = tokio::task::spawn_blocking(move || PeerServer::start(&kubeconfig, NAMESPACE)).await??;
        let beside = peer.as_ref().map(|peer| Subject {
            address: peer.address().to_owned(),
            token: ours.token.clone(),
            pid: peer.pid(),
        });
        if beside.is_some() {
            report.peer = format!("Argo CD {}", testkit::ARGO_CD_VERSION);
        }
        Ok(Some(Self {
            api,
            http,
            ours,
            peer: beside,
            report,
            _serving: serving,
            _peer: peer,
            _stand: stand,
        }))
    }

    fn figure(&mut self, figure: Figure) {
        self.report.figures.push(figure);
    }

    /// Requests one after the other.
    async fn read(&self, subject: &Subject, path: &str, requests: usize) -> Result<Read> {
        let url = format!("http://{}{path}", subject.address);
        for _ in 0..requests.div_ceil(10) {
            get(&self.http, &url, &subject.token).await?;
        }
        let (mut seconds, mut bytes, before) = (Vec::new(), 0, cpu_seconds(subject.pid));
        for _ in 0..requests {
            let begin = Instant::now();
            bytes = get(&self.http, &url, &subject.token).await?;
            seconds.push(begin.elapsed().as_secs_f64());
        }
        let cpu_ms = (cpu_seconds(subject.pid) - before) / requests as f64 * 1e3;
        Ok(Read { seconds, cpu_ms, bytes })
    }

    /// Pages of lists, which the peer has not: its pages read the whole list.
    async fn pages(&mut self) -> Result<()> {
        for (phase, query) in [
            ("page", ""),
            ("page by health", "?sort=-health&limit=100"),
            ("filter", "?filter=health:Degraded+-label:env%3Ddev+project:project-1*"),
            (
                "search with facets",
                "?search=team-1+registry&facets=health,sync,project,cluster,namespace,labels",
            ),
            (
                "everything counted",
                "?facets=health,sync,operation,autoSync,project,cluster,namespace,repo,labels",
            ),
        ] {
            let path = format!("/api/v2/applications{query}");
            let mut read = self.read(&self.ours, &path, REQUESTS).await?;
            let (median, p99) = (quantile(&mut read.seconds, 0.5), quantile(&mut read.seconds, 0.99));
            self.figure(Figure::ours(phase, "median", "ms", median * 1e3, Bar::None));
            self.figure(Figure::ours(phase, "p99", "ms", p99 * 1e3, Bar::AtMost(PAGE_MS)));
            self.figure(Figure::ours(phase, "CPU a request", "ms", read.cpu_ms, Bar::None));
        }
        Ok(())
    }

    /// What both have.
    async fn v1(&mut self, arguments: &Arguments) -> Result<()> {
        let one = format!("/api/v1/applications/app-{:05}", arguments.apps / 2);
        for (phase, path, requests, bar) in [
            ("whole list", "/api/v1/applications", LISTS, Bar::AtMost(LIST_MS)),
            ("a project's list", "/api/v1/applications?projects=project-3", LISTS, Bar::None),
            ("one application", &one, REQUESTS, Bar::None),
        ] {
            let mut ours = self.read(&self.ours, path, requests).await?;
            let mut peer = match &self.peer {
                Some(peer) => Some(self.read(peer, path, requests).await?),
                None => None,
            };
            let of = |read: &mut Read| quantile(&mut read.seconds, 0.5) * 1e3;
            let figure = Figure::ours(phase, "median", "ms", of(&mut ours), bar);
            self.figure(figure.beside(peer.as_mut().map(of)));
            let peers = peer.as_ref();
            let figure = Figure::ours(phase, "CPU a request", "ms", ours.cpu_ms, Bar::None);
            self.figure(figure.beside(peers.map(|read| read.cpu_ms)));
            let figure = Figure::ours(phase, "size", "KiB", ours.bytes as f64 / 1024.0, Bar::None);
            self.figure(figure.beside(peers.map(|read| read.bytes as f64 / 1024.0)));
        }
        let figure =
            Figure::ours("memory", "after lists", "MiB", resident_kib(self.ours.pid) / 1024.0, Bar::None);
        let peer = self.peer.as_ref().map(|peer| resident_kib(peer.pid) / 1024.0);
        self.figure(figure.beside(peer));
        Ok(())
    }

    /// Clients that all follow all applications, while these change.
    async fn streams(&mut self, arguments: &Arguments) -> Result<()> {
        let load = (arguments.streams, arguments.rate, arguments.seconds);
        let ours = self.follow(&self.ours, "/api/v2/events?topic=applications", load, arguments.apps).await?;
        let phase = "streams of changes";
        self.followed(phase, &ours, None, true);
        let load = (arguments.whole_streams, arguments.whole_rate, arguments.seconds);
        let path = format!("/api/v1/stream/applications?resourceVersion={}", self.version().await?);
        let ours = self.follow(&self.ours, &path, load, arguments.apps).await?;
        let peer = match &self.peer {
            Some(peer) => Some(self.follow(peer, &path, load, arguments.apps).await?),
            None => None,
        };
        self.followed("streams of Applications", &ours, peer.as_ref(), false);
        Ok(())
    }

    fn followed(&mut self, phase: &'static str, ours: &Followed, peer: Option<&Followed>, barred: bool) {
        let bar = |most| if barred { Bar::AtMost(most) } else { Bar::None };
        type Of = fn(&Followed) -> f64;
        let rows: [(_, _, Of, _); 7] = [
            ("changes", "", |f| f.sent as f64, Bar::None),
            ("told after, median", "s", |f| f.median, Bar::None),
            ("told after, p99", "s", |f| f.p99, bar(TOLD_SECONDS)),
            ("memory a client, idle", "KiB", |f| f.idle_kib, Bar::None),
            ("memory a client, most", "KiB", |f| f.most_kib, bar(CLIENT_KIB)),
            ("the server's CPU a change and client", "µs", |f| f.cpu / f.told.max(1.0) * 1e6, Bar::None),
            ("sent a change and client", "bytes", |f| f.bytes / f.told.max(1.0), Bar::None),
        ];
        for (name, unit, of, bar) in rows {
            self.figure(Figure::ours(phase, name, unit, of(ours), bar).beside(peer.map(of)));
        }
    }

    /// The version of the list, from which a stream goes on.
    async fn version(&self) -> Result<String> {
        let list = self.api.get(&format!("{}?limit=1", installation::applications())).await?;
        let version = list.as_ref().and_then(|list| list["metadata"]["resourceVersion"].as_str());
        Ok(version.context("a list without a version")?.to_owned())
    }

    /// So many clients, so many changes a second, so many seconds.
    async fn follow(
        &self,
        subject: &Subject,
        path: &str,
        (streams, rate, seconds): (usize, usize, u64),
        apps: usize,
    ) -> Result<Followed> {
        let before = resident_kib(subject.pid);
        let clients = Clients::start(&subject.address, path, &subject.token, streams)?;
        let mut touched = 0;
        while !clients.ready()? {
            // The peer tells a stream's head with its first event.
            self.touch(touched, apps, "0").await?;
            touched += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let (idle, cpu, begin) = (resident_kib(subject.pid), cpu_seconds(subject.pid), Instant::now());
        let (mut sent, mut most) = (0, idle);
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        while begin.elapsed() < Duration::from_secs(seconds) {
            tick.tick().await;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousands")]
            let due = (begin.elapsed().as_secs_f64() * rate as f64) as usize;
            for number in sent..due {
                self.touch(number, apps, &now_ms().to_string()).await?;
            }
            sent = due;
            most = most.max(resident_kib(subject.pid));
        }
        // The last ones are on their way.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let cpu = cpu_seconds(subject.pid) - cpu;
        let seen = clients.end()?;
        let clients = streams as f64;
        Ok(Followed {
            sent,
            told: seen.changes as f64,
            median: seen.median_ms / 1e3,
            p99: seen.p99_ms / 1e3,
            idle_kib: (idle - before) / clients,
            most_kib: (most - before) / clients,
            cpu,
            bytes: seen.bytes as f64,
        })
    }

    async fn touch(&self, number: usize, apps: usize, mark: &str) -> Result<()> {
        let path = format!("{}/app-{:05}", installation::applications(), number * 31 % apps);
        self.api.patch(&path, &json!({"metadata": {"labels": {MARK: mark}}})).await?;
        Ok(())
    }
}
