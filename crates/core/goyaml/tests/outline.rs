//! The bytes of nodes: what an editor cuts out must be what the reader read there.

#![expect(clippy::unwrap_used, clippy::string_slice, clippy::type_complexity, reason = "a test")]

use goyaml::{Limits, Node, NodeKind, Style, outline, parse_all};

/// Path, bytes of the content, style, of every node of every document, in the order of the text.
fn nodes(text: &str) -> Vec<(String, String, Style)> {
    fn walk(path: &str, node: Node<'_>, text: &str, out: &mut Vec<(String, String, Style)>) {
        out.push((path.to_owned(), text[node.span()].to_owned(), node.style()));
        match node.kind() {
            NodeKind::Sequence(items) => {
                for (i, item) in items.into_iter().enumerate() {
                    walk(&format!("{path}/{i}"), item, text, out);
                }
            }
            NodeKind::Mapping(entries) => {
                for (key, value) in entries {
                    walk(&format!("{path}/{}", key.key().unwrap_or("?".to_owned())), value, text, out);
                }
            }
            NodeKind::Scalar | NodeKind::Alias(_) => {}
        }
    }
    let mut out = Vec::new();
    for document in outline(text, &Limits::default()).unwrap() {
        walk("", document.root(), text, &mut out);
    }
    out
}

#[test]
fn a_node_has_the_bytes_that_it_was_read_from() {
    use Style::{
        Alias, Block, DoubleQuoted, Empty, Flow, Folded, Indentless, Literal, Pair, Plain, SingleQuoted,
    };
    let rows: &[(&str, &[(&str, &str, Style)])] = &[
        (
            "a: 1 # one\n\n# two\nb: 'x'\n",
            &[("", "a: 1 # one\n\n# two\nb: 'x'", Block), ("/a", "1", Plain), ("/b", "'x'", SingleQuoted)],
        ),
        (
            "a:\n- 1\n-\n# end\nb: \"\"\n",
            &[
                ("", "a:\n- 1\n-\n# end\nb: \"\"", Block),
                ("/a", "- 1\n-", Indentless),
                ("/a/0", "1", Plain),
                ("/a/1", "", Empty),
                ("/b", "\"\"", DoubleQuoted),
            ],
        ),
        (
            "a:\n  - b: c\n    d:\n# end\n",
            &[
                ("", "a:\n  - b: c\n    d:", Block),
                ("/a", "- b: c\n    d:", Block),
                ("/a/0", "b: c\n    d:", Block),
                ("/a/0/b", "c", Plain),
                ("/a/0/d", "", Empty),
            ],
        ),
        (
            "a: &x !!str [1, {b: c}, d: e,] # f\n",
            &[
                ("", "a: &x !!str [1, {b: c}, d: e,]", Block),
                ("/a", "[1, {b: c}, d: e,]", Flow),
                ("/a/0", "1", Plain),
                ("/a/1", "{b: c}", Flow),
                ("/a/1/b", "c", Plain),
                ("/a/2", "d: e", Pair),
                ("/a/2/d", "e", Plain),
            ],
        ),
        (
            "a: &x\n  b: 1\nc: *x\nd: &y\n",
            &[
                ("", "a: &x\n  b: 1\nc: *x\nd: &y", Block),
                ("/a", "b: 1", Block),
                ("/a/b", "1", Plain),
                ("/c", "*x", Alias),
                ("/d", "", Empty),
            ],
        ),
        (
            "a: |+\n  x\n\nb: >-\n  y\n  z\n# end\n",
            &[
                ("", "a: |+\n  x\n\nb: >-\n  y\n  z\n", Block),
                ("/a", "|+\n  x\n\n", Literal),
                ("/b", ">-\n  y\n  z\n", Folded),
            ],
        ),
        (
            "\u{feff}é: ü\r\nb: x\r\n  y\r\n",
            &[("", "é: ü\r\nb: x\r\n  y", Block), ("/é", "ü", Plain), ("/b", "x\r\n  y", Plain)],
        ),
        ("---\n# nothing\n---\na\n...\n---\n{}\n", &[("", "", Empty), ("", "a", Plain), ("", "{}", Flow)]),
        ("? a\n: b\n? c\n", &[("", "? a\n: b\n? c", Block), ("/a", "b", Plain), ("/c", "", Empty)]),
    ];
    for (text, expected) in rows {
        let expected: Vec<_> =
            expected.iter().map(|(p, t, s)| ((*p).to_owned(), (*t).to_owned(), *s)).collect();
        assert_eq!(nodes(text), expected, "{text}");
    }
}

#[test]
fn documents_end_where_the_next_begins() {
    let text = "a: 1\n# c\n--- # next\nb: 1\n...\n";
    let ends: Vec<_> = outline(text, &Limits::default())
        .unwrap()
        .iter()
        .map(|d| &text[d.end()..])
        .map(str::to_owned)
        .collect();
    assert_eq!(ends, ["--- # next\nb: 1\n...\n", "...\n"]);
    assert!(outline("# nothing\n", &Limits::default()).unwrap().is_empty());
}

#[test]
fn an_anchor_knows_its_aliases() {
    let text = "a: &x 1\nb: *x\nc: &x 2\nd: *x\n";
    let outlines = outline(text, &Limits::default()).unwrap();
    let NodeKind::Mapping(entries) = outlines[0].root().kind() else { panic!() };
    let lines = |node: &Node<'_>| node.aliases().iter().map(|alias| alias.mark().line).collect::<Vec<_>>();
    let found: Vec<_> = entries.iter().map(|(_, value)| (value.anchor(), lines(value))).collect();
    assert_eq!(found, [(Some("x"), vec![2]), (None, vec![]), (Some("x"), vec![4]), (None, vec![])]);
}

#[test]
fn outlines_agree_with_what_is_read() {
    for text in [
        "a: 1\n---\n---\nb: [1, *x]\n",
        "a: &x 1\nb: [1, *x]\n---\n~\n---\n- 1\n",
        "a: b: c\n",
        "<<: {a: 1}\nb: 2\n",
    ] {
        let read = parse_all(text.as_bytes(), &Limits::default())
            .map(|all| all.into_iter().map(|d| d.value).collect::<Vec<_>>());
        let outlined = outline(text, &Limits::default())
            .map(|all| all.iter().map(|d| d.value().clone()).filter(|v| !v.is_null()).collect::<Vec<_>>());
        assert_eq!(outlined, read, "{text}");
    }
}
