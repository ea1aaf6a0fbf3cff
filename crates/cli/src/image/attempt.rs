//! One attempt: read the branch, make the change, push it.

use std::collections::BTreeMap;
use std::sync::Arc;

use filetree::{FileTree, Limits, TreePath};
use image::{EditedTree, Missing, TreeError, set_image_in_tree};
use source::{Base, FileChange, NewCommit, Person, Push, Refs, Remote, SourceError, Sources};

use super::report::{Outcome, Report, diff};
use crate::failure::{Failure, Kind};

/// How many names an error lists.
const SHOWN_NAMES: usize = 5;

/// What to do, whatever the branch is at.
pub(super) struct Task {
    pub(super) remote: Remote,
    pub(super) branch: Option<String>,
    pub(super) from: Option<String>,
    pub(super) scope: image::Scope,
    pub(super) request: image::Request,
    pub(super) message: String,
    pub(super) author: Person,
    pub(super) committer: Person,
    pub(super) trailers: Vec<(String, String)>,
    pub(super) dry_run: bool,
}

impl Task {
    pub(super) fn branch_name(&self) -> &str {
        self.branch.as_deref().unwrap_or("the branch")
    }
}

/// How an attempt ended.
pub(super) enum Ended {
    Done(Box<Report>),
    /// Somebody else was faster; what the server said.
    Lost(Option<String>),
}

/// Why an attempt failed, and whether another may not.
pub(super) struct Failed {
    pub(super) failure: Failure,
    pub(super) again: bool,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self { failure, again: false }
    }
}

impl From<SourceError> for Failed {
    fn from(error: SourceError) -> Self {
        let kind = match &error {
            SourceError::Url(_) => Kind::Usage,
            SourceError::NotFound { .. } | SourceError::Revision { .. } => Kind::NotFound,
            SourceError::Unauthorized { .. } | SourceError::Untrusted { .. } => Kind::Denied,
            SourceError::Unavailable { .. } => Kind::Unreachable,
            SourceError::TimedOut { .. } => Kind::Timeout,
            SourceError::Refused { .. }
            | SourceError::TooLarge { .. }
            | SourceError::Protocol { .. }
            | SourceError::NoCommit { .. }
            | SourceError::Store { .. } => Kind::Other,
        };
        let failure = Failure::new(kind, "nothing was pushed").because(&error);
        let failure = match &error {
            SourceError::Unauthorized { .. } => failure
                .next("give credentials that may push: GIT_TOKEN, GIT_PASSWORD, --ssh-private-key-file"),
            SourceError::Untrusted { .. } => {
                failure.next("name what to trust: --known-hosts-file for ssh, --ca-file for https")
            }
            _ => failure,
        };
        // A commit that a branch was at a moment ago may be out of reach now.
        let again = error.is_transient() || matches!(error, SourceError::NoCommit { .. });
        Self { failure, again }
    }
}

/// Reads, edits, pushes.
pub(super) async fn once(sources: &Sources, task: &Task) -> Result<Ended, Failed> {
    let refs = sources.ls_refs(&task.remote).await?;
    let (name, base, tip) = place(&refs, task)?;
    let snapshot = sources.snapshot(&task.remote, &tip).await?;
    let (scope, request) = (task.scope.clone(), task.request.clone());
    let edit = move || {
        let tree = FileTree::new(Arc::clone(&snapshot.store), Limits::default());
        let edited = set_image_in_tree(&tree, &scope, &request)?;
        let mut before = BTreeMap::new();
        for path in edited.files.keys() {
            before.insert(path.clone(), tree.read(path)?);
        }
        Ok((edited, before))
    };
    let edited = tokio::task::spawn_blocking(edit).await;
    let edited = edited.map_err(|error| Failure::new(Kind::Other, "the change failed").because(&error))?;
    let (edited, before) = edited.map_err(|error: TreeError| refused(&error))?;
    if let Some(first) = edited.missing.first() {
        return Err(missing(task, &edited, first).into());
    }
    let branch = name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned();
    let report = |outcome, edited: EditedTree| {
        Ended::Done(Box::new(Report {
            outcome,
            repo: task.remote.url.to_string(),
            branch: branch.clone(),
            base: tip.clone(),
            attempts: 1,
            names: task.request.images.iter().map(|wanted| wanted.name.clone()).collect(),
            changes: edited.changes,
            found: edited.found,
            notes: edited.notes,
        }))
    };
    if edited.files.is_empty() {
        return Ok(report(Outcome::Unchanged, edited));
    }
    if task.dry_run {
        let diff = diff(&before, &edited.files);
        return Ok(report(Outcome::DryRun { diff }, edited));
    }
    let write = |text: &String| FileChange::Write(text.as_bytes().into());
    let changes: BTreeMap<TreePath, FileChange> =
        edited.files.iter().map(|(path, text)| (path.clone(), write(text))).collect();
    let commit = NewCommit {
        branch: name.clone(),
        base,
        changes,
        author: task.author.clone(),
        committer: task.committer.clone(),
        time: sprig::World::now(&world::System).seconds,
        message: task.message.clone(),
        trailers: task.trailers.clone(),
    };
    match sources.push(&task.remote, &commit).await? {
        Push::Pushed { commit } => Ok(report(Outcome::Pushed { commit }, edited)),
        Push::Unchanged => Ok(report(Outcome::Unchanged, edited)),
        Push::Lost { reason, .. } => Ok(Ended::Lost(reason)),
        Push::Refused { reason } => Err(Failure::new(
            Kind::Denied,
            format!("the server refuses the push to {branch}"),
        )
        .cause(reason)
        .next("push to a branch that is not protected (--branch with --from), or let this user push to it")
        .into()),
    }
}

/// The branch with its full name, what a commit on it stands on, and the commit to read.
fn place(refs: &Refs, task: &Task) -> Result<(String, Base, String), Failed> {
    let full = |name: &str| format!("refs/heads/{}", name.strip_prefix("refs/heads/").unwrap_or(name));
    let not_found = |what: String| {
        let names = refs.by_name.keys().filter_map(|name| name.strip_prefix("refs/heads/"));
        let names: Vec<&str> = names.take(SHOWN_NAMES).collect();
        let failure = Failure::new(Kind::NotFound, what);
        match names.as_slice() {
            [] => failure.cause("the repository has no branch"),
            names => failure.cause(format!("there are: {}", names.join(", "))),
        }
    };
    let name = match &task.branch {
        Some(name) => full(name),
        None => refs
            .head
            .clone()
            .ok_or_else(|| not_found("HEAD stands for no branch".to_owned()).next("name one: --branch"))?,
    };
    if let Some(tip) = refs.by_name.get(&name) {
        return Ok((name, Base::Tip(tip.clone()), tip.clone()));
    }
    let shown = name.strip_prefix("refs/heads/").unwrap_or(&name);
    let Some(from) = &task.from else {
        let failure = not_found(format!("there is no branch {shown}"));
        return Err(failure.next("begin it at another: --from BRANCH").into());
    };
    match refs.by_name.get(&full(from)) {
        Some(tip) => Ok((name, Base::NewBranch(tip.clone()), tip.clone())),
        None => Err(not_found(format!("there is no branch {from}")).into()),
    }
}

fn refused(error: &TreeError) -> Failure {
    let kind = match error {
        TreeError::Tree(filetree::FileError::NotFound { .. }) => Kind::NotFound,
        TreeError::Glob(_) => Kind::Usage,
        TreeError::File { .. } | TreeError::Tree(_) | TreeError::Limit { .. } => Kind::Other,
    };
    Failure::new(kind, "nothing was pushed").because(error)
}

fn missing(task: &Task, edited: &EditedTree, first: &Missing) -> Failure {
    let name = |missing: &Missing| {
        let wanted = task.request.images.get(missing.image);
        let path = if missing.path.is_root() { "." } else { missing.path.as_str() };
        format!("{} is nowhere in {path}", wanted.map_or("an image", |wanted| wanted.name.as_str()))
    };
    let mut failure = Failure::new(Kind::NotFound, format!("nothing was pushed: {}", name(first)));
    for more in edited.missing.iter().skip(1).take(SHOWN_NAMES) {
        failure = failure.cause(name(more));
    }
    for note in edited.notes.iter().take(SHOWN_NAMES) {
        failure = failure.cause(note.clone());
    }
    failure.next("name the image as the files have it, without tag; NAME=NEWNAME:TAG where its name changes; --add for a kustomization")
}
