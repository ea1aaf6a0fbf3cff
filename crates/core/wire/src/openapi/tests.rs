use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::definition_name;
use crate::schema;

#[test]
fn the_document_tells_what_is_found_over_rest() {
    let document = schema().openapi("v1");
    let text = |pointer: &str| document.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}")).clone();
    assert_eq!(text("/swagger"), "2.0");
    assert_eq!(text("/info/version"), "v1");

    let list = &text("/paths/~1api~1v1~1applications/get");
    assert_eq!(list["operationId"], "ApplicationService_List");
    let expected = json!({"name": "projects", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi"});
    assert_eq!(list["parameters"][2], expected);
    assert_eq!(list["responses"]["200"]["schema"], json!({"$ref": "#/definitions/v1alpha1ApplicationList"}));

    let update = &text("/paths/~1api~1v1~1applications~1{application.metadata.name}/put/parameters");
    let expected = json!([
        {"name": "application.metadata.name", "in": "path", "required": true, "type": "string"},
        {"name": "body", "in": "body", "required": true, "schema": {"$ref": "#/definitions/v1alpha1Application"}},
        {"name": "validate", "in": "query", "type": "boolean"},
        {"name": "project", "in": "query", "type": "string"},
    ]);
    assert_eq!(*update, expected);
    let patch = &text("/paths/~1api~1v1~1applications~1{name}~1resource/post/parameters/1");
    assert_eq!(*patch, json!({"name": "body", "in": "body", "required": true, "schema": {"type": "string"}}));
    let get = &text("/paths/~1api~1v1~1clusters~1{id.value}/get/parameters");
    let names: Vec<&Value> = get.as_array().unwrap().iter().map(|parameter| &parameter["name"]).collect();
    assert_eq!(names, ["id.value", "server", "name", "id.type"]);
    let create = &text("/paths/~1api~1v1~1projects/post/parameters");
    assert_eq!(create[0]["schema"], json!({"$ref": "#/definitions/projectProjectCreateRequest"}));
    let logs = &text("/paths/~1api~1v1~1applications~1{name}~1logs/get");
    assert_eq!(logs["operationId"], "ApplicationService_PodLogs2");
    assert_eq!(
        logs["responses"]["200"]["schema"]["properties"]["result"],
        json!({"$ref": "#/definitions/applicationLogEntry"})
    );
    // Two methods share the place.
    assert_eq!(text("/paths/~1api~1v1~1repositories/get/operationId"), "RepositoryService_ListRepositories");
    text("/paths/~1api~1v1~1account~1can-i~1{resource}~1{action}~1{subresource}/get");

    let rows = [
        ("v1Time", json!({"type": "string", "format": "date-time"})),
        ("v1alpha1KustomizeGvk", Value::Null),
        ("v1alpha1SyncStrategyHook", json!({"type": "object", "properties": {"force": {"type": "boolean"}}})),
        ("v1alpha1OptionalArray", json!({"type": "array", "items": {"type": "string"}})),
        (
            "v1alpha1ApplicationSummary",
            json!({"type": "object", "properties": {
                "externalURLs": {"type": "array", "items": {"type": "string"}},
                "images": {"type": "array", "items": {"type": "string"}},
                "isAppOfApps": {"type": "boolean", "x-since": "3.6"},
            }}),
        ),
        ("runtimeRawExtension", json!({"description": "Any JSON."})),
    ];
    for (name, expected) in rows {
        assert_eq!(document["definitions"].get(name).unwrap_or(&Value::Null), &expected, "{name}");
    }
    let overriding = &text("/definitions/v1alpha1ResourceOverride/properties");
    assert_eq!(overriding["ignoreDifferences"], json!({"type": "string", "description": "YAML."}));
    assert_eq!(overriding["health.lua"], json!({"type": "string"}));
}

#[test]
fn the_document_refers_to_what_it_defines() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|inner| references(inner, found));
            }
            Value::Array(list) => list.iter().for_each(|inner| references(inner, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = schema().openapi("v1");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 400, "{}", found.len());
    for reference in found {
        let name = reference.strip_prefix("#/definitions/").unwrap();
        assert!(document["definitions"].get(name).is_some(), "{reference}");
    }
    // No two messages have one name.
    let names: BTreeSet<String> = schema().messages().map(definition_name).collect();
    assert_eq!(names.len(), schema().messages().count());
}
