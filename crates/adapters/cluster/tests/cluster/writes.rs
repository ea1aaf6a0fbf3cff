//! Writes: what is sent, what is remembered, and what a refusal becomes.
use crate::support::{CONFIG_MAP, Fake, WIDGET, changed, complete, object};
use cluster::{ApplyOptions, Deleted, Disposition, How, Preconditions, Propagation, Validation, WriteError};
use resource::Object;
use serde_json::{Value, json};

fn manifest(name: &str, data: &str) -> Object {
    let mut value = object(name, Some("one"), data);
    value["apiVersion"] = json!("v1");
    value["kind"] = json!("ConfigMap");
    value["metadata"]["namespace"] = json!("shop");
    Object::from_value(value).unwrap()
}

#[tokio::test(start_paused = true)]
async fn our_own_write_is_seen_before_its_event() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let cluster = fake.cluster().await;
    cluster.need_full(&[CONFIG_MAP.group_kind()].into());
    complete(&cluster, &[CONFIG_MAP]).await;
    fake.withhold(true);
    let first = cluster.apply(&manifest("a", "1"), &ApplyOptions::default()).await.unwrap();
    let second = cluster.apply(&manifest("a", "2"), &ApplyOptions::default()).await.unwrap();
    assert!(first.created && !second.created);
    let held = || cluster.get(&CONFIG_MAP.key("a")).unwrap();
    assert_eq!(held().object().unwrap().to_value()["data"]["x"], "2");
    // Now the events of both writes come, the older one first; another object's event shows that they did.
    let mut changes = cluster.changes();
    fake.withhold(false);
    fake.put(&CONFIG_MAP, object("z", Some("one"), "1"));
    changed(&mut changes, "z").await;
    assert_eq!(held().resource_version(), second.object.resource_version());
    assert_eq!(held().object().unwrap().to_value()["data"]["x"], "2");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_earlier_namesake_takes_nothing_away() {
    let fake = Fake::new(&[CONFIG_MAP]);
    fake.put(&CONFIG_MAP, object("a", Some("one"), "1"));
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP]).await;
    fake.withhold(true);
    assert_eq!(
        cluster
            .delete(&CONFIG_MAP.key("a"), &Preconditions::default(), Propagation::default())
            .await
            .unwrap(),
        Deleted::Done
    );
    let next = cluster.create(&manifest("a", "2")).await.unwrap();
    let mut changes = cluster.changes();
    fake.withhold(false);
    fake.put(&CONFIG_MAP, object("z", Some("one"), "1"));
    changed(&mut changes, "z").await;
    assert_eq!(cluster.get(&CONFIG_MAP.key("a")).unwrap().uid(), next.uid());
}

#[tokio::test(start_paused = true)]
async fn an_object_is_gone_with_the_answer_to_its_delete() {
    let key = CONFIG_MAP.key("a");
    let status = |details: Value| json!({"kind": "Status", "status": "Success", "details": details});
    let object_with = |metadata: Value| json!({"kind": "ConfigMap", "metadata": metadata});
    for (row, code, answer, named, gone) in [
        ("a Status", 200, status(json!({"uid": "OWN"})), false, true),
        ("a Status that does not say of what", 200, status(json!({})), false, false),
        ("the same, but we did", 200, status(json!({})), true, true),
        ("another object", 200, status(json!({"uid": "another"})), false, false),
        ("the object", 200, object_with(json!({"uid": "OWN"})), false, true),
        (
            "the object, which somebody holds",
            200,
            object_with(json!({"uid": "OWN", "finalizers": ["a/b"]})),
            true,
            false,
        ),
        ("it will be taken away", 202, status(json!({"uid": "OWN"})), true, false),
        ("nothing that can be read", 200, json!("gone"), true, false),
    ] {
        let fake = Fake::new(&[CONFIG_MAP]);
        let live = fake.put(&CONFIG_MAP, object("a", Some("one"), "1"));
        let cluster = fake.cluster().await;
        complete(&cluster, &[CONFIG_MAP]).await;
        let uid = live["metadata"]["uid"].as_str().unwrap();
        let answer = serde_json::from_str(&answer.to_string().replace("OWN", uid)).unwrap();
        fake.fail("DELETE", 1, code, answer);
        let uid = named.then(|| uid.to_owned());
        let preconditions = Preconditions { uid, resource_version: None };
        assert_eq!(
            cluster.delete(&key, &preconditions, Propagation::default()).await.unwrap(),
            Deleted::Done,
            "{row}"
        );
        assert_eq!(cluster.get(&key).is_none(), gone, "{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn options_become_parameters() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP]).await;
    for (row, options, method, parameters) in [
        (
            "default",
            ApplyOptions::default(),
            "PATCH",
            "/api/v1/namespaces/shop/configmaps/a?fieldManager=argocd-controller&fieldValidation=Strict&force=true",
        ),
        (
            "dry run",
            ApplyOptions {
                dry_run: true,
                force: false,
                validation: Validation::Ignore,
                manager: "a b".to_owned(),
                ..ApplyOptions::default()
            },
            "PATCH",
            "configmaps/a?fieldManager=a%20b&fieldValidation=Ignore&dryRun=All&force=false",
        ),
        (
            "create",
            ApplyOptions { how: How::Create, validation: Validation::Warn, ..ApplyOptions::default() },
            "POST",
            "/configmaps?fieldManager=argocd-controller&fieldValidation=Warn",
        ),
        (
            "replace",
            ApplyOptions { how: How::Replace, ..ApplyOptions::default() },
            "PUT",
            "/configmaps/a?fieldManager=",
        ),
    ] {
        let mut manifest = manifest("a", "1");
        manifest.metadata_mut().insert("managedFields".to_owned(), json!([1]));
        cluster.apply(&manifest, &options).await.unwrap();
        let (line, body) = fake.bodies(method).pop().unwrap();
        assert!(line.contains(parameters), "{row}: {line}");
        assert!(body["metadata"].get("managedFields").is_none(), "{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_is_not_remembered() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let cluster = fake.cluster().await;
    complete(&cluster, &[CONFIG_MAP]).await;
    fake.withhold(true);
    let options = ApplyOptions { dry_run: true, ..ApplyOptions::default() };
    cluster.apply(&manifest("a", "1"), &options).await.unwrap();
    assert!(cluster.get(&CONFIG_MAP.key("a")).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_replace_carries_the_version_that_it_replaces() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let live = fake.put(&CONFIG_MAP, object("a", Some("one"), "1"));
    let cluster = fake.cluster().await;
    fake.fail("PUT", 1, 409, json!({"reason": "Conflict"}));
    let options = ApplyOptions { how: How::Replace, ..ApplyOptions::default() };
    let applied = cluster.apply(&manifest("a", "2"), &options).await.unwrap();
    assert!(!applied.created);
    let puts = fake.bodies("PUT");
    assert_eq!(puts.len(), 2, "tried again after somebody else was quicker");
    assert!(
        puts.iter()
            .all(|(_, body)| body["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"])
    );
}

#[tokio::test(start_paused = true)]
async fn status_is_written_by_compare_and_swap() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let live = fake.put(&CONFIG_MAP, object("a", Some("one"), "1"));
    let cluster = fake.cluster().await;
    let version = live["metadata"]["resourceVersion"].as_str();
    let patch = json!({"status": {"s": 1}});
    let written = cluster.merge_patch(&CONFIG_MAP.key("a"), &patch, version).await.unwrap();
    let again = cluster.merge_patch(&CONFIG_MAP.key("a"), &patch, version).await.unwrap_err();
    assert!(matches!(again, WriteError::Precondition { .. }), "{again:?}");
    assert_eq!(again.disposition(), Disposition::Reread);
    cluster.merge_patch(&CONFIG_MAP.key("a"), &patch, Some(written.resource_version())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_delete_insists_on_what_was_decided_on() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let live = fake.put(&CONFIG_MAP, object("a", Some("one"), "1"));
    let cluster = fake.cluster().await;
    let text = |field: &str| live["metadata"][field].as_str().map(str::to_owned);
    let decided = Preconditions { uid: text("uid"), resource_version: text("resourceVersion") };
    fake.put(&CONFIG_MAP, object("a", Some("two"), "1"));
    let key = CONFIG_MAP.key("a");
    let error = cluster.delete(&key, &decided, Propagation::Foreground).await.unwrap_err();
    assert!(matches!(error, WriteError::Precondition { .. }), "{error:?}");
    let (_, body) = fake.bodies("DELETE").pop().unwrap();
    assert_eq!(
        (
            body["preconditions"]["uid"].as_str(),
            body["preconditions"]["resourceVersion"].as_str(),
            body["propagationPolicy"].as_str()
        ),
        (decided.uid.as_deref(), decided.resource_version.as_deref(), Some("Foreground"))
    );
    assert_eq!(
        cluster.delete(&key, &Preconditions::default(), Propagation::Orphan).await.unwrap(),
        Deleted::Done
    );
    assert_eq!(cluster.delete(&key, &decided, Propagation::Orphan).await.unwrap(), Deleted::AlreadyGone);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_names_the_other_manager() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let cluster = fake.cluster().await;
    fake.fail("PATCH", 1, 409, json!({"reason": "Conflict", "message": "Apply failed with 1 conflict", "details": {"causes": [
        {"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using v1", "field": ".data.x"}]}}));
    let error = cluster.apply(&manifest("a", "1"), &ApplyOptions::default()).await.unwrap_err();
    let WriteError::Conflict { fields, .. } = &error else { panic!("{error:?}") };
    assert_eq!((fields[0].manager.as_str(), fields[0].field.as_str()), ("kubectl", ".data.x"));
    assert_eq!(error.disposition(), Disposition::Stalled);
}

#[tokio::test(start_paused = true)]
async fn what_no_path_can_hold_is_not_sent() {
    let fake = Fake::new(&[CONFIG_MAP]);
    let cluster = fake.cluster().await;
    let sent = fake.requests("").len();
    for (row, namespace, name) in [
        ("up", "shop", ".."),
        ("slash", "shop", "a/b"),
        ("escaped", "shop", "a%2Fb"),
        ("no name", "shop", ""),
        ("no namespace", "", "a"),
        ("namespace up", "..", "a"),
    ] {
        let mut object = manifest(name, "1");
        object.set_namespace(Some(namespace));
        let error = cluster.apply(&object, &ApplyOptions::default()).await.unwrap_err();
        assert!(matches!(error, WriteError::Invalid { .. }), "{row}: {error:?}");
    }
    let unknown =
        Object::from_value(json!({"apiVersion": "demo.io/v1", "kind": "Widget", "metadata": {"name": "a"}}));
    let error = cluster.apply(&unknown.unwrap(), &ApplyOptions::default()).await.unwrap_err();
    assert!(matches!(error, WriteError::KindUnknown { .. }), "{error:?}");
    let configmaps = fake.requests("").into_iter().filter(|line| !line.starts_with("GET")).count();
    assert_eq!(configmaps, 0, "{sent} requests before");
}

#[tokio::test(start_paused = true)]
async fn the_clients_way_patches_from_what_was_applied_last() {
    let fake = Fake::new(&[WIDGET]);
    let cluster = fake.cluster().await;
    let options = ApplyOptions { how: How::ClientSide, ..ApplyOptions::default() };
    let widget = |spec: Value| {
        Object::from_value(json!({"apiVersion": "demo.io/v1", "kind": "Widget",
            "metadata": {"name": "a", "namespace": "shop"}, "spec": spec}))
        .unwrap()
    };
    let first = cluster.apply(&widget(json!({"x": 1, "y": 1})), &options).await.unwrap();
    assert!(
        first.created
            && first.object.annotation("kubectl.kubernetes.io/last-applied-configuration").is_some()
    );
    let same = cluster.apply(&widget(json!({"x": 1, "y": 1})), &options).await.unwrap();
    assert!(!same.sent, "nothing to do sends nothing");
    cluster.apply(&widget(json!({"x": 2})), &options).await.unwrap();
    let (_, patch) = fake.bodies("PATCH").pop().unwrap();
    assert_eq!(patch["spec"], json!({"x": 2, "y": null}));
}
