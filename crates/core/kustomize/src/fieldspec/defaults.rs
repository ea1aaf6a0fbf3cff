//! The field specs that apply where a kustomization configures no others.
//!
//! **Source**: kustomize's `builtinpluginconsts`, api v0.21.2; `tests/cases/field_specs.jsonl` has the peer's own.

use super::FieldSpec;

/// `(group, version, kind)`; an empty part matches all.
type Kind = (&'static str, &'static str, &'static str);

const ANY: Kind = ("", "", "");
const DEPLOYMENT: Kind = ("", "", "Deployment");
const REPLICA_SET: Kind = ("", "", "ReplicaSet");
const DAEMON_SET: Kind = ("", "", "DaemonSet");
const STATEFUL_SET: Kind = ("", "", "StatefulSet");
const REPLICATION_CONTROLLER: Kind = ("", "", "ReplicationController");
const V1_REPLICATION_CONTROLLER: Kind = ("", "v1", "ReplicationController");
const APPS_DEPLOYMENT: Kind = ("apps", "", "Deployment");
const APPS_STATEFUL_SET: Kind = ("apps", "", "StatefulSet");
const BATCH_JOB: Kind = ("batch", "", "Job");
const BATCH_CRON_JOB: Kind = ("batch", "", "CronJob");
const NETWORK_POLICY: Kind = ("networking.k8s.io", "", "NetworkPolicy");

fn spec(kind: Kind, path: &str, create: bool) -> FieldSpec {
    FieldSpec::new(kind.0, kind.1, kind.2, path, create)
}

fn specs(rows: &[(Kind, &str)], create: bool) -> Vec<FieldSpec> {
    rows.iter().map(|(kind, path)| spec(*kind, path, create)).collect()
}

/// Where `namePrefix` and `nameSuffix` work.
pub(crate) fn metadata_name() -> Vec<FieldSpec> {
    specs(&[(ANY, "metadata/name")], false)
}

/// Where `namespace` works beyond `metadata.namespace` and role bindings, which are code.
pub(crate) fn namespace() -> Vec<FieldSpec> {
    let mut list = specs(
        &[
            (("", "", "Namespace"), "metadata/name"),
            (("apiregistration.k8s.io", "", "APIService"), "spec/service/namespace"),
        ],
        true,
    );
    list.extend(specs(
        &[(
            ("apiextensions.k8s.io", "", "CustomResourceDefinition"),
            "spec/conversion/webhook/clientConfig/service/namespace",
        )],
        false,
    ));
    list
}

/// Where `commonLabels`, and `labels` with `includeSelectors`, work: selectors, then everything that holds labels.
pub(crate) fn common_labels() -> Vec<FieldSpec> {
    let selectors = [
        (("", "v1", "Service"), "spec/selector", true),
        (V1_REPLICATION_CONTROLLER, "spec/selector", true),
        (DEPLOYMENT, "spec/selector/matchLabels", true),
        (REPLICA_SET, "spec/selector/matchLabels", true),
        (DAEMON_SET, "spec/selector/matchLabels", true),
        (APPS_STATEFUL_SET, "spec/selector/matchLabels", true),
        (BATCH_JOB, "spec/selector/matchLabels", false),
        (BATCH_CRON_JOB, "spec/jobTemplate/spec/selector/matchLabels", false),
        (("policy", "", "PodDisruptionBudget"), "spec/selector/matchLabels", false),
        (NETWORK_POLICY, "spec/podSelector/matchLabels", false),
        (NETWORK_POLICY, "spec/ingress/from/podSelector/matchLabels", false),
        (NETWORK_POLICY, "spec/egress/to/podSelector/matchLabels", false),
    ];
    let mut list: Vec<_> = selectors.iter().map(|(kind, path, create)| spec(*kind, path, *create)).collect();
    for kind in [APPS_DEPLOYMENT, APPS_STATEFUL_SET] {
        for affinity in ["podAffinity", "podAntiAffinity"] {
            let base = format!("spec/template/spec/affinity/{affinity}");
            for term in [
                "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm",
                "requiredDuringSchedulingIgnoredDuringExecution",
            ] {
                list.push(spec(kind, &format!("{base}/{term}/labelSelector/matchLabels"), false));
            }
        }
        let spread = "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels";
        list.push(spec(kind, spread, false));
    }
    list.extend(template_labels());
    list.extend(volume_claim_template_labels());
    list
}

/// Where `labels` with `includeTemplates` works.
pub(crate) fn template_labels() -> Vec<FieldSpec> {
    metadata_of_templates("labels", APPS_STATEFUL_SET)
}

/// Where `labels` with `includeVolumeClaimTemplates` works.
pub(crate) fn volume_claim_template_labels() -> Vec<FieldSpec> {
    specs(&[(APPS_STATEFUL_SET, "spec/volumeClaimTemplates[]/metadata/labels")], true)
}

/// Where `commonAnnotations` works.
pub(crate) fn common_annotations() -> Vec<FieldSpec> {
    metadata_of_templates("annotations", STATEFUL_SET)
}

fn metadata_of_templates(field: &str, stateful_set: Kind) -> Vec<FieldSpec> {
    [
        (ANY, ""),
        (V1_REPLICATION_CONTROLLER, "spec/template/"),
        (DEPLOYMENT, "spec/template/"),
        (REPLICA_SET, "spec/template/"),
        (DAEMON_SET, "spec/template/"),
        (stateful_set, "spec/template/"),
        (BATCH_JOB, "spec/template/"),
        (BATCH_CRON_JOB, "spec/jobTemplate/"),
        (BATCH_CRON_JOB, "spec/jobTemplate/spec/template/"),
    ]
    .iter()
    .map(|(kind, base)| spec(*kind, &format!("{base}metadata/{field}"), true))
    .collect()
}

/// Where `images` works, beside all `containers` and `initContainers`.
pub(crate) fn images() -> Vec<FieldSpec> {
    let containers = ["containers[]/image", "initContainers[]/image", "volumes[]/image/reference"];
    let mut list = Vec::new();
    for base in ["spec", "spec/template/spec"] {
        list.extend(containers.iter().map(|path| spec(ANY, &format!("{base}/{path}"), true)));
    }
    list.push(spec(ANY, "spec/jobTemplate/spec/template/spec/volumes[]/image/reference", true));
    list
}

/// Where `replicas` works.
pub(crate) fn replicas() -> Vec<FieldSpec> {
    [DEPLOYMENT, REPLICATION_CONTROLLER, REPLICA_SET, STATEFUL_SET]
        .iter()
        .map(|kind| spec(*kind, "spec/replicas", true))
        .collect()
}

/// Where `$(NAME)` is replaced by the value of a var.
pub(crate) fn var_references() -> Vec<FieldSpec> {
    let job_template = "spec/jobTemplate/spec/template";
    let pods = [
        ("CronJob", "spec/jobTemplate/spec/template/spec", Some(job_template)),
        ("DaemonSet", "spec/template/spec", Some("spec/template/spec")),
        ("Deployment", "spec/template/spec", Some("spec/template/spec")),
        ("Job", "spec/template/spec", Some("spec/template/spec")),
        ("Pod", "spec", Some("spec")),
        ("ReplicaSet", "spec/template/spec", Some("spec/template/spec")),
        ("StatefulSet", "spec/template/spec", None),
    ];
    let mut list = Vec::new();
    for (kind, base, volumes) in pods {
        for containers in ["containers", "initContainers"] {
            for field in ["args", "command", "env/value", "volumeMounts/mountPath"] {
                list.push(spec(("", "", kind), &format!("{base}/{containers}/{field}"), false));
            }
        }
        if let Some(volumes) = volumes {
            list.push(spec(("", "", kind), &format!("{volumes}/volumes/nfs/server"), false));
        }
    }
    list.extend(specs(
        &[
            (DEPLOYMENT, "spec/template/metadata/annotations"),
            (("", "", "Ingress"), "spec/rules/host"),
            (("", "", "Ingress"), "spec/tls/hosts"),
            (("", "", "Ingress"), "spec/tls/secretName"),
            (("", "", "Service"), "spec/ports/port"),
            (("", "", "Service"), "spec/ports/targetPort"),
            (STATEFUL_SET, "spec/volumeClaimTemplates/spec/nfs/server"),
            (("", "", "PersistentVolume"), "spec/nfs/server"),
            (ANY, "metadata/labels"),
            (ANY, "metadata/annotations"),
        ],
        false,
    ));
    list
}
