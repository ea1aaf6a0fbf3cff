//! Lines that people type.

use serde_json::json;

use crate::client::Client;
use crate::mask::masked;
use crate::pair::Pair;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_contexts_and_accounts_are_the_official_clients() {
    let Some(pair) = Pair::start().await else { return };
    pair.set(json!({"accounts.ci": "apiKey, login"})).await;
    let password = pair.password().await;
    pair.alike(&[
        "context",
        "logout nowhere",
        "relogin",
        "context somewhere --delete",
        "configure --prompts-enabled",
        "login $SERVER --plaintext --username admin --password wrong-password",
        "login $SERVER --plaintext --username admin --password -begins-as-a-flag",
        "login 127.0.0.1:1 --username admin --password x",
        "account list",
        "account list --server 127.0.0.1:1 --plaintext",
        "account list --server 127.0.0.1:1 --plaintext --grpc-web",
        "account list --server 127.0.0.1:1 --client-crt nothing",
        "account list --server 127.0.0.1:1 --server-crt nothing",
    ])
    .await;
    pair.answers_alike("login $SERVER --username admin --password x", "n\n").await;
    pair.answers_alike(&format!("login $SERVER --username admin --password {password}"), "y\n").await;
    pair.answers_alike("login $SERVER --plaintext --username admin", &format!("{password}\n")).await;
    pair.alike(&[
        &format!("login $SERVER --plaintext --name other --grpc-web --username admin --password {password}"),
        "context",
        "context $SERVER",
        "context $SERVER",
        "context -",
        "context nowhere",
        "logout nowhere",
        "relogin --password wrong",
        &format!("relogin --password {password}"),
        "account list",
        "account list -o json",
        "account list -o yaml",
        "account list -o name",
        "account list -o toml",
        "account get",
        "account get --account ci -o yaml",
        "account get --account nobody",
        "account get-user-info",
        "account get-user-info -o json",
        "account get-user-info -o yaml",
        "account whoami -o toml",
        "account can-i sync applications *",
        "account can-i sync nothing *",
        "account generate-token --account ci --expires-in 1h",
        "account generate-token --account ci --expires-in never",
        "account get --account ci",
        "account get --account ci -o json",
        "account delete-token --account ci two",
        "account bcrypt --password secret",
        "account update-password --current-password wrong --new-password another-password",
        "account update-password --account ci --current-password wrong --new-password another-password",
        "version -o toml",
    ])
    .await;
    pair.official("account generate-token --account ci --id one").await;
    pair.ours("account delete-token --account ci one").await;
    pair.alike(&[
        "account get --account ci",
        "account get-user-info --server $SERVER --plaintext --grpc-web",
    ])
    .await;
    let shared = |client: &Client| std::fs::read_to_string(client.file(".config/argocd/config")).unwrap();
    assert_eq!(masked(&shared(&pair.official)), masked(&shared(&pair.ours)), "the file of contexts");
    // Each goes on with what the other one wrote.
    for (from, to) in [(&pair.ours, &pair.official), (&pair.official, &pair.ours)] {
        let text = std::fs::read(from.file(".config/argocd/config")).unwrap();
        std::fs::write(to.file(".config/argocd/config"), text).unwrap();
        pair.alike(&["context", "account get-user-info"]).await;
    }
    pair.alike(&[
        "context other --delete",
        "context",
        "logout $SERVER",
        "account list",
        "context $SERVER --delete",
        "context",
    ])
    .await;
    assert!(!pair.ours.file(".config/argocd/config").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projects_are_the_official_clients() {
    let Some(pair) = Pair::start().await else { return };
    pair.login().await;
    // What both may do one after the other: the second finds what the first has made.
    pair.alike(&[
        "proj list",
        "proj list -o name",
        "proj list -o json",
        "proj list -o yaml",
        "proj get default",
        "proj get default -o json",
        "proj get default -o yaml",
        "proj get nothing",
        "proj get default -o toml",
        "proj create shop --description first --src $REPO --dest https://kubernetes.default.svc,*",
        "proj create shop --description other",
        "proj create shop --description other --src $REPO --upsert --dest https://kubernetes.default.svc,*",
        "proj create Shop",
        "proj create shop --dest nowhere",
        "proj set shop --description second --allow-cluster-resource rbac.authorization.k8s.io/ClusterRole",
        "proj set shop --signature-keys short",
        "proj delete default",
        "proj remove-source shop https://git.example/none.git",
        "proj remove-destination shop https://other.example default",
        "proj remove-signature-key shop 4AEE18F83AFDEB23",
        "proj add-signature-key shop short",
        "proj remove-orphaned-ignore shop apps Deployment",
        "proj remove-source-namespace shop nowhere",
        "proj role get shop nobody",
        "proj role delete shop nobody",
        "proj role list-tokens shop nobody",
        "proj windows delete shop 4",
        "proj windows add shop -k allow --schedule never --duration 1h --applications *",
        "proj windows add shop -k maybe --schedule *␣*␣*␣*␣* --duration 1h --applications *",
        "proj windows list shop",
        "proj role list shop",
    ])
    .await;
    // What only one of them can do, by turns; both see the same of it.
    let looks = [
        "proj get shop",
        "proj list",
        "proj role list shop",
        "proj windows list shop",
        "proj get shop -o json",
    ];
    for (n, line) in [
        "proj add-source shop https://git.example/a.git",
        "proj add-source-namespace shop team-a",
        "proj add-destination shop https://kubernetes.default.svc default",
        "proj add-destination shop in-cluster extra --name",
        "proj add-destination-service-account shop https://kubernetes.default.svc default deployer",
        "proj add-signature-key shop 4AEE18F83AFDEB23",
        "proj add-orphaned-ignore shop apps Deployment --name x",
        "proj allow-cluster-resource shop apiextensions.k8s.io CustomResourceDefinition",
        "proj deny-namespace-resource shop core Secret",
        "proj windows add shop -k allow --schedule *␣*␣*␣*␣* --duration 1h --applications a,b --description why",
        "proj windows update shop 0 --duration 2h",
        "proj windows enable-manual-sync shop 0",
        "proj role create shop ci --description builds",
        "proj role add-policy shop ci --action get --object *",
        "proj role add-group shop ci org:devs",
    ]
    .into_iter()
    .enumerate()
    {
        if n % 2 == 0 { pair.ours(line).await } else { pair.official(line).await };
        pair.alike(&looks).await;
    }
    pair.alike(&[
        "proj add-source shop https://git.example/a.git",
        "proj add-source-namespace shop team-a",
        "proj add-destination shop https://kubernetes.default.svc default",
        "proj add-signature-key shop 4AEE18F83AFDEB23",
        "proj add-orphaned-ignore shop apps Deployment --name x",
        "proj allow-cluster-resource shop apiextensions.k8s.io CustomResourceDefinition",
        "proj role create shop ci",
        "proj role add-group shop ci org:devs",
        "proj role get shop ci",
        "proj role create-token shop ci --expires-in 1h",
        "proj role create-token shop ci --token-only",
        "proj role list-tokens shop ci",
        "proj role get shop ci",
        "proj windows list shop -o json",
        "proj role list shop -o yaml",
    ])
    .await;
    // In an editor: one that is not there, that fails, that changes nothing, and that needs three attempts.
    pair.alike(&["proj edit shop", "proj edit nothing"]).await;
    for script in ["exit 3", "true", ": > $1", EDIT] {
        pair.official.edits_by(script).unwrap();
        pair.ours.edits_by(script).unwrap();
        pair.alike(&["proj edit shop", "proj edit nothing"]).await;
    }
    assert!(pair.ours("proj get shop -o yaml").await.contains("description: HOME"), "ours was the last");
    pair.ours("proj set shop --description second").await;
    let told = std::fs::read_to_string(pair.ours.file("told")).unwrap();
    for reason in ["this is no specification of a project", "description", "already added"] {
        assert!(told.contains(reason), "{reason}: {told}");
    }
    for line in ["proj role remove-group shop ci org:devs", "proj windows delete shop 0", "proj delete shop"]
    {
        pair.ours(line).await;
        pair.alike(&["proj list"]).await;
    }
}

/// An editor's work: no YAML, then a field that is none, then what the server refuses, then what can be used. What it is told is kept.
const EDIT: &str = r#"
grep '^# ' $1 >> told; n=$(cat rounds 2>/dev/null | wc -l); echo >> rounds
case $n in
0) echo 'signatureKeys: [' >> $1 ;;
1) sed -i '/^signatureKeys: .$/d; s/^description: .*/description: [x]/' $1 ;;
2) sed -i 's/^description: .*/description: second/; s/^destinations:/&\n- {server: twice, namespace: x}\n- {server: twice, namespace: x}/' $1 ;;
*) sed -i "/twice/d; s|^description: .*|description: $PWD|" $1 ;;
esac"#;

const HOSTS: &str = "github.com,gitlab.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repositories_clusters_and_trust_are_the_official_clients() {
    let Some(pair) = Pair::start().await else { return };
    pair.login().await;
    for client in [&pair.official, &pair.ours] {
        std::fs::write(client.file("hosts"), HOSTS).unwrap();
        std::fs::write(client.file("nothing"), "nothing\n").unwrap();
    }
    pair.alike(&[
        "repo list",
        "repo list -o url",
        "repo list -o json",
        "repo list -o toml",
        "repo list --refresh soft",
        "repo get https://git.example/none.git",
        "repo add $REPO",
        "repo get $REPO",
        "repo get $REPO -o yaml",
        "repo add https://charts.example --type helm",
        "repo add https://git.example/a --ssh-private-key-path nothing",
        "repo add https://git.example/a --tls-client-cert-path nothing",
        "repo add git@git.example:a --tls-client-cert-path nothing --tls-client-cert-key-path nothing",
        "repo add https://git.example/a --bearer-token x --password y",
        "repo add oci://git.example/a --type oci --bearer-token x",
        "repocreds list",
        "repocreds add https://git.example/team --username me --password secret",
        "repocreds add https://git.example/team --username other --password secret",
        "repocreds add https://git.example/team --username other --password secret --upsert",
        "repocreds list",
        "repocreds list -o url",
        "repocreds list -o json",
        "repocreds rm https://git.example/none",
        "cert add-ssh",
        "cert add-ssh --batch --from nothing",
        "cert add-tls git.example --from nothing",
        "cert add-tls git.example --from missing",
        "cert list --cert-type other",
        "cert list",
        "cert rm *",
        "cert rm none.example",
        "gpg list",
        "gpg list -o json",
        "gpg get 4AEE18F83AFDEB23",
        "gpg add",
        "gpg add --from missing",
        "gpg add --from nothing",
        "cluster list",
        "cluster list -o json",
        "cluster list -o yaml",
        "cluster list -o server",
        "cluster get in-cluster",
        "cluster get in-cluster -o wide",
        "cluster get https://kubernetes.default.svc -o json",
        "cluster get nothing",
        "cluster set nothing --name other",
        "cluster set in-cluster",
        "cluster rotate-auth in-cluster",
        "cluster rm nothing -y",
    ])
    .await;
    pair.answers_alike("cluster rm nothing", "n\n").await;
    pair.answers_alike("repocreds add https://git.example/asked --username me", "secret\n").await;
    pair.ours("cert add-ssh --batch --from hosts").await;
    pair.alike(&[
        "cert list",
        "cert list -o json",
        "cert add-ssh --batch --from hosts",
        "cert rm gitlab.com --cert-type https",
    ])
    .await;
    pair.ours("cert rm github.com").await;
    pair.ours("repo rm $REPO").await;
    pair.official("repocreds rm https://git.example/team").await;
    pair.alike(&["cert list", "repo list", "repocreds list"]).await;
}
