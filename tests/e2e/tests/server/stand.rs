//! An installation with its server, and the official client that is pointed at it.

use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use applications::{Options, Start};
use e2e::{Api, Cluster, On};
use serde_json::{Value, json};
use server::Server;
use testkit::{GitServer, GitServerOptions, Repository};

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {key: ";

const CONFIG: &str = "/api/v1/namespaces/argocd/configmaps/argocd-cm";

/// How long a command may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(100);

/// What is typed, how it ends, and what is printed.
pub(crate) type Row = (String, i32, &'static str);

/// An installation with its server, and the client's own configuration.
pub(crate) struct Stand {
    pub(crate) server: Server,
    pub(crate) api: Api,
    pub(crate) repository: Repository,
    pub(crate) git: GitServer,
    pub(crate) home: tempfile::TempDir,
    pub(crate) http: reqwest::Client,
    marks: std::sync::atomic::AtomicUsize,
    client: kube::Client,
    controller: applications::Controller,
    running: tokio::task::JoinHandle<()>,
    cluster: Cluster,
}

/// Answers that come one after another, a line of JSON each.
pub(crate) struct Lines {
    response: reqwest::Response,
    read: Vec<u8>,
}

impl Lines {
    /// The next answer; `None` once the stream ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let more = tokio::time::timeout(PATIENCE, self.response.chunk());
            self.read.extend_from_slice(&more.await.unwrap().unwrap()?);
        }
    }
}

async fn serve(
    client: &kube::Client,
    controller: &applications::Controller,
    insecure: Option<bool>,
    clock: server::Clock,
) -> Result<Server> {
    Ok(Server::start(options(client, controller, insecure, clock)).await?)
}

fn options(
    client: &kube::Client,
    controller: &applications::Controller,
    insecure: Option<bool>,
    clock: server::Clock,
) -> server::Options {
    let options = server::Options::new("argocd", client.clone(), controller, ([127, 0, 0, 1], 0).into());
    server::Options { insecure, clock, ..options }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Stand {
    /// Starts one on a simulated cluster, or says that the client cannot be built here.
    pub(crate) async fn start() -> Option<Self> {
        let Ok(_) = tokio::task::spawn_blocking(testkit::ensure_argocd).await.unwrap() else {
            eprintln!("NOT RUN: the official client: it cannot be built here");
            return None;
        };
        Some(Self::begin().await.unwrap())
    }

    /// Starts one on a simulated cluster.
    pub(crate) async fn begin() -> Result<Self> {
        let cluster = Cluster::start(On::Kubesim).await?.context("no kubesim")?;
        Self::begin_in(cluster, tempfile::tempdir()?).await
    }

    /// Starts one on this cluster, with this folder as the client's home.
    pub(crate) async fn begin_in(cluster: Cluster, home: tempfile::TempDir) -> Result<Self> {
        let (client, api) = (cluster.client.clone(), Api::new(cluster.client.clone()));
        for manifest in ::api::install_manifests("argocd") {
            api.apply(&manifest).await?;
        }
        let repository = Repository::new("config")?;
        repository.commit(&[("app/a.yaml", &format!("{OBJECT}'1'}}\n"))], "begin")?;
        let git = GitServer::start(&repository, GitServerOptions::default())?;
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "repo-config", "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": "repository"}},
            "stringData": {"type": "git", "url": git.url(&repository)},
        });
        api.apply(&secret).await?;
        let start = Start {
            client: client.clone(),
            options: Options { plugin_sockets: home.path().join("plugins"), ..Options::new("argocd", "1") },
            data_dir: home.path().join("data"),
            allow_file: false,
            serves: true,
        };
        let controller = start.start().await?;
        let server = serve(&client, &controller, Some(true), Arc::new(jiff::Timestamp::now)).await?;
        let runs = controller.clone();
        let running = tokio::spawn(async move { runs.run(std::future::pending()).await });
        let (http, marks) = (reqwest::Client::new(), 0.into());
        Ok(Self { server, api, repository, git, home, http, marks, client, controller, running, cluster })
    }

    /// An Application `app` of the repository, which syncs itself.
    pub(crate) fn application(&self) -> Value {
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "app", "namespace": "argocd"},
            "spec": {
                "project": "default",
                "source": {"repoURL": self.git.url(&self.repository), "path": "app", "targetRevision": "main"},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": "default"},
                "syncPolicy": {"automated": {}},
            },
        })
    }

    /// Ends the controller's work: applications stay as they are put.
    pub(crate) fn still(&self) {
        self.running.abort();
    }

    /// Another server of the same installation; `insecure` as the settings say where `None`.
    pub(crate) async fn another(&self, insecure: Option<bool>) -> Server {
        self.another_at(insecure, Arc::new(jiff::Timestamp::now)).await
    }

    /// The same, with a clock of its own.
    pub(crate) async fn another_at(&self, insecure: Option<bool>, clock: server::Clock) -> Server {
        serve(&self.client, &self.controller, insecure, clock).await.unwrap()
    }

    /// Puts one with these bounds in the place of the server.
    pub(crate) async fn bounded(&mut self, streams: server::Streams) {
        let clock = Arc::new(jiff::Timestamp::now);
        let options = options(&self.client, &self.controller, Some(true), clock);
        self.server = Server::start_within(options, streams).await.unwrap();
    }

    /// Logs in as the first admin with the password that the server made.
    pub(crate) async fn login(&self) {
        let password = self.password().await.unwrap();
        let line = format!("login $SERVER --plaintext --username admin --password {password}");
        self.types(&[(line, 0, "'admin:login' logged in")]).await;
    }

    /// The password that the server made at its start.
    pub(crate) async fn password(&self) -> Result<String> {
        let path = "/api/v1/namespaces/argocd/secrets/argocd-initial-admin-secret";
        let secret = self.api.get(path).await?.context("no first password")?;
        let encoded = secret["data"]["password"].as_str().context("no password in it")?;
        Ok(String::from_utf8(base64::Engine::decode(&base64::prelude::BASE64_STANDARD, encoded)?)?)
    }

    /// A session of the first admin.
    pub(crate) async fn admin(&self) -> String {
        let login = json!({"username": "admin", "password": self.password().await.unwrap()});
        let answer = self.post("/api/v1/session", "", &login).await.text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    /// An account with these lines of the policy, which are in force; the answer is a token of it.
    pub(crate) async fn account(&self, name: &str, lines: &str) -> String {
        let map = |map: &str, data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": map, "namespace": "argocd"}, "data": data});
        let accounts = json!({format!("accounts.{name}"): "apiKey"});
        self.api.patch(CONFIG, &map("argocd-cm", accounts)).await.unwrap();
        let (admin, place) = (self.admin().await, format!("/api/v1/account/{name}/token"));
        let token = testkit::eventually_some("the account is known", e2e::PATIENCE, || async {
            let answer = self.post(&place, &admin, &json!({})).await;
            let answer: Value = serde_json::from_str(&answer.text().await?)?;
            Ok::<_, anyhow::Error>(answer["token"].as_str().map(str::to_owned))
        });
        let token = token.await;
        // The last line tells that the ones before it are in force.
        let mark = format!("m{}", self.marks.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let policy = json!({"policy.csv": format!("{lines}\np, {name}, accounts, get, {mark}, allow")});
        self.api.apply(&map("argocd-rbac-cm", policy)).await.unwrap();
        let path = format!("/api/v1/account/can-i/accounts/get/{mark}");
        testkit::eventually("the policy is in force", e2e::PATIENCE, || async {
            let answer: Value = serde_json::from_str(&self.get(&path, &token).await.text().await?)?;
            Ok::<_, anyhow::Error>(answer["value"] == "yes")
        })
        .await;
        token
    }

    /// What REST answers at a path.
    pub(crate) async fn get(&self, path: &str, token: &str) -> reqwest::Response {
        let url = format!("http://{}{path}", self.server.address());
        self.http.get(url).bearer_auth(token).send().await.unwrap()
    }

    /// What REST answers to a request with a body.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> reqwest::Response {
        let url = format!("http://{}{path}", self.server.address());
        let request = self.http.post(url).bearer_auth(token).header("content-type", "application/json");
        request.body(body.to_string()).send().await.unwrap()
    }

    /// A stream of answers at a path of REST.
    pub(crate) async fn stream(&self, path: &str, token: &str) -> Lines {
        let response = self.get(path, token).await;
        assert_eq!(response.status(), 200, "{path}");
        Lines { response, read: Vec::new() }
    }

    /// Puts settings into `argocd-cm`.
    pub(crate) async fn set(&self, data: &Value) {
        self.api.patch(CONFIG, &json!({ "data": data })).await.unwrap();
    }

    /// Where plugins listen, which are asked from then on.
    pub(crate) fn plugin_sockets(&self) -> std::path::PathBuf {
        let sockets = self.home.path().join("plugins");
        std::fs::create_dir_all(&sockets).unwrap();
        sockets
    }

    /// The simulated cluster.
    pub(crate) fn sim(&self) -> kubesim::KubeSim {
        self.cluster.sim.clone().unwrap()
    }

    /// Types lines one after another and holds each against its row.
    pub(crate) async fn types(&self, rows: &[Row]) {
        for (line, code, printed) in rows {
            let (ended, text) = self.argocd(line).await.unwrap();
            assert_eq!(ended, *code, "{line}: {text}");
            assert!(text.contains(printed), "{line}: wanted {printed:?} in {text}");
        }
    }

    /// The client with a line of words. `$SERVER` and `$REPO` are put in; ␣ is a blank in a word.
    pub(crate) fn command(&self, line: &str) -> Result<Command> {
        let line = line.replace("$SERVER", &self.server.address().to_string());
        let line = line.replace("$REPO", &self.git.url(&self.repository));
        let mut command = Command::new(testkit::ensure_argocd()?.program("argocd"));
        command.env_clear().env("HOME", self.home.path()).stdin(Stdio::null());
        command
            .arg("--config")
            .arg(self.home.path().join("config"))
            .args(line.split_whitespace().map(|word| word.replace('␣', " ")));
        Ok(command)
    }

    /// Runs a line of words, as [`Self::command`] reads it: exit code and what it printed.
    pub(crate) async fn argocd(&self, line: &str) -> Result<(i32, String)> {
        let mut command = self.command(line)?;
        let output = tokio::task::spawn_blocking(move || command.output());
        let output = tokio::time::timeout(PATIENCE, output)
            .await
            .with_context(|| format!("{line} does not end"))???;
        let text = [output.stdout, output.stderr].concat();
        Ok((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned()))
    }
}
