//! Writing: commits that git itself finds sound, and races that nobody loses unknowingly.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod support;

use filetree::TreePath;
use source::{Base, FileChange, NewCommit, Person, Push, Remote, SourceError, Sources};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use support::git::{Origin, Origins, git};
use support::server::{Request, Server, Stream, git_backend, head, pkt};
use support::{remote, sources};

/// A bare repository `app.git` with some history, below the root.
struct Bare {
    origins: Origins,
    path: PathBuf,
    first: String,
}

impl Bare {
    fn new() -> Self {
        let origins = Origins::new();
        let origin = origins.create("work");
        for (path, content) in
            [("apps/web/a.yaml", "a: 1\n"), ("apps/web/b.yaml", "b: 1\n"), ("apps.yaml", "x"), ("run", "#!")]
        {
            origin.write(path, content);
        }
        std::fs::set_permissions(origin.path.join("run"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("apps", origin.path.join("link")).unwrap();
        let first = origin.commit("first");
        let path = origins.root.path().join("app.git");
        git(origins.root.path(), &["clone", "-q", "--bare", "work", "app.git"]);
        git(&path, &["config", "http.receivepack", "true"]);
        Self { origins, path, first }
    }

    fn git(&self, args: &[&str]) -> String {
        git(&self.path, args)
    }

    fn hook(&self, name: &str, text: &str) {
        let path = self.path.join("hooks").join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn serve(&self) -> Server {
        Server::git(self.origins.root.path(), None)
    }
}

fn changes(rows: &[(&str, Option<&str>)]) -> BTreeMap<TreePath, FileChange> {
    let change = |content: &Option<&str>| match content {
        Some(text) => FileChange::Write(text.as_bytes().into()),
        None => FileChange::Delete,
    };
    rows.iter().map(|(path, content)| (TreePath::parse(path).unwrap(), change(content))).collect()
}

fn commit(base: Base, rows: &[(&str, Option<&str>)]) -> NewCommit {
    NewCommit {
        branch: "main".to_owned(),
        base,
        changes: changes(rows),
        author: Person::parse("Ada Example <ada@example.com>").unwrap(),
        committer: Person::new("CI", "ci@example.com").unwrap(),
        time: 1_700_000_100,
        message: "set an image\n\nbecause".to_owned(),
        trailers: vec![("Job".to_owned(), "7".to_owned()), ("Run-By".to_owned(), "ci".to_owned())],
    }
}

fn pushed(push: Push) -> String {
    let Push::Pushed { commit } = push else { panic!("not pushed: {push:?}") };
    commit
}

#[tokio::test]
async fn a_commit_is_what_git_would_have_made() {
    let bare = Bare::new();
    let server = bare.serve();
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let remote = remote(&server.url("app.git"));
    let rows = [
        ("apps/web/a.yaml", Some("a: 2\n")),
        ("apps/web/b.yaml", None),
        ("apps/new/deep/c.yaml", Some("c")),
        ("apps-1", Some("sorts between")),
        ("run", Some("#!2")),
        ("link", None),
    ];
    let id = pushed(sources.push(&remote, &commit(Base::Tip(bare.first.clone()), &rows)).await.unwrap());
    assert_eq!(bare.git(&["rev-parse", "main"]), id);
    bare.git(&["fsck", "--strict", "--full"]);
    assert_eq!(
        bare.git(&["ls-tree", "-r", "--format=%(objectmode) %(path)", "main"]),
        "100644 apps-1\n100644 apps.yaml\n100644 apps/new/deep/c.yaml\n100644 apps/web/a.yaml\n100755 run"
    );
    assert_eq!(bare.git(&["show", "main:apps/web/a.yaml"]), "a: 2");
    assert_eq!(
        bare.git(&["log", "-1", "--format=%P|%an <%ae>|%cn <%ce>|%ad|%B", "--date=raw", "main"]),
        format!(
            "{}|Ada Example <ada@example.com>|CI <ci@example.com>|1700000100 +0000|set an image\n\nbecause\n\nJob: 7\nRun-By: ci",
            bare.first
        )
    );
    assert_eq!(bare.git(&["log", "-1", "--format=%(trailers:key=Job,valueonly)", "main"]), "7");
    // What is emptied goes, and what is the same is no commit.
    let rows = [("apps/new/deep/c.yaml", None)];
    let id = pushed(sources.push(&remote, &commit(Base::Tip(id), &rows)).await.unwrap());
    assert_eq!(bare.git(&["ls-tree", "--name-only", "main:apps"]), "web");
    for rows in [&[("apps/web/a.yaml", Some("a: 2\n"))][..], &[("nowhere", None)], &[]] {
        let unchanged = sources.push(&remote, &commit(Base::Tip(id.clone()), rows)).await.unwrap();
        assert_eq!(unchanged, Push::Unchanged, "{rows:?}");
    }
}

#[tokio::test]
async fn what_no_commit_can_say_is_refused_before_anything_is_sent() {
    let bare = Bare::new();
    let server = bare.serve();
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let remote = remote(&server.url("app.git"));
    let tip = || Base::Tip(bare.first.clone());
    let with = |edit: fn(&mut NewCommit)| {
        let mut commit = commit(tip(), &[("x", Some("y"))]);
        edit(&mut commit);
        commit
    };
    let rows = [
        ("a link", commit(tip(), &[("link", Some("x"))]), "'link' is a symbolic link"),
        ("through a link", commit(tip(), &[("link/web/a.yaml", Some("x"))]), "'link' is a symbolic link"),
        ("a directory", commit(tip(), &[("apps", Some("x"))]), "'apps' is a directory"),
        ("in a file", commit(tip(), &[("apps.yaml/x", Some("x"))]), "'apps.yaml' is a file"),
        ("both", commit(tip(), &[("n", Some("x")), ("n/m", Some("x"))]), "lies in what is a file"),
        ("git's own", commit(tip(), &[(".GIT/config", Some("x"))]), "is no name for a file in git"),
        ("branch", with(|c| c.branch = "a..b".to_owned()), "is no name of a branch"),
        ("option", with(|c| c.branch = "-x".to_owned()), "is no name of a branch"),
        ("message", with(|c| c.message = " \n".to_owned()), "needs a message"),
        ("trailer", with(|c| c.trailers = vec![("A".to_owned(), "b\nc".to_owned())]), "is no trailer"),
    ];
    for (row, commit, expected) in rows {
        let error = sources.push(&remote, &commit).await.unwrap_err();
        assert!(
            matches!(&error, SourceError::Refused { reason, .. } if reason.contains(expected)),
            "{row}: {error}"
        );
    }
    assert_eq!(server.requests("receive-pack"), 0);
    assert_eq!(bare.git(&["rev-parse", "main"]), bare.first);
}

#[tokio::test]
async fn a_branch_that_moved_is_left_alone() {
    let bare = Bare::new();
    let server = bare.serve();
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let http = remote(&server.url("app.git"));
    let one = pushed(
        sources.push(&http, &commit(Base::Tip(bare.first.clone()), &[("x", Some("1"))])).await.unwrap(),
    );
    let late = commit(Base::Tip(bare.first.clone()), &[("x", Some("2"))]);
    assert_eq!(
        sources.push(&http, &late).await.unwrap(),
        Push::Lost { tip: Some(one.clone()), reason: None },
        "seen in the offer"
    );
    // Moved between the offer and the request: the server's own comparison counts.
    let root = bare.origins.root.path().to_owned();
    let (path, first) = (bare.path.clone(), bare.first.clone());
    let racing = Server::start(move |request: &Request, stream: &mut dyn Stream| {
        if request.target.ends_with("git-receive-pack") && request.method == "POST" {
            git(&path, &["update-ref", "refs/heads/main", &first]);
        }
        git_backend(&root, None, request, stream)
    });
    let racing = remote(&racing.url("app.git"));
    let lost = sources.push(&racing, &commit(Base::Tip(one), &[("x", Some("3"))])).await.unwrap();
    assert!(
        matches!(&lost, Push::Lost { tip: Some(tip), reason: Some(_) } if *tip == bare.first),
        "{lost:?}"
    );
    assert_eq!(bare.git(&["rev-parse", "main"]), bare.first);
}

#[tokio::test]
async fn branches_and_repositories_begin() {
    let bare = Bare::new();
    git(bare.origins.root.path(), &["init", "-q", "--bare", "-b", "main", "empty.git"]);
    let empty = bare.origins.root.path().join("empty.git");
    git(&empty, &["config", "http.receivepack", "true"]);
    let server = bare.serve();
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let app = remote(&server.url("app.git"));
    let mut new = commit(Base::NewBranch(bare.first.clone()), &[("x", Some("1"))]);
    new.branch = "refs/heads/release/1".to_owned();
    let id = pushed(sources.push(&app, &new).await.unwrap());
    assert_eq!(bare.git(&["rev-parse", "release/1", "release/1^"]), format!("{id}\n{}", bare.first));
    let again = sources.push(&app, &new).await.unwrap();
    assert!(matches!(again, Push::Lost { tip: Some(tip), .. } if tip == id), "it is there");

    let first = remote(&server.url("empty.git"));
    let id = pushed(sources.push(&first, &commit(Base::Nothing, &[("a/b", Some("1"))])).await.unwrap());
    assert_eq!(git(&empty, &["log", "--format=%H|%P", "main"]), format!("{id}|"));
    git(&empty, &["fsck", "--strict"]);
}

#[tokio::test]
async fn a_refusal_is_told_in_the_servers_words() {
    let bare = Bare::new();
    let server = bare.serve();
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let remote = remote(&server.url("app.git"));
    let push = commit(Base::Tip(bare.first.clone()), &[("x", Some("1"))]);
    bare.hook("pre-receive", "echo 'GitLab: main is \x1b[31mprotected'; echo ' ask Ada  ' >&2; exit 1");
    let refused = sources.push(&remote, &push).await.unwrap();
    let Push::Refused { reason } = refused else { panic!("{refused:?}") };
    assert_eq!(reason, "pre-receive hook declined: GitLab: main is \\u{1b}[31mprotected; ask Ada");
    bare.hook("pre-receive", "exit 0");
    bare.hook("update", "exit 1");
    let refused = sources.push(&remote, &push).await.unwrap();
    assert!(
        matches!(&refused, Push::Refused { reason } if reason.starts_with("hook declined")),
        "{refused:?}"
    );
    // Nobody may push at all.
    bare.git(&["config", "http.receivepack", "false"]);
    let error = sources.push(&remote, &push).await.unwrap_err();
    assert!(matches!(error, SourceError::Unauthorized { .. }), "{error}");
    assert_eq!(bare.git(&["rev-parse", "main"]), bare.first);
}

#[tokio::test]
async fn what_breaks_after_the_server_was_done_is_found_out() {
    let bare = Bare::new();
    let root = bare.origins.root.path().to_owned();
    let server = Server::start(move |request: &Request, stream: &mut dyn Stream| {
        let mut kept = Vec::new();
        if request.method == "POST" && request.target.ends_with("git-receive-pack") {
            git_backend(&root, None, request, &mut Swallow(&mut kept))?;
            return Ok(());
        }
        git_backend(&root, None, request, stream)
    });
    let data = tempfile::tempdir().unwrap();
    let push = commit(Base::Tip(bare.first.clone()), &[("x", Some("1"))]);
    let id = pushed(sources(data.path()).push(&remote(&server.url("app.git")), &push).await.unwrap());
    assert_eq!(bare.git(&["rev-parse", "main"]), id);
}

struct Swallow<'a>(&'a mut Vec<u8>);

impl std::io::Read for Swallow<'_> {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Ok(0)
    }
}

impl std::io::Write for Swallow<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a scripted server answers to a push whose base is `first`.
fn scripted(bare: &Bare, capabilities: &str, answer: Vec<u8>) -> Server {
    let (root, first, capabilities) =
        (bare.origins.root.path().to_owned(), bare.first.clone(), capabilities.to_owned());
    Server::start(move |request: &Request, stream: &mut dyn Stream| {
        if !request.target.contains("receive-pack") {
            return git_backend(&root, None, request, stream);
        }
        if request.method == "POST" {
            head(stream, "200 OK", "application/x-git-receive-pack-result")?;
            return stream.write_all(&answer);
        }
        head(stream, "200 OK", "application/x-git-receive-pack-advertisement")?;
        stream.write_all(&pkt("# service=git-receive-pack\n"))?;
        stream.write_all(b"0000")?;
        stream.write_all(&pkt(format!("{first} refs/heads/main\0{capabilities}\n")))?;
        stream.write_all(&pkt(format!("{first} .have\n")))?;
        stream.write_all(b"0000")
    })
}

#[tokio::test]
async fn a_server_out_of_form_is_an_error_and_no_secret_comes_back() {
    let bare = Bare::new();
    let push = commit(Base::Tip(bare.first.clone()), &[("x", Some("1"))]);
    let line = |text: &str| pkt(text);
    let report = |rest: &str| [line("unpack ok\n"), line(rest), b"0000".to_vec()].concat();
    let band = |n: u8, text: &[u8]| [pkt([&[n], text].concat()), b"0000".to_vec()].concat();
    let report_with_options = || {
        let lines = ["unpack ok\n", "ok refs/heads/main\n", "option refname refs/heads/main\n"];
        [lines.map(pkt).concat(), b"0000".to_vec()].concat()
    };
    let (plain, banded) = ("report-status agent=x", "report-status side-band-64k object-format=sha1");
    let rows = [
        ("done", plain, report("ok refs/heads/main\n"), "Pushed"),
        ("second form", plain, report_with_options(), "Pushed"),
        ("in bands", banded, band(1, &report("ok refs/heads/main\n")), "Pushed"),
        (
            "secret in a reason",
            plain,
            report("ng refs/heads/main bad s3cret!\n"),
            "Refused { reason: \"bad ***!\" }",
        ),
        (
            "secret in a band",
            banded,
            band(3, b"s3cret is wrong"),
            "Refused { reason: \"no report: *** is wrong\" }",
        ),
        (
            "unpack",
            plain,
            [line("unpack disk full\n"), b"0000".to_vec()].concat(),
            "could not unpack it: disk full",
        ),
        ("another branch", plain, report("ok refs/heads/other\n"), "Protocol"),
        ("nothing", plain, Vec::new(), "Protocol"),
        ("no lines", plain, b"<html>".to_vec(), "Protocol"),
        ("unknown band", banded, band(9, b"x"), "Protocol"),
        ("no report", "side-band-64k", Vec::new(), "Refused"),
        ("SHA-256", "report-status object-format=sha256", Vec::new(), "not of SHA-1"),
    ];
    for (row, capabilities, answer, expected) in rows {
        let server = scripted(&bare, capabilities, answer);
        let data = tempfile::tempdir().unwrap();
        let mut remote = remote(&server.url("app.git"));
        remote.credentials.password = Some("s3cret".into());
        let outcome = format!("{:?}", sources(data.path()).push(&remote, &push).await);
        assert!(outcome.contains(expected), "{row}: {outcome}");
        assert!(!outcome.contains("s3cret"), "{row}: {outcome}");
    }
}

#[tokio::test]
async fn ten_at_once_lose_nothing() {
    let bare = Bare::new();
    let server = bare.serve();
    let url = server.url("app.git");
    let pushers = (0..10).map(|n| {
        let (url, path) = (url.clone(), format!("by/{n}"));
        async move {
            let data = tempfile::tempdir().unwrap();
            let (sources, remote) = (sources(data.path()), remote(&url));
            for _ in 0..200 {
                let refs = sources.ls_refs(&remote).await.unwrap();
                let tip = Sources::resolve(&refs, "main").unwrap().commit;
                match sources.push(&remote, &commit(Base::Tip(tip), &[(&path, Some("x"))])).await.unwrap() {
                    Push::Pushed { .. } => return,
                    Push::Lost { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
            panic!("never got through");
        }
    });
    futures::future::join_all(pushers).await;
    assert_eq!(bare.git(&["rev-list", "--count", "main"]), "11");
    assert_eq!(bare.git(&["ls-tree", "--name-only", "main:by"]).lines().count(), 10);
    bare.git(&["fsck", "--strict"]);
}

#[tokio::test]
async fn a_repository_of_this_machine_is_written_where_that_is_allowed() {
    let bare = Bare::new();
    let data = tempfile::tempdir().unwrap();
    let url = format!("file://{}", bare.path.display());
    let remote: Remote = remote(&url);
    let push = commit(Base::Tip(bare.first.clone()), &[("x", Some("1"))]);
    let error = sources(data.path()).push(&remote, &push).await.unwrap_err();
    assert!(matches!(error, SourceError::Refused { .. }), "{error}");
    let mut options = source::Options::new(data.path());
    options.allow_file = true;
    let allowed = Sources::new(options).unwrap();
    let id = pushed(allowed.push(&remote, &push).await.unwrap());
    assert_eq!(bare.git(&["rev-parse", "main"]), id);
    bare.git(&["fsck", "--strict"]);
    let lost = allowed.push(&remote, &push).await.unwrap();
    assert_eq!(lost, Push::Lost { tip: Some(id.clone()), reason: None });
    std::fs::write(bare.path.join("refs/heads/main.lock"), "").unwrap();
    let held = allowed.push(&remote, &commit(Base::Tip(id), &[("x", Some("2"))])).await.unwrap();
    assert!(matches!(held, Push::Lost { reason: Some(_), .. }), "{held:?}");
    // Somebody's work tree would be out of step.
    let work = Origin { path: bare.origins.root.path().join("work") };
    let mut checked_out = remote.clone();
    checked_out.url = source::RepoUrl::parse(&work.file_url()).unwrap();
    let refused = allowed.push(&checked_out, &push).await.unwrap();
    assert_eq!(refused, Push::Refused { reason: "the branch is checked out there".to_owned() });
    assert!(Path::new(&bare.path).exists());
}

#[test]
fn people_are_read() {
    let rows = [
        ("Ada <a@b>", Some("Ada <a@b>")),
        ("  Ada L. <a@b> ", Some("Ada L. <a@b>")),
        ("ci[bot] <1+ci[bot]@users.example>", Some("ci[bot] <1+ci[bot]@users.example>")),
        ("Ada", None),
        ("<a@b>", None),
        ("Ada <>", None),
        ("A <b> <c@d>", None),
        ("A\nB <c@d>", None),
    ];
    for (text, expected) in rows {
        assert_eq!(Person::parse(text).ok().map(|person| person.to_string()).as_deref(), expected, "{text}");
    }
}
