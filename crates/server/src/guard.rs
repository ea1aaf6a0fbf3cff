//! Who asks, and what the policy lets them do.

use std::sync::Arc;

use rbac::{Action, Decision, Object, Permission, Policy, Resource, Subject, Survey};
use tonic::Status;

/// One who asks, with the policy as it is now. What is kept of objects is had through one of these only.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    subject: Subject,
    policy: Arc<Policy>,
}

impl Guard {
    pub(crate) fn new(subject: Subject, policy: Arc<Policy>) -> Self {
        Self { subject, policy }
    }

    /// The same one under another policy.
    pub(crate) fn under(&self, policy: Arc<Policy>) -> Self {
        Self { subject: self.subject.clone(), policy }
    }

    /// Who asks, as a text that is the same for all who are the same to every policy.
    pub(crate) fn who(&self) -> String {
        format!("{:?}", self.subject)
    }

    /// The policy that it asks.
    pub(crate) fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Whether one of these groups is the caller's, as their identity provider says.
    pub(crate) fn is_in(&self, groups: &[String]) -> bool {
        let bare = |group: &String| group.trim().trim_matches('"').to_owned();
        groups.iter().any(|group| self.subject.groups().contains(&bare(group)))
    }

    /// Whether this may be done.
    pub(crate) fn may(&self, resource: Resource, action: Action, object: Object) -> Option<Decision> {
        self.policy.decide(&self.subject, Permission::new(resource, action, object)).ok()
    }

    /// The same question about many objects.
    pub(crate) fn survey<'a>(&'a self, resource: Resource, action: &'a Action) -> Survey<'a> {
        self.policy.survey(&self.subject, resource, action)
    }

    /// As [`Self::may`]; the error says what is missing, in the peer's words.
    pub(crate) fn decide(
        &self,
        resource: Resource,
        action: Action,
        object: Object,
    ) -> Result<Decision, Status> {
        let decided = self.policy.decide(&self.subject, Permission::new(resource, action, object));
        decided.map_err(|denied| Status::permission_denied(denied.to_string()))
    }
}

/// What is said of that which is not there or not to be seen, which must not differ.
pub(crate) fn denied() -> Status {
    Status::permission_denied("permission denied")
}
