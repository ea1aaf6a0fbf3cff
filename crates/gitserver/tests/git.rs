//! The real git against our server: clone, shallow clone, push, fetch, a lost race, a deleted branch.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test, with git as its oracle")]

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use gitserver::{File, GitServer};

fn git(directory: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_git_can_clone_push_and_fetch() {
    let home = tempfile::tempdir().unwrap();
    let pushed = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&pushed);
    let server = GitServer::start(([127, 0, 0, 1], 0).into(), home.path().join("served"), move |name| {
        heard.lock().unwrap().push(name.to_owned());
    })
    .await
    .unwrap();
    let file =
        |path: &str, content: &str| File { path: path.to_owned(), content: content.as_bytes().to_vec() };
    let files = [
        file("apps/web/a.yaml", "a: 1\n"),
        file("apps.yaml", "b: 1\n"),
        file("README.md", &"x".repeat(70_000)),
    ];
    server.create("demo", &files, "begin", 1_700_000_000).unwrap();
    server.create("demo", &[], "an existing repository is left alone", 0).unwrap();
    let url = server.url("demo");
    let root = home.path().to_owned();
    tokio::task::spawn_blocking(move || {
        git(&root, &["clone", "-q", &url, "one"]).unwrap();
        let one = root.join("one");
        assert_eq!(git(&one, &["log", "--format=%s"]).unwrap(), "begin");
        assert_eq!(git(&one, &["fsck", "--strict"]).unwrap(), "");
        assert_eq!(std::fs::read_to_string(one.join("apps/web/a.yaml")).unwrap(), "a: 1\n");

        std::fs::write(one.join("apps/web/a.yaml"), "a: 2\n").unwrap();
        git(&one, &["commit", "-qam", "second"]).unwrap();
        git(&one, &["push", "-q", "origin", "main"]).unwrap();
        git(&one, &["tag", "-a", "v1", "-m", "one"]).unwrap();
        git(&one, &["push", "-q", "origin", "v1", "main:refs/heads/other"]).unwrap();

        git(&root, &["clone", "-q", "--depth", "1", &url, "two"]).unwrap();
        let two = root.join("two");
        assert_eq!(git(&two, &["log", "--format=%s"]).unwrap(), "second", "shallow");
        assert_eq!(
            git(&two, &["ls-remote", "--tags", "origin"]).unwrap().lines().count(),
            2,
            "a tag and what it is on"
        );

        std::fs::write(two.join("apps.yaml"), "b: 2\n").unwrap();
        git(&two, &["commit", "-qam", "third"]).unwrap();
        git(&two, &["push", "-q", "origin", "main"]).unwrap();
        std::fs::write(one.join("apps.yaml"), "b: 3\n").unwrap();
        git(&one, &["commit", "-qam", "too late"]).unwrap();
        assert!(
            git(&one, &["push", "-q", "origin", "main"]).unwrap_err().contains("rejected"),
            "a lost race"
        );
        git(&one, &["fetch", "-q"]).unwrap();
        assert_eq!(git(&one, &["log", "-1", "--format=%s", "origin/main"]).unwrap(), "third", "incremental");
        git(&one, &["push", "-q", "origin", ":other"]).unwrap();
        assert_eq!(git(&one, &["ls-remote", "--heads", "origin"]).unwrap().lines().count(), 1);
        assert!(git(&root, &["clone", "-q", &url.replace("demo", "absent"), "three"]).is_err());
    })
    .await
    .unwrap();
    assert_eq!(pushed.lock().unwrap().len(), 4, "every push that moved a ref is heard of");
}
