//! The same promises on the API as it is: managed fields, custom kinds, compaction, rights and faults.

use std::{collections::BTreeSet, time::Duration};

use cluster::{
    ApplyOptions, Cluster, Deleted, How, Knowledge, Options, Preconditions, Propagation, What, WriteError,
};
use kubesim::{FaultAction, FaultRule, Faults, KubeSim};
use resource::{GroupKind, Object, ResourceKey};
use serde_json::{Value, json};

use crate::support::{changed, options};

const TIME: Duration = Duration::from_secs(60);

async fn complete(cluster: &Cluster, kinds: impl IntoIterator<Item = GroupKind>) {
    let incomplete = cluster.wait_complete(&kinds.into_iter().collect(), TIME).await;
    assert!(incomplete.is_empty(), "{incomplete:?}");
}

fn quick() -> Options {
    Options { backoff: (Duration::from_millis(1), Duration::from_millis(10)), page_size: 500, ..options() }
}

fn parsed(value: Value) -> Object {
    Object::from_value(value).unwrap()
}

fn config(name: &str, data: &str) -> Object {
    parsed(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "annotations": {"app": "one"}}, "data": {"x": data}}))
}

#[tokio::test]
async fn every_kind_is_watched() {
    let cluster = Cluster::start(KubeSim::new(kubesim::Options::default()).client(), quick()).await.unwrap();
    let discovery = cluster.discovery();
    let watchable = discovery.kinds().filter(|(kind, _)| discovery.watchable(kind).is_some());
    let kinds: BTreeSet<GroupKind> = watchable.map(|(kind, _)| kind.clone()).collect();
    assert!(kinds.len() > 30 && discovery.failed().is_empty(), "{kinds:?}");
    complete(&cluster, kinds).await;
    assert!(cluster.get(&ResourceKey::new("", "Namespace", "", "default")).is_some());
}

#[tokio::test]
async fn an_object_lives_from_apply_to_delete() {
    let cluster = Cluster::start(KubeSim::new(kubesim::Options::default()).client(), quick()).await.unwrap();
    let kind = GroupKind::new("", "ConfigMap");
    cluster.need_full(&[kind.clone()].into());
    complete(&cluster, [kind]).await;
    let mut changes = cluster.changes();
    let desired = config("web", "1");
    assert!(cluster.apply(&desired, &ApplyOptions::default()).await.unwrap().created);
    assert_eq!(changed(&mut changes, "web").await.what, What::Added);
    let live = cluster.get(&desired.key()).unwrap();
    let managed = live.object().unwrap().to_value()["metadata"]["managedFields"].clone();
    assert_eq!(managed[0]["manager"], "argocd-controller", "ownership is kept for the comparison");

    let other = ApplyOptions { manager: "kubectl".to_owned(), force: false, ..ApplyOptions::default() };
    let refused = cluster.apply(&config("web", "2"), &other).await.unwrap_err();
    let WriteError::Conflict { fields, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!((fields[0].manager.as_str(), fields[0].field.as_str()), ("argocd-controller", ".data.x"));

    let wrong = Preconditions { uid: Some("another".to_owned()), resource_version: None };
    let refused = cluster.delete(&desired.key(), &wrong, Propagation::Background).await.unwrap_err();
    assert!(matches!(refused, WriteError::Precondition { .. }), "{refused:?}");
    let right = Preconditions {
        uid: Some(live.uid().to_owned()),
        resource_version: Some(live.resource_version().to_owned()),
    };
    assert_eq!(cluster.delete(&desired.key(), &right, Propagation::Background).await.unwrap(), Deleted::Done);
    assert_eq!(changed(&mut changes, "web").await.what, What::Deleted);
}

#[tokio::test]
async fn an_object_that_was_deleted_stays_gone_however_late_its_events_are() {
    let sim = KubeSim::new(kubesim::Options::default());
    let late = FaultAction::DelayEvents(Duration::from_millis(300));
    sim.set_faults(Faults::default().rule(FaultRule::new(late).verb("watch").resource("configmaps")));
    let cluster = Cluster::start(sim.client(), quick()).await.unwrap();
    let other = Cluster::start(sim.client(), quick()).await.unwrap();
    complete(&cluster, [GroupKind::new("", "ConfigMap")]).await;
    let key = config("web", "1").key();
    let first = cluster.apply(&config("web", "1"), &ApplyOptions::default()).await.unwrap().object;
    let mut changes = cluster.changes();
    other.apply(&config("web", "2"), &ApplyOptions::default()).await.unwrap();
    let right = Preconditions { uid: Some(first.uid().to_owned()), resource_version: None };
    assert_eq!(cluster.delete(&key, &right, Propagation::Background).await.unwrap(), Deleted::Done);
    assert!(cluster.get(&key).is_none(), "gone with the answer");
    assert_eq!(changed(&mut changes, "web").await.what, What::Deleted);
    let next = other.apply(&config("web", "3"), &ApplyOptions::default()).await.unwrap().object;
    // The events of all four writes come now.
    assert_eq!(changed(&mut changes, "web").await.what, What::Added);
    assert_eq!(cluster.get(&key).unwrap().uid(), next.uid());
}

#[tokio::test]
async fn refusals_have_their_class() {
    let cluster = Cluster::start(KubeSim::new(kubesim::Options::default()).client(), quick()).await.unwrap();
    let duplicate = parsed(json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "x", "image": "x", "env": [
                {"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}]}}}}));
    let refused = cluster.apply(&duplicate, &ApplyOptions::default()).await.unwrap_err();
    assert!(matches!(refused, WriteError::DuplicateListKeys { .. }), "{refused:?}");
    let the_clients_way = ApplyOptions { how: How::ClientSide, ..ApplyOptions::default() };
    assert!(cluster.apply(&duplicate, &the_clients_way).await.unwrap().created);
    assert!(!cluster.apply(&duplicate, &the_clients_way).await.unwrap().sent, "nothing is left to do");

    let mut homeless = config("web", "1");
    homeless.set_namespace(Some("nowhere"));
    let refused = cluster.apply(&homeless, &ApplyOptions::default()).await.unwrap_err();
    assert!(
        matches!(&refused, WriteError::NamespaceMissing { namespace, .. } if namespace == "nowhere"),
        "{refused:?}"
    );

    let mut misspelt = config("web", "1");
    misspelt.as_map_mut().insert("datum".to_owned(), json!({"x": "1"}));
    let refused = cluster.apply(&misspelt, &ApplyOptions::default()).await.unwrap_err();
    assert!(
        matches!(&refused, WriteError::Invalid { message, .. } if message.contains("datum")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_custom_kind_comes_and_goes() {
    let cluster = Cluster::start(KubeSim::new(kubesim::Options::default()).client(), quick()).await.unwrap();
    let kind = GroupKind::new("demo.io", "Widget");
    let mut changes = cluster.changes();
    let crd = parsed(json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.demo.io"}, "spec": {"group": "demo.io", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema":
                {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}));
    cluster.apply(&crd, &ApplyOptions::default()).await.unwrap();
    knows(&cluster, &mut changes, &kind, Knowledge::is_complete).await;
    let widget = parsed(json!({"apiVersion": "demo.io/v1", "kind": "Widget",
        "metadata": {"name": "w", "namespace": "default", "annotations": {"app": "one"}}, "spec": {"a": 1}}));
    cluster.apply(&widget, &ApplyOptions::default()).await.unwrap();
    assert_eq!(cluster.owned_by("one").len(), 1);
    cluster.delete(&crd.key(), &Preconditions::default(), Propagation::Background).await.unwrap();
    knows(&cluster, &mut changes, &kind, |known| *known == Knowledge::Absent).await;
    assert!(cluster.owned_by("one").is_empty());
}

#[tokio::test]
async fn faults_end_where_no_faults_end() {
    let sim = KubeSim::new(kubesim::Options::default());
    let cluster = Cluster::start(sim.client(), quick()).await.unwrap();
    let kind = GroupKind::new("", "ConfigMap");
    cluster.need_full(&[kind.clone()].into());
    complete(&cluster, [kind.clone()]).await;
    let writer = Cluster::start(sim.client(), quick()).await.unwrap();
    let refuse = |verb: &str, status, times| {
        let rule = FaultRule::new(FaultAction::Refuse { status, retry_after: None });
        rule.verb(verb).resource("configmaps").times(times)
    };
    for (round, rules) in [
        vec![refuse("list", 500, 3), refuse("watch", 503, 3)],
        vec![refuse("watch", 410, 2), refuse("list", 429, 1)],
        vec![refuse("watch", 504, 5)],
    ]
    .into_iter()
    .enumerate()
    {
        sim.set_faults(Faults { rules });
        sim.compact();
        let mut changes = cluster.changes();
        let name = format!("round-{round}");
        writer.apply(&config(&name, "1"), &ApplyOptions::default()).await.unwrap();
        changed(&mut changes, &name).await;
        let key = config(&name, "1").key();
        writer.delete(&key, &Preconditions::default(), Propagation::Background).await.unwrap();
        while cluster.get(&key).is_some() {
            changed(&mut changes, &name).await;
        }
    }
    sim.set_faults(Faults::default());
    complete(&cluster, [kind.clone()]).await;
    assert!(!cluster.of_kind(&kind).iter().any(|object| object.name().starts_with("round")));
}

async fn knows(
    cluster: &Cluster,
    changes: &mut cluster::Changes,
    kind: &GroupKind,
    right: impl Fn(&Knowledge) -> bool,
) {
    let wait = async {
        while !right(&cluster.knowledge(kind)) {
            changes.next().await.unwrap();
        }
    };
    assert!(tokio::time::timeout(TIME, wait).await.is_ok(), "{kind} stays {:?}", cluster.knowledge(kind));
}

#[tokio::test]
async fn the_warnings_about_one_object_are_told() {
    let sim = KubeSim::new(kubesim::Options::default());
    let cluster = Cluster::start(sim.client(), quick()).await.unwrap();
    let event = |name: &str, namespace: &str, uid: &str, kind: &str| {
        parsed(
            json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": namespace}, "type": kind,
            "reason": "Failed", "involvedObject": {"kind": "Pod", "name": "p", "namespace": namespace, "uid": uid}}),
        )
    };
    for (name, namespace, uid, kind) in [
        ("ours", "default", "a-1", "Warning"),
        ("another's", "default", "a-2", "Warning"),
        ("normal", "default", "a-1", "Normal"),
        ("elsewhere", "kube-system", "a-1", "Warning"),
    ] {
        cluster
            .apply(&event(&name.replace('\'', "-"), namespace, uid, kind), &ApplyOptions::default())
            .await
            .unwrap();
    }
    for (reason, namespace, uid, expected) in [
        ("its own", "default", "a-1", vec!["ours"]),
        ("those of cluster-wide objects lie in default", "", "a-1", vec!["ours"]),
        ("elsewhere", "kube-system", "a-1", vec!["elsewhere"]),
        ("nobody's", "default", "a-3", vec![]),
        ("no uid that could widen the question", "default", "a-1,type=Normal", vec![]),
        ("none at all", "default", "", vec![]),
    ] {
        let found = cluster.warnings(namespace, uid).await.unwrap();
        let names: Vec<&str> = found.iter().filter_map(|event| event["metadata"]["name"].as_str()).collect();
        assert_eq!(names, expected, "{reason}");
    }
    let refuse = FaultAction::Refuse { status: 403, retry_after: None };
    sim.set_faults(Faults::default().rule(FaultRule::new(refuse).verb("list").resource("events")));
    assert!(cluster.warnings("default", "a-1").await.is_err());
}
