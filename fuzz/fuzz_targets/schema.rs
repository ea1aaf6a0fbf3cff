//! Lines: a CRD's schema, an object. Pruning and defaulting end, and what was pruned has nothing left to prune.
#![no_main]

use fuzz::{type_of, values};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some([schema, mut object]) = values::<2>(data) else { return };
    check(&type_of(&object), object.clone());
    if let Ok(ty) = merge::type_from_crd(&schema) {
        merge::default(&ty, &mut object);
        check(&ty, object);
    }
});

fn check(ty: &merge::TypeRef, mut object: Value) {
    let _ = merge::validate(ty, &object);
    let _ = merge::field_set_of(ty, &object);
    merge::normalize(ty, &mut object);
    merge::prune(ty, &mut object);
    assert_eq!(merge::prune(ty, &mut object), Vec::<String>::new());
}
