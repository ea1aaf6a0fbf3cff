//! What a fresh installation has in `argocd-cm`.

use std::collections::BTreeMap;

const PREFIX: &str = "resource.customizations.ignoreResourceUpdates.";

const EXCLUSIONS: &str = "\
# made by the control plane
- apiGroups: ['', discovery.k8s.io]
  kinds: [Endpoints, EndpointSlice]
  clusters: ['*']
- apiGroups: [coordination.k8s.io]
  kinds: [Lease]
  clusters: ['*']
# questions, not objects
- apiGroups: [authentication.k8s.io, authorization.k8s.io]
  kinds: [SelfSubjectReview, TokenReview, LocalSubjectAccessReview, SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview]
  clusters: ['*']
# steps of issuing a certificate
- apiGroups: [certificates.k8s.io]
  kinds: [CertificateSigningRequest]
  clusters: ['*']
- apiGroups: [cert-manager.io]
  kinds: [CertificateRequest]
  clusters: ['*']
# state of operators, many and changing
- apiGroups: [cilium.io]
  kinds: [CiliumIdentity, CiliumEndpoint, CiliumEndpointSlice]
  clusters: ['*']
- apiGroups: [kyverno.io, reports.kyverno.io, wgpolicyk8s.io]
  kinds: [PolicyReport, ClusterPolicyReport, EphemeralReport, ClusterEphemeralReport, AdmissionReport, ClusterAdmissionReport, BackgroundScanReport, ClusterBackgroundScanReport, UpdateRequest]
  clusters: ['*']
";

/// Annotations whose changes mean nothing, by the key's last part.
const QUIET_ANNOTATIONS: &[(&str, &[&str])] = &[
    (
        "ConfigMap",
        &["cluster-autoscaler.kubernetes.io/last-updated", "control-plane.alpha.kubernetes.io/leader"],
    ),
    (
        "apps_ReplicaSet",
        &[
            "deployment.kubernetes.io/desired-replicas",
            "deployment.kubernetes.io/max-replicas",
            "rollout.argoproj.io/desired-replicas",
        ],
    ),
    (
        "argoproj.io_Application",
        &["notified.notifications.argoproj.io", "argocd.argoproj.io/refresh", "argocd.argoproj.io/hydrate"],
    ),
    ("argoproj.io_Rollout", &["notified.notifications.argoproj.io"]),
    (
        "autoscaling_HorizontalPodAutoscaler",
        &[
            "autoscaling.alpha.kubernetes.io/behavior",
            "autoscaling.alpha.kubernetes.io/conditions",
            "autoscaling.alpha.kubernetes.io/metrics",
            "autoscaling.alpha.kubernetes.io/current-metrics",
        ],
    ),
];

/// Parts of objects whose changes mean nothing, by the key's last part.
const QUIET_PARTS: &[(&str, &[&str])] = &[
    ("all", &["/status"]),
    ("Endpoints", &["/metadata", "/subsets"]),
    ("discovery.k8s.io_EndpointSlice", &["/metadata", "/endpoints", "/ports"]),
];

/// The data of `argocd-cm` as the peer's install manifest has it: exclusions, and updates that are not worth a look.
pub fn installed_argocd_cm() -> BTreeMap<String, String> {
    let mut data = BTreeMap::from([("resource.exclusions".to_owned(), EXCLUSIONS.to_owned())]);
    for (kind, annotations) in QUIET_ANNOTATIONS {
        let mut text = String::from("jqPathExpressions:\n");
        for annotation in *annotations {
            text.push_str(&format!("- '.metadata.annotations.\"{annotation}\"'\n"));
        }
        if *kind == "argoproj.io_Application" {
            text.push_str("- '.operation'\n");
        }
        data.insert(format!("{PREFIX}{kind}"), text);
    }
    for (kind, parts) in QUIET_PARTS {
        let mut text = String::from("jsonPointers:\n");
        for part in *parts {
            text.push_str(&format!("- {part}\n"));
        }
        data.insert(format!("{PREFIX}{kind}"), text);
    }
    data
}
