//! Lines: an object, another, a patch. Patches of all kinds; the difference of two objects makes one of the other.
#![no_main]

use fuzz::{has_null, type_of, values};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some([from, to, patch]) = values(data) else { return };
    let ty = type_of(&from);
    let _ = merge::json_patch(&from, &patch);
    let _ = merge::json_merge_patch(from.clone(), &patch);
    let _ = merge::strategic_merge_patch(&ty, &from, &patch);
    let _ = merge::three_way_strategic(&ty, &patch, &to, &from);
    if !has_null(&from) && !has_null(&to) {
        let diff = merge::json_merge_diff(&from, &to);
        assert_eq!(merge::json_merge_patch(from, &diff), to);
    }
});
