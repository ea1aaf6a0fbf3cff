use super::*;
use crate::url::RepoUrl;
use dice::Dice;
use std::time::Duration;

const NAME: &str = "refs/heads/main";

fn line(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put_line(&mut out, text);
    out
}

fn call() -> std::sync::Arc<Call> {
    let remote = Remote::new(RepoUrl::parse("https://h/o/r").unwrap());
    Call::new(&remote, Duration::from_secs(60), 1 << 20)
}

fn swap(old: Option<&str>) -> Swap {
    let id = |digit: &str| ObjectId::from_hex(digit.repeat(40).as_bytes()).unwrap();
    Swap { old: old.map(id), new: id("9"), name: NAME.to_owned() }
}

#[test]
fn what_is_asked_says_from_where_to_where_and_only_what_the_server_knows() {
    let one = "1".repeat(40);
    for (reason, capabilities, expected) in [
        (
            "all",
            "report-status side-band-64k atomic quiet agent=git/2 push-options delete-refs",
            " report-status side-band-64k atomic quiet agent=",
        ),
        ("the least", "report-status", " report-status"),
        (
            "a newer form is not asked for",
            "report-status report-status-v2 object-format=sha1",
            " report-status object-format=sha1",
        ),
    ] {
        let offer = [
            line(&format!("{one} {NAME}\0{capabilities}\n")),
            line(&format!("{one} .have\n")),
            FLUSH.to_vec(),
        ];
        let offer = read_offer(&mut offer.concat().as_slice(), NAME).unwrap();
        let Ok((request, _)) = request(&offer, &swap(Some("1"))) else { panic!("{reason}") };
        let text = String::from_utf8(request).unwrap();
        let command = format!("{one} {} {NAME}\0{expected}", "9".repeat(40));
        assert!(text.get(4..).unwrap().starts_with(&command) && text.ends_with("0000"), "{reason}: {text:?}");
        assert_eq!(usize::from_str_radix(text.get(..4).unwrap(), 16).unwrap(), text.len() - 4, "{reason}");
    }
}

#[test]
fn nothing_is_asked_where_the_branch_is_elsewhere() {
    let (one, null) = ("1".repeat(40), "0".repeat(40));
    let empty = [line(&format!("{null} capabilities^{{}}\0report-status\n")), FLUSH.to_vec()].concat();
    let there = [line(&format!("{one} {NAME}\0report-status\n")), FLUSH.to_vec()].concat();
    for (reason, offer, old, asks) in [
        ("first branch of all", &empty, None, true),
        ("gone", &empty, Some("1"), false),
        ("there", &there, Some("1"), true),
        ("moved", &there, Some("2"), false),
        ("there already", &there, None, false),
    ] {
        let offer = read_offer(&mut offer.as_slice(), NAME).unwrap();
        assert_eq!(request(&offer, &swap(old)).is_ok(), asks, "{reason}");
    }
}

/// A server may say anything: there is an answer or an error, in time, and never a branch that moved where it does not say so.
#[test]
fn no_answer_makes_it_panic() {
    let one = "1".repeat(40);
    let offer =
        [line("version 1\n"), line(&format!("{one} {NAME}\0report-status side-band-64k\n")), FLUSH.to_vec()]
            .concat();
    let report = [line("unpack ok\n"), line(&format!("ng {NAME} hook declined\n")), FLUSH.to_vec()].concat();
    let banded = [
        line(&format!("\u{1}{}", String::from_utf8(report.clone()).unwrap())),
        line("\u{2}said\r\n"),
        FLUSH.to_vec(),
    ]
    .concat();
    let call = call();
    let mut dice = Dice::new(7);
    for _ in 0..20_000 {
        let mut text = [&offer, &report, &banded][dice.roll(3)].clone();
        for _ in 0..=dice.roll(4) {
            let place = dice.roll(text.len());
            match dice.roll(3) {
                0 => text[place] = u8::try_from(dice.roll(256)).unwrap(),
                1 => text.truncate(place.max(1)),
                _ => text.insert(place, b"0f\n\x01 "[dice.roll(5)]),
            }
        }
        drop(read_offer(&mut text.as_slice(), NAME));
        for side_band in [false, true] {
            if let Ok(Verdict::Done) = read_verdict(&mut text.as_slice(), side_band, NAME, &call) {
                let said = format!("ok {NAME}");
                assert!(String::from_utf8_lossy(&text).contains(&said), "{text:?}");
            }
        }
    }
}
