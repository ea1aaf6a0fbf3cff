//! The shell text of pipelines, as their runners run it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::places::example;

/// A step: what is exported before it, and its text.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) exports: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Step {
    /// The text with its exports, those of `over` instead of its own. Like the runners, a shell that stops at the first failure.
    pub(crate) fn script(&self, over: &[(&str, &str)]) -> String {
        let mut out = "set -e\n".to_owned();
        let own = self.exports.iter().filter(|(name, _)| !over.iter().any(|(other, _)| other == name));
        let over = over.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        for (name, value) in over.chain(own.cloned()) {
            // In double quotes: values may name other variables.
            out.push_str(&format!("export {name}=\"{value}\"\n"));
        }
        out + &self.text
    }
}

fn parse(name: &str) -> Value {
    goyaml::parse_one(example(name).as_bytes(), &goyaml::Limits::default()).unwrap()
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// A job of a GitLab pipeline: its script, without what prepares the machine.
pub(crate) fn gitlab(file: &str, job: &str) -> Step {
    let pipeline = parse(file);
    let mut exports = pairs(&pipeline["variables"]);
    // Variables that stand on others come after them.
    exports.sort_by_key(|(_, value)| value.contains('$'));
    let template = pipeline[job]["extends"].as_str().map(|template| &pipeline[template]["variables"]);
    exports.extend(template.map(pairs).unwrap_or_default());
    exports.extend(pairs(&pipeline[job]["variables"]));
    let lines: Vec<&str> =
        pipeline[job]["script"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    Step { exports, text: lines.join("\n") }
}

/// A step of a GitHub workflow, its `${{ … }}` filled in as GitHub does: as text.
pub(crate) fn github(file: &str, step: &str, known: &[(&str, &str)]) -> Step {
    let workflow = parse(file);
    let mut known: BTreeMap<String, String> =
        known.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let jobs =
        workflow["jobs"].as_object().into_iter().flatten().filter_map(|(_, job)| job["steps"].as_array());
    let steps: Vec<&Value> = jobs.flatten().chain(workflow.as_array().into_iter().flatten()).collect();
    let found =
        steps.iter().find(|found| found["name"] == step).unwrap_or_else(|| panic!("{file} has no {step}"));
    let mut exports = Vec::new();
    for (name, value) in pairs(&workflow["env"]) {
        let value = filled(&value, &known);
        known.insert(format!("env.{name}"), value.clone());
        exports.push((name, value));
    }
    exports.extend(pairs(&found["env"]).into_iter().map(|(name, value)| (name, filled(&value, &known))));
    let text = found["run"].as_str().or(found["with"]["script"].as_str()).unwrap();
    Step { exports, text: filled(text, &known) }
}

/// `${{ key }}` with what is known.
pub(crate) fn filled(text: &str, known: &BTreeMap<String, String>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${{") {
        let (key, after) = after.split_once("}}").unwrap();
        out.push_str(before);
        out.push_str(known.get(key.trim()).unwrap_or_else(|| panic!("nothing is known of {key}")));
        rest = after;
    }
    out + rest
}
