//! What is said of single kinds, as clients are shown it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Settings;
use super::overrides::{IgnoreRules, KindPattern, ResourceOverride};

impl Settings {
    /// `resourceOverrides` of the API: what is in force for kinds, by `group/Kind`, `Kind` in the core group, and `*/*` for all.
    ///
    /// **Shape**: rules are a text of YAML with all three fields. What a split key says stands over what the map says of the same field.
    /// **Source**: `SettingsManager.GetResourceOverrides`, `ResourceOverride.MarshalJSON`; where differences in `status` are ignored that is
    /// said as a rule of the kind.
    pub fn resource_overrides(&self) -> Map<String, Value> {
        let mut all: BTreeMap<String, ResourceOverride> = BTreeMap::new();
        for (pattern, entry) in self.overrides.entries() {
            merge(all.entry(name_of(pattern)).or_default(), entry);
        }
        for (pattern, pointer) in self.ignored_everywhere() {
            let rules = &mut all.entry(name_of(&pattern)).or_default().ignore_differences;
            if !rules.json_pointers.iter().any(|known| known == pointer) {
                rules.json_pointers.push(pointer.to_owned());
            }
        }
        all.into_iter().map(|(name, entry)| (name, shown(&entry))).collect()
    }
}

fn name_of(pattern: &KindPattern) -> String {
    if pattern.group.is_empty() {
        pattern.kind.clone()
    } else {
        format!("{}/{}", pattern.group, pattern.kind)
    }
}

fn merge(all: &mut ResourceOverride, more: &ResourceOverride) {
    if more.health_lua.is_some() {
        all.health_lua.clone_from(&more.health_lua);
    }
    all.use_open_libs |= more.use_open_libs;
    if more.actions.is_some() {
        all.actions_text.clone_from(&more.actions_text);
    }
    let rules = [
        (&mut all.ignore_differences, &more.ignore_differences),
        (&mut all.ignore_resource_updates, &more.ignore_resource_updates),
    ];
    for (all, more) in rules {
        if *more != IgnoreRules::default() {
            all.clone_from(more);
        }
    }
    if !more.known_type_fields.is_empty() {
        all.known_type_fields.clone_from(&more.known_type_fields);
    }
}

fn shown(entry: &ResourceOverride) -> Value {
    let mut value = json!({
        "ignoreDifferences": rules(&entry.ignore_differences),
        "ignoreResourceUpdates": rules(&entry.ignore_resource_updates),
    });
    let fields =
        entry.known_type_fields.iter().map(|known| json!({"field": known.field, "type": known.type_name}));
    let said = [
        ("health.lua", entry.health_lua.as_deref().unwrap_or_default().into()),
        ("health.lua.useOpenLibs", Value::Bool(entry.use_open_libs)),
        ("actions", entry.actions_text.as_str().into()),
        ("knownTypeFields", fields.collect()),
    ];
    for (name, said) in said {
        if said != Value::Bool(false) && said != json!("") && said != json!([]) {
            value[name] = said;
        }
    }
    value
}

fn rules(rules: &IgnoreRules) -> String {
    let list = |items: &[String]| if items.is_empty() { Value::Null } else { json!(items) };
    goyaml::to_string(&json!({
        "jqPathExpressions": list(&rules.jq_path_expressions),
        "jsonPointers": list(&rules.json_pointers),
        "managedFieldsManagers": list(&rules.managed_fields_managers),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_shown_with_all_that_is_said_of_it() {
        let map = "apps/Deployment:\n  health.lua: old\n  ignoreDifferences: |\n    jsonPointers: [/spec/replicas]\nPod:\n  knownTypeFields: [{field: spec, type: core/v1/PodSpec}]\n";
        let data = [
            ("resource.customizations", map),
            ("resource.customizations.health.apps_Deployment", "new"),
            ("resource.customizations.useOpenLibs.apps_Deployment", "true"),
            ("resource.customizations.actions.all", "definitions: []"),
        ];
        let data = data.map(|(key, text)| (key.to_owned(), text.to_owned()));
        let settings = Settings::parse(&data.into_iter().collect(), None).0;
        let none = "jqPathExpressions: null\njsonPointers: null\nmanagedFieldsManagers: null\n";
        let only = |pointer: &str| none.replace("jsonPointers: null", &format!("jsonPointers:\n- {pointer}"));
        let expected = json!({
            "*/*": {"actions": "definitions: []", "ignoreDifferences": only("/status"), "ignoreResourceUpdates": none},
            "Pod": {
                "ignoreDifferences": none, "ignoreResourceUpdates": none,
                "knownTypeFields": [{"field": "spec", "type": "core/v1/PodSpec"}],
            },
            "apiextensions.k8s.io/CustomResourceDefinition": {
                "ignoreDifferences": only("/spec/preserveUnknownFields"), "ignoreResourceUpdates": none,
            },
            "apps/Deployment": {
                "health.lua": "new", "health.lua.useOpenLibs": true,
                "ignoreDifferences": only("/spec/replicas"), "ignoreResourceUpdates": none,
            },
        });
        assert_eq!(Value::Object(settings.resource_overrides()), expected);
    }
}
