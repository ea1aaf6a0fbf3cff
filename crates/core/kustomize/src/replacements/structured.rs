//! Replacements inside of a text that is itself JSON or YAML.

use serde_json::Value;
use yamledit::Stream;

use super::apply::ReplacementError;
use super::field_path::{Make, Place, for_each, lookup, lookup_mut};
use crate::generate::json_text;
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
        let Ok(mut content) = read(&text) else { continue };
        let mut change = |content: &mut Value| {
            for_each(content, inner, make, &mut |place| put(place).map_err(|error| error.to_string()))
        };
        if !change(&mut content).is_ok_and(|count| count > 0) {
            return false;
        }
        let written = if text.trim_start().starts_with(['{', '[']) {
            json(&content, &text)
        } else {
            let edited = edited(&text, &mut |content| change(content).is_ok_and(|count| count > 0));
            edited.unwrap_or_else(|| goyaml::to_string(&content)).trim().to_owned()
        };
        return lookup_mut(object, outer).map(|place| *place = Value::String(written)).is_some();
    }
    false
}

/// What a text says as the peer's library reads it, `null` if it is empty.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let document =
        goyaml::parse_modern(text.as_bytes(), &goyaml::Limits::default(), goyaml::Verbatim::default());
    Ok(document.map_err(|error| error.to_string())?.map_or(Value::Null, |document| document.value))
}

fn json(content: &Value, original: &str) -> String {
    if original.contains('\n') && original.contains("  ") {
        goyaml::escape_json(serde_json::to_string_pretty(content).unwrap_or_default())
    } else {
        json_text(content)
    }
}

/// The text with a change. `None` where there are several documents, of which all but the first are lost, and where the change
/// fails because the editor reads YAML 1.1.
fn edited(original: &str, change: &mut dyn FnMut(&mut Value) -> bool) -> Option<String> {
    let mut stream = Stream::parse(original).ok().filter(|stream| stream.documents() == 1)?;
    let mut content = stream.value(0).clone();
    if !change(&mut content) {
        return None;
    }
    stream.update(0, &content).ok()?;
    Some(stream.into_text())
}
