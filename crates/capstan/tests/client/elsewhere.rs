//! Lines that reach for more than the server: another cluster, an identity provider.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use e2e::{Api, Browser, make_tokens};
use kubesim::KubeSim;
use serde_json::{Value, json};
use testkit::IdentityProvider;

use crate::client::Client;
use crate::mask::masked;
use crate::pair::Pair;

/// What `cluster add` leaves on a cluster, as far as somebody wrote it.
async fn made(api: &Api) -> Vec<Value> {
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let mut found = Vec::new();
    for path in [
        "/api/v1/namespaces/kube-system/serviceaccounts/argocd-manager".to_owned(),
        "/api/v1/namespaces/kube-system/secrets/argocd-manager-long-lived-token".to_owned(),
        format!("{rbac}/clusterroles/argocd-manager-role"),
        format!("{rbac}/clusterrolebindings/argocd-manager-role-binding"),
        format!("{rbac}/namespaces/default/roles/argocd-manager-role"),
        format!("{rbac}/namespaces/default/rolebindings/argocd-manager-role-binding"),
    ] {
        let object = api.get(&path).await.unwrap().expect(&path);
        let metadata = ["name", "namespace", "annotations", "labels"].map(|field| &object["metadata"][field]);
        let fields = ["kind", "type", "rules", "subjects", "roleRef"].map(|field| &object[field]);
        found.push(json!([metadata, fields]));
    }
    found
}

/// The Secret of a client's cluster, decoded.
async fn kept(pair: &Pair, client: &Client) -> String {
    let secrets = pair.api.get("/api/v1/namespaces/argocd/secrets").await.unwrap().unwrap();
    let decoded = |secret: &Value, key: &str| {
        let bytes = BASE64_STANDARD.decode(secret["data"][key].as_str().unwrap_or_default()).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let mut secrets = secrets["items"].as_array().unwrap().iter();
    let secret = secrets.find(|secret| decoded(secret, "name") == client.name).unwrap();
    let mut config: Value = serde_json::from_str(&decoded(secret, "config")).unwrap();
    assert!(config["tlsClientConfig"]["caData"].take().is_string());
    assert!(config["bearerToken"].take().is_string());
    let data: Vec<String> = ["server", "namespaces", "clusterResources", "project", "shard"]
        .map(|key| decoded(secret, key))
        .into();
    let metadata = ["labels", "annotations"].map(|field| secret["metadata"][field].to_string());
    masked(&format!("{config} {data:?} {metadata:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clusters_are_added_as_by_the_official_client() {
    let Some(pair) = Pair::start().await else { return };
    pair.login().await;
    // Each has a cluster of its own.
    let sims = [(); 2].map(|()| KubeSim::new(kubesim::Options::default()));
    let mut running = Vec::new();
    for (client, sim) in [&pair.official, &pair.ours].into_iter().zip(&sims) {
        let serving = sim.serve_https(([127, 0, 0, 1], 0).into()).await.unwrap();
        std::fs::write(client.file("kubeconfig"), serving.kubeconfig()).unwrap();
        running.push((serving, tokio::spawn(make_tokens(sim.clone()))));
    }
    let add = "cluster add kubesim --kubeconfig kubeconfig --name $NAME";
    let with = |more: &str| format!("{add} {more}");
    let lines = [
        "cluster add --kubeconfig kubeconfig".to_owned(),
        "cluster add nowhere --kubeconfig kubeconfig".to_owned(),
        "cluster add kubesim --kubeconfig missing".to_owned(),
        with("--in-cluster --cluster-endpoint internal"),
        with("--proxy-url nonsense"),
        with("-y --label env=prod"),
        with("-y --label env=prod"),
        with("--label env=test"),
        with("--label env=test --annotation a=b --upsert"),
        "cluster get $NAME".to_owned(),
        "cluster get $NAME -o json".to_owned(),
        "cluster get $NAME -o wide".to_owned(),
        with("--service-account nobody --upsert"),
        with("--service-account nobody --system-namespace nowhere"),
        "cluster rotate-auth $NAME".to_owned(),
        with(
            "--namespace default --namespace kube-system --cluster-resources --shard 1 --project default --upsert",
        ),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    pair.alike(&lines).await;
    assert_eq!(made(&Api::new(sims[0].client())).await, made(&Api::new(sims[1].client())).await);
    assert_eq!(kept(&pair, &pair.official).await, kept(&pair, &pair.ours).await);
    let lines = [
        with("--aws-cluster-name eks --aws-role-arn arn:aws:iam::1:role/a --aws-profile p --upsert"),
        // Ours looks at labels before it makes anything on the cluster.
        with("--aws-cluster-name eks --label env"),
        with("--exec-command none --exec-command-args a --exec-command-env K=v --upsert"),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    pair.alike(&lines).await;
    for (serving, tokens) in running {
        tokens.abort();
        serving.shutdown().await;
    }
}

/// What a browser does with the address that a client prints.
async fn visit(user: &str, url: &str, port: u16) {
    let (mut browser, end) = (Browser::new(), format!("http://localhost:{port}"));
    let page = browser.open(url, &end).await;
    let page = browser.log_in(page, user, &end).await;
    browser.open(page.url.as_str(), "http://nowhere").await;
}

/// Comes back from the provider without a login.
async fn refuse(url: &str, port: u16) {
    let url = reqwest::Url::parse(url).unwrap();
    let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let query = format!("error=access_denied&error_description=no&state={state}");
    // The official client may end before it has answered.
    drop(reqwest::get(format!("http://localhost:{port}/auth/callback?{query}")).await);
}

/// When the session in a file of contexts ends.
fn ends(contexts: &str) -> SystemTime {
    let token = contexts.lines().find_map(|line| line.split_once("auth-token: ")).unwrap().1;
    let claims = token.split('.').nth(1).unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    UNIX_EPOCH + Duration::from_secs(claims["exp"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_in_a_browser_are_the_official_clients() {
    let Some(pair) = Pair::start().await else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = json!([{
        "client_id": "cli", "token_endpoint_auth_method": "none", "application_type": "native",
        "redirect_uris": [format!("http://localhost:{port}/auth/callback")], "grant_types": ["authorization_code", "refresh_token"],
    }]);
    let users = json!({
        "ann": {"email": "ann@example.com", "email_verified": true, "groups": ["dev"]}, "bob": {"groups": []},
    });
    let provider = tokio::task::spawn_blocking(move || IdentityProvider::start(&client, &users, 20));
    let Some(provider) = provider.await.unwrap().unwrap() else { return };
    let login = format!("login $SERVER --plaintext --sso --sso-launch-browser=false --sso-port {port}");
    pair.alike(&[&login]).await;
    let config = format!("name: Test\nissuer: {}\nclientID: argo\ncliClientID: cli\n", provider.issuer());
    let claims = "requestedIDTokenClaims: {groups: {essential: true}}\n";
    let own = format!("http://{}", pair.server);
    pair.set(json!({"url": own, "oidc.config": format!("{config}{claims}")})).await;
    testkit::eventually("the provider is configured", e2e::PATIENCE, || async {
        let settings = reqwest::get(format!("{own}/api/v1/settings")).await?.text().await?;
        Ok::<_, anyhow::Error>(settings.contains(&provider.issuer()))
    })
    .await;
    pair.browses_alike(&login, async |url| refuse(&url, port).await).await;
    for user in ["bob", "ann"] {
        pair.browses_alike(&login, async |url| visit(user, &url, port).await).await;
        pair.alike(&["account get-user-info", "account can-i get applications *", "context"]).await;
    }
    let file = |client: &Client| std::fs::read_to_string(client.file(".config/argocd/config")).unwrap();
    // The official client does not ask for consent, without which this provider gives no token for later.
    let (refresh, ours): (Vec<_>, Vec<_>) = {
        let text = file(&pair.ours);
        text.lines().map(str::to_owned).partition(|line| line.contains("refresh-token: "))
    };
    assert_eq!(refresh.len(), 1);
    assert_eq!(masked(file(&pair.official).trim_end()), masked(&ours.join("\n")), "the file of contexts");
    let relogin = format!("relogin --sso-launch-browser=false --sso-port {port}");
    pair.browses_alike(&relogin, async |url| visit("ann", &url, port).await).await;
    // Before its session is over, ours makes another one.
    let before = file(&pair.ours);
    let renewed = testkit::eventually_some("the session is made anew", e2e::PATIENCE, || async {
        assert!(pair.ours("account get-user-info").await.contains("Logged In: true"));
        Ok::<_, anyhow::Error>((file(&pair.ours) != before).then(SystemTime::now))
    });
    assert!(renewed.await < ends(&before), "nobody asks with one that may be over on its way");
    pair.alike(&["logout $SERVER", "account get-user-info"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forwarded_port_leads_to_the_server() {
    let Some(pair) = Pair::start().await else { return };
    let sim = pair.sim();
    let serving = sim.serve_https(([127, 0, 0, 1], 0).into()).await.unwrap();
    for client in [&pair.official, &pair.ours] {
        std::fs::create_dir(client.file(".kube")).unwrap();
        std::fs::write(client.file(".kube/config"), serving.kubeconfig()).unwrap();
    }
    let by = "--port-forward --port-forward-namespace argocd --plaintext";
    let login = format!("login {by} --username admin --password {}", pair.password().await);
    // Nobody is there to lead to.
    pair.alike(&[&format!("account list {by}"), &login, "account list --port-forward --server-name other"])
        .await;
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "server-0", "namespace": "argocd", "labels": {"app.kubernetes.io/name": "argocd-server"}},
        "spec": {"containers": [{"name": "server", "image": "capstan"}]},
    });
    pair.api.apply(&pod).await.unwrap();
    testkit::eventually("the pod is ready", e2e::PATIENCE, || async {
        let pod = pair.api.get("/api/v1/namespaces/argocd/pods/server-0").await?.unwrap_or_default();
        let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
        Ok::<_, anyhow::Error>(conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"))
    })
    .await;
    // Nothing listens in it.
    let ended = pair.ours.types(&login, "").await.unwrap();
    assert!(ended.code == 1 && ended.said.contains("connection refused"), "{ended:?}");
    sim.set_port("argocd", "server-0", 8080, pair.server);
    // What is done by it is what is done without: the official client speaks to the cluster in SPDY, which is not spoken here.
    let direct = format!("login $SERVER --plaintext --username admin --password {}", pair.password().await);
    assert!(pair.ours(&login).await.contains("Context 'port-forward' updated"));
    pair.official(&direct).await;
    for line in
        ["proj list", "account list", "app list", "account list --grpc-web", "proj get default -o json"]
    {
        let ours = pair.ours(&format!("{line} {by}")).await;
        assert_eq!(ours, pair.official(line).await, "{line}");
    }
    // Its token is for it alone.
    let elsewhere = format!("account list --plaintext --server {}", pair.server);
    let ended = pair.ours.types(&elsewhere, "").await.unwrap();
    assert!(ended.said.contains("no session information"), "{ended:?}");
    // By the kubeconfig's own namespace, in which there is no such pod; and by a context that there is not.
    for (line, why) in [
        ("account list --port-forward", "cannot find ready pod"),
        ("account list --port-forward --kube-context none", "none"),
    ] {
        let ended = pair.ours.types(line, "").await.unwrap();
        assert!(ended.code == 1 && ended.said.contains(why), "{line}: {ended:?}");
    }
    serving.shutdown().await;
}
