//! What a decision and a refusal say, and who a subject is.

use serde_json::json;

use super::{app, csv};
use crate::*;

fn policy(text: &str) -> Policy {
    let (policy, problems) = Policy::compile(&csv(text));
    assert_eq!(problems, []);
    policy
}

#[test]
fn a_decision_names_its_line() {
    let policy = policy(
        "p, role:dev, applications, get, demo/*, allow\np, role:dev, applications, get, demo/web, allow\n\
         g, org:devs, role:dev\np, ann, applications, sync, demo/web, allow",
    );
    let ann = Subject::external("ann", vec!["org:devs".to_owned()]);
    for (action, through, line) in [
        ("get", Some("org:devs"), "p, role:dev, applications, get, demo/*, allow"),
        ("sync", None, "p, ann, applications, sync, demo/web, allow"),
    ] {
        let decision = policy.decide(&ann, app(action, "demo/web")).unwrap();
        assert_eq!((decision.subject(), decision.through()), ("ann", through), "{action}");
        assert_eq!(decision.rule().text(), line, "{action}");
        assert_eq!(decision.permission(), &app(action, "demo/web"));
    }
    let admin = policy.decide(&Subject::account("admin"), app("sync", "demo/web")).unwrap();
    assert_eq!(admin.rule().place(), &Place::Builtin);
}

#[test]
fn a_refusal_names_the_missing_line_or_the_one_that_denies() {
    let mut data = csv("p, ann, applications, sync, */frozen, deny\np, ann, applications, *, */*, allow");
    let (policy, _) = Policy::compile(&data);
    let ann = Subject::external("ann", vec![]);
    let denied = policy.decide(&ann, app("sync", "demo/frozen")).unwrap_err();
    assert_eq!(denied.rule().unwrap().text(), "p, ann, applications, sync, */frozen, deny");
    assert_eq!(denied.to_string(), "permission denied: applications, sync, demo/frozen, sub: ann");
    for (subject, expected) in [
        (Subject::external("a,b", vec![]), "p, \"a,b\", applications, sync, demo/web, allow"),
        (Subject::project_role("demo", "ci"), "p, proj:demo:ci, applications, sync, demo/web, allow"),
        (Subject::anonymous(), "p, <policy.default>, applications, sync, demo/web, allow"),
    ] {
        let denied = policy.decide(&subject, app("sync", "demo/web")).unwrap_err();
        assert_eq!(denied.missing_line(), expected);
        assert_eq!(denied.rule(), None);
    }
    data.insert("policy.default".to_owned(), "role:all".to_owned());
    let denied = Policy::compile(&data).0.decide(&Subject::anonymous(), app("get", "demo/web")).unwrap_err();
    assert_eq!(denied.missing_line(), "p, role:all, applications, get, demo/web, allow");
    assert_eq!(denied.to_string(), "permission denied: applications, get, demo/web");
}

/// What a refusal calls the missing line is enough.
#[test]
fn the_missing_line_helps() {
    for (subject, permission) in [
        (Subject::external("ann", vec![]), app("sync", "demo/team/web")),
        (Subject::external(" a \"b\", c", vec![]), app("action/apps/Deployment/restart", "demo/web")),
        (Subject::account("#ci"), Permission::new(Resource::GpgKeys, Action::Get, Object::named(""))),
    ] {
        let denied = policy("").decide(&subject, permission.clone()).unwrap_err();
        let (with, _) = Policy::compile(&csv(&denied.missing_line()));
        assert!(with.decide(&subject, permission).is_ok(), "{}", denied.missing_line());
    }
}

#[test]
fn objects_of_an_application_have_words_of_their_own() {
    let policy = policy(
        "p, plain, applications, delete, demo/*, allow\np, fine, applications, delete/*/Pod/*/*, demo/*, allow\n\
         p, both, applications, delete, demo/*, deny\np, both, applications, delete/*/Pod/*/*, demo/*, allow",
    );
    let pod = Target {
        group: String::new(),
        kind: "Pod".to_owned(),
        namespace: "default".to_owned(),
        name: "web-1".to_owned(),
    };
    for (name, inheritance, expected) in [
        ("plain", Inheritance::Disabled, false),
        ("plain", Inheritance::Enabled, true),
        ("fine", Inheritance::Disabled, true),
        ("fine", Inheritance::Enabled, true),
        ("both", Inheritance::Disabled, true),
        ("both", Inheritance::Enabled, true),
    ] {
        let object = Object::in_project("demo", None, "web");
        let decided =
            policy.decide_target(&Subject::account(name), &object, Action::Delete, pod.clone(), inheritance);
        assert_eq!(decided.is_ok(), expected, "{name} {inheritance:?}: {decided:?}");
    }
}

#[test]
fn objects_are_written_as_the_peer_does() {
    for (object, text, project) in [
        (Object::in_project("demo", None, "web"), "demo/web", Some("demo")),
        (Object::in_project("demo", Some("team"), "web"), "demo/team/web", Some("demo")),
        (Object::scoped(None, "https://c"), "https://c", None),
        (Object::scoped(Some(""), "https://c"), "https://c", None),
        (Object::scoped(Some("demo"), "https://c"), "demo/https://c", Some("demo")),
        (Object::project("demo"), "demo", Some("demo")),
        (Object::named("alice"), "alice", None),
        (Object::parse(Resource::Logs, "demo/web"), "demo/web", Some("demo")),
        (Object::parse(Resource::Accounts, "demo/web"), "demo/web", None),
        (Object::parse(Resource::Clusters, "demo"), "demo", None),
    ] {
        assert_eq!((object.as_str(), object.project_name()), (text, project));
    }
}

/// A91: claims that are empty, or not what they should be, elevate nobody.
#[test]
fn claims_that_are_wrong_are_nobody() {
    let many: Vec<_> = (0..=MAX_GROUPS).map(|i| format!("g{i}")).chain(["org:devs".to_owned()]).collect();
    let policy = policy("g, org:devs, role:readonly\ng, 7, role:readonly");
    for (name, claims, expected) in [
        ("a list", json!({"sub": "ann", "groups": ["org:devs"]}), true),
        ("a text", json!({"sub": "ann", "groups": "org:devs"}), true),
        ("among others", json!({"sub": "ann", "groups": [1, null, "org:devs"]}), true),
        ("nothing", json!({}), false),
        ("no object", json!("org:devs"), false),
        ("no subject", json!({"groups": ["org:devs"]}), false),
        ("an empty subject", json!({"sub": "", "groups": ["org:devs"]}), false),
        ("a subject that is a number", json!({"sub": 7, "groups": ["org:devs"]}), false),
        ("a number", json!({"sub": "ann", "groups": 7}), false),
        ("nested", json!({"sub": "ann", "groups": [["org:devs"], {"org:devs": true}]}), false),
        ("another claim", json!({"sub": "ann", "roles": ["org:devs"]}), false),
        ("too many", json!({"sub": "ann", "groups": many}), false),
        (
            "commas in one",
            json!({"sub": "ann", "groups": ["a,org:devs", "org:devs\n", "\"org:devs\""]}),
            false,
        ),
    ] {
        let subject = Subject::from_claims(&claims, policy.scopes());
        assert_eq!(policy.decide(&subject, app("get", "demo/web")).is_ok(), expected, "{name}");
    }
}

#[test]
fn projects_come_and_go() {
    let mut policy = policy("");
    let ci = Subject::project_role("demo", "ci");
    let role = ProjectRole {
        name: "ci".to_owned(),
        policies: vec!["p, proj:demo:ci, applications, sync, demo/*, allow".to_owned()],
        groups: vec![],
    };
    assert!(policy.decide(&ci, app("sync", "demo/web")).is_err());
    assert_eq!(policy.set_project("demo", &[role]), []);
    assert!(policy.decide(&ci, app("sync", "demo/web")).is_ok());
    let (mut other, _) = Policy::compile(&csv(""));
    assert!(other.take_projects(&policy));
    assert!(other.decide(&ci, app("sync", "demo/web")).is_ok());
    policy.set_project("demo", &[]);
    assert!(policy.decide(&ci, app("sync", "demo/web")).is_err());
    assert!(other.decide(&ci, app("sync", "demo/web")).is_ok(), "a clone keeps what it has");
    other.remove_project("demo");
    assert!(other.decide(&ci, app("sync", "demo/web")).is_err());
    let regex = [("policy.matchMode".to_owned(), "regex".to_owned())].into();
    assert!(!Policy::compile(&regex).0.take_projects(&policy));
}

#[test]
fn a_rollback_is_a_sync_unless_it_is_enforced() {
    assert_eq!((Action::of_rollback(false), Action::of_rollback(true)), (Action::Sync, Action::Rollback));
    assert!(policy("").decide(&Subject::account("admin"), app("rollback", "demo/web")).is_ok());
}
