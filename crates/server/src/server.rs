//! The server as a whole: what it keeps of the cluster, and the port in front of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::api::settings::Networks;
use accounts::{Failures, Limits, Revocations};
use applications::Controller;
use cluster::Cluster;
use futures::future::BoxFuture;
use jiff::Timestamp;
use resource::Gvk;
use settings::SettingsHandle;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tonic::Status;

use crate::access::Access;
use crate::api::{Adopt, Api};
use crate::apps::Apps;
use crate::call::{Handled, NoSuchMethod};
use crate::certificate;
use crate::connections::Connections;
use crate::derived::Derived;
use crate::door::cookie_terms;
use crate::hashing::Hashing;
use crate::initial::{InitialError, prepare};
use crate::pages::{Pages, Returned, Room};
use crate::port::{Bounds, Port, PortError, PortOptions};
use crate::projects::Projects;
use crate::record;
use crate::services;
use crate::shelf::Shelf;
use crate::store::Store;
use crate::tls::{Certificates, TlsError};
use crate::v2::{self, Hub, Streams};

/// Terminals that are open at the same time.
const TERMINALS: usize = 256;

/// What a server is made with.
pub struct Options {
    /// Namespace of the Applications, projects and settings.
    pub namespace: String,
    /// A client with the server's rights.
    pub client: kube::Client,
    /// The controller, which renders and compares; one that serves ([`applications::Start::serves`]).
    pub controller: Controller,
    /// Where to listen; port 0 for a free one.
    pub address: SocketAddr,
    /// Whether to speak plainly; what `argocd-cmd-params-cm` says where `None`.
    pub insecure: Option<bool>,
    /// What all paths begin with; what `argocd-cmd-params-cm` says where `None`.
    pub root: Option<String>,
    /// Whose word counts for where a client is; what `argocd-cmd-params-cm` says where `None`.
    pub trusted_proxies: Option<Networks>,
    /// The time.
    pub clock: Clock,
    /// What makes the work of a call a part of its caller's trace.
    pub adopt: Option<Adopt>,
}

impl Options {
    /// As `argocd-cmd-params-cm` says, by the machine's clock, in no trace of others.
    pub fn new(namespace: &str, client: kube::Client, controller: &Controller, address: SocketAddr) -> Self {
        Self {
            namespace: namespace.to_owned(),
            client,
            controller: controller.clone(),
            address,
            insecure: None,
            root: None,
            trusted_proxies: None,
            clock: Arc::new(Timestamp::now),
            adopt: None,
        }
    }
}

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The first password or the sessions' key cannot be made.
    #[error("the server's secret {} cannot be prepared", crate::access::SECRET)]
    Initial(#[from] InitialError),
    /// The settings cannot be used.
    #[error("the settings cannot be used: {0}")]
    Settings(String),
    /// A method that is done is not in the API.
    #[error(transparent)]
    Calls(#[from] NoSuchMethod),
    /// The certificate cannot be used.
    #[error("the server's certificate")]
    Tls(#[from] TlsError),
    /// It does not listen.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// What stands behind the methods.
pub(crate) struct Backend {
    pub(crate) namespace: String,
    pub(crate) store: Store,
    /// Tokens of the identity provider's users.
    shelf: Shelf,
    pub(crate) settings: SettingsHandle,
    /// Renders and compares.
    pub(crate) controller: Controller,
    pub(crate) apps: Arc<Apps>,
    pub(crate) projects: Arc<Projects>,
    pub(crate) connections: Connections,
    /// What changes of applications, for streams.
    pub(crate) hub: Hub,
    pub(crate) limits: Limits,
    /// Turns at bcrypt.
    pub(crate) hashing: Hashing,
    /// For webhooks that are being read.
    pub(crate) room: Room,
    /// Logins by the identity provider that came back.
    pub(crate) returned: Returned,
    pub(crate) counters: Counters,
    /// Places for terminals.
    pub(crate) terminals: Arc<Semaphore>,
    /// Takes terminals that are open; they end with the server.
    pub(crate) sessions: mpsc::Sender<BoxFuture<'static, ()>>,
    /// Tells when who may do what may have changed: policies, settings, sessions that were ended.
    pub(crate) changed: watch::Sender<()>,
    access: Derived<Access>,
    failures: Mutex<Failures>,
    /// A login failed, which is to be written down.
    pub(crate) failed: Notify,
    revoked: Mutex<Revocations>,
    /// What is shown to those who come over TLS; none where it speaks plainly.
    certificates: Option<Certificates>,
    pub(crate) trusted_proxies: Option<Networks>,
    /// What all paths begin with, as in `/argo-cd`, or nothing.
    root: String,
    clock: Clock,
}

impl Backend {
    /// Who may come in and do what, now.
    pub(crate) fn access(&self) -> Arc<Access> {
        self.access.get()
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn revocations(&self) -> MutexGuard<'_, Revocations> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What all paths begin with that browsers ask for: `/`, or `/argo-cd`.
    pub(crate) fn base(&self) -> String {
        self.settings.current().params.server.base_path(&self.root)
    }

    /// What cookies say beside their values.
    pub(crate) fn cookie_terms(&self, secure: bool) -> String {
        cookie_terms(&self.base(), secure)
    }

    /// Whether it is spoken to over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.certificates.is_some()
    }

    /// Makes who may do what anew, from what is known now.
    pub(crate) fn renew_access(&self) {
        let renewed = self.access.renew(|before| {
            let (settings, projects) = (self.settings.current(), self.projects.index().all());
            let proxies = self.controller.proxies();
            let access = Access::new(&settings, &projects, Some(before), &proxies, Some(&self.shelf))?;
            for problem in access.problems.iter().filter(|problem| !before.problems.contains(problem)) {
                tracing::warn!(problem, "an access setting cannot be read");
            }
            Ok::<_, String>(access)
        });
        match renewed {
            Ok(()) => {
                self.changed.send_replace(());
                self.hub.rights_changed();
            }
            Err(error) => {
                tracing::warn!(error, "access settings cannot be read; the last good ones stay in force")
            }
        }
    }
}

/// What a server counted.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// How often each method ended, in each way in which it did.
    pub handled: Vec<Handled>,
    /// Logins with a right password.
    pub logins: u64,
    /// Logins that were refused.
    pub refused_logins: u64,
    /// Webhooks for repositories that are used, by their URLs without what may be secret.
    pub webhooks: BTreeMap<String, u64>,
}

/// Reads the counters of a server.
#[derive(Clone)]
pub struct Meter {
    api: Api<Arc<Backend>>,
    backend: Arc<Backend>,
}

impl Meter {
    /// What was counted so far.
    pub fn figures(&self) -> Figures {
        let counters = &self.backend.counters;
        Figures {
            handled: self.api.calls.handled(),
            logins: counters.logins.load(Relaxed),
            refused_logins: counters.refused_logins.load(Relaxed),
            webhooks: counters.webhooks.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meter(…)")
    }
}

/// What is counted while it works.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) logins: AtomicU64,
    pub(crate) refused_logins: AtomicU64,
    pub(crate) webhooks: Mutex<BTreeMap<String, u64>>,
}

/// A server at work. Dropping it ends it.
pub struct Server {
    port: Port,
    api: Api<Arc<Backend>>,
    backend: Arc<Backend>,
    _work: JoinSet<()>,
}

impl Server {
    /// Prepares what a new installation lacks, and listens.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub async fn start(options: Options) -> Result<Self, ServerError> {
        Self::start_within(options, Streams::default()).await
    }

    /// The same with other bounds.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_within(options: Options, streams: Streams) -> Result<Self, ServerError> {
        let Options { namespace, client, controller, address, insecure, root, trusted_proxies, clock, adopt } =
            options;
        let (cluster, settings) = (controller.cluster(), controller.settings());
        let store = Store::new(client, &namespace);
        let params = Arc::clone(&settings.current().params.server);
        let secure = !insecure.or(params.insecure).unwrap_or(false);
        let root = rooted(&root.unwrap_or_else(|| params.root.clone()));
        let made = prepare(&store, &settings, secure, clock()).await?;
        let certificates =
            if secure { Some(certificate::first(&settings.current(), made)?.within(&params)) } else { None };
        let shelf = Shelf::new(store.clone(), settings.clone());
        let access = Access::new(&settings.current(), &[], None, &controller.proxies(), Some(&shelf));
        let access = access.map_err(ServerError::Settings)?;
        for problem in &access.problems {
            tracing::warn!(problem, "an access setting cannot be read");
        }
        let (sessions, opened) = mpsc::channel(1);
        let mut boot = [0; 8];
        random(&mut boot).map_err(|status| ServerError::Settings(status.message().to_owned()))?;
        let backend = Arc::new(Backend {
            apps: Arc::new(Apps::new(&namespace)),
            projects: Arc::new(Projects::new(&namespace)),
            connections: Connections::default(),
            hub: Hub::new(boot, streams),
            namespace,
            store,
            shelf,
            settings,
            controller,
            limits: Limits::default(),
            hashing: Hashing::default(),
            room: Room::default(),
            returned: Returned::default(),
            counters: Counters::default(),
            terminals: Arc::new(Semaphore::new(TERMINALS)),
            sessions,
            changed: watch::channel(()).0,
            access: Derived::new(access),
            failures: Mutex::default(),
            failed: Notify::new(),
            revoked: Mutex::default(),
            certificates: certificates.clone(),
            trusted_proxies,
            root: root.clone(),
            clock,
        });
        record::recall(&backend, &backend.settings.current());
        let mut work = JoinSet::new();
        work.spawn(keep_open(opened));
        work.spawn(record::keep(Arc::clone(&backend)));
        work.spawn(follow_apps(Arc::clone(&backend), cluster.clone()));
        work.spawn(follow_projects(Arc::clone(&backend), cluster));
        work.spawn(follow_settings(Arc::clone(&backend)));
        // Whoever comes first is to find what there is.
        backend.apps.index().listed().await;
        backend.projects.index().listed().await;
        backend.renew_access();
        work.spawn(v2::keep(Arc::clone(&backend)));
        let calls = services::calls(&backend)?;
        let api = Api::new(Arc::clone(&backend), calls, &root)
            .with_pages(Arc::clone(&backend) as Arc<dyn Pages>)
            .with_traces(adopt);
        let port =
            Port::open(PortOptions { address, certificates, bounds: Bounds::default() }, api.clone()).await?;
        Ok(Self { port, api, backend, _work: work })
    }

    /// What reads its counters, also while it ends.
    pub fn meter(&self) -> Meter {
        Meter { api: self.api.clone(), backend: Arc::clone(&self.backend) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address
    }

    /// Takes no more connections, lets requests end for a while, and waits for that.
    pub async fn shutdown(self) {
        self.port.shutdown().await;
    }
}

/// What all paths begin with: nothing, or `/argo-cd`.
fn rooted(root: &str) -> String {
    match root.trim_matches('/') {
        "" => String::new(),
        root => format!("/{root}"),
    }
}

/// Runs the terminals that are open, for as long as it is polled.
async fn keep_open(mut opened: mpsc::Receiver<BoxFuture<'static, ()>>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            session = opened.recv() => match session {
                Some(session) => drop(open.spawn(session)),
                None => return,
            },
            Some(_) = open.join_next() => {}
        }
    }
}

async fn follow_apps(backend: Arc<Backend>, cluster: Cluster) {
    let gvk = Gvk::new(::api::names::GROUP, ::api::names::VERSION, ::api::names::APPLICATION);
    // Others than our own namespace are read where the settings name some.
    let mut settings = backend.settings.subscribe();
    loop {
        let namespaces = backend.settings.current().params.application_namespaces.clone();
        let own = namespaces.as_ref().is_none_or(::api::settings::Namespaces::is_empty);
        backend.apps.look_after(namespaces.clone().unwrap_or_default());
        let events = cluster.watch_kind(&gvk, own.then_some(backend.namespace.as_str()));
        let changed = async {
            while backend.settings.current().params.application_namespaces == namespaces {
                if settings.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            () = changed => {}
            () = backend.apps.index().follow(events) => return,
        }
    }
}

async fn follow_projects(backend: Arc<Backend>, cluster: Cluster) {
    let gvk = Gvk::new(::api::names::GROUP, ::api::names::VERSION, ::api::names::APP_PROJECT);
    let renew = backend.projects.index().on_change(|| backend.renew_access());
    let events = cluster.watch_kind(&gvk, Some(&backend.namespace));
    tokio::join!(renew, backend.projects.index().follow(events));
}

async fn follow_settings(backend: Arc<Backend>) {
    let mut settings = backend.settings.subscribe();
    let mut shown = certificate::of(&settings.borrow());
    while settings.changed().await.is_ok() {
        let now = Arc::clone(&settings.borrow_and_update());
        record::recall(&backend, &now);
        backend.renew_access();
        if let Some(certificates) = &backend.certificates {
            shown = certificate::renew(certificates, &now, shown);
        }
    }
}

/// Random bytes that nobody can guess.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), Status> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| Status::internal("no randomness can be had"))
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("port", &self.port).finish_non_exhaustive()
    }
}
