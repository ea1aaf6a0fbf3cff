use serde_json::json;
use why::{Container, Event, Resource, Rests, WaitsFor};

use super::*;
use crate::context::Style;
use crate::view::sample;

fn resource(kind: &str, name: &str) -> Resource {
    let group = if kind == "Pod" { "" } else { "apps" };
    Resource { group: group.into(), kind: kind.into(), namespace: "shop".into(), name: name.into() }
}

fn link(kind: &str, name: &str, message: &str) -> Link {
    Link {
        resource: resource(kind, name),
        health: "Degraded".into(),
        message: message.into(),
        container: None,
        event: None,
    }
}

fn told(reasons: Vec<Reason>) -> String {
    let look = Look { style: Style::Native, color: false, unicode: true };
    let now = "2026-01-02T03:10:05Z".parse().unwrap();
    text(&sample::guestbook(), &Why::new(reasons), look, now)
}

fn differs(field: Field, more: usize) -> Reason {
    Reason::Differs { resource: resource("Deployment", "web"), fields: vec![field], more }
}

#[test]
fn a_field_is_told_with_both_values_and_who_wrote_them() {
    let commit = Commit {
        id: sample::COMMIT.into(),
        author: "Bob <bob@example.com>".into(),
        at: "2026-01-01T00:00:00Z".into(),
        subject: "scale down".into(),
        file: "apps/web.yaml".into(),
    };
    let writer = Writer { manager: "kubectl-edit".into(), at: Some("2026-01-02T03:00:00Z".into()) };
    let field = Field {
        path: "spec.replicas".into(),
        git: Some(json!(2)),
        live: Some(json!(5)),
        commit: Some(commit),
        writer: Some(writer),
    };
    assert_eq!(
        told(vec![differs(field, 3)]),
        "guestbook: ! OutOfSync, ✗ Degraded at 4f2a91c\n\
         \n\
         ! apps/Deployment/shop/web differs from git\n  \
           spec.replicas\n    \
             git   2  4f2a91c by Bob <bob@example.com> 2026-01-01T00:00:00Z \"scale down\" apps/web.yaml\n    \
             live  5  by kubectl-edit 2026-01-02T03:00:00Z\n  \
           … and 3 more fields\n"
    );
}

#[test]
fn an_unwell_object_is_followed_down_to_its_event() {
    let container = Container {
        name: "web".into(),
        reason: "ImagePullBackOff".into(),
        message: "not found".into(),
        restarts: 2,
    };
    let event = Event {
        reason: "Failed".into(),
        message: "Failed to pull image".into(),
        at: "2026-01-02T03:09:05Z".into(),
        count: 4,
    };
    let pod = Link { container: Some(container), event: Some(event), ..link("Pod", "web-1-x", "Back-off") };
    let chain = vec![
        link("Deployment", "web", "exceeded its progress deadline"),
        link("ReplicaSet", "web-1", ""),
        pod,
    ];
    let since = "2026-01-02T03:04:05Z".to_owned();
    let text = told(vec![Reason::Unhealthy { health: "Degraded".into(), since, chain }]);
    assert_eq!(
        text.split_once("\n\n").unwrap().1,
        "✗ apps/Deployment/shop/web is Degraded since 2026-01-02T03:04:05Z (6m0s)\n  \
           Deployment web: exceeded its progress deadline\n  \
           └─ ReplicaSet web-1: Degraded\n     \
              └─ Pod web-1-x: Back-off\n        \
                 container web ImagePullBackOff: not found (restarted 2 times)\n        \
                 event Failed: Failed to pull image (2026-01-02T03:09:05Z, 4 times)\n"
    );
}

#[test]
fn every_reason_has_a_line() {
    let waits = |waits_for| Reason::Waits { waits_for, since: "2026-01-02T03:10:00Z".into() };
    let rests = |because| Reason::Rests { because, since: String::new() };
    let missing = |message: &str| Reason::Missing {
        resource: resource("Deployment", "web"),
        message: message.into(),
        commit: None,
    };
    for (reason, line) in [
        (
            waits(WaitsFor::Hook { resource: resource("Deployment", "h"), more: 2 }),
            "… waiting for completion of hook apps/Deployment/shop/h and 2 more hooks since 2026-01-02T03:10:00Z (5s)",
        ),
        (
            Reason::Runs { message: "running wave 1".into(), since: String::new() },
            "… a sync is under way: running wave 1",
        ),
        (rests(Rests::Disabled), "! nothing is synced by itself: automated sync is off"),
        (
            Reason::Error { condition: "ComparisonError".into(), message: "a\nb".into() },
            "✗ ComparisonError: a\\nb",
        ),
        (missing("not in the cluster"), "! apps/Deployment/shop/web is in git and not in the cluster"),
        (
            missing("the cluster does not serve it"),
            "! apps/Deployment/shop/web is in git and not in the cluster: the cluster does not serve it",
        ),
        (
            Reason::Extra { resource: resource("Deployment", "old") },
            "! apps/Deployment/shop/old is in the cluster and not in git: it would be pruned",
        ),
        (
            Reason::Uncompared { resource: resource("Deployment", "x"), message: "cannot be seen".into() },
            "! apps/Deployment/shop/x: cannot be seen",
        ),
    ] {
        assert_eq!(told(vec![reason]).lines().nth(2), Some(line));
    }
    assert!(told(vec![]).ends_with("\nnothing is amiss\n"));
}

#[test]
fn nothing_that_is_read_reaches_the_terminal_as_a_command() {
    let evil = "\u{1b}]52;c;x\u{7}\r";
    let field = Field {
        path: evil.into(),
        git: Some(json!(evil)),
        live: Some(json!("é".repeat(500))),
        commit: Some(Commit {
            id: evil.into(),
            author: evil.into(),
            at: evil.into(),
            subject: evil.into(),
            file: evil.into(),
        }),
        writer: Some(Writer { manager: evil.into(), at: Some(evil.into()) }),
    };
    let mut chain = link("Pod", evil, evil);
    chain.container =
        Some(Container { name: evil.into(), reason: evil.into(), message: evil.into(), restarts: 1 });
    chain.event = Some(Event { reason: evil.into(), message: evil.into(), at: evil.into(), count: 2 });
    let text = told(vec![
        differs(field, 0),
        Reason::Unhealthy { health: evil.into(), since: evil.into(), chain: vec![chain] },
        Reason::Error { condition: evil.into(), message: evil.into() },
    ]);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert!(text.contains(&format!("\"{}…", "é".repeat(SHOWN - 1))), "a long value is cut");
}
