//! Which applications another one waits for: the annotation `capstan/depends-on`.
//!
//! The peer has nothing of the kind; its users order applications by waves of a root application, which holds only for the first sync.

use std::collections::BTreeSet;

/// Names of an annotation: separated by commas, each `name` or `namespace/name`; empty ones do not count.
pub fn names(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// The way from an application back to itself over what each depends on, both ends named; `None` where there is none.
///
/// **Shape**: each application is looked at once, so that a large graph costs its edges.
pub fn cycle<N: Ord + Clone>(from: &N, depends_on: impl Fn(&N) -> Vec<N>) -> Option<Vec<N>> {
    let mut seen = BTreeSet::new();
    // What is still to be looked at on each level, and the way there.
    let (mut way, mut levels) = (vec![from.clone()], vec![depends_on(from)]);
    while let Some(level) = levels.last_mut() {
        let Some(next) = level.pop() else {
            levels.pop();
            way.pop();
            continue;
        };
        if next == *from {
            way.push(next);
            return Some(way);
        }
        if seen.insert(next.clone()) {
            levels.push(depends_on(&next));
            way.push(next);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_separated_by_commas() {
        assert_eq!(names(" db, team/cache ,,"), ["db", "team/cache"]);
        assert!(names("").is_empty());
    }

    #[test]
    fn a_cycle_is_found_and_named() {
        let graph = |edges: &'static [(&'static str, &'static str)]| {
            move |from: &&'static str| -> Vec<&'static str> {
                edges.iter().filter(|(a, _)| a == from).map(|(_, b)| *b).collect()
            }
        };
        for (reason, edges, expected) in [
            ("alone", &[][..], None),
            ("a chain", &[("a", "b"), ("b", "c")], None),
            ("itself", &[("a", "a")], Some("a a")),
            ("two", &[("a", "b"), ("b", "a")], Some("a b a")),
            ("behind a fork", &[("a", "x"), ("a", "b"), ("b", "c"), ("c", "a"), ("x", "y")], Some("a b c a")),
            ("others' cycle is theirs", &[("a", "b"), ("b", "c"), ("c", "b")], None),
            ("a diamond", &[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")], None),
        ] {
            let found = cycle(&"a", graph(edges)).map(|way| way.join(" "));
            assert_eq!(found.as_deref(), expected, "{reason}");
        }
    }
}
