//! Decoding as `sigs.k8s.io/yaml` decodes into Go structs: words and all.
//!
//! Fields are found whatever their case; a number or boolean becomes text where text is wanted; null is as if it were not there. The
//! first wrong type (fields in the order of their names) is the error.

use serde_json::{Map, Value};

/// A YAML text as a map.
///
/// `go_type` is what the map is called in an error: `map[string]interface {}`.
pub(crate) fn yaml_map(
    text: &[u8],
    limits: &goyaml::Limits,
    go_type: &str,
) -> Result<Map<String, Value>, String> {
    match yaml(text, limits)? {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        other => Err(mismatch(&other, "Go value", go_type)),
    }
}

/// A YAML text, with the error in the words of `yaml.Unmarshal`.
pub(crate) fn yaml(text: &[u8], limits: &goyaml::Limits) -> Result<Value, String> {
    goyaml::parse_one(text, limits).map_err(|error| yaml_error(&error))
}

/// What `yaml.Unmarshal` says of a text that is no YAML.
pub(crate) fn yaml_error(error: &goyaml::Error) -> String {
    let words = error.as_go(goyaml::Dialect::Yaml2);
    format!("error converting YAML to JSON: {words}")
}

/// `error unmarshaling JSON: …: cannot unmarshal array into Go struct field Metadata.name of type string`.
pub(crate) fn mismatch(value: &Value, into: &str, go_type: &str) -> String {
    let found = goyaml::kind_of(value);
    format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into {into} of type {go_type}"
    )
}

/// One struct being decoded: its fields, and what it is called in errors.
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    /// `Metadata.`, `Dependency.dependencies.`: what stands before the field's name in an error.
    prefix: &'a str,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(map: &'a Map<String, Value>, prefix: &'a str) -> Self {
        Self { map, prefix }
    }

    /// The value of a field; of the last key that differs from it only in case.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn error(&self, name: &str, value: &Value, go_type: &str) -> String {
        mismatch(value, &format!("Go struct field {}{name}", self.prefix), go_type)
    }

    /// A `string`.
    pub(crate) fn text(&self, name: &str) -> Result<String, String> {
        match self.get(name) {
            None => Ok(String::new()),
            Some(value) => scalar_text(value).ok_or_else(|| self.error(name, value, "string")),
        }
    }

    /// A `bool`.
    pub(crate) fn bool(&self, name: &str) -> Result<bool, String> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(truth)) => Ok(*truth),
            Some(value) => Err(self.error(name, value, "bool")),
        }
    }

    /// A `[]string`.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        self.list(name, "[]string")?
            .iter()
            .map(|item| scalar_text(item).ok_or_else(|| self.error(name, item, "string")))
            .collect()
    }

    /// A `map[string]string`, in the order of its keys.
    pub(crate) fn text_map(&self, name: &str) -> Result<Option<Vec<(String, String)>>, String> {
        let map = match self.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Object(map)) => map,
            Some(value) => return Err(self.error(name, value, "map[string]string")),
        };
        map.iter()
            .map(|(key, value)| match scalar_text(value) {
                Some(text) => Ok((key.clone(), text)),
                None => Err(self.error(name, value, "string")),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A list of any type.
    pub(crate) fn list(&self, name: &str, go_type: &str) -> Result<&'a [Value], String> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(value) => Err(self.error(name, value, go_type)),
        }
    }
}

/// What becomes of a value where a string is wanted; none for lists and maps.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.to_string(),
            (None, Some(number)) => number.to_string(),
            (None, None) => float_text(number.as_f64().unwrap_or_default()),
        }),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A float as `strconv.FormatFloat(…, 'g', -1, 64)` writes it.
pub(crate) fn float_text(number: f64) -> String {
    let shortest = format!("{number:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
