//! Against git's own http backend.

mod support;

use source::{RevisionError, SourceError};
use support::git::Origins;
use support::server::Server;
use support::{checkout, names, read, remote, resolve, sources};

/// user:secret-word
const LOGIN: &str = "dXNlcjpzZWNyZXQtd29yZA==";

#[tokio::test]
async fn a_commit_is_listed_fetched_and_read() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    origin.write("apps/web/deployment.yaml", "kind: Deployment");
    std::os::unix::fs::symlink("../apps/web", {
        std::fs::create_dir_all(origin.path.join("links")).unwrap();
        origin.path.join("links/web")
    })
    .unwrap();
    let commit = origin.commit("first subject\n\nand a body");
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let remote = remote(&server.url("app.git"));

    let refs = sources.ls_refs(&remote).await.unwrap();
    assert_eq!(refs.head.as_deref(), Some("refs/heads/main"));
    let snapshot = sources.snapshot(&remote, &resolve(&refs, "")).await.unwrap();
    assert_eq!((snapshot.commit.as_str(), snapshot.subject.as_str()), (commit.as_str(), "first subject"));
    assert_eq!((snapshot.author.as_str(), snapshot.date), ("A. Author <author@example.org>", 1_700_000_000));
    assert_eq!(names(&snapshot, ""), ["apps", "links"]);
    assert_eq!(read(&snapshot, "links/web/deployment.yaml").unwrap(), "kind: Deployment");
    assert!(
        !data.path().join("git").read_dir().unwrap().any(|dir| dir.unwrap().path().join("1/apps").exists()),
        "no checkout"
    );
    let counts = sources.counters()[&remote.url.to_string()].clone();
    assert_eq!((counts.ls_refs, counts.fetches, counts.fetches_failed), (1, 1, 0));
}

#[tokio::test]
async fn a_new_commit_costs_what_is_new() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    let noise: String =
        (0..40_000_u64).map(|n| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
    origin.write("big", &noise);
    origin.put("a.yaml", "1");
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let remote = remote(&server.url("app.git"));

    let first = checkout(&sources, &remote, "main").await.unwrap();
    let sent = *server.sent.lock().unwrap();
    assert!(sent > 200_000, "{sent}");
    origin.put("a.yaml", "2");
    let second = checkout(&sources, &remote, "main").await.unwrap();
    assert_eq!(read(&first, "a.yaml").unwrap() + &read(&second, "a.yaml").unwrap(), "12");
    assert!(*server.sent.lock().unwrap() - sent < 10_000, "only the difference");
    assert_eq!(read(&second, "big").unwrap().len(), noise.len());

    // What is here costs nothing, also for a process that comes later.
    let fetches = || server.requests("POST");
    let before = fetches();
    sources.snapshot(&remote, &first.commit).await.unwrap();
    drop(sources);
    let later = support::sources(data.path());
    let again = checkout(&later, &remote, "main").await.unwrap();
    assert_eq!(again.commit, second.commit);
    assert_eq!(fetches() - before, 1, "the listing of the later process");
    assert_eq!(later.counters()[&remote.url.to_string()].fetches, 0);
}

#[tokio::test]
async fn history_that_is_rewritten_is_followed() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    origin.put("a", "1");
    origin.git(&["tag", "-a", "-m", "annotated", "v1.0.0"]);
    origin.git(&["branch", "side"]);
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let remote = remote(&server.url("app.git"));
    let tagged = checkout(&sources, &remote, "v1.*").await.unwrap();
    assert_eq!(tagged.commit, origin.git(&["rev-parse", "main"]), "an annotated tag is peeled");
    let old = checkout(&sources, &remote, "main").await.unwrap();

    // force-push
    origin.write("a", "2");
    origin.git(&["commit", "-q", "-a", "--amend", "-m", "amended"]);
    let new = checkout(&sources, &remote, "main").await.unwrap();
    assert_eq!((read(&old, "a").unwrap(), read(&new, "a").unwrap()), ("1".to_owned(), "2".to_owned()));
    // and back
    origin.git(&["reset", "-q", "--hard", &old.commit]);
    assert_eq!(checkout(&sources, &remote, "main").await.unwrap().commit, old.commit);
    // tag moved
    origin.git(&["tag", "-f", "v1.0.0", &new.commit]);
    assert_eq!(checkout(&sources, &remote, "v1.0.0").await.unwrap().commit, new.commit);
    // branch deleted
    assert!(checkout(&sources, &remote, "side").await.is_ok());
    origin.git(&["branch", "-D", "side"]);
    let gone = checkout(&sources, &remote, "side").await.unwrap_err();
    assert!(matches!(gone, SourceError::Revision { error: RevisionError::NotFound { .. }, .. }), "{gone}");
    // default branch renamed
    origin.git(&["branch", "-m", "main", "trunk"]);
    let refs = sources.ls_refs(&remote).await.unwrap();
    assert_eq!(refs.head.as_deref(), Some("refs/heads/trunk"));
    // abbreviated ids: a tip, and one that only history knows
    let first = origin.git(&["rev-parse", "HEAD"]);
    let second = origin.put("b", "1");
    assert_eq!(checkout(&sources, &remote, second.get(..7).unwrap()).await.unwrap().commit, second);
    assert_eq!(checkout(&sources, &remote, first.get(..9).unwrap()).await.unwrap().commit, first);
    let none = checkout(&sources, &remote, "0000000").await.unwrap_err();
    assert!(matches!(none, SourceError::Revision { error: RevisionError::NotFound { .. }, .. }), "{none}");
    // emptied
    origin.git(&["tag", "-d", "v1.0.0"]);
    origin.git(&["update-ref", "-d", "refs/heads/trunk"]);
    let empty = checkout(&sources, &remote, "").await.unwrap_err();
    assert!(matches!(empty, SourceError::Revision { error: RevisionError::Empty, .. }), "{empty}");
    assert_eq!(read(&old, "a").unwrap(), "1", "what one holds stays good");
    let never = sources.snapshot(&remote, &"1".repeat(40)).await.unwrap_err();
    assert!(matches!(never, SourceError::NoCommit { .. }), "{never}");
}

#[tokio::test]
async fn what_is_no_commit_is_refused_and_fetched_once_at_most() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    origin.put("a", "1");
    let file = origin.git(&["rev-parse", "HEAD:a"]);
    let tree = origin.git(&["rev-parse", "HEAD^{tree}"]);
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let remote = remote(&server.url("app.git"));
    for id in [&file, &tree, &file, &tree] {
        let error = checkout(&sources, &remote, id).await.unwrap_err();
        assert!(matches!(error, SourceError::NoCommit { .. }), "{error}");
    }
    assert!(sources.counters()[&remote.url.to_string()].fetches <= 2);
    assert!(checkout(&sources, &remote, "main").await.is_ok());
    let generations = data.path().join("git").read_dir().unwrap().next().unwrap().unwrap().path();
    assert!(generations.join("1").exists() && !generations.join("2").exists(), "nothing was begun anew");
}

#[tokio::test]
async fn credentials_open_a_repository_for_who_has_them() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    let commit = origin.put("a", "1");
    let server = Server::git(origins.root.path(), Some(LOGIN));
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let mut with = remote(&server.url("app.git"));
    with.credentials.username = Some("user".to_owned());
    with.credentials.password = Some("secret-word".into());
    let mut wrong = with.clone();
    wrong.credentials.password = Some("wrong-word".into());
    let without = remote(&server.url("app.git"));

    assert!(matches!(sources.ls_refs(&without).await, Err(SourceError::Unauthorized { .. })));
    let refused = sources.ls_refs(&wrong).await.unwrap_err();
    assert!(matches!(refused, SourceError::Unauthorized { .. }));
    assert!(!format!("{refused} {refused:?} {wrong:?}").contains("-word"), "{refused:?}");
    assert_eq!(read(&checkout(&sources, &with, "main").await.unwrap(), "a").unwrap(), "1");
    // The commit is here, but not for who may not see it.
    let peek = sources.snapshot(&without, &commit).await.unwrap_err();
    assert!(matches!(peek, SourceError::Unauthorized { .. }), "{peek}");
    assert!(sources.snapshot(&with, &commit).await.is_ok());
    // plain http needs the Secret's word
    let mut silent = with.clone();
    silent.credentials.allow_http = false;
    assert!(matches!(sources.ls_refs(&silent).await, Err(SourceError::Refused { .. })));
    // A missing repository is told from a closed one.
    let mut missing = with.clone();
    missing.url = source::RepoUrl::parse(&server.url("none.git")).unwrap();
    assert!(matches!(sources.ls_refs(&missing).await, Err(SourceError::NotFound { .. })));
}

#[tokio::test]
async fn what_is_here_is_read_again_after_a_restart_while_the_server_is_away() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    let commit = origin.put("a.yaml", "1");
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let known = remote(&server.url("app.git"));
    checkout(&sources(data.path()), &known, "main").await.unwrap();
    drop(server);

    let again = sources(data.path());
    assert!(again.ls_refs(&known).await.is_err());
    let snapshot = again.snapshot(&known, &commit).await.unwrap();
    assert_eq!(read(&snapshot, "a.yaml").unwrap(), "1");
    let mut stranger = known.clone();
    stranger.credentials.username = Some("stranger".to_owned());
    assert!(again.snapshot(&stranger, &commit).await.is_err(), "whom the server never let in reads nothing");
}

#[tokio::test]
async fn a_server_that_knows_only_the_oldest_protocol_serves_too() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    let old = origin.put("a", "0");
    origin.put("a", "1");
    let root = origins.root.path().to_owned();
    let server = Server::start(move |request, stream| {
        let headers = request.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("git-protocol"));
        let request = support::server::Request {
            method: request.method.clone(),
            target: request.target.clone(),
            headers: headers.cloned().collect(),
            body: request.body.clone(),
        };
        support::server::git_backend(&root, None, &request, stream)
    });
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let remote = remote(&server.url("app.git"));
    assert_eq!(
        read(&sources.snapshot(&remote, &old).await.unwrap(), "a").unwrap(),
        "0",
        "by its id alone, and no tip"
    );
    assert_eq!(read(&checkout(&sources, &remote, "main").await.unwrap(), "a").unwrap(), "1");
    origin.put("a", "2");
    assert_eq!(read(&checkout(&sources, &remote, "main").await.unwrap(), "a").unwrap(), "2");
}

#[tokio::test]
async fn depth_cuts_history() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    let first = origin.put("a", "1");
    origin.put("a", "2");
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let mut remote = remote(&server.url("app.git"));
    remote.depth = Some(1);
    assert_eq!(read(&checkout(&sources, &remote, "main").await.unwrap(), "a").unwrap(), "2");
    let short = checkout(&sources, &remote, first.get(..8).unwrap()).await.unwrap_err();
    assert!(matches!(short, SourceError::Revision { error: RevisionError::NotFound { .. }, .. }), "{short}");
    origin.put("a", "3");
    assert_eq!(read(&checkout(&sources, &remote, "main").await.unwrap(), "a").unwrap(), "3");
    assert_eq!(
        sources.snapshot(&remote, &first).await.unwrap().commit,
        first,
        "asked for by its full id it is fetched"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_question_at_the_same_time_is_asked_once() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    let commit = origin.put("a", "1");
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let remote = remote(&server.url("app.git"));
    let listings = (0..50).map(|_| sources.ls_refs(&remote));
    for refs in futures::future::join_all(listings).await {
        assert_eq!(resolve(&refs.unwrap(), "main"), commit);
    }
    assert_eq!(server.requests("GET"), 1);
    let fetches = (0..50).map(|_| sources.snapshot(&remote, &commit));
    for snapshot in futures::future::join_all(fetches).await {
        assert_eq!(snapshot.unwrap().commit, commit);
    }
    assert_eq!(server.requests("GET"), 2, "one for the listing, one for the fetch");
    let counts = sources.counters()[&remote.url.to_string()].clone();
    assert_eq!((counts.ls_refs, counts.fetches), (1, 1));
}

#[tokio::test]
async fn a_broken_store_is_begun_anew() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    for n in 0..20 {
        origin.put("a", &format!("content {n} of some length to have something to break"));
    }
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let remote = remote(&server.url("app.git"));
    checkout(&sources(data.path()), &remote, "main").await.unwrap();
    let packs = || -> Vec<_> {
        let mut found = Vec::new();
        let mut todo = vec![data.path().join("git")];
        while let Some(dir) = todo.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    todo.push(path)
                } else if path.extension().is_some_and(|e| e == "pack" || e == "idx") {
                    found.push(path)
                }
            }
        }
        found.sort();
        found
    };
    type Break = fn(&mut Vec<u8>);
    let rows: [(&str, &str, Break); 4] = [
        ("bits of a pack", "pack", |bytes| bytes.iter_mut().skip(40).step_by(7).for_each(|b| *b ^= 0xff)),
        ("short pack", "pack", |bytes| bytes.truncate(60)),
        ("short index", "idx", |bytes| bytes.truncate(100)),
        ("empty index", "idx", Vec::clear),
    ];
    for (row, extension, edit) in rows {
        let file = packs().into_iter().find(|path| path.extension().is_some_and(|e| e == extension)).unwrap();
        let mut bytes = std::fs::read(&file).unwrap();
        edit(&mut bytes);
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, bytes).unwrap();
        std::fs::write(file.with_file_name(".tmp-left-over"), "x").unwrap();
        let later = sources(data.path());
        let again = || async {
            checkout(&later, &remote, "main").await.unwrap_or_else(|error| panic!("{row}: {error}"))
        };
        let mut snapshot = again().await;
        if read(&snapshot, "a").is_err() {
            // What shows only when a file is read is put right by the next look, also while the broken one is held.
            snapshot = again().await;
        }
        assert!(read(&snapshot, "a").unwrap().starts_with("content 19"), "{row}");
        drop((snapshot, later));
        assert!(packs().iter().all(|path| !path.with_file_name(".tmp-left-over").exists()), "{row}");
    }
}

#[tokio::test]
async fn a_store_of_many_packs_is_begun_anew_and_readers_do_not_notice() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let mut options = source::Options::new(data.path());
    options.limits.packs = 3;
    let sources = source::Sources::new(options).unwrap();
    let remote = remote(&server.url("app.git"));
    let mut held = Vec::new();
    for n in 0..8 {
        origin.put("a", &format!("{n}"));
        origin.put(&format!("b{n}"), "not read before the end");
        held.push(checkout(&sources, &remote, "main").await.unwrap());
    }
    let generations = || {
        let repository = data.path().join("git").read_dir().unwrap().next().unwrap().unwrap().path();
        repository.read_dir().unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
    };
    assert!(generations() > 1);
    for (n, snapshot) in held.iter().enumerate() {
        assert_eq!(read(snapshot, "a").unwrap(), n.to_string());
        assert!(read(snapshot, &format!("b{n}")).is_ok());
    }
    held.clear();
    assert_eq!(generations(), 1, "what nobody reads is removed");
}

#[tokio::test]
async fn a_large_file_is_named_and_not_loaded() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    origin.put("charts/values.yaml", &"x".repeat(3 << 20));
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let snapshot = checkout(&sources(data.path()), &remote(&server.url("app.git")), "main").await.unwrap();
    let limits = filetree::Limits { file_bytes: 1 << 20, ..filetree::Limits::default() };
    let tree = filetree::FileTree::new(snapshot.store.clone(), limits);
    let error = tree.read(&filetree::TreePath::parse("charts/values.yaml").unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "charts/values.yaml: has 3145728 bytes, the limit for a file is 1048576",
        "A11"
    );
}

#[tokio::test]
async fn files_on_this_machine_need_permission() {
    let origins = Origins::new();
    let origin = origins.create("app");
    origin.put("a", "1");
    let data = tempfile::tempdir().unwrap();
    let remote = remote(&origin.file_url());
    assert!(matches!(sources(data.path()).ls_refs(&remote).await, Err(SourceError::Refused { .. })));
    let mut options = source::Options::new(data.path());
    options.allow_file = true;
    let sources = source::Sources::new(options).unwrap();
    let first = checkout(&sources, &remote, "").await.unwrap();
    origin.put("a", "2");
    origin.git(&["tag", "v1.2.3"]);
    origin.git(&["repack", "-q", "-a", "-d"]);
    let second = checkout(&sources, &remote, "1.x").await.unwrap();
    assert_eq!((read(&first, "a").unwrap(), read(&second, "a").unwrap()), ("1".to_owned(), "2".to_owned()));
    assert_eq!(sources.ls_refs(&remote).await.unwrap().head.as_deref(), Some("refs/heads/main"));
}

#[tokio::test]
async fn large_file_pointers_are_an_error_where_large_files_are_wanted() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    let pointer = format!(
        "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 5368709120\n",
        "0".repeat(64)
    );
    origin.put("big.bin", &pointer);
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let mut remote = remote(&server.url("app.git"));
    assert_eq!(read(&checkout(&sources, &remote, "").await.unwrap(), "big.bin").unwrap(), pointer);
    remote.enable_lfs = true;
    let error = read(&checkout(&sources, &remote, "").await.unwrap(), "big.bin").unwrap_err();
    assert_eq!(error, "big.bin: refused: is a Git LFS pointer, and Git LFS is not supported", "A11");
}
