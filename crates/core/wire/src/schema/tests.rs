use prost_reflect::DescriptorPool;
use serde_json::json;

use super::{DESCRIPTORS, Kind, Message, schema};
use crate::tests::message;

#[test]
fn places_over_rest_name_fields() {
    for method in schema().methods() {
        let input = message(&method.input);
        assert!(!method.rest.is_empty(), "{}", method.name);
        assert!(schema().message(&method.output).is_some(), "{}", method.output);
        for rest in &method.rest {
            let body = input.fields.iter().any(|field| field.name == rest.body);
            assert!(
                body || ["", "*"].contains(&rest.body.as_str()),
                "{} {}: {}",
                rest.verb,
                rest.path,
                rest.body
            );
            for variable in rest.path.split('{').skip(1) {
                let name = variable.split(['}', '=']).next().unwrap();
                let mut request = json!({});
                input.set(&mut request, name, "1").unwrap();
                assert_ne!(request, json!({}), "{} has {name}", rest.path);
            }
        }
    }
}

#[test]
fn all_that_the_files_say_is_read() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    for message in schema().messages() {
        let said = pool.get_message_by_name(&message.name).unwrap();
        assert_eq!(
            message.fields.len(),
            said.fields().len(),
            "{} has fields of a type that is not known",
            message.name
        );
    }
}

#[test]
fn no_message_is_inside_of_itself() {
    fn depth(message: &Message, above: &mut Vec<String>) -> usize {
        assert!(!above.contains(&message.name), "{above:?} {}", message.name);
        above.push(message.name.clone());
        let inner = message.fields.iter().map(|field| match field.kind {
            Kind::Message(inner) => depth(schema().at(inner), above),
            Kind::Int32 | Kind::Int64 | Kind::Bool | Kind::Text | Kind::Bytes => 0,
        });
        let deepest = inner.max().unwrap_or_default();
        above.pop();
        deepest + 1
    }
    let deepest = schema().messages().map(|message| depth(message, &mut Vec::new())).max();
    assert!(deepest < Some(24), "{deepest:?}");
}
