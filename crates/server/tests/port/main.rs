//! One port, three protocols, one handler.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod floods;
mod heads;
mod raw;
mod slow;

use futures::StreamExt as _;
use remote::{Options, Probe, Remote, Secret, probe};
use serde_json::{Value, json};
use server::{
    Answers, Api, Ask, Bounds, Calls, Certificates, Door, Identity, Port, PortOptions, Reply, Requests, Visit,
};
use tonic::{Code, Status};
use wire::Method;

/// Lets in who has the token `good`, and anybody who wants to log in.
struct Porter;

impl Door for Porter {
    type Caller = &'static str;

    async fn enter(&self, visit: Visit) -> Result<&'static str, Status> {
        let known = visit.headers.get("token").is_some_and(|token| token == "good");
        assert!(visit.address.is_some_and(|address| address.is_loopback()));
        match (known, visit.method.map_or("", |method| method.name.as_str())) {
            (true, _) => Ok("friend"),
            (false, "Create") => Ok("nobody"),
            (false, _) => Err(Status::unauthenticated("no session information")),
        }
    }

    fn renewed<'a>(&self, caller: &'a &'static str) -> Option<&'a str> {
        (*caller == "friend").then_some("another token")
    }

    fn limit(&self, method: &'static Method) -> usize {
        if method.name == "GetManifestsWithFiles" { 64 * 1024 } else { 1024 }
    }
}

async fn log_in(ask: Ask<&'static str>) -> Result<Reply, Status> {
    match ask.request["password"].as_str() {
        Some("right") => {
            Ok(json!({"token": format!("{} is {}", ask.caller, ask.request["username"])}).into())
        }
        _ => Err(Status::unauthenticated("Invalid username or password: 100 %")),
    }
}

/// Two answers, and an end that is none of the client's making.
async fn watch(_: Ask<&'static str>) -> Result<Answers, Status> {
    let event = |kind: &str| Ok(Reply::from(json!({ "type": kind })));
    let answers = [event("ADDED"), event("DELETED"), Err(Status::aborted("it is over"))];
    Ok(futures::stream::iter(answers).boxed())
}

/// How many chunks there were, and who sent them.
async fn count(ask: Ask<&'static str>, more: Requests) -> Result<Reply, Status> {
    let chunks: Vec<Value> = more.map(Result::unwrap).collect().await;
    Ok(json!({"manifests": chunks.iter().map(|chunk| chunk["chunk"]["chunk"].clone()).collect::<Vec<_>>(), "revision": ask.caller}).into())
}

const WATCH: &str = "application.ApplicationService/Watch";
const FILES: &str = "application.ApplicationService/GetManifestsWithFiles";

async fn open(identity: Option<Identity>) -> Port {
    open_within(Bounds::default(), identity, calls()).await
}

fn calls() -> Calls<&'static str> {
    let mut calls = Calls::new();
    calls.one("session.SessionService/Create", log_in).unwrap();
    calls.many(WATCH, watch).unwrap();
    calls.gather(FILES, count).unwrap();
    calls
}

async fn open_within(bounds: Bounds, identity: Option<Identity>, calls: Calls<&'static str>) -> Port {
    let address = ([127, 0, 0, 1], 0).into();
    let certificates = identity.map(|identity| Certificates::new(&identity).unwrap());
    Port::open(PortOptions { address, certificates, bounds }, Api::new(Porter, calls, "")).await.unwrap()
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
    native_as(port, path, request, "argocd-client/v3.2.11").await
}

async fn native_as(
    port: &Port,
    path: &'static str,
    request: Credentials,
    agent: &'static str,
) -> Result<Token, Status> {
    let channel = tonic::transport::Endpoint::new(format!("http://{}", port.address)).unwrap();
    let channel = channel.user_agent(agent).unwrap();
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
    let status = native_as(&port, create, credentials("right"), "argocd-client/v1.3.0").await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().starts_with("unsatisfied client version constraint: 1.3.0 is less than"));
    port.shutdown().await;
}

#[tokio::test]
async fn a_session_that_is_made_anew_is_in_a_header() {
    let port = open(None).await;
    let channel = tonic::transport::Endpoint::new(format!("http://{}", port.address)).unwrap();
    let mut client = tonic::client::Grpc::new(channel.connect_lazy());
    for (token, password, expected) in [
        ("good", "right", Some("another token")),
        ("bad", "right", None),
        ("good", "wrong", Some("another token")),
    ] {
        client.ready().await.unwrap();
        let mut request = tonic::Request::new(credentials(password));
        request.metadata_mut().insert("token", token.parse().unwrap());
        let path = http::uri::PathAndQuery::from_static("/session.SessionService/Create");
        let codec = tonic_prost::ProstCodec::<Credentials, Token>::default();
        let answer = client.unary(request, path, codec).await;
        let metadata = match &answer {
            Ok(answer) => answer.metadata(),
            Err(status) => status.metadata(),
        };
        let renewed = metadata.get("renew-token").map(|token| token.to_str().unwrap());
        assert_eq!(renewed, expected, "{token} {password}");
    }
    port.shutdown().await;
}

#[derive(Clone, PartialEq, prost::Message)]
struct Health {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// Of reflection's messages, the question for all services and the answer to it.
#[derive(Clone, PartialEq, prost::Message)]
struct Reflection {
    #[prost(string, optional, tag = "7")]
    list: Option<String>,
    #[prost(message, optional, tag = "6")]
    services: Option<Services>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    service: Vec<Token>,
}

async fn reflect(port: &Port, path: &'static str, token: &'static str) -> Result<Vec<String>, Status> {
    let channel = tonic::transport::Endpoint::new(format!("http://{}", port.address)).unwrap();
    let mut client = tonic::client::Grpc::new(channel.connect().await.unwrap());
    client.ready().await.unwrap();
    let asked = Reflection { list: Some(String::new()), services: None };
    let mut request = tonic::Request::new(futures::stream::iter([asked]));
    request.metadata_mut().insert("token", token.parse().unwrap());
    let codec = tonic_prost::ProstCodec::<Reflection, Reflection>::default();
    let path = http::uri::PathAndQuery::from_static(path);
    let mut answers = client.streaming(request, path, codec).await?.into_inner();
    let services = answers.message().await?.unwrap().services.unwrap().service;
    Ok(services.into_iter().map(|service| service.token).collect())
}

#[tokio::test]
async fn tells_how_it_is_and_what_it_has() {
    let port = open(None).await;
    let channel = tonic::transport::Endpoint::new(format!("http://{}", port.address)).unwrap();
    let mut client = tonic::client::Grpc::new(channel.connect().await.unwrap());
    let path = |method: &str| format!("/grpc.health.v1.Health/{method}").parse().unwrap();
    let codec = tonic_prost::ProstCodec::<Token, Health>::default;
    for (service, expected) in [("", Ok(1)), ("nothing", Err(Code::NotFound))] {
        client.ready().await.unwrap();
        let asked = tonic::Request::new(Token { token: service.to_owned() });
        let told = client.unary(asked, path("Check"), codec()).await;
        let told = told.map(|told| told.into_inner().status).map_err(|status| status.code());
        assert_eq!(told, expected, "{service}");
    }
    for (service, expected) in [("", 1), ("nothing", 3)] {
        client.ready().await.unwrap();
        let asked = tonic::Request::new(Token { token: service.to_owned() });
        let mut told = client.server_streaming(asked, path("Watch"), codec()).await.unwrap().into_inner();
        assert_eq!(told.message().await.unwrap().unwrap().status, expected, "{service}");
    }
    for path in [
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ] {
        assert_eq!(reflect(&port, path, "bad").await.unwrap_err().code(), Code::Unauthenticated, "{path}");
        let names = reflect(&port, path, "good").await.unwrap();
        assert!(names.iter().any(|name| name == "application.ApplicationService"), "{names:?}");
    }
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
            r#"{"error":"Invalid username or password: 100 %","code":16,"message":"Invalid username or password: 100 %"}"#,
        ),
        (
            "GET",
            "/api/v1/session/userinfo",
            None,
            401,
            r#"{"error":"no session information","code":16,"message":"no session information"}"#,
        ),
        ("GET", "/api/v1/nothing", None, 404, r#"{"error":"Not Found","code":5,"message":"Not Found"}"#),
        (
            "GET",
            "/api/v1/session",
            None,
            501,
            r#"{"error":"Method Not Allowed","code":12,"message":"Method Not Allowed"}"#,
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

/// What [`Remote`] hears of a server in both protocols, without and with TLS.
#[tokio::test]
async fn our_own_client_speaks_both_forms() {
    let identity = Identity::self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let certificate = Some(identity.certificate.clone());
    for identity in [None, Some(identity)] {
        let plaintext = identity.is_none();
        let port = open(identity).await;
        for web in [false, true] {
            let options = Options {
                plaintext,
                web,
                certificates: certificate.clone(),
                token: Some(Secret::new("good")),
                ..Options::new(port.address.to_string(), "argocd-client/v3.2.11")
            };
            let friend = Remote::connect(options.clone()).await.unwrap();
            let stranger = friend.with_token(&Secret::new("bad")).unwrap();
            let create = "session.SessionService/Create";
            let request = json!({"username": "admin", "password": "right"});
            let answer = friend.call(create, &request).await.unwrap();
            assert_eq!(answer, json!({"token": "friend is \"admin\""}), "{web}");
            let denied = stranger.call(create, &json!({"password": "wrong"})).await.unwrap_err();
            let expected = "rpc error: code = Unauthenticated desc = Invalid username or password: 100 %";
            assert_eq!(denied.to_string(), expected, "{web}");
            let events = friend.stream(WATCH, &json!({})).await.unwrap();
            let events: Vec<String> = events
                .map(|event| event.map_or_else(|error| error.to_string(), |event| event["type"].to_string()))
                .collect()
                .await;
            let expected = ["\"ADDED\"", "\"DELETED\"", "rpc error: code = Aborted desc = it is over"];
            assert_eq!(events, expected, "{web}");
            assert!(stranger.stream(WATCH, &json!({})).await.is_err());
            let chunk = |text: &str| json!({"chunk": {"chunk": text}});
            let requests = [json!({"query": {"name": "a", "checksum": ""}}), chunk("aGk="), chunk("aG8=")];
            let answer = friend.send(FILES, futures::stream::iter(requests)).await.unwrap();
            assert_eq!(answer, json!({"manifests": ["aGk=", "aG8="], "revision": "friend"}), "{web}");
            let wrong = futures::stream::iter([json!({"query": 5})]);
            let wrong = friend.send(FILES, wrong).await.unwrap_err();
            assert_eq!(wrong.to_string(), format!("{FILES}: query: an object is wanted, not a number"));
        }
        let trusting =
            Options { plaintext, ..Options::new(port.address.to_string(), "argocd-client/v3.2.11") };
        let known = Options { certificates: certificate.clone(), ..trusting.clone() };
        let unknown = "error creating connection: tls: failed to verify certificate: x509: certificate signed by unknown authority";
        let [here, there] = match plaintext {
            true => [Probe::Plain, Probe::Plain],
            false => [Probe::Trusted, Probe::Doubtful(unknown.to_owned())],
        };
        assert_eq!((probe(&known).await.unwrap(), probe(&trusting).await.unwrap()), (here, there));
        let refused = Remote::connect(trusting.clone()).await;
        assert_eq!(refused.is_err(), !plaintext, "a stranger's certificate: {refused:?}");
        let insecure = Options { insecure: true, ..trusting };
        assert!(Remote::connect(insecure).await.is_ok());
    }
}

#[tokio::test]
async fn our_own_client_says_why_nobody_answers() {
    let port = open(None).await;
    let address = port.address;
    port.shutdown().await;
    for (server, web, expected) in [
        (address.to_string(), false, format!("dial tcp {address}: connect: connection refused")),
        (
            address.to_string(),
            true,
            format!(
                "rpc error: code = Unknown desc = Post \"http://{address}/version.VersionService/Version\": dial tcp {address}: connect: connection refused"
            ),
        ),
        (
            "http://x".to_owned(),
            false,
            "the server's address \"http://x\" is not of the form host:port".to_owned(),
        ),
    ] {
        let options = Options { plaintext: true, web, ..Options::new(server, "argocd-client/v3.2.11") };
        let called = async {
            Remote::connect(options).await?.call("version.VersionService/Version", &json!({})).await
        };
        assert_eq!(called.await.unwrap_err().to_string(), expected);
    }
}
