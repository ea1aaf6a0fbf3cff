//! Settings of single kinds: `resource.customizations`, in both its forms.

use std::collections::BTreeMap;

use resource::GroupKind;
use serde::Deserialize;
use serde_json::Value;

use super::yaml;
use crate::ResourceIgnoreDifferences;
use crate::glob::{Dialect, Glob};

/// Differences that do not count, or updates that are not worth a look.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IgnoreRules {
    /// JSON pointers.
    pub json_pointers: Vec<String>,
    /// jq path expressions.
    pub jq_path_expressions: Vec<String>,
    /// Field managers whose fields do not count.
    pub managed_fields_managers: Vec<String>,
}

/// A field of a custom kind that holds a type of Kubernetes, so that values are compared by what they mean.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KnownTypeField {
    /// Path, as in `spec.template.spec`.
    pub field: String,
    /// Type, as in `core/v1/PodSpec`.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// Settings of one kind, or of all kinds that a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceOverride {
    /// Differences that do not count.
    pub ignore_differences: IgnoreRules,
    /// Updates that are not worth a look.
    pub ignore_resource_updates: IgnoreRules,
    /// Fields that hold types of Kubernetes.
    pub known_type_fields: Vec<KnownTypeField>,
    /// Script that tells the health, in Lua.
    pub health_lua: Option<String>,
    /// Whether scripts may use all of Lua's libraries.
    pub use_open_libs: bool,
    /// Actions.
    pub actions: Option<KindActions>,
    /// The same as they are written.
    pub actions_text: String,
}

/// Actions of a kind, as users write them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct KindActions {
    /// Script that tells which actions an object has.
    #[serde(rename = "discovery.lua")]
    pub discovery_lua: String,
    /// Scripts that run them.
    pub definitions: Vec<ActionDefinition>,
    /// Whether the built-in actions of the kind stay, too.
    #[serde(rename = "mergeBuiltinActions")]
    pub merge_builtin_actions: bool,
}

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ActionDefinition {
    /// Its name.
    pub name: String,
    /// Its script.
    #[serde(rename = "action.lua")]
    pub action_lua: String,
}

/// A health script, and which libraries it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthScript<'a> {
    /// The script.
    pub lua: &'a str,
    /// `useOpenLibs`.
    pub open_libs: bool,
}

/// A pattern over kinds, as it is written: group and kind, either may be a glob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KindPattern {
    /// API group.
    pub group: String,
    /// Kind.
    pub kind: String,
}

impl KindPattern {
    /// Whether it stands for this kind.
    pub fn matches(&self, kind: &GroupKind) -> bool {
        let is =
            |pattern: &str, text: &str| pattern == text || Glob::new(pattern, Dialect::Text).matches(text);
        is(&self.group, &kind.group) && is(&self.kind, &kind.kind)
    }
}

/// What one key of the ConfigMap says, and what is strange about it.
pub(super) type Parsed = (Vec<(KindPattern, ResourceOverride)>, Vec<String>);

/// Reads `resource.customizations.<what>.<group>_<Kind>`, given as `<what>` and `<group>_<Kind>`.
pub(super) fn parse_split(what: &str, kind: &str, text: &str) -> Result<Parsed, String> {
    let pattern = split_pattern(kind)?;
    let mut entry = ResourceOverride::default();
    let mut warnings = Vec::new();
    match what {
        "health" => {
            let (script, warning) = unwrap_script(text);
            warnings.extend(warning.map(str::to_owned));
            entry.health_lua = Some(script);
        }
        "useOpenLibs" => entry.use_open_libs = super::truth(text)?,
        "actions" => {
            entry.actions = Some(actions(yaml(text)?)?);
            text.clone_into(&mut entry.actions_text);
        }
        "ignoreDifferences" => entry.ignore_differences = rules(yaml(text)?)?,
        "ignoreResourceUpdates" => entry.ignore_resource_updates = rules(yaml(text)?)?,
        "knownTypeFields" => entry.known_type_fields = known_types(yaml(text)?)?,
        _ => {
            return Err(format!(
                "{what:?} is no customization; there are health, useOpenLibs, actions, ignoreDifferences, ignoreResourceUpdates and knownTypeFields"
            ));
        }
    }
    Ok((vec![(pattern, entry)], warnings))
}

/// Reads `resource.customizations`: a map from `group/Kind` to all that is said about it.
pub(super) fn parse_map(text: &str) -> Result<Parsed, String> {
    let map = match yaml(text)? {
        Value::Object(map) => map,
        Value::Null => return Ok((Vec::new(), Vec::new())),
        _ => return Err("it is no map from group/Kind to customizations".to_owned()),
    };
    let mut entries = Vec::new();
    let mut warnings = Vec::new();
    for (key, value) in map {
        let Value::Object(fields) = value else { return Err(format!("{key} is no map")) };
        let pattern = match key.split_once('/') {
            Some((group, kind)) => KindPattern { group: group.to_owned(), kind: kind.to_owned() },
            // Alone, it stands for all kinds: in the peer's patterns it goes over the slash.
            None if key == "*" => KindPattern { group: key.clone(), kind: key.clone() },
            None => KindPattern { group: String::new(), kind: key.clone() },
        };
        let mut entry = ResourceOverride::default();
        for (field, value) in fields {
            let at = |problem: String| format!("{key}: {field}: {problem}");
            match field.as_str() {
                "health.lua" => entry.health_lua = Some(string(value).map_err(at)?),
                "health.lua.useOpenLibs" => {
                    entry.use_open_libs =
                        value.as_bool().ok_or_else(|| at("it is neither true nor false".to_owned()))?;
                }
                "actions" => {
                    entry.actions_text = match &value {
                        Value::String(text) => text.clone(),
                        value => goyaml::to_string(value),
                    };
                    entry.actions = Some(nested(value).and_then(actions).map_err(at)?);
                }
                "ignoreDifferences" => {
                    entry.ignore_differences = nested(value).and_then(rules).map_err(at)?
                }
                "ignoreResourceUpdates" => {
                    entry.ignore_resource_updates = nested(value).and_then(rules).map_err(at)?
                }
                "knownTypeFields" => {
                    entry.known_type_fields = nested(value).and_then(known_types).map_err(at)?
                }
                _ => warnings.push(format!("{key}: the field {field} is unknown")),
            }
        }
        entries.push((pattern, entry));
    }
    Ok((entries, warnings))
}

/// `apps_Deployment`, `ConfigMap` for the core group, `all`.
fn split_pattern(kind: &str) -> Result<KindPattern, String> {
    let (group, kind) = match kind.split_once('_') {
        None if kind == "all" => ("*", "*"),
        None => ("", kind),
        Some((group, kind)) => (group, kind),
    };
    if kind.is_empty() || kind.contains('_') {
        return Err("the key does not end in <group>_<Kind>, <Kind> or all".to_owned());
    }
    Ok(KindPattern { group: group.to_owned(), kind: kind.to_owned() })
}

/// The script of a split key. Some write the map's form there (`health.lua: |` and the script below, indented):
/// then the script is what follows, whatever stands before it.
fn unwrap_script(text: &str) -> (String, Option<&'static str>) {
    let mut lines = text.lines();
    let is_header = |line: &str| {
        line.trim().strip_prefix("health.lua:").is_some_and(|rest| rest.trim_start().starts_with('|'))
    };
    if !lines.by_ref().any(is_header) {
        return (text.to_owned(), None);
    }
    let body: Vec<_> = lines.collect();
    let indent_of = |line: &str| line.len() - line.trim_start().len();
    let indent =
        body.iter().filter(|line| !line.trim().is_empty()).map(|line| indent_of(line)).min().unwrap_or(0);
    let script: Vec<_> = body.iter().map(|line| line.get(indent..).unwrap_or_default()).collect();
    (
        script.join("\n"),
        Some("the key holds the script itself: what stands below `health.lua: |` is taken for it"),
    )
}

fn rules(value: Value) -> Result<IgnoreRules, String> {
    if value.is_null() {
        return Ok(IgnoreRules::default());
    }
    let rules: IgnoreRules = serde_path_to_error::deserialize(value).map_err(|error| error.to_string())?;
    match rules.json_pointers.iter().find(|pointer| !pointer.starts_with('/')) {
        Some(pointer) => Err(format!("{pointer:?} is no JSON pointer: it does not begin with a slash")),
        None => Ok(rules),
    }
}

fn known_types(value: Value) -> Result<Vec<KnownTypeField>, String> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    serde_path_to_error::deserialize(value).map_err(|error| error.to_string())
}

fn actions(value: Value) -> Result<KindActions, String> {
    if value.is_null() {
        return Ok(KindActions::default());
    }
    serde_path_to_error::deserialize(value).map_err(|error| error.to_string())
}

/// Inside the map, rules are a block of YAML in YAML; plain YAML is read too.
fn nested(value: Value) -> Result<Value, String> {
    match value {
        Value::String(text) => yaml(&text),
        other => Ok(other),
    }
}

fn string(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err("it is no text".to_owned()),
    }
}

/// What is said about kinds, by the key of the ConfigMap that says it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    pub(super) by_key: BTreeMap<String, Vec<(KindPattern, ResourceOverride)>>,
}

impl Overrides {
    /// All entries, those of `resource.customizations` before those of split keys.
    pub fn entries(&self) -> impl Iterator<Item = (&KindPattern, &ResourceOverride)> {
        self.by_key.values().flatten().map(|(pattern, entry)| (pattern, entry))
    }

    /// The entries that stand for one kind.
    pub fn of(&self, kind: &GroupKind) -> impl Iterator<Item = &ResourceOverride> {
        self.entries().filter(|(pattern, _)| pattern.matches(kind)).map(|(_, entry)| entry)
    }

    /// The health script of a kind, if any: of the kind's own key before patterns, of a split key before the map. Of
    /// several patterns the one with the most letters beside its stars decides, then the first by name; the peer
    /// takes any of them.
    pub fn health_script(&self, kind: &GroupKind) -> Option<HealthScript<'_>> {
        let scripted = || {
            self.entries().filter(|(_, entry)| entry.health_lua.as_ref().is_some_and(|lua| !lua.is_empty()))
        };
        let own = |pattern: &KindPattern| pattern.group == kind.group && pattern.kind == kind.kind;
        let weight = |pattern: &KindPattern| {
            pattern.group.chars().chain(pattern.kind.chars()).filter(|c| *c != '*').count()
        };
        let (pattern, entry) = scripted().filter(|(pattern, _)| own(pattern)).last().or_else(|| {
            let fitting = scripted().filter(|(pattern, _)| pattern.matches(kind));
            // The last of equals, so that a split key goes before the map; patterns differ otherwise.
            fitting.max_by_key(|(pattern, _)| (weight(pattern), std::cmp::Reverse(*pattern)))
        })?;
        let open_libs = self.entries().any(|(other, entry)| other == pattern && entry.use_open_libs);
        entry.health_lua.as_deref().map(|lua| HealthScript { lua, open_libs })
    }

    /// The actions that the kind's own key defines, if any; patterns have none, as in the peer.
    pub fn actions(&self, kind: &GroupKind) -> Option<&KindActions> {
        let own = self.entries().filter(|(p, _)| p.group == kind.group && p.kind == kind.kind);
        own.filter_map(|(_, entry)| entry.actions.as_ref()).last()
    }

    /// The differences that do not count anywhere, as rules of an application.
    pub fn ignore_differences(&self) -> Vec<ResourceIgnoreDifferences> {
        self.rules(|entry| &entry.ignore_differences)
    }

    /// The updates that are not worth a look, in the same form.
    pub fn ignore_updates(&self) -> Vec<ResourceIgnoreDifferences> {
        self.rules(|entry| &entry.ignore_resource_updates)
    }

    fn rules(&self, of: impl Fn(&ResourceOverride) -> &IgnoreRules) -> Vec<ResourceIgnoreDifferences> {
        let used = self.entries().filter(|(_, entry)| *of(entry) != IgnoreRules::default());
        used.map(|(pattern, entry)| as_application_rule(pattern, of(entry))).collect()
    }
}

pub(super) fn as_application_rule(pattern: &KindPattern, rules: &IgnoreRules) -> ResourceIgnoreDifferences {
    ResourceIgnoreDifferences {
        group: pattern.group.clone(),
        kind: pattern.kind.clone(),
        json_pointers: rules.json_pointers.clone(),
        jq_path_expressions: rules.jq_path_expressions.clone(),
        managed_fields_managers: rules.managed_fields_managers.clone(),
        ..ResourceIgnoreDifferences::default()
    }
}
