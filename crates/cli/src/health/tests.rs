use super::*;

const OBJECTS: &str = "\
apiVersion: v1
kind: List
items:
- {apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: web, namespace: shop},
   status: {conditions: [{type: Ready, status: 'True', message: issued}]}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: plain}}
---
apiVersion: database.example.com/v1
kind: PostgreSQL
metadata: {name: db}
status: {ready: false, message: waits for a disk}
";

/// As seed 000 has it: the map's form under a split key, beside a line that is no YAML.
const SETTINGS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data:
  resource.customizations.health.database.example.com_PostgreSQL: |
    arn:aws:iam::ACCOUNT_ID:role/ArgoCD
    health.lua: |
    hs = {}
    if obj.status.ready == true then
    hs.status = \"Healthy\"
    return hs
    end
    hs.status = \"Progressing\"
    hs.message = obj.status.message
    return hs
";

fn run(words: &[&str], files: &[(&str, &str)]) -> Result<Said, String> {
    let output = if words.contains(&"json") { HealthOutput::Json } else { HealthOutput::Table };
    let settings = words.contains(&"settings").then(|| "cm.yaml".to_owned());
    let names = files.iter().map(|(name, _)| (*name).to_owned()).filter(|name| name != "cm.yaml");
    let arguments = HealthArgs { files: names.collect(), settings, output };
    let mut read = |file: &str| {
        let found = files.iter().find(|(name, _)| *name == file);
        found.map(|(_, text)| text.as_bytes().to_vec()).ok_or_else(|| std::io::Error::other("no such file"))
    };
    judge(&arguments, &mut read)
}

#[test]
fn objects_are_judged_by_rules_and_scripts() {
    let plain = run(&[], &[("live.yaml", OBJECTS)]).unwrap();
    assert_eq!(plain.code, WELL);
    assert_eq!(
        plain.out,
        "KIND                             NAMESPACE  NAME   HEALTH   MESSAGE\n\
         Certificate.cert-manager.io      shop       web    Healthy  issued\n\
         ConfigMap                                   plain  -\n\
         PostgreSQL.database.example.com             db     -\n"
    );
    let scripted = run(&["settings", "json"], &[("cm.yaml", SETTINGS), ("live.yaml", OBJECTS)]).unwrap();
    assert_eq!(scripted.code, NOT_WELL);
    let list: Value = serde_json::from_str(&scripted.out).unwrap();
    assert_eq!(
        list[2],
        json!({"group": "database.example.com", "kind": "PostgreSQL", "namespace": null, "name": "db",
            "status": "Progressing", "message": "waits for a disk"})
    );
    assert_eq!(list[1]["status"], Value::Null);
    assert!(scripted.notes.len() == 1 && scripted.notes[0].contains("health.lua: |"), "{:?}", scripted.notes);
}

#[test]
fn a_broken_script_is_shown_on_its_object_alone() {
    let settings = SETTINGS.replace("hs = {}", "hs = {");
    let said = run(&["settings"], &[("cm.yaml", &settings), ("live.yaml", OBJECTS)]).unwrap();
    assert!(said.out.contains("Healthy  issued"), "{}", said.out);
    assert!(said.out.contains("Unknown  health script: <string>:"), "{}", said.out);
    assert!(
        said.notes.iter().any(|note| note.contains("the health script of database.example.com/PostgreSQL"))
    );
}

#[test]
fn errors_name_the_file_and_the_document() {
    for (row, text, expected) in [
        (
            "no object",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\nkind: Pod\n",
            "live.yaml: document 2: ",
        ),
        ("an item", "apiVersion: v1\nkind: List\nitems: [{kind: Pod}]\n", "live.yaml: document 1: item 1: "),
        ("no YAML", "a: [", "live.yaml: "),
    ] {
        let error = run(&[], &[("live.yaml", text)]).unwrap_err();
        assert!(error.starts_with(expected), "{row}: {error}");
    }
    let error = run(&["settings"], &[("live.yaml", OBJECTS)]).unwrap_err();
    assert_eq!(error, "cm.yaml: no such file");
    let error = run(&["settings"], &[("cm.yaml", "apiVersion: v1\nkind: Pod\n"), ("live.yaml", OBJECTS)])
        .unwrap_err();
    assert_eq!(error, "cm.yaml: there is no ConfigMap argocd-cm");
}
