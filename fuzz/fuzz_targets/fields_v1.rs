//! `fieldsV1` from a stranger: read, written and read again it is the same set.
#![no_main]

use libfuzzer_sys::fuzz_target;
use merge::FieldSet;

fuzz_target!(|data: &[u8]| {
    let Ok(value) = serde_json::from_slice(data) else { return };
    let Ok(set) = FieldSet::from_fields_v1(&value) else { return };
    assert!(set.union(&set) == set, "a set and itself are the set");
    for path in set.paths() {
        assert!(set.contains(&path), "{path:?}");
    }
    let again = FieldSet::from_fields_v1(&set.to_fields_v1());
    assert_eq!(again.as_ref(), Ok(&set));
});
