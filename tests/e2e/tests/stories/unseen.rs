//! What cannot be seen any more is neither judged nor removed, though it was seen before; and what stays the same is not told anew.

use std::time::Duration;

use e2e::{PATIENCE, World, conditions, is_good};
use kubesim::{FaultAction, FaultRule, Faults};
use serde_json::{Value, json};
use testkit::eventually;

use crate::manifests::{config, text};

/// Makes a ServiceAccount that is nobody's business, which ends a watch that ends after one event.
async fn poke(world: &World, name: &str) {
    let metadata = json!({"name": name, "namespace": "default"});
    world
        .api
        .apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}))
        .await
        .unwrap();
}

/// P2: the objects of a kind were listed once, and cannot be followed any more.
async fn a_kind_that_is_seen_no_more_is_not_pruned(world: &mut World) {
    let account =
        |name: &str| text(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}));
    let sim = world.cluster.sim.clone().unwrap();
    let short = FaultRule::new(FaultAction::EndWatchAfter(1)).verb("watch").resource("serviceaccounts");
    sim.set_faults(Faults::default().rule(short));
    world.push(&[("blind/a.yaml", &account("stays")), ("blind/b.yaml", &account("goes"))]).unwrap();
    let mut app = world.application("blind", "blind", "blind");
    app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]});
    world.api.apply(&app).await.unwrap();
    world.sync("blind", json!({})).await.unwrap();
    world.repository.remove(&["blind/b.yaml"], "less").unwrap();
    world.pushed();
    let surplus = |app: &Value| app["status"]["resources"][0]["requiresPruning"] == true;
    world.until_app("blind", "has one too many", surplus).await;

    let refuse = |verb: &str| {
        FaultRule::new(FaultAction::Refuse { status: 403, retry_after: None })
            .verb(verb)
            .resource("serviceaccounts")
    };
    sim.set_faults(Faults::default().rule(refuse("list")).rule(refuse("watch")));
    poke(world, "one").await;
    eventually("the watch is refused", PATIENCE, || async {
        let refused =
            world.requests().iter().filter(|r| r.resource == "serviceaccounts" && r.code == 403).count();
        Ok::<_, ()>(refused > 2)
    })
    .await;
    let app = world.sync("blind", json!({"prune": true})).await.unwrap();
    let goes = "/api/v1/namespaces/blind/serviceaccounts/goes";
    assert!(world.api.get(goes).await.unwrap().is_some(), "{}", app["status"]["operationState"]);
    let results = app["status"]["operationState"]["syncResult"]["resources"].as_array().unwrap();
    let kept = results.iter().find(|r| r["name"] == "goes").unwrap();
    assert_eq!(kept["status"], "PruneSkipped", "{kept}");

    sim.set_faults(Faults::default());
    world.restart().await.unwrap();
    world.until_app("blind", "sees it again", surplus).await;
    let app = world.sync("blind", json!({"prune": true})).await.unwrap();
    assert_eq!(world.api.get(goes).await.unwrap(), None, "{}", app["status"]["operationState"]);
}

/// The server has answered that the object is gone; the watch tells it much later.
async fn what_was_pruned_is_out_of_sight_at_once(world: &mut World) {
    let sim = world.cluster.sim.clone().unwrap();
    let late = FaultAction::DelayEvents(Duration::from_secs(5));
    sim.set_faults(Faults::default().rule(FaultRule::new(late).verb("watch").resource("configmaps")));
    world.restart().await.unwrap();
    world.push(&[("late/a.yaml", &config("stays", "x")), ("late/b.yaml", &config("goes", "x"))]).unwrap();
    let mut app = world.application("late", "late", "late");
    // In the foreground an object waits for the garbage collector.
    app["spec"]["syncPolicy"] =
        json!({"syncOptions": ["CreateNamespace=true", "PrunePropagationPolicy=background"]});
    world.api.apply(&app).await.unwrap();
    world.sync("late", json!({})).await.unwrap();
    world.repository.remove(&["late/b.yaml"], "less").unwrap();
    world.pushed();
    let app = world.sync("late", json!({"prune": true})).await.unwrap();
    assert!(is_good(&app), "{}", app["status"]);
}

async fn a_condition_keeps_its_time_while_nothing_changes(world: &mut World) {
    let widget = json!({"apiVersion": "nowhere.example.com/v1", "kind": "Widget", "metadata": {"name": "w"}});
    world.push(&[("same/c.yaml", &config("c", "x")), ("same/w.yaml", &text(&widget))]).unwrap();
    let mut app = world.application("same", "same", "same");
    app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true", "Nonsense=true"]});
    world.api.apply(&app).await.unwrap();
    let before = world.until_app("same", "has conditions", |app| conditions(app).len() == 1).await;
    let at = |app: &Value| app["status"]["reconciledAt"].clone();
    // Times have whole seconds: looked at until a later one is on record.
    let mut after = before.clone();
    while at(&after) == at(&before) {
        after = world.refresh("same").await.unwrap();
    }
    assert_eq!(after["status"]["conditions"], before["status"]["conditions"]);
    assert_eq!(after["status"]["health"], before["status"]["health"]);
    // One that comes is new, the one that stays is not.
    world.push(&[("same/broken.yaml", "kind: [unclosed\n")]).unwrap();
    let after = world.until_app("same", "is broken", |app| conditions(app).len() == 2).await;
    let old = &before["status"]["conditions"][0];
    let kept = after["status"]["conditions"].as_array().unwrap().iter().find(|c| c["type"] == old["type"]);
    assert_eq!(kept, Some(old));
}

mod tests {
    crate::on_kubesim!(
        a_kind_that_is_seen_no_more_is_not_pruned,
        what_was_pruned_is_out_of_sight_at_once,
        a_condition_keeps_its_time_while_nothing_changes,
    );
}
