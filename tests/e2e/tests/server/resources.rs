//! The objects of an application: its tree, single objects, and what can be done to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::stand::{Row, Stand};

const MANIFESTS: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'registry.example/web:1', resources: {requests: {cpu: 250m}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Secret
metadata: {name: password}
stringData: {password: canary-in-a-secret}
";

/// An application with these objects, synced and healthy.
pub(crate) async fn with_objects() -> Option<Stand> {
    let stand = Stand::start().await?;
    stand.repository.commit(&[("app/objects.yaml", MANIFESTS)], "objects").unwrap();
    stand.login().await;
    let create = "app create app --repo $REPO --revision main --path app \
                  --dest-server https://kubernetes.default.svc --dest-namespace default";
    let rows: Vec<Row> = vec![
        (create.into(), 0, "created"),
        ("app sync app --timeout 60".into(), 0, "deployment.apps/web created"),
        ("app wait app --health --timeout 60".into(), 0, "Healthy"),
    ];
    stand.types(&rows).await;
    Some(stand)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_are_shown_patched_and_deleted() {
    let Some(stand) = with_objects().await else { return };
    let (_, text) = stand.argocd("app get-resource app --kind Secret -o yaml").await.unwrap();
    assert!(text.contains("password: ++++++++"), "{text}");
    for canary in ["canary-in-a-secret", "Y2FuYXJ5LWluLWEtc2VjcmV0"] {
        assert!(!text.contains(canary), "{text}");
    }
    let patch = r#"app patch-resource app --kind ConfigMap --resource-name a --patch {"data":{"key":"2"}}"#;
    let delete = "app delete-resource app --kind ConfigMap --resource-name a";
    let rows: Vec<Row> = vec![
        ("app resources app".into(), 0, "apps   Deployment  default    web       No"),
        ("app resources app --output tree".into(), 0, "apps   Deployment  default    web       No"),
        ("app resources app --output tree=detailed".into(), 0, "Healthy"),
        ("app get app --output tree".into(), 0, "Pod/web-"),
        ("app get app --output tree=detailed".into(), 0, "Healthy"),
        ("app get-resource app --kind Pod -o json".into(), 0, "registry.example/web:1"),
        (
            "app get-resource app --kind ConfigMap --resource-name a --filter-fields data.key".into(),
            0,
            "data.key",
        ),
        (patch.into(), 0, "Resource 'a' patched"),
        (
            format!("{patch} --patch-type application/wrong"),
            20,
            "patch type 'application/wrong' is not supported",
        ),
        ("app get-resource app --kind ConfigMap -o yaml".into(), 0, "key: \"2\""),
        (delete.into(), 0, "Resource 'a' deleted"),
        ("app wait app --sync --timeout 1".into(), 20, "timed out"),
        ("app resources app".into(), 0, "ConfigMap"),
        (delete.into(), 20, "no matching resource found"),
    ];
    stand.types(&rows).await;
    let gone = stand.api.get("/api/v1/namespaces/default/configmaps/a").await.unwrap();
    assert_eq!(gone, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_is_restarted() {
    let Some(stand) = with_objects().await else { return };
    let rows: Vec<Row> = vec![
        ("app actions list app --kind Deployment".into(), 0, "apps   Deployment  web   restart"),
        ("app actions list app -o json".into(), 0, "\"Action\": \"pause\""),
        ("app actions run app restart --kind Deployment".into(), 0, ""),
        ("app actions run app explode --kind Deployment".into(), 20, "has no action explode"),
    ];
    stand.types(&rows).await;
    // The client has no word for parameters yet.
    let scale = json!({"name": "app", "namespace": "default", "resourceName": "web", "group": "apps", "version": "v1",
        "kind": "Deployment", "action": "scale", "resourceActionParameters": [{"name": "replicas", "value": "2"}]});
    let token = stand.account("dev", "p, dev, applications, *, default/app, allow").await;
    let scaled = stand.post("/api/v1/applications/app/resource/actions/v2", &token, &scale).await;
    assert_eq!(scaled.status(), 200, "{}", scaled.text().await.unwrap());
    let path = "/apis/apps/v1/namespaces/default/deployments/web";
    let web = stand.api.get(path).await.unwrap().unwrap();
    let annotations = &web["spec"]["template"]["metadata"]["annotations"];
    assert!(annotations["kubectl.kubernetes.io/restartedAt"].is_string(), "{annotations}");
    assert_eq!(web["spec"]["replicas"], json!(2));
}

/// What one may do with objects, by lines of the policy: each line opens what is said, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_open_single_objects_and_actions() {
    let Some(stand) = with_objects().await else { return };
    let base = "p, dev, applications, get, default/app, allow\n";
    for (line, patches, deletes, restarts) in [
        ("", false, false, false),
        ("p, dev, applications, update, default/app, allow", false, false, false),
        ("p, dev, applications, update/*, default/app, allow", true, false, false),
        ("p, dev, applications, update//ConfigMap/default/a, default/app, allow", true, false, false),
        ("p, dev, applications, update//ConfigMap/default/b, default/app, allow", false, false, false),
        ("p, dev, applications, action/apps/Deployment/restart, default/app, allow", false, false, true),
        ("p, dev, applications, action/apps/Deployment/pause, default/app, allow", false, false, false),
        ("p, dev, applications, action/*, default/app, allow", false, false, true),
        ("p, dev, applications, delete//Service/default/*, default/app, allow", false, true, false),
    ] {
        let token = stand.account("dev", &format!("{base}{line}")).await;
        let may = async |command: &str| {
            let (code, text) =
                stand.argocd(&format!("{command} --auth-token {token} --server $SERVER")).await.unwrap();
            let denied = text.contains("code = PermissionDenied");
            assert_eq!(code != 0, denied, "{line}: {command}: {text}");
            !denied
        };
        let patch =
            r#"app patch-resource app --kind ConfigMap --resource-name a --patch {"data":{"key":"1"}}"#;
        assert_eq!(may(patch).await, patches, "patch by {line}");
        assert_eq!(may("app actions run app restart --kind Deployment").await, restarts, "restart by {line}");
        assert_eq!(may("app delete-resource app --kind Service").await, deletes, "delete by {line}");
        assert!(may("app get-resource app --kind ConfigMap").await, "get by {line}");
    }
}

/// A stream tells the tree as it is and then each time it changes, and ends when the right is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_is_told_again_when_it_changes() {
    let Some(stand) = with_objects().await else { return };
    let base = "p, dev, applications, *, default/app, allow";
    let token = stand.account("dev", base).await;
    let mut events = stand.stream("/api/v1/stream/applications/app/resource-tree", &token).await;
    let has = |tree: &Value, kind: &str| {
        tree["result"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|node| node["kind"] == kind && node["uid"].is_string())
    };
    let first = events.next().await.unwrap();
    assert!(has(&first, "Pod") && has(&first, "Service"), "{first}");
    let pod = first["result"]["nodes"].as_array().unwrap().iter().find(|node| node["kind"] == "Pod").unwrap();
    assert_eq!(pod["images"], json!(["registry.example/web:1"]));
    assert!(pod["info"].as_array().unwrap().contains(&json!({"name": "cpu", "value": "250"})), "{pod}");
    assert_eq!(pod["parentRefs"][0]["kind"], "ReplicaSet");
    stand.api.delete("/api/v1/namespaces/default/services/web").await.unwrap();
    let next = events.next().await.unwrap();
    assert!(!has(&next, "Service"), "{next}");
    stand.account("dev", "").await;
    loop {
        match events.next().await {
            Some(event) if event.get("error").is_some() => {
                assert_eq!(event["error"]["message"], "permission denied");
                break;
            }
            Some(_) => {}
            None => panic!("it ended without saying why"),
        }
    }
}

/// Files of this machine are sent along and rendered by the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_local_is_rendered_by_the_server() {
    let Some(stand) = with_objects().await else { return };
    let local = stand.home.path().join("checkout");
    std::fs::create_dir_all(local.join("app")).unwrap();
    std::fs::write(local.join("app/objects.yaml"), MANIFESTS).unwrap();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {key: '1'}\n";
    std::fs::write(local.join("app/a.yaml"), map).unwrap();
    let line = format!("--server-side-generate --local {}", local.display());
    stand.types(&[(format!("app diff app {line}"), 0, "")]).await;
    std::fs::write(local.join("app/a.yaml"), map.replace("'1'", "'2'")).unwrap();
    let rows: Vec<Row> = vec![
        (format!("app diff app {line}"), 1, "===== /ConfigMap default/a ======"),
        (format!("app diff other {line}"), 20, "permission denied"),
    ];
    stand.types(&rows).await;
}

/// Objects of an application whose status has no room for all of them.
const MANY: usize = 3_000;

/// An Application holds less than its objects' names may take; the API tells all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_objects_are_told_where_the_status_has_no_room() {
    let Some(stand) = Stand::start().await else { return };
    let name = |count: usize| format!("{count:04}{}", "x".repeat(240));
    let one =
        |count: usize| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}}}\n", name(count));
    let all: Vec<String> = (0..MANY).map(one).collect();
    stand.repository.commit(&[("many/all.yaml", &all.join("---\n"))], "many").unwrap();
    stand.login().await;
    let create = "app create many --repo $REPO --revision main --path many \
                  --dest-server https://kubernetes.default.svc --dest-namespace default";
    let rows: Vec<Row> = vec![
        (create.into(), 0, "created"),
        ("app get many --refresh".into(), 0, "status.resources lists not all"),
    ];
    stand.types(&rows).await;
    let path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/many";
    let held = stand.api.get(path).await.unwrap().unwrap();
    let count = |list: &Value| list.as_array().unwrap().len();
    assert!(count(&held["status"]["resources"]) < MANY);
    let token = stand.account("dev", "p, dev, applications, get, default/many, allow").await;
    let told = stand.get("/api/v1/applications/many", &token).await.text().await.unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(count(&told["status"]["resources"]), MANY);
    let tree = stand.get("/api/v1/applications/many/resource-tree", &token).await.text().await.unwrap();
    let tree: Value = serde_json::from_str(&tree).unwrap();
    assert_eq!(count(&tree["nodes"]), MANY);
    assert_eq!(tree["nodes"][0]["health"], json!({"status": "Missing"}));
}

/// Objects of nobody are told where the project asks for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orphans_are_told() {
    let Some(stand) = with_objects().await else { return };
    let orphan = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nobodys", "namespace": "default"}});
    stand.api.apply(&orphan).await.unwrap();
    stand.types(&[("app resources app --orphaned".into(), 0, "ORPHANED")]).await;
    let path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/default";
    stand.api.patch(path, &json!({"spec": {"orphanedResources": {"warn": false}}})).await.unwrap();
    testkit::eventually("the orphan is told", e2e::PATIENCE, || async {
        let (_, text) = stand.argocd("app resources app --orphaned").await?;
        Ok::<_, anyhow::Error>(text.contains("nobodys"))
    })
    .await;
    let rows: Vec<Row> = vec![(
        "app get-resource app --kind ConfigMap --resource-name nobodys".into(),
        0,
        "Resources '' fetched",
    )];
    stand.types(&rows).await;
}

/// By a dry run of the server: what git does not say and the server fills in is no difference, and nothing secret is shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn differences_are_those_that_an_apply_would_make() {
    let Some(stand) = with_objects().await else { return };
    let change = r#"app patch-resource app --kind ConfigMap --resource-name a --patch {"data":{"key":"2"}}"#;
    let secret = "app patch-resource app --kind Secret --resource-name password";
    let rows: Vec<Row> = vec![
        ("app diff app --server-side-diff".into(), 0, ""),
        (change.into(), 0, "patched"),
        ("app diff app --server-side-diff --exit-code=false".into(), 0, "===== /ConfigMap default/a ======"),
        ("app sync app --timeout 60".into(), 0, "Succeeded"),
        (format!(r#"{secret} --patch {{"data":{{"password":"Y2FuYXJ5"}}}}"#), 0, "patched"),
        (
            "app diff app --server-side-diff --exit-code=false".into(),
            0,
            "===== /Secret default/password ======",
        ),
    ];
    stand.types(&rows).await;
    let token = stand.account("dev", "p, dev, applications, get, default/app, allow").await;
    let other = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "argocd-secret", "namespace": "argocd"}});
    let other: String = other.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!("/api/v1/applications/app/server-side-diff?targetManifests={other}");
    let answer = stand.get(&path, &token).await;
    assert_eq!(answer.status(), 403, "{}", answer.text().await.unwrap());
}

/// Where two objects differ, as the texts of a diff by lines of YAML: what is only here, and what only there.
fn differing(here: &Value, there: &Value) -> (Vec<String>, Vec<String>) {
    fn leaves(place: &str, value: &Value, found: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(k, v)| leaves(&format!("{place}/{k}"), v, found)),
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(n, v)| leaves(&format!("{place}/{n}"), v, found));
            }
            leaf => {
                let name = place.rsplit('/').next().unwrap();
                let text = leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned);
                found.insert(place.to_owned(), format!("{name}: {text}"));
            }
        }
    }
    let (mut here_leaves, mut there_leaves) = (BTreeMap::new(), BTreeMap::new());
    leaves("", here, &mut here_leaves);
    leaves("", there, &mut there_leaves);
    let only = |these: &BTreeMap<String, String>, those: &BTreeMap<String, String>| {
        these
            .iter()
            .filter(|(place, text)| those.get(*place) != Some(text))
            .map(|(_, text)| text.clone())
            .collect()
    };
    (only(&here_leaves, &there_leaves), only(&there_leaves, &here_leaves))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_sync_would_make_of_an_object_is_predicted() {
    let Some(stand) = with_objects().await else { return };
    let container = json!({"name": "web", "image": "registry.example/web:2", "tty": true, "resources": {"requests": {"cpu": "250m"}}});
    let drift = json!({
        "metadata": {"labels": {"extra": "of-somebody"}},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [container]}}},
    });
    stand.api.patch("/apis/apps/v1/namespaces/default/deployments/web", &drift).await.unwrap();
    stand.types(&[("app get app --refresh".into(), 0, "OutOfSync")]).await;
    let admin = stand.admin().await;
    let path = "/api/v1/applications/app/managed-resources?kind=Deployment";
    let answer: Value = serde_json::from_str(&stand.get(path, &admin).await.text().await.unwrap()).unwrap();
    let item = &answer["items"][0];
    let side = |name: &str| serde_json::from_str::<Value>(item[name].as_str().unwrap()).unwrap();
    let (live, predicted) = (side("normalizedLiveState"), side("predictedLiveState"));
    // What others own stays, and so do defaults; git's alone would have none of it.
    assert_eq!(predicted["metadata"]["labels"]["extra"], "of-somebody");
    assert_eq!(predicted["spec"]["replicas"], 2);
    assert_eq!(predicted["spec"]["strategy"]["type"], "RollingUpdate");
    assert_eq!(predicted["spec"]["template"]["spec"]["containers"][0]["tty"], true);
    // It has a program called diff print what differs.
    let mut command = stand.command("app diff app").unwrap();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let lines = |mark: &str| -> Vec<String> {
        printed
            .lines()
            .filter_map(|line| Some(line.strip_prefix(mark)?.trim().trim_start_matches("- ").to_owned()))
            .collect()
    };
    let (text, printed) = (printed.clone(), (lines("< "), lines("> ")));
    assert_eq!(differing(&live, &predicted), printed, "what the official client prints: {text}");
    assert_eq!(printed.0, ["image: registry.example/web:2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trees_name_the_hosts_of_pods() {
    let Some(stand) = with_objects().await else { return };
    let pods = stand.api.get("/api/v1/namespaces/default/pods").await.unwrap().unwrap();
    let node = pods["items"][0]["spec"]["nodeName"].as_str().unwrap().to_owned();
    let neighbor = |name: &str, phase: &str| {
        let requests = json!({"cpu": "1500m", "memory": "1Gi"});
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "kube-system"},
            "spec": {"nodeName": node, "containers": [{"name": "c", "image": "registry.example/other:1", "resources": {"requests": requests}}]},
            "status": {"phase": phase},
        })
    };
    stand.api.apply(&neighbor("neighbor", "Running")).await.unwrap();
    stand.set(&json!({"application.allowedNodeLabels": "no/such, kubernetes.io/hostname"})).await;
    let admin = stand.admin().await;
    let tree = async |path: &str| -> Value {
        serde_json::from_str(&stand.get(path, &admin).await.text().await.unwrap()).unwrap()
    };
    let hosts = testkit::eventually_some("the settings are read", e2e::PATIENCE, || async {
        let hosts = tree("/api/v1/applications/app/resource-tree").await["hosts"].take();
        Ok::<_, anyhow::Error>(hosts.pointer("/0/labels").is_some().then_some(hosts))
    })
    .await;
    let (host, gib) = (&hosts[0], 1_i64 << 30);
    assert_eq!(hosts.as_array().unwrap().len(), 1, "{hosts}");
    assert_eq!((&host["name"], &host["labels"]), (&json!(node), &json!({"kubernetes.io/hostname": node})));
    assert_eq!(
        (&host["systemInfo"]["architecture"], &host["systemInfo"]["bootID"]),
        (&json!("amd64"), &json!(""))
    );
    let resources = json!([
        {"resourceName": "cpu", "requestedByApp": 250, "requestedByNeighbors": 1500, "capacity": 16_000},
        {"resourceName": "memory", "requestedByNeighbors": gib * 1000, "capacity": 64 * gib * 1000},
    ]);
    assert_eq!(host["resourcesInfo"], resources);
    assert_eq!(tree("/api/v2/applications/argocd/app/tree").await["hosts"], hosts);
    // And over gRPC.
    let query = [&[0, 0, 0, 0, 5, 10, 3][..], b"app"].concat();
    let url = format!("http://{}/application.ApplicationService/ResourceTree", stand.server.address());
    let request = reqwest::Client::new().post(url).header("token", &admin).body(query);
    let answer = request.header("content-type", "application/grpc-web+proto").send().await.unwrap();
    let bytes = answer.bytes().await.unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has(&node) && has("kubernetes.io/hostname") && has("grpc-status:0"));
}
