//! Replacements inside of a text that is itself JSON or YAML.

use serde_json::Value;
use yamledit::Stream;

use super::apply::ReplacementError;
use super::field_path::{Make, Place, for_each, lookup, lookup_mut};
use crate::generate::{escaped, json_text};
use crate::patch::scalar_text;

/// Makes a replacement in the first text on the path that can be read as YAML; `false` where nothing was done, for
/// whatever reason.
///
/// **Shape**: JSON is written anew with sorted keys, indented where it was; of YAML only the value changes.
/// **Source**: kustomize `filters/replacement`, `setValueInStructuredData`, api v0.21.2. It also gives YAML its own indentation,
/// which we leave.
pub(super) fn replace(
    object: &mut Value,
    path: &[String],
    make: Make,
    put: &mut dyn FnMut(Place<'_>) -> Result<(), ReplacementError>,
) -> bool {
    for end in 1..path.len() {
        let (outer, inner) = path.split_at(end);
        let Ok(Some(found)) = lookup(object, outer) else { continue };
        if found.is_object() || found.is_array() {
            continue;
        }
        let text = scalar_text(found).into_owned();
        let Ok(mut content) = goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default()) else {
            continue;
        };
        let count =
            for_each(&mut content, inner, make, &mut |place| put(place).map_err(|error| error.to_string()));
        if !count.is_ok_and(|count| count > 0) {
            return false;
        }
        let written = write(&content, &text);
        return lookup_mut(object, outer).map(|place| *place = Value::String(written)).is_some();
    }
    false
}

fn write(content: &Value, original: &str) -> String {
    if !original.trim_start().starts_with(['{', '[']) {
        return edited(content, original).unwrap_or_else(|| goyaml::to_string(content)).trim().to_owned();
    }
    if original.contains('\n') && original.contains("  ") {
        escaped(serde_json::to_string_pretty(content).unwrap_or_default())
    } else {
        json_text(content)
    }
}

/// The text with the new content; further documents are lost, and where there are such, comments, too.
fn edited(content: &Value, original: &str) -> Option<String> {
    let mut stream = Stream::parse(original).ok().filter(|stream| stream.documents() == 1)?;
    stream.update(0, content).ok()?;
    Some(stream.into_text())
}
