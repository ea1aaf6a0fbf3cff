//! What clients read from an Application.

use e2e::{World, app_path, conditions, is_good};
use serde_json::{Value, json};

use crate::manifests::{config, config_map, text};

async fn events_and_history_tell_what_happened(world: &mut World) {
    world.push(&[("told/c.yaml", &config("c", "0"))]).unwrap();
    let mut app = world.application("told", "told", "told");
    app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]});
    world.api.apply(&app).await.unwrap();
    for _ in 0..12 {
        let app = world.sync("told", json!({})).await.unwrap();
        assert_eq!(app["status"]["operationState"]["phase"], "Succeeded");
    }
    let app = world.app("told").await.unwrap();
    let history = app["status"]["history"].as_array().unwrap();
    let ids: Vec<i64> = history.iter().map(|entry| entry["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (2..12).collect::<Vec<_>>());
    assert_eq!(history[0]["initiatedBy"]["username"], "tester");
    assert!(app["status"]["reconciledAt"].is_string());
    for reason in ["OperationStarted", "OperationCompleted", "ResourceUpdated"] {
        world
            .until("/api/v1/namespaces/argocd/events", &format!("has {reason}"), |list| {
                let events = list.unwrap()["items"].as_array().unwrap();
                events.iter().any(|e| e["reason"] == reason && e["involvedObject"]["name"] == "told")
            })
            .await;
    }
    // A hard refresh renders anew, a normal one asks git only.
    let renders = world.controller.metrics().renders();
    world.refresh("told").await.unwrap();
    assert_eq!(world.controller.metrics().renders(), renders);
    let hard = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "hard"}}});
    world.api.patch(&app_path("told"), &hard).await.unwrap();
    world
        .until_app("told", "is refreshed", |app| {
            app["metadata"]["annotations"]["argocd.argoproj.io/refresh"].is_null()
        })
        .await;
    assert_eq!(world.controller.metrics().renders(), renders + 1);
}

async fn what_is_broken_is_named_and_the_others_go_on(world: &mut World) {
    world
        .push(&[
            ("broken/good.yaml", &config("good", "x")),
            ("broken/bad.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [bad\ndata: {}\n"),
            ("sound/c.yaml", &config("c", "1")),
        ])
        .unwrap();
    for name in ["broken", "sound"] {
        world.api.apply(&world.application(name, name, name)).await.unwrap();
    }
    let app = world.until_app("broken", "says what is wrong", |app| !conditions(app).is_empty()).await;
    let said = conditions(&app);
    assert!(said[0].starts_with("ComparisonError") && said[0].contains("bad.yaml"), "{said:?}");
    assert!(
        ["bad.yaml:4", "bad.yaml:5", "line 4", "line 5"].iter().any(|place| said[0].contains(place)),
        "{said:?}"
    );
    // A spec that cannot be read, as an older definition would have let in.
    let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io";
    let mut loose = world.api.get(definition).await.unwrap().unwrap();
    for version in loose["spec"]["versions"].as_array_mut().unwrap() {
        version["schema"] =
            json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    }
    world.api.send(http::Method::PUT, definition, "application/json", Some(&loose)).await.unwrap();
    let malformed = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "malformed", "namespace": "argocd"}, "spec": {"source": 5},
    });
    testkit::eventually("the malformed one is let in", e2e::PATIENCE, || async {
        world.api.apply(&malformed).await.map(|_| true)
    })
    .await;
    let app = world.until_app("malformed", "says so", |app| !conditions(app).is_empty()).await;
    assert!(
        conditions(&app)[0].starts_with("InvalidSpecError: the Application cannot be read"),
        "{:?}",
        conditions(&app)
    );
    let commit = world.push(&[("sound/c.yaml", &config("c", "2"))]).unwrap();
    world.until_good_at("sound", &commit).await;
    // Its repair is seen.
    world.push(&[("broken/bad.yaml", &config("bad", "x"))]).unwrap();
    let app = world.until_app("broken", "is good", is_good).await;
    assert_eq!(conditions(&app), [""; 0]);
}

async fn a_project_refuses_before_the_first_write(world: &mut World) {
    let project = |name: &str, spec: Value| json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": name, "namespace": "argocd"}, "spec": spec});
    let anywhere = json!([{"server": "*", "namespace": "*"}]);
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": []});
    let stray = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stray", "namespace": "kube-system"}});
    world
        .push(&[
            ("limits/a.yaml", &config("a", "x")),
            ("limits/r.yaml", &text(&role)),
            ("limits/s.yaml", &text(&stray)),
        ])
        .unwrap();
    let cases = [
        (
            "repos",
            json!({"sourceRepos": ["https://elsewhere.example.com/*"], "destinations": anywhere}),
            "not permitted",
        ),
        (
            "places",
            json!({"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "elsewhere"}]}),
            "do not match any of the allowed destinations",
        ),
        ("cluster-kinds", json!({"sourceRepos": ["*"], "destinations": anywhere}), "ClusterRole"),
        (
            "kinds",
            json!({"sourceRepos": ["*"], "destinations": anywhere, "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            "namespaceResourceBlacklist": [{"group": "", "kind": "ConfigMap"}]}),
            "ConfigMap",
        ),
        (
            "strays",
            json!({"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "limits"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}),
            "kube-system",
        ),
    ];
    for (name, spec, _) in &cases {
        world.api.apply(&project(name, spec.clone())).await.unwrap();
        let mut app = world.application(name, "limits", "limits");
        app["spec"]["project"] = json!(name);
        world.api.apply(&app).await.unwrap();
    }
    let mut app = world.application("lost", "limits", "limits");
    app["spec"]["project"] = json!("missing");
    world.api.apply(&app).await.unwrap();
    for (name, _, word) in &cases {
        let refused = |app: &Value| {
            conditions(app).iter().any(|c| c.starts_with("InvalidSpecError") && c.contains(word))
        };
        world.until_app(name, &format!("is refused for {word}"), refused).await;
        let app = world.sync(name, json!({})).await.unwrap();
        assert_ne!(app["status"]["operationState"]["phase"], "Succeeded", "{name}");
    }
    world
        .until_app("lost", "has no project", |app| {
            conditions(app).iter().any(|c| c.contains("project missing which does not exist"))
        })
        .await;
    let others: Vec<String> =
        world.writes().iter().filter(|w| w.resource != "applications").map(|w| w.text()).collect();
    assert_eq!(others, [""; 0], "nothing was written");
    // What the project lets in later goes.
    let wide = json!({"sourceRepos": ["*"], "destinations": anywhere, "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]});
    world.api.apply(&project("missing", wide)).await.unwrap();
    world.until_good("lost").await;
}

async fn a_malformed_setting_keeps_the_last_good_one(world: &mut World) {
    let settings = "/api/v1/namespaces/argocd/configmaps/argocd-cm";
    let exclude = |text: &str| json!({"data": {"resource.exclusions": text}});
    world
        .api
        .patch(settings, &exclude("- {apiGroups: [''], kinds: [Secret], clusters: ['*']}\n"))
        .await
        .unwrap();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    world.push(&[("set/s.yaml", &text(&secret)), ("set/c.yaml", &config("c", "1"))]).unwrap();
    world.api.apply(&world.application("set", "set", "set")).await.unwrap();
    let excluded = |app: &Value| {
        is_good(app) && conditions(app).iter().any(|c| c.starts_with("ExcludedResourceWarning"))
    };
    world.until_app("set", "leaves the Secret out", excluded).await;
    world.api.patch(settings, &exclude("}{")).await.unwrap();
    let commit = world.push(&[("set/c.yaml", &config("c", "2"))]).unwrap();
    let app = world.until_good_at("set", &commit).await;
    assert!(excluded(&app), "{:?}", conditions(&app));
    assert_eq!(world.api.get("/api/v1/namespaces/set/secrets/s").await.unwrap(), None);
    assert!(world.api.get(&config_map("set", "c")).await.unwrap().is_some());
}

mod tests {
    crate::on_kubesim!(
        events_and_history_tell_what_happened,
        what_is_broken_is_named_and_the_others_go_on,
        a_project_refuses_before_the_first_write,
        a_malformed_setting_keeps_the_last_good_one,
    );
}
