//! Applications for the tests of this module.

use api::Application;
use serde_json::json;

pub(crate) const COMMIT: &str = "4f2a91c0d3e5f60718293a4b5c6d7e8f90a1b2c3";

/// An application that is out of sync after a sync.
pub(crate) fn guestbook() -> Application {
    let at = "2026-01-02T03:04:05Z";
    Application::from_value(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "guestbook", "namespace": "argocd"},
        "spec": {
            "project": "default",
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "default"},
            "source": {"repoURL": "https://git.example/", "path": "guestbook", "targetRevision": "main"},
            "syncPolicy": {"automated": {"prune": true}}
        },
        "status": {
            "reconciledAt": at,
            "sync": {"status": "OutOfSync", "revision": COMMIT, "comparedTo": {"destination": {}}},
            "health": {"status": "Degraded", "message": "web fell over"},
            "conditions": [
                {"type": "ComparisonError", "message": "first\nline", "lastTransitionTime": at},
                {"type": "ComparisonError", "message": "second", "lastTransitionTime": at}
            ],
            "resources": [
                {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "default", "name": "web",
                 "status": "OutOfSync", "health": {"status": "Degraded", "message": "crash"}},
                {"version": "v1", "kind": "Service", "namespace": "default", "name": "web", "status": "Synced",
                 "health": {"status": "Healthy"}},
                {"version": "v1", "kind": "ConfigMap", "namespace": "default", "name": "old", "status": "OutOfSync",
                 "requiresPruning": true}
            ],
            "history": [
                {"id": 0, "revision": "aaaaaaabbbbbbbcccccccdddddddeeeeeeefffff", "deployedAt": "2026-01-01T00:00:00Z",
                 "source": {"repoURL": "https://git.example/", "path": "guestbook", "targetRevision": "main"}},
                {"id": 1, "revision": COMMIT, "deployedAt": at,
                 "source": {"repoURL": "https://git.example/", "path": "guestbook", "targetRevision": "main"}}
            ],
            "operationState": {
                "operation": {"sync": {"revision": COMMIT}}, "phase": "Succeeded", "message": "successfully synced",
                "startedAt": "2026-01-02T03:03:00Z", "finishedAt": at,
                "syncResult": {"revision": COMMIT, "resources": [
                    {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "default", "name": "web",
                     "status": "Synced", "message": "deployment.apps/web configured", "hookPhase": "Succeeded"},
                    {"group": "batch", "version": "v1", "kind": "Job", "namespace": "default", "name": "migrate",
                     "status": "Synced", "message": "done", "hookType": "PreSync", "hookPhase": "Succeeded"}
                ]}
            }
        }
    }))
    .unwrap()
}

/// An application whose texts want to reach the terminal.
pub(crate) fn hostile() -> Application {
    Application::from_value(json!({
        "metadata": {"name": "evil\u{1b}]52;c;x\n", "namespace": "argocd"},
        "spec": {"destination": {"name": "in-cluster"}, "source": {"repoURL": "https://token@h/r"}}
    }))
    .unwrap()
}
