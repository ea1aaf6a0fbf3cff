//! Types from the schemas of custom resources.

use std::collections::BTreeMap;
use std::sync::Arc;

use resource::Gvk;
use serde_json::Value;

use crate::builtin::Schemas;
use crate::fields_v1::MAX_DEPTH;
use crate::schema::Pattern;
use crate::types::{
    DEDUCED, Field, ListKind, ListType, MapType, Rules, Scalar, Schema, Strategy, Type, TypeId, TypeRef,
    UNTYPED_ATOMIC, View,
};

/// Why a CRD's schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("schema at {path}: {reason}")]
pub struct CrdSchemaError {
    /// Where, as in `.properties.spec`; empty for the root.
    pub path: String,
    /// What is wrong.
    pub reason: String,
}

/// The type of a CRD's `openAPIV3Schema`, with the standard apiVersion, kind and metadata at its root and in every
/// embedded resource.
///
/// **Source**: apiextensions-apiserver's OpenAPI builder and structural schemas over kube-openapi's `schemaconv`.
///
/// # Errors
/// [`CrdSchemaError`] for an unknown type or list type, `x-kubernetes-list-type: map` without keys, and nesting deeper
/// than 128 levels.
pub fn type_from_crd(open_api_v3_schema: &Value) -> Result<TypeRef, CrdSchemaError> {
    let mut builder = Builder { schema: Schema::new(false), metadata: None };
    let mut root = builder.read(open_api_v3_schema, false, &mut Vec::new())?;
    root.embedded = true;
    builder.add_standard_fields(&mut root);
    let id = builder.schema.add(root);
    Ok(TypeRef { schema: Arc::new(builder.schema), id })
}

struct Builder {
    schema: Schema,
    metadata: Option<TypeId>,
}

impl Builder {
    fn read(
        &mut self,
        source: &Value,
        keep_unknown: bool,
        path: &mut Vec<String>,
    ) -> Result<Type, CrdSchemaError> {
        if path.len() > MAX_DEPTH {
            return Err(wrong(path, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let flag = |name: &str| source[name].as_bool().unwrap_or(false);
        let preserve_unknown = flag("x-kubernetes-preserve-unknown-fields");
        // Merging lets the descendants of an open object be open too; pruning does not.
        let keep_unknown = keep_unknown || preserve_unknown;
        let json_type = source["type"].as_str().unwrap_or_default();
        let mut ty = Type {
            nullable: flag("nullable"),
            default: source.get("default").filter(|default| !default.is_null()).cloned(),
            preserve_unknown,
            embedded: flag("x-kubernetes-embedded-resource"),
            rules: Some(Box::new(self.rules(source, path)?)),
            ..Type::default()
        };
        match json_type {
            "" => {
                ty.scalar = Some(Scalar::Any);
                ty.list = Some(self.list(source, keep_unknown, path)?);
                ty.map = Some(self.map(source, keep_unknown, path)?);
            }
            "object" => ty.map = Some(self.map(source, keep_unknown, path)?),
            "array" => ty.list = Some(self.list(source, keep_unknown, path)?),
            "integer" | "number" => ty.scalar = Some(Scalar::Number),
            "boolean" => ty.scalar = Some(Scalar::Bool),
            "string" => {
                let plain = matches!(source["format"].as_str(), None | Some("" | "byte"));
                ty.scalar = Some(if plain { Scalar::String } else { Scalar::Any });
            }
            other => return Err(wrong(path, format!("unknown type {other:?}"))),
        }
        if ty.embedded {
            self.add_standard_fields(&mut ty);
        }
        Ok(ty)
    }

    fn child(
        &mut self,
        source: &Value,
        keep_unknown: bool,
        path: &mut Vec<String>,
        step: &str,
    ) -> Result<TypeId, CrdSchemaError> {
        path.push(step.to_owned());
        let ty = self.read(source, keep_unknown, path)?;
        path.pop();
        Ok(self.schema.add(ty))
    }

    fn map(
        &mut self,
        source: &Value,
        keep_unknown: bool,
        path: &mut Vec<String>,
    ) -> Result<MapType, CrdSchemaError> {
        let required: Vec<_> =
            source["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut fields = Vec::new();
        for (name, property) in source["properties"].as_object().into_iter().flatten() {
            let ty = self.child(property, keep_unknown, path, &format!("properties.{name}"))?;
            fields.push(Field {
                name: name.clone(),
                ty,
                required: required.contains(&name.as_str()),
                default: property.get("default").filter(|default| !default.is_null()).cloned(),
                omits_zero: false,
                always: None,
                strategy: Strategy::default(),
            });
        }
        let (element, implied) = match source.get("additionalProperties") {
            Some(Value::Bool(true)) => (Some(DEDUCED), false),
            Some(Value::Bool(false)) => (None, false),
            Some(entry @ Value::Object(_)) => {
                (Some(self.child(entry, keep_unknown, path, "additionalProperties")?), false)
            }
            _ => ((keep_unknown || fields.is_empty()).then_some(DEDUCED), true),
        };
        let atomic = source["x-kubernetes-map-type"] == "atomic";
        Ok(MapType { fields, element, implied, atomic })
    }

    fn list(
        &mut self,
        source: &Value,
        keep_unknown: bool,
        path: &mut Vec<String>,
    ) -> Result<ListType, CrdSchemaError> {
        let element = match source.get("items") {
            Some(items @ Value::Object(_)) => self.child(items, keep_unknown, path, "items")?,
            _ => UNTYPED_ATOMIC,
        };
        let kind = match source["x-kubernetes-list-type"].as_str() {
            None | Some("atomic") => ListKind::Atomic,
            Some("set") => ListKind::Set,
            Some("map") => {
                let keys = source["x-kubernetes-list-map-keys"].as_array().into_iter().flatten();
                let keys: Vec<_> = keys.filter_map(Value::as_str).map(str::to_owned).collect();
                if keys.is_empty() {
                    return Err(wrong(path, "missing map keys"));
                }
                ListKind::Map(keys)
            }
            Some(other) => return Err(wrong(path, format!("unknown list type {other}"))),
        };
        Ok(ListType { element, kind })
    }

    fn rules(&mut self, source: &Value, path: &mut Vec<String>) -> Result<Rules, CrdSchemaError> {
        let text = |name: &str| source[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let size = |name: &str| source[name].as_u64().and_then(|size| usize::try_from(size).ok());
        let bound = |name: &str, exclusive: &str| Some((source[name].as_f64()?, source[exclusive] == true));
        let mut alternatives = |name: &str| -> Result<Vec<TypeId>, CrdSchemaError> {
            let parts = source[name].as_array().into_iter().flatten();
            parts.map(|part| self.child(part, false, path, name)).collect()
        };
        let (all_of, any_of, one_of) =
            (alternatives("allOf")?, alternatives("anyOf")?, alternatives("oneOf")?);
        let not = source.get("not").map(|not| self.child(not, false, path, "not")).transpose()?;
        Ok(Rules {
            json_type: text("type"),
            int_or_string: source["x-kubernetes-int-or-string"] == true,
            format: text("format"),
            allowed: source["enum"].as_array().cloned().unwrap_or_default(),
            pattern: text("pattern").map(Pattern::new),
            minimum: bound("minimum", "exclusiveMinimum"),
            maximum: bound("maximum", "exclusiveMaximum"),
            multiple_of: source["multipleOf"].as_f64(),
            min_length: size("minLength"),
            max_length: size("maxLength"),
            min_items: size("minItems"),
            max_items: size("maxItems"),
            unique_items: source["uniqueItems"] == true,
            min_properties: size("minProperties"),
            max_properties: size("maxProperties"),
            required: source["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            all_of,
            any_of,
            one_of,
            not,
        })
    }

    /// apiVersion, kind and the metadata of Kubernetes' own kinds.
    fn add_standard_fields(&mut self, ty: &mut Type) {
        let text = self.schema.add(Type { scalar: Some(Scalar::String), ..Type::default() });
        let metadata = self.metadata();
        let map = ty.map.get_or_insert_with(MapType::default);
        for (name, ty) in [("apiVersion", text), ("kind", text), ("metadata", metadata)] {
            let field = Field {
                name: name.to_owned(),
                ty,
                required: false,
                default: None,
                omits_zero: false,
                always: None,
                strategy: Strategy::default(),
            };
            match map.fields.binary_search_by(|known| known.name.as_str().cmp(name)) {
                Ok(at) => map.fields[at] = field,
                Err(at) => map.fields.insert(at, field),
            }
        }
    }

    fn metadata(&mut self) -> TypeId {
        if let Some(id) = self.metadata {
            return id;
        }
        let config_map = Schemas::builtin().get(&Gvk::new("", "v1", "ConfigMap"));
        let source = config_map.and_then(|ty| ty.child(Some("metadata")));
        let id = source.map_or(DEDUCED, |source| copy(&mut self.schema, source.view(), &mut BTreeMap::new()));
        self.metadata = Some(id);
        id
    }
}

/// Copies a type with all that it refers to into another arena.
fn copy(schema: &mut Schema, source: View<'_>, known: &mut BTreeMap<TypeId, TypeId>) -> TypeId {
    let id = source.id();
    if id == DEDUCED || id == UNTYPED_ATOMIC {
        return id;
    }
    if let Some(id) = known.get(&id) {
        return *id;
    }
    let target = schema.add(Type::default());
    known.insert(id, target);
    let mut ty = source.get().clone();
    if let Some(list) = &mut ty.list {
        list.element = copy(schema, source.at(list.element), known);
    }
    if let Some(map) = &mut ty.map {
        map.element = map.element.map(|element| copy(schema, source.at(element), known));
        for field in &mut map.fields {
            field.ty = copy(schema, source.at(field.ty), known);
        }
    }
    schema.set(target, ty);
    target
}

fn wrong(path: &[String], reason: impl Into<String>) -> CrdSchemaError {
    let path = path.iter().fold(String::new(), |text, step| format!("{text}.{step}"));
    CrdSchemaError { path, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::type_from_crd;

    #[test]
    fn refuses_what_the_server_refuses() {
        let rows = [
            ("unknown type", json!({"type": "thing"}), "schema at : unknown type \"thing\""),
            (
                "map without keys",
                json!({"type": "object", "properties": {"l": {"type": "array", "x-kubernetes-list-type": "map"}}}),
                "schema at .properties.l: missing map keys",
            ),
        ];
        for (name, schema, message) in rows {
            assert_eq!(type_from_crd(&schema).unwrap_err().to_string(), message, "{name}");
        }
    }
}
