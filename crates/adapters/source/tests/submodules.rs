//! Submodules as directories, and what theirs may not do.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use filetree::{FileTree, Kind, Limits, TreePath};
use source::Snapshot;
use std::sync::Arc;
use support::git::{Origin, Origins};
use support::server::Server;
use support::{checkout, names, read, remote, sources};

/// A submodule as `.gitmodules` and a gitlink say it, whatever the URL is.
fn add_module(origin: &Origin, path: &str, url: &str, commit: &str) {
    let gitmodules = std::fs::read_to_string(origin.path.join(".gitmodules")).unwrap_or_default();
    origin.write(
        ".gitmodules",
        &format!("{gitmodules}[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n"),
    );
    origin.git(&["add", ".gitmodules"]);
    origin.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},{path}")]);
}

/// Commits what is in the index; a gitlink has nothing in the work tree.
fn commit_index(origin: &Origin) -> String {
    origin.git(&["commit", "-q", "-m", "modules"]);
    origin.git(&["rev-parse", "HEAD"])
}

fn kind(snapshot: &Snapshot, path: &str) -> Option<Kind> {
    FileTree::new(Arc::clone(&snapshot.store), Limits::default())
        .kind(&TreePath::parse(path).unwrap())
        .unwrap()
}

#[tokio::test]
async fn a_submodule_is_a_directory_that_is_fetched_when_it_is_looked_into() {
    let origins = Origins::new();
    let inner = origins.create("inner.git");
    let inner_commit = inner.put("deep/d.yaml", "deep");
    let library = origins.create("library.git");
    library.put("lib.yaml", "library");
    add_module(&library, "vendor/inner", "../inner.git", &inner_commit);
    let library_commit = commit_index(&library);
    let app = origins.create("app.git");
    app.write("app.yaml", "app");
    app.git(&["add", "-A"]);
    add_module(&app, "lib", "../library.git", &library_commit);
    commit_index(&app);
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let mut remote = remote(&server.url("app.git"));

    let snapshot = checkout(&sources, &remote, "main").await.unwrap();
    assert_eq!(names(&snapshot, ""), [".gitmodules", "app.yaml", "lib"]);
    assert_eq!(kind(&snapshot, "lib"), Some(Kind::Directory));
    assert_eq!(server.requests("library.git"), 0, "nobody looked into it");
    assert_eq!(names(&snapshot, "lib"), [".gitmodules", "lib.yaml", "vendor"]);
    assert_eq!(read(&snapshot, "lib/lib.yaml").unwrap(), "library");
    assert_eq!(read(&snapshot, "lib/vendor/inner/deep/d.yaml").unwrap(), "deep");
    assert_eq!(read(&snapshot, "lib/none").unwrap_err(), "lib/none: no such file or directory");

    let tree = FileTree::new(Arc::clone(&snapshot.store), Limits::default());
    tree.read(&TreePath::parse("lib/lib.yaml").unwrap()).unwrap();
    app.write("app.yaml", "app 2");
    app.git(&["add", "app.yaml"]);
    commit_index(&app);
    let next = checkout(&sources, &remote, "main").await.unwrap();
    assert!(tree.reads().holds(&*next.store).unwrap());
    library.put("lib.yaml", "library 2");
    app.git(&["update-index", "--cacheinfo", &format!("160000,{},lib", library.git(&["rev-parse", "HEAD"]))]);
    commit_index(&app);
    let last = checkout(&sources, &remote, "main").await.unwrap();
    assert!(!tree.reads().holds(&*last.store).unwrap());
    assert_eq!(read(&last, "lib/lib.yaml").unwrap(), "library 2");

    remote.submodules = false;
    let closed = checkout(&sources, &remote, "main").await.unwrap();
    assert_eq!((kind(&closed, "lib"), names(&closed, "lib").len()), (Some(Kind::Submodule), 0));
}

#[tokio::test]
async fn submodule_urls_that_mean_harm_start_nothing() {
    let origins = Origins::new();
    let app = origins.create("app.git");
    let harmless = "1".repeat(40);
    let rows = [
        ("-oProxyCommand=touch${IFS}x", "is neither a URL nor user@host:path"),
        ("ext::sh -c touch% x", "has a control character or white space"),
        ("ext::sh", "names a transport helper"),
        ("file:///etc", "its URL is a file of this machine"),
        ("ssh://-oProxyCommand=x/path", "has no valid host name"),
        ("ssh://host/-x", "has a path that begins with '-'"),
        ("https://user:word@host/x", "holds a password"),
        ("../../../../../etc", "has a path that climbs above its root"),
    ];
    for (n, (url, _)) in rows.iter().enumerate() {
        add_module(&app, &format!("m{n}"), url, &harmless);
    }
    commit_index(&app);
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let snapshot = checkout(&sources(data.path()), &remote(&server.url("app.git")), "main").await.unwrap();
    let before = server.requests("");
    for (n, (url, expected)) in rows.iter().enumerate() {
        let error = read(&snapshot, &format!("m{n}/x")).unwrap_err();
        assert!(error.contains(expected) || error.contains("begins with '-'"), "A9 {url}: {error}");
        assert!(!error.contains("word@"), "{error}");
    }
    assert_eq!(server.requests(""), before, "A9: no connection");
}

#[tokio::test]
async fn submodules_without_end_stop_at_a_limit() {
    let origins = Origins::new();
    // A chain of nine below the first, by commits that exist.
    let mut below: Option<String> = None;
    for n in (0..10).rev() {
        let origin = origins.create(&format!("chain{n}.git"));
        origin.put("f", "x");
        if let Some(commit) = &below {
            add_module(&origin, "m", &format!("../chain{}.git", n + 1), commit);
            commit_index(&origin);
        }
        below = Some(origin.git(&["rev-parse", "HEAD"]));
    }
    // One with a hundred submodules, all the same.
    let leaf = origins.create("leaf.git").put("f", "x");
    let wide = origins.create("wide.git");
    for n in 0..70 {
        add_module(&wide, &format!("m{n}"), "../leaf.git", &leaf);
    }
    commit_index(&wide);
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let deep = checkout(&sources, &remote(&server.url("chain0.git")), "main").await.unwrap();
    assert_eq!(read(&deep, &format!("{}f", "m/".repeat(8))).unwrap(), "x", "A10");
    let error = read(&deep, &format!("{}f", "m/".repeat(9))).unwrap_err();
    assert!(error.ends_with("submodules lie deeper in one another than 8"), "A10: {error}");

    let wide = checkout(&sources, &remote(&server.url("wide.git")), "main").await.unwrap();
    for n in 0..64 {
        assert_eq!(read(&wide, &format!("m{n}/f")).unwrap(), "x", "A10");
    }
    let error = read(&wide, "m64/f").unwrap_err();
    assert!(error.ends_with("more than 64 submodules"), "A10: {error}");
}
