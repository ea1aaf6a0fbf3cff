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

fn written(app: &Application, report: Report, now: &str) -> Option<Value> {
    patch(app, report, now, "argocd")
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
    findings.add(api::ConditionType::ComparisonError, "no route to host");
    let patch = written(&app(&known["status"]), Report { findings, ..Report::default() }, "t2").unwrap();
    assert_eq!(patch["status"]["sync"], json!({"status": "Unknown"}));
    assert_eq!(patch["status"]["conditions"][0]["message"], "no route to host");
    assert!(patch["status"].get("resources").is_none(), "nothing is forgotten");
}

#[test]
fn a_status_fits_into_its_object() {
    let report = Report { comparison: Some(comparison(20_000)), ..Report::default() };
    let patch = written(&app(&json!({})), report, "t").unwrap();
    let kept = patch["status"]["resources"].as_array().unwrap().len();
    assert!(patch.to_string().len() <= STATUS_BYTES + 4_096, "{} bytes", patch.to_string().len());
    assert!((5_000..20_000).contains(&kept), "{kept}");
    let said = "status.resources lists not all of the 20000 resources: they do not fit into the Application";
    assert_eq!(patch["status"]["conditions"][0]["message"], said);
}
