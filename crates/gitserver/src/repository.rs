//! Makes repositories and commits from files.

use std::collections::BTreeMap;
use std::path::Path;

use gix::objs::tree::{Entry, EntryKind};
use gix::objs::{Commit, Tree};
use gix::refs::transaction::PreviousValue;
use gix::{ObjectId, Repository};

use crate::GitError;

/// A file of a commit: path from the root, and content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Path with slashes.
    pub path: String,
    /// Content.
    pub content: Vec<u8>,
}

const BRANCH: &str = "refs/heads/main";

/// Makes a bare repository with one commit on `main`. An existing one is left as it is.
pub(crate) fn create(directory: &Path, files: &[File], message: &str, seconds: i64) -> Result<(), GitError> {
    if directory.join("HEAD").exists() {
        return Ok(());
    }
    std::fs::create_dir_all(directory).map_err(GitError::repository)?;
    let repository = gix::init_bare(directory).map_err(GitError::repository)?;
    std::fs::write(directory.join("HEAD"), format!("ref: {BRANCH}\n")).map_err(GitError::repository)?;
    commit(&repository, files, message, seconds).map(drop)
}

/// Commits exactly these files on `main`.
pub(crate) fn commit(
    repository: &Repository,
    files: &[File],
    message: &str,
    seconds: i64,
) -> Result<ObjectId, GitError> {
    let mut root = Directory::default();
    for file in files {
        let id = repository.write_blob(&file.content).map_err(GitError::repository)?.detach();
        root.put(&file.path, id);
    }
    let tree = root.write(repository)?;
    let parent =
        repository.find_reference(BRANCH).ok().and_then(|reference| reference.try_id().map(gix::Id::detach));
    let who = gix::actor::Signature {
        name: "Capstan playground".into(),
        email: "playground@capstan.invalid".into(),
        time: gix::date::Time { seconds, offset: 0 },
    };
    let commit = Commit {
        tree,
        parents: parent.into_iter().collect(),
        author: who.clone(),
        committer: who,
        encoding: None,
        message: message.into(),
        extra_headers: Vec::new(),
    };
    let id = repository.write_object(&commit).map_err(GitError::repository)?.detach();
    let expected =
        parent.map_or(PreviousValue::MustNotExist, |parent| PreviousValue::MustExistAndMatch(parent.into()));
    repository.reference(BRANCH, id, expected, message).map_err(GitError::repository)?;
    Ok(id)
}

#[derive(Default)]
struct Directory {
    files: BTreeMap<String, ObjectId>,
    directories: BTreeMap<String, Self>,
}

impl Directory {
    fn put(&mut self, path: &str, id: ObjectId) {
        match path.split_once('/') {
            Some((directory, rest)) => {
                self.directories.entry(directory.to_owned()).or_default().put(rest, id)
            }
            None => drop(self.files.insert(path.to_owned(), id)),
        }
    }

    fn write(&self, repository: &Repository) -> Result<ObjectId, GitError> {
        let entry = |name: &String, kind: EntryKind, oid| Entry {
            mode: kind.into(),
            filename: name.as_str().into(),
            oid,
        };
        let mut entries: Vec<Entry> =
            self.files.iter().map(|(name, id)| entry(name, EntryKind::Blob, *id)).collect();
        for (name, directory) in &self.directories {
            entries.push(entry(name, EntryKind::Tree, directory.write(repository)?));
        }
        entries.sort();
        Ok(repository.write_object(Tree { entries }).map_err(GitError::repository)?.detach())
    }
}
