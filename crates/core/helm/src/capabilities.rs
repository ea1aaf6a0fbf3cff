//! What templates learn of the cluster, and of the Helm that renders them.

use crate::error::Error;

/// API versions that are there without a cluster, in the order in which Helm 3.22 lists them.
pub const DEFAULT_API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "lifecycle.k8s.io/v1alpha1",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// A version of Kubernetes as templates see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeVersion {
    /// `v1.34.0`.
    pub version: String,
    /// `1`.
    pub major: String,
    /// `34`.
    pub minor: String,
}

impl KubeVersion {
    /// Reads `1.34`, `v1.34.0`, `1.34.0+k3s1`; what follows the numbers is dropped.
    ///
    /// **Errors**: [`Error::Values`] in Helm's words: `invalid kube version 'x': could not parse "x" as version`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: String| Err(Error::Values(format!("invalid kube version '{text}': {why}")));
        let trimmed = text.trim_start();
        let numbers = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let (mut parts, mut rest) = (Vec::new(), numbers);
        loop {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (digits, after) = rest.split_at_checked(end).unwrap_or_default();
            if digits.is_empty() {
                break;
            }
            let Ok(number) = digits.parse::<u64>() else {
                return refuse(format!("illegal non-numeric version component {digits:?} in {text:?}"));
            };
            parts.push(number.to_string());
            match after.strip_prefix('.') {
                Some(after) => rest = after,
                None => break,
            }
        }
        match parts.as_slice() {
            [] => refuse(format!("could not parse {text:?} as version")),
            [_] => refuse(format!("illegal version string {text:?}")),
            [major, minor, ..] => {
                let version = format!("v{}", parts.join("."));
                Ok(Self { version, major: major.clone(), minor: minor.clone() })
            }
        }
    }
}

impl Default for KubeVersion {
    /// What Helm takes when nothing is said.
    fn default() -> Self {
        Self { version: "v1.20.0".to_owned(), major: "1".to_owned(), minor: "20".to_owned() }
    }
}

/// `.Capabilities`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Of Kubernetes.
    pub kube_version: KubeVersion,
    /// Group versions, and kinds with their group version where the caller has them (`apps/v1/Deployment`).
    pub api_versions: Vec<String>,
    /// `.Capabilities.HelmVersion.Version`.
    pub helm_version: String,
    /// `.Capabilities.HelmVersion.GoVersion`.
    pub go_version: String,
}

impl Default for Capabilities {
    /// Those of `helm template` 3.22.0 without a cluster.
    fn default() -> Self {
        Self {
            kube_version: KubeVersion::default(),
            api_versions: DEFAULT_API_VERSIONS.iter().map(|version| (*version).to_owned()).collect(),
            helm_version: "v3.22.0".to_owned(),
            go_version: "go1.26.8".to_owned(),
        }
    }
}
