use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The Kubernetes version of the test tools; `tools/kubernetes/go.mod` pins the same.
pub const KUBERNETES_VERSION: &str = "v1.34.4";

/// The version of Helm that charts are held against; `tools/helm/go.mod` pins the same.
pub const HELM_VERSION: &str = "v3.22.0";

/// The version of Kustomize that kustomizations are held against; `tools/kustomize/go.mod` pins the same.
pub const KUSTOMIZE_VERSION: &str = "v5.8.2";

/// The version of the registry that charts are pulled from in tests; `tools/registry/go.mod` pins the same.
pub const REGISTRY_VERSION: &str = "v3.0.0";

/// The version of Argo CD whose server of config management plugins is called in tests; `tools/cmp-server/go.mod` pins the same.
pub const ARGO_CD_VERSION: &str = "v3.2.11";

/// The version of yq that pipelines of guides call; `tools/yq/go.mod` pins the same.
const YQ_VERSION: &str = "v4.44.6";

/// The version of the identity provider that users log in by in tests; `tools/oidc-provider/package.json` pins the same.
pub const OIDC_PROVIDER_VERSION: &str = "9.13.3";

/// Programs of one version, built from Go packages that a module of `tools/` pins.
struct Set {
    /// Folder below `tools/`, and the first part of where the programs are kept.
    name: &'static str,
    version: &'static str,
    /// Program, and the Go package that it is built from.
    programs: &'static [(&'static str, &'static str)],
    /// Variables of the linker; `VERSION` and `MINOR` stand for those of the version.
    stamps: &'static [&'static str],
}

const KUBERNETES: Set = Set {
    name: "kubernetes",
    version: KUBERNETES_VERSION,
    programs: &[
        ("etcd", "go.etcd.io/etcd/server/v3"),
        ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
        ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
        ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
        ("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
    ],
    stamps: &[
        "k8s.io/component-base/version.gitVersion=VERSION",
        "k8s.io/component-base/version.gitMajor=1",
        "k8s.io/component-base/version.gitMinor=MINOR",
        "k8s.io/client-go/pkg/version.gitVersion=VERSION",
    ],
};

const HELM: Set = Set {
    name: "helm",
    version: HELM_VERSION,
    programs: &[("helm", "helm.sh/helm/v3/cmd/helm")],
    stamps: &["helm.sh/helm/v3/internal/version.version=VERSION"],
};

const KUSTOMIZE: Set = Set {
    name: "kustomize",
    version: KUSTOMIZE_VERSION,
    programs: &[("kustomize", "sigs.k8s.io/kustomize/kustomize/v5")],
    stamps: &[],
};

const REGISTRY: Set = Set {
    name: "registry",
    version: REGISTRY_VERSION,
    programs: &[("registry", "github.com/distribution/distribution/v3/cmd/registry")],
    stamps: &[],
};

const ARGO_CD: Set = Set {
    name: "cmp-server",
    version: ARGO_CD_VERSION,
    programs: &[("argocd", "github.com/argoproj/argo-cd/v3/cmd")],
    stamps: &[],
};

const YQ: Set =
    Set { name: "yq", version: YQ_VERSION, programs: &[("yq", "github.com/mikefarah/yq/v4")], stamps: &[] };

/// The built programs of one set.
#[derive(Debug, Clone)]
pub struct Tools {
    dir: PathBuf,
}

impl Tools {
    /// The path of `etcd`, `kube-apiserver`, `kubectl`, `kube-controller-manager` or `kube-scheduler`; of `helm`, `kustomize`, `registry` and `yq` in theirs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// Where Kubernetes' tools are kept: `$CAPSTAN_CACHE/kubernetes-<version>`, by default under `~/.cache/capstan`.
pub fn tools_dir() -> PathBuf {
    KUBERNETES.dir()
}

/// Builds what is missing of Kubernetes and etcd (about 4 minutes on 2 cores the first time) and returns the tools. A file
/// lock makes other test processes wait for the one that builds. Blocking.
///
/// # Errors
/// Go is not installed, or a build failed (its output is in the error).
pub fn ensure_tools() -> Result<Tools> {
    KUBERNETES.ensure()
}

/// Builds the real `helm` where it is missing (about 4 minutes on 2 cores). Only benchmarks need it.
///
/// # Errors
/// As [`ensure_tools`].
pub fn ensure_helm() -> Result<Tools> {
    HELM.ensure()
}

/// Builds the real `kustomize` where it is missing (about half a minute on 2 cores).
///
/// # Errors
/// As [`ensure_tools`].
pub fn ensure_kustomize() -> Result<Tools> {
    KUSTOMIZE.ensure()
}

/// Builds the real registry where it is missing (about 2 minutes on 2 cores).
///
/// # Errors
/// As [`ensure_tools`].
pub fn ensure_registry() -> Result<Tools> {
    REGISTRY.ensure()
}

/// Builds the program of the peer, which is its client and its server of config management plugins, where it is missing (about 8 minutes on 2 cores).
///
/// # Errors
/// As [`ensure_tools`].
pub fn ensure_argocd() -> Result<Tools> {
    ARGO_CD.ensure()
}

/// Builds yq where it is missing (about a minute on 2 cores).
///
/// # Errors
/// As [`ensure_tools`].
pub fn ensure_yq() -> Result<Tools> {
    YQ.ensure()
}

/// Installs the identity provider where it is missing (some seconds), and gives the folder with its `node_modules`.
///
/// # Errors
/// Node and npm are not installed, or what is installed from cannot be reached.
pub(crate) fn ensure_oidc_provider() -> Result<PathBuf> {
    let dir = cache().join(format!("oidc-provider-{OIDC_PROVIDER_VERSION}"));
    std::fs::create_dir_all(&dir).with_context(|| format!("could not create {}", dir.display()))?;
    let done = dir.join(".installed");
    if done.is_file() {
        return Ok(dir);
    }
    let lock = File::create(dir.join(".lock"))?;
    lock.lock().context("could not lock the tools' folder")?;
    if done.is_file() {
        return Ok(dir);
    }
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(tool("oidc-provider").join(file), dir.join(file))?;
    }
    let output = Command::new("npm")
        .current_dir(&dir)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .output()
        .context("npm, which installs the identity provider, could not be started")?;
    if !output.status.success() {
        bail!("installing the identity provider failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    std::fs::write(done, "")?;
    Ok(dir)
}

/// A folder below `tools/`.
pub(crate) fn tool(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools").join(name)
}

/// Where programs are kept.
fn cache() -> PathBuf {
    let cache = std::env::var_os("CAPSTAN_CACHE").filter(|v| !v.is_empty()).map(PathBuf::from);
    cache.unwrap_or_else(|| {
        let home = std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
        home.join(".cache").join("capstan")
    })
}

impl Set {
    fn dir(&self) -> PathBuf {
        cache().join(format!("{}-{}", self.name, self.version))
    }

    fn ensure(&self) -> Result<Tools> {
        let dir = self.dir();
        std::fs::create_dir_all(&dir).with_context(|| format!("could not create {}", dir.display()))?;
        if self.missing(&dir).next().is_none() {
            return Ok(Tools { dir });
        }
        let lock = File::create(dir.join(".lock"))?;
        lock.lock().context("could not lock the tools' folder")?;
        for (name, package) in self.missing(&dir) {
            self.build(&dir, name, package)?;
        }
        Ok(Tools { dir })
    }

    fn missing(&self, dir: &Path) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.programs.iter().copied().filter(move |(name, _)| !dir.join(name).is_file())
    }

    /// Builds to another name first, so that a half-written program is never taken for a whole one.
    fn build(&self, dir: &Path, name: &str, package: &str) -> Result<()> {
        let source = tool(self.name);
        let minor = self.version.split('.').nth(1).unwrap_or_default();
        let stamps = self
            .stamps
            .iter()
            .map(|stamp| format!("-X {}", stamp.replace("VERSION", self.version).replace("MINOR", minor)));
        let flags = ["-s -w".to_owned()].into_iter().chain(stamps).collect::<Vec<_>>().join(" ");
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
}
