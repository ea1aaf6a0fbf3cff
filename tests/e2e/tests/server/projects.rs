//! `argocd proj …`.

use serde_json::{Value, json};

use crate::stand::{Row, Stand};

const KEY: &str = "4AEE18F83AFDEB23";

fn ok(line: &str, printed: &'static str) -> Row {
    (line.to_owned(), 0, printed)
}

fn fails(line: &str, printed: &'static str) -> Row {
    (line.to_owned(), 20, printed)
}

/// What the client refuses by itself.
fn refuses(line: &str, printed: &'static str) -> Row {
    (line.to_owned(), 1, printed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projects_are_made_changed_and_deleted() {
    let Some(stand) = Stand::start().await else { return };
    stand.login().await;
    let place = "--repo $REPO --revision main --path app --dest-server https://kubernetes.default.svc";
    let rows: Vec<Row> = vec![
        ok("proj create shop --description first --src $REPO", ""),
        ok("proj create shop --description first --src $REPO", ""),
        fails("proj create shop --description other", "difference in keys"),
        ok("proj create shop --description other --src $REPO --upsert", ""),
        fails("proj create Shop", "metadata.name"),
        ok("proj get shop", "Description:                 other"),
        ok("proj set shop --description second", ""),
        ok("proj list -o name", "shop"),
        ok("proj add-source shop https://git.example/a.git", ""),
        ok("proj add-source shop https://git.example/a.git", "already allowed"),
        ok("proj remove-source shop https://git.example/a.git", ""),
        ok("proj add-destination shop https://kubernetes.default.svc default", ""),
        refuses("proj add-destination shop https://kubernetes.default.svc default", "already defined"),
        ok("proj add-destination shop in-cluster extra --name", ""),
        refuses("proj remove-destination shop https://other.example default", "does not exist"),
        ok("proj allow-cluster-resource shop rbac.authorization.k8s.io ClusterRole", "is added to"),
        ok("proj deny-cluster-resource shop rbac.authorization.k8s.io ClusterRole", "is removed from"),
        ok("proj deny-namespace-resource shop core Secret", "is added to"),
        ok("proj allow-namespace-resource shop core Secret", "is removed from"),
        ok("proj add-source-namespace shop team-a", ""),
        ok("proj remove-source-namespace shop team-a", ""),
        ok("proj add-orphaned-ignore shop apps Deployment --name x", ""),
        ok("proj remove-orphaned-ignore shop apps Deployment --name x", ""),
        ok(&format!("proj add-signature-key shop {KEY}"), ""),
        ok("proj get shop", KEY),
        ok(&format!("proj remove-signature-key shop {KEY}"), ""),
        ok("proj add-destination-service-account shop https://kubernetes.default.svc default deployer", ""),
        ok(
            "proj remove-destination-service-account shop https://kubernetes.default.svc default deployer",
            "",
        ),
        ok("proj windows add shop -k allow --schedule *␣*␣*␣*␣* --duration 1h --applications *", ""),
        fails(
            "proj windows add shop -k allow --schedule never --duration 1h --applications *",
            "cannot parse schedule",
        ),
        ok("proj windows list shop", "Active"),
        ok("proj windows update shop 0 --duration 2h", ""),
        ok("proj windows disable-manual-sync shop 0", ""),
        ok("proj windows enable-manual-sync shop 0", ""),
        ok("proj windows list shop", "2h"),
        ok("proj windows delete shop 0", ""),
    ];
    stand.types(&rows).await;
    stand
        .types(&[
            ok(&format!("app create a --project shop {place} --dest-namespace default"), "created"),
            fails("proj remove-source shop $REPO", "1 applications source became invalid"),
            fails(
                "proj remove-destination shop https://kubernetes.default.svc default",
                "1 applications destination became invalid",
            ),
            fails("proj delete shop", "project is referenced by 1 applications"),
            fails("proj delete default", "name 'default' is reserved and cannot be deleted"),
            ok("app delete a -y --wait", "deleted"),
            ok("proj delete shop", ""),
            fails("proj get shop", "not found"),
            ok("proj list -o name", "default"),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_have_policies_and_tokens() {
    let Some(stand) = Stand::start().await else { return };
    stand.login().await;
    let place = "--repo $REPO --revision main --path app --dest-server https://kubernetes.default.svc --dest-namespace default";
    stand
        .types(&[
            ok("proj create shop --src * --dest *,*", ""),
            ok("proj role create shop ci", "Role 'ci' created"),
            ok("proj role create shop ci", "already exists"),
            ok("proj role add-policy shop ci --action get --permission allow --object *", ""),
            ok("proj role add-policy shop ci --action sync --permission allow --object *", ""),
            ok("proj role get shop ci", "p, proj:shop:ci, applications, sync, shop/*, allow"),
            ok("proj role remove-policy shop ci --action sync --permission allow --object *", ""),
            ok("proj role add-group shop ci org:devs", "added to role"),
            ok("proj role remove-group shop ci org:devs", "removed from role"),
            ok("proj role list shop", "ci"),
            ok("proj role list-tokens shop ci", "No tokens for shop.ci"),
            ok(
                "proj role create-token shop ci --id first --expires-in 1h",
                "Create token succeeded for proj:shop:ci",
            ),
            fails("proj role create-token shop ci --id first", "Token id 'first' has been used"),
            fails("proj role create-token shop none", "does not have role 'none'"),
            ok("proj role list-tokens shop ci", "first"),
            ok(&format!("app create a --project shop {place}"), "created"),
            ok(&format!("app create b --project default {place}"), "created"),
        ])
        .await;
    let (code, token) = stand.argocd("proj role create-token shop ci --token-only").await.unwrap();
    assert_eq!(code, 0, "{token}");
    let with = |line: &str| format!("{line} --auth-token {}", token.trim());
    stand
        .types(&[
            ok(&with("app list -o name"), "argocd/a"),
            ok(&with("account get-user-info"), "Username: proj:shop:ci"),
            ok(&with("proj get shop"), "Name:                        shop"),
            fails(&with("proj get default"), "permission denied: projects, get, default"),
            fails(&with("app get b"), "permission denied"),
            fails(&with("app sync a"), "permission denied"),
            fails(&with("proj role create-token shop ci"), "permission denied: projects, update, shop"),
            fails(&with("proj delete shop"), "permission denied: projects, delete, shop"),
            fails(&with("proj create other"), "permission denied: projects, create, other"),
        ])
        .await;
    let (_, listed) = stand.argocd(&with("app list -o name")).await.unwrap();
    assert!(!listed.contains("argocd/b"), "{listed}");
    let path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/shop";
    let project = stand.api.get(path).await.unwrap().unwrap();
    let in_spec = project.pointer("/spec/roles/0/jwtTokens").cloned().unwrap_or_default();
    let in_status = project.pointer("/status/jwtTokensByRole/ci/items").cloned().unwrap_or_default();
    assert_eq!(in_spec, in_status, "tokens are on record where the peer has them");
    let made = |token: &Value| (token["id"] != json!("first")).then(|| token["iat"].as_i64()).flatten();
    let made = in_spec.as_array().unwrap().iter().find_map(made).unwrap();
    stand
        .types(&[
            ok(&format!("proj role delete-token shop ci {made}"), ""),
            fails(&with("app list"), "invalid session"),
            ok("proj role delete shop ci", "Role 'ci' deleted"),
        ])
        .await;
}
