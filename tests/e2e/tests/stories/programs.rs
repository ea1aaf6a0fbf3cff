//! Jsonnet in directories: libraries, variables, and programs that fail.

use applications::What;
use e2e::{World, conditions};
use serde_json::{Value, json};

use crate::charts::with_source;
use crate::manifests::config_map;

const LIBRARY: &str = "{\n  map(name, key): { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: name }, data: { key: key } },\n}\n";

/// An application of `apps/web` with a library, an argument and two variables.
fn application(world: &World, name: &str) -> Value {
    let jsonnet = json!({
        "libs": ["lib"],
        "tlas": [{"name": "names", "value": "['a', 'b']", "code": true}],
        "extVars": [{"name": "who", "value": "$ARGOCD_APP_NAME"}, {"name": "step", "value": "40 + 2", "code": true}],
    });
    with_source(
        world.application(name, "apps/web", "programs"),
        &[("directory", json!({"jsonnet": jsonnet}))],
    )
}

fn program(key: &str) -> String {
    format!("local l = import 'l.libsonnet';\nfunction(names) [l.map(n, {key}) for n in names]\n")
}

async fn until_key(world: &World, name: &str, value: &str) {
    let has = |live: Option<&Value>| live.is_some_and(|live| live["data"]["key"] == value);
    world.until(&config_map("programs", name), &format!("says {value}"), has).await;
}

pub(crate) async fn a_directory_of_jsonnet_follows_its_libraries(world: &mut World) {
    let key = "std.extVar('who') + std.extVar('step')";
    world
        .push(&[("apps/web/main.jsonnet", &program(key)), ("lib/l.libsonnet", LIBRARY), ("lib/other", "")])
        .unwrap();
    world.api.apply(&application(world, "web")).await.unwrap();
    let app = world.until_good("web").await;
    assert_eq!(app["status"]["sourceType"], "Directory");
    assert_eq!(conditions(&app), [""; 0]);
    for name in ["a", "b"] {
        until_key(world, name, "web42").await;
    }

    // A commit beside what was imported costs nothing; one to the library renders again.
    let renders = world.controller.metrics().renders();
    world.push(&[("lib/other", "changed")]).unwrap();
    let commit =
        world.push(&[("lib/l.libsonnet", &LIBRARY.replace("key: key }", "key: key + '!' }"))]).unwrap();
    world.until_good_at("web", &commit).await;
    until_key(world, "b", "web42!").await;
    assert_eq!(world.controller.metrics().renders(), renders + 1);

    // What is not committed yet can be looked at.
    let directory = world.repository.work();
    std::fs::write(directory.join("apps/web/main.jsonnet"), program("'next'")).unwrap();
    let app = api::Application::from_value(world.app("web").await.unwrap()).unwrap();
    let what = What { local: Some(directory.clone()), desired_only: true, ..What::default() };
    let seen = world.controller.evaluate(&app, &what).await.unwrap();
    let keys: Vec<Value> =
        seen.desired.iter().map(|(object, _)| object.to_value()["data"]["key"].clone()).collect();
    assert_eq!(keys, [json!("next!"), json!("next!")]);
    std::fs::write(directory.join("apps/web/main.jsonnet"), program(key)).unwrap();
}

pub(crate) async fn a_program_that_fails_is_named_and_contained(world: &mut World) {
    world
        .push(&[
            ("apps/web/main.jsonnet", &program("'v1'")),
            ("lib/l.libsonnet", LIBRARY),
            ("apps/fails/main.jsonnet", "local f(x) =\n  error 'no ' + x;\n{ a: f('luck') }\n"),
            ("apps/bomb/main.jsonnet", "[\n  std.range(1, 1000000000),\n]\n"),
        ])
        .unwrap();
    for (name, path) in [("fails", "apps/fails"), ("bomb", "apps/bomb")] {
        world.api.apply(&world.application(name, path, "programs")).await.unwrap();
    }
    world.api.apply(&application(world, "web")).await.unwrap();
    // The others are not held up.
    world.until_good("web").await;
    until_key(world, "a", "v1").await;
    let rows = [
        ("fails", "RUNTIME ERROR: no luck\n\tapps/fails/main.jsonnet:2:3-18"),
        (
            "bomb",
            "bytes of values would be more than the limit of 536870912\n\tapps/bomb/main.jsonnet:2:3-27",
        ),
    ];
    for (name, words) in rows {
        let says = |app: &Value| conditions(app).iter().any(|said| said.contains(words));
        let app = world.until_app(name, &format!("says {words}"), says).await;
        assert!(conditions(&app)[0].starts_with("ComparisonError"), "{:?}", conditions(&app));
    }

    // A library that breaks takes nothing away that runs.
    world.push(&[("lib/l.libsonnet", "{\n  map(name key): {},\n}\n")]).unwrap();
    let words = "lib/l.libsonnet:2:12-15 Expected a comma before next function parameter";
    let says = |app: &Value| conditions(app).iter().any(|said| said.contains(words));
    world.until_app("web", "names the broken line", says).await;
    until_key(world, "a", "v1").await;
}

mod on_kubesim {
    crate::on_kubesim!(
        a_directory_of_jsonnet_follows_its_libraries,
        a_program_that_fails_is_named_and_contained
    );
}
