use serde_json::{Value, json};

use super::*;

const NOW: Moment<'_> = Moment("2026-01-02T03:04:05Z");

fn object(api_version: &str, kind: &str, fields: &Value) -> Object {
    let mut value = json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": "web", "namespace": "shop", "uid": "u1", "generation": 3}});
    for (name, field) in fields.as_object().into_iter().flatten() {
        match value.get_mut(name).and_then(Value::as_object_mut) {
            Some(map) => map.extend(field.as_object().cloned().unwrap_or_default()),
            None => value[name] = field.clone(),
        }
    }
    Object::from_value(value).unwrap()
}

/// Names of what is on offer; disabled ones in brackets.
fn offered(object: &Object) -> String {
    let name =
        |action: &Action| if action.disabled { format!("({})", action.name) } else { action.name.clone() };
    discover(object).iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_on_offer() {
    let rollout = |status: Value, spec: Value| json!({"status": status, "spec": spec});
    let canary = json!({"strategy": {"canary": {"steps": [{}, {}]}}});
    for (row, api_version, kind, fields, expected) in [
        ("deployment", "apps/v1", "Deployment", json!({}), "pause restart (resume) scale"),
        (
            "paused",
            "apps/v1",
            "Deployment",
            json!({"spec": {"paused": true}}),
            "(pause) restart resume scale",
        ),
        ("stateful set", "apps/v1", "StatefulSet", json!({}), "restart scale"),
        ("daemon set", "apps/v1", "DaemonSet", json!({}), "restart"),
        ("cron job", "batch/v1", "CronJob", json!({}), "create-job suspend"),
        ("suspended", "batch/v1", "CronJob", json!({"spec": {"suspend": true}}), "create-job resume"),
        ("job", "batch/v1", "Job", json!({"status": {}}), "suspend terminate"),
        ("new job", "batch/v1", "Job", json!({}), "suspend"),
        (
            "done",
            "batch/v1",
            "Job",
            json!({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}),
            "",
        ),
        (
            "rollout",
            "argoproj.io/v1alpha1",
            "Rollout",
            rollout(
                json!({"currentPodHash": "b", "stableRS": "a", "observedGeneration": "3", "currentStepIndex": 0}),
                canary.clone(),
            ),
            "abort pause promote-full restart (resume) (retry) skip-current-step",
        ),
        (
            "promoted",
            "argoproj.io/v1alpha1",
            "Rollout",
            rollout(
                json!({"currentPodHash": "a", "stableRS": "a", "observedGeneration": "3", "currentStepIndex": 2}),
                canary.clone(),
            ),
            "(abort) (pause) (promote-full) restart (resume) (retry) (skip-current-step)",
        ),
        (
            "aborted",
            "argoproj.io/v1alpha1",
            "Rollout",
            rollout(
                json!({"currentPodHash": "b", "stableRS": "a", "abort": true, "pauseConditions": [{}]}),
                json!({"strategy": {"blueGreen": {}}}),
            ),
            "(abort) (pause) (promote-full) restart resume retry (skip-current-step)",
        ),
        (
            "without status",
            "argoproj.io/v1alpha1",
            "Rollout",
            json!({"spec": canary}),
            "(abort) (pause) (promote-full) restart (resume) (retry) (skip-current-step)",
        ),
        (
            "analysis",
            "argoproj.io/v1alpha1",
            "AnalysisRun",
            json!({"status": {"phase": "Failed"}}),
            "(terminate)",
        ),
        ("flux", "source.toolkit.fluxcd.io/v1", "GitRepository", json!({}), "reconcile (resume) suspend"),
        (
            "flux suspended",
            "helm.toolkit.fluxcd.io/v2",
            "HelmRelease",
            json!({"spec": {"suspend": true}}),
            "(reconcile) resume (suspend)",
        ),
        ("flux alert", "notification.toolkit.fluxcd.io/v1", "Alert", json!({}), "(resume) suspend"),
        ("what makes no sense is left out", "k8s.mariadb.com/v1alpha1", "MariaDB", json!({}), "suspend"),
        (
            "keda",
            "keda.sh/v1alpha1",
            "ScaledObject",
            json!({"metadata": {"annotations": {"autoscaling.keda.sh/paused-replicas": "2"}}}),
            "(pause) paused-replicas resume",
        ),
        (
            "keda job",
            "keda.sh/v1alpha1",
            "ScaledJob",
            json!({"metadata": {"annotations": {"autoscaling.keda.sh/paused": "true"}}}),
            "(pause) resume",
        ),
        (
            "never refreshed",
            "external-secrets.io/v1",
            "ExternalSecret",
            json!({"spec": {"refreshInterval": "0s"}}),
            "(refresh)",
        ),
        (
            "on change",
            "external-secrets.io/v1",
            "ExternalSecret",
            json!({"spec": {"refreshInterval": "0", "refreshPolicy": "OnChange"}}),
            "refresh",
        ),
        (
            "postgres",
            "postgresql.cnpg.io/v1",
            "Cluster",
            json!({"status": {"instancesStatus": {"healthy": ["web-1", "web-2"]}}}),
            "hibernate promote reload restart suspend",
        ),
        ("a kind without actions", "v1", "ConfigMap", json!({}), ""),
    ] {
        assert_eq!(offered(&object(api_version, kind, &fields)), expected, "{row}");
    }
    let toggle = discover(&object(
        "argoproj.io/v1alpha1",
        "Application",
        &json!({"spec": {"syncPolicy": {"automated": {}}}}),
    ));
    assert_eq!(toggle[0].display_name, "Disable Auto-Sync");
}

#[test]
fn what_they_change() {
    let at = |annotation: &str| format!("/metadata/annotations/{}", annotation.replace('/', "~1"));
    let postgres =
        json!({"status": {"currentPrimary": "web-2", "instancesStatus": {"healthy": ["web-1", "web-2"]}}});
    for (row, api_version, kind, fields, action, params, pointer, expected) in [
        (
            "restart",
            "apps/v1",
            "DaemonSet",
            json!({}),
            "restart",
            vec![],
            "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt".to_owned(),
            json!(NOW.0),
        ),
        (
            "scale",
            "apps/v1",
            "StatefulSet",
            json!({}),
            "scale",
            vec![("replicas", "4")],
            "/spec/replicas".to_owned(),
            json!(4),
        ),
        (
            "pause",
            "apps/v1",
            "Deployment",
            json!({}),
            "pause",
            vec![],
            "/spec/paused".to_owned(),
            json!(true),
        ),
        (
            "resume",
            "apps/v1",
            "Deployment",
            json!({"spec": {"paused": true}}),
            "resume",
            vec![],
            "/spec/paused".to_owned(),
            Value::Null,
        ),
        ("suspend", "batch/v1", "Job", json!({}), "suspend", vec![], "/spec/suspend".to_owned(), json!(true)),
        (
            "resume nothing",
            "batch/v1",
            "CronJob",
            json!({}),
            "resume",
            vec![],
            "/spec/suspend".to_owned(),
            Value::Null,
        ),
        (
            "terminate",
            "batch/v1",
            "Job",
            json!({"status": {}}),
            "terminate",
            vec![],
            "/status/conditions/0/reason".to_owned(),
            json!("ManuallyTerminated"),
        ),
        (
            "rollout restart",
            "argoproj.io/v1alpha1",
            "Rollout",
            json!({}),
            "restart",
            vec![],
            "/spec/restartAt".to_owned(),
            json!(NOW.0),
        ),
        (
            "rollout resume",
            "argoproj.io/v1alpha1",
            "Rollout",
            json!({"spec": {"paused": true}, "status": {"pauseConditions": [{}]}}),
            "resume",
            vec![],
            "/status/pauseConditions".to_owned(),
            Value::Null,
        ),
        (
            "promote",
            "argoproj.io/v1alpha1",
            "Rollout",
            json!({"status": {"observedGeneration": "3"}}),
            "promote-full",
            vec![],
            "/status/promoteFull".to_owned(),
            json!(true),
        ),
        (
            "promote an old one",
            "argoproj.io/v1alpha1",
            "Rollout",
            json!({"spec": {"strategy": {"canary": {"steps": [{}, {}]}}}, "status": {"observedGeneration": "6b8cf"}}),
            "promote-full",
            vec![],
            "/status/currentStepIndex".to_owned(),
            json!(2),
        ),
        (
            "skip",
            "argoproj.io/v1alpha1",
            "Rollout",
            json!({"spec": {"strategy": {"canary": {"steps": [{}, {}]}}}, "status": {"currentStepIndex": 1}}),
            "skip-current-step",
            vec![],
            "/status/currentStepIndex".to_owned(),
            json!(2),
        ),
        (
            "toggle",
            "argoproj.io/v1alpha1",
            "Application",
            json!({}),
            "toggle-auto-sync",
            vec![],
            "/spec/syncPolicy/automated/enabled".to_owned(),
            json!(true),
        ),
        (
            "flux",
            "source.toolkit.fluxcd.io/v1",
            "Bucket",
            json!({}),
            "reconcile",
            vec![],
            at("reconcile.fluxcd.io/requestedAt"),
            json!("By Argo CD at: 2026-01-02T03:04:05"),
        ),
        (
            "flux resume",
            "source.toolkit.fluxcd.io/v1",
            "Bucket",
            json!({"spec": {"suspend": true}}),
            "resume",
            vec![],
            "/spec/suspend".to_owned(),
            json!(false),
        ),
        (
            "keda",
            "keda.sh/v1alpha1",
            "ScaledJob",
            json!({}),
            "pause",
            vec![],
            at("autoscaling.keda.sh/paused"),
            json!("true"),
        ),
        (
            "keda replicas",
            "keda.sh/v1alpha1",
            "ScaledObject",
            json!({}),
            "paused-replicas",
            vec![("replicas", "2")],
            at("autoscaling.keda.sh/paused-replicas"),
            json!("2"),
        ),
        (
            "any instance",
            "postgresql.cnpg.io/v1",
            "Cluster",
            postgres.clone(),
            "promote",
            vec![("instance", "any")],
            "/status/targetPrimary".to_owned(),
            json!("web-1"),
        ),
        (
            "an instance by number",
            "postgresql.cnpg.io/v1",
            "Cluster",
            postgres,
            "promote",
            vec![("instance", "2")],
            "/status/phaseReason".to_owned(),
            json!("Switching over to web-2"),
        ),
    ] {
        let params: Vec<(String, String)> =
            params.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let changes = run(&object(api_version, kind, &fields), action, &params, NOW).expect(row);
        let [Change::Patch(patched)] = changes.as_slice() else { unreachable!("{row}: {changes:?}") };
        assert_eq!(patched.to_value().pointer(&pointer).cloned().unwrap_or_default(), expected, "{row}");
    }
}

/// The one object that is created.
fn created(changes: &[Change]) -> Object {
    match changes {
        [Change::Create(object)] => object.clone(),
        other => unreachable!("one object: {other:?}"),
    }
}

#[test]
fn what_they_create() {
    let owner = |kind: &str, api_version: &str| json!({"apiVersion": api_version, "kind": kind, "name": "web", "uid": "u1"});
    let cron = object(
        "batch/v1",
        "CronJob",
        &json!({"spec": {"jobTemplate": {
        "metadata": {"labels": {"a": "b"}, "annotations": {}}, "spec": {"template": {"spec": {"containers": [{"name": "c"}], "volumes": []}}}}}}),
    );
    let job = created(&run(&cron, "create-job", &[], NOW).unwrap());
    let mut controller = owner("CronJob", "batch/v1");
    controller["controller"] = json!(true);
    controller["blockOwnerDeletion"] = json!(true);
    assert_eq!(
        job.to_value(),
        json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "web-2601020304", "namespace": "shop", "labels": {"a": "b"},
                "annotations": {"cronjob.kubernetes.io/instantiate": "manual"}, "ownerReferences": [controller]},
            "spec": {"template": {"spec": {"containers": [{"name": "c"}]}}},
        })
    );

    let cron = object(
        "argoproj.io/v1alpha1",
        "CronWorkflow",
        &json!({"spec": {"workflowSpec": {"entrypoint": "main"}, "workflowMetadata": {"labels": {"l": "1"}}}}),
    );
    let workflow = created(&run(&cron, "create-workflow", &[], NOW).unwrap());
    assert_eq!(
        workflow.to_value(),
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
            "metadata": {"name": "web-202601020304", "namespace": "shop",
                "labels": {"l": "1", "workflows.argoproj.io/cron-workflow": "web"},
                "annotations": {"workflows.argoproj.io/scheduled-time": NOW.0},
                "ownerReferences": [owner("CronWorkflow", "argoproj.io/v1alpha1")]},
            "spec": {"entrypoint": "main"},
        })
    );

    let template = object("argoproj.io/v1alpha1", "WorkflowTemplate", &json!({}));
    let workflow = created(&run(&template, "create-workflow", &[], NOW).unwrap());
    assert_eq!(workflow.to_value()["spec"], json!({"workflowTemplateRef": {"name": "web"}}));
}

#[test]
fn what_cannot_be_done() {
    let scale = |replicas: &str| vec![("replicas".to_owned(), replicas.to_owned())];
    for (row, api_version, kind, action, params, expected) in [
        (
            "no such action",
            "apps/v1",
            "Deployment",
            "explode",
            vec![],
            "Deployment.apps has no action explode",
        ),
        ("no such kind", "v1", "ConfigMap", "restart", vec![], "ConfigMap has no action restart"),
        ("of another kind", "apps/v1", "DaemonSet", "pause", vec![], "DaemonSet.apps has no action pause"),
        ("no parameter", "apps/v1", "Deployment", "scale", vec![], "the parameter replicas is missing"),
        ("no number", "apps/v1", "Deployment", "scale", scale("many"), "invalid number: many"),
        ("less than nothing", "apps/v1", "Deployment", "scale", scale("-1"), "invalid number: -1"),
        ("no template", "batch/v1", "CronJob", "create-job", vec![], "the CronJob has no spec.jobTemplate"),
        (
            "no instance",
            "postgresql.cnpg.io/v1",
            "Cluster",
            "promote",
            vec![("instance".to_owned(), "x".to_owned())],
            "Could not find a healthy instance matching the criteria: x",
        ),
    ] {
        let error = run(&object(api_version, kind, &json!({})), action, &params, NOW).unwrap_err();
        assert_eq!(error.to_string(), expected, "{row}");
    }
}

/// Whatever shape an object has, there is an answer, and every action on offer can be asked for.
#[test]
fn odd_objects_have_answers() {
    let odd = [json!(null), json!(7), json!("x"), json!([]), json!({}), json!({"a": []})];
    for row in RESTS.iter().flat_map(|row| row.kinds.iter().map(|kind| (row.group, *kind))).chain([
        ("apps", "Deployment"),
        ("apps", "StatefulSet"),
        ("batch", "CronJob"),
        ("batch", "Job"),
        ("argoproj.io", "Rollout"),
        ("argoproj.io", "Application"),
        ("argoproj.io", "CronWorkflow"),
        ("keda.sh", "ScaledObject"),
        ("postgresql.cnpg.io", "Cluster"),
    ]) {
        for (spec, status) in odd.iter().flat_map(|spec| odd.iter().map(move |status| (spec, status))) {
            let value = json!({"apiVersion": format!("{}/v1", row.0), "kind": row.1, "metadata": {"name": "odd"}, "spec": spec, "status": status});
            let object = Object::from_value(value).unwrap();
            for action in discover(&object) {
                let known = !matches!(run(&object, &action.name, &[], NOW), Err(ActionError::Unknown { .. }));
                assert!(known, "{row:?} {}", action.name);
            }
        }
    }
}
