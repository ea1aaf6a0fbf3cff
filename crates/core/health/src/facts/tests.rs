use serde_json::{Value, json};

use super::*;

fn of(value: Value) -> Facts {
    facts(&Object::from_value(value).unwrap(), &["team".to_owned()])
}

fn pod(spec: &Value, status: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"team": "a"}}, "spec": spec, "status": status})
}

#[test]
fn thousandths_are_gos() {
    for (text, expected) in [
        ("250m", Some(250)),
        ("1", Some(1000)),
        ("0.5", Some(500)),
        (".5", Some(500)),
        ("1Gi", Some(1_073_741_824_000)),
        ("2k", Some(2_000_000)),
        ("1e3", Some(1_000_000)),
        ("1u", Some(1)),
        ("-1", Some(-1000)),
        ("16Ei", None),
        ("", None),
        ("1.2.3", None),
        ("x", None),
        ("1e99", None),
    ] {
        assert_eq!(milli(text), expected, "{text}");
    }
}

#[test]
fn a_pods_state_is_kubectls() {
    let one = json!({"containers": [{"name": "a", "image": "i"}]});
    let with_init = json!({"containers": [{"name": "a"}], "initContainers": [{"name": "x"}, {"name": "y"}]});
    let sidecar =
        json!({"containers": [{"name": "a"}], "initContainers": [{"name": "x", "restartPolicy": "Always"}]});
    let running = json!({"ready": true, "state": {"running": {}}});
    for (row, spec, status, reason, containers) in [
        ("phase", &one, json!({"phase": "Pending"}), "Pending", "0/1"),
        ("running", &one, json!({"phase": "Running", "containerStatuses": [running]}), "Running", "1/1"),
        ("reason", &one, json!({"phase": "Failed", "reason": "Evicted"}), "Evicted", "0/1"),
        (
            "waits",
            &one,
            json!({"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}),
            "ImagePullBackOff",
            "0/1",
        ),
        (
            "ended by a signal",
            &one,
            json!({"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"signal": 9}}}]}),
            "Signal:9",
            "0/1",
        ),
        (
            "ended badly",
            &one,
            json!({"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"exitCode": 3}}}]}),
            "ExitCode:3",
            "0/1",
        ),
        (
            "second initializer",
            &with_init,
            json!({"phase": "Pending", "initContainerStatuses": [
                {"name": "x", "state": {"terminated": {"exitCode": 0}}}, {"name": "y", "state": {"running": {}}}]}),
            "Init:1/2",
            "0/1",
        ),
        (
            "initializer failed",
            &with_init,
            json!({"phase": "Pending", "initContainerStatuses": [{"name": "x", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}),
            "Init:Error",
            "0/1",
        ),
        (
            "sidecar",
            &sidecar,
            json!({"phase": "Running", "containerStatuses": [running],
                   "initContainerStatuses": [{"name": "x", "started": true, "ready": true, "state": {"running": {}}}]}),
            "Running",
            "2/2",
        ),
        (
            "gated",
            &one,
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]}),
            "SchedulingGated",
            "0/1",
        ),
    ] {
        let facts = of(pod(spec, &status));
        let said =
            |name: &str| facts.info.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!((said("Status Reason"), said("Containers")), (Some(reason), Some(containers)), "{row}");
        assert_eq!(said("team"), Some("a"), "{row}");
    }
    let mut gone = pod(&one, &json!({"phase": "Running"}));
    gone["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert!(of(gone).info.contains(&("Status Reason".to_owned(), "Terminating".to_owned())));
}

#[test]
fn a_pod_asks_for_the_most_of_its_times() {
    let asks = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}}});
    let mut stays = asks("300m");
    stays["restartPolicy"] = json!("Always");
    let spec = json!({"containers": [asks("100m"), asks("200m")], "initContainers": [asks("500m"), stays, asks("900m")],
                      "overhead": {"cpu": "1m"}});
    let pod = Object::from_value(pod(&spec, &json!({}))).unwrap();
    assert_eq!(requests(&pod).get("cpu"), Some(&1201));
}

#[test]
fn who_speaks_to_whom() {
    for (row, object, expected) in [
        (
            "a service",
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
                   "spec": {"type": "LoadBalancer", "selector": {"app": "a"}},
                   "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "h", "ip": "x"}]}}}),
            json!({"targetLabels": {"app": "a"}, "ingress": [{"ip": "1.2.3.4"}, {"hostname": "h"}]}),
        ),
        (
            "an ingress",
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i", "namespace": "n"},
                   "spec": {"rules": [{"host": "h", "http": {"paths": [
                       {"path": "/a", "backend": {"service": {"name": "s"}}},
                       {"path": "/b", "backend": {"service": {"name": "s"}}}]}}]}}),
            json!({"targetRefs": [{"kind": "Service", "namespace": "n", "name": "s"}],
                   "externalURLs": ["http://h/a", "http://h/b"]}),
        ),
        (
            "a virtual service",
            json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "i", "namespace": "n"},
                   "spec": {"http": [{"route": [{"destination": {"host": "a"}}, {"destination": {"host": "b.m.svc"}}]}]}}),
            json!({"targetRefs": [{"kind": "Service", "namespace": "m", "name": "b"}, {"kind": "Service", "namespace": "n", "name": "a"}]}),
        ),
        (
            "a link",
            json!({"apiVersion": "v1", "kind": "ConfigMap",
                   "metadata": {"name": "c", "annotations": {"link.argocd.argoproj.io/x": "http://x"}}}),
            json!({"externalURLs": ["http://x"]}),
        ),
        (
            "a link that runs",
            json!({"apiVersion": "v1", "kind": "ConfigMap",
                   "metadata": {"name": "c", "annotations": {"link.argocd.argoproj.io/x": "javascript:alert(1)"}}}),
            Value::Null,
        ),
    ] {
        assert_eq!(of(object).networking.unwrap_or_default(), expected, "{row}");
    }
}

#[test]
fn a_revision_is_a_number() {
    for (text, expected) in
        [("3", vec![("Revision".to_owned(), "Rev:3".to_owned())]), ("x", vec![]), ("0", vec![])]
    {
        let object = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
                            "metadata": {"name": "r", "annotations": {"deployment.kubernetes.io/revision": text}}});
        assert_eq!(of(object).info, expected, "{text}");
    }
}
