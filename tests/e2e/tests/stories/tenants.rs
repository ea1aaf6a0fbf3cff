//! What a tenant's repository may try (reliability A84–A86): it is judged as it was rendered, in the scope that discovery names, before
//! anything is written.

use e2e::{World, conditions};
use serde_json::{Value, json};

use crate::manifests::{config_map, text};

/// A ConfigMap that must not come to be beside what is refused.
fn beside() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "beside"}, "data": {}})
}

#[expect(clippy::needless_pass_by_value, reason = "rows are shorter so")]
fn object(api_version: &str, kind: &str, metadata: Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": metadata})
}

#[expect(clippy::needless_pass_by_value, reason = "rows are shorter so")]
fn list(items: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// A project that permits its own namespace and nothing that is the cluster's.
async fn tenancy(world: &World) {
    let project = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "tenant", "namespace": "argocd"},
        "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "tenant"}],
            "namespaceResourceBlacklist": [{"group": "", "kind": "ResourceQuota"}]},
    });
    world.api.apply(&project).await.unwrap();
    world.api.apply(&object("v1", "Namespace", json!({"name": "tenant"}))).await.unwrap();
}

fn tenants(world: &World, name: &str) -> Value {
    let mut app = world.application(name, name, "tenant");
    app["spec"]["project"] = json!("tenant");
    app["spec"]["syncPolicy"] = json!({"automated": {}, "retry": {"limit": 0}});
    app
}

pub(crate) async fn a_tenant_stays_within_its_project(world: &mut World) {
    tenancy(world).await;
    let rbac = "rbac.authorization.k8s.io/v1";
    let cases = [
        (
            "elsewhere",
            object("v1", "ConfigMap", json!({"name": "a", "namespace": "kube-system"})),
            "kube-system",
        ),
        (
            "hidden",
            list(json!([object("v1", "ConfigMap", json!({"name": "a", "namespace": "kube-system"}))])),
            "kube-system",
        ),
        (
            "typed-list",
            json!({"apiVersion": "v1", "kind": "ConfigMapList", "items": [object("v1", "ConfigMap", json!({"name": "a", "namespace": "kube-system"}))]}),
            "kube-system",
        ),
        (
            "nested",
            list(json!([list(json!([object(
                "v1",
                "ConfigMap",
                json!({"name": "a", "namespace": "kube-system"})
            )]))])),
            "kube-system",
        ),
        (
            "namespaced-role",
            object(rbac, "ClusterRole", json!({"name": "a", "namespace": "tenant"})),
            "ClusterRole",
        ),
        ("lower-case", object("v1", "configmap", json!({"name": "a"})), "configmap"),
        ("plural", object("v1", "configmaps", json!({"name": "a"})), "configmaps"),
        ("core", object("core/v1", "ConfigMap", json!({"name": "a"})), "core"),
        ("a-path", object("v1/namespaces/kube-system", "ConfigMap", json!({"name": "a"})), "v1/namespaces"),
        (
            "a-path-as-name",
            object("v1", "ConfigMap", json!({"name": "../kube-system/configmaps/a"})),
            "../kube-system",
        ),
        (
            "a-path-as-namespace",
            object("v1", "ConfigMap", json!({"name": "a", "namespace": "tenant/../kube-system"})),
            "kube-system",
        ),
        (
            "blank",
            object("v1", "ConfigMap", json!({"name": "a", "namespace": " kube-system"})),
            "kube-system",
        ),
        (
            "old-version",
            object("rbac.authorization.k8s.io/v1beta1", "ClusterRole", json!({"name": "a"})),
            "ClusterRole",
        ),
        ("role", object(rbac, "ClusterRole", json!({"name": "a"})), "ClusterRole"),
        (
            "definition",
            object("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({"name": "as.example.com"})),
            "CustomResourceDefinition",
        ),
        (
            "webhook",
            object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", json!({"name": "a"})),
            "ValidatingWebhookConfiguration",
        ),
        ("namespace", object("v1", "Namespace", json!({"name": "tenant-2"})), "Namespace"),
        (
            "project",
            object("argoproj.io/v1alpha1", "AppProject", json!({"name": "mine", "namespace": "argocd"})),
            "argocd",
        ),
        (
            "application",
            object("argoproj.io/v1alpha1", "Application", json!({"name": "mine", "namespace": "argocd"})),
            "argocd",
        ),
        (
            "settings",
            object("v1", "ConfigMap", json!({"name": "argocd-cm", "namespace": "argocd"})),
            "argocd",
        ),
        (
            "cluster",
            object(
                "v1",
                "Secret",
                json!({"name": "c", "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": "cluster"}}),
            ),
            "argocd",
        ),
        ("forbidden-kind", object("v1", "ResourceQuota", json!({"name": "a"})), "ResourceQuota"),
        ("forbidden-version", object("v1beta9", "ResourceQuota", json!({"name": "a"})), "ResourceQuota"),
    ];
    let files: Vec<_> = cases
        .iter()
        .flat_map(|(name, bad, _)| {
            [(format!("{name}/a.yaml"), text(&beside())), (format!("{name}/b.yaml"), text(bad))]
        })
        .collect();
    world.push(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>()).unwrap();
    for (name, _, _) in &cases {
        world.api.apply(&tenants(world, name)).await.unwrap();
    }
    for (name, _, says) in &cases {
        let told = |app: &Value| {
            let operation = app["status"]["operationState"].to_string();
            conditions(app).iter().any(|c| c.contains(says)) || operation.contains(says)
        };
        let app = world.until_app(name, &format!("is refused for {says}"), told).await;
        assert_ne!(app["status"]["sync"]["status"], "Synced", "{name}: {}", app["status"]);
    }
    assert_eq!(world.api.get(&config_map("tenant", "beside")).await.unwrap(), None, "all or nothing");
    for (kind, name) in [("configmaps", "a"), ("secrets", "c")] {
        for namespace in ["kube-system", "argocd"] {
            let path = format!("/api/v1/namespaces/{namespace}/{kind}/{name}");
            assert_eq!(world.api.get(&path).await.unwrap(), None, "{path}");
        }
    }
}

/// A86: what a manifest says of its owner, its tracking and its state is not taken from it.
pub(crate) async fn a_manifest_does_not_say_whose_it_is(world: &mut World) {
    let victim =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "v"}, "data": {"k": "victims"}});
    world.push(&[("victim/v.yaml", &text(&victim))]).unwrap();
    world.api.apply(&world.application("victim", "victim", "victim")).await.unwrap();
    world.until_good("victim").await;
    let live = world.api.get(&config_map("victim", "v")).await.unwrap().unwrap();
    let forged = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "forged"},
        "metadata": {
            "name": "f", "uid": "00000000-0000-0000-0000-000000000001", "resourceVersion": "1", "generation": 9,
            "creationTimestamp": "2001-01-01T00:00:00Z", "deletionTimestamp": "2001-01-01T00:00:00Z",
            "annotations": {"argocd.argoproj.io/tracking-id": "victim:/ConfigMap:victim/v"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "v", "uid": live["metadata"]["uid"], "controller": true}],
            "managedFields": [{"manager": "kubectl", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}}],
        },
        "status": {"x": 1},
    });
    world.push(&[("forger/f.yaml", &text(&forged))]).unwrap();
    world.api.apply(&world.application("forger", "forger", "forger")).await.unwrap();
    world.until_good("forger").await;
    let made = world.api.get(&config_map("forger", "f")).await.unwrap().unwrap();
    let metadata = &made["metadata"];
    assert_eq!(metadata["annotations"]["argocd.argoproj.io/tracking-id"], "forger:/ConfigMap:forger/f");
    assert_ne!(metadata["uid"], "00000000-0000-0000-0000-000000000001");
    for field in ["ownerReferences", "deletionTimestamp", "generation"] {
        assert!(metadata[field].is_null(), "{field}: {metadata}");
    }
    assert_eq!(metadata["managedFields"][0]["manager"], "argocd-controller", "{metadata}");
    // The victim is none the wiser, and neither end takes the other's object with it.
    world.leave(&["victim"]).await.unwrap();
    world.until(&config_map("victim", "v"), "is gone", |o| o.is_none()).await;
    let left = world.refresh("forger").await.unwrap();
    assert!(e2e::is_good(&left), "{}", left["status"]);
    assert_eq!(
        world.api.get(&config_map("forger", "f")).await.unwrap().unwrap()["metadata"]["uid"],
        metadata["uid"]
    );
}

/// Two applications with one object in git: who had it first keeps it, the other says so.
pub(crate) async fn an_object_of_another_is_not_taken(world: &mut World) {
    let object = |value: &str| {
        text(
            &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "ours"}, "data": {"k": value}}),
        )
    };
    world.push(&[("first/c.yaml", &object("first")), ("second/c.yaml", &object("second"))]).unwrap();
    world.api.apply(&world.application("first", "first", "ours")).await.unwrap();
    world.until_good("first").await;
    world.api.apply(&world.application("second", "second", "ours")).await.unwrap();
    let told = |app: &Value| {
        conditions(app).iter().any(|c| c.starts_with("SharedResourceWarning") && c.contains("first"))
    };
    world.until_app("second", "names the other", told).await;
    world.leave(&["second"]).await.unwrap();
    assert!(world.api.get(&config_map("ours", "one")).await.unwrap().is_some());
    world.until_good("first").await;
}

mod tests {
    crate::on_kubesim!(
        a_tenant_stays_within_its_project,
        a_manifest_does_not_say_whose_it_is,
        an_object_of_another_is_not_taken,
    );
}
