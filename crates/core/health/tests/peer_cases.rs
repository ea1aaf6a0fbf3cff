//! The peer's own cases, where the shared corpus lies beside the checkout.

use resource::Object;
use serde_json::Value;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/parity/health/cases.jsonl");

#[test]
fn answers_as_the_peer_does() {
    let Ok(cases) = std::fs::read_to_string(CASES) else {
        println!("skipped: the shared health cases are absent");
        return;
    };
    let mut judged = 0;
    for line in cases.lines().filter(|line| !line.is_empty()) {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |pointer: &str| case.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let name = format!("{} {}", text("/groupKind"), text("/case"));
        let input = goyaml::parse_one(text("/input").as_bytes(), &goyaml::Limits::default()).expect(&name);
        let health = health::by_rule(&Object::from_value(input).expect(&name)).expect(&name);
        let expected = (text("/expected/status"), text("/expected/message"));
        assert_eq!((health.status.as_str(), health.message.as_str()), expected, "{name}");
        judged += 1;
    }
    println!("{judged} cases of the peer agree");
}
