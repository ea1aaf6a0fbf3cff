//! `kustomize edit fix`: what is deprecated becomes what is meant today.

use std::path::Path;

use serde_json::{Map, Value, json};
use yamledit::{Path as Field, Stream};

use super::field::{Fields, map_of};
use super::file::Kustomization;
use super::vars::{Converted, convert};
use crate::kustomize::arguments::FixArgs;
use crate::kustomize::{Said, build};

const FIXED: &str = "
Fixed fields:
  patchesJson6902 -> patches
  patchesStrategicMerge -> patches
  commonLabels -> labels
";

const FIXED_VARS: &str = "  vars -> replacements
";

const VARS_ARE_LEFT: &str = "
To convert vars -> replacements, run the command `kustomize edit fix --vars`

WARNING: Converting vars to replacements will potentially overwrite many resource files 
and the resulting files may not produce the same output when `kustomize build` is run. 
We recommend doing this in a clean git repository where the change is easy to undo.
";

/// Lists that only have another name now: old and new.
const RENAMED: [(&str, &str); 3] =
    [("bases", "resources"), ("imageTags", "images"), ("patchesJson6902", "patches")];

pub(super) fn fix(directory: &Path, arguments: &FixArgs) -> Result<Said, String> {
    let before = build::local(directory);
    let mut file = Kustomization::read(directory)?;
    rename(&mut file.stream).map_err(|error| format!("{}: {error}", file.name))?;
    let mut fields = file.fields();
    fix_fields(directory, &mut fields)?;
    let converted = if arguments.vars { fix_vars(directory, &mut file, &mut fields)? } else { None };
    let wanted = fields.into_value();
    file.stream.update(0, &wanted).map_err(|error| format!("{}: {error}", file.name))?;
    if let Some(converted) = converted {
        converted.write()?;
    }
    file.save()?;
    let mut out = [FIXED, if arguments.vars { FIXED_VARS } else { VARS_ARE_LEFT }].concat();
    // What could not be built before, or not without fetching, cannot be compared.
    match (before, build::local(directory)) {
        (_, Some(Err(error))) => out.push_str(&format!(
            "Warning: 'Fixed' kustomization now produces the error when running `kustomize build`: {error}\n"
        )),
        (Some(Ok(before)), Some(Ok(after))) if before != after => out.push_str(&format!(
            "Warning: 'Fixed' kustomization now produces different output when running `kustomize build`:\n...{after}...\n"
        )),
        _ => {}
    }
    Ok(Said { out, notes: Vec::new() })
}

/// Where the new list is not there yet, its name is all that changes, and comments stay.
fn rename(stream: &mut Stream) -> Result<(), yamledit::Error> {
    for (old, new) in RENAMED {
        let is_list = stream.value(0).get(old).is_some_and(Value::is_array);
        if is_list && stream.value(0).get(new).is_none() {
            stream.rename(0, &Field::root().key(old), new)?;
        }
    }
    for generator in ["configMapGenerator", "secretGenerator"] {
        let entries = stream.value(0).get(generator).and_then(Value::as_array).map_or(0, Vec::len);
        for index in 0..entries {
            let entry = Field::root().key(generator).index(index);
            let path = entry.key("env");
            let env = path.find(stream.value(0)).and_then(Value::as_str).map(str::to_owned);
            if let Some(env) = env.filter(|_| entry.key("envs").find(stream.value(0)).is_none()) {
                stream.rename(0, &path, "envs")?;
                stream.set(0, &entry.key("envs"), &json!([env]))?;
            }
        }
    }
    Ok(())
}

fn fix_fields(directory: &Path, fields: &mut Fields) -> Result<(), String> {
    if fields.get("kind").is_none() {
        fields.set("kind", "Kustomization".into());
    }
    if fields.get("apiVersion").is_none() {
        let component = fields.get("kind").and_then(Value::as_str) == Some("Component");
        let version =
            if component { "kustomize.config.k8s.io/v1alpha1" } else { "kustomize.config.k8s.io/v1beta1" };
        fields.set("apiVersion", version.into());
    }
    for (old, new) in RENAMED {
        let moved = fields.list(old)?;
        if !moved.is_empty() {
            let list: Vec<Value> = fields.list(new)?.into_iter().chain(moved).collect();
            fields.set(new, list.into());
        }
        fields.set(old, Value::Null);
    }
    for generator in ["configMapGenerator", "secretGenerator"] {
        let mut list = fields.list(generator)?;
        for entry in list.iter_mut().filter_map(Value::as_object_mut) {
            if let Some(env) = entry.remove("env").filter(|env| env.as_str() != Some("")) {
                let mut envs = entry.get("envs").and_then(Value::as_array).cloned().unwrap_or_default();
                envs.push(env);
                entry.insert("envs".to_owned(), envs.into());
            }
        }
        fields.set(generator, list.into());
    }
    fix_charts(fields)?;
    fix_merges(directory, fields)?;
    fix_labels(fields)
}

/// `vars`, if there are any.
fn fix_vars(
    directory: &Path,
    file: &mut Kustomization,
    fields: &mut Fields,
) -> Result<Option<Converted>, String> {
    if fields.get("vars").is_none() {
        return Ok(None);
    }
    let converted = convert(directory, &fields.clone().into_value())?;
    let mut replacements = fields.list("replacements")?;
    if replacements.is_empty() {
        // The list keeps its place, and what is said above it.
        let renamed = file.stream.rename(0, &Field::root().key("vars"), "replacements");
        renamed.map_err(|error| format!("{}: {error}", file.name))?;
    }
    replacements.extend(converted.replacements.iter().cloned());
    fields.set("vars", Value::Null);
    fields.set("replacements", replacements.into());
    Ok(Some(converted))
}

/// `patchesStrategicMerge`: files, and patches as they are.
fn fix_merges(directory: &Path, fields: &mut Fields) -> Result<(), String> {
    let merges = fields.strings("patchesStrategicMerge")?;
    if !merges.is_empty() {
        let mut patches = fields.list("patches")?;
        for merge in merges {
            let is_file = !merge.contains('\n') && directory.join(&merge).is_file();
            let key = if is_file { "path" } else { "patch" };
            patches.push(json!({ key: merge }));
        }
        fields.set("patches", patches.into());
    }
    fields.set("patchesStrategicMerge", Value::Null);
    Ok(())
}

fn fix_labels(fields: &mut Fields) -> Result<(), String> {
    let common = fields.map("commonLabels")?;
    if common.is_empty() {
        return Ok(());
    }
    let mut labels = fields.list("labels")?;
    let pairs = |label: &Value| label.get("pairs").and_then(Value::as_object).cloned().unwrap_or_default();
    let twice = labels.iter().flat_map(|label| pairs(label).into_iter().map(|(key, _)| key));
    if let Some(key) = twice.into_iter().find(|key| common.contains_key(key)) {
        return Err(format!("label name '{key}' exists in both commonLabels and labels"));
    }
    labels.push(json!({"includeSelectors": true, "pairs": common}));
    fields.set("labels", labels.into());
    fields.set("commonLabels", Value::Null);
    Ok(())
}

/// `helmChartInflationGenerator`: names of charts and of their fields have changed, and two of these belong to all charts now.
fn fix_charts(fields: &mut Fields) -> Result<(), String> {
    let old = fields.list("helmChartInflationGenerator")?;
    if old.is_empty() {
        return Ok(());
    }
    let (mut charts, mut globals) = (fields.list("helmCharts")?, map_of(&[]));
    for chart in old.iter().filter_map(Value::as_object) {
        charts.push(fixed_chart(chart).into());
        for (from, to) in [("helmHome", "configHome"), ("chartHome", "chartHome")] {
            if let Some(home) = chart.get(from).filter(|home| home.as_str() != Some("")) {
                globals.insert(to.to_owned(), home.clone());
            }
        }
    }
    fields.set("helmCharts", charts.into());
    if fields.get("helmGlobals").is_none() {
        fields.set("helmGlobals", globals.into());
    }
    fields.set("helmChartInflationGenerator", Value::Null);
    Ok(())
}

fn fixed_chart(old: &Map<String, Value>) -> Map<String, Value> {
    const NAMES: [(&str, &str); 9] = [
        ("chartName", "name"),
        ("chartVersion", "version"),
        ("chartRepoUrl", "repo"),
        ("releaseName", "releaseName"),
        ("releaseNamespace", "namespace"),
        ("values", "valuesFile"),
        ("valuesLocal", "valuesInline"),
        ("valuesMerge", "valuesMerge"),
        ("extraArgs", "extraArgs"),
    ];
    let renamed = NAMES.iter().filter_map(|(from, to)| Some(((*to).to_owned(), old.get(*from)?.clone())));
    renamed.collect()
}
