//! `images`: new names, tags and digests for images.

use ::image::ImageRef;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::fieldspec::{Create, FieldError, FieldSpec, for_each};
use crate::lenient;
use crate::scalar::{MAPPING, SCALAR, wrong_kind};

/// An entry of `images`. Empty parts change nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Image {
    /// The image without tag and digest; it is a part of a regular expression, so that `.` matches any character.
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: String,
    /// The name that it gets.
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) new_name: String,
    /// What is put behind its tag.
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) tag_suffix: String,
    /// The tag that it gets.
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) new_tag: String,
    /// The digest that it gets.
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) digest: String,
}

/// Kind whose objects have no images, only schemas that speak of them.
const NO_IMAGES: &str = "CustomResourceDefinition";

/// Changes the images of an object: those of all lists called `containers` or `initContainers`, wherever they are, then
/// those that the specs lead to.
///
/// **Errors**: [`FieldError`] where an image is no text.
/// **Source**: kustomize `filters/imagetag` and `internal/image`, api v0.21.2.
pub(crate) fn apply_image(
    object: &mut Value,
    image: &Image,
    pattern: &Regex,
    specs: &[FieldSpec],
) -> Result<(), FieldError> {
    if object["kind"] == NO_IMAGES {
        return Ok(());
    }
    let mut change = |place: &mut Value| set(place, image, pattern);
    containers(object, &mut change).map_err(|reason| FieldError::Unfit {
        path: "containers[]/image".to_owned(),
        object: crate::fieldspec::describe(object),
        reason,
    })?;
    for spec in specs {
        for_each(object, spec, Create::Never, &mut change)?;
    }
    Ok(())
}

/// What texts an entry is about. None for a name that is no expression: that matches nothing, and is no error.
pub(crate) fn pattern(name: &str) -> Option<Regex> {
    const TAG: &str = "(:[a-zA-Z0-9_.{}-]*)?";
    const DIGEST: &str = "(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?";
    Regex::new(&format!("^{name}{TAG}{DIGEST}$")).ok()
}

/// Walks a whole object to its lists of containers.
fn containers(
    node: &mut Value,
    change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    match node {
        Value::Object(map) => {
            for (name, value) in map {
                containers(value, change)?;
                if (name == "containers" || name == "initContainers")
                    && let Value::Array(items) = value
                {
                    for item in items {
                        match item {
                            Value::Object(container) => {
                                if let Some(image) = container.get_mut("image") {
                                    change(image)?;
                                }
                            }
                            Value::Null => {}
                            other => return Err(wrong_kind(MAPPING, other)),
                        }
                    }
                }
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| containers(item, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn set(place: &mut Value, image: &Image, pattern: &Regex) -> Result<(), String> {
    let current = match &*place {
        Value::String(text) => text.clone(),
        Value::Null => return Ok(()),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        other => return Err(wrong_kind(SCALAR, other)),
    };
    if pattern.is_match(&current) {
        *place = Value::String(changed(&current, image));
    }
    Ok(())
}

/// The text of an image after the change.
fn changed(current: &str, image: &Image) -> String {
    let ImageRef { name, tag, digest } = ImageRef::split(current);
    let (tag, digest) = (tag.unwrap_or_default(), digest.unwrap_or_default());
    let mut result = if image.new_name.is_empty() { name } else { image.new_name.clone() };
    let (tag, digest) = match (image.new_tag.is_empty(), image.digest.is_empty()) {
        (false, _) => (image.new_tag.clone(), image.digest.clone()),
        (true, false) => (String::new(), image.digest.clone()),
        (true, true) if !image.tag_suffix.is_empty() => (format!("{tag}{}", image.tag_suffix), String::new()),
        (true, true) => (tag, digest),
    };
    if !tag.is_empty() {
        result.push(':');
        result.push_str(&tag);
    }
    if !digest.is_empty() {
        result.push('@');
        result.push_str(&digest);
    }
    result
}

#[cfg(test)]
mod tests;
