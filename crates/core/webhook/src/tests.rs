use std::collections::BTreeMap;

use base64::Engine as _;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::*;

/// An event of a provider: its headers, its body, and the place that it means.
struct Sample {
    provider: Provider,
    headers: &'static [(&'static str, &'static str)],
    body: Value,
    place: &'static str,
}

fn samples() -> Vec<Sample> {
    let repository = |host: &str| {
        json!({
            "ref": "refs/heads/main",
            "repository": {"html_url": format!("https://{host}/shop/config"), "clone_url": format!("https://{host}/shop/config.git"), "ssh_url": format!("git@{host}:shop/config.git")},
        })
    };
    let sample = |provider, headers, body, place| Sample { provider, headers, body, place };
    vec![
        sample(
            Provider::GitHub,
            &[("x-github-event", "push")],
            repository("github.com"),
            "github.com/shop/config",
        ),
        sample(
            Provider::GitHub,
            &[("x-github-event", "package")],
            json!({"action": "published", "package": {"package_type": "CONTAINER", "package_version": {"package_url": "ghcr.io/shop/chart:1.2.0"}}}),
            "ghcr.io/shop/chart",
        ),
        sample(
            Provider::Gogs,
            &[("x-gogs-event", "push"), ("x-github-event", "push"), ("x-gitea-event", "push")],
            repository("git.example.com"),
            "git.example.com/shop/config",
        ),
        sample(
            Provider::GitLab,
            &[("x-gitlab-event", "Push Hook")],
            json!({"object_kind": "push", "project": {"web_url": "https://gitlab.com/a/b/config", "git_ssh_url": "git@gitlab.com:a/b/config.git"}}),
            "gitlab.com/a/b/config",
        ),
        sample(
            Provider::GitLab,
            &[("x-gitlab-event", "System Hook")],
            json!({"event_name": "tag_push", "project": {"web_url": "https://gitlab.com/a/config"}}),
            "gitlab.com/a/config",
        ),
        sample(
            Provider::Bitbucket,
            &[("x-hook-uuid", "u"), ("x-event-key", "repo:push")],
            json!({"repository": {"links": {"html": {"href": "https://bitbucket.org/shop/config"}}}}),
            "bitbucket.org/shop/config",
        ),
        sample(
            Provider::BitbucketServer,
            &[("x-event-key", "repo:refs_changed")],
            json!({"repository": {"links": {"clone": [{"name": "ssh", "href": "ssh://git@bb.example.com:7999/shop/config.git"}]}}}),
            "bb.example.com/shop/config",
        ),
        sample(
            Provider::AzureDevOps,
            &[("x-vss-activityid", "a")],
            json!({"eventType": "git.push", "resource": {"repository": {"remoteUrl": "https://dev.azure.com/org/shop/_git/config"}}}),
            "dev.azure.com/org/shop/_git/config",
        ),
        sample(
            Provider::Harbor,
            &[("user-agent", "Harbor-Webhook/2")],
            json!({"type": "PUSH_ARTIFACT", "event_data": {"resources": [{"resource_url": "harbor.example.com:8443/shop/chart:1.0"}]}}),
            "harbor.example.com/shop/chart",
        ),
    ]
}

fn sent(sample: &Sample, more: &[(&str, String)], body: &[u8], secrets: &Secrets) -> Result<Event, Refused> {
    let more: BTreeMap<&str, &str> = more.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let header = |name: &str| {
        let own = sample.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        more.get(name).copied().or(own)
    };
    read(header, body, secrets)
}

#[test]
fn each_provider_says_where_something_changed() {
    for sample in samples() {
        let event = sent(&sample, &[], sample.body.to_string().as_bytes(), &Secrets::default()).unwrap();
        let places: Vec<String> = event.places.iter().map(ToString::to_string).collect();
        assert_eq!((event.provider, places), (sample.provider, vec![sample.place.to_owned()]));
    }
}

/// Abuse row A67.
#[test]
fn what_is_said_of_an_event_has_no_header_in_it() {
    let names = [
        "x-github-encoded-secret",
        "x-gitlab-token",
        "x-hub-signature-256",
        "x-hub-signature",
        "authorization",
    ];
    let secrets = Secrets::new(|name| name.ends_with("secret").then_some(b"s".as_slice()));
    for sample in samples() {
        let more = names.map(|name| (name, "c4n4ry".to_owned()));
        for (body, secrets) in [("{}", &secrets), ("[c4n", &Secrets::default())] {
            let told = sent(&sample, &more, body.as_bytes(), secrets);
            let told =
                told.map_or_else(|refused| format!("{refused} {refused:?}"), |event| format!("{event:?}"));
            assert!(!told.contains("c4n4ry"), "{told}");
        }
    }
}

#[test]
fn what_is_no_push_concerns_nobody() {
    for (headers, body) in [
        ([("x-github-event", "ping")], json!({"zen": "…"})),
        ([("x-github-event", "issues")], json!(3)),
        ([("x-gitlab-event", "System Hook")], json!({"event_name": "user_create"})),
        ([("x-event-key", "diagnostics:ping")], json!({"test": true})),
        ([("x-vss-activityid", "a")], json!({"eventType": "build.complete"})),
        ([("x-github-event", "package")], json!({"package": {"package_type": "npm"}})),
    ] {
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let event = read(header, body.to_string().as_bytes(), &Secrets::default());
        assert_eq!(event.map(|event| event.places), Ok(Vec::new()), "{headers:?}");
    }
    assert_eq!(read(|_| None, b"{}", &Secrets::default()), Err(Refused::Unknown));
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_secret_that_is_set_has_to_be_shown() {
    let names = [
        "github.secret",
        "gitlab.secret",
        "bitbucket.uuid",
        "bitbucketserver.secret",
        "gogs.secret",
        "harbor.secret",
    ];
    let mut entries: BTreeMap<String, Vec<u8>> =
        names.map(|name| (format!("webhook.{name}"), b"$shared".to_vec())).into();
    entries.insert("webhook.azuredevops.username".to_owned(), b"me".to_vec());
    entries.insert("webhook.azuredevops.password".to_owned(), b"$apart:password".to_vec());
    entries.insert("shared".to_owned(), b"s3cret".to_vec());
    entries.insert("apart:password".to_owned(), b"s3cret".to_vec());
    let secrets = Secrets::new(|reference| entries.get(reference).map(Vec::as_slice));
    for sample in samples() {
        let body = sample.body.to_string().into_bytes();
        let of = |secret: &str| match sample.provider {
            Provider::GitHub => ("x-hub-signature-256", format!("sha256={}", signature(secret, &body))),
            Provider::BitbucketServer => ("x-hub-signature", format!("sha256={}", signature(secret, &body))),
            Provider::Gogs => ("x-gogs-signature", signature(secret, &body)),
            Provider::GitLab => ("x-gitlab-token", secret.to_owned()),
            Provider::Bitbucket => ("x-hook-uuid", secret.to_owned()),
            Provider::Harbor => ("authorization", secret.to_owned()),
            Provider::AzureDevOps => {
                let basic = base64::engine::general_purpose::STANDARD.encode(format!("me:{secret}"));
                ("authorization", format!("Basic {basic}"))
            }
        };
        let (name, right) = of("s3cret");
        let unproven = Err(Refused::Unproven(sample.provider));
        assert!(sent(&sample, &[(name, right.clone())], &body, &secrets).is_ok(), "{name}");
        assert_eq!(sent(&sample, &[], &body, &secrets), unproven, "{name}");
        for wrong in [
            of("s3crex").1,
            String::new(),
            format!("{right}0"),
            right.chars().skip(1).collect(),
            "$shared".to_owned(),
        ] {
            let event = sent(&sample, &[(name, wrong)], &body, &secrets);
            assert!(matches!(event, Err(Refused::Unproven(_))), "{name}: {event:?}");
        }
        // Nothing of a body is read before its sender is known.
        assert_eq!(sent(&sample, &[], b"{", &secrets), unproven);
    }
    // What refers to nothing is not the same as nothing.
    entries.remove("shared");
    let sample = &samples()[0];
    let body = sample.body.to_string();
    assert_eq!(
        sent(sample, &[], body.as_bytes(), &Secrets::new(|key| entries.get(key).map(Vec::as_slice))),
        Err(Refused::Unproven(Provider::GitHub))
    );
}

/// Abuse row A115: every field of every event gone, null, of another type, empty.
#[test]
fn a_broken_event_is_an_error_and_no_panic() {
    fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Object(map) => {
                map.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), all))
            }
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(n, value)| pointers(value, &format!("{at}/{n}"), all))
            }
            _ => {}
        }
    }
    let mut tried = 0;
    for sample in samples() {
        let mut all = Vec::new();
        pointers(&sample.body, "", &mut all);
        for pointer in all {
            for other in
                [Value::Null, json!(7), json!(""), json!([]), json!({}), json!([[null]]), json!("://@:/")]
            {
                let mut body = sample.body.clone();
                *body.pointer_mut(&pointer).unwrap() = other;
                let event = sent(&sample, &[], body.to_string().as_bytes(), &Secrets::default());
                assert!(event.is_ok() || matches!(event, Err(Refused::Malformed { .. })), "{pointer}");
                tried += 1;
            }
        }
        for bytes in [&b""[..], b"[", b"\xff", &b"[".repeat(1_000_000)] {
            let event = sent(&sample, &[], bytes, &Secrets::default());
            assert!(matches!(event, Err(Refused::Malformed { .. })), "{event:?}");
        }
    }
    assert!(tried > 300, "{tried}");
}

#[test]
fn urls_of_one_repository_have_one_place() {
    let place = Place::of("https://github.com/Shop/Config").unwrap();
    for url in [
        "https://github.com/shop/config.git",
        "http://user:token@github.com:8080/shop/config",
        "git@github.com:shop/config.git",
        "git@github.com/shop/config",
        "ssh://git@ssh.github.com:443/shop/config.git",
        "ssh://git@altssh.github.com:443/shop/config/",
        " github.com/shop/config ",
    ] {
        assert_eq!(Place::of(url), Some(place.clone()), "{url}");
    }
    for url in [
        "https://github.com/shop/config2",
        "https://github.com.evil.com/shop/config",
        "https://evil.com/github.com/shop/config",
        "https://github.com/shop",
        "git@github.com:8080:shop/config",
    ] {
        assert_ne!(Place::of(url), Some(place.clone()), "{url}");
    }
    for url in ["", "github.com", "https://", "https:///path", "/path", "https://host/", "@"] {
        assert_eq!(Place::of(url), None, "{url}");
    }
    assert_eq!(
        Place::of("git@ssh.dev.azure.com:v3/org/shop/config"),
        Place::of("https://org@dev.azure.com/org/shop/_git/config")
    );
}
