use serde_json::json;

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "JSON literals read better by value")]
fn object(group_version: &str, kind: &str, namespace: &str, annotations: Value, labels: Value) -> Object {
    let mut metadata = json!({"name": "web", "annotations": annotations, "labels": labels});
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    Object::from_value(json!({"apiVersion": group_version, "kind": kind, "metadata": metadata})).unwrap()
}

fn tracking(method: TrackingMethod) -> Tracking {
    Tracking { method, ..Tracking::default() }
}

#[test]
fn ids_parse_and_print() {
    for (text, parts) in [
        ("app:apps/Deployment:shop/web", Some(("app", "apps", "Deployment", "shop", "web"))),
        ("team_app:/Service:shop/web", Some(("team_app", "", "Service", "shop", "web"))),
        (
            "app:rbac.authorization.k8s.io/ClusterRole:shop/system:thing",
            Some(("app", "rbac.authorization.k8s.io", "ClusterRole", "shop", "system:thing")),
        ),
        ("app:/Namespace:/shop", Some(("app", "", "Namespace", "", "shop"))),
        ("app", None),
        ("", None),
        (":apps/Deployment:shop/web", None),
        ("app:Deployment:shop/web", None),
        ("app:apps/v1/Deployment:shop/web", None),
        ("app:apps/Deployment:web", None),
        ("app:apps/Deployment:shop/web/x", None),
    ] {
        let id = TrackingId::parse(text);
        let found = id.as_ref().map(|id| {
            let key = &id.resource;
            (id.application.as_str(), &*key.group, &*key.kind, &*key.namespace, &*key.name)
        });
        assert_eq!(found, parts, "{text}");
        if let Some(id) = id {
            assert_eq!(id.to_string(), text);
        }
    }
}

#[test]
fn owners() {
    use TrackingMethod::{Annotation, AnnotationAndLabel, Label};
    let id = |id: &str| json!({"argocd.argoproj.io/tracking-id": id});
    let instance = |name: &str| json!({"app.kubernetes.io/instance": name});
    for (method, annotations, labels, owner, reason) in [
        (Annotation, id("app:apps/Deployment:shop/web"), json!({}), Some("app"), "its own id"),
        (Annotation, id("app:apps/Deployment:shop/other"), json!({}), None, "the id of another object"),
        (Annotation, id("app:apps/Deployment:dev/web"), json!({}), None, "an id copied to another namespace"),
        (Annotation, id("app:apps/ReplicaSet:shop/web"), json!({}), None, "an id copied to another kind"),
        (
            Annotation,
            id("app:extensions/Deployment:shop/web"),
            json!({}),
            Some("app"),
            "a kind that has moved",
        ),
        (Annotation, id("nonsense"), json!({}), None, "no id"),
        (Annotation, json!({}), instance("app"), None, "a label that a chart wrote"),
        (AnnotationAndLabel, json!({}), instance("app"), None, "a label that a chart wrote"),
        (
            AnnotationAndLabel,
            id("app:apps/Deployment:shop/web"),
            instance("ap"),
            Some("app"),
            "a shortened label",
        ),
        (Label, json!({}), instance("app"), Some("app"), "the label"),
        (Label, id("app:apps/Deployment:shop/web"), json!({}), None, "an annotation is not read"),
    ] {
        let object = object("apps/v1", "Deployment", "shop", annotations, labels);
        let found = tracking(method).owner_of(&object);
        assert_eq!(found.as_ref().map(AppInstanceName::as_str), owner, "{method:?}: {reason}");
    }
}

#[test]
fn the_id_of_a_cluster_wide_object_may_hold_the_destination_namespace() {
    let role = object(
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        "",
        json!({"argocd.argoproj.io/tracking-id": "app:rbac.authorization.k8s.io/ClusterRole:shop/web"}),
        json!({}),
    );
    assert_eq!(Tracking::default().owner_of(&role), Some(AppInstanceName::from_text("app")));
}

#[test]
fn another_installation_owns_nothing_here() {
    let ours = Tracking { installation_id: "here".to_owned(), ..Tracking::default() };
    for (id, owned) in [(None, false), (Some("there"), false), (Some("here"), true)] {
        let mut object = object("apps/v1", "Deployment", "shop", json!({}), json!({}));
        object.set_annotation(annotation::TRACKING_ID, "app:apps/Deployment:shop/web");
        if let Some(id) = id {
            object.set_annotation(annotation::INSTALLATION_ID, id);
        }
        assert_eq!(ours.owner_of(&object).is_some(), owned, "{id:?}");
    }
}

#[test]
fn what_is_stamped_is_owned() {
    for method in [TrackingMethod::Annotation, TrackingMethod::AnnotationAndLabel, TrackingMethod::Label] {
        for installation_id in ["", "here"] {
            let tracking =
                Tracking { method, installation_id: installation_id.to_owned(), ..Tracking::default() };
            let foreign = json!({"argocd.argoproj.io/tracking-id": "theirs:x/Y:z/w",
                "argocd.argoproj.io/installation-id": "there"});
            let mut object = object("apps/v1", "Deployment", "", foreign, json!({"a": "b"}));
            let application = AppInstanceName::new("app", "team", "argocd");
            tracking.stamp(&mut object, &application, "shop").unwrap();
            object.set_namespace(Some("shop"));
            assert_eq!(tracking.owner_of(&object), Some(application), "{method:?} {installation_id}");
            assert_eq!(object.label("a"), Some("b"));
        }
    }
}

#[test]
fn long_names_are_shortened_beside_an_annotation_and_refused_alone() {
    let name = format!("{}-.-tail", "a".repeat(61));
    let application = AppInstanceName::from_text(name);
    let mut object = object("v1", "Service", "shop", json!({}), json!({}));
    tracking(TrackingMethod::AnnotationAndLabel).stamp(&mut object, &application, "shop").unwrap();
    assert_eq!(object.label(label::INSTANCE), Some("a".repeat(61).as_str()));
    let refused = tracking(TrackingMethod::Label).stamp(&mut object, &application, "shop").unwrap_err();
    assert!(refused.to_string().contains("has 68 characters, a label holds 63"), "{refused}");
}

#[test]
fn instance_names_hold_the_namespace_of_foreign_applications() {
    for (name, namespace, text, split) in [
        ("app", "argocd", "app", ("argocd", "app")),
        ("app", "", "app", ("argocd", "app")),
        ("app", "team", "team_app", ("team", "app")),
    ] {
        let instance = AppInstanceName::new(name, namespace, "argocd");
        assert_eq!((instance.as_str(), instance.split("argocd")), (text, split));
    }
}
