//! Why an application is not as git wants it: on its status, and for who asks.

use applications::What;
use e2e::{World, app_path, is_good};
use http::Method;
use serde_json::{Value, json};

use crate::manifests::{config, config_map, deployment, deployment_path, text};

/// The reasons on a status.
fn reasons(app: &Value) -> Vec<Value> {
    app["status"]["capstan"]["why"]["reasons"].as_array().cloned().unwrap_or_default()
}

/// The reasons of a type on a status.
fn of_type(app: &Value, kind: &str) -> Vec<Value> {
    reasons(app).into_iter().filter(|reason| reason["type"] == kind).collect()
}

/// What `app why` says: the same functions, by somebody who is not the controller.
async fn asked(world: &World, name: &str) -> Vec<Value> {
    let app = api::Application::from_value(world.app(name).await.unwrap()).unwrap();
    let what = What { why: true, ..What::default() };
    let found = Box::pin(world.controller.evaluate(&app, &what)).await.unwrap();
    let why = serde_json::to_value(found.why.unwrap()).unwrap();
    why["reasons"].as_array().unwrap().clone()
}

async fn change(world: &World, path: &str, manager: &str, patch: &Value) {
    let path = format!("{path}?fieldManager={manager}");
    world.api.send(Method::PATCH, &path, "application/merge-patch+json", Some(patch)).await.unwrap();
}

/// An Application that prunes nothing and heals nothing.
fn lenient(world: &World, name: &str) -> Value {
    let mut app = world.application(name, name, name);
    app["spec"]["syncPolicy"]["automated"] = json!({});
    app
}

pub(crate) async fn a_changed_field_names_both_authors(world: &mut World) {
    let files = |image: &str| deployment("web", image, 0);
    let first = world.push(&[("edit/web.yaml", &files("web:1"))]).unwrap();
    let second = world.push(&[("edit/web.yaml", &files("web:2"))]).unwrap();
    let last = world.push(&[("edit/other.yaml", &config("c", "x"))]).unwrap();
    world.api.apply(&lenient(world, "edit")).await.unwrap();
    let app = world.until_good_at("edit", &last).await;
    assert_eq!(reasons(&app), [json!(null); 0], "nothing is amiss");

    let live = deployment_path("edit", "web");
    let image = json!([{"name": "main", "image": "registry.example.com/web:hacked"}]);
    let patch = json!({"spec": {"replicas": 3, "template": {"spec": {"containers": image}}}});
    change(world, &live, "kubectl-edit", &patch).await;
    let app = world
        .until_app("edit", "says why it is out of sync", |app| {
            of_type(app, "Differs")
                .first()
                .is_some_and(|reason| reason["fields"].as_array().unwrap().len() == 2)
        })
        .await;
    let differs = &of_type(&app, "Differs")[0];
    assert_eq!(
        differs["resource"],
        json!({"group": "apps", "kind": "Deployment", "namespace": "edit", "name": "web"})
    );
    let author = "Ada Example <ada@example.com>";
    for (field, path, git, live, commit) in [
        (&differs["fields"][0], "spec.replicas", json!(2), json!(3), &first),
        (
            &differs["fields"][1],
            "spec.template.spec.containers[name=main].image",
            json!("registry.example.com/web:2"),
            json!("registry.example.com/web:hacked"),
            &second,
        ),
    ] {
        assert_eq!((&field["path"], &field["git"], &field["live"]), (&json!(path), &git, &live));
        let by = &field["commit"];
        assert_eq!((&by["id"], &by["file"]), (&json!(commit), &json!("edit/web.yaml")), "{path}");
        assert_eq!((&by["author"], &by["subject"]), (&json!(author), &json!("change")), "{path}");
        assert_eq!(field["writer"]["manager"], "kubectl-edit", "{path}");
        assert!(field["writer"]["at"].as_str().unwrap().ends_with('Z'), "{field}");
    }
    let rests = &of_type(&app, "Rests")[0];
    assert_eq!(
        (&rests["because"]["what"], &rests["because"]["revision"]),
        (&json!("AlreadySynced"), &json!(last))
    );
    assert_eq!(rests["since"], app["status"]["operationState"]["finishedAt"]);
    let told = asked(world, "edit").await;
    assert_eq!(told.iter().find(|r| r["type"] == "Differs"), Some(differs), "the command says the same");
    assert_eq!(told.iter().find(|r| r["type"] == "Rests"), Some(rests));

    // What was found out stays as it is while nothing changes.
    world
        .until(&live, "has rolled out", |object| {
            let status = &object.unwrap()["status"];
            let count = |field: &str| status[field].as_i64().unwrap_or_default();
            status["observedGeneration"] == object.unwrap()["metadata"]["generation"]
                && ["replicas", "updatedReplicas", "availableReplicas"].map(count) == [3, 3, 3]
        })
        .await;
    let rolled_out = |app: &Value| of_type(app, "Unhealthy").is_empty();
    let app = world.until_app("edit", "knows that it has", rolled_out).await;
    let again = world.refresh("edit").await.unwrap();
    assert_eq!(again["status"]["capstan"], app["status"]["capstan"]);
    let back = json!([{"name": "main", "image": "registry.example.com/web:2"}]);
    change(
        world,
        &live,
        "kubectl-edit",
        &json!({"spec": {"replicas": 2, "template": {"spec": {"containers": back}}}}),
    )
    .await;
    let app = world.until_app("edit", "is good again", is_good).await;
    assert!(app["status"]["capstan"].is_null(), "{}", app["status"]["capstan"]);
}

async fn a_chart_names_the_commit_that_touched_what_it_read(world: &mut World) {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {color: {{ .Values.color | quote }}}\n";
    world
        .push(&[
            ("chart/Chart.yaml", "{apiVersion: v2, name: web, version: 1.0.0}\n"),
            ("chart/values.yaml", "color: red\n"),
            ("chart/templates/config.yaml", template),
        ])
        .unwrap();
    let values = world.push(&[("chart/values.yaml", "color: green\n")]).unwrap();
    world.push(&[("elsewhere/c.yaml", &config("c", "x"))]).unwrap();
    world.api.apply(&lenient(world, "chart")).await.unwrap();
    world.until_good("chart").await;
    change(world, &config_map("chart", "web"), "kubectl-edit", &json!({"data": {"color": "blue"}})).await;
    let field = first_field(world, "chart").await;
    assert_eq!(
        (&field["path"], &field["git"], &field["live"]),
        (&json!("data.color"), &json!("green"), &json!("blue"))
    );
    assert_eq!(field["commit"]["id"], json!(values), "{field}");
    assert!(field["commit"]["file"].is_null(), "a chart has no one file");

    // Values that another source lends it.
    let lent = world.push(&[("values/lent.yaml", "color: yellow\n")]).unwrap();
    world.push(&[("elsewhere/c.yaml", &config("c", "y"))]).unwrap();
    let mut app = lenient(world, "lent");
    let mut source = app["spec"].as_object_mut().unwrap().remove("source").unwrap();
    let values = json!({"repoURL": source["repoURL"], "targetRevision": "main", "ref": "values"});
    source["path"] = json!("chart");
    source["helm"] = json!({"valueFiles": ["$values/values/lent.yaml"]});
    app["spec"]["sources"] = json!([source, values]);
    world.api.apply(&app).await.unwrap();
    world.until_good("lent").await;
    change(world, &config_map("lent", "web"), "kubectl-edit", &json!({"data": {"color": "blue"}})).await;
    let field = first_field(world, "lent").await;
    assert_eq!((&field["git"], &field["commit"]["id"]), (&json!("yellow"), &json!(lent)), "{field}");
}

/// The first field that a status says differs, once it says so.
async fn first_field(world: &World, name: &str) -> Value {
    let app = world.until_app(name, "says why", |app| !of_type(app, "Differs").is_empty()).await;
    of_type(&app, "Differs")[0]["fields"][0].clone()
}

async fn no_value_of_a_secret_is_told(world: &mut World) {
    let secret = |value: &str| {
        text(
            &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"token": value}}),
        )
    };
    world.push(&[("hush/s.yaml", &secret("canary-of-git"))]).unwrap();
    world.api.apply(&lenient(world, "hush")).await.unwrap();
    world.until_good("hush").await;
    // "canary-of-live"
    let patch = json!({"data": {"token": "Y2FuYXJ5LW9mLWxpdmU="}});
    change(world, "/api/v1/namespaces/hush/secrets/s", "kubectl-edit", &patch).await;
    let field = first_field(world, "hush").await;
    let app = world.app("hush").await.unwrap();
    assert_eq!(field["path"], "data.token");
    assert_ne!(field["git"], field["live"], "that they differ is seen");
    let told = format!("{app} {:?}", asked(world, "hush").await);
    for value in ["canary", "Y2FuYXJ5"] {
        assert!(!told.contains(value), "{told}");
    }
}

async fn an_unwell_deployment_is_followed_to_its_pods_event(world: &mut World) {
    let mut broken: Value = serde_json::from_str(&deployment("web", "web:missing", 0)).unwrap();
    broken["spec"]["progressDeadlineSeconds"] = json!(1);
    world.push(&[("ill/web.yaml", &text(&broken))]).unwrap();
    world.api.apply(&lenient(world, "ill")).await.unwrap();
    let chain = |app: &Value| {
        of_type(app, "Unhealthy").first().map(|reason| reason["chain"].clone()).unwrap_or_default()
    };
    let kinds = |chain: &Value| -> Vec<String> {
        let links = chain.as_array().into_iter().flatten();
        links.map(|link| link["resource"]["kind"].as_str().unwrap().to_owned()).collect()
    };
    let app = world
        .until_app("ill", "is Degraded for its pod's sake", |app| {
            app["status"]["health"]["status"] == "Degraded" && !chain(app)[2]["container"].is_null()
        })
        .await;
    let found = chain(&app);
    assert_eq!(kinds(&found), ["Deployment", "ReplicaSet", "Pod"]);
    assert!(found[0]["message"].as_str().unwrap().contains("progress deadline"), "{found}");
    let container = &found[2]["container"];
    assert_eq!((&container["name"], &container["reason"]), (&json!("main"), &json!("ImagePullBackOff")));

    // What the kubelet would say.
    let pod = format!("/api/v1/namespaces/ill/pods/{}", found[2]["resource"]["name"].as_str().unwrap());
    let object = world.api.get(&pod).await.unwrap().unwrap();
    let event = |name: &str, kind: &str, reason: &str, at: &str| {
        json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "ill"},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "ill", "name": object["metadata"]["name"], "uid": object["metadata"]["uid"]},
            "type": kind, "reason": reason, "message": format!("{reason} it was"), "firstTimestamp": at, "lastTimestamp": at, "count": 2,
            "source": {"component": "kubelet"},
        })
    };
    for event in [
        event("a", "Warning", "Failed", "2026-01-01T00:00:02Z"),
        event("b", "Warning", "FailedMount", "2026-01-01T00:00:01Z"),
        event("c", "Normal", "Pulling", "2026-01-01T00:00:03Z"),
    ] {
        world.api.apply(&event).await.unwrap();
    }
    let told = asked(world, "ill").await;
    let unhealthy = told.iter().find(|reason| reason["type"] == "Unhealthy").unwrap();
    let seen = &unhealthy["chain"][2]["event"];
    let expected =
        json!({"reason": "Failed", "message": "Failed it was", "at": "2026-01-01T00:00:02Z", "count": 2});
    assert_eq!(*seen, expected);
    assert_eq!(unhealthy["health"], "Degraded");
    // The status is told when something of the tree changes, without what changes by itself.
    world.api.patch(&pod, &json!({"metadata": {"annotations": {"touched": "yes"}}})).await.unwrap();
    let app = world.until_app("ill", "knows the event", |app| !chain(app)[2]["event"].is_null()).await;
    assert_eq!(chain(&app)[2]["event"], json!({"reason": "Failed", "message": "Failed it was"}));
    // A pass that finds the same tree asks for nothing of it.
    let asked_for = || {
        let requests = world.requests().into_iter();
        requests
            .filter(|seen| ["events", "replicasets"].contains(&&*seen.resource) && seen.namespace == "ill")
            .count()
    };
    let before = asked_for();
    let again = world.refresh("ill").await.unwrap();
    assert_eq!(chain(&again), chain(&app));
    assert!(before > 0 && asked_for() == before, "{} requests after {before}", asked_for());
}

async fn a_window_that_is_shut_is_named(world: &mut World) {
    let shut = json!([{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}]);
    let project = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "shut", "namespace": "argocd"},
        "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}], "syncWindows": shut,
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]},
    });
    world.api.apply(&project).await.unwrap();
    world.push(&[("night/c.yaml", &config("c", "x"))]).unwrap();
    let mut app = world.application("night", "night", "night");
    app["spec"]["project"] = json!("shut");
    world.api.apply(&app).await.unwrap();
    let app = world.until_app("night", "rests", |app| !of_type(app, "Rests").is_empty()).await;
    assert_eq!(of_type(&app, "Rests")[0]["because"]["what"], "Window");
    world.begin_sync("night", json!({})).await.unwrap();
    let app = world.until_app("night", "waits", |app| !of_type(app, "Waits").is_empty()).await;
    let waits = &of_type(&app, "Waits")[0];
    assert_eq!(waits["waitsFor"]["what"], "Window", "{waits}");
    assert_eq!(of_type(&app, "Rests"), [json!(null); 0], "it is syncing");
}

async fn a_wave_that_waits_says_for_what_and_since_when(world: &mut World) {
    world.cluster.run_nodes(false);
    world
        .push(&[
            ("slow/a.yaml", &deployment("db", "db:1", 0)),
            ("slow/b.yaml", &deployment("web", "web:1", 1)),
        ])
        .unwrap();
    world.api.apply(&world.application("slow", "slow", "slow")).await.unwrap();
    let app = world.until_app("slow", "waits", |app| !of_type(app, "Waits").is_empty()).await;
    let waits = of_type(&app, "Waits")[0].clone();
    let (what, since) = (&waits["waitsFor"], &waits["since"]);
    assert_eq!((&what["what"], &what["resource"]["name"]), (&json!("Health"), &json!("db")), "{waits}");
    let message = app["status"]["operationState"]["message"].as_str().unwrap();
    assert!(message.starts_with("waiting for healthy state of apps/Deployment/slow/db"), "{message}");
    assert_eq!(of_type(&app, "Rests"), [json!(null); 0], "it is syncing");
    // Other words about the same thing begin no new wait.
    world.api.patch(&deployment_path("slow", "db"), &json!({"spec": {"paused": true}})).await.unwrap();
    let changed = |app: &Value| of_type(app, "Waits").first().is_some_and(|now| now["waitsFor"] != *what);
    let app = world.until_app("slow", "says something else of it", changed).await;
    let now = &of_type(&app, "Waits")[0];
    assert_eq!((&now["waitsFor"]["resource"]["name"], &now["since"]), (&json!("db"), since), "{now}");
    let told = asked(world, "slow").await;
    assert_eq!((&told[0]["type"], &told[0]["since"]), (&json!("Waits"), since), "{told:?}");
    world.api.patch(&deployment_path("slow", "db"), &json!({"spec": {"paused": false}})).await.unwrap();
    world.cluster.run_nodes(true);
    let app = world.until_good("slow").await;
    assert_eq!(reasons(&app), [json!(null); 0]);
}

async fn a_sync_that_failed_says_when_it_is_tried_again_or_that_it_is_not(world: &mut World) {
    let bad = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 99999}]}});
    world.push(&[("again/s.yaml", &text(&bad)), ("never/s.yaml", &text(&bad))]).unwrap();
    for (name, retry) in
        [("again", json!({"limit": 2, "backoff": {"duration": "2m"}})), ("never", json!({"limit": 0}))]
    {
        let mut app = world.application(name, name, name);
        app["spec"]["syncPolicy"]["retry"] = retry;
        world.api.apply(&app).await.unwrap();
    }
    let app =
        world.until_app("again", "waits for its next attempt", |app| !of_type(app, "Waits").is_empty()).await;
    let waits = &of_type(&app, "Waits")[0];
    let ended = app["status"]["operationState"]["finishedAt"].as_str().unwrap();
    let due = api::format_time(api::parse_time(ended).unwrap() + std::time::Duration::from_secs(120));
    assert_eq!((&waits["waitsFor"]["what"], &waits["waitsFor"]["attempt"]), (&json!("Retry"), &json!(1)));
    assert_eq!(waits["waitsFor"]["due"], json!(due), "{waits}");
    assert!(!waits["waitsFor"]["message"].as_str().unwrap().contains("Retrying"), "{waits}");
    let app = world.until_app("never", "is not tried again", |app| !of_type(app, "Rests").is_empty()).await;
    let rests = &of_type(&app, "Rests")[0];
    assert_eq!(rests["because"]["what"], "Failed", "{rests}");
    assert_eq!(rests["since"], app["status"]["operationState"]["finishedAt"]);
    assert_eq!(of_type(&app, "Error"), [json!(null); 0], "it is told once");
    assert_eq!(of_type(&app, "Missing").len(), 1);
    let told = asked(world, "never").await;
    let missing = told.iter().find(|reason| reason["type"] == "Missing").unwrap();
    assert_eq!(missing["commit"]["file"], "never/s.yaml", "{missing}");
}

/// With the peer's definition of the resource installed, the server drops what only we have: it is tried once.
async fn where_the_status_has_no_place_it_is_left_alone(world: &mut World) {
    let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io";
    let mut peers = world.api.get(definition).await.unwrap().unwrap();
    for version in peers["spec"]["versions"].as_array_mut().unwrap() {
        let status = &mut version["schema"]["openAPIV3Schema"]["properties"]["status"];
        let keep = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let list = json!({"type": "array", "items": keep});
        let text = json!({"type": "string"});
        *status = json!({"type": "object", "properties": {
            "resources": list, "sync": keep, "health": keep, "history": list, "conditions": list, "operationState": keep,
            "summary": keep, "reconciledAt": text, "sourceType": text, "controllerNamespace": text,
        }});
    }
    world.api.send(Method::PUT, definition, "application/json", Some(&peers)).await.unwrap();
    world.push(&[("strict/c.yaml", &config("c", "1"))]).unwrap();
    world.api.apply(&lenient(world, "strict")).await.unwrap();
    world.until_good("strict").await;
    let data = |value: &str| json!({"data": {"key": value}});
    change(world, &config_map("strict", "c"), "kubectl-edit", &data("2")).await;
    let out_of_sync = |app: &Value| app["status"]["sync"]["status"] == "OutOfSync";
    let app = world.until_app("strict", "is out of sync", out_of_sync).await;
    assert!(app["status"]["capstan"].is_null(), "the server drops it: {}", app["status"]);
    let writes = || world.writes().iter().filter(|w| w.resource == "applications" && w.code < 300).count();
    world.refresh("strict").await.unwrap();
    let before = writes();
    // Passes that find the same write nothing.
    for value in ["3", "4", "5"] {
        let passes = world.controller.metrics().passes();
        change(world, &config_map("strict", "c"), "kubectl-edit", &data(value)).await;
        testkit::eventually("a pass", e2e::PATIENCE, || async {
            Ok::<_, ()>(world.controller.metrics().passes() > passes)
        })
        .await;
    }
    world.refresh("strict").await.unwrap();
    let by_refresh = 2; // the tester's annotation, and its removal
    assert!(writes() <= before + by_refresh, "{} writes after {before}", writes());
    let told = asked(world, "strict").await;
    assert!(told.iter().any(|reason| reason["type"] == "Differs"), "who asks is told all the same: {told:?}");
    world.api.delete(&app_path("strict")).await.unwrap();
}

mod tests {
    crate::on_kubesim!(
        a_changed_field_names_both_authors,
        a_chart_names_the_commit_that_touched_what_it_read,
        no_value_of_a_secret_is_told,
        an_unwell_deployment_is_followed_to_its_pods_event,
        a_window_that_is_shut_is_named,
        a_wave_that_waits_says_for_what_and_since_when,
        a_sync_that_failed_says_when_it_is_tried_again_or_that_it_is_not,
        where_the_status_has_no_place_it_is_left_alone,
    );
}
