//! What happens to the other managers' sets when an object changes, and what a withdrawn field does to the object.

use std::sync::LazyLock;

use serde_json::Value;

use crate::comparison::Comparison;
use crate::errors::{Conflict, TypeError};
use crate::field_set;
use crate::managers::{Manager, ManagerEntry};
use crate::path::PathElement;
use crate::removal::{remove, step, with_named_fields};
use crate::set::FieldSet;
use crate::types::{DEDUCED, ListKind, Scalar, TypeRef, View};

/// Fields that nobody owns: the server writes them, or they name the object.
static NEVER_OWNED: LazyLock<FieldSet> = LazyLock::new(|| {
    let top = ["apiVersion", "kind", "metadata"].map(|name| vec![PathElement::field(name)]);
    let metadata = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ]
    .map(|name| vec![PathElement::field("metadata"), PathElement::field(name)]);
    FieldSet::from_paths(top.into_iter().chain(metadata))
});

/// A manager's set without the fields that nobody owns.
pub(crate) fn strip(set: FieldSet) -> FieldSet {
    set.without(&NEVER_OWNED)
}

/// Takes from everyone but `me` what the change touches.
///
/// # Errors
/// Without force, the fields that others own and the change adds or alters.
pub(crate) fn take_over(
    entries: &mut Vec<ManagerEntry>,
    me: Option<&Manager<'_>>,
    change: &Comparison,
    force: bool,
) -> Result<(), Vec<Conflict>> {
    if change.is_same() {
        entries.retain(|entry| !entry.fields.is_empty());
        return Ok(());
    }
    let contested = change.modified.union(&change.added);
    let is_me = |entry: &ManagerEntry| me.is_some_and(|me| entry.is_of(me));
    if !force {
        let conflicts = conflicts(entries.iter().filter(|entry| !is_me(entry)), &contested);
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
    }
    for entry in entries.iter_mut().filter(|entry| !is_me(entry)) {
        let fields = std::mem::take(&mut entry.fields);
        entry.fields = fields.without(&contested).without(&change.removed);
    }
    entries.retain(|entry| !entry.fields.is_empty());
    Ok(())
}

fn conflicts<'a>(entries: impl Iterator<Item = &'a ManagerEntry>, contested: &FieldSet) -> Vec<Conflict> {
    let mut owners: Vec<_> = entries.collect();
    owners.sort_by_cached_key(|entry| entry.identity());
    let mut found = Vec::new();
    for entry in owners {
        entry.fields.intersection(contested).walk(&mut |path| {
            found.push(Conflict {
                manager: entry.manager.clone(),
                operation: entry.operation,
                api_version: entry.api_version.clone(),
                subresource: entry.subresource.clone(),
                path: path.to_vec(),
            });
        });
    }
    found
}

/// Whether [`withdraw`] surely has nothing to do.
pub(crate) fn keeps_all(ty: &TypeRef, entries: &[ManagerEntry], last: &FieldSet) -> bool {
    last.is_empty() || entries.iter().any(|entry| still_owned(ty.view(), last, &entry.fields))
}

/// Removes from the merged object what the applier owned and no longer applies, and nobody else owns.
/// `entries` has the applier's new set already.
///
/// **Source**: structured-merge-diff's `prune` with its two "add back" steps.
///
/// # Errors
/// [`TypeError`] where the object cannot be walked.
pub(crate) fn withdraw(
    ty: &TypeRef,
    merged: Value,
    entries: &[ManagerEntry],
    last: &FieldSet,
) -> Result<Value, TypeError> {
    let view = ty.view();
    let mut owned = FieldSet::new();
    for entry in entries {
        owned.extend(&entry.fields);
    }
    let last_named = with_named_fields(view, last);
    let named_set = |value: &Value| -> Result<FieldSet, TypeError> {
        Ok(with_named_fields(view, &field_set::field_set_of(ty, value)?))
    };
    let all = named_set(&merged)?;
    let pruned = remove(view, merged.clone(), &last_named);
    let keep = named_set(&pruned)?.union(&with_named_fields(view, &owned));
    let pruned = remove(view, merged.clone(), &all.difference(&keep));
    let gone = all.without(&named_set(&pruned)?).intersection(&last_named);
    Ok(remove(view, merged, &gone))
}

/// Whether a set has all of `last`, and each container in `last` that has members below is itself owned. Then there
/// is nothing to withdraw, and the long way, which would find the same, can be saved.
fn still_owned(view: View<'_>, last: &FieldSet, set: &FieldSet) -> bool {
    last.zip(set).all(|(node, now)| {
        let Some(now) = now else { return node.is_empty() };
        if node.member && !now.member {
            return false;
        }
        if node.children.nodes.is_empty() {
            return true;
        }
        let (declared, below) = step(view, &node.element);
        (node.member || declared)
            && below.is_some_and(|below| still_owned(below, &node.children, &now.children))
    })
}

/// Adapts a recorded set to a type that has since become atomic somewhere: the members below go, the container
/// becomes the member. Returns whether anything changed.
///
/// **Source**: structured-merge-diff's `ReconcileFieldSetWithSchema`.
pub(crate) fn reconcile(view: View<'_>, set: &mut FieldSet) -> bool {
    let mut changed = false;
    for node in &mut set.nodes {
        let (_, Some(child)) = step(view, &node.element) else { continue };
        let below = child.get();
        let atomic = if let Some(map) = &below.map {
            let open =
                map.element.is_some_and(|id| id == DEDUCED || view.at(id).get().scalar == Some(Scalar::Any));
            if open && map.fields.is_empty() {
                continue;
            }
            map.atomic
        } else if below.scalar.is_some() {
            continue;
        } else {
            below.list.as_ref().is_some_and(|list| list.kind == ListKind::Atomic)
        };
        if node.children.is_empty() {
            continue;
        }
        if atomic {
            node.member = true;
            node.children = FieldSet::new();
            changed = true;
        } else {
            changed |= reconcile(child, &mut node.children);
        }
    }
    changed
}
