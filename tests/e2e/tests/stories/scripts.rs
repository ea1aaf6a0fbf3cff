//! Health by users' scripts.

use e2e::World;
use serde_json::{Value, json};

use crate::manifests::config;

const SETTINGS: &str = "/api/v1/namespaces/argocd/configmaps/argocd-cm";
const KEY: &str = "resource.customizations.health.ConfigMap";

async fn set(world: &World, script: Value) {
    world.api.patch(SETTINGS, &json!({"data": {KEY: script}})).await.unwrap();
}

/// The application's health, and the message of its one object.
fn health(app: &Value) -> (&str, &str) {
    let whole = app["status"]["health"]["status"].as_str().unwrap_or_default();
    let message = app["status"]["resources"][0]["health"]["message"].as_str().unwrap_or_default();
    (whole, message)
}

/// A script judges, one that fails or never ends is shown on its object and stops nothing else.
pub(crate) async fn a_script_judges_and_a_broken_one_is_shown(world: &mut World) {
    world.push(&[("judged/c.yaml", &config("c", "bad")), ("other/d.yaml", &config("d", "x"))]).unwrap();
    for name in ["judged", "other"] {
        world.api.apply(&world.application(name, name, name)).await.unwrap();
        world.until_good(name).await;
    }
    let by_name = |otherwise: &str| {
        json!(format!("if obj.metadata.name == 'd' then return {{status = 'Healthy'}} end {otherwise}"))
    };
    for (script, expected) in [
        (
            "return {status = obj.data.key == 'bad' and 'Degraded' or 'Healthy', message = 'it says ' .. obj.data.key}",
            ("Degraded", "it says bad"),
        ),
        (
            "return obj.none.deep",
            ("Unknown", "health script: <string>:1: attempt to index field 'none' (a nil value)"),
        ),
        ("while true do end", ("Unknown", "health script: the script was stopped")),
        ("return {status = 'Suspended', message = 'on purpose'}", ("Suspended", "on purpose")),
    ] {
        set(world, by_name(script)).await;
        world
            .until_app("judged", &format!("is {expected:?}"), |app| {
                let (whole, message) = health(app);
                whole == expected.0 && message.starts_with(expected.1)
            })
            .await;
    }
    let commit = world.push(&[("other/d.yaml", &config("d", "y"))]).unwrap();
    world.until_good_at("other", &commit).await;
    set(world, Value::Null).await;
    world.until_good("judged").await;
}

mod on_kubesim {
    crate::on_kubesim!(a_script_judges_and_a_broken_one_is_shown);
}
