//! The types of Kubernetes' own kinds, from the generated table in `data/`.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use resource::Gvk;
use serde_json::{Map, Value};

use crate::types::{
    DEDUCED, Field, ListKind, ListType, MapType, Rules, Scalar, Schema, Strategy, Type, TypeId, TypeRef,
    UNTYPED_ATOMIC,
};

/// Kubernetes' own OpenAPI documents, compacted by `tools/openapi`, which also documents the form.
const TABLE: &str = include_str!("../data/kubernetes.json");

/// Types by kind.
#[derive(Debug)]
pub struct Schemas {
    version: String,
    kinds: BTreeMap<Gvk, TypeRef>,
}

impl Schemas {
    /// Kubernetes' own kinds, of the one version that [`Schemas::version`] names. Parsed on the first call.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Schemas> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            let table: Value =
                serde_json::from_str(TABLE).expect("the checked-in table is JSON; a test parses it");
            read(&table)
        })
    }

    /// The Kubernetes version that the types are of, as in `v1.34.4`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The type of a kind, if it is one of Kubernetes' own.
    pub fn get(&self, gvk: &Gvk) -> Option<&TypeRef> {
        self.kinds.get(gvk)
    }

    /// All kinds with their types, in order.
    pub fn kinds(&self) -> impl Iterator<Item = (&Gvk, &TypeRef)> {
        self.kinds.iter()
    }
}

fn read(table: &Value) -> Schemas {
    let mut builder =
        Builder { schema: Schema::new(true), named: BTreeMap::new(), anonymous: BTreeMap::new() };
    let empty = Map::new();
    let types = table["types"].as_object().unwrap_or(&empty);
    for name in types.keys() {
        let id = builder.schema.add(Type::default());
        builder.named.insert(name, id);
    }
    for (name, source) in types {
        let ty = builder.structure(source);
        let id = builder.named[name.as_str()];
        builder.schema.set(id, ty);
    }
    let kinds = table["kinds"].as_object().unwrap_or(&empty);
    let roots: Vec<_> = kinds
        .iter()
        .filter_map(|(kind, name)| {
            let (api_version, kind) = kind.rsplit_once('/')?;
            Some((Gvk::from_api_version(api_version, kind), *builder.named.get(name.as_str()?)?))
        })
        .collect();
    let schema = Arc::new(builder.schema);
    Schemas {
        version: table["version"].as_str().unwrap_or_default().to_owned(),
        kinds: roots
            .into_iter()
            .map(|(gvk, id)| (gvk, TypeRef { schema: Arc::clone(&schema), id }))
            .collect(),
    }
}

struct Builder<'a> {
    schema: Schema,
    named: BTreeMap<&'a str, TypeId>,
    /// Types that are written in place, by their text, so that each exists once.
    anonymous: BTreeMap<&'a str, TypeId>,
}

impl<'a> Builder<'a> {
    fn structure(&mut self, source: &'a Value) -> Type {
        let required: Vec<String> =
            source["r"].as_array().map_or_else(Vec::new, |names| names.iter().filter_map(text).collect());
        let mut fields = Vec::new();
        for (name, field) in source["f"].as_object().into_iter().flatten() {
            let strategy = field["s"].as_str().unwrap_or_default();
            fields.push(Field {
                name: name.clone(),
                ty: self.expression(field.as_str().or(field["t"].as_str()).unwrap_or("any")),
                required: required.contains(name),
                default: field.get("d").cloned(),
                omits_zero: field["z"].as_bool().unwrap_or(false),
                always: field.get("w").cloned(),
                strategy: Strategy {
                    merge: strategy.starts_with("merge"),
                    replace: strategy == "replace",
                    retain_keys: strategy.ends_with("retainKeys"),
                    merge_key: field["k"].as_str().map(str::to_owned),
                },
            });
        }
        Type {
            map: Some(MapType {
                fields,
                element: source["e"].as_str().map(|element| self.expression(element)),
                implied: false,
                atomic: source["a"].as_bool().unwrap_or(false),
            }),
            rules: Some(Box::new(Rules {
                json_type: Some("object".to_owned()),
                required,
                ..Rules::default()
            })),
            ..Type::default()
        }
    }

    /// Reads a type: a scalar, `[item]`, `[item]set`, `[item]map(key,key)`, `{entry}`, a name; `@` makes it atomic.
    fn expression(&mut self, text: &'a str) -> TypeId {
        if let Some(id) = self.named.get(text).or_else(|| self.anonymous.get(text)) {
            return *id;
        }
        let ty = if let Some(rest) = text.strip_prefix('[') {
            let (element, kind) = rest.rsplit_once(']').unwrap_or((rest, ""));
            let kind = match kind.strip_prefix("map(").and_then(|keys| keys.strip_suffix(')')) {
                Some(keys) => ListKind::Map(keys.split(',').map(str::to_owned).collect()),
                None if kind == "set" => ListKind::Set,
                None => ListKind::Atomic,
            };
            let element = self.expression(element);
            Type { list: Some(ListType { element, kind }), rules: json_type("array"), ..Type::default() }
        } else if let Some(base) = text.strip_suffix('@') {
            let base = self.expression(base);
            let mut ty = self.schema.get(base).clone();
            if let Some(map) = &mut ty.map {
                map.atomic = true;
            }
            ty
        } else if let Some(element) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let element = Some(self.expression(element));
            let map = MapType { element, ..MapType::default() };
            Type { map: Some(map), rules: json_type("object"), ..Type::default() }
        } else {
            match text {
                "raw" => return UNTYPED_ATOMIC,
                "any" | "deduced" => return DEDUCED,
                _ => scalar(text),
            }
        };
        let id = self.schema.add(ty);
        self.anonymous.insert(text, id);
        id
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn json_type(name: &str) -> Option<Box<Rules>> {
    Some(Box::new(Rules { json_type: Some(name.to_owned()), ..Rules::default() }))
}

fn scalar(text: &str) -> Type {
    let (name, choices) = match text.split_once('<') {
        Some((name, choices)) => (name, choices.trim_end_matches('>')),
        None => (text, ""),
    };
    let (scalar, json_type, format) = match name {
        "bool" => (Scalar::Bool, Some("boolean"), None),
        "int32" | "int64" => (Scalar::Number, Some("integer"), Some(name)),
        "double" => (Scalar::Number, Some("number"), Some(name)),
        "bytes" => (Scalar::String, Some("string"), Some("byte")),
        "time" => (Scalar::Any, Some("string"), Some("date-time")),
        "int-or-string" => (Scalar::Any, None, Some(name)),
        "quantity" => (Scalar::Any, None, Some("quantity")),
        _ => (Scalar::String, Some("string"), None),
    };
    let rules = Rules {
        json_type: json_type.map(str::to_owned),
        int_or_string: name == "int-or-string",
        format: format.map(str::to_owned),
        allowed: choices.split('|').filter(|choice| !choice.is_empty()).map(Value::from).collect(),
        ..Rules::default()
    };
    let mut ty = Type { scalar: Some(scalar), rules: Some(Box::new(rules)), ..Type::default() };
    if name == "int-or-string" {
        // Its schema has no type, so structured-merge-diff lets any shape pass.
        ty.list = Some(ListType { element: UNTYPED_ATOMIC, kind: ListKind::Atomic });
        ty.map = Some(MapType { element: Some(DEDUCED), ..MapType::default() });
    }
    ty
}

#[cfg(test)]
mod tests {
    use resource::Gvk;
    use serde_json::json;

    use super::Schemas;
    use crate::types::{ListKind, Scalar, TypeRef};

    fn at(kind: &Gvk, path: &[&str]) -> TypeRef {
        let root = Schemas::builtin().get(kind).unwrap().clone();
        path.iter().fold(root, |ty, step| ty.child((*step != "[]").then_some(step)).unwrap())
    }

    #[test]
    fn every_kind_is_an_object() {
        assert_eq!(Schemas::builtin().version(), "v1.34.4");
        assert!(Schemas::builtin().kinds().count() > 80);
        for (kind, ty) in Schemas::builtin().kinds() {
            for name in ["apiVersion", "kind", "metadata"] {
                assert!(ty.field(name).is_some(), "{kind} has no {name}");
            }
        }
    }

    #[test]
    fn lists_are_told_apart_by_the_servers_keys() {
        let (service, deployment, pod) =
            (Gvk::new("", "v1", "Service"), Gvk::new("apps", "v1", "Deployment"), Gvk::new("", "v1", "Pod"));
        let containers = ["spec", "template", "spec", "containers"];
        let keys = |keys: &[&str]| ListKind::Map(keys.iter().map(|key| (*key).to_owned()).collect());
        let rows = [
            (&service, &["spec", "ports"][..], keys(&["port", "protocol"])),
            (&service, &["spec", "externalIPs"], ListKind::Atomic),
            (&deployment, &containers, keys(&["name"])),
            (&pod, &["spec", "tolerations"], ListKind::Atomic),
            (&pod, &["spec", "volumes"], keys(&["name"])),
            (&pod, &["metadata", "finalizers"], ListKind::Set),
            (&pod, &["metadata", "ownerReferences"], keys(&["uid"])),
        ];
        for (kind, path, wanted) in rows {
            assert_eq!(at(kind, path).get().list.as_ref().unwrap().kind, wanted, "{path:?}");
        }
        let port = at(&service, &["spec", "ports", "[]"]);
        assert_eq!(port.field("protocol").unwrap().default, Some(json!("TCP")));
        assert!(at(&service, &["spec", "selector"]).get().map.as_ref().unwrap().atomic);
        assert_eq!(at(&deployment, &["spec", "replicas"]).get().scalar, Some(Scalar::Number));
    }

    #[test]
    fn patch_strategies_are_on_the_fields() {
        let spec = at(&Gvk::new("apps", "v1", "Deployment"), &["spec"]);
        assert!(spec.field("strategy").unwrap().strategy.retain_keys);
        let pod = spec.child(Some("template")).unwrap().child(Some("spec")).unwrap();
        let containers = &pod.field("containers").unwrap().strategy;
        assert!(containers.merge && containers.merge_key.as_deref() == Some("name"));
        assert!(!pod.field("tolerations").unwrap().strategy.merge);
    }

    #[test]
    fn a_recursive_type_is_one() {
        let crd = Gvk::new("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
        let schema = at(&crd, &["spec", "versions", "[]", "schema", "openAPIV3Schema"]);
        let property = schema.child(Some("properties")).unwrap().child(Some("any")).unwrap();
        assert_eq!(property.id, schema.id);
    }
}
