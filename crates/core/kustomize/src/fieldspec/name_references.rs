//! Which fields hold names of other objects.
//!
//! **Source**: kustomize's `builtinpluginconsts`, api v0.21.2; `tests/cases/field_specs.jsonl` has the peer's own.

use super::FieldSpec;
use crate::id::Gvk;

/// A kind, and the fields of other kinds that name objects of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct NameReference {
    /// The named kind; what is empty matches all.
    pub(crate) gvk: Gvk,
    /// Where it is named.
    pub(crate) fields: Vec<FieldSpec>,
}

/// `(group, version, kind)` of an object that refers, with the path in it.
type Row = (&'static str, &'static str, &'static str, &'static str);

/// Kinds that hold a pod's spec, with the place of it.
const PODS: [(&str, &str, &str); 8] = [
    ("v1", "Pod", "spec"),
    ("", "PodTemplate", "template/spec"),
    ("", "Deployment", "spec/template/spec"),
    ("", "ReplicaSet", "spec/template/spec"),
    ("", "DaemonSet", "spec/template/spec"),
    ("", "StatefulSet", "spec/template/spec"),
    ("", "Job", "spec/template/spec"),
    ("", "CronJob", "spec/jobTemplate/spec/template/spec"),
];

/// The same for the other references, whose table in the peer is another one.
const OTHER_PODS: [(&str, &str, &str); 7] = [
    ("", "Pod", "spec"),
    ("", "StatefulSet", "spec/template/spec"),
    ("", "Deployment", "spec/template/spec"),
    ("", "ReplicationController", "spec/template/spec"),
    ("", "CronJob", "spec/jobTemplate/spec/template/spec"),
    ("", "Job", "spec/template/spec"),
    ("", "DaemonSet", "spec/template/spec"),
];

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

/// The references that apply everywhere; configurations add to them.
pub(crate) fn name_references() -> Vec<NameReference> {
    let mut list: Vec<_> = ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"]
        .into_iter()
        .map(|kind| entry("", "", kind, &[("", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name")]))
        .collect();
    list.push(config_maps());
    list.push(secrets());
    list.push(services());
    list.push(entry(RBAC, "", "Role", &[(RBAC, "", "RoleBinding", "roleRef/name")]));
    list.push(entry(
        RBAC,
        "",
        "ClusterRole",
        &[(RBAC, "", "RoleBinding", "roleRef/name"), (RBAC, "", "ClusterRoleBinding", "roleRef/name")],
    ));
    let mut accounts = entry(
        "",
        "v1",
        "ServiceAccount",
        &[(RBAC, "", "RoleBinding", "subjects"), (RBAC, "", "ClusterRoleBinding", "subjects")],
    );
    accounts.fields.extend(in_pods(&OTHER_PODS, &["serviceAccountName"]));
    list.push(accounts);
    let mut claims = entry("", "v1", "PersistentVolumeClaim", &[]);
    claims.fields.extend(in_pods(&OTHER_PODS, &["volumes/persistentVolumeClaim/claimName"]));
    list.push(claims);
    list.push(entry(
        "",
        "v1",
        "PersistentVolume",
        &[
            ("", "", "PersistentVolumeClaim", "spec/volumeName"),
            ("", "", "ClusterRole", "rules/resourceNames"),
        ],
    ));
    list.push(entry(
        "storage.k8s.io",
        "v1",
        "StorageClass",
        &[
            ("", "", "PersistentVolume", "spec/storageClassName"),
            ("", "", "PersistentVolumeClaim", "spec/storageClassName"),
            ("", "", "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
        ],
    ));
    let mut priorities = entry("scheduling.k8s.io", "v1", "PriorityClass", &[]);
    priorities.fields.extend(in_pods(&OTHER_PODS, &["priorityClassName"]));
    list.push(priorities);
    // The group is the peer's own slip; it keeps the entry from ever matching.
    list.push(entry(
        "networking.k8s.io/v1",
        "v1",
        "IngressClass",
        &[("", "", "Ingress", "spec/ingressClassName")],
    ));
    list.push(entry(
        ADMISSION,
        "",
        "ValidatingAdmissionPolicy",
        &[(ADMISSION, "", "ValidatingAdmissionPolicyBinding", "spec/policyName")],
    ));
    list
}

fn config_maps() -> NameReference {
    let mut maps = entry("", "v1", "ConfigMap", &[]);
    maps.fields.extend(in_pods(
        &PODS,
        &[
            "volumes/configMap/name",
            "containers/env/valueFrom/configMapKeyRef/name",
            "initContainers/env/valueFrom/configMapKeyRef/name",
            "containers/envFrom/configMapRef/name",
            "initContainers/envFrom/configMapRef/name",
            "volumes/projected/sources/configMap/name",
        ],
    ));
    maps.fields.extend(rows(&[
        ("", "", "Node", "spec/configSource/configMap"),
        ("", "", "Role", "rules/resourceNames"),
        ("", "", "ClusterRole", "rules/resourceNames"),
        ("", "", "Ingress", r"metadata/annotations/nginx.ingress.kubernetes.io\/fastcgi-params-configmap"),
    ]));
    maps
}

fn secrets() -> NameReference {
    let mut secrets = entry("", "v1", "Secret", &[]);
    secrets.fields.extend(in_pods(
        &PODS,
        &[
            "volumes/secret/secretName",
            "containers/env/valueFrom/secretKeyRef/name",
            "initContainers/env/valueFrom/secretKeyRef/name",
            "containers/envFrom/secretRef/name",
            "initContainers/envFrom/secretRef/name",
            "imagePullSecrets/name",
            "volumes/projected/sources/secret/name",
        ],
    ));
    secrets.fields.extend(rows(&[
        ("", "", "Ingress", "spec/tls/secretName"),
        ("", "", "Ingress", r"metadata/annotations/ingress.kubernetes.io\/auth-secret"),
        ("", "", "Ingress", r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-secret"),
        ("", "", "Ingress", r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-tls-secret"),
        ("", "", "ServiceAccount", "imagePullSecrets/name"),
        ("", "", "StorageClass", "parameters/secretName"),
        ("", "", "StorageClass", "parameters/adminSecretName"),
        ("", "", "StorageClass", "parameters/userSecretName"),
        ("", "", "StorageClass", "parameters/secretRef"),
        ("", "", "Role", "rules/resourceNames"),
        ("", "", "ClusterRole", "rules/resourceNames"),
        (
            "serving.knative.dev",
            "v1",
            "Service",
            "spec/template/spec/containers/env/valueFrom/secretKeyRef/name",
        ),
        ("", "", "PersistentVolume", "spec/azureFile/secretName"),
    ]));
    secrets
}

fn services() -> NameReference {
    entry(
        "",
        "v1",
        "Service",
        &[
            ("apps", "", "StatefulSet", "spec/serviceName"),
            ("", "", "Ingress", "spec/rules/http/paths/backend/serviceName"),
            ("", "", "Ingress", "spec/backend/serviceName"),
            ("", "", "Ingress", "spec/rules/http/paths/backend/service/name"),
            ("", "", "Ingress", "spec/defaultBackend/service/name"),
            ("apiregistration.k8s.io", "", "APIService", "spec/service/name"),
            (ADMISSION, "", "ValidatingWebhookConfiguration", "webhooks/clientConfig/service"),
            (ADMISSION, "", "MutatingWebhookConfiguration", "webhooks/clientConfig/service"),
        ],
    )
}

fn entry(group: &str, version: &str, kind: &str, fields: &[Row]) -> NameReference {
    NameReference {
        gvk: Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() },
        fields: rows(fields),
    }
}

fn rows(rows: &[Row]) -> Vec<FieldSpec> {
    rows.iter()
        .map(|(group, version, kind, path)| FieldSpec::new(group, version, kind, path, false))
        .collect()
}

fn in_pods(pods: &[(&str, &str, &str)], paths: &[&str]) -> Vec<FieldSpec> {
    pods.iter()
        .flat_map(|(version, kind, base)| {
            paths.iter().map(move |path| FieldSpec::new("", version, kind, &format!("{base}/{path}"), false))
        })
        .collect()
}
