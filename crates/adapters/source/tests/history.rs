//! Who wrote what, against git's own answer.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use filetree::{Store, TreePath};
use source::{Remote, Sources};
use support::git::Origins;
use support::server::Server;
use support::{remote, sources};

async fn last(
    sources: &Sources,
    remote: &Remote,
    commit: &str,
    path: &str,
    at_most: usize,
) -> Option<String> {
    let path = TreePath::parse(path).unwrap();
    let mut wanted = None;
    let same = move |store: &dyn Store| {
        let now = store.entry(&path).unwrap();
        *wanted.get_or_insert(now) == now
    };
    sources.last_change(remote, commit, at_most, same).await.unwrap().map(|change| change.commit)
}

#[tokio::test]
async fn the_commit_that_last_wrote_a_file_is_the_one_that_git_names() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    let first = origin.put("a.yaml", "1");
    origin.put("b.yaml", "1");
    origin.put("a.yaml", "2");
    origin.git(&["checkout", "-q", "-b", "feature", &first]);
    origin.put("c.yaml", "from the branch");
    origin.put("deep/d.yaml", "1");
    origin.git(&["checkout", "-q", "main"]);
    origin.put("b.yaml", "2");
    origin.git(&["merge", "-q", "--no-ff", "-m", "merge", "feature"]);
    origin.put("a.yaml", "1");
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let (sources, remote) = (sources(data.path()), remote(&server.url("app.git")));

    let commits = origin.git(&["rev-list", "main"]);
    let mut asked = 0;
    for commit in commits.lines() {
        for path in ["a.yaml", "b.yaml", "c.yaml", "deep/d.yaml"] {
            let expected = origin.git(&["log", "-1", "--format=%H", commit, "--", path]);
            if !expected.is_empty() {
                let found = last(&sources, &remote, commit, path, 100).await;
                assert_eq!(found, Some(expected), "{path} at {commit}");
                asked += 1;
            }
        }
    }
    assert!(asked > 15, "{asked}");
    let head = commits.lines().next().unwrap();
    assert_eq!(
        last(&sources, &remote, head, "c.yaml", 1).await,
        None,
        "it lies further back than was looked"
    );
    let no = sources.last_change(&remote, head, 100, |_| false).await.unwrap();
    assert_eq!(no, None, "what is not so in the commit itself has no commit");
    let change = sources.last_change(&remote, head, 100, |_| true).await.unwrap().unwrap();
    assert_eq!((&*change.commit, &*change.subject), (&*first, "write a.yaml"), "the first commit");
    assert_eq!((&*change.author, change.date), ("A. Author <author@example.org>", 1_700_000_000));
}

#[tokio::test]
async fn a_history_that_was_cut_off_gives_no_answer() {
    let origins = Origins::new();
    let origin = origins.create("app.git");
    origin.put("a.yaml", "1");
    origin.put("b.yaml", "1");
    let middle = origin.put("b.yaml", "2");
    let head = origin.put("c.yaml", "1");
    let server = Server::git(origins.root.path(), None);
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let remote = Remote { depth: Some(2), ..remote(&server.url("app.git")) };
    assert_eq!(last(&sources, &remote, &head, "c.yaml", 100).await, Some(head.clone()));
    assert_eq!(last(&sources, &remote, &head, "a.yaml", 100).await, None);
    let none = last(&sources, &remote, &head, "b.yaml", 100).await;
    assert_eq!(none, None, "{middle} wrote it, and what was before it is not here");
}
