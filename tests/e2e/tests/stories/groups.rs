//! An API group whose server is away: an aggregated one in the real cluster, one that refuses everything in kubesim.

use e2e::{World, conditions};
use kubesim::{FaultAction, FaultRule, Faults};
use serde_json::{Value, json};

use crate::manifests::{config, config_map, definition, text};

const GROUP: &str = "away.example.com";
const SERVICE: &str = "/apis/apiregistration.k8s.io/v1/apiservices/v1.away.example.com";
const MANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";

async fn set_away(world: &World, away: bool) {
    if let Some(sim) = &world.cluster.sim {
        let refuse = |verb: &str| {
            let action = FaultAction::Refuse { status: 503, retry_after: None };
            FaultRule::new(action).resource("widgets").verb(verb)
        };
        let verbs = ["get", "list", "watch", "apply", "patch", "delete"];
        sim.set_faults(Faults { rules: if away { verbs.map(refuse).into() } else { Vec::new() } });
        return;
    }
    // What serves custom resources steps back for a service that is not there, or comes again.
    if away {
        let service = json!({"name": "nobody", "namespace": "default"});
        let change = json!({"metadata": {"labels": {MANAGED: null}}, "spec": {"service": service, "insecureSkipTLSVerify": true}});
        world.api.patch(SERVICE, &change).await.unwrap();
        world.until(SERVICE, "is away", |o| o.unwrap()["status"]["conditions"][0]["status"] == "False").await;
    } else {
        world.api.delete(SERVICE).await.unwrap();
    }
}

pub(crate) async fn a_group_that_is_away_stops_only_who_needs_it(world: &mut World) {
    world.api.apply(&definition(GROUP)).await.unwrap();
    let widget = |name: &str| {
        text(&json!({"apiVersion": format!("{GROUP}/v1"), "kind": "Widget", "metadata": {"name": name}}))
    };
    world
        .push(&[
            ("needs/stays.yaml", &widget("stays")),
            ("needs/goes.yaml", &widget("goes")),
            ("needs/c.yaml", &config("goes-too", "1")),
            ("free/a.yaml", &config("a", "1")),
            ("free/b.yaml", &config("b", "1")),
        ])
        .unwrap();
    for name in ["needs", "free"] {
        world.api.apply(&world.application(name, name, name)).await.unwrap();
        world.until_good(name).await;
    }
    set_away(world, true).await;
    world.restart().await.unwrap();

    world.repository.remove(&["needs/goes.yaml", "needs/c.yaml", "free/b.yaml"], "less").unwrap();
    let commit = world.push(&[("free/a.yaml", &config("a", "2"))]).unwrap();
    world.until_good_at("free", &commit).await;
    assert_eq!(world.api.get(&config_map("free", "b")).await.unwrap(), None, "pruned as ever");
    let says = |app: &Value| {
        app["status"]["sync"]["status"] == "Unknown" && conditions(app).iter().any(|c| c.contains(GROUP))
    };
    world.until_app("needs", "says what it cannot see", says).await;
    let app = world.sync("needs", json!({"prune": true})).await.unwrap();
    let state = &app["status"]["operationState"];
    let deleted = |w: &&e2e::Seen| w.verb == "delete" && w.namespace == "needs";
    let gone: Vec<String> = world.writes().iter().filter(deleted).map(e2e::Seen::text).collect();
    assert_eq!(gone, [""; 0], "{state}");

    set_away(world, false).await;
    let path = |name: &str| format!("/apis/{GROUP}/v1/namespaces/needs/widgets/{name}");
    // A sync that failed is not repeated by itself at the same commit.
    world.until_app("needs", "sees all again", |app| app["status"]["sync"]["status"] == "OutOfSync").await;
    world.sync("needs", json!({"prune": true})).await.unwrap();
    world.until_good("needs").await;
    assert_eq!(world.api.get(&path("goes")).await.unwrap(), None, "pruned at last");
    assert!(world.api.get(&path("stays")).await.unwrap().is_some());
}

mod tests {
    crate::on_kubesim!(a_group_that_is_away_stops_only_who_needs_it);
}
