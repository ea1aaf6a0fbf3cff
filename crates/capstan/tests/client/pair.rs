//! Two clients, each with a home of its own, and a server that they share.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use applications::{Options, Start};
use e2e::{Api, Cluster, On};
use serde_json::json;
use server::Server;
use testkit::{GitServer, GitServerOptions, Repository};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(100);

const MANIFEST: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {key: '1'}\n";

/// A program that is called `argocd`.
#[derive(Debug)]
pub(crate) struct Client {
    program: PathBuf,
    /// What is made for it alone is called so; both names are of one length, so that tables are as wide.
    pub(crate) name: &'static str,
    home: tempfile::TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    /// What the lines of its log say.
    pub(crate) said: String,
    /// All of its error stream, for whoever reads a failure.
    pub(crate) err: String,
}

/// A server and both clients.
pub(crate) struct Pair {
    pub(crate) server: Server,
    pub(crate) api: Api,
    pub(crate) official: Client,
    pub(crate) ours: Client,
    repository: Repository,
    git: GitServer,
    running: tokio::task::JoinHandle<()>,
    pub(crate) cluster: Cluster,
    _data: tempfile::TempDir,
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Client {
    fn new(program: &Path, name: &'static str) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let named = home.path().join("argocd");
        std::os::unix::fs::symlink(program, &named)?;
        Ok(Self { program: named, name, home })
    }

    /// A file in its home.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// Makes a program its editor: a script of the shell, which is given the file.
    pub(crate) fn edits_by(&self, script: &str) -> Result<()> {
        let (path, text) = (self.file("editor"), format!("#!/bin/sh\nset -e\n{script}\n"));
        std::fs::write(&path, text)?;
        Ok(std::fs::set_permissions(path, PermissionsExt::from_mode(0o755))?)
    }

    /// Runs a line of words; ␣ is a blank in a word, $NAME its own name. `input` is what is typed meanwhile.
    pub(crate) async fn types(&self, line: &str, input: &str) -> Result<Ended> {
        let (mut command, input) = (self.command(line), input.to_owned());
        let ended = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn()?;
            // A client that asks nothing may be gone already.
            drop(std::io::Write::write_all(&mut child.stdin.take().context("no input")?, input.as_bytes()));
            Ok::<_, anyhow::Error>(child.wait_with_output()?)
        });
        let output = tokio::time::timeout(PATIENCE, ended).await;
        Ok(self.ended(&output.with_context(|| format!("{line} does not end"))???))
    }

    /// Runs a line that waits for somebody in a browser, who gets the address that it prints.
    pub(crate) async fn waits_for(&self, line: &str, browse: impl AsyncFnOnce(String)) -> Result<Ended> {
        let mut child = self.command(line).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().context("no output")?);
        let begun = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            while stdout.read_line(&mut text)? > 0 {
                if text.lines().next_back().is_some_and(|line| line.contains("copy-and-paste")) {
                    break;
                }
            }
            Ok::<_, std::io::Error>((stdout, text))
        });
        let (mut stdout, mut text) = tokio::time::timeout(PATIENCE, begun).await???;
        if let Some((_, url)) = text.trim_end().rsplit_once(' ').filter(|(_, url)| url.starts_with("http")) {
            browse(url.to_owned()).await;
        }
        let ended = tokio::task::spawn_blocking(move || {
            stdout.read_to_string(&mut text)?;
            Ok::<_, std::io::Error>(Output { stdout: text.into_bytes(), ..child.wait_with_output()? })
        });
        Ok(self.ended(&tokio::time::timeout(PATIENCE, ended).await???))
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("EDITOR", self.file("editor"))
            .current_dir(self.home.path());
        let line = line.replace("$NAME", self.name);
        command.args(line.split_whitespace().map(|word| word.replace('␣', " ")));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn ended(&self, output: &Output) -> Ended {
        // Each has a home and a name of its own.
        let home = self.home.path().display().to_string();
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&home, "HOME").replace(self.name, "NAME");
        let err = text(&output.stderr).trim_end().to_owned();
        let said = |line: &str| match serde_json::from_str::<serde_json::Value>(line) {
            Ok(line) => Some(line["msg"].as_str()?.to_owned()),
            // Some of the official client's lines are no JSON: a time, and what it says.
            Err(_) => Some(line.splitn(3, ' ').nth(2).filter(|_| line.starts_with("20"))?.to_owned()),
        };
        let said = err.lines().filter_map(said).collect::<Vec<_>>().join("\n");
        Ended { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), said, err }
    }
}

impl Pair {
    /// Starts both on a simulated cluster, or says that the official client cannot be built here.
    pub(crate) async fn start() -> Option<Self> {
        let Ok(tools) = tokio::task::spawn_blocking(testkit::ensure_argocd).await.unwrap() else {
            eprintln!("NOT RUN: the official client: it cannot be built here");
            return None;
        };
        Some(Self::begin(&tools.program("argocd")).await.unwrap())
    }

    async fn begin(official: &Path) -> Result<Self> {
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
        let server = Server::start(server::Options {
            namespace: "argocd".to_owned(),
            client,
            controller: controller.clone(),
            address: ([127, 0, 0, 1], 0).into(),
            insecure: Some(true),
            root: None,
            trusted_proxies: None,
            clock: Arc::new(jiff::Timestamp::now),
            adopt: None,
        });
        let server = server.await?;
        let running = tokio::spawn(async move { controller.run(std::future::pending()).await });
        let official = Client::new(official, "app-theirs")?;
        let ours = Client::new(Path::new(env!("CARGO_BIN_EXE_capstan")), "app-ours-x")?;
        Ok(Self { server, api, official, ours, repository, git, running, cluster, _data: data })
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

    /// Puts settings into `argocd-cm`.
    pub(crate) async fn set(&self, data: serde_json::Value) {
        let path = "/api/v1/namespaces/argocd/configmaps/argocd-cm";
        self.api.patch(path, &json!({ "data": data })).await.unwrap();
    }

    /// A line with the server's address and the repository's URL put in.
    fn filled(&self, line: &str) -> String {
        let line = line.replace("$SERVER", &self.server.address().to_string());
        line.replace("$REPO", &self.git.url(&self.repository))
    }

    /// Has both type lines one after another, and holds what they print, what they say and how they end against each other.
    pub(crate) async fn alike(&self, lines: &[&str]) {
        let mut differ = Vec::new();
        for line in lines {
            differ.extend(self.difference(line, "").await);
        }
        assert!(differ.is_empty(), "{}", differ.join("\n"));
    }

    /// The same for one line with something typed meanwhile.
    pub(crate) async fn answers_alike(&self, line: &str, input: &str) {
        let differ = self.difference(line, input).await;
        assert!(differ.is_none(), "{}", differ.unwrap_or_default());
    }

    async fn difference(&self, line: &str, input: &str) -> Option<String> {
        let filled = self.filled(line);
        let theirs = self.official.types(&filled, input).await.unwrap();
        let ours = self.ours.types(&filled, input).await.unwrap();
        difference(line, &theirs, &ours)
    }

    /// Has both type a line that waits for a browser, one after the other, and holds them against each other.
    pub(crate) async fn browses_alike(&self, line: &str, browse: impl AsyncFn(String)) {
        let filled = self.filled(line);
        let theirs = self.official.waits_for(&filled, &browse).await.unwrap();
        let ours = self.ours.waits_for(&filled, &browse).await.unwrap();
        let differ = difference(line, &theirs, &ours);
        assert!(differ.is_none(), "{}", differ.unwrap_or_default());
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

fn difference(line: &str, theirs: &Ended, ours: &Ended) -> Option<String> {
    let seen = |ended: &Ended| (ended.code, masked(&ended.out), masked(&ended.said));
    let told = |ended: &Ended| format!("{}\n{}{}", ended.code, masked(&ended.out), ended.err);
    (seen(theirs) != seen(ours))
        .then(|| format!("{line}\n--- the official client: {}--- ours: {}", told(theirs), told(ours)))
}

/// What differs from one moment to the next.
pub(crate) fn masked(text: &str) -> String {
    let mut out = text.to_owned();
    for (pattern, by) in [
        (r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", "TOKEN"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "TIME"),
        (r"\d+ (seconds?|minutes?|hours?) (ago|from now)|now", "AGO"),
        (r#""?(resourceVersion|generation)"?: "?\d+"?"#, "$1 N"),
        (r#""(iat|exp|issuedAt|expiresAt)": \d+"#, "$1 N"),
        (r"(iat|issuedAt|expiresAt): \d+", "$1 N"),
        // Where the official client gives its format a value too many.
        (r"%!\(EXTRA [^)]*\)", ""),
        (r"\$2a\$10\$[./A-Za-z0-9]{53}", "HASH"),
        (r"127\.0\.0\.1:\d{5}", "127.0.0.1:PORT"),
        (r"(state|nonce|code_challenge)=[A-Za-z0-9_-]+", "$1=CHANCE"),
        // The official client tells what it asks the provider for, in the middle of everything.
        (r"RequestedClaims: [^\n]*\n+", ""),
    ] {
        out = regex::Regex::new(pattern).unwrap().replace_all(&out, by).into_owned();
    }
    let query = regex::Regex::new(r"/auth\?(\S+)").unwrap();
    query.replace_all(&out, |found: &regex::Captures<'_>| format!("/auth?{}", asked(&found[1]))).into_owned()
}

/// What a provider is asked for, in one order. Ours binds the token to the login (`nonce`), and asks for consent as tokens for later need it.
fn asked(query: &str) -> String {
    let ours = |field: &&str| !field.starts_with("nonce=") && *field != "prompt=consent";
    let mut fields: Vec<&str> = query.split('&').filter(ours).collect();
    fields.sort_unstable();
    fields.join("&")
}
