//! The manifests of the articles that describe what users do: they are read, and lose nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;

use api::{AppProject, Application, Project, unknown_fields, unknown_project_fields};
use resource::GroupKind;
use serde_json::Value;

fn documents(seed: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeds").join(format!("{seed}.yaml"));
    let text = fs::read(&path).unwrap();
    let documents = goyaml::parse_all(&text, &goyaml::Limits::default()).unwrap();
    documents.into_iter().map(|document| document.value).collect()
}

fn application(seed: &str, index: usize) -> Application {
    Application::from_value(documents(seed).swap_remove(index)).unwrap()
}

fn project(seed: &str, index: usize) -> AppProject {
    AppProject::from_value(documents(seed).swap_remove(index)).unwrap()
}

#[test]
fn every_manifest_survives_a_round_trip() {
    let mut kinds = vec![];
    for seed in ["000", "001", "002", "003", "004"] {
        for value in documents(seed) {
            let kind = value["kind"].as_str().unwrap().to_owned();
            let (written, unknown) = if kind == "Application" {
                let application = Application::from_value(value.clone()).unwrap();
                (application.to_value(), unknown_fields(&application.spec))
            } else {
                let project = AppProject::from_value(value.clone()).unwrap();
                (project.to_value(), unknown_project_fields(&project.spec))
            };
            assert_eq!(written, value, "seed {seed}");
            let expected =
                if value["spec"].get("notification").is_some() { vec!["spec.notification"] } else { vec![] };
            let unknown: Vec<_> = unknown.iter().map(|field| field.path.as_str()).collect();
            assert_eq!(unknown, expected, "seed {seed}");
            kinds.push(kind);
        }
    }
    assert_eq!((kinds.len(), kinds.iter().filter(|kind| *kind == "AppProject").count()), (15, 2));
}

#[test]
fn what_the_articles_ask_for_is_understood() {
    let first = application("001", 0);
    let automated = first.spec.automated().unwrap();
    assert!(automated.prunes() && automated.heals() && !automated.allows_empty());
    let retry = first.spec.sync_policy.as_ref().unwrap().retry.as_ref().unwrap();
    let backoff = retry.backoff.as_ref().unwrap();
    assert_eq!((retry.limit, backoff.factor), (3, Some(2)));
    assert_eq!(api::parse_duration(&backoff.max_duration).unwrap().as_secs(), 180);

    let chart = application("001", 1);
    assert_eq!(chart.spec.sources()[0].chart, "ingress-nginx");
    assert!(chart.spec.sources()[0].helm.as_ref().unwrap().values.contains("replicaCount: 2"));
    assert_eq!(chart.spec.automated(), None);

    assert_eq!(application("002", 0).spec.project_name(), "default");
    assert_eq!(application("004", 1).spec.ignore_differences[0].json_pointers, ["/spec/replicas"]);
}

#[test]
fn the_articles_projects_permit_and_refuse() {
    const HERE: &str = "https://kubernetes.default.svc";
    let production = Project::new(&project("000", 1));
    assert_eq!(production.permits_source("https://gitlab.com/mycompany/config-repo"), Ok(()));
    assert!(production.permits_source("https://gitlab.com/mycompany/other.git").is_err());
    assert_eq!(production.permits_destination(HERE, "in-cluster", "production"), Ok(()));
    assert!(production.permits_destination(HERE, "in-cluster", "default").is_err());
    assert_eq!(production.permits_kind(&GroupKind::new("apps", "Deployment"), "web", true), Ok(()));
    assert!(production.permits_kind(&GroupKind::new("", "LimitRange"), "limits", true).is_err());
    assert_eq!(production.permits_kind(&GroupKind::new("", "Namespace"), "production", false), Ok(()));
    assert!(
        production
            .permits_kind(&GroupKind::new("rbac.authorization.k8s.io", "ClusterRole"), "x", false)
            .is_err()
    );

    let frontend = Project::new(&project("001", 7));
    assert_eq!(frontend.permits_destination(HERE, "", "frontend-eu"), Ok(()));
    assert_eq!(frontend.permits_kind(&GroupKind::new("networking.k8s.io", "Ingress"), "web", true), Ok(()));
    assert!(frontend.permits_kind(&GroupKind::new("", "Secret"), "token", true).is_err());
}
