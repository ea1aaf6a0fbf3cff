//! Commands, on an API server in memory. The test plays the controller: it writes what a controller would.

use std::io::Write;
use std::sync::{Arc, Mutex};

use api::names::API_VERSION;
use clap::Parser;
use jiff::Timestamp;
use kube::core::Request;
use kube::core::params::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::execute;
use crate::command::AppCommand;
use crate::console::Console;
use crate::context::{Context, Style};
use crate::view::sample;

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: AppCommand,
}

/// What a command did.
#[derive(Debug)]
struct Done {
    code: u8,
    out: String,
    err: String,
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A cluster with our definitions, a living controller's lease, and nothing else.
struct Bench {
    sim: kubesim::KubeSim,
    client: kube::Client,
    context: Context,
}

impl Bench {
    fn empty() -> Self {
        let sim = kubesim::KubeSim::new(kubesim::Options::default());
        let client = sim.client();
        Self { sim, context: Context::new(client.clone(), "argocd", "unused"), client }
    }

    /// Until somebody watches applications.
    async fn watched(&self) {
        while !self.sim.requests().iter().any(|request| request.verb == "watch") {
            tokio::task::yield_now().await;
        }
        self.sim.clear_requests();
    }

    async fn new() -> Self {
        let bench = Self::empty();
        for definition in api::crds() {
            bench.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition).await;
        }
        bench
            .post(
                "/api/v1/namespaces",
                &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}),
            )
            .await;
        bench.beat(Timestamp::now()).await;
        bench
    }

    async fn post(&self, path: &str, value: &Value) {
        let body = value.to_string().into_bytes();
        let request = Request::new(path).create(&PostParams::default(), body).unwrap();
        self.client.request::<Value>(request).await.unwrap();
    }

    /// Creates the sample, changed.
    async fn app(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut value = sample::guestbook().to_value();
        value["metadata"]["name"] = json!(name);
        value["spec"].as_object_mut().unwrap().remove("syncPolicy");
        change(&mut value);
        self.post(&format!("/apis/{API_VERSION}/namespaces/argocd/applications"), &value).await;
    }

    async fn patch(&self, name: &str, patch: &Value) {
        let request = Request::new(format!("/apis/{API_VERSION}/namespaces/argocd/applications"))
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .unwrap();
        self.client.request::<Value>(request).await.unwrap();
    }

    async fn read(&self, name: &str) -> Value {
        let name = crate::name::AppName::parse(name, "argocd").unwrap();
        crate::store::Store::new(self.client.clone()).find(&name).await.unwrap().unwrap_or_default()
    }

    async fn beat(&self, at: Timestamp) {
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "argocd-application-controller", "namespace": "argocd"},
            "spec": {"renewTime": format!("{at:.6}")}});
        self.post("/apis/coordination.k8s.io/v1/namespaces/argocd/leases", &lease).await;
    }

    async fn run(&self, line: &str) -> Done {
        self.run_as(line, Style::Native, "").await
    }

    async fn run_as(&self, line: &str, style: Style, input: &str) -> Done {
        let words = ["app"].into_iter().chain(line.split_whitespace());
        let command = Line::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}")).command;
        let context = Context { style, user: "eve".to_owned(), ..self.context.clone() };
        let (out, err) = (Sink::default(), Sink::default());
        let input = Box::new(std::io::Cursor::new(input.to_owned().into_bytes()));
        let mut console = Console::new(&context, Box::new(out.clone()), Box::new(err.clone()), input);
        let code = execute(command, &context, &mut console).await;
        Done { code, out: out.text(), err: err.text() }
    }
}

#[tokio::test]
async fn list_chooses_and_prints() {
    let bench = Bench::new().await;
    bench.app("api", |app| app["metadata"]["labels"] = json!({"team": "a"})).await;
    bench.app("web", |app| app["spec"]["project"] = json!("shop")).await;
    for (line, expected) in [
        ("list -o name", "argocd/api\nargocd/web\n"),
        ("list -o name -l team=a", "argocd/api\n"),
        ("list -o name -p shop", "argocd/web\n"),
        ("list -o name -c in-cluster --path guestbook -r https://git.example", "argocd/api\nargocd/web\n"),
        ("list -o name -c elsewhere", ""),
        ("list -o name --path other", ""),
    ] {
        let done = bench.run(line).await;
        assert_eq!((done.code, done.out.as_str()), (0, expected), "{line}: {}", done.err);
    }
    let json: Value = serde_json::from_str(&bench.run("list -o json -p shop").await.out).unwrap();
    assert_eq!((&json[0]["kind"], &json[0]["metadata"]["name"]), (&json!("Application"), &json!("web")));
    let wide = bench.run_as("list", Style::Argocd, "").await;
    assert!(
        wide.out.contains("argocd/api  https://kubernetes.default.svc  default    default  OutOfSync"),
        "{}",
        wide.out
    );
}

#[tokio::test]
async fn an_unknown_name_is_answered_with_the_nearest() {
    let bench = Bench::new().await;
    bench.app("guestbook", |_| {}).await;
    for line in [
        "get guestbok",
        "history guestbok",
        "sync guestbok",
        "wait guestbok",
        "delete guestbok -y",
        "diff guestbok",
    ] {
        let done = bench.run(line).await;
        assert_eq!((done.code, done.out.as_str()), (3, ""), "{line}");
        assert!(
            done.err.contains("application \"guestbok\" not found")
                && done.err.contains("did you mean \"guestbook\"?"),
            "{line}: {}",
            done.err
        );
        assert_eq!(bench.run_as(line, Style::Argocd, "").await.code, 20, "{line}");
    }
    let done = bench.run("get ../x").await;
    assert_eq!(done.code, 2, "{}", done.err);
}

#[tokio::test]
async fn without_definitions_the_next_step_is_named() {
    let done = Bench::empty().run("list").await;
    assert!(done.code == 3 && done.err.contains("capstan install"), "{done:?}");
}

#[tokio::test]
async fn get_shows_what_may_be_believed() {
    let bench = Bench::new().await;
    bench.app("guestbook", |_| {}).await;
    let done = bench.run("get guestbook --show-operation").await;
    for text in [
        "! OutOfSync from main (4f2a91c)",
        "x Degraded (web fell over)",
        "ComparisonError",
        "successfully synced",
    ] {
        assert!(done.out.contains(text), "{text}: {}", done.out);
    }
    // The controller dies: nothing is claimed any more (P17).
    let mut late = bench;
    late.context.clock = Arc::new(|| Timestamp::now() + jiff::SignedDuration::from_secs(361));
    for style in [Style::Native, Style::Argocd] {
        for line in ["get guestbook", "get guestbook -o tree", "list"] {
            let done = late.run_as(line, style, "").await;
            assert!(done.err.contains("the controller has not been heard of since"), "{line}: {}", done.err);
            assert!(done.out.contains("Unknown"), "{line}: {}", done.out);
            for claim in ["OutOfSync", "Healthy", "Degraded"] {
                assert!(!done.out.contains(claim), "{line}: {claim} in {}", done.out);
            }
        }
    }
    late.context.clock = Arc::new(|| Timestamp::now() + jiff::SignedDuration::from_secs(300));
    assert!(late.run("get guestbook").await.out.contains("OutOfSync"));
}

#[tokio::test]
async fn a_refresh_waits_for_the_controllers_answer() {
    let bench = Bench::new().await;
    bench.app("guestbook", |_| {}).await;
    let controller = async {
        while bench.read("guestbook").await["metadata"]["annotations"]["argocd.argoproj.io/refresh"] != "hard"
        {
            tokio::task::yield_now().await;
        }
        let gone = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": null}}, "status": {"sync": {"status": "Synced"}}});
        bench.patch("guestbook", &gone).await;
    };
    let (done, ()) = tokio::join!(bench.run("get guestbook --hard-refresh"), controller);
    assert!(done.code == 0 && done.out.contains("Synced to main"), "{done:?}");
    let done = bench.run("get guestbook --refresh --timeout 10ms").await;
    assert!(done.code == 6 && done.err.contains("was not refreshed within"), "{done:?}");
}

#[tokio::test]
async fn create_says_what_it_did() {
    let bench = Bench::new().await;
    let line = "create web --repo https://h/r --path p --dest-server https://kubernetes.default.svc --dest-namespace d \
                --sync-policy automated --auto-prune --self-heal --sync-option CreateNamespace=true -l team=a";
    for (line, code, out) in [
        (line.to_owned(), 0, "application 'web' created\n"),
        (line.to_owned(), 0, "application 'web' unchanged\n"),
        (line.replace("--path p", "--path q"), 8, ""),
        (line.replace("--path p", "--path q") + " --upsert", 0, "application 'web' updated\n"),
        ("create bad --repo https://h/r --path p".to_owned(), 2, ""),
        ("create bad --repo https://h/r --path p --dest-name in-cluster --self-heal".to_owned(), 2, ""),
    ] {
        let done = bench.run(&line).await;
        assert_eq!((done.code, done.out.as_str()), (code, out), "{line}: {}", done.err);
    }
    let app = bench.read("web").await;
    let policy =
        json!({"automated": {"prune": true, "selfHeal": true}, "syncOptions": ["CreateNamespace=true"]});
    assert_eq!((&app["spec"]["syncPolicy"], &app["spec"]["source"]["path"]), (&policy, &json!("q")));
    assert_eq!(
        (&app["spec"]["project"], &app["metadata"]["labels"]["team"]),
        (&json!("default"), &json!("a"))
    );
}

#[tokio::test]
async fn create_reads_files_and_set_changes_one_thing() {
    let bench = Bench::new().await;
    let yaml = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  custom: kept\n  source: {repoURL: r, path: p}\n  destination: {name: in-cluster}\n";
    let done = bench.run_as("create -f - --revision v1", Style::Argocd, yaml).await;
    assert_eq!((done.code, done.out.as_str()), (0, "application 'a' created\n"), "{}", done.err);
    let done = bench.run_as("create -f -", Style::Native, &yaml.replace("Application", "Pod")).await;
    assert!(
        done.code == 2 && done.err.contains("-:2: an Application was expected and Pod was found"),
        "{done:?}"
    );
    let done = bench.run("set a --revision v2 -p x=y").await;
    assert_eq!(done.code, 0, "{}", done.err);
    let spec = bench.read("a").await["spec"].clone();
    let source = json!({"repoURL": "r", "path": "p", "targetRevision": "v2", "helm": {"parameters": [{"name": "x", "value": "y"}]}});
    assert_eq!((&spec["source"], &spec["custom"]), (&source, &json!("kept")));
}

#[tokio::test]
async fn delete_asks_and_says_how() {
    let bench = Bench::new().await;
    for name in ["a", "b", "c", "d"] {
        bench.app(name, |_| {}).await;
    }
    let done = bench.run("delete a").await;
    assert!(done.code == 2 && done.err.contains("--yes"), "nobody to ask: {done:?}");
    let done = bench.run_as("delete a", Style::Argocd, "n\n").await;
    assert!(done.code == 0 && !bench.read("a").await.is_null(), "{done:?}");
    let done = bench.run_as("delete a --cascade=false", Style::Argocd, "y\n").await;
    assert_eq!(
        (done.out.as_str(), bench.read("a").await),
        ("application 'a' deleted\n", Value::Null),
        "{}",
        done.err
    );
    // With a cascade it stays until the controller has taken its finalizer away.
    let done = bench.run("delete b -y").await;
    let left = bench.read("b").await;
    assert_eq!(
        (done.code, &left["metadata"]["finalizers"]),
        (0, &json!(["resources-finalizer.argocd.argoproj.io"]))
    );
    assert!(left["metadata"]["deletionTimestamp"].is_string());
    let done = bench.run("delete c -y --wait --timeout 50ms --propagation-policy background").await;
    assert!(done.code == 6, "{done:?}");
    assert_eq!(
        bench.read("c").await["metadata"]["finalizers"][0],
        "resources-finalizer.argocd.argoproj.io/background"
    );
    let controller = async {
        while !bench.read("d").await["metadata"]["deletionTimestamp"].is_string() {
            tokio::task::yield_now().await;
        }
        bench.patch("d", &json!({"metadata": {"finalizers": null}})).await;
    };
    let (done, ()) = tokio::join!(bench.run("delete d -y --wait"), controller);
    assert_eq!((done.code, done.out.as_str()), (0, "application 'd' deleted\n"), "{}", done.err);
}

#[tokio::test]
async fn sync_writes_the_operation_and_follows_it() {
    let bench = Bench::new().await;
    bench
        .app("web", |app| app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]}))
        .await;
    let line = "sync web --prune --revision v1 --resource apps:Deployment:* --replace --retry-limit 2 --info why=test --async";
    assert_eq!(bench.run(line).await.code, 0);
    let app = bench.read("web").await;
    let expected = json!({
        "initiatedBy": {"username": "eve"}, "info": [{"name": "why", "value": "test"}],
        "retry": {"limit": 2, "backoff": {"duration": "5s", "maxDuration": "3m", "factor": 2}},
        "sync": {"revision": "v1", "prune": true, "syncStrategy": {"hook": {}}, "syncOptions": ["CreateNamespace=true", "Replace=true"],
            "resources": [{"group": "apps", "kind": "Deployment", "name": "web", "namespace": "default"}]}
    });
    assert_eq!((&app["operation"], &app["status"]["operationState"]), (&expected, &Value::Null));
    let done = bench.run("sync web").await;
    assert!(done.code == 8 && done.err.contains("another operation is already in progress"), "{done:?}");

    for (phase, left, native, peer) in [
        ("Succeeded", "Synced", 0, 0),
        ("Failed", "Synced", 7, 1),
        ("Error", "Synced", 7, 1),
        ("Succeeded", "PruneSkipped", 1, 1),
    ] {
        for (style, code) in [(Style::Native, native), (Style::Argocd, peer)] {
            bench.patch("web", &json!({"operation": null})).await;
            let (done, ()) =
                tokio::join!(bench.run_as("sync web", style, ""), play_controller(&bench, phase, left));
            assert_eq!(done.code, code, "{phase} {left} {style:?}: {done:?}");
            let lines = if style == Style::Native { &done.err } else { &done.out };
            assert!(
                lines.contains("TIMESTAMP  GROUP        KIND") && done.out.contains("Duration:"),
                "{done:?}"
            );
        }
    }
}

async fn play_controller(bench: &Bench, phase: &str, result: &str) {
    while bench.read("web").await["operation"].is_null() {
        tokio::task::yield_now().await;
    }
    let state = |phase: &str| {
        json!({"phase": phase, "operation": {"sync": {}}, "startedAt": "2026-01-02T03:04:05Z", "message": "as it is",
            "finishedAt": if phase == "Running" { Value::Null } else { json!("2026-01-02T03:04:05Z") },
            "syncResult": {"revision": "x", "resources": [{"group": "apps", "version": "v1", "kind": "Deployment",
                "namespace": "default", "name": "web", "status": result}]}})
    };
    bench.patch("web", &json!({"status": {"operationState": state("Running")}})).await;
    bench.patch("web", &json!({"operation": null, "status": {"operationState": state(phase)}})).await;
}

#[tokio::test]
async fn automation_refuses_another_revision_and_a_rollback() {
    let bench = Bench::new().await;
    bench.app("web", |app| app["spec"]["syncPolicy"] = json!({"automated": {}})).await;
    for (line, reason) in [
        ("rollback web 0", "rollback cannot be initiated when auto-sync is enabled"),
        ("sync web --revision v9", "Cannot sync to v9: auto-sync currently set to main"),
    ] {
        let done = bench.run(line).await;
        assert!(
            done.code == 4 && done.err.contains(reason) && done.err.contains("--sync-policy none"),
            "{done:?}"
        );
        assert!(bench.read("web").await["operation"].is_null(), "{line}");
        assert_eq!(bench.run_as(line, Style::Argocd, "").await.code, 20);
    }
    assert_eq!(bench.run("set web --sync-policy none").await.code, 0);
    assert_eq!(bench.run("rollback web --revision 0 --async").await.code, 0);
    let sync = bench.read("web").await["operation"]["sync"].clone();
    assert_eq!(
        (&sync["syncStrategy"], &sync["source"]["path"]),
        (&json!({"apply": {}}), &json!("guestbook"))
    );
    assert!(sync["revision"].as_str().unwrap().starts_with("aaaaaaa"), "{sync}");
}

#[tokio::test]
async fn terminate_needs_an_operation() {
    let bench = Bench::new().await;
    bench.app("web", |_| {}).await;
    let done = bench.run("terminate-op web").await;
    assert!(done.code == 8 && done.err.contains("No operation is in progress"), "{done:?}");
    bench
        .patch("web", &json!({"status": {"operationState": {"phase": "Running", "finishedAt": null}}}))
        .await;
    assert_eq!(bench.run("terminate-op web").await.out, "Application 'web' operation terminating\n");
    assert_eq!(bench.read("web").await["status"]["operationState"]["phase"], "Terminating");
}

#[tokio::test]
async fn wait_ends_when_it_is_so_or_cannot_be() {
    let bench = Bench::new().await;
    bench.app("web", |app| app["status"]["health"] = json!({"status": "Progressing"})).await;
    let status = |health: &str| json!({"status": {"sync": {"status": "Synced"}, "health": {"status": health, "message": null}}});
    let turn = async |health: &str| {
        bench.watched().await;
        bench.patch("web", &status(health)).await;
    };
    let (done, ()) = tokio::join!(bench.run("wait web"), turn("Healthy"));
    assert!(done.code == 0 && done.out.contains("+ Healthy"), "{done:?}");
    let done = bench.run("wait web --suspended --timeout 50ms").await;
    assert!(
        done.code == 6 && done.err.contains("timed out (0s) waiting for app \"web\" match desired state"),
        "{done:?}"
    );
    assert!(done.err.contains("it still waits for health Suspended, it is Healthy"), "{done:?}");
    assert_eq!(bench.run_as("wait web --suspended --timeout 50ms", Style::Argocd, "").await.code, 20);

    bench.patch("web", &status("Progressing")).await;
    bench.sim.clear_requests();
    let (done, ()) = tokio::join!(bench.run("wait web --health --timeout 10"), turn("Degraded"));
    assert!(
        done.code == 1 && done.err.contains("health state has transitioned from Progressing to Degraded"),
        "{done:?}"
    );
}

#[tokio::test]
async fn wait_does_not_believe_the_dead() {
    let mut bench = Bench::new().await;
    bench.app("web", |app| app["status"]["sync"]["status"] = json!("Synced")).await;
    assert_eq!(bench.run("wait web --sync").await.code, 0);
    bench.context.clock = Arc::new(|| Timestamp::now() + jiff::SignedDuration::from_secs(361));
    let done = bench.run("wait web --sync --timeout 50ms").await;
    assert!(done.code == 6 && done.err.contains("its word is waited for"), "{done:?}");
}

#[tokio::test]
async fn history_and_resources_are_tables_and_objects() {
    let bench = Bench::new().await;
    bench.app("web", |_| {}).await;
    assert_eq!(bench.run("history web -o id").await.out, "0\n1\n");
    let history: Value = serde_json::from_str(&bench.run("history web -o json").await.out).unwrap();
    assert_eq!(history[1]["id"], 1);
    assert!(
        bench.run("history web").await.out.contains("1       2026-01-02 03:04:05 +0000 UTC  main (4f2a91c)")
    );
    assert!(bench.run("resources web").await.out.contains("apps   Deployment  default    web   No"));
    assert!(
        bench
            .run("get web -o yaml")
            .await
            .out
            .starts_with("apiVersion: argoproj.io/v1alpha1\nkind: Application\n")
    );
}

/// Manifests in a directory of their own, which goes with the value.
struct Checkout(std::path::PathBuf);

impl Checkout {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("capstan-cli-{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(root)
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_and_manifests_say_what_the_controller_would() {
    let mut bench = Bench::new().await;
    let config = |v: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  v: \"{v}\"\n  same: a\n")
    };
    let secret = |v: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: keys\nstringData:\n  token: {v}\n")
    };
    let checkout = Checkout::new(
        "diff",
        &[
            ("guestbook/web.yaml", &config("2")),
            ("guestbook/keys.yaml", &secret("hush-new")),
            ("guestbook/new.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: new\n"),
            ("data/x", ""),
        ],
    );
    bench.context.data_dir = checkout.0.join("data");
    bench
        .post(
            &format!("/apis/{API_VERSION}/namespaces/argocd/appprojects"),
            &api::AppProject::default_project("argocd").to_value(),
        )
        .await;
    let change = |app: &mut Value| {
        app["status"]["resources"] = json!([]);
        app["spec"]["source"]["repoURL"] = json!("https://git.example/apps.git");
    };
    bench.app("guestbook", change).await;
    for (plural, text, name) in [
        ("configmaps", config("1"), "web"),
        ("secrets", secret("hush-old"), "keys"),
        ("configmaps", config("0"), "old"),
    ] {
        let mut object = goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default()).unwrap();
        let kind = object["kind"].as_str().unwrap().to_owned();
        object["metadata"] = json!({"name": name, "namespace": "default",
            "annotations": {"argocd.argoproj.io/tracking-id": format!("guestbook:/{kind}:default/{name}")}});
        bench.post(&format!("/api/v1/namespaces/default/{plural}"), &object).await;
    }
    let directory = checkout.0.display().to_string();
    let done = bench.run(&format!("diff guestbook --local {directory}")).await;
    assert_eq!(done.code, 1, "{done:?}");
    for text in [
        "\n===== /ConfigMap default/web ======\n",
        "   same: a\n-  v: \"1\"\n+  v: \"2\"\n",
        "\n===== /ConfigMap default/new ======\n",
        "\n===== /ConfigMap default/old ======\n",
        "-  token: +++++++++\n+  token: ++++++++\n",
        "web.yaml",
    ] {
        assert!(done.out.contains(text), "{text}: {}", done.out);
    }
    let peer = bench
        .run_as(&format!("diff guestbook --local {directory}/guestbook --exit-code=false"), Style::Argocd, "")
        .await;
    assert_eq!((peer.code, peer.out.contains("web.yaml")), (0, false), "{peer:?}");
    let git = bench.run(&format!("manifests guestbook --local {directory}")).await;
    assert!(git.code == 0 && git.out.contains("kind: ConfigMap") && git.out.contains("name: new"), "{git:?}");
    let live = bench.run(&format!("manifests guestbook --local {directory} --source live")).await;
    assert!(live.code == 0 && live.out.contains("name: old") && !live.out.contains("name: new"), "{live:?}");
    for done in [done, git, live] {
        for secret in ["hush", "aHVzaC"] {
            assert!(!done.out.contains(secret) && !done.err.contains(secret), "{done:?}");
        }
    }
    std::fs::write(checkout.0.join("guestbook/web.yaml"), "kind: ConfigMap\n\tbroken").unwrap();
    let done = bench.run(&format!("diff guestbook --local {directory}")).await;
    assert!(done.code == 20 && done.err.contains("web.yaml"), "{done:?}");
    let done = bench.run("diff guestbook --local /nonexistent").await;
    assert_eq!(done.code, 2, "{done:?}");
    assert_eq!(bench.run_as("diff guestbook --local /nonexistent", Style::Argocd, "").await.code, 2);
}

#[tokio::test]
async fn an_unsteady_server_is_survived_and_a_lost_one_is_named() {
    let bench = Bench::new().await;
    bench.app("web", |_| {}).await;
    let fault = |verb: &str, code: u16| {
        let refuse = kubesim::FaultAction::Refuse { status: code, retry_after: None };
        kubesim::FaultRule::new(refuse).verb(verb).resource("applications")
    };
    // A write that meets another one is made again.
    bench.sim.set_faults(kubesim::Faults::default().rule(fault("patch", 409).times(2)));
    assert_eq!(bench.run("sync web --async").await.code, 0);
    assert!(bench.read("web").await["operation"].is_object());
    for (reason, verb, status, native, peer) in [
        ("somebody is always faster", "patch", 409, 8, 20),
        ("no right", "patch", 403, 4, 20),
        ("no service", "get", 503, 5, 20),
        ("a server's error", "patch", 500, 5, 20),
    ] {
        bench.patch("web", &json!({"operation": null})).await;
        bench.sim.set_faults(kubesim::Faults::default().rule(fault(verb, status)));
        for (style, code) in [(Style::Native, native), (Style::Argocd, peer)] {
            let done = bench.run_as("sync web --async", style, "").await;
            assert_eq!(done.code, code, "{reason} {style:?}: {done:?}");
        }
        bench.sim.set_faults(kubesim::Faults::default());
    }
    // A watch that breaks and a server that is away for a moment do not end a wait.
    let end = |action| kubesim::FaultRule::new(action).verb("watch").resource("applications").times(1);
    for (reason, rule) in [
        ("expired at once", fault("watch", 410).times(1)),
        ("expired later", end(kubesim::FaultAction::ExpireWatchAfter(0))),
        ("ended without a word", end(kubesim::FaultAction::EndWatchAfter(0))),
        ("no connection", end(kubesim::FaultAction::Reset)),
        ("away for a moment", fault("get", 503).skip(1).times(1)),
    ] {
        bench.patch("web", &json!({"operation": null, "status": {"sync": {"status": "OutOfSync"}}})).await;
        bench.sim.clear_requests();
        bench.sim.set_faults(kubesim::Faults::default().rule(rule));
        let turn = async {
            bench.watched().await;
            bench.patch("web", &json!({"status": {"sync": {"status": "Synced"}}})).await;
        };
        let (done, ()) = tokio::join!(bench.run("wait web --sync --timeout 30"), turn);
        assert_eq!(done.code, 0, "{reason}: {done:?}");
    }
}
