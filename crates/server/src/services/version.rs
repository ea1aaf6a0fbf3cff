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
        "Platform": platform(std::env::consts::OS, std::env::consts::ARCH),
        "Compiler": "rustc",
        "KustomizeVersion": "v5.8.2",
        "HelmVersion": "v3.22.0",
        "JsonnetVersion": "v0.21.0",
        "KubectlVersion": "v0.34.4",
    })
}

/// A platform by Go's names.
fn platform(system: &str, machine: &str) -> String {
    let system = if system == "macos" { "darwin" } else { system };
    let machine = match machine {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}/{machine}")
}

#[cfg(test)]
mod tests {
    use super::platform;

    #[test]
    fn platforms_have_gos_names() {
        for (system, machine, expected) in [
            ("linux", "x86_64", "linux/amd64"),
            ("macos", "aarch64", "darwin/arm64"),
            ("linux", "s390x", "linux/s390x"),
        ] {
            assert_eq!(platform(system, machine), expected);
        }
    }
}
