//! `crds`: OpenAPI definitions that say which fields of custom resources are labels, annotations, names and references.

use std::sync::Arc;

use serde_json::Value;

use crate::config::{Config, add};
use crate::error::Error;
use crate::fieldspec::{FieldSpec, NameReference};
use crate::id::Gvk;

/// How deep definitions may refer to each other.
const MAX_DEPTH: usize = 64;

/// Properties that are looked at, references followed.
const MAX_PROPERTIES: usize = 200_000;

/// Reads a file of definitions: a map from the name of a type to its `Schema`.
///
/// **Source**: kustomize `internal/accumulator/loadconfigfromcrds.go`, api v0.21.2.
pub(crate) fn read(text: &[u8], limits: &goyaml::Limits, path: &str) -> Result<Config, Error> {
    let wrong =
        |why: String| Error::invalid(format!("unable to parse open API definition from '{path}': {why}"));
    let types = match text.first() {
        // The peer crashes here.
        None => return Err(wrong("the file is empty".to_owned())),
        Some(b'{') => serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))?,
        Some(_) => goyaml::parse_one(text, limits).map_err(|error| {
            wrong(format!("error converting YAML to JSON: {}", error.as_go(goyaml::Dialect::Yaml2)))
        })?,
    };
    let Value::Object(types) = types else {
        return Err(wrong(
            "error unmarshaling JSON: while decoding JSON: it is no map of definitions".to_owned(),
        ));
    };
    if let Some((_, other)) = types.iter().find(|(_, kind)| !kind.is_object()) {
        let kind = goyaml::kind_of(other);
        return Err(wrong(format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type accumulator.OpenAPIDefinition"
        )));
    }
    let types = Value::Object(types);
    let mut reader = Reader { types: &types, config: Config::default(), properties: 0 };
    for (name, kind) in types.as_object().into_iter().flatten() {
        let properties = &kind["Schema"]["properties"];
        if ["kind", "apiVersion", "metadata"].iter().all(|field| properties.get(field).is_some()) {
            let kind = name.rsplit('.').next().unwrap_or_default();
            reader.read_type(kind, name, &mut Vec::new())?;
        }
    }
    reader.config.sort();
    Ok(reader.config)
}

struct Reader<'a> {
    types: &'a Value,
    config: Config,
    properties: usize,
}

impl<'a> Reader<'a> {
    fn read_type(&mut self, kind: &str, name: &str, path: &mut Vec<&'a str>) -> Result<(), Error> {
        let types: &'a Value = self.types;
        let properties = types[name]["Schema"]["properties"].as_object();
        if path.len() > MAX_DEPTH {
            return Err(Error::invalid(format!(
                "definitions of {kind} refer to each other more than {MAX_DEPTH} deep"
            )));
        }
        for (field, property) in properties.into_iter().flatten() {
            let text = |key: &str| property.get(key).and_then(Value::as_str);
            path.push(field);
            let spec = |more: &str| {
                let path = path.join("/");
                let path = if more.is_empty() { path } else { format!("{path}/{more}") };
                FieldSpec::new("", "", kind, &path, false)
            };
            for (mark, specs) in [
                ("x-kubernetes-annotation", &mut self.config.common_annotations),
                ("x-kubernetes-label-selector", &mut self.config.common_labels),
                ("x-kubernetes-identity", &mut self.config.name_prefix),
            ] {
                if text(mark).is_some() {
                    add(specs, &[spec("")])?;
                }
            }
            if let (Some(version), Some(target)) =
                (text("x-kubernetes-object-ref-api-version"), text("x-kubernetes-object-ref-kind"))
            {
                let key = text("x-kubernetes-object-ref-name-key").unwrap_or("name");
                let gvk = Gvk { group: String::new(), version: version.to_owned(), kind: target.to_owned() };
                self.config.add_name_reference(&NameReference { gvk, fields: vec![spec(key)] })?;
            }
            self.properties += 1;
            if self.properties > MAX_PROPERTIES {
                return Err(Error::Limit { what: "properties in crds", limit: MAX_PROPERTIES });
            }
            if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
                self.read_type(kind, reference, path)?;
            }
            path.pop();
        }
        Ok(())
    }
}

/// Puts the definitions of several files together.
pub(crate) fn merged(configs: Vec<Config>) -> Result<Arc<Config>, Error> {
    let mut whole = Arc::new(Config::default());
    for config in configs {
        whole = whole.merged(&Arc::new(config))?;
    }
    Ok(whole)
}
