//! The places of an object that the rules take out of the comparison.

use merge::{FieldSet, PathElement};
use resource::Object;
use serde_json::Value;

use crate::apply::is_aggregated;
use crate::managed;
use crate::path::{self, Step};
use crate::rules::{RuleProblem, Rules};

/// The ignored places in `value`, which is one side of a comparison. `subject` says which rules apply, `live` who
/// manages what. Problems are rules that could not be evaluated on this value.
pub(crate) fn places(
    value: &Value,
    subject: &Object,
    live: Option<&Object>,
    rules: &Rules,
) -> (Vec<Vec<Step>>, Option<RuleProblem>) {
    let (mut places, problem) = all_places(value, subject, live, rules);
    places.retain(|place| !identity(place));
    (places, problem)
}

/// As [`places`], with those that name the object.
pub(crate) fn all_places(
    value: &Value,
    subject: &Object,
    live: Option<&Object>,
    rules: &Rules,
) -> (Vec<Vec<Step>>, Option<RuleProblem>) {
    let (mut places, mut problem) = (Vec::new(), None);
    for rule in rules.of(subject) {
        places.extend(rule.pointers.iter().filter_map(|pointer| pointer.place(value)));
        for (label, expression) in &rule.expressions {
            match expression.paths(value, rules.jq_steps) {
                Ok(found) => places.extend(found),
                Err(reason) => problem = problem.or(Some(RuleProblem { rule: label.clone(), reason })),
            }
        }
        for entry in live.into_iter().flat_map(managed::entries) {
            if rule.managers.iter().any(|manager| manager == entry.manager())
                && let Some(fields) = entry.fields()
            {
                owned(&fields, value, &mut Vec::new(), &mut places);
            }
        }
    }
    let kind = subject.group_kind();
    let aggregated = value.as_object().is_some_and(|map| is_aggregated(&kind, map));
    if rules.options.ignore_aggregated_roles && aggregated {
        places.push(vec![Step::Field("rules".to_owned())]);
    }
    if rules.ignores_status(&kind) {
        places.push(vec![Step::Field("status".to_owned())]);
    }
    places.retain(|place| path::at(value, place).is_some());
    (places, problem)
}

/// What names an object cannot be ignored: without it there would be nothing to compare.
fn identity(place: &[Step]) -> bool {
    let fields: Vec<&str> = place
        .iter()
        .map(|step| match step {
            Step::Field(name) => name.as_str(),
            Step::Index(_) => "",
        })
        .collect();
    matches!(
        fields.as_slice(),
        [] | ["apiVersion" | "kind" | "metadata"] | ["metadata", "name" | "namespace"]
    )
}

/// The outermost places below which a manager owns all that it owns; keys of list items stay, they tell the items apart.
fn owned(fields: &FieldSet, value: &Value, at: &mut Vec<Step>, places: &mut Vec<Vec<Step>>) {
    for node in fields.nodes() {
        let Some((index, child)) = path::child(value, &node.element) else { continue };
        at.push(match &node.element {
            PathElement::Field(name) => Step::Field(name.clone()),
            PathElement::Key(_) | PathElement::Value(_) | PathElement::Index(_) => Step::Index(index),
        });
        if node.children.is_empty() {
            places.push(at.clone());
        } else if let PathElement::Key(keys) = &node.element {
            let before = places.len();
            owned(&node.children, child, at, places);
            let depth = at.len();
            let mut index = 0;
            places.retain(|place| {
                index += 1;
                let key = place.len() == depth + 1
                    && matches!(place.last(), Some(Step::Field(name)) if keys.contains_key(name));
                index <= before || !key
            });
        } else {
            owned(&node.children, child, at, places);
        }
        at.pop();
    }
}

/// Rules that cannot be evaluated on this object: they name a condition, and nothing is ignored by them.
pub fn run_problems(object: &Object, rules: &Rules) -> Option<RuleProblem> {
    places(&object.to_value(), object, None, rules).1
}
