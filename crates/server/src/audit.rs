//! Who did what, and who wanted to: lines of the log with the target `audit`, and nothing else has it.
//!
//! A line says `user`, `from` (where the client is, as far as is known) and `decision`; what was done has `kind` and `object`, the `action` of the policy
//! and the `rule` that permits it; what was denied has the `method`. No line has a secret, or more of a request than names.

use std::borrow::Cow;
use std::net::IpAddr;

use rbac::Decision;
use tonic::{Code, Status};

use crate::door::Caller;

/// Why something may be done.
pub(crate) struct Right<'a> {
    action: Cow<'a, str>,
    rule: &'a str,
}

impl<'a> From<&'a Decision> for Right<'a> {
    fn from(decision: &'a Decision) -> Self {
        Self { action: decision.permission().action.text(), rule: decision.rule().text() }
    }
}

impl<'a> From<(&'a str, &'a str)> for Right<'a> {
    fn from((action, rule): (&'a str, &'a str)) -> Self {
        Self { action: action.into(), rule }
    }
}

/// Something was done to an object of this kind and name.
pub(crate) fn done<'a>(caller: &Caller, what: &str, (kind, object): (&str, &str), by: impl Into<Right<'a>>) {
    let Right { action, rule } = by.into();
    tracing::info!(
        target: "audit",
        user = caller.shown(),
        from = caller.visit.address.map(tracing::field::display),
        decision = "permitted",
        kind,
        object,
        action = %action,
        rule,
        "{what}"
    );
}

/// Somebody came in, or went.
pub(crate) fn session(user: &str, from: Option<IpAddr>, permitted: bool, what: &str) {
    let decision = if permitted { "permitted" } else { "denied" };
    tracing::info!(target: "audit", user, from = from.map(tracing::field::display), decision, "{what}");
}

/// Who asks, for a line after they are gone.
pub(crate) struct Who {
    user: String,
    from: Option<IpAddr>,
}

impl Who {
    pub(crate) fn of(caller: &Caller) -> Self {
        Self { user: caller.shown().to_owned(), from: caller.visit.address }
    }

    /// The same answer; one that something is not permitted is a line.
    pub(crate) fn told<T>(&self, method: &str, answer: Result<T, Status>) -> Result<T, Status> {
        if let Err(status) = &answer
            && status.code() == Code::PermissionDenied
        {
            tracing::info!(
                target: "audit",
                user = self.user,
                from = self.from.map(tracing::field::display),
                decision = "denied",
                method,
                "{}",
                status.message()
            );
        }
        answer
    }
}
