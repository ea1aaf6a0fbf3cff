//! A sync is looked through before it begins: what the server cannot read stops all of it.

use e2e::World;
use serde_json::{Value, json};

use crate::manifests::{annotated, config, config_map, text};

fn gadget(options: &str) -> String {
    let annotations =
        json!({"argocd.argoproj.io/sync-options": options, "argocd.argoproj.io/sync-wave": "2"});
    text(
        &json!({"apiVersion": "nobody.example.com/v1", "kind": "Gadget", "metadata": {"name": "g", "annotations": annotations}}),
    )
}

fn job(name: &str, fields: &Value) -> String {
    let mut spec = json!({"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "m", "image": "i"}]}}});
    spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let annotations = json!({"argocd.argoproj.io/hook": "PostSync"});
    text(
        &json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "annotations": annotations}, "spec": spec}),
    )
}

/// The message of the object's result.
fn result<'a>(app: &'a Value, kind: &str) -> &'a str {
    let results = app["status"]["operationState"]["syncResult"]["resources"].as_array().unwrap();
    let of_kind = results.iter().find(|r| r["kind"] == kind).unwrap_or(&Value::Null);
    of_kind["message"].as_str().unwrap_or_default()
}

pub(crate) async fn what_cannot_be_read_stops_the_whole_sync(world: &mut World) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "looked"}});
    world.api.apply(&namespace).await.unwrap();
    let service = |ports: Value| {
        text(
            &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "annotations": {"argocd.argoproj.io/sync-wave": "1"}}, "spec": {"ports": ports}}),
        )
    };
    let lenient = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "l", "annotations": {"argocd.argoproj.io/sync-options": "Validate=false,Replace=true"}}, "dato": {}});
    let fine = |name: &str| config(name, "x");
    let cases = [
        ("field", vec![service(json!([{"port": 80, "prot": 80}]))], "Service", "prot", false),
        ("type", vec![service(json!([{"port": "eighty"}]))], "Service", "port", false),
        ("hook", vec![job("after", &json!({"backoffLimits": 1}))], "Job", "backoffLimits", false),
        ("kind", vec![gadget("")], "Gadget", "Gadget", false),
        ("kind-to-come", vec![gadget("SkipDryRunOnMissingResource=true")], "Gadget", "Gadget", true),
        ("not-validated", vec![text(&lenient)], "ConfigMap", "created", true),
    ];
    for (name, bad, ..) in &cases {
        let mut files = vec![
            (format!("{name}/a.yaml"), annotated(name, "x", &[("sync-wave", "-1")])),
            (format!("{name}/b.yaml"), fine(&format!("{name}-2"))),
        ];
        files.extend(bad.iter().enumerate().map(|(n, text)| (format!("{name}/bad-{n}.yaml"), text.clone())));
        world
            .push(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>())
            .unwrap();
    }
    for (name, _, kind, says, applied) in &cases {
        let mut app = world.application(name, name, "looked");
        app["spec"]["syncPolicy"] = json!({});
        world.api.apply(&app).await.unwrap();
        let app = world.sync(name, json!({})).await.unwrap();
        let state = &app["status"]["operationState"];
        assert!(result(&app, kind).contains(says), "{name}: {state}");
        let there = world.api.get(&config_map("looked", name)).await.unwrap().is_some();
        assert_eq!(there, *applied, "{name}: {state}");
        let dry =
            state["message"].as_str().unwrap().starts_with("one or more objects failed to apply (dry run)");
        assert_eq!(dry, !applied, "{name}: {state}");
    }
    world.leave(&["field", "type", "hook", "kind", "kind-to-come", "not-validated"]).await.unwrap();
}

mod tests {
    crate::on_kubesim!(what_cannot_be_read_stops_the_whole_sync);
}
