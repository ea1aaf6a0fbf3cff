//! A first day with the official client: login, an application from its creation to its end, another password.

use crate::stand::{Row, Stand};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_in_syncs_and_leaves() {
    let Some(stand) = Stand::start().await else { return };
    let password = stand.password().await.unwrap();
    let new = "another-password";
    let place =
        "--repo $REPO --revision main --dest-server https://kubernetes.default.svc --dest-namespace default";
    let rows: Vec<Row> = vec![
        (
            "login $SERVER --plaintext --username admin --password wrong-password".into(),
            20,
            "Invalid username or password",
        ),
        (
            format!("login $SERVER --plaintext --username admin --password {password}"),
            0,
            "'admin:login' logged in",
        ),
        ("version".into(), 0, "argocd-server: v"),
        ("account get-user-info".into(), 0, "Username: admin"),
        ("account list".into(), 0, "admin  true     login"),
        ("account can-i sync applications default/app".into(), 0, "yes"),
        ("proj list -o name".into(), 0, "default"),
        ("cluster list".into(), 0, "in-cluster"),
        ("cluster get in-cluster".into(), 0, "https://kubernetes.default.svc"),
        ("app list -o name".into(), 0, ""),
        ("app get app".into(), 20, "code = PermissionDenied desc = permission denied"),
    ];
    stand.types(&rows).await;
    let rows: Vec<Row> = vec![
        (format!("app create app {place} --path app"), 0, "application 'app' created"),
        (format!("app create app {place} --path app"), 0, "application 'app' unchanged"),
        (
            format!("app create app {place} --path elsewhere --validate=false"),
            20,
            "existing application spec is different",
        ),
        (format!("app create other {place} --path elsewhere"), 20, "application spec for other is invalid"),
        (
            format!("app create other {place} --path app --project none"),
            20,
            "app is not allowed in project \\\"none\\\", or the project does not exist",
        ),
        ("app set app --sync-option ApplyOutOfSyncOnly=true".into(), 0, ""),
        (
            r#"app patch app --type merge --patch {"metadata":{"labels":{"tier":"web"}}}"#.into(),
            0,
            "tier: web",
        ),
        (
            r#"app patch app --type merge --patch {"metadata":{"name":"b"}}"#.into(),
            20,
            "cannot give an application another name",
        ),
        ("app list -l tier=web -o name".into(), 0, "argocd/app"),
        ("app manifests app --source git".into(), 0, "name: a"),
        ("app diff app".into(), 1, "===== /ConfigMap default/a ======"),
        ("app wait app --sync --timeout 1".into(), 20, "timed out"),
        ("app get app --refresh".into(), 0, "OutOfSync"),
        ("app sync app --timeout 60".into(), 0, "configmap/a created"),
        ("app diff app".into(), 0, ""),
        ("app get app -o yaml".into(), 0, "ApplyOutOfSyncOnly=true"),
        ("app wait app --timeout 60".into(), 0, "Health Status:      Healthy"),
        ("app list -o name".into(), 0, "argocd/app"),
        ("app list -l none=such -o name".into(), 0, ""),
        ("app history app".into(), 0, "main ("),
        ("app terminate-op app".into(), 20, "No operation is in progress"),
        ("app rollback app 7".into(), 20, "does not have deployment id '7' in history"),
        ("app rollback app 0 --timeout 60".into(), 0, "Phase:              Succeeded"),
        ("app delete app -y --wait".into(), 0, "application 'app' deleted"),
        ("app list -o name".into(), 0, ""),
    ];
    stand.types(&rows).await;
    assert_eq!(
        stand.api.get("/api/v1/namespaces/default/configmaps/a").await.unwrap(),
        None,
        "the deletion cascades"
    );
    let rows: Vec<Row> = vec![
        (
            format!("account update-password --current-password wrong --new-password {new}"),
            20,
            "current password does not match",
        ),
        (
            format!("account update-password --current-password {password} --new-password short"),
            20,
            "does not match the following expression",
        ),
        (
            format!("account update-password --current-password {password} --new-password {new}"),
            0,
            "Password updated",
        ),
        ("account get-user-info".into(), 0, "Logged In: true"),
        (
            format!("login $SERVER --plaintext --grpc-web --username admin --password {password}"),
            20,
            "Invalid username or password",
        ),
        (format!("login $SERVER --plaintext --grpc-web --username admin --password {new}"), 0, "logged in"),
        ("app list --grpc-web -o name".into(), 0, ""),
        ("app get nothing --grpc-web".into(), 20, "permission denied"),
        ("logout $SERVER".into(), 0, "Logged out"),
        ("app list".into(), 20, ""),
    ];
    stand.types(&rows).await;
}
