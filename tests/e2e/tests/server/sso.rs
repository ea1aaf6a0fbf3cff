//! Single sign-on by a real identity provider: in a browser, by tokens, and with the official client.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use e2e::{Browser, Page};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use testkit::IdentityProvider;

use crate::stand::Stand;

const CONFIG: &str = "/api/v1/namespaces/argocd/configmaps/argocd-cm";
const RBAC: &str = "/api/v1/namespaces/argocd/configmaps/argocd-rbac-cm";
const SECRET: &str = "/api/v1/namespaces/argocd/secrets/argocd-secret";

/// An installation with an identity provider.
struct Sso {
    stand: Stand,
    provider: IdentityProvider,
    /// Where the server is.
    own: String,
    /// Where the official client waits for its code.
    port: u16,
}

impl Sso {
    /// `more` is put into `oidc.config`; tokens last so many seconds.
    async fn begin(more: &str, seconds: u64) -> Option<Self> {
        let stand = Stand::begin().await.unwrap();
        let own = format!("http://{}", stand.server.address());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let grants = json!(["authorization_code", "refresh_token"]);
        let cli = format!("http://localhost:{port}/auth/callback");
        let clients = json!([
            {"client_id": "argo", "client_secret": "hush:100%", "redirect_uris": [format!("{own}/auth/callback")], "grant_types": grants},
            {"client_id": "argo-cli", "token_endpoint_auth_method": "none", "application_type": "native", "redirect_uris": [cli],
             "grant_types": grants, "id_token_signed_response_alg": "ES256"},
            {"client_id": "other", "client_secret": "other", "redirect_uris": ["http://127.0.0.1:9/callback"]},
            {"client_id": "shared", "client_secret": "0123456789abcdef0123456789abcdef", "redirect_uris": ["http://127.0.0.1:9/callback"],
             "id_token_signed_response_alg": "HS256"},
        ]);
        let users = json!({
            "ann": {"email": "ann@example.com", "email_verified": true, "groups": ["dev"]},
            "bob": {"email": "admin@example.com", "email_verified": false, "groups": ["other"]},
            "admin": {"groups": []},
        });
        let provider =
            tokio::task::spawn_blocking(move || IdentityProvider::start(&clients, &users, seconds));
        let provider = provider.await.unwrap().unwrap()?;
        let secret = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, "hush:100%");
        stand.api.patch(SECRET, &json!({"data": {"oidc.secret": secret}})).await.unwrap();
        let app = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "app", "namespace": "argocd"},
            "spec": {
                "project": "default", "destination": {"server": "https://kubernetes.default.svc", "namespace": "default"},
                "source": {"repoURL": stand.git.url(&stand.repository), "path": "app", "targetRevision": "main"},
            },
        });
        stand.api.apply(&app).await.unwrap();
        let policy = "g, dev, role:readonly\ng, admin@example.com, role:admin";
        stand
            .api
            .patch(RBAC, &json!({"data": {"policy.csv": policy, "scopes": "[groups, email]"}}))
            .await
            .unwrap();
        let config = format!(
            "name: Test\nissuer: {}\nclientID: argo\nclientSecret: $oidc.secret\ncliClientID: argo-cli\n{more}",
            provider.issuer()
        );
        stand.api.patch(CONFIG, &json!({"data": {"url": own, "oidc.config": config}})).await.unwrap();
        let sso = Self { stand, provider, own, port };
        testkit::eventually("the provider is configured", e2e::PATIENCE, || async {
            let settings: Value = serde_json::from_str(&sso.get("/api/v1/settings", "").await.1)?;
            Ok::<_, anyhow::Error>(settings["oidcConfig"]["issuer"] == sso.provider.issuer())
        })
        .await;
        Some(sso)
    }

    fn at(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.own)).unwrap()
    }

    /// What REST answers at a path.
    async fn get(&self, path: &str, token: &str) -> (u16, String) {
        let request = reqwest::Client::new().get(self.at(path));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn json(&self, path: &str, token: &str) -> Value {
        serde_json::from_str(&self.get(path, token).await.1).unwrap()
    }

    /// The names of the applications that a token shows.
    async fn apps(&self, token: &str) -> Vec<String> {
        let list = self.json("/api/v1/applications", token).await;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|app| app["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Logs somebody in as far as this place, which the browser is not sent to.
    async fn log_in(&self, browser: &mut Browser, user: &str, end: &str) -> Page {
        let begin = self.at(&format!("/auth/login?return_url={}/applications", self.own));
        let page = browser.open(begin.as_str(), end).await;
        browser.log_in(page, user, end).await
    }

    /// The token of somebody who logs in by our pages.
    async fn token(&self, user: &str) -> String {
        let mut browser = Browser::new();
        let end = format!("{}/applications", self.own);
        let page = self.log_in(&mut browser, user, &end).await;
        assert_eq!(page.url.as_str(), end, "{} {}", page.status, page.text);
        browser.cookie(&self.own, "argocd.token").unwrap()
    }

    /// The id token that the provider gives to another client of its.
    async fn token_of(&self, client: &str, secret: &str, user: &str) -> String {
        let (mut browser, end) = (Browser::new(), "http://127.0.0.1:9/callback");
        let query = format!("client_id={client}&response_type=code&scope=openid%20groups&redirect_uri={end}");
        let page = browser.open(&format!("{}/auth?{query}", self.provider.issuer()), end).await;
        let page = browser.log_in(page, user, end).await;
        let code = page.url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let request = reqwest::Client::new()
            .post(format!("{}/token", self.provider.issuer()))
            .basic_auth(client, Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("grant_type=authorization_code&code={code}&redirect_uri={end}"));
        let answer: Value =
            serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
        answer["id_token"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_logs_in_and_out() {
    let logout = "logoutURL: https://logout.example.com/?hint={{token}}&to={{logoutRedirectURL}}\n";
    let Some(sso) = Sso::begin(logout, 600).await else { return };
    let mut browser = Browser::new();
    let callback = format!("{}/auth/callback", sso.own);
    let page = sso.log_in(&mut browser, "ann", &callback).await;
    assert_eq!(page.text, "", "{}", page.url);
    let kept = browser.cookie(&sso.own, "argocd.oauthstate").unwrap();
    let code = page.url.clone();
    assert!(!code.as_str().contains(&kept));

    // A93: somebody else's browser, another state, no state at all; the login is still good after that.
    let mut changed = code.clone();
    changed.query_pairs_mut().clear().extend_pairs([("code", "x"), ("state", "x")]);
    let mut without = code.clone();
    without.query_pairs_mut().clear().extend_pairs([("code", "x")]);
    for (name, url, cookie) in [
        ("no cookie", &code, None),
        ("a foreign cookie", &code, Some("AAAA")),
        ("another state", &changed, Some(&*kept)),
        ("no state", &without, Some(&*kept)),
    ] {
        let mut other = Browser::new();
        if let Some(cookie) = cookie {
            other.set_cookie(&sso.own, "argocd.oauthstate", cookie);
        }
        let response = other.ask(Method::GET, url.clone(), &[]).await;
        assert_eq!(response.status(), 400, "{name}");
        assert!(response.text().await.unwrap().starts_with("this login was not begun"), "{name}");
        assert_eq!(other.cookie(&sso.own, "argocd.token"), None, "{name}");
    }
    let response = browser.ask(Method::GET, code.clone(), &[]).await;
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers()["location"], format!("{}/applications", sso.own));
    assert_eq!(response.headers()["cache-control"], "no-store");
    let set: Vec<&str> =
        response.headers().get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
    assert!(
        set.iter().all(|cookie| cookie.contains("httpOnly") && cookie.contains("SameSite=lax")),
        "{set:?}"
    );
    let token = browser.cookie(&sso.own, "argocd.token").unwrap();
    assert_eq!(browser.cookie(&sso.own, "argocd.oauthstate"), None);
    // Nor does it come back a second time.
    browser.set_cookie(&sso.own, "argocd.oauthstate", &kept);
    assert_eq!(browser.ask(Method::GET, code, &[]).await.status(), 400);

    assert_eq!(sso.apps(&token).await, ["app"], "the group may");
    let user = browser.ask(Method::GET, sso.at("/api/v1/session/userinfo"), &[]).await.text().await.unwrap();
    let user: Value = serde_json::from_str(&user).unwrap();
    let expected = json!({"loggedIn": true, "username": "ann@example.com", "iss": sso.provider.issuer(), "groups": ["dev", "ann@example.com"]});
    assert_eq!(user, expected);
    // Who is in no such group may not, nor who has an address that is not theirs, nor who is only called so.
    for user in ["bob", "admin"] {
        let token = sso.token(user).await;
        assert_eq!(sso.apps(&token).await, Vec::<String>::new(), "{user}");
        let can = sso.json("/api/v1/account/can-i/projects/create/x", &token).await;
        assert_eq!(can["value"], "no", "{user}");
    }
    assert_eq!(sso.json("/api/v1/session/userinfo", &sso.token("bob").await).await["username"], "bob");

    for place in ["//evil.example.com", "/\\evil.example.com", "javascript:alert(1)", "http://127.0.0.1:1/"] {
        let mut url = sso.at("/auth/login");
        url.query_pairs_mut().append_pair("return_url", place);
        let response = browser.ask(Method::GET, url, &[]).await;
        assert_eq!(response.status(), 400, "{place}");
        assert!(response.text().await.unwrap().starts_with("Invalid redirect URL"));
    }
    // A105: what somebody puts into a link is not shown.
    let error = sso.at("/auth/callback?error=%3Cscript%3E&error_description=evil&state=s");
    let text = browser.ask(Method::GET, error, &[]).await.text().await.unwrap();
    assert!(!text.contains("script") && !text.contains("evil"), "{text}");

    let response = browser.ask(Method::GET, sso.at("/auth/logout"), &[]).await;
    let expected = format!("https://logout.example.com/?hint={token}&to={}", sso.own);
    assert_eq!(
        (response.status().as_u16(), response.headers()["location"].to_str().unwrap()),
        (303, expected.as_str())
    );
    assert_eq!(browser.cookie(&sso.own, "argocd.token"), None);
    let (status, text) = sso.get("/api/v1/applications", &token).await;
    assert_eq!(status, 401, "{text}");
    assert!(text.contains("token is revoked"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_tokens_for_us_by_the_providers_keys_count() {
    let Some(mut sso) = Sso::begin("allowedAudiences: [argo, shared]\n", 600).await else { return };
    let good = sso.token("ann").await;
    assert_eq!(sso.apps(&good).await, ["app"]);
    let other = sso.token_of("other", "other", "ann").await;
    let shared = sso.token_of("shared", "0123456789abcdef0123456789abcdef", "ann").await;
    let (head, rest) = good.split_once('.').unwrap();
    let (claims, sum) = rest.split_once('.').unwrap();
    // A97: also where one may come in without a token.
    sso.stand.api.patch(CONFIG, &json!({"data": {"users.anonymous.enabled": "true"}})).await.unwrap();
    testkit::eventually("anybody may come in", e2e::PATIENCE, || async {
        Ok::<_, anyhow::Error>(sso.get("/api/v1/applications", "").await.0 == 200)
    })
    .await;
    for (name, token, why) in [
        ("for another client", other, "another audience"),
        ("by a shared secret", shared, "signed in a way that is not permitted"),
        (
            "with another header",
            format!("{}.{claims}.{sum}", head.replace("JSUzI1Ni", "JIUzI1Ni")),
            "not permitted",
        ),
        ("without a signature", format!("{head}.{claims}."), "signature is invalid"),
        ("nothing of the kind", "nothing".to_owned(), "invalid session"),
    ] {
        let (status, text) = sso.get("/api/v1/applications", &token).await;
        assert_eq!(status, 401, "{name}: {text}");
        assert!(text.contains(why), "{name}: {text}");
    }
    // The provider is away: its keys are known, and nobody new comes in.
    sso.provider.stop();
    assert_eq!(sso.apps(&good).await, ["app"]);
    let response = Browser::new().open(sso.at("/auth/login").as_str(), &sso.provider.issuer()).await;
    assert!(response.url.as_str().starts_with(&sso.provider.issuer()), "what was known goes on");
    // It comes back with other keys: new tokens count soon, and old ones do not.
    let mut provider = sso.provider;
    let provider = tokio::task::spawn_blocking(move || provider.restart().map(|()| provider)).await.unwrap();
    sso.provider = provider.unwrap();
    let end = format!("{}/applications", sso.own);
    testkit::eventually("the new keys are known", e2e::PATIENCE, || async {
        let mut browser = Browser::new();
        let page = sso.log_in(&mut browser, "ann", &end).await;
        Ok::<_, anyhow::Error>(page.url.as_str() == end)
    })
    .await;
    assert_eq!(sso.get("/api/v1/applications", &good).await.0, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_end_and_are_made_anew() {
    let Some(sso) = Sso::begin("", 3).await else { return };
    let token = sso.token("ann").await;
    testkit::eventually("the session is over", e2e::PATIENCE, || async {
        Ok::<_, anyhow::Error>(
            sso.get("/api/v1/applications", &token).await.1.contains("the token is expired"),
        )
    })
    .await;
    let user = sso.json("/api/v1/session/userinfo", &token).await;
    assert_eq!((user.get("loggedIn"), &user["iss"]), (None, &json!("sso")), "a browser begins again");

    let config = format!(
        "name: Test\nissuer: {}\nclientID: argo\nclientSecret: $oidc.secret\nrefreshTokenThreshold: 1h\n",
        sso.provider.issuer()
    );
    let more = format!(
        "{config}enableUserInfoGroups: true\nuserInfoPath: /me\nrequestedScopes: [openid, email, groups]\n"
    );
    sso.stand.api.patch(CONFIG, &json!({"data": {"oidc.config": more}})).await.unwrap();
    testkit::eventually("the scopes are asked for", e2e::PATIENCE, || async {
        let settings = sso.json("/api/v1/settings", "").await;
        Ok::<_, anyhow::Error>(settings["oidcConfig"]["scopes"] == json!(["openid", "email", "groups"]))
    })
    .await;
    let mut browser = Browser::new();
    let end = format!("{}/applications", sso.own);
    assert_eq!(sso.log_in(&mut browser, "ann", &end).await.url.as_str(), end);
    let first = browser.cookie(&sso.own, "argocd.token").unwrap();
    let seen = browser.ask(Method::GET, sso.at("/api/v1/session/userinfo"), &[]).await;
    let seen: Value = serde_json::from_str(&seen.text().await.unwrap()).unwrap();
    assert_eq!(seen["groups"], json!(["dev", "ann@example.com"]), "groups of the user info");
    // It is still in when its first token is over.
    let over = async {
        while !sso.get("/api/v1/applications", &first).await.1.contains("the token is expired") {
            let response = browser.ask(Method::GET, sso.at("/api/v1/applications"), &[]).await;
            assert_eq!(response.status(), 200);
        }
    };
    tokio::time::timeout(e2e::PATIENCE, over).await.unwrap();
    let response = browser.ask(Method::GET, sso.at("/api/v1/applications"), &[]).await;
    assert_eq!(response.status(), 200);
    let last = browser.cookie(&sso.own, "argocd.token").unwrap();
    assert_ne!(last, first, "it has another token now");
    // A94: after a logout nothing is made anew.
    assert_eq!(browser.ask(Method::GET, sso.at("/auth/logout"), &[]).await.status(), 303);
    browser.set_cookie(&sso.own, "argocd.token", &last);
    assert_eq!(browser.ask(Method::GET, sso.at("/api/v1/applications"), &[]).await.status(), 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_server_makes_a_session_anew_and_asks_about_its_user() {
    let more = "requestedScopes: [openid, email, groups]\nrefreshTokenThreshold: 1h\nenableUserInfoGroups: true\nuserInfoPath: /me\n";
    // Tokens end soon from their beginning.
    let Some(sso) = Sso::begin(more, 600).await else { return };
    let kept = async || {
        let secrets = sso.stand.api.get("/api/v1/namespaces/argocd/secrets").await.unwrap().unwrap();
        let secrets = secrets["items"].as_array().unwrap().clone();
        let named = |secret: &Value| secret["metadata"]["name"].as_str().unwrap().starts_with("capstan-sso-");
        let data = secrets.into_iter().filter(named).filter_map(|secret| secret["data"].as_object().cloned());
        data.flatten().map(|(_, value)| value.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kept().await, Vec::<String>::new());
    let mut token = sso.token("ann").await;
    let mut browser = Browser::new();
    // One after another, each of which knows nothing by itself.
    for _ in 0..3 {
        let other = sso.stand.another(Some(true)).await;
        let own = format!("http://{}", other.address());
        browser.set_cookie(&own, "argocd.token", &token);
        let user = Url::parse(&format!("{own}/api/v1/session/userinfo")).unwrap();
        let answer = browser.ask(Method::GET, user, &[]).await;
        assert!(answer.headers().contains_key("set-cookie"), "it was made anew");
        token = browser.cookie(&own, "argocd.token").unwrap();
        let user: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(user["groups"], json!(["dev", "ann@example.com"]), "groups of the user info: {user}");
    }
    let entries = kept().await;
    assert_eq!(entries.len(), 1);
    let entry = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, &entries[0]).unwrap();
    let claims = token.split('.').nth(1).unwrap();
    assert!(!String::from_utf8_lossy(&entry).contains(claims), "nobody reads it without the key");
    let other = sso.stand.another(Some(true)).await;
    let own = format!("http://{}", other.address());
    browser.set_cookie(&own, "argocd.token", &token);
    let logout = Url::parse(&format!("{own}/auth/logout")).unwrap();
    assert_eq!(browser.ask(Method::GET, logout, &[]).await.status(), 303);
    assert_eq!(kept().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_client_logs_in() {
    if tokio::task::spawn_blocking(testkit::ensure_argocd).await.unwrap().is_err() {
        eprintln!("NOT RUN: the official client: it cannot be built here");
        return;
    }
    let Some(sso) = Sso::begin("requestedIDTokenClaims: {groups: {essential: true}}\n", 600).await else {
        return;
    };
    for (user, name, list) in
        [("ann", "'ann@example.com' logged in successfully", "argocd/app"), ("bob", "logged in", "")]
    {
        let line =
            format!("login $SERVER --plaintext --sso --sso-launch-browser=false --sso-port {}", sso.port);
        let mut command = sso.stand.command(&line).unwrap();
        let mut client = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
        let (url, mut lines) = tokio::task::spawn_blocking(move || {
            let line = lines.find(|line| line.as_ref().unwrap().contains("copy-and-paste")).unwrap().unwrap();
            (line.rsplit_once(' ').unwrap().1.to_owned(), lines)
        })
        .await
        .unwrap();
        let (mut browser, end) = (Browser::new(), format!("http://localhost:{}", sso.port));
        let page = browser.open(&url, &end).await;
        let page = browser.log_in(page, user, &end).await;
        let page = browser.open(page.url.as_str(), "http://nowhere").await;
        assert!(page.text.contains("Authentication successful"), "{}", page.text);
        let printed = tokio::task::spawn_blocking(move || {
            let printed: Vec<String> = lines.by_ref().map(Result::unwrap).collect();
            (printed.join("\n"), client.wait().unwrap().code())
        });
        let (printed, code) = printed.await.unwrap();
        assert!(code == Some(0) && printed.contains(name), "{code:?}: {printed}");
        let (code, text) = sso.stand.argocd("app list -o name").await.unwrap();
        assert_eq!((code, text.trim()), (0, list), "{user}");
    }
    let info = format!("Issuer: {}", sso.provider.issuer());
    let rows = [
        ("account get-user-info".to_owned(), 0, "Username: bob"),
        ("account get-user-info".to_owned(), 0, Box::leak(info.into_boxed_str()) as &str),
        ("account can-i get applications default/app".to_owned(), 0, "no"),
        ("logout $SERVER".to_owned(), 0, "Logged out"),
    ];
    sso.stand.types(&rows).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_soon_is_renewed() {
    let stand = Stand::begin().await.unwrap();
    let later = Arc::new(AtomicI64::new(0));
    let now = Arc::clone(&later);
    let clock = move || jiff::Timestamp::now() + jiff::SignedDuration::from_secs(now.load(Relaxed));
    let server = stand.another_at(Some(true), Arc::new(clock)).await;
    let own = format!("http://{}", server.address());
    let http = reqwest::Client::new();
    let login = json!({"username": "admin", "password": stand.password().await.unwrap()}).to_string();
    let login =
        http.post(format!("{own}/api/v1/session")).header("content-type", "application/json").body(login);
    let answer: Value = serde_json::from_str(&login.send().await.unwrap().text().await.unwrap()).unwrap();
    let token = answer["token"].as_str().unwrap().to_owned();
    // What an answer has in the place of a token: a cookie, or a header over gRPC.
    let cookie = |answer: &reqwest::Response| {
        let cookie = answer.headers().get("set-cookie")?.to_str().unwrap();
        cookie.strip_prefix("argocd.token=")?.split(';').next().map(str::to_owned)
    };
    let get = async |path: &str, name: &str, value: String| {
        let answer = http.get(format!("{own}{path}")).header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert!(!answer.headers().contains_key("grpc-metadata-renew-token"), "no script reads it");
        cookie(&answer)
    };
    let call = async |method: &str, token: &str| {
        let request = http.post(format!("{own}/{method}")).header("token", token).body(vec![0; 5]);
        let answer = request.header("content-type", "application/grpc-web+proto").send().await.unwrap();
        answer.headers().get("renew-token").map(|token| token.to_str().unwrap().to_owned())
    };
    let (user, info) = ("/api/v1/session/userinfo", "session.SessionService/GetUserInfo");
    let day = 24 * 3600;
    for (at, renews) in [(0, false), (day - 330, false), (day - 270, true)] {
        later.store(at, Relaxed);
        for (path, name, value) in [
            (user, "cookie", format!("argocd.token={token}")),
            (user, "authorization", format!("Bearer {token}")),
            ("/api/v1/stream/applications", "cookie", format!("argocd.token={token}")),
            ("/api/v2/applications", "cookie", format!("argocd.token={token}")),
        ] {
            assert_eq!(get(path, name, value).await.is_some(), renews, "{path} by {name} at {at}");
        }
        assert_eq!(call(info, &token).await.is_some(), renews, "at {at}");
    }
    let renewed = call(info, &token).await.unwrap();
    assert_eq!(
        call("session.SessionService/Delete", &token).await,
        None,
        "who logs out wants no other session"
    );
    // It is a session of its own, as long as the one before.
    later.store(2 * day - 600, Relaxed);
    assert_eq!(get(user, "cookie", format!("argocd.token={renewed}")).await, None);
    assert_eq!(call(info, &token).await, None, "the old one is over");
    // Tokens that were made as such are nobody's session.
    later.store(0, Relaxed);
    stand.set(&json!({"accounts.robot": "apiKey"})).await;
    let short = json!({"expiresIn": 60, "name": "robot"});
    let robot = testkit::eventually_some("the account is known", e2e::PATIENCE, || async {
        let answer = stand.post("/api/v1/account/robot/token", &stand.admin().await, &short).await;
        let answer: Value = serde_json::from_str(&answer.text().await?)?;
        Ok::<_, anyhow::Error>(answer["token"].as_str().map(str::to_owned))
    })
    .await;
    testkit::eventually("the token is known", e2e::PATIENCE, || async {
        let user = http.get(format!("{own}{user}")).bearer_auth(&robot).send().await?.text().await?;
        Ok::<_, anyhow::Error>(user.contains("robot"))
    })
    .await;
    assert_eq!(call(info, &robot).await, None);
}
