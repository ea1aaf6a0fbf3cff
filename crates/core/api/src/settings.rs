//! The settings of an installation, as ConfigMap `argocd-cm` holds them.

mod filter;
mod installed;
mod kustomize;
mod namespaces;
mod networks;
mod overrides;
mod params;
mod selector;
mod server_params;
mod shown;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

pub use filter::ResourceFilter;
pub use installed::installed_argocd_cm;
pub use kustomize::{KustomizeBuildOptions, KustomizeSettings};
pub use namespaces::Namespaces;
pub use networks::{NetworkError, Networks};
pub use overrides::{
    ActionDefinition, HealthScript, IgnoreRules, KindActions, KindPattern, KnownTypeField, Overrides,
    ResourceOverride,
};
pub use params::{MOST_EXTRACTED_BYTES, Params};
pub use selector::{LabelExpression, LabelOperator, LabelSelector};
pub use server_params::{ServerParams, TlsVersion};

use crate::names::label;
use crate::tracking::{Tracking, TrackingMethod};
use crate::{ResourceIgnoreDifferences, parse_duration};

/// Time between two looks at a repository, where the setting says nothing.
pub const RECONCILIATION_TIMEOUT: Duration = Duration::from_secs(120);
/// Most time that is added to it by chance, where the setting says nothing.
pub const RECONCILIATION_JITTER: Duration = Duration::from_secs(60);
/// Shortest time between two looks that is accepted.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(1);

/// A key of the ConfigMap that is malformed, misspelt or not in force, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettingProblem {
    /// The key.
    pub key: String,
    /// What is wrong, and what holds instead.
    pub message: String,
}

impl fmt::Display for SettingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// When applications are compared without anything having happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconciliation {
    /// Time between two looks; `None` for never. Setting `timeout.reconciliation`, 120 s.
    pub timeout: Option<Duration>,
    /// Most time that is added by chance. Setting `timeout.reconciliation.jitter`, 60 s.
    pub jitter: Duration,
    /// Time between two looks that trust no cache; `None` for never. Setting `timeout.hard.reconciliation`, never.
    pub hard: Option<Duration>,
}

/// Where differences in `status` do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IgnoreStatus {
    /// On all objects.
    #[default]
    All,
    /// On custom resource definitions.
    Crd,
    /// Nowhere.
    None,
}

/// How objects are compared. Setting `resource.compareoptions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompareOptions {
    /// Differences in the rules of aggregated roles do not count.
    pub ignore_aggregated_roles: bool,
    /// Where differences in `status` do not count.
    pub ignore_status: IgnoreStatus,
    /// What does not count as a difference is not worth a look either.
    pub ignore_differences_on_resource_updates: bool,
}

/// How forbidden kinds are found out. Setting `resource.respectRBAC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RespectRbac {
    /// A forbidden list is an error of the cluster.
    #[default]
    Off,
    /// A forbidden list leaves the kind out.
    Normal,
    /// A forbidden list leaves the kind out when an access review confirms it.
    Strict,
}

/// A project whose limits are added to those of others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GlobalProject {
    /// The projects that inherit, by their labels.
    pub label_selector: LabelSelector,
    /// The project that they inherit from.
    pub project_name: String,
}

/// The settings of an installation.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How objects are marked.
    pub tracking: Tracking,
    /// Kinds that are left alone.
    pub filter: ResourceFilter,
    /// When applications are compared without anything having happened.
    pub reconciliation: Reconciliation,
    /// Settings of single kinds.
    pub overrides: Overrides,
    /// How objects are compared.
    pub compare: CompareOptions,
    /// How forbidden kinds are found out.
    pub respect_rbac: RespectRbac,
    /// Whether Helm charts are rendered. Setting `helm.enable`.
    pub helm_enabled: bool,
    /// Whether Kustomize is rendered. Setting `kustomize.enable`.
    pub kustomize_enabled: bool,
    /// Whether Jsonnet is rendered. Setting `jsonnet.enable`.
    pub jsonnet_enabled: bool,
    /// How Kustomize builds. Settings `kustomize.buildOptions` and those of its versions.
    pub kustomize: KustomizeSettings,
    /// URL schemes from which Helm may read value files. Setting `helm.valuesFileSchemes`.
    pub helm_values_file_schemes: Vec<String>,
    /// Labels that are shown beside objects. Setting `resource.customLabels`.
    pub custom_labels: Vec<String>,
    /// Annotations of Secrets whose values are masked. Setting `resource.sensitive.mask.annotations`.
    pub sensitive_annotations: Vec<String>,
    /// Projects whose limits are added to those of others. Setting `globalProjects`.
    pub global_projects: Vec<GlobalProject>,
    /// Whether `ignoreResourceUpdates` is in force. Setting `resource.ignoreResourceUpdatesEnabled`.
    pub ignore_resource_updates_enabled: bool,
    /// Whether the cluster that we live in may be a destination. Setting `cluster.inClusterEnabled`.
    pub in_cluster_enabled: bool,
    /// Whether syncs run as a service account of the project. Setting `application.sync.impersonation.enabled`.
    pub impersonation_enabled: bool,
    /// Whether such a sync must not run as the controller where the project names no account for the destination. Setting
    /// `application.sync.impersonation.enforced`; on where not set.
    pub impersonation_enforced: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tracking: Tracking::default(),
            filter: ResourceFilter::default(),
            reconciliation: Reconciliation {
                timeout: Some(RECONCILIATION_TIMEOUT),
                jitter: RECONCILIATION_JITTER,
                hard: None,
            },
            overrides: Overrides::default(),
            compare: CompareOptions {
                ignore_aggregated_roles: false,
                ignore_status: IgnoreStatus::default(),
                ignore_differences_on_resource_updates: true,
            },
            respect_rbac: RespectRbac::default(),
            helm_enabled: true,
            kustomize_enabled: true,
            jsonnet_enabled: true,
            kustomize: KustomizeSettings::default(),
            helm_values_file_schemes: vec!["https".to_owned(), "http".to_owned()],
            custom_labels: Vec::new(),
            sensitive_annotations: Vec::new(),
            global_projects: Vec::new(),
            ignore_resource_updates_enabled: true,
            in_cluster_enabled: true,
            impersonation_enabled: false,
            impersonation_enforced: true,
        }
    }
}

impl Settings {
    /// Reads `argocd-cm`.
    ///
    /// **Shape**: the ConfigMap's data. A key that is absent has its default. **Errors**: a key that cannot be read
    /// keeps what it said in `last_good`, or its default where it never could be read; every such key is in the
    /// list, sorted, and so are keys that are misspelt or not in force. **Source**: the peer's `SettingsManager`,
    /// which stops at the first bad key.
    pub fn parse(data: &BTreeMap<String, String>, last_good: Option<&Self>) -> (Self, Vec<SettingProblem>) {
        let fallback = last_good.cloned().unwrap_or_default();
        let mut settings = Self::default();
        let mut problems = Vec::new();
        for (key, text) in data {
            match settings.set(key, text) {
                Ok(warnings) => problems
                    .extend(warnings.into_iter().map(|message| SettingProblem { key: key.clone(), message })),
                Err(problem) => {
                    settings.keep(key, &fallback);
                    let message = format!("{problem}; the last good value stays in force");
                    problems.push(SettingProblem { key: key.clone(), message });
                }
            }
        }
        problems.sort();
        (settings, problems)
    }

    /// The differences that count nowhere, as rules of an application: those of single kinds, those of all kinds,
    /// and `status` as `resource.compareoptions` has it.
    pub fn ignore_differences(&self) -> Vec<ResourceIgnoreDifferences> {
        let mut rules = self.overrides.ignore_differences();
        rules.extend(self.ignored_everywhere().into_iter().map(|(pattern, pointer)| {
            ResourceIgnoreDifferences {
                group: pattern.group,
                kind: pattern.kind,
                json_pointers: vec![pointer.to_owned()],
                ..ResourceIgnoreDifferences::default()
            }
        }));
        rules
    }

    /// What an update of an object is not judged by: `ignoreResourceUpdates` and, unless
    /// `ignoreDifferencesOnResourceUpdates` is off, the differences that do not count anywhere. Nothing where
    /// `resource.ignoreResourceUpdatesEnabled` is off. A status is not among it: it never counts, but for the health.
    pub fn ignored_updates(&self) -> Vec<ResourceIgnoreDifferences> {
        if !self.ignore_resource_updates_enabled {
            return Vec::new();
        }
        let mut rules = self.overrides.ignore_updates();
        if self.compare.ignore_differences_on_resource_updates {
            rules.extend(self.overrides.ignore_differences());
        }
        for rule in &mut rules {
            rule.json_pointers.retain(|pointer| pointer != "/status" && !pointer.starts_with("/status/"));
        }
        let says = |rule: &ResourceIgnoreDifferences| {
            [&rule.json_pointers, &rule.jq_path_expressions, &rule.managed_fields_managers]
                .iter()
                .any(|parts| !parts.is_empty())
        };
        rules.retain(says);
        rules
    }

    /// What counts nowhere though nobody has said so, by kinds.
    fn ignored_everywhere(&self) -> Vec<(KindPattern, &'static str)> {
        let pattern =
            |group: &str, kind: &str| KindPattern { group: group.to_owned(), kind: kind.to_owned() };
        let crd = || pattern("apiextensions.k8s.io", "CustomResourceDefinition");
        let status = match self.compare.ignore_status {
            IgnoreStatus::All => Some((pattern("*", "*"), "/status")),
            IgnoreStatus::Crd => Some((crd(), "/status")),
            IgnoreStatus::None => None,
        };
        // The API server drops this old field, so that git's own would differ for ever.
        status.into_iter().chain([(crd(), "/spec/preserveUnknownFields")]).collect()
    }

    fn set(&mut self, key: &str, text: &str) -> Result<Vec<String>, String> {
        match key {
            "application.resourceTrackingMethod" => {
                self.tracking.method = TrackingMethod::parse(text.trim())
                    .ok_or_else(|| format!("{text:?} is none of annotation, annotation+label and label"))?;
            }
            "application.instanceLabelKey" => {
                let key = text.trim();
                self.tracking.instance_label = if key.is_empty() { label::INSTANCE } else { key }.to_owned();
            }
            "installationID" => self.tracking.installation_id = text.trim().to_owned(),
            "resource.exclusions" => self.filter.exclusions = filter::parse(yaml(text)?)?,
            "resource.inclusions" => self.filter.inclusions = filter::parse(yaml(text)?)?,
            "timeout.reconciliation" => self.reconciliation.timeout = interval(text)?,
            "timeout.reconciliation.jitter" => self.reconciliation.jitter = duration(text)?,
            "timeout.hard.reconciliation" => self.reconciliation.hard = interval(text)?,
            "resource.compareoptions" => self.compare = compare_options(yaml(text)?)?,
            "resource.respectRBAC" => {
                self.respect_rbac = match text.trim() {
                    "" => RespectRbac::Off,
                    "normal" => RespectRbac::Normal,
                    "strict" => RespectRbac::Strict,
                    _ => return Err(format!("{text:?} is none of normal and strict")),
                };
            }
            "helm.enable" => self.helm_enabled = truth(text)?,
            "kustomize.enable" => self.kustomize_enabled = truth(text)?,
            "jsonnet.enable" => self.jsonnet_enabled = truth(text)?,
            "helm.valuesFileSchemes" => self.helm_values_file_schemes = list(text, ','),
            "resource.customLabels" => self.custom_labels = list(text, ','),
            "resource.sensitive.mask.annotations" => self.sensitive_annotations = list(text, ','),
            "globalProjects" => {
                self.global_projects = match yaml(text)? {
                    Value::Null => Vec::new(),
                    value => serde_path_to_error::deserialize(value).map_err(|error| error.to_string())?,
                };
            }
            "resource.ignoreResourceUpdatesEnabled" => self.ignore_resource_updates_enabled = truth(text)?,
            "cluster.inClusterEnabled" => self.in_cluster_enabled = truth(text)?,
            "application.sync.impersonation.enabled" => self.impersonation_enabled = truth(text)?,
            "application.sync.impersonation.enforced" => self.impersonation_enforced = truth(text)?,
            "resource.customizations" => return self.set_overrides(key, overrides::parse_map(text)?),
            _ => match key.strip_prefix("resource.customizations.").and_then(|rest| rest.split_once('.')) {
                Some((what, kind)) => {
                    return self.set_overrides(key, overrides::parse_split(what, kind, text)?);
                }
                None => {
                    let kustomize = key.strip_prefix("kustomize.");
                    let known = kustomize.and_then(|key| self.kustomize.set(key, text));
                    return Ok(known.unwrap_or_else(|| misspelt(key).into_iter().collect()));
                }
            },
        }
        Ok(Vec::new())
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends a branch of `set`, which can fail")]
    fn set_overrides(
        &mut self,
        key: &str,
        (entries, warnings): overrides::Parsed,
    ) -> Result<Vec<String>, String> {
        self.overrides.by_key.insert(key.to_owned(), entries);
        Ok(warnings)
    }

    /// Takes over what a key said before.
    fn keep(&mut self, key: &str, last: &Self) {
        match key {
            "application.resourceTrackingMethod" => self.tracking.method = last.tracking.method,
            "resource.exclusions" => self.filter.exclusions.clone_from(&last.filter.exclusions),
            "resource.inclusions" => self.filter.inclusions.clone_from(&last.filter.inclusions),
            "timeout.reconciliation" => self.reconciliation.timeout = last.reconciliation.timeout,
            "timeout.reconciliation.jitter" => self.reconciliation.jitter = last.reconciliation.jitter,
            "timeout.hard.reconciliation" => self.reconciliation.hard = last.reconciliation.hard,
            "resource.compareoptions" => self.compare = last.compare,
            "resource.respectRBAC" => self.respect_rbac = last.respect_rbac,
            "helm.enable" => self.helm_enabled = last.helm_enabled,
            "kustomize.enable" => self.kustomize_enabled = last.kustomize_enabled,
            "jsonnet.enable" => self.jsonnet_enabled = last.jsonnet_enabled,
            "globalProjects" => self.global_projects.clone_from(&last.global_projects),
            "resource.ignoreResourceUpdatesEnabled" => {
                self.ignore_resource_updates_enabled = last.ignore_resource_updates_enabled;
            }
            "cluster.inClusterEnabled" => self.in_cluster_enabled = last.in_cluster_enabled,
            "application.sync.impersonation.enabled" => {
                self.impersonation_enabled = last.impersonation_enabled;
            }
            "application.sync.impersonation.enforced" => {
                self.impersonation_enforced = last.impersonation_enforced;
            }
            _ => {
                if let Some(entries) = last.overrides.by_key.get(key) {
                    self.overrides.by_key.insert(key.to_owned(), entries.clone());
                }
            }
        }
    }
}

/// Keys that `set` reads, for telling misspelt ones.
const KEYS: &[&str] = &[
    "application.resourceTrackingMethod",
    "application.instanceLabelKey",
    "installationID",
    "resource.exclusions",
    "resource.inclusions",
    "timeout.reconciliation",
    "timeout.reconciliation.jitter",
    "timeout.hard.reconciliation",
    "resource.compareoptions",
    "resource.respectRBAC",
    "helm.enable",
    "kustomize.enable",
    "jsonnet.enable",
    "kustomize.buildOptions",
    "helm.valuesFileSchemes",
    "resource.customLabels",
    "resource.sensitive.mask.annotations",
    "globalProjects",
    "resource.ignoreResourceUpdatesEnabled",
    "cluster.inClusterEnabled",
    "application.sync.impersonation.enabled",
    "application.sync.impersonation.enforced",
    "resource.customizations",
];
/// Most differences of a misspelt key.
const NEAR: usize = 2;

fn misspelt(key: &str) -> Option<String> {
    let near = KEYS
        .iter()
        .map(|known| (crate::lint::edit_distance(&key.to_lowercase(), &known.to_lowercase()), known));
    let (distance, known) = near.min()?;
    (distance <= NEAR).then(|| format!("the key is unknown; did you mean {known}?"))
}

/// One document of YAML.
fn yaml(text: &str) -> Result<Value, String> {
    goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default()).map_err(|error| error.to_string())
}

/// What Go's words for true and false say (`strconv.ParseBool`); `None` for any other.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn truth(text: &str) -> Result<bool, String> {
    parse_bool(text.trim()).ok_or_else(|| format!("{text:?} is neither true nor false"))
}

/// The parts of a text between signs, without blanks around them; empty ones are none.
fn list(text: &str, sign: char) -> Vec<String> {
    text.split(sign).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// A duration; whole days (`2d`) are the peer's addition for these settings.
fn duration(text: &str) -> Result<Duration, String> {
    const DAY: u64 = 24 * 60 * 60;
    let text = text.trim();
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u64>().ok());
    match days.and_then(|days| days.checked_mul(DAY)) {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => parse_duration(text).map_err(|error| error.to_string()),
    }
}

/// A time between two looks: 0 is never, and less than a second a mistake.
fn interval(text: &str) -> Result<Option<Duration>, String> {
    match duration(text)? {
        Duration::ZERO => Ok(None),
        short if short < SHORTEST_TIMEOUT => Err(format!("{text:?} is less than a second")),
        time => Ok(Some(time)),
    }
}

fn compare_options(value: Value) -> Result<CompareOptions, String> {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Written {
        ignore_aggregated_roles: bool,
        ignore_resource_status_field: Option<String>,
        ignore_differences_on_resource_updates: Option<bool>,
    }
    let written: Written = match value {
        Value::Null => Written::default(),
        value => serde_path_to_error::deserialize(value).map_err(|error| error.to_string())?,
    };
    Ok(CompareOptions {
        ignore_aggregated_roles: written.ignore_aggregated_roles,
        ignore_status: match written.ignore_resource_status_field.as_deref() {
            None | Some("" | "all") => IgnoreStatus::All,
            Some("crd") => IgnoreStatus::Crd,
            // YAML 1.1 reads `off` as a boolean, which the peer writes as a text.
            Some("none" | "off" | "false") => IgnoreStatus::None,
            Some(other) => {
                return Err(format!("ignoreResourceStatusField is {other:?}, none of all, crd and none"));
            }
        },
        ignore_differences_on_resource_updates: written
            .ignore_differences_on_resource_updates
            .unwrap_or(true),
    })
}

#[cfg(test)]
mod tests;
