//! ConfigMaps and Secrets from files, env files and literals.

mod hash;
mod merge;
mod sources;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::lenient;
use crate::resource::Behavior;
use crate::scalar::{UNWRITABLE_KEY, is_text};

pub(crate) use hash::{hash, json_text};
pub(crate) use merge::{merge_into, replace_by};
pub(crate) use sources::{SourceError, pairs};

/// An entry of `configMapGenerator` or `secretGenerator`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(crate) struct GeneratorArgs {
    /// Name, before prefix, suffix and hash.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) name: String,
    /// Namespace, if it has one of its own.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) namespace: String,
    /// `create`, `replace`, `merge`; anything else is `create`.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) behavior: String,
    /// `[key=]path` of files, each a value.
    #[serde(deserialize_with = "lenient::strict_texts")]
    pub(crate) files: Vec<String>,
    /// Paths of files with `key=value` lines.
    #[serde(deserialize_with = "lenient::strict_texts")]
    pub(crate) envs: Vec<String>,
    /// The older, singular form; kustomizations have it appended to `envs` when they are read, and nobody else reads it.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) env: String,
    /// `key=value`.
    #[serde(deserialize_with = "lenient::strict_texts")]
    pub(crate) literals: Vec<String>,
    /// Options of its own.
    pub(crate) options: Option<GeneratorOptions>,
    /// Type, of a Secret; `Opaque` if empty.
    #[serde(rename = "type", deserialize_with = "lenient::strict_text")]
    pub(crate) secret_type: String,
}

/// `generatorOptions`, or the `options` of one entry.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct GeneratorOptions {
    /// Labels of what is generated.
    #[serde(deserialize_with = "lenient::strict_text_map")]
    pub(crate) labels: BTreeMap<String, String>,
    /// Its annotations.
    #[serde(deserialize_with = "lenient::strict_text_map")]
    pub(crate) annotations: BTreeMap<String, String>,
    /// Whether the name stays without a hash.
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) disable_name_suffix_hash: bool,
    /// Whether `immutable: true` is set.
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) immutable: bool,
}

/// Which of the two kinds is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generated {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

/// Why nothing can be generated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GenerateError<E: std::error::Error + 'static> {
    /// The entry has no name.
    #[error("a configmap must have a name")]
    NoName,
    /// A source cannot be read.
    #[error("loading KV pairs: {0}")]
    Source(#[from] SourceError<E>),
    /// Two sources have one key.
    #[error("configmap {name} illegally repeats the key `{key}`")]
    Repeated {
        /// Name of the entry.
        name: String,
        /// The key.
        key: String,
    },
    /// The peer writes several lines as a block, and cannot read it again where the first begins with a tab.
    #[error("yaml: line 2: found a tab character where an indentation space is expected")]
    Tab,
}

impl GeneratorArgs {
    /// What the entry's `behavior` means.
    pub(crate) fn behavior(&self) -> Behavior {
        match self.behavior.as_str() {
            "replace" => Behavior::Replace,
            "merge" => Behavior::Merge,
            "create" => Behavior::Create,
            _ => Behavior::Unspecified,
        }
    }

    /// Whether the name of what is generated gets a hash.
    pub(crate) fn needs_hash(&self) -> bool {
        !self.options.as_ref().is_some_and(|options| options.disable_name_suffix_hash)
    }

    /// Puts the kustomization's options under the entry's own: its labels and annotations win, a flag of either counts.
    pub(crate) fn inherit(&mut self, global: Option<&GeneratorOptions>) {
        let Some(global) = global else { return };
        let own = self.options.get_or_insert_default();
        for (mine, theirs) in [(&mut own.labels, &global.labels), (&mut own.annotations, &global.annotations)]
        {
            for (key, value) in theirs {
                mine.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        own.disable_name_suffix_hash |= global.disable_name_suffix_hash;
        own.immutable |= global.immutable;
    }
}

/// Makes the object of an entry. `read` gives the bytes of a file by its path.
///
/// **Shape**: a ConfigMap keeps values that are UTF-8 in `data` and the others in `binaryData`; a Secret all in `data`.
/// Base64 is cut into lines of 70 characters where it has more.
/// **Source**: kustomize `internal/generators` and kyaml `yaml/datamap.go`, api and kyaml v0.21.2.
pub(crate) fn generate<E: std::error::Error + 'static>(
    kind: Generated,
    args: &GeneratorArgs,
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>, E>,
) -> Result<Value, GenerateError<E>> {
    if args.name.is_empty() {
        return Err(GenerateError::NoName);
    }
    let mut known: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (key, value) in pairs(args, read)? {
        if known.contains_key(&key) {
            return Err(GenerateError::Repeated { name: args.name.clone(), key });
        }
        known.insert(key, value);
    }
    let mut object = json!({"apiVersion": "v1", "metadata": {"name": args.name}});
    if !args.namespace.is_empty() {
        object["metadata"]["namespace"] = Value::from(args.namespace.as_str());
    }
    match kind {
        Generated::ConfigMap => {
            object["kind"] = Value::from("ConfigMap");
            for (key, value) in known {
                match String::from_utf8(value) {
                    Ok(text) if is_unreadable_block(&text) => return Err(GenerateError::Tab),
                    Ok(text) => object["data"][key] = Value::String(text),
                    Err(bytes) => object["binaryData"][key] = Value::String(base64_lines(bytes.as_bytes())),
                }
            }
        }
        Generated::Secret => {
            object["kind"] = Value::from("Secret");
            let secret_type = if args.secret_type.is_empty() { "Opaque" } else { &args.secret_type };
            object["type"] = Value::from(secret_type);
            let data: Map<String, Value> =
                known.into_iter().map(|(key, value)| (key, Value::String(base64_lines(&value)))).collect();
            object["data"] = Value::Object(data);
        }
    }
    if let Some(options) = &args.options {
        for (field, values) in [("labels", &options.labels), ("annotations", &options.annotations)] {
            if !values.is_empty() {
                object["metadata"][field] = json!(values);
            }
        }
        if options.immutable {
            object["immutable"] = Value::Bool(true);
        }
    }
    Ok(object)
}

/// Why the peer cannot write a generated object: it does not quote keys, so that `1: a` has no text for a key.
pub(crate) fn flaw_of_keys(object: &Value) -> Option<String> {
    let maps = [
        &object["data"],
        &object["binaryData"],
        &object["metadata"]["labels"],
        &object["metadata"]["annotations"],
    ];
    let keys = maps.into_iter().filter_map(Value::as_object).flat_map(Map::keys);
    let mut odd = keys.filter(|key| !is_text(key));
    Some(match odd.next()?.as_str() {
        "<<" => "yaml: map merge requires map or sequence of maps as the value".to_owned(),
        _ => UNWRITABLE_KEY.to_owned(),
    })
}

/// Whether a text is written as a block that begins with a tab. What has blanks before a line's end, or characters that are not
/// printed, is written in quotes instead.
fn is_unreadable_block(text: &str) -> bool {
    let printed = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    text.starts_with('\t')
        && text.contains('\n')
        && !text.contains(" \n")
        && !text.ends_with(' ')
        && text.chars().all(|c| printed(c) && c != '\u{feff}')
}

/// Characters of base64 in a line.
const LINE: usize = 70;

/// Base64, in lines where it does not fit into less than one.
pub(super) fn base64_lines(bytes: &[u8]) -> String {
    let encoded = STANDARD.encode(bytes);
    if encoded.len() < LINE {
        return encoded;
    }
    let mut result = String::with_capacity(encoded.len() + encoded.len() / LINE + 1);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        result.push_str(line);
        result.push('\n');
        rest = more;
    }
    result
}

#[cfg(test)]
mod tests;
