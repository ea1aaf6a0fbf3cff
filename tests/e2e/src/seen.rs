//! What the controllers asked of the cluster, in one form for both clusters.

use kubesim::RequestRecord;
use testkit::AuditEntry;

/// Users that controllers act as begin so.
pub(crate) const USERS: &str = "capstan-";

/// One request of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The controller.
    pub user: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, …
    pub verb: String,
    /// Plural, with the subresource.
    pub resource: String,
    /// Namespace, or empty.
    pub namespace: String,
    /// Name, or empty.
    pub name: String,
    /// Path and query.
    pub path: String,
    /// HTTP status.
    pub code: u16,
}

impl Seen {
    /// Whether it wrote something: no dry run, and neither a lease nor an event.
    pub fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch" | "post")
            && !self.path.contains("dryRun=All")
            && !matches!(self.resource.as_str(), "leases" | "events")
            && !self.resource.ends_with("reviews")
    }

    /// `patch configmaps shop/settings`
    pub fn text(&self) -> String {
        format!("{} {} {}/{}", self.verb, self.resource, self.namespace, self.name)
    }
}

pub(crate) fn of_kubesim(records: &[RequestRecord]) -> Vec<Seen> {
    let ours = records.iter().filter(|r| r.user.starts_with(USERS));
    ours.map(|r| Seen {
        user: r.user.clone(),
        verb: if r.verb == "apply" { "patch".to_owned() } else { r.verb.clone() },
        resource: r.resource.clone(),
        namespace: r.namespace.clone(),
        name: r.name.clone(),
        path: r.path.clone(),
        code: r.status,
    })
    .collect()
}

pub(crate) fn of_real(entries: &[AuditEntry]) -> Vec<Seen> {
    let ours = entries.iter().filter(|e| e.user.starts_with(USERS));
    ours.map(|e| Seen {
        user: e.user.clone(),
        verb: e.verb.clone(),
        resource: match e.subresource.as_str() {
            "" => e.resource.clone(),
            sub => format!("{}/{sub}", e.resource),
        },
        namespace: e.namespace.clone(),
        name: e.name.clone(),
        path: e.uri.clone(),
        code: e.code,
    })
    .collect()
}
