//! From client-side apply to server-side apply.

use merge::FieldSet;
use resource::Object;
use serde_json::{Value, json};

use crate::FIELD_MANAGER;
use crate::managed;

/// The new `metadata.managedFields` with which what a client-side apply owns becomes ours; `None` when nothing is to
/// be done.
///
/// **Shape.** The `Update` entries of `kubectl-client-side-apply`, and those of the peer's two names while the object was
/// never applied by server-side apply, are folded into our `Apply` entry, but for `status` and `operation`, which a
/// controller reports; the other entries stay as they are, in their order. No value is touched: a field that git no longer has goes with the next apply, defaults come back, and
/// so goes the last-applied annotation, which git does not have either. To be written with the resourceVersion that it
/// was made from, before the first apply.
/// **Source.** `kubectl apply --server-side` does the same for itself (client-go's `csaupgrade`); the peer does it for
/// the manager that `client-side-apply-migration-manager` names.
/// **Errors.** An entry that cannot be read is left alone.
pub fn takeover(live: &Object) -> Option<Value> {
    let foldable: Vec<_> = managed::foldable(live)
        .into_iter()
        .filter_map(|entry| {
            let (manifest, reported) = entry.split();
            Some((entry, FieldSet::from_fields_v1(&Value::Object(manifest)).ok()?, reported))
        })
        .collect();
    let newest =
        foldable.iter().max_by_key(|(entry, _, _)| entry.raw().get("time").and_then(Value::as_str))?.0;
    let ours = managed::ours(live);
    let mut fields = match ours {
        // A set of ours that cannot be read is not written over.
        Some(entry) => entry.fields()?,
        None => FieldSet::new(),
    };
    for (_, folded, _) in &foldable {
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
    let kept = managed::entries(live).filter(|entry| !entry.ours()).filter_map(|entry| {
        let mut raw = entry.raw().clone();
        if let Some((_, _, reported)) =
            foldable.iter().find(|(other, _, _)| std::ptr::eq(other.raw(), entry.raw()))
        {
            if reported.is_empty() {
                return None;
            }
            raw["fieldsV1"] = Value::Object(reported.clone());
        }
        Some(raw)
    });
    Some(Value::Array(std::iter::once(entry).chain(kept).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_controller_reports_is_not_folded() {
        let entry = |manager: &str, time: &str, fields: Value| {
            json!({"manager": manager, "operation": "Update", "apiVersion": "argoproj.io/v1alpha1",
                   "fieldsType": "FieldsV1", "time": time, "fieldsV1": fields})
        };
        let reported = json!({"f:operation": {}, "f:status": {"f:sync": {}}});
        let mixed = json!({"f:operation": {}, "f:status": {"f:sync": {}}, "f:spec": {"f:project": {}}});
        let live = |entries: Vec<Value>| {
            let metadata = json!({"name": "child", "managedFields": entries});
            let app =
                json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata});
            Object::from_value(app).unwrap()
        };
        let only = entry("argocd-application-controller", "2026-01-02T00:00:00Z", reported.clone());
        assert_eq!(takeover(&live(vec![only.clone()])), None);
        let kubectl =
            entry("kubectl-client-side-apply", "2026-01-01T00:00:00Z", json!({"f:spec": {"f:source": {}}}));
        let both = entry("argocd-controller", "2026-01-03T00:00:00Z", mixed);
        assert_eq!(
            takeover(&live(vec![kubectl, only.clone(), both])),
            Some(json!([
                {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "argoproj.io/v1alpha1",
                 "fieldsType": "FieldsV1", "time": "2026-01-03T00:00:00Z",
                 "fieldsV1": {"f:spec": {"f:project": {}, "f:source": {}}}},
                only,
                entry("argocd-controller", "2026-01-03T00:00:00Z", reported)
            ]))
        );
    }
}
