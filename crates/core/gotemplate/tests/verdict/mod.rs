//! Cases with the verdict of Go.

use gotemplate::{Budget, Functions, Limits, MissingKey, Numbers, Run, Templates, Value};
use serde_json::Value as Json;

/// What to run, and what Go says.
pub(crate) struct Case {
    name: String,
    template: String,
    data: Value,
    missing_key: MissingKey,
    delims: (String, String),
    more: Vec<(String, String)>,
    verdict: Result<String, String>,
}

fn text(case: &Json, field: &str) -> String {
    case[field].as_str().unwrap_or_default().to_owned()
}

impl Case {
    pub(crate) fn from_json(case: &Json, name: &str) -> Self {
        let numbers = if case["floats"] == true { Numbers::Float } else { Numbers::Int };
        let more = case["more"].as_array().into_iter().flatten();
        Self {
            name: text(case, name),
            template: text(case, "template"),
            data: Value::from_json(&case["data"], numbers).expect("a case is well formed"),
            missing_key: match case["missingkey"].as_str() {
                Some("zero") => MissingKey::Zero,
                Some("error") => MissingKey::Error,
                _ => MissingKey::Default,
            },
            delims: (text(case, "left"), text(case, "right")),
            more: more.map(|more| (text(more, "name"), text(more, "text"))).collect(),
            verdict: match case["error"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => Ok(text(case, "expect")),
            },
        }
    }

    fn run(&self) -> Result<String, String> {
        let mut templates = Templates::new(Functions::builtin())
            .missing_key(self.missing_key)
            .delims(&self.delims.0, &self.delims.1);
        templates.parse("t", &self.template).map_err(|error| error.to_string())?;
        for (name, text) in &self.more {
            templates.parse(name, text).map_err(|error| error.to_string())?;
        }
        let mut run = Run::new(Budget::new(Limits::default()));
        templates.execute(&mut run, "t", &self.data).map_err(|error| error.to_string())
    }
}

/// Runs all cases, and fails with all that differ.
pub(crate) fn check(cases: &[Case]) {
    let mut differing = Vec::new();
    for case in cases {
        let got = case.run();
        if got != case.verdict {
            differing.push(format!(
                "{}\n  template {:?}\n  wanted {:?}\n  got    {got:?}",
                case.name, case.template, case.verdict
            ));
        }
    }
    assert!(differing.is_empty(), "{} of {} differ:\n{}", differing.len(), cases.len(), differing.join("\n"));
}
