//! The clusters that applications go to, by what their destinations say.
//!
//! A cluster is connected to when the first application looks for it, and let go of with its Secret. Each has a task of its own that
//! tries until it is there, so that one which does not answer holds up nobody but its own applications.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use api::ApplicationDestination;
use api::names::{IN_CLUSTER_NAME, IN_CLUSTER_SERVER};
use cluster::chain;
use settings::ClusterSecret;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::controller::{enqueue, follow_changes};
use crate::destination::Destination;
use crate::inventory::{ClusterFigures, figures};
use crate::login::client;
use crate::shared::Shared;

/// First and longest pause between two tries to connect.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// How long one try may take.
const TRY: Duration = Duration::from_secs(60);

/// Why there is no cluster for a destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoCluster {
    /// What it says cannot be.
    #[error("spec.destination: {0}")]
    Invalid(String),
    /// It is the one that this runs in, which the settings forbid.
    #[error("spec.destination: argocd-cm forbids the cluster that this runs in (cluster.inClusterEnabled)")]
    Disabled,
    /// Nobody knows the cluster that it names.
    #[error(
        "spec.destination: cluster {0} is not known: no Secret with the label argocd.argoproj.io/secret-type=cluster names it"
    )]
    NotKnown(String),
    /// It is looked for.
    #[error("cluster {0} is being connected to")]
    Connecting(String),
    /// It does not answer, or does not let us in.
    #[error("cluster {server} cannot be reached: {why}")]
    Unreachable {
        /// Its URL.
        server: String,
        /// Why.
        why: String,
    },
}

/// The clusters that applications have asked for, by their URLs.
#[derive(Default)]
pub(crate) struct Clusters(Mutex<BTreeMap<String, Member>>);

struct Member {
    secret: ClusterSecret,
    state: watch::Receiver<State>,
    task: JoinHandle<()>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
enum State {
    Connecting,
    Up(Arc<Destination>),
    Down(String),
}

impl Clusters {
    fn members(&self) -> MutexGuard<'_, BTreeMap<String, Member>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that are connected, the one that this runs in not among them.
    pub(crate) fn connected(&self) -> Vec<Arc<Destination>> {
        let up = |member: &Member| match &*member.state.borrow() {
            State::Up(destination) => Some(Arc::clone(destination)),
            State::Connecting | State::Down(_) => None,
        };
        self.members().values().filter_map(up).collect()
    }

    /// What is counted of each, by their URLs.
    pub(crate) fn figures(&self) -> Vec<ClusterFigures> {
        let of = |(server, member): (&String, &Member)| match &*member.state.borrow() {
            State::Up(destination) => figures(destination),
            State::Connecting | State::Down(_) => ClusterFigures {
                server: server.clone(),
                name: member.secret.name.clone(),
                ..ClusterFigures::default()
            },
        };
        self.members().iter().map(of).collect()
    }

    /// Lets go of clusters whose Secret is gone.
    pub(crate) fn keep(&self, settings: &settings::Snapshot) {
        self.members().retain(|server, _| settings.clusters.by_server(server).is_some());
    }

    /// The state of a cluster, which is connected to if it is not yet. Where its Secret has changed it is connected to anew, and what
    /// was connected stays until then.
    fn state(&self, shared: &Shared, secret: &ClusterSecret) -> watch::Receiver<State> {
        let mut members = self.members();
        let known = members.get(&secret.server);
        if let Some(member) = known.filter(|member| same_connection(&member.secret, secret)) {
            return member.state.clone();
        }
        let before = match known.map(|member| member.state.borrow().clone()) {
            Some(State::Up(destination)) => State::Up(destination),
            _ => State::Connecting,
        };
        let (tell, state) = watch::channel(before);
        let task = tokio::spawn(serve(shared.me.clone(), secret.clone(), tell));
        members.insert(secret.server.clone(), Member { secret: secret.clone(), state: state.clone(), task });
        state
    }
}

/// Connects to a cluster, however often it takes, and hands on what changes there.
async fn serve(shared: Weak<Shared>, secret: ClusterSecret, tell: watch::Sender<State>) {
    let mut pause = PAUSES.0;
    let destination = loop {
        let Some(here) = shared.upgrade() else { return };
        let error = match tokio::time::timeout(TRY, connect(&here, &secret)).await {
            Ok(Ok(destination)) => break Arc::new(destination),
            Ok(Err(error)) => error,
            Err(_) => format!("no answer within {}s", TRY.as_secs()),
        };
        tracing::warn!(cluster = %secret.server, error = %error, "cluster cannot be reached");
        let news = !matches!(&*tell.borrow(), State::Down(before) if *before == error);
        tell.send_replace(State::Down(error));
        if news {
            wake(&here, &secret.server);
        }
        drop(here);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    };
    tracing::info!(cluster = %secret.server, version = destination.cluster.server_version(), "connected");
    let changes = destination.cluster.changes();
    tell.send_replace(State::Up(Arc::clone(&destination)));
    if let Some(here) = shared.upgrade() {
        // What the settings said while it was being connected to was told to those that were.
        destination.heed(&here.settings);
        wake(&here, &secret.server);
    }
    follow_changes(shared, destination, changes).await;
}

/// Applications of a cluster look at it again.
pub(crate) fn wake(shared: &Shared, server: &str) {
    let settings = shared.settings.current();
    enqueue(shared, |app| server_of(&settings, &app.spec.destination).is_ok_and(|found| found == server));
}

async fn connect(shared: &Shared, secret: &ClusterSecret) -> Result<Destination, String> {
    let client = client(secret, &shared.client, &shared.options).await?;
    let namespaces = (!secret.namespaces.is_empty()).then(|| secret.namespaces.clone());
    let limited = |options: cluster::Options| cluster::Options {
        namespaces: namespaces.or(options.namespaces),
        cluster_resources: secret.cluster_resources,
        ..options
    };
    let named = (secret.server.as_str(), secret.name.as_str());
    Destination::start(named, client, &shared.settings, limited).await.map_err(|error| chain(&error))
}

/// The URL of the cluster that a destination names, as far as it can be told.
pub(crate) fn server_named(settings: &settings::Snapshot, to: &ApplicationDestination) -> String {
    server_of(settings, to).unwrap_or_else(|_| to.server.clone())
}

/// The URL of the cluster that a destination names.
fn server_of(settings: &settings::Snapshot, to: &ApplicationDestination) -> Result<String, NoCluster> {
    let invalid = |why: &str| Err(NoCluster::Invalid(why.to_owned()));
    match (to.server.as_str(), to.name.as_str()) {
        ("", "") => invalid("server or name is missing"),
        (server, "") => Ok(server.trim_end_matches('/').to_owned()),
        ("", name) => match settings.clusters.servers_named(name)[..] {
            [] => Err(NoCluster::NotKnown(name.to_owned())),
            [server] => Ok(server.to_owned()),
            ref several => {
                let several = several.join(", ");
                invalid(&format!(
                    "there are several clusters with the name {name}: {several}; say which by server"
                ))
            }
        },
        (_, _) => invalid("server and name are both set: give one of them"),
    }
}

/// The cluster that a destination names, whether it is there or not.
pub(crate) struct Located<'a> {
    pub(crate) server: &'a str,
    pub(crate) name: &'a str,
    /// The project that it belongs to; to none where empty.
    pub(crate) project: &'a str,
    /// `None`: the cluster that this runs in, of which no Secret says anything.
    secret: Option<&'a ClusterSecret>,
}

impl Located<'_> {
    /// Whether its applications rest, by an annotation of its Secret.
    pub(crate) fn rests(&self) -> bool {
        self.secret.is_some_and(|secret| secret.skip_reconcile)
    }

    /// What is risky in how it is reached.
    pub(crate) fn warning(&self) -> Option<String> {
        let insecure = self.secret.is_some_and(|secret| secret.config.tls.insecure);
        insecure.then(|| {
            format!(
                "cluster {}: its certificate is not looked at (tlsClientConfig.insecure in its Secret)",
                self.name
            )
        })
    }

    /// The cluster, as far as it is there now; where it is not, its applications are looked at again once it is.
    pub(crate) fn find(&self, shared: &Shared) -> Result<Arc<Destination>, NoCluster> {
        match self.secret {
            None => Ok(Arc::clone(&shared.home)),
            Some(secret) => settled(secret, &shared.clusters.state(shared, secret).borrow()),
        }
    }

    /// The same, and waits while the cluster is being connected to, at most so long.
    pub(crate) async fn find_within(
        &self,
        shared: &Shared,
        at_most: Duration,
    ) -> Result<Arc<Destination>, NoCluster> {
        let Some(secret) = self.secret else { return Ok(Arc::clone(&shared.home)) };
        let mut state = shared.clusters.state(shared, secret);
        let known = state.wait_for(|state| !matches!(state, State::Connecting));
        let found = match tokio::time::timeout(at_most, known).await {
            Ok(Ok(state)) => state.clone(),
            Ok(Err(_)) | Err(_) => State::Connecting,
        };
        settled(secret, &found)
    }
}

/// The cluster that a destination names.
pub(crate) fn locate<'a>(
    settings: &'a settings::Snapshot,
    to: &ApplicationDestination,
) -> Result<Located<'a>, NoCluster> {
    let server = server_of(settings, to)?;
    if server == IN_CLUSTER_SERVER && !settings.settings.in_cluster_enabled {
        return Err(NoCluster::Disabled);
    }
    match settings.clusters.by_server(&server) {
        Some(secret) => Ok(Located {
            server: &secret.server,
            name: &secret.name,
            project: &secret.project,
            secret: Some(secret),
        }),
        None if server == IN_CLUSTER_SERVER => {
            Ok(Located { server: IN_CLUSTER_SERVER, name: IN_CLUSTER_NAME, project: "", secret: None })
        }
        None => Err(NoCluster::NotKnown(server)),
    }
}

fn settled(secret: &ClusterSecret, state: &State) -> Result<Arc<Destination>, NoCluster> {
    let unreachable = |why: String| NoCluster::Unreachable { server: secret.server.clone(), why };
    match state {
        State::Connecting => Err(NoCluster::Connecting(secret.server.clone())),
        State::Down(why) => Err(unreachable(why.clone())),
        State::Up(destination) => match destination.cluster.unreachable() {
            Some(why) => Err(unreachable(why)),
            None => {
                destination.called(&secret.name);
                Ok(Arc::clone(destination))
            }
        },
    }
}

/// Whether two Secrets lead to the same place in the same way: names, projects and annotations are read anew from pass to pass.
fn same_connection(left: &ClusterSecret, right: &ClusterSecret) -> bool {
    let ClusterSecret {
        server,
        namespaces,
        cluster_resources,
        config,
        secret_name: _,
        name: _,
        project: _,
        skip_reconcile: _,
        labels: _,
        annotations: _,
    } = left;
    (server, namespaces, cluster_resources, config)
        == (&right.server, &right.namespaces, &right.cluster_resources, &right.config)
}
