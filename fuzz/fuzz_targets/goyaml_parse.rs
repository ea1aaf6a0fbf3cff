//! Reading never panics, and what is written is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let limits = goyaml::Limits { bytes: 1 << 20, depth: 100, nodes: 20_000, documents: 100 };
    let _ = goyaml::parse_one(data, &limits);
    let Ok(documents) = goyaml::parse_all(data, &limits) else { return };
    for document in documents {
        let text = goyaml::to_string(&document.value);
        let again = goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default());
        assert_eq!(again.as_ref(), Ok(&document.value), "{text}");
    }
});
