//! A kustomization file as data.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::decode::{Strictness, conform};
use crate::error::Error;
use crate::generate::{GeneratorArgs, GeneratorOptions};
use crate::images::Image;
use crate::patch::Selector;
use crate::replacements::Replacement;
use crate::replicas::Replica;
use crate::shapes::KUSTOMIZATION;
use crate::sort::SortOptions;

/// The names that a kustomization's file may have.
pub(crate) const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What a component says it is.
pub(crate) const COMPONENT: &str = "Component";
const PLAIN: &str = "Kustomization";

/// A kustomization or a component, its old fields put into the new ones.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Kustomization {
    pub(crate) kind: String,
    pub(crate) api_version: String,
    pub(crate) openapi: BTreeMap<String, String>,
    pub(crate) name_prefix: String,
    pub(crate) name_suffix: String,
    pub(crate) namespace: String,
    pub(crate) common_labels: BTreeMap<String, String>,
    pub(crate) labels: Vec<Label>,
    pub(crate) common_annotations: BTreeMap<String, String>,
    pub(crate) patches_strategic_merge: Vec<String>,
    #[serde(rename = "patchesJson6902")]
    pub(crate) patches_json: Vec<PatchEntry>,
    pub(crate) patches: Vec<PatchEntry>,
    pub(crate) images: Vec<Image>,
    image_tags: Vec<Image>,
    pub(crate) replacements: Vec<ReplacementEntry>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) vars: Vec<Variable>,
    pub(crate) sort_options: Option<SortOptions>,
    pub(crate) resources: Vec<String>,
    pub(crate) components: Vec<String>,
    pub(crate) crds: Vec<String>,
    bases: Vec<String>,
    pub(crate) config_map_generator: Vec<GeneratorArgs>,
    pub(crate) secret_generator: Vec<GeneratorArgs>,
    pub(crate) helm_globals: Option<HelmGlobals>,
    pub(crate) helm_charts: Vec<HelmChart>,
    helm_chart_inflation_generator: Vec<OldHelmChart>,
    pub(crate) generator_options: Option<GeneratorOptions>,
    pub(crate) configurations: Vec<String>,
    pub(crate) generators: Vec<String>,
    pub(crate) transformers: Vec<String>,
    pub(crate) validators: Vec<String>,
    pub(crate) build_metadata: BTreeSet<String>,
}

/// An entry of `labels`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Label {
    pub(crate) pairs: BTreeMap<String, String>,
    pub(crate) include_selectors: bool,
    pub(crate) include_templates: bool,
    pub(crate) include_volume_claim_templates: bool,
    pub(crate) fields: Vec<Value>,
}

/// An entry of `patches` or `patchesJson6902`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PatchEntry {
    pub(crate) path: String,
    pub(crate) patch: String,
    pub(crate) target: Option<Selector>,
    pub(crate) options: Option<PatchOptions>,
}

/// What a patch may change besides content.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PatchOptions {
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
}

/// An entry of `replacements`: one, or a file of some.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReplacementEntry {
    pub(crate) path: String,
    #[serde(flatten)]
    pub(crate) inline: Replacement,
}

/// An entry of `vars`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Variable {
    pub(crate) name: String,
    #[serde(rename = "objref")]
    pub(crate) object: ObjectReference,
    #[serde(rename = "fieldref")]
    pub(crate) field: FieldReference,
}

/// The object that a variable reads from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ObjectReference {
    pub(crate) api_version: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

/// The field that a variable reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct FieldReference {
    pub(crate) field_path: String,
}

/// What all charts share.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HelmGlobals {
    pub(crate) chart_home: String,
    pub(crate) config_home: String,
}

/// An entry of `helmCharts`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HelmChart {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) repo: String,
    pub(crate) release_name: String,
    pub(crate) namespace: String,
    pub(crate) values_file: String,
    pub(crate) additional_values_files: Vec<String>,
    pub(crate) values_inline: Map<String, Value>,
    pub(crate) values_merge: String,
    #[serde(rename = "includeCRDs")]
    pub(crate) include_crds: bool,
    pub(crate) skip_hooks: bool,
    pub(crate) api_versions: Vec<String>,
    pub(crate) kube_version: String,
    pub(crate) name_template: String,
    pub(crate) skip_tests: bool,
    /// For messages alone: both ask helm for what is no matter here.
    pub(crate) debug: bool,
    pub(crate) devel: bool,
}

impl HelmChart {
    /// What an error shows of it: all but the values, which may be secret.
    pub(crate) fn shown(&self, globals: &HelmGlobals) -> Value {
        let texts = [
            ("chartHome", &globals.chart_home),
            ("configHome", &globals.config_home),
            ("kubeVersion", &self.kube_version),
            ("name", &self.name),
            ("nameTemplate", &self.name_template),
            ("namespace", &self.namespace),
            ("releaseName", &self.release_name),
            ("repo", &self.repo),
            ("valuesFile", &self.values_file),
            ("valuesMerge", &self.values_merge),
            ("version", &self.version),
        ];
        let lists =
            [("additionalValuesFiles", &self.additional_values_files), ("apiVersions", &self.api_versions)];
        let switches = [
            ("includeCRDs", self.include_crds),
            ("skipHooks", self.skip_hooks),
            ("skipTests", self.skip_tests),
            ("debug", self.debug),
            ("devel", self.devel),
        ];
        let texts = texts.iter().filter(|(_, text)| !text.is_empty());
        let lists = lists.iter().filter(|(_, list)| !list.is_empty());
        let switches = switches.iter().filter(|(_, on)| *on);
        let shown = texts.map(|(field, text)| ((*field).to_owned(), Value::from(text.as_str())));
        let shown =
            shown.chain(lists.map(|(field, list)| ((*field).to_owned(), Value::from(list.as_slice()))));
        Value::Object(
            shown.chain(switches.map(|(field, on)| ((*field).to_owned(), Value::from(*on)))).collect(),
        )
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OldHelmChart {
    chart_name: String,
    chart_version: String,
    chart_repo_url: String,
    chart_home: String,
    helm_home: String,
    values: String,
    values_local: Map<String, Value>,
    values_merge: String,
    release_name: String,
}

/// Fields of old, and what the command says of each.
const DEPRECATED: [(&str, &str, &str); 6] = [
    ("bases", "resources", ""),
    ("commonLabels", "labels", ""),
    ("imageTags", "images", ""),
    ("patchesJson6902", "patches", ""),
    ("patchesStrategicMerge", "patches", ""),
    ("vars", "replacements", "[EXPERIMENTAL] "),
];

impl Kustomization {
    /// Reads a file's text; adds to `warnings` what the command says of old fields. `shown` is the directory, for messages.
    ///
    /// **Source**: kustomize `types.Kustomization` (`Unmarshal`, `FixKustomization`, `EnforceFields`), api v0.21.2.
    pub(crate) fn read(
        text: &[u8],
        limits: &goyaml::Limits,
        shown: &str,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let invalid = |message: String| Error::invalid(format!("invalid Kustomization: {message}"));
        let value =
            goyaml::parse_one(text, limits).map_err(|error| invalid(error.as_go(goyaml::Dialect::Yaml2)))?;
        let value = conform(value, &KUSTOMIZATION, Strictness::Kustomization).map_err(invalid)?;
        let said = value.as_object().cloned().unwrap_or_default();
        for (field, instead, mark) in DEPRECATED.iter().filter(|(field, ..)| said.contains_key(*field)) {
            warnings.push(format!(
                "# Warning: '{field}' is deprecated. Please use '{instead}' instead. {mark}Run 'kustomize edit fix' to update your \
                 Kustomization automatically."
            ));
        }
        let mut read: Self = serde_json::from_value(Value::Object(said.clone()))
            .map_err(|error| invalid(error.to_string()))?;
        read.fix();
        if says_nothing(&said) {
            return Err(Error::invalid("kustomization.yaml is empty"));
        }
        read.check(shown)?;
        Ok(read)
    }

    fn fix(&mut self) {
        if self.kind.is_empty() {
            self.kind = PLAIN.to_owned();
        }
        if self.api_version.is_empty() {
            self.api_version = self.own_version().to_owned();
        }
        self.resources.append(&mut self.bases);
        self.images.append(&mut self.image_tags);
        for generator in self.config_map_generator.iter_mut().chain(&mut self.secret_generator) {
            if !generator.env.is_empty() {
                generator.envs.push(std::mem::take(&mut generator.env));
            }
        }
        let mut globals = HelmGlobals::default();
        for old in std::mem::take(&mut self.helm_chart_inflation_generator) {
            for (global, own) in
                [(&mut globals.chart_home, old.chart_home), (&mut globals.config_home, old.helm_home)]
            {
                if !own.is_empty() {
                    *global = own;
                }
            }
            self.helm_charts.push(HelmChart {
                name: old.chart_name,
                version: old.chart_version,
                repo: old.chart_repo_url,
                values_file: old.values,
                values_inline: old.values_local,
                values_merge: old.values_merge,
                release_name: old.release_name,
                ..HelmChart::default()
            });
        }
        if self.helm_globals.is_none() {
            self.helm_globals = Some(globals);
        }
    }

    fn check(&self, shown: &str) -> Result<(), Error> {
        let mut wrong = Vec::new();
        if self.kind != PLAIN && self.kind != COMPONENT {
            wrong.push(format!("kind should be {PLAIN} or {COMPONENT}"));
        }
        let version = self.own_version();
        if self.api_version != version {
            wrong.push(format!("apiVersion for {} should be {version}", self.kind));
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let all = wrong.join("\n");
        Err(Error::invalid(format!("Failed to read kustomization file under {shown}:\n{all}")))
    }

    fn own_version(&self) -> &'static str {
        if self.kind == COMPONENT {
            "kustomize.config.k8s.io/v1alpha1"
        } else {
            "kustomize.config.k8s.io/v1beta1"
        }
    }
}

/// Whether a kustomization has nothing but a kind and a version. An empty list counts as something where it stays a field.
fn says_nothing(said: &Map<String, Value>) -> bool {
    said.iter().all(|(field, value)| match (field.as_str(), value) {
        ("kind" | "apiVersion", _) => true,
        ("bases" | "imageTags" | "helmChartInflationGenerator", Value::Array(items)) => items.is_empty(),
        (_, Value::String(text)) => text.is_empty(),
        _ => false,
    })
}
