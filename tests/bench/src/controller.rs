//! Our controller as a process of its own, so that its CPU time and memory are its own; and what the bench tells it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, Result};
use applications::{Options, Start};
use http::HeaderValue;
use http::header::USER_AGENT;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde::{Deserialize, Serialize};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::spans::{Cost, Costs, Spans, used_by_process};

/// By this name the API server's log knows the controller's requests.
pub(crate) const AGENT: &str = "capstan-bench-controller";
/// How long the controller may take to answer or to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Ticks a second in `/proc/<pid>/stat`: `sysconf(_SC_CLK_TCK)` is 100 on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Flags of the hidden subcommand that is the controller.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    kubeconfig: PathBuf,
    #[arg(long)]
    data_dir: PathBuf,
}

/// What the controller counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) renders: u64,
    pub(crate) passes: u64,
    pub(crate) comparisons: u64,
    pub(crate) status_writes: u64,
    pub(crate) syncs: u64,
    pub(crate) failed_syncs: u64,
    pub(crate) active: bool,
    /// CPU time of the process, in seconds.
    pub(crate) cpu: f64,
    /// What the parts of passes cost.
    pub(crate) spans: Costs,
}

impl Counts {
    /// What came to `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            renders: self.renders - before.renders,
            passes: self.passes - before.passes,
            comparisons: self.comparisons - before.comparisons,
            status_writes: self.status_writes - before.status_writes,
            syncs: self.syncs - before.syncs,
            failed_syncs: self.failed_syncs - before.failed_syncs,
            active: self.active,
            cpu: self.cpu - before.cpu,
            spans: crate::spans::since(&self.spans, &before.spans),
        }
    }

    /// What the spans of one name cost.
    pub(crate) fn span(&self, name: &str) -> Cost {
        self.spans.get(name).copied().unwrap_or_default()
    }
}

/// Runs the controller until standard input ends. Lines on it: `counts`, and `changed <url>`.
pub(crate) async fn run(arguments: &Arguments) -> Result<()> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = lines.with_filter(EnvFilter::new("warn,kubesim=error"));
    let spans = Spans::default();
    let of_passes = spans.clone().with_filter(EnvFilter::new("off,applications=debug"));
    tracing_subscriber::registry().with(lines).with(of_passes).init();
    let client = client(&arguments.kubeconfig, AGENT).await?;
    let identity = format!("bench-{}", std::process::id());
    let options = Options { wave_delay: Some(Duration::ZERO), ..Options::new("argocd", identity) };
    let start =
        Start { client, options, data_dir: arguments.data_dir.clone(), allow_file: false, serves: false };
    let controller = start.start().await?;
    let listening = controller.clone();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    // In a thread of its own, for reading standard input blocks.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            match line.strip_prefix("changed ") {
                Some(url) => listening.repository_changed(url),
                None => answer(&listening, &spans),
            }
        }
        drop(end);
    });
    let orders = async move { drop(ended.await) };
    controller.run(orders).await;
    Ok(())
}

/// A client by a file, whose requests the API server's log shows under a name.
pub(crate) async fn client(kubeconfig: &Path, agent: &'static str) -> Result<Client> {
    // Several crates use rustls; whichever comes first installs the provider for the process.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let file = Kubeconfig::read_from(kubeconfig)?;
    let mut config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    config.headers.push((USER_AGENT, HeaderValue::from_static(agent)));
    Ok(Client::try_from(config)?)
}

#[expect(clippy::print_stdout, reason = "the bench reads it")]
fn answer(controller: &applications::Controller, spans: &Spans) {
    let metrics = controller.metrics();
    let counts = Counts {
        renders: metrics.renders(),
        passes: metrics.passes(),
        comparisons: metrics.comparisons(),
        status_writes: metrics.status_writes(),
        syncs: metrics.syncs(),
        failed_syncs: metrics.failed_syncs(),
        active: metrics.is_leading(),
        cpu: used_by_process(),
        spans: spans.costs(),
    };
    println!("{}", serde_json::to_string(&counts).unwrap_or_default());
}

/// The controller's process, seen from the bench. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    orders: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Process {
    /// Starts this very program again, as the controller. `through` is a program to run it under, such as a profiler.
    pub(crate) fn start(kubeconfig: &Path, data_dir: &Path, through: Option<&str>) -> Result<Self> {
        let own = std::env::current_exe()?;
        let mut words = through.unwrap_or_default().split_whitespace();
        let mut command = match words.next() {
            Some(program) => {
                let mut command = Command::new(program);
                command.args(words).arg(own);
                command
            }
            None => Command::new(own),
        };
        command.arg("controller").arg("--kubeconfig").arg(kubeconfig).arg("--data-dir").arg(data_dir);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("the controller")?;
        let orders = child.stdin.take();
        let stdout = child.stdout.take().context("the controller has no output")?;
        Ok(Self { child, orders, answers: lines_of(stdout) })
    }

    /// Tells it that a repository changed, as a webhook does.
    pub(crate) fn repository_changed(&mut self, url: &str) -> Result<()> {
        self.say(&format!("changed {url}"))
    }

    /// What it has counted so far.
    pub(crate) fn counts(&mut self) -> Result<Counts> {
        self.say("counts")?;
        let line = self.answers.recv_timeout(PATIENCE).context("the controller does not answer")?;
        Ok(serde_json::from_str(&line)?)
    }

    fn say(&mut self, line: &str) -> Result<()> {
        let orders = self.orders.as_mut().context("the controller was told to end")?;
        writeln!(orders, "{line}").context("the controller has ended")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// User and system CPU time so far, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.pid())
    }

    /// Most memory that was resident so far, in MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        memory_kib(self.pid(), "VmHWM:") / 1024.0
    }

    /// Ends it in an orderly way: it gives its lease up.
    pub(crate) fn end(mut self) -> Result<()> {
        drop(self.orders.take());
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What a program prints, line by line.
pub(crate) fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        use std::io::BufRead as _;
        for line in std::io::BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// User and system CPU time of a process so far, in seconds; 0 where the kernel does not say.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS_PER_SECOND
}

/// Memory of a process that is resident now, in KiB.
pub(crate) fn resident_kib(pid: u32) -> f64 {
    memory_kib(pid, "VmRSS:")
}

fn memory_kib(pid: u32, what: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or_default()
}
