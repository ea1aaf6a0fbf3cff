//! `version.VersionService`.

use serde_json::{Value, json};

/// What is said of the versions of this program and of what it does the work of. Whoever is not logged in sees the first alone.
///
/// **Source**: the peer names the programs that it starts; nothing is started here, so that the versions are those whose behaviour
/// ours is held against.
pub(crate) fn version(logged_in: bool) -> Value {
    let version = concat!("v", env!("CARGO_PKG_VERSION"), "+capstan");
    if !logged_in {
        return json!({ "Version": version });
    }
    json!({
        "Version": version,
        "Platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
        "Compiler": "rustc",
        "KustomizeVersion": "v5.8.2",
        "HelmVersion": "v3.22.0",
        "JsonnetVersion": "v0.21.0",
        "KubectlVersion": "v0.34.4",
    })
}
