//! Differences between live and desired, as unified diffs of YAML.

use resource::ResourceKey;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

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
}
