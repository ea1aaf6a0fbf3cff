//! Providers that rotate their keys, go away, lie and stall (A92), and what codes are worth.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use net::Proxies;
use oidc::{Claims, Config, Error, Later, Provider, RENEWED_EVERY_SECONDS, Refused, Shelf, Shelved, Turn};
use serde_json::{Value, json};
use testkit::{WebBody, WebReply, WebRequest, WebServer, WebTls};

const NOW: i64 = 1_800_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(NOW + second).unwrap()
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A key with its name.
struct Key(&'static str, Ed25519KeyPair);

impl Key {
    fn new(id: &'static str) -> Self {
        Self(id, Ed25519KeyPair::generate().unwrap())
    }

    fn public(&self) -> Value {
        json!({"kty": "OKP", "kid": self.0, "crv": "Ed25519", "x": b64(self.1.public_key().as_ref())})
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "EdDSA", "kid": self.0});
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        format!("{signed}.{}", b64(self.1.sign(signed.as_bytes())))
    }
}

type Script = Arc<Mutex<BTreeMap<String, WebReply>>>;

/// A provider that answers what a test tells it to.
struct Idp {
    server: WebServer,
    script: Script,
}

impl Idp {
    fn start(tls: WebTls) -> Self {
        let script = Script::default();
        let own = Arc::clone(&script);
        let scheme = if tls == WebTls::Off { "http" } else { "https" };
        let server = WebServer::start(tls, move |request: &WebRequest| {
            let issuer = format!("{scheme}://{}", request.header("host"));
            let said = own.lock().unwrap().get(request.path()).cloned();
            let itself = || {
                json!({
                    "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"), "token_endpoint": format!("{issuer}/token"),
                    "jwks_uri": format!("{issuer}/keys"), "id_token_signing_alg_values_supported": ["EdDSA"],
                })
            };
            match (said, request.path()) {
                (Some(reply), _) => reply,
                (None, "/.well-known/openid-configuration") => WebReply::ok(itself().to_string()),
                (None, _) => WebReply::new(404, "nothing here"),
            }
        });
        Self { server: server.unwrap(), script }
    }

    fn says(&self, path: &str, reply: WebReply) {
        self.script.lock().unwrap().insert(path.to_owned(), reply);
    }

    fn has(&self, keys: &[&Key]) {
        let set = json!({"keys": keys.iter().map(|key| key.public()).collect::<Vec<_>>()});
        self.says("/keys", WebReply::ok(set.to_string()));
    }

    fn provider(&self, more: &str) -> Arc<Provider> {
        Arc::new(self.made(more))
    }

    fn made(&self, more: &str) -> Provider {
        let text = format!("issuer: {}\nclientID: argo\nclientSecret: hush hush\n{more}", self.server.url());
        let (config, _) = Config::read(&text, false, |_| None).unwrap();
        Provider::new(config, &Proxies::default()).unwrap()
    }

    fn claims(&self, more: &Value) -> Value {
        let mut claims = json!({"iss": self.server.url(), "sub": "u-1", "aud": "argo", "exp": NOW + 7 * 86_400, "iat": NOW});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    }

    /// How often this was asked for.
    fn asked(&self, path: &str) -> usize {
        self.server.requests().iter().filter(|request| request.path() == path).count()
    }
}

#[tokio::test]
async fn keys_rotate_and_bad_tokens_cost_no_request_each() {
    let (idp, old, new) = (Idp::start(WebTls::Off), Key::new("old"), Key::new("new"));
    let provider = idp.provider("");
    idp.has(&[&old]);
    let by = |key: &Key| key.sign(&idp.claims(&json!({})));
    // What is not for us is not worth asking, not even once.
    let foreign = old.sign(&idp.claims(&json!({"aud": "other"})));
    assert_eq!(provider.verify(&foreign, at(0)).await, Err(Error::Refused(Refused::Audience)));
    assert_eq!(idp.asked("/keys"), 0);

    assert_eq!(provider.verify(&by(&old), at(0)).await.unwrap().subject, "u-1");
    for _ in 0..50 {
        assert_eq!(provider.verify(&by(&new), at(1)).await, Err(Error::Refused(Refused::UnknownKey)));
    }
    assert_eq!(idp.asked("/keys"), 1);
    idp.has(&[&old, &new]);
    let later = RENEWED_EVERY_SECONDS;
    assert!(provider.verify(&by(&new), at(later)).await.is_ok(), "a new key is asked for");
    assert!(provider.verify(&by(&old), at(later)).await.is_ok());
    assert_eq!(idp.asked("/keys"), 2);
    // Somebody's flood of tokens by keys of their own: one question an interval.
    let stranger = Key::new("stranger");
    let tokens: Vec<String> = (0..50).map(|n| stranger.sign(&idp.claims(&json!({"n": n})))).collect();
    let mut set = tokio::task::JoinSet::new();
    for token in tokens {
        let provider = Arc::clone(&provider);
        set.spawn(async move { provider.verify(&token, at(3 * later)).await });
    }
    assert!(set.join_all().await.iter().all(|verdict| *verdict == Err(Error::Refused(Refused::UnknownKey))));
    assert_eq!(idp.asked("/keys"), 3);
    // A key that is taken away counts no more once the set is known.
    idp.has(&[&new]);
    assert!(provider.verify(&by(&stranger), at(5 * later)).await.is_err());
    assert_eq!(provider.verify(&by(&old), at(5 * later)).await, Err(Error::Refused(Refused::UnknownKey)));
}

#[tokio::test]
async fn keys_outlive_an_outage_for_a_day() {
    let (idp, key) = (Idp::start(WebTls::Off), Key::new("k"));
    let provider = idp.provider("");
    idp.has(&[&key]);
    let token = key.sign(&idp.claims(&json!({})));
    assert!(provider.verify(&token, at(0)).await.is_ok());
    for path in ["/keys", "/.well-known/openid-configuration"] {
        idp.says(path, WebReply::new(503, "away"));
    }
    for (second, counts) in [(601, true), (3_600, true), (86_400, true), (86_401, false), (86_402, false)] {
        assert_eq!(provider.verify(&token, at(second)).await.is_ok(), counts, "after {second} s");
    }
    let before = idp.asked("/.well-known/openid-configuration");
    for _ in 0..20 {
        let verdict = provider.verify(&token, at(86_403)).await;
        assert!(matches!(verdict, Err(Error::Unavailable { .. })), "{verdict:?}");
    }
    assert_eq!(
        idp.asked("/.well-known/openid-configuration"),
        before,
        "a dead provider is left alone for a while"
    );
}

#[tokio::test]
async fn what_cannot_be_used_is_named() {
    let piece = vec![b' '; 1 << 20];
    let other = json!({"issuer": "https://other.example.com"}).to_string();
    let itself = "/.well-known/openid-configuration";
    for (name, path, reply, wrong) in [
        ("another issuer", itself, WebReply::ok(other), "another issuer"),
        ("no JSON", itself, WebReply::ok("<html>"), "no JSON"),
        ("nothing", itself, WebReply::new(404, ""), "answers with 404"),
        ("elsewhere", itself, WebReply::redirect("http://127.0.0.1:1/"), "answers with 302"),
        ("no keys", "/keys", WebReply::ok("{}"), "no list of keys"),
        (
            "keys without end",
            "/keys",
            WebReply { status: 200, headers: Vec::new(), body: WebBody::Drip(piece, Duration::ZERO) },
            "larger than 1 MiB",
        ),
        (
            "half of the keys",
            "/keys",
            WebReply { status: 200, headers: Vec::new(), body: WebBody::Short(b"{".to_vec()) },
            "no JSON",
        ),
    ] {
        let (idp, key) = (Idp::start(WebTls::Off), Key::new("k"));
        idp.has(&[&key]);
        idp.says(path, reply);
        let verdict = idp.provider("").verify(&key.sign(&idp.claims(&json!({}))), at(0)).await;
        let error = verdict.unwrap_err().to_string();
        assert!(error.contains(wrong) && !error.contains("hush"), "{name}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_is_waited_for_ten_seconds() {
    let (idp, key) = (Idp::start(WebTls::Off), Key::new("k"));
    idp.says("/keys", WebReply { status: 200, headers: Vec::new(), body: WebBody::Hang });
    let begun = tokio::time::Instant::now();
    let verdict = idp.provider("").verify(&key.sign(&idp.claims(&json!({}))), at(0)).await;
    assert!(matches!(verdict, Err(Error::Unavailable { .. })), "{verdict:?}");
    assert!(begun.elapsed() < Duration::from_secs(25));
}

#[tokio::test]
async fn a_certificate_must_be_trusted() {
    let (idp, key) = (Idp::start(WebTls::Server), Key::new("k"));
    idp.has(&[&key]);
    let token = key.sign(&idp.claims(&json!({})));
    let verdict = idp.provider("").verify(&token, at(0)).await;
    assert!(matches!(verdict, Err(Error::Unavailable { .. })), "{verdict:?}");
    let pem = idp.server.ca_pem().unwrap().trim().replace('\n', "\n  ");
    assert!(idp.provider(&format!("rootCA: |\n  {pem}\n")).verify(&token, at(0)).await.is_ok());
    let text = format!("{{issuer: '{}', clientID: argo}}", idp.server.url());
    let (config, _) = Config::read(&text, true, |_| None).unwrap();
    let trusting = Arc::new(Provider::new(config, &Proxies::default()).unwrap());
    assert!(trusting.verify(&token, at(0)).await.is_ok(), "oidc.tls.insecure.skip.verify");
}

#[tokio::test]
async fn a_code_is_worth_the_token_of_its_own_login() {
    let (idp, key) = (Idp::start(WebTls::Off), Key::new("k"));
    idp.has(&[&key]);
    let provider = idp.provider("enablePKCEAuthentication: true\ndomainHint: example.com\nrequestedIDTokenClaims: {groups: {essential: true}}\n");
    let challenge =
        provider.challenge("https://argo/auth/callback", "s", "n", "verifier", at(0)).await.unwrap();
    for part in [
        "client_id=argo",
        "redirect_uri=https%3A%2F%2Fargo%2Fauth%2Fcallback",
        "response_type=code",
        "scope=openid+profile+email+groups",
        "state=s",
        "nonce=n",
        "code_challenge=iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ",
        "code_challenge_method=S256",
        "claims=%7B%22id_token%22%3A%7B%22groups%22%3A%7B%22essential%22%3Atrue%7D%7D%7D",
        "domain_hint=example.com",
    ] {
        assert!(challenge.bound && challenge.url.contains(part), "{part} in {}", challenge.url);
    }
    let tokens = |claims: &Value| {
        WebReply::ok(
            json!({"id_token": key.sign(claims), "access_token": "a", "refresh_token": "r"}).to_string(),
        )
    };
    let rows: Vec<(&str, WebReply, Result<(), &str>)> = vec![
        ("its own", tokens(&idp.claims(&json!({"nonce": "n"}))), Ok(())),
        (
            "of another login",
            tokens(&idp.claims(&json!({"nonce": "m"}))),
            Err("the token is of another login"),
        ),
        ("without a login", tokens(&idp.claims(&json!({}))), Err("the token is of another login")),
        (
            "for somebody else",
            tokens(&idp.claims(&json!({"nonce": "n", "aud": "x"}))),
            Err("another audience"),
        ),
        ("no token", WebReply::ok("{}"), Err("there is no id_token")),
        ("no JSON", WebReply::ok("x"), Err("they are no JSON")),
        (
            "refused",
            WebReply::new(400, r#"{"error": "invalid_grant", "error_description": "hush hush"}"#),
            Err("gives no tokens: 400 invalid_grant"),
        ),
        (
            "refused in strange words",
            WebReply::new(400, r#"{"error": "<b>"}"#),
            Err("gives no tokens: 400 an unnamed error"),
        ),
    ];
    for (name, reply, outcome) in rows {
        idp.says("/token", reply);
        let found =
            provider.exchange("code", "https://argo/auth/callback", Some("verifier"), "n", at(0)).await;
        match (found, outcome) {
            (Ok(tokens), Ok(())) => assert_eq!(tokens.claims.subject, "u-1"),
            (Err(error), Err(wrong)) => {
                let error = error.to_string();
                assert!(error.contains(wrong) && !error.contains("hush"), "{name}: {error}");
            }
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
    let asked = idp.server.requests().into_iter().find(|request| request.path() == "/token").unwrap();
    assert_eq!(
        asked.header("authorization"),
        "Basic YXJnbzpodXNoK2h1c2g=",
        "each part is encoded as in a form"
    );
    let body = String::from_utf8(asked.body).unwrap();
    assert_eq!(
        body,
        "grant_type=authorization_code&code=code&redirect_uri=https%3A%2F%2Fargo%2Fauth%2Fcallback&code_verifier=verifier"
    );

    // One that wants the password in the body.
    idp.says("/token", WebReply::new(401, r#"{"error": "invalid_client"}"#));
    assert!(provider.exchange("code", "https://argo", None, "n", at(0)).await.is_err());
    let last = idp.server.requests().pop().unwrap();
    let body = String::from_utf8(last.body).unwrap();
    assert!(
        body.ends_with("&client_id=argo&client_secret=hush+hush")
            && last.headers.iter().all(|(name, _)| name != "authorization"),
        "{body}"
    );
}

#[tokio::test]
async fn groups_come_from_the_user_info() {
    let (idp, key) = (Idp::start(WebTls::Off), Key::new("k"));
    idp.has(&[&key]);
    let provider =
        idp.provider("enableUserInfoGroups: true\nuserInfoPath: /info\nuserInfoCacheExpiration: 1m\n");
    let token = key.sign(&idp.claims(&json!({"nonce": "n", "groups": ["of-the-token"]})));
    let claims = provider.verify(&token, at(0)).await.unwrap();
    let groups = async |second: i64| {
        let with: Result<Claims, Error> = provider.with_groups(claims.clone(), at(second)).await;
        with.map(|claims| claims.all["groups"].clone())
    };
    assert_eq!(groups(0).await, Err(Error::NoAccess), "nobody logged in by our pages");
    idp.says("/token", WebReply::ok(json!({"id_token": token, "access_token": "access"}).to_string()));
    provider.exchange("code", "https://argo", None, "n", at(0)).await.unwrap();
    let info = |value: Value| {
        WebReply::ok(value.to_string()).with("content-type", "application/json; charset=utf-8")
    };
    for (name, reply, outcome) in [
        ("somebody else's", info(json!({"sub": "u-2", "groups": ["admin"]})), "it speaks of another user"),
        ("nobody's", info(json!({"groups": ["admin"]})), "it speaks of another user"),
        ("no JSON", WebReply::ok("x"), "it is no JSON"),
        ("not any more", WebReply::new(401, ""), "without another login"),
        ("broken", WebReply::new(500, ""), "gives no user info: 500"),
        ("a token of others", WebReply::ok("x.y.z").with("content-type", "application/jwt"), "malformed"),
    ] {
        idp.says("/info", reply);
        let error = groups(0).await.unwrap_err().to_string();
        assert!(error.contains(outcome), "{name}: {error}");
    }
    idp.says("/info", info(json!({"sub": "u-1", "groups": ["dev"]})));
    let before = idp.asked("/info");
    for second in [0, 1, 59] {
        assert_eq!(groups(second).await, Ok(json!(["dev"])));
    }
    assert_eq!(idp.asked("/info"), before + 1, "an answer is kept for a minute");
    assert_eq!(idp.server.requests().pop().unwrap().header("authorization"), "Bearer access");
    idp.says("/info", info(json!({"sub": "u-1"})));
    assert_eq!(groups(60).await, Ok(Value::Null), "none are said, so there are none");
    idp.says(
        "/info",
        WebReply::ok(key.sign(&idp.claims(&json!({"groups": ["signed"]}))))
            .with("content-type", "application/jwt"),
    );
    assert_eq!(groups(120).await, Ok(json!(["signed"])));
    provider.forget("u-1", at(121)).await;
    assert_eq!(groups(121).await, Err(Error::NoAccess));
}

/// How long somebody has the turn at a [`Board`], in seconds.
const TURN: i64 = 30;

/// A shelf in memory, with when a turn ends.
#[derive(Debug, Default)]
struct Board(Mutex<BTreeMap<String, (Shelved, i64)>>);

impl Shelf for Board {
    fn get(&self, owner: String, _: Timestamp) -> Later<'_, Option<Shelved>> {
        Box::pin(async move { self.0.lock().unwrap().get(&owner).map(|(kept, _)| kept.clone()) })
    }

    fn turn(&self, owner: String, now: Timestamp) -> Later<'_, Turn> {
        Box::pin(async move {
            match self.0.lock().unwrap().get_mut(&owner) {
                Some((_, turn)) if *turn > now.as_second() => Turn::Others,
                Some((kept, turn)) => {
                    *turn = now.as_second() + TURN;
                    Turn::Ours(Some(kept.clone()))
                }
                None => Turn::Ours(None),
            }
        })
    }

    fn put(&self, owner: String, tokens: Shelved, _: i64, _: Timestamp) -> Later<'_, ()> {
        Box::pin(async move { drop(self.0.lock().unwrap().insert(owner, (tokens, 0))) })
    }

    fn remove(&self, owner: String, _: Timestamp) -> Later<'_, ()> {
        Box::pin(async move { drop(self.0.lock().unwrap().remove(&owner)) })
    }
}

#[tokio::test]
async fn replicas_make_a_session_anew_once() {
    let (idp, key) = (Idp::start(WebTls::Off), Key::new("k"));
    idp.has(&[&key]);
    let board = Arc::new(Board::default());
    let with = |more: &str| Arc::new(idp.made(more).with_shelf(Arc::clone(&board) as Arc<dyn Shelf>));
    let replica = || with("refreshTokenThreshold: 1m\n");
    let token = |ends: i64| key.sign(&idp.claims(&json!({"nonce": "n", "exp": NOW + ends})));
    let gives = |ends: i64, refresh: &str| {
        let tokens = json!({"id_token": token(ends), "access_token": "a", "refresh_token": refresh});
        idp.says("/token", WebReply::ok(tokens.to_string()));
    };
    let renewed = async |replica: &Arc<Provider>, ends: i64, now: i64| {
        let claims = replica.verify(&token(ends), at(now)).await.unwrap();
        let tokens = replica.refresh(&claims, at(now)).await;
        tokens.map(|tokens| tokens.map(|tokens| tokens.claims.expires_at - NOW))
    };
    let shown = || String::from_utf8(idp.server.requests().pop().unwrap().body).unwrap();
    let (first, second) = (replica(), replica());
    gives(100, "r1");
    first.exchange("code", "https://argo", None, "n", at(0)).await.unwrap();
    gives(1_000, "r2");
    assert_eq!(renewed(&second, 100, 50).await, Ok(Some(1_000)), "by what the first one was given");
    assert!(shown().contains("refresh_token=r1"));
    assert_eq!(renewed(&first, 100, 51).await, Ok(Some(1_000)), "what the second one was given");
    assert_eq!(idp.asked("/token"), 2, "no refresh token is shown twice");

    // Somebody is at it, and then goes away before the end.
    let owner = board.0.lock().unwrap().keys().next().unwrap().clone();
    assert!(matches!(board.turn(owner, at(945)).await, Turn::Ours(_)));
    assert_eq!(renewed(&replica(), 1_000, 950).await, Ok(None));
    assert_eq!(idp.asked("/token"), 2);
    idp.says("/token", WebReply::new(400, r#"{"error": "invalid_grant"}"#));
    let third = replica();
    assert!(renewed(&third, 1_000, 945 + TURN).await.is_err());
    assert!(shown().contains("refresh_token=r2"));
    assert_eq!(renewed(&third, 1_000, 946 + TURN).await, Ok(None), "not again at once");
    assert_eq!(idp.asked("/token"), 3);

    // What others keep is asked about, too, and is gone after a logout.
    idp.says("/info", WebReply::ok(json!({"sub": "u-1", "groups": ["dev"]}).to_string()));
    let info = || with("enableUserInfoGroups: true\nuserInfoPath: /info\n");
    let claims = first.verify(&token(1_000), at(980)).await.unwrap();
    assert_eq!(info().with_groups(claims.clone(), at(980)).await.unwrap().all["groups"], json!(["dev"]));
    second.forget("u-1", at(981)).await;
    assert_eq!(info().with_groups(claims, at(981)).await, Err(Error::NoAccess));
    assert_eq!(renewed(&replica(), 1_000, 981).await, Ok(None));
    assert_eq!(idp.asked("/token"), 3);
    // Nobody keeps what nobody will ask for.
    gives(1_000, "r3");
    with("").exchange("code", "https://argo", None, "n", at(990)).await.unwrap();
    assert!(board.0.lock().unwrap().is_empty());
}
