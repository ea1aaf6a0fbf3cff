//! What edits make of texts: each row with the whole text before and after.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use serde_json::{Value, json};
use yamledit::{Path, Sharing, Stream};

fn path(text: &str) -> Path {
    text.split('/').filter(|step| !step.is_empty()).fold(Path::root(), |path, step| match step.parse() {
        Ok(index) => path.index(index),
        Err(_) => path.key(step),
    })
}

type Row = (&'static str, &'static str, &'static str, Value, &'static str);

fn check_sets(rows: &[Row]) {
    for (name, before, at, value, after) in rows {
        let mut stream = Stream::parse(before).unwrap();
        let changed = stream.set(0, &path(at), value).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(stream.text(), *after, "{name}");
        assert_eq!(changed, before != after, "{name}");
    }
}

#[test]
fn a_scalar_takes_the_place_of_another() {
    check_sets(&[
        ("plain", "a: 1 # one\nb: 2\n", "b", json!(3), "a: 1 # one\nb: 3\n"),
        ("no change", "a:   'x'   # keeps\n", "a", json!("x"), "a:   'x'   # keeps\n"),
        ("no change in other words", "a: 0x10\n", "a", json!(16), "a: 0x10\n"),
        ("a string that looks like a number", "tag: v1\n", "tag", json!("1.10"), "tag: \"1.10\"\n"),
        ("a number becomes a string", "tag: 1.1\n", "tag", json!("1.1"), "tag: \"1.1\"\n"),
        ("single quotes", "tag: '1.0' # x\n", "tag", json!("main"), "tag: 'main' # x\n"),
        ("double quotes", "tag: \"1.0\"\n", "tag", json!("main"), "tag: \"main\"\n"),
        ("quotes go with the string", "a: '1'\n", "a", json!(1), "a: 1\n"),
        ("nothing", "a:\nb: 1\n", "a", json!("x"), "a: x\nb: 1\n"),
        ("nothing, and a comment", "a: # why\nb: 1\n", "a", json!("x"), "a: x # why\nb: 1\n"),
        ("an item", "- a\n-  b  # c\n", "1", json!("d"), "- a\n-  d  # c\n"),
        ("an empty item", "- a\n-\n", "1", json!("d"), "- a\n- d\n"),
        ("several lines", "a: one\n  two # c\nb: 1\n", "a", json!("x"), "a: x # c\nb: 1\n"),
        ("on the next line", "a:\n  one # c\nb: 1\n", "a", json!("x"), "a:\n  x # c\nb: 1\n"),
        ("brackets", "a: {b: 1, c: [x, y]} # d\n", "a/c/1", json!("on"), "a: {b: 1, c: [x, \"on\"]} # d\n"),
        ("nothing in brackets", "a: {b: , c}\n", "a/b", json!("x"), "a: {b: x , c}\n"),
        ("a key without colon", "a: {b, c}\n", "a/b", json!("x"), "a: {b: x, c}\n"),
        ("JSON", "{\n  \"a\": \"x\"\n}\n", "a", json!("y"), "{\n  \"a\": \"y\"\n}\n"),
        (
            "a literal",
            "a: |\n    one\n    two\n\n# c\nb: 1\n",
            "a",
            json!("x\ny\n"),
            "a: |\n    x\n    y\n\n# c\nb: 1\n",
        ),
        ("a literal of one line", "a: |- # why\n  one\nb: 1\n", "a", json!("x"), "a: |- # why\n  x\nb: 1\n"),
        ("a folded text", "a: >\n  one\n  two\nb: 1\n", "a", json!("x y\n"), "a: >\n  x y\nb: 1\n"),
        ("a literal that cannot be", "a: |\n  one\nb: 1\n", "a", json!(" x"), "a: \" x\"\nb: 1\n"),
        ("a text of lines", "a: one\nb: 1\n", "a", json!("x\ny"), "a: |-\n  x\n  y\nb: 1\n"),
        ("a text of lines in quotes", "a: 'one' # c\nb: 1\n", "a", json!("x\ny"), "a: \"x\\ny\" # c\nb: 1\n"),
        ("an anchor stays", "a: &x one\n", "a", json!("two"), "a: &x two\n"),
        ("a tag goes", "a: !!str 1\nb: &x !!str 2\n", "", json!({"a": 1, "b": 2}), "a: 1\nb: &x 2\n"),
        ("an alias", "a: &x one\nb: *x # c\n", "b", json!("two"), "a: &x one\nb: two # c\n"),
        ("Windows", "a: 1\r\nb: 2\r\n", "a", json!("x"), "a: x\r\nb: 2\r\n"),
        ("byte order mark", "\u{feff}a: 1\n", "a", json!(2), "\u{feff}a: 2\n"),
        ("no last line break", "a: 1", "a", json!(2), "a: 2"),
        (
            "a map becomes a scalar",
            "a: # c\n  # d\n  b: 1\n  c: 2\nd: 1\n",
            "a",
            json!("x"),
            "a: x # c\n  # d\nd: 1\n",
        ),
        ("a map at the end becomes a scalar", "d: 1\na:\n  b: 1\n  c: 2", "a", json!("x"), "d: 1\na: x\n"),
        ("a map becomes empty", "a:\n  b: 1\n", "a", json!({}), "a: {}\n"),
        ("the last of repeated keys", "a: 1\na: 2\n", "a", json!(3), "a: 1\na: 3\n"),
        ("key after a question mark", "? a\n: b\n", "a", json!("c"), "? a\n: c\n"),
        ("wide characters", "é: ü # ö\nb: 1\n", "é", json!("ä"), "é: ä # ö\nb: 1\n"),
    ]);
}

#[test]
fn a_key_comes_last() {
    check_sets(&[
        ("top", "a: 1 # one\n# end\n", "b", json!("x"), "a: 1 # one\nb: x\n# end\n"),
        ("inner", "a:\n    b: 1\n\nc: 1\n", "a/d", json!("x"), "a:\n    b: 1\n    d: x\n\nc: 1\n"),
        (
            "with maps on the way",
            "a:\n    b: 1\n",
            "c/d/e",
            json!("x"),
            "a:\n    b: 1\nc:\n    d:\n        e: x\n",
        ),
        (
            "a list as lists are written",
            "a:\n  - 1\n",
            "b",
            json!(["x", {"c": 1, "d": 2}]),
            "a:\n  - 1\nb:\n  - x\n  - c: 1\n    d: 2\n",
        ),
        ("a list where there is none", "a: 1\n", "b", json!(["x"]), "a: 1\nb:\n- x\n"),
        ("behind a list", "a:\n- 1\n- 2 # two\n", "b", json!(1), "a:\n- 1\n- 2 # two\nb: 1\n"),
        ("in an item", "- a: 1\n- a: 2\n", "0/b", json!(1), "- a: 1\n  b: 1\n- a: 2\n"),
        ("in brackets", "a: {b: 1} # c\n", "a/d", json!("x, y"), "a: {b: 1, d: \"x, y\"} # c\n"),
        (
            "in brackets on lines",
            "a: {\n  b: 1,\n  c: 2\n}\n",
            "a/d",
            json!(3),
            "a: {\n  b: 1,\n  c: 2,\n  d: 3\n}\n",
        ),
        ("in JSON", "{\n  \"a\": \"x\"\n}\n", "b", json!(["y"]), "{\n  \"a\": \"x\",\n  \"b\": [\"y\"]\n}\n"),
        ("in an empty map", "a: {} # c\nb: 1\n", "a/d", json!(3), "a: # c\n  d: 3\nb: 1\n"),
        ("in nothing", "a: # c\nb: 1\n", "a/d", json!(3), "a: # c\n  d: 3\nb: 1\n"),
        ("in null", "a: null # c\nb: 1\n", "a/d", json!(3), "a: # c\n  d: 3\nb: 1\n"),
        ("in an empty item", "-\n- b\n", "0/a", json!(3), "- a: 3\n- b\n"),
        ("in an empty document", "# only this\n", "a", json!({"b": 1}), "# only this\na:\n  b: 1\n"),
        ("in an empty text", "", "a", json!(1), "a: 1\n"),
        ("behind a document's start", "---\n# c\n", "a", json!(1), "---\n# c\na: 1\n"),
        ("before a document's end", "a: 1\n...\n", "b", json!(1), "a: 1\nb: 1\n...\n"),
        (
            "before the next document",
            "a: 1\n--- # next\nb: 1\n",
            "c",
            json!(1),
            "a: 1\nc: 1\n--- # next\nb: 1\n",
        ),
        ("behind a literal", "a: |\n  x\n\n# c\n", "b", json!(1), "a: |\n  x\nb: 1\n\n# c\n"),
        (
            "behind a literal with its empty lines",
            "a: |+\n  x\n\n# c\n",
            "b",
            json!(1),
            "a: |+\n  x\n\nb: 1\n# c\n",
        ),
        ("no last line break", "a: 1", "b", json!(1), "a: 1\nb: 1"),
        ("Windows", "a: 1\r\n", "b", json!(["x"]), "a: 1\r\nb:\r\n- x\r\n"),
        ("a key that needs quotes", "a: 1\n", "on", json!("x"), "a: 1\n\"on\": x\n"),
        (
            "a key that a merge brings",
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            "c/b",
            json!(2),
            "a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n",
        ),
        ("a text of lines", "a: 1\n", "b", json!("x\n\ny\n"), "a: 1\nb: |\n  x\n\n  y\n"),
        ("a list of lists", "a: 1\n", "b", json!([["x", "z"], []]), "a: 1\nb:\n- - x\n  - z\n- []\n"),
    ]);
}

#[test]
fn items_come_and_go() {
    check_sets(&[
        ("append", "a:\n- 1 # one\n# end\n", "a", json!([1, 2]), "a:\n- 1 # one\n- 2\n# end\n"),
        (
            "append further in",
            "a:\n    -  1\nb: 1\n",
            "a",
            json!([1, {"c": 1, "d": 2}]),
            "a:\n    -  1\n    - c: 1\n      d: 2\nb: 1\n",
        ),
        ("first", "a:\n# c\n- 1\n", "a", json!([0, 1]), "a:\n# c\n- 0\n- 1\n"),
        ("between", "- 1\n# two\n- 2\n", "", json!([1, 3, 2]), "- 1\n- 3\n# two\n- 2\n"),
        ("first of a list in a list", "- - 1\n  - 2\n", "0", json!([0, 1, 2]), "- - 0\n  - 1\n  - 2\n"),
        ("brackets", "a: [1, 2] # c\n", "a", json!([0, 1, 3, 2, 4]), "a: [0, 1, 3, 2, 4] # c\n"),
        (
            "brackets with a last comma",
            "a: [\n  1, # one\n]\n",
            "a",
            json!([1, 2]),
            "a: [\n  1,\n  2, # one\n]\n",
        ),
        ("empty brackets", "a: [] # none\n", "a", json!(["x"]), "a: # none\n- x\n"),
        ("nothing", "a:\nb: 1\n", "a", json!(["x"]), "a:\n- x\nb: 1\n"),
        ("one less", "a:\n- 1\n# two\n- 2 # second\n- 3\n", "a", json!([1, 3]), "a:\n- 1\n# two\n- 3\n"),
        ("the last less", "a:\n  - 1\n  - b: 1\n    c: 2\nd: 1\n", "a", json!([1]), "a:\n  - 1\nd: 1\n"),
        ("none left", "a: # c\n  - 1\nb: 1\n", "a", json!([]), "a: [] # c\nb: 1\n"),
        ("brackets less", "a: [1, 2, 3] # c\n", "a", json!([2]), "a: [2] # c\n"),
        ("lines in brackets less", "a: [\n  1, # one\n  2\n]\n", "a", json!([1]), "a: [\n  1 # one\n]\n"),
        ("first line in brackets less", "a: [\n  1, # one\n  2\n]\n", "a", json!([2]), "a: [\n  2\n]\n"),
        ("no last line break", "a:\n- 1\n- 2", "a", json!([1]), "a:\n- 1\n"),
        (
            "a named item changes in place",
            "- name: a # A\n  x: 1\n- name: b # B\n  x: 1\n",
            "",
            json!([{"name": "b", "x": 2}]),
            "- name: b # B\n  x: 2\n",
        ),
        ("an item that is empty", "- 1\n-\n- 3\n", "", json!([1, 3]), "- 1\n- 3\n"),
    ]);
}

#[test]
fn keys_go() {
    check_sets(&[
        ("middle", "a: 1\nb: 2 # two\nc: 3\n", "", json!({"a": 1, "c": 3}), "a: 1\nc: 3\n"),
        (
            "with its lines",
            "a: 1\nb:\n  # d\n  d: 1\n\n# c\nc: 3\n",
            "",
            json!({"a": 1, "c": 3}),
            "a: 1\n\n# c\nc: 3\n",
        ),
        ("first of an item", "- a: 1\n  b: 2\n", "", json!([{"b": 2}]), "- b: 2\n"),
        (
            "first of an item before a comment",
            "- a: 1\n  # two\n  b: 2\n",
            "",
            json!([{"b": 2}]),
            "-\n  # two\n  b: 2\n",
        ),
        ("brackets", "{a: 1, b: 2}\n", "", json!({"b": 2}), "{b: 2}\n"),
        ("last in brackets", "{a: 1, b: 2}\n", "", json!({"a": 1}), "{a: 1}\n"),
        ("none left", "a:\n  b: 1\nc: 1\n", "", json!({"a": {}, "c": 1}), "a: {}\nc: 1\n"),
        ("a literal with its lines", "a: |+\n  x\n\nb: 1\n", "", json!({"b": 1}), "b: 1\n"),
        ("JSON", "{\n  \"a\": 1,\n  \"b\": 2\n}\n", "", json!({"a": 1}), "{\n  \"a\": 1\n}\n"),
    ]);
}

#[test]
fn other_documents_stay() {
    let text = "# one\na: 1\n---\n---\n# three\na: 1\n...\n";
    let rows = [
        (0, "# one\na: 2\n---\n---\n# three\na: 1\n...\n"),
        (1, "# one\na: 1\n---\na: 2\n---\n# three\na: 1\n...\n"),
        (2, "# one\na: 1\n---\n---\n# three\na: 2\n...\n"),
    ];
    for (document, after) in rows {
        let mut stream = Stream::parse(text).unwrap();
        assert_eq!(stream.documents(), 3);
        assert_eq!(stream.set(document, &path("a"), &json!(2)), Ok(true), "{document}");
        assert_eq!(stream.text(), after, "{document}");
    }
    assert_eq!(
        Stream::parse(text).unwrap().set(3, &path("a"), &json!(2)).unwrap_err().to_string(),
        "there is no document 3: the text has 3"
    );
}

#[test]
fn what_is_shared_is_left_alone() {
    let rows = [
        (
            "a: &x {b: 1}\nc: *x\n",
            "c/b",
            "line 2, column 4: c is the alias *x: a change would be one of its anchor, too (line 1)",
        ),
        (
            "a: &x {b: 1}\nc: *x\n",
            "a/b",
            "line 1, column 4: a has the anchor &x: a change would be one of its alias, too (line 2)",
        ),
        (
            "a: &x 1\nc: *x\n",
            "a",
            "line 1, column 4: a has the anchor &x: a change would be one of its alias, too (line 2)",
        ),
        (
            "a:\n  b: &x 1\nc: *x\n",
            "a",
            "line 2, column 6: a has the anchor &x: a change would be one of its alias, too (line 3)",
        ),
        ("a: &x {b: {d: 1}}\nc:\n  <<: *x\n", "c/b/d", "line 3, column 3: c.b comes from a merge (`<<`)"),
        ("a: 1\n", "a/b", "line 1, column 4: a is a single value, not a map"),
        ("a: [1]\n", "a/b", "line 1, column 4: a is a list, not a map"),
        ("a: [1]\n", "a/7", "line 1, column 4: a[7] is not there"),
        ("a: {}\n", "a/0", "line 1, column 4: a is a map, not a list"),
    ];
    for (text, at, message) in rows {
        let mut stream = Stream::parse(text).unwrap();
        let error = stream.set(0, &path(at), &json!("new")).unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
        assert_eq!(stream.text(), text);
    }
}

#[test]
fn what_is_shared_changes_where_that_is_wanted() {
    let rows = [
        ("a: &x {b: 1}\nc: *x\n", "c/b", "a: &x {b: new}\nc: *x\n"),
        ("a: &x 1\nc: *x\n", "a", "a: &x new\nc: *x\n"),
        ("a: &x 1\nc: *x\n", "c", "a: &x new\nc: *x\n"),
    ];
    for (text, at, after) in rows {
        let mut stream = Stream::parse(text).unwrap().sharing(Sharing::Change);
        assert_eq!(stream.set(0, &path(at), &json!("new")), Ok(true), "{text}");
        assert_eq!(stream.text(), after);
    }
}

#[test]
fn what_is_shared_changes_where_all_its_places_do() {
    let mut stream = Stream::parse("a: &x 1\nb: *x\nc: *x\n").unwrap();
    assert!(stream.update(0, &json!({"a": 2, "b": 2, "c": 1})).is_err());
    assert_eq!(stream.update(0, &json!({"a": 2, "b": 2, "c": 2})), Ok(true));
    assert_eq!(stream.text(), "a: &x 2\nb: *x\nc: *x\n");
}

#[test]
fn removing_and_inserting_say_what_is_wrong() {
    let mut stream = Stream::parse("a: [1]\nb: &x 1\nc: *x\n").unwrap();
    let rows = [
        (stream.remove(0, &path("z")).unwrap_err(), "line 1, column 1: z is not there"),
        (
            stream.remove(0, &path("b")).unwrap_err(),
            "line 2, column 4: b has the anchor &x: a change would be one of its alias, too (line 3)",
        ),
        (stream.insert(0, &path("a"), 5, &json!(1)).unwrap_err(), "line 1, column 4: a[5] is not there"),
        (
            stream.push(0, &path("b"), &json!(1)).unwrap_err(),
            "line 2, column 4: b is a single value, not a list",
        ),
        (
            Stream::parse("a: b: c\n").unwrap_err(),
            "line 1, column 5: mapping values are not allowed in this context",
        ),
    ];
    for (error, message) in rows {
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_key_gets_another_name() {
    let rows = [
        ("a: 1\n# x\nb: # y\n- 1 # z\n", "b", Ok("a: 1\n# x\nc: # y\n- 1 # z\n")),
        ("{a: 1, \"b\": 2}\n", "b", Ok("{a: 1, \"c\": 2}\n")),
        ("b: 1\nc: 2\n", "b", Err("line 1, column 1: b cannot be changed without changing something else")),
        ("- 1\n", "0", Err("line 1, column 3: [0] cannot be changed without changing something else")),
    ];
    for (text, at, expected) in rows {
        let mut stream = Stream::parse(text).unwrap();
        let made = stream
            .rename(0, &path(at), "c")
            .map(|()| stream.text().to_owned())
            .map_err(|error| error.to_string());
        assert_eq!(made.as_deref().map_err(String::as_str), expected, "{text}");
    }
}
