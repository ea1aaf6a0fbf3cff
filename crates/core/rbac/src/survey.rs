//! One question about many objects.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::permission::{Object, Resource};
use crate::policy::Policy;
use crate::subject::Subject;
use crate::table::{Lines, Verdict, judge};

/// What is asked for one name.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    /// The default role or the group that is asked, where it is not the subject itself.
    pub(crate) through: Option<&'a str>,
    pub(crate) lines: Vec<&'a Lines>,
}

/// See [`Policy::survey`].
#[derive(Debug)]
pub struct Survey<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) subject: &'a Subject,
    pub(crate) resource: Resource,
    pub(crate) action: Cow<'a, str>,
    /// What is asked in each project that has come up.
    pub(crate) asks: BTreeMap<String, Vec<Ask<'a>>>,
}

impl Survey<'_> {
    /// Whether the action may be done to this object.
    pub fn allows(&mut self, object: &Object) -> bool {
        let project = self.resource.project_of(object);
        let key = project.unwrap_or_default();
        if !self.asks.contains_key(key) {
            let asks = self.policy.asks(self.subject, project, self.resource).collect();
            self.asks.insert(key.to_owned(), asks);
        }
        let allows =
            |ask: &Ask<'_>| matches!(judge(&ask.lines, &self.action, object.as_str()), Verdict::Allowed(_));
        self.asks.get(key).is_some_and(|asks| asks.iter().any(allows))
    }
}
