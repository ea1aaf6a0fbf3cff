//! The API as its clients see it, through the in-process service.

use crate::support::{Api, name_of};
use serde_json::{Value, json};

#[tokio::test]
async fn objects_come_change_and_go() {
    let api = Api::new();
    let path = "/api/v1/namespaces/default/configmaps";
    let made = api.post(path, json!({"metadata": {"name": "a"}, "data": {"x": "1"}})).await.expect(201);
    assert_eq!((&made["kind"], &made["apiVersion"]), (&json!("ConfigMap"), &json!("v1")));
    api.post(path, json!({"metadata": {"name": "a"}})).await.fails(409, "configmaps \"a\" already exists");
    let mut changed = made.clone();
    changed["data"]["x"] = json!("2");
    let now = api.put(&format!("{path}/a"), changed.clone()).await.expect(200);
    assert_eq!(now["data"]["x"], "2");
    assert_ne!(now["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    api.put(&format!("{path}/a"), changed).await.fails(
        409,
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to \
         the latest version and try again",
    );
    let list = api.get(path).await.expect(200);
    assert_eq!(list["kind"], "ConfigMapList");
    assert!(list["items"].as_array().unwrap().iter().any(|i| name_of(i) == "a" && i.get("kind").is_none()));
    let gone = api.delete(&format!("{path}/a"), json!({})).await.expect(200);
    assert_eq!((&gone["status"], &gone["details"]["uid"]), (&json!("Success"), &made["metadata"]["uid"]));
    api.get(&format!("{path}/a")).await.fails(404, "configmaps \"a\" not found");
}

const APPS: &str = "/apis/apps/v1/namespaces/default";

fn deployment(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": 2, "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "x:1"}]}}}})
}

#[tokio::test]
async fn applied_fields_have_owners() {
    let api = Api::new();
    let path = format!("{APPS}/deployments/d");
    api.patch(&format!("{path}?fieldManager=one"), "apply-patch+yaml", deployment("d")).await.expect(201);
    let mut other = deployment("d");
    other["spec"]["replicas"] = json!(5);
    let refused = api.patch(&format!("{path}?fieldManager=two"), "apply-patch+yaml", other.clone()).await;
    let status = refused.fails(409, "Apply failed with 1 conflict: conflict with \"one\": .spec.replicas");
    assert_eq!(status["details"]["causes"][0]["reason"], "FieldManagerConflict");
    let forced =
        api.patch(&format!("{path}?fieldManager=two&force=true"), "apply-patch+yaml", other.clone()).await;
    let forced = forced.expect(200);
    assert_eq!((&forced["spec"]["replicas"], &forced["metadata"]["generation"]), (&json!(5), &json!(2)));
    let again = api
        .patch(&format!("{path}?fieldManager=two&force=true"), "apply-patch+yaml", other)
        .await
        .expect(200);
    assert_eq!(again["metadata"]["resourceVersion"], forced["metadata"]["resourceVersion"]);
    let managers = forced["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(managers.iter().map(|m| m["manager"].as_str().unwrap()).collect::<Vec<_>>(), ["one", "two"]);
    let nameless = api.patch(&path, "apply-patch+yaml", deployment("d")).await;
    nameless.fails(
        422,
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
    );
}

#[tokio::test]
async fn an_apply_may_be_yaml() {
    let api = Api::new();
    let body = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: doc\ndata:\n  a: \"1\"\n";
    let path = "/api/v1/namespaces/default/configmaps/doc?fieldManager=m";
    let request = http::Request::patch(path).header("content-type", "application/apply-patch+yaml");
    let reply = api.raw(request.body(http_body_util::Full::from(body)).unwrap()).await;
    assert_eq!(reply.status(), 201);
    let found = api.get("/api/v1/namespaces/default/configmaps/doc").await.expect(200);
    assert_eq!(found["data"], json!({"a": "1"}));
}

#[tokio::test]
async fn patches_of_all_kinds() {
    let api = Api::new();
    api.post(&format!("{APPS}/deployments"), deployment("d")).await.expect(201);
    let path = format!("{APPS}/deployments/d");
    let containers = json!({"spec": {"template": {"spec": {"containers": [{"name": "e", "image": "y:1"}]}}}});
    for (kind, patch, names) in [
        ("strategic-merge-patch+json", containers.clone(), vec!["e", "c"]),
        ("merge-patch+json", containers, vec!["e"]),
        (
            "json-patch+json",
            json!([{"op": "replace", "path": "/spec/template/spec/containers/0/name", "value": "f"}]),
            vec!["f"],
        ),
    ] {
        let now = api.patch(&path, kind, patch).await.expect(200);
        let found = now["spec"]["template"]["spec"]["containers"].as_array().unwrap();
        assert_eq!(found.iter().map(|c| c["name"].as_str().unwrap()).collect::<Vec<_>>(), names, "{kind}");
    }
    api.patch(&path, "json-patch+json", json!([{"op": "test", "path": "/spec/replicas", "value": 9}]))
        .await
        .fails(422, "the server rejected our request due to an error in our request");
    assert_eq!(api.patch(&path, "json", json!({})).await.code, 415);
}

#[tokio::test]
async fn the_same_quantities_in_other_words_change_nothing() {
    let api = Api::new();
    let path = format!("{APPS}/deployments");
    let mut body = deployment("a");
    let resources = "/spec/template/spec/containers/0";
    body.pointer_mut(resources).unwrap()["resources"] =
        json!({"requests": {"cpu": "0.5", "memory": "1024Mi"}});
    let made = api.post(&path, body.clone()).await.expect(201);
    let written = made.pointer(resources).unwrap();
    assert_eq!(written["resources"]["requests"], json!({"cpu": "500m", "memory": "1Gi"}));
    for cpu in ["0.5", "500m", "0.50"] {
        body.pointer_mut(resources).unwrap()["resources"]["requests"]["cpu"] = json!(cpu);
        assert_eq!(api.put(&format!("{path}/a"), body.clone()).await.expect(200), made, "{cpu}");
    }
}

#[tokio::test]
async fn generations_count_what_users_want() {
    let api = Api::new();
    api.post(&format!("{APPS}/deployments"), deployment("d")).await.expect(201);
    let path = format!("{APPS}/deployments/d");
    for (sub, patch, generation) in [
        ("", json!({"metadata": {"labels": {"a": "b"}}}), 1),
        ("", json!({"spec": {"replicas": 3}}), 2),
        ("", json!({"spec": {"replicas": 3}}), 2),
        ("/status", json!({"spec": {"replicas": 9}, "status": {"replicas": 3}}), 2),
        ("/scale", json!({"spec": {"replicas": 4}}), 3),
    ] {
        api.patch(&format!("{path}{sub}"), "merge-patch+json", patch.clone()).await.expect(200);
        let now = api.get(&path).await.expect(200);
        assert_eq!(now["metadata"]["generation"], generation, "{sub} {patch}");
    }
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let api = Api::new();
    let before = api.sim.resource_version();
    let maps = "/api/v1/namespaces/kube-system/configmaps";
    let made = api
        .post(&format!("{maps}?dryRun=All"), json!({"metadata": {"generateName": "a-"}}))
        .await
        .expect(201);
    assert!(name_of(&made).starts_with("a-") && name_of(&made).len() == 7);
    api.delete(&format!("{maps}/kube-root-ca.crt?dryRun=All"), json!({})).await.expect(200);
    let patch = json!({"data": {"x": "y"}});
    api.patch(&format!("{maps}/kube-root-ca.crt?dryRun=All"), "merge-patch+json", patch).await.expect(200);
    assert_eq!(api.sim.resource_version(), before);
}

#[tokio::test]
async fn services_get_addresses_of_their_own() {
    let api = Api::new();
    let path = "/api/v1/namespaces/default/services";
    let service = |name: &str, kind: &str| json!({"metadata": {"name": name}, "spec": {"type": kind, "selector": {"a": "b"}, "ports": [{"port": 80}]}});
    let one = api.post(path, service("one", "NodePort")).await.expect(201);
    let two = api.post(path, service("two", "LoadBalancer")).await.expect(201);
    assert_ne!(one["spec"]["clusterIP"], two["spec"]["clusterIP"]);
    assert_ne!(one["spec"]["ports"][0]["nodePort"], two["spec"]["ports"][0]["nodePort"]);
    assert_eq!(one["spec"]["ports"][0]["targetPort"], 80);
    let kept = api.put(&format!("{path}/one"), service("one", "NodePort")).await.expect(200);
    assert_eq!(kept["spec"], one["spec"]);
    let mut taken = service("three", "ClusterIP");
    taken["spec"]["clusterIP"] = one["spec"]["clusterIP"].clone();
    assert_eq!(api.post(path, taken.clone()).await.code, 422);
    api.delete(&format!("{path}/one"), json!({})).await.expect(200);
    api.post(path, taken).await.expect(201);
}

#[tokio::test]
async fn refusals_are_in_the_servers_words() {
    let api = Api::new();
    api.post(&format!("{APPS}/deployments"), deployment("d")).await.expect(201);
    let maps = "/api/v1/namespaces/default/configmaps";
    let mut unknown = deployment("e");
    unknown["spec"]["foo"] = json!(1);
    let mut other = deployment("e");
    other["spec"]["selector"]["matchLabels"]["app"] = json!("b");
    let mut typed = deployment("e");
    typed["spec"]["replicas"] = json!("2");
    for (path, body, code, message) in [
        (
            format!("{APPS}/deployments?fieldValidation=Strict"),
            unknown,
            400,
            "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \
             \"spec.foo\"",
        ),
        (
            format!("{APPS}/deployments"),
            typed,
            400,
            "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go \
             struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            format!("{APPS}/deployments"),
            other,
            422,
            "Deployment.apps \"e\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"a\"}: `selector` \
             does not match template `labels`",
        ),
        (
            maps.to_owned(),
            json!({"metadata": {}}),
            422,
            "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required",
        ),
        (
            maps.to_owned(),
            json!({"metadata": {"name": "a", "namespace": "b"}}),
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            "/api/v1/namespaces/default/services".to_owned(),
            json!({"metadata": {"name": "s"}, "spec": {}}),
            422,
            "Service \"s\" is invalid: spec.ports: Required value",
        ),
    ] {
        api.post(&path, body).await.fails(code, message);
    }
    let selector = json!({"spec": {"selector": {"matchLabels": {"app": "b"}},
        "template": {"metadata": {"labels": {"app": "b"}}}}});
    api.patch(&format!("{APPS}/deployments/d"), "merge-patch+json", selector).await.fails(
        422,
        "Deployment.apps \"d\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"b\"}}: field is \
         immutable",
    );
}

#[tokio::test]
async fn lists_come_in_pages_and_by_selector() {
    let api = Api::new();
    let path = "/api/v1/namespaces/default/secrets";
    for name in ["a", "b", "c"] {
        let body = json!({"metadata": {"name": name, "labels": {"l": name}}, "type": format!("x/{name}")});
        api.post(path, body).await.expect(201);
    }
    let names = |list: &Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|i| name_of(i).to_owned()).collect()
    };
    let first = api.get(&format!("{path}?limit=2")).await.expect(200);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = api.get(&format!("{path}?limit=2&continue={token}")).await.expect(200);
    assert_eq!((names(&first), names(&second)), (vec!["a".into(), "b".into()], vec!["c".into()]));
    assert_eq!(first["metadata"]["resourceVersion"], second["metadata"]["resourceVersion"]);
    for (query, expected) in [
        ("labelSelector=l+in+(a,c)", vec!["a", "c"]),
        ("fieldSelector=type%3Dx/b", vec!["b"]),
        ("fieldSelector=metadata.name!=a", vec!["b", "c"]),
    ] {
        assert_eq!(names(&api.get(&format!("{path}?{query}")).await.expect(200)), expected, "{query}");
    }
}

#[tokio::test]
async fn one_event_has_two_faces() {
    let api = Api::new();
    let about = json!({"kind": "Pod", "name": "p", "namespace": "default"});
    let event = json!({"metadata": {"name": "e"}, "involvedObject": about, "reason": "R", "message": "m"});
    api.post("/api/v1/namespaces/default/events", event).await.expect(201);
    let other = api.get("/apis/events.k8s.io/v1/namespaces/default/events/e").await.expect(200);
    assert_eq!((&other["note"], &other["regarding"]), (&json!("m"), &about));
    let found = api.get("/api/v1/events?fieldSelector=involvedObject.name%3Dp").await.expect(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_served_is_said_in_both_ways() {
    let api = Api::new();
    let accept = [("accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")];
    let aggregated = api.send("GET", "/apis", &accept, &Value::Null).await.expect(200);
    let plain = api.get("/apis").await.expect(200);
    let group = |list: &Value, field: &str| -> Vec<String> {
        let all = list[field].as_array().unwrap().iter();
        all.map(|g| g["metadata"]["name"].as_str().or(g["name"].as_str()).unwrap().to_owned()).collect()
    };
    assert_eq!(group(&aggregated, "items"), group(&plain, "groups"));
    assert_eq!(api.get("/readyz").await.body, json!("ok"));
    assert_eq!(api.get("/version").await.expect(200)["gitVersion"], "v1.34.4");
    let document = api.get("/openapi/v3/apis/apps/v1").await.expect(200);
    let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert!(patch["parameters"].as_array().unwrap().iter().any(|p| p["name"] == "fieldValidation"));
}

#[tokio::test]
async fn tables_show_what_kubectl_prints() {
    let api = Api::new();
    api.post(&format!("{APPS}/deployments"), deployment("d")).await.expect(201);
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    for (path, expected) in [
        (format!("{APPS}/deployments/d"), json!(["d", "0/2", 0, 0, "0s", "c", "x:1", "app=a"])),
        (
            "/api/v1/namespaces/default/services/kubernetes".to_owned(),
            json!(["kubernetes", "ClusterIP", "10.96.0.1", "<none>", "443/TCP", "0s", "<none>"]),
        ),
        ("/api/v1/namespaces/default".to_owned(), json!(["default", "Active", "0s"])),
    ] {
        let table = api.send("GET", &path, &accept, &Value::Null).await.expect(200);
        assert_eq!(table["rows"][0]["cells"], expected, "{path}");
    }
}

#[tokio::test]
async fn what_is_left_out_is_filled_in() {
    let api = Api::new();
    let class = json!({"metadata": {"name": "fast", "annotations":
        {"storageclass.kubernetes.io/is-default-class": "true"}}, "provisioner": "x"});
    api.post("/apis/storage.k8s.io/v1/storageclasses", class).await.expect(201);
    let core = "/api/v1/namespaces/default";
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}});
    let claim = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": 1}}});
    for (path, body, pointer, expected) in [
        (format!("{core}/secrets"), json!({"stringData": {"a": "b"}}), "/data/a", json!("Yg==")),
        (format!("{core}/secrets"), json!({}), "/type", json!("Opaque")),
        (
            format!("{core}/persistentvolumeclaims"),
            json!({"spec": claim}),
            "/spec/storageClassName",
            json!("fast"),
        ),
        (
            format!("{core}/persistentvolumeclaims"),
            json!({"spec": claim}),
            "/spec/resources/requests/storage",
            json!("1"),
        ),
        (format!("{core}/pods"), template.clone(), "/spec/containers/0/imagePullPolicy", json!("Always")),
        (
            format!("{core}/pods"),
            template.clone(),
            "/status",
            json!({"phase": "Pending", "qosClass": "BestEffort"}),
        ),
        (
            format!("{APPS}/deployments"),
            deployment("x"),
            "/spec/strategy/rollingUpdate/maxSurge",
            json!("25%"),
        ),
        (
            format!("{APPS}/deployments"),
            deployment("x"),
            "/spec/template/spec/terminationGracePeriodSeconds",
            json!(30),
        ),
        (
            "/apis/batch/v1/namespaces/default/jobs".to_owned(),
            json!({"spec": {"template": template}}),
            "/spec/backoffLimit",
            json!(6),
        ),
    ] {
        let mut body = body;
        body["metadata"] = json!({"generateName": "x-"});
        let made = api.post(&path, body).await.expect(201);
        assert_eq!(made.pointer(pointer), Some(&expected), "{path} {pointer}");
    }
}
