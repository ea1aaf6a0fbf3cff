//! Kustomizations whose lines are mixed up at random: no panic, and the same files always give the same result.

use std::sync::Arc;

use dice::Dice;
use filetree::{FileTree, MemoryStore, TreePath};
use kustomize::{Limits, Options, build};

/// Changed trees; a few seconds in a debug build.
const ROUNDS: usize = 600;

const KUSTOMIZATION: &str = r#"namePrefix: p-
namespace: ns1
resources: [r.yaml]
commonAnnotations: {a: b}
labels:
- pairs: {l: m}
  includeTemplates: true
images:
- {name: nginx, newTag: "2"}
replicas:
- {name: web, count: 3}
configMapGenerator:
- name: c
  literals: [a=b, 'c="d"']
  options: {disableNameSuffixHash: false, labels: {x: w}}
patches:
- path: p.yaml
- target: {kind: Deploy.*, labelSelector: 'app in (web)'}
  patch: |-
    - {op: add, path: /spec/template/spec/containers/0/args, value: [a]}
    - {op: copy, from: /metadata/name, path: /metadata/labels/copy}
replacements:
- source: {kind: ConfigMap, name: c, fieldPath: metadata.name}
  targets:
  - select: {kind: Deployment}
    reject: [{name: zzz}]
    fieldPaths: ['spec.template.spec.containers.[name=web].env.0.value', metadata.annotations.x\.y/z]
    options: {create: true, delimiter: "-", index: 1}
sortOptions: {order: legacy, legacySortOptions: {orderFirst: [Service]}}
"#;

const RESOURCES: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 1
  template:
    metadata:
    spec:
      containers:
      - name: web
        image: reg:5000/nginx:1@sha256:ab
        env:
        - {name: A, value: "1"}
        - name: B
        ports:
        - containerPort: 80
          protocol: TCP
        - containerPort: 80
          protocol: UDP
      volumes:
      - {name: v, emptyDir: null}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports: [{port: 80}]
"#;

const PATCH: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: null
  template:
    spec:
      containers:
      - name: side
        image: nginx
      - name: web
        $patch: merge
        ports:
        - containerPort: 80
          $patch: delete
      volumes:
      - name: v
        $patch: delete
"#;

const PIECES: [&str; 14] =
    ["null", "[]", "{}", "- ", "  ", ": ", "\"", "*", "[=x]", "$patch", "0", "-1", "99999999999", "---\n"];

#[test]
fn survives_changed_trees() {
    let mut dice = Dice::new(0xC0FFEE);
    let limits = Limits { resources: 50, yaml_depth: 60, yaml_nodes: 5_000, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let mut built = 0;
    for round in 0..ROUNDS {
        let texts = [KUSTOMIZATION, RESOURCES, PATCH];
        let mut changed = texts.map(str::to_owned);
        for _ in 0..=dice.roll(2) {
            let which = dice.roll(texts.len());
            changed[which] = change(&changed[which], texts[dice.roll(texts.len())], &mut dice);
        }
        let [kustomization, resources, patch] = &changed;
        let files = [
            ("kustomization.yaml", kustomization.as_str()),
            ("r.yaml", resources.as_str()),
            ("p.yaml", patch.as_str()),
        ];
        let store = Arc::new(MemoryStore::from_files(files).expect("these are paths"));
        let once = || {
            let tree = Arc::new(FileTree::new(store.clone(), filetree::Limits::default()));
            build(&tree, &TreePath::root(), &options).map_err(|error| error.to_string())
        };
        let first = once();
        assert_eq!(first, once(), "round {round}");
        built += usize::from(first.is_ok());
    }
    // Were all broken, nothing would be tried.
    assert!(built > ROUNDS / 10, "{built} of {ROUNDS} were built");
}

/// A text with a line gone, doubled, put elsewhere or taken from another, or with a piece put in.
fn change(text: &str, other: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = dice.roll(lines.len());
    match dice.roll(6) {
        0 => {
            lines.remove(at);
        }
        1 => lines.insert(dice.roll(lines.len()), lines[at].clone()),
        2 => {
            let line = lines.remove(at);
            lines.insert(dice.roll(lines.len() + 1), line);
        }
        3 => {
            let others: Vec<&str> = other.lines().collect();
            lines.insert(at, others[dice.roll(others.len())].to_owned());
        }
        4 => {
            let start = lines[at].find(": ").map_or(0, |colon| colon + 2);
            lines[at].truncate(start);
            lines[at].push_str(PIECES[dice.roll(PIECES.len())]);
        }
        _ => {
            let places: Vec<usize> = lines[at].char_indices().map(|(place, _)| place).collect();
            let place = places.get(dice.roll(places.len())).copied().unwrap_or(0);
            lines[at].insert_str(place, PIECES[dice.roll(PIECES.len())]);
        }
    }
    lines.join("\n") + "\n"
}
