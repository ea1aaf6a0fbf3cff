//! The corpus of templates: what Go, Sprig and Helm made of them.

use crate::Options;
use crate::report::{Report, Verdict, say};
use ::gotemplate::{Budget, Functions, Limits, MissingKey, Numbers, Run, Templates, Value};
use anyhow::Context;
use serde::Deserialize;
use std::rc::Rc;
use std::sync::Arc;

#[derive(Deserialize)]
struct Case {
    id: String,
    env: String,
    template: String,
    #[serde(default)]
    data: serde_json::Value,
    expect: Option<String>,
    error: Option<String>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Report> {
    let text =
        std::fs::read_to_string(options.path.join("cases.jsonl")).context("cannot read cases.jsonl")?;
    let mut report = Report::default();
    for (at, line) in text.lines().enumerate() {
        let case: Case =
            serde_json::from_str(line).with_context(|| format!("line {} of cases.jsonl", at + 1))?;
        if options.show.as_ref().is_some_and(|wanted| !case.id.contains(wanted.as_str())) {
            continue;
        }
        let ours = case.render()?;
        let passed = match (&ours, &case.expect) {
            (Ok(ours), Some(theirs)) => ours == theirs,
            (Err(_), None) => true,
            (Ok(_), None) | (Err(_), Some(_)) => false,
        };
        let text = case.error.as_ref().map(|theirs| ours.as_ref().err() == Some(theirs));
        if options.show.is_some() && (!passed || text == Some(false)) {
            let theirs = case.expect.as_ref().or(case.error.as_ref());
            say(&format!(
                "{}\n  template: {}\n  data: {}\n  theirs: {theirs:?}\n  ours:   {ours:?}",
                case.id, case.template, case.data
            ));
        }
        report.add(case.id, Verdict { passed, order: passed, bytes: passed, text });
    }
    Ok(report)
}

impl Case {
    fn render(&self) -> anyhow::Result<Result<String, String>> {
        match self.env.as_str() {
            "go" => self.plain(Functions::builtin()),
            "sprig" => self.plain(sprig::functions(sprig::Dialect::Sprig)),
            "helm" => self.helm(),
            other => anyhow::bail!("{}: {other} is no environment", self.id),
        }
    }

    fn plain(&self, functions: Functions) -> anyhow::Result<Result<String, String>> {
        let data = Value::from_json(&self.data, Numbers::Int)?;
        let mut templates = Templates::new(functions).missing_key(MissingKey::Default);
        if let Err(error) = templates.parse("t", &self.template) {
            return Ok(Err(error.to_string()));
        }
        let mut run = Run::new(Budget::new(Limits::default())).with(world());
        Ok(templates.execute(&mut run, "t", &data).map_err(|error| error.to_string()))
    }

    /// The template is `templates/t` of a chart `t`.
    fn helm(&self) -> anyhow::Result<Result<String, String>> {
        let files = [
            ("t/Chart.yaml", "apiVersion: v2\nname: t\nversion: 0.1.0\nappVersion: \"1.0\"\n"),
            ("t/templates/t", &self.template),
        ];
        let store = filetree::MemoryStore::from_files(files)?;
        let tree = Arc::new(filetree::FileTree::new(Arc::new(store), filetree::Limits::default()));
        let path = filetree::TreePath::parse("t")?;
        let chart = helm::Chart::from_tree(&tree, &path, &helm::LoadLimits::default());
        let chart = match chart {
            Ok(chart) => Arc::new(chart),
            Err(error) => return Ok(Err(error.to_string())),
        };
        let mut values = self.data.as_object().cloned().unwrap_or_default();
        values.values_mut().for_each(to_floats);
        let limits = helm::RenderLimits::default();
        let rendered = helm::templates(&helm::Request {
            chart: &chart,
            release: &helm::Release {
                name: "rel".to_owned(),
                namespace: "ns".to_owned(),
                revision: 1,
                is_upgrade: false,
            },
            values: &values,
            capabilities: &helm::Capabilities {
                helm_version: "v3.22".to_owned(),
                ..helm::Capabilities::default()
            },
            world: world(),
            lookup: None,
            include_crds: false,
            skip_schema: false,
            limits: &limits,
            cancelled: None,
            cache: None,
        });
        Ok(match rendered {
            Ok(files) => Ok(files.into_iter().map(|(_, text)| text).collect()),
            Err(error) => Err(error.to_string()),
        })
    }
}

fn to_floats(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Number(number) => {
            if let Some(float) = number.as_f64().and_then(serde_json::Number::from_f64) {
                *number = float;
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(to_floats),
        serde_json::Value::Object(map) => map.values_mut().for_each(to_floats),
        _ => {}
    }
}

fn world() -> Rc<sprig::Host> {
    Rc::new(sprig::Host::new(sprig::Fixed::new(sprig::Moment { seconds: 1_700_000_000, nanos: 0 }, 7)))
}
