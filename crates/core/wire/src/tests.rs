//! What goes there and back, and what the other tests share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::{Message, WireError, schema};

pub(crate) const V1ALPHA1: &str = "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1";
const META: &str = "k8s.io.apimachinery.pkg.apis.meta.v1";

pub(crate) fn message(name: &str) -> &'static Message {
    schema().message(name).unwrap_or_else(|| panic!("there is no {name}"))
}

pub(crate) fn v1alpha1(name: &str) -> &'static Message {
    message(&format!("{V1ALPHA1}.{name}"))
}

pub(crate) fn told<T>(result: Result<T, WireError>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

#[test]
fn times() {
    // What is said, seconds and nanoseconds in protobuf, and what comes back.
    let rows = [
        ("Time", "2024-02-29T23:59:59Z", Some((1_709_251_199, 0)), "2024-02-29T23:59:59Z"),
        ("Time", "2024-02-29T23:59:59.999999999Z", Some((1_709_251_199, 0)), "2024-02-29T23:59:59Z"),
        ("Time", "2024-03-01T01:59:59+02:00", Some((1_709_251_199, 0)), "2024-02-29T23:59:59Z"),
        ("Time", "1970-01-01T00:00:00Z", Some((0, 0)), "1970-01-01T00:00:00Z"),
        ("Time", "1969-12-31T23:59:59.5Z", Some((-1, 0)), "1969-12-31T23:59:59Z"),
        ("Time", "1969-12-31T23:59:58Z", Some((-2, 0)), "1969-12-31T23:59:58Z"),
        (
            "MicroTime",
            "2024-02-29T23:59:59.123456789Z",
            Some((1_709_251_199, 123_456_000)),
            "2024-02-29T23:59:59.123456Z",
        ),
        ("MicroTime", "2024-02-29T23:59:59Z", Some((1_709_251_199, 0)), "2024-02-29T23:59:59.000000Z"),
        ("MicroTime", "1969-12-31T23:59:59.999999Z", Some((-1, 999_999_000)), "1969-12-31T23:59:59.999999Z"),
    ];
    for (of, text, parts, expected) in rows {
        let time = message(&format!("{META}.{of}"));
        let bytes = time.encode(&json!(text)).unwrap();
        let mut by_hand = Vec::new();
        if let Some((seconds, nanos)) = parts {
            prost::encoding::int64::encode(1, &seconds, &mut by_hand);
            prost::encoding::int32::encode(2, &nanos, &mut by_hand);
        }
        assert_eq!(bytes, by_hand, "{text}");
        assert_eq!(told(time.decode(&bytes)), Ok(json!(expected)), "{text}");
    }
    let time = message(&format!("{META}.Time"));
    assert_eq!(told(time.decode(b"")), Ok(Value::Null), "a time that is not set");
    assert_eq!(
        told(time.decode(b"\x08\x00")),
        Ok(json!("1970-01-01T00:00:00Z")),
        "the epoch without nanoseconds"
    );
    assert_eq!(told(time.encode(&Value::Null)), Ok(Vec::new()));
    let micro = message(&format!("{META}.MicroTime"));
    assert_eq!(
        told(micro.decode(b"\x08\x01\x10\x80\x94\xeb\xdc\x03")),
        Ok(json!("1970-01-01T00:00:02.000000Z")),
        "a second of nanoseconds"
    );
}

#[test]
fn forms() {
    let rows = [
        ("KustomizeReplica", json!({"name": "a", "count": 3})),
        ("KustomizeReplica", json!({"name": "a", "count": "50%"})),
        ("ApplicationSetRolloutStep", json!({"maxUpdate": 0})),
        ("ListGenerator", json!({"elements": [1, "a", null, [], {"a": {"b": 0}}]})),
        ("ApplicationSourcePluginParameter", json!({"name": "a", "map": {}})),
        ("ApplicationSourcePluginParameter", json!({"name": "a", "array": []})),
        ("ApplicationSourcePluginParameter", json!({"name": "a", "array": ["", "b"], "string": ""})),
        ("KustomizeSelector", json!({"kind": "Deployment", "name": "web", "labelSelector": "a=b"})),
        ("SyncStrategy", json!({"hook": {"force": true}})),
        ("ResourceOverride", json!({"health.lua": "return", "ignoreDifferences": "jsonPointers:\n- /a\n"})),
        (
            "AppProjectSpec",
            json!({"sourceIntegrity": {"git": {"policies": [{"repos": [{"url": "*"}], "gpg": {"mode": "none"}}]}}}),
        ),
        ("RepositoryCertificate", json!({"certData": STANDARD.encode([0, 255])})),
    ];
    for (of, json) in rows {
        let bytes = v1alpha1(of).encode(&json).unwrap();
        assert_eq!(told(v1alpha1(of).decode(&bytes)), Ok(json));
    }
}
