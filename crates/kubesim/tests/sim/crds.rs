//! Custom resources.

use crate::support::Api;
use serde_json::{Value, json};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

fn definition() -> Value {
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 1},
            "mode": {"type": "string", "default": "fast", "enum": ["fast", "slow"]},
            "replicas": {"type": "integer"}}},
        "status": {"type": "object", "properties": {"replicas": {"type": "integer"}, "phase": {"type": "string"}}}}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wg"]},
            "versions": [
                {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}, "scale":
                        {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}},
                    "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]},
                {"name": "v1beta1", "served": true, "storage": false, "schema": {"openAPIV3Schema":
                    {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]},
    })
}

fn widget(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec})
}

async fn with_widgets() -> Api {
    let api = Api::new();
    api.post(DEFINITIONS, definition()).await.expect(201);
    api
}

#[tokio::test]
async fn a_definition_is_served_at_once() {
    let api = with_widgets().await;
    let found = api.get(&format!("{DEFINITIONS}/widgets.example.com")).await.expect(200);
    assert_eq!(found["status"]["conditions"][1]["type"], "Established");
    assert_eq!(found["status"]["storedVersions"], json!(["v1"]));
    assert_eq!(found["spec"]["names"]["listKind"], "WidgetList");
    let list = api.get("/apis/example.com/v1").await.expect(200);
    let names: Vec<&str> =
        list["resources"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["widgets", "widgets/status", "widgets/scale"]);
    let openapi = api.get("/openapi/v3/apis/example.com/v1").await.expect(200);
    assert!(openapi["components"]["schemas"]["com.example.v1.Widget"]["properties"]["spec"].is_object());
}

#[tokio::test]
async fn objects_are_defaulted_pruned_and_checked() {
    let api = with_widgets().await;
    let reply = api.post(WIDGETS, widget("a", &json!({"size": 3, "foo": 1}))).await;
    assert_eq!(reply.warnings, ["299 - \"unknown field \\\"spec.foo\\\"\""]);
    let made = reply.expect(201);
    assert_eq!(
        (&made["spec"], &made["metadata"]["generation"]),
        (&json!({"size": 3, "mode": "fast"}), &json!(1))
    );
    for (spec, query, code, message) in [
        (
            json!({"size": 3, "foo": 1}),
            "?fieldValidation=Strict",
            400,
            "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: unknown field \"spec.foo\"",
        ),
        (
            json!({"size": 0, "mode": "x"}),
            "",
            422,
            "Widget.example.com \"b\" is invalid: [spec.mode: Unsupported value: \"x\": supported values: \"fast\", \
             \"slow\", spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1]",
        ),
        (json!({}), "", 422, "Widget.example.com \"b\" is invalid: spec.size: Required value"),
        (
            json!({"size": "3"}),
            "",
            422,
            "Widget.example.com \"b\" is invalid: spec.size: Invalid value: \"string\": spec.size in body must be of \
             type integer: \"string\"",
        ),
    ] {
        api.post(&format!("{WIDGETS}{query}"), widget("b", &spec)).await.fails(code, message);
    }
    api.put(&format!("{WIDGETS}/a"), widget("a", &json!({"size": 4}))).await.fails(
        422,
        "widgets.example.com \"a\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update",
    );
}

#[tokio::test]
async fn status_and_scale_are_apart() {
    let api = with_widgets().await;
    let mut body = widget("a", &json!({"size": 3}));
    body["status"] = json!({"phase": "x"});
    assert_eq!(api.post(WIDGETS, body).await.expect(201).get("status"), None);
    let path = format!("{WIDGETS}/a");
    let patch = json!({"spec": {"size": 9}, "status": {"phase": "done", "replicas": 2}});
    let now = api.patch(&format!("{path}/status"), "merge-patch+json", patch).await.expect(200);
    assert_eq!((&now["spec"]["size"], &now["status"]["phase"]), (&json!(3), &json!("done")));
    assert_eq!(now["metadata"]["generation"], 1);
    let patch = json!({"spec": {"replicas": 7}});
    let scale = api.patch(&format!("{path}/scale"), "merge-patch+json", patch).await.expect(200);
    assert_eq!((&scale["spec"]["replicas"], &scale["status"]["replicas"]), (&json!(7), &json!(2)));
    let now = api.get(&path).await.expect(200);
    assert_eq!((&now["spec"]["replicas"], &now["metadata"]["generation"]), (&json!(7), &json!(2)));
    let old = api.get("/apis/example.com/v1beta1/namespaces/default/widgets/a").await.expect(200);
    assert_eq!(old["apiVersion"], "example.com/v1beta1");
}

#[tokio::test]
async fn columns_are_printed() {
    let api = with_widgets().await;
    api.post(WIDGETS, widget("a", &json!({"size": 3}))).await.expect(201);
    let headers = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    let table = api.send("GET", WIDGETS, &headers, &Value::Null).await.expect(200);
    assert_eq!(table["columnDefinitions"][1]["name"], "Size");
    assert_eq!(table["rows"][0]["cells"], json!(["a", 3]));
}

#[tokio::test]
async fn a_definition_takes_its_objects_along() {
    let api = with_widgets().await;
    let mut body = widget("a", &json!({"size": 3}));
    body["metadata"]["finalizers"] = json!(["x.y/z"]);
    api.post(WIDGETS, body).await.expect(201);
    let path = format!("{DEFINITIONS}/widgets.example.com");
    api.delete(&path, json!({})).await.expect(200);
    api.get(&path).await.expect(200);
    let patch = json!({"metadata": {"finalizers": null}});
    api.patch(&format!("{WIDGETS}/a"), "merge-patch+json", patch).await.expect(200);
    assert_eq!(api.get(&path).await.code, 404);
    assert_eq!(api.get(WIDGETS).await.code, 404);
}

#[tokio::test]
async fn what_is_not_done_is_refused_or_said() {
    let api = Api::new();
    let mut webhook = definition();
    webhook["spec"]["conversion"] = json!({"strategy": "Webhook"});
    api.post(DEFINITIONS, webhook).await.fails(
        422,
        "CustomResourceDefinition.apiextensions.k8s.io \"widgets.example.com\" is invalid: spec.conversion.strategy: \
         Invalid value: \"Webhook\": the Kubernetes simulator does not run conversion webhooks",
    );
    let mut rules = definition();
    rules["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["x-kubernetes-validations"] =
        json!([{"rule": "self.spec.size > 1"}]);
    let reply = api.post(DEFINITIONS, rules).await;
    assert!(reply.warnings.iter().any(|w| w.contains("does not evaluate x-kubernetes-validations")));
    reply.expect(201);
    let hooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    let service = json!({"namespace": "n", "name": "s"});
    let hook = json!({
        "name": "h.example.com", "clientConfig": {"service": service}, "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    });
    let reply = api.post(hooks, json!({"metadata": {"name": "h"}, "webhooks": [hook]})).await;
    assert!(
        reply.warnings.iter().any(|w| w.contains("does not call admission webhooks")),
        "{:?}",
        reply.warnings
    );
    let kept = reply.expect(201);
    assert_eq!(kept["webhooks"][0]["failurePolicy"], "Fail");
    assert_eq!(kept["webhooks"][0]["clientConfig"]["service"]["port"], 443);
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    api.post("/api/v1/namespaces/default/pods", pod).await.expect(201);
    let policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
    assert_eq!(api.post(policies, json!({"metadata": {"name": "p"}, "spec": {}})).await.code, 422);
}
