use crate::{ContentId, MAX_PATH_BYTES, PathError, TreePath};

#[test]
fn paths_are_normalised() {
    let rows = [
        ("root", "", ""),
        ("dot", ".", ""),
        ("plain", "a/b.yaml", "a/b.yaml"),
        ("untidy", "./a//b/./c/", "a/b/c"),
        ("parent inside", "a/../b", "b"),
        ("parent of parent inside", "a/b/../../c", "c"),
        ("two dots in a name", "a..b/..c", "a..b/..c"),
        ("colon in a name", "a/host:80", "a/host:80"),
        ("short name with colon", "a:b", "a:b"),
    ];
    for (row, text, expected) in rows {
        assert_eq!(TreePath::parse(text).unwrap().as_str(), expected, "{row}");
    }
}

#[test]
fn paths_that_mean_harm_are_refused() {
    let long = "x/".repeat(4096);
    type Verdict = fn(&PathError) -> bool;
    let rows: [(&str, &str, Verdict); 15] = [
        ("parent", "..", |e| matches!(e, PathError::Leaves { .. })),
        ("two up", "../..", |e| matches!(e, PathError::Leaves { .. })),
        ("climbs out and in", "a/../../b", |e| matches!(e, PathError::Leaves { .. })),
        ("absolute", "/etc", |e| matches!(e, PathError::Absolute { .. })),
        ("drive", "C:\\", |e| matches!(e, PathError::Absolute { .. })),
        ("bare drive", "c:", |e| matches!(e, PathError::Absolute { .. })),
        ("drive with slash", "C:/x", |e| matches!(e, PathError::Absolute { .. })),
        ("drive behind a dot", "./c:/x", |e| matches!(e, PathError::Absolute { .. })),
        ("drive behind a way back", "b/../c:", |e| matches!(e, PathError::Absolute { .. })),
        ("backslash", "a\\b", |e| matches!(e, PathError::Backslash { .. })),
        ("share", "\\\\host\\x", |e| matches!(e, PathError::Backslash { .. })),
        ("NUL", "a\0b", |e| matches!(e, PathError::Control { .. })),
        ("newline", "a\nb", |e| matches!(e, PathError::Control { .. })),
        ("8 KiB", &long, |e| matches!(e, PathError::TooLong { bytes: 8192, .. })),
        ("escape", "a\u{1b}[2J", |e| matches!(e, PathError::Control { .. })),
    ];
    for (row, text, expected) in rows {
        let error = TreePath::parse(text).unwrap_err();
        assert!(expected(&error), "{row}: {error}");
        let message = error.to_string();
        assert!(message.len() < 300 && !message.chars().any(char::is_control), "{row}: {message}");
    }
}

#[test]
fn joined_paths_keep_the_limit() {
    let half = TreePath::parse(&"x".repeat(MAX_PATH_BYTES / 2)).unwrap();
    assert!(matches!(half.join(half.as_str()), Err(PathError::TooLong { bytes: 4097, .. })));
    let file = TreePath::parse("apps/web").unwrap().join("../shared/x.yaml").unwrap();
    assert_eq!(file.as_str(), "apps/shared/x.yaml");
    assert_eq!((file.name(), file.parent().unwrap().as_str()), (Some("x.yaml"), "apps/shared"));
    assert_eq!(file.relative_to(&TreePath::parse("apps").unwrap()), Some("shared/x.yaml"));
    assert!(!file.is_within(&TreePath::parse("app").unwrap()), "not by prefix of a name");
    assert_eq!(TreePath::root().parent(), None);
}

#[test]
fn text_that_reorders_is_shown_escaped() {
    let path = TreePath::parse("a\u{202e}lmay.x").unwrap();
    assert_eq!(path.to_string(), "a\\u{202e}lmay.x");
    assert_eq!(path.as_str(), "a\u{202e}lmay.x");
}

#[test]
fn git_ids_are_padded() {
    let id = ContentId::from_git(&[0xab; 20]).unwrap();
    assert_eq!(id.to_string(), format!("{}{}", "ab".repeat(20), "00".repeat(12)));
    assert_eq!(ContentId::from_git(&[1; 19]), None);
}
