//! What an update of an object is judged by: `ignoreResourceUpdates`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use resource::Object;
use serde_json::Value;

use crate::ignored;
use crate::path;
use crate::rules::Rules;

/// Fields of `metadata` that each write changes.
const BOOKKEEPING: [&str; 3] = ["resourceVersion", "generation", "managedFields"];

/// A hash of what an update of an object is judged by: two states with the same one differ in nothing but what the rules name, the
/// status, and the server's bookkeeping. `None` where no rule is about the object or one cannot be evaluated on it, so that any update
/// counts.
///
/// **Source**: the peer's hash of a manifest for `ignoreResourceUpdates`, which leaves out `resourceVersion`, `generation` and
/// `managedFields`, and `status` where a rule says so; ours always leaves it out, for what it says is judged as health.
pub fn update_hash(live: &Object, rules: &Rules) -> Option<u64> {
    rules.of(live).next()?;
    let mut value = live.to_value();
    let (places, problem) = ignored::all_places(&value, live, Some(live), rules);
    if problem.is_some() {
        return None;
    }
    path::remove(&mut value, &places);
    let map = value.as_object_mut()?;
    map.remove("status");
    if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
        BOOKKEEPING.iter().for_each(|field| drop(metadata.remove(*field)));
    }
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    Some(hasher.finish())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::IgnoreRule;

    fn object(change: impl FnOnce(&mut Value)) -> Object {
        let mut value = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "resourceVersion": "1", "annotations": {"leader": "x", "other": "y"},
                "managedFields": [{"manager": "m"}]},
            "data": {"k": "1", "seen": "1"}});
        change(&mut value);
        Object::from_value(value).unwrap()
    }

    #[test]
    fn an_update_is_judged_by_what_no_rule_names() {
        let rule = IgnoreRule {
            kind: "ConfigMap".to_owned(),
            json_pointers: vec!["/data/seen".to_owned()],
            jq_path_expressions: vec![".metadata.annotations.leader".to_owned()],
            ..IgnoreRule::default()
        };
        let (rules, problems) = Rules::compile_updates(std::slice::from_ref(&rule));
        assert_eq!(problems, []);
        let before = update_hash(&object(|_| {}), &rules);
        assert!(before.is_some());
        type Change = fn(&mut Value);
        for (row, change, same) in [
            ("a pointer", (|v| v["data"]["seen"] = json!("2")) as Change, true),
            ("an expression", |v| v["metadata"]["annotations"]["leader"] = json!("z"), true),
            ("both, gone", |v| v["data"] = json!({"k": "1"}), true),
            ("bookkeeping", |v| v["metadata"]["resourceVersion"] = json!("2"), true),
            ("who manages", |v| v["metadata"]["managedFields"] = json!([]), true),
            ("the status", |v| v["status"] = json!({"a": 1}), true),
            ("other data", |v| v["data"]["k"] = json!("2"), false),
            ("another annotation", |v| v["metadata"]["annotations"]["other"] = json!("z"), false),
            ("it is on its way out", |v| v["metadata"]["deletionTimestamp"] = json!("t"), false),
        ] {
            assert_eq!(update_hash(&object(change), &rules) == before, same, "{row}");
        }

        let (others, _) = Rules::compile_updates(&[IgnoreRule { kind: "Secret".to_owned(), ..rule.clone() }]);
        assert_eq!(update_hash(&object(|_| {}), &others), None, "no rule is about it");
        let endless = "(., .) | ".repeat(40) + "select(false)";
        let (rules, _) = Rules::compile_updates(&[IgnoreRule { jq_path_expressions: vec![endless], ..rule }]);
        let rules = rules.with_jq_steps(1_000);
        assert_eq!(update_hash(&object(|_| {}), &rules), None, "a rule runs out of its budget");
    }
}
