use serde_json::{Value, json};

use super::ImageEdit;

#[test]
fn a_word_is_an_entry() {
    let rows = [
        ("web=other:1", json!({"name": "web", "newName": "other", "newTag": "1"})),
        ("web=other@sha256:aa", json!({"name": "web", "newName": "other", "digest": "sha256:aa"})),
        (
            "web=other:1@sha256:aa",
            json!({"name": "web", "newName": "other", "newTag": "1", "digest": "sha256:aa"}),
        ),
        ("web=other", json!({"name": "web", "newName": "other"})),
        ("web:1", json!({"name": "web", "newTag": "1"})),
        ("web:1@sha256:aa", json!({"name": "web", "newTag": "1", "digest": "sha256:aa"})),
        ("web@sha256:aa", json!({"name": "web", "digest": "sha256:aa"})),
        ("h:5000/web=h:5000/new:1", json!({"name": "h:5000/web", "newName": "h:5000/new", "newTag": "1"})),
        ("=web:1", json!({"name": "web", "newTag": "1"})),
        ("web=", json!({"name": "web"})),
        ("web=*:1", json!({"name": "web", "newTag": "1"})),
    ];
    for (word, entry) in rows {
        let edit = ImageEdit::parse(word).unwrap();
        assert_eq!(
            (edit.name.as_str(), edit.over(&Value::Null)),
            (entry["name"].as_str().unwrap(), entry.clone()),
            "{word}"
        );
    }
    for word in ["web", "h:5000/web", ""] {
        assert_eq!(ImageEdit::parse(word), None, "{word}");
    }
}

#[test]
fn a_star_keeps_what_is_there() {
    let there = json!({"name": "web", "newName": "old", "newTag": "0", "digest": "sha256:aa"});
    let rows = [
        ("web=*:1", json!({"name": "web", "newName": "old", "newTag": "1"})),
        ("web=new:*", json!({"name": "web", "newName": "new", "newTag": "0"})),
        ("web=*:*@*", there.clone()),
        ("web@*", json!({"name": "web", "digest": "sha256:aa"})),
    ];
    for (word, entry) in rows {
        assert_eq!(ImageEdit::parse(word).unwrap().over(&there), entry, "{word}");
    }
}
