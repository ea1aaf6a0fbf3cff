//! What the schema says as an OpenAPI 2.0 document.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::schema::{Field, Form, Kind, Message, Method, Rest, Schema, Shape, schema};

#[cfg(test)]
mod tests;

impl Schema {
    /// The OpenAPI 2.0 (swagger) document of all that is found over REST.
    ///
    /// **Shape**: paths by template (`{rest=**}` as `{rest}`), operations named `Service_Method`, definitions by the last part of the package
    /// and the message (`v1alpha1Application`); only those that are reached. Where methods share a place the last by name has it.
    /// `x-since` is the peer's version that first has something that 3.2 has not.
    ///
    /// **Source**: Argo CD 3.2, `/swagger.json`. We tell what JSON has: what is wrapped in protobuf is not, and 64-bit numbers are numbers.
    pub fn openapi(&self, version: &str) -> Value {
        let mut paths: Map<String, Value> = Map::new();
        let mut reached = BTreeSet::new();
        for method in self.methods() {
            for (index, rest) in method.rest.iter().enumerate() {
                let path = rest.path.replace("=**}", "}");
                let place = paths.entry(path).or_insert_with(|| Value::Object(Map::new()));
                place[rest.verb.to_lowercase()] = self.operation(method, index, rest, &mut reached);
            }
        }
        let mut definitions = errors();
        let mut done = BTreeSet::new();
        while let Some(index) = reached.difference(&done).next().copied() {
            let message = self.at(index);
            definitions.insert(definition_name(message), message.definition(&mut reached));
            done.insert(index);
        }
        json!({
            "swagger": "2.0",
            "info": {"title": "Capstan", "version": version},
            "consumes": ["application/json"],
            "produces": ["application/json"],
            "paths": paths,
            "definitions": definitions,
        })
    }

    fn operation(&self, method: &Method, index: usize, rest: &Rest, reached: &mut BTreeSet<usize>) -> Value {
        let output = self.index(&method.output);
        let output = output.map(|index| reference(index, reached));
        let (description, output) = match method.gives_stream {
            true => (
                "A line for each answer; with `Accept: text/event-stream` an event.",
                Some(json!({"type": "object", "properties": {
                    "result": output, "error": {"$ref": "#/definitions/runtimeStreamError"},
                }})),
            ),
            false => ("The answer.", output),
        };
        let service = method.service.rsplit('.').next().unwrap_or_default();
        let again = if index == 0 { String::new() } else { (index + 1).to_string() };
        let mut operation = json!({
            "tags": [service],
            "operationId": format!("{service}_{}{again}", method.name),
            "parameters": self.parameters(method, rest, reached),
            "responses": {
                "200": {"description": description, "schema": output},
                "default": {"description": "What went wrong.", "schema": {"$ref": "#/definitions/runtimeError"}},
            },
        });
        if let Some(since) = &method.since {
            operation["x-since"] = json!(since);
        }
        operation
    }

    fn parameters(&self, method: &Method, rest: &Rest, reached: &mut BTreeSet<usize>) -> Vec<Value> {
        let Some(input) = self.index(&method.input) else { return Vec::new() };
        let message = self.at(input);
        let variables = rest.path.split('{').skip(1).filter_map(|part| part.split(['}', '=']).next());
        let variables: Vec<&str> = variables.collect();
        let in_path = |name: &&str| json!({"name": name, "in": "path", "required": true, "type": "string"});
        let mut parameters: Vec<Value> = variables.iter().map(in_path).collect();
        let body = match rest.body.as_str() {
            "" => None,
            "*" => Some(reference(input, reached)),
            body => {
                let field = message.fields.iter().find(|field| field.name == body);
                field.map(|field| field.definition(reached))
            }
        };
        if let Some(body) = body {
            parameters.push(json!({"name": "body", "in": "body", "required": true, "schema": body}));
        }
        if rest.body != "*" {
            message.parameters("", &mut |name, mut parameter| {
                if !variables.contains(&name) && name.split('.').next() != Some(&rest.body) {
                    parameter["name"] = name.into();
                    parameter["in"] = "query".into();
                    parameters.push(parameter);
                }
            });
        }
        parameters
    }
}

impl Message {
    /// Its JSON. The messages that it names are put into `reached`.
    fn definition(&self, reached: &mut BTreeSet<usize>) -> Value {
        match self.form {
            Form::Object => {
                let mut properties = Map::new();
                self.properties(&mut properties, reached);
                json!({"type": "object", "properties": properties})
            }
            Form::Time | Form::MicroTime => json!({"type": "string", "format": "date-time"}),
            Form::IntOrString => json!({"description": "A number or a string."}),
            Form::Raw => json!({"description": "Any JSON."}),
            Form::Only => self.fields.first().map_or_else(|| json!({}), |field| field.definition(reached)),
        }
    }

    fn properties(&self, properties: &mut Map<String, Value>, reached: &mut BTreeSet<usize>) {
        for field in &self.fields {
            match (field.inline, field.kind) {
                (true, Kind::Message(inner)) => schema().at(inner).properties(properties, reached),
                _ => drop(properties.insert(field.json.clone(), field.definition(reached))),
            }
        }
    }

    /// Calls with the name and the type of each field that can be a parameter.
    fn parameters(&self, prefix: &str, each: &mut impl FnMut(&str, Value)) {
        for field in &self.fields {
            let name = format!("{prefix}{}", field.json);
            match (field.kind, field.shape) {
                (_, Shape::Map) | (Kind::Message(_), Shape::Many) => {}
                (Kind::Message(inner), Shape::Plain | Shape::Pointer) => {
                    let inner = schema().at(inner);
                    match inner.form {
                        Form::Object => inner.parameters(&format!("{name}."), each),
                        Form::Time | Form::MicroTime => each(&name, inner.definition(&mut BTreeSet::new())),
                        Form::IntOrString | Form::Raw | Form::Only => {}
                    }
                }
                (_, Shape::Plain | Shape::Pointer | Shape::Many) => {
                    let mut parameter = field.definition(&mut BTreeSet::new());
                    if field.shape == Shape::Many {
                        parameter["collectionFormat"] = "multi".into();
                    }
                    each(&name, parameter);
                }
            }
        }
    }
}

impl Field {
    fn definition(&self, reached: &mut BTreeSet<usize>) -> Value {
        let one = match self.kind {
            Kind::Int32 => json!({"type": "integer", "format": "int32"}),
            Kind::Int64 => json!({"type": "integer", "format": "int64"}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Text => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "format": "byte"}),
            Kind::Message(_) if self.yaml => json!({"type": "string", "description": "YAML."}),
            Kind::Message(message) => reference(message, reached),
        };
        let mut definition = match self.shape {
            Shape::Plain | Shape::Pointer => one,
            Shape::Many => json!({"type": "array", "items": one}),
            Shape::Map => json!({"type": "object", "additionalProperties": one}),
        };
        if let Some(since) = &self.since {
            definition["x-since"] = json!(since);
        }
        definition
    }
}

fn reference(message: usize, reached: &mut BTreeSet<usize>) -> Value {
    reached.insert(message);
    json!({"$ref": format!("#/definitions/{}", definition_name(schema().at(message)))})
}

/// `v1alpha1Application` for `….v1alpha1.Application`.
fn definition_name(message: &Message) -> String {
    let mut parts = message.name.rsplit('.');
    let name = parts.next().unwrap_or_default();
    format!("{}{name}", parts.next().unwrap_or_default())
}

/// What an error looks like, by itself and in a stream.
fn errors() -> Map<String, Value> {
    let (text, number) = (json!({"type": "string"}), json!({"type": "integer", "format": "int32"}));
    let object = |properties: Value| json!({"type": "object", "properties": properties});
    Map::from_iter([
        ("runtimeError".to_owned(), object(json!({"error": text, "message": text, "code": number}))),
        (
            "runtimeStreamError".to_owned(),
            object(json!({"message": text, "grpc_code": number, "http_code": number, "http_status": text})),
        ),
    ])
}
