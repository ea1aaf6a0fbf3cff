//! Applications of which any field, and any annotation, is not what it should be (reliability A119): each says so itself, and the rest
//! goes on. The cluster has no schema that would have refused them.

use e2e::{World, app_path};
use serde_json::{Map, Value, json};
use testkit::eventually;

use crate::manifests::{config, text};

const DEFINITION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io";
const APPLICATIONS: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications";
const ANNOTATIONS: [&str; 21] = [
    "argocd.argoproj.io/client-side-apply-migration-manager",
    "argocd.argoproj.io/compare-options",
    "argocd.argoproj.io/deletion-approved",
    "argocd.argoproj.io/hook",
    "argocd.argoproj.io/hook-delete-policy",
    "argocd.argoproj.io/hydrate",
    "argocd.argoproj.io/ignore-default-links",
    "argocd.argoproj.io/ignore-healthcheck",
    "argocd.argoproj.io/ignore-resource-updates",
    "argocd.argoproj.io/ignore-restart-policy",
    "argocd.argoproj.io/managed-by-url",
    "argocd.argoproj.io/manifest-generate-paths",
    "argocd.argoproj.io/refresh",
    "argocd.argoproj.io/skip-reconcile",
    "argocd.argoproj.io/sync-options",
    "argocd.argoproj.io/sync-wave",
    "argocd.argoproj.io/tracking-id",
    "capstan/depends-on",
    "capstan/hold-reason",
    "capstan/hold-until",
    "helm.sh/hook",
];
/// Annotations with which an application is left alone on purpose.
const RESTS: &str = "argocd.argoproj.io/skip-reconcile";

/// Values that no annotation means.
fn words() -> [String; 7] {
    let long = "9".repeat(400);
    ["", "-1,=,:;/", "99999999999999999999", "{\"a\":[", "\u{202e}\n\t\0x", "9999-99-99T99:99:99Z", &long]
        .map(str::to_owned)
}

/// Every place of a schema, with a value of another type than it asks for.
fn wrong(schema: &Value, at: &mut Vec<String>, out: &mut Vec<(Vec<String>, Value)>) {
    let kind = schema["type"].as_str().unwrap_or_default();
    let values = [
        ("string", json!("x")),
        ("integer", json!(-7.5e300)),
        ("array", json!([[1]])),
        ("object", json!({"x": {"y": [null]}})),
        ("boolean", json!(true)),
    ];
    let others: Vec<_> = values.into_iter().filter(|(other, _)| *other != kind).collect();
    let (_, value) = &others[(out.len() + at.len()) % others.len()];
    out.push((at.clone(), value.clone()));
    let (items, more) = (&schema["items"], &schema["additionalProperties"]);
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        at.push(name.clone());
        wrong(inner, at, out);
        at.pop();
    }
    for (name, inner) in [("0", items), ("key", more)] {
        if inner.is_object() {
            at.push(name.to_owned());
            wrong(inner, at, out);
            at.pop();
        }
    }
}

/// Puts a value at a place, with lists and maps as the names on the way to it need them.
fn put(into: &mut Value, at: &[String], value: &Value) {
    let Some((name, rest)) = at.split_first() else {
        *into = value.clone();
        return;
    };
    if name == "0" {
        if !into.is_array() {
            *into = json!([null]);
        }
        return put(&mut into[0], rest, value);
    }
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    put(&mut into[name], rest, value);
}

async fn every_field_and_every_annotation_may_be_malformed(world: &mut World) {
    let mut definition = world.api.get(DEFINITION).await.unwrap().unwrap();
    let schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"].take();
    definition["spec"]["versions"][0]["schema"] =
        json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    world.api.send(http::Method::PUT, DEFINITION, "application/json", Some(&definition)).await.unwrap();

    let mut files = vec![("good/c.yaml".to_owned(), config("good", "x"))];
    let mut apps = Vec::new();
    let mut places = Vec::new();
    for part in ["spec", "operation"] {
        wrong(&schema[part], &mut vec![part.to_owned()], &mut places);
    }
    // `sources` and the sources of operations repeat what `source` has.
    places.retain(|(at, _)| {
        at.iter().filter(|name| name.starts_with("source")).count() < 2
            && (at.len() < 4 || !at.contains(&"sources".to_owned()))
    });
    assert!(places.len() > 150, "{}", places.len());
    for (at, value) in places {
        let mut app = world.application("", "good", "malformed");
        // Compared, not synced, unless the place is about that.
        app["spec"]["syncPolicy"] = json!({});
        put(&mut app, &at, &value);
        apps.push((format!("{} = {value}", at.join(".")), app));
    }
    for (n, annotation) in ANNOTATIONS.iter().enumerate() {
        let name = annotation.replace('/', ".");
        for (m, word) in words().iter().enumerate() {
            let metadata = json!({"name": format!("{name}-{m}"), "annotations": {*annotation: word}});
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
            files.push((format!("{name}/{m}.yaml"), text(&object)));
            if (n + m) % 3 == 0 {
                let mut app = world.application("", "good", "malformed");
                app["metadata"]["annotations"] = json!({*annotation: word});
                apps.push((format!("{annotation}: {word:?}"), app));
            }
        }
        apps.push((format!("manifests with {annotation}"), world.application("", &name, "malformed")));
    }
    world.push(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>()).unwrap();
    for (n, (_, app)) in apps.iter_mut().enumerate() {
        app["metadata"]["name"] = json!(format!("malformed-{n}"));
        if app["spec"]["destination"]["namespace"] == "malformed" {
            app["spec"]["destination"]["namespace"] = json!(format!("malformed-{n}"));
        }
        world.api.send(http::Method::POST, APPLICATIONS, "application/json", Some(app)).await.unwrap();
    }
    for (n, (what, app)) in apps.iter().enumerate() {
        if app["metadata"]["annotations"].get(RESTS).is_some() {
            continue;
        }
        eventually(what, e2e::PATIENCE, || async {
            let app = world.api.get(&app_path(&format!("malformed-{n}"))).await?.unwrap_or_default();
            let status = &app["status"];
            let told = status["sync"]["status"].is_string() || status["conditions"][0]["message"].is_string();
            if told { Ok(true) } else { Err(anyhow::anyhow!("{app}")) }
        })
        .await;
    }
    world.api.apply(&world.application("good", "good", "good")).await.unwrap();
    world.until_good("good").await;
    let commit = world.push(&[("good/c.yaml", &config("good", "y"))]).unwrap();
    world.until_good_at("good", &commit).await;
}

mod tests {
    crate::on_kubesim!(every_field_and_every_annotation_may_be_malformed);
}
