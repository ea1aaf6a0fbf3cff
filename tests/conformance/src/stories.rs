//! What workloads do, told so that it holds on any cluster: each story has a namespace of its own.

mod daemons;
mod deployments;
mod jobs;
mod network;
mod stateful;

use std::future::Future;
use std::pin::Pin;

use anyhow::Result;
use serde_json::{Value, json};

use crate::api::Api;

/// A story, and the function that plays it.
pub type Story = (&'static str, Play);

/// Plays one story in its namespace.
pub type Play = for<'a> fn(&'a Api) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

macro_rules! stories {
    ($($module:ident::$name:ident),* $(,)?) => {
        vec![$((stringify!($name), (|api| Box::pin($module::$name(api))) as Play)),*]
    };
}

/// All stories. Their names are namespaces, too, with `-` for `_`.
pub fn all() -> Vec<Story> {
    stories![
        deployments::a_deployment_becomes_available,
        deployments::a_new_image_rolls_out_and_back,
        deployments::a_bad_image_stops_the_rollout_and_costs_nothing,
        deployments::a_paused_deployment_waits,
        deployments::recreate_ends_the_old_pods_first,
        deployments::a_deleted_pod_comes_back,
        deployments::a_crashing_container_backs_off,
        stateful::a_stateful_set_goes_up_and_down_in_order,
        daemons::a_daemon_set_covers_the_nodes,
        jobs::a_job_completes,
        jobs::a_failing_job_gives_up,
        network::a_service_knows_its_pods,
        network::addresses_are_given,
    ]
}

/// Plays every story at the same time and returns the failures.
pub async fn play(client: &kube::Client) -> Vec<String> {
    let mut running = tokio::task::JoinSet::new();
    for (name, story) in all() {
        let client = client.clone();
        running.spawn(async move {
            let api = match Api::in_new_namespace(client, &name.replace('_', "-")).await {
                Ok(api) => api,
                Err(error) => return Some(format!("{name}: {error:#}")),
            };
            story(&api).await.err().map(|error| format!("{name}: {error:#}"))
        });
    }
    running.join_all().await.into_iter().flatten().collect()
}

/// A pod template with one container.
fn template(app: &str, image: &str) -> Value {
    json!({"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": "main", "image": image,
        "ports": [{"name": "http", "containerPort": 8080}]}]}})
}

/// A workload of `apps/v1` whose pods are called like it.
fn workload(kind: &str, name: &str, image: &str, mut spec: Value) -> Value {
    spec["selector"] = json!({"matchLabels": {"app": name}});
    spec["template"] = template(name, image);
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}
