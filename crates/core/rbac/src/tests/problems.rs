//! A77: what is wrong is named with its line, and the rest counts.

use std::collections::BTreeMap;

use super::{app, csv};
use crate::*;

fn check(text: &str) -> Vec<(usize, Weight, String)> {
    let problems = validate(&csv(text)).into_iter().map(|problem| match problem.place {
        Place::Key { line, .. } => (line, problem.weight, problem.why),
        other => panic!("{other}"),
    });
    problems.collect()
}

#[test]
fn each_line_is_judged_alone() {
    use Weight::{DeniesAll, Refused, Suspicious};
    for (line, weight, why) in [
        (
            "p, a, applications, get, */*",
            Refused,
            "5 fields instead of 6: p, subject, resource, action, object, effect",
        ),
        ("g, a", Refused, "2 fields instead of 3: g, member, role"),
        ("p2, a, b", Refused, "a line begins with p or g, not with p2"),
        (", a", Refused, "a line begins with p or g"),
        ("p, \"a, applications", Refused, "a quote that does not end"),
        ("p, , applications, get, */*, allow", Refused, "an empty name would stand for everybody"),
        ("g, a, ", Refused, "an empty name would stand for everybody"),
        ("p, a, applications, get, */*, Allow", Refused, "an effect is allow or deny, not \"Allow\""),
        (
            "p, a, applications, get, [a-z0-9]*, allow",
            Refused,
            "object: a class is one range or a list of characters",
        ),
        (
            "p, a, applications, get, [a-z0-9]*, deny",
            DeniesAll,
            "object: a class is one range or a list of characters",
        ),
        ("p, a, application, get, */*, allow", Suspicious, "there is no resource application"),
        ("p, a, applications, Get, */*, allow", Suspicious, "there is no action Get"),
        ("p, a , applications, get, */*, allow", Suspicious, "a blank before a comma belongs to its field"),
        ("g, a, role:gone", Suspicious, "no line says what the role may do"),
    ] {
        let text = format!(
            "# first\np, ok, applications, get, */*, allow\n{line}\np, last, applications, get, */*, allow"
        );
        assert_eq!(check(&text), [(3, weight, why.to_owned())], "{line}");
        let (policy, _) = Policy::compile(&csv(&text));
        for name in ["ok", "last"] {
            assert!(policy.decide(&Subject::account(name), app("get", "demo/web")).is_ok(), "{line}: {name}");
        }
    }
}

#[test]
fn good_lines_are_no_problems() {
    assert_eq!(
        check(
            "p, role:a, applications, action/apps/Deployment/restart, demo/*, allow\ng, org:x, role:a\n\
             p, role:a, \"{logs,exec}\", \"{get,create}\", demo/*, allow\ng, x, role:admin\np, x, *, *, *, deny\ng, proj:a:b, role:a"
        ),
        []
    );
}

#[test]
fn circles_are_named() {
    let circle = |line| (line, Weight::Suspicious, "the role has itself, by this line or others".to_owned());
    assert_eq!(
        check("g, a, b\ng, b, c\ng, c, b\ng, c, role:admin\ng, d, d"),
        [circle(2), circle(3), circle(5)]
    );
}

#[test]
fn settings_are_judged_too() {
    let data = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    for (key, value, shown) in [
        (
            "scopes",
            "groups",
            "scopes: a list of claims was expected, like [groups, email]; groups is taken: \"groups\"",
        ),
        (
            "scopes",
            "[",
            "scopes: a list of claims was expected, like [groups, email]; groups is taken: \"[\"",
        ),
        (
            "scopes",
            "[1]",
            "scopes: a list of claims was expected, like [groups, email]; groups is taken: \"[1]\"",
        ),
        (
            "policy.matchMode",
            "Regex",
            "policy.matchMode: the modes are glob and regex; glob is taken: \"Regex\"",
        ),
    ] {
        let problems = validate(&data(key, value));
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [shown]);
    }
    for (value, expected) in
        [("[groups, email]", vec!["groups", "email"]), ("[]", vec![]), ("", vec!["groups"])]
    {
        assert_eq!(Policy::compile(&data("scopes", value)).0.scopes(), expected, "{value}");
    }
}

#[test]
fn lines_of_projects_keep_to_their_project() {
    let role = |policy: &str| ProjectRole {
        name: "ci".to_owned(),
        policies: vec![policy.to_owned()],
        groups: vec![],
    };
    let mut policy = Policy::compile(&csv("")).0;
    for (line, why) in [
        ("p, proj:demo:ci, applications, sync, demo/*, allow", None),
        ("p, proj:demo:ci, applications, sync, demo/ns/*, allow", None),
        ("p, proj:demo:ci, applications, update/*, demo/*, allow", None),
        ("p, proj:demo:other, applications, sync, demo/*, allow", Some("the subject must be proj:demo:ci")),
        (
            "p, proj:demo:ci, accounts, get, demo/*, allow",
            Some("the resource must be applications, applicationsets, repositories, exec, logs or clusters"),
        ),
        (
            "p, proj:demo:ci, applications, invoke, demo/*, allow",
            Some("there is no action invoke for projects"),
        ),
        (
            "p, proj:demo:ci, applications, sync, *, allow",
            Some("the object must be demo/*, demo/<name> or demo/<namespace>/<name>"),
        ),
        (
            "p, proj:demo:ci, applications, sync, demo2/*, allow",
            Some("the object must be demo/*, demo/<name> or demo/<namespace>/<name>"),
        ),
        (
            "p, proj:demo:ci, applications, sync, demo/a/b/c, allow",
            Some("the object must be demo/*, demo/<name> or demo/<namespace>/<name>"),
        ),
        (
            "p, proj:demo:ci, applications, sync, demo/*, yes",
            Some("p, proj:demo:ci, resource, action, object, and allow or deny are expected"),
        ),
        (
            "g, ann, role:admin",
            Some("p, proj:demo:ci, resource, action, object, and allow or deny are expected"),
        ),
        (
            "p, proj:demo:ci, applications, sync, demo/*, allow\ng, ann, role:admin",
            Some("more than one line"),
        ),
    ] {
        let problems = policy.set_project("demo", &[role(line)]);
        let whys: Vec<_> = problems.iter().map(|problem| problem.why.as_str()).collect();
        assert_eq!(whys, why.into_iter().collect::<Vec<_>>(), "{line}");
        assert!(policy.decide(&Subject::external("ann", vec![]), app("sync", "demo/web")).is_err(), "{line}");
    }
    for (name, expected) in [("a", 0), ("a-b_1", 0), ("-a", 1), ("a:b", 1), ("", 1), ("a\n", 1)] {
        let role = ProjectRole { name: name.to_owned(), ..ProjectRole::default() };
        assert_eq!(policy.set_project("demo", &[role]).len(), expected, "{name:?}");
    }
    for (group, expected) in [
        ("org:devs", 0),
        ("\"a,b\"", 0),
        ("a,b", 1),
        ("a, role:admin", 1),
        ("", 1),
        ("a\ng, b, role:admin", 1),
        (" a", 1),
    ] {
        let role =
            ProjectRole { name: "ci".to_owned(), groups: vec![group.to_owned()], ..ProjectRole::default() };
        assert_eq!(policy.set_project("demo", &[role]).len(), expected, "{group:?}");
    }
}

#[test]
fn a_hundred_thousand_lines_are_read_and_decided_by() {
    let mut text: String = (0..50_000)
        .map(|i| format!("p, role:r{i}, applications, *, p{i}/*, allow\ng, u{i}, role:r{i}\n"))
        .collect();
    text.push_str(&"p, oops\n".repeat(5_000));
    let (policy, problems) = Policy::compile(&csv(&text));
    assert_eq!(problems.len(), 1_001);
    assert_eq!(problems.last().unwrap().why, "4000 more lines are wrong");
    for (user, project, expected) in [(0, 0, true), (49_999, 49_999, true), (1, 2, false)] {
        let user = Subject::external(&format!("u{user}"), vec![]);
        assert_eq!(policy.decide(&user, app("sync", &format!("p{project}/web"))).is_ok(), expected);
    }
}

/// Patterns that would take others for ever.
#[test]
fn hostile_patterns_end() {
    let stars = "*a".repeat(1_000);
    let braces = "{a,b}".repeat(30);
    let deep = "{".repeat(10_000);
    let text = [stars, format!("\"{braces}\""), format!("\"{deep}\""), "x".repeat(70_000)]
        .map(|pattern| format!("p, ann, applications, get, {pattern}, allow"))
        .join("\n");
    let (policy, problems) = Policy::compile(&csv(&text));
    let whys: Vec<_> = problems.iter().map(|problem| problem.why.as_str()).collect();
    assert_eq!(
        whys,
        [
            "object: more than 1024 alternatives",
            "object: a pattern of more than 4096 bytes",
            "a line of more than 65536 bytes"
        ]
    );
    let object = format!("{}b", "a".repeat(5_000));
    assert!(policy.decide(&Subject::account("ann"), app("get", &object)).is_err());
}
