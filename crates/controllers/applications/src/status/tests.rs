use serde_json::json;

use super::*;

fn app(status: &Value) -> Application {
    Application::from_value(json!({
        "metadata": {"name": "web", "annotations": {"argocd.argoproj.io/refresh": "normal"}},
        "spec": {"source": {"repoURL": "https://git.example/a", "path": "p"}, "destination": {"name": "in-cluster"},
                 "revisionHistoryLimit": 2},
        "status": status, "operation": {"sync": {}},
    }))
    .unwrap()
}

fn comparison(resources: usize) -> Comparison {
    let state = |n: usize| ResourceState {
        key: ResourceKey::new("", "ConfigMap", "shop", format!("settings-{n}")),
        version: "v1".to_owned(),
        sync: SyncStatusCode::Synced,
        health: None,
        wanted: true,
        live: true,
        requires_pruning: false,
        requires_confirmation: false,
        wave: 0,
        reason: String::new(),
        fields: crate::comparison::Fields::default(),
    };
    Comparison {
        resources: (0..resources).map(state).collect(),
        sync: SyncStatusCode::Synced,
        health: HealthStatusCode::Healthy,
        health_message: String::new(),
        revisions: vec!["r1".to_owned()],
        source_types: vec![ApplicationSourceType::Directory],
        images: Vec::new(),
        external_urls: Vec::new(),
        hooks: vec![],
        rendered_any: true,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "reports are made where they are handed in")]
fn written(app: &Application, report: Report, now: &str) -> Option<Value> {
    match patch(app, &report, now, "argocd")? {
        Patch::Merge(patch) => Some(patch),
        Patch::Operations(operations) => Some(Value::Array(operations)),
    }
}

#[test]
fn nothing_is_written_while_nothing_changes() {
    let report = || Report { comparison: Some(comparison(1)), ..Report::default() };
    let first = written(&app(&json!({})), report(), "t1").unwrap();
    assert_eq!(first["status"]["sync"]["status"], "Synced");
    assert_eq!(first["status"]["reconciledAt"], "t1");
    let same = app(&first["status"]);
    assert_eq!(written(&same, report(), "t2"), None, "the time alone is no change");
    let mut worse = comparison(1);
    worse.health = HealthStatusCode::Degraded;
    let second = written(&same, Report { comparison: Some(worse), ..Report::default() }, "t3").unwrap();
    let health = json!({"status": "Degraded", "lastTransitionTime": "t3"});
    assert_eq!(second["status"], json!({"health": health, "reconciledAt": "t3"}), "only what changed");
}

#[test]
fn a_refresh_and_an_operation_end_with_the_pass() {
    let known =
        written(&app(&json!({})), Report { comparison: Some(comparison(1)), ..Report::default() }, "t1")
            .unwrap();
    let report = Report {
        comparison: Some(comparison(1)),
        clear_operation: true,
        clear_refresh: true,
        ..Report::default()
    };
    let patch = written(&app(&known["status"]), report, "t2").unwrap();
    assert_eq!(patch["operation"], Value::Null);
    assert_eq!(patch["metadata"]["annotations"], json!({"argocd.argoproj.io/refresh": null}));
    assert_eq!(
        patch["status"],
        json!({"reconciledAt": "t2"}),
        "who waits for the refresh sees that it was made"
    );
}

#[test]
fn history_grows_up_to_its_limit() {
    let mut status = json!({});
    for n in 0..4 {
        let entry = RevisionHistory { revision: format!("r{n}"), ..RevisionHistory::default() };
        let report = Report { comparison: Some(comparison(1)), history: Some(entry), ..Report::default() };
        let patch = written(&app(&status), report, "t").unwrap();
        status = json!({"history": patch["status"]["history"]});
    }
    let kept: Vec<_> = status["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| (h["id"].clone(), h["revision"].clone()))
        .collect();
    assert_eq!(kept, [(json!(2), json!("r2")), (json!(3), json!("r3"))]);
}

#[test]
fn what_cannot_be_compared_is_unknown_and_keeps_what_was_known() {
    let known =
        written(&app(&json!({})), Report { comparison: Some(comparison(1)), ..Report::default() }, "t1")
            .unwrap();
    let mut findings = Findings::default();
    findings.add(ConditionType::ComparisonError, "no route to host");
    let patch = written(&app(&known["status"]), Report { findings, ..Report::default() }, "t2").unwrap();
    assert_eq!(patch["status"]["sync"], json!({"status": "Unknown"}));
    assert_eq!(patch["status"]["conditions"][0]["message"], "no route to host");
    assert!(patch["status"].get("resources").is_none(), "nothing is forgotten");
}

#[test]
fn a_status_fits_into_its_object() {
    let report = Report { comparison: Some(comparison(20_000)), ..Report::default() };
    let patch = written(&app(&json!({})), report.clone(), "t").unwrap();
    let kept = patch["status"]["resources"].as_array().unwrap().len();
    assert!(patch.to_string().len() <= fit::REST_BYTES, "{} bytes", patch.to_string().len());
    assert!((5_000..20_000).contains(&kept), "{kept}");
    let said = patch["status"]["conditions"][0]["message"].as_str().unwrap();
    assert!(
        said.starts_with("status.resources lists not all of the 20000 resources: they do not fit"),
        "{said}"
    );
    let same = app(&patch["status"]);
    assert!(is_cut(&same.status));
    assert_eq!(written(&same, report, "t2"), None, "the same is left out the next time");
    let uncompared = written(&same, Report::default(), "t3").unwrap();
    assert!(
        uncompared["status"].get("conditions").is_none(),
        "the list stays, and what is said of it: {uncompared}"
    );
}

#[test]
fn of_a_long_list_what_changed_is_sent() {
    let known =
        written(&app(&json!({})), Report { comparison: Some(comparison(1_000)), ..Report::default() }, "t1");
    let known = app(&known.unwrap()["status"]);
    let send = |change: &dyn Fn(&mut Comparison)| {
        let mut found = comparison(1_000);
        change(&mut found);
        written(&known, Report { comparison: Some(found), ..Report::default() }, "t2").unwrap()
    };
    let place = known.status.resources.iter().position(|r| r.name == "settings-7").unwrap();
    let (sync, time) = (
        json!({"op": "add", "path": "/status/sync"}),
        json!({"op": "add", "path": "/status/reconciledAt", "value": "t2"}),
    );
    let bare = |mut patch: Value| {
        for operation in patch.as_array_mut().unwrap() {
            if operation["path"] == "/status/sync" {
                operation.as_object_mut().unwrap().remove("value");
            }
        }
        patch
    };
    let differs = |name: &'static str| {
        move |found: &mut Comparison| {
            found.sync = SyncStatusCode::OutOfSync;
            found
                .resources
                .iter_mut()
                .filter(|r| r.key.name == name)
                .for_each(|r| r.sync = SyncStatusCode::OutOfSync);
        }
    };
    let value = json!({"version": "v1", "kind": "ConfigMap", "namespace": "shop", "name": "settings-7", "status": "OutOfSync"});
    let replaced = json!({"op": "replace", "path": format!("/status/resources/{place}"), "value": value});
    assert_eq!(bare(send(&differs("settings-7"))), json!([replaced, sync, time]));
    let gone = |found: &mut Comparison| found.resources.retain(|r| r.key.name != "settings-7");
    let removed = json!({"op": "remove", "path": format!("/status/resources/{place}")});
    assert_eq!(send(&gone), json!([removed, time]));
    let many = |found: &mut Comparison| found.resources.iter_mut().for_each(|r| r.wave = 1);
    assert!(send(&many)["status"]["resources"].is_array(), "where many change the list is sent whole");
}
