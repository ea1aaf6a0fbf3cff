use std::time::Duration;

use regex::Regex;

use crate::audit::RequestRecord;

/// What goes wrong, and when: the first rule that matches a request and is due acts on it.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// In order of precedence.
    pub rules: Vec<FaultRule>,
}

impl Faults {
    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, rule: FaultRule) -> Self {
        self.rules.push(rule);
        self
    }
}

/// Which requests a fault meets. It counts the requests that match: the first `skip` pass, the next `times` are met.
#[derive(Debug, Clone)]
pub struct FaultRule {
    /// Verb as in [`RequestRecord::verb`]; any, if `None`.
    pub verb: Option<String>,
    /// Resource as in [`RequestRecord::resource`]; any, if `None`.
    pub resource: Option<String>,
    /// A search in the path with its query; any, if `None`.
    pub path: Option<Regex>,
    /// How many matching requests pass first.
    pub skip: u64,
    /// How many are met after those; all, if `None`.
    pub times: Option<u64>,
    /// What happens to them.
    pub action: FaultAction,
}

impl FaultRule {
    /// A rule for every request.
    pub fn new(action: FaultAction) -> Self {
        Self { verb: None, resource: None, path: None, skip: 0, times: None, action }
    }

    /// Only requests with this verb.
    #[must_use]
    pub fn verb(mut self, verb: &str) -> Self {
        self.verb = Some(verb.to_owned());
        self
    }

    /// Only requests for this resource.
    #[must_use]
    pub fn resource(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    /// Only requests whose path and query match.
    #[must_use]
    pub fn path(mut self, path: Regex) -> Self {
        self.path = Some(path);
        self
    }

    /// Lets the first `count` matching requests pass.
    #[must_use]
    pub fn skip(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// Meets at most `count` requests.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.times = Some(count);
        self
    }

    fn matches(&self, request: &RequestRecord) -> bool {
        self.verb.as_ref().is_none_or(|v| *v == request.verb)
            && self.resource.as_ref().is_none_or(|r| *r == request.resource)
            && self.path.as_ref().is_none_or(|p| p.is_match(&request.path))
    }
}

/// What a fault does.
#[derive(Debug, Clone)]
pub enum FaultAction {
    /// Answers with this HTTP status and the Status that belongs to it (401, 403, 404, 409, 410, 429, 5xx), before
    /// anything is done.
    Refuse {
        /// HTTP status.
        status: u16,
        /// `Retry-After`, in seconds.
        retry_after: Option<u32>,
    },
    /// Breaks the connection before anything is done.
    Reset,
    /// Does what was asked and breaks the connection instead of answering.
    ResetAfterCommit,
    /// Never answers; nothing is done.
    Hang,
    /// Waits before the request is looked at.
    Delay(Duration),
    /// A watch ends, without a word, after so many events.
    EndWatchAfter(u64),
    /// A watch loses its n-th event (from 1), silently.
    LoseEvent(u64),
    /// A watch gives every event twice.
    RepeatEvents,
    /// A watch gives every event so much later.
    DelayEvents(Duration),
    /// A watch gets the `ERROR` event of an expired resourceVersion after so many events.
    ExpireWatchAfter(u64),
}

#[derive(Debug, Default)]
pub(crate) struct FaultState {
    rules: Vec<(FaultRule, u64)>,
}

impl FaultState {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { rules: faults.rules.into_iter().map(|rule| (rule, 0)).collect() }
    }

    /// What happens to this request, if anything.
    pub(crate) fn meet(&mut self, request: &RequestRecord) -> Option<FaultAction> {
        for (rule, seen) in &mut self.rules {
            if !rule.matches(request) {
                continue;
            }
            *seen += 1;
            let due = *seen > rule.skip && rule.times.is_none_or(|times| *seen - rule.skip <= times);
            if due {
                return Some(rule.action.clone());
            }
        }
        None
    }
}
