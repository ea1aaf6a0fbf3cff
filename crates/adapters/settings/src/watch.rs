//! List and watch, by plain requests.

use std::time::Duration;

use futures::StreamExt;
use kube::Client;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::time::Instant;

use crate::handle::Shared;
use crate::store::{Change, SERVER_TLS, Watched};

/// Objects of one page of a list.
const PAGE: usize = 500;
/// Most pages of one list: fifty thousand objects.
const MOST_PAGES: usize = 100;
/// Seconds after which the server ends a watch. A list follows, so that an event that got lost is found (reliability P6: 2 x resync + 60 s).
const WATCH_SECONDS: u64 = 150;
/// Silence past that which is taken for a dead connection.
const GRACE: Duration = Duration::from_secs(30);
/// First wait after a failure; doubled with each that follows.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Failures in a row before they are shown: a watch that breaks once is no news.
const QUIET_FAILURES: u32 = 2;
/// Selects the Secrets that we read, percent-encoded.
const SECRETS: &str =
    "labelSelector=argocd.argoproj.io%2Fsecret-type%20in%20%28repository%2Crepo-creds%2Ccluster%29";

/// Selects the Secrets of the installation itself, percent-encoded.
const OWN_SECRETS: &str = "labelSelector=app.kubernetes.io%2Fpart-of%3Dargocd";

/// Why a list or a watch ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    /// The server no longer knows the version to watch from.
    #[error("the version to watch from is too old")]
    Gone,
    /// The list has more pages than are read.
    #[error("there are more than {} of them", PAGE * MOST_PAGES)]
    TooMany,
    /// The answer is no JSON. It is not repeated: it may hold secrets.
    #[error("the answer is no list in JSON")]
    NotAList,
    /// The request failed.
    #[error("{}", crate::handle::describe(.0))]
    Request(#[source] Box<kube::Error>),
}

impl WatchError {
    /// Whether the server said so.
    fn is_answer(&self) -> bool {
        matches!(self, Self::Request(error) if matches!(**error, kube::Error::Api(_)))
    }
}

impl From<kube::Error> for WatchError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 410 => Self::Gone,
            other => Self::Request(Box::new(other)),
        }
    }
}

/// All objects, and the version to watch from.
pub(crate) async fn list(
    client: &Client,
    namespace: &str,
    watched: Watched,
) -> Result<(Vec<Value>, String), WatchError> {
    let mut objects = Vec::new();
    let mut next = String::new();
    for _ in 0..MOST_PAGES {
        let request = get(namespace, watched, &format!("limit={PAGE}&continue={}", percent_encoded(&next)))?;
        // Not `request`, which logs an answer that it cannot read.
        let text = client.request_text(request).await?;
        let mut page: Value = serde_json::from_str(&text).map_err(|_| WatchError::NotAList)?;
        match page.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => objects.extend(items),
            Some(Value::Null) => {}
            _ => return Err(WatchError::NotAList),
        }
        let metadata = |field: &str| page.get("metadata")?.get(field)?.as_str().map(str::to_owned);
        next = metadata("continue").unwrap_or_default();
        if next.is_empty() {
            return Ok((objects, metadata("resourceVersion").unwrap_or_default()));
        }
    }
    Err(WatchError::TooMany)
}

/// Keeps the store up to date for ever; `version` is that of the first list, `None` where it failed.
pub(crate) async fn follow(
    client: Client,
    namespace: String,
    watched: Watched,
    mut version: Option<String>,
    shared: std::sync::Arc<Shared>,
) {
    let mut failures = 0;
    loop {
        let result = match &mut version {
            Some(version) => watch(&client, &namespace, watched, version, &shared, &mut failures).await,
            None => match list(&client, &namespace, watched).await {
                Ok((objects, listed)) => {
                    shared.apply(watched, Change::Replaced(objects));
                    shared.set_watch_problem(watched, None);
                    version = Some(listed);
                    continue;
                }
                Err(error) => Err(error),
            },
        };
        match result {
            Ok(events) => {
                version = None;
                // One that brings nothing is not begun again at once.
                if events == 0 {
                    tokio::time::sleep(FIRST_WAIT).await;
                }
            }
            Err(WatchError::Gone) => {
                tracing::debug!(watched = watched.plural(), "settings are listed again");
                version = None;
                tokio::time::sleep(wait_after(failures)).await;
                failures += 1;
            }
            Err(error) => {
                failures += 1;
                if !error.is_answer() {
                    version = None;
                }
                if failures > QUIET_FAILURES {
                    let problem = format!(
                        "they cannot be watched in namespace {namespace}: {error}; the last good ones stay in force"
                    );
                    shared.set_watch_problem(watched, Some(problem));
                }
                tracing::warn!(watched = watched.plural(), attempt = failures, error = %error, "watch of settings failed");
                tokio::time::sleep(wait_after(failures)).await;
            }
        }
    }
}

/// One watch, to its end. Gives the number of events.
async fn watch(
    client: &Client,
    namespace: &str,
    watched: Watched,
    version: &mut String,
    shared: &Shared,
    failures: &mut u32,
) -> Result<usize, WatchError> {
    let query = format!(
        "watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={}",
        percent_encoded(version)
    );
    let until = Instant::now() + Duration::from_secs(WATCH_SECONDS) + GRACE;
    let opened = client.request_events::<Value>(get(namespace, watched, &query)?);
    let Ok(events) = tokio::time::timeout_at(until, opened).await else { return Ok(0) };
    let events = events?;
    let mut events = std::pin::pin!(events);
    let mut count = 0;
    while let Ok(Some(event)) = tokio::time::timeout_at(until, events.next()).await {
        let (seen, change) = match event? {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                (version_of(&object), Some(Change::Set(object)))
            }
            WatchEvent::Deleted(object) => (version_of(&object), Some(Change::Removed(object))),
            WatchEvent::Bookmark(bookmark) => (Some(bookmark.metadata.resource_version), None),
            WatchEvent::Error(status) => return Err(kube::Error::Api(status).into()),
        };
        if let Some(change) = change {
            shared.apply(watched, change);
        }
        if let Some(seen) = seen {
            *version = seen;
        }
        count += 1;
        *failures = 0;
        shared.set_watch_problem(watched, None);
    }
    Ok(count)
}

fn version_of(object: &Value) -> Option<String> {
    object.get("metadata")?.get("resourceVersion")?.as_str().map(str::to_owned)
}

fn wait_after(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << failures.min(10)).min(LONGEST_WAIT)
}

fn get(namespace: &str, watched: Watched, query: &str) -> Result<http::Request<Vec<u8>>, WatchError> {
    let selector = match watched {
        Watched::ConfigMaps => String::new(),
        Watched::Secrets => SECRETS.to_owned(),
        Watched::OwnSecrets => OWN_SECRETS.to_owned(),
        Watched::ServerTls => format!("fieldSelector=metadata.name%3D{SERVER_TLS}"),
    };
    let uri =
        format!("/api/v1/namespaces/{}/{}?{selector}&{query}", percent_encoded(namespace), watched.plural());
    let request = http::Request::get(uri.replace("?&", "?")).body(Vec::new());
    request.map_err(|error| WatchError::Request(Box::new(kube::Error::HttpError(error))))
}

/// Everything but letters, digits and `-._~`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
