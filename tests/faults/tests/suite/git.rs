//! What git cannot give is not what git does not want: no failure of a source removes or changes anything (reliability F9: P5).

use std::path::Path;

use anyhow::{Context as _, Result};
use e2e::conditions;
use faults::story::config;
use faults::{Rig, Weather};
use serde_json::Value;
use testkit::Fault;

use crate::{Ground, all};

const A: &str = "/api/v1/namespaces/source~/configmaps/a";
const B: &str = "/api/v1/namespaces/source~/configmaps/b";

type Change = fn(&Rig) -> Result<()>;

fn fails(rig: &Rig, fault: Fault) -> Result<()> {
    // What nobody can see is not decided on.
    rig.git.set_fault(fault);
    rig.commit(&[], &["source/b.yaml"]).map(drop)
}

/// Removes the newest commit's tree from what is served.
fn corrupt(rig: &Rig) -> Result<()> {
    rig.commit(&[], &["source/b.yaml"])?;
    let (tree, _) = trees(rig)?;
    std::fs::remove_file(tree).context("the pushed tree is no loose object")
}

fn trees(rig: &Rig) -> Result<(std::path::PathBuf, std::path::PathBuf)> {
    let id = rig.repository.git(&["rev-parse", "HEAD^{tree}"])?;
    let (folder, file) = id.split_at(2);
    let at = |root: &Path| root.join("objects").join(folder).join(file);
    Ok((at(&rig.repository.bare()), at(&rig.repository.work().join(".git"))))
}

fn in_bare(rig: &Rig, args: &[&str]) -> Result<()> {
    let bare = rig.repository.bare().display().to_string();
    rig.repository.git(&[&["--git-dir", bare.as_str()], args].concat()).map(drop)
}

/// What goes wrong. Each is made good by a commit without `b`.
const ROWS: [(&str, Change); 12] = [
    ("the server refuses connections", |rig| fails(rig, Fault::Refuse)),
    ("the server is broken", |rig| fails(rig, Fault::Status(500))),
    ("the server is busy", |rig| fails(rig, Fault::Status(429))),
    ("the rights are gone", |rig| fails(rig, Fault::Status(403))),
    ("the repository is not found", |rig| fails(rig, Fault::Status(404))),
    ("answers break off", |rig| fails(rig, Fault::Truncate(40))),
    ("an object is missing", corrupt),
    ("the branch is deleted", |rig| in_bare(rig, &["update-ref", "-d", "refs/heads/main"])),
    ("the branch is renamed", |rig| in_bare(rig, &["branch", "-m", "main", "trunk"])),
    ("the path is removed", |rig| rig.commit(&[], &["source"]).map(drop)),
    ("the branch is emptied", |rig| rig.commit(&[], &["."]).map(drop)),
    ("a force-push goes back to before", |rig| {
        let first = rig.repository.git(&["rev-list", "--max-parents=0", "HEAD"])?;
        rig.repository.reset_to(&first)
    }),
];

fn mend(rig: &Rig) -> Result<String> {
    rig.git.set_fault(Fault::None);
    if let (served, own) = trees(rig)?
        && !served.exists()
    {
        std::fs::copy(own, served)?;
    }
    let gone = rig.repository.work().join("source/b.yaml").exists();
    // It says something new, so that it is told apart from the one before, which may be seen as soon as the fault is gone.
    rig.commit(&[("source/a.yaml", config("a", "2", &[]))], if gone { &["source/b.yaml"] } else { &[] })
}

async fn failing(ground: Ground, change: Change) -> Result<Vec<String>> {
    let rig = ground.rig(Weather::fair()).await?;
    rig.start("1", rig.line("1").await?, false).await?;
    let both = [("source/a.yaml", config("a", "1", &[])), ("source/b.yaml", config("b", "1", &[]))];
    let commit = rig.commit(&both, &[])?;
    rig.api.apply(&rig.application("source", true)).await?;
    rig.until_good_at("source", &commit).await;
    let before = versions(&rig).await?;

    change(&rig)?;
    rig.pushed();
    let app = rig.app_path("source");
    let failed = |app: &Value| conditions(app).iter().any(|c| c.starts_with("ComparisonError"));
    rig.until(&app, "told that git fails", failed).await;
    let mut wrong = Vec::new();
    if versions(&rig).await? != before {
        wrong.push("P5: something was changed".to_owned());
    }
    // One that knows nothing but the record knows no better.
    rig.start("2", rig.line("2").await?, true).await?;
    rig.api.patch(&app, &serde_json::json!({"metadata": {"annotations": {REFRESH: "hard"}}})).await?;
    let looked = |app: &Value| app["metadata"]["annotations"][REFRESH].is_null() && failed(app);
    rig.until(&app, "looked at anew, and told", looked).await;
    if versions(&rig).await? != before {
        wrong.push("P5: something was changed by a fresh controller".to_owned());
    }

    rig.may_go(&[B]);
    let commit = mend(&rig)?;
    rig.pushed();
    rig.until_good_at("source", &commit).await;
    rig.until(B, "pruned at last", Value::is_null).await;
    wrong.extend(rig.judgement(&[A, B, "/api/v1/namespaces"]));
    rig.leave().await?;
    Ok(wrong)
}

const REFRESH: &str = "argocd.argoproj.io/refresh";

async fn versions(rig: &Rig) -> Result<Vec<Value>> {
    let mut versions = Vec::new();
    for path in [A, B] {
        let object = rig.api.get(&rig.at(path)).await?.with_context(|| format!("{path} is gone"))?;
        versions.push(object["metadata"]["resourceVersion"].clone());
    }
    Ok(versions)
}

/// The first rows, or all.
pub(crate) async fn fail(ground: &Ground, rows: usize) -> Vec<String> {
    let run = |(name, change): &(&str, Change)| ((*name).to_owned(), failing(ground.clone(), *change));
    all(ROWS.iter().take(rows).map(run), ROWS.len()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_fails_removes_nothing() {
    let wrong = fail(&Ground::Kubesim, usize::MAX).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
