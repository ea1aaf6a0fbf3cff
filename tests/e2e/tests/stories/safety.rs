//! What is never deleted, and who may write at all. Each of these was seen failing with its guard taken out.

use std::time::Duration;

use e2e::{PATIENCE, World, app_path, conditions};
use kubesim::{FaultAction, FaultRule, Faults};
use serde_json::{Value, json};
use testkit::eventually;

use crate::manifests::{config, config_map, text};

fn deletes(world: &World) -> Vec<String> {
    world.writes().into_iter().filter(|w| w.verb == "delete" && w.code < 300).map(|w| w.name).collect()
}

async fn uid(world: &World, path: &str) -> Value {
    world.api.get(path).await.unwrap().unwrap()["metadata"]["uid"].clone()
}

/// P1.
async fn what_is_not_ours_survives_a_prune(world: &mut World) {
    world.push(&[("p1/a.yaml", &config("stays", "x")), ("p1/b.yaml", &config("goes", "x"))]).unwrap();
    world.api.apply(&world.application("p1", "p1", "p1")).await.unwrap();
    world.until_good("p1").await;
    let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "stays", "controller": true,
        "uid": uid(world, &config_map("p1", "stays")).await}]);
    for (name, tracking, owners) in [
        ("another-apps", "p2:/ConfigMap:p1/another-apps", json!([])),
        ("a-copy", "p1:/ConfigMap:p1/stays", json!([])),
        ("a-controllers", "p1:/ConfigMap:p1/a-controllers", owner),
        ("nobodys", "", json!([])),
    ] {
        let annotations = json!({"argocd.argoproj.io/tracking-id": tracking});
        let metadata =
            json!({"name": name, "namespace": "p1", "annotations": annotations, "ownerReferences": owners});
        world
            .api
            .apply(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}))
            .await
            .unwrap();
    }
    world.repository.remove(&["p1/b.yaml"], "less").unwrap();
    world.pushed();
    world.until_good_at("p1", &world.repository.head().unwrap()).await;
    assert_eq!(deletes(world), ["goes"]);
}

/// P3.
async fn what_was_made_anew_meanwhile_survives(world: &mut World) {
    world.push(&[("p3/a.yaml", &config("stays", "x")), ("p3/b.yaml", &config("goes", "x"))]).unwrap();
    world.api.apply(&world.application("p3", "p3", "p3")).await.unwrap();
    world.until_good("p3").await;
    let sim = world.cluster.sim.clone().unwrap();
    let late = FaultRule::new(FaultAction::Delay(Duration::from_millis(400)))
        .verb("delete")
        .resource("configmaps")
        .times(1);
    sim.set_faults(Faults::default().rule(late));
    sim.clear_requests();
    world.repository.remove(&["p3/b.yaml"], "less").unwrap();
    world.pushed();
    eventually("the look before the delete", PATIENCE, || async {
        Ok::<_, ()>(world.requests().iter().any(|r| r.verb == "get" && r.name == "goes"))
    })
    .await;
    let path = config_map("p3", "goes");
    let scale = json!({"metadata": {"labels": {"touched": "meanwhile"}}});
    world.api.patch(&path, &scale).await.unwrap();
    let before = uid(world, &path).await;
    eventually("a delete that came too late", PATIENCE, || async {
        Ok::<_, ()>(world.requests().iter().any(|r| r.verb == "delete" && r.code == 409))
    })
    .await;
    assert_eq!(uid(world, &path).await, before);
}

/// P2: the objects of a kind cannot be listed.
async fn a_kind_that_cannot_be_seen_is_not_pruned(world: &mut World) {
    let account =
        |name: &str| text(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}));
    world.push(&[("p2/a.yaml", &account("stays")), ("p2/b.yaml", &account("goes"))]).unwrap();
    world.api.apply(&world.application("p2", "p2", "p2")).await.unwrap();
    world.until_good("p2").await;
    let sim = world.cluster.sim.clone().unwrap();
    let refuse = |verb: &str| {
        FaultRule::new(FaultAction::Refuse { status: 403, retry_after: None })
            .verb(verb)
            .resource("serviceaccounts")
    };
    sim.set_faults(Faults::default().rule(refuse("list")).rule(refuse("watch")));
    world.repository.remove(&["p2/b.yaml"], "less").unwrap();
    world.restart().await.unwrap();
    let app = world
        .until_app("p2", "says what it cannot see", |app| app["status"]["sync"]["status"] == "Unknown")
        .await;
    assert!(
        conditions(&app).iter().any(|c| c.contains("ServiceAccount") && c.contains("grant")),
        "{:?}",
        conditions(&app)
    );
    let app = world.sync("p2", json!({"prune": true})).await.unwrap();
    assert_eq!(deletes(world), [""; 0], "{}", app["status"]["operationState"]);
    assert!(world.api.get("/api/v1/namespaces/p2/serviceaccounts/goes").await.unwrap().is_some());
}

/// P2: git has a kind whose scope nobody knows, so that nobody can tell which objects git names.
async fn a_kind_that_is_not_served_stops_all_pruning(world: &mut World) {
    let widget = json!({"apiVersion": "nowhere.example.com/v1", "kind": "Widget", "metadata": {"name": "w"}});
    world.push(&[("scope/a.yaml", &config("stays", "x")), ("scope/b.yaml", &config("goes", "x"))]).unwrap();
    let mut app = world.application("scope", "scope", "scope");
    app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]});
    world.api.apply(&app).await.unwrap();
    world.sync("scope", json!({})).await.unwrap();
    world.repository.remove(&["scope/b.yaml"], "less").unwrap();
    world.push(&[("scope/w.yaml", &text(&widget))]).unwrap();
    let only = json!([{"kind": "ConfigMap", "name": "goes"}]);
    let app = world.sync("scope", json!({"prune": true, "resources": only})).await.unwrap();
    let result = app["status"]["operationState"]["syncResult"]["resources"][0].clone();
    assert_eq!(result["status"], "PruneSkipped", "{result}");
    assert!(result["message"].as_str().unwrap().contains("nowhere.example.com"), "{result}");
    assert_eq!(deletes(world), [""; 0]);
}

/// P4, P5.
async fn an_empty_or_missing_directory_prunes_nothing(world: &mut World) {
    world
        .push(&[("p4/a.yaml", &config("a", "x")), ("p4/README.md", "x"), ("p4/b.yaml", &config("b", "x"))])
        .unwrap();
    world.api.apply(&world.application("p4", "p4", "p4")).await.unwrap();
    world.until_good("p4").await;
    let says = |part: &'static str| move |app: &Value| conditions(app).iter().any(|c| c.contains(part));
    world.repository.git(&["mv", "p4", "elsewhere"]).unwrap();
    world.push(&[("other.txt", "x")]).unwrap();
    world.until_app("p4", "misses its path", says("app path does not exist")).await;
    world.repository.git(&["mv", "elsewhere", "p4"]).unwrap();
    world.push(&[("other.txt", "y")]).unwrap();
    world.until_app("p4", "is good again", e2e::is_good).await;
    world.repository.remove(&["p4/a.yaml", "p4/b.yaml"], "nothing left").unwrap();
    world.pushed();
    world.until_app("p4", "does not wipe itself out", says("auto-sync will wipe out all resources")).await;
    let app = world.sync("p4", json!({"prune": true})).await.unwrap();
    assert_eq!(deletes(world), [""; 0], "also where somebody asks: {}", app["status"]["operationState"]);
    let allow = json!({"spec": {"syncPolicy": {"automated": {"allowEmpty": true}}}});
    world.api.patch(&app_path("p4"), &allow).await.unwrap();
    world.sync("p4", json!({"prune": true})).await.unwrap();
    world.until(&config_map("p4", "a"), "goes, since it may", |o| o.is_none()).await;
}

/// P7.
async fn one_of_two_controllers_writes(world: &mut World) {
    let second = world.another("second").await.unwrap();
    world.push(&[("p7/a.yaml", &config("a", "1"))]).unwrap();
    world.api.apply(&world.application("p7", "p7", "p7")).await.unwrap();
    world.until_good("p7").await;
    let by = |world: &World, who: &str| {
        world.writes().into_iter().filter(|w| w.user.ends_with(who)).map(|w| w.text()).collect::<Vec<_>>()
    };
    assert_eq!(by(world, "-second"), [""; 0]);
    // The lease passes on, and for some seconds the first does not know: what both do, they do once.
    let lease = "/apis/coordination.k8s.io/v1/namespaces/argocd/leases/argocd-application-controller";
    world.api.patch(lease, &json!({"spec": {"holderIdentity": "second"}})).await.unwrap();
    eventually("the second is active", PATIENCE, || async {
        Ok::<_, ()>(second.controller.metrics().is_leading())
    })
    .await;
    for (number, value) in ["2", "3"].into_iter().enumerate() {
        let commit = world.push(&[("p7/a.yaml", &config("a", value))]).unwrap();
        second.controller.repository_changed(&world.git.url(&world.repository));
        let app = world.until_good_at("p7", &commit).await;
        assert_eq!(
            app["status"]["history"].as_array().unwrap().len(),
            number + 2,
            "{}",
            app["status"]["history"]
        );
    }
    eventually("the first stands by", PATIENCE, || async {
        Ok::<_, ()>(!world.controller.metrics().is_leading())
    })
    .await;
    let before = by(world, "-1").len();
    let commit = world.push(&[("p7/a.yaml", &config("a", "4"))]).unwrap();
    second.controller.repository_changed(&world.git.url(&world.repository));
    world.until_good_at("p7", &commit).await;
    assert_eq!(by(world, "-1").len(), before);
}

async fn what_moves_between_applications_is_handed_over(world: &mut World) {
    let files = [
        ("from/m.yaml", config("moves", "x")),
        ("from/s.yaml", config("stays", "x")),
        ("to/s.yaml", config("other", "x")),
    ];
    world.push(&files.each_ref().map(|(path, text)| (*path, text.as_str()))).unwrap();
    for name in ["from", "to"] {
        world.api.apply(&world.application(name, name, "moving")).await.unwrap();
        world.until_good(name).await;
    }
    let path = config_map("moving", "moves");
    let before = uid(world, &path).await;
    let tracked = |by: &'static str| {
        move |o: Option<&Value>| {
            o.is_some_and(|o| {
                o["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"]
                    .as_str()
                    .unwrap_or_default()
                    .starts_with(by)
            })
        }
    };
    for (place, (from, to)) in [("from", "to"), ("to", "from"), ("from", "to")].into_iter().enumerate() {
        world.repository.git(&["mv", &format!("{from}/m.yaml"), &format!("{to}/m.yaml")]).unwrap();
        let commit = world.push(&[("count.txt", &place.to_string())]).unwrap();
        world.until(&path, "is handed over", tracked(if to == "to" { "to:" } else { "from:" })).await;
        world.until_app("from", "is good", e2e::is_good).await;
        world.until_app("to", "is good", e2e::is_good).await;
        assert_eq!(uid(world, &path).await, before, "{commit}");
    }
    assert_eq!(deletes(world), [""; 0]);
}

mod tests {
    crate::on_kubesim!(
        what_is_not_ours_survives_a_prune,
        what_was_made_anew_meanwhile_survives,
        a_kind_that_cannot_be_seen_is_not_pruned,
        a_kind_that_is_not_served_stops_all_pruning,
        an_empty_or_missing_directory_prunes_nothing,
        one_of_two_controllers_writes,
        what_moves_between_applications_is_handed_over,
    );
}
