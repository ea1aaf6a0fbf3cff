//! Builds from the disk: what the flags do. What a build makes is the crate `kustomize`'s to show.

use std::path::Path;

use clap::Parser as _;

use super::super::arguments::KustomizeCommand;
use super::{Said, Trouble, build};
use crate::Surroundings;

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(subcommand)]
    command: KustomizeCommand,
}

const FILES: [(&str, &str); 5] = [
    ("base/kustomization.yaml", "resources: [all.yaml, ns.yaml]\n"),
    (
        "base/all.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: Web, namespace: a}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n",
    ),
    ("base/ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"),
    ("over/kustomization.yaml", "bases: [../base]\nresources: [../outside.yaml]\n"),
    ("outside.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: outside}\n"),
];

fn run(here: &Path, words: &[&str]) -> Result<Said, Trouble> {
    let line =
        Line::try_parse_from([&["kustomize", "build"], words].concat()).map_err(|error| error.to_string())?;
    let KustomizeCommand::Build(arguments) = line.command else { return Err("not here".to_owned().into()) };
    let surroundings = Surroundings { environment: &|_| None, temp_dir: here.to_owned() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    runtime.block_on(build(here, &arguments, &surroundings))
}

fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in FILES {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    directory
}

fn kinds(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("kind: ")).collect()
}

#[test]
fn a_directory_is_built_with_what_lies_beside_it() {
    let directory = directory();
    let said = run(directory.path(), &["over", "--load-restrictor", "LoadRestrictionsNone"]).unwrap();
    assert_eq!(kinds(&said.out), ["Namespace", "ConfigMap", "Service", "Deployment"]);
    assert!(
        said.notes.iter().any(|note| note.starts_with("# Warning: 'bases' is deprecated.")),
        "{:?}",
        said.notes
    );
    let said = run(
        directory.path(),
        &["base", "--reorder", "none", "-e", "A=B", "--as-current-user", "--helm-command", "helm3"],
    )
    .unwrap();
    assert_eq!(kinds(&said.out), ["Deployment", "Service", "Namespace"]);
    assert_eq!(
        said.notes,
        [
            "Flag --reorder has been deprecated, use the new 'sortOptions' field in kustomization.yaml instead.",
            "--helm-command is not run: charts are rendered in this process",
        ]
    );
}

#[test]
fn output_goes_to_a_file_or_into_a_directory() {
    let directory = directory();
    let here = directory.path();
    let said = run(here, &["base", "-o", "all.out"]).unwrap();
    assert_eq!(said, Said::default());
    assert_eq!(std::fs::read_to_string(here.join("all.out")).unwrap(), run(here, &["base"]).unwrap().out);
    std::fs::create_dir(here.join("out")).unwrap();
    run(here, &["base", "--output", "out"]).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(here.join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["a_apps_v1_deployment_web.yaml", "default_v1_service_web.yaml", "v1_namespace_a.yaml"]
    );
    let service = std::fs::read_to_string(here.join("out/default_v1_service_web.yaml")).unwrap();
    assert_eq!(service, "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n");
}

#[test]
fn what_cannot_be_is_refused() {
    let directory = directory();
    let rows: &[(&[&str], &str)] = &[
        (&["a", "b"], "specify one path to kustomization.yaml"),
        (&["--reorder", "x"], "illegal flag value --reorder x; legal values: [legacy none]"),
        (
            &["--load-restrictor", "x"],
            "illegal flag value --load-restrictor x; legal values: [LoadRestrictionsRootOnly LoadRestrictionsNone]",
        ),
        (
            &["--enable-alpha-plugins"],
            "--enable-alpha-plugins would run programs and containers that a kustomization names, and none is run here",
        ),
        (
            &["--enable-exec"],
            "--enable-exec would run programs that a kustomization names, and none is run here",
        ),
        (&["--network"], "--network is for functions in containers, and none is run here"),
        (&["--mount", "type=bind"], "--mount is for functions in containers, and none is run here"),
        (&["none"], "must build at directory"),
        (&["outside.yaml"], "must build at directory"),
        (&["over"], "security; file"),
        (
            &["."],
            "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory",
        ),
        (&["file:///x.git//y"], "a repository on this machine's own disk is not read"),
    ];
    for (words, message) in rows {
        let error = run(directory.path(), words).unwrap_err().message;
        assert!(error.contains(message), "{words:?}: {error}");
    }
}

#[test]
fn what_is_said_before_an_error_is_printed() {
    let directory = directory();
    let trouble = run(directory.path(), &["over", "--reorder", "none"]).unwrap_err();
    let starts: Vec<&str> = trouble.notes.iter().filter_map(|note| note.split('.').next()).collect();
    let reorder = "Flag --reorder has been deprecated, use the new 'sortOptions' field in kustomization";
    assert_eq!(starts, [reorder, "# Warning: 'bases' is deprecated"]);
    assert!(trouble.message.contains("security; file"), "{}", trouble.message);
}
