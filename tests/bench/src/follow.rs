//! The Applications' states as a user sees them, followed by one watch.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use futures::TryStreamExt as _;
use http::Request;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::workload::NAMESPACE;

/// How an Application stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) synced: bool,
    /// No operation is under way, and the last one went well.
    pub(crate) settled: bool,
    pub(crate) revision: String,
    pub(crate) conditions: String,
}

#[derive(Default)]
struct Seen {
    apps: Mutex<BTreeMap<String, Standing>>,
    changed: Notify,
}

/// Follows all Applications until it is dropped.
pub(crate) struct Follow {
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Follow {
    pub(crate) fn start(client: kube::Client) -> Self {
        let seen = Arc::new(Seen::default());
        let into = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                // A watch ends when its time is up; the next one tells everything anew.
                follow(&client, &into).await.ok();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Self { seen, task }
    }

    /// Waits until so many Applications are there and all are as `wanted`; the time that this took.
    pub(crate) async fn until_all(
        &self,
        count: usize,
        at_most: Duration,
        wanted: impl Fn(&Standing) -> bool,
    ) -> Result<Duration> {
        let begin = Instant::now();
        loop {
            let changed = self.seen.changed.notified();
            let left = self.left(count, &wanted);
            let Some(left) = left else { return Ok(begin.elapsed()) };
            if begin.elapsed() > at_most {
                bail!("not within {at_most:?}: {left}");
            }
            // The timeout is for the case that nothing changes any more.
            tokio::time::timeout(Duration::from_secs(1), changed).await.ok();
        }
    }

    fn left(&self, count: usize, wanted: impl Fn(&Standing) -> bool) -> Option<String> {
        let apps = self.seen.apps.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting: Vec<_> = apps.iter().filter(|(_, standing)| !wanted(standing)).collect();
        if apps.len() >= count && waiting.is_empty() {
            return None;
        }
        Some(format!(
            "{} of {count} Applications seen, {} wait, such as {:?}",
            apps.len(),
            waiting.len(),
            waiting.first()
        ))
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(client: &kube::Client, seen: &Seen) -> Result<()> {
    let path = format!("/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications?watch=true");
    let request = Request::get(path).body(Vec::new())?;
    let mut events = std::pin::pin!(client.request_events::<Value>(request).await?);
    while let Some(event) = events.try_next().await? {
        let (WatchEvent::Added(app) | WatchEvent::Modified(app)) = event else { continue };
        let Some(name) = app.pointer("/metadata/name").and_then(Value::as_str) else { continue };
        let standing = standing(&app);
        let mut apps = seen.apps.lock().unwrap_or_else(PoisonError::into_inner);
        apps.insert(name.to_owned(), standing);
        drop(apps);
        seen.changed.notify_one();
    }
    Ok(())
}

fn standing(app: &Value) -> Standing {
    let status = &app["status"];
    let phase = &status["operationState"]["phase"];
    Standing {
        synced: status["sync"]["status"] == "Synced",
        settled: phase == "Succeeded" && app["operation"].is_null(),
        revision: status["sync"]["revision"].as_str().unwrap_or_default().to_owned(),
        conditions: status["conditions"].to_string(),
    }
}
