use super::DecodedTree;

fn tree(entries: &[(&str, &[u8])]) -> DecodedTree {
    let mut raw = Vec::new();
    for (mode, name) in entries {
        raw.extend_from_slice(mode.as_bytes());
        raw.push(b' ');
        raw.extend_from_slice(name);
        raw.push(0);
        raw.extend_from_slice(&[7; 20]);
    }
    DecodedTree::new(raw)
}

#[test]
fn trees_that_no_honest_program_writes_are_refused() {
    type Row<'a> = (&'a str, &'a [(&'a str, &'a [u8])], &'a str);
    let rows: [Row; 12] = [
        ("A7 .git", &[("40000", b".git")], "an entry has the name '.git'"),
        ("A7 .GIT", &[("40000", b".GIT")], "an entry has the name '.GIT'"),
        ("A7 .git with dots", &[("40000", b".git. .")], "an entry has the name '.git. .'"),
        ("A7 git~1", &[("100644", b"git~1")], "an entry has the name 'git~1'"),
        ("A7 ..", &[("40000", b"..")], "an entry has the name '..'"),
        ("A7 .", &[("40000", b".")], "an entry has the name '.'"),
        ("A7 slash", &[("100644", b"/x")], "an entry has the name '/x'"),
        ("empty name", &[("100644", b"")], "an entry has the name ''"),
        (
            "A8 link and directory of one name",
            &[("120000", b"a"), ("100644", b"a.b"), ("40000", b"a")],
            "two entries have the name 'a'",
        ),
        ("file twice", &[("100644", b"a"), ("100644", b"a")], "two entries have the name 'a'"),
        ("odd mode", &[("107777", b"a")], "an entry has the mode '107777'"),
        ("no mode", &[("", b"a")], "an entry has the mode ''"),
    ];
    for (row, entries, expected) in rows {
        assert_eq!(tree(entries).refused.as_deref(), Some(expected), "{row}");
    }
    assert_eq!(
        DecodedTree::new(b"100644 a\0short".to_vec()).refused.as_deref(),
        Some("the tree is malformed")
    );
}

#[test]
fn names_that_no_path_can_say_are_skipped() {
    let long = [b'x'; 4096];
    let entries: [(&str, &[u8]); 8] = [
        ("100644", b"a\nb"),
        ("100644", b"ok"),
        ("100644", b"\xff\xfe"),
        ("100644", &long),
        ("100644", b"back\\slash"),
        ("40000", b".github"),
        ("100644", "\u{202e}rtl".as_bytes()),
        ("100644", b".gitignore"),
    ];
    let tree = tree(&entries);
    assert_eq!(tree.refused, None, "A6");
    let names: Vec<_> = tree.entries().map(|(name, ..)| name).collect();
    assert_eq!(names, [".github", ".gitignore", "ok", "\u{202e}rtl"]);
    assert!(tree.find("ok").is_some() && tree.find("o").is_none());
}
