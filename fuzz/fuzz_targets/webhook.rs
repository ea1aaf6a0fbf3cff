//! Webhooks of strangers: a line of headers, as in `x-github-event: push, x-hub-signature-256: …`, then the body. None ends badly, and with
//! secrets none is believed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use webhook::{Provider, Refused, Secrets};

fuzz_target!(|text: &str| {
    let (headers, body) = text.split_once('\n').unwrap_or((text, "{}"));
    let header = |name: &str| {
        headers.split(", ").find_map(|header| header.split_once(": ").filter(|(known, _)| *known == name)).map(|(_, value)| value)
    };
    if let Ok(event) = webhook::read(header, body.as_bytes(), &Secrets::default()) {
        assert!(event.places.len() <= webhook::REPOSITORIES);
    }
    let names = ["github.secret", "gitlab.secret", "bitbucket.uuid", "bitbucketserver.secret", "gogs.secret", "harbor.secret", "azuredevops.password"];
    let is_set = |key: &str| names.iter().any(|name| key.strip_prefix("webhook.") == Some(*name));
    let secrets = Secrets::new(|key| is_set(key).then_some(&b"a secret that nobody knows"[..]));
    let outcome = webhook::read(header, body.as_bytes(), &secrets);
    let ping = |event: &webhook::Event| event.provider == Provider::BitbucketServer && event.places.is_empty();
    assert!(matches!(&outcome, Err(Refused::Unknown | Refused::Unproven(_))) || outcome.as_ref().is_ok_and(ping));
});
