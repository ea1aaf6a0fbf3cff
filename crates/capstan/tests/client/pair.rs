//! Two clients, each with a home of its own, and a server that they share.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use applications::{Options, Start};
use e2e::{Api, Cluster, On};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kubesim::KubeSim;
use serde_json::json;
use server::Server;
use similar::TextDiff;
use testkit::{Child, GitServer, GitServerOptions, Repository, eventually_some};

use crate::client::{Client, Ended};
use crate::mask::{masked, settled};

/// How long the playground may take to begin, and what is changed to count.
const PATIENCE: Duration = Duration::from_secs(100);

const MANIFEST: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {key: '1'}\n";

/// A server and both clients.
pub(crate) struct Pair {
    /// Where the server is.
    pub(crate) server: SocketAddr,
    pub(crate) api: Api,
    pub(crate) official: Client,
    pub(crate) ours: Client,
    /// The URL of a repository.
    repository: String,
    place: Place,
}

/// What the server is part of.
enum Place {
    /// An installation in this process, whose applications nobody follows but its controller.
    Here(Box<Installation>),
    /// `capstan up --demo`, with nodes and the example repository.
    Playground { _capstan: Child, _home: tempfile::TempDir },
}

struct Installation {
    cluster: Cluster,
    running: tokio::task::JoinHandle<()>,
    _server: Server,
    _repository: Repository,
    _git: GitServer,
    _data: tempfile::TempDir,
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// How the answers to a line are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum As {
    /// Line by line, in the same order.
    Is,
    /// The peer's order is that of a hash table.
    Sorted,
}

impl Pair {
    /// Starts both on a simulated cluster, or says that the official client cannot be built here.
    pub(crate) async fn start() -> Option<Self> {
        let clients = clients().await?;
        Some(Self::begin(clients).await.unwrap())
    }

    /// Starts both on a playground, or says the same.
    pub(crate) async fn playground() -> Option<Self> {
        let clients = clients().await?;
        Some(Self::play(clients).await.unwrap())
    }

    async fn begin([official, ours]: [Client; 2]) -> Result<Self> {
        let cluster = Cluster::start(On::Kubesim).await?.context("no kubesim")?;
        let (client, api) = (cluster.client.clone(), Api::new(cluster.client.clone()));
        for manifest in ::api::install_manifests("argocd") {
            api.apply(&manifest).await?;
        }
        let repository = Repository::new("config")?;
        repository.commit(&[("app/a.yaml", MANIFEST)], "begin")?;
        let git = GitServer::start(&repository, GitServerOptions::default())?;
        let data = tempfile::tempdir()?;
        let start = Start {
            client: client.clone(),
            options: Options::new("argocd", "1"),
            data_dir: data.path().to_owned(),
            allow_file: false,
            serves: true,
        };
        let controller = start.start().await?;
        let options = server::Options::new("argocd", client, &controller, ([127, 0, 0, 1], 0).into());
        let server = Server::start(server::Options { insecure: Some(true), ..options }).await?;
        let running = tokio::spawn(async move { controller.run(std::future::pending()).await });
        let (address, url) = (server.address(), git.url(&repository));
        let here = Installation {
            cluster,
            running,
            _server: server,
            _repository: repository,
            _git: git,
            _data: data,
        };
        Ok(Self { server: address, api, official, ours, repository: url, place: Place::Here(Box::new(here)) })
    }

    async fn play([official, ours]: [Client; 2]) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let kubeconfig = home.path().join("kubeconfig");
        let arguments = ["up", "--demo", "--port", "0", "--kubeconfig-out"].map(str::to_owned).into_iter();
        let arguments: Vec<String> = arguments.chain([kubeconfig.display().to_string()]).collect();
        let capstan =
            Child::start("capstan", Path::new(env!("CARGO_BIN_EXE_capstan")), &arguments, home.path())?;
        let printed = async |what: &'static str| {
            eventually_some(what, PATIENCE, async || {
                let text = capstan.log_tail();
                let line = text.lines().find(|line| line.contains(what));
                Ok::<_, anyhow::Error>(line.and_then(|line| {
                    line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned)
                }))
            })
            .await
        };
        let (repository, server) = (printed("git server").await, printed("API server").await);
        let config = Kubeconfig::read_from(&kubeconfig)?;
        let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
        Ok(Self {
            server: server.trim_start_matches("http://").parse()?,
            api: Api::new(kube::Client::try_from(config)?),
            official,
            ours,
            repository,
            place: Place::Playground { _capstan: capstan, _home: home },
        })
    }

    /// The simulated cluster of an installation in this process.
    pub(crate) fn sim(&self) -> KubeSim {
        match &self.place {
            Place::Here(here) => here.cluster.sim.clone().unwrap(),
            Place::Playground { .. } => unreachable!("it has a process of its own"),
        }
    }

    /// The password that the server made at its start.
    pub(crate) async fn password(&self) -> String {
        let path = "/api/v1/namespaces/argocd/secrets/argocd-initial-admin-secret";
        let secret = self.api.get(path).await.unwrap().unwrap();
        let encoded = secret["data"]["password"].as_str().unwrap();
        let bytes = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, encoded).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Logs both in as the first admin.
    pub(crate) async fn login(&self) {
        let password = self.password().await;
        self.alike(&[&format!("login $SERVER --plaintext --username admin --password {password}")]).await;
    }

    /// A token of an account that may do nothing.
    pub(crate) async fn stranger(&self) -> String {
        self.set(json!({"accounts.stranger": "apiKey"})).await;
        let token = eventually_some("the account is known", PATIENCE, async || {
            let ended = self.official.types("account generate-token --account stranger", "").await?;
            Ok::<_, anyhow::Error>((ended.code == 0).then(|| ended.out.trim().to_owned()))
        });
        token.await
    }

    /// Puts settings into `argocd-cm`.
    pub(crate) async fn set(&self, data: serde_json::Value) {
        let path = "/api/v1/namespaces/argocd/configmaps/argocd-cm";
        self.api.patch(path, &json!({ "data": data })).await.unwrap();
    }

    /// A line with the server's address and the repository's URL put in.
    fn filled(&self, line: &str) -> String {
        line.replace("$SERVER", &self.server.to_string()).replace("$REPO", &self.repository)
    }

    /// Has both type lines one after another, and holds what they print, what they say and how they end against each other.
    pub(crate) async fn alike(&self, lines: &[&str]) {
        let lines: Vec<(As, &str)> = lines.iter().map(|line| (As::Is, *line)).collect();
        self.all_alike(&lines).await;
    }

    /// The same, each line in its own way.
    pub(crate) async fn all_alike(&self, lines: &[(As, &str)]) {
        let mut differ = Vec::new();
        for (how, line) in lines {
            differ.extend(self.difference(*how, line, "").await);
        }
        assert!(differ.is_empty(), "{} lines differ:\n{}", differ.len(), differ.join("\n"));
    }

    /// The same for one line with something typed meanwhile.
    pub(crate) async fn answers_alike(&self, line: &str, input: &str) {
        let differ = self.difference(As::Is, line, input).await;
        assert!(differ.is_none(), "{}", differ.unwrap_or_default());
    }

    async fn difference(&self, how: As, line: &str, input: &str) -> Option<String> {
        let filled = self.filled(line);
        let theirs = self.official.types(&filled, input).await.unwrap();
        let ours = self.ours.types(&filled, input).await.unwrap();
        self.held(how, line, &theirs, &ours)
    }

    /// Has both type a line that waits for a browser, one after the other, and holds them against each other.
    pub(crate) async fn browses_alike(&self, line: &str, browse: impl AsyncFn(String)) {
        let filled = self.filled(line);
        let theirs = self.official.waits_for(&filled, &browse).await.unwrap();
        let ours = self.ours.waits_for(&filled, &browse).await.unwrap();
        let differ = self.held(As::Is, line, &theirs, &ours);
        assert!(differ.is_none(), "{}", differ.unwrap_or_default());
    }

    /// How two ends differ. On a playground logs do not count: what they tell depends on the moment.
    fn held(&self, how: As, line: &str, theirs: &Ended, ours: &Ended) -> Option<String> {
        let seen = |ended: &Ended| {
            let (out, said) = match self.place {
                Place::Here(_) => (masked(&ended.out), masked(&ended.said)),
                Place::Playground { .. } => (settled(&ended.out), String::new()),
            };
            let mut lines: Vec<&str> = out.lines().collect();
            if how == As::Sorted {
                lines = lines.into_iter().map(str::trim_end).collect();
                lines.sort_unstable();
            }
            format!("exit code {}\n{}\n{said}", ended.code, lines.join("\n"))
        };
        let (old, new) = (seen(theirs), seen(ours));
        (old != new).then(|| {
            let diff = TextDiff::from_lines(&old, &new).unified_diff().context_radius(2).to_string();
            format!("{line}\n{diff}\n--- the official client said: {}\n--- ours: {}", theirs.err, ours.err)
        })
    }

    /// Types a line that only one of them can, for what it changes; its end is good.
    pub(crate) async fn official(&self, line: &str) -> String {
        let ended = self.official.types(&self.filled(line), "").await.unwrap();
        assert_eq!(ended.code, 0, "{line}: {ended:?}");
        ended.out
    }

    /// The same with ours.
    pub(crate) async fn ours(&self, line: &str) -> String {
        let ended = self.ours.types(&self.filled(line), "").await.unwrap();
        assert_eq!(ended.code, 0, "{line}: {ended:?}");
        ended.out
    }
}

/// The official client and ours, or a word that the official one cannot be built here.
async fn clients() -> Option<[Client; 2]> {
    let Ok(tools) = tokio::task::spawn_blocking(testkit::ensure_argocd).await.unwrap() else {
        eprintln!("NOT RUN: the official client: it cannot be built here");
        return None;
    };
    let official = Client::new(&tools.program("argocd"), "app-theirs").unwrap();
    let ours = Client::new(Path::new(env!("CARGO_BIN_EXE_capstan")), "app-ours-x").unwrap();
    Some([official, ours])
}
