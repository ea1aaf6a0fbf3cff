//! An installation with its server, and the official client that is pointed at it.

use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use applications::{Options, Start};
use e2e::{Api, Cluster, On};
use serde_json::json;
use server::{PortOptions, Server};
use testkit::{GitServer, GitServerOptions, Repository};

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {key: ";

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
    controller: tokio::task::JoinHandle<()>,
    _cluster: Cluster,
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.controller.abort();
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
        let home = tempfile::tempdir()?;
        let start = Start {
            client: client.clone(),
            options: Options::new("argocd", "1"),
            data_dir: home.path().join("data"),
            allow_file: false,
            serves: true,
        };
        let controller = start.start().await?;
        let options = server::Options {
            namespace: "argocd".to_owned(),
            client,
            controller: controller.clone(),
            port: PortOptions { address: ([127, 0, 0, 1], 0).into(), identity: None },
            root: String::new(),
            clock: Arc::new(jiff::Timestamp::now),
        };
        let server = Server::start(options).await?;
        let controller = tokio::spawn(async move { controller.run(std::future::pending()).await });
        Ok(Self { server, api, repository, git, home, controller, _cluster: cluster })
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

    /// Types lines one after another and holds each against its row.
    pub(crate) async fn types(&self, rows: &[Row]) {
        for (line, code, printed) in rows {
            let (ended, text) = self.argocd(line).await.unwrap();
            assert_eq!(ended, *code, "{line}: {text}");
            assert!(text.contains(printed), "{line}: wanted {printed:?} in {text}");
        }
    }

    /// Runs a line of words: exit code and what it printed. `$SERVER` and `$REPO` are put in; ␣ is a blank in a word.
    pub(crate) async fn argocd(&self, line: &str) -> Result<(i32, String)> {
        let line = line.replace("$SERVER", &self.server.address().to_string());
        let line = line.replace("$REPO", &self.git.url(&self.repository));
        let mut command = Command::new(testkit::ensure_argocd()?.program("argocd"));
        command.env_clear().env("HOME", self.home.path()).stdin(Stdio::null());
        command
            .arg("--config")
            .arg(self.home.path().join("config"))
            .args(line.split_whitespace().map(|word| word.replace('␣', " ")));
        let output = tokio::task::spawn_blocking(move || command.output());
        let output = tokio::time::timeout(PATIENCE, output)
            .await
            .with_context(|| format!("{line} does not end"))???;
        let text = [output.stdout, output.stderr].concat();
        Ok((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned()))
    }
}
