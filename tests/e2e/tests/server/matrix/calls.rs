//! The same over gRPC and gRPC-Web, and that rights decide as casbin does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt as _;
use remote::{Code, Options, Remote, Secret};
use serde_json::{Value, json};
use wire::{Method, schema};

use super::{CANARIES, OPEN, OWN, id, name_of, plant, says_nothing};
use crate::stand::Stand;

/// How long a stream is listened to behind its first answer.
const BEGINNING: Duration = Duration::from_secs(1);

/// How a call ended (`None`: well), and the answers before.
#[derive(Debug, PartialEq)]
struct Told {
    refused: Option<(Code, String)>,
    answers: Vec<Value>,
}

impl Told {
    fn code(&self) -> Option<Code> {
        self.refused.as_ref().map(|(code, _)| *code)
    }
}

/// Both protocols, with these headers.
async fn lines(stand: &Stand, headers: &[&str]) -> [Remote; 2] {
    let connect = async |web| {
        let headers = headers.iter().map(|&header| header.to_owned()).collect();
        let options = Options::new(stand.server.address().to_string(), "tests");
        Remote::connect(Options { plaintext: true, web, headers, ..options }).await.unwrap()
    };
    [connect(false).await, connect(true).await]
}

/// The same for whoever has this token.
fn of(lines: &[Remote; 2], token: &str) -> [Remote; 2] {
    lines.each_ref().map(|line| line.with_token(&Secret::new(token)).unwrap())
}

/// Calls a method. Of a stream the beginning is listened to.
async fn call(line: &Remote, method: &Method, request: &Value) -> Told {
    let (name, mut answers) = (id(method), Vec::new());
    let ended = if method.gives_stream {
        match line.stream(&name, request).await {
            Ok(mut stream) => loop {
                match tokio::time::timeout(BEGINNING, stream.next()).await {
                    Ok(Some(Ok(answer))) => answers.push(answer),
                    Ok(Some(Err(error))) => break Err(error),
                    Ok(None) | Err(_) => break Ok(()),
                }
            },
            Err(error) => Err(error),
        }
    } else {
        let answer = if method.takes_stream {
            line.send(&name, futures::stream::iter([request.clone()])).await
        } else {
            line.call(&name, request).await
        };
        answer.map(|answer| answers.push(answer))
    };
    // What never came to the server is a mistake of the test.
    let refused = ended.err().map(|error| (error.code().expect(&name), error.message()));
    Told { refused, answers }
}

fn methods() -> impl Iterator<Item = &'static Method> {
    schema().methods().iter().filter(|method| !OPEN.contains(&id(method).as_str()))
}

/// The request that a method's first place makes of these names.
fn request_of(method: &'static Method, app: &str) -> Value {
    let message = schema().message(&method.input).unwrap();
    let mut request = json!({});
    let path = method.rest.first().map(|rest| rest.path.as_str()).unwrap_or_default();
    for field in path.split(['{', '}']).skip(1).step_by(2) {
        let field = field.split('=').next().unwrap();
        message.set(&mut request, field, name_of(method, field, app)).unwrap();
    }
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_call_nothing() {
    let stand = Stand::begin().await.unwrap();
    plant(&stand).await;
    let none = lines(&stand, &[]).await;
    let ways = [
        ("nothing", none.clone()),
        ("no token", of(&none, "nothing")),
        ("one for REST", lines(&stand, &["Authorization: Bearer nothing"]).await),
    ];
    let mut tried = 0;
    for method in methods() {
        for (way, lines) in &ways {
            for line in lines {
                let told = call(line, method, &request_of(method, "app")).await;
                assert_eq!(told.code(), Some(Code::Unauthenticated), "{} with {way}: {told:?}", id(method));
                assert!(told.answers.is_empty(), "{} with {way}: {told:?}", id(method));
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_rights_is_told_nothing_over_grpc() {
    let stand = Stand::begin().await.unwrap();
    plant(&stand).await;
    let lines = lines(&stand, &[]).await;
    let nobody = of(&lines, &stand.account("nobody", "").await);
    let admin = of(&lines, &stand.account("boss", "g, boss, role:admin").await);
    let mut looked_at = 0;
    for method in methods() {
        let (there, absent) = (request_of(method, "app"), request_of(method, "absent"));
        let reads = method.rest.first().is_some_and(|rest| rest.verb == "GET");
        for (nobody, admin) in nobody.iter().zip(&admin) {
            let id = id(method);
            let told = call(nobody, method, &there).await;
            let nothing = told.answers.iter().all(says_nothing) || OWN.contains(&id.as_str());
            assert!(told.refused.is_some() || nothing, "{id} tells somebody without rights {told:?}");
            let other = call(nobody, method, &absent).await.refused;
            let other = other.map(|(code, message)| (code, message.replace("absent", "app")));
            assert_eq!(told.refused, other, "{id}");
            if reads {
                let told = call(admin, method, &there).await;
                let text = format!("{told:?}");
                assert!(!CANARIES.iter().any(|canary| text.contains(canary)), "{id}: {text}");
                looked_at += usize::from(told.refused.is_none() && !told.answers.is_empty());
            }
        }
    }
    assert!(looked_at > 40, "{looked_at} answers were looked at");
}

/// What casbin says of who may do what, recorded by `tools/rbac-oracle`.
const RIGHTS: &str = include_str!("rights.jsonl");

/// The calls that the requests of [`RIGHTS`] stand for: by resource, action and object.
const CALLS: &[(&str, &str, &str)] = &[
    ("applications get default/app", "application.ApplicationService/Get", r#"{"name":"app"}"#),
    (
        "applications get default/app",
        "application.ApplicationService/ManagedResources",
        r#"{"applicationName":"app"}"#,
    ),
    (
        "applications get default/app",
        "application.ApplicationService/ResourceTree",
        r#"{"applicationName":"app"}"#,
    ),
    (
        "applications get default/app",
        "application.ApplicationService/GetApplicationSyncWindows",
        r#"{"name":"app"}"#,
    ),
    (
        "applications sync default/app",
        "application.ApplicationService/Sync",
        r#"{"name":"app","dryRun":true}"#,
    ),
    (
        "applications update default/app",
        "application.ApplicationService/UpdateSpec",
        r#"{"name":"app","spec":{}}"#,
    ),
    ("applications delete default/app", "application.ApplicationService/Delete", r#"{"name":"app"}"#),
    ("logs get default/app", "application.ApplicationService/PodLogs", r#"{"name":"app"}"#),
    ("projects get default", "project.ProjectService/Get", r#"{"name":"default"}"#),
    ("projects get default", "project.ProjectService/ListLinks", r#"{"name":"default"}"#),
    (
        "projects update default",
        "project.ProjectService/CreateToken",
        r#"{"project":"default","role":"none"}"#,
    ),
    ("clusters get https://127.0.0.1:1", "cluster.ClusterService/Get", r#"{"server":"https://127.0.0.1:1"}"#),
    (
        "repositories get https://git.invalid/r.git",
        "repository.RepositoryService/Get",
        r#"{"repo":"https://git.invalid/r.git"}"#,
    ),
    ("certificates get ", "certificate.CertificateService/ListCertificates", "{}"),
    ("gpgkeys get ", "gpgkey.GPGKeyService/List", "{}"),
    ("accounts get admin", "account.AccountService/GetAccount", r#"{"name":"admin"}"#),
    ("accounts update admin", "account.AccountService/CreateToken", r#"{"name":"admin"}"#),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_decide_as_casbin_does() {
    let case: Value = serde_json::from_str(RIGHTS).unwrap();
    let stand = Stand::begin().await.unwrap();
    plant(&stand).await;
    let policy = case["data"]["policy.csv"].as_str().unwrap();
    let requests = case["requests"].as_array().unwrap();
    let [person, resource, action, object] = ["sub", "res", "act", "obj"]
        .map(|field| requests.iter().map(|request| request[field].as_str().unwrap()).collect::<Vec<_>>());
    let (lines, mut people) = (lines(&stand, &[]).await, BTreeMap::new());
    for person in person.iter().collect::<BTreeSet<_>>() {
        people.insert(person, of(&lines, &stand.account(person, policy).await));
    }
    let (mut held, mut allowed) = (0, 0);
    for (n, verdict) in case["verdicts"].as_str().unwrap().chars().enumerate() {
        let asked = format!("{} {} {}", resource[n], action[n], object[n]);
        let mut calls = CALLS.iter().filter(|(of, ..)| *of == asked).peekable();
        assert!(calls.peek().is_some(), "{asked} is made by no call");
        for (_, path, request) in calls {
            let method = schema().methods().iter().find(|method| id(method) == *path).unwrap();
            for line in &people[&person[n]] {
                let told = call(line, method, &serde_json::from_str(request).unwrap()).await;
                let may = told.code() != Some(Code::PermissionDenied);
                assert_eq!(may, verdict == 'y', "{} {asked} by {path}: {told:?}", person[n]);
                (held, allowed) = (held + 1, allowed + usize::from(may));
            }
        }
    }
    assert!(held > 100 && allowed > 20, "{held} answers, {allowed} of them allowed");
}
