//! What the peer's scripts (argo-cd 3.6.0) said of objects made for them: a handful for each kind that has one.

use resource::Object;
use serde_json::Value;

#[test]
fn objects_are_judged_as_by_the_peers_scripts() {
    let mut differences = Vec::new();
    for line in include_str!("cases/peer.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| case.get(name).and_then(Value::as_str).unwrap_or_default();
        let object = case.get("object").cloned().unwrap_or_default();
        let health = health::by_rule(&Object::from_value(object.clone()).expect(line));
        let ours = health.map(|health| (health.status.to_string(), health.message)).unwrap_or_default();
        let theirs = (text("status").to_owned(), text("message").to_owned());
        if ours != theirs {
            differences
                .push(format!("{}\n  {object}\n  theirs: {theirs:?}\n  ours:   {ours:?}", text("kind")));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}
