//! The users' own Application manifests, applied as they are but for the address of the repository.

use e2e::{World, app_path, conditions};
use serde_json::{Value, json};

use crate::manifests::{config, deployment, text};

/// Seed 003: a plain application.
const PLAIN: &str = r#"{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
  "metadata": {"name": "my-app", "namespace": "argocd"},
  "spec": {"project": "default",
    "source": {"repoURL": "REPO", "targetRevision": "main", "path": "seed/my-app"},
    "destination": {"server": "https://kubernetes.default.svc", "namespace": "production"},
    "syncPolicy": {"automated": {"prune": true, "selfHeal": true}, "syncOptions": ["CreateNamespace=true"]}}}"#;

/// Seed 001: the root of the app-of-apps pattern and two children.
const APPS: &str = r#"{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
  "metadata": {"name": "apps", "namespace": "argocd", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
  "spec": {"project": "default",
    "source": {"repoURL": "REPO", "targetRevision": "main", "path": "seed/argocd-apps"},
    "destination": {"server": "https://kubernetes.default.svc", "namespace": "argocd"},
    "syncPolicy": {"automated": {"prune": true, "selfHeal": true}}}}"#;
const FRONTEND: &str = r#"{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
  "metadata": {"name": "frontend", "namespace": "argocd", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
  "spec": {"project": "default",
    "source": {"repoURL": "REPO", "targetRevision": "main", "path": "seed/frontend"},
    "destination": {"server": "https://kubernetes.default.svc", "namespace": "default"},
    "syncPolicy": {"automated": {"prune": true, "selfHeal": true}, "syncOptions": ["CreateNamespace=true"]}}}"#;

/// Seed 002: a root without a project, which lies in the path that it syncs.
const ROOT: &str = r#"{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
  "metadata": {"name": "seed-root", "namespace": "argocd"},
  "spec": {"source": {"repoURL": "REPO", "path": "seed/root/", "targetRevision": "HEAD"},
    "destination": {"server": "https://kubernetes.default.svc", "namespace": "argocd"},
    "syncPolicy": {"automated": {"prune": true, "selfHeal": true}}}}"#;

/// Seed 004: retries, and replicas that are left to an autoscaler (its Helm values aside).
const API: &str = r#"{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
  "metadata": {"name": "api", "namespace": "argocd"},
  "spec": {"project": "default",
    "source": {"repoURL": "REPO", "targetRevision": "HEAD", "path": "seed/api"},
    "destination": {"server": "https://kubernetes.default.svc", "namespace": "production"},
    "syncPolicy": {"automated": {"prune": true, "selfHeal": true}, "syncOptions": ["CreateNamespace=true"],
      "retry": {"limit": 3, "backoff": {"duration": "5s", "maxDuration": "3m", "factor": 2}}},
    "ignoreDifferences": [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]}}"#;

/// Seed 000: a field that no peer knows, and Kustomize.
const NOTIFYING: &str = r#"{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
  "metadata": {"name": "notifying", "namespace": "argocd"},
  "spec": {"project": "default",
    "source": {"repoURL": "REPO", "targetRevision": "main", "path": "seed/notifying", "kustomize": {"version": "v5.0.0"}},
    "destination": {"server": "https://kubernetes.default.svc", "namespace": "default"},
    "syncPolicy": {"automated": {"prune": true, "selfHeal": true}, "syncOptions": ["CreateNamespace=true"],
      "notification": {"webhook": [{"name": "slack", "url": "https://hooks.slack.com/services/YOUR/WEBHOOK/URL"}]}}}}"#;

pub(crate) async fn apply_unmodified(world: &mut World) {
    let here = |manifest: &str| -> Value {
        serde_json::from_str(&manifest.replace("REPO", &world.git.url(&world.repository))).unwrap()
    };
    world
        .push(&[
            ("seed/my-app/d.yaml", &deployment("my-app", "my-app:1", 0)),
            ("seed/argocd-apps/frontend.yaml", &text(&here(FRONTEND))),
            ("seed/frontend/d.yaml", &deployment("frontend", "frontend:1", 0)),
            ("seed/root/root.yaml", &text(&here(ROOT))),
            ("seed/api/d.yaml", &deployment("api", "api:1", 0)),
            ("seed/notifying/kustomization.yaml", "resources: [c.yaml]\n"),
            ("seed/notifying/c.yaml", &config("c", "x")),
        ])
        .unwrap();
    for manifest in [PLAIN, APPS, ROOT, API, NOTIFYING] {
        world.api.apply(&here(manifest)).await.unwrap();
    }
    for name in ["my-app", "apps", "frontend", "seed-root", "api"] {
        let app = world.until_good(name).await;
        assert_eq!(app["spec"]["project"], "default");
        assert_eq!(conditions(&app), [""; 0], "{name}");
    }
    let app = world.until_app("notifying", "says what it does not do", |app| conditions(app).len() > 1).await;
    let said = conditions(&app);
    assert!(
        said.iter().any(|c| c.starts_with("LintWarning") && c.contains("syncPolicy.notification")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|c| c.starts_with("ComparisonError") && c.contains("Kustomize is not supported yet")),
        "{said:?}"
    );
    assert_eq!(
        app["spec"]["syncPolicy"]["notification"]["webhook"][0]["name"], "slack",
        "what is not known is kept"
    );
    assert_eq!(app["status"]["sync"]["status"], "Unknown");
    for name in ["apps", "seed-root", "api", "my-app", "notifying"] {
        let finalizers = json!({"metadata": {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}});
        world.api.patch(&app_path(name), &finalizers).await.unwrap();
        world.api.delete(&app_path(name)).await.unwrap();
    }
    for name in ["apps", "seed-root", "api", "my-app", "notifying", "frontend"] {
        world.until(&app_path(name), "is gone", |o| o.is_none()).await;
    }
}

mod tests {
    crate::on_kubesim!(apply_unmodified);
}
