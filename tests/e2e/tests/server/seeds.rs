//! The commands of the five articles that our users have, replayed with the official client and kubectl.

use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::{Cluster, On};
use kube::config::KubeConfigOptions;
use serde_json::{Value, json};

use crate::stand::Stand;

/// What is typed.
const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/seeds.txt");
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(90);
const NEW_PASSWORD: &str = "a-new-password";

/// Applications of the articles; their repositories are put in.
const FILES: [(&str, &str); 3] = [
    (
        "argocd-app.yaml",
        "{name: my-app, targetRevision: main, path: apps/my-app, namespace: production, more: {syncOptions: [CreateNamespace=true]}}",
    ),
    (
        "overlays/prod/application.yaml",
        "{name: my-app, targetRevision: main, path: overlays/prod, namespace: default, more: {syncOptions: [CreateNamespace=true], notification: {webhook: [{name: slack, url: 'https://hooks.slack.com/services/YOUR/WEBHOOK/URL'}]}}}",
    ),
    (
        "api.yaml",
        "{name: api, targetRevision: HEAD, path: apps/api, namespace: production, more: {syncOptions: [CreateNamespace=true]}}",
    ),
];

/// A terminal in which the commands are typed.
struct Typist {
    stand: Stand,
    server: server::Server,
    kubeconfig: std::path::PathBuf,
    password: String,
}

fn config_map(value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config}}\ndata: {{value: {value}}}\n")
}

/// An Application as the articles write them.
fn application(short: &str, repository: &str) -> String {
    let short = goyaml::parse_one(short.as_bytes(), &goyaml::Limits::default()).unwrap();
    let mut policy = json!({"automated": {"prune": true, "selfHeal": true}});
    policy.as_object_mut().unwrap().extend(short["more"].as_object().unwrap().clone());
    let mut source =
        json!({"repoURL": repository, "targetRevision": short["targetRevision"], "path": short["path"]});
    if short["path"] == "overlays/prod" {
        source["kustomize"] = json!({"version": "v5.0.0"});
    }
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": short["name"], "namespace": "argocd"},
        "spec": {
            "project": "default", "source": source, "syncPolicy": policy,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": short["namespace"]},
        },
    })
    .to_string()
}

/// Types words into a shell: exit code and what was printed.
fn shell(home: &std::path::Path, kubeconfig: &std::path::Path, words: &str) -> (i32, String) {
    let mut command = Command::new("timeout");
    command.args(["60", "sh", "-c", words]).env_clear().current_dir(home).stdin(Stdio::null());
    command.env("HOME", home).env("KUBECONFIG", kubeconfig);
    command.env("PATH", format!("{}:/usr/bin:/bin", home.join("bin").display()));
    command.env("SSL_CERT_FILE", home.join("server.pem"));
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

impl Typist {
    fn fill(&self, text: &str) -> String {
        let address = format!("localhost:{}", self.server.address().port());
        text.replace(
            "https://github.com/your-org/k8s-manifests.git",
            &self.stand.git.url(&self.stand.repository),
        )
        .replace("argocd.example.com", &address)
        .replace("localhost:8080", &address)
        .replace("<initial_password>", &self.password)
        .replace("<new_password>", NEW_PASSWORD)
    }

    async fn types(&self, words: &str, printed: &str) {
        let (words, printed) = (self.fill(words), self.fill(printed));
        let (home, kubeconfig, line) =
            (self.stand.home.path().to_owned(), self.kubeconfig.clone(), words.clone());
        let (code, text) =
            tokio::task::spawn_blocking(move || shell(&home, &kubeconfig, &line)).await.unwrap();
        assert_eq!(code, 0, "{words}: {text}");
        assert!(text.contains(&printed), "{words}: wanted {printed:?} in {text}");
    }

    /// Waits until an object is there with this value, or gone.
    async fn until(&self, path: &str, value: Option<&str>) {
        let wait = async {
            loop {
                let object = self.stand.api.get(path).await.unwrap();
                let found = object.as_ref().map(|object| object["data"]["value"].as_str().unwrap_or("?"));
                if found == value {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "{path} is not {value:?}");
    }

    async fn reset(&self) {
        for name in ["my-app", "api"] {
            let path = format!("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{name}");
            self.stand.api.delete(&path).await.unwrap();
            self.until(&path, None).await;
        }
        for namespace in ["default", "production"] {
            let path = format!("/api/v1/namespaces/{namespace}/configmaps/config");
            self.stand.api.delete(&path).await.unwrap();
            self.until(&path, None).await;
        }
    }

    async fn line(&self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "reset" => self.reset().await,
            "push" => {
                let (path, value) = rest.split_once(' ').unwrap();
                self.stand.repository.commit(&[(path, &config_map(value))], "another").unwrap();
            }
            "value" => {
                let (namespace, value) = rest.split_once(' ').unwrap();
                self.until(&format!("/api/v1/namespaces/{namespace}/configmaps/config"), Some(value)).await;
            }
            "configmap" => {
                let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": rest, "namespace": "argocd"}});
                self.stand.api.apply(&object).await.unwrap();
            }
            "ours" => self.rolls_back(rest.rsplit(' ').next().unwrap()).await,
            "skip" => {}
            article => {
                assert!(article.ends_with(':'), "{line}");
                let (words, printed) = rest.rsplit_once(" => ").unwrap();
                self.types(words, printed).await;
            }
        }
    }

    /// What our own client does on the cluster's API.
    async fn rolls_back(&self, revision: &str) {
        use clap::Parser as _;
        #[derive(clap::Parser)]
        struct Line {
            #[command(subcommand)]
            command: cli::AppCommand,
        }
        let line = Line::parse_from(["argocd", "rollback", "api", "--revision", revision]);
        let data = self.stand.home.path().join("ours");
        let config = kube::config::Kubeconfig::read_from(&self.kubeconfig).unwrap();
        let config =
            kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
        let context = cli::Context {
            style: cli::Style::Argocd,
            ..cli::Context::new(
                cli::Connection::Cluster(kube::Client::try_from(config).unwrap()),
                "argocd",
                data,
            )
        };
        assert_eq!(cli::run(line.command, context).await, 0, "our own rollback");
    }
}

async fn replay(on: On) {
    let Ok(argocd) = tokio::task::spawn_blocking(testkit::ensure_argocd).await.unwrap() else {
        eprintln!("NOT RUN: the official client: it cannot be built here");
        return;
    };
    let kubernetes = match tokio::task::spawn_blocking(testkit::ensure_tools).await.unwrap() {
        Ok(tools) => tools,
        Err(error) => {
            eprintln!("NOT RUN: kubectl: {error:#}");
            return;
        }
    };
    let Some(cluster) = Cluster::start(on).await.unwrap() else { return };
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("bin")).unwrap();
    std::fs::create_dir_all(home.path().join("overlays/prod")).unwrap();
    symlink(argocd.program("argocd"), home.path().join("bin/argocd")).unwrap();
    symlink(kubernetes.program("kubectl"), home.path().join("bin/kubectl")).unwrap();
    let (kubeconfig, _serving) = match (&cluster.sim, &cluster.real) {
        (Some(sim), _) => {
            let serving = sim.serve_https(([127, 0, 0, 1], 0).into()).await.unwrap();
            let path = home.path().join("kubeconfig");
            std::fs::write(&path, serving.kubeconfig()).unwrap();
            (path, Some(serving))
        }
        (None, Some(real)) => (real.kubeconfig(), None),
        (None, None) => return,
    };
    let list = std::fs::read_to_string(LIST).unwrap();
    let lines: Vec<&str> =
        list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let install = lines.iter().position(|line| *line == "install").unwrap();
    for line in &lines[..install] {
        let (words, printed) = line.split_once(' ').unwrap().1.rsplit_once(" => ").unwrap();
        let (code, text) = shell(home.path(), &kubeconfig, words);
        assert!(code == 0 && text.contains(printed), "{words}: {text}");
    }
    let stand = Stand::begin_in(cluster, home).await.unwrap();
    let repository = stand.git.url(&stand.repository);
    for (name, short) in FILES {
        std::fs::write(stand.home.path().join(name), application(short, &repository)).unwrap();
    }
    let kustomization =
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [config.yaml]\n";
    let one = config_map("one");
    let files = [
        ("apps/my-app/config.yaml", one.as_str()),
        ("apps/api/config.yaml", &one),
        ("overlays/prod/config.yaml", &one),
        ("overlays/prod/kustomization.yaml", kustomization),
    ];
    stand.repository.commit(&files, "the articles' applications").unwrap();
    let password = stand.password().await.unwrap();
    let server = stand.another(None).await;
    let secret: Value =
        stand.api.get("/api/v1/namespaces/argocd/secrets/argocd-secret").await.unwrap().unwrap();
    let certificate = base64::Engine::decode(
        &base64::prelude::BASE64_STANDARD,
        secret["data"]["tls.crt"].as_str().unwrap(),
    );
    std::fs::write(stand.home.path().join("server.pem"), certificate.unwrap()).unwrap();
    let typist = Typist { stand, server, kubeconfig, password };
    for line in &lines[install + 1..] {
        typist.line(line).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_articles_can_be_typed_on_the_playgrounds_api() {
    replay(On::Kubesim).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_articles_can_be_typed_on_a_real_api_server() {
    replay(On::Real).await;
}
