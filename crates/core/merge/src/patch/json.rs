//! JSON patches (RFC 6902), with the liberties of the library that the API server uses.

use serde_json::Value;

use crate::errors::PatchError;
use crate::values;

/// Most operations in one JSON patch, as the API server allows.
const MAX_OPERATIONS: usize = 10_000;

/// Most bytes of JSON that all `copy` operations of a patch may add, as the API server allows.
const MAX_COPIED_BYTES: usize = 3 * 1024 * 1024;

/// Applies a JSON patch: all of its operations, or none.
///
/// **Shape**: as RFC 6902, except that `replace` of a missing member adds it and that a negative index counts from the
/// end. **Source**: evanphx/json-patch v4.12, also for the messages.
///
/// # Errors
/// [`PatchError::Malformed`] where `operations` is no JSON patch or has more than 10,000 operations;
/// [`PatchError::DoesNotFit`] where an operation fails.
pub fn json_patch(target: &Value, operations: &Value) -> Result<Value, PatchError> {
    let Some(operations) = operations.as_array() else {
        return Err(malformed("error decoding patch: a JSON patch is a list of operations"));
    };
    if operations.len() > MAX_OPERATIONS {
        let count = operations.len();
        return Err(malformed(format!(
            "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {count}"
        )));
    }
    let mut document = target.clone();
    let mut copied = 0;
    for operation in operations {
        run(&mut document, operation, &mut copied)?;
    }
    Ok(document)
}

fn malformed(message: impl Into<String>) -> PatchError {
    PatchError::Malformed(message.into())
}

fn unfit(message: impl Into<String>) -> PatchError {
    PatchError::DoesNotFit(message.into())
}

fn run(document: &mut Value, operation: &Value, copied: &mut usize) -> Result<(), PatchError> {
    if !operation.is_object() {
        return Err(malformed("error decoding patch: an operation is an object"));
    }
    let kind = operation["op"].as_str().unwrap_or("unknown");
    let pointer = |name: &str| {
        let missing = || unfit(format!("{kind} operation failed to decode {name}: missing value"));
        operation[name].as_str().ok_or_else(missing)
    };
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    match kind {
        "add" => {
            let path = pointer("path")?;
            let missing = format!("add operation does not apply: doc is missing path: \"{path}\"");
            let (parent, key) = parent(document, path, &missing)?;
            add(parent, &key, value()).map_err(|reason| at("add", path, &reason))
        }
        "remove" => {
            let path = pointer("path")?;
            let missing = format!("remove operation does not apply: doc is missing path: \"{path}\"");
            let (parent, key) = parent(document, path, &missing)?;
            remove(parent, &key).map(drop).map_err(|reason| at("remove", path, &reason))
        }
        "replace" => replace(document, pointer("path")?, value()),
        "test" => test(document, pointer("path")?, &value()),
        "move" => {
            let (from, path) = (pointer("from")?, pointer("path")?);
            let missing = format!("move operation does not apply: doc is missing from path: {from}");
            let (source, key) = parent(document, from, &missing)?;
            let moved = remove(source, &key).map_err(|reason| at("move", &key, &reason))?;
            let missing = format!("move operation does not apply: doc is missing destination path: {path}");
            let (target, key) = parent(document, path, &missing)?;
            add(target, &key, moved).map_err(|reason| at("move", path, &reason))
        }
        "copy" => {
            let (from, path) = (pointer("from")?, pointer("path")?);
            let missing = format!("copy operation does not apply: doc is missing from path: {from}");
            let (source, key) = parent(document, from, &missing)?;
            let copy = get(source, &key)
                .map_err(|reason| unfit(format!("error in copy for from: '{from}': {reason}")))?;
            let copy = copy.cloned().unwrap_or(Value::Null);
            *copied += copy.to_string().len();
            if *copied > MAX_COPIED_BYTES {
                return Err(unfit(format!(
                    "Unable to complete the copy, the accumulated size increase of copy is {copied}, exceeding the \
                     limit {MAX_COPIED_BYTES}"
                )));
            }
            let missing = format!("copy operation does not apply: doc is missing destination path: {path}");
            let (target, key) = parent(document, path, &missing)?;
            add(target, &key, copy)
                .map_err(|reason| unfit(format!("error while adding value during copy: {reason}")))
        }
        other => Err(unfit(format!("Unexpected kind: {other}"))),
    }
}

fn at(kind: &str, path: &str, reason: &str) -> PatchError {
    unfit(format!("error in {kind} for path: '{path}': {reason}"))
}

/// The container that a path ends in, and the last step.
fn parent<'a>(
    document: &'a mut Value,
    path: &str,
    missing: &str,
) -> Result<(&'a mut Value, String), PatchError> {
    let absent = || unfit(format!("{missing}: missing value"));
    let mut steps = path.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
    steps.next();
    let mut steps: Vec<String> = steps.collect();
    let last = steps.pop().ok_or_else(absent)?;
    let mut container = document;
    for step in steps {
        container = match container {
            Value::Object(map) => map.get_mut(&step),
            Value::Array(items) => index(&step, items.len()).ok().and_then(|at| items.get_mut(at)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
        .ok_or_else(absent)?;
    }
    if container.is_object() || container.is_array() { Ok((container, last)) } else { Err(absent()) }
}

/// An index of a list with `size` places; negative ones count from the end.
fn index(step: &str, size: usize) -> Result<usize, String> {
    let wanted: i64 = step.parse().map_err(|_| format!("strconv.Atoi: parsing {step:?}: invalid syntax"))?;
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let found = if wanted < 0 { wanted + size } else { wanted };
    let invalid = || format!("Unable to access invalid index: {wanted}: invalid index referenced");
    if found >= size { Err(invalid()) } else { usize::try_from(found).map_err(|_| invalid()) }
}

fn get<'a>(container: &'a Value, key: &str) -> Result<Option<&'a Value>, String> {
    match container {
        Value::Array(items) => index(key, items.len()).map(|at| items.get(at)),
        other => Ok(other.get(key)),
    }
}

fn add(container: &mut Value, key: &str, value: Value) -> Result<(), String> {
    match container {
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => {
            let at = index(key, items.len() + 1).map_err(|reason| {
                if reason.contains("strconv") {
                    format!("value was not a proper array index: '{key}': {reason}")
                } else {
                    reason
                }
            })?;
            items.insert(at, value);
        }
        Value::Object(map) => {
            map.insert(key.to_owned(), value);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

fn remove(container: &mut Value, key: &str) -> Result<Value, String> {
    match container {
        Value::Array(items) => index(key, items.len()).map(|at| items.remove(at)),
        other => {
            let removed = other.as_object_mut().and_then(|map| map.remove(key));
            removed.ok_or_else(|| format!("Unable to remove nonexistent key: {key}: missing value"))
        }
    }
}

fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), PatchError> {
    if path.is_empty() {
        if !value.is_object() && !value.is_array() {
            return Err(unfit("replace operation value must be object or array"));
        }
        *document = value;
        return Ok(());
    }
    let missing = format!("replace operation does not apply: doc is missing path: {path}");
    match parent(document, path, &missing)? {
        (Value::Array(items), key) => {
            let at = index(&key, items.len()).map_err(|_| {
                unfit(format!("replace operation does not apply: doc is missing key: {path}: missing value"))
            })?;
            items[at] = value;
        }
        (container, key) => {
            if let Some(map) = container.as_object_mut() {
                map.insert(key, value);
            }
        }
    }
    Ok(())
}

fn test(document: &mut Value, path: &str, wanted: &Value) -> Result<(), PatchError> {
    let failed = || unfit(format!("testing value {path} failed: test failed"));
    let found = if path.is_empty() {
        Some(&*document)
    } else {
        let missing = format!("test operation does not apply: is missing path: {path}");
        let (container, key) = parent(document, path, &missing)?;
        get(container, &key).map_err(|reason| at("test", path, &reason))?
    };
    if values::equal(found.unwrap_or(&Value::Null), wanted) { Ok(()) } else { Err(failed()) }
}
