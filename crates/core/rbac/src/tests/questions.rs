//! `admin settings rbac can`.

use super::csv;
use crate::*;

#[test]
fn can() {
    let mut data = csv(
        "p, role:dev, applications, sync, demo/*, allow\np, role:dev, applications, sync, demo/frozen, deny\n\
         p, role:dev, logs, get, */*, allow\ng, ann, role:dev\np, org:devs, clusters, get, *, allow",
    );
    data.insert("policy.default".to_owned(), "role:readonly".to_owned());
    let (policy, _) = Policy::compile(&data);
    for (subject, action, resource, object, allowed, line) in [
        ("ann", "sync", "app", "demo/web", true, "p, role:dev, applications, sync, demo/*, allow"),
        (
            "role:dev",
            "sync",
            "applications",
            "demo/web",
            true,
            "p, role:dev, applications, sync, demo/*, allow",
        ),
        ("ann", "sync", "apps", "demo/frozen", false, "p, role:dev, applications, sync, demo/frozen, deny"),
        ("ann", "sync", "apps", "", false, "p, ann, applications, sync, */*, allow"),
        ("ann", "get", "logs", "*", true, "p, role:readonly, logs, get, */*, allow"),
        ("eve", "get", "proj", "demo", true, "p, role:readonly, projects, get, *, allow"),
        ("eve", "delete", "cluster", "https://c", false, "p, eve, clusters, delete, https://c, allow"),
        (
            "admin",
            "delete/apps/Deployment/a/b",
            "app",
            "demo/web",
            true,
            "p, role:admin, applications, delete/*, */*, allow",
        ),
    ] {
        let question = Question { subject, action, resource, object, strict: true };
        let answer = policy.can(&question).unwrap();
        assert_eq!((answer.allowed, answer.line.as_str()), (allowed, line), "{question:?}");
    }
    let (bare, _) = Policy::compile_bare(&csv("p, org:devs, clusters, get, *, allow"));
    let question =
        Question { subject: "admin", action: "get", resource: "cluster", object: "x", strict: true };
    assert!(!bare.can(&question).unwrap().allowed);
    let warning = bare.can(&Question { subject: "org:devs", ..question }).unwrap().warning;
    assert!(warning.is_some_and(|text| text.contains("g, org:devs, role:")));
}

#[test]
fn questions_that_make_no_sense() {
    let (policy, _) = Policy::compile(&csv(""));
    for (action, resource, strict, expected) in [
        ("get", "nothing", true, Some("'nothing' is not a valid resource name")),
        ("sync", "clusters", true, Some("'sync' is not a valid action for clusters")),
        ("sync", "clusters", false, None),
        ("get/x", "applications", true, Some("'get/x' is not a valid action for applications")),
        ("delete/x", "clusters", true, Some("'delete/x' is not a valid action for clusters")),
        ("update/apps/Deployment/a/b", "app", true, None),
        ("invoke", "extension", true, None),
        ("create", "exec", true, None),
    ] {
        let answer = policy.can(&Question { subject: "ann", action, resource, object: "", strict });
        assert_eq!(answer.err().map(|error| error.to_string()).as_deref(), expected, "{action} {resource}");
    }
}
