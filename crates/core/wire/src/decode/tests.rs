use serde_json::{Value, json};

use crate::VALUES;
use crate::tests::{V1ALPHA1, message, told, v1alpha1};

/// A field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

#[test]
fn bytes_become_json() {
    let session = "session.SessionCreateRequest";
    let query = "application.ApplicationManifestQuery";
    let sync = &format!("{V1ALPHA1}.SyncOperation");
    let rows: &[(&str, &str, &[u8], Value)] = &[
        ("nothing", session, b"", json!({})),
        (
            "unknown fields of all types",
            session,
            b"\x50\x01\x5d1234\x6112345678\x6a\x02ab\x0a\x01u",
            json!({"username": "u"}),
        ),
        ("the last one counts", session, b"\x0a\x01a\x0a\x01b", json!({"username": "b"})),
        ("a zero takes it back", session, b"\x0a\x01a\x0a\x00", json!({})),
        ("a zero of a pointer is said", query, b"\x0a\x00\x38\x00", json!({"name": "", "noCache": false})),
        (
            "a list, number by number",
            query,
            b"\x28\x01\x28\x00\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            json!({"sourcePositions": [1, 0, -1]}),
        ),
        ("a list, packed", query, b"\x2a\x03\x01\x00\x02", json!({"sourcePositions": [1, 0, 2]})),
        ("a list, both ways", query, b"\x28\x01\x2a\x01\x02", json!({"sourcePositions": [1, 2]})),
        ("a list, packed, of nothing", query, b"\x2a\x00", json!({})),
        (
            "parts of a message",
            sync,
            b"\x3a\x03\x0a\x01r\x3a\x03\x12\x01p",
            json!({"source": {"repoURL": "r", "path": "p"}}),
        ),
        ("a message that is there and empty", sync, b"\x3a\x00", json!({"source": {}})),
    ];
    for (name, of, bytes, expected) in rows {
        assert_eq!(told(message(of).decode(bytes)), Ok(expected.clone()), "{name}");
    }
}

#[test]
fn what_is_no_message_is_told_with_its_place() {
    let source_with = |helm: &[u8]| field(2, &[field(8, b""), field(8, &field(7, helm))].concat());
    let rows: &[(&str, &str, Vec<u8>, &str)] = &[
        (
            "no number",
            "Application",
            vec![0x00, 0x00],
            "the message: failed to decode Protobuf message: invalid tag value: 0",
        ),
        (
            "a key that does not end",
            "Application",
            vec![0x8a],
            "the message: failed to decode Protobuf message: invalid varint",
        ),
        (
            "a length that lies",
            "Application",
            b"\x12\x7fab".to_vec(),
            "the message: it ends in the middle of a value",
        ),
        (
            "a length beyond all",
            "Application",
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01".to_vec(),
            "the message: it ends in the middle of a value",
        ),
        (
            "eight bytes of which four are there",
            "Application",
            b"\x091234".to_vec(),
            "the message: it ends in the middle of a value",
        ),
        ("a group", "Application", b"\x0b\x0c".to_vec(), "the message: groups are not read"),
        (
            "a number for a text",
            "Application",
            field(2, &field(1, b"\x08\x01")),
            "spec.source.repoURL: its value has another type than the field",
        ),
        (
            "a text for a number",
            "Application",
            field(2, &field(7, b"")),
            "spec.revisionHistoryLimit: its value has another type than the field",
        ),
        (
            "no UTF-8",
            "Application",
            field(2, &field(1, b"\x0a\x01\xff")),
            "spec.source.repoURL: no UTF-8: invalid utf-8 sequence of 1 bytes from index 0",
        ),
        (
            "cut off inside of a list",
            "Application",
            source_with(b"\x0a\x05"),
            "spec.sources[1].helm: it ends in the middle of a value",
        ),
        (
            "a map's key",
            "Application",
            field(1, &field(11, b"\x0a\x01\xff")),
            "metadata.labels: no UTF-8: invalid utf-8 sequence of 1 bytes from index 0",
        ),
        (
            "a map's value",
            "Application",
            field(1, &field(11, b"\x0a\x01k\x10\x01")),
            "metadata.labels.k: its value has another type than the field",
        ),
        (
            "raw JSON that is none",
            "ListGenerator",
            field(1, &field(1, b"{")),
            "elements[0]: no JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            "raw JSON that nests too deep",
            "ListGenerator",
            [b"\x0a\x82\x01\x0a\x7f".as_slice(), &b"[".repeat(127), b"\x12\x00"].concat(),
            "",
        ),
        (
            "a time without end",
            "Application",
            field(1, &field(8, b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f")),
            "",
        ),
    ];
    for (name, of, bytes, expected) in rows {
        let error = told(v1alpha1(of).decode(bytes)).expect_err(name);
        assert!(error.starts_with(expected), "{name}: {error}");
    }
}

#[test]
fn bytes_that_end_early_are_no_message() {
    let app = json!({"metadata": {"name": "a", "labels": {"k": "v"}}, "spec": {"project": "p", "revisionHistoryLimit": 3}});
    let bytes = v1alpha1("Application").encode(&app).unwrap();
    let whole: Vec<usize> =
        (0..bytes.len()).filter(|end| v1alpha1("Application").decode(&bytes[..*end]).is_ok()).collect();
    // Nothing at all, and the metadata without the spec.
    assert_eq!(whole, [0, 2 + usize::from(bytes[1])]);
}

#[test]
fn a_short_text_cannot_stand_for_a_large_value() {
    let long = |number: u8, bytes: &[u8]| {
        let mut field = vec![number << 3 | 2];
        prost::encoding::encode_varint(bytes.len() as u64, &mut field);
        [field, bytes.to_vec()].concat()
    };
    let too_many = |at: &str| Err(format!("{at}: more than {VALUES} values"));
    let query = message("application.ApplicationManifestQuery");
    // The field is a value, too.
    assert!(query.decode(&long(5, &vec![0; VALUES - 1])).is_ok());
    assert_eq!(told(query.decode(&long(5, &vec![0; VALUES]))), too_many("sourcePositions"));

    let generator = v1alpha1("ListGenerator");
    let elements = |json: String| long(1, &long(1, json.as_bytes()));
    let list = format!("[{}1]", "1,".repeat(VALUES));
    assert_eq!(told(generator.decode(&elements(list))), too_many("elements[0]"));
    // Commas of a string are no values.
    let text = json!(format!("\\\"[{}", ",".repeat(VALUES)));
    assert_eq!(told(generator.decode(&elements(text.to_string()))), Ok(json!({"elements": [text]})));
}
