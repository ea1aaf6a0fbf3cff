//! Scripts from a stranger: each ends within its limits, with an answer or an error.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(script) = std::str::from_utf8(data) else { return };
    let value = serde_json::json!({"apiVersion": "g/v1", "kind": "K", "metadata": {"name": "n"},
        "status": {"phase": "Up", "conditions": [{"type": "Ready", "status": "True"}]}});
    let Ok(object) = resource::Object::from_value(value) else { return };
    // Steps end a run long before time does.
    let limits = lua::Limits { time: Duration::from_secs(60), instructions: 200_000, memory: 8 << 20, result: 1 << 16 };
    let world = lua::World { open_libs: true, now: 1_700_000_000, limits };
    let _ = (lua::check(script), lua::value(script, &object, &world));
    let _ = (lua::health(script, &object, &world), lua::actions(script, &object, &world));
});
