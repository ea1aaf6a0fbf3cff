use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::sync::mpsc::Sender;

use super::kinds::Kind;
use super::store::{Id, id};
use super::value::{text, uid};

/// Objects a page of a list.
const PAGE: usize = 500;
/// A watch is asked to end after so many seconds and is then begun anew.
const WATCH_SECONDS: u32 = 290;
/// Pause after a failed list or watch.
const RETRY: Duration = Duration::from_millis(200);

/// News about one kind.
#[derive(Debug)]
pub(super) enum News {
    /// An object as it is now.
    Is(Kind, Arc<Value>),
    /// An object that is gone, with its uid: another may have its name by now.
    Gone(Kind, Id, String),
    /// All that there is of a kind; what is not among them is gone.
    All(Kind, BTreeSet<Id>),
}

/// Lists and watches a kind for ever; ends when the receiver does.
pub(super) async fn reflect(client: kube::Client, kind: Kind, agent: &'static str, news: Sender<News>) {
    let mut version: Option<String> = None;
    loop {
        let from = match version.take() {
            Some(version) => version,
            None => match list(&client, kind, agent, &news).await {
                Ok(version) => version,
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, kind = ?kind, "could not list");
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            },
        };
        match watch(&client, kind, agent, from, &news).await {
            Ok(last) => version = Some(last),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, kind = ?kind, "watch broke");
                tokio::time::sleep(RETRY).await;
            }
        }
        if news.is_closed() {
            return;
        }
    }
}

async fn list(
    client: &kube::Client,
    kind: Kind,
    agent: &str,
    news: &Sender<News>,
) -> Result<String, kube::Error> {
    let mut seen = BTreeSet::new();
    let mut token = String::new();
    loop {
        let uri = format!("{}?limit={PAGE}{token}", kind.collection());
        let mut page: Value = client.request(get(&uri, agent)?).await?;
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            for mut item in items {
                // Items of a list do not say what they are.
                super::value::set(&mut item, "apiVersion", kind.api_version());
                super::value::set(&mut item, "kind", kind.name());
                seen.insert(id(&item));
                news.send(News::Is(kind, Arc::new(item))).await.ok();
            }
        }
        let next = text(&page, "/metadata/continue");
        if next.is_empty() {
            news.send(News::All(kind, seen)).await.ok();
            return Ok(text(&page, "/metadata/resourceVersion").to_owned());
        }
        token = format!("&continue={next}");
    }
}

/// Returns the last resourceVersion when the server ends the watch, an error when there must be a new list.
async fn watch(
    client: &kube::Client,
    kind: Kind,
    agent: &str,
    mut version: String,
    news: &Sender<News>,
) -> Result<String, kube::Error> {
    let uri = format!(
        "{}?watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={version}",
        kind.collection()
    );
    let stream = client.request_events::<Value>(get(&uri, agent)?).await?;
    let mut stream = pin!(stream);
    while let Some(event) = stream.next().await {
        let object = match event? {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                let object = Arc::new(object);
                news.send(News::Is(kind, Arc::clone(&object))).await.ok();
                object
            }
            WatchEvent::Deleted(object) => {
                news.send(News::Gone(kind, id(&object), uid(&object).to_owned())).await.ok();
                Arc::new(object)
            }
            WatchEvent::Bookmark(bookmark) => {
                version = bookmark.metadata.resource_version;
                continue;
            }
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
        };
        version = text(&object, "/metadata/resourceVersion").to_owned();
    }
    Ok(version)
}

/// A GET request that says who asks.
fn get(uri: &str, agent: &str) -> Result<http::Request<Vec<u8>>, kube::Error> {
    http::Request::get(uri)
        .header(http::header::USER_AGENT, agent)
        .body(Vec::new())
        .map_err(kube::Error::HttpError)
}
