//! `kustomize edit set`.

use std::collections::BTreeMap;
use std::path::Path;

use image::ImageEdit;
use serde_json::{Value, json};

use super::field::{Fields, insert_by_name, text};
use super::metadata::{is_annotation_key, options, pairs};
use super::{change, generator};
use crate::kustomize::Said;
use crate::kustomize::arguments::{SetCommand, Words};

pub(super) fn set(directory: &Path, command: &SetCommand) -> Result<Said, String> {
    match command {
        SetCommand::Image { images } => {
            let images = images_of(images)?;
            change(directory, |fields, _| set_images(fields, &images))
        }
        SetCommand::Namespace(words) => {
            one(directory, words, "namespace", "must specify exactly one namespace value")
        }
        SetCommand::Nameprefix(words) => {
            one(directory, words, "namePrefix", "must specify exactly one prefix value")
        }
        SetCommand::Namesuffix(words) => {
            one(directory, words, "nameSuffix", "must specify exactly one suffix value")
        }
        SetCommand::Replicas(words) => {
            let replicas = replicas_of(&words.words)?;
            change(directory, |fields, _| set_replicas(fields, &replicas))
        }
        SetCommand::Label(words) => {
            let labels = metadata(words, "label")?;
            change(directory, |fields, _| merge(fields, "commonLabels", labels))
        }
        SetCommand::Annotation(words) => {
            let annotations = metadata(words, "annotation")?;
            if !annotations.keys().all(|key| is_annotation_key(key)) {
                let rules = "see the syntax and character set rules at https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/";
                return Err(format!("invalid annotation key: {rules}"));
            }
            change(directory, |fields, _| merge(fields, "commonAnnotations", annotations))
        }
        SetCommand::Buildmetadata(words) => {
            let options = options(&words.words)?;
            change(directory, |fields, _| {
                fields.set("buildMetadata", options.into());
                Ok(())
            })
        }
        SetCommand::Configmap(arguments) => generator::set(directory, &generator::CONFIG_MAP, arguments),
        SetCommand::Secret(arguments) => generator::set(directory, &generator::SECRET, arguments),
    }
}

fn one(directory: &Path, words: &Words, field: &str, problem: &str) -> Result<Said, String> {
    let [value] = words.words.as_slice() else { return Err(problem.to_owned()) };
    change(directory, |fields, _| {
        fields.set(field, value.as_str().into());
        Ok(())
    })
}

fn metadata(words: &Words, kind: &str) -> Result<BTreeMap<String, String>, String> {
    if words.words.is_empty() {
        return Err(format!("must specify {kind}"));
    }
    pairs(words.words.iter().map(String::as_str), kind)
}

fn merge(fields: &mut Fields, name: &str, new: BTreeMap<String, String>) -> Result<(), String> {
    let mut map = fields.map(name)?;
    map.extend(new.into_iter().map(|(key, value)| (key, value.into())));
    fields.set(name, map.into());
    Ok(())
}

fn images_of(words: &[String]) -> Result<BTreeMap<String, ImageEdit>, String> {
    if words.is_empty() {
        return Err("no image specified".to_owned());
    }
    let mut images = BTreeMap::new();
    for word in words {
        let edit = ImageEdit::parse(word).ok_or_else(|| {
            let forms = ImageEdit::FORMS.join("\n- ");
            format!("invalid format of image, use one of the following options:\n- {forms}")
        })?;
        images.insert(edit.name.clone(), edit);
    }
    Ok(images)
}

fn set_images(fields: &mut Fields, new: &BTreeMap<String, ImageEdit>) -> Result<(), String> {
    // The deprecated list stays one where there is no other.
    let name = if fields.get("images").is_none() && fields.get("imageTags").is_some() {
        "imageTags"
    } else {
        "images"
    };
    let mut list = fields.list(name)?;
    for (image, edit) in new {
        let mut found = false;
        for old in list.iter_mut().filter(|old| text(old, "name") == image) {
            *old = edit.over(old);
            found = true;
        }
        if !found {
            insert_by_name(&mut list, edit.over(&Value::Null));
        }
    }
    fields.set(name, list.into());
    Ok(())
}

fn replicas_of(words: &[String]) -> Result<BTreeMap<String, i64>, String> {
    const FORM: &str = "invalid format of replica, use the following format: <name>=<count>";
    if words.is_empty() {
        return Err("no replicas specified".to_owned());
    }
    let mut replicas = BTreeMap::new();
    for word in words {
        let parsed = word.split_once('=').and_then(|(name, count)| Some((name, count.parse::<i64>().ok()?)));
        let (name, count) = parsed.ok_or_else(|| FORM.to_owned())?;
        replicas.insert(name.to_owned(), count);
    }
    Ok(replicas)
}

fn set_replicas(fields: &mut Fields, new: &BTreeMap<String, i64>) -> Result<(), String> {
    let mut list = fields.list("replicas")?;
    for (name, count) in new {
        let mut found = false;
        for old in list.iter_mut().filter(|old| text(old, "name") == name) {
            *old = json!({"name": name, "count": count});
            found = true;
        }
        if !found {
            insert_by_name(&mut list, json!({"name": name, "count": count}));
        }
    }
    fields.set("replicas", list.into());
    Ok(())
}
