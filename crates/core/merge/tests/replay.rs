//! Replays what Kubernetes' own libraries said to each case (`tools/merge-oracle` records it).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read its own input has failed")]

use merge::{
    ApplyError, FieldSet, Manager, Schemas, TypeRef, deduced, default, display_path, field_set_of,
    json_merge_patch, json_patch, prune, server_side_apply, strategic_merge_patch, three_way_strategic,
    track_update, type_from_crd, upgrade_client_side, validate,
};
use resource::Gvk;
use serde_json::{Value, json};

const NOW: &str = "2030-01-01T00:00:00Z";

/// The type that a case names, or brings along.
fn type_of(case: &Value) -> TypeRef {
    match (case["kind"].as_str(), case.get("schema")) {
        (Some(kind), _) => {
            let (api_version, kind) = kind.rsplit_once('/').unwrap();
            Schemas::builtin().get(&Gvk::from_api_version(api_version, kind)).unwrap().clone()
        }
        (None, Some(schema)) => type_from_crd(schema).unwrap(),
        (None, None) => deduced(),
    }
}

fn manager<'a>(case: &'a Value, resets: Option<&'a FieldSet>) -> Manager<'a> {
    let api_version = case["kind"].as_str().map_or("example.com/v1", |kind| kind.rsplit_once('/').unwrap().0);
    let subresource = case["subresource"].as_str().unwrap_or_default();
    Manager {
        subresource,
        resets,
        ..Manager::apply(case["manager"].as_str().unwrap_or_default(), api_version, NOW)
    }
}

fn resets(case: &Value) -> Option<FieldSet> {
    case.get("resets").map(|fields| FieldSet::from_fields_v1(fields).unwrap())
}

fn object_or_error(result: Result<Value, impl ToString>) -> Value {
    match result {
        Ok(object) => json!({"object": object}),
        Err(error) => json!({"error": error.to_string()}),
    }
}

/// An object as the API server holds it: built-in ones are Go structs there.
fn held(case: &Value, name: &str) -> Option<Value> {
    let mut object = case.get(name)?.clone();
    merge::normalize(&type_of(case), &mut object);
    Some(object)
}

fn applied(case: &Value) -> Value {
    let force = case["force"] == true;
    match server_side_apply(
        &type_of(case),
        held(case, "live").as_ref(),
        &case["object"],
        &manager(case, resets(case).as_ref()),
        force,
    ) {
        Err(error @ ApplyError::Conflicts(_)) => {
            let message = error.to_string();
            let ApplyError::Conflicts(conflicts) = error else { unreachable!() };
            let cause = |c: &merge::Conflict| json!({"field": display_path(&c.path), "message": format!("conflict with {}", c.who())});
            json!({"error": message, "causes": conflicts.iter().map(cause).collect::<Vec<_>>()})
        }
        result => object_or_error(result),
    }
}

fn judge(case: &Value) -> Value {
    let ty = || type_of(case);
    match case["op"].as_str().unwrap() {
        "apply" => applied(case),
        "update" => {
            let new = held(case, "object").unwrap();
            json!({"object": track_update(&ty(), held(case, "live").as_ref(), new, &manager(case, resets(case).as_ref()))})
        }
        "fields" => json!({"fields": field_set_of(&ty(), &case["object"]).unwrap().to_fields_v1()}),
        "strategic" => object_or_error(strategic_merge_patch(&ty(), &case["live"], &case["patch"])),
        "three-way" => {
            object_or_error(three_way_strategic(&ty(), &case["original"], &case["object"], &case["live"]))
        }
        "json-merge" => json!({"object": json_merge_patch(case["live"].clone(), &case["patch"])}),
        "json-patch" => object_or_error(json_patch(&case["live"], &case["patch"])),
        "upgrade" => {
            let mut live = case["live"].clone();
            let from: Vec<_> =
                case["from"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            upgrade_client_side(&mut live, &from, case["manager"].as_str().unwrap()).unwrap();
            json!({"object": live})
        }
        "default" => {
            let mut object = case["object"].clone();
            default(&ty(), &mut object);
            json!({"object": object})
        }
        "prune" => {
            let mut object = case["object"].clone();
            let unknown = prune(&ty(), &mut object);
            json!({"object": object, "unknown": if unknown.is_empty() { Value::Null } else { json!(unknown) }})
        }
        "validate" => {
            let mut found: Vec<_> =
                validate(&ty(), &case["object"]).iter().map(ToString::to_string).collect();
            found.sort();
            json!({"violations": found})
        }
        other => panic!("unknown op {other}"),
    }
}

/// Verdicts as they are compared: the server lists the causes of a conflict, and several misfits, in no order.
fn comparable(mut verdict: Value) -> Value {
    if let Some(causes) = verdict.get_mut("causes").and_then(Value::as_array_mut) {
        causes.sort_by_key(ToString::to_string);
    } else if let Some(Value::String(error)) = verdict.get_mut("error") {
        let mut lines: Vec<&str> = error.lines().collect();
        lines.sort_unstable();
        *error = lines.join("\n");
    }
    verdict
}

fn check(cases: &str) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        count += 1;
        let (got, want) = (comparable(judge(&case)), comparable(case["expected"].clone()));
        if !merge::equal(&got, &want) {
            wrong.push(format!("{}\n  want {want}\n  got  {got}", case["name"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cases differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 0);
}

#[test]
fn apply() {
    check(include_str!("cases/apply.jsonl"));
}

#[test]
fn update() {
    check(include_str!("cases/update.jsonl"));
}

#[test]
fn fields() {
    check(include_str!("cases/fields.jsonl"));
}

#[test]
fn strategic() {
    check(include_str!("cases/strategic.jsonl"));
}

#[test]
fn three_way() {
    check(include_str!("cases/three-way.jsonl"));
}

#[test]
fn json_patches() {
    check(include_str!("cases/json.jsonl"));
}

#[test]
fn upgrade() {
    check(include_str!("cases/upgrade.jsonl"));
}

#[test]
fn custom() {
    check(include_str!("cases/custom.jsonl"));
}

#[test]
fn sets_survive_their_json_form() {
    for line in include_str!("cases/fields.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let fields = &case["expected"]["fields"];
        assert_eq!(FieldSet::from_fields_v1(fields).unwrap().to_fields_v1(), *fields, "{}", case["name"]);
    }
}
