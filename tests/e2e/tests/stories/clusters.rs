//! Applications of other clusters.

use std::collections::BTreeSet;

use e2e::{Gate, PATIENCE, Remote, World, app_path, conditions, is_good};
use serde_json::{Value, json};
use testkit::eventually;

use crate::manifests::{config, config_map, deployment, deployment_path};

/// An Application of `path` that goes to a cluster by its name.
fn bound_for(world: &World, name: &str, cluster: &str) -> Value {
    let mut app = world.application(name, name, name);
    app["spec"]["destination"] = json!({"name": cluster, "namespace": name});
    app
}

/// A remote cluster that is known as `far`.
async fn far(world: &World) -> Remote {
    let remote = Remote::start().await.unwrap();
    world.api.apply(&remote.secret("far", &[])).await.unwrap();
    remote
}

async fn until(remote: &Remote, path: &str, what: &str, check: impl Fn(Option<&Value>) -> bool) {
    eventually(&format!("{path} {what} over there"), PATIENCE, || async {
        let object = remote.api.get(path).await?;
        if check(object.as_ref()) { Ok(true) } else { Err(anyhow::anyhow!("it is {object:?}")) }
    })
    .await;
}

fn says(app: &Value, text: &str) -> bool {
    conditions(app).iter().any(|condition| condition.contains(text))
}

async fn git_is_what_runs_in_another_cluster(world: &mut World) {
    let remote = far(world).await;
    let files = [
        ("away/a.yaml", config("a", "1")),
        ("away/gone.yaml", config("gone", "1")),
        ("away/web.yaml", deployment("web", "web:1", 1)),
    ];
    world.push(&files.each_ref().map(|(path, text)| (*path, text.as_str()))).unwrap();
    world.api.apply(&bound_for(world, "away", "far")).await.unwrap();
    let app = world.until_good("away").await;
    assert_eq!(app["status"]["resources"].as_array().unwrap().len(), 3);
    assert!(remote.api.get(&deployment_path("away", "web")).await.unwrap().is_some());
    assert_eq!(world.api.get("/api/v1/namespaces/away").await.unwrap(), None, "nothing of it is here");

    // Drift over there is healed, what left git is pruned.
    let (a, gone) = (config_map("away", "a"), config_map("away", "gone"));
    remote.api.patch(&a, &json!({"data": {"key": "by hand"}})).await.unwrap();
    until(&remote, &a, "is healed", |o| o.is_some_and(|o| o["data"]["key"] == "1")).await;
    world.repository.remove(&["away/gone.yaml"], "less").unwrap();
    world.pushed();
    until(&remote, &gone, "is pruned", |o| o.is_none()).await;

    world.api.delete(&app_path("away")).await.unwrap();
    world.until(&app_path("away"), "is gone", |o| o.is_none()).await;
    assert_eq!(remote.api.get(&a).await.unwrap(), None);
}

/// The same objects here and there are no two claims to one object.
async fn the_same_objects_in_two_clusters_are_two(world: &mut World) {
    let remote = far(world).await;
    world.push(&[("both/c.yaml", &config("c", "1"))]).unwrap();
    let mut here = world.application("here", "both", "both");
    here["spec"]["syncPolicy"]["syncOptions"] = json!(["CreateNamespace=true", "FailOnSharedResource=true"]);
    let mut there = here.clone();
    there["metadata"]["name"] = json!("there");
    there["spec"]["destination"] = json!({"server": format!("{}/", remote.server()), "namespace": "both"});
    for app in [&here, &there] {
        world.api.apply(app).await.unwrap();
    }
    for name in ["here", "there"] {
        world.until_good(name).await;
    }
    // One that moves leaves what it had, and has the rest where it goes.
    let to = json!({"spec": {"destination": here["spec"]["destination"]}});
    world.api.delete(&app_path("here")).await.unwrap();
    world.until(&app_path("here"), "is gone", |o| o.is_none()).await;
    world.api.patch(&app_path("there"), &json!({"spec": {"destination": {"server": null}}})).await.unwrap();
    world.api.patch(&app_path("there"), &to).await.unwrap();
    world.until(&config_map("both", "c"), "is here", |o| o.is_some()).await;
    world.until_good("there").await;
    assert!(remote.api.get(&config_map("both", "c")).await.unwrap().is_some());
}

async fn a_cluster_that_is_away_stops_only_its_own(world: &mut World) {
    let remote = far(world).await;
    world.push(&[("away/c.yaml", &config("c", "1")), ("near/c.yaml", &config("c", "1"))]).unwrap();
    world.api.apply(&bound_for(world, "away", "far")).await.unwrap();
    world.api.apply(&world.application("near", "near", "near")).await.unwrap();
    world.until_good("away").await;
    world.until_good("near").await;

    for gate in [Gate::Shut, Gate::Silent] {
        remote.set_gate(gate);
        let value = format!("{gate:?}");
        world.push(&[("away/c.yaml", &config("c", &value)), ("near/c.yaml", &config("c", &value))]).unwrap();
        let here = config_map("near", "c");
        world.until(&here, "is changed meanwhile", |o| o.unwrap()["data"]["key"] == value.as_str()).await;
        let told = |app: &Value| {
            let status = &app["status"];
            let unknown = status["sync"]["status"] == "Unknown" && status["health"]["status"] == "Unknown";
            unknown && says(app, &format!("cluster {} cannot be reached: ", remote.server()))
        };
        world.until_app("away", "says that its cluster is away", told).await;
        remote.set_gate(Gate::Open);
        let there = config_map("away", "c");
        until(&remote, &there, "is changed at last", |o| o.unwrap()["data"]["key"] == value.as_str()).await;
        let app = world.until_app("away", "is good again", is_good).await;
        assert_eq!(conditions(&app), [""; 0]);
    }
}

async fn a_cluster_comes_and_goes_with_its_secret(world: &mut World) {
    let remote = Remote::start().await.unwrap();
    world.push(&[("away/c.yaml", &config("c", "1"))]).unwrap();
    world.api.apply(&bound_for(world, "away", "far")).await.unwrap();
    world.until_app("away", "knows no such cluster", |app| says(app, "cluster far is not known")).await;
    // A wrong token, then the right one.
    world.api.apply(&remote.secret_with_token("far", "wrong", &[])).await.unwrap();
    let refused = |app: &Value| says(app, "cannot be reached") && says(app, "Unauthorized");
    world.until_app("away", "is not let in", refused).await;
    world.api.apply(&remote.secret("far", &[])).await.unwrap();
    world.until_good("away").await;

    // Two of one name are none.
    let twin = Remote::start().await.unwrap();
    let mut secret = twin.secret("far", &[]);
    secret["metadata"]["name"] = json!("cluster-twin");
    world.api.apply(&secret).await.unwrap();
    let told = |app: &Value| says(app, "there are several clusters with the name far");
    world.until_app("away", "cannot tell which", told).await;
    world.api.delete("/api/v1/namespaces/argocd/secrets/cluster-twin").await.unwrap();
    world.until_good("away").await;

    world.api.delete("/api/v1/namespaces/argocd/secrets/cluster-far").await.unwrap();
    world.until_app("away", "has lost its cluster", |app| says(app, "is not known")).await;
    assert!(remote.api.get(&config_map("away", "c")).await.unwrap().is_some(), "what it had stays");
    world.api.delete(&app_path("away")).await.unwrap();
    world.until(&app_path("away"), "may go", |o| o.is_none()).await;
}

/// What a Secret says beside the way to its cluster is taken as it is, over the connection that there is.
async fn another_name_is_no_other_connection(world: &mut World) {
    let remote = far(world).await;
    world.push(&[("away/c.yaml", &config("c", "1"))]).unwrap();
    world.api.apply(&bound_for(world, "away", "far")).await.unwrap();
    world.until_good("away").await;
    let lists = || remote.sim.as_ref().unwrap().requests().iter().filter(|r| r.verb == "list").count();
    let before = lists();
    let mut secret = remote.secret("moon", &[]);
    secret["metadata"]["name"] = json!("cluster-far");
    world.api.apply(&secret).await.unwrap();
    world.until_app("away", "knows no such cluster", |app| says(app, "cluster far is not known")).await;
    let to = json!({"spec": {"destination": {"name": "moon", "namespace": "away"}}});
    world.api.patch(&app_path("away"), &to).await.unwrap();
    world.until_good("away").await;
    assert_eq!(lists(), before, "nothing was listed anew");
}

async fn a_cluster_may_be_looked_at_in_part(world: &mut World) {
    let remote = Remote::start().await.unwrap();
    for namespace in ["ours", "theirs"] {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        remote.api.apply(&namespace).await.unwrap();
    }
    world.api.apply(&remote.secret("far", &[("namespaces", "ours")])).await.unwrap();
    world.push(&[("ours/c.yaml", &config("c", "1")), ("theirs/c.yaml", &config("c", "1"))]).unwrap();
    for name in ["ours", "theirs"] {
        let mut app = bound_for(world, name, "far");
        app["spec"]["syncPolicy"]["syncOptions"] = json!([]);
        world.api.apply(&app).await.unwrap();
    }
    world.until_good("ours").await;
    let told = |app: &Value| says(app, "namespace \"theirs\" for ConfigMap \"c\" is not managed");
    world.until_app("theirs", "is told that nobody looks there", told).await;
    assert_eq!(remote.api.get(&config_map("theirs", "c")).await.unwrap(), None);
    // Nobody else over there asks for Secrets.
    let asked = remote.sim.as_ref().unwrap().requests().into_iter().filter(|r| r.resource == "secrets");
    let asked: BTreeSet<(String, String)> = asked.map(|r| (r.verb, r.namespace)).collect();
    let ours = |verb: &str| (verb.to_owned(), "ours".to_owned());
    assert_eq!(asked, BTreeSet::from([ours("list"), ours("watch")]));
}

async fn a_project_may_insist_on_its_own_clusters(world: &mut World) {
    let remote = far(world).await;
    world.push(&[("own/c.yaml", &config("c", "1"))]).unwrap();
    let spec = json!({
        "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}], "permitOnlyProjectScopedClusters": true,
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    });
    let project = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "team", "namespace": "argocd"}, "spec": spec,
    });
    world.api.apply(&project).await.unwrap();
    let mut app = bound_for(world, "own", "far");
    app["spec"]["project"] = json!("team");
    world.api.apply(&app).await.unwrap();
    world.until_app("own", "is refused", |app| says(app, "is not a cluster of project 'team'")).await;
    world.api.apply(&remote.secret("far", &[("project", "team")])).await.unwrap();
    world.until_good("own").await;
}

async fn a_certificate_that_nobody_looks_at_is_said(world: &mut World) {
    let remote = Remote::start().await.unwrap();
    let mut secret = remote.secret("far", &[]);
    let config: Value = serde_json::from_str(secret["stringData"]["config"].as_str().unwrap()).unwrap();
    let config = json!({"bearerToken": config["bearerToken"], "tlsClientConfig": {"insecure": true}});
    secret["stringData"]["config"] = json!(config.to_string());
    world.api.apply(&secret).await.unwrap();
    world.push(&[("away/c.yaml", &crate::manifests::config("c", "1"))]).unwrap();
    world.api.apply(&bound_for(world, "away", "far")).await.unwrap();
    let app = world.until_good("away").await;
    assert!(
        says(&app, "LintWarning: cluster far: its certificate is not looked at"),
        "{:?}",
        conditions(&app)
    );
}

mod tests {
    crate::on_kubesim!(
        git_is_what_runs_in_another_cluster,
        the_same_objects_in_two_clusters_are_two,
        a_cluster_that_is_away_stops_only_its_own,
        a_cluster_comes_and_goes_with_its_secret,
        another_name_is_no_other_connection,
        a_cluster_may_be_looked_at_in_part,
        a_project_may_insist_on_its_own_clusters,
        a_certificate_that_nobody_looks_at_is_said,
    );
}
