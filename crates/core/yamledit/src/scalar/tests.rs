use goyaml::Style;

use super::{Around, plain_is_safe, string};

#[test]
fn strings_that_look_like_something_else_are_quoted() {
    let quoted = [
        "1",
        "1.10",
        "0123456789",
        "1e3",
        "1E-3",
        "1_000",
        "0x1F",
        "0o17",
        "0b11",
        "+1",
        "-1",
        ".5",
        "1.",
        "12e03",
        "685.230_15",
        "on",
        "Off",
        "YES",
        "n",
        "y",
        "TRUE",
        "null",
        "Null",
        "~",
        "=",
        "<<",
        ".inf",
        "-.INF",
        ".NaN",
        "2024-01-01",
        "2024-1-1T10:00:00Z",
        "1:30",
        "190:20:30.15",
        "",
        " a",
        "a ",
        "a: b",
        "a #b",
        "a:",
        "#a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "'a",
        "\"a",
        "%a",
        "@a",
        "`a",
        "- a",
        "-",
        "---",
        "--- a",
        "...",
        "? a",
        "?a",
        "{a",
        "[a",
        "a\nb",
        "\ta",
        "a\u{85}b",
        "\u{feff}a",
        "1__0",
        "0x_",
        "12345678",
        "1e10",
    ];
    for text in quoted {
        assert!(!plain_is_safe(text), "{text:?}");
    }
    let plain = [
        "a",
        "v1.10",
        "1.2.3",
        "1.2.3-rc1",
        "7f3a9c2",
        "abc12345",
        "a:b",
        "a#b",
        "registry.example:5000/a/b:1.2",
        "-a",
        "--flag",
        "a b",
        "it's",
        "2024-01-01-abc",
        "2024.01.02",
        "main",
        "é",
        "a?b",
        "1.2-3",
        "01.02.2024",
        "0.1.0",
        "e3",
        "0xg",
        "a, b",
        "nope",
        "s3://x",
        "100m",
    ];
    for text in plain {
        assert!(plain_is_safe(text), "{text:?}");
    }
}

#[test]
fn the_style_stays_where_it_can() {
    use Style::{DoubleQuoted, Empty, Literal, Plain, SingleQuoted};
    let rows = [
        ("a", Plain, "a"),
        ("1", Plain, "\"1\""),
        ("a\"b: ", Plain, "'a\"b: '"),
        ("a", SingleQuoted, "'a'"),
        ("it's", SingleQuoted, "'it''s'"),
        ("a\nb", SingleQuoted, "\"a\\nb\""),
        ("a", DoubleQuoted, "\"a\""),
        ("a\\\t", DoubleQuoted, "\"a\\\\\\t\""),
        ("a", Literal, "a"),
        ("", Empty, "\"\""),
        ("\u{1}é", Plain, "\"\\x01é\""),
    ];
    for (text, style, expected) in rows {
        assert_eq!(string(text, style, Around::Block), expected, "{text:?} {style:?}");
    }
    assert_eq!(string("a, b", Plain, Around::Flow), "\"a, b\"");
    assert_eq!(string("a", Plain, Around::Json), "\"a\"");
}
