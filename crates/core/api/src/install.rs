//! What a cluster needs before the controllers run.

use serde_json::{Value, json};

use crate::AppProject;
use crate::names::config_map;

/// The custom resource definitions, the namespace, its settings and the default project, in the order in which they
/// can be applied. Applying them again changes nothing that an operator has set: settings come without values of ours
/// where the peer's installation has none.
pub fn install_manifests(namespace: &str) -> Vec<Value> {
    let config = |name: &str, data: Value| {
        let labels = json!({"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"});
        let metadata = json!({"name": name, "namespace": namespace, "labels": labels});
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    };
    let mut all = crate::crds();
    all.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
    all.push(config(config_map::ARGOCD_CM, json!(crate::settings::installed_argocd_cm())));
    for name in [
        config_map::CMD_PARAMS,
        config_map::RBAC,
        config_map::SSH_KNOWN_HOSTS,
        config_map::TLS_CERTS,
        config_map::GPG_KEYS,
    ] {
        all.push(config(name, json!({})));
    }
    all.push(AppProject::default_project(namespace).to_value());
    all
}
