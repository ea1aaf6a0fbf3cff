//! What Argo CD's own types say of every message and method, as `tools/wire-oracle` recorded it.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::decode::is_zero;
use crate::schema;
use crate::schema::{Field, Form, Kind, Message, Shape};

const MESSAGES: &str = include_str!("../tests/cases/messages.jsonl");
const METHODS: &str = include_str!("../tests/cases/methods.jsonl");

fn lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

/// Goes through Go's JSON and takes away what ours leaves out:
/// - fields with a zero, an empty text, list, map or message, or `null`, unless they are pointers in Go,
/// - pointers that are `null`, which is how Go has a time that is not set, and
/// - `apiVersion` and `kind` of whole objects, which protobuf does not have.
///
/// Texts of YAML are put in our form, which has no empty lists either. A member without a field stays, for the comparison to find.
fn lean(message: &Message, value: Value) -> Value {
    match (message.form, value) {
        (Form::Object, Value::Object(mut map)) => {
            for name in ["apiVersion", "kind"] {
                if !message.fields.iter().any(|field| field.json == name || field.inline) {
                    map.remove(name);
                }
            }
            lean_fields(message, &mut map);
            Value::Object(map)
        }
        (_, value) => value,
    }
}

fn lean_fields(message: &Message, map: &mut Map<String, Value>) {
    for field in &message.fields {
        if let (true, Kind::Message(inner)) = (field.inline, field.kind) {
            lean_fields(schema().at(inner), map);
        }
        let Some(value) = map.remove(&field.json) else { continue };
        let value = lean_field(field, value);
        if !value.is_null() && (field.shape == Shape::Pointer || !is_zero(&value)) {
            map.insert(field.json.clone(), value);
        }
    }
}

fn lean_field(field: &Field, value: Value) -> Value {
    let Kind::Message(message) = field.kind else { return value };
    let message = schema().at(message);
    match (field.shape, value) {
        (Shape::Plain | Shape::Pointer, Value::String(text)) if field.yaml => {
            let value = goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default()).unwrap();
            match lean(message, value) {
                value if is_zero(&value) => Value::Null,
                value => Value::String(goyaml::to_string(&value)),
            }
        }
        (Shape::Plain | Shape::Pointer, value) => lean(message, value),
        (Shape::Many, Value::Array(list)) => list.into_iter().map(|one| lean(message, one)).collect(),
        (Shape::Map, Value::Object(map)) => {
            map.into_iter().map(|(key, one)| (key, lean(message, one))).collect()
        }
        (_, value) => value,
    }
}

#[test]
fn messages_are_what_argo_cd_makes_of_them() {
    for line in lines(MESSAGES) {
        let text = |name: &str| line[name].as_str().unwrap();
        let (name, case) = (text("message"), text("case"));
        let message = schema().message(name).unwrap_or_else(|| panic!("there is no {name}"));
        let bytes = STANDARD.decode(text("proto")).unwrap();
        let json = match (message.form, &message.fields[..]) {
            // Go does not write these by themselves, but as a member of what they are in.
            (Form::Only, [field]) => match &line["json"][&field.json] {
                Value::Null => field.zero().unwrap(),
                only => only.clone(),
            },
            _ => line["json"].clone(),
        };
        let expected = lean(message, json.clone());

        let decoded = message.decode(&bytes).unwrap_or_else(|error| panic!("{name}, {case}: {error}"));
        assert_eq!(decoded, expected, "{name}, {case}: protobuf to JSON");

        let encoded = message.encode(&json).unwrap_or_else(|error| panic!("{name}, {case}: {error}"));
        let again = message.decode(&encoded).unwrap_or_else(|error| panic!("{name}, {case}: {error}"));
        assert_eq!(again, without_required(message, expected), "{name}, {case}: JSON to protobuf and back");
    }
}

/// Required pointers come back as zeros.
fn without_required(message: &Message, mut value: Value) -> Value {
    for field in message.fields.iter().filter(|field| field.required && field.shape == Shape::Pointer) {
        if let (Value::Object(map), zero) = (&mut value, field.zero().unwrap())
            && !zero.is_null()
        {
            map.entry(&field.json).or_insert(zero);
        }
    }
    value
}

/// What only a pointer can tell from nothing is there in the line with the pointers, and not in the line with nothing.
#[test]
fn pointers_are_optional() {
    let of_case = |case: &str| -> BTreeMap<String, Value> {
        let of_case = lines(MESSAGES).filter(|line| line["case"] == case);
        of_case.map(|line| (line["message"].as_str().unwrap().to_owned(), line["json"].clone())).collect()
    };
    let zeros = of_case("zero");
    let mut checked = 0;
    for (name, pointers) in of_case("pointers") {
        let message = schema().message(&name).unwrap();
        let Some(zero) = zeros.get(&name) else { continue };
        // Go has no pointers to bytes.
        for field in message.fields.iter().filter(|field| !field.inline && field.kind != Kind::Bytes) {
            let said = pointers.get(&field.json).is_some_and(|value| !value.is_null());
            let time = matches!(field.kind, Kind::Message(inner) if schema().at(inner).form != Form::Object);
            if field.since.is_some() {
                continue;
            }
            if (said && zero.get(&field.json) != pointers.get(&field.json))
                || field.shape == Shape::Pointer && !time
            {
                assert_eq!(field.shape, Shape::Pointer, "{name}.{}", field.json);
                assert!(said, "{name}.{} is no pointer", field.json);
                checked += 1;
            }
        }
    }
    assert!(checked > 50, "{checked}");
}

#[test]
fn every_field_is_recorded() {
    let mut recorded: BTreeSet<(String, String)> = BTreeSet::new();
    for line in lines(MESSAGES) {
        let name = line["message"].as_str().unwrap();
        let members = line["json"].as_object().into_iter().flatten();
        recorded.extend(members.map(|(member, _)| (name.to_owned(), member.clone())));
    }
    let ours = schema().messages().filter(|message| message.form == Form::Object);
    let fields = ours.flat_map(|message| message.fields.iter().map(move |field| (message, field)));
    let missing: Vec<String> = fields
        .filter(|(message, field)| {
            !field.inline
                && field.since.is_none()
                && !recorded.contains(&(message.name.clone(), field.json.clone()))
        })
        .map(|(message, field)| format!("{}.{}", message.name, field.json))
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "fields that the record has no value of");
}

#[test]
fn methods_are_those_of_argo_cd() {
    let mut recorded: Vec<Value> = lines(METHODS).collect();
    let order = |value: &Value| (value["service"].to_string(), value["name"].to_string());
    recorded.sort_by_key(order);
    let rest = |rest: &crate::Rest| json!({"verb": rest.verb, "path": rest.path, "body": rest.body});
    let mut ours: Vec<Value> = schema()
        .methods()
        .iter()
        .filter(|method| method.since.is_none())
        .map(|method| {
            json!({
                "service": method.service, "name": method.name, "input": method.input, "output": method.output,
                "takesStream": method.takes_stream, "givesStream": method.gives_stream,
                "rest": method.rest.iter().map(rest).collect::<Vec<_>>(),
            })
        })
        .collect();
    ours.sort_by_key(order);
    assert_eq!(ours.len(), recorded.len());
    for (ours, recorded) in ours.iter().zip(&recorded) {
        assert_eq!(ours, recorded);
    }
}
