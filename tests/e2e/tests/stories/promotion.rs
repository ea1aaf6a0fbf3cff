//! A pipeline says in git what should run, and it runs: first in dev, then, by another commit, in prod.

use clap::Parser as _;
use e2e::World;
use serde_json::{Value, json};

use crate::manifests::deployment_path;
use crate::seed_kustomizations::{BASE, BASE_DEPLOYMENT, BASE_SERVICE, until_image};

#[derive(clap::Parser)]
struct Line {
    #[command(subcommand)]
    command: cli::ImageCommand,
}

/// `capstan image set`, as a pipeline calls it; the commit that the branch is at then.
async fn set_image(world: &World, arguments: &[&str]) -> String {
    let url = world.git.url(&world.repository);
    let line = Line::parse_from(["image", "set", "--repo", &url].iter().chain(arguments));
    let temp_dir = std::env::temp_dir();
    let code = cli::image(line.command, cli::Surroundings { environment: &|_| None, temp_dir }).await;
    assert_eq!(code, 0, "{arguments:?}");
    world.repository.git(&["pull", "-q", "origin", "main"]).unwrap();
    world.pushed();
    world.repository.head().unwrap()
}

const TEMPLATE: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
      - name: shop
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
"#;

fn values(environment: &str) -> String {
    format!("# {environment}\nimage:\n  repository: registry.example.com/shop\n\n  tag: \"1\" # by CI\n")
}

pub(crate) async fn a_tag_in_values_goes_from_dev_to_prod_by_commits(world: &mut World) {
    world
        .push(&[
            ("charts/shop/Chart.yaml", "{apiVersion: v2, name: shop, version: 1.0.0}\n"),
            ("charts/shop/templates/deployment.yaml", TEMPLATE),
            ("envs/dev/values.yaml", &values("dev")),
            ("envs/prod/values.yaml", &values("prod")),
        ])
        .unwrap();
    for environment in ["dev", "prod"] {
        let mut app = world.application(environment, "charts/shop", environment);
        app["spec"]["source"]["helm"] = json!({"valueFiles": [format!("/envs/{environment}/values.yaml")]});
        world.api.apply(&app).await.unwrap();
        world.until_good(environment).await;
    }
    let renders = world.controller.metrics().renders();
    let image = |tag: &str| format!("registry.example.com/shop:{tag}");
    let commit = set_image(world, &["--path", "envs/dev", &image("2")]).await;
    world.until_good_at("dev", &commit).await;
    until_image(world, "dev", "shop", &image("2")).await;
    until_image(world, "prod", "shop", &image("1")).await;
    let arguments = ["--path", "envs/prod", "--values-key", "image.tag", &image("2")];
    let commit = set_image(world, &arguments).await;
    world.until_good_at("prod", &commit).await;
    until_image(world, "prod", "shop", &image("2")).await;
    assert_eq!(world.controller.metrics().renders() - renders, 2, "each commit renders what it touches");
    // Once more: no commit, and so nothing to do.
    assert_eq!(set_image(world, &arguments).await, commit);
}

/// An overlay as the first seed has them, the old fields included.
fn overlay(replicas: u8, memory: &str) -> String {
    format!(
        r#"apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
bases:
- ../../base # what all have

patchesJson6902:
- target:
    group: apps
    version: v1
    kind: Deployment
    name: my-app
  patch: |-
    - op: replace
      path: /spec/replicas
      value: {replicas}
    - op: replace
      path: /spec/template/spec/containers/0/resources/requests/memory
      value: "{memory}"
"#
    )
}

pub(crate) async fn an_image_of_overlays_goes_from_dev_to_prod_by_commits(world: &mut World) {
    let overlays = [("dev", overlay(1, "256Mi")), ("prod", overlay(5, "512Mi"))];
    world
        .push(&[
            ("my-app/base/deployment.yaml", BASE_DEPLOYMENT),
            ("my-app/base/service.yaml", BASE_SERVICE),
            ("my-app/base/kustomization.yaml", BASE),
            ("my-app/overlays/dev/kustomization.yaml", &overlays[0].1),
            ("my-app/overlays/prod/kustomization.yaml", &overlays[1].1),
        ])
        .unwrap();
    for (environment, _) in &overlays {
        let name = format!("my-app-{environment}");
        let app = world.application(&name, &format!("my-app/overlays/{environment}"), &name);
        world.api.apply(&app).await.unwrap();
        let app = world.until_good(&name).await;
        assert_eq!(app["status"]["sourceType"], "Kustomize");
    }
    let image = |tag: &str| format!("123456789.dkr.ecr.us-east-1.amazonaws.com/my-app:{tag}");
    let commit = set_image(world, &["--path", "my-app/overlays/dev", &image("2")]).await;
    world.until_good_at("my-app-dev", &commit).await;
    until_image(world, "my-app-dev", "my-app", &image("2")).await;
    until_image(world, "my-app-prod", "my-app", &image("latest")).await;
    let promoted = set_image(world, &["--path", "my-app/overlays/prod", &image("2")]).await;
    world.until_good_at("my-app-prod", &promoted).await;
    until_image(world, "my-app-prod", "my-app", &image("2")).await;
    let has = |live: Option<&Value>| {
        live.is_some_and(|live| {
            live["spec"]["replicas"] == 5 && live["spec"]["selector"]["matchLabels"]["managed-by"] == "argocd"
        })
    };
    world.until(&deployment_path("my-app-prod", "my-app"), "is patched and labelled", has).await;
    // A revert is a rollback, and an overlay that has an entry gets no second one.
    world.repository.revert(&promoted).unwrap();
    world.pushed();
    until_image(world, "my-app-prod", "my-app", &image("latest")).await;
    let commit = set_image(world, &["--path", "my-app/overlays/dev", &image("3")]).await;
    world.until_good_at("my-app-dev", &commit).await;
    until_image(world, "my-app-dev", "my-app", &image("3")).await;
}

mod tests {
    crate::on_kubesim!(
        a_tag_in_values_goes_from_dev_to_prod_by_commits,
        an_image_of_overlays_goes_from_dev_to_prod_by_commits,
    );
}
