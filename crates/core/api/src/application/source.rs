//! Where manifests come from, and the options of the tools that render them.

use serde_json::Value;
use std::collections::BTreeMap;

use crate::wire::wire;

wire! {
    /// A place in a git repository, a chart of a Helm repository, or an OCI artifact.
    pub struct ApplicationSource {
        [
            /// URL of the git repository, Helm repository or OCI artifact.
            #[serde(rename = "repoURL")]
            repo_url: String,
        ]
        /// Directory inside a git repository.
        path: String,
        /// Branch, tag, commit or version range; empty means HEAD.
        target_revision: String,
        /// Chart name inside a Helm repository.
        chart: String,
        /// Options for Helm.
        helm: Option<ApplicationSourceHelm>,
        /// Options for Kustomize.
        kustomize: Option<ApplicationSourceKustomize>,
        /// Options for plain manifests.
        directory: Option<ApplicationSourceDirectory>,
        /// Options for a config management plugin.
        plugin: Option<ApplicationSourcePlugin>,
        /// Name by which other sources' value files refer to this one.
        #[serde(rename = "ref")]
        ref_name: String,
        /// Name of the source, for people.
        name: String,
        /// Prefix of the tags that a version range applies to; stripped before comparing.
        tag_prefix: String,
    }

    /// Options for Helm.
    pub struct ApplicationSourceHelm {
        /// Value files, relative to the chart.
        value_files: Vec<String>,
        /// Single values, as of `--set`.
        parameters: Vec<HelmParameter>,
        /// Release name; the application's name where empty.
        release_name: String,
        /// Values as a block of YAML.
        values: String,
        /// Single values read from files, as of `--set-file`.
        file_parameters: Vec<HelmFileParameter>,
        /// Version of Helm; ignored.
        version: String,
        /// Send credentials to all domains.
        pass_credentials: bool,
        /// Leave out value files that do not exist.
        ignore_missing_value_files: bool,
        /// Leave out the chart's `crds` directory.
        skip_crds: bool,
        /// Values as a map; wins over `values`.
        values_object: Option<Value>,
        /// Namespace of the release; the destination's where empty.
        namespace: String,
        /// Kubernetes version to render for.
        kube_version: String,
        /// API versions to render for, as `[group/]version[/kind]`.
        api_versions: Vec<String>,
        /// Leave out test hooks.
        skip_tests: bool,
        /// Do not validate values against the chart's schema.
        skip_schema_validation: bool,
    }

    /// One value for Helm.
    pub struct HelmParameter {
        /// Path of the value.
        name: String,
        /// The value.
        value: String,
        /// Keep it a string whatever it looks like.
        force_string: bool,
    }

    /// One value for Helm, read from a file.
    pub struct HelmFileParameter {
        /// Path of the value.
        name: String,
        /// File that holds the value.
        path: String,
    }

    /// Options for Kustomize.
    pub struct ApplicationSourceKustomize {
        /// Prefix of all names.
        name_prefix: String,
        /// Suffix of all names.
        name_suffix: String,
        /// Image overrides, as `name=newName:newTag`.
        images: Vec<String>,
        /// Labels for all resources.
        common_labels: BTreeMap<String, String>,
        /// Version of Kustomize; the built-in engine renders whatever it says.
        version: String,
        /// Annotations for all resources.
        common_annotations: BTreeMap<String, String>,
        /// Overwrite labels that are there.
        force_common_labels: bool,
        /// Overwrite annotations that are there.
        force_common_annotations: bool,
        /// Namespace for all resources.
        namespace: String,
        /// Expand variables in `commonAnnotations`.
        common_annotations_envsubst: bool,
        /// Replica overrides.
        replicas: Vec<KustomizeReplica>,
        /// Patches.
        patches: Vec<KustomizePatch>,
        /// Components to add.
        components: Vec<String>,
        /// Leave out components that do not exist.
        ignore_missing_components: bool,
        /// Do not add the labels to selectors.
        label_without_selector: bool,
        /// With `labelWithoutSelector`, add the labels to templates.
        label_include_templates: bool,
        /// Kubernetes version to render for.
        kube_version: String,
        /// API versions to render for.
        api_versions: Vec<String>,
    }

    /// Number of replicas for a name.
    pub struct KustomizeReplica {
        [
            /// Name of the workload.
            name: String,
            /// Number of replicas, as number or string.
            count: Value,
        ]
    }

    /// A patch for Kustomize.
    pub struct KustomizePatch {
        /// File with the patch.
        path: String,
        /// The patch itself.
        patch: String,
        /// What it applies to.
        target: Option<KustomizeSelector>,
        /// Switches of Kustomize.
        options: BTreeMap<String, bool>,
    }

    /// What a patch of Kustomize applies to.
    pub struct KustomizeSelector {
        /// API group.
        group: String,
        /// API version.
        version: String,
        /// Kind.
        kind: String,
        /// Name.
        name: String,
        /// Namespace.
        namespace: String,
        /// Selector over annotations.
        annotation_selector: String,
        /// Selector over labels.
        label_selector: String,
    }

    /// Options for plain manifests and Jsonnet.
    pub struct ApplicationSourceDirectory {
        /// Read subdirectories too.
        recurse: bool,
        /// Options for Jsonnet.
        jsonnet: Option<ApplicationSourceJsonnet>,
        /// Files to leave out, as a glob.
        exclude: String,
        /// Files to read, as a glob.
        include: String,
        /// Read files whatever their extension.
        disable_extension_filter: bool,
    }

    /// Options for Jsonnet.
    pub struct ApplicationSourceJsonnet {
        /// External variables.
        ext_vars: Vec<JsonnetVar>,
        /// Top-level arguments.
        tlas: Vec<JsonnetVar>,
        /// Library directories, from the repository's root.
        libs: Vec<String>,
    }

    /// A variable for Jsonnet.
    pub struct JsonnetVar {
        [
            /// Name.
            name: String,
            /// Value.
            value: String,
        ]
        /// The value is code.
        code: bool,
    }

    /// Options for a config management plugin.
    pub struct ApplicationSourcePlugin {
        /// Name of the plugin; found by its discovery rules where empty.
        name: String,
        /// Environment variables.
        env: Vec<NameValue>,
        /// Parameters.
        parameters: Vec<PluginParameter>,
    }

    /// A name and a value.
    pub struct NameValue {
        [
            /// Name.
            name: String,
            /// Value.
            value: String,
        ]
    }

    /// A parameter of a plugin: one of text, map and list.
    pub struct PluginParameter {
        /// Name.
        name: String,
        /// A text.
        string: Option<String>,
        /// A map; an empty one differs from none.
        map: Option<BTreeMap<String, String>>,
        /// A list; an empty one differs from none.
        array: Option<Vec<String>>,
    }

    /// Manifests rendered ahead into git.
    pub struct SourceHydrator {
        /// What is rendered.
        dry_source: DrySource,
        /// What is synced.
        sync_source: SyncSource,
        /// Where rendered manifests wait for promotion.
        hydrate_to: Option<HydrateTo>,
    }

    /// The source that is rendered ahead.
    pub struct DrySource {
        [
            /// URL of the git repository.
            #[serde(rename = "repoURL")]
            repo_url: String,
            /// Branch, tag or commit.
            target_revision: String,
            /// Directory.
            path: String,
        ]
        /// Options for Helm.
        helm: Option<ApplicationSourceHelm>,
        /// Options for Kustomize.
        kustomize: Option<ApplicationSourceKustomize>,
        /// Options for plain manifests.
        directory: Option<ApplicationSourceDirectory>,
        /// Options for a plugin.
        plugin: Option<ApplicationSourcePlugin>,
    }

    /// The place that rendered manifests are synced from.
    pub struct SyncSource {
        [
            /// Branch.
            target_branch: String,
            /// Directory.
            path: String,
        ]
        /// Repository, where it is another one.
        #[serde(rename = "repoURL")]
        repo_url: String,
    }

    /// The place that rendered manifests are pushed to.
    pub struct HydrateTo {
        [
            /// Branch.
            target_branch: String,
        ]
    }
}
