use api::HealthStatus;

use super::*;

fn resource(
    kind: &str,
    name: &str,
    status: SyncStatusCode,
    health: Option<HealthStatusCode>,
) -> ResourceStatus {
    ResourceStatus {
        kind: kind.to_owned(),
        name: name.to_owned(),
        status: Some(status),
        health: health.map(|status| HealthStatus { status: Some(status), ..HealthStatus::default() }),
        ..ResourceStatus::default()
    }
}

#[test]
fn what_is_as_it_should_be_goes_first() {
    use HealthStatusCode::{Degraded, Healthy};
    use SyncStatusCode::{OutOfSync, Synced};
    let all = || {
        vec![
            resource("A", "only of its kind", Synced, None),
            resource("B", "first", Synced, None),
            resource("B", "differs", OutOfSync, None),
            resource("B", "synced 1", Synced, None),
            resource("B", "synced 2", Synced, None),
            resource("C", "first", Synced, Some(Healthy)),
            resource("C", "healthy", Synced, Some(Healthy)),
            resource("C", "ill", Synced, Some(Degraded)),
        ]
    };
    let sizes: Vec<usize> = all().iter().map(|r| size(r) + 1).collect();
    let whole: usize = sizes.iter().sum();
    let gone = |room: usize| {
        let (mut list, before) = (all(), all());
        let stays = [0, 1, 5];
        cut(&mut list, room, |place, r| (!stays.contains(&place)).then(|| rank(r)));
        before.iter().filter(|r| !list.contains(r)).map(|r| r.name.clone()).collect::<Vec<_>>()
    };
    for (row, room, expected) in [
        ("all fits", whole, &[][..]),
        ("a byte too many", whole - 1, &["synced 2"]),
        ("then from the end", whole - sizes[4] - 1, &["synced 1", "synced 2"]),
        ("then the healthy", whole - sizes[4] - sizes[3] - 1, &["synced 1", "synced 2", "healthy"]),
        ("the rest at last", 1, &["differs", "synced 1", "synced 2", "healthy", "ill"]),
    ] {
        assert_eq!(gone(room), expected, "{row}");
    }
    let mut list = all();
    assert_eq!(resources(&mut list, REST_BYTES), 5, "one of each kind stays");
    let kinds: Vec<&str> = list.iter().map(|r| r.kind.as_str()).collect();
    assert_eq!(kinds, ["A", "B", "C"]);
}

#[test]
fn results_have_their_room() {
    let result = |n: usize, status, hook: bool| ResourceResult {
        name: format!("object-{n}"),
        status: Some(status),
        message: "m".repeat(2_000),
        hook_type: hook.then(|| api::HookType::from("PreSync")),
        ..ResourceResult::default()
    };
    let mut list = vec![result(0, ResultCode::SyncFailed, false), result(1, ResultCode::Synced, true)];
    list.extend((2..400).map(|n| result(n, ResultCode::Synced, false)));
    let gone = results(&mut list, |_| true);
    assert!(gone > 100 && list.len() + gone == 400, "{gone}");
    assert!(!overfull(&list));
    assert_eq!((list[0].name.as_str(), list[1].name.as_str()), ("object-0", "object-1"));
    assert!(list[0].message.len() < 1_100, "long messages are cut");
    assert_eq!(results(&mut list, |_| true), 0, "what fits stays");
    let mut held: Vec<_> = (0..400).map(|n| result(n, ResultCode::Synced, false)).collect();
    assert_eq!(results(&mut held, |_| false), 0, "what is needed stays");
}
