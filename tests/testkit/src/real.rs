use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::audit::{self, AuditEntry};
use crate::child::Child;
use crate::tools::{Tools, ensure_tools};

/// How long a part may take to come up on a busy machine; on a quiet one all of them take 4 s together.
const STARTUP: Duration = Duration::from_secs(120);
/// Pause between two looks at a part that is coming up.
const POLL: Duration = Duration::from_millis(50);
/// Another process may take a free port before the part binds it; then new ports are tried.
const ATTEMPTS: usize = 3;
/// The administrator's bearer token; it opens nothing but a cluster on loopback that lives for one test.
const ADMIN_TOKEN: &str = "capstan-test-admin";

/// What runs beside etcd and the API server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RealOptions {
    /// Run kube-controller-manager: workload controllers, garbage collection, namespace deletion, service
    /// accounts. Without it the `ServiceAccount` admission plugin is off, so that pods can be created.
    pub controller_manager: bool,
    /// Run kube-scheduler.
    pub scheduler: bool,
    /// Log each request, for [`RealCluster::audit`].
    pub audit_log: bool,
    /// Log what was answered to writes, too, but for pods and the like.
    pub audit_answers: bool,
}

/// A real Kubernetes API server with its etcd (without fsync, in a temporary folder) on loopback. Ends on drop.
pub struct RealCluster {
    // Dropped in this order: clients of the API server first, the folder last.
    scheduler: Mutex<Option<Child>>,
    controller_manager: Mutex<Option<Child>>,
    api_server: Mutex<Option<Child>>,
    etcd: Mutex<Option<Child>>,
    client: Client,
    ports: Ports,
    options: RealOptions,
    tools: Tools,
    dir: TempDir,
}

impl std::fmt::Debug for RealCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RealCluster").field("url", &self.url()).field("options", &self.options).finish()
    }
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    api: u16,
    etcd: u16,
    etcd_peer: u16,
}

impl RealCluster {
    /// Starts a cluster and waits until it is ready and its `default` namespace exists. `None`, with the reason on
    /// standard error, where the tools cannot be built here (no Go).
    ///
    /// # Errors
    /// A part that was built does not come up; its last log lines are in the error.
    pub async fn start(options: RealOptions) -> Result<Option<Self>> {
        let tools = match tokio::task::spawn_blocking(ensure_tools).await? {
            Ok(tools) => tools,
            Err(error) => {
                crate::say_skipped("tests on the real kube-apiserver", &format!("{error:#}"));
                return Ok(None);
            }
        };
        let mut attempt = 1;
        loop {
            match Self::start_with(&tools, options).await {
                Ok(cluster) => return Ok(Some(cluster)),
                Err(error)
                    if attempt < ATTEMPTS && format!("{error:#}").contains("address already in use") =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn start_with(tools: &Tools, options: RealOptions) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("capstan-cluster-").tempdir()?;
        let [api, etcd, etcd_peer] = free_ports()?;
        let ports = Ports { api, etcd, etcd_peer };
        write_files(dir.path(), ports, options)?;
        let etcd = start_etcd(tools, dir.path(), ports)?;
        until_listening(&etcd, ports.etcd).await?;
        let api_server = start_api_server(tools, dir.path(), ports, options)?;
        let client = client(&dir.path().join("kubeconfig"), None).await?;
        until_ready(&client, &api_server).await?;
        let (mut controller_manager, mut scheduler) = (None, None);
        if options.controller_manager {
            let child = start_controller_manager(tools, dir.path())?;
            until_found(&client, "/api/v1/namespaces/default/serviceaccounts/default", &child).await?;
            controller_manager = Some(child);
        }
        if options.scheduler {
            scheduler = Some(start_scheduler(tools, dir.path())?);
        }
        Ok(Self {
            scheduler: Mutex::new(scheduler),
            controller_manager: Mutex::new(controller_manager),
            api_server: Mutex::new(Some(api_server)),
            etcd: Mutex::new(Some(etcd)),
            client,
            ports,
            options,
            tools: tools.clone(),
            dir,
        })
    }

    /// A client with all rights (group `system:masters`).
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A client that acts as `user` (by impersonation): what it may do is up to the RBAC objects in the cluster.
    /// Service accounts are called `system:serviceaccount:<namespace>:<name>`.
    ///
    /// # Errors
    /// The kubeconfig cannot be read back.
    pub async fn client_as(&self, user: &str) -> Result<Client> {
        client(self.kubeconfig().as_path(), Some(user)).await
    }

    /// The administrator's bearer token, and the certificate (PEM) by which the server is known.
    ///
    /// # Errors
    /// The certificate cannot be read back.
    pub fn login(&self) -> Result<(String, String)> {
        Ok((ADMIN_TOKEN.to_owned(), std::fs::read_to_string(self.dir.path().join("server.crt"))?))
    }

    /// The administrator's kubeconfig file.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    /// Writes a kubeconfig file that acts as `user`; see [`Self::client_as`].
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn kubeconfig_as(&self, user: &str) -> Result<PathBuf> {
        let path = self.dir.path().join(format!("kubeconfig-{}", user.replace(['/', ':'], "-")));
        std::fs::write(&path, kubeconfig(self.dir.path(), self.ports, Some(user)))?;
        Ok(path)
    }

    /// `https://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.api)
    }

    /// The path of `kubectl` in the cluster's version.
    pub fn kubectl(&self) -> PathBuf {
        self.tools.program("kubectl")
    }

    /// Every finished request so far and every watch begun, in order; empty without `audit_log`.
    pub fn audit(&self) -> Vec<AuditEntry> {
        self.audit_with(0, "")
    }

    /// As [`Self::audit`], from a place in the log ([`Self::audit_end`]) on, and of these the lines with this text in them.
    pub fn audit_with(&self, from: u64, text: &str) -> Vec<AuditEntry> {
        let mut log = String::new();
        let read = File::open(self.dir.path().join("audit.log")).and_then(|mut file| {
            file.seek(SeekFrom::Start(from))?;
            file.read_to_string(&mut log)
        });
        drop(read);
        log.lines().filter(|line| line.contains(text)).filter_map(AuditEntry::parse).collect()
    }

    /// Where the audit log ends now, in bytes.
    pub fn audit_end(&self) -> u64 {
        std::fs::metadata(self.dir.path().join("audit.log")).map_or(0, |log| log.len())
    }

    /// CPU time of each part so far, in seconds, by its program's name.
    pub fn cpu_seconds(&self) -> BTreeMap<&'static str, f64> {
        let part = |name, child: &Option<Child>| Some((name, child.as_ref()?.cpu_seconds()));
        [
            part("etcd", &lock(&self.etcd)),
            part("kube-apiserver", &lock(&self.api_server)),
            part("kube-controller-manager", &lock(&self.controller_manager)),
            part("kube-scheduler", &lock(&self.scheduler)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Kills the API server; etcd keeps the data. Clients see refused connections until [`Self::start_api_server`].
    pub fn stop_api_server(&self) {
        drop(lock(&self.api_server).take());
    }

    /// Starts the API server again on its old port and waits until it is ready. Does nothing while it runs.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn start_api_server(&self) -> Result<()> {
        if lock(&self.api_server).is_none() {
            let child = start_api_server(&self.tools, self.dir.path(), self.ports, self.options)?;
            until_ready(&self.client, &child).await?;
            *lock(&self.api_server) = Some(child);
        }
        Ok(())
    }

    /// Kills etcd; its data stay on disk. The API server answers what it can without it until [`Self::start_etcd`].
    pub fn stop_etcd(&self) {
        drop(lock(&self.etcd).take());
    }

    /// Starts etcd again on its old data and waits until it listens. Does nothing while it runs.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn start_etcd(&self) -> Result<()> {
        if lock(&self.etcd).is_none() {
            let child = start_etcd(&self.tools, self.dir.path(), self.ports)?;
            until_listening(&child, self.ports.etcd).await?;
            *lock(&self.etcd) = Some(child);
        }
        Ok(())
    }

    /// etcd's data as they lie on its disk at one moment, for [`Self::restore_etcd`].
    ///
    /// # Errors
    /// It does not run, or its files cannot be copied.
    pub fn save_etcd(&self) -> Result<TempDir> {
        let saved = tempfile::Builder::new().prefix("capstan-etcd-").tempdir()?;
        let etcd = lock(&self.etcd);
        let etcd = etcd.as_ref().context("etcd does not run")?;
        // The files of one that stands still are those that a kill would leave.
        etcd.hold(true)?;
        let copied = copy(&self.dir.path().join("etcd"), saved.path());
        etcd.hold(false)?;
        copied.map(|()| saved)
    }

    /// Puts etcd back to what was saved, with the API server down meanwhile. Kubernetes' own controllers begin anew, as its documentation wants
    /// it: they would not notice. With `ahead`, its revision is counted on until it is past the
    /// one that it had: nobody can tell by that number that time went back.
    ///
    /// # Errors
    /// A part does not come up again.
    pub async fn restore_etcd(&self, saved: &TempDir, ahead: bool) -> Result<()> {
        let before = self.revision().await?;
        let had = (lock(&self.controller_manager).take().is_some(), lock(&self.scheduler).take().is_some());
        self.stop_api_server();
        self.stop_etcd();
        let data = self.dir.path().join("etcd");
        std::fs::remove_dir_all(&data)?;
        copy(saved.path(), &data)?;
        self.start_etcd().await?;
        while ahead && self.revision().await? <= before {
            self.etcd("kv/put", &json!({"key": "YWhlYWQ="})).await?;
        }
        self.start_api_server().await?;
        if had.0 {
            *lock(&self.controller_manager) = Some(start_controller_manager(&self.tools, self.dir.path())?);
        }
        if had.1 {
            *lock(&self.scheduler) = Some(start_scheduler(&self.tools, self.dir.path())?);
        }
        Ok(())
    }

    /// Forgets all of etcd's past.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn compact_etcd(&self) -> Result<()> {
        let revision = self.revision().await?;
        self.etcd("kv/compaction", &json!({"revision": revision.to_string(), "physical": true})).await?;
        Ok(())
    }

    /// Has etcd believe that its disk quota is used up, or not any more: then it takes nothing but deletions.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn set_etcd_full(&self, full: bool) -> Result<()> {
        let (action, alarms) = if full { ("ACTIVATE", 1) } else { ("DEACTIVATE", 0) };
        let member = self.etcd("maintenance/status", &json!({})).await?["header"]["member_id"].clone();
        self.etcd("maintenance/alarm", &json!({"action": action, "alarm": "NOSPACE", "memberID": member}))
            .await?;
        let left = self.etcd("maintenance/alarm", &json!({"action": "GET"})).await?;
        ensure!(left["alarms"].as_array().map_or(0, Vec::len) == alarms, "the alarms are {left}");
        Ok(())
    }

    async fn revision(&self) -> Result<u64> {
        let header = &self.etcd("kv/range", &json!({"key": "AA=="})).await?["header"];
        header["revision"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .with_context(|| format!("no revision: {header}"))
    }

    /// Asks etcd by its JSON gateway.
    async fn etcd(&self, what: &str, question: &Value) -> Result<Value> {
        let mut stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports.etcd)).await?;
        let body = question.to_string();
        // With 1.0 the answer comes in one piece and ends with the connection.
        let head = format!("POST /v3/{what} HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        ensure!(head.contains(" 200 "), "etcd answered {answer}");
        Ok(serde_json::from_str(body)?)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

fn lock(part: &Mutex<Option<Child>>) -> MutexGuard<'_, Option<Child>> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Three ports that nobody listened on a moment ago.
pub(crate) fn free_ports() -> Result<[u16; 3]> {
    // All three are held at once so that they differ.
    let listeners = [(); 3]
        .map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| Ok((l.local_addr()?.port(), l))));
    let [a, b, c] = listeners;
    Ok([a?.0, b?.0, c?.0])
}

fn write_files(dir: &Path, ports: Ports, options: RealOptions) -> Result<()> {
    let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned);
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names)?;
    let accounts = rcgen::KeyPair::generate()?;
    for (name, content) in [
        ("server.crt", cert.pem()),
        ("server.key", signing_key.serialize_pem()),
        ("accounts.key", accounts.serialize_pem()),
        ("accounts.pub", accounts.public_key_pem()),
        ("tokens.csv", format!("{ADMIN_TOKEN},admin,admin,\"system:masters\"\n")),
        ("audit-policy.yaml", audit::policy(options.audit_answers)),
    ] {
        std::fs::write(dir.join(name), content)?;
    }
    std::fs::write(dir.join("kubeconfig"), kubeconfig(dir, ports, None))?;
    Ok(())
}

fn kubeconfig(dir: &Path, ports: Ports, act_as: Option<&str>) -> String {
    let act_as = act_as.map(|user| format!("\n    as: {user}")).unwrap_or_default();
    format!(
        "apiVersion: v1
kind: Config
current-context: test
clusters:
- name: test
  cluster:
    server: https://127.0.0.1:{port}
    certificate-authority: {ca}
users:
- name: admin
  user:
    token: {ADMIN_TOKEN}{act_as}
contexts:
- name: test
  context: {{cluster: test, user: admin, namespace: default}}
",
        port = ports.api,
        ca = dir.join("server.crt").display(),
    )
}

async fn client(kubeconfig: &Path, act_as: Option<&str>) -> Result<Client> {
    // Several of our crates use rustls; whichever comes first installs the provider for the process.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let file = Kubeconfig::read_from(kubeconfig)?;
    let mut config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    config.auth_info.impersonate = act_as.map(str::to_owned);
    Ok(Client::try_from(config)?)
}

fn start_etcd(tools: &Tools, dir: &Path, ports: Ports) -> Result<Child> {
    let (url, peer) =
        (format!("http://127.0.0.1:{}", ports.etcd), format!("http://127.0.0.1:{}", ports.etcd_peer));
    let args = [
        format!("--data-dir={}", dir.join("etcd").display()),
        format!("--listen-client-urls={url}"),
        format!("--advertise-client-urls={url}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ];
    Child::start("etcd", &tools.program("etcd"), &args, dir)
}

fn start_api_server(tools: &Tools, dir: &Path, ports: Ports, options: RealOptions) -> Result<Child> {
    let file = |name: &str| dir.join(name).display().to_string();
    let mut args = vec![
        format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--secure-port={}", ports.api),
        format!("--tls-cert-file={}", file("server.crt")),
        format!("--tls-private-key-file={}", file("server.key")),
        format!("--cert-dir={}", file("certs")),
        format!("--token-auth-file={}", file("tokens.csv")),
        "--authorization-mode=RBAC".to_owned(),
        "--allow-privileged=true".to_owned(),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", file("accounts.pub")),
        format!("--service-account-signing-key-file={}", file("accounts.key")),
        "--profiling=false".to_owned(),
    ];
    if !options.controller_manager {
        args.push("--disable-admission-plugins=ServiceAccount".to_owned());
    }
    if options.audit_log {
        args.push(format!("--audit-policy-file={}", file("audit-policy.yaml")));
        args.push(format!("--audit-log-path={}", file("audit.log")));
        // In MiB; beyond them it would begin another file.
        args.push("--audit-log-maxsize=100000".to_owned());
    }
    Child::start("kube-apiserver", &tools.program("kube-apiserver"), &args, dir)
}

fn start_controller_manager(tools: &Tools, dir: &Path) -> Result<Child> {
    let file = |name: &str| dir.join(name).display().to_string();
    let args = [
        format!("--kubeconfig={}", file("kubeconfig")),
        format!("--service-account-private-key-file={}", file("accounts.key")),
        format!("--root-ca-file={}", file("server.crt")),
        "--leader-elect=false".to_owned(),
        "--secure-port=0".to_owned(),
        "--kube-api-qps=500".to_owned(),
        "--kube-api-burst=1000".to_owned(),
        // The simulated nodes are never lost, however busy the machine is.
        "--node-monitor-grace-period=24h".to_owned(),
    ];
    Child::start("kube-controller-manager", &tools.program("kube-controller-manager"), &args, dir)
}

fn start_scheduler(tools: &Tools, dir: &Path) -> Result<Child> {
    let args = [
        format!("--kubeconfig={}", dir.join("kubeconfig").display()),
        "--leader-elect=false".to_owned(),
        "--secure-port=0".to_owned(),
        "--kube-api-qps=500".to_owned(),
        "--kube-api-burst=1000".to_owned(),
    ];
    Child::start("kube-scheduler", &tools.program("kube-scheduler"), &args, dir)
}

async fn until_listening(child: &Child, port: u16) -> Result<()> {
    until(child, || async move {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map(drop).context("no listener")
    })
    .await
}

async fn until_ready(client: &Client, api_server: &Child) -> Result<()> {
    until(api_server, || async {
        let body = client.request_text(get("/readyz")?).await?;
        ensure!(body == "ok", "/readyz said {body}");
        Ok(())
    })
    .await?;
    until_found(client, "/api/v1/namespaces/default", api_server).await
}

async fn until_found(client: &Client, path: &str, child: &Child) -> Result<()> {
    until(child, || async { Ok(client.request_text(get(path)?).await.map(drop)?) }).await
}

async fn until<F: Future<Output = Result<()>>>(child: &Child, check: impl Fn() -> F) -> Result<()> {
    let start = tokio::time::Instant::now();
    loop {
        child.check_running()?;
        match check().await {
            Ok(()) => return Ok(()),
            Err(error) if start.elapsed() > STARTUP => {
                bail!("not ready within {STARTUP:?}: {error:#}; last lines:\n{}", child.log_tail())
            }
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}

fn get(path: &str) -> Result<http::Request<Vec<u8>>> {
    Ok(http::Request::get(path).body(Vec::new())?)
}
