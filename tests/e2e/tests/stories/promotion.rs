//! A pipeline says in git what should run, and it runs: first in dev, then, by another commit, in prod.

use clap::Parser as _;
use e2e::World;
use serde_json::{Value, json};

use crate::manifests::deployment_path;

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

async fn until_runs(world: &World, namespace: &str, name: &str, image: &str) {
    let runs = |live: Option<&Value>| {
        live.is_some_and(|live| live["spec"]["template"]["spec"]["containers"][0]["image"] == image)
    };
    world.until(&deployment_path(namespace, name), &format!("runs {image}"), runs).await;
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
    until_runs(world, "dev", "shop", &image("2")).await;
    until_runs(world, "prod", "shop", &image("1")).await;
    let arguments = ["--path", "envs/prod", "--values-key", "image.tag", &image("2")];
    let commit = set_image(world, &arguments).await;
    world.until_good_at("prod", &commit).await;
    until_runs(world, "prod", "shop", &image("2")).await;
    assert_eq!(world.controller.metrics().renders() - renders, 2, "each commit renders what it touches");
    // Once more: no commit, and so nothing to do.
    assert_eq!(set_image(world, &arguments).await, commit);
}

mod tests {
    crate::on_kubesim!(a_tag_in_values_goes_from_dev_to_prod_by_commits);
}
