use super::{Entry, Index, IndexError};
use std::fmt::Write;

const MOST: usize = 1000;
const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn shown(index: &Index) -> String {
    let entry = |entry: Entry<'_>| {
        let digest =
            entry.digest.map(|digest| format!("#{}", digest.hex().split_at(4).0)).unwrap_or_default();
        format!("{}={}{digest}", entry.version, entry.url)
    };
    let chart = |name: &str| {
        let entries: Vec<_> = index.entries(name).unwrap().map(entry).collect();
        format!("{name}: {}", entries.join(" "))
    };
    index.charts().map(chart).collect::<Vec<_>>().join("; ")
}

#[test]
fn indexes_of_all_forms_are_read() {
    let helm = format!(
        "apiVersion: v1\nentries:\n  app:\n  - annotations:\n      a: |\n        - version: 9.9.9\n        # not a comment\n    apiVersion: v2\n    created: \"2024-01-01T00:00:00Z\"\n    description: a text that goes\n      on\n    digest: {HEX}\n    name: app\n    urls:\n    - https://h/app-1.tgz\n    - https://mirror/app-1.tgz\n    version: 1.0.0\n  - name: app\n    urls: [app-2.tgz]\n    version: \"2.0.0\"\n  other:\n  - version: v0.1\n    urls:\n    - x\ngenerated: \"2024-01-01T00:00:00Z\"\n"
    );
    let all = "app: 1.0.0=https://h/app-1.tgz#0123 2.0.0=app-2.tgz; other: v0.1=x";
    let json = format!(
        r#"{{"apiVersion":"v1","entries":{{"app":[{{"version":"1.0.0","urls":["https://h/app-1.tgz"],"digest":"sha256:{HEX}"}},{{"version":"2.0.0","urls":["app-2.tgz"]}}],"other":[{{"version":"v0.1","urls":["x"]}}]}},"x":{{"y":[1]}}}}"#
    );
    let rows: &[(&str, &str, &str)] = &[
        (&helm, all, "as helm writes it"),
        (&helm.replace('\n', "\r\n"), all, "lines of Windows"),
        (&format!("\u{feff}---\n# made by hand\n{helm}...\nentries: nothing\n"), all, "marks around it"),
        (&json, all, "JSON"),
        (&json.replace("\"apiVersion\":", "apiVersion: "), all, "flow style"),
        (
            "entries:\n    app:\n        - version: 1.0.0\n          urls: [x]\n        - version: 2.0.0\n          urls: [z]\n    none: []\n    empty:\napiVersion: v1\n",
            "app: 1.0.0=x 2.0.0=z; empty: ; none: ",
            "indented lists, empty charts",
        ),
        (
            "entries:\n  app:\n  - version: 1.0.0\n    urls: &urls [x]\n  - version: 1.0.1\n    urls: *urls\n",
            "app: 1.0.0=x 1.0.1=x",
            "an alias across entries",
        ),
        (
            "entries:\n  app:\n  - description: \"in quotes\n  - still\"\n    version: 1.0.0\n    urls: [x]\n",
            "app: 1.0.0=x",
            "a line in quotes that looks like an entry",
        ),
        ("entries:\n  app:\n  - version: 1.5\n    urls: [x]\n", "app: 1.5=x", "a version without quotes"),
        ("entries:\n  \"a b\":\n  - version: 1.0.0\n", "a b: 1.0.0=", "a name in quotes, no URL"),
        ("entries:\n  a:\n  - version: 1.0.0\n  a:\n  - version: 2.0.0\n", "a: 2.0.0=", "a chart twice"),
        (
            "entries:\n  a:\n  - version: 1.0.0\n    urls: [x]\n    digest: nonsense\n",
            "a: 1.0.0=x",
            "a digest that is none",
        ),
        ("apiVersion: v1\nentries: {}\n", "", "no charts"),
        ("apiVersion: v1\n", "", "no entries at all"),
    ];
    for (text, expected, why) in rows {
        let index = Index::parse(text.as_bytes(), MOST).unwrap_or_else(|error| panic!("{why}: {error}"));
        assert_eq!((shown(&index).as_str(), index.notes()), (*expected, [].as_slice()), "{why}");
    }
}

#[test]
fn one_malformed_entry_does_not_lose_the_others() {
    let rows = [
        ("  - version: [\n  - version: 2.0.0\n", "app: 2.0.0=", "broken YAML"),
        ("  - name: app\n  - version: 2.0.0\n", "app: 2.0.0=", "no version"),
        ("  - version: {a: b}\n  - version: 2.0.0\n", "app: 2.0.0=", "a version that is none"),
        ("  - just a text\n  -\n  - version: 2.0.0\n", "app: 2.0.0=", "a text, nothing"),
        ("  - version: \"1\\x\"\n  - version: 2.0.0\n    urls: 7\n", "app: 2.0.0=", "URLs that are none"),
    ];
    for (entries, expected, why) in rows {
        let text = format!("apiVersion: v1\nentries:\n  app:\n{entries}");
        let index = Index::parse(text.as_bytes(), MOST).unwrap();
        assert_eq!(shown(&index), expected, "{why}");
        assert!(!index.notes().is_empty(), "{why}: it is named");
    }
    let json = br#"{"entries":{"app":[null,7,{"name":"x"},{"version":"2.0.0"}]}}"#;
    assert_eq!(shown(&Index::parse(json, MOST).unwrap()), "app: 2.0.0=");
}

#[test]
fn what_is_no_index_is_refused() {
    let rows: [(&[u8], &str); 9] = [
        (b"", "an empty file"),
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "a page"),
        (b"{\"message\":\"not found\"}", "another JSON"),
        (b"entries: 7\n", "entries that are none"),
        (b"- a\n- b\n", "a list"),
        (b"\xff\xfe\x00", "no text"),
        (b"entries:\n  a: [\n", "a list that is not closed"),
        (b"[[[[[[[[[[[[", "nesting"),
        (b"key: value\n", "no index"),
    ];
    for (text, why) in rows {
        let got = Index::parse(text, MOST);
        assert!(matches!(got, Err(IndexError::Malformed(_))), "{why}: {got:?}");
    }
}

#[test]
fn versions_are_counted() {
    let mut text = "entries:\n  app:\n".to_owned();
    for n in 0..=MOST {
        writeln!(text, "  - version: 1.0.{n}").unwrap();
    }
    assert_eq!(Index::parse(text.as_bytes(), MOST), Err(IndexError::TooMany(MOST)));
    assert_eq!(Index::parse(text.as_bytes(), MOST + 1).unwrap().versions(), MOST + 1);
    let json = format!(r#"{{"entries":{{"a":[{}{{}}]}}}}"#, r#"{"version":"1"},"#.repeat(MOST + 1));
    assert_eq!(Index::parse(json.as_bytes(), MOST), Err(IndexError::TooMany(MOST)));
}

#[test]
fn revisions_mean_entries() {
    let index = "entries:\n  app:\n  - version: 1.0.0\n  - version: 1.10.0\n  - version: 1.9.0\n  - version: 2.0.0-rc.1\n  - version: v3.0.0\n  - version: not-a-version\n  - version: 0.0.0\n  - version: 1.10.0+b\n  only-pre:\n  - version: 1.0.0-beta\n";
    let index = Index::parse(index.as_bytes(), MOST).unwrap();
    let rows = [
        ("app", "1.9.0", Some("1.9.0"), "exact"),
        ("app", " 1.9.0 ", Some("1.9.0"), "blanks around it"),
        ("app", "", Some("v3.0.0"), "nothing: the highest"),
        ("app", "*", Some("v3.0.0"), "a star"),
        ("app", "1.x", Some("1.10.0"), "by number, not by letter; of equals the first"),
        ("app", "^1.0.0", Some("1.10.0"), "a caret"),
        ("app", "~1.9", Some("1.9.0"), "a tilde"),
        ("app", "<2", Some("1.10.0"), "below"),
        ("app", ">=1 <1.10 || 0.0.0", Some("1.9.0"), "alternatives"),
        ("app", "1.9", Some("1.9.0"), "a version cut short is a range for Helm"),
        ("app", "3.0.0", Some("v3.0.0"), "without the v"),
        ("app", "v1.9.0", Some("1.9.0"), "with a v"),
        ("app", ">=2.0.0-0 <3", Some("2.0.0-rc.1"), "a pre-release that is asked for"),
        ("app", "^2", None, "a pre-release that is not"),
        ("app", "2.0.0-rc.1", Some("2.0.0-rc.1"), "an exact pre-release"),
        ("app", "1.10.0+b", Some("1.10.0+b"), "build metadata"),
        ("app", "not-a-version", Some("not-a-version"), "its very name"),
        ("app", "0.0.0", Some("0.0.0"), "nought"),
        ("app", "9.9.9", None, "not there"),
        ("app", "main", None, "no range"),
        ("only-pre", "*", None, "only pre-releases"),
        ("none", "*", None, "no chart"),
    ];
    for (chart, revision, expected, why) in rows {
        assert_eq!(index.resolve(chart, revision).map(|entry| entry.version), expected, "{why}");
    }
}

/// Cutting at lines gives the same as reading the whole.
#[test]
fn pieces_and_the_whole_agree() {
    let descriptions = [
        "plain",
        "\"- quoted: #\"",
        "|\n        - block\n        # text\n\n        end",
        ">-\n        folded\n          more",
        "'it''s\n      two lines'",
        "plain on\n        two lines",
        "{a: [b, c]}",
        "null",
    ];
    for (n, one) in descriptions.iter().enumerate() {
        for two in descriptions.iter().skip(n) {
            let mut text = "apiVersion: v1\nserverInfo:\n  x: y\nentries:\n".to_owned();
            for chart in ["a", "b"] {
                writeln!(text, "  {chart}:").unwrap();
                for (version, description) in [("1.0.0", one), ("1.1.0", two)] {
                    writeln!(text, "    - description: {description}\n      version: {version}\n      urls:\n      - {chart}-{version}.tgz").unwrap();
                }
            }
            let cut = Index::parse(text.as_bytes(), MOST).unwrap();
            let whole = super::in_one_piece(text.as_bytes(), MOST).unwrap();
            assert_eq!(shown(&cut), shown(&whole), "{text}");
            assert_eq!((cut.versions(), cut.notes()), (4, [].as_slice()), "{text}");
        }
    }
}

/// Any text ends in an index or an error, and what is read can be asked for.
#[test]
fn mutations() {
    let seeds = [
        "apiVersion: v1\nentries:\n  app:\n  - version: 1.0.0\n    urls: &u [a]\n    digest: x\n  - version: \"2.0.0\n  - x\"\n    urls: *u\n  other: []\ngenerated: 'x'\n",
        r#"{"apiVersion":"v1","entries":{"app":[{"version":"1.0.0","urls":["x"]},null,{"version":2}],"none":null}}"#,
    ];
    let pieces = [
        "\n", "  ", "- ", ": ", "\"", "'", "{", "]", "#", "&u", "*u", "entries:", "---\n", "\t", "|\n",
        "\u{e9}", "0",
    ];
    let mut state = 7_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for round in 0..6_000 {
        let mut text = seeds[round % seeds.len()].as_bytes().to_vec();
        for _ in 0..=next(4) {
            let at = next(text.len() + 1);
            let until = (at + next(6)).min(text.len());
            text.splice(at..until, pieces[next(pieces.len())].bytes());
        }
        let Ok(index) = Index::parse(&text, 3) else { continue };
        let shown = String::from_utf8_lossy(&text).into_owned();
        assert!(index.versions() <= 3, "{shown}");
        for chart in index.charts() {
            for entry in index.entries(chart).unwrap().filter(|entry| entry.version.trim() == entry.version) {
                let found = index.resolve(chart, entry.version).map(|found| found.version);
                assert_eq!(found, Some(entry.version), "{shown}");
            }
        }
        // Where the whole can be read at once, it says the same.
        if index.notes().is_empty()
            && let Ok(whole) = super::in_one_piece(&text, 3)
        {
            assert_eq!(self::shown(&index), self::shown(&whole), "{shown}");
        }
    }
}
