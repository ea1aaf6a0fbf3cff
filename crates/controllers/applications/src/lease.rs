//! One active controller at a time, by a Lease; its renewal is the heartbeat by which readers judge a status' age.

use std::time::Duration;

use cluster::{Cluster, WriteError};
use jiff::Timestamp;
use resource::{Object, ResourceKey};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Name of the Lease: the one that readers of a status look at.
pub const LEASE: &str = "argocd-application-controller";
/// How long a holder that is not heard of keeps it.
pub const DURATION: Duration = Duration::from_secs(30);
/// Time between renewals.
const RENEW: Duration = Duration::from_secs(10);
/// Time between looks of one who waits.
const RETRY: Duration = Duration::from_secs(3);

/// A claim to the lease. Times of other holders are not trusted: a lease counts as free once it has not changed for
/// its duration by our own clock, as in Kubernetes' own leader election.
pub(crate) struct Claim {
    key: ResourceKey,
    identity: String,
    /// The last record of somebody else that was seen, and when it was first seen.
    seen: Option<(String, Instant)>,
    /// When the Lease was made, by the API server's clock.
    made: Option<String>,
    /// Uid and resourceVersion of the newest record that was seen.
    newest: (String, u64),
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Standing {
    /// We hold it.
    Held,
    /// Somebody else does.
    Waiting(String),
    /// The API server could not be asked.
    Unknown(String),
}

impl Claim {
    pub(crate) fn new(namespace: &str, identity: &str) -> Self {
        let key = ResourceKey::new("coordination.k8s.io", "Lease", namespace, LEASE);
        Self { key, identity: identity.to_owned(), seen: None, made: None, newest: Default::default() }
    }

    /// The pause before the next attempt.
    pub(crate) fn pause(standing: &Standing) -> Duration {
        if *standing == Standing::Held { RENEW } else { RETRY }
    }

    /// Takes the lease if it is free, renews it if it is ours.
    pub(crate) async fn attempt(&mut self, cluster: &Cluster, now: Timestamp) -> Standing {
        let lease = match cluster.fetch(&self.key).await {
            Ok(lease) => lease,
            Err(error) => return Standing::Unknown(error.to_string()),
        };
        let taken = match lease {
            None => cluster.create(&self.fresh(now)).await.map(|lease| self.made = made(&lease)),
            Some(lease) => {
                if self.is_of_the_past(&lease) {
                    // Nobody writes more often: this is where it shows first.
                    cluster.went_back();
                }
                self.saw(&lease);
                match self.patch(&lease, now) {
                    Ok(patch) => {
                        self.made = made(&lease);
                        let version = Some(lease.resource_version());
                        let written = cluster.merge_patch(&self.key, &patch, version).await;
                        written.map(|lease| self.saw(&lease))
                    }
                    Err(holder) => return Standing::Waiting(holder),
                }
            }
        };
        match taken {
            Ok(()) => Standing::Held,
            Err(WriteError::Precondition { .. } | WriteError::AlreadyExists { .. }) => {
                Standing::Waiting("somebody who was faster".to_owned())
            }
            Err(error) => Standing::Unknown(error.to_string()),
        }
    }

    /// Whether a newer record of the same Lease was seen already, which nothing but a cluster that was put back forgets.
    fn is_of_the_past(&self, lease: &Object) -> bool {
        self.newest.0 == lease.uid() && version(lease) < self.newest.1
    }

    fn saw(&mut self, lease: &Object) {
        self.newest = (lease.uid().to_owned(), version(lease));
    }

    /// When the Lease that is held was made: the begin of this installation. RFC 3339.
    pub(crate) fn made(&self) -> Option<&str> {
        self.made.as_deref()
    }

    /// Gives the lease up, so that the next one need not wait.
    pub(crate) async fn release(&self, cluster: &Cluster) {
        if let Ok(Some(lease)) = cluster.fetch(&self.key).await
            && holder(&lease) == self.identity
        {
            let patch = json!({ "spec": { "holderIdentity": "", "leaseDurationSeconds": 1 } });
            if let Err(error) = cluster.merge_patch(&self.key, &patch, Some(lease.resource_version())).await {
                tracing::debug!(error = %error, "lease was not given up");
            }
        }
    }

    /// What takes or renews the lease, or its holder where that one is alive.
    fn patch(&mut self, lease: &Object, now: Timestamp) -> Result<Value, String> {
        let holder = holder(lease);
        let spec = |field: &str| lease.as_map().get("spec").and_then(|spec| spec.get(field));
        let at = timestamp(now);
        if holder == self.identity {
            return Ok(json!({ "spec": { "renewTime": at, "leaseDurationSeconds": DURATION.as_secs() } }));
        }
        let free = holder.is_empty() || {
            let record = lease.resource_version().to_owned();
            let since = match &self.seen {
                Some((seen, since)) if *seen == record => *since,
                _ => {
                    let now = Instant::now();
                    self.seen = Some((record, now));
                    now
                }
            };
            let lasts = spec("leaseDurationSeconds").and_then(Value::as_u64).unwrap_or(DURATION.as_secs());
            since.elapsed() >= Duration::from_secs(lasts)
        };
        if !free {
            return Err(holder);
        }
        let transitions = spec("leaseTransitions").and_then(Value::as_i64).unwrap_or_default();
        Ok(json!({ "spec": {
            "holderIdentity": self.identity, "leaseDurationSeconds": DURATION.as_secs(),
            "acquireTime": at, "renewTime": at, "leaseTransitions": transitions + 1,
        } }))
    }

    fn fresh(&self, now: Timestamp) -> Object {
        let at = timestamp(now);
        let value = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": self.key.name, "namespace": self.key.namespace },
            "spec": {
                "holderIdentity": self.identity, "leaseDurationSeconds": DURATION.as_secs(),
                "acquireTime": at, "renewTime": at, "leaseTransitions": 0,
            },
        });
        Object::from_value(value).expect("written with apiVersion, kind and metadata")
    }
}

fn version(lease: &Object) -> u64 {
    lease.resource_version().parse().unwrap_or_default()
}

fn made(lease: &Object) -> Option<String> {
    lease.as_map().get("metadata")?.get("creationTimestamp")?.as_str().map(str::to_owned)
}

fn holder(lease: &Object) -> String {
    let spec = lease.as_map().get("spec");
    spec.and_then(|spec| spec.get("holderIdentity")).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A time with microseconds, as Leases have it.
fn timestamp(at: Timestamp) -> String {
    format!("{at:.6}")
}
