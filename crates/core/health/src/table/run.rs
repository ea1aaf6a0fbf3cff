//! Runs the lines of a rule over an object.

use resource::Object;
use serde_json::Value;

use super::Step;
use crate::Health;

/// What paths are read in.
#[derive(Clone)]
pub(crate) struct Scope<'a> {
    pub(super) object: &'a Object,
    /// Items of the `each` lines around, innermost last.
    items: Vec<&'a Value>,
    /// The condition that a test has found.
    bound: Option<&'a Value>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(object: &'a Object) -> Self {
        Self { object, items: Vec::new(), bound: None }
    }

    pub(super) fn item(&self) -> Option<&'a Value> {
        self.bound.or_else(|| self.in_each())
    }

    pub(super) fn in_each(&self) -> Option<&'a Value> {
        self.items.last().copied()
    }

    pub(super) fn outer(&self) -> Option<&'a Value> {
        self.items.iter().rev().nth(1).copied()
    }

    pub(super) fn bind(&mut self, condition: &'a Value) {
        self.bound = Some(condition);
    }

    fn within(&self, item: &'a Value) -> Self {
        let mut items = self.items.clone();
        items.push(item);
        Self { object: self.object, items, bound: None }
    }
}

/// The answer of the first line that holds.
pub(super) fn steps(body: &[Step], scope: &Scope<'_>) -> Option<Health> {
    body.iter().find_map(|step| match step {
        Step::Say { status, text, when } => {
            when.holds(scope).map(|scope| Health::new(*status, text.fill(&scope)))
        }
        Step::When { when, body } => when.holds(scope).and_then(|scope| steps(body, &scope)),
        Step::Code { function, args } => function(scope.object, args),
        Step::Each { list, by, body } => {
            let mut items: Vec<&Value> = match list.get(scope) {
                Some(Value::Array(items)) => items.iter().collect(),
                Some(Value::Object(map)) => map.values().collect(),
                _ => Vec::new(),
            };
            if let Some(field) = by {
                // Items without the field go last.
                let key = |item: &&Value| item.get(field).and_then(Value::as_str).map(str::to_owned);
                items.sort_by_key(|item| (key(item).is_none(), key(item)));
            }
            items.into_iter().find_map(|item| steps(body, &scope.within(item)))
        }
    })
}
