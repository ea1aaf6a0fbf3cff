//! Objects in Kubernetes' protobuf, as typed clients send them; answers are always JSON.

use std::{collections::HashMap, sync::LazyLock};

use base64::Engine;
use serde_json::{Map, Value, json};

/// Kubernetes 1.34's own messages: a line has a message and its fields as `number:name:type`, with `*` before the type
/// of a list and `%` before that of a map's values.
const MESSAGES: &str = include_str!("data/protobuf.txt");

/// What stands before every object.
const MAGIC: &[u8] = b"k8s\0";
/// Deepest nesting of messages.
const MAX_DEPTH: usize = 64;

/// Messages that are written into the one around them.
const INLINE: [&str; 5] =
    ["volumeSource", "persistentVolumeSource", "handler", "ephemeralContainerCommon", "localObjectReference"];

#[derive(Debug)]
struct Field {
    name: &'static str,
    shape: Shape,
    ty: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    One,
    List,
    Map,
}

type Message = HashMap<u64, Field>;

static TABLE: LazyLock<HashMap<&'static str, Message>> = LazyLock::new(|| {
    let field = |word: &'static str| {
        let mut parts = word.splitn(3, ':');
        let number = parts.next()?.parse().ok()?;
        let (name, ty) = (parts.next()?, parts.next()?);
        let (shape, ty) = match (ty.strip_prefix('*'), ty.strip_prefix('%')) {
            (Some(ty), _) => (Shape::List, ty),
            (_, Some(ty)) => (Shape::Map, ty),
            _ => (Shape::One, ty),
        };
        Some((number, Field { name, shape, ty }))
    };
    MESSAGES
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.filter_map(field).collect()))
        })
        .collect()
});

/// Decodes an object with its envelope; the error says in a word why it cannot be.
pub(crate) fn decode(body: &[u8]) -> Result<Value, &'static str> {
    let envelope = body.strip_prefix(MAGIC).ok_or("it does not start as Kubernetes' protobuf does")?;
    let unknown = message("runtime.Unknown", envelope, 0)?;
    let text = |field: &str| unknown["typeMeta"][field].as_str().unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("core", api_version));
    let package = group.split('.').next().unwrap_or_default();
    let full = format!("{package}.{version}.{kind}");
    let name = match kind {
        "DeleteOptions" => "meta.v1.DeleteOptions",
        _ => TABLE
            .get_key_value(full.as_str())
            .map(|(name, _)| *name)
            .ok_or("its kind is not known in protobuf")?,
    };
    let raw = unknown["raw"].as_str().unwrap_or_default();
    let raw = base64::engine::general_purpose::STANDARD.decode(raw).map_err(|_| "it is cut off")?;
    let mut object = message(name, &raw, 0)?;
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    Ok(object)
}

fn message(name: &str, mut bytes: &[u8], depth: usize) -> Result<Value, &'static str> {
    if depth > MAX_DEPTH {
        return Err("it is nested too deep");
    }
    let fields = TABLE.get(name).ok_or("it has a part of an unknown type")?;
    let mut map = Map::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let wire = wire(tag & 7, &mut bytes)?;
        let Some(field) = fields.get(&(tag >> 3)) else { continue };
        match field.shape {
            Shape::One => {
                let value = value(field.ty, &wire, depth)?;
                match value {
                    Value::Object(inner) if INLINE.contains(&field.name) => map.extend(inner),
                    value => {
                        map.insert(field.name.to_owned(), value);
                    }
                }
            }
            Shape::List => {
                let value = value(field.ty, &wire, depth)?;
                if let Value::Array(list) = map.entry(field.name).or_insert_with(|| json!([])) {
                    list.push(value);
                }
            }
            Shape::Map => {
                let (key, value) = entry(field.ty, &wire, depth)?;
                if let Value::Object(entries) = map.entry(field.name).or_insert_with(|| json!({})) {
                    entries.insert(key, value);
                }
            }
        }
    }
    Ok(special(name, map))
}

/// Messages that are no maps in JSON.
fn special(name: &str, mut map: Map<String, Value>) -> Value {
    let number = |field: &str| map.get(field).and_then(Value::as_i64).unwrap_or_default();
    match name {
        "meta.v1.Time" | "meta.v1.MicroTime" => {
            if map.is_empty() {
                return Value::Null;
            }
            let nanos = i32::try_from(number("nanos")).unwrap_or_default();
            match jiff::Timestamp::new(number("seconds"), nanos) {
                Ok(time) if name.ends_with("MicroTime") => {
                    json!(time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
                }
                Ok(time) => json!(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
                Err(_) => Value::Null,
            }
        }
        "meta.v1.Duration" => json!(format!("{}ns", number("duration"))),
        "api.resource.Quantity" => map.remove("string").unwrap_or_else(|| json!("0")),
        "util.intstr.IntOrString" if number("type") == 1 => map.remove("strVal").unwrap_or_else(|| json!("")),
        "util.intstr.IntOrString" => json!(number("intVal")),
        "authentication.v1.ExtraValue" | "authorization.v1.ExtraValue" | "certificates.v1.ExtraValue" => {
            map.remove("items").unwrap_or_else(|| json!([]))
        }
        "runtime.RawExtension" | "meta.v1.FieldsV1" => {
            let raw = map.remove("raw").or_else(|| map.remove("Raw")).unwrap_or_default();
            let bytes = base64::engine::general_purpose::STANDARD.decode(raw.as_str().unwrap_or_default());
            bytes.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
        }
        _ => Value::Object(map),
    }
}

enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn wire<'a>(kind: u64, bytes: &mut &'a [u8]) -> Result<Wire<'a>, &'static str> {
    let length = match kind {
        0 => return varint(bytes).map(Wire::Number),
        1 => 8,
        2 => usize::try_from(varint(bytes)?).map_err(|_| "it is cut off")?,
        5 => 4,
        _ => return Err("it has a part of an unknown form"),
    };
    let (part, rest) = bytes.split_at_checked(length).ok_or("it is cut off")?;
    *bytes = rest;
    Ok(Wire::Bytes(part))
}

fn varint(bytes: &mut &[u8]) -> Result<u64, &'static str> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or("it is cut off")?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err("it has a number that is too long")
}

fn value(ty: &str, wire: &Wire<'_>, depth: usize) -> Result<Value, &'static str> {
    Ok(match (ty, wire) {
        ("bool", Wire::Number(n)) => json!(*n != 0),
        ("int32" | "int64", Wire::Number(n)) => json!(n.cast_signed()),
        ("uint32" | "uint64", Wire::Number(n)) => json!(n),
        ("double", Wire::Bytes(bytes)) => {
            json!(f64::from_le_bytes((*bytes).try_into().map_err(|_| "it is cut off")?))
        }
        ("string", Wire::Bytes(bytes)) => json!(String::from_utf8_lossy(bytes)),
        ("bytes", Wire::Bytes(bytes)) => json!(base64::engine::general_purpose::STANDARD.encode(bytes)),
        (name, Wire::Bytes(bytes)) => message(name, bytes, depth + 1)?,
        _ => return Err("it has a part of another type"),
    })
}

fn entry(ty: &str, pair: &Wire<'_>, depth: usize) -> Result<(String, Value), &'static str> {
    let Wire::Bytes(mut bytes) = *pair else { return Err("it has a part of another type") };
    let (mut key, mut found) = (String::new(), None);
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let part = wire(tag & 7, &mut bytes)?;
        match (tag >> 3, &part) {
            (1, Wire::Bytes(text)) => key = String::from_utf8_lossy(text).into_owned(),
            (2, part) => found = Some(value(ty, part, depth)?),
            _ => {}
        }
    }
    Ok((key, found.unwrap_or_else(|| if matches!(ty, "string" | "bytes") { json!("") } else { json!({}) })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        out.extend(bytes);
        out
    }

    fn envelope(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw)].concat()
    }

    #[test]
    fn an_object_is_read() {
        let label = field(11, &[field(1, b"a"), field(2, b"b")].concat());
        let metadata = [field(1, b"x"), field(8, b""), label].concat();
        let data = field(2, &[field(1, b"k"), field(2, b"v")].concat());
        let body = envelope("v1", "Secret", &[field(1, &metadata), data].concat());
        assert_eq!(
            decode(&body).unwrap(),
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"k": "dg=="},
                "metadata": {"name": "x", "creationTimestamp": null, "labels": {"a": "b"}}})
        );
    }

    #[test]
    fn what_is_broken_is_refused() {
        for (body, why) in [
            (b"{}".to_vec(), "it does not start as Kubernetes' protobuf does"),
            (envelope("v1", "Nothing", b""), "its kind is not known in protobuf"),
            (envelope("v1", "Secret", &[10, 200]), "it is cut off"),
            (envelope("v1", "Secret", &[8, 1]), "it has a part of another type"),
        ] {
            assert_eq!(decode(&body).unwrap_err(), why);
        }
    }
}
