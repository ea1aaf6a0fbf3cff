//! Lines: what is live, what is applied. Applying the same twice changes nothing the second time.
#![no_main]

use fuzz::{type_of, values};
use libfuzzer_sys::fuzz_target;
use merge::Manager;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some([live, applied]) = values(data) else { return };
    let ty = type_of(&applied);
    let manager = Manager::apply("fuzz", "v1", "2026-01-01T00:00:00Z");
    let _ = merge::track_update(&ty, Some(&live), applied.clone(), &manager);
    let live = Some(&live).filter(|live| **live != Value::Null);
    let Ok(once) = merge::server_side_apply(&ty, live, &applied, &manager, true) else { return };
    // An object whose fields nobody owns any more counts as never applied, and the next apply says so in its record.
    if merge::managed_fields(&once).is_ok_and(|entries| entries.is_empty()) {
        return;
    }
    match merge::server_side_apply(&ty, Some(&once), &applied, &manager, false) {
        Ok(twice) => assert_eq!(once, twice),
        Err(error) => panic!("applied once, refused twice: {error}"),
    }
});
