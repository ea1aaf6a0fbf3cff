//! A kustomization as data: its fields, by kustomize's rules of reading.

use goyaml::kind_of;
use serde_json::{Map, Value};

/// Fields that kustomize knows, by what they hold.
const TEXTS: [&str; 5] = ["apiVersion", "kind", "namePrefix", "nameSuffix", "namespace"];
const TEXT_MAPS: [&str; 3] = ["openapi", "commonLabels", "commonAnnotations"];
const TEXT_LISTS: [&str; 10] = [
    "patchesStrategicMerge",
    "resources",
    "components",
    "crds",
    "bases",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
];
const MAPS: [&str; 4] = ["metadata", "sortOptions", "helmGlobals", "generatorOptions"];
const LISTS: [&str; 12] = [
    "labels",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replacements",
    "replicas",
    "vars",
    "configMapGenerator",
    "secretGenerator",
    "helmCharts",
    "helmChartInflationGenerator",
];

/// What a kustomization says.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    map: Map<String, Value>,
    /// Name of the file that it is in.
    pub(super) file: &'static str,
}

/// Whether kustomize would read it at all, in its words where not.
pub(super) fn check(value: &Value) -> Result<(), String> {
    let map = match value {
        Value::Null => return Ok(()),
        Value::Object(map) => map,
        other => {
            return Err(format!(
                "json: cannot unmarshal {} into Go value of type types.Kustomization",
                kind_of(other)
            ));
        }
    };
    for (key, value) in map {
        let among =
            |names: &[&'static str]| names.iter().find(|name| name.eq_ignore_ascii_case(key)).copied();
        let text = |value: &&Value| !value.is_string() && !value.is_null();
        let object = |value: &&Value| !value.is_object() && !value.is_null();
        let list = |wrong: &dyn Fn(&&Value) -> bool| match value {
            Value::Array(items) => items.iter().find(wrong),
            other => Some(other),
        };
        let (name, wrong, of) = if let Some(name) = among(&TEXTS) {
            (name, Some(value).filter(text), "string")
        } else if let Some(name) = among(&TEXT_MAPS) {
            (name, value.as_object().map_or(Some(value), |map| map.values().find(text)), "map[string]string")
        } else if let Some(name) = among(&TEXT_LISTS) {
            (name, list(&text), "[]string")
        } else if let Some(name) = among(&MAPS) {
            (name, Some(value).filter(object), "a map")
        } else if let Some(name) = among(&LISTS) {
            (name, list(&object), "a list of maps")
        } else {
            return Err(format!("json: unknown field {key:?}"));
        };
        if let Some(wrong) = wrong.filter(|_| !value.is_null()) {
            let of = if std::ptr::eq(wrong, value) || !of.contains("string") { of } else { "string" };
            return Err(format!(
                "json: cannot unmarshal {} into Go struct field Kustomization.{name} of type {of}",
                kind_of(wrong)
            ));
        }
    }
    Ok(())
}

impl Fields {
    pub(super) fn of(value: &Value, file: &'static str) -> Self {
        Self { map: value.as_object().cloned().unwrap_or_default(), file }
    }

    pub(super) fn into_value(self) -> Value {
        // A file without a field stays empty.
        if self.map.is_empty() { Value::Null } else { Value::Object(self.map) }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(&self.spelled(name)).filter(|value| !value.is_null())
    }

    /// Sets a field; one that is empty goes.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        let name = self.spelled(name);
        let empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        if empty {
            self.map.remove(&name);
        } else {
            self.map.insert(name, value);
        }
    }

    /// A list, empty where the field is not there.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Value>, String> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items.clone()),
            Some(other) => Err(self.wrong(name, other, "a list")),
        }
    }

    /// A list of strings.
    pub(super) fn strings(&self, name: &str) -> Result<Vec<String>, String> {
        let text = |item: Value| match item {
            Value::String(text) => Ok(text),
            other => Err(self.wrong(name, &other, "a list of strings")),
        };
        self.list(name)?.into_iter().map(text).collect()
    }

    /// A map, empty where the field is not there.
    pub(super) fn map(&self, name: &str) -> Result<Map<String, Value>, String> {
        match self.get(name) {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map.clone()),
            Some(other) => Err(self.wrong(name, other, "a map")),
        }
    }

    /// Adds strings to a list; those that are there already, or in the list's deprecated form, are told to `again`.
    pub(super) fn add_strings(
        &mut self,
        name: &str,
        old_name: Option<&str>,
        new: Vec<String>,
        mut again: impl FnMut(&str) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut list = self.strings(name)?;
        let old = old_name.map_or_else(|| Ok(Vec::new()), |old| self.strings(old))?;
        for item in new {
            if list.contains(&item) || old.contains(&item) {
                again(&item)?;
            } else {
                list.push(item);
            }
        }
        self.set(name, list.into());
        Ok(())
    }

    /// Takes strings out of a list.
    pub(super) fn remove_strings(&mut self, name: &str, gone: impl Fn(&str) -> bool) -> Result<(), String> {
        if self.get(name).is_some() {
            let left: Vec<String> = self.strings(name)?.into_iter().filter(|item| !gone(item)).collect();
            self.set(name, left.into());
        }
        Ok(())
    }

    /// The name as the file spells it: kustomize does not care for case.
    fn spelled(&self, name: &str) -> String {
        if self.map.contains_key(name) {
            return name.to_owned();
        }
        self.map.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_owned())
    }

    fn wrong(&self, name: &str, found: &Value, wanted: &str) -> String {
        format!("invalid Kustomization: {name} of {} is {found}, not {wanted}", self.file)
    }
}

/// A text of a map's field, empty where it has none.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Puts an item into a list by its name: at its place where the list is sorted, as the real command leaves it; else at the end.
pub(super) fn insert_by_name(list: &mut Vec<Value>, item: Value) {
    let place = list.partition_point(|other| text(other, "name") < text(&item, "name"));
    let sorted = list.is_sorted_by(|a, b| text(a, "name") <= text(b, "name"));
    list.insert(if sorted { place } else { list.len() }, item);
}

/// A map of those texts that are not empty.
pub(super) fn map_of(entries: &[(&str, &str)]) -> Map<String, Value> {
    let there = entries.iter().filter(|(_, value)| !value.is_empty());
    there.map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect()
}
