//! What moves from one application to another is handed over, whoever reads it with whose credentials.

use e2e::{PATIENCE, World, is_good};
use serde_json::json;
use testkit::{eventually, eventually_some};

use crate::manifests::{config, config_map};

async fn what_moves_between_projects_is_handed_over(world: &mut World) {
    let project = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "team", "namespace": "argocd"},
        "spec": {
            "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    });
    world.api.apply(&project).await.unwrap();
    world
        .push(&[
            ("giver/m.yaml", &config("moves", "x")),
            ("giver/s.yaml", &config("stays", "x")),
            ("taker/s.yaml", &config("other", "x")),
        ])
        .unwrap();
    for (name, project) in [("giver", "default"), ("taker", "team")] {
        let mut app = world.application(name, name, "handed");
        app["spec"]["project"] = json!(project);
        world.api.apply(&app).await.unwrap();
        world.until_good(name).await;
    }
    let path = config_map("handed", "moves");
    let uid = world.api.get(&path).await.unwrap().unwrap()["metadata"]["uid"].clone();
    world.repository.git(&["mv", "giver/m.yaml", "taker/m.yaml"]).unwrap();
    // Nobody says that the repository changed: only the giver's project hears of it by itself.
    let commit = world.repository.commit(&[("count.txt", "1")], "move").unwrap();
    world.refresh("giver").await.unwrap();
    let taken = eventually_some("the object has another owner", PATIENCE, || async {
        let object = world.api.get(&path).await?;
        let object = object.ok_or_else(|| anyhow::anyhow!("it was deleted"))?;
        let owner = object["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"].as_str();
        let taken = owner.unwrap_or_default().starts_with("taker:");
        Ok::<_, anyhow::Error>(taken.then_some(object.clone()))
    })
    .await;
    assert_eq!(taken["metadata"]["uid"], uid);
    world.until_good_at("giver", &commit).await;
    world.until_app("taker", "is good", is_good).await;
    let deletes: Vec<_> = world.writes().into_iter().filter(|w| w.verb == "delete").collect();
    assert_eq!(deletes, []);
}

/// Whoever comes next has watched for a while, by settings that have changed since.
async fn what_changed_before_its_turn_is_known_to_the_next_controller(world: &mut World) {
    let next = world.another("next").await.unwrap();
    let old = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "old", "namespace": "default", "labels": {"app.kubernetes.io/instance": "labelled"}},
    });
    world.api.apply(&old).await.unwrap();
    let key = resource::ResourceKey::new("", "ConfigMap", "default", "old");
    let cluster = next.controller.cluster();
    eventually("it is seen as nobody's", PATIENCE, || async {
        Ok::<_, ()>(cluster.get(&key).is_some_and(|object| object.instance().is_none()))
    })
    .await;
    let by_label = json!({"data": {"application.resourceTrackingMethod": "label"}});
    world.api.patch("/api/v1/namespaces/argocd/configmaps/argocd-cm", &by_label).await.unwrap();
    eventually("a standby sees whose it is now", PATIENCE, || async {
        let owner = cluster.get(&key).and_then(|object| object.instance().cloned());
        Ok::<_, ()>(owner.as_deref() == Some("labelled"))
    })
    .await;
    world.retire().await.unwrap();
    world.push(&[("labelled/a.yaml", &config("new", "x"))]).unwrap();
    let mut app = world.application("labelled", "labelled", "default");
    app["spec"]["syncPolicy"] = json!({});
    world.api.apply(&app).await.unwrap();
    let surplus = |app: &serde_json::Value| {
        let resources = app["status"]["resources"].as_array();
        resources.is_some_and(|all| all.iter().any(|r| r["name"] == "old" && r["requiresPruning"] == true))
    };
    world.until_app("labelled", "has one too many", surplus).await;
}

mod tests {
    crate::on_kubesim!(what_moves_between_projects_is_handed_over);
    crate::on_kubesim!(what_changed_before_its_turn_is_known_to_the_next_controller);
}
