use serde_json::{Value, json};

use crate::tests::{message, told, v1alpha1};

#[test]
fn json_becomes_bytes() {
    let log = "application.LogEntry";
    let rows: &[(&str, &str, Value, &[u8])] = &[
        ("nothing", "session.SessionCreateRequest", json!({}), b""),
        ("null is nothing", "session.SessionCreateRequest", json!(null), b""),
        (
            "members that nobody knows, and null",
            "session.SessionCreateRequest",
            json!({"x": {"y": 1}, "token": null, "username": "u"}),
            b"\x0a\x01u",
        ),
        (
            "what clients require is written",
            log,
            json!({"content": "c"}),
            b"\x0a\x01c\x12\x00\x18\x00\x22\x00\x2a\x00",
        ),
        (
            "null in a list is a zero",
            "session.GetUserInfoResponse",
            json!({"groups": ["a", null]}),
            b"\x22\x01a\x22\x00",
        ),
        (
            "numbers below zero",
            "repository.RepoAppDetailsQuery",
            json!({"sourceIndex": -1}),
            b"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ),
    ];
    for (name, of, json, expected) in rows {
        assert_eq!(told(message(of).encode(json)), Ok(expected.to_vec()), "{name}");
    }
}

#[test]
fn json_of_other_types_is_told_with_its_place() {
    let rows = [
        (json!([]), "the message: an object is wanted, not a list"),
        (
            json!({"spec": {"source": {"repoURL": 1}}}),
            "spec.source.repoURL: a string is wanted, not a number",
        ),
        (
            json!({"spec": {"sources": [{}, {"helm": "x"}]}}),
            "spec.sources[1].helm: an object is wanted, not a string",
        ),
        (json!({"spec": {"sources": {}}}), "spec.sources: a list is wanted, not an object"),
        (json!({"metadata": {"labels": []}}), "metadata.labels: an object is wanted, not a list"),
        (
            json!({"metadata": {"labels": {"a.b/c": true}}}),
            "metadata.labels.a.b/c: a string is wanted, not true or false",
        ),
        (
            json!({"metadata": {"creationTimestamp": "soon"}}),
            "metadata.creationTimestamp: \"soon\" is no time: ",
        ),
        (
            json!({"metadata": {"creationTimestamp": 5}}),
            "metadata.creationTimestamp: a string is wanted, not a number",
        ),
        (
            json!({"metadata": {"generation": 1.5}}),
            "metadata.generation: a whole number is wanted, not a fraction or ",
        ),
        (
            json!({"metadata": {"generation": 18_446_744_073_709_551_615_u64}}),
            "metadata.generation: a whole number is wanted, not a fraction or a number that is too large",
        ),
        (
            json!({"spec": {"syncPolicy": {"automated": {"prune": "yes"}}}}),
            "spec.syncPolicy.automated.prune: true or false is wanted, not a string",
        ),
        (
            json!({"spec": {"source": {"kustomize": {"replicas": [{"count": 4_294_967_296_u64}]}}}}),
            "spec.source.kustomize.replicas[0].count: 4294967296 has more than 32 bits",
        ),
    ];
    for (json, expected) in rows {
        let error = told(v1alpha1("Application").encode(&json)).unwrap_err();
        assert!(error.starts_with(expected), "{error}, not {expected}");
    }
    let certificate = v1alpha1("RepositoryCertificate").encode(&json!({"certData": "%"}));
    assert_eq!(told(certificate), Err("certData: no base64: Invalid symbol 37, offset 0.".to_owned()));
    let overriding = v1alpha1("ResourceOverride").encode(&json!({"ignoreDifferences": "a: ]"}));
    assert!(told(overriding).unwrap_err().starts_with("ignoreDifferences: no YAML: "));
}
