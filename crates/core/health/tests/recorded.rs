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

/// Whatever stands where a rule looks, there is an answer.
#[test]
fn odd_values_have_answers() {
    let odd = [
        Value::Null,
        Value::from(-7),
        Value::from("ä\u{1f600}"),
        Value::from(true),
        serde_json::json!([null, 7]),
        serde_json::json!({"a": {}}),
    ];
    let mut judged = 0;
    for line in include_str!("cases/peer.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let object = case.get("object").cloned().unwrap_or_default();
        let mut places = Vec::new();
        pointers(&object, String::new(), &mut places);
        for place in places.iter().filter(|place| place.starts_with("/status") || place.starts_with("/spec"))
        {
            for value in &odd {
                let mut changed = object.clone();
                changed.pointer_mut(place).unwrap().clone_from(value);
                let health = health::by_rule(&Object::from_value(changed).unwrap());
                judged += usize::from(health.is_some());
            }
        }
    }
    assert!(judged > 50_000, "{judged}");
}

fn pointers(value: &Value, at: String, places: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        _ => Vec::new(),
    };
    for (name, child) in children {
        pointers(child, format!("{at}/{name}"), places);
    }
    places.push(at);
}
