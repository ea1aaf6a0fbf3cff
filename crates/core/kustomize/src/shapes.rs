//! The fields of everything that a kustomization is made of.
//!
//! **Source**: kustomize `types`, api v0.21.2.

use crate::decode::Shape::{self, Any, Bool, Fields, Int, Joined, List, Map, Pointers, Text, Word};

const TEXTS: Shape = List(&Text);
const PAIRS: Shape = Map(&Text);

const GVK: Shape = Fields("Gvk", &[("group", Text), ("version", Text), ("kind", Text)]);
const RES_ID: Shape = Joined("ResId", &[&GVK], &[("name", Text), ("namespace", Text)]);

const METADATA: Shape =
    Fields("ObjectMeta", &[("name", Text), ("namespace", Text), ("labels", PAIRS), ("annotations", PAIRS)]);

pub(crate) const FIELD_SPEC: Shape = Joined("FieldSpec", &[&GVK], &[("path", Text), ("create", Bool)]);
const FIELD_SPECS: Shape = List(&FIELD_SPEC);

const LABEL: Shape = Fields(
    "Label",
    &[
        ("pairs", PAIRS),
        ("includeSelectors", Bool),
        ("includeTemplates", Bool),
        ("includeVolumeClaimTemplates", Bool),
        ("fields", FIELD_SPECS),
    ],
);

const SELECTOR: Shape =
    Joined("Selector", &[&RES_ID], &[("annotationSelector", Text), ("labelSelector", Text)]);

const PATCH_OPTIONS: Shape = Fields("PatchArgs", &[("allowNameChange", Bool), ("allowKindChange", Bool)]);
const PATCH: Shape =
    Fields("Patch", &[("path", Text), ("patch", Text), ("target", SELECTOR), ("options", PATCH_OPTIONS)]);

const IMAGE: Shape = Fields(
    "Image",
    &[("name", Text), ("newName", Text), ("tagSuffix", Text), ("newTag", Text), ("digest", Text)],
);
const REPLICA: Shape = Fields("Replica", &[("name", Text), ("count", Int("int64"))]);

const FIELD_OPTIONS: Shape = Fields(
    "FieldOptions",
    &[("delimiter", Text), ("index", Int("int")), ("encoding", Text), ("create", Bool)],
);
const SOURCE: Shape =
    Joined("SourceSelector", &[&RES_ID], &[("fieldPath", Text), ("options", FIELD_OPTIONS)]);
const TARGET: Shape = Fields(
    "TargetSelector",
    &[
        ("select", SELECTOR),
        ("reject", Pointers(&SELECTOR)),
        ("fieldPaths", TEXTS),
        ("options", FIELD_OPTIONS),
    ],
);
pub(crate) const REPLACEMENT: Shape = Joined(
    "ReplacementField",
    &[&Fields("Replacement", &[("source", SOURCE), ("targets", Pointers(&TARGET)), ("sourceValue", Text)])],
    &[("path", Text)],
);

const VARIABLE: Shape = Fields(
    "Var",
    &[
        ("name", Text),
        ("objref", Joined("Target", &[&GVK], &[("apiVersion", Text), ("name", Text), ("namespace", Text)])),
        ("fieldref", Fields("FieldSelector", &[("fieldPath", Text)])),
    ],
);

const GENERATOR_OPTIONS: Shape = Fields(
    "GeneratorOptions",
    &[("labels", PAIRS), ("annotations", PAIRS), ("disableNameSuffixHash", Bool), ("immutable", Bool)],
);
const PAIR_SOURCES: Shape =
    Fields("KvPairSources", &[("literals", TEXTS), ("files", TEXTS), ("envs", TEXTS), ("env", Text)]);
const GENERATOR: Shape = Joined(
    "GeneratorArgs",
    &[&PAIR_SOURCES],
    &[("namespace", Text), ("name", Text), ("behavior", Text), ("options", GENERATOR_OPTIONS)],
);
const CONFIG_MAP: Shape = Joined("ConfigMapArgs", &[&GENERATOR], &[]);
const SECRET: Shape = Joined("SecretArgs", &[&GENERATOR], &[("type", Text)]);
/// The same behind `apiVersion: builtin`.
pub(crate) const GENERATOR_PLUGIN: Shape = Joined("GeneratorPlugin", &[&SECRET], &[("metadata", METADATA)]);

const SORT: Shape = Fields(
    "SortOptions",
    &[
        ("order", Word("types.SortOrder")),
        ("legacySortOptions", Fields("LegacySortOptions", &[("orderFirst", TEXTS), ("orderLast", TEXTS)])),
    ],
);

const HELM_GLOBALS: Shape = Fields("HelmGlobals", &[("chartHome", Text), ("configHome", Text)]);
const HELM_CHART: Shape = Fields(
    "HelmChart",
    &[
        ("name", Text),
        ("version", Text),
        ("repo", Text),
        ("releaseName", Text),
        ("namespace", Text),
        ("valuesFile", Text),
        ("additionalValuesFiles", TEXTS),
        ("valuesInline", Map(&Any)),
        ("valuesMerge", Text),
        ("includeCRDs", Bool),
        ("skipHooks", Bool),
        ("apiVersions", TEXTS),
        ("kubeVersion", Text),
        ("nameTemplate", Text),
        ("skipTests", Bool),
        ("debug", Bool),
        ("devel", Bool),
    ],
);
/// The same behind `apiVersion: builtin`, with what is set for all charts.
pub(crate) const HELM_PLUGIN: Shape =
    Joined("HelmChartInflationGeneratorPlugin", &[&HELM_GLOBALS, &HELM_CHART], &[]);
const OLD_HELM_CHART: Shape = Fields(
    "HelmChartArgs",
    &[
        ("chartName", Text),
        ("chartVersion", Text),
        ("chartRepoUrl", Text),
        ("chartHome", Text),
        ("chartRepoName", Text),
        ("helmBin", Text),
        ("helmHome", Text),
        ("values", Text),
        ("valuesLocal", Map(&Any)),
        ("valuesMerge", Text),
        ("releaseName", Text),
        ("releaseNamespace", Text),
        ("extraArgs", TEXTS),
    ],
);

/// A kustomization or a component.
pub(crate) const KUSTOMIZATION: Shape = Joined(
    "Kustomization",
    &[&Fields("TypeMeta", &[("kind", Text), ("apiVersion", Text)])],
    &[
        ("metadata", METADATA),
        ("openapi", PAIRS),
        ("namePrefix", Text),
        ("nameSuffix", Text),
        ("namespace", Text),
        ("commonLabels", PAIRS),
        ("labels", List(&LABEL)),
        ("commonAnnotations", PAIRS),
        ("patchesStrategicMerge", List(&Word("types.PatchStrategicMerge"))),
        ("patchesJson6902", List(&PATCH)),
        ("patches", List(&PATCH)),
        ("images", List(&IMAGE)),
        ("imageTags", List(&IMAGE)),
        ("replacements", List(&REPLACEMENT)),
        ("replicas", List(&REPLICA)),
        ("vars", List(&VARIABLE)),
        ("sortOptions", SORT),
        ("resources", TEXTS),
        ("components", TEXTS),
        ("crds", TEXTS),
        ("bases", TEXTS),
        ("configMapGenerator", List(&CONFIG_MAP)),
        ("secretGenerator", List(&SECRET)),
        ("helmGlobals", HELM_GLOBALS),
        ("helmCharts", List(&HELM_CHART)),
        ("helmChartInflationGenerator", List(&OLD_HELM_CHART)),
        ("generatorOptions", GENERATOR_OPTIONS),
        ("configurations", TEXTS),
        ("generators", TEXTS),
        ("transformers", TEXTS),
        ("validators", TEXTS),
        ("buildMetadata", TEXTS),
    ],
);

const NAME_REFERENCE: Shape = Joined("NameBackReferences", &[&GVK], &[("fieldSpecs", FIELD_SPECS)]);

/// A file of `configurations`.
pub(crate) const CONFIGURATION: Shape = Fields(
    "TransformerConfig",
    &[
        ("namePrefix", FIELD_SPECS),
        ("nameSuffix", FIELD_SPECS),
        ("namespace", FIELD_SPECS),
        ("commonLabels", FIELD_SPECS),
        ("labels", FIELD_SPECS),
        ("templateLabels", FIELD_SPECS),
        ("volumeClaimTemplateLabels", FIELD_SPECS),
        ("commonAnnotations", FIELD_SPECS),
        ("nameReference", List(&NAME_REFERENCE)),
        ("varReference", FIELD_SPECS),
        ("images", FIELD_SPECS),
        ("replicas", FIELD_SPECS),
    ],
);

/// The configuration of a transformer behind `apiVersion: builtin`: all that any of them knows.
pub(crate) const TRANSFORMER_PLUGIN: Shape = Fields(
    "TransformerPlugin",
    &[
        ("metadata", METADATA),
        ("fieldSpecs", FIELD_SPECS),
        ("unsetOnly", Bool),
        ("setRoleBindingSubjects", Text),
        ("prefix", Text),
        ("suffix", Text),
        ("labels", PAIRS),
        ("annotations", PAIRS),
        ("paths", TEXTS),
        ("patches", Text),
        ("path", Text),
        ("patch", Text),
        ("jsonOp", Text),
        ("target", SELECTOR),
        ("options", PATCH_OPTIONS),
        ("imageTag", IMAGE),
        ("replica", REPLICA),
        ("replacements", List(&REPLACEMENT)),
        ("value", Text),
        ("targetFilePath", Text),
        ("targets", List(&VALUE_TARGET)),
    ],
);

const VALUE_TARGET: Shape =
    Fields("ValueTarget", &[("selector", SELECTOR), ("fieldPath", Text), ("filePathPosition", Int("int"))]);

/// A file of targets for `ValueAddTransformer`.
pub(crate) const VALUE_TARGETS: Shape = Fields("ValueTargets", &[("targets", List(&VALUE_TARGET))]);

/// `IAMPolicyGenerator`.
pub(crate) const IAM_POLICY: Shape = Fields(
    "IAMPolicyGeneratorArgs",
    &[
        ("cloud", Text),
        ("kubernetesService", Fields("KubernetesService", &[("name", Text), ("namespace", Text)])),
        ("serviceAccount", Fields("ServiceAccount", &[("name", Text), ("projectId", Text)])),
    ],
);
