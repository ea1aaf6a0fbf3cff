//! Two streams of manifests.

use crate::report::Verdict;
use serde_json::Value;

/// One document: where it is said to come from, and what it is.
#[derive(Debug, Clone, PartialEq)]
struct Document {
    source: String,
    value: Result<Value, String>,
}

/// Holds our stream against the recorded one.
pub(crate) fn streams(ours: &str, theirs: &str) -> Verdict {
    if ours == theirs {
        return Verdict { passed: true, order: true, bytes: true, text: None };
    }
    let (ours, theirs) = (documents(ours), documents(theirs));
    let order = ours == theirs;
    let mut left = theirs;
    let all = ours.iter().all(|document| match left.iter().position(|other| other == document) {
        Some(at) => {
            left.swap_remove(at);
            true
        }
        None => false,
    });
    Verdict { passed: all && left.is_empty(), order, bytes: false, text: None }
}

/// What differs, for people: the first lines that do.
pub(crate) fn difference(ours: &str, theirs: &str) -> String {
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (ours.lines().collect(), theirs.lines().collect());
    let same = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let excerpt = |lines: &[&str]| -> String {
        lines.iter().skip(same.saturating_sub(3)).take(12).map(|line| format!("    {line}\n")).collect()
    };
    format!("  line {}\n  theirs:\n{}  ours:\n{}", same + 1, excerpt(&theirs), excerpt(&ours))
}

/// The documents of a stream; blank ones and those of comments are left out.
fn documents(stream: &str) -> Vec<Document> {
    let mut documents = Vec::new();
    for text in format!("\n{stream}").split("\n---") {
        let source = text.lines().find_map(|line| line.strip_prefix("# Source: ")).unwrap_or_default();
        let value = goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default());
        let value = value.map_err(|_| text.trim().to_owned());
        if value != Ok(Value::Null) {
            documents.push(Document { source: source.to_owned(), value });
        }
    }
    documents
}
