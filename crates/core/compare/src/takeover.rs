//! From client-side apply to server-side apply.

use merge::FieldSet;
use resource::Object;
use serde_json::{Value, json};

use crate::FIELD_MANAGER;
use crate::managed;

/// The new `metadata.managedFields` with which what a client-side apply owns becomes ours; `None` when nothing is to
/// be done.
///
/// **Shape.** The `Update` entries of `kubectl-client-side-apply`, and of our own name while the object was never
/// applied by server-side apply, are folded into our `Apply` entry; the other entries stay as they are, in their
/// order. No value is touched: a field that git no longer has goes with the next apply, defaults come back, and
/// so goes the last-applied annotation, which git does not have either. To be written with the resourceVersion that it
/// was made from, before the first apply.
/// **Source.** `kubectl apply --server-side` does the same for itself (client-go's `csaupgrade`); the peer does it for
/// the manager that `client-side-apply-migration-manager` names.
/// **Errors.** An entry that cannot be read is left alone.
pub fn takeover(live: &Object) -> Option<Value> {
    let foldable: Vec<_> =
        managed::foldable(live).into_iter().filter_map(|entry| Some((entry, entry.fields()?))).collect();
    let newest = foldable.last()?.0;
    let ours = managed::ours(live);
    let mut fields = match ours {
        // A set of ours that cannot be read is not written over.
        Some(entry) => entry.fields()?,
        None => FieldSet::new(),
    };
    for (_, folded) in &foldable {
        fields.extend(folded);
    }
    let base = ours.unwrap_or(newest);
    let mut entry = json!({
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": base.api_version(),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields.to_fields_v1(),
    });
    if let Some(time) = newest.raw().get("time") {
        entry["time"] = time.clone();
    }
    let kept = managed::entries(live).filter(|entry| {
        let folded = foldable.iter().any(|(other, _)| std::ptr::eq(other.raw(), entry.raw()));
        !folded && !entry.ours()
    });
    let kept = kept.map(|entry| entry.raw().clone());
    Some(Value::Array(std::iter::once(entry).chain(kept).collect()))
}

#[cfg(test)]
mod tests;
