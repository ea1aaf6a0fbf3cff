//! A playground, and both clients that are pointed at it.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use regex::Regex;
use serde_json::{Value, json};
use testkit::{Child, eventually_some};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(100);

/// What a client did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A playground with its API server; `HOME` of the clients.
pub(crate) struct Bench {
    pub(crate) home: tempfile::TempDir,
    pub(crate) server: String,
    pub(crate) repository: String,
    pub(crate) api: e2e::Api,
    official: PathBuf,
    ours: PathBuf,
    token: String,
    _capstan: Child,
}

impl Bench {
    /// Starts one, or says that the official client cannot be built here.
    pub(crate) async fn start() -> Option<Self> {
        let Ok(tools) = tokio::task::spawn_blocking(testkit::ensure_argocd).await.unwrap() else {
            eprintln!("NOT RUN: the official client: it cannot be built here");
            return None;
        };
        let home = tempfile::tempdir().unwrap();
        let (kubeconfig, ours) = (home.path().join("kubeconfig"), home.path().join("argocd"));
        symlink(env!("CARGO_BIN_EXE_capstan"), &ours).unwrap();
        let arguments = ["up", "--demo", "--port", "0", "--kubeconfig-out"].map(str::to_owned).into_iter();
        let arguments: Vec<String> = arguments.chain([kubeconfig.display().to_string()]).collect();
        let capstan =
            Child::start("capstan", Path::new(env!("CARGO_BIN_EXE_capstan")), &arguments, home.path())
                .unwrap();
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
        let config = Kubeconfig::read_from(&kubeconfig).unwrap();
        let config =
            kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
        let api = e2e::Api::new(kube::Client::try_from(config).unwrap());
        let mut bench = Self {
            server: server.trim_start_matches("http://").to_owned(),
            repository,
            api,
            official: tools.program("argocd"),
            ours,
            token: String::new(),
            _capstan: capstan,
            home,
        };
        bench.login().await;
        Some(bench)
    }

    async fn login(&mut self) {
        let path = "/api/v1/namespaces/argocd/secrets/argocd-initial-admin-secret";
        let secret = self.api.get(path).await.unwrap().unwrap();
        let password = secret["data"]["password"].as_str().unwrap();
        let password = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, password).unwrap();
        let login = json!({"username": "admin", "password": String::from_utf8(password).unwrap()});
        let client = reqwest::Client::new();
        let request = client
            .post(format!("http://{}/api/v1/session", self.server))
            .header("content-type", "application/json")
            .body(login.to_string());
        let answer: Value =
            serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
        self.token = answer["token"].as_str().unwrap().to_owned();
    }

    /// A token of an account that may do nothing.
    pub(crate) async fn stranger(&self) -> String {
        let config = "/api/v1/namespaces/argocd/configmaps/argocd-cm";
        self.api.patch(config, &json!({"data": {"accounts.stranger": "apiKey"}})).await.unwrap();
        let token = eventually_some("the account is known", PATIENCE, async || {
            let done = self.types(true, "account generate-token --account stranger", None).await;
            Ok::<_, anyhow::Error>((done.code == 0).then(|| done.out.trim().to_owned()))
        });
        token.await
    }

    /// Types a line into one of the clients; ␣ is a blank in a word.
    pub(crate) async fn types(&self, official: bool, line: &str, token: Option<&str>) -> Done {
        let mut command = Command::new("timeout");
        command.arg("90").arg(if official { &self.official } else { &self.ours });
        command.args(line.split_whitespace().map(|word| word.replace('␣', " ")));
        command.args(["--server", &self.server, "--plaintext", "--auth-token", token.unwrap_or(&self.token)]);
        command.arg("--config").arg(self.home.path().join("config"));
        command.env_clear().env("HOME", self.home.path()).env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Done {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

/// What differs from run to run, and its place holders. Of what is told while somebody waits nothing counts.
static VOLATILE: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"(?m)^(TIMESTAMP .*|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d .*)\n", ""),
        (r"(?m)^(This is the state of the app after wait timed out:|The command timed out waiting for .*)\n", ""),
        (r"\n\n+", "\n"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z| \+0000 UTC)", "TIME"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
        (r#"(resourceVersion"?: "?)\d+"#, "${1}N"),
        (r#"(generation"?: )\d+"#, "${1}N"),
        (r"(resourceVersion .*?)\d+ *\n", "${1}N\n"),
        (r"\b10\.\d+\.\d+\.\d+\b", "IP"),
        (r"(?m)^Duration: .*$", "Duration: D"),
        (r"-[0-9a-f]{8,10}-[0-9a-z]{5}\b|-[0-9a-f]{8,10}\b", "-HASH"),
        (r"\b\d+[smh](\d+s)?\b", "AGE"),
        // Whether somebody looked a moment sooner.
        (r"Progressing", "Healthy"),
        (r"  +", "  "),
    ]
    .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with))
    .into()
});

/// A text without what differs from run to run; the application is called NAME.
pub(crate) fn masked(text: &str, name: &str) -> String {
    let text = VOLATILE
        .iter()
        .fold(text.to_owned(), |text, (pattern, with)| pattern.replace_all(&text, *with).into_owned());
    text.replace(name, "NAME")
}
