//! Tokens of strangers: nothing that we have not signed counts, and what we sign says what it was made of. The rest is read as accounts.
#![no_main]

use accounts::{Accounts, Claims, Failures, Limits, ProjectTokens, Revocations, SigningKey, issuer_of, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(key) = SigningKey::new(b"a key that nobody knows".to_vec()) else { return };
    let now = "2026-01-02T03:04:05Z".parse().expect("a time");
    assert!(key.open(text, now).is_err());
    let _ = issuer_of(text);
    // The header and the claims as they are, under our own signature.
    let (subject, id) = text.split_once('\n').unwrap_or((text, "id"));
    let claims = Claims::log_in(subject, id, now, 60);
    let token = key.sign(&claims);
    if token.len() <= 16 << 10 {
        assert_eq!(key.open(&token, now).as_ref(), Ok(&claims));
    }
    let config = [("accounts.a".to_owned(), text.to_owned()), (format!("accounts.{subject}"), id.to_owned())];
    let secret = ["tokens", "password", "passwordMtime"].map(|key| (format!("accounts.a.{key}"), text.into()));
    let (accounts, problems) = Accounts::read(&config.into(), &secret.into());
    assert!(problems.iter().all(|problem| !problem.key.is_empty()));
    let _ = verify(&token, &key, &accounts, &ProjectTokens::default(), &Revocations::default(), now);
    Failures::default().read(text, &Limits::default(), now);
});
