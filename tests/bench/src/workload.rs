//! What is deployed: one repository, a directory and a namespace an application, four objects in each.

use serde_json::{Value, json};

/// Namespace of the Applications.
pub(crate) const NAMESPACE: &str = "argocd";

/// Name of an application, of its directory and of its namespace.
pub(crate) fn name(number: usize) -> String {
    format!("app-{number:04}")
}

/// The file that a commit changes, at a version.
pub(crate) fn config(app: &str, version: &str) -> (String, String) {
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {app}\n  labels: {{app: {app}}}\ndata:\n  version: \"{version}\"\n  \
         settings.yaml: |\n    listen: 8080\n    workers: 4\n    log: info\n"
    );
    (format!("apps/{app}/config.yaml"), text)
}

/// All files of an application.
pub(crate) fn files(app: &str) -> Vec<(String, String)> {
    let deployment = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {app}\n  labels: {{app: {app}}}\nspec:\n  replicas: 2\n  \
         selector:\n    matchLabels: {{app: {app}}}\n  template:\n    metadata:\n      labels: {{app: {app}}}\n    spec:\n      \
         serviceAccountName: {app}\n      containers:\n      - name: web\n        image: registry.example.com/web:1.27.3\n        \
         ports:\n        - {{containerPort: 8080, name: http}}\n        env:\n        - name: MODE\n          value: production\n        \
         envFrom:\n        - configMapRef: {{name: {app}}}\n        resources:\n          requests: {{cpu: 100m, memory: 64Mi}}\n          \
         limits: {{memory: 128Mi}}\n        readinessProbe:\n          httpGet: {{path: /healthz, port: http}}\n"
    );
    let service = format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {app}\n  labels: {{app: {app}}}\nspec:\n  selector: {{app: {app}}}\n  \
         ports:\n  - {{name: http, port: 80, targetPort: http}}\n"
    );
    let account =
        format!("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {app}\n  labels: {{app: {app}}}\n");
    vec![
        config(app, "1"),
        (format!("apps/{app}/deployment.yaml"), deployment),
        (format!("apps/{app}/service.yaml"), service),
        (format!("apps/{app}/account.yaml"), account),
    ]
}

/// The Application: automated, pruned, healed, with a namespace of its own.
pub(crate) fn application(app: &str, url: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": app, "namespace": NAMESPACE},
        "spec": {
            "project": "default",
            "source": {"repoURL": url, "targetRevision": "main", "path": format!("apps/{app}")},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": app},
            "syncPolicy": {"automated": {"prune": true, "selfHeal": true}, "syncOptions": ["CreateNamespace=true"]},
        },
    })
}

/// The Secret by which the repository is known: plain http has to be asked for.
pub(crate) fn repository_secret(url: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {
            "name": "repo-config", "namespace": NAMESPACE, "labels": {"argocd.argoproj.io/secret-type": "repository"},
        },
        "stringData": {"type": "git", "url": url},
    })
}

/// Name and namespace of the application that has very many objects.
pub(crate) const LARGE: &str = "large";

/// The name of a unit of four objects in it.
pub(crate) fn unit(number: usize) -> String {
    format!("unit-{number:05}")
}

/// The file of a unit: all of its objects.
pub(crate) fn unit_file(number: usize) -> (String, String) {
    let unit = unit(number);
    let documents: Vec<String> = files(&unit).into_iter().map(|(_, text)| text).collect();
    (format!("{LARGE}/{unit}.yaml"), documents.join("---\n"))
}

/// The Application of all units. It is synced when it is told to.
pub(crate) fn large_application(url: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": LARGE, "namespace": NAMESPACE},
        "spec": {
            "project": "default",
            "source": {"repoURL": url, "targetRevision": "main", "path": LARGE},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": LARGE},
            "syncPolicy": {"syncOptions": ["CreateNamespace=true"]},
        },
        "operation": sync_all(),
    })
}

/// An operation that syncs everything.
pub(crate) fn sync_all() -> Value {
    json!({"sync": {"syncOptions": ["CreateNamespace=true"]}, "initiatedBy": {"username": "bench"}})
}
