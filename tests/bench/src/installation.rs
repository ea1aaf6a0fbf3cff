//! An installation: in this process, or its server in a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use applications::{Controller, Options, Start};
use kubesim::KubeSim;
use serde_json::{Value, json};
use server::Server;

use crate::controller::{client, lines_of};
use crate::stand::Api;
use crate::workload::NAMESPACE;

/// A server, and a controller that does not run yet.
pub(crate) struct Installation {
    pub(crate) server: Server,
    pub(crate) api: Api,
    pub(crate) controller: Controller,
    pub(crate) http: reqwest::Client,
    _data: tempfile::TempDir,
}

/// A cluster in memory with what Capstan needs.
pub(crate) async fn cluster() -> Result<Api> {
    let api = Api::new(KubeSim::new(kubesim::Options::default()).client());
    api.install().await?;
    Ok(api)
}

/// The path of the Applications.
pub(crate) fn applications() -> String {
    format!("/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications")
}

impl Installation {
    /// Starts it on a cluster that has what Capstan needs.
    pub(crate) async fn start(api: Api) -> Result<Self> {
        let data = tempfile::Builder::new().prefix("capstan-bench-").tempdir()?;
        let start = Start {
            client: api.client().clone(),
            options: Options::new(NAMESPACE, "bench"),
            data_dir: data.path().to_owned(),
            allow_file: false,
            serves: true,
        };
        let controller = start.start().await?;
        let options =
            server::Options::new(NAMESPACE, api.client().clone(), &controller, ([127, 0, 0, 1], 0).into());
        let options = server::Options { insecure: Some(true), ..options };
        let server = Server::start(options).await?;
        Ok(Self { server, api, controller, http: reqwest::Client::new(), _data: data })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    /// How the admin logs in.
    pub(crate) async fn admin(&self) -> Result<Login> {
        Login::new(&self.api, self.http.clone(), &self.server.address().to_string()).await
    }

    /// Reads an answer as a whole.
    pub(crate) async fn read(&self, path: &str, token: &str) -> Result<()> {
        get(&self.http, &self.url(path), token).await.map(drop)
    }
}

/// Reads an answer as a whole, and says how many bytes it has.
pub(crate) async fn get(http: &reqwest::Client, url: &str, token: &str) -> Result<usize> {
    let answer = http.get(url).bearer_auth(token).send().await?;
    ensure!(answer.status() == 200, "{url} is answered {}", answer.status());
    Ok(answer.bytes().await?.len())
}

/// A request that logs in.
#[derive(Clone)]
pub(crate) struct Login {
    http: reqwest::Client,
    url: String,
    body: String,
}

impl Login {
    /// That of the admin, by the first password.
    pub(crate) async fn new(api: &Api, http: reqwest::Client, address: &str) -> Result<Self> {
        let path = format!("/api/v1/namespaces/{NAMESPACE}/secrets/argocd-initial-admin-secret");
        let secret = api.get(&path).await?.context("no first password")?;
        let password = secret["data"]["password"].as_str().context("no password in it")?;
        let password = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, password)?;
        let body = json!({"username": "admin", "password": String::from_utf8(password)?}).to_string();
        Ok(Self { http, url: format!("http://{address}/api/v1/session"), body })
    }

    /// A session's token.
    pub(crate) async fn token(&self) -> Result<String> {
        let request = self.http.post(&self.url).header("content-type", "application/json");
        let answer = request.body(self.body.clone()).send().await?.bytes().await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        answer["token"].as_str().map(str::to_owned).with_context(|| format!("no token: {answer}"))
    }
}

/// How long the server may take to listen.
const PATIENCE: Duration = Duration::from_secs(120);

/// Flags of the hidden subcommand that is the server.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    kubeconfig: PathBuf,
}

/// Serves until standard input ends; the first line that it prints is the address.
#[expect(clippy::print_stdout, reason = "the bench reads it")]
pub(crate) async fn serve(arguments: &Arguments) -> Result<()> {
    let here = Installation::start(Api::new(client(&arguments.kubeconfig, AGENT).await?)).await?;
    println!("{}", here.server.address());
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().lines().map_while(Result::ok).count());
    ended.await?;
    Ok(())
}

/// By this name the API server's log knows the server's requests.
const AGENT: &str = "capstan-bench-server";

/// The server's process, seen from the bench. Dropping it kills it.
pub(crate) struct Serving {
    pub(crate) address: String,
    child: Child,
    _input: Option<ChildStdin>,
}

impl Serving {
    /// Starts this very program again, as the server.
    pub(crate) fn start(kubeconfig: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").arg("--kubeconfig").arg(kubeconfig).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("the server")?;
        let (input, stdout) = (child.stdin.take(), child.stdout.take().context("the server has no output")?);
        let mut serving = Self { address: String::new(), child, _input: input };
        let lines = lines_of(stdout);
        serving.address = tokio::task::block_in_place(|| lines.recv_timeout(PATIENCE))
            .context("the server does not listen")?;
        Ok(serving)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
