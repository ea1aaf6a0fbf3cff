//! `capstan install`: what a cluster needs before the controller runs, for `kubectl apply --server-side`.

/// The manifests as one YAML stream.
pub fn yaml(namespace: &str) -> String {
    let documents: Vec<String> = api::install_manifests(namespace).iter().map(goyaml::to_string).collect();
    documents.join("---\n")
}
