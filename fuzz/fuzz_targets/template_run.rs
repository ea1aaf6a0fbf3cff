//! Running a template ends within its budget, never panics, and gives the same twice.
#![no_main]

use gotemplate::{Budget, Functions, Limits, Numbers, Run, Templates, Value};
use libfuzzer_sys::fuzz_target;

const DATA: &str = r#"{"s": "text", "n": 3, "f": 1.5, "b": true, "z": 0, "e": "", "nil": null, "l": [1, "a", null, [2, 3]],
    "m": {"a": 1, "b": {"c": "deep"}, "n": null}, "u": "é☺", "big": 1e21}"#;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut templates = Templates::new(Functions::builtin());
    if templates.parse("t", text).is_err() {
        return;
    }
    let json = serde_json::from_str(DATA).expect("the data is JSON");
    let limits = Limits { steps: 20_000, output: 1 << 18, allocated: 1 << 20, depth: 50 };
    let run = |numbers| {
        let data = Value::from_json(&json, numbers).expect("the data is flat");
        let result = templates.execute(&mut Run::new(Budget::new(limits.clone())), "t", &data);
        if let Ok(text) = &result {
            // What is no UTF-8 becomes up to three bytes for one.
            assert!(text.len() as u64 <= 3 * limits.output);
        }
        result
    };
    assert_eq!(run(Numbers::Int), run(Numbers::Int));
    let _ = run(Numbers::Float);
});
