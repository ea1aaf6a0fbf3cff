//! One port, three protocols, one handler.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use serde_json::{Value, json};
use server::{Api, Ask, Calls, Certificates, Door, Identity, Port, PortOptions, Visit};
use tonic::{Code, Status};
use wire::Method;

/// Lets in who has the token `good`, and anybody who wants to log in.
struct Porter;

impl Door for Porter {
    type Caller = &'static str;

    async fn enter(&self, visit: Visit) -> Result<&'static str, Status> {
        let known = visit.headers.get("token").is_some_and(|token| token == "good");
        assert!(visit.address.is_some_and(|address| address.is_loopback()));
        match (known, visit.method.name.as_str()) {
            (true, _) => Ok("friend"),
            (false, "Create") => Ok("nobody"),
            (false, _) => Err(Status::unauthenticated("no session information")),
        }
    }

    fn limit(&self, _: &'static Method) -> usize {
        1024
    }
}

async fn log_in(ask: Ask<&'static str>) -> Result<server::Reply, Status> {
    match ask.request["password"].as_str() {
        Some("right") => {
            Ok(json!({"token": format!("{} is {}", ask.caller, ask.request["username"])}).into())
        }
        _ => Err(Status::unauthenticated("Invalid username or password: 100 %")),
    }
}

async fn open(identity: Option<Identity>) -> Port {
    let mut calls = Calls::new();
    calls.one("session.SessionService/Create", log_in).unwrap();
    let address = ([127, 0, 0, 1], 0).into();
    let certificates = identity.map(|identity| Certificates::new(&identity).unwrap());
    Port::open(PortOptions { address, certificates }, Api::new(Porter, calls, "")).await.unwrap()
}

#[derive(Clone, PartialEq, prost::Message)]
struct Credentials {
    #[prost(string, tag = "1")]
    username: String,
    #[prost(string, tag = "2")]
    password: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Token {
    #[prost(string, tag = "1")]
    token: String,
}

fn credentials(password: &str) -> Credentials {
    Credentials { username: "admin".to_owned(), password: password.to_owned() }
}

async fn native(port: &Port, path: &'static str, request: Credentials) -> Result<Token, Status> {
    let channel = tonic::transport::Endpoint::new(format!("http://{}", port.address)).unwrap();
    let mut client = tonic::client::Grpc::new(channel.connect().await.unwrap());
    client.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::default();
    let path = http::uri::PathAndQuery::from_static(path);
    client.unary(tonic::Request::new(request), path, codec).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn answers_grpc() {
    let port = open(None).await;
    let create = "/session.SessionService/Create";
    let token = native(&port, create, credentials("right")).await.unwrap();
    assert_eq!(token.token, "nobody is \"admin\"");
    let long = "x".repeat(2000);
    for (path, password, code) in [
        (create, "wrong", Code::Unauthenticated),
        (create, long.as_str(), Code::OutOfRange),
        ("/session.SessionService/GetUserInfo", "", Code::Unauthenticated),
        ("/session.SessionService/Nothing", "", Code::Unimplemented),
    ] {
        let status = native(&port, path, credentials(password)).await.unwrap_err();
        assert_eq!(status.code(), code, "{path} {password}: {status}");
    }
    let status = native(&port, create, credentials("wrong")).await.unwrap_err();
    assert_eq!(status.message(), "Invalid username or password: 100 %");
    port.shutdown().await;
}

/// A frame of gRPC-Web.
fn frame(message: &impl prost::Message) -> Vec<u8> {
    let body = message.encode_to_vec();
    [&[0], &u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
}

#[tokio::test]
async fn answers_grpc_web_with_errors_in_headers() {
    let port = open(None).await;
    let ask = async |password: &str| {
        let request = reqwest::Client::new()
            .post(format!("http://{}/session.SessionService/Create", port.address))
            .header("content-type", "application/grpc-web+proto")
            .body(frame(&credentials(password)));
        request.send().await.unwrap()
    };
    let answer = ask("right").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/grpc-web+proto");
    let body = answer.bytes().await.unwrap();
    let expected = frame(&Token { token: "nobody is \"admin\"".to_owned() });
    assert_eq!(body[..expected.len()], expected);
    assert_eq!(body[expected.len()], 0x80, "trailers are a frame of their own");

    let answer = ask("wrong").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["grpc-status"], "16");
    assert_eq!(answer.headers()["grpc-message"], "Invalid username or password: 100 %25");
}

#[tokio::test]
async fn answers_rest() {
    let port = open(None).await;
    let client = reqwest::Client::new();
    let good = json!({"username": "admin", "password": "right"});
    let rows: [(&str, &str, Option<&Value>, u16, &str); 5] = [
        ("POST", "/api/v1/session", Some(&good), 200, r#"{"token":"nobody is \"admin\""}"#),
        (
            "POST",
            "/api/v1/session",
            Some(&json!({"username": 5})),
            401,
            r#"{"code":16,"error":"Invalid username or password: 100 %","message":"Invalid username or password: 100 %"}"#,
        ),
        (
            "GET",
            "/api/v1/session/userinfo",
            None,
            401,
            r#"{"code":16,"error":"no session information","message":"no session information"}"#,
        ),
        ("GET", "/api/v1/nothing", None, 404, r#"{"code":5,"error":"Not Found","message":"Not Found"}"#),
        (
            "GET",
            "/api/v1/session",
            None,
            501,
            r#"{"code":12,"error":"Method Not Allowed","message":"Method Not Allowed"}"#,
        ),
    ];
    for (verb, path, body, status, text) in rows {
        let mut request = client.request(verb.parse().unwrap(), format!("http://{}{path}", port.address));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{verb} {path}");
        assert_eq!(answer.text().await.unwrap(), text, "{verb} {path}");
    }
    // A form of another site cannot say that it is JSON.
    let answer = client.post(format!("http://{}/api/v1/session", port.address)).body(good.to_string()).send();
    assert_eq!(answer.await.unwrap().status(), 415);
    // What nobody does says so to whom may know.
    let request =
        client.get(format!("http://{}/api/v1/session/userinfo", port.address)).header("token", "good");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 501);
    assert!(answer.text().await.unwrap().contains("session.SessionService/GetUserInfo is not there yet"));
}

#[tokio::test]
async fn speaks_tls_and_sends_others_there() {
    let identity = Identity::self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let certificate = reqwest::Certificate::from_pem(identity.certificate.as_bytes()).unwrap();
    let port = open(Some(identity)).await;
    let client =
        reqwest::Client::builder().tls_certs_only([certificate]).redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    let answer =
        client.get(format!("https://{}/api/v1/session/userinfo", port.address)).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let answer = client.get(format!("http://{}/api/v1/session?x=1", port.address)).send().await.unwrap();
    assert_eq!(answer.status(), 307);
    assert_eq!(answer.headers()["location"], format!("https://{}/api/v1/session?x=1", port.address));
}
