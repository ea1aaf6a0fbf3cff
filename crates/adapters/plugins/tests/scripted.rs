//! Plugins that say what they are told to: each answer ends in manifests or in an error, within its limits.
#![expect(clippy::unwrap_used, reason = "a test")]

mod server;

use std::time::Duration;

use filetree::{FileTree, MemoryStore, TreePath};
use plugins::{Archive, Error, Job, Lends, Limits, Made, Plugins, pack};
use server::{Reply, Server, message};

const QUICK: Limits =
    Limits { time: Duration::from_secs(20), connect: Duration::from_secs(5), answer_bytes: 1 << 20 };

fn archive() -> Archive {
    let store = MemoryStore::from_files([("app/a.txt", "a"), ("b.txt", "b")]).expect("paths");
    let tree = FileTree::new(std::sync::Arc::new(store), filetree::Limits::default());
    pack(&tree, &TreePath::root(), &[], 1 << 20).expect("an archive")
}

fn job(name: &str) -> Job {
    Job {
        name: name.to_owned(),
        environment: vec![("ARGOCD_APP_NAME".to_owned(), "web".to_owned())],
        path: "apps/web".to_owned(),
        repository: archive(),
        part: None,
        lends: Lends::Nothing,
    }
}

/// A plugin without rules that answers a request for manifests so.
async fn asked(generate: Reply, limits: Limits) -> Result<Option<Made>, Error> {
    let server = Server::start("p", Reply::message(&[]), Reply::status(12, "no"), generate).await;
    Plugins::new(server.directory(), limits).make(&job("p")).await
}

#[tokio::test]
async fn manifests_come_from_a_plugin_by_its_name() {
    let texts = message(&[(1, b"a: 1"), (1, b"b: 2"), (2, b"ignored")]);
    let made = asked(Reply::message(&texts), QUICK).await.expect("manifests").expect("a plugin");
    assert_eq!(made.manifests, ["a: 1", "b: 2"]);
    assert_eq!((made.plugin.as_str(), made.lent_nothing), ("p", None));
}

#[tokio::test]
async fn a_plugin_is_sent_what_the_peers_is() {
    let server = Server::start("p", Reply::message(&[]), Reply::status(12, ""), Reply::message(&[])).await;
    Plugins::new(server.directory(), QUICK).make(&job("p")).await.expect("an answer");
    let seen = server.seen();
    let paths: Vec<&str> = seen.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/plugin.ConfigManagementPluginService/CheckPluginConfiguration",
            "/plugin.ConfigManagementPluginService/GenerateManifest",
        ]
    );
    let archive = archive();
    let variable = message(&[(1, b"ARGOCD_APP_NAME"), (2, b"web")]);
    let mut about = message(&[(1, b"web"), (2, b"apps/web"), (3, archive.checksum.as_bytes())]);
    about.push(4 << 3);
    let mut size = archive.bytes.len();
    while size > 127 {
        about.push(u8::try_from(size & 127).unwrap() | 128);
        size >>= 7;
    }
    about.push(u8::try_from(size).unwrap());
    about.extend(message(&[(5, &variable)]));
    let pieces = [message(&[(1, &about)]), message(&[(2, &message(&[(1, &archive.bytes)]))])];
    assert_eq!(seen[1].messages, pieces);
    assert!(seen[1].timeout.is_some(), "it is told when it is given up");
}

#[tokio::test]
async fn the_first_plugin_that_wants_the_repository_makes_it() {
    // (its setup: has rules; its match: supported, has rules) by name, in the order of names.
    let truth = |fields: &[u8]| fields.iter().flat_map(|field| [field << 3, 1]).collect::<Vec<u8>>();
    let directory = tempfile::tempdir().unwrap();
    let made = |text: &str| Reply::message(&message(&[(1, text.as_bytes())]));
    let a =
        Server::start_in(directory.path(), "a", Reply::message(&[]), Reply::status(2, ""), made("no rules"))
            .await;
    let b = Server::start_in(
        directory.path(),
        "b",
        Reply::message(&truth(&[1])),
        Reply::message(&truth(&[2])),
        made("not it"),
    )
    .await;
    let c = Server::start_in(
        directory.path(),
        "c",
        Reply::message(&truth(&[1])),
        Reply::status(2, "broken"),
        made("fails"),
    )
    .await;
    let d = Server::start_in(
        directory.path(),
        "d",
        Reply::message(&truth(&[1, 2])),
        Reply::message(&truth(&[1, 2])),
        made("it is"),
    )
    .await;
    let e = Server::start_in(
        directory.path(),
        "e",
        Reply::message(&truth(&[1])),
        Reply::message(&truth(&[1, 2])),
        made("too late"),
    )
    .await;
    std::fs::write(directory.path().join("f.sock"), "no socket").unwrap();
    let plugins = Plugins::new(directory.path(), QUICK);
    assert_eq!(plugins.names().await.unwrap(), ["a", "b", "c", "d", "e"]);
    assert!(plugins.look_for_repositories().await.unwrap());
    let needs = Lends::Unable("an ssh key is not lent".to_owned());
    let found = plugins.make(&Job { lends: needs, ..job("") }).await.unwrap().unwrap();
    assert_eq!((found.plugin.as_str(), found.manifests.as_slice()), ("d", ["it is".to_owned()].as_slice()));
    assert_eq!(found.lent_nothing.as_deref(), Some("an ssh key is not lent"), "it wants credentials");
    // Those that have no rules are not sent the repository.
    assert_eq!(
        [a.seen().len(), b.seen().len(), c.seen().len(), d.seen().len(), e.seen().len()],
        [2, 3, 2, 3, 0]
    );

    // By name, one without rules is taken as it is, and one with rules has to want it.
    assert_eq!(plugins.make(&job("a")).await.unwrap().unwrap().manifests, ["no rules"]);
    let refused = plugins.make(&job("b")).await.unwrap_err().to_string();
    assert!(refused.ends_with("its discovery rules do not match"), "{refused}");
    drop((d, e));
    // One that cannot say might have wanted it.
    let unsure = plugins.make(&job("")).await.unwrap_err().to_string();
    assert_eq!(unsure, "plugin c: matching the repository: broken");
    drop(c);
    assert_eq!(plugins.make(&job("")).await.unwrap(), None);
    drop(b);
    assert!(!plugins.look_for_repositories().await.unwrap(), "only one without rules is left");
}

#[tokio::test]
async fn hostile_answers_end_in_errors() {
    let long = "x".repeat(100_000);
    let rows: Vec<(&str, Reply, &str)> = vec![
        (
            "an error",
            Reply::status(2, "error generating manifests: `sh` failed exit status 1: no luck"),
            "plugin p: generating manifests: error generating manifests: `sh` failed exit status 1: no luck",
        ),
        (
            "an error of control characters",
            Reply::status(2, "a%1B[31mb%0Ac"),
            "plugin p: generating manifests: a[31mb\nc",
        ),
        ("an error without words", Reply::status(13, ""), "plugin p: generating manifests: Internal"),
        ("a long error", Reply::status(2, &long), "plugin p: generating manifests: xxx"),
        ("garbage for a message", Reply::message(&[0xff; 50]), "plugin p: generating manifests: "),
        ("garbage for a frame", Reply::Raw(vec![7; 100]), "plugin p: generating manifests: "),
        (
            "a message that is announced too large",
            Reply::Raw(vec![0, 0xff, 0xff, 0xff, 0xff]),
            "plugin p: generating manifests: ",
        ),
        (
            "a message that is too large",
            Reply::message(&message(&[(1, &vec![b'a'; 2 << 20])])),
            "plugin p: generating manifests: ",
        ),
        ("no UTF-8", Reply::message(&message(&[(1, &[0xff, 0xfe])])), "plugin p: generating manifests: "),
        ("no gRPC", Reply::Http(500), "plugin p: generating manifests: "),
        ("half an answer", Reply::Half(vec![0, 0, 0, 0, 50, 1, 2]), "plugin p: generating manifests: "),
        ("the end of the connection", Reply::HangUp, "plugin p: generating manifests: "),
    ];
    for (name, reply, expected) in rows {
        let error = asked(reply, QUICK).await.expect_err(name).to_string();
        assert!(error.starts_with(expected), "{name}: {error}");
        assert!(error.len() < 13_000, "{name}: {} bytes", error.len());
    }
}

#[tokio::test]
async fn a_plugin_that_hangs_is_given_up() {
    let limits = Limits { time: Duration::from_millis(300), ..QUICK };
    let error = asked(Reply::Never, limits).await.expect_err("it hangs");
    assert!(matches!(error, Error::Timeout(_)), "{error}");
}

#[tokio::test]
async fn plugins_that_are_not_there_are_said() {
    let directory = tempfile::tempdir().unwrap();
    let plugins = Plugins::new(directory.path().join("absent"), QUICK);
    assert!(plugins.names().await.unwrap().is_empty());
    assert!(!plugins.look_for_repositories().await.unwrap());
    assert_eq!(plugins.make(&job("")).await.unwrap(), None);
    let absent = plugins.make(&job("p")).await.unwrap_err().to_string();
    assert!(
        absent.starts_with(
            "could not find cmp-server plugin with name \"p\" supporting the given repository: "
        ),
        "{absent}"
    );
    for name in ["../p", "/p", ".", ".p", "a/b", "a\0"] {
        assert!(matches!(plugins.make(&job(name)).await, Err(Error::Name(_))), "{name}");
    }
}
