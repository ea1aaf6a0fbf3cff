//! From a push to what runs, with many applications in one repository, and what logins cost those who read:
//! `cargo run --release -p bench -- pushes`. See `docs/performance.md`.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use applications::{Controller, Options, Start};
use kubesim::KubeSim;
use serde_json::{Value, json};
use server::Server;
use testkit::{GitServer, GitServerOptions, Repository};
use tokio::time::Instant;

use crate::Outcome;
use crate::follow::Follow;
use crate::report::{Bar, Figure, Report};
use crate::spans::used_by_process;
use crate::stand::Api;
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

/// An installation in this process, on a cluster in memory.
struct Installation {
    server: Server,
    api: Api,
    controller: Controller,
    repository: Repository,
    git: GitServer,
    http: reqwest::Client,
    _data: tempfile::TempDir,
}

/// Runs it and prints the table.
#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let load_before = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let here = Installation::start(arguments.apps).await?;
    let mut report = Report {
        what: format!("{} applications in one repository, on kubesim", arguments.apps),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        load_before: load_before.split_whitespace().take(3).collect::<Vec<_>>().join(" "),
        ..Report::default()
    };
    here.pushes(arguments, &mut report).await?;
    here.logins(&mut report).await?;
    println!("{}", report.table());
    arguments.outcome.end(&report, report.misses())
}

fn figure(phase: &'static str, name: &'static str, unit: &'static str, ours: f64, bar: Bar) -> Figure {
    Figure { phase, name, unit, peer: "", ours, bar }
}

/// The value below which this part of all lies.
fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank, small and positive")]
    let rank = (values.len() as f64 * part).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

impl Installation {
    /// Starts it and waits until all applications run.
    async fn start(apps: usize) -> Result<Self> {
        let client = KubeSim::new(kubesim::Options::default()).client();
        let api = Api::new(client.clone());
        api.install().await?;
        let repository = Repository::new("config")?;
        let all: Vec<(String, String)> = (0..apps).flat_map(|n| files(&name(n))).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        repository.commit(&all, "all")?;
        let git = GitServer::start(&repository, GitServerOptions::default())?;
        let url = git.url(&repository);
        let secrets = format!("/api/v1/namespaces/{NAMESPACE}/secrets");
        api.apply(&secrets, &repository_secret(&url)).await?;
        let data = tempfile::Builder::new().prefix("capstan-bench-").tempdir()?;
        let start = Start {
            client: client.clone(),
            options: Options::new(NAMESPACE, "bench"),
            data_dir: data.path().to_owned(),
            allow_file: false,
            serves: true,
        };
        let controller = start.start().await?;
        let options = server::Options {
            namespace: NAMESPACE.to_owned(),
            client: client.clone(),
            controller: controller.clone(),
            address: ([127, 0, 0, 1], 0).into(),
            insecure: Some(true),
            root: None,
            trusted_proxies: None,
            clock: Arc::new(jiff::Timestamp::now),
            adopt: None,
        };
        let server = Server::start(options).await?;
        let runs = controller.clone();
        tokio::spawn(async move { runs.run(std::future::pending()).await });
        let hook = json!({"stringData": {"webhook.gitlab.secret": SECRET}});
        api.patch(&format!("{secrets}/argocd-secret"), &hook).await?;
        let follow = Follow::start(client);
        let collection = format!("/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications");
        for number in 0..apps {
            api.apply(&collection, &application(&name(number), &url)).await?;
        }
        follow.until_all(apps, PATIENCE, |app| app.synced && app.settled).await.context("the first sync")?;
        Ok(Self { server, api, controller, repository, git, http: reqwest::Client::new(), _data: data })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
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
            let rendered = self.controller.metrics().renders();
            let begin = Instant::now();
            self.announce().await?;
            let object = format!("/api/v1/namespaces/{app}/configmaps/{app}");
            while self.api.get(&object).await?.is_none_or(|object| object["data"]["version"] != *version) {
                ensure!(begin.elapsed() < PATIENCE, "{app} does not become {version}");
                tokio::time::sleep(LOOK).await;
            }
            seconds.push(begin.elapsed().as_secs_f64());
            renders += self.controller.metrics().renders() - rendered;
        }
        let cpu = (used_by_process() - before) / arguments.pushes as f64;
        let each = renders as f64 / arguments.pushes as f64;
        let worst = quantile(&mut seconds, 1.0);
        report.figures.extend([
            figure(
                "push",
                "from the event to the object, median",
                "s",
                quantile(&mut seconds, 0.5),
                Bar::None,
            ),
            figure("push", "the same, the longest", "s", worst, Bar::AtMost(PUSH_SECONDS)),
            figure("push", "CPU of all (git's own programs apart)", "s", cpu, Bar::None),
            figure("push", "renders", "", each, Bar::AtMost(1.0)),
        ]);
        Ok(())
    }

    /// Says that something was pushed, as GitLab does.
    async fn announce(&self) -> Result<()> {
        let body = json!({"object_kind": "push", "ref": "refs/heads/main",
            "project": {"web_url": self.git.url(&self.repository).trim_end_matches(".git")}});
        let request = self.http.post(self.url("/api/webhook")).header("x-gitlab-event", "Push Hook");
        let answer = request.header("x-gitlab-token", SECRET).body(body.to_string()).send().await?;
        ensure!(answer.status() == 200, "the event is answered {}", answer.status());
        Ok(())
    }

    /// Somebody reads one application again and again, alone and beside clients that log in as fast as they can.
    async fn logins(&self, report: &mut Report) -> Result<()> {
        let path = format!("/api/v1/namespaces/{NAMESPACE}/secrets/argocd-initial-admin-secret");
        let secret = self.api.get(&path).await?.context("no first password")?;
        let password = secret["data"]["password"].as_str().context("no password in it")?;
        let password = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, password)?;
        let login = json!({"username": "admin", "password": String::from_utf8(password)?}).to_string();
        let token = log_in(&self.http, &self.url("/api/v1/session"), &login).await?;
        let mut alone = self.reads(&token).await?;
        let over = Arc::new(AtomicBool::new(false));
        let clients = (0..LOGINS).map(|_| {
            let (http, url, login) = (self.http.clone(), self.url("/api/v1/session"), login.clone());
            let over = Arc::clone(&over);
            tokio::spawn(async move {
                let mut done = 0;
                while !over.load(Relaxed) {
                    done += usize::from(log_in(&http, &url, &login).await.is_ok());
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
            figure("logins", "an application read, p99, alone", "ms", alone * 1e3, Bar::None),
            figure("logins", "the same while 16 clients log in", "ms", beside * 1e3, Bar::None),
            figure("logins", "how many times as long", "", beside / alone, Bar::AtMost(SLOWER)),
            figure("logins", "logins a second", "", logins as f64 / took, Bar::None),
        ]);
        Ok(())
    }

    /// Seconds that each of the reads takes.
    async fn reads(&self, token: &str) -> Result<Vec<f64>> {
        let mut seconds = Vec::new();
        let url = self.url(&format!("/api/v1/applications/{}", name(0)));
        for _ in 0..READS {
            let begin = Instant::now();
            let answer = self.http.get(&url).bearer_auth(token).send().await?;
            ensure!(answer.status() == 200, "the application is answered {}", answer.status());
            answer.bytes().await?;
            seconds.push(begin.elapsed().as_secs_f64());
        }
        Ok(seconds)
    }
}

/// A session's token.
async fn log_in(http: &reqwest::Client, url: &str, login: &str) -> Result<String> {
    let request = http.post(url).header("content-type", "application/json").body(login.to_owned());
    let answer: Value = serde_json::from_slice(&request.send().await?.bytes().await?)?;
    answer["token"].as_str().map(str::to_owned).with_context(|| format!("no token: {answer}"))
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values = || (1..=100).map(f64::from).collect::<Vec<_>>();
        for (part, value) in [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            assert_eq!(quantile(&mut values(), part), value, "{part}");
        }
        assert_eq!(quantile(&mut [], 0.5), 0.0);
    }
}
