//! `kustomize edit remove`.

use std::path::Path;

use filetree::path_match;
use serde_json::Value;

use super::add::{check_patch, patch};
use super::metadata::options;
use super::{change, generator};
use crate::kustomize::Said;
use crate::kustomize::arguments::{PatchArgs, RemoveCommand, RemoveMetadataArgs, Words};

pub(super) fn remove(directory: &Path, command: &RemoveCommand) -> Result<Said, String> {
    match command {
        RemoveCommand::Resource(words) => {
            remove_paths(directory, &["resources", "bases"], words, "must specify a resource file")
        }
        RemoveCommand::Component(words) => {
            remove_paths(directory, &["components"], words, "must specify a component file")
        }
        RemoveCommand::Transformer(words) => {
            remove_paths(directory, &["transformers"], words, "must specify a transformer file")
        }
        RemoveCommand::Patch(arguments) => remove_patch(directory, arguments),
        RemoveCommand::Label(arguments) => remove_metadata(directory, arguments, "commonLabels", "label"),
        RemoveCommand::Annotation(arguments) => {
            remove_metadata(directory, arguments, "commonAnnotations", "annotation")
        }
        RemoveCommand::Configmap(arguments) => {
            generator::remove(directory, &generator::CONFIG_MAP, arguments)
        }
        RemoveCommand::Secret(arguments) => generator::remove(directory, &generator::SECRET, arguments),
        RemoveCommand::Buildmetadata(words) => {
            let gone = options(&words.words)?;
            change(directory, |fields, _| {
                fields.remove_strings("buildMetadata", |option| gone.iter().any(|gone| gone == option))
            })
        }
    }
}

fn remove_paths(directory: &Path, lists: &[&str], words: &Words, none: &str) -> Result<Said, String> {
    if words.words.is_empty() {
        return Err(none.to_owned());
    }
    change(directory, |fields, _| {
        // Patterns are looked at before anything goes.
        for pattern in &words.words {
            path_match(pattern, "").map_err(|error| error.to_string())?;
        }
        for list in lists {
            let gone = |item: &str| words.words.iter().any(|pattern| path_match(pattern, item) == Ok(true));
            fields.remove_strings(list, gone)?;
        }
        Ok(())
    })
}

fn remove_patch(directory: &Path, arguments: &PatchArgs) -> Result<Said, String> {
    check_patch(arguments)?;
    let gone = patch(arguments);
    change(directory, |fields, notes| {
        let mut list = fields.list("patches")?;
        let before = list.len();
        list.retain(|patch| *patch != gone);
        if list.len() == before {
            notes.push(format!("patch {} doesn't exist in kustomization file", arguments.patch));
        } else {
            fields.set("patches", list.into());
        }
        Ok(())
    })
}

fn remove_metadata(
    directory: &Path,
    arguments: &RemoveMetadataArgs,
    field: &str,
    kind: &str,
) -> Result<Said, String> {
    let keys = match arguments.words.as_slice() {
        [] => return Err(format!("must specify {kind}")),
        [keys] => keys,
        _ => return Err(format!("{kind}s must be comma-separated, with no spaces")),
    };
    if keys.split(',').any(str::is_empty) {
        return Err(format!("invalid {kind}: '' (name is empty)"));
    }
    change(directory, |fields, _| {
        if fields.get(field).is_none() && !arguments.ignore_non_existence {
            return Err(format!("{field} is not defined in kustomization file"));
        }
        let mut map = fields.map(field)?;
        for key in keys.split(',') {
            if map.remove(key).is_none() && !arguments.ignore_non_existence {
                return Err(format!("{kind} {key} is not defined in kustomization file"));
            }
        }
        fields.set(field, Value::Object(map));
        Ok(())
    })
}
