//! Differences between live and desired, as unified diffs of YAML.

use resource::ResourceKey;
use serde_json::Value;
use similar::{ChangeTag, DiffTag, TextDiff};

use crate::escape;
use crate::look::{Look, Paint};

/// Lines shown around a change.
const CONTEXT: usize = 3;

/// One object, both sides masked: `None` where it is not there.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) key: ResourceKey,
    pub(crate) live: Option<Value>,
    pub(crate) desired: Option<Value>,
    /// Where git has it, `file:line`; may be empty.
    pub(crate) origin: String,
}

/// The difference of one object with its heading; nothing where there is none.
///
/// **Shape**: the peer's heading, then what `diff -u live desired` prints without file names (the peer forks `diff`,
/// whose form depends on the machine).
pub(crate) fn unified(pair: &Pair, look: Look) -> String {
    let text = |value: &Option<Value>| value.as_ref().map(goyaml::to_string).unwrap_or_default();
    let (live, desired) = (text(&pair.live), text(&pair.desired));
    if live == desired {
        return String::new();
    }
    let key = &pair.key;
    let heading =
        escape::line(&format!("===== {}/{} {}/{} ======", key.group, key.kind, key.namespace, key.name))
            .into_owned();
    let mut out = format!("\n{}\n", look.paint(Paint::Bold, &heading));
    if look.native() && !pair.origin.is_empty() {
        out += &look.paint(Paint::Dim, &format!("# {}", escape::line(&pair.origin)));
        out.push('\n');
    }
    let diff = TextDiff::from_lines(&live, &desired);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        out += &look.paint(Paint::Busy, hunk.header().to_string().trim_end());
        out.push('\n');
        for change in hunk.iter_changes() {
            let (sign, paint) = match change.tag() {
                ChangeTag::Delete => ('-', Paint::Bad),
                ChangeTag::Insert => ('+', Paint::Good),
                ChangeTag::Equal => (' ', Paint::Plain),
            };
            let line = change.value().trim_end_matches('\n');
            out += &look.paint(paint, &format!("{sign}{}", escape::lines(line)));
            out.push('\n');
        }
    }
    out
}

/// The same as the peer's client has it, by `diff` without flags: `2c2`, `<`, `---`, `>`.
pub(crate) fn normal(pair: &Pair) -> String {
    let text = |value: &Option<Value>| value.as_ref().map(goyaml::to_string).unwrap_or_default();
    let (live, desired) = (text(&pair.live), text(&pair.desired));
    if live == desired {
        return String::new();
    }
    let key = &pair.key;
    let mut out = format!("\n===== {}/{} {}/{} ======\n", key.group, key.kind, key.namespace, key.name);
    let (before, after): (Vec<&str>, Vec<&str>) = (live.lines().collect(), desired.lines().collect());
    let diff = TextDiff::from_slices(&before, &after);
    for operation in diff.ops() {
        let (tag, old, new) = operation.as_tag_tuple();
        // Lines count from 1; what is added or taken away has a place after a line.
        let range = |range: &std::ops::Range<usize>| match range.len() {
            0 => range.start.to_string(),
            1 => range.end.to_string(),
            _ => format!("{},{}", range.start + 1, range.end),
        };
        let sign = match tag {
            DiffTag::Equal => continue,
            DiffTag::Delete => 'd',
            DiffTag::Insert => 'a',
            DiffTag::Replace => 'c',
        };
        out += &format!("{}{sign}{}\n", range(&old), range(&new));
        let lines = |out: &mut String, sign: char, slices: &[&str]| {
            for line in slices {
                out.push_str(&format!("{sign} {}\n", escape::lines(line)));
            }
        };
        lines(&mut out, '<', &before[old]);
        if tag == DiffTag::Replace {
            out.push_str("---\n");
        }
        lines(&mut out, '>', &after[new]);
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pair(live: Option<Value>, desired: Option<Value>) -> Pair {
        let key = ResourceKey::new("apps", "Deployment", "default", "web");
        Pair { key, live, desired, origin: "web.yaml:3".to_owned() }
    }

    #[test]
    fn changed_new_gone_and_equal() {
        let one = || json!({"spec": {"a": 1, "b": "x"}});
        for (reason, live, desired, expected) in [
            (
                "changed",
                Some(one()),
                Some(json!({"spec": {"a": 2, "b": "x"}})),
                "\n===== apps/Deployment default/web ======\n# web.yaml:3\n@@ -1,3 +1,3 @@\n spec:\n-  a: 1\n+  a: 2\n   b: x\n",
            ),
            (
                "new",
                None,
                Some(json!({"a": "\u{1b}"})),
                "\n===== apps/Deployment default/web ======\n# web.yaml:3\n@@ -0,0 +1 @@\n+a: \"\\e\"\n",
            ),
            (
                "gone",
                Some(json!({"a": 1})),
                None,
                "\n===== apps/Deployment default/web ======\n# web.yaml:3\n@@ -1 +0,0 @@\n-a: 1\n",
            ),
            ("equal", Some(one()), Some(one()), ""),
        ] {
            assert_eq!(unified(&pair(live, desired), Look::default()), expected, "{reason}");
        }
    }

    #[test]
    fn as_diff_prints_it() {
        let lines = |items: &[i32]| json!({ "l": items });
        for (reason, live, desired, expected) in [
            (
                "changed",
                Some(json!({"a": 1, "b": 2})),
                Some(json!({"a": 3, "b": 2})),
                "1c1\n< a: 1\n---\n> a: 3\n",
            ),
            ("added", Some(lines(&[1, 4])), Some(lines(&[1, 2, 3, 4])), "2a3,4\n> - 2\n> - 3\n"),
            ("taken", Some(lines(&[1, 2, 3])), Some(lines(&[1, 3])), "3d2\n< - 2\n"),
            ("new", None, Some(json!({"a": 1, "b": 2})), "0a1,2\n> a: 1\n> b: 2\n"),
            ("gone", Some(json!({"a": 1})), None, "1d0\n< a: 1\n"),
        ] {
            let expected = format!("\n===== apps/Deployment default/web ======\n{expected}");
            assert_eq!(normal(&pair(live, desired)), expected, "{reason}");
        }
    }
}
