//! The process itself, killed with SIGKILL in the middle of a sync and started again.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use e2e::{On, World};
use kubesim::{Access, FaultAction, FaultRule, Faults, Identity};
use serde_json::{Value, json};
use testkit::Child;

/// What the process acts as; its requests are told apart by it.
const USER: &str = "capstan-process";

/// `capstan run`; dropping it is a SIGKILL.
fn start(kubeconfig: &Path, home: &Path) -> Child {
    let flags = ["run", "--metrics-addr", "127.0.0.1:0", "--identity", "process", "--log", "warn"];
    let mut arguments: Vec<String> = flags.map(str::to_owned).into();
    for (flag, path) in [("--kubeconfig", kubeconfig), ("--data-dir", &home.join("data"))] {
        arguments.extend([flag.to_owned(), path.display().to_string()]);
    }
    Child::start("capstan", Path::new(env!("CARGO_BIN_EXE_capstan")), &arguments, home).unwrap()
}

fn manifest(api_version: &str, kind: &str, name: &str, wave: &str, spec: &Value) -> String {
    let metadata = json!({"name": name, "annotations": {"argocd.argoproj.io/sync-wave": wave}});
    json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_goes_on_and_does_nothing_twice() {
    let mut world = World::start(On::Kubesim).await.unwrap().unwrap();
    world.retire().await.unwrap();
    let sim = world.cluster.sim.clone().unwrap();
    let serving = sim.serve_https(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    sim.set_identity(USER, Identity { user: USER.to_owned(), groups: Vec::new(), access: Access::All });
    let home = tempfile::tempdir().unwrap();
    let kubeconfig = home.path().join("kubeconfig");
    std::fs::write(&kubeconfig, serving.kubeconfig().replace(&serving.token, USER)).unwrap();

    let pods = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}});
    let deployment = json!({"selector": {"matchLabels": {"app": "a"}}, "template": pods});
    let files = [
        ("app/a.yaml", manifest("apps/v1", "Deployment", "first", "-1", &deployment)),
        (
            "app/b.yaml",
            manifest("v1", "ServiceAccount", "second", "0", &Value::Null).replace(",\"spec\":null", ""),
        ),
        ("app/c.yaml", manifest("v1", "Secret", "third", "1", &Value::Null).replace(",\"spec\":null", "")),
    ];
    world.push(&files.each_ref().map(|(path, text)| (*path, text.as_str()))).unwrap();
    world.cluster.run_nodes(false);
    world.api.apply(&world.application("app", "app", "app")).await.unwrap();
    let says = |part: &'static str| {
        move |app: &Value| {
            app["status"]["operationState"]["message"].as_str().unwrap_or_default().contains(part)
        }
    };

    // Killed while it waits for the first wave.
    let process = start(&kubeconfig, home.path());
    let app = world.until_app("app", "waits for its first wave", says("waiting for healthy state")).await;
    let started = app["status"]["operationState"]["startedAt"].clone();
    drop(process);

    // Killed while a request is on its way that is never answered.
    let hang = FaultRule::new(FaultAction::Hang).verb("apply").resource("serviceaccounts");
    sim.set_faults(Faults::default().rule(hang));
    world.cluster.run_nodes(true);
    let process = start(&kubeconfig, home.path());
    world.until_app("app", "is in its second wave", says("running wave 0")).await;
    process.check_running().unwrap();
    drop(process);
    sim.set_faults(Faults::default());

    let process = start(&kubeconfig, home.path());
    let app = world.until_good("app").await;
    assert_eq!(app["status"]["operationState"]["startedAt"], started, "the same operation, to its end");
    assert_eq!(app["status"]["history"].as_array().unwrap().len(), 1);
    let landed = world.writes().into_iter().filter(|w| w.namespace == "app" && w.code != 0);
    let landed: Vec<String> = landed.map(|w| w.text()).collect();
    let once = ["patch deployments app/first", "patch serviceaccounts app/second", "patch secrets app/third"];
    assert_eq!(landed, once);
    drop(process);
    serving.shutdown().await;
}
