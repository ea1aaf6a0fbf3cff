//! From a request's body to data: JSON with an eye on duplicate keys, or YAML.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

use crate::{
    protobuf,
    registry::Kind,
    schema,
    service::Context,
    status::{ApiError, ApiResult, FieldError},
};

/// Most duplicate or unknown fields that are named in one answer.
const MAX_REPORTED: usize = 100;

/// How strict a writer wants the server to be with fields that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

impl FieldValidation {
    pub(crate) fn of(context: &Context) -> ApiResult<Self> {
        match context.query.get("fieldValidation") {
            "" | "Warn" => Ok(Self::Warn),
            "Ignore" => Ok(Self::Ignore),
            "Strict" => Ok(Self::Strict),
            other => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                let error = FieldError::not_supported("fieldValidation", json!(other), &supported);
                Err(ApiError::invalid_options("CreateOptions", &[error]))
            }
        }
    }
}

/// A body as data, with the paths of keys that came twice.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) value: Value,
    pub(crate) duplicates: Vec<String>,
}

/// Parses a body by its content type.
pub(crate) fn parse(content_type: &str, body: &[u8]) -> ApiResult<Parsed> {
    let media = content_type.split(';').next().unwrap_or_default().trim();
    if media == "application/yaml" || media == "application/apply-patch+yaml" {
        return parse_yaml(body);
    }
    if media == "application/vnd.kubernetes.protobuf" {
        let value = protobuf::decode(body).map_err(|why| {
            ApiError::bad_request(format!("the body of the request cannot be decoded: {why}"))
        })?;
        return Ok(Parsed { value, duplicates: Vec::new() });
    }
    if !matches!(media, "" | "application/json" | "*/*") && !media.ends_with("+json") {
        return Err(ApiError::unsupported_media(
            "application/json, application/yaml, application/vnd.kubernetes.protobuf, application/cbor",
        ));
    }
    parse_json(body).map_err(|e| ApiError::bad_request(format!("json parse error: {e}")))
}

fn parse_json(body: &[u8]) -> Result<Parsed, serde_json::Error> {
    let mut duplicates = Vec::new();
    let mut path = String::new();
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Seed { path: &mut path, duplicates: &mut duplicates }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(Parsed { value, duplicates })
}

/// JSON is YAML too, and most of what comes under this name is JSON.
fn parse_yaml(body: &[u8]) -> ApiResult<Parsed> {
    if body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')
        && let Ok(parsed) = parse_json(body)
    {
        return Ok(parsed);
    }
    let limits = goyaml::Limits { bytes: body.len(), depth: 128, nodes: 400_000, documents: 1 };
    let documents = goyaml::parse_all(body, &limits)
        .map_err(|e| ApiError::bad_request(format!("error decoding YAML: {e}")))?;
    let Some(document) = documents.into_iter().next() else {
        return Err(ApiError::bad_request("the body of the request is empty"));
    };
    let duplicates = document.duplicate_keys().iter().map(|(key, _)| key.clone()).collect();
    Ok(Parsed { value: document.value, duplicates })
}

/// Reads the object of a create or update and checks that it is one of `kind`.
pub(crate) fn object(context: &mut Context, kind: &Kind, body: &[u8]) -> ApiResult<Value> {
    let content_type = context.content_type.clone();
    let parsed = parse(&content_type, body)?;
    let Value::Object(mut map) = parsed.value else {
        return Err(ApiError::bad_request(
            "couldn't get version/kind; json parse error: the body is no object",
        ));
    };
    name_kind(kind, &mut map)?;
    let mut value = Value::Object(map);
    clean(context, kind, &mut value, &parsed.duplicates)?;
    Ok(value)
}

/// Fills in `apiVersion` and `kind`, or refuses others.
pub(crate) fn name_kind(kind: &Kind, map: &mut Map<String, Value>) -> ApiResult<()> {
    let want = kind.api_version();
    let text = |field: &str| map.get(field).and_then(Value::as_str).unwrap_or_default();
    let (api_version, name) = (text("apiVersion"), text("kind"));
    if kind.custom.is_some() && (api_version.is_empty() || name.is_empty()) {
        let missing = if name.is_empty() { "Kind" } else { "apiVersion" };
        return Err(ApiError::bad_request(format!(
            "Object '{missing}' is missing in '{}'",
            Value::Object(map.clone())
        )));
    }
    if !name.is_empty() && name != kind.kind {
        return Err(ApiError::bad_request(format!(
            "{name} in version {:?} cannot be handled as a {}: no kind {name:?} is registered for version {want:?} in \
             scheme",
            kind.version, kind.kind
        )));
    }
    if !api_version.is_empty() && api_version != want {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({want})"
        )));
    }
    map.insert("apiVersion".to_owned(), Value::String(want));
    map.insert("kind".to_owned(), Value::String(kind.kind.clone()));
    if map.get("metadata").is_none_or(Value::is_null) {
        map.insert("metadata".to_owned(), Value::Object(Map::new()));
    }
    if !map.get("metadata").is_some_and(Value::is_object) {
        return Err(ApiError::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: json: cannot unmarshal into Go struct field \
             .metadata of type v1.ObjectMeta",
            kind.kind, kind.version, kind.kind
        )));
    }
    Ok(())
}

/// Brings an object into its kind's form; what the kind does not know is dropped and, if wanted, complained about.
pub(crate) fn clean(
    context: &mut Context,
    kind: &Kind,
    value: &mut Value,
    duplicates: &[String],
) -> ApiResult<()> {
    let validation = FieldValidation::of(context)?;
    let unknown = schema::clean(kind, value)?;
    if validation == FieldValidation::Ignore {
        return Ok(());
    }
    let mut complaints: Vec<String> = unknown.iter().map(|path| format!("unknown field {path:?}")).collect();
    complaints.extend(duplicates.iter().map(|path| format!("duplicate field {path:?}")));
    complaints.truncate(MAX_REPORTED);
    if complaints.is_empty() {
        return Ok(());
    }
    if validation == FieldValidation::Warn {
        context.warnings.append(&mut complaints);
        return Ok(());
    }
    let all = complaints.join(", ");
    let Kind { kind, version, .. } = kind;
    Err(ApiError::bad_request(format!(
        "{kind} in version {version:?} cannot be handled as a {kind}: strict decoding error: {all}"
    )))
}

struct Seed<'a> {
    path: &'a mut String,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        let length = self.path.len();
        loop {
            self.path.push_str(&format!("[{}]", list.len()));
            let seed = Seed { path: &mut *self.path, duplicates: &mut *self.duplicates };
            let item = items.next_element_seed(seed)?;
            self.path.truncate(length);
            match item {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        let length = self.path.len();
        while let Some(key) = entries.next_key::<String>()? {
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            if map.contains_key(&key) && self.duplicates.len() < MAX_REPORTED {
                self.duplicates.push(self.path.clone());
            }
            let seed = Seed { path: &mut *self.path, duplicates: &mut *self.duplicates };
            let value = entries.next_value_seed(seed)?;
            self.path.truncate(length);
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_keys_that_come_twice() {
        let parsed = parse("application/json", br#"{"a":{"b":1,"c":[{"d":1,"d":2}],"b":3}}"#).unwrap();
        assert_eq!(parsed.duplicates, ["a.c[0].d", "a.b"]);
        assert_eq!(parsed.value, serde_json::json!({"a": {"b": 3, "c": [{"d": 2}]}}));
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for (media, body, code) in [
            ("application/json", &b"{"[..], 400),
            ("application/json", b"{} x", 400),
            ("application/vnd.kubernetes.protobuf", b"k8s", 400),
            ("text/plain", b"k8s", 415),
        ] {
            assert_eq!(parse(media, body).unwrap_err().code, code, "{media}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(parse("application/json", deep.as_bytes()).unwrap_err().code, 400);
    }
}
