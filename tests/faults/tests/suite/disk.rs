//! The folder of data is a cache: it goes, takes nothing, is full, or is full of what a killed process left, and nobody has to repair
//! anything (reliability F12). What cannot be had meanwhile is said, and nothing is changed or pruned for it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use e2e::conditions;
use faults::story::config;
use faults::{Rig, Weather, say};
use serde_json::Value;

use crate::all;

const A: &str = "/api/v1/namespaces/source~/configmaps/a";
const B: &str = "/api/v1/namespaces/source~/configmaps/b";
/// Where git objects lie in the folder of data.
const GIT: &str = "git";

/// What happens to a folder of data.
type Change = fn(&Path) -> Result<()>;

/// How a controller takes it.
enum Takes {
    /// As if nothing had happened.
    It,
    /// It says so until this is done.
    ItUntil(Change),
    /// The one that starts next does.
    ItDead,
}

/// What happens, and whether the folder has to be a disk of its own.
static ROWS: [(&str, Change, Takes, bool); 7] = [
    ("the folder is deleted", |data| Ok(fs::remove_dir_all(data)?), Takes::It, false),
    ("the objects are deleted", |data| Ok(fs::remove_dir_all(data.join(GIT))?), Takes::It, false),
    ("a file is in its place", a_file, Takes::ItUntil(|data| Ok(fs::remove_file(data.join(GIT))?)), false),
    ("nothing can be made in it", a_link, Takes::ItUntil(|data| Ok(fs::remove_file(data.join(GIT))?)), false),
    ("a killed process left its work", remains, Takes::ItDead, false),
    ("it is full", fill, Takes::ItUntil(|data| Ok(fs::remove_file(data.join(GIT).join(FILLER))?)), true),
    ("it is read-only", |data| remount(data, "ro"), Takes::ItUntil(|data| remount(data, "rw")), true),
];

fn a_file(data: &Path) -> Result<()> {
    fs::remove_dir_all(data.join(GIT))?;
    Ok(fs::write(data.join(GIT), "")?)
}

/// To a folder that nobody, root included, makes anything in.
fn a_link(data: &Path) -> Result<()> {
    fs::remove_dir_all(data.join(GIT))?;
    Ok(std::os::unix::fs::symlink("/proc", data.join(GIT))?)
}

const FILLER: &str = "filler";

fn fill(data: &Path) -> Result<()> {
    let mut filler = fs::File::create(data.join(GIT).join(FILLER))?;
    while filler.write_all(&[0; 512]).is_ok() {}
    Ok(())
}

fn remount(data: &Path, how: &str) -> Result<()> {
    ensure!(runs("mount", &["-o", &format!("remount,{how}")], &data.join(GIT)), "it was not mounted {how}");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "disks are mounted by programs")]
fn runs(program: &str, args: &[&str], on: &Path) -> bool {
    let done = Command::new(program).args(args).arg(on).output();
    done.is_ok_and(|done| done.status.success())
}

/// What git and we ourselves may have been at, half done.
fn remains(data: &Path) -> Result<()> {
    let store = stores(data)?.pop().context("no object store")?;
    let packs = store.join("objects/pack");
    let mut whole = Vec::new();
    for entry in fs::read_dir(&packs)? {
        whole.push(entry?.path());
    }
    // Half of a pack under its own name, with its index.
    let pack = whole.iter().find(|path| path.extension().is_some_and(|e| e == "pack")).context("no pack")?;
    let content = fs::read(pack)?;
    fs::remove_file(pack)?;
    fs::write(pack, &content[..content.len() / 2])?;
    fs::write(packs.join(format!("pack-{}.pack", "0".repeat(40))), "PACK")?;
    fs::write(packs.join(format!("pack-{}.idx", "1".repeat(40))), "")?;
    for left in
        ["objects/pack/tmp_pack_x", "objects/pack/.tmpX", "shallow.lock", "config.lock", "HEAD.lock", ".tmpX"]
    {
        fs::write(store.join(left), "half")?;
    }
    fs::write(store.join("tips"), "not a commit\n")?;
    // The next generation, begun and no further.
    let number: u64 =
        store.file_name().and_then(|name| name.to_str()?.parse().ok()).context("no generation")?;
    fs::create_dir_all(store.with_file_name((number + 1).to_string()))?;
    fs::create_dir_all(data.join("private/ssh-left"))?;
    Ok(fs::write(data.join("renders/strikes.json"), "{\"half")?)
}

/// The object stores in a folder of data.
fn stores(data: &Path) -> Result<Vec<PathBuf>> {
    let mut stores = Vec::new();
    for repository in fs::read_dir(data.join(GIT))? {
        for generation in fs::read_dir(repository?.path())? {
            let path = generation?.path();
            if path.join("objects").is_dir() {
                stores.push(path);
            }
        }
    }
    Ok(stores)
}

/// A small disk; it is taken away again.
struct Disk(PathBuf);

impl Disk {
    /// `None` where nobody may mount one.
    fn mount(at: &Path) -> Result<Option<Self>> {
        fs::create_dir_all(at)?;
        let mounted = runs("mount", &["-t", "tmpfs", "-o", "size=2m", "capstan"], at);
        Ok(mounted.then(|| Self(at.to_owned())))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        runs("umount", &["-l"], &self.0);
    }
}

async fn harmed(harm: Change, takes: &Takes, own_disk: bool) -> Result<Vec<String>> {
    let rig = Rig::new(Weather::fair()).await?;
    let disk = if own_disk { Disk::mount(&rig.data().join(GIT))? } else { None };
    if own_disk && disk.is_none() {
        say("NOT RUN: nothing can be mounted here");
        return Ok(Vec::new());
    }
    rig.start("1", rig.line("1").await?, false).await?;
    let both = [("source/a.yaml", config("a", "1", &[])), ("source/b.yaml", config("b", "1", &[]))];
    let commit = rig.commit(&both, &[])?;
    rig.api.apply(&rig.application("source", true)).await?;
    rig.until_good_at("source", &commit).await;
    let before = versions(&rig).await?;

    let mut wrong = Vec::new();
    if matches!(takes, Takes::ItDead) {
        rig.kill();
    }
    harm(rig.data())?;
    let next = || rig.commit(&[("source/a.yaml", config("a", "2", &[]))], &["source/b.yaml"]);
    let commit = match takes {
        Takes::It => {
            rig.may_go(&[B]);
            let commit = next()?;
            rig.pushed();
            commit
        }
        Takes::ItDead => {
            rig.may_go(&[B]);
            let commit = next()?;
            rig.start("2", rig.line("2").await?, false).await?;
            commit
        }
        Takes::ItUntil(mend) => {
            let commit = next()?;
            rig.pushed();
            let told = |app: &Value| conditions(app).iter().any(|c| c.contains("the object store failed"));
            rig.until(&rig.app_path("source"), "told what is wrong", told).await;
            if versions(&rig).await? != before {
                wrong.push("P5: something was changed".to_owned());
            }
            rig.may_go(&[B]);
            mend(rig.data())?;
            commit
        }
    };
    rig.until_good_at("source", &commit).await;
    rig.until(A, "as git has it", |a| a["data"]["key"] == "2").await;
    rig.until(B, "pruned at last", Value::is_null).await;
    let left = |app: &Value| conditions(app).is_empty();
    rig.until(&rig.app_path("source"), "without complaints", left).await;
    wrong.extend(rig.judgement(&[A, B, "/api/v1/namespaces"]));
    rig.leave().await?;
    Ok(wrong)
}

async fn versions(rig: &Rig) -> Result<Vec<Value>> {
    let mut versions = Vec::new();
    for path in [A, B] {
        let object = rig.api.get(&rig.at(path)).await?.with_context(|| format!("{path} is gone"))?;
        versions.push(object["metadata"]["resourceVersion"].clone());
    }
    Ok(versions)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_stops_nothing_for_good() {
    let run = |(name, harm, takes, own_disk): &'static (&'static str, Change, Takes, bool)| {
        ((*name).to_owned(), harmed(*harm, takes, *own_disk))
    };
    let wrong = all(ROWS.iter().map(run), ROWS.len()).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
