//! M3: a denial more, or a line that allows less, never gives anybody a right.

use dice::Dice;

use super::{app, csv};
use crate::{Policy, Subject};

const NAMES: [&str; 6] = ["ann", "bob", "org:devs", "role:a", "role:b", "role:admin"];
const ACTIONS: [&str; 5] = ["get", "sync", "delete", "*", "action/*"];
const OBJECTS: [&str; 7] = ["*", "*/*", "demo/*", "demo/web", "\"{demo,prod}/web\"", "[dp]*", "prod/w?b"];

fn pick<'a>(dice: &mut Dice, words: &[&'a str]) -> &'a str {
    words[dice.roll(words.len())]
}

fn permit(dice: &mut Dice, effect: &str) -> String {
    let (name, action, object) = (pick(dice, &NAMES), pick(dice, &ACTIONS), pick(dice, &OBJECTS));
    format!("p, {name}, applications, {action}, {object}, {effect}")
}

fn line(dice: &mut Dice) -> String {
    match dice.roll(4) {
        0 => format!("g, {}, {}", pick(dice, &NAMES[..4]), pick(dice, &NAMES[3..])),
        1 => permit(dice, "deny"),
        _ => permit(dice, "allow"),
    }
}

/// A letter for each request of each subject.
fn rights(lines: &[String]) -> Vec<bool> {
    let (policy, _) = Policy::compile(&csv(&lines.join("\n")));
    let groups = || vec!["org:devs".to_owned()];
    let subjects = [
        Subject::external("ann", groups()),
        Subject::external("bob", vec![]),
        Subject::external("eve", groups()),
        Subject::account("admin"),
    ];
    let mut rights = Vec::new();
    for subject in subjects {
        for action in ["get", "sync", "delete", "action/apps/Deployment/restart"] {
            for object in ["demo/web", "prod/web", "demo/api", "other/web"] {
                rights.push(policy.decide(&subject, app(action, object)).is_ok());
            }
        }
    }
    rights
}

#[test]
fn less_is_never_more() {
    let (mut lost, mut changes) = (0, 0);
    for seed in 1..=150 {
        let mut dice = Dice::new(seed);
        let lines: Vec<_> = (0..12).map(|_| line(&mut dice)).collect();
        let before = rights(&lines);
        let mut with_denial = lines.clone();
        with_denial.insert(dice.roll(lines.len()), permit(&mut dice, "deny"));
        let mut variants = vec![("a denial more", with_denial)];
        for i in 0..lines.len() {
            // Taking away a role that denies may give rights, as it should.
            if !lines[i].ends_with("deny") && !lines.iter().any(|line| line.ends_with("deny")) {
                let mut without = lines.clone();
                without.remove(i);
                variants.push(("a line less", without));
            } else if lines[i].ends_with("allow") {
                let mut without = lines.clone();
                without.remove(i);
                variants.push(("an allowance less", without));
            }
        }
        for (what, changed) in variants {
            let after = rights(&changed);
            let gained = before.iter().zip(&after).filter(|(before, after)| !**before && **after).count();
            assert_eq!(gained, 0, "seed {seed}, {what}:\n{}\n\n{}", lines.join("\n"), changed.join("\n"));
            lost += before.iter().zip(&after).filter(|(before, after)| **before && !**after).count();
            changes += 1;
        }
    }
    assert!(lost > changes / 4, "{lost} rights lost by {changes} changes: too few to mean anything");
}

/// A project and its lines called otherwise decide the same.
#[test]
fn names_of_projects_do_not_matter() {
    let text = "p, ann, applications, sync, demo/*, allow\np, ann, applications, sync, demo/frozen, deny";
    let (one, _) = Policy::compile(&csv(text));
    let (other, _) = Policy::compile(&csv(&text.replace("demo", "else")));
    for name in ["web", "frozen", "ns/web"] {
        let ann = Subject::external("ann", vec![]);
        assert_eq!(
            one.decide(&ann, app("sync", &format!("demo/{name}"))).is_ok(),
            other.decide(&ann, app("sync", &format!("else/{name}"))).is_ok(),
            "{name}"
        );
    }
}
