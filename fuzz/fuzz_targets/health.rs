//! Live objects from a stranger: every rule and every action has an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(data) else { return };
    let Ok(object) = resource::Object::from_value(value) else { return };
    let _ = (health::of(&object), health::by_rule(&object), health::in_code(&object), health::summary([&object]));
    for action in actions::discover(&object) {
        for change in actions::run(&object, &action.name, &[], actions::Moment("2026-01-02T03:04:05Z")).into_iter().flatten() {
            if let actions::Change::Patch(changed) = change {
                let _ = actions::patches(&object, &changed);
            }
        }
    }
});
