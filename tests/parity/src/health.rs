//! The corpus of live objects: what the peer says of their health.

use crate::Options;
use crate::report::{Report, Verdict, say};
use anyhow::Context;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    group_kind: String,
    case: String,
    input: String,
    expected: Expected,
}

#[derive(Deserialize, PartialEq, Eq, Debug)]
struct Expected {
    status: String,
    #[serde(default)]
    message: String,
}

/// A case passes by its status; whether the message is the same, too, is counted apart.
pub(crate) fn run(options: &Options) -> anyhow::Result<Report> {
    let text =
        std::fs::read_to_string(options.path.join("cases.jsonl")).context("cannot read cases.jsonl")?;
    let mut report = Report::of_health();
    for (at, line) in text.lines().enumerate() {
        let case: Case =
            serde_json::from_str(line).with_context(|| format!("line {} of cases.jsonl", at + 1))?;
        let id = format!("{}/{}", case.group_kind, case.case);
        if options.show.as_ref().is_some_and(|wanted| !id.contains(wanted.as_str())) {
            continue;
        }
        let ours = case.judge().with_context(|| id.clone())?;
        let passed = ours.status == case.expected.status;
        let same = passed && ours.message == case.expected.message;
        if options.show.is_some() && !same {
            say(&format!("{id}\n{}\n  theirs: {:?}\n  ours:   {ours:?}", case.input, case.expected));
        }
        report.add(id, Verdict { passed, order: passed, bytes: same, text: None });
    }
    Ok(report)
}

impl Case {
    fn judge(&self) -> anyhow::Result<Expected> {
        let value = goyaml::parse_one(self.input.as_bytes(), &goyaml::Limits::default())?;
        let object = resource::Object::from_value(value)?;
        // The corpus is from tests of the scripts, which know nothing of `Pending deletion`.
        let health = health::by_rule(&object);
        Ok(Expected {
            status: health.as_ref().map(|health| health.status.to_string()).unwrap_or_default(),
            message: health.map(|health| health.message).unwrap_or_default(),
        })
    }
}
