//! Labels, annotations and options as they are typed.

use std::collections::BTreeMap;

/// Options that `buildMetadata` may have.
const BUILD_METADATA: [&str; 3] = ["managedByLabel", "originAnnotations", "transformerAnnotations"];

/// `KEY:VALUE` each; without a `:` the value is empty. Double quotes around a value go.
pub(in crate::kustomize) fn pairs<'a>(
    words: impl Iterator<Item = &'a str>,
    kind: &str,
) -> Result<BTreeMap<String, String>, String> {
    let mut pairs = BTreeMap::new();
    for word in words {
        let (key, value) = word.split_once(':').unwrap_or((word, ""));
        if key.is_empty() && word.starts_with(':') {
            return Err(format!("invalid {kind}: '{word}' (need k:v pair where v may be quoted)"));
        }
        let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        pairs.insert(key.to_owned(), bare.unwrap_or(value).to_owned());
    }
    Ok(pairs)
}

/// Options of builds, separated by commas.
pub(super) fn options(words: &[String]) -> Result<Vec<String>, String> {
    let words = match words {
        [] => return Err("must specify a buildMetadata option".to_owned()),
        [words] => words,
        several => {
            return Err(format!(
                "too many arguments: [{}]; to provide multiple buildMetadata options, please separate options by comma",
                several.join(" ")
            ));
        }
    };
    let options: Vec<String> = words.split(',').map(str::to_owned).collect();
    match options.iter().find(|option| !BUILD_METADATA.contains(&option.as_str())) {
        Some(unknown) => Err(format!("invalid buildMetadata option: {unknown}")),
        None => Ok(options),
    }
}

/// Whether Kubernetes takes a key for annotations: letters and digits with `-`, `_` and `.` between them, up to 63, and a domain before a
/// `/` if there is one.
pub(super) fn is_annotation_key(key: &str) -> bool {
    const NAME: usize = 63;
    const PREFIX: usize = 253;
    let word = |text: &str, most: usize, between: &str| {
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        text.len() <= most
            && ends(text.chars().next())
            && ends(text.chars().next_back())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || between.contains(c))
    };
    match key.split_once('/') {
        None => word(key, NAME, "-_."),
        Some((prefix, name)) => {
            prefix.starts_with(|c: char| c.is_ascii_alphabetic())
                && word(prefix, PREFIX, "-.")
                && word(name, NAME, "-_.")
        }
    }
}
