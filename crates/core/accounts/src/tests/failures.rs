//! A98: failed logins.

use std::net::IpAddr;

use dice::Dice;
use jiff::Timestamp;

use crate::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn from(text: &str) -> Source {
    Source::of(text.parse().unwrap())
}

fn fail(failures: &mut Failures, account: &str, source: &str, times: usize, second: i64) {
    for _ in 0..times {
        failures.failed(account, from(source), &Limits::default(), at(second));
    }
}

fn heard(failures: &Failures, account: &str, source: &str, second: i64) -> bool {
    failures.check(account, from(source), &Limits::default(), at(second)).is_ok()
}

#[test]
fn five_failures_are_heard_in_five_minutes() {
    let mut failures = Failures::default();
    let mut tried = 0;
    for second in 0..3_000 {
        if heard(&failures, "admin", "10.0.0.1", second) {
            fail(&mut failures, "admin", "10.0.0.1", 1, second);
            tried += 1;
        }
    }
    assert_eq!(tried, 5 * 10, "3,000 s are ten windows");
}

#[test]
fn a_lock_says_until_when_and_ends() {
    let mut failures = Failures::default();
    fail(&mut failures, "ann", "10.0.0.1", 4, 0);
    assert!(heard(&failures, "ann", "10.0.0.1", 1));
    fail(&mut failures, "ann", "10.0.0.1", 1, 100);
    let locked = failures.check("ann", from("10.0.0.1"), &Limits::default(), at(200));
    assert_eq!(locked, Err(Locked { failures: 5, until: Some(1_700_000_400) }));
    assert!(!heard(&failures, "ann", "10.0.0.1", 400));
    assert!(heard(&failures, "ann", "10.0.0.1", 401));
    fail(&mut failures, "ann", "10.0.0.1", 4, 402);
    assert!(heard(&failures, "ann", "10.0.0.1", 403), "the old ones do not count any more");
}

#[test]
fn the_right_password_starts_anew() {
    let mut failures = Failures::default();
    fail(&mut failures, "ann", "10.0.0.1", 4, 0);
    failures.succeeded("ann", from("10.0.0.1"));
    fail(&mut failures, "ann", "10.0.0.1", 4, 1);
    assert!(heard(&failures, "ann", "10.0.0.1", 2));
    assert_eq!(failures.len(), 1);
}

#[test]
fn who_fails_elsewhere_locks_nobody_out() {
    let mut failures = Failures::default();
    for host in 0..250 {
        fail(&mut failures, "admin", &format!("203.0.113.{host}"), 5, 0);
    }
    assert!(heard(&failures, "admin", "10.0.0.1", 1));
    assert!(!heard(&failures, "admin", "203.0.113.7", 1));
    assert!(heard(&failures, "ann", "203.0.113.7", 1));
}

#[test]
fn sources_are_networks() {
    for (one, other, same) in [
        ("2001:db8::1", "2001:db8::2", true),
        ("2001:db8::1", "2001:db8:0:1::1", false),
        ("::ffff:10.0.0.1", "10.0.0.1", true),
        ("10.0.0.1", "10.0.0.2", false),
    ] {
        assert_eq!(from(one) == from(other), same, "{one} {other}");
    }
}

/// 100,000 names with one failure each do not make the memory forget who was nearly locked.
#[test]
fn a_flood_of_names_pushes_out_the_least_risk() {
    let limits = Limits { max_entries: 500, ..Limits::default() };
    let mut failures = Failures::default();
    fail(&mut failures, "admin", "203.0.113.1", 5, 0);
    fail(&mut failures, "ann", "203.0.113.1", 3, 0);
    for i in 0..20_000 {
        failures.failed(&format!("name-{i}"), from("203.0.113.1"), &limits, at(1 + i / 200));
    }
    assert_eq!(failures.len(), 500);
    assert!(!heard(&failures, "admin", "203.0.113.1", 150));
    fail(&mut failures, "ann", "203.0.113.1", 2, 150);
    assert!(!heard(&failures, "ann", "203.0.113.1", 151));
    let huge = "n".repeat(1 << 20);
    failures.failed(&huge, from("203.0.113.1"), &limits, at(151));
    assert!(failures.write(&limits, at(151), 500).len() < 100_000);
}

#[test]
fn a_restart_forgets_nothing_that_counts() {
    let limits = Limits::default();
    let mut failures = Failures::default();
    fail(&mut failures, "admin", "203.0.113.1", 5, 100);
    fail(&mut failures, "ann", "2001:db8::1", 4, 100);
    fail(&mut failures, "old", "203.0.113.1", 5, -300);
    fail(&mut failures, "few", "203.0.113.1", 1, 100);
    let written = failures.write(&limits, at(101), 2);
    let mut other = Failures::default();
    fail(&mut other, "ann", "2001:db8::1", 1, 101);
    other.read(&written, &limits, at(102));
    assert_eq!(other.len(), 2);
    assert!(!heard(&other, "admin", "203.0.113.1", 103));
    fail(&mut other, "ann", "2001:db8::9", 1, 103);
    assert!(!heard(&other, "ann", "2001:db8::1", 104));
    let future = r#"[{"account":"x","source":"10.0.0.1","count":9,"last":99999999999}]"#;
    for text in ["", "[", "null", "[{}]", future] {
        let mut fresh = Failures::default();
        fresh.read(text, &limits, at(0));
        assert!(fresh.is_empty(), "{text}");
    }
}

#[test]
fn limits_are_read_as_the_peer_reads_them() {
    for (texts, expected) in [
        ([None, None, None], Limits::default()),
        ([Some("3"), Some("0"), Some("7")], Limits { max_failures: 3, window_seconds: 0, max_entries: 7 }),
        ([Some("0"), Some("-1"), Some("0")], Limits::default()),
        ([Some("x"), Some("1.5"), Some("99999999999")], Limits::default()),
    ] {
        assert_eq!(Limits::read(texts[0], texts[1], texts[2]), expected, "{texts:?}");
    }
    let for_ever = Limits { window_seconds: 0, ..Limits::default() };
    let mut failures = Failures::default();
    (0..5).for_each(|_| failures.failed("ann", from("10.0.0.1"), &for_ever, at(0)));
    let locked = failures.check("ann", from("10.0.0.1"), &for_ever, at(1_000_000));
    assert_eq!(locked, Err(Locked { failures: 5, until: None }));
}

/// Against the simplest thing that could be right: a list of all failures.
#[test]
fn counts_like_a_list_of_all_failures() {
    for seed in 1..=60 {
        let mut dice = Dice::new(seed);
        let (mut failures, mut list) = (Failures::default(), Vec::<(usize, i64)>::new());
        let mut second = 0;
        let hosts: Vec<IpAddr> = (1..4).map(|i| format!("10.0.0.{i}").parse().unwrap()).collect();
        for _ in 0..300 {
            second += [1, 20, 90, 301][dice.roll(4)];
            let host = dice.roll(hosts.len());
            let source = Source::of(hosts[host]);
            // A run of failures goes on while each follows the one before within the window.
            let run: Vec<i64> = list.iter().filter(|(of, _)| *of == host).map(|(_, at)| *at).collect();
            let gaps = run.windows(2).rev().take_while(|pair| pair[1] - pair[0] <= 300).count();
            let fresh = run.last().is_some_and(|last| second - last <= 300);
            let count = if fresh { gaps + 1 } else { 0 };
            let heard = failures.check("ann", source, &Limits::default(), at(second)).is_ok();
            assert_eq!(heard, count < 5, "seed {seed}, second {second}: {run:?}");
            match dice.roll(8) {
                0 if heard => {
                    failures.succeeded("ann", source);
                    list.retain(|(of, _)| *of != host);
                }
                _ if heard => {
                    failures.failed("ann", source, &Limits::default(), at(second));
                    list.push((host, second));
                }
                _ => {}
            }
        }
    }
}
