//! `app`, every word of it.

use crate::pair::As::{Is, Sorted};
use crate::pair::{As, Pair};

const CREATE: &str = "app create $NAME --repo $REPO --path apps/backend-api/base --dest-server https://kubernetes.default.svc --dest-namespace $NAME";

/// What is typed, in this order, into both.
const LINES: &[(As, &str)] = &[
    // Nothing there yet.
    (Is, "app get $NAME"),
    (Is, "app history $NAME"),
    (Is, "app wait $NAME --timeout 1"),
    (Is, "app sync $NAME"),
    (Is, "app delete $NAME -y"),
    (Is, "app set $NAME --path x"),
    (Is, "app diff $NAME"),
    (Is, "app manifests $NAME"),
    (Is, "app resources $NAME"),
    (Is, "app logs $NAME"),
    (Is, "app terminate-op $NAME"),
    (Is, "app confirm-deletion $NAME"),
    (Is, "app list -p none"),
    (Is, "app list -p none -o json"),
    (Is, "app list -o wrong"),
    // It is made, and looked at.
    (Is, "$CREATE --path elsewhere --upsert"),
    (Is, "$CREATE --sync-option CreateNamespace=true --label tier=web"),
    (Is, "$CREATE --sync-option CreateNamespace=true --label tier=web"),
    (Is, "$CREATE --revision-history-limit 3"),
    (Is, "$CREATE --sync-option CreateNamespace=true --label tier=web --revision-history-limit 3 --upsert"),
    (Is, "app get $NAME --refresh"),
    (Is, "app get $NAME --hard-refresh --show-operation"),
    (Is, "app get $NAME --show-params"),
    (Is, "app get $NAME -o json"),
    (Is, "app get $NAME -o yaml"),
    (Is, "app get argocd/$NAME"),
    (Is, "app list -l tier=web,name=$NAME"),
    (Is, "app manifests $NAME"),
    (Is, "app manifests $NAME --revision HEAD"),
    (Is, "app manifests $NAME --source live"),
    (Is, "app diff $NAME"),
    (Is, "app diff $NAME --exit-code=false"),
    (Sorted, "app diff $NAME --revision HEAD --diff-exit-code 7"),
    (Is, "app history $NAME"),
    (Is, "app rollback $NAME"),
    (Is, "app wait $NAME --sync --timeout 1"),
    (Is, "app wait $NAME --hydrated --timeout 1"),
    (Is, "app wait -l none=such"),
    // It is synced.
    (Is, "app sync $NAME --dry-run"),
    (Is, "app sync $NAME --resource apps:Deployment:none"),
    (Is, "app sync $NAME --label none=such"),
    (Is, "app sync -l none=such"),
    (Is, "app sync $NAME --revision HEAD --preview-changes --assumeYes --timeout 60"),
    (Is, "app wait $NAME --health --timeout 60"),
    (Is, "app wait $NAME --timeout 60"),
    (Is, "app sync $NAME --preview-changes"),
    (
        Is,
        "app sync $NAME --resource :Service:backend-api --server-side --apply-out-of-sync-only --timeout 60",
    ),
    (Is, "app sync $NAME --async --retry-limit 2 --info a=b"),
    (Is, "app wait $NAME --operation --timeout 60 -o json"),
    (Is, "app sync $NAME --prune --force --timeout 60 -o yaml"),
    (Is, "app diff $NAME"),
    (Is, "app get $NAME"),
    (Sorted, "app get $NAME -o tree"),
    (Sorted, "app get $NAME -o tree=detailed"),
    (Is, "app resources $NAME"),
    (Sorted, "app resources $NAME --output tree=detailed"),
    (Is, "app history $NAME"),
    (Is, "app history $NAME -o id"),
    (Is, "app rollback $NAME 99"),
    (Is, "app rollback $NAME --timeout 60"),
    (Is, "app rollback $NAME 2 --prune --timeout 60 -o json"),
    (Is, "app terminate-op $NAME"),
    // Its objects.
    (Is, "app actions list $NAME"),
    (Is, "app actions list $NAME --kind Deployment -o json"),
    (Is, "app actions list $NAME --kind Deployment -o yaml"),
    (Is, "app actions list $NAME --kind None"),
    (Is, "app actions run $NAME restart --kind Deployment"),
    (Is, "app actions run $NAME explode --kind Deployment"),
    (Sorted, "app get-resource $NAME --kind Service --resource-name backend-api"),
    (Sorted, "app get-resource $NAME --kind Service --filter-fields spec.type,metadata.namespace"),
    (Is, "app get-resource $NAME --kind None"),
    (
        Is,
        r#"app patch-resource $NAME --kind Service --resource-name backend-api --patch {"metadata":{"labels":{"a":"b"}}}"#,
    ),
    (Is, "app patch-resource $NAME --kind Service --patch {} --patch-type wrong"),
    (Is, "app delete-resource $NAME --kind None"),
    (Is, "app delete-resource $NAME --kind Service --resource-name backend-api"),
    (Is, "app logs $NAME --kind Deployment --tail 3 --filter none-such"),
    (Is, "app logs $NAME --container none"),
    // Its specification.
    (Is, "app set $NAME --sync-option ApplyOutOfSyncOnly=true --sync-policy none"),
    (Is, "app set $NAME --path elsewhere"),
    (Is, "app edit $NAME"),
    (Is, "app get $NAME -o yaml"),
    (Is, "app edit $NAME"),
    (Is, "app set $NAME --self-heal"),
    (Is, r#"app patch $NAME --type merge --patch {"spec":{"info":[{"name":"a","value":"b"}]}}"#),
    (Is, r#"app patch $NAME --patch [{"op":"remove","path":"/spec/info"}]"#),
    (Is, "app patch $NAME --patch {"),
    (Is, "app patch $NAME --patch {} --type wrong"),
    (Is, "app set $NAME --validate=false --nameprefix a- --kustomize-image web=web:2"),
    (Is, "app unset $NAME --nameprefix"),
    (Is, "app unset $NAME --kustomize-image web"),
    (Is, "app unset $NAME --namesuffix"),
    (Is, "app get $NAME --refresh -o yaml"),
    (Is, "app add-source $NAME --repo $REPO --path apps/frontend"),
    (Is, "app remove-source $NAME --source-position 1"),
    (Is, "app remove-source $NAME --source-position 0"),
    (
        Is,
        r#"app patch $NAME --type merge --patch {"spec":{"source":null,"sources":[{"repoURL":"$REPO","path":"apps/backend-api/base"},{"repoURL":"$REPO","path":"apps/frontend"}]}}"#,
    ),
    (Is, "app add-source $NAME --repo $REPO --path apps/my-app --source-name third"),
    (Is, "app remove-source $NAME --source-position 7"),
    (Is, "app remove-source $NAME --source-name third"),
    (Is, "app set $NAME --path x"),
    (Is, "app set $NAME --source-position 2 --revision HEAD"),
    (Is, "app get $NAME --show-params"),
    (Is, "app get $NAME --refresh"),
    (Is, "app sync $NAME --revision HEAD"),
    (Is, "app sync $NAME --revisions HEAD"),
    (Is, "app confirm-deletion $NAME"),
    // It goes.
    (Is, "app delete $NAME --cascade=false --propagation-policy background -y"),
    (Is, "app delete $NAME -y --wait"),
    (Is, "app get $NAME"),
    // What the server does not have yet.
    (Is, "appset list"),
    (Is, "appset get a"),
    (Is, "appset delete a -y"),
];

/// Lines for somebody who may do nothing.
const DENIED: &[&str] = &[
    "app list",
    "app get $NAME",
    "$CREATE",
    "app sync $NAME",
    "app set $NAME --path x",
    "app delete $NAME -y",
    "app actions list $NAME",
    "app get-resource $NAME --kind Pod",
    "app logs $NAME",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_printed_is_what_the_peers_client_prints() {
    let Some(pair) = Pair::playground().await else { return };
    pair.login().await;
    for client in [&pair.official, &pair.ours] {
        client.edits_by("sed -i 's/^revisionHistoryLimit: .*/revisionHistoryLimit: 4/' $1").unwrap();
    }
    let stranger = pair.stranger().await;
    let whole = |line: &str| line.replace("$CREATE", CREATE);
    let lines = LINES.iter().map(|(how, line)| (*how, whole(line)));
    let denied = DENIED.iter().map(|line| (Is, format!("{} --auth-token {stranger}", whole(line))));
    let lines: Vec<(As, String)> = lines.chain(denied).collect();
    let lines: Vec<(As, &str)> = lines.iter().map(|(how, line)| (*how, line.as_str())).collect();
    pair.all_alike(&lines).await;
}
