//! Manifests that come with the operation, in the place of git.

use e2e::{World, app_path};
use serde_json::{Value, json};

use crate::manifests::{config, config_map};

/// An application that nobody syncs, with `c` and `gone` from git.
async fn by_hand(world: &mut World) {
    world.push(&[("web/c.yaml", &config("c", "git")), ("web/gone.yaml", &config("gone", "git"))]).unwrap();
    let mut app = world.application("web", "web", "web");
    app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]});
    world.api.apply(&app).await.unwrap();
    world.sync("web", json!({})).await.unwrap();
    world.until_good("web").await;
}

async fn value_of(world: &World, name: &str) -> Option<String> {
    let object = world.api.get(&config_map("web", name)).await.unwrap()?;
    Some(object["data"]["key"].as_str().unwrap_or_default().to_owned())
}

async fn what_comes_along_is_synced_in_the_place_of_git(world: &mut World) {
    by_hand(world).await;
    let history = |app: &Value| app["status"]["history"].as_array().map_or(0, Vec::len);
    let before = history(&world.app("web").await.unwrap());

    let mine = json!([config("c", "mine"), config("more", "mine")]);
    let app = world.sync("web", json!({"manifests": mine, "dryRun": true})).await.unwrap();
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded", "{app}");
    assert_eq!((value_of(world, "c").await.as_deref(), value_of(world, "more").await), (Some("git"), None));

    let app = world.sync("web", json!({"manifests": mine})).await.unwrap();
    let state = &app["status"]["operationState"];
    assert_eq!(state["phase"], "Succeeded", "{state}");
    assert_eq!(value_of(world, "c").await.as_deref(), Some("mine"));
    assert_eq!(value_of(world, "more").await.as_deref(), Some("mine"));
    assert_eq!(value_of(world, "gone").await.as_deref(), Some("git"), "nothing was said of pruning");
    assert_eq!(state["syncResult"]["revision"].as_str().unwrap_or_default(), "", "it is no commit's");
    assert!(!state.to_string().contains("mine"), "what came along is not kept: {state}");
    assert_eq!(history(&app), before, "nobody can go back to it");
    let differs = |app: &Value| app["status"]["sync"]["status"] == "OutOfSync";
    world.until_app("web", "differs from git", differs).await;

    world.sync("web", json!({"manifests": [config("c", "mine")], "prune": true})).await.unwrap();
    assert_eq!((value_of(world, "gone").await, value_of(world, "more").await), (None, None));
    world.sync("web", json!({})).await.unwrap();
    world.until_good("web").await;
    assert_eq!(value_of(world, "c").await.as_deref(), Some("git"));
}

async fn what_comes_along_is_held_to_the_same_limits(world: &mut World) {
    by_hand(world).await;
    let role =
        r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"mine"}}"#;
    let project = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/default";
    world.api.patch(project, &json!({"spec": {"clusterResourceWhitelist": []}})).await.unwrap();
    let automated = json!({"spec": {"syncPolicy": {"automated": {}}}});
    for (sync, automate, why) in [
        (json!({"manifests": [config("c", "mine"), role]}), false, "the project does not permit all of it"),
        (json!({"manifests": ["- 1"]}), false, "operation.sync.manifests[0] is no object"),
        (
            json!({"manifests": [config("c", "mine")]}),
            true,
            "cannot use local sync when Automatic Sync Policy",
        ),
    ] {
        if automate {
            world.api.patch(&app_path("web"), &automated).await.unwrap();
        }
        let app = world.sync("web", sync).await.unwrap();
        let state = &app["status"]["operationState"];
        assert!(state["message"].as_str().unwrap().contains(why), "{why}: {state}");
        assert_ne!(state["phase"], "Succeeded", "{why}");
        assert_eq!(value_of(world, "c").await.as_deref(), Some("git"), "{why}");
    }
    let app = world.app("web").await.unwrap();
    assert!(
        !app["status"]["operationState"].to_string().contains("mine"),
        "what was refused is not kept: {app}"
    );
}

mod tests {
    crate::on_kubesim!(
        what_comes_along_is_synced_in_the_place_of_git,
        what_comes_along_is_held_to_the_same_limits,
    );
}
