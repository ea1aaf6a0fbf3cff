use resource::Object;
use serde_json::{Value, json};

use crate::{Status, of};

/// One row: what it is about, `apiVersion`, kind, the fields beside `metadata`, what is expected.
type Row = (&'static str, &'static str, &'static str, Value, Status, &'static str);

fn check(rows: Vec<Row>) {
    for (row, api_version, kind, fields, status, message) in rows {
        let mut value =
            json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "generation": 2}});
        for (name, field) in fields.as_object().into_iter().flatten() {
            match value.get_mut(name).and_then(Value::as_object_mut) {
                Some(map) => map.extend(field.as_object().cloned().unwrap_or_default()),
                None => value[name] = field.clone(),
            }
        }
        let health = of(&Object::from_value(value).unwrap()).expect(row);
        assert_eq!((health.status, health.message.as_str()), (status, message), "{row}");
    }
}

#[test]
fn deployments() {
    let old = "Waiting for rollout to finish: observed deployment generation less than desired generation";
    check(
        [
            (
                "done",
                json!({"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}),
                Status::Healthy,
                "",
            ),
            (
                "few updated",
                json!({"replicas": 3, "updatedReplicas": 1, "availableReplicas": 3}),
                Status::Progressing,
                "Waiting for rollout to finish: 1 out of 3 new replicas have been updated...",
            ),
            (
                "old ones left",
                json!({"replicas": 5, "updatedReplicas": 3, "availableReplicas": 5}),
                Status::Progressing,
                "Waiting for rollout to finish: 2 old replicas are pending termination...",
            ),
            (
                "not available",
                json!({"replicas": 3, "updatedReplicas": 3, "availableReplicas": 2}),
                Status::Progressing,
                "Waiting for rollout to finish: 2 of 3 updated replicas are available...",
            ),
            (
                "too late",
                json!({"replicas": 3, "conditions": [
                    {"type": "Available", "reason": "ProgressDeadlineExceeded"},
                    {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}),
                Status::Degraded,
                "Deployment \"web\" exceeded its progress deadline",
            ),
            (
                "not seen yet",
                json!({"observedGeneration": 1, "updatedReplicas": 3}),
                Status::Progressing,
                old,
            ),
        ]
        .into_iter()
        .map(|(row, mut fields, status, message)| {
            if fields.get("observedGeneration").is_none() {
                fields["observedGeneration"] = json!(2);
            }
            (
                row,
                "apps/v1",
                "Deployment",
                json!({"spec": {"replicas": 3}, "status": fields}),
                status,
                message,
            )
        })
        .collect(),
    );
    check(vec![
        (
            "paused comes first",
            "apps/v1",
            "Deployment",
            json!({"spec": {"paused": true}, "status": {"observedGeneration": 1}}),
            Status::Suspended,
            "Deployment is paused",
        ),
        ("no status at all", "apps/v1", "Deployment", json!({}), Status::Progressing, old),
        (
            "replicas left to an autoscaler, none yet",
            "apps/v1",
            "Deployment",
            json!({"status": {"observedGeneration": 2}}),
            Status::Healthy,
            "",
        ),
    ]);
}

#[test]
fn stateful_sets() {
    let set = |row, strategy: Value, mut status: Value, expected, message| {
        status["observedGeneration"] = json!(2);
        let fields = json!({"spec": {"replicas": 3, "updateStrategy": strategy}, "status": status});
        (row, "apps/v1", "StatefulSet", fields, expected, message)
    };
    let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}});
    check(vec![
        (
            "not seen",
            "apps/v1",
            "StatefulSet",
            json!({}),
            Status::Progressing,
            "Waiting for statefulset spec update to be observed...",
        ),
        set(
            "not ready",
            rolling.clone(),
            json!({"readyReplicas": 1}),
            Status::Progressing,
            "Waiting for 2 pods to be ready...",
        ),
        set(
            "partition not reached",
            rolling.clone(),
            json!({"readyReplicas": 3, "updatedReplicas": 1}),
            Status::Progressing,
            "Waiting for partitioned roll out to finish: 1 out of 2 new pods have been updated...",
        ),
        set(
            "partition reached",
            rolling,
            json!({"readyReplicas": 3, "updatedReplicas": 2}),
            Status::Healthy,
            "partitioned roll out complete: 2 new pods have been updated...",
        ),
        set(
            "on delete",
            json!({"type": "OnDelete"}),
            json!({"readyReplicas": 3}),
            Status::Healthy,
            "statefulset has 3 ready pods",
        ),
        set(
            "revisions differ",
            json!({"type": "RollingUpdate"}),
            json!({"readyReplicas": 3, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a"}),
            Status::Progressing,
            "waiting for statefulset rolling update to complete 1 pods at revision b...",
        ),
        set(
            "revisions agree",
            json!({"type": "RollingUpdate"}),
            json!({"readyReplicas": 3, "currentReplicas": 3, "updateRevision": "b", "currentRevision": "b"}),
            Status::Healthy,
            "statefulset rolling update complete 3 pods at revision b...",
        ),
    ]);
}

#[test]
fn daemon_and_replica_sets() {
    let daemon = |row, strategy: &str, status: Value, expected, message| {
        let fields = json!({"spec": {"updateStrategy": {"type": strategy}}, "status": status});
        (row, "apps/v1", "DaemonSet", fields, expected, message)
    };
    check(vec![
        daemon(
            "not seen",
            "RollingUpdate",
            json!({"observedGeneration": 1}),
            Status::Progressing,
            "Waiting for rollout to finish: observed daemon set generation less than desired generation",
        ),
        daemon(
            "on delete",
            "OnDelete",
            json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 1}),
            Status::Healthy,
            "daemon set 1 out of 3 new pods have been updated",
        ),
        daemon(
            "updating",
            "RollingUpdate",
            json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 1}),
            Status::Progressing,
            "Waiting for daemon set \"web\" rollout to finish: 1 out of 3 new pods have been updated...",
        ),
        daemon(
            "not available",
            "RollingUpdate",
            json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 2}),
            Status::Progressing,
            "Waiting for daemon set \"web\" rollout to finish: 2 of 3 updated pods are available...",
        ),
        daemon(
            "done",
            "RollingUpdate",
            json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}),
            Status::Healthy,
            "",
        ),
        (
            "replica set waits",
            "apps/v1",
            "ReplicaSet",
            json!({"spec": {"replicas": 2}, "status": {"observedGeneration": 2, "availableReplicas": 1}}),
            Status::Progressing,
            "Waiting for rollout to finish: 1 out of 2 new replicas are available...",
        ),
        (
            "replica set fails",
            "apps/v1",
            "ReplicaSet",
            json!({"status": {"observedGeneration": 2,
                "conditions": [{"type": "ReplicaFailure", "status": "True", "message": "over quota"}]}}),
            Status::Degraded,
            "over quota",
        ),
        (
            "replica set not seen",
            "apps/v1",
            "ReplicaSet",
            json!({}),
            Status::Progressing,
            "Waiting for rollout to finish: observed replica set generation less than desired generation",
        ),
    ]);
}

#[test]
fn addresses_claims_and_services() {
    let address = json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}});
    check(vec![
        (
            "ingress waits",
            "networking.k8s.io/v1",
            "Ingress",
            json!({"status": {"loadBalancer": {}}}),
            Status::Progressing,
            "",
        ),
        (
            "ingress has an address",
            "networking.k8s.io/v1",
            "Ingress",
            json!({"status": address}),
            Status::Healthy,
            "",
        ),
        ("old ingress", "extensions/v1beta1", "Ingress", json!({"status": address}), Status::Healthy, ""),
        ("service", "v1", "Service", json!({"spec": {"type": "ClusterIP"}}), Status::Healthy, ""),
        (
            "load balancer waits",
            "v1",
            "Service",
            json!({"spec": {"type": "LoadBalancer"}}),
            Status::Progressing,
            "",
        ),
        (
            "load balancer",
            "v1",
            "Service",
            json!({"spec": {"type": "LoadBalancer"}, "status": address}),
            Status::Healthy,
            "",
        ),
        (
            "claim bound",
            "v1",
            "PersistentVolumeClaim",
            json!({"status": {"phase": "Bound"}}),
            Status::Healthy,
            "",
        ),
        (
            "claim pending",
            "v1",
            "PersistentVolumeClaim",
            json!({"status": {"phase": "Pending"}}),
            Status::Progressing,
            "",
        ),
        (
            "claim lost",
            "v1",
            "PersistentVolumeClaim",
            json!({"status": {"phase": "Lost"}}),
            Status::Degraded,
            "",
        ),
        ("claim without status", "v1", "PersistentVolumeClaim", json!({}), Status::Unknown, ""),
        (
            "api service",
            "apiregistration.k8s.io/v1",
            "APIService",
            json!({"status": {"conditions": [{"type": "Available", "status": "True", "reason": "Local", "message": "here"}]}}),
            Status::Healthy,
            "Local: here",
        ),
        (
            "api service down",
            "apiregistration.k8s.io/v1",
            "APIService",
            json!({"status": {"conditions": [{"type": "Available", "status": "False", "reason": "Gone", "message": "off"}]}}),
            Status::Progressing,
            "Gone: off",
        ),
        (
            "api service new",
            "apiregistration.k8s.io/v1",
            "APIService",
            json!({}),
            Status::Progressing,
            "Waiting to be processed",
        ),
    ]);
}

#[test]
fn pods() {
    let pod = |row, policy: &str, status: Value, expected, message| {
        (row, "v1", "Pod", json!({"spec": {"restartPolicy": policy}, "status": status}), expected, message)
    };
    let waiting = |reason: &str| {
        json!({"phase": "Pending", "containerStatuses": [
            {"name": "a", "state": {"waiting": {"reason": reason, "message": "cannot pull"}}},
            {"name": "b", "state": {"waiting": {"reason": reason, "message": "cannot pull b"}}}]})
    };
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    check(vec![
        pod(
            "image cannot be pulled",
            "Always",
            waiting("ImagePullBackOff"),
            Status::Degraded,
            "cannot pull, cannot pull b",
        ),
        pod(
            "configuration is wrong",
            "Always",
            waiting("CreateContainerConfigError"),
            Status::Degraded,
            "cannot pull, cannot pull b",
        ),
        pod(
            "ErrImagePull",
            "Always",
            waiting("ErrImagePull"),
            Status::Degraded,
            "cannot pull, cannot pull b",
        ),
        pod("being created", "Always", waiting("ContainerCreating"), Status::Progressing, ""),
        pod("a hook's image cannot be pulled", "Never", waiting("ImagePullBackOff"), Status::Progressing, ""),
        pod("ready", "Always", ready.clone(), Status::Healthy, ""),
        pod("ready, but ends some day", "Never", ready.clone(), Status::Progressing, ""),
        pod("ready, no policy", "", ready.clone(), Status::Unknown, ""),
        pod(
            "restarted, not ready",
            "Always",
            json!({"phase": "Running", "containerStatuses": [{"lastState": {"terminated": {"exitCode": 1}}}]}),
            Status::Degraded,
            "",
        ),
        pod(
            "starting",
            "Always",
            json!({"phase": "Running", "containerStatuses": [{"lastState": {}}]}),
            Status::Progressing,
            "",
        ),
        pod("done", "OnFailure", json!({"phase": "Succeeded", "message": "ok"}), Status::Healthy, "ok"),
        pod(
            "failed with words",
            "Never",
            json!({"phase": "Failed", "message": "evicted"}),
            Status::Degraded,
            "evicted",
        ),
        pod(
            "failed with a code",
            "Never",
            json!({"phase": "Failed", "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 0}}}],
                   "containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": 3}}}]}),
            Status::Degraded,
            "container \"main\" failed with exit code 3",
        ),
        pod(
            "out of memory",
            "Never",
            json!({"phase": "Failed", "containerStatuses": [
                {"name": "main", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}),
            Status::Degraded,
            "OOMKilled",
        ),
        pod("lost", "Always", json!({"phase": "Unknown"}), Status::Unknown, ""),
        (
            "told to ignore the policy",
            "v1",
            "Pod",
            json!({"metadata": {"annotations": {"argocd.argoproj.io/ignore-restart-policy": "true"}},
                   "spec": {"restartPolicy": "Never"}, "status": ready}),
            Status::Healthy,
            "",
        ),
    ]);
}

#[test]
fn jobs_and_cron_jobs() {
    let job = |row, conditions: Value, expected, message| {
        (row, "batch/v1", "Job", json!({"status": {"conditions": conditions}}), expected, message)
    };
    let cron = |row, spec: Value, status: Value, expected, message| {
        (row, "batch/v1", "CronJob", json!({"spec": spec, "status": status}), expected, message)
    };
    check(vec![
        job("running", json!([]), Status::Progressing, ""),
        job("complete", json!([{"type": "Complete", "message": "fine"}]), Status::Healthy, "fine"),
        job("failed", json!([{"type": "Failed", "message": "no more"}]), Status::Degraded, "no more"),
        job(
            "suspended",
            json!([{"type": "Suspended", "status": "True", "message": "Job suspended"}]),
            Status::Suspended,
            "Job suspended",
        ),
        job(
            "resumed",
            json!([{"type": "Suspended", "status": "False", "message": "Job resumed"}]),
            Status::Progressing,
            "",
        ),
        job(
            "resumed and failed",
            json!([{"type": "Suspended", "status": "False"}, {"type": "Failed", "message": "no"}]),
            Status::Degraded,
            "no",
        ),
        ("no status", "batch/v1", "CronJob", json!({}), Status::Progressing, "Waiting for CronJob"),
        cron("new", json!({}), json!({}), Status::Healthy, "CronJob has not been scheduled yet"),
        cron(
            "failed last time",
            json!({}),
            json!({"lastScheduleTime": "2025-01-02T00:00:00Z", "lastSuccessfulTime": "2025-01-01T00:00:00Z"}),
            Status::Degraded,
            "CronJob has not completed its last execution successfully",
        ),
    ]);
}

#[test]
fn autoscalers() {
    let hpa = |row, version, conditions: Value, expected, message| {
        (
            row,
            version,
            "HorizontalPodAutoscaler",
            json!({"status": {"conditions": conditions}}),
            expected,
            message,
        )
    };
    let scaled =
        json!({"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale", "message": "ready"});
    let failed =
        json!({"type": "AbleToScale", "status": "False", "reason": "FailedGetScale", "message": "no target"});
    let v1 = |row, annotation: &str, expected, message| {
        let metadata = json!({"annotations": {"autoscaling.alpha.kubernetes.io/conditions": annotation}});
        (row, "autoscaling/v1", "HorizontalPodAutoscaler", json!({"metadata": metadata}), expected, message)
    };
    let text = json!([failed]).to_string();
    check(vec![
        hpa("v2 healthy", "autoscaling/v2", json!([scaled]), Status::Healthy, "ready"),
        hpa("v2beta1 healthy", "autoscaling/v2beta1", json!([scaled]), Status::Healthy, "ready"),
        hpa("v2 degraded", "autoscaling/v2", json!([failed]), Status::Degraded, "no target"),
        hpa("v2 new", "autoscaling/v2", json!([]), Status::Progressing, "Waiting to Autoscale"),
        v1("v1 degraded", &text, Status::Degraded, "no target"),
        v1("v1 nothing", "[]", Status::Progressing, "Waiting to Autoscale"),
        (
            "v1 without the annotation",
            "autoscaling/v1",
            "HorizontalPodAutoscaler",
            json!({}),
            Status::Progressing,
            "Waiting to Autoscale",
        ),
    ]);
}

#[test]
fn definitions_workflows_and_deletion() {
    let crd = |row, conditions: Value, expected, message| {
        let fields = json!({"status": {"conditions": conditions}});
        (row, "apiextensions.k8s.io/v1", "CustomResourceDefinition", fields, expected, message)
    };
    check(vec![
        crd("new", json!([]), Status::Progressing, "Status conditions not found"),
        crd("ready", json!([{"type": "Established", "status": "True"}]), Status::Healthy, "CRD is healthy"),
        crd(
            "names taken",
            json!([{"type": "NamesAccepted", "status": "False", "message": "taken"}]),
            Status::Degraded,
            "CRD names have not been accepted: taken",
        ),
        crd(
            "not established",
            json!([{"type": "Established", "status": "False"}]),
            Status::Progressing,
            "CRD is not established",
        ),
        crd(
            "just accepted",
            json!([{"type": "Established", "status": "False", "reason": "Installing"}]),
            Status::Progressing,
            "CRD is being installed",
        ),
        ("workflow new", "argoproj.io/v1alpha1", "Workflow", json!({}), Status::Progressing, ""),
        (
            "workflow failed",
            "argoproj.io/v1alpha1",
            "Workflow",
            json!({"status": {"phase": "Error", "message": "bad"}}),
            Status::Degraded,
            "bad",
        ),
        (
            "going away, of a kind without health",
            "v1",
            "ConfigMap",
            json!({"metadata": {"deletionTimestamp": "2025-01-01T00:00:00Z"}}),
            Status::Progressing,
            "Pending deletion",
        ),
        (
            "a finished hook that is only held",
            "v1",
            "Service",
            json!({"metadata": {"deletionTimestamp": "2025-01-01T00:00:00Z",
                                "finalizers": ["argocd.argoproj.io/hook-finalizer"]}}),
            Status::Healthy,
            "",
        ),
    ]);
    let map = Object::from_value(json!({"apiVersion": "v1", "kind": "ConfigMap"})).unwrap();
    assert_eq!(of(&map), None, "kinds without health have none");
}

#[test]
fn child_applications_answer_for_the_spec_that_they_have() {
    let spec = json!({"source": {"repoURL": "https://git/a", "path": "x"}, "destination": {"name": "here", "namespace": "n"}});
    let compared = |path: &str, namespace: &str| {
        json!({"health": {"status": "Healthy"}, "sync": {"status": "Synced", "comparedTo": {
            "source": {"repoURL": "https://git/a", "path": path, "helm": null},
            "destination": {"server": "https://kubernetes.default.svc", "name": "here", "namespace": namespace}}}})
    };
    let app = |row, status: Value, expected, message| {
        (
            row,
            "argoproj.io/v1alpha1",
            "Application",
            json!({"spec": spec, "status": status}),
            expected,
            message,
        )
    };
    let stale = "Waiting for the application's new spec to be compared";
    check(vec![
        app("new", json!({}), Status::Progressing, "Waiting for the application to be compared"),
        app("healthy", compared("x", "n"), Status::Healthy, ""),
        app("moved to another path", compared("y", "n"), Status::Progressing, stale),
        app("moved to another namespace", compared("x", "m"), Status::Progressing, stale),
        app(
            "says why",
            json!({"health": {"status": "Degraded", "message": "one is down"}}),
            Status::Degraded,
            "one is down",
        ),
    ]);
}
