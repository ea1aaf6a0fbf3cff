//! The official client against our server: what it prints and how it ends.
#![expect(clippy::disallowed_methods, reason = "a test starts the official client")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

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
type Row = (String, i32, &'static str);

/// An installation with its server, and the client's own configuration.
struct Stand {
    server: Server,
    api: Api,
    repository: Repository,
    git: GitServer,
    home: tempfile::TempDir,
    controller: tokio::task::JoinHandle<()>,
    _cluster: Cluster,
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.controller.abort();
    }
}

impl Stand {
    async fn start() -> Result<Self> {
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

    async fn password(&self) -> Result<String> {
        let path = "/api/v1/namespaces/argocd/secrets/argocd-initial-admin-secret";
        let secret = self.api.get(path).await?.context("no first password")?;
        let encoded = secret["data"]["password"].as_str().context("no password in it")?;
        Ok(String::from_utf8(base64::Engine::decode(&base64::prelude::BASE64_STANDARD, encoded)?)?)
    }

    async fn types(&self, rows: &[Row]) {
        for (line, code, printed) in rows {
            let (ended, text) = self.argocd(line).await.unwrap();
            assert_eq!(ended, *code, "{line}: {text}");
            assert!(text.contains(printed), "{line}: wanted {printed:?} in {text}");
        }
    }

    /// Runs a line of words: exit code and what it printed. `$SERVER` and `$REPO` are put in.
    async fn argocd(&self, line: &str) -> Result<(i32, String)> {
        let line = line.replace("$SERVER", &self.server.address().to_string());
        let line = line.replace("$REPO", &self.git.url(&self.repository));
        let mut command = Command::new(testkit::ensure_argocd()?.program("argocd"));
        command.env_clear().env("HOME", self.home.path()).stdin(Stdio::null());
        command.arg("--config").arg(self.home.path().join("config")).args(line.split_whitespace());
        let output = tokio::task::spawn_blocking(move || command.output());
        let output = tokio::time::timeout(PATIENCE, output)
            .await
            .with_context(|| format!("{line} does not end"))???;
        let text = [output.stdout, output.stderr].concat();
        Ok((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_client_works() {
    let Ok(_) = tokio::task::spawn_blocking(testkit::ensure_argocd).await.unwrap() else {
        eprintln!("NOT RUN: the official client: it cannot be built here");
        return;
    };
    let stand = Stand::start().await.unwrap();
    let password = stand.password().await.unwrap();
    let new = "another-password";
    let place =
        "--repo $REPO --revision main --dest-server https://kubernetes.default.svc --dest-namespace default";
    let rows: Vec<Row> = vec![
        (
            "login $SERVER --plaintext --username admin --password wrong-password".into(),
            20,
            "Invalid username or password",
        ),
        (
            format!("login $SERVER --plaintext --username admin --password {password}"),
            0,
            "'admin:login' logged in",
        ),
        ("version".into(), 0, "argocd-server: v"),
        ("account get-user-info".into(), 0, "Username: admin"),
        ("account list".into(), 0, "admin  true     login"),
        ("account can-i sync applications default/app".into(), 0, "yes"),
        ("proj list -o name".into(), 0, "default"),
        ("cluster list".into(), 0, "in-cluster"),
        ("cluster get in-cluster".into(), 0, "https://kubernetes.default.svc"),
        ("app list -o name".into(), 0, ""),
        ("app get app".into(), 20, "code = PermissionDenied desc = permission denied"),
    ];
    stand.types(&rows).await;
    let rows: Vec<Row> = vec![
        (format!("app create app {place} --path app"), 0, "application 'app' created"),
        (format!("app create app {place} --path app"), 0, "application 'app' unchanged"),
        (
            format!("app create app {place} --path elsewhere --validate=false"),
            20,
            "existing application spec is different",
        ),
        (format!("app create other {place} --path elsewhere"), 20, "application spec for other is invalid"),
        (
            format!("app create other {place} --path app --project none"),
            20,
            "application spec for other is invalid",
        ),
        ("app set app --sync-option ApplyOutOfSyncOnly=true".into(), 0, ""),
        (
            r#"app patch app --type merge --patch {"metadata":{"labels":{"tier":"web"}}}"#.into(),
            0,
            "tier: web",
        ),
        (
            r#"app patch app --type merge --patch {"metadata":{"name":"b"}}"#.into(),
            20,
            "cannot give an application another name",
        ),
        ("app list -l tier=web -o name".into(), 0, "argocd/app"),
        ("app manifests app --source git".into(), 0, "name: a"),
        ("app diff app".into(), 1, "===== /ConfigMap default/a ======"),
        ("app wait app --sync --timeout 1".into(), 20, "timed out"),
        ("app get app --refresh".into(), 0, "OutOfSync"),
        ("app sync app --timeout 60".into(), 0, "configmap/a created"),
        ("app diff app".into(), 0, ""),
        ("app get app -o yaml".into(), 0, "ApplyOutOfSyncOnly=true"),
        ("app wait app --timeout 60".into(), 0, "Health Status:      Healthy"),
        ("app list -o name".into(), 0, "argocd/app"),
        ("app list -l none=such -o name".into(), 0, ""),
        ("app history app".into(), 0, "main ("),
        ("app terminate-op app".into(), 20, "No operation is in progress"),
        ("app rollback app 7".into(), 20, "does not have deployment id '7' in history"),
        ("app rollback app 0 --timeout 60".into(), 0, "Phase:              Succeeded"),
        ("app delete app -y --wait".into(), 0, "application 'app' deleted"),
        ("app list -o name".into(), 0, ""),
    ];
    stand.types(&rows).await;
    assert_eq!(
        stand.api.get("/api/v1/namespaces/default/configmaps/a").await.unwrap(),
        None,
        "the deletion cascades"
    );
    let rows: Vec<Row> = vec![
        (
            format!("account update-password --current-password wrong --new-password {new}"),
            20,
            "current password does not match",
        ),
        (
            format!("account update-password --current-password {password} --new-password short"),
            20,
            "does not match the following expression",
        ),
        (
            format!("account update-password --current-password {password} --new-password {new}"),
            0,
            "Password updated",
        ),
        ("account get-user-info".into(), 0, "Logged In: true"),
        (
            format!("login $SERVER --plaintext --grpc-web --username admin --password {password}"),
            20,
            "Invalid username or password",
        ),
        (format!("login $SERVER --plaintext --grpc-web --username admin --password {new}"), 0, "logged in"),
        ("app list --grpc-web -o name".into(), 0, ""),
        ("app get nothing --grpc-web".into(), 20, "permission denied"),
        ("logout $SERVER".into(), 0, "Logged out"),
        ("app list".into(), 20, ""),
    ];
    stand.types(&rows).await;
}
