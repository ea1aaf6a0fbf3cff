use resource::GroupKind;
use serde_json::{Value, json};

use super::*;

fn project(spec: Value) -> Project {
    Project::new(&app_project(spec))
}

#[expect(clippy::needless_pass_by_value, reason = "JSON literals read better by value")]
fn app_project(spec: Value) -> AppProject {
    AppProject::from_value(json!({"metadata": {"name": "team"}, "spec": spec})).unwrap()
}

#[test]
fn sources() {
    for (repos, url, permitted, reason) in [
        (json!([]), "https://h/a", false, "nothing listed permits nothing"),
        (json!(["*"]), "https://h/a/b", true, "everything"),
        (json!(["https://h/a.git"]), "https://H/a", true, "normal form"),
        (json!(["git@h:a/b.git"]), "ssh://git@h/a/b", true, "scp form"),
        (json!(["https://h/*"]), "https://h/a", true, "one segment"),
        (json!(["https://h/*"]), "https://h/a/b", false, "a star stops at a slash"),
        (json!(["https://h/**"]), "https://h/a/b", true, "two stars do not"),
        (json!(["https://h/**"]), "https://h/a/../../evil", false, "dot segments"),
        (json!(["https://h/ok/**"]), "https://h/ok/%2e%2E/evil", false, "encoded dot segments"),
        (json!(["!https://h/bad"]), "https://h/bad", false, "denied"),
        (
            json!(["!https://h/bad"]),
            "https://h/good",
            true,
            "a denial that does not match permits, as in the peer",
        ),
        (
            json!(["*", "!https://h/bad*"]),
            "https://h/bad.git",
            false,
            "a denial wins over an earlier permission",
        ),
        (json!(["!https://h/bad*", "*"]), "https://h/badly", false, "a denial wins over a later permission"),
        (json!(["*", "![a"]), "https://h/a", false, "a denial that cannot be read denies everything"),
        (json!(["[a"]), "https://h/a", false, "a permission that cannot be read permits nothing"),
    ] {
        let result = project(json!({"sourceRepos": repos})).permits_source(url);
        assert_eq!(result.is_ok(), permitted, "{reason}: {repos} on {url}: {result:?}");
    }
    let denied =
        project(json!({"sourceRepos": ["https://h/a"]})).permits_source("https://me:secret@h/b").unwrap_err();
    assert_eq!(
        denied.to_string(),
        "application repo https://me:***@h/b is not permitted in project 'team': no entry of sourceRepos matches"
    );
}

#[test]
fn destinations() {
    const HERE: &str = "https://kubernetes.default.svc";
    for (entries, (server, name, namespace), permitted, reason) in [
        (json!([]), (HERE, "", "a"), false, "nothing listed permits nothing"),
        (json!([{"server": "*", "namespace": "*"}]), (HERE, "", "a"), true, "everything"),
        (json!([{"server": HERE, "namespace": "team-*"}]), (HERE, "", "team-a"), true, "a glob"),
        (json!([{"server": HERE, "namespace": "team-*"}]), (HERE, "", "other"), false, "another namespace"),
        (json!([{"server": HERE, "namespace": "team-*"}]), (HERE, "", ""), false, "a cluster-wide object"),
        (json!([{"server": HERE}]), (HERE, "", "a"), false, "no namespace listed"),
        (json!([{"name": "prod", "namespace": "*"}]), ("https://p", "prod", "a"), true, "by name"),
        (
            json!([{"name": "prod", "namespace": "*"}]),
            ("https://p", "", "a"),
            false,
            "a name that is not known",
        ),
        (json!([{"name": "prod", "namespace": "*"}]), ("https://p", "dev", "a"), false, "another name"),
        (
            json!([{"server": "*", "namespace": "!kube-system"}]),
            (HERE, "", "kube-system"),
            false,
            "denied namespace",
        ),
        (
            json!([{"server": "*", "namespace": "!kube-system"}]),
            (HERE, "", "a"),
            true,
            "other namespaces, as the peer",
        ),
        (
            json!([{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!kube-*"}]),
            (HERE, "", "kube-public"),
            false,
            "a denial wins over an earlier permission",
        ),
        (
            json!([{"server": "!https://prod*", "namespace": "*"}, {"server": "*", "namespace": "*"}]),
            ("https://prod-1", "", "a"),
            false,
            "denied server",
        ),
        (
            json!([{"server": "!https://prod*", "namespace": "*"}]),
            ("https://dev", "", "a"),
            true,
            "other servers, as the peer",
        ),
        (
            json!([{"name": "!prod", "namespace": "*"}, {"server": "*", "namespace": "*"}]),
            ("https://p", "", "a"),
            false,
            "a denied name where the name is not known",
        ),
    ] {
        let result = project(json!({"destinations": entries})).permits_destination(server, name, namespace);
        assert_eq!(
            result.is_ok(),
            permitted,
            "{reason}: {entries} on {server} {name} {namespace}: {result:?}"
        );
    }
}

#[test]
fn kinds() {
    let deployment = ("apps", "Deployment");
    let namespace = ("", "Namespace");
    for (spec, (group, kind), name, namespaced, permitted, reason) in [
        (json!({}), deployment, "a", true, true, "an absent namespaced whitelist permits all"),
        (
            json!({"namespaceResourceWhitelist": []}),
            deployment,
            "a",
            true,
            false,
            "an empty one permits none",
        ),
        (json!({"namespaceResourceWhitelist": null}), deployment, "a", true, true, "null is absent"),
        (
            json!({"namespaceResourceWhitelist": [{"group": "apps", "kind": "Deploy*"}]}),
            deployment,
            "a",
            true,
            true,
            "a glob",
        ),
        (
            json!({"namespaceResourceWhitelist": [{"group": "batch", "kind": "*"}]}),
            deployment,
            "a",
            true,
            false,
            "another group",
        ),
        (
            json!({"namespaceResourceBlacklist": [{"group": "*", "kind": "*"}]}),
            deployment,
            "a",
            true,
            false,
            "blacklist",
        ),
        (
            json!({"namespaceResourceWhitelist": [{"group": "*", "kind": "*"}],
                   "namespaceResourceBlacklist": [{"group": "", "kind": "ResourceQuota"}]}),
            ("", "ResourceQuota"),
            "a",
            true,
            false,
            "the blacklist wins",
        ),
        (
            json!({"namespaceResourceBlacklist": [{"group": "", "kind": "[a"}]}),
            ("", "Secret"),
            "a",
            true,
            false,
            "an unreadable denial denies what it might mean",
        ),
        (json!({}), namespace, "a", false, false, "an absent cluster whitelist permits none"),
        (
            json!({"clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}]}),
            namespace,
            "a",
            false,
            true,
            "whitelist",
        ),
        (
            json!({"clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": "team-*"}]}),
            namespace,
            "team-a",
            false,
            true,
            "whitelisted name",
        ),
        (
            json!({"clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": "team-*"}]}),
            namespace,
            "kube-system",
            false,
            false,
            "another name",
        ),
        (
            json!({"clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
                   "clusterResourceBlacklist": [{"group": "", "kind": "Namespace", "name": "kube-*"}]}),
            namespace,
            "kube-system",
            false,
            false,
            "blacklisted name",
        ),
    ] {
        let result = project(spec.clone()).permits_kind(&GroupKind::new(group, kind), name, namespaced);
        assert_eq!(result.is_ok(), permitted, "{reason}: {spec} on {group}/{kind} {name}: {result:?}");
    }
}

#[test]
fn namespaces_of_applications() {
    let project = project(json!({"sourceNamespaces": ["team-*", "/^x[0-9]$/"]}));
    for (namespace, permitted) in
        [("argocd", true), ("", true), ("team-a", true), ("x1", true), ("x12", false), ("other", false)]
    {
        assert_eq!(project.permits_application("web", namespace, "argocd").is_ok(), permitted, "{namespace}");
    }
}

#[test]
fn the_default_project_permits_everything_and_survives_a_round_trip() {
    let default = AppProject::default_project("argocd");
    let project = Project::new(&default);
    assert_eq!(project.permits_source("https://h/a/b"), Ok(()));
    assert_eq!(project.permits_destination("https://kubernetes.default.svc", "", "kube-system"), Ok(()));
    assert_eq!(project.permits_kind(&GroupKind::new("", "Namespace"), "a", false), Ok(()));
    assert_eq!(AppProject::from_value(default.to_value()).unwrap(), default);
    assert_eq!(unimplemented_limits(&default), Vec::<String>::new());
}

#[test]
fn a_project_may_insist_on_its_own_clusters() {
    for (insists, cluster_of, permitted) in [
        (false, "", true),
        (false, "other", true),
        (true, "team", true),
        (true, "other", false),
        (true, "", false),
    ] {
        let project = Project::new(&app_project(json!({"permitOnlyProjectScopedClusters": insists})));
        let verdict = project.permits_cluster_of(cluster_of, "https://c");
        assert_eq!(verdict.is_ok(), permitted, "{insists} {cluster_of:?}: {verdict:?}");
    }
}

#[test]
fn limits_that_are_not_enforced_are_named() {
    let spec = json!({"sourceIntegrity": {"git": {"policies": [{"repos": [{"url": "*"}], "ssh": {}}]}}});
    let limits = unimplemented_limits(&app_project(spec));
    assert!(
        limits.len() == 1
            && limits[0].starts_with("project 'team' sets sourceIntegrity: ")
            && limits[0].contains("ssh"),
        "{limits:?}"
    );
}

#[test]
fn global_projects_add_their_lists() {
    let project = app_project(json!({"sourceRepos": ["a"]}));
    let global = app_project(
        json!({"sourceRepos": ["b"], "namespaceResourceWhitelist": [{"group": "", "kind": "Pod"}],
        "namespaceResourceBlacklist": [{"group": "", "kind": "Secret"}], "description": "not inherited"}),
    );
    let merged = with_global_projects(&project, [&global]);
    assert_eq!(merged.spec.source_repos, ["a", "b"]);
    assert_eq!(merged.spec.namespace_resource_whitelist.unwrap().len(), 1);
    assert_eq!(merged.spec.namespace_resource_blacklist.len(), 1);
    assert_eq!(merged.spec.description, "");
}
