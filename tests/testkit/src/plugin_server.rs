use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::child::Child;

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// The peer's own server of one config management plugin (`argocd-cmp-server`), as it runs in a sidecar. Ends on drop.
pub struct PluginServer {
    _child: Child,
    _dir: tempfile::TempDir,
}

impl PluginServer {
    /// Serves a plugin on `<name>.sock` in `sockets` (`<name>-<version>.sock` if `spec` has a version); `None`, with a word on standard
    /// error, where the server cannot be built. `spec` is that of a `ConfigManagementPlugin`. Blocking.
    ///
    /// # Errors
    /// It ends or does not listen.
    pub fn start(sockets: &Path, name: &str, spec: &serde_json::Value) -> Result<Option<Self>> {
        let tools = match crate::ensure_argocd() {
            Ok(tools) => tools,
            Err(error) => {
                crate::say_skipped("argocd-cmp-server", &format!("{error:#}"));
                return Ok(None);
            }
        };
        let dir = tempfile::tempdir()?;
        let plugin = serde_json::json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "ConfigManagementPlugin", "metadata": {"name": name}, "spec": spec,
        });
        std::fs::write(dir.path().join("plugin.yaml"), plugin.to_string())?;
        let args = [
            "ARGOCD_BINARY_NAME=argocd-cmp-server".to_owned(),
            format!("ARGOCD_PLUGINSOCKFILEPATH={}", sockets.display()),
            format!("ARGOCD_CMP_WORKDIR={}", dir.path().display()),
            // As in a sidecar that has the peer's program in its path.
            format!("PATH={}", path_with(&tools.program("argocd"))),
            tools.program("argocd").display().to_string(),
            format!("--config-dir-path={}", dir.path().display()),
        ];
        // Variables before a program are what `env` is for.
        let child = Child::start("cmp-server", Path::new("env"), &args, dir.path())?;
        let file = match spec["version"].as_str() {
            Some(version) => format!("{name}-{version}.sock"),
            None => format!("{name}.sock"),
        };
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(sockets.join(&file)).is_err() {
            child.check_running()?;
            ensure!(begun.elapsed() < PATIENCE, "the plugin server does not listen on {file}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Some(Self { _child: child, _dir: dir }))
    }
}

/// The path of programs, that one's directory before it.
#[expect(clippy::disallowed_methods, reason = "what it starts needs the programs of the machine")]
fn path_with(program: &Path) -> String {
    let before = program.parent().unwrap_or(Path::new("")).display();
    format!("{before}:{}", std::env::var("PATH").unwrap_or_default())
}
