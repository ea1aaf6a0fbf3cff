//! The shapes of built-in kinds, from Kubernetes' own OpenAPI, and the cleaning that decoding into Go structs does.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use serde_json::{Map, Value};

/// Kubernetes 1.34's own schemas without their descriptions, one a line.
pub(crate) const SCHEMAS: &str = include_str!("data/schemas.json");

/// Fields that the server's structs leave out when they hold the zero of their type, by schema.
const ZEROES: &str = include_str!("data/zeroes.json");

/// What quantities must look like, in the server's words.
const QUANTITY_FORM: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
/// What may follow a quantity's number, besides exponents.
const SUFFIXES: [&str; 16] =
    ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const REFERENCE: &str = "#/components/schemas/";

#[derive(Debug)]
enum Shape {
    Struct {
        name: String,
        fields: BTreeMap<String, Field>,
    },
    Map(usize),
    List(usize),
    Text,
    Integer,
    Number,
    Bool,
    IntOrText,
    Quantity,
    Base64,
    Any,
    /// Stands where another schema does.
    Same(usize),
}

#[derive(Debug)]
struct Field {
    shape: usize,
    /// Its zero is not written.
    drops_zero: bool,
    /// What stands there when nothing was given: an empty struct, or the zero of a scalar that is always written.
    always: Option<Value>,
}

#[derive(Debug, Default)]
struct Shapes {
    arena: Vec<Shape>,
    names: HashMap<String, usize>,
    kinds: HashMap<(String, String, String), usize>,
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(Shapes::load);

/// Cleans an object of a built-in kind; the answer is the paths of unknown fields, the error Go's words for a value of
/// the wrong type.
pub(crate) fn clean(
    group: &str,
    version: &str,
    kind: &str,
    value: &mut Value,
) -> Result<Vec<String>, String> {
    let shapes = &*SHAPES;
    let Some(root) = shapes.kinds.get(&(group.to_owned(), version.to_owned(), kind.to_owned())) else {
        return Ok(Vec::new());
    };
    let mut cleaner = Cleaner { shapes, path: String::new(), unknown: Vec::new() };
    cleaner.clean(*root, value, "")?;
    Ok(cleaner.unknown)
}

/// Cleans the metadata of an object of a custom kind.
pub(crate) fn clean_metadata(value: &mut Value) -> Result<Vec<String>, String> {
    let shapes = &*SHAPES;
    let Some(metadata) = value.get_mut("metadata") else { return Ok(Vec::new()) };
    let Some(root) = shapes.names.get(OBJECT_META) else { return Ok(Vec::new()) };
    let mut cleaner = Cleaner { shapes, path: "metadata".to_owned(), unknown: Vec::new() };
    cleaner.clean(*root, metadata, "")?;
    Ok(cleaner.unknown)
}

struct Cleaner<'a> {
    shapes: &'a Shapes,
    path: String,
    unknown: Vec<String>,
}

impl Cleaner<'_> {
    fn clean(&mut self, shape: usize, value: &mut Value, owner: &str) -> Result<(), String> {
        let shapes = self.shapes;
        match (shapes.get(shape), value) {
            (Shape::Struct { name, fields }, Value::Object(map)) => self.clean_struct(name, fields, map),
            (Shape::Map(element), Value::Object(map)) => {
                for (key, entry) in map.iter_mut() {
                    self.within(&format!("[{key}]"), |c| c.clean(*element, entry, owner))?;
                }
                Ok(())
            }
            (Shape::List(element), Value::Array(items)) => {
                for (at, item) in items.iter_mut().enumerate() {
                    self.within(&format!("[{at}]"), |c| c.clean(*element, item, owner))?;
                }
                Ok(())
            }
            (Shape::Any, _)
            | (Shape::Text, Value::String(_))
            | (Shape::Number, Value::Number(_))
            | (Shape::Bool, Value::Bool(_))
            | (Shape::IntOrText, Value::String(_)) => Ok(()),
            (Shape::Integer | Shape::IntOrText, Value::Number(n)) if n.is_i64() || n.is_u64() => Ok(()),
            // A whole number may be written as 1.0 or 1e3 by those who render.
            (Shape::Integer, slot @ Value::Number(_)) => match whole(slot) {
                Some(number) => {
                    *slot = number.into();
                    Ok(())
                }
                None => Err(self.mismatch(shape, slot, owner)),
            },
            (Shape::Base64, Value::String(text)) => match base64_end(text) {
                Some(at) => Err(format!("illegal base64 data at input byte {at}")),
                None => Ok(()),
            },
            (Shape::Quantity, slot) => match slot {
                Value::String(text) => quantity_problem(text).map_or(Ok(()), |why| Err(why.to_owned())),
                Value::Number(number) => {
                    *slot = Value::String(number.to_string());
                    Ok(())
                }
                other => Err(self.mismatch(shape, other, owner)),
            },
            (_, Value::Null) => Ok(()),
            (_, other) => Err(self.mismatch(shape, other, owner)),
        }
    }

    fn clean_struct(
        &mut self,
        name: &str,
        fields: &BTreeMap<String, Field>,
        map: &mut Map<String, Value>,
    ) -> Result<(), String> {
        let shapes = self.shapes;
        let owner = name.rsplit('.').next().unwrap_or_default();
        let mut gone: Vec<String> = Vec::new();
        for (key, entry) in map.iter_mut() {
            let step = if self.path.is_empty() { key.clone() } else { format!(".{key}") };
            let Some(field) = fields.get(key) else {
                self.unknown.push(format!("{}{step}", self.path));
                gone.push(key.clone());
                continue;
            };
            if entry.is_null() {
                gone.push(key.clone());
                continue;
            }
            self.within(&step, |c| c.clean(field.shape, entry, owner))?;
            let empty = match (shapes.get(field.shape), &*entry) {
                (Shape::List(_), Value::Array(items)) => items.is_empty(),
                (Shape::Map(_), Value::Object(entries)) => entries.is_empty(),
                _ => false,
            };
            if empty || (field.drops_zero && is_zero(entry)) {
                gone.push(key.clone());
            }
        }
        for key in gone {
            map.remove(&key);
        }
        for (key, field) in fields.iter().filter(|(key, _)| !map.contains_key(*key)).collect::<Vec<_>>() {
            let Some(mut value) = field.always.clone() else { continue };
            let is_struct = matches!(shapes.get(field.shape), Shape::Struct { .. });
            if value.is_object() != is_struct {
                continue;
            }
            self.clean(field.shape, &mut value, owner)?;
            map.insert(key.clone(), value);
        }
        Ok(())
    }

    fn within(
        &mut self,
        step: &str,
        work: impl FnOnce(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        let length = self.path.len();
        self.path.push_str(step);
        let result = work(self);
        self.path.truncate(length);
        result
    }

    fn mismatch(&self, shape: usize, value: &Value, owner: &str) -> String {
        let found = goyaml::kind_of(value);
        let wanted = match self.shapes.get(shape) {
            Shape::Struct { name, .. } => go_type(name),
            Shape::Map(_) => "map[string]string".to_owned(),
            Shape::List(element) => match self.shapes.get(*element) {
                Shape::Struct { name, .. } => format!("[]{}", go_type(name)),
                _ => "[]string".to_owned(),
            },
            Shape::Integer => {
                return match value {
                    Value::Number(n) => format!(
                        "json: cannot unmarshal number {n} into Go struct field {owner}.{} of type int32",
                        self.plain_path()
                    ),
                    _ => format!(
                        "json: cannot unmarshal {found} into Go struct field {owner}.{} of type int32",
                        self.plain_path()
                    ),
                };
            }
            Shape::Number => "float64".to_owned(),
            Shape::Bool => "bool".to_owned(),
            Shape::IntOrText => "intstr.IntOrString".to_owned(),
            Shape::Quantity => {
                return QUANTITY_FORM.to_owned();
            }
            Shape::Base64 => "[]uint8".to_owned(),
            Shape::Text | Shape::Any | Shape::Same(_) => "string".to_owned(),
        };
        format!(
            "json: cannot unmarshal {found} into Go struct field {owner}.{} of type {wanted}",
            self.plain_path()
        )
    }

    /// The path as Go's decoder says it: without the places in lists.
    fn plain_path(&self) -> String {
        let mut plain = String::new();
        let mut inside = false;
        for c in self.path.chars() {
            match c {
                '[' => inside = true,
                ']' => inside = false,
                c if !inside => plain.push(c),
                _ => {}
            }
        }
        plain
    }
}

/// `io.k8s.api.core.v1.Container` is `v1.Container` in Go.
fn go_type(name: &str) -> String {
    let mut parts = name.rsplit('.');
    let (last, package) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{package}.{last}")
}

/// Why a text is no quantity, in the words of apimachinery's `resource.ParseQuantity`.
fn quantity_problem(text: &str) -> Option<&'static str> {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
    let (digits, suffix) = number.split_at(end);
    let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let power = letters.strip_prefix(['+', '-']).unwrap_or(letters);
    let is_number = digits.bytes().any(|b| b.is_ascii_digit()) && digits.matches('.').count() <= 1;
    if !is_number || !power.bytes().all(|b| b.is_ascii_digit()) {
        return Some(QUANTITY_FORM);
    }
    let is_exponent = || suffix.strip_prefix(['e', 'E']).is_some_and(|power| power.parse::<i32>().is_ok());
    (!SUFFIXES.contains(&suffix) && !is_exponent()).then_some("unable to parse quantity's suffix")
}

/// Where a text stops being base64, if it does; line breaks are skipped, as Go does.
fn base64_end(text: &str) -> Option<usize> {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let letters: Vec<(usize, u8)> =
        text.bytes().enumerate().filter(|(_, b)| !matches!(b, b'\n' | b'\r')).collect();
    let data = letters.iter().take_while(|(_, b)| is_letter(*b)).count();
    let padding = letters.len() - data;
    let padded = letters.iter().skip(data).all(|(_, b)| *b == b'=');
    if padded && letters.len().is_multiple_of(4) && padding <= 2 && data % 4 != 1 {
        return None;
    }
    Some(letters.get(data).map_or(text.len(), |(at, _)| *at))
}

fn whole(value: &Value) -> Option<i64> {
    let number = value.as_f64()?;
    // Beyond 2^53 a float is no longer exact.
    if number.fract() != 0.0 || number.abs() > 9_007_199_254_740_992.0 {
        return None;
    }
    format!("{number:.0}").parse().ok()
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(_) => false,
    }
}

impl Shapes {
    fn load() -> Self {
        let schemas: BTreeMap<String, Value> =
            serde_json::from_str(SCHEMAS).expect("the schemas are part of the crate and tested");
        let zeroes: HashMap<String, Vec<String>> =
            serde_json::from_str(ZEROES).expect("the zeroes are part of the crate and tested");
        let mut shapes = Self::default();
        for name in schemas.keys() {
            let at = shapes.add(Shape::Any);
            shapes.names.insert(name.clone(), at);
        }
        for (name, schema) in &schemas {
            let at = shapes.names[name];
            let none = Vec::new();
            let shape = shapes.compile(name, schema, zeroes.get(name).unwrap_or(&none));
            shapes.arena[at] = shape;
            let kinds = schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
            for kind in kinds.into_iter().flatten() {
                let text = |field: &str| kind[field].as_str().unwrap_or_default().to_owned();
                shapes.kinds.insert((text("group"), text("version"), text("kind")), at);
            }
        }
        shapes
    }

    fn get(&self, mut at: usize) -> &Shape {
        while let Shape::Same(other) = &self.arena[at] {
            at = *other;
        }
        &self.arena[at]
    }

    fn add(&mut self, shape: Shape) -> usize {
        self.arena.push(shape);
        self.arena.len() - 1
    }

    fn compile(&mut self, name: &str, schema: &Value, zeroes: &[String]) -> Shape {
        if let Some(reference) = reference(schema) {
            return self.names.get(reference).map_or(Shape::Any, |at| Shape::Same(*at));
        }
        if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
            let has = |kind: &str| choices.iter().any(|c| c["type"] == kind);
            return if has("integer") {
                Shape::IntOrText
            } else if has("number") {
                Shape::Quantity
            } else {
                Shape::Any
            };
        }
        match schema.get("type").and_then(Value::as_str) {
            // Written as an object, read as text.
            Some("string") if schema["format"] == "int-or-string" => Shape::IntOrText,
            Some("string") if name.ends_with(".Quantity") => Shape::Quantity,
            Some("string") if schema["format"] == "byte" => Shape::Base64,
            Some("string") => Shape::Text,
            Some("integer") => Shape::Integer,
            Some("number") => Shape::Number,
            Some("boolean") => Shape::Bool,
            Some("array") => {
                let element = self.compile("", &schema["items"], &[]);
                Shape::List(self.add(element))
            }
            Some("object") => self.compile_object(name, schema, zeroes),
            _ => Shape::Any,
        }
    }

    fn compile_object(&mut self, name: &str, schema: &Value, zeroes: &[String]) -> Shape {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            let mut fields = BTreeMap::new();
            for (key, property) in properties {
                let compiled = self.compile("", property, &[]);
                let shape = self.add(compiled);
                let drops_zero = zeroes.contains(key);
                let always = property.get("default").filter(|d| !d.is_array()).cloned();
                let always = always.filter(|zero| !(drops_zero && is_zero(zero)));
                fields.insert(key.clone(), Field { shape, drops_zero, always });
            }
            return Shape::Struct { name: name.to_owned(), fields };
        }
        match schema.get("additionalProperties") {
            Some(element @ Value::Object(_)) => {
                let element = self.compile("", element, &[]);
                Shape::Map(self.add(element))
            }
            _ => Shape::Any,
        }
    }
}

fn reference(schema: &Value) -> Option<&str> {
    let direct = schema.get("$ref");
    direct.or_else(|| schema.get("allOf")?.get(0)?.get("$ref"))?.as_str()?.strip_prefix(REFERENCE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(value: &mut Value) -> Result<Vec<String>, String> {
        clean("apps", "v1", "Deployment", value)
    }

    #[test]
    fn drops_what_the_structs_do_not_hold() {
        let mut value = json!({"metadata": {"name": "a", "labels": {}, "foo": 1}, "spec": {"replicas": 0,
            "paused": false, "bar": {}, "template": {"spec": {"hostNetwork": false, "volumes": [],
            "securityContext": {}, "containers": [{"name": "c", "image": "", "baz": null,
            "resources": {"limits": {"cpu": 1}}}]}}}});
        let unknown = deployment(&mut value).unwrap();
        assert_eq!(unknown, ["metadata.foo", "spec.bar", "spec.template.spec.containers[0].baz"]);
        let spec = &value["spec"]["template"]["spec"];
        assert_eq!(
            *spec,
            json!({"securityContext": {}, "containers": [{"name": "c", "resources": {"limits": {"cpu": "1"}}}]})
        );
        assert_eq!(value["spec"]["replicas"], 0);
        assert_eq!(value["metadata"], json!({"name": "a"}));
        assert_eq!(value["spec"].get("paused"), None);
    }

    #[test]
    fn tells_quantities_from_other_texts() {
        for text in ["1", "0.5", ".5", "1.", "+1k", "-100m", "1Ki", "1.5Gi", "1e3", "1E-3", "12E"] {
            assert_eq!(quantity_problem(text), None, "{text}");
        }
        let suffix = "unable to parse quantity's suffix";
        for (text, why) in [
            ("", QUANTITY_FORM),
            ("one", QUANTITY_FORM),
            (".", QUANTITY_FORM),
            ("1.2.3", QUANTITY_FORM),
            ("1 Gi", QUANTITY_FORM),
            ("1GB", QUANTITY_FORM),
            ("1mi", suffix),
            ("1e", suffix),
        ] {
            assert_eq!(quantity_problem(text), Some(why), "{text}");
        }
    }

    #[test]
    fn names_values_of_the_wrong_type() {
        let mut value = json!({"spec": {"template": {"spec": {"containers": [{"image": 1}]}}}});
        assert_eq!(
            deployment(&mut value).unwrap_err(),
            "json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.image of type \
             string"
        );
        assert!(deployment(&mut json!({"spec": {"replicas": "3"}})).is_err());
    }
}
