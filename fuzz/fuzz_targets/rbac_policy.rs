//! A `policy.csv`, in both modes, and what it decides: it ends, says the same again, and a denial more gives nobody a right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rbac::{Action, Object, Permission, Policy, ProjectRole, Resource, Subject};

fuzz_target!(|text: &str| {
    let rights = |csv: &str, mode: &str| {
        let data = [("policy.csv", csv), ("policy.matchMode", mode), ("policy.default", "role:b")];
        let (mut policy, problems) = Policy::compile(&data.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        let role = ProjectRole {
            name: "a".to_owned(),
            policies: text.lines().take(20).map(str::to_owned).collect(),
            groups: text.split(',').take(20).map(str::to_owned).collect(),
        };
        policy.set_project("demo", &[role]);
        let mut rights = Vec::new();
        for subject in [
            Subject::anonymous(),
            Subject::external("a", vec!["b".to_owned(), "role:admin".to_owned()]),
            Subject::project_role("demo", "a"),
        ] {
            for action in ["get", "action/apps/Deployment/restart"] {
                let object = Object::in_project("demo", None, "web");
                let permission = Permission::new(Resource::Applications, Action::parse(action), object);
                match policy.decide(&subject, permission) {
                    Ok(decision) => {
                        assert!(!decision.rule().text().is_empty());
                        rights.push(true);
                    }
                    Err(denied) => {
                        assert!(denied.missing_line().starts_with("p, "));
                        rights.push(false);
                    }
                }
            }
        }
        (rights, problems)
    };
    for mode in ["glob", "regex"] {
        let first = rights(text, mode);
        assert_eq!(first, rights(text, mode));
        let (fewer, _) = rights(&format!("{text}\np, b, applications, *, *, deny"), mode);
        assert!(first.0.iter().zip(&fewer).all(|(before, after)| *before || !*after));
    }
});
