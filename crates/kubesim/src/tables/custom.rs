//! Custom kinds: `additionalPrinterColumns`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, age::since, name};
use crate::crd::Column;

pub(super) fn columns(columns: &[Column]) -> Vec<Value> {
    let named = json!({"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0});
    let mut all = vec![named];
    if columns.is_empty() {
        all.push(json!({"name": "Age", "type": "date", "format": "", "description": "", "priority": 0}));
    }
    all.extend(columns.iter().map(|c| {
        json!({"name": c.name, "type": c.kind, "format": c.format, "description": c.description, "priority": c.priority})
    }));
    all
}

pub(super) fn cells(columns: &[Column], object: &Value, now: Timestamp) -> Vec<Value> {
    let mut all = vec![name(object)];
    if columns.is_empty() {
        all.push(age(object, now));
    }
    all.extend(columns.iter().map(|column| {
        let found = look(object, &column.json_path);
        match (column.kind.as_str(), found.as_slice()) {
            (_, []) => Value::Null,
            ("date", [stamp, ..]) => json!(since(stamp, now)),
            ("integer", [Value::Number(n), ..]) => json!(n),
            ("boolean", [Value::Bool(b), ..]) => json!(b),
            (_, several) => {
                let texts: Vec<String> = several
                    .iter()
                    .map(|v| match v {
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    })
                    .collect();
                json!(texts.join(","))
            }
        }
    }));
    all
}

/// A JSONPath of the kind that CRDs use: fields, places in lists, `[*]`, and `[?(@.a=="b")]`.
fn look<'a>(object: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![object];
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let Some((step, after)) = inside.split_once(']') else { return Vec::new() };
            found = found.into_iter().flat_map(|value| bracket(value, step)).collect();
            rest = after;
            continue;
        }
        rest = rest.trim_start_matches('.');
        let end = field_end(rest);
        let (field, after) = rest.split_at(end);
        if field.is_empty() {
            return Vec::new();
        }
        let field = field.replace("\\.", ".");
        found = found.into_iter().filter_map(|value| value.get(&field)).collect();
        rest = after;
    }
    found.retain(|value| !value.is_null());
    found
}

/// Where a field's name ends: at a dot that is not escaped, or at a bracket.
fn field_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let ends = |at: usize| match bytes[at] {
        b'[' => true,
        b'.' => at == 0 || bytes[at - 1] != b'\\',
        _ => false,
    };
    (0..bytes.len()).find(|at| ends(*at)).unwrap_or(bytes.len())
}

fn bracket<'a>(value: &'a Value, step: &str) -> Vec<&'a Value> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if step == "*" {
        return items.iter().collect();
    }
    if let Some(filter) = step.strip_prefix("?(@.").and_then(|s| s.strip_suffix(')')) {
        let Some((path, wanted)) = filter.split_once("==") else { return Vec::new() };
        let wanted = wanted.trim().trim_matches(['"', '\'']);
        let same = |item: &&Value| {
            path.trim()
                .split('.')
                .try_fold(*item, |v, s| v.get(s))
                .is_some_and(|v| v.as_str() == Some(wanted))
        };
        return items.iter().filter(same).collect();
    }
    if let Ok(at) = step.parse::<usize>() {
        return items.get(at).into_iter().collect();
    }
    value.get(step.trim_matches(['"', '\''])).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_values() {
        let object = json!({"a": {"b": [{"t": "x", "v": 1}, {"t": "y", "v": 2}]}, "m": {"x.y/z": "q"}});
        for (path, expected) in [
            (".a.b[0].v", json!([1])),
            (".a.b[*].v", json!([1, 2])),
            (".a.b[?(@.t==\"y\")].v", json!([2])),
            (".m.x\\.y/z", json!(["q"])),
            (".m['x.y/z']", json!(["q"])),
            (".none", json!([])),
            (".a.b[", json!([])),
        ] {
            assert_eq!(json!(look(&object, path)), expected, "{path}");
        }
    }
}
