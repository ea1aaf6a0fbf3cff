//! The users' own Application manifests, applied as they are but for the address of the repository.

use e2e::{World, app_path, conditions};
use serde_json::Value;

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
    let app = world.until_good("notifying").await;
    let said = conditions(&app);
    for words in ["syncPolicy.notification", "kustomize version v5.0.0 is not registered"] {
        assert!(said.iter().any(|c| c.starts_with("LintWarning") && c.contains(words)), "{words}: {said:?}");
    }
    assert_eq!(
        app["spec"]["syncPolicy"]["notification"]["webhook"][0]["name"], "slack",
        "what is not known is kept"
    );
    world.leave(&["apps", "seed-root", "api", "my-app", "notifying"]).await.unwrap();
    world.until(&app_path("frontend"), "is gone, too", |o| o.is_none()).await;
}

/// Seed 001 as it was published: an application and its manifests, and a child of the root.
const MY_APP: &str = "\
# argocd-apps/my-app.yaml
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: my-app
  namespace: argocd
  finalizers:
    - resources-finalizer.argocd.argoproj.io
spec:
  project: default

  source:
    repoURL: https://github.com/your-org/k8s-manifests.git
    targetRevision: main
    path: apps/my-app

  destination:
    server: https://kubernetes.default.svc
    namespace: default

  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
      - CreateNamespace=true
    retry:
      limit: 3
      backoff:
        duration: 5s
        factor: 2
        maxDuration: 3m
";
const MY_DEPLOYMENT: &str = "\
# apps/my-app/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: my-app
  namespace: default
spec:
  replicas: 2
  selector:
    matchLabels:
      app: my-app
  template:
    metadata:
      labels:
        app: my-app
    spec:
      containers:
        - name: my-app
          image: nginx:1.27
          ports:
            - containerPort: 80
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
            limits:
              cpu: 200m
              memory: 256Mi
---
# apps/my-app/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: my-app
  namespace: default
spec:
  selector:
    app: my-app
  ports:
    - port: 80
      targetPort: 80
  type: ClusterIP
";
const BACKEND: &str = "\
# argocd-apps/backend-api.yaml
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: backend-api
  namespace: argocd
  finalizers:
    - resources-finalizer.argocd.argoproj.io
spec:
  project: default
  source:
    repoURL: https://github.com/your-org/k8s-manifests.git
    targetRevision: main
    path: apps/backend-api
  destination:
    server: https://kubernetes.default.svc
    namespace: default
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
";

/// Seed 004: its root.
const ROOT_OF_CONFIG: &str = "\
# argocd/root.yaml
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: root
  namespace: argocd
  finalizers:
    - resources-finalizer.argocd.argoproj.io
spec:
  project: default
  source:
    repoURL: https://github.com/your-org/k8s-config
    targetRevision: HEAD
    path: argocd/apps
  destination:
    server: https://kubernetes.default.svc
    namespace: argocd
  syncPolicy:
    automated:
      prune: true # delete resources removed from Git
      selfHeal: true # revert manual changes
";

pub(crate) async fn work_as_published(world: &mut World) {
    let url = world.git.url(&world.repository);
    let here = |manifest: &str| {
        let published =
            ["https://github.com/your-org/k8s-manifests.git", "https://github.com/your-org/k8s-config"];
        published.iter().fold(manifest.to_owned(), |text, from| text.replace(from, &url))
    };
    let read =
        |manifest: &str| goyaml::parse_one(here(manifest).as_bytes(), &goyaml::Limits::default()).unwrap();
    let plain = API.replace("REPO", &url);
    world
        .push(&[
            ("apps/my-app/deployment.yaml", MY_DEPLOYMENT),
            ("apps/backend-api/deployment.yaml", &deployment("backend-api", "backend-api:1", 0)),
            ("argocd/apps/backend-api.yaml", &here(BACKEND)),
            ("argocd/apps/api.yaml", &plain),
            ("seed/api/d.yaml", &deployment("api", "api:1", 0)),
        ])
        .unwrap();
    for manifest in [MY_APP, ROOT_OF_CONFIG] {
        world.api.apply(&read(manifest)).await.unwrap();
    }
    for (name, objects) in [("my-app", 2), ("backend-api", 1), ("api", 1), ("root", 2)] {
        let app = world.until_good(name).await;
        assert_eq!(conditions(&app), [""; 0], "{name}");
        assert_eq!(app["status"]["resources"].as_array().unwrap().len(), objects, "{name}");
    }
    for name in ["root", "my-app"] {
        world.api.delete(&app_path(name)).await.unwrap();
    }
    for name in ["root", "my-app", "backend-api", "api"] {
        world.until(&app_path(name), "is gone", |o| o.is_none()).await;
    }
    let path = crate::manifests::deployment_path("default", "my-app");
    world.until(&path, "went along", |o| o.is_none()).await;
}

mod tests {
    crate::on_kubesim!(apply_unmodified, work_as_published);
}
