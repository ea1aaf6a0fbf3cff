//! A terminal in a container, as the peer's pages open one.

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::resources::with_objects;
use crate::stand::Stand;

/// The example of RFC 6455.
const KEY: (&str, &str) = ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// What is asked, with which headers, and what is answered.
type Refused<'a> = (&'a str, String, Vec<(&'a str, &'a str)>, u16, &'a str);

/// A terminal, and what it printed.
struct Terminal {
    socket: WebSocketStream<TcpStream>,
    printed: String,
}

/// Opens one as a browser does; what is answered instead, by code and text.
async fn open(stand: &Stand, query: &str, headers: &[(&str, &str)]) -> Result<Terminal, (u16, String)> {
    let address = stand.server.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!(
        "GET /terminal?{query} HTTP/1.1\r\nHost: {address}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n",
        KEY.0
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    if head.starts_with("HTTP/1.1 101") {
        assert!(head.contains(&format!("sec-websocket-accept: {}", KEY.1)), "{head}");
        let socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        return Ok(Terminal { socket, printed: String::new() });
    }
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    Err((code, String::from_utf8(body).unwrap().trim().to_owned()))
}

impl Terminal {
    async fn say(&mut self, message: &Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn types(&mut self, line: &str) {
        self.say(&json!({"operation": "stdin", "data": format!("{line}\r"), "rows": 0, "cols": 0})).await;
    }

    /// Waits until this was printed.
    async fn prints(&mut self, wanted: &str) {
        while !self.printed.contains(wanted) {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            match message.ok().flatten() {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    assert_eq!(message["operation"], "stdout", "{message}");
                    self.printed.push_str(message["data"].as_str().unwrap());
                }
                Some(Ok(Message::Ping(_))) => {}
                other => assert_eq!(format!("{other:?}"), wanted, "after {:?}", self.printed),
            }
        }
        self.printed.clear();
    }

    /// Waits for the end: its code, and the messages before it.
    async fn ends(&mut self) -> (u16, Vec<Value>) {
        let mut messages = Vec::new();
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next()).await.unwrap() {
                Some(Ok(Message::Text(text))) => messages.push(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), messages),
                other => assert_eq!(format!("{other:?}"), "the end", "after {messages:?}"),
            }
        }
    }
}

/// A stand with an application, terminals, and the query for one in its pod.
async fn with_terminals() -> Option<(Stand, String)> {
    let stand = with_objects().await?;
    let pods = stand.api.get("/api/v1/namespaces/default/pods").await.unwrap().unwrap();
    let pod = pods["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    let query = format!("pod={pod}&container=web&appName=app&projectName=default&namespace=default");
    let (code, _) = open(&stand, &query, &[]).await.err().unwrap();
    assert_eq!(code, 404, "there are none by default");
    stand.set(&json!({"exec.enabled": "true"})).await;
    testkit::eventually("terminals are enabled", e2e::PATIENCE, || async {
        let (code, _) = open(&stand, &query, &[]).await.err().unwrap();
        Ok::<_, anyhow::Error>(code == 401)
    })
    .await;
    Some((stand, query))
}

const BASE: &str = "p, dev, applications, get, default/app, allow";
const EXEC: &str = "p, dev, exec, create, default/app, allow";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminals_are_for_whom_they_may_be() {
    let Some((stand, query)) = with_terminals().await else { return };
    let token = stand.account("dev", BASE).await;
    let cookie = format!("argocd.token={token}");
    let mine = ("Cookie", cookie.as_str());
    let refused = |row: &str, opened: Result<Terminal, (u16, String)>| {
        opened.err().unwrap_or_else(|| panic!("{row}: it is open"))
    };
    let plain = refused("no right", open(&stand, &query, &[mine]).await);
    assert_eq!(plain, (403, "permission denied: exec, create, default/app, sub: dev".to_owned()));
    let stranger = stand.account("dev", "").await;
    let cookie_of_stranger = format!("argocd.token={stranger}");
    let nobody = ("Cookie", cookie_of_stranger.as_str());
    let hidden = refused("hidden", open(&stand, &query, &[nobody]).await);
    let absent = refused("absent", open(&stand, &query.replace("appName=app", "appName=x"), &[nobody]).await);
    assert_eq!(hidden, absent);
    assert_eq!(hidden.0, 403);

    stand.account("dev", &format!("{BASE}\n{EXEC}")).await;
    let foreign = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "foreign", "namespace": "default"},
        "spec": {"containers": [{"name": "web", "image": "x"}]}});
    stand.api.apply(&foreign).await.unwrap();
    let pod = query.split('&').next().unwrap();
    let own = format!("http://{}", stand.server.address());
    let rows: Vec<Refused> = vec![
        ("no token", query.clone(), vec![], 401, "no session information"),
        ("a bad token", query.clone(), vec![("Cookie", "argocd.token=x")], 401, "invalid session"),
        (
            "a foreign pod",
            query.replace(pod, "pod=foreign"),
            vec![mine],
            400,
            "Pod doesn't belong to specified app",
        ),
        ("no pod", query.replace(pod, "pod=x"), vec![mine], 400, "Pod doesn't belong to specified app"),
        (
            "another namespace",
            query.replace("namespace=default", "namespace=argocd"),
            vec![mine],
            400,
            "Pod doesn't belong",
        ),
        (
            "no container",
            query.replace("container=web", "container=x"),
            vec![mine],
            400,
            "Cannot find container",
        ),
        (
            "another project",
            query.replace("projectName=default", "projectName=x"),
            vec![mine],
            403,
            "permission denied",
        ),
        ("a name that is none", query.replace(pod, "pod=a/b"), vec![mine], 400, "Pod name is not valid"),
        ("too little", "pod=x".to_owned(), vec![mine], 400, "Missing required parameters"),
        (
            "a foreign page",
            query.clone(),
            vec![mine, ("Origin", "https://evil.example")],
            403,
            "other origins",
        ),
        ("no page", query.clone(), vec![mine, ("Origin", "null")], 403, "other origins"),
    ];
    for (row, query, headers, code, text) in rows {
        let answer = refused(row, open(&stand, &query, &headers).await);
        assert!(answer.0 == code && answer.1.contains(text), "{row}: {answer:?}");
    }
    let plain = stand.get(&format!("/terminal?{query}"), &token).await;
    assert_eq!(plain.status(), 400, "no WebSocket");
    for headers in
        [vec![mine, ("Origin", own.as_str())], vec![("Authorization", &*format!("Bearer {token}"))]]
    {
        let mut terminal = open(&stand, &query, &headers).await.unwrap();
        terminal.prints("/ # ").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_speaks_with_a_shell() {
    let Some((stand, query)) = with_terminals().await else { return };
    let token = stand.account("dev", &format!("{BASE}\n{EXEC}")).await;
    let cookie = format!("argocd.token={token}");
    // There is no bash, so the next of the shells is taken.
    let mut terminal = open(&stand, &query, &[("Cookie", &cookie)]).await.unwrap();
    terminal.prints("/ # ").await;
    terminal.types("echo größer").await;
    terminal.prints("\r\ngrößer\r\n/ # ").await;
    terminal.say(&json!({"operation": "resize", "rows": 30, "cols": 100})).await;
    terminal.types("stty size").await;
    terminal.prints("\r\n30 100\r\n").await;
    terminal.types("exit 3").await;
    assert_eq!(terminal.ends().await.0, 1000);

    stand.set(&json!({"exec.shells": "bash"})).await;
    testkit::eventually("no shell is there", e2e::PATIENCE, || async {
        let mut terminal = open(&stand, &query, &[("Cookie", &cookie)]).await.unwrap();
        let first = tokio::time::timeout(PATIENCE, terminal.socket.next()).await?;
        let text = first.unwrap()?.into_text()?.to_string();
        Ok::<_, anyhow::Error>(text.contains("executable file not found"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_ends_with_what_it_needs() {
    let Some((stand, query)) = with_terminals().await else { return };
    let token = stand.account("dev", &format!("{BASE}\n{EXEC}")).await;
    let cookie = format!("argocd.token={token}");
    let opened = async |cookie: &str| {
        let mut terminal = open(&stand, &query, &[("Cookie", cookie)]).await.unwrap();
        terminal.prints("/ # ").await;
        terminal
    };
    let mut terminal = opened(&cookie).await;
    terminal.say(&json!({"operation": "stdin", "data": "x".repeat(70_000)})).await;
    assert_eq!(terminal.ends().await.0, 1009, "a message that is too large");
    let mut terminal = opened(&cookie).await;
    terminal.say(&json!({"operation": "dance"})).await;
    assert_eq!(terminal.ends().await.0, 1002, "a message that is none");

    let mut terminal = opened(&cookie).await;
    stand.account("dev", BASE).await;
    let (code, messages) = terminal.ends().await;
    assert_eq!((code, &messages[0]["data"]), (1008, &json!("Permission denied")), "{messages:?}");

    let login = json!({"username": "admin", "password": stand.password().await.unwrap()});
    let answer = stand.post("/api/v1/session", "", &login).await.text().await.unwrap();
    let session: Value = serde_json::from_str(&answer).unwrap();
    let session = session["token"].as_str().unwrap();
    let mut terminal = opened(&format!("argocd.token={session}")).await;
    let url = format!("http://{}/api/v1/session", stand.server.address());
    let ended = reqwest::Client::new().delete(url).bearer_auth(session);
    let ended = ended.header("content-type", "application/json").send().await.unwrap();
    assert_eq!(ended.status(), 200);
    let (code, messages) = terminal.ends().await;
    let over = json!("\nReconnect because the token was refreshed...\n");
    assert_eq!(
        (code, &messages[0]["data"], &messages[1]),
        (1008, &over, &json!({"Code": 1})),
        "{messages:?}"
    );
}

/// kubectl with these words and this input: exit code and what it printed.
fn kubectl(
    program: &std::path::Path,
    kubeconfig: &std::path::Path,
    words: &[&str],
    input: &str,
) -> (i32, String) {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut child = Command::new(program)
        .env_clear()
        .env("KUBECONFIG", kubeconfig)
        .env("HOME", kubeconfig.parent().unwrap())
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_runs_programs_in_the_playground() {
    let Ok(tools) = tokio::task::spawn_blocking(testkit::ensure_tools).await.unwrap() else {
        eprintln!("NOT RUN: kubectl: it cannot be had here");
        return;
    };
    let cluster = e2e::Cluster::start(e2e::On::Kubesim).await.unwrap().unwrap();
    let serving = cluster.sim.as_ref().unwrap().serve_https(([127, 0, 0, 1], 0).into()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let kubeconfig = home.path().join("kubeconfig");
    std::fs::write(&kubeconfig, serving.kubeconfig()).unwrap();
    let api = e2e::Api::new(cluster.client.clone());
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": [{"name": "web", "image": "x", "env": [{"name": "A", "value": "1"}]}]}});
    api.apply(&pod).await.unwrap();
    testkit::eventually("the pod runs", e2e::PATIENCE, || async {
        let pod = api.get("/api/v1/namespaces/default/pods/web").await?.unwrap_or_default();
        Ok::<_, anyhow::Error>(pod["status"]["phase"] == "Running")
    })
    .await;
    let rows: [(&[&str], &str, i32, &str); 5] = [
        (&["exec", "web", "--", "env"], "", 0, "A=1\n"),
        (&["exec", "web", "--", "sh", "-c", "echo a b; exit 3"], "", 3, "a b\n"),
        (&["exec", "web", "--", "bash"], "", 1, "executable file not found"),
        (&["exec", "-i", "web", "--", "sh"], "echo a\nexit 4\n", 4, "a\n"),
        (&["exec", "-i", "web", "--", "sh"], "echo the end", 0, "the end\n"),
    ];
    for (words, input, code, printed) in rows {
        let (program, kubeconfig) = (tools.program("kubectl"), kubeconfig.clone());
        let words: Vec<&str> = words.to_vec();
        let run = tokio::task::spawn_blocking(move || kubectl(&program, &kubeconfig, &words, input));
        let (ended, text) = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
        assert!(ended == code && text.contains(printed), "{input:?}: {ended} {text}");
    }
}

/// Floods of what is typed and of sizes (A110 of the abuse cases).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_harms_neither_its_terminal_nor_others() {
    let Some((stand, query)) = with_terminals().await else { return };
    let token = stand.account("dev", &format!("{BASE}\n{EXEC}")).await;
    let cookie = format!("argocd.token={token}");
    let mut terminal = open(&stand, &query, &[("Cookie", &cookie)]).await.unwrap();
    terminal.prints("/ # ").await;
    for side in 1..=10_000 {
        let size = json!({"operation": "resize", "rows": side % 100 + 1, "cols": side % 200 + 1});
        terminal.socket.feed(Message::text(size.to_string())).await.unwrap();
    }
    terminal.socket.flush().await.unwrap();
    terminal.types("stty size").await;
    terminal.prints("\r\n1 1\r\n").await;

    // What is pasted is printed again; nobody waits for anybody for ever.
    let (mut typing, mut printing) = terminal.socket.split();
    let line = json!({"operation": "stdin", "data": format!("echo {}\r", "x".repeat(1_000)).repeat(32)});
    let (line, pasted) = (line.to_string(), std::sync::atomic::AtomicBool::new(false));
    let paste = async {
        for _ in 0..256 {
            // Whoever reads says why it ended.
            drop(typing.send(Message::text(line.clone())).await);
        }
        let last = json!({"operation": "stdin", "data": "echo o''ver\r"});
        drop(typing.send(Message::text(last.to_string())).await);
    };
    let print = async {
        let mut printed = String::new();
        while !printed.contains("\r\nover\r\n") {
            let message = tokio::time::timeout(PATIENCE, printing.next()).await.unwrap();
            if let Some(Ok(Message::Text(text))) = &message {
                let message: Value = serde_json::from_str(text).unwrap();
                let kept = printed.len().saturating_sub(100);
                printed = printed.split_off(printed.ceil_char_boundary(kept));
                printed.push_str(message["data"].as_str().unwrap());
            } else {
                assert!(matches!(message, Some(Ok(Message::Ping(_)))), "{message:?} after {printed:?}");
            }
        }
        pasted.store(true, std::sync::atomic::Ordering::SeqCst);
    };
    let others = async {
        while !pasted.load(std::sync::atomic::Ordering::SeqCst) {
            let answer = stand.get("/api/v1/applications/app", &token);
            assert_eq!(tokio::time::timeout(PATIENCE, answer).await.unwrap().status(), 200);
        }
    };
    tokio::join!(paste, print, others);

    let mut terminal = open(&stand, &query, &[("Cookie", &cookie)]).await.unwrap();
    terminal.prints("/ # ").await;
    let huge = json!({"operation": "stdin", "data": "x".repeat(1 << 20)});
    // The server does not read it all.
    drop(terminal.socket.send(Message::text(huge.to_string())).await);
    assert_eq!(terminal.ends().await.0, 1009);
}
