//! Verdicts of the real libraries, replayed: our own (`tests/cases`) and, where it lies beside the checkout, the shared corpus.

#![expect(clippy::unwrap_used, reason = "a test's cases are fine or it fails")]

use std::path::Path;
use std::rc::Rc;

use gotemplate::{Budget, ExecError, Limits, MissingKey, Numbers, Run, Templates, Value};
use serde_json::Value as Json;
use sprig::{Dialect, Fixed, Host, Moment};

/// One case: a line of JSON with `id`, `env`, `template`, `data`, and `expect` or `error`.
struct Case(Json);

impl Case {
    fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field).and_then(Json::as_str)
    }

    fn run(&self) -> Result<String, String> {
        let data = self.0.get("data").unwrap_or(&Json::Null);
        let helm = self.text("env") == Some("helm");
        let dialect = if helm { Dialect::Helm } else { Dialect::Sprig };
        let mut templates = Templates::new(sprig::functions(dialect));
        let (name, dot) = if helm {
            templates = templates.missing_key(MissingKey::Zero);
            let values = Value::from_json(data, Numbers::Float).unwrap();
            let names = ["Capabilities", "Chart", "Files", "Release", "Subcharts", "Template"];
            let mut dot: std::collections::BTreeMap<_, _> =
                names.map(|name| (name.into(), Value::map([].into()))).into();
            dot.insert("Values".into(), values);
            ("t/templates/t", Value::map(dot))
        } else {
            ("t", Value::from_json(data, Numbers::Int).unwrap())
        };
        templates.parse(name, self.text("template").unwrap_or_default()).map_err(|error| match helm {
            true => {
                let last = error.message.rsplit(": ").next().unwrap_or_default();
                format!("parse error at ({name}:{}): {last}", error.line)
            }
            false => error.to_string(),
        })?;
        let world = Fixed::new(Moment { seconds: 1_700_000_000, nanos: 0 }, 7);
        let mut run = Run::new(Budget::new(Limits::default())).with(Rc::new(Host::new(world)));
        let text = templates.execute(&mut run, name, &dot).map_err(|error| shown(&error))?;
        Ok(if helm { text.replace("<no value>", "") } else { text })
    }
}

/// As Helm shows an error: of `fail` and `required` the text alone.
fn shown(error: &ExecError) -> String {
    let (start, end) = sprig::FAILURE_MARKS;
    let text = error.message.split_once(start).and_then(|(_, text)| text.rsplit_once(end));
    match (text, &error.place) {
        (Some((text, _)), Some(place)) => {
            format!("execution error at ({}:{}:{}): {text}", place.file, place.line, place.column)
        }
        _ => error.to_string(),
    }
}

/// What a template needs of a chart is not here.
fn needs_a_chart(template: &str) -> bool {
    let words =
        ["include", "tpl", "lookup", "Chart", "Release", "Capabilities", "Files", "Template", "Subcharts"];
    template.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
}

/// What comes out otherwise, and why: an address in memory; a YAML error that shows the value of a Go map.
const EXCEPTIONS: [&str; 2] = ["syntax/027", "syntax/098"];

/// The ids of cases that came out otherwise, and how many were tried; also how many errors differ in their words.
fn replay(text: &str, exact_errors: bool) -> (usize, Vec<String>) {
    let (mut tried, mut failures) = (0, Vec::new());
    for line in text.lines() {
        let case = Case(serde_json::from_str(line).unwrap());
        if EXCEPTIONS.contains(&case.text("id").unwrap_or_default())
            || !matches!(case.text("env"), Some("sprig" | "helm"))
            || needs_a_chart(case.text("template").unwrap_or_default())
        {
            continue;
        }
        tried += 1;
        let got = case.run();
        let fine = match (&got, case.text("expect"), case.text("error")) {
            (Ok(text), Some(expected), _) => text == expected,
            (Err(error), None, Some(expected)) => !exact_errors || error == expected,
            _ => false,
        };
        if !fine {
            let id = case.text("id").unwrap_or_default();
            let template = case.text("template").unwrap_or_default();
            let expected = case.text("expect").or(case.text("error"));
            failures.push(format!("{id}: {template}\n  got      {got:?}\n  expected {expected:?}"));
        }
    }
    (tried, failures)
}

#[test]
fn the_shared_corpus_is_answered_as_by_the_real_libraries() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/parity/gotemplate/cases.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("NOT RUN: no shared corpus");
        return;
    };
    let (tried, failures) = replay(&text, false);
    let (_, words) = replay(&text, true);
    println!("{tried} tried, {} failed, {} with other words", failures.len(), words.len());
    if std::env::args().any(|arg| arg == "--nocapture") {
        println!("{}", words.join("\n"));
    }
    assert!(tried > 3_000 && failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn wild_arguments_are_answered_as_by_the_real_libraries() {
    let (tried, failures) = replay(include_str!("cases/wild.jsonl"), true);
    assert!(tried > 500 && failures.is_empty(), "{} of {tried}:\n{}", failures.len(), failures.join("\n"));
}
