//! OpenAPI v3: an index, and one document a group and version, enough for kubectl's explain, apply and validation.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Map, Value, json};

use crate::{
    registry::{Kind, Registry},
    reply::Answer,
    service::Context,
    shapes::SCHEMAS,
    status::{ApiError, ApiResult},
};

const REFERENCE: &str = "#/components/schemas/";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

static COMPONENTS: LazyLock<BTreeMap<String, Value>> =
    LazyLock::new(|| serde_json::from_str(SCHEMAS).expect("the schemas are part of the crate and tested"));

/// `/openapi/v3` and what is below.
pub(crate) fn answer(context: &Context, registry: &Registry, rest: &[&str]) -> ApiResult<Answer> {
    match rest {
        [] => Ok(Answer::json(200, &index(registry, context.sim.resource_version()))),
        ["api", version] => document(registry, "", version),
        ["apis", group, version] => document(registry, group, version),
        _ => Err(ApiError::no_such_resource()),
    }
}

fn index(registry: &Registry, revision: u64) -> Value {
    let mut paths = Map::new();
    for (group, versions) in registry.groups() {
        for version in versions {
            let path =
                if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
            // The hash lets clients keep what they have; documents of built-in kinds never change.
            let custom = registry.kinds_of(group, version).any(|k| k.custom.is_some());
            let hash = if custom { revision } else { 0 };
            let url = format!("/openapi/v3/{path}?hash={hash:016X}");
            paths.insert(path, json!({"serverRelativeURL": url}));
        }
    }
    json!({"paths": paths})
}

fn document(registry: &Registry, group: &str, version: &str) -> ApiResult<Answer> {
    let kinds: Vec<_> = registry.kinds_of(group, version).collect();
    if kinds.is_empty() {
        return Err(ApiError::no_such_resource());
    }
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    let mut paths = Map::new();
    for kind in &kinds {
        let name = match &kind.custom {
            Some(custom) => {
                let name = component_name(kind);
                schemas.insert(name.clone(), custom_component(kind, &custom.schema));
                Some(name)
            }
            None => built_in_component(kind),
        };
        let Some(name) = name else { continue };
        include(&mut schemas, &name);
        let (collection, one) = operations(kind, &name);
        paths.extend(collection);
        paths.extend(one);
    }
    include(&mut schemas, OBJECT_META);
    Ok(Answer::json(
        200,
        &json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.34.4"},
            "paths": paths, "components": {"schemas": schemas}}),
    ))
}

/// `com.example.v1.Widget` for group `example.com`.
fn component_name(kind: &Kind) -> String {
    let mut parts: Vec<&str> = kind.group.split('.').collect();
    parts.reverse();
    format!("{}.{}.{}", parts.join("."), kind.version, kind.kind)
}

fn custom_component(kind: &Kind, schema: &Value) -> Value {
    let mut schema = if schema.is_object() { schema.clone() } else { json!({"type": "object"}) };
    let metadata = json!({"allOf": [{"$ref": format!("{REFERENCE}{OBJECT_META}")}]});
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    schema["properties"]["metadata"] = metadata;
    for field in ["apiVersion", "kind"] {
        if schema["properties"][field].is_null() {
            schema["properties"][field] = json!({"type": "string"});
        }
    }
    schema["x-kubernetes-group-version-kind"] =
        json!([{"group": kind.group, "version": kind.version, "kind": kind.kind}]);
    schema
}

fn built_in_component(kind: &Kind) -> Option<String> {
    let wanted = json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
    let has = |schema: &Value| {
        let kinds = schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
        kinds.is_some_and(|kinds| kinds.contains(&wanted))
    };
    COMPONENTS.iter().find(|(_, schema)| has(schema)).map(|(name, _)| name.clone())
}

/// Adds a schema and all that it refers to.
fn include(schemas: &mut BTreeMap<String, Value>, name: &str) {
    let mut queue = vec![name.to_owned()];
    while let Some(name) = queue.pop() {
        let schema = match (schemas.contains_key(&name), COMPONENTS.get(&name)) {
            (false, Some(schema)) => schema.clone(),
            // One that is there already is a custom one, whose references are still to be followed.
            (true, None) => schemas[&name].clone(),
            _ => continue,
        };
        let mut inside = vec![&schema];
        while let Some(value) = inside.pop() {
            match value {
                Value::Object(map) => {
                    let reference = map.get("$ref").and_then(Value::as_str);
                    queue.extend(
                        reference
                            .and_then(|r| r.strip_prefix(REFERENCE))
                            .filter(|r| !schemas.contains_key(*r))
                            .map(str::to_owned),
                    );
                    inside.extend(map.values());
                }
                Value::Array(items) => inside.extend(items),
                _ => {}
            }
        }
        schemas.entry(name).or_insert(schema);
    }
}

type Paths = Map<String, Value>;

fn operations(kind: &Kind, component: &str) -> (Paths, Paths) {
    let root = if kind.group.is_empty() {
        format!("/api/{}", kind.version)
    } else {
        format!("/apis/{}/{}", kind.group, kind.version)
    };
    let scope = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    let gvk = json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
    let content = json!({"application/json": {"schema": {"$ref": format!("{REFERENCE}{component}")}}});
    let operation = |action: &str, parameters: &[&str], body: bool| {
        let parameters: Vec<Value> = parameters
            .iter()
            .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
            .collect();
        let mut operation = json!({
            "operationId": format!("{action}{}", kind.kind), "parameters": parameters,
            "responses": {"200": {"description": "OK", "content": content}},
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk,
        });
        if body {
            operation["requestBody"] = json!({"content": content});
        }
        operation
    };
    let write = ["dryRun", "fieldManager", "fieldValidation"];
    let mut collection = Map::new();
    let mut one = Map::new();
    let has = |verb: &str| kind.verbs.iter().any(|v| v == verb);
    if has("list") {
        collection
            .insert("get".to_owned(), operation("list", &["labelSelector", "fieldSelector", "limit"], false));
    }
    if has("create") {
        collection.insert("post".to_owned(), operation("post", &write, true));
    }
    if has("get") {
        one.insert("get".to_owned(), operation("get", &[], false));
    }
    if has("update") {
        one.insert("put".to_owned(), operation("put", &write, true));
    }
    if has("patch") {
        let all = ["dryRun", "fieldManager", "fieldValidation", "force"];
        one.insert("patch".to_owned(), operation("patch", &all, true));
    }
    if has("delete") {
        one.insert("delete".to_owned(), operation("delete", &["dryRun"], false));
    }
    let base = format!("{root}{scope}/{}", kind.plural);
    let mut paths = (Map::new(), Map::new());
    if !one.is_empty() {
        paths.1.insert(format!("{base}/{{name}}"), Value::Object(one));
    }
    if !collection.is_empty() {
        paths.0.insert(base, Value::Object(collection));
    }
    paths
}
