//! What a server tells of both sides of an application's objects, made ready to be shown.

use api::Application;
use merge::{Schemas, deduced, json_merge_patch, strategic_merge_patch, three_way_strategic};
use resource::{Gvk, Object, ResourceKey};
use serde_json::Value;

use crate::run::manifests::side_of;
use crate::view::diff::Pair;

/// What was applied last by `kubectl apply`, as a text.
const LAST_APPLIED: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
/// Annotations that make an object a hook.
const HOOKS: [&str; 2] = ["argocd.argoproj.io/hook", "helm.sh/hook"];

/// What differs: for what git has, the server's verdict; for other `objects`, what they would change. Hooks are left out, and beside git
/// Secrets, whose values nobody is told.
///
/// As the peer's client has it (`peer`), a new object is in no namespace where none of its kind is live in one.
pub(in crate::run) fn pairs(
    app: &Application,
    managed: &[Value],
    objects: Option<&[Object]>,
    peer: bool,
) -> Vec<Pair> {
    let text = |item: &Value, field: &str| item[field].as_str().unwrap_or_default().to_owned();
    let mut left: Vec<(ResourceKey, &Object)> = objects
        .unwrap_or_default()
        .iter()
        .filter(|object| !is_hook(&object.to_value()))
        .map(|object| (place(object, app), object))
        .collect();
    left.retain(|(key, _)| !(key.kind == "Secret" && key.group.is_empty()));
    let mut pairs = Vec::new();
    for item in managed {
        let key = ResourceKey::new(
            text(item, "group"),
            text(item, "kind"),
            text(item, "namespace"),
            text(item, "name"),
        );
        let live = side_of(item, "normalizedLiveState");
        let (desired, differs) = if objects.is_some() {
            if key.kind == "Secret" && key.group.is_empty() {
                continue;
            }
            // What exists once is known by its key; what is new may be in no namespace at all.
            let found = left.iter().position(|(own, _)| *own == key).filter(|_| !(peer && live.is_null()));
            let desired = found.map(|index| left.remove(index).1.to_value()).unwrap_or_default();
            let desired = if live.is_null() || desired.is_null() { desired } else { merged(&live, &desired) };
            let differs = desired != live;
            (desired, differs)
        } else {
            let desired = side_of(item, "targetState");
            let both = !live.is_null() && !desired.is_null();
            let differs = if both { item["modified"] == true } else { desired != live };
            (if both { merged(&live, &side_of(item, "predictedLiveState")) } else { desired }, differs)
        };
        if !differs || is_hook(&live) || is_hook(&desired) {
            continue;
        }
        pairs.push(Pair { key, live: some(live), desired: some(desired), origin: String::new() });
    }
    let placed = |key: &ResourceKey| {
        managed.iter().any(|item| {
            text(item, "group") == key.group
                && text(item, "kind") == key.kind
                && !text(item, "namespace").is_empty()
                && !side_of(item, "normalizedLiveState").is_null()
        })
    };
    let new = left.into_iter().map(|(mut key, object)| {
        let mut desired = object.to_value();
        if peer && !placed(&key) {
            key.namespace.clear();
            if let Some(metadata) = desired["metadata"].as_object_mut() {
                metadata.remove("namespace");
            }
        }
        Pair { key, live: None, desired: Some(desired), origin: String::new() }
    });
    pairs.extend(new);
    pairs
}

fn some(value: Value) -> Option<Value> {
    Some(value).filter(|value| !value.is_null())
}

fn is_hook(object: &Value) -> bool {
    HOOKS.iter().any(|name| object["metadata"]["annotations"].get(name).is_some())
}

/// The key of an object whose namespace may be left to the destination.
fn place(object: &Object, app: &Application) -> ResourceKey {
    let mut key = object.key();
    if key.namespace.is_empty() && !is_cluster_wide(object) {
        key.namespace.clone_from(&app.spec.destination.namespace);
    }
    key
}

/// Of Kubernetes' own kinds. Others say their namespace, since the server names it in what it tells.
fn is_cluster_wide(object: &Object) -> bool {
    const KINDS: [&str; 11] = [
        "Namespace",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "PersistentVolume",
        "StorageClass",
        "PriorityClass",
        "IngressClass",
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "APIService",
    ];
    KINDS.contains(&object.key().kind.as_str())
}

/// What becomes of a live object that is given what is desired: as the peer's client predicts it, by a patch against what was applied last.
fn merged(live: &Value, desired: &Value) -> Value {
    let Some(object) = Object::from_value(live.clone()).ok() else { return desired.clone() };
    let gvk: Gvk = object.gvk();
    let unknown = deduced();
    let ty = Schemas::builtin().get(&gvk).unwrap_or(&unknown);
    let last = live.pointer(LAST_APPLIED).and_then(Value::as_str);
    let last: Option<Value> = last.and_then(|text| serde_json::from_str(text).ok());
    let original = last.as_ref().unwrap_or(desired);
    let Ok(patch) = three_way_strategic(ty, original, desired, live) else { return desired.clone() };
    if ty.is_builtin() {
        strategic_merge_patch(ty, live, &patch).unwrap_or_else(|_| desired.clone())
    } else {
        json_merge_patch(live.clone(), &patch)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(kind: &str, name: &str, data: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "default"}, "data": data})
    }

    fn item(kind: &str, name: &str, live: &Value, target: &Value, modified: bool) -> Value {
        json!({
            "kind": kind, "name": name, "namespace": "default", "modified": modified, "targetState": target.to_string(),
            "normalizedLiveState": live.to_string(), "predictedLiveState": target.to_string(),
        })
    }

    #[test]
    fn the_server_says_what_differs_from_git_and_objects_speak_for_themselves() {
        let app = json!({"metadata": {"name": "a"}, "spec": {"destination": {"namespace": "default"}}});
        let app = Application::from_value(app).unwrap();
        let (one, two) = (json!({"k": "1", "own": "x"}), json!({"k": "2"}));
        let map = |name: &str, data: &Value| object("ConfigMap", name, data);
        let managed = [
            item("ConfigMap", "same", &map("same", &one), &map("same", &two), false),
            item("ConfigMap", "other", &map("other", &one), &map("other", &two), true),
            item("ConfigMap", "extra", &map("extra", &one), &Value::Null, true),
            item("ConfigMap", "new", &Value::Null, &map("new", &one), true),
            item("Secret", "secret", &object("Secret", "secret", &one), &Value::Null, true),
        ];
        let shown = |objects: Option<&[Object]>| -> Vec<(String, bool, Option<Value>)> {
            let pairs = pairs(&app, &managed, objects, false).into_iter();
            pairs.map(|p| (p.key.name, p.live.is_some(), p.desired.map(|mut d| d["data"].take()))).collect()
        };
        let kept = json!({"k": "2", "own": "x"});
        assert_eq!(
            shown(None),
            [
                ("other".to_owned(), true, Some(kept.clone())),
                ("extra".to_owned(), true, None),
                ("new".to_owned(), false, Some(one.clone())),
                ("secret".to_owned(), true, None),
            ]
        );
        let unplaced =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "same"}, "data": two});
        let objects: Vec<Object> = [unplaced, map("other", &one), map("fresh", &one)]
            .map(|value| Object::from_value(value).unwrap())
            .into();
        assert_eq!(
            shown(Some(&objects)),
            [
                ("same".to_owned(), true, Some(kept)),
                ("extra".to_owned(), true, None),
                ("fresh".to_owned(), false, Some(one)),
            ]
        );
    }
}
