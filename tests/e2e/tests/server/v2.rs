//! `/api/v2`: lists by questions, one application, and the stream of what changes.

use std::collections::VecDeque;

use reqwest::header;
use serde_json::{Value, json};

use crate::stand::Stand;

const CONFIG: &str = "/api/v1/namespaces/argocd/configmaps";

/// A stream of events.
struct Events {
    response: reqwest::Response,
    read: Vec<u8>,
    ready: VecDeque<Event>,
    /// The last id that came.
    id: String,
}

#[derive(Debug, Clone)]
struct Event {
    kind: String,
    data: Value,
}

impl Events {
    async fn open(stand: &Stand, token: &str, query: &str, last: &str) -> (Self, Value) {
        let url = format!("http://{}/api/v2/events{query}", stand.server.address());
        let request = reqwest::Client::new().get(url).bearer_auth(token).header("last-event-id", last);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{query}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        let mut events = Self { response, read: Vec::new(), ready: VecDeque::new(), id: String::new() };
        let hello = events.next().await.unwrap();
        assert_eq!(hello.kind, "hello");
        (events, hello.data)
    }

    /// The next event; `None` once the stream ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let more = tokio::time::timeout(e2e::PATIENCE, self.response.chunk());
            // A stream that ends as it should, and one that is broken off.
            self.read.extend_from_slice(&more.await.expect("an event").ok().flatten()?);
            while let Some(end) = self.read.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.read.drain(..end + 2).collect();
                self.take(std::str::from_utf8(&block).unwrap());
            }
        }
    }

    fn take(&mut self, block: &str) {
        let field = |name: &str| {
            block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
        };
        if !field("id").is_empty() {
            field("id").clone_into(&mut self.id);
        }
        if !field("event").is_empty() {
            let data = serde_json::from_str(field("data")).unwrap();
            self.ready.push_back(Event { kind: field("event").to_owned(), data });
        }
    }

    /// The next line that is a comment, where no event comes.
    async fn comment(&mut self) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.read).into_owned();
            if let Some(line) =
                text.lines().find(|line| line.starts_with(':') && text.contains(&format!("{line}\n")))
            {
                return line.to_owned();
            }
            let more = tokio::time::timeout(e2e::PATIENCE, self.response.chunk());
            self.read.extend_from_slice(&more.await.expect("a sign of life").unwrap().unwrap());
        }
    }

    /// The next change; each has to be an event of its own where the stream is waited for in between.
    async fn change(&mut self) -> Value {
        let event = self.next().await.expect("the stream goes on");
        assert_eq!(event.kind, "changes", "{event:?}");
        assert_eq!(event.data["changes"].as_array().map(Vec::len), Some(1), "{event:?}");
        event.data["changes"][0].clone()
    }
}

fn app(name: &str, project: &str, health: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd", "labels": {"team": project, "name": name}},
        "spec": {
            "project": project, "source": {"repoURL": format!("https://git.example/{project}.git"), "path": name, "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
        },
        "status": {"health": {"status": health}, "sync": {"status": "Synced", "revision": "0123456789"}},
    })
}

fn path(name: &str) -> String {
    format!("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{name}")
}

fn health(health: &str) -> Value {
    json!({"status": {"health": {"status": health}}})
}

/// A stand whose applications are as they are put, with an admin's token and one of somebody who sees the project `shop` alone.
async fn stand() -> (Stand, String, String) {
    let stand = Stand::begin().await.unwrap();
    stand.still();
    for n in 0..30 {
        let (project, health) = (["shop", "bank"][n % 2], ["Healthy", "Degraded", "Progressing"][n % 3]);
        stand.api.apply(&app(&format!("a{n:02}"), project, health)).await.unwrap();
    }
    let admin = session(&stand).await;
    let map = |data: Value| json!({ "data": data });
    stand.api.patch(&format!("{CONFIG}/argocd-cm"), &map(json!({"accounts.bob": "apiKey"}))).await.unwrap();
    rights(&stand, "p, bob, applications, get, shop/*, allow").await;
    let bob = testkit::eventually_some("the account is known", e2e::PATIENCE, || async {
        let answer = stand.post("/api/v1/account/bob/token", &admin, &json!({})).await.text().await?;
        let answer: Value = serde_json::from_str(&answer)?;
        Ok::<_, anyhow::Error>(answer["token"].as_str().map(str::to_owned))
    })
    .await;
    testkit::eventually("all is seen", e2e::PATIENCE, || async {
        let (all, some) = (list(&stand, &admin, "").await, list(&stand, &bob, "").await);
        Ok::<_, anyhow::Error>(all["total"] == 30 && some["total"] == 15)
    })
    .await;
    for token in [&admin, &bob] {
        drop(settled(&stand, token).await);
    }
    (stand, admin, bob)
}

async fn session(stand: &Stand) -> String {
    let login = json!({"username": "admin", "password": stand.password().await.unwrap()});
    // What the server made at its start it reads like anybody else's settings.
    testkit::eventually_some("the admin logs in", e2e::PATIENCE, || async {
        let answer = stand.post("/api/v1/session", "", &login).await.text().await?;
        let answer: Value = serde_json::from_str(&answer)?;
        Ok::<_, anyhow::Error>(answer["token"].as_str().map(str::to_owned))
    })
    .await
}

async fn rights(stand: &Stand, lines: &str) {
    let policy = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-rbac-cm", "namespace": "argocd"},
        "data": {"policy.csv": lines},
    });
    stand.api.apply(&policy).await.unwrap();
}

async fn ask(stand: &Stand, token: &str, path: &str) -> (u16, Value) {
    let response = stand.get(path, token).await;
    (response.status().as_u16(), serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

async fn list(stand: &Stand, token: &str, query: &str) -> Value {
    let (status, value) = ask(stand, token, &format!("/api/v2/applications{query}")).await;
    assert_eq!(status, 200, "{query}: {value}");
    value
}

fn names(value: &Value) -> Vec<&str> {
    value["items"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_answer_questions_and_show_what_may_be_seen() {
    let (stand, admin, bob) = stand().await;
    for (query, total, first) in [
        ("", 30, Some("a00")),
        ("?filter=health:Degraded", 10, Some("a01")),
        ("?filter=health:Degraded+project:bank", 5, Some("a01")),
        ("?filter=-label:team%3Dbank+name:a1*", 5, Some("a10")),
        ("?proj=bank&health=Healthy,Progressing", 10, Some("a03")),
        ("?search=SHOP.git+a2", 5, Some("a20")),
        ("?search=0123456", 30, Some("a00")),
        ("?sort=-health", 30, Some("a01")),
        ("?sort=-name&limit=3", 30, Some("a29")),
        ("?filter=age%3E1h", 0, None),
        ("?filter=age%3C1h&namespace=a0*", 10, Some("a00")),
    ] {
        let value = list(&stand, &admin, query).await;
        assert_eq!((&value["total"], names(&value).first().copied()), (&json!(total), first), "{query}");
    }
    // Nobody is told of what they may not see, not even how many there are.
    let value = list(&stand, &bob, "?facets=health,project,labels&fields=health&limit=2").await;
    assert_eq!(
        value["facets"],
        json!({
            "health": {"values": [["Degraded", 5], ["Healthy", 5], ["Progressing", 5]]},
            "project": {"values": [["shop", 15]]}, "labels": value["facets"]["labels"],
        })
    );
    assert!(!value.to_string().contains("bank"), "{value}");
    assert_eq!(value["items"][0].as_object().map(serde_json::Map::len), Some(4), "{value}");
    let next = value["next"].as_str().unwrap();
    // The page goes on where it ended although its last row is gone.
    stand.api.delete(&path("a02")).await.unwrap();
    testkit::eventually("it is gone", e2e::PATIENCE, || async {
        Ok::<_, anyhow::Error>(list(&stand, &bob, "").await["total"] == 14)
    })
    .await;
    assert_eq!(names(&list(&stand, &bob, &format!("?limit=2&cursor={next}")).await), ["a04", "a06"]);

    let (status, value) = ask(&stand, &bob, "/api/v2/applications/argocd/a00").await;
    assert_eq!(
        (status, &value["row"]["health"], &value["spec"]["project"]),
        (200, &json!("Healthy"), &json!("shop"))
    );
    let (hidden, absent) = ("/api/v2/applications/argocd/a01", "/api/v2/applications/argocd/a99");
    let told = ask(&stand, &bob, hidden).await;
    assert_eq!((told.0, &told.1["code"]), (403, &json!("E2004")));
    assert_eq!(told, ask(&stand, &bob, absent).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_have_one_shape_and_answers_a_tag() {
    let (stand, admin, _) = stand().await;
    for (path, status, code) in [
        ("/api/v2/applications?filter=helth:x", 400, "E2001"),
        ("/api/v2/applications?cursor=x", 400, "E2001"),
        ("/api/v2/nothing", 404, "E2005"),
        ("/api/v2", 404, "E2005"),
        ("/api/v2/events?topic=nothing", 400, "E2002"),
        ("/api/v2/events?topic=applications%3Ffilter%3Dhelth:x", 400, "E2001"),
        ("/api/v2/events?nothing=1", 400, "E2002"),
        ("/api/v2/events/x/topics", 405, "E2006"),
        ("/api/v2/applications/argocd/a99/tree", 403, "E2004"),
    ] {
        let (got, value) = ask(&stand, &admin, path).await;
        assert_eq!((got, value["code"].as_str()), (status, Some(code)), "{path}: {value}");
        assert!(value["message"].is_string() && value["next"].is_string(), "{path}: {value}");
    }
    let (status, value) = ask(&stand, "nothing", "/api/v2/applications").await;
    assert_eq!((status, &value["code"]), (401, &json!("E2003")));
    let (_, value) = ask(&stand, &admin, "/api/v2/applications?filter=a+helth:x").await;
    assert_eq!((&value["detail"]["position"], &value["detail"]["nearest"]), (&json!(2), &json!("health")));

    let url = format!("http://{}/api/v2/applications?proj=shop", stand.server.address());
    let get = |tag: String| {
        reqwest::Client::new().get(&url).bearer_auth(&admin).header(header::IF_NONE_MATCH, tag).send()
    };
    let tag = |response: &reqwest::Response| response.headers()[header::ETAG].to_str().unwrap().to_owned();
    let first = get(String::new()).await.unwrap();
    let known = tag(&first);
    // What is none of the answer does not change it.
    stand.api.patch(&path("a01"), &health("Missing")).await.unwrap();
    testkit::eventually("it is seen", e2e::PATIENCE, || async {
        Ok::<_, anyhow::Error>(list(&stand, &admin, "?health=Missing").await["total"] == 1)
    })
    .await;
    let second = get(known.clone()).await.unwrap();
    assert_eq!((second.status().as_u16(), tag(&second)), (304, known.clone()));
    stand.api.patch(&path("a00"), &health("Missing")).await.unwrap();
    testkit::eventually("the answer is another one", e2e::PATIENCE, || async {
        let response = get(known.clone()).await?;
        Ok::<_, anyhow::Error>(response.status() == 200 && tag(&response) != known)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_tells_what_changes_and_goes_on_where_it_was_cut() {
    let (stand, admin, bob) = stand().await;
    let query = "?topic=applications%3Ffilter%3Dhealth:Degraded";
    let (mut events, hello) = Events::open(&stand, &admin, query, "").await;
    let change = |name: &str, patch: Value| {
        let (api, path) = (&stand.api, path(name));
        async move { drop(api.patch(&path, &patch).await.unwrap()) }
    };
    change("a00", health("Degraded")).await;
    let added = events.change().await;
    assert_eq!((&added["type"], &added["row"]["name"]), (&json!("added"), &json!("a00")));
    change("a00", json!({"status": {"sync": {"status": "OutOfSync"}}})).await;
    let changed = events.change().await;
    assert_eq!(changed["patch"], json!({"sync": "OutOfSync", "version": changed["version"]}));
    change("a00", health("Healthy")).await;
    let removed = json!({"type": "removed", "namespace": "argocd", "name": "a00"});
    assert_eq!(events.change().await, removed);
    // What somebody else's filter does not take is not told: a02 is no more in it than before.
    change("a02", json!({"metadata": {"labels": {"x": "y"}}})).await;

    // A topic more, and one less.
    let stream = hello["stream"].as_str().unwrap();
    let order =
        json!({"add": ["applications/argocd/a03"], "remove": ["applications?filter=health:Degraded"]});
    let place = format!("/api/v2/events/{stream}/topics");
    let answer: Value =
        serde_json::from_str(&stand.post(&place, &admin, &order).await.text().await.unwrap()).unwrap();
    assert_eq!(answer, json!({"topics": ["applications/argocd/a03"]}));
    assert_eq!(stand.post(&place, &bob, &order).await.status(), 404, "it is somebody else's stream");
    change("a03", health("Degraded")).await;
    let replaced = events.change().await;
    assert_eq!(
        (&replaced["type"], &replaced["value"]["row"]["health"]),
        (&json!("replaced"), &json!("Degraded"))
    );
    change("a03", health("Missing")).await;
    let changed = events.change().await;
    assert_eq!(changed["patch"]["row"]["health"], "Missing");
    assert_eq!(changed["patch"].get("spec"), None, "only what changed: {changed}");

    // Cut off, and back.
    let last = events.id.clone();
    drop(events);
    change("a00", health("Degraded")).await;
    change("a06", health("Degraded")).await;
    stand.api.delete(&path("a06")).await.unwrap();
    change("a01", health("Healthy")).await;
    testkit::eventually("all is seen", e2e::PATIENCE, || async {
        let value = list(&stand, &admin, "?filter=health:Degraded").await;
        Ok::<_, anyhow::Error>(!names(&value).contains(&"a01"))
    })
    .await;
    let (mut events, _) = Events::open(&stand, &admin, query, &last).await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let event = events.next().await.unwrap();
        seen.extend(event.data["changes"].as_array().unwrap().iter().map(|change| {
            let name = change.pointer("/row/name").or(change.get("name")).unwrap().as_str().unwrap();
            (change["type"].as_str().unwrap().to_owned(), name.to_owned())
        }));
    }
    let both = [("added", "a00"), ("removed", "a01")].map(|(kind, name)| (kind.to_owned(), name.to_owned()));
    assert_eq!(seen, both, "what came and went meanwhile is not told");
    // A position that says nothing here.
    let (mut events, _) = Events::open(&stand, &admin, query, "0123.4").await;
    let reset = events.next().await.unwrap();
    assert_eq!(
        (reset.kind.as_str(), &reset.data["topic"]),
        ("reset", &json!("applications?filter=health:Degraded"))
    );
    change("a00", health("Healthy")).await;
    assert_eq!(events.change().await, removed, "it is followed from there on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_told_is_asked_anew_and_silence_is_alive() {
    let (mut stand, admin, bob) = stand().await;
    let alive = std::time::Duration::from_millis(50);
    stand.bounded(server::Streams { changes: 5, alive }).await;
    drop(settled(&stand, &admin).await);
    let all = "?topic=applications";
    let position = async || list(&stand, &admin, "").await["position"].as_str().unwrap().to_owned();
    let next = "ask for it anew; it is followed from here on";
    // Six changes, of which five are kept: one behind the first is still known, and one before it is not.
    let first = position().await;
    let change = async |name: &str, state: &str| {
        stand.api.patch(&path(name), &health(state)).await.unwrap();
        testkit::eventually("it is seen", e2e::PATIENCE, || async {
            let (_, app) = ask(&stand, &admin, &format!("/api/v2/applications/argocd/{name}")).await;
            Ok::<_, anyhow::Error>(app["row"]["health"] == state)
        })
        .await;
    };
    let (mut events, _) = Events::open(&stand, &admin, all, "").await;
    change("a00", "Missing").await;
    assert_eq!(events.change().await["name"], "a00");
    let second = events.id.clone();
    for name in ["a01", "a02", "a03", "a04", "a05"] {
        change(name, "Missing").await;
        assert_eq!(events.change().await["name"], name);
    }
    let (mut known, _) = Events::open(&stand, &admin, all, &second).await;
    let told = known.next().await.unwrap();
    assert_eq!((told.kind.as_str(), told.data["changes"].as_array().map(Vec::len)), ("changes", Some(5)));
    let (mut late, _) = Events::open(&stand, &admin, all, &first).await;
    let reset = late.next().await.unwrap();
    let reason = "the log of changes does not go back so far";
    let told = json!({"topic": "applications", "reason": reason, "next": next});
    assert_eq!((reset.kind.as_str(), &reset.data), ("reset", &told));
    change("a06", "Missing").await;
    assert_eq!(late.change().await["name"], "a06", "it is followed from there on");
    // Nothing happens, and a stream says so.
    let silence = late.comment().await;
    assert_eq!(silence, ": alive");

    // More than is told at once: rows of some KiB each, of whoever may see all of them from now on.
    let labels: serde_json::Map<String, Value> =
        (0..50).map(|n| (format!("label-{n}"), "x".repeat(60).into())).collect();
    for n in 0..30 {
        stand.api.patch(&path(&format!("a{n:02}")), &json!({"metadata": {"labels": labels}})).await.unwrap();
    }
    drop(settled(&stand, &admin).await);
    rights(&stand, "p, bob, applications, get, none/*, allow").await;
    testkit::eventually("nothing is seen", e2e::PATIENCE, || async {
        Ok::<_, anyhow::Error>(list(&stand, &bob, "").await["total"] == 0)
    })
    .await;
    let (mut events, _) = Events::open(&stand, &bob, all, "").await;
    rights(&stand, "p, bob, applications, get, */*, allow").await;
    let reset = events.next().await.unwrap();
    let told =
        json!({"topic": "applications", "reason": "more has changed than is told at once", "next": next});
    assert_eq!((reset.kind.as_str(), &reset.data), ("reset", &told));
}

/// A stream of somebody, once what was made and what rights were given a moment ago is behind it: until then rows come as added.
async fn settled(stand: &Stand, token: &str) -> Events {
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let mark = async |text: Value| {
        stand.api.patch(&path("a28"), &json!({"metadata": {"labels": {"mark": text}}})).await
    };
    let mut events = testkit::eventually_some("one change is one event", e2e::PATIENCE, || async {
        let (mut events, _) = Events::open(stand, token, "?topic=applications", "").await;
        let n = tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        mark(json!(format!("m{n}"))).await?;
        let event = events.next().await.expect("the stream goes on");
        let changes = event.data["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok::<_, anyhow::Error>((changes.len() == 1 && changes[0]["name"] == "a28").then_some(events))
    })
    .await;
    mark(Value::Null).await.unwrap();
    assert_eq!(events.change().await["name"], "a28");
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_session_and_rights_that_go_take_rows_along() {
    let (stand, admin, bob) = stand().await;
    let (mut events, _) = Events::open(&stand, &bob, "?topic=applications", "").await;
    // What bob may not see is not told; what he may is.
    stand.api.patch(&path("a01"), &health("Missing")).await.unwrap();
    stand.api.patch(&path("a02"), &health("Suspended")).await.unwrap();
    assert_eq!(events.change().await["name"], "a02");
    stand.api.patch(&path("a02"), &json!({"spec": {"project": "bank"}})).await.unwrap();
    assert_eq!(events.change().await, json!({"type": "removed", "namespace": "argocd", "name": "a02"}));
    let last = events.id.clone();
    rights(&stand, "p, bob, applications, get, shop/a04, allow").await;
    let event = events.next().await.unwrap();
    let gone = event.data["changes"].as_array().unwrap();
    assert_eq!(gone.len(), 13, "{event:?}");
    assert!(gone.iter().all(|change| change["type"] == "removed" && change["name"] != "a04"), "{event:?}");
    // Who was away while rights changed asks anew.
    let (mut late, _) = Events::open(&stand, &bob, "?topic=applications", &last).await;
    assert_eq!(late.next().await.unwrap().kind, "reset");

    let other = session(&stand).await;
    let (mut events, _) = Events::open(&stand, &other, "?topic=applications", "").await;
    let url = format!("http://{}/api/v1/session", stand.server.address());
    reqwest::Client::new()
        .delete(url)
        .bearer_auth(&other)
        .header("content-type", "application/json")
        .send()
        .await
        .unwrap();
    let end = events.next().await.unwrap();
    assert_eq!((end.kind.as_str(), &end.data["code"]), ("end", &json!("E2003")));
    assert!(events.next().await.is_none());
    assert_eq!(list(&stand, &admin, "").await["total"], 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_is_there_for_whoever_sees_the_application() {
    let stand = Stand::begin().await.unwrap();
    let mut app = app("app", "default", "Healthy");
    app["spec"]["source"] = json!({"repoURL": stand.git.url(&stand.repository), "path": "app"});
    app["spec"]["syncPolicy"] = json!({"automated": {}});
    app["spec"]["destination"]["namespace"] = json!("default");
    stand.api.apply(&app).await.unwrap();
    let admin = session(&stand).await;
    testkit::eventually("it is synced and its objects are told", e2e::PATIENCE, || async {
        let (_, tree) = ask(&stand, &admin, "/api/v2/applications/argocd/app/tree").await;
        let (_, shown) = ask(&stand, &admin, "/api/v2/applications/argocd/app").await;
        Ok::<_, anyhow::Error>(
            tree["nodes"][0]["name"] == "a"
                && shown["row"]["sync"] == "Synced"
                && shown["history"][0].is_object(),
        )
    })
    .await;

    // What changes of it, node by node.
    let bob = stand.account("bob", "p, bob, applications, get, default/app, allow").await;
    let (mut events, _) = Events::open(&stand, &bob, "?topic=applications/argocd/app/tree", "").await;
    let node = "/ConfigMap/default/a";
    let first = events.change().await;
    assert_eq!((&first["type"], &first["value"]["nodes"][node]["name"]), (&json!("replaced"), &json!("a")));
    let object = "/api/v1/namespaces/default/configmaps/a";
    stand.api.patch(object, &json!({"metadata": {"labels": {"of": "somebody"}}})).await.unwrap();
    let now = stand.api.get(object).await.unwrap().unwrap();
    let version = json!({"resourceVersion": now["metadata"]["resourceVersion"]});
    assert_eq!(events.change().await, json!({"type": "changed", "patch": {"nodes": {node: version}}}));
    // Rights that go take it along, and those that come back bring it.
    rights(&stand, "p, bob, applications, get, none/*, allow").await;
    assert_eq!(events.change().await, json!({"type": "removed", "namespace": "argocd", "name": "app"}));
    rights(&stand, "p, bob, applications, get, default/app, allow").await;
    assert_eq!(events.change().await["type"], "replaced");
}
