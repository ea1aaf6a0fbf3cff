//! What changes costs; what does not costs nothing.

use std::time::Duration;

use e2e::{PATIENCE, World};
use testkit::eventually;

use crate::manifests::config;

const APPS: usize = 30;

/// Looks in a row, some 25 ms apart, at which nobody has begun a pass.
const CALM: u32 = 20;

/// Waits until the passes that earlier changes bring about are over.
pub(crate) async fn until_calm(world: &World) {
    let (mut seen, mut looks) = (0, 0);
    eventually("no more passes", PATIENCE, || {
        let passes = world.controller.metrics().passes();
        looks = if passes == seen { looks + 1 } else { 0 };
        seen = passes;
        let calm = looks >= CALM;
        async move { Ok::<_, ()>(calm) }
    })
    .await;
}

async fn a_commit_costs_by_what_it_touches(world: &mut World) {
    let files: Vec<(String, String)> =
        (0..APPS).map(|n| (format!("many/{n}/c.yaml"), config(&format!("c-{n}"), "1"))).collect();
    world.push(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>()).unwrap();
    for n in 0..APPS {
        world
            .api
            .apply(&world.application(&format!("many-{n}"), &format!("many/{n}"), "many"))
            .await
            .unwrap();
    }
    for n in 0..APPS {
        world.until_good(&format!("many-{n}")).await;
    }
    until_calm(world).await;
    let sim = world.cluster.sim.clone().unwrap();
    let metrics = world.controller.metrics();
    let renders = metrics.renders();
    assert_eq!(renders, APPS as u64);
    sim.clear_requests();
    let passes = metrics.passes();
    let commit = world.push(&[("many/7/c.yaml", &config("c-7", "2"))]).unwrap();
    world.until_good_at("many-7", &commit).await;
    assert_eq!(metrics.renders(), renders + 1);
    // One for the commit and some for what its sync changes: nobody else's.
    let passes = metrics.passes() - passes;
    assert!(passes <= 8, "{passes} passes");
    let requests = world.requests();
    let writes: Vec<String> = requests
        .iter()
        // Events are sent beside the work: those of the first syncs may come late.
        .filter(|r| !matches!(r.verb.as_str(), "get" | "list" | "watch") && r.resource != "events")
        .map(|r| r.text())
        .collect();
    assert!(writes.len() <= 10, "{writes:?}");
    let touched: Vec<&String> =
        writes.iter().filter(|w| w.contains(" applications ") && !w.ends_with("/many-7")).collect();
    assert!(touched.is_empty(), "{touched:?}");
    // Then nothing is asked of anybody. This is a look at a while of silence, not a wait for something.
    let quiet = || -> Vec<String> {
        let noise = |r: &e2e::Seen| r.verb == "watch" || matches!(r.resource.as_str(), "leases" | "events");
        world.requests().iter().filter(|r| !noise(r)).map(|r| r.text()).collect()
    };
    until_calm(world).await;
    sim.clear_requests();
    let (renders, git) = (metrics.renders(), world.git.requests());
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(quiet(), [""; 0]);
    assert_eq!(metrics.renders(), renders);
    assert_eq!(world.git.requests(), git);
}

mod tests {
    crate::on_kubesim!(a_commit_costs_by_what_it_touches);
}
