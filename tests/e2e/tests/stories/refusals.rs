//! What is not there yet is refused by name; nothing happens in its stead.

use e2e::{World, conditions};
use serde_json::{Value, json};

use crate::manifests::{config, config_map};

async fn what_is_not_there_yet_is_refused_by_name(world: &mut World) {
    world.push(&[("some/c.yaml", &config("c", "x"))]).unwrap();
    let key = "-----BEGIN KEY-----";
    let credentials = [
        (
            "github",
            json!({"githubAppID": "1", "githubAppInstallationID": "2", "githubAppPrivateKey": key}),
            "a GitHub App",
        ),
        ("google", json!({"gcpServiceAccountKey": key}), "a Google Cloud service account"),
        ("azure", json!({"useAzureWorkloadIdentity": "true"}), "an Azure workload identity"),
        ("principal", json!({"azureServicePrincipalClientSecret": key}), "an Azure service principal"),
    ];
    for (name, given, what) in &credentials {
        let url = format!("https://{name}.example.com/config.git");
        let mut data = json!({"type": "git", "url": url});
        data.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "stringData": data, "metadata": {
            "name": format!("repo-{name}"), "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": "repository"}}});
        world.api.apply(&secret).await.unwrap();
        let mut app = world.application(name, "some", "refused");
        app["spec"]["source"]["repoURL"] = json!(url);
        world.api.apply(&app).await.unwrap();
        let expected = format!("credentials of {what} are not implemented yet (Secret repo-{name})");
        let says = |app: &Value| {
            conditions(app).iter().any(|c| c.starts_with("ComparisonError") && c.contains(&expected))
        };
        let app = world.until_app(name, "names the credentials and their Secret", says).await;
        assert!(!app["status"].to_string().contains(key), "and not their value");
    }

    let mut app = world.application("hydrated", "some", "refused");
    let dry = app["spec"].as_object_mut().unwrap().remove("source").unwrap();
    app["spec"]["sourceHydrator"] =
        json!({"drySource": dry, "syncSource": {"targetBranch": "environments/dev", "path": "some"}});
    world.api.apply(&app).await.unwrap();
    let says =
        |app: &Value| conditions(app).iter().any(|c| c.starts_with("InvalidSpecError: spec.sourceHydrator"));
    world.until_app("hydrated", "names the hydrator", says).await;

    assert_eq!(world.api.get(&config_map("refused", "c")).await.unwrap(), None);
}

mod tests {
    crate::on_kubesim!(what_is_not_there_yet_is_refused_by_name);
}
