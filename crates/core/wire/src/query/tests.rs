use serde_json::{Value, json};

use crate::tests::{message, told};

/// The message, parameters, and the request or what is wrong.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], Result<Value, &'a str>);

#[test]
fn parameters_become_requests() {
    let query = "application.ApplicationQuery";
    let logs = "application.ApplicationPodLogsQuery";
    let details = "repository.RepoAppDetailsQuery";
    let cluster = "cluster.ClusterQuery";
    let create = "application.ApplicationCreateRequest";
    let rows: &[Row<'_>] = &[
        (query, &[], Ok(json!({}))),
        (
            query,
            &[("name", "a"), ("projects", "x"), ("projects", "y")],
            Ok(json!({"name": "a", "projects": ["x", "y"]})),
        ),
        (query, &[("name", "a"), ("name", "b")], Ok(json!({"name": "a"}))),
        (query, &[("nobody", "a"), ("na", "b"), ("", "c"), (".", "d")], Ok(json!({}))),
        (query, &[("name", "")], Ok(json!({"name": ""}))),
        (
            logs,
            &[("follow", "true"), ("previous", "0"), ("tailLines", "-5")],
            Ok(json!({"follow": true, "previous": false, "tailLines": -5})),
        ),
        (logs, &[("follow", "yes")], Err("follow: \"yes\" is not true or false")),
        (logs, &[("tailLines", "many")], Err("tailLines: \"many\" is not a whole number")),
        (logs, &[("sinceTime", "2024-01-01T00:00:00Z")], Ok(json!({"sinceTime": "2024-01-01T00:00:00Z"}))),
        (logs, &[("sinceTime.seconds", "5")], Ok(json!({}))),
        (logs, &[("name.x", "5")], Err("name.x: name has no fields")),
        (
            details,
            &[("source.helm.releaseName", "r"), ("source.repoURL", "u"), ("sourceIndex", "1")],
            Ok(json!({"source": {"helm": {"releaseName": "r"}, "repoURL": "u"}, "sourceIndex": 1})),
        ),
        (
            details,
            &[("source.helm.valueFiles", "a"), ("source.helm.valueFiles", "b")],
            Ok(json!({"source": {"helm": {"valueFiles": ["a", "b"]}}})),
        ),
        (details, &[("source.sources.x", "a")], Ok(json!({}))),
        (
            details,
            &[("source.helm.parameters.name", "a")],
            Err("source.helm.parameters.name: parameters has no fields"),
        ),
        (details, &[("source", "a")], Err("source: it takes no parameter")),
        (details, &[("sourceIndex", "4294967296")], Err("sourceIndex: \"4294967296\" is not a whole number")),
        (
            cluster,
            &[("id.value", "https://1.2.3.4"), ("id.type", "name")],
            Ok(json!({"id": {"value": "https://1.2.3.4", "type": "name"}})),
        ),
        (
            create,
            &[("application.metadata.labels[a.b]", "c"), ("upsert", "1")],
            Ok(json!({"application": {"metadata": {"labels": {"a.b": "c"}}}, "upsert": true})),
        ),
        (
            create,
            &[("application.metadata.labels", "c")],
            Err("application.metadata.labels: it is a map: say name[key]=value"),
        ),
        (create, &[("application.metadata.name[a]", "c")], Err("application.metadata.name[a]: it is no map")),
    ];
    for (of, parameters, expected) in rows {
        let request = told(message(of).from_query(parameters.iter().copied()));
        assert_eq!(request, expected.clone().map_err(str::to_owned), "{of} {parameters:?}");
    }
}

#[test]
fn a_place_in_the_path_goes_over_the_body() {
    let update = message("application.ApplicationUpdateRequest");
    let mut request = json!({"application": {"metadata": {"name": "body", "labels": {"a": "b"}}}});
    update.set(&mut request, "application.metadata.name", "path").unwrap();
    assert_eq!(request, json!({"application": {"metadata": {"name": "path", "labels": {"a": "b"}}}}));
    let mut request = json!({"application": null});
    update.set(&mut request, "application.metadata.name", "path").unwrap();
    assert_eq!(request, json!({"application": {"metadata": {"name": "path"}}}));
    assert!(update.set(&mut json!([]), "project", "p").is_err());
}
