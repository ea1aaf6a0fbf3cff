use serde_json::{Value, json};

use super::*;
use crate::{HealthStatusCode, OperationPhase, SyncStatusCode};

#[expect(clippy::needless_pass_by_value, reason = "JSON literals read better by value")]
fn application(spec: Value) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "web", "namespace": "argocd"}, "spec": spec})
}

#[test]
fn unknown_fields_and_words_survive_a_round_trip_at_every_level() {
    let value = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "extra": {"a": [1, 2.5, null_free()]},
        "metadata": {"name": "web", "namespace": "argocd", "managedFields": [{"manager": "x"}], "selfLink": "/y"},
        "spec": {
            "project": "default", "fieldFromTheFuture": true,
            "destination": {"server": "https://kubernetes.default.svc", "region": "eu"},
            "source": {"repoURL": "https://git.example/a.git", "helm": {"parameters": [{"name": "a", "value": "b", "why": "c"}]}},
            "syncPolicy": {"automated": {"prune": false, "selfHeal": true}, "notification": {"webhook": [{"name": "slack"}]}}
        },
        "status": {
            "sync": {"status": "HalfSynced", "comparedTo": {"destination": {"namespace": "a"}}},
            "health": {"status": "Sleepy"},
            "operationState": {"operation": {"sync": {"autoHealAttemptsCount": 3}}, "phase": "Pondering", "startedAt": "2026-01-01T00:00:00Z"}
        }
    });
    let parsed = Application::from_value(value.clone()).unwrap();
    assert_eq!(parsed.status.sync.status, SyncStatusCode::Other("HalfSynced".to_owned()));
    assert_eq!(parsed.status.health.status, Some(HealthStatusCode::Other("Sleepy".to_owned())));
    assert_eq!(parsed.spec.automated().map(|a| (a.prunes(), a.heals())), Some((false, true)));
    assert_eq!(parsed.to_value(), value);
}

fn null_free() -> Value {
    json!("not null")
}

#[test]
fn a_field_of_the_wrong_type_is_named_by_its_path() {
    for (spec, path) in [
        (json!({"destination": 1}), "spec.destination"),
        (json!({"source": {"repoURL": ["x"]}}), "spec.source.repoURL"),
        (
            json!({"sources": [{}, {"helm": {"valueFiles": "values.yaml"}}]}),
            "spec.sources[1].helm.valueFiles",
        ),
        (json!({"syncPolicy": {"automated": false}}), "spec.syncPolicy.automated"),
        (json!({"syncPolicy": {"retry": {"limit": "3"}}}), "spec.syncPolicy.retry.limit"),
        (json!("x"), "spec"),
    ] {
        let error = Application::from_value(application(spec.clone())).unwrap_err();
        assert_eq!(error.path, path, "{spec}: {error}");
    }
    assert_eq!(Application::from_value(json!(7)).unwrap_err().path, ".");
}

#[test]
fn null_is_absent_except_in_helm_values() {
    let value = application(json!({
        "syncPolicy": null, "project": null, "destination": {"namespace": null},
        "source": {"repoURL": "a", "helm": {"valuesObject": {"probe": null, "list": [null]}}}
    }));
    let parsed = Application::from_value(value).unwrap();
    assert_eq!(parsed.spec.sync_policy, None);
    let helm = parsed.spec.sources()[0].helm.as_ref().unwrap();
    assert_eq!(helm.values_object, Some(json!({"probe": null, "list": [null]})));
}

#[test]
fn what_the_peers_definition_requires_is_always_written() {
    let result = ResourceResult { kind: "Namespace".to_owned(), ..ResourceResult::default() };
    assert_eq!(
        serde_json::to_value(result).unwrap(),
        json!({"group": "", "version": "", "kind": "Namespace", "namespace": "", "name": ""})
    );
    let state = OperationState { started_at: "2026-01-01T00:00:00Z".to_owned(), ..OperationState::default() };
    assert_eq!(state.phase, OperationPhase::Running);
    assert_eq!(
        serde_json::to_value(state).unwrap(),
        json!({"operation": {}, "phase": "Running", "startedAt": "2026-01-01T00:00:00Z"})
    );
}

#[test]
fn effective_sources() {
    let one = json!({"repoURL": "a"});
    for (spec, expected) in [
        (json!({}), vec![]),
        (json!({"source": one}), vec!["a"]),
        (json!({"source": one, "sources": []}), vec!["a"]),
        (json!({"source": one, "sources": [{"repoURL": "b"}, {"repoURL": "c"}]}), vec!["b", "c"]),
    ] {
        let parsed = Application::from_value(application(spec.clone())).unwrap();
        let urls: Vec<_> = parsed.spec.sources().iter().map(|s| s.repo_url.as_str()).collect();
        assert_eq!(urls, expected, "{spec}");
    }
    let hydrated = application(json!({"sourceHydrator": {
        "drySource": {"repoURL": "dry", "path": "x", "targetRevision": "main"},
        "syncSource": {"targetBranch": "env/prod", "path": "out"}}}));
    let source = Application::from_value(hydrated).unwrap().spec.hydrated_source().unwrap();
    assert_eq!((source.repo_url.as_str(), source.target_revision.as_str()), ("dry", "env/prod"));
}

#[test]
fn severity_is_the_order_of_health() {
    use HealthStatusCode::{Degraded, Healthy, Missing, Progressing, Suspended, Unknown};
    let mut all = vec![Unknown, Missing, Healthy, Degraded, Progressing, Suspended];
    all.sort();
    assert_eq!(all, [Healthy, Suspended, Progressing, Missing, Degraded, Unknown]);
}
