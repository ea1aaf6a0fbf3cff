//! What an application asks for, written into its kustomization as `kustomize edit` would.

use std::collections::BTreeMap;

use api::{ApplicationSourceKustomize, KustomizeReplica};
use image::ImageEdit;
use serde_json::{Map, Value, json};

use crate::RenderError;
use crate::environment::Environment;

/// An edit that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// With the application's own words.
    Asked { field: &'static str, entry: String, problem: String },
    /// With what the kustomization says: a field and what is wrong with it.
    There { field: &'static str, problem: String },
}

impl Problem {
    fn asked(field: &'static str, entry: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Asked { field, entry: entry.into(), problem: problem.into() }
    }

    /// The error; `file` is the kustomization.
    pub(crate) fn of(self, file: &str) -> RenderError {
        match self {
            Self::Asked { field, entry, problem } => RenderError::Entry { field, entry, problem },
            Self::There { field, problem } => {
                RenderError::Malformed { path: file.to_owned(), line: 1, field: field.to_owned(), problem }
            }
        }
    }
}

/// A kustomization under way.
pub(crate) struct Edits<'a> {
    environment: &'a Environment,
    map: Map<String, Value>,
    /// Whether a variable of the commit was filled in.
    pub(crate) of_the_revision: bool,
}

impl<'a> Edits<'a> {
    /// **Errors**: the kustomization is no map.
    pub(crate) fn new(kustomization: Value, environment: &'a Environment) -> Result<Self, Problem> {
        let map = match kustomization {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            _ => return Err(Problem::There { field: "", problem: "is not a map".to_owned() }),
        };
        Ok(Self { environment, map, of_the_revision: false })
    }

    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.map)
    }

    /// Writes everything that an application asks for, but for components.
    ///
    /// **Shape**: as a row of `kustomize edit` commands: prefix, suffix and namespace replace; images and replicas replace those of
    /// the same name and are sorted by it; labels and annotations are added; patches come after those that are there.
    /// **Errors**: what cannot be read; a label or annotation that is there with another value, unless it is forced.
    /// **Source**: Argo CD 3.6, `util/kustomize`, and the commands of kustomize v5.8. A label that is there with the same value is an
    /// error there as well (test `labels_and_annotations_are_added`).
    pub(crate) fn apply(&mut self, asked: &ApplicationSourceKustomize) -> Result<(), Problem> {
        for (field, text) in [("namePrefix", &asked.name_prefix), ("nameSuffix", &asked.name_suffix)] {
            self.set_text(field, text);
        }
        if !asked.images.is_empty() {
            self.set_images(&asked.images)?;
        }
        if !asked.replicas.is_empty() {
            self.set_replicas(&asked.replicas)?;
        }
        self.add_labels(asked)?;
        self.add_annotations(asked)?;
        self.set_text("namespace", &asked.namespace);
        if !asked.patches.is_empty() {
            let patches = asked.patches.iter().map(|patch| json!(patch));
            self.list("patches")?.extend(patches);
        }
        Ok(())
    }

    /// Adds words to a list, without those that it has.
    pub(crate) fn add(&mut self, field: &'static str, words: Vec<String>) -> Result<(), Problem> {
        let list = self.list(field)?;
        for word in words.into_iter().map(Value::String) {
            if !list.contains(&word) {
                list.push(word);
            }
        }
        Ok(())
    }

    fn set_text(&mut self, field: &'static str, text: &str) {
        if !text.is_empty() {
            *self.field(field) = Value::String(text.to_owned());
        }
    }

    fn set_images(&mut self, asked: &[String]) -> Result<(), Problem> {
        let mut images: BTreeMap<String, Value> = BTreeMap::new();
        for text in asked {
            let text = self.expand(text);
            let Some(image) = ImageEdit::parse(&text) else {
                let forms = ImageEdit::FORMS.join(", ");
                let problem = format!("invalid format of image, use one of the following options: {forms}");
                return Err(Problem::asked("kustomize.images", text, problem));
            };
            images.insert(image.name.clone(), image.into_entry());
        }
        // An old name of the field.
        let former = std::mem::take(self.list("imageTags")?);
        self.map.remove("imageTags");
        let list = self.list("images")?;
        for there in std::mem::take(list).into_iter().chain(former) {
            let name = text_of(&there, "name").to_owned();
            match images.get_mut(&name) {
                Some(asked) => ImageEdit::fill_in(asked, &there),
                None => drop(images.insert(name, there)),
            }
        }
        for image in images.values_mut() {
            ImageEdit::fill_in(image, &Value::Null);
        }
        list.extend(images.into_values());
        Ok(())
    }

    fn set_replicas(&mut self, asked: &[KustomizeReplica]) -> Result<(), Problem> {
        let mut replicas: BTreeMap<String, Value> = BTreeMap::new();
        for replica in asked {
            let name = &replica.name;
            let count = count(&replica.count)
                .map_err(|problem| Problem::asked("kustomize.replicas", name, problem))?;
            if name.contains('=') {
                let problem = "invalid format of replica, use the following format: <name>=<count>";
                return Err(Problem::asked("kustomize.replicas", name, problem));
            }
            replicas.insert(name.clone(), json!({"name": name, "count": count}));
        }
        let list = self.list("replicas")?;
        for there in std::mem::take(list) {
            replicas.entry(text_of(&there, "name").to_owned()).or_insert(there);
        }
        list.extend(replicas.into_values());
        Ok(())
    }

    fn add_labels(&mut self, asked: &ApplicationSourceKustomize) -> Result<(), Problem> {
        if asked.common_labels.is_empty() {
            return Ok(());
        }
        if asked.label_include_templates && !asked.label_without_selector {
            let problem = "--without-selector flag must be specified for --include-templates to work";
            return Err(Problem::asked("kustomize.labelIncludeTemplates", "true", problem));
        }
        let labels: Vec<(&String, String)> =
            asked.common_labels.iter().map(|(key, value)| (key, self.expand(value))).collect();
        let pairs = if asked.label_without_selector {
            self.labels_of(asked.label_include_templates)?
        } else {
            map_in(self.field("commonLabels"), "commonLabels")?
        };
        for (key, value) in labels {
            add_pair(pairs, "label", key, &value, asked.force_common_labels)?;
        }
        Ok(())
    }

    /// The pairs of the first entry of `labels` that spares selectors and is (or is not) for templates, too.
    fn labels_of(&mut self, templates: bool) -> Result<&mut Map<String, Value>, Problem> {
        let flag = |entry: &Value, name: &str| entry.get(name).and_then(Value::as_bool).unwrap_or_default();
        let fits =
            |entry: &Value| !flag(entry, "includeSelectors") && flag(entry, "includeTemplates") == templates;
        let list = self.list("labels")?;
        let place = list.iter().position(fits).unwrap_or_else(|| {
            let entry = if templates { json!({"includeTemplates": true}) } else { json!({}) };
            list.push(entry);
            list.len() - 1
        });
        let entry = list.get_mut(place).and_then(Value::as_object_mut);
        let entry = entry.ok_or_else(|| not_a("labels", "a list of maps"))?;
        map_in(entry.entry("pairs").or_insert(Value::Null), "labels")
    }

    fn add_annotations(&mut self, asked: &ApplicationSourceKustomize) -> Result<(), Problem> {
        if asked.common_annotations.is_empty() {
            return Ok(());
        }
        let mut annotations = Vec::with_capacity(asked.common_annotations.len());
        for (key, value) in &asked.common_annotations {
            let value = if asked.common_annotations_envsubst { self.expand(value) } else { value.clone() };
            annotations.push((key, value));
        }
        let pairs = map_in(self.field("commonAnnotations"), "commonAnnotations")?;
        for (key, value) in annotations {
            add_pair(pairs, "annotation", key, &value, asked.force_common_annotations)?;
        }
        Ok(())
    }

    fn expand(&mut self, text: &str) -> String {
        let expanded = self.environment.expand(text);
        self.of_the_revision |= expanded.of_the_revision;
        expanded.text
    }

    fn list(&mut self, field: &'static str) -> Result<&mut Vec<Value>, Problem> {
        let value = self.field(field);
        if value.is_null() {
            *value = Value::Array(Vec::new());
        }
        value.as_array_mut().ok_or_else(|| not_a(field, "a list"))
    }

    /// A field by its name; the case of letters does not count, as in Go.
    fn field(&mut self, name: &'static str) -> &mut Value {
        let there = self.map.keys().find(|key| key.eq_ignore_ascii_case(name) && *key != name).cloned();
        if let Some(key) = there.filter(|_| !self.map.contains_key(name))
            && let Some(value) = self.map.remove(&key)
        {
            self.map.insert(name.to_owned(), value);
        }
        self.map.entry(name).or_insert(Value::Null)
    }
}

fn not_a(field: &'static str, expected: &str) -> Problem {
    Problem::There { field, problem: format!("is not {expected}") }
}

fn map_in<'a>(value: &'a mut Value, field: &'static str) -> Result<&'a mut Map<String, Value>, Problem> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().ok_or_else(|| not_a(field, "a map"))
}

fn add_pair(
    pairs: &mut Map<String, Value>,
    what: &str,
    key: &str,
    value: &str,
    force: bool,
) -> Result<(), Problem> {
    let field = if what == "label" { "kustomize.commonLabels" } else { "kustomize.commonAnnotations" };
    if key.is_empty() {
        let problem = format!("invalid {what}: ':{value}' (need k:v pair where v may be quoted)");
        return Err(Problem::asked(field, key, problem));
    }
    // On its way through the command line a value loses its quotes.
    let value = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value);
    if !force && pairs.get(key).is_some_and(|there| there.as_str() != Some(value)) {
        let switch = if what == "label" { "forceCommonLabels" } else { "forceCommonAnnotations" };
        let problem = format!("{what} {key} already in kustomization file. Set {switch} to override it");
        return Err(Problem::asked(field, key, problem));
    }
    pairs.insert(key.to_owned(), Value::String(value.to_owned()));
    Ok(())
}

/// A number of replicas, as number or text.
fn count(value: &Value) -> Result<i64, String> {
    let number = match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    };
    let shown = || value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    number.ok_or_else(|| format!("expected integer value for count. Received: {}", shown()))
}

fn text_of<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;
