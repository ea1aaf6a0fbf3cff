use serde_json::{Value, json};

use super::*;

fn findings(spec: &Value) -> Vec<String> {
    let application = Application::from_value(json!({"metadata": {"name": "web"}, "spec": spec})).unwrap();
    inspect(&application)
        .into_iter()
        .map(|finding| format!("{}: {}", finding.condition, finding.message))
        .collect()
}

/// A specification without a fault, with one change.
fn with(pointer: &str, value: Value) -> Value {
    let mut spec = json!({
        "source": {"repoURL": "https://h/a", "path": "."},
        "destination": {"server": "https://kubernetes.default.svc"},
        "syncPolicy": {}, "ignoreDifferences": []
    });
    *spec.pointer_mut(pointer).unwrap() = value;
    spec
}

#[test]
fn faultless_ones_have_no_finding() {
    for spec in [
        with(
            "/syncPolicy",
            json!({"syncOptions": ["CreateNamespace=true"], "managedNamespaceMetadata": {"labels": {"a": "b"}}}),
        ),
        with(
            "/syncPolicy",
            json!({"retry": {"limit": 3, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}}}),
        ),
        with(
            "/source",
            json!({"repoURL": "https://charts.example", "chart": "web", "targetRevision": "1.x"}),
        ),
        with("/source", json!({"repoURL": "oci://registry.example/web", "targetRevision": "1.0.0"})),
        with("/destination", json!({"name": "in-cluster"})),
    ] {
        assert_eq!(findings(&spec), Vec::<String>::new(), "{spec}");
    }
    let several = json!({"destination": {"name": "in-cluster"}, "sources": [
        {"repoURL": "https://h/values", "ref": "values"},
        {"repoURL": "https://charts.example", "chart": "web", "targetRevision": "1.x", "helm": {"valueFiles": ["$values/a.yaml"]}}]});
    assert_eq!(findings(&several), Vec::<String>::new());
}

#[test]
fn errors_stop_the_application() {
    for (spec, expected) in [
        (
            json!({"destination": {"name": "in-cluster"}}),
            "spec.source.repoURL and either spec.source.path or spec.source.chart are required",
        ),
        (with("/source/path", json!("")), "spec.source: either path or chart is required"),
        (with("/source/repoURL", json!("")), "spec.source.repoURL is required"),
        (with("/destination", json!({})), "Destination server missing from app spec"),
        (
            with("/destination", json!({"name": "a", "server": "b"})),
            "application destination can't have both name and server defined: a b",
        ),
        (
            with(
                "/source",
                json!({"repoURL": "https://h/a", "path": ".", "helm": {}, "kustomize": {"namePrefix": "x"}}),
            ),
            "spec.source: multiple application sources defined: helm,kustomize",
        ),
        (
            with("/source", json!({"repoURL": "https://h/a", "chart": "web"})),
            "spec.source.targetRevision is required if the manifest source is a helm chart",
        ),
        (
            json!({"destination": {"name": "a"}, "sources": [{"repoURL": "https://h/a", "ref": "x", "chart": "web", "targetRevision": "1"}]}),
            "spec.sources[0]: a source with ref cannot have a chart",
        ),
    ] {
        assert_eq!(findings(&spec), [format!("InvalidSpecError: {expected}")], "{spec}");
    }
}

/// A45: what stands in for a repository and is none.
#[test]
fn hostile_repository_urls_are_refused_without_their_secrets() {
    for url in [
        "--upload-pack=touch /tmp/x",
        "https://h/a\nb",
        "https://h/a\tb",
        "https://me:secret@h/a/../b",
        "https://h\\a",
        "https://me:secret@h/a%2f%2e%2e%2fb",
        &format!("https://h/{}", "a".repeat(64 << 10)),
    ] {
        let found = findings(&with("/source/repoURL", json!(url)));
        assert!(
            found.len() == 1 && found[0].starts_with("InvalidSpecError: spec.source.repoURL "),
            "{found:?}"
        );
        assert!(!found[0].contains("secret"), "{found:?}");
        assert!(found[0].len() < 300, "{} bytes", found[0].len());
    }
}

#[test]
fn warnings_do_not() {
    for (spec, expected) in [
        (
            with("/syncPolicy", json!({"syncOptions": ["CreateNamespaces=true"]})),
            "spec.syncPolicy.syncOptions: sync option \"CreateNamespaces\" is unknown",
        ),
        (
            with("/syncPolicy", json!({"retry": {"backoff": {"maxDuration": "soon"}}})),
            "spec.syncPolicy.retry.backoff.maxDuration: \"soon\" is no duration: a number is missing \
             (a duration is written like 30s, 5m or 1h30m); the default holds",
        ),
        (
            with("/syncPolicy", json!({"managedNamespaceMetadata": {"labels": {"a": "b"}}})),
            "spec.syncPolicy.managedNamespaceMetadata has no effect without the sync option CreateNamespace=true",
        ),
        (
            with("/ignoreDifferences", json!([{"kind": "A", "jsonPointers": ["spec/replicas"]}])),
            "spec.ignoreDifferences[0].jsonPointers: \"spec/replicas\" is no JSON pointer: it does not begin with a slash",
        ),
        (
            with("/syncPolicy", json!({"automatic": {}})),
            "unknown field spec.syncPolicy.automatic: did you mean automated?",
        ),
    ] {
        assert_eq!(findings(&spec), [format!("LintWarning: {expected}")], "{spec}");
    }
}
