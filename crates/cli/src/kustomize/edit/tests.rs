//! What the commands make of a kustomization: as data what the real one makes of it, and as text no more than that.

use std::path::Path;

use clap::Parser as _;
use serde_json::{Map, Value, json};

use super::super::arguments::KustomizeCommand;
use super::super::{Said, create, edit};

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(subcommand)]
    command: KustomizeCommand,
}

/// Runs a command line in a directory.
fn run(directory: &Path, words: &[&str]) -> Result<Said, String> {
    let line = Line::try_parse_from([&["kustomize"], words].concat()).map_err(|error| error.to_string())?;
    match line.command {
        KustomizeCommand::Edit(command) => edit::edit(directory, &command.0),
        KustomizeCommand::Build(_) => Err("not here".to_owned()),
        KustomizeCommand::Create(arguments) => create::create(directory, &arguments),
    }
}

fn directory(files: &Map<String, Value>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text.as_str().unwrap()).unwrap();
    }
    directory
}

fn kustomization(directory: &Path) -> Option<String> {
    super::NAMES.iter().find_map(|name| std::fs::read_to_string(directory.join(name)).ok())
}

/// What both say alike: without what the real one adds, moves and sorts whatever it is asked for.
fn comparable(mut value: Value, bases: bool) -> Value {
    let Some(map) = value.as_object_mut() else { return json!({}) };
    map.remove("apiVersion");
    map.remove("kind");
    if let Some(resources) = map.remove("Resources") {
        map.insert("resources".to_owned(), resources);
    }
    for (old, new) in [("bases", "resources"), ("imageTags", "images")] {
        if let Some(Value::Array(moved)) = map.remove(old) {
            let list = map.entry(new).or_insert(json!([]));
            let list = list.as_array_mut().unwrap();
            list.extend(moved);
        }
    }
    // A new resource comes behind bases that were moved there, and before those that were not.
    if let Some(list) = map.get_mut("resources").and_then(Value::as_array_mut).filter(|_| bases) {
        list.sort_by_key(Value::to_string);
    }
    for generator in ["configMapGenerator", "secretGenerator"] {
        for entry in map.get_mut(generator).and_then(Value::as_array_mut).into_iter().flatten() {
            let entry = entry.as_object_mut().unwrap();
            if let Some(env) = entry.remove("env") {
                entry.entry("envs").or_insert(json!([])).as_array_mut().unwrap().push(env);
            }
            // The real one writes these in a random order.
            if let Some(literals) = entry.get_mut("literals").and_then(Value::as_array_mut) {
                literals.sort_by_key(Value::to_string);
            }
        }
    }
    for list in ["images", "replicas"] {
        if let Some(list) = map.get_mut(list).and_then(Value::as_array_mut) {
            list.sort_by_key(|entry| entry["name"].to_string());
        }
    }
    map.retain(|_, field| {
        !field.is_null() && *field != json!([]) && *field != json!({}) && *field != json!("")
    });
    value
}

/// `tools/kustomize-edit-oracle/record` writes the verdicts.
#[test]
fn commands_do_what_the_real_ones_do() {
    let mut wrong = Vec::new();
    let cases: Vec<Value> =
        include_str!("cases.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for case in &cases {
        let directory = directory(case["files"].as_object().unwrap());
        let words: Vec<&str> = case["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let said = run(directory.path(), &words);
        let shown = format!("{words:?} on {}", case["files"]["kustomization.yaml"]);
        if said.is_ok() != (case["exit"] == 0) {
            wrong.push(format!("{shown}: {said:?}, the real one: {} {}", case["exit"], case["stderr"]));
            continue;
        }
        let text = kustomization(directory.path());
        let read = |text: &String| goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default()).ok();
        let value = text.as_ref().and_then(read);
        let bases = case["files"].to_string().contains("bases:");
        let ours = comparable(value.unwrap_or_default(), bases);
        let theirs = comparable(case["kustomization"].clone(), bases);
        if said.is_ok() && ours != theirs {
            wrong.push(format!("{shown}:\n  ours {ours}\n  real {theirs}"));
        }
        for (path, text) in case["written"].as_object().into_iter().flatten() {
            let ours = std::fs::read_to_string(directory.path().join(path)).unwrap();
            if ours != text.as_str().unwrap() {
                wrong.push(format!("{shown}: {path}\n  ours {ours:?}\n  real {text}"));
            }
        }
        // Errors in the same words, where the words are the command's own.
        let (text, verdict) = (said.err().unwrap_or_default(), case["stderr"].as_str().unwrap());
        if case["same_words"] == true && text.trim_end() != verdict {
            wrong.push(format!("{shown}:\n  ours {text}\n  real {verdict}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

const USES: &str =
    "kind: A # $(HOST)\nmetadata: {name: a}\nspec:\n  # the host\n  host: $(HOST) # is put here\n";

/// Text, words, text: comments, blank lines, order and quotes of all else are the same bytes.
#[test]
fn commands_change_no_more_than_they_must() {
    let rows: &[(&str, &[&str], &str)] = &[
        (
            "# ours\nresources: # all\n  - a.yaml   # first\n\nimages:\n  # by CI\n  - name: api\n    newTag: \"1.9\" # keep\n\nnamespace: 'x'\n",
            &["set", "image", "api:1.10"],
            "# ours\nresources: # all\n  - a.yaml   # first\n\nimages:\n  # by CI\n  - name: api\n    newTag: \"1.10\" # keep\n\nnamespace: 'x'\n",
        ),
        (
            "images:\n- name: api # a\n- name: web # w\n",
            &["set", "image", "db:1"],
            "images:\n- name: api # a\n- name: db\n  newTag: \"1\"\n- name: web # w\n",
        ),
        (
            "images:\n- name: web # w\n- name: api # a\n",
            &["set", "image", "db:v1"],
            "images:\n- name: web # w\n- name: api # a\n- name: db\n  newTag: v1\n",
        ),
        (
            "bases:\n- ../base # deprecated\n",
            &["set", "namespace", "prod"],
            "bases:\n- ../base # deprecated\nnamespace: prod\n",
        ),
        ("namespace: \"dev\" # where\n", &["set", "namespace", "prod"], "namespace: \"prod\" # where\n"),
        ("namePrefix: a- # p\nresources: []\n", &["set", "nameprefix", ""], "resources: []\n"),
        (
            "resources:\n- a.yaml # a\n- b.yaml # b\n",
            &["remove", "resource", "a.yaml"],
            "resources:\n- b.yaml # b\n",
        ),
        (
            "resources:\n- a.yaml # a\n\n# labels\ncommonLabels: {a: b}\n",
            &["remove", "resource", "*.yaml"],
            "\n# labels\ncommonLabels: {a: b}\n",
        ),
        (
            "commonLabels:\n  app: x # the app\n",
            &["set", "label", "env:\"prod\"", "tier:"],
            "commonLabels:\n  app: x # the app\n  env: prod\n  tier: \"\"\n",
        ),
        (
            "replicas:\n- name: web\n  count: 1 # one\n",
            &["set", "replicas", "web=3", "api=2"],
            "replicas:\n- count: 2\n  name: api\n- name: web\n  count: 3 # one\n",
        ),
        (
            "resources: [a]\r\nnamespace: x\r\n",
            &["set", "namespace", "z"],
            "resources: [a]\r\nnamespace: z\r\n",
        ),
        ("namespace:   prod   # same\n", &["set", "namespace", "prod"], "namespace:   prod   # same\n"),
        ("# nothing yet\n", &["set", "namespace", "prod"], "# nothing yet\nnamespace: prod\n"),
        (
            "configMapGenerator:\n- name: c # cm\n  literals:\n  - a=1 # one\n  - b=2\n",
            &["set", "configmap", "c", "--from-literal=b=3"],
            "configMapGenerator:\n- name: c # cm\n  literals:\n  - a=1 # one\n  - b=3\n",
        ),
        (
            "# top\nbases: # old\n- ../base # b\ncommonLabels:\n  a: b\npatchesJson6902:\n- path: p.yaml # p\n  target: {kind: X, name: y}\n",
            &["fix"],
            "# top\nresources: # old\n- ../base # b\npatches:\n- path: p.yaml # p\n  target: {kind: X, name: y}\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nlabels:\n- includeSelectors: true\n  pairs:\n    a: b\n",
        ),
        (
            "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\n# what is put in\nvars: # two\n# the host\n- name: HOST\n  objref: {kind: A, name: a, apiVersion: v1}\n\n# all\nresources:\n- uses.yaml # this\n",
            &["fix", "--vars"],
            "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\n# what is put in\nreplacements: # two\n# the host\n- source:\n    kind: A\n    name: a\n    version: v1\n  targets:\n  - fieldPaths:\n    - spec.host\n    select:\n      kind: A\n      name: a\n\n# all\nresources:\n- uses.yaml # this\n",
        ),
    ];
    for (before, words, after) in rows {
        let files = json!({"kustomization.yaml": before, "uses.yaml": USES});
        let directory = directory(files.as_object().unwrap());
        let said = run(directory.path(), &[&["edit"], *words].concat());
        assert!(said.is_ok(), "{words:?}: {said:?}");
        assert_eq!(kustomization(directory.path()).as_deref(), Some(*after), "{words:?}");
    }
}

#[test]
fn variables_are_converted_all_or_none() {
    let second = "- name: B\n  objref: {kind: A, name: a, apiVersion: v1}\n";
    let vars = format!(
        "resources: [base]\nreplacements: [{{path: r.yaml}}]\nvars:\n{}{second}",
        second.replace("B", "HOST")
    );
    let mut files = json!({
        "kustomization.yaml": vars,
        "base/kustomization.yaml": "resources: [deeper]\n",
        "base/deeper/kustomization.yaml": "resources: [uses.yaml]\n",
        "base/deeper/uses.yaml": USES,
    });
    let there = directory(files.as_object().unwrap());
    let said = run(there.path(), &["edit", "fix", "--vars"]).unwrap();
    assert!(said.out.contains("vars -> replacements"), "{}", said.out);
    let uses = std::fs::read_to_string(there.path().join("base/deeper/uses.yaml")).unwrap();
    assert_eq!(uses, USES.replace("$(HOST)", "HOST_PLACEHOLDER"));
    let text = kustomization(there.path()).unwrap();
    let value = goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default()).unwrap();
    assert_eq!(value["replacements"][0], json!({"path": "r.yaml"}));
    assert_eq!(value["replacements"][1]["targets"][0]["fieldPaths"], json!(["spec.host"]));

    files["base/deeper/uses.yaml"] = json!(format!("{USES}  url: a/$(B)b\n"));
    let there = directory(files.as_object().unwrap());
    let error = run(there.path(), &["edit", "fix", "--vars"]).unwrap_err();
    let expected =
        "error with base/deeper/uses.yaml: cannot convert all vars to replacements; $(B) is not delimited";
    assert_eq!(error, expected);
    for (path, text) in files.as_object().unwrap() {
        assert_eq!(
            std::fs::read_to_string(there.path().join(path)).unwrap(),
            text.as_str().unwrap(),
            "{path}"
        );
    }
}

#[test]
fn what_stands_for_several_places_is_left_alone() {
    let files = json!({"kustomization.yaml": "commonLabels: &l {a: b}\ncommonAnnotations: *l\n"});
    let directory = directory(files.as_object().unwrap());
    let said = run(directory.path(), &["edit", "set", "label", "a:c"]);
    let error = "kustomization.yaml: line 1, column 15: commonLabels has the anchor &l: a change would be one of its alias, too (line 2)";
    assert_eq!(said, Err(error.to_owned()));
}
