//! `capstan run`: the controllers on a real cluster.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use api::settings::Networks;
use applications::{Options, Start};
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::metrics::{ApplicationLabels, Told};
use crate::{connect, environment, metrics, shutdown, traces};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  capstan run\n  capstan run --kubeconfig ~/.kube/config --data-dir /var/lib/capstan"
)]
pub(crate) struct Arguments {
    /// Kubeconfig of the cluster; else KUBECONFIG, the user's own, or the pod's service account
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long)]
    context: Option<String>,
    /// Namespace of the Applications, projects and settings
    #[arg(short, long, default_value = "argocd")]
    namespace: String,
    /// Where git objects are kept; they can be fetched again
    #[arg(long, value_name = "DIR", default_value = "/tmp/capstan")]
    data_dir: PathBuf,
    /// Address of /metrics and /healthz
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8082")]
    metrics_addr: SocketAddr,
    /// Labels of Applications that argocd_app_labels tells, separated by commas
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    metrics_application_labels: Vec<String>,
    /// Conditions that argocd_app_condition counts, as in SyncError, separated by commas
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    metrics_application_conditions: Vec<String>,
    /// Serve the API (gRPC, gRPC-Web, REST) here, as in 0.0.0.0:8080; without it there is no server
    #[arg(long, value_name = "ADDR")]
    server_addr: Option<SocketAddr>,
    /// Serve the API plainly, as behind an ingress that ends TLS; else as ARGOCD_SERVER_INSECURE or server.insecure says
    #[arg(long)]
    server_insecure: bool,
    /// What all paths of the API begin with; else ARGOCD_SERVER_ROOTPATH or server.rootpath
    #[arg(long, value_name = "PATH")]
    server_rootpath: Option<String>,
    /// Networks of proxies whose word counts for where a client is, as in 10.0.0.0/8,::1; else ARGOCD_SERVER_TRUSTED_PROXIES or server.trusted.proxies
    #[arg(long, value_name = "NETWORKS")]
    server_trusted_proxies: Option<Networks>,
    /// Let Applications read repositories of this machine by file:// URLs
    #[arg(long)]
    allow_file_repositories: bool,
    /// A program that cluster Secrets may name to get credentials from (execProviderConfig); may be repeated
    #[arg(long, value_name = "PROGRAM")]
    credential_program: Vec<String>,
    /// Where sidecars have the sockets of config management plugins; ARGOCD_PLUGINSOCKFILEPATH or /home/argocd/cmp-server/plugins by default
    #[arg(long, value_name = "DIR")]
    plugin_sockets: Option<PathBuf>,
    /// Name of this controller among those that share the lease; the host's name by default
    #[arg(long)]
    identity: Option<String>,
    /// What is logged, as in `info` or `warn,applications=debug`
    #[arg(long, default_value = "info", value_name = "FILTER")]
    log: String,
    /// Log lines as JSON
    #[arg(long)]
    log_json: bool,
    #[command(flatten)]
    traces: traces::Flags,
}

pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let client = connect::connect(arguments.kubeconfig.as_deref(), arguments.context.as_deref()).await?;
    let params = traces::params(&client, &arguments.namespace).await;
    let wanted = traces::Wanted::new(&arguments.traces, &environment::variable, &params)?;
    let traces = wanted.as_ref().map(traces::Traces::begin).transpose()?;
    log(&arguments.log, arguments.log_json, traces.as_ref())?;
    if let Some(wanted) = &wanted {
        tracing::info!(collector = api::redact_url(&wanted.endpoint), "sends traces");
    }
    let namespace = arguments.namespace.clone();
    let identity = arguments.identity.unwrap_or_else(own_name);
    let mut credential_programs = environment::credential_programs();
    credential_programs.extend(arguments.credential_program);
    let controller = Start {
        client: client.clone(),
        options: Options {
            proxies: environment::proxies(),
            wave_delay: environment::wave_delay(),
            signatures: environment::signatures(),
            application_namespaces: environment::application_namespaces(),
            credential_programs,
            aws: environment::aws(),
            plugin_sockets: arguments.plugin_sockets.unwrap_or_else(environment::plugin_sockets),
            ..Options::new(arguments.namespace, identity)
        },
        data_dir: arguments.data_dir,
        allow_file: arguments.allow_file_repositories,
        serves: arguments.server_addr.is_some(),
    }
    .start()
    .await?;
    let insecure =
        arguments.server_insecure.then_some(true).or_else(|| environment::switch("ARGOCD_SERVER_INSECURE"));
    let root = arguments.server_rootpath.or_else(|| environment::variable("ARGOCD_SERVER_ROOTPATH"));
    let trusted = match arguments.server_trusted_proxies {
        Some(given) => Some(given),
        None => environment::variable("ARGOCD_SERVER_TRUSTED_PROXIES")
            .map(|text| text.parse().context("ARGOCD_SERVER_TRUSTED_PROXIES"))
            .transpose()?,
    };
    let server = match arguments.server_addr {
        Some(address) => {
            let adopt = traces.is_some().then(|| Arc::new(traces::adopt) as server::Adopt);
            let how = (insecure, root, trusted);
            Some(crate::serve::start(&namespace, client, &controller, address, how, adopt).await?)
        }
        None => None,
    };
    let labels = ApplicationLabels {
        labels: arguments.metrics_application_labels,
        conditions: arguments.metrics_application_conditions,
    };
    let told = Told {
        controller: controller.clone(),
        server: server.as_ref().map(server::Server::meter),
        labels: Arc::new(labels),
    };
    let serving = metrics::serve(arguments.metrics_addr, told).await?;
    tracing::info!(address = %serving.address, "serves metrics and health");
    if let Some(server) = &server {
        tracing::info!(address = %server.address(), "serves the API");
    }
    controller.run(shutdown::asked()).await;
    if let Some(server) = server {
        server.shutdown().await;
    }
    if let Some(traces) = traces {
        traces.finish().await;
    }
    tracing::info!("ended");
    Ok(())
}

fn log(filter: &str, json: bool, traces: Option<&traces::Traces>) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter).context("--log is no filter")?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if json { lines.json().flatten_event(true).boxed() } else { lines.boxed() };
    let done = match traces {
        // The filter is for lines alone.
        Some(traces) => {
            tracing_subscriber::registry().with(lines.with_filter(filter)).with(traces.layer()).try_init()
        }
        None => tracing_subscriber::registry().with(lines).with(filter).try_init(),
    };
    done.map_err(|error| anyhow::anyhow!("logging could not be started: {error}"))
}

/// The host's name (a pod's is its own) and the process, which together no other controller has.
fn own_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    format!("{}_{}", if host.is_empty() { "capstan" } else { host }, std::process::id())
}
