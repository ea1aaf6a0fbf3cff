//! Tokens and keys of identity providers: nothing counts that none of the keys has signed. A line is the token, the rest keys and discovery.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oidc::{Endpoints, Expected, Keys};

fuzz_target!(|text: &str| {
    let (token, rest) = text.split_once('\n').unwrap_or((text, "{\"keys\": []}"));
    let now = "2026-01-02T03:04:05Z".parse().expect("a time");
    let expected = Expected { issuer: "https://issuer".to_owned(), audiences: vec!["us".to_owned()], ..Expected::default() };
    if let Ok(keys) = Keys::read(rest.as_bytes()) {
        assert!(oidc::open(token, &keys, &expected, now).is_err(), "no way to sign is permitted");
    }
    let _ = Endpoints::read(rest.as_bytes(), "https://issuer");
    let _ = oidc::Config::read(text, false, |_| None);
});
