//! `app`, every word of it.

use crate::bench::{Bench, masked};

/// How the answers of a line are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    /// Line by line, in the same order.
    Is,
    /// The peer's order is that of a hash table.
    Sorted,
}
use As::{Is, Sorted};

/// Applications of the two clients: names of one length, so that tables are as wide.
const NAMES: [&str; 2] = ["app-theirs", "app-ours-x"];

const CREATE: &str = "app create $APP --repo $REPO --path apps/backend-api/base --dest-server https://kubernetes.default.svc --dest-namespace $APP";

/// What is typed, in this order, into both.
const LINES: &[(As, &str)] = &[
    // Nothing there yet.
    (Is, "app get $APP"),
    (Is, "app history $APP"),
    (Is, "app wait $APP --timeout 1"),
    (Is, "app sync $APP"),
    (Is, "app delete $APP -y"),
    (Is, "app set $APP --path x"),
    (Is, "app diff $APP"),
    (Is, "app manifests $APP"),
    (Is, "app resources $APP"),
    (Is, "app logs $APP"),
    (Is, "app terminate-op $APP"),
    (Is, "app confirm-deletion $APP"),
    (Is, "app list -p none"),
    (Is, "app list -p none -o json"),
    (Is, "app list -o wrong"),
    // It is made, and looked at.
    (Is, "$CREATE --path elsewhere --upsert"),
    (Is, "$CREATE --sync-option CreateNamespace=true --label tier=web"),
    (Is, "$CREATE --sync-option CreateNamespace=true --label tier=web"),
    (Is, "$CREATE --revision-history-limit 3"),
    (Is, "$CREATE --sync-option CreateNamespace=true --label tier=web --revision-history-limit 3 --upsert"),
    (Is, "app get $APP --refresh"),
    (Is, "app get $APP --hard-refresh --show-operation"),
    (Is, "app get $APP --show-params"),
    (Is, "app get $APP -o json"),
    (Is, "app get $APP -o yaml"),
    (Is, "app get argocd/$APP"),
    (Is, "app list -l tier=web,name=$APP"),
    (Is, "app manifests $APP"),
    (Is, "app manifests $APP --revision HEAD"),
    (Is, "app manifests $APP --source live"),
    (Is, "app diff $APP"),
    (Is, "app diff $APP --exit-code=false"),
    (Sorted, "app diff $APP --revision HEAD --diff-exit-code 7"),
    (Is, "app history $APP"),
    (Is, "app rollback $APP"),
    (Is, "app wait $APP --sync --timeout 1"),
    (Is, "app wait $APP --hydrated --timeout 1"),
    (Is, "app wait -l none=such"),
    // It is synced.
    (Is, "app sync $APP --dry-run"),
    (Is, "app sync $APP --resource apps:Deployment:none"),
    (Is, "app sync $APP --label none=such"),
    (Is, "app sync -l none=such"),
    (Is, "app sync $APP --revision HEAD --preview-changes --assumeYes --timeout 60"),
    (Is, "app wait $APP --health --timeout 60"),
    (Is, "app wait $APP --timeout 60"),
    (Is, "app sync $APP --preview-changes"),
    (Is, "app sync $APP --resource :Service:backend-api --server-side --apply-out-of-sync-only --timeout 60"),
    (Is, "app sync $APP --async --retry-limit 2 --info a=b"),
    (Is, "app wait $APP --operation --timeout 60 -o json"),
    (Is, "app sync $APP --prune --force --timeout 60 -o yaml"),
    (Is, "app diff $APP"),
    (Is, "app get $APP"),
    (Sorted, "app get $APP -o tree"),
    (Sorted, "app get $APP -o tree=detailed"),
    (Is, "app resources $APP"),
    (Sorted, "app resources $APP --output tree=detailed"),
    (Is, "app history $APP"),
    (Is, "app history $APP -o id"),
    (Is, "app rollback $APP 99"),
    (Is, "app rollback $APP --timeout 60"),
    (Is, "app rollback $APP 2 --prune --timeout 60 -o json"),
    (Is, "app terminate-op $APP"),
    // Its objects.
    (Is, "app actions list $APP"),
    (Is, "app actions list $APP --kind Deployment -o json"),
    (Is, "app actions list $APP --kind Deployment -o yaml"),
    (Is, "app actions list $APP --kind None"),
    (Is, "app actions run $APP restart --kind Deployment"),
    (Is, "app actions run $APP explode --kind Deployment"),
    (Sorted, "app get-resource $APP --kind Service --resource-name backend-api"),
    (Sorted, "app get-resource $APP --kind Service --filter-fields spec.type,metadata.namespace"),
    (Is, "app get-resource $APP --kind None"),
    (
        Is,
        r#"app patch-resource $APP --kind Service --resource-name backend-api --patch {"metadata":{"labels":{"a":"b"}}}"#,
    ),
    (Is, "app patch-resource $APP --kind Service --patch {} --patch-type wrong"),
    (Is, "app delete-resource $APP --kind None"),
    (Is, "app delete-resource $APP --kind Service --resource-name backend-api"),
    (Is, "app logs $APP --kind Deployment --tail 3 --filter none-such"),
    (Is, "app logs $APP --container none"),
    // Its specification.
    (Is, "app set $APP --sync-option ApplyOutOfSyncOnly=true --sync-policy none"),
    (Is, "app set $APP --path elsewhere"),
    (Is, "app set $APP --self-heal"),
    (Is, r#"app patch $APP --type merge --patch {"spec":{"info":[{"name":"a","value":"b"}]}}"#),
    (Is, r#"app patch $APP --patch [{"op":"remove","path":"/spec/info"}]"#),
    (Is, "app patch $APP --patch {"),
    (Is, "app patch $APP --patch {} --type wrong"),
    (Is, "app set $APP --validate=false --nameprefix a- --kustomize-image web=web:2"),
    (Is, "app unset $APP --nameprefix"),
    (Is, "app unset $APP --kustomize-image web"),
    (Is, "app unset $APP --namesuffix"),
    (Is, "app get $APP --refresh -o yaml"),
    (Is, "app add-source $APP --repo $REPO --path apps/frontend"),
    (Is, "app remove-source $APP --source-position 1"),
    (Is, "app remove-source $APP --source-position 0"),
    (
        Is,
        r#"app patch $APP --type merge --patch {"spec":{"source":null,"sources":[{"repoURL":"$REPO","path":"apps/backend-api/base"},{"repoURL":"$REPO","path":"apps/frontend"}]}}"#,
    ),
    (Is, "app add-source $APP --repo $REPO --path apps/my-app --source-name third"),
    (Is, "app remove-source $APP --source-position 7"),
    (Is, "app remove-source $APP --source-name third"),
    (Is, "app set $APP --path x"),
    (Is, "app set $APP --source-position 2 --revision HEAD"),
    (Is, "app get $APP --show-params"),
    (Is, "app get $APP --refresh"),
    (Is, "app sync $APP --revision HEAD"),
    (Is, "app sync $APP --revisions HEAD"),
    (Is, "app confirm-deletion $APP"),
    // It goes.
    (Is, "app delete $APP --cascade=false --propagation-policy background -y"),
    (Is, "app delete $APP -y --wait"),
    (Is, "app get $APP"),
    // What the server does not have yet.
    (Is, "appset list"),
    (Is, "appset get a"),
    (Is, "appset delete a -y"),
];

/// Lines for somebody who may do nothing.
const DENIED: &[&str] = &[
    "app list",
    "app get $APP",
    "$CREATE",
    "app sync $APP",
    "app set $APP --path x",
    "app delete $APP -y",
    "app actions list $APP",
    "app get-resource $APP --kind Pod",
    "app logs $APP",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_printed_is_what_the_peers_client_prints() {
    let Some(bench) = Bench::start().await else { return };
    let stranger = bench.stranger().await;
    let mut wrong = Vec::new();
    let lines = LINES.iter().map(|(how, line)| (*how, *line, None));
    let denied = DENIED.iter().map(|line| (Is, *line, Some(stranger.as_str())));
    for (how, line, token) in lines.chain(denied) {
        let mut answers = Vec::new();
        for (name, official) in NAMES.into_iter().zip([true, false]) {
            let line =
                line.replace("$CREATE", CREATE).replace("$APP", name).replace("$REPO", &bench.repository);
            let done = bench.types(official, &line, token).await;
            let mut out = masked(&done.out, name);
            match how {
                Is => {}
                Sorted => {
                    let mut lines: Vec<&str> = out.lines().map(str::trim_end).collect();
                    lines.sort_unstable();
                    out = lines.join("\n");
                }
            }
            answers.push(((done.code, out), done.err));
        }
        let [(theirs, their_err), (ours, our_err)] = &answers[..] else { unreachable!("two clients") };
        if theirs != ours {
            let diff = similar::TextDiff::from_lines(&theirs.1, &ours.1);
            let diff = diff.unified_diff().context_radius(2).to_string();
            wrong.push(format!(
                "{line}\n  codes {} and {}\n{diff}theirs said: {their_err}ours said: {our_err}",
                theirs.0, ours.0
            ));
        }
    }
    assert!(wrong.is_empty(), "{} lines differ:\n{}", wrong.len(), wrong.join("\n"));
}
