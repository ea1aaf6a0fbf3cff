//! Every place of the API, made from its own table: who comes in at all (A70), what somebody without rights is told (A71),
//! that no answer has what is secret, or what kubectl remembers of it (A58–A60), and that texts are no pages (A104, A106).

mod calls;

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method as Verb, StatusCode};
use serde_json::{Value, json};
use wire::{Method, Rest, schema};

use crate::stand::Stand;

/// What stands in Secrets of the installation.
const CANARIES: [&str; 3] = ["c4n4ry-repository", "c4n4ry-template", "c4n4ry-cluster"];
/// What would be one, taken for a page.
const PAGE: &str = "<img src=x onerror=alert(1)>";
/// Where strangers come in: to log in, and to learn how to.
const OPEN: [&str; 5] = [
    "version.VersionService/Version",
    "session.SessionService/Create",
    "session.SessionService/Delete",
    "session.SessionService/GetUserInfo",
    "cluster.SettingsService/Get",
];
/// What whoever is logged in may do, for it is about themselves or says nothing of others.
const OWN: [&str; 7] = [
    "account.AccountService/CanI",
    "account.AccountService/GetAccount",
    "account.AccountService/ListAccounts",
    "notification.NotificationService/ListServices",
    "notification.NotificationService/ListTemplates",
    "notification.NotificationService/ListTriggers",
    "project.ProjectService/GetSyncWindowsState",
];

/// Places of the API of our own pages, with the name of an application put in for `{app}`.
const OURS: [(Verb, &str); 7] = [
    (Verb::GET, "/api/v2/applications"),
    (Verb::GET, "/api/v2/applications?facets=health,project,labels&search=a"),
    (Verb::GET, "/api/v2/applications/argocd/{app}"),
    (Verb::GET, "/api/v2/applications/argocd/{app}/tree"),
    (Verb::GET, "/api/v2/events?topic=applications&topic=applications/argocd/{app}&from=0.0"),
    (Verb::POST, "/api/v2/events/{app}/topics"),
    (Verb::GET, "/api/v2/{app}"),
];

/// Names and values.
type Headers<'a> = &'a [(&'a str, &'a str)];

/// The name that a field of a request says of what is there.
fn name_of<'a>(method: &Method, field: &str, app: &'a str) -> &'a str {
    match (method.service.as_str(), field) {
        ("application.ApplicationService", "name" | "applicationName" | "application.metadata.name") => app,
        ("project.ProjectService", "iat") => "7",
        ("project.ProjectService", _) => "default",
        ("account.AccountService", "name") => "admin",
        ("cluster.ClusterService", _) => "https://kubernetes.default.svc",
        _ => "x",
    }
}

/// No browser takes an answer for a page or a script, or shows it in a frame of others, whatever is in it.
fn assert_no_page(path: &str, headers: &HeaderMap) {
    let said = |name: &str| headers.get(name).and_then(|text| text.to_str().ok()).unwrap_or_default();
    let shield = ["x-content-type-options", "x-frame-options", "content-security-policy"].map(said);
    assert_eq!(shield, ["nosniff", "sameorigin", "frame-ancestors 'self';"], "{path}");
    let kinds = ["application/json", "text/plain; charset=utf-8", "text/event-stream", "image/svg+xml"];
    assert!(kinds.contains(&said("content-type")), "{path}: {headers:?}");
}

fn id(method: &Method) -> String {
    format!("{}/{}", method.service, method.name)
}

/// One place of a method, with names of what is there put in.
struct Place {
    method: &'static Method,
    verb: Verb,
    path: String,
}

impl Place {
    fn of(method: &'static Method, rest: &Rest, app: &str) -> Self {
        let name = |field: &str| name_of(method, field, app).replace(':', "%3A").replace('/', "%2F");
        let mut path = String::new();
        for (n, part) in rest.path.split(['{', '}']).enumerate() {
            path += &if n % 2 == 1 { name(part.split('=').next().unwrap()) } else { part.to_owned() };
        }
        Self { method, verb: rest.verb.parse().unwrap(), path }
    }

    fn id(&self) -> String {
        id(self.method)
    }

    /// Asks there. Of a stream the beginning is read.
    async fn ask(
        &self,
        (stand, client): (&Stand, &reqwest::Client),
        headers: &[(&str, &str)],
        query: &str,
    ) -> (StatusCode, String) {
        let url = format!("http://{}{}{query}", stand.server.address(), self.path);
        let mut request = client.request(self.verb.clone(), url);
        if self.verb != Verb::GET {
            request = request.header("content-type", "application/json").body("{}");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send().await.unwrap();
        assert_no_page(&self.path, response.headers());
        let mut text = Vec::new();
        let read = async {
            while let Some(chunk) = response.chunk().await.unwrap() {
                text.extend_from_slice(&chunk);
            }
        };
        let patience = Duration::from_secs(if self.method.gives_stream { 1 } else { 30 });
        let ended = tokio::time::timeout(patience, read).await;
        assert!(ended.is_ok() || self.method.gives_stream, "{} does not end", self.id());
        (response.status(), String::from_utf8_lossy(&text).into_owned())
    }
}

/// Asks at one of our own places. Of a stream the beginning is read.
async fn ask_ours(
    (stand, client): (&Stand, &reqwest::Client),
    (verb, path): (&Verb, &str),
    headers: &[(&str, &str)],
) -> (StatusCode, String) {
    let mut request = client.request(verb.clone(), format!("http://{}{path}", stand.server.address()));
    if *verb != Verb::GET {
        request = request.header("content-type", "application/json").body("{}");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = request.send().await.unwrap();
    assert_no_page(path, response.headers());
    let mut text = Vec::new();
    let read = async {
        while let Some(chunk) = response.chunk().await.unwrap() {
            text.extend_from_slice(&chunk);
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(2), read).await;
    assert!(ended.is_ok() || path.contains("/events?"), "{path} does not end");
    (response.status(), String::from_utf8_lossy(&text).into_owned())
}

fn places(app: &str) -> Vec<Place> {
    let methods = schema().methods().iter();
    methods.flat_map(|method| method.rest.iter().map(move |rest| Place::of(method, rest, app))).collect()
}

async fn plant(stand: &Stand) {
    let secret = |name: &str, kind: &str, data: Value| {
        // As kubectl makes it.
        let last = json!({"stringData": data}).to_string();
        json!({
            "apiVersion": "v1", "kind": "Secret", "stringData": data,
            "metadata": {
                "name": name, "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": kind},
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": last, "team": "shop"},
            },
        })
    };
    let config = json!({"bearerToken": CANARIES[2], "tlsClientConfig": {"insecure": true}}).to_string();
    for object in [
        secret(
            "canary-repository",
            "repository",
            json!({"type": "git", "url": "https://git.invalid/r.git", "username": "u", "password": CANARIES[0]}),
        ),
        secret(
            "canary-template",
            "repo-creds",
            json!({"type": "git", "url": "https://git.invalid/", "username": "u", "password": CANARIES[1]}),
        ),
        secret(
            "canary-cluster",
            "cluster",
            json!({"name": "far", "server": "https://127.0.0.1:1", "config": config}),
        ),
    ] {
        stand.api.apply(&object).await.unwrap();
    }
    stand.set(&json!({"ui.cssurl": "https://x.invalid/a.css", "ui.bannercontent": PAGE, "ui.bannerurl": "javascript:alert(1)"})).await;
    let app = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "app", "namespace": "argocd", "annotations": {"link.argocd.argoproj.io/x": "javascript:alert(1)"}},
        "spec": {
            "info": [{"name": PAGE, "value": PAGE}],
            "project": "default", "source": {"repoURL": stand.git.url(&stand.repository), "path": "app"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "default"},
        },
    });
    stand.api.apply(&app).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_come_in_where_it_is_said_and_nowhere_else() {
    let stand = Stand::begin().await.unwrap();
    plant(&stand).await;
    let ways: [(&str, Headers<'_>, &str); 6] = [
        ("nothing", &[], ""),
        ("no token", &[("authorization", "Bearer nothing")], ""),
        ("an empty one", &[("authorization", "Bearer ")], ""),
        ("a password", &[("authorization", "Basic YWRtaW46YWRtaW4=")], ""),
        ("two", &[("authorization", "Bearer a"), ("authorization", "Bearer b")], ""),
        ("one in the URL", &[], "?token=a"),
    ];
    let client = reqwest::Client::new();
    let mut tried = 0;
    for place in places("app").iter().filter(|place| !OPEN.contains(&place.id().as_str())) {
        for (way, headers, query) in ways {
            let (status, text) = place.ask((&stand, &client), headers, query).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{} with {way}: {text}", place.id());
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
    for (verb, path) in &OURS {
        let sign = if path.contains('?') { '&' } else { '?' };
        for (way, headers, query) in ways {
            let path = format!("{}{}", path.replace("{app}", "app"), query.replace('?', &sign.to_string()));
            let (status, text) = ask_ours((&stand, &client), (verb, &path), headers).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{path} with {way}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_rights_learns_nothing_and_nobody_reads_credentials() {
    let stand = Stand::begin().await.unwrap();
    plant(&stand).await;
    let nobody = format!("Bearer {}", stand.account("nobody", "").await);
    let admin = format!("Bearer {}", stand.account("boss", "g, boss, role:admin").await);
    let (apps, absent) = (places("app"), places("absent"));
    let client = reqwest::Client::new();
    let mut told = Vec::new();
    for (place, absent) in apps.iter().zip(&absent) {
        let id = place.id();
        if OPEN.contains(&id.as_str()) {
            continue;
        }
        let header = [("authorization", nobody.as_str())];
        let (status, text) = place.ask((&stand, &client), &header, "").await;
        let empty = || text.is_empty() || says_nothing(&serde_json::from_str(&text).unwrap_or_default());
        let refused = !status.is_success() || empty() || OWN.contains(&id.as_str());
        assert!(refused, "{id} tells somebody without rights {text}");
        // What is there and what is not are told alike.
        let (status_absent, text_absent) = absent.ask((&stand, &client), &header, "").await;
        assert_eq!((status, text), (status_absent, text_absent.replace("absent", "app")), "{id}");

        if place.verb == Verb::GET {
            let (status, text) = place.ask((&stand, &client), &[("authorization", admin.as_str())], "").await;
            for canary in CANARIES {
                assert!(!text.contains(canary), "{id}: {text}");
            }
            told.extend(status.is_success().then_some(id));
        }
    }
    for (verb, path) in &OURS {
        let at = |app: &str| path.replace("{app}", app);
        let header = [("authorization", nobody.as_str())];
        let (status, text) = ask_ours((&stand, &client), (verb, &at("app")), &header).await;
        let other = ask_ours((&stand, &client), (verb, &at("absent")), &header).await;
        let stream = path.contains("/events?");
        if status.is_success() && !stream {
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!((&value["items"], &value["total"]), (&json!([]), &json!(0)), "{path}: {text}");
            assert!(!text.contains("default"), "{path}: {text}");
        }
        assert!(!text.contains("git.invalid") && !text.contains("/config.git"), "{path}: {text}");
        assert_eq!(status, other.0, "{path}: {text}");
        if stream {
            // It has an id of its own, so the texts differ.
            assert!(text.matches("event: reset").count() == 2 && !text.contains("event: changes"), "{text}");
        } else if !status.is_success() {
            assert_eq!(text, other.1.replace("absent", "app"), "{path}");
        }
        let (_, text) = ask_ours((&stand, &client), (verb, &at("app")), &[("authorization", &admin)]).await;
        assert!(!CANARIES.iter().any(|canary| text.contains(canary)), "{path}: {text}");
    }
    for id in [
        "cluster.ClusterService/List",
        "repository.RepositoryService/ListRepositories",
        "repocreds.RepoCredsService/ListRepositoryCredentials",
        "project.ProjectService/GetDetailedProject",
        "application.ApplicationService/Get",
    ] {
        assert!(told.iter().any(|told| told == id), "{id} was not looked at: {told:?}");
    }
}

/// Whether an answer tells of nothing.
fn says_nothing(answer: &Value) -> bool {
    *answer == json!({})
        || answer["items"].as_array().is_none_or(Vec::is_empty)
            && (answer.get("items").is_some()
                || answer.as_object().is_some_and(|all| all.keys().eq(["metadata"])))
}
