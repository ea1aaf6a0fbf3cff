//! What is remembered is dropped from time to time, where the operator wants that.

use e2e::{PATIENCE, World};
use serde_json::json;
use testkit::eventually;

use crate::manifests::config;

async fn everything_is_rendered_anew_after_the_hard_timeout(world: &mut World) {
    world.push(&[("hard/c.yaml", &config("c", "x"))]).unwrap();
    world.api.apply(&world.application("hard", "hard", "hard")).await.unwrap();
    world.until_good("hard").await;
    assert_eq!(world.controller.metrics().renders(), 1);
    let settings = json!({"data": {"timeout.hard.reconciliation": "1s"}});
    world.api.patch("/api/v1/namespaces/argocd/configmaps/argocd-cm", &settings).await.unwrap();
    eventually("two more renders, though nothing changed", PATIENCE, || async {
        Ok::<_, ()>(world.controller.metrics().renders() >= 3)
    })
    .await;
    world.until_good("hard").await;
}

mod tests {
    crate::on_kubesim!(everything_is_rendered_anew_after_the_hard_timeout);
}
