//! The exact difference after a dry run.

use merge::{Path, PathElement};
use resource::Object;
use serde_json::Value;

use crate::pair::Pair;
use crate::path::{identity, same_item};
use crate::rules::Rules;
use crate::verdict::{FieldDiff, Verdict, Why};
use crate::walk::MAX_DIFFS;

/// Compares live with what the server says that an apply would make of it.
///
/// **Shape.** Everything that the server keeps for itself (managed fields, versions, times) and everything ignored
/// aside, the two are compared value by value: both come from the server and are written its way. At most 200
/// differences are listed. A rule that could not be evaluated ignores nothing; when there is a difference then, the
/// answer is `AskServer` with the rule's name, for nobody can tell whether the difference counts.
pub fn compare_predicted(live: &Object, predicted: &Object, rules: &Rules) -> Verdict {
    let pair = Pair::new(predicted, live, rules);
    let mut diffs = Vec::new();
    value(&pair, &mut Vec::new(), Some(&pair.desired), Some(&pair.live), &mut diffs);
    match &pair.problem {
        _ if diffs.is_empty() => Verdict::Synced,
        Some(problem) => {
            Verdict::AskServer(Why::RuleFailed { rule: problem.rule.clone(), reason: problem.reason.clone() })
        }
        None => Verdict::OutOfSync(diffs),
    }
}

/// Lists the differences of two values at a path.
fn value(
    pair: &Pair<'_>,
    at: &mut Path,
    desired: Option<&Value>,
    live: Option<&Value>,
    diffs: &mut Vec<FieldDiff>,
) {
    let (desired, live) = (desired.filter(|value| !value.is_null()), live.filter(|value| !value.is_null()));
    if diffs.len() >= MAX_DIFFS || desired == live {
        return;
    }
    match (desired, live) {
        (Some(a), Some(b)) if merge::equal(a, b) => {}
        (Some(Value::Object(desired)), Some(Value::Object(live))) => {
            let gone = live.keys().filter(|name| !desired.contains_key(*name));
            for name in desired.keys().chain(gone) {
                at.push(PathElement::field(name));
                value(pair, at, desired.get(name), live.get(name), diffs);
                at.pop();
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => list(pair, at, a, b, diffs),
        (desired, live) => diffs.push(pair.diff(at, desired, live)),
    }
}

fn list(pair: &Pair<'_>, at: &mut Path, desired: &[Value], live: &[Value], diffs: &mut Vec<FieldDiff>) {
    let before = diffs.len();
    if let (Some(wanted), Some(has)) = (keys(desired), keys(live)) {
        for (key, item) in &wanted {
            at.push(key.clone());
            value(
                pair,
                at,
                Some(item),
                has.iter().find(|(other, _)| other == key).map(|(_, item)| *item),
                diffs,
            );
            at.pop();
        }
        for (key, item) in has.iter().filter(|(key, _)| !wanted.iter().any(|(other, _)| other == key)) {
            at.push(key.clone());
            value(pair, at, None, Some(item), diffs);
            at.pop();
        }
    } else if desired.len() == live.len() {
        for (index, (wanted, has)) in desired.iter().zip(live).enumerate() {
            at.push(PathElement::Index(index));
            value(pair, at, Some(wanted), Some(has), diffs);
            at.pop();
        }
    }
    // Another order, or another number of items that nothing tells apart.
    if diffs.len() == before {
        let (desired, live) = (Value::from(desired), Value::from(live));
        diffs.push(pair.diff(at, Some(&desired), Some(&live)));
    }
}

/// The items by their keys, where every item has the same ones and no two are equal.
fn keys(items: &[Value]) -> Option<Vec<(PathElement, &Value)>> {
    let names = identity(items.first()?.as_object()?)?;
    let mut keyed: Vec<(PathElement, &Value)> = Vec::with_capacity(items.len());
    for item in items {
        let map = item.as_object().filter(|map| identity(map) == Some(names))?;
        let own = names.iter().filter_map(|name| Some(((*name).to_owned(), map.get(*name)?.clone())));
        let key = PathElement::Key(own.collect());
        if keyed.iter().any(|(other, _)| *other == key) || same_item(items, item).is_none() {
            return None;
        }
        keyed.push((key, item));
    }
    Some(keyed)
}
