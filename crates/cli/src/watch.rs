//! Follows one Application, whatever happens to the connection.

use std::time::Duration;

use api::Application;
use futures::StreamExt;
use serde_json::Value;

use crate::failure::{Failure, Kind};
use crate::name::AppName;
use crate::store::{Event, Events, Store, parse};

/// Pause before a connection that was lost is made again.
const PAUSE: Duration = Duration::from_millis(500);
/// Attempts in a row without an answer after which one gives up.
const ATTEMPTS: usize = 20;

/// What became of the application.
#[derive(Debug)]
pub(crate) enum Seen {
    /// It is, or has become, this.
    Is(Box<Application>),
    /// It is not there any more.
    Gone,
}

/// A watch on one Application that begins with what is there.
pub(crate) struct Follow {
    store: Store,
    name: AppName,
    events: Option<Events>,
    last: String,
    failures: usize,
}

impl Follow {
    pub(crate) fn new(store: Store, name: AppName) -> Self {
        Self { store, name, events: None, last: String::new(), failures: 0 }
    }

    /// The next state; safe to drop and to ask again. **Errors**: what a repetition cannot mend, and no answer for ten
    /// seconds.
    pub(crate) async fn next(&mut self) -> Result<Seen, Failure> {
        loop {
            let Some(events) = &mut self.events else {
                if let Some(seen) = self.connect().await? {
                    return Ok(seen);
                }
                continue;
            };
            match events.next().await {
                Some(Event::Is(value)) => {
                    if self.is_news(&value) {
                        return Ok(Seen::Is(Box::new(parse(value)?)));
                    }
                }
                Some(Event::Gone) => {
                    self.events = None;
                    return Ok(Seen::Gone);
                }
                Some(Event::Lost) | None => {
                    self.events = None;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Reads the application and watches from there. The answer is what it found, if that is news.
    async fn connect(&mut self) -> Result<Option<Seen>, Failure> {
        let (value, events) = match self.try_connect().await {
            Ok(connected) => connected,
            Err(failure) if failure.kind == Kind::Unreachable && self.failures < ATTEMPTS => {
                self.failures += 1;
                tokio::time::sleep(PAUSE).await;
                return Ok(None);
            }
            Err(failure) => return Err(failure),
        };
        self.failures = 0;
        self.events = events;
        let Some(value) = value else { return Ok(Some(Seen::Gone)) };
        if self.is_news(&value) { Ok(Some(Seen::Is(Box::new(parse(value)?)))) } else { Ok(None) }
    }

    async fn try_connect(&self) -> Result<(Option<Value>, Option<Events>), Failure> {
        let Some(value) = self.store.find(&self.name).await? else { return Ok((None, None)) };
        let version = value["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        let events = self.store.watch(&self.name, version).await?;
        Ok((Some(value), Some(events)))
    }

    fn is_news(&mut self, value: &Value) -> bool {
        let version = value["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        let news = version.is_empty() || version != self.last;
        version.clone_into(&mut self.last);
        news
    }
}
