//! From a push to what runs, with many applications in one repository, and what logins cost those who read:
//! `cargo run --release -p bench -- pushes`. See `docs/performance.md`.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use testkit::{GitServer, GitServerOptions, Repository};
use tokio::time::Instant;

use crate::Outcome;
use crate::follow::Follow;
use crate::installation::{self, Installation};
use crate::report::{Bar, Figure, Report, quantile};
use crate::spans::used_by_process;
use crate::workload::{NAMESPACE, application, config, files, name, repository_secret};

/// How long the first sync, or one push, may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is looked whether a push runs.
const LOOK: Duration = Duration::from_millis(2);
/// What the webhook's events are signed with.
const SECRET: &str = "bench";
/// Seconds from the event to the object, at most.
const PUSH_SECONDS: f64 = 1.0;
/// Clients that log in, one login after another.
const LOGINS: usize = 16;
/// Requests of somebody who reads, without and with logins beside.
const READS: usize = 300;
/// How many times as long as without logins a request may take with them.
const SLOWER: f64 = 3.0;

/// Flags of the bench of pushes and logins.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Applications, of four objects each, in one repository.
    #[arg(long, default_value_t = 1000)]
    apps: usize,
    /// Pushes, one after the other, to one application each.
    #[arg(long, default_value_t = 50)]
    pushes: usize,
    #[command(flatten)]
    outcome: Outcome,
}

/// An installation that follows a repository.
struct Run {
    here: Installation,
    repository: Repository,
    git: GitServer,
}

/// Runs it and prints the table.
#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let what = format!("{} applications in one repository, on kubesim", arguments.apps);
    let mut report = Report::begin(what);
    let run = Run::start(arguments.apps).await?;
    run.pushes(arguments, &mut report).await?;
    run.logins(&mut report).await?;
    println!("{}", report.table());
    arguments.outcome.end(&report, report.misses())
}

impl Run {
    /// Starts it and waits until all applications run.
    async fn start(apps: usize) -> Result<Self> {
        let api = installation::cluster().await?;
        let repository = Repository::new("config")?;
        let all: Vec<(String, String)> = (0..apps).flat_map(|n| files(&name(n))).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        repository.commit(&all, "all")?;
        let git = GitServer::start(&repository, GitServerOptions::default())?;
        let url = git.url(&repository);
        let secrets = format!("/api/v1/namespaces/{NAMESPACE}/secrets");
        api.apply(&secrets, &repository_secret(&url)).await?;
        let here = Installation::start(api).await?;
        let runs = here.controller.clone();
        tokio::spawn(async move { runs.run(std::future::pending()).await });
        let hook = json!({"stringData": {"webhook.gitlab.secret": SECRET}});
        here.api.patch(&format!("{secrets}/argocd-secret"), &hook).await?;
        let follow = Follow::start(here.api.client().clone());
        for number in 0..apps {
            here.api.apply(&installation::applications(), &application(&name(number), &url)).await?;
        }
        follow.until_all(apps, PATIENCE, |app| app.synced && app.settled).await.context("the first sync")?;
        Ok(Self { here, repository, git })
    }

    /// One push after another, each announced by an event, until its object is there.
    async fn pushes(&self, arguments: &Arguments, report: &mut Report) -> Result<()> {
        let (mut seconds, mut renders) = (Vec::new(), 0);
        let before = used_by_process();
        for push in 0..arguments.pushes {
            let app = name(push * 7 % arguments.apps);
            let version = format!("push-{push}");
            let (path, text) = config(&app, &version);
            self.repository.commit(&[(path.as_str(), text.as_str())], "push")?;
            let rendered = self.here.controller.metrics().renders();
            let begin = Instant::now();
            self.announce().await?;
            let object = format!("/api/v1/namespaces/{app}/configmaps/{app}");
            while self.here.api.get(&object).await?.is_none_or(|object| object["data"]["version"] != *version)
            {
                ensure!(begin.elapsed() < PATIENCE, "{app} does not become {version}");
                tokio::time::sleep(LOOK).await;
            }
            seconds.push(begin.elapsed().as_secs_f64());
            renders += self.here.controller.metrics().renders() - rendered;
        }
        let cpu = (used_by_process() - before) / arguments.pushes as f64;
        let each = renders as f64 / arguments.pushes as f64;
        let worst = quantile(&mut seconds, 1.0);
        report.figures.extend([
            Figure::ours(
                "push",
                "from the event to the object, median",
                "s",
                quantile(&mut seconds, 0.5),
                Bar::None,
            ),
            Figure::ours("push", "the same, the longest", "s", worst, Bar::AtMost(PUSH_SECONDS)),
            Figure::ours("push", "CPU of all (git's own programs apart)", "s", cpu, Bar::None),
            Figure::ours("push", "renders", "", each, Bar::AtMost(1.0)),
        ]);
        Ok(())
    }

    /// Says that something was pushed, as GitLab does.
    async fn announce(&self) -> Result<()> {
        let body = json!({"object_kind": "push", "ref": "refs/heads/main",
            "project": {"web_url": self.git.url(&self.repository).trim_end_matches(".git")}});
        let request =
            self.here.http.post(self.here.url("/api/webhook")).header("x-gitlab-event", "Push Hook");
        let answer = request.header("x-gitlab-token", SECRET).body(body.to_string()).send().await?;
        ensure!(answer.status() == 200, "the event is answered {}", answer.status());
        Ok(())
    }

    /// Somebody reads one application again and again, alone and beside clients that log in as fast as they can.
    async fn logins(&self, report: &mut Report) -> Result<()> {
        let login = self.here.admin().await?;
        let token = login.token().await?;
        let mut alone = self.reads(&token).await?;
        let over = Arc::new(AtomicBool::new(false));
        let clients = (0..LOGINS).map(|_| {
            let (login, over) = (login.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                let mut done = 0;
                while !over.load(Relaxed) {
                    done += usize::from(login.token().await.is_ok());
                }
                done
            })
        });
        let clients: Vec<_> = clients.collect();
        let begin = Instant::now();
        let mut beside = self.reads(&token).await?;
        over.store(true, Relaxed);
        let took = begin.elapsed().as_secs_f64();
        let mut logins = 0;
        for client in clients {
            logins += client.await?;
        }
        let (alone, beside) = (quantile(&mut alone, 0.99), quantile(&mut beside, 0.99));
        report.figures.extend([
            Figure::ours("logins", "an application read, p99, alone", "ms", alone * 1e3, Bar::None),
            Figure::ours("logins", "the same while 16 clients log in", "ms", beside * 1e3, Bar::None),
            Figure::ours("logins", "how many times as long", "", beside / alone, Bar::AtMost(SLOWER)),
            Figure::ours("logins", "logins a second", "", logins as f64 / took, Bar::None),
        ]);
        Ok(())
    }

    /// Seconds that each of the reads takes.
    async fn reads(&self, token: &str) -> Result<Vec<f64>> {
        let mut seconds = Vec::new();
        let path = format!("/api/v1/applications/{}", name(0));
        for _ in 0..READS {
            let begin = Instant::now();
            self.here.read(&path, token).await?;
            seconds.push(begin.elapsed().as_secs_f64());
        }
        Ok(seconds)
    }
}
