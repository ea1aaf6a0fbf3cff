//! gobwas/glob's verdicts.

use serde::Deserialize;

use crate::glob;

#[derive(Deserialize)]
struct Case {
    pattern: String,
    texts: Vec<String>,
    #[serde(default)]
    matches: String,
    #[serde(default)]
    error: String,
}

#[test]
fn patterns_match_what_the_peers_do() {
    let mut differ = Vec::new();
    for line in include_str!("../../tests/cases/globs.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let globs = match glob::parse(&case.pattern) {
            Ok(globs) if case.error.is_empty() => globs,
            Err(_) if !case.error.is_empty() => continue,
            Ok(_) => {
                differ.push(format!("{:?} can be read; the peer says {}", case.pattern, case.error));
                continue;
            }
            Err(error) => {
                differ.push(format!("{:?}: {error}", case.pattern));
                continue;
            }
        };
        for (text, expected) in case.texts.iter().zip(case.matches.chars()) {
            if globs.iter().any(|glob| glob.matches(text)) != (expected == 'y') {
                differ.push(format!("{:?} on {text:?}: the peer says {expected}", case.pattern));
            }
        }
    }
    assert!(differ.is_empty(), "{} differ\n{}", differ.len(), differ.join("\n"));
}
