//! Server-side apply, and the bookkeeping of every other write.

use serde_json::{Map, Value};

use crate::comparison::{self, Comparison};
use crate::conform::misfits;
use crate::errors::{ApplyError, Conflict, TypeError};
use crate::field_set::field_set_of;
use crate::go_struct;
use crate::last_applied;
use crate::managers::{
    Manager, ManagerEntry, Operation, cap_updaters, managed_fields, managed_fields_of, set_managed_fields,
};
use crate::merging::{is_settled, merge};
use crate::ownership::{keeps_all, reconcile, strip, take_over, withdraw};
use crate::set::FieldSet;
use crate::types::TypeRef;
use crate::values;

/// Who owns what an object had before anybody applied, where it was not tracked.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The object after a server-side apply, with its `managedFields`.
///
/// **Shape**: `live` is the stored object with its managedFields, or none where the apply creates it. The result has
/// what the API server would have before defaulting and admission. Objects of a built-in type come out as from a Go
/// struct: no nulls, no empty lists. The manager's `operation` is taken to be `Apply`.
/// **Units**: `manager.time` is recorded only if the object changed; an apply that changes nothing keeps the old
/// time, and the entry of a first-time co-owner has none until then.
/// **Source**: apimachinery's `managedfields` over structured-merge-diff, v1.34; one version of the object.
///
/// # Errors
/// [`ApplyError::Conflicts`] without `force`; [`ApplyError::Invalid`] and [`ApplyError::BadRequest`] as they say.
pub fn server_side_apply(
    ty: &TypeRef,
    live: Option<&Value>,
    applied: &Value,
    manager: &Manager<'_>,
    force: bool,
) -> Result<Value, ApplyError> {
    if applied.pointer("/metadata/managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
    }
    if !applied.is_object() {
        return Err(ApplyError::BadRequest("the applied configuration is not an object".to_owned()));
    }
    let manager = Manager { operation: Operation::Apply, ..*manager };
    let mut entries = live
        .map_or_else(|| Ok(Vec::new()), managed_fields)
        .map_err(|error| ApplyError::Invalid(format!("failed to decode managed fields: {error}")))?;
    if let (true, Some(live)) = (entries.is_empty(), live) {
        let first = Manager { name: BEFORE_FIRST_APPLY, operation: Operation::Update, ..manager };
        let empty = go_struct::zero_object(ty, live);
        record(ty, &empty, live, &mut entries, &first).map_err(|error| {
            ApplyError::Invalid(format!("failed to create manager for existing fields: {error}"))
        })?;
    }
    let empty;
    let base = match live {
        Some(live) => live,
        None => {
            empty = go_struct::zero_object(ty, applied);
            &empty
        }
    };
    let again = (manager.name == "kubectl").then(|| entries.clone());
    let mut outcome = attempt(ty, base, applied, entries, &manager, force);
    if let (Err(ApplyError::Conflicts(conflicts)), Some(entries)) = (&outcome, again)
        && let Some(ours) = last_applied::still_ours(ty, base)
    {
        outcome = match foreign(conflicts, &ours) {
            rest if rest.is_empty() => attempt(ty, base, applied, entries, &manager, true),
            rest => Err(ApplyError::Conflicts(rest)),
        };
    }
    let Outcome { object, entries } = outcome?;
    let changed = object.is_some();
    let mut object = object.unwrap_or_else(|| base.clone());
    if manager.name == "kubectl" {
        last_applied::refresh(&mut object, applied);
    }
    if let Some(entries) = entries {
        set_managed_fields(&mut object, entries);
    }
    if ty.is_builtin() && (changed || live.is_none()) {
        go_struct::normalize(ty, &mut object);
    }
    if let Some(live) = live {
        keep_times(live, &mut object);
    }
    Ok(object)
}

fn foreign(conflicts: &[Conflict], ours: &FieldSet) -> Vec<Conflict> {
    conflicts.iter().filter(|conflict| !ours.contains(&conflict.path)).cloned().collect()
}

/// What an apply comes to; nothing where the object, or who owns it, stays as it was.
struct Outcome {
    object: Option<Value>,
    entries: Option<Vec<ManagerEntry>>,
}

fn attempt(
    ty: &TypeRef,
    live: &Value,
    applied: &Value,
    mut entries: Vec<ManagerEntry>,
    manager: &Manager<'_>,
    force: bool,
) -> Result<Outcome, ApplyError> {
    let errors = misfits(ty, applied);
    if !errors.is_empty() {
        let text = format!("failed to create typed patch object ({}): {}", describe(applied), join(&errors));
        return Err(ApplyError::Invalid(text));
    }
    let merging = |error: TypeError| ApplyError::Invalid(format!("failed to merge config: {error}"));
    let mut reconciled = false;
    for entry in &mut entries {
        reconciled |= reconcile(ty.view(), &mut entry.fields);
    }
    let mut set = field_set_of(ty, applied).map_err(merging)?;
    if let Some(resets) = manager.resets {
        set = set.recursive_difference(resets);
    }
    let mine = entries.iter().position(|entry| entry.is_of(manager)).map(|at| entries.swap_remove(at));
    let last = mine.as_ref().map(|entry| &entry.fields).unwrap_or(&NOTHING);
    let time = mine.as_ref().and_then(|entry| entry.time.clone());
    entries.push(manager.entry(set, time));
    let keeps_all = keeps_all(ty, &entries, last);
    let object = if keeps_all && is_settled(ty, live, applied) {
        None
    } else {
        let merged = merge(ty, live, applied).map_err(merging)?;
        let pruning = |error: TypeError| ApplyError::Invalid(format!("failed to prune fields: {error}"));
        let object =
            if keeps_all { merged } else { withdraw(ty, merged, &entries, last).map_err(pruning)? };
        (!values::equal(live, &object)).then_some(object)
    };
    if let (Some(object), true) = (&object, entries.len() > 1) {
        let change = changes(ty, live, object, manager)
            .map_err(|error| ApplyError::Invalid(format!("failed to compare objects: {error}")))?;
        take_over(&mut entries, Some(manager), &change, force).map_err(ApplyError::Conflicts)?;
    }
    let mut same = object.is_none() && !reconciled;
    entries.retain_mut(|entry| {
        if entry.is_of(manager) {
            entry.fields = strip(std::mem::take(&mut entry.fields));
            if object.is_some() {
                entry.time = Some(manager.time.to_owned());
            }
            same &= mine.as_ref() == Some(&*entry);
        }
        let kept = !entry.fields.is_empty();
        same &= kept;
        kept
    });
    Ok(Outcome { object, entries: (!same).then_some(entries) })
}

/// What a manager without an entry owns.
static NOTHING: FieldSet = FieldSet { nodes: Vec::new() };

/// `shop/web; apps/v1, Kind=Deployment`, as the API server's messages name an object.
fn describe(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let slash = if text("/apiVersion").contains('/') { "" } else { "/" };
    let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
    format!("{namespace}/{name}; {slash}{}, Kind={}", text("/apiVersion"), text("/kind"))
}

fn join(errors: &[TypeError]) -> String {
    if let [only] = errors {
        return only.to_string();
    }
    errors.iter().fold("errors:".to_owned(), |text, error| format!("{text}\n  {error}"))
}

fn changes(ty: &TypeRef, old: &Value, new: &Value, manager: &Manager<'_>) -> Result<Comparison, TypeError> {
    let change = comparison::compare(ty, old, new)?;
    Ok(match manager.resets {
        Some(resets) => change.excluding(resets),
        None => change,
    })
}

/// The object after a create, update or patch of any kind but apply, with its `managedFields`.
///
/// **Shape**: `live` is the stored object, or none for a create; `new` is the whole object as it will be stored. What
/// the write adds or changes becomes the manager's, and leaves all others' sets; what it removes leaves every set.
/// A `new` that brings managedFields of its own replaces live's (`[]` and `[{}]` reset them), except through a
/// subresource. An existing object without managedFields stays untracked. At most ten `Update` entries are kept.
/// **Errors**: none; where the objects cannot be compared, managedFields are dropped, as the API server does.
/// **Source**: apimachinery's `managedfields`, v1.34. The manager's `operation` is taken to be `Update`.
pub fn track_update(ty: &TypeRef, live: Option<&Value>, mut new: Value, manager: &Manager<'_>) -> Value {
    let manager = Manager { operation: Operation::Update, ..*manager };
    let mut entries = initial_entries(live, &new, &manager);
    let exists = live.is_some_and(|live| {
        live.pointer("/metadata/uid").and_then(Value::as_str).is_some_and(|uid| !uid.is_empty())
    });
    set_managed_fields(&mut new, Vec::new());
    if entries.is_empty() && exists {
        return new;
    }
    let empty;
    let old = match live {
        Some(live) => live,
        None => {
            empty = go_struct::zero_object(ty, &new);
            &empty
        }
    };
    if record(ty, old, &new, &mut entries, &manager).is_ok() {
        set_managed_fields(&mut new, entries);
    }
    if let Some(live) = live {
        keep_times(live, &mut new);
    }
    new
}

/// The entries that an update starts from.
fn initial_entries(live: Option<&Value>, new: &Value, manager: &Manager<'_>) -> Vec<ManagerEntry> {
    let of_live = || live.and_then(|live| managed_fields(live).ok()).unwrap_or_default();
    if !manager.subresource.is_empty() {
        return of_live();
    }
    match managed_fields_of(new) {
        Some([]) => return Vec::new(),
        Some([only]) if only.as_object().is_some_and(Map::is_empty) => return Vec::new(),
        _ => {}
    }
    match managed_fields(new) {
        Ok(entries) if !entries.is_empty() => entries,
        _ => of_live(),
    }
}

/// Moves what a write changes into its manager's entry.
fn record(
    ty: &TypeRef,
    old: &Value,
    new: &Value,
    entries: &mut Vec<ManagerEntry>,
    manager: &Manager<'_>,
) -> Result<(), TypeError> {
    for entry in entries.iter_mut() {
        reconcile(ty.view(), &mut entry.fields);
    }
    let change = changes(ty, old, new, manager)?;
    // The writer's own earlier entry shrinks like everybody's: the changed fields come back to it just below.
    if take_over(entries, None, &change, true).is_err() {
        return Ok(());
    }
    let taken = strip(change.modified.union(&change.added));
    if taken.is_empty() {
        return Ok(());
    }
    match entries.iter_mut().find(|entry| entry.is_of(manager)) {
        Some(entry) => {
            entry.fields.extend(&taken);
            entry.time = Some(manager.time.to_owned());
        }
        None => entries.push(manager.entry(taken, Some(manager.time.to_owned()))),
    }
    cap_updaters(entries);
    Ok(())
}

/// Takes back new times in `managedFields` where nothing but times differs from `live`, so that a write that changes
/// nothing stays one. To be called again after defaulting and admission, which may undo a change.
///
/// **Source**: the API server's `IgnoreManagedFieldsTimestampsTransformer`.
pub fn keep_times(live: &Value, new: &mut Value) {
    let (Some(before), Some(after)) = (managed_fields_of(live), managed_fields_of(new)) else { return };
    let same_but_time = |(before, after): (&Value, &Value)| match (before.as_object(), after.as_object()) {
        (Some(before), Some(after)) => {
            let both = |a: &Map<String, Value>, b: &Map<String, Value>| {
                a.iter().all(|(name, value)| name == "time" || b.get(name) == Some(value))
            };
            both(before, after) && both(after, before)
        }
        _ => before == after,
    };
    let same_entries = before.len() == after.len() && before.iter().zip(after).all(same_but_time);
    if !same_entries || before == after || !equal_but_managed_fields(live, new) {
        return;
    }
    let before = Value::Array(before.to_vec());
    if let Some(slot) = new.pointer_mut("/metadata/managedFields") {
        *slot = before;
    }
}

fn equal_but_managed_fields(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return false };
    let same = |a: &Map<String, Value>, b: &Map<String, Value>, except: &str| {
        let a = a.iter().filter(|(name, _)| *name != except);
        a.eq(b.iter().filter(|(name, _)| *name != except))
    };
    same(a, b, "metadata")
        && match (a.get("metadata").and_then(Value::as_object), b.get("metadata").and_then(Value::as_object))
        {
            (Some(a), Some(b)) => same(a, b, "managedFields"),
            (a, b) => a == b,
        }
}
