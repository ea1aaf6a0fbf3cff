use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::kinds::Kind;
use super::nodes::NodeOptions;
use super::store::{Id, Store};
use super::value;

/// One write to the API server.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    /// Create the object; that it exists already is no error.
    Create(Kind, Value),
    /// Replace the status of the object, which is given whole, under its resourceVersion.
    Status(Kind, Value),
    /// Merge-patch an object under the uid and resourceVersion that it was seen with.
    Patch(Kind, Value, Value),
    /// Delete an object as it was seen (uid), with a grace period in seconds where one is given.
    Delete(Kind, Value, Option<u32>),
    /// Bind a pod to a node.
    Bind(Value, String),
}

/// What one look at one object leads to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) actions: Vec<Action>,
    /// Look again after this long even if nothing happens.
    pub(super) again_after: Option<Duration>,
}

impl Plan {
    pub(super) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub(super) fn again(&mut self, after: Duration) {
        self.again_after = Some(self.again_after.map_or(after, |known| known.min(after)));
    }

    /// Replaces `object`'s status where it differs.
    pub(super) fn status(&mut self, kind: Kind, object: &Value, status: Value) {
        if !value::same(object.get("status").unwrap_or(&Value::Null), &status) {
            let mut changed = object.clone();
            value::set(&mut changed, "status", status);
            self.act(Action::Status(kind, changed));
        }
    }
}

/// When each (uid, stage) is over: simulated delays survive from one look to the next.
pub(super) type Deadlines = BTreeMap<(String, &'static str), Instant>;

/// What a controller decides from.
pub(super) struct Cx<'a> {
    pub(super) store: &'a Store,
    /// Wall clock.
    pub(super) now: Timestamp,
    /// For simulated delays.
    pub(super) instant: Instant,
    pub(super) deadlines: &'a RefCell<Deadlines>,
    pub(super) nodes: Option<&'a NodeOptions>,
}

impl Cx<'_> {
    /// The wall clock's time as the API writes it.
    pub(super) fn stamp(&self) -> String {
        value::stamp(self.now)
    }

    /// Whether `delay` has passed since this was first asked for the object and stage; if not, `plan` is to look
    /// again then.
    pub(super) fn waited(
        &self,
        plan: &mut Plan,
        object: &Value,
        stage: &'static str,
        delay: Duration,
    ) -> bool {
        if delay.is_zero() {
            return true;
        }
        let mut deadlines = self.deadlines.borrow_mut();
        let key = (value::uid(object).to_owned(), stage);
        let deadline = *deadlines.entry(key).or_insert(self.instant + delay);
        let left = deadline.saturating_duration_since(self.instant);
        if !left.is_zero() {
            plan.again(left);
        }
        left.is_zero()
    }

    /// Seconds from a time in an object until now; negative for the future.
    pub(super) fn seconds_since(&self, time: Timestamp) -> i64 {
        self.now.as_second() - time.as_second()
    }
}

/// The object of another kind that has something to say about `id`: its controller looks again when that changes.
pub(super) type Related = fn(&Store, Kind, &Value) -> Vec<Id>;
