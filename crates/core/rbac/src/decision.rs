//! What was decided, and by which line.

use std::fmt;
use std::sync::Arc;

use crate::csv;
use crate::permission::Permission;
use crate::problem::Place;

/// A line that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    order: u64,
    place: Place,
    text: String,
}

impl Rule {
    pub(crate) fn new(order: u64, place: Place, text: String) -> Self {
        Self { order, place, text }
    }

    pub(crate) fn order(&self) -> u64 {
        self.order
    }

    /// Where it stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The line, as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Somebody may do something. Only [`Policy`](crate::Policy) makes one, so that who holds it has been permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub(crate) subject: String,
    pub(crate) through: Option<String>,
    pub(crate) permission: Permission,
    pub(crate) rule: Arc<Rule>,
}

impl Decision {
    /// Who; empty for nobody in particular.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The group or the default role that it was permitted to, where not to the subject itself.
    pub fn through(&self) -> Option<&str> {
        self.through.as_deref()
    }

    /// What.
    pub fn permission(&self) -> &Permission {
        &self.permission
    }

    /// The line that allows it.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }
}

/// Nobody permitted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied(pub(crate) Box<Refusal>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) subject: String,
    pub(crate) permission: Permission,
    pub(crate) default_role: Option<String>,
    pub(crate) by: Option<Arc<Rule>>,
}

impl Denied {
    /// What was asked for.
    pub fn permission(&self) -> &Permission {
        &self.0.permission
    }

    /// Who asked; empty for nobody in particular.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The line that denies it to the user or a role of the user, where there is one. Another line cannot help then.
    pub fn rule(&self) -> Option<&Rule> {
        self.0.by.as_deref()
    }

    /// A line that would permit it: `p, alice, applications, sync, demo/guestbook, allow`. For those who may see the policy only.
    pub fn missing_line(&self) -> String {
        let subject = match (self.0.subject.as_str(), &self.0.default_role) {
            ("", Some(role)) => role,
            ("", None) => "<policy.default>",
            (name, _) => name,
        };
        let permission = &self.0.permission;
        let action = permission.action.text();
        let (resource, object) = (permission.resource.as_str(), permission.object.as_str());
        csv::line(&["p", subject, resource, &action, object, "allow"])
    }
}

/// The peer's text, which says what the user has asked for and nothing else: `permission denied: applications, get, demo/web, sub: ann`.
impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "permission denied: {}", self.0.permission)?;
        if self.0.subject.is_empty() { Ok(()) } else { write!(f, ", sub: {}", self.0.subject) }
    }
}

impl std::error::Error for Denied {}
