//! Whether a status may be believed: how old it can be at most.

use std::time::Duration;

use api::{Application, HealthStatusCode, Settings, SyncStatusCode};
use jiff::{SignedDuration, Timestamp};

use crate::store::Store;

/// When the controller was last heard of, and how long that is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heartbeat {
    /// Renewal of the lease; `Err` says why it is not known.
    pub(crate) renewed: Result<Option<Timestamp>, String>,
    /// Oldest age of what is shown as it is.
    pub(crate) limit: Duration,
}

impl Heartbeat {
    /// Reads the lease and the interval. What cannot be read is no proof of life. A server's word is taken: it tells no leases.
    pub(crate) async fn read(store: &Store, namespace: &str) -> Self {
        let Store::Cluster(cluster) = store else {
            return Self { renewed: Ok(Some(Timestamp::MAX)), limit: Duration::MAX };
        };
        let (settings, renewed) =
            futures::join!(cluster.settings(namespace), cluster.last_renewal(namespace));
        let (settings, _) = Settings::parse(&settings.unwrap_or_default(), None);
        let interval = settings.reconciliation.timeout.unwrap_or_default();
        let interval = interval.max(Duration::from_secs(1)) + settings.reconciliation.jitter;
        let renewed = renewed.map_err(|error| match error {
            kube::Error::Api(status) => status.message,
            other => other.to_string(),
        });
        Self { renewed, limit: interval * 2 }
    }

    /// Why a status written at `reconciled` is not to be believed now; `None` where it is.
    ///
    /// **Shape**: the lease speaks for all statuses; where there is none (the peer's controller keeps none) or it
    /// cannot be read, a status speaks for itself while it is young. **Source**: invariant P17, ours.
    pub(crate) fn doubt(&self, reconciled: Option<&str>, now: Timestamp) -> Option<String> {
        let young = |at: Timestamp| {
            now.duration_since(at) <= SignedDuration::try_from(self.limit).unwrap_or(SignedDuration::MAX)
        };
        if let Ok(Some(renewed)) = self.renewed
            && young(renewed)
        {
            return None;
        }
        let compared = reconciled.and_then(|at| api::parse_time(at).ok());
        match &self.renewed {
            Ok(Some(renewed)) => {
                Some(format!("the controller has not been heard of since {}", api::format_time(*renewed)))
            }
            _ if compared.is_some_and(young) => None,
            Ok(None) => Some("the controller has not been heard of: it holds no lease".to_owned()),
            Err(reason) => Some(format!("the controller's lease cannot be read: {reason}")),
        }
    }

    /// The application as it may be shown: where its status is in doubt, every verdict in it is `Unknown`.
    pub(crate) fn judged(&self, app: &Application, now: Timestamp) -> (Application, Option<String>) {
        let mut app = app.clone();
        let claims = app.status.sync.status != SyncStatusCode::Unknown || app.status.health.status.is_some();
        let Some(reason) = self.doubt(app.status.reconciled_at.as_deref(), now).filter(|_| claims) else {
            return (app, None);
        };
        app.status.sync.status = SyncStatusCode::Unknown;
        app.status.health.status = Some(HealthStatusCode::Unknown);
        app.status.health.message.clone_from(&reason);
        for resource in &mut app.status.resources {
            resource.status = resource.status.take().map(|_| SyncStatusCode::Unknown);
            if let Some(health) = &mut resource.health {
                health.status = Some(HealthStatusCode::Unknown);
            }
        }
        (app, Some(reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_news_is_unknown() {
        let now: Timestamp = "2026-01-02T12:00:00Z".parse().unwrap();
        let at = |text: &str| Ok(Some(text.parse::<Timestamp>().unwrap()));
        let since = "the controller has not been heard of since 2026-01-02T11:50:00Z";
        for (reason, renewed, reconciled, expected) in [
            (
                "alive, nothing changed for a day",
                at("2026-01-02T11:59:55Z"),
                Some("2026-01-01T12:00:00Z"),
                None,
            ),
            ("just in time", at("2026-01-02T11:54:00Z"), None, None),
            ("dead", at("2026-01-02T11:50:00Z"), Some("2026-01-02T11:49:00Z"), Some(since)),
            (
                "dead, whatever the status says",
                at("2026-01-02T11:50:00Z"),
                Some("2026-01-02T11:59:00Z"),
                Some(since),
            ),
            ("no lease, young status", Ok(None), Some("2026-01-02T11:55:00Z"), None),
            (
                "no lease, old status",
                Ok(None),
                Some("2026-01-02T11:00:00Z"),
                Some("the controller has not been heard of: it holds no lease"),
            ),
            (
                "no right",
                Err("leases is forbidden".to_owned()),
                None,
                Some("the controller's lease cannot be read: leases is forbidden"),
            ),
            ("a clock that is ahead", at("2026-01-02T12:30:00Z"), None, None),
        ] {
            let heartbeat = Heartbeat { renewed, limit: Duration::from_secs(360) };
            assert_eq!(heartbeat.doubt(reconciled, now).as_deref(), expected, "{reason}");
        }
    }
}
