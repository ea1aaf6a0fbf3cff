use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The Kubernetes version of the test tools; `tools/kubernetes/go.mod` pins the same.
pub const KUBERNETES_VERSION: &str = "v1.34.4";

/// Program, and the Go package that it is built from.
const PROGRAMS: [(&str, &str); 5] = [
    ("etcd", "go.etcd.io/etcd/server/v3"),
    ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
    ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
    ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    ("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
];

/// The built programs of one Kubernetes version.
#[derive(Debug, Clone)]
pub struct Tools {
    dir: PathBuf,
}

impl Tools {
    /// The path of `etcd`, `kube-apiserver`, `kubectl`, `kube-controller-manager` or `kube-scheduler`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// Where the tools are kept: `$CAPSTAN_CACHE/kubernetes-<version>`, by default under `~/.cache/capstan`.
pub fn tools_dir() -> PathBuf {
    let cache = std::env::var_os("CAPSTAN_CACHE").filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| {
        let home = std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
        home.join(".cache").join("capstan")
    });
    cache.join(format!("kubernetes-{KUBERNETES_VERSION}"))
}

/// Builds what is missing (about 4 minutes on 2 cores the first time) and returns the tools. A file lock makes
/// other test processes wait for the one that builds. Blocking.
///
/// # Errors
/// Go is not installed, or a build failed (its output is in the error).
pub fn ensure_tools() -> Result<Tools> {
    let dir = tools_dir();
    std::fs::create_dir_all(&dir).with_context(|| format!("could not create {}", dir.display()))?;
    if missing(&dir).next().is_none() {
        return Ok(Tools { dir });
    }
    let lock = File::create(dir.join(".lock"))?;
    lock.lock().context("could not lock the tools' folder")?;
    for (name, package) in missing(&dir) {
        build(&dir, name, package)?;
    }
    Ok(Tools { dir })
}

fn missing(dir: &Path) -> impl Iterator<Item = (&'static str, &'static str)> {
    PROGRAMS.into_iter().filter(move |(name, _)| !dir.join(name).is_file())
}

/// Builds to another name first, so that a half-written program is never taken for a whole one.
fn build(dir: &Path, name: &str, package: &str) -> Result<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/kubernetes");
    let (major, minor) = ("1", KUBERNETES_VERSION.split('.').nth(1).unwrap_or_default());
    let stamp = "-X k8s.io/component-base/version";
    let flags = format!(
        "-s -w {stamp}.gitVersion={KUBERNETES_VERSION} {stamp}.gitMajor={major} {stamp}.gitMinor={minor} \
         -X k8s.io/client-go/pkg/version.gitVersion={KUBERNETES_VERSION}"
    );
    let partial = dir.join(format!("{name}.partial"));
    let output = Command::new("go")
        .current_dir(&source)
        .env("CGO_ENABLED", "0")
        .args(["build", "-trimpath", "-ldflags", &flags, "-o"])
        .arg(&partial)
        .arg(package)
        .output()
        .context("go, which builds the test tools, could not be started")?;
    if !output.status.success() {
        bail!("building {name} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    std::fs::rename(&partial, dir.join(name))?;
    Ok(())
}
