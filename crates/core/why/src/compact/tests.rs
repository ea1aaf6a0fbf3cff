use serde_json::json;

use super::*;
use crate::reason::{Container, Event, Resource};

fn resource(name: &str) -> Resource {
    Resource { group: String::new(), kind: "ConfigMap".into(), namespace: "ns".into(), name: name.into() }
}

fn differs(name: &str, fields: usize) -> Reason {
    let field = |n: usize| Field {
        path: format!("data.k{n}"),
        git: Some(json!("x".repeat(5000))),
        live: Some(json!({"deep": ["é".repeat(3000)]})),
        commit: None,
        writer: None,
    };
    Reason::Differs { resource: resource(name), fields: (0..fields).map(field).collect(), more: 2 }
}

#[test]
fn a_status_stays_small_and_says_what_it_leaves_out() {
    let all = Why::new((0..30).map(|n| differs(&format!("c{n}"), 7)).collect());
    let small = compact(&all);
    assert_eq!((small.reasons.len(), small.more), (REASONS, 20));
    let told: Vec<(usize, usize)> = small
        .reasons
        .iter()
        .map(|reason| match reason {
            Reason::Differs { fields, more, .. } => (fields.len(), *more),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told[..3], [(7, 2), (3, 6), (0, 9)]);
    let text = serde_json::to_string(&small).unwrap();
    assert!(text.len() < 12_000 && text.contains('…'), "{}", text.len());
    assert_eq!(compact(&small), small, "cut once more it stays as it is");
}

#[test]
fn what_goes_to_and_fro_by_itself_is_left_out() {
    let chain = |reason: &str, message: &str, restarts: i64, at: &str| {
        let link = Link {
            resource: resource("p"),
            health: "Degraded".into(),
            message: message.into(),
            container: Some(Container {
                name: "web".into(),
                reason: reason.into(),
                message: message.into(),
                restarts,
            }),
            event: Some(Event {
                reason: "Failed".into(),
                message: "m".into(),
                at: at.into(),
                count: restarts,
            }),
        };
        let reason = Reason::Unhealthy { health: "Degraded".into(), since: String::new(), chain: vec![link] };
        compact(&Why::new(vec![reason]))
    };
    assert_eq!(
        chain("ErrImagePull", "not found", 0, "1"),
        chain("ImagePullBackOff", "Back-off pulling image", 3, "2")
    );
    let crash = "last ended with OOMKilled: exit code 137; back-off";
    let crashes =
        |seconds: &str, times| chain("CrashLoopBackOff", &format!("{crash} {seconds}s"), times, seconds);
    assert_eq!(crashes("10", 1), crashes("20", 2));
    assert_ne!(
        crashes("10", 1),
        chain("CrashLoopBackOff", "last ended with Error: exit code 1; back-off 10s", 1, "1")
    );
}

#[test]
fn a_wait_keeps_the_time_when_it_began() {
    let health = |name: &str, message: &str| WaitsFor::Health {
        resource: resource(name),
        message: message.into(),
        more: 0,
    };
    let retry = |attempt, due: &str| WaitsFor::Retry { attempt, due: due.into(), message: String::new() };
    let before = |waits_for| Why::new(vec![Reason::Waits { waits_for, since: "t0".into() }]);
    for (reason, earlier, now, since) in [
        ("the same, with other words", health("a", "0 of 2"), health("a", "1 of 2"), "t0"),
        ("another object", health("a", "x"), health("b", "x"), "t1"),
        (
            "another thing of the same object",
            health("a", "x"),
            WaitsFor::Leftover { resource: resource("a") },
            "t1",
        ),
        ("the same attempt", retry(2, "t5"), retry(2, "t6"), "t0"),
        ("the next attempt", retry(2, "t5"), retry(3, "t5"), "t1"),
        ("nothing before", WaitsFor::Unknown, WaitsFor::OtherApplications, "t1"),
    ] {
        let Reason::Waits { since: found, .. } = Why::waiting(&before(earlier), now, "t1") else { panic!() };
        assert_eq!(found, since, "{reason}");
    }
}

#[test]
fn json_is_read_back_and_a_newer_word_is_no_error() {
    let why = Why::new(vec![
        differs("a", 1),
        Reason::Rests { because: Rests::Disabled, since: String::new() },
        Reason::Waits { waits_for: WaitsFor::Hook { resource: resource("h"), more: 0 }, since: "t".into() },
    ]);
    let value = serde_json::to_value(&why).unwrap();
    let types: Vec<&str> =
        value["reasons"].as_array().unwrap().iter().map(|r| r["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["Waits", "Rests", "Differs"], "in the order of what matters");
    assert_eq!(value["reasons"][0]["waitsFor"]["what"], "Hook");
    assert_eq!(serde_json::from_value::<Why>(value).unwrap(), why);
    let newer = json!({"what": "Moon", "phase": "full"});
    assert_eq!(serde_json::from_value::<WaitsFor>(newer).unwrap(), WaitsFor::Unknown);
}
