//! How applications and their objects leave: with consent where that is asked for, and never what another one has in git.

use e2e::{World, app_path, conditions, is_good};
use serde_json::{Value, json};

use crate::manifests::{annotated, config, config_map};

const APPROVED: &str = "argocd.argoproj.io/deletion-approved";

fn approval(at: &str) -> Value {
    json!({"metadata": {"annotations": {APPROVED: at}}})
}

fn now() -> String {
    api::format_time((applications::Options::new("argocd", "tester").clock)())
}

pub(crate) async fn what_another_has_in_git_outlives_its_application(world: &mut World) {
    world
        .push(&[
            ("leaver/c.yaml", &config("common", "x")),
            ("leaver/own.yaml", &config("own", "x")),
            ("heir/c.yaml", &config("common", "x")),
        ])
        .unwrap();
    world.api.apply(&world.application("leaver", "leaver", "estate")).await.unwrap();
    world.until_good("leaver").await;
    world.api.apply(&world.application("heir", "heir", "estate")).await.unwrap();
    let shared = |app: &Value| conditions(app).iter().any(|c| c.starts_with("SharedResourceWarning"));
    world.until_app("heir", "shares an object", shared).await;
    let common = config_map("estate", "common");
    let before = world.api.get(&common).await.unwrap().unwrap()["metadata"]["uid"].clone();
    world.api.delete(&app_path("leaver")).await.unwrap();
    world.until(&app_path("leaver"), "is gone", |o| o.is_none()).await;
    assert_eq!(world.api.get(&config_map("estate", "own")).await.unwrap(), None, "its own went before it");
    world.until_app("heir", "has it now", is_good).await;
    let now = world.api.get(&common).await.unwrap().unwrap();
    assert_eq!(now["metadata"]["uid"], before);
    let owner = now["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"].as_str().unwrap();
    assert!(owner.starts_with("heir:"), "{owner}");
}

async fn a_deletion_waits_for_consent_given_after_it_was_asked_for(world: &mut World) {
    world
        .push(&[
            ("consent/a.yaml", &annotated("asks", "x", &[("sync-options", "Delete=confirm")])),
            ("consent/b.yaml", &config("does-not", "x")),
        ])
        .unwrap();
    world.api.apply(&world.application("consent", "consent", "consent")).await.unwrap();
    world.until_good("consent").await;
    // Consent to something else, long ago.
    world.api.patch(&app_path("consent"), &approval("2020-01-01T00:00:00Z")).await.unwrap();
    world.api.delete(&app_path("consent")).await.unwrap();
    let asks = |app: &Value| conditions(app).iter().any(|c| c.contains("asks") && c.contains(APPROVED));
    world.until_app("consent", "asks for consent", asks).await;
    for name in ["asks", "does-not"] {
        assert!(world.api.get(&config_map("consent", name)).await.unwrap().is_some(), "{name} is there");
    }
    world.api.patch(&app_path("consent"), &approval(&now())).await.unwrap();
    world.until(&app_path("consent"), "is gone", |o| o.is_none()).await;
    assert_eq!(world.api.get(&config_map("consent", "asks")).await.unwrap(), None);
}

async fn a_prune_waits_for_consent_given_after_it_began(world: &mut World) {
    world
        .push(&[
            ("ask/a.yaml", &annotated("asks", "x", &[("sync-options", "Prune=confirm")])),
            ("ask/b.yaml", &config("stays", "x")),
        ])
        .unwrap();
    world.api.apply(&world.application("ask", "ask", "ask")).await.unwrap();
    world.until_good("ask").await;
    world.api.patch(&app_path("ask"), &approval("2020-01-01T00:00:00Z")).await.unwrap();
    world.repository.remove(&["ask/a.yaml"], "less").unwrap();
    world.pushed();
    let waits = |app: &Value| {
        let state = &app["status"]["operationState"];
        let message = state["message"].as_str().unwrap_or_default();
        state["phase"] == "Running"
            && message.contains("waiting for pruning confirmation of")
            && message.contains("asks")
    };
    world.until_app("ask", "asks for consent", waits).await;
    assert!(world.api.get(&config_map("ask", "asks")).await.unwrap().is_some());
    world.api.patch(&app_path("ask"), &approval(&now())).await.unwrap();
    world.until(&config_map("ask", "asks"), "is pruned", |o| o.is_none()).await;
    let app = world.until_good("ask").await;
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded");
}

mod tests {
    crate::on_kubesim!(
        what_another_has_in_git_outlives_its_application,
        a_deletion_waits_for_consent_given_after_it_was_asked_for,
        a_prune_waits_for_consent_given_after_it_began,
    );
}
