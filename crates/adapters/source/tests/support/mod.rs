//! Repositories made by git itself, and a small server for them that can also misbehave.
#![allow(dead_code, reason = "each suite uses a part")]
#![allow(unreachable_pub, reason = "shared by several suites")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

pub mod git;
pub mod server;

use filetree::{FileTree, Limits, TreePath};
use source::{Options, Refs, Remote, RepoUrl, Snapshot, SourceError, Sources, Timeouts};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub fn sources(data_dir: &Path) -> Sources {
    let mut options = Options::new(data_dir);
    options.timeouts = Timeouts { connect: secs(10), idle: secs(20), ls_refs: secs(30), fetch: secs(60) };
    Sources::new(options).unwrap()
}

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn remote(url: &str) -> Remote {
    let mut remote = Remote::new(RepoUrl::parse(url).unwrap());
    remote.credentials.allow_http = true;
    remote
}

/// What a controller does: ask, resolve, fetch.
pub async fn checkout(
    sources: &Sources,
    remote: &Remote,
    revision: &str,
) -> Result<Arc<Snapshot>, SourceError> {
    let refs = sources.ls_refs(remote).await?;
    let resolved = sources.revision(remote, &refs, revision, "").await?;
    sources.snapshot(remote, &resolved.commit).await
}

pub fn resolve(refs: &Refs, revision: &str) -> String {
    Sources::resolve(refs, revision).unwrap().commit
}

pub fn read(snapshot: &Snapshot, path: &str) -> Result<String, String> {
    let tree = FileTree::new(Arc::clone(&snapshot.store), Limits::default());
    let content = tree.read(&TreePath::parse(path).unwrap()).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}

pub fn names(snapshot: &Snapshot, path: &str) -> Vec<String> {
    let tree = FileTree::new(Arc::clone(&snapshot.store), Limits::default());
    tree.list(&TreePath::parse(path).unwrap()).unwrap().into_iter().map(|entry| entry.name).collect()
}
