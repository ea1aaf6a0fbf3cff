//! `argocd cluster …`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use e2e::{Api, make_tokens};
use kubesim::KubeSim;
use serde_json::{Value, json};

use crate::stand::{Row, Stand};

fn ok(line: &str, printed: &'static str) -> Row {
    (line.to_owned(), 0, printed)
}

fn fails(line: &str, printed: &'static str) -> Row {
    (line.to_owned(), 20, printed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clusters_are_added_changed_and_removed() {
    let Some(stand) = Stand::start().await else { return };
    stand.login().await;
    let sim = KubeSim::new(kubesim::Options::default());
    let serving = sim.serve_https(([127, 0, 0, 1], 0).into()).await.unwrap();
    let tokens = tokio::spawn(make_tokens(sim.clone()));
    let server = format!("https://{}", serving.addr);
    let kubeconfig = stand.home.path().join("kubeconfig");
    std::fs::write(&kubeconfig, serving.kubeconfig()).unwrap();
    let add = format!("cluster add kubesim --kubeconfig {} --name far -y", kubeconfig.display());
    let path = "--repo $REPO --revision main --path app --dest-name far --dest-namespace default";
    stand
        .types(&[
            ok(&format!("{add} --label env=prod"), "added"),
            ok(&format!("{add} --label env=prod"), "added"),
            fails(&format!("{add} --label env=test"), "existing cluster spec is different"),
            ok(&format!("{add} --label env=test --upsert"), "added"),
            ok("cluster list", "far"),
            ok("cluster get far", "env: test"),
            ok("cluster list -o json", "\"env\": \"test\""),
            ok("cluster set far --name further", "Cluster 'far' updated."),
            ok("cluster set further --name far --namespace default", "updated"),
            ok("cluster get far -o json", "\"namespaces\""),
            ok(&format!("app create a {path}"), "created"),
            ok("cluster get far -o json", "\"applicationsCount\": 1"),
        ])
        .await;
    let secret = secret_of(&stand, &serving.addr.to_string()).await;
    let data = |key: &str| {
        let text = secret["data"][key].as_str().map(|text| BASE64_STANDARD.decode(text).unwrap());
        text.map(|text| String::from_utf8(text).unwrap()).unwrap_or_default()
    };
    assert_eq!(
        (data("server"), data("name"), data("namespaces")),
        (server.clone(), "far".into(), "default".into())
    );
    assert_eq!(
        secret["metadata"]["labels"],
        json!({"argocd.argoproj.io/secret-type": "cluster", "env": "test"})
    );
    assert_eq!(secret["metadata"]["annotations"]["managed-by"], "argocd.argoproj.io");
    let before: Value = serde_json::from_str(&data("config")).unwrap();
    let token = before["bearerToken"].as_str().unwrap();
    for line in ["cluster list -o json", "cluster get far -o json"] {
        let (_, text) = stand.argocd(line).await.unwrap();
        assert!(!text.contains(token), "{line}: {text}");
    }
    stand.types(&[ok("cluster rotate-auth far", "rotated auth")]).await;
    let secret = secret_of(&stand, &serving.addr.to_string()).await;
    let after = BASE64_STANDARD.decode(secret["data"]["config"].as_str().unwrap()).unwrap();
    let after: Value = serde_json::from_slice(&after).unwrap();
    assert_ne!(after["bearerToken"], before["bearerToken"]);
    let far = Api::new(sim.client());
    let old = "/api/v1/namespaces/kube-system/secrets/argocd-manager-long-lived-token";
    assert_eq!(far.get(old).await.unwrap(), None, "the old token is gone");
    stand
        .types(&[
            ok("app delete a -y", "deleted"),
            fails("cluster rotate-auth in-cluster", "does not use bearer token authentication"),
            fails("cluster rm in-cluster -y", "not found"),
            // What the client does next by itself needs a context of the cluster's name.
            fails("cluster rm far -y", "Cluster 'far' removed"),
            fails("cluster get far", "permission denied"),
        ])
        .await;
    tokens.abort();
    serving.shutdown().await;
    stand.types(&[fails(&format!("{add} --exec-command none"), "error getting server version")]).await;
}

/// The Secret of a cluster, by the name that the peer gives it.
async fn secret_of(stand: &Stand, address: &str) -> Value {
    let server = format!("https://{address}");
    let sum =
        server.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let path = format!("/api/v1/namespaces/argocd/secrets/cluster-127.0.0.1-{sum}");
    stand.api.get(&path).await.unwrap().expect("there is such a Secret")
}
