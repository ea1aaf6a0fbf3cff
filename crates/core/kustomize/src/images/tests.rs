use serde::Deserialize;
use serde_json::{Value, json};

use super::{Image, apply_image, pattern};
use crate::fieldspec::FieldSpec;
use crate::patch::tests::{check, documents};
use crate::replicas::set_replicas;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    image_tag: Image,
    field_specs: Vec<Value>,
}

fn spec(row: &Value) -> FieldSpec {
    let text = |field: &str| row[field].as_str().unwrap_or_default();
    FieldSpec::new(text("group"), text("version"), text("kind"), text("path"), row["create"] == json!(true))
}

#[test]
fn images_are_those_of_the_peer() {
    check(include_str!("../../tests/cases/images.jsonl"), |case| {
        let mut resources = documents(case["resources"].as_str().unwrap());
        let config: Config = serde_json::from_str(case["config"].as_str().unwrap()).unwrap();
        let specs: Vec<FieldSpec> = config.field_specs.iter().map(spec).collect();
        if let Some(pattern) = pattern(&config.image_tag.name) {
            apply_image(&mut resources[0], &config.image_tag, &pattern, &specs)
                .map_err(|error| error.to_string())?;
        }
        Ok(json!(resources))
    });
}

#[test]
fn replicas_are_those_of_the_peer() {
    check(include_str!("../../tests/cases/replicas.jsonl"), |case| {
        let mut resources = documents(case["resources"].as_str().unwrap());
        let config: Value = serde_json::from_str(case["config"].as_str().unwrap()).unwrap();
        let count = config["replica"]["count"].as_i64().unwrap();
        let done = set_replicas(&mut resources[0], count, &spec(&config["fieldSpec"]));
        done.map_err(|error| error.to_string())?;
        Ok(json!(resources))
    });
}
