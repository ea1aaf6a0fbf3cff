//! Requests by whom they are made for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::Uri;

use crate::counters::Verb;

tokio::task_local! {
    static MADE_FOR: Option<Arc<Requests>>;
}

/// A kind of request, and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// As the peer's metrics have it: `Get`, `List`, `Patch`, …
    pub verb: &'static str,
    /// Plural of the kind, as in `deployments`.
    pub resource: String,
    /// Empty for what is in none.
    pub namespace: String,
    /// The answer's status; 0 where there was none.
    pub code: u16,
    /// Whether it was to change nothing.
    pub dry_run: bool,
}

/// Counts of requests. They are as many as kinds, namespaces and answers differ, and those beyond [`MOST`] are not counted.
#[derive(Debug, Default)]
pub struct Requests(Mutex<BTreeMap<Request, u64>>);

/// Kinds of requests that are told apart.
const MOST: usize = 1_000;

impl Requests {
    /// How often each was made.
    pub fn counts(&self) -> BTreeMap<Request, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, request: Request) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = counts.len() < MOST;
        match counts.get_mut(&request) {
            Some(count) => *count += 1,
            None if room => drop(counts.insert(request, 1)),
            None => {}
        }
    }
}

/// Does some work and counts the requests that it makes, as far as it makes them in the same task; with `None` they are not counted.
pub async fn counted<T>(requests: Option<Arc<Requests>>, work: impl Future<Output = T>) -> T {
    MADE_FOR.scope(requests, work).await
}

/// A request was answered: counts it for whom it was made.
pub(crate) fn answered(verb: Verb, uri: &Uri, code: u16) {
    let made_for = MADE_FOR.try_with(Option::clone).ok().flatten();
    if let Some(requests) = made_for {
        requests.count(request(verb, uri, code));
    }
}

fn request(verb: Verb, uri: &Uri, code: u16) -> Request {
    let mut parts = uri.path().split('/').filter(|part| !part.is_empty());
    // `api/v1/…` or `apis/group/version/…`.
    let skipped = if parts.next() == Some("apis") { 2 } else { 1 };
    let mut parts = parts.skip(skipped);
    let (mut resource, mut namespace) = (parts.next().unwrap_or_default(), "");
    if resource == "namespaces"
        && let (Some(name), Some(below)) = (parts.next(), parts.next())
    {
        (namespace, resource) = (name, below);
    }
    let dry_run = uri.query().is_some_and(|query| query.split('&').any(|part| part.starts_with("dryRun=")));
    Request {
        verb: match verb {
            Verb::Get => "Get",
            Verb::List => "List",
            Verb::Watch => "Watch",
            Verb::Create => "Create",
            Verb::Update => "Update",
            Verb::Patch | Verb::Apply => "Patch",
            Verb::Delete => "Delete",
            Verb::Discover => "Unknown",
        },
        resource: resource.to_owned(),
        namespace: namespace.to_owned(),
        code,
        dry_run,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_by_its_place() {
        for (uri, resource, namespace, dry_run) in [
            ("/api/v1/namespaces/shop/configmaps/a?dryRun=All&force=true", "configmaps", "shop", true),
            ("/apis/apps/v1/namespaces/shop/deployments", "deployments", "shop", false),
            ("/api/v1/namespaces/shop", "namespaces", "", false),
            ("/api/v1/nodes/a", "nodes", "", false),
            ("/apis/rbac.authorization.k8s.io/v1/clusterroles/a?x=1", "clusterroles", "", false),
            ("/version", "", "", false),
        ] {
            let found = request(Verb::Apply, &uri.parse().unwrap(), 200);
            let expected = (resource, namespace, dry_run, "Patch");
            assert_eq!((&*found.resource, &*found.namespace, found.dry_run, found.verb), expected, "{uri}");
        }
    }

    #[tokio::test]
    async fn requests_count_for_whom_they_are_made() {
        let (one, uri) = (Arc::new(Requests::default()), "/api/v1/nodes".parse().unwrap());
        let work = async {
            answered(Verb::Get, &uri, 200);
            counted(None, async { answered(Verb::Get, &uri, 200) }).await;
            answered(Verb::Get, &uri, 404);
            answered(Verb::Get, &uri, 200);
        };
        counted(Some(Arc::clone(&one)), work).await;
        answered(Verb::Get, &uri, 200);
        assert_eq!(one.counts().into_values().collect::<Vec<_>>(), [2, 1]);
        for n in 0..2 * MOST {
            one.count(request(Verb::Get, &uri, u16::try_from(n).unwrap()));
        }
        assert_eq!(one.counts().len(), MOST);
    }
}
