use serde::Deserialize;
use serde_json::json;

use super::*;

/// What Argo CD's own types say, by tools/windows-oracle.
const RECORDED: &str = include_str!("../../../tests/cases/windows.jsonl");

#[derive(Deserialize)]
struct Recorded {
    name: String,
    windows: Option<Vec<SyncWindow>>,
    app: App,
    at: String,
    assigned: Vec<usize>,
    active: Vec<usize>,
    auto: bool,
    manual: bool,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct App {
    name: String,
    server: String,
    cluster: String,
    namespace: String,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn as_the_peer_decides() {
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in RECORDED.lines() {
        let recorded: Recorded = serde_json::from_str(line).unwrap();
        rows += 1;
        let app = recorded.app;
        let destination = ApplicationDestination {
            server: app.server,
            name: app.cluster,
            namespace: app.namespace,
            ..ApplicationDestination::default()
        };
        let given = recorded.windows.unwrap_or_default();
        let windows = Windows::new(&given);
        let assigned = windows.matching(&app.name, &destination);
        let shown = |places: &[usize]| -> Vec<String> {
            places.iter().map(|place| windows.0[*place].shown.clone()).collect()
        };
        let now = at(&recorded.at);
        let permits = |begin| assigned.permits(begin, now, None);
        let error = permits(Begin::Automatic).err().map(|error| error.to_string()).unwrap_or_default();
        let mut found = (
            assigned.shown().map(str::to_owned).collect::<Vec<_>>(),
            assigned.active_shown(now),
            permits(Begin::Automatic).unwrap_or(false),
            permits(Begin::Manual).unwrap_or(false),
            error.is_empty(),
        );
        if !error.is_empty() {
            found.1.clear();
        }
        let expected = (
            shown(&recorded.assigned),
            shown(&recorded.active),
            recorded.auto,
            recorded.manual,
            recorded.error.is_empty(),
        );
        if found != expected {
            wrong.push(format!("{} at {}: {found:?}, the peer {expected:?}", recorded.name, recorded.at));
        }
    }
    assert!(rows > 200 && wrong.is_empty(), "{} of {rows} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn windows(windows: serde_json::Value) -> Windows {
    Windows::new(&serde_json::from_value::<Vec<SyncWindow>>(windows).unwrap())
}

fn all(windows: &Windows) -> Assigned<'_> {
    windows.matching("web", &ApplicationDestination::default())
}

/// Between two changes nothing changes, and at each one something may.
#[test]
fn the_next_change_is_never_missed() {
    for (reason, given, first) in [
        (
            "a begin",
            json!([{"kind": "deny", "schedule": "0 8 * * *", "duration": "1h"}]),
            Some("2026-03-28T08:00:00.001Z"),
        ),
        (
            "an end",
            json!([{"kind": "deny", "schedule": "0 6 * * *", "duration": "2h"}]),
            Some("2026-03-28T08:00:00Z"),
        ),
        (
            "windows in a row",
            json!([{"kind": "deny", "schedule": "*/10 7 * * *", "duration": "20m"}]),
            Some("2026-03-28T08:10:00Z"),
        ),
        ("never", json!([{"kind": "deny", "schedule": "0 0 30 2 *", "duration": "1h"}]), None),
        (
            "the earliest",
            json!([{"kind": "deny", "schedule": "0 9 * * *", "duration": "1h"}, {"kind": "allow", "schedule": "0 6 * * *", "duration": "135m"}]),
            Some("2026-03-28T08:15:00Z"),
        ),
        (
            "a zone",
            json!([{"kind": "deny", "schedule": "0 9 * * *", "duration": "1h", "timeZone": "Europe/Berlin"}]),
            Some("2026-03-28T08:00:00.001Z"),
        ),
        (
            "a zone whose clocks are put forward",
            json!([{"kind": "deny", "schedule": "30 2 * * sun", "duration": "1h", "timeZone": "Europe/Berlin"}]),
            Some("2026-03-29T01:00:00Z"),
        ),
    ] {
        let mut given = given;
        given.as_array_mut().unwrap().iter_mut().for_each(|window| window["applications"] = json!(["*"]));
        let windows = windows(given);
        let assigned = all(&windows);
        let from = at("2026-03-28T07:30:00Z");
        assert_eq!(assigned.next_change(from), first.map(at), "{reason}");
        let (mut now, mut steps) = (from, 0);
        while let Some(next) = assigned.next_change(now).filter(|next| *next < at("2026-03-31T00:00:00Z")) {
            assert!(next > now, "{reason}: {next} after {now}");
            let verdict = assigned.active(now.checked_add(AFTER).unwrap());
            let mut probe = now.checked_add(AFTER).unwrap();
            while probe < next {
                assert_eq!(assigned.active(probe), verdict, "{reason}: {probe} between {now} and {next}");
                probe = probe.checked_add(SignedDuration::from_secs(97)).unwrap();
            }
            (now, steps) = (next, steps + 1);
        }
        assert!(first.is_none() || steps > 1, "{reason}");
    }
}

#[test]
fn a_sync_may_overrun_where_every_window_says_so() {
    let window = |kind: &str, overrun: bool| json!({"kind": kind, "schedule": "0 8 * * *", "duration": "1h", "applications": ["*"], "syncOverrun": overrun});
    for (reason, given, since, now, expected) in [
        ("began before, may overrun", json!([window("deny", true)]), "07:50", "08:10", true),
        ("began before, may not", json!([window("deny", false)]), "07:50", "08:10", false),
        ("began inside", json!([window("deny", true)]), "08:05", "08:10", false),
        ("one of two may not", json!([window("deny", true), window("deny", false)]), "07:50", "08:10", false),
        ("out of a window that allows", json!([window("allow", true)]), "08:50", "09:10", true),
        ("out of one that says nothing", json!([window("allow", false)]), "08:50", "09:10", false),
        ("began outside of it", json!([window("allow", true)]), "07:50", "09:10", false),
        (
            "what denies asks no window that allows",
            json!([window("deny", true), window("allow", false)]),
            "07:50",
            "08:10",
            false,
        ),
    ] {
        let windows = windows(given);
        let time = |clock: &str| at(&format!("2026-03-11T{clock}:00Z"));
        let found = all(&windows).permits(Begin::Manual, time(now), Some(time(since)));
        assert_eq!(found, Ok(expected), "{reason}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let given = json!([
        {"kind": "deny", "schedule": "x * * * *", "duration": "1h", "applications": ["*"]},
        {"kind": "perhaps", "schedule": "0 8 * * *", "duration": "1h", "applications": ["[a"], "timeZone": "Mars/Olympus"},
        {"kind": "allow", "schedule": "0 0 30 2 *", "duration": "1h", "namespaces": ["a"]},
        {"kind": "allow", "schedule": "0 8 * * *", "duration": "1h", "namespaces": ["a"]},
    ]);
    let windows = windows(given);
    let problems: Vec<String> = windows.problems().collect();
    assert_eq!(
        problems,
        [
            "deny:x * * * *:1h: invalid sync windows: cannot parse schedule 'x * * * *': failed to parse int from x",
            "syncWindows[1].applications has \"[a\", which matches nothing: a class that does not end",
            "syncWindows[1].kind is \"perhaps\", neither allow nor deny",
            "syncWindows[1].timeZone \"Mars/Olympus\" is unknown: it counts as UTC",
            "syncWindows[2].schedule \"0 0 30 2 *\" never begins: it counts as active",
        ]
    );
    assert!(all(&windows).permits(Begin::Manual, at("2026-03-11T08:00:00Z"), None).is_err());
}

#[test]
fn the_command_line_says_it_in_the_peers_words() {
    let verdict = |given| all(&windows(given)).verdict(at("2026-03-11T08:30:00Z"));
    let window = |kind: &str, schedule: &str, manual: bool| json!([{"kind": kind, "schedule": schedule, "duration": "1h", "applications": ["*"], "manualSync": manual}]);
    for (given, expected) in [
        (json!([]), "Sync Allowed"),
        (window("allow", "0 8 * * *", false), "Sync Allowed"),
        (window("allow", "0 9 * * *", false), "Sync Denied"),
        (window("allow", "0 9 * * *", true), "Manual Allowed"),
        (window("deny", "0 8 * * *", false), "Sync Denied"),
        (window("deny", "0 8 * * *", true), "Manual Allowed"),
        (window("deny", "x", true), "Sync Denied"),
    ] {
        assert_eq!(verdict(given.clone()), expected, "{given}");
    }
}
