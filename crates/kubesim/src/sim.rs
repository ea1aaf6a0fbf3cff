use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    access::Identity,
    audit::{Audit, RequestCounts, RequestRecord},
    faults::{FaultState, Faults},
    logs::Logs,
    namespaces,
    options::Options,
    registry::Registry,
    service::SimService,
    store::{Key, State},
};

/// A Kubernetes API in memory. Clones share one state.
#[derive(Clone)]
pub struct KubeSim(Arc<Inner>);

struct Inner {
    options: Options,
    state: Mutex<State>,
    audit: Mutex<Audit>,
    faults: Mutex<FaultState>,
    logs: Logs,
    tokens: Mutex<BTreeMap<String, Identity>>,
    ports: Mutex<BTreeMap<(Key, u16), SocketAddr>>,
    random: AtomicU64,
}

impl std::fmt::Debug for KubeSim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubeSim").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl KubeSim {
    /// A cluster with nothing in it but the namespaces that every cluster has.
    pub fn new(options: Options) -> Self {
        let seed = u64::try_from((options.clock)().as_nanosecond().unsigned_abs() & u128::from(u64::MAX));
        let sim = Self(Arc::new(Inner {
            state: Mutex::new(State::new(Registry::built_in(), options.history)),
            audit: Mutex::default(),
            faults: Mutex::default(),
            logs: Logs::default(),
            tokens: Mutex::default(),
            ports: Mutex::default(),
            random: AtomicU64::new(seed.unwrap_or_default()),
            options,
        }));
        namespaces::create_initial(&sim);
        sim
    }

    /// The API as a tower service; a request without an `Authorization` header is the administrator's.
    pub fn service(&self) -> SimService {
        SimService::new(self.clone(), false)
    }

    /// A client of the in-process service, as the administrator; its default namespace is `default`.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.service(), "default")
    }

    /// A client as somebody else: see [`KubeSim::set_identity`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn client_with_token(&self, token: &str) -> kube::Client {
        kube::Client::new(self.service().with_token(token), "default")
    }

    /// Says whom a bearer token stands for.
    pub fn set_identity(&self, token: impl Into<String>, identity: Identity) {
        guard(&self.0.tokens).insert(token.into(), identity);
    }

    /// Says what answers at a port of a pod, which is where `pods/portforward` leads; nothing does by itself.
    pub fn set_port(&self, namespace: &str, pod: &str, port: u16, address: SocketAddr) {
        guard(&self.0.ports).insert((Key::new(namespace, pod), port), address);
    }

    pub(crate) fn port(&self, pod: &Key, port: u16) -> Option<SocketAddr> {
        guard(&self.0.ports).get(&(pod.clone(), port)).copied()
    }

    /// The requests that were answered, oldest first, as far as they are kept.
    pub fn requests(&self) -> Vec<RequestRecord> {
        guard(&self.0.audit).records()
    }

    /// How many requests there were since the start or the last [`KubeSim::clear_requests`].
    pub fn request_counts(&self) -> RequestCounts {
        guard(&self.0.audit).counts()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        guard(&self.0.audit).clear();
    }

    /// Replaces all faults, and starts counting anew.
    pub fn set_faults(&self, faults: Faults) {
        *guard(&self.0.faults) = FaultState::new(faults);
    }

    /// Forgets the history of all kinds: watches and continued lists from before now are told `410 Gone`.
    pub fn compact(&self) {
        self.lock().forget();
    }

    /// The resourceVersion of the newest write.
    pub fn resource_version(&self) -> u64 {
        self.lock().revision
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        guard(&self.0.state)
    }

    pub(crate) fn audit(&self) -> MutexGuard<'_, Audit> {
        guard(&self.0.audit)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultState> {
        guard(&self.0.faults)
    }

    pub(crate) fn identity(&self, token: &str) -> Option<Identity> {
        guard(&self.0.tokens).get(token).cloned()
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.0.logs
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        (self.0.options.clock)()
    }

    /// The next number of a sequence (splitmix64) that starts from the time at which the simulator was made.
    pub(crate) fn random(&self) -> u64 {
        let mut z = self.0.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A uid in the form of a random UUID.
    pub(crate) fn new_uid(&self) -> String {
        let (a, b) = (self.random(), self.random());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }

    /// The five letters behind a `generateName`.
    pub(crate) fn name_suffix(&self) -> String {
        const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
        let mut number = self.random();
        (0..5)
            .map(|_| {
                let letter = LETTERS[usize::try_from(number % 27).unwrap_or_default()];
                number /= 27;
                char::from(letter)
            })
            .collect()
    }
}

/// A panic elsewhere leaves the state as it was before or after a write, never in between: it can be used on.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
