//! A push into a repository on this machine.

use super::pack::NewObjects;
use super::{Push, Swap};
use crate::error::SourceError;
use crate::remote::Remote;
use crate::sources::told;
use gix::objs::Write as _;
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};
use gix::refs::{FullName, Target};
use std::path::Path;

/// Writes the objects, then moves the branch if it is where it was.
///
/// **Source**: `git receive-pack` without its hooks, which nothing here runs; like it (`receive.denyCurrentBranch`), it leaves a branch
/// alone that is checked out.
pub(super) fn swap(remote: &Remote, swap: &Swap, made: &NewObjects) -> Result<Push, SourceError> {
    let broken = |detail: String| SourceError::Store { repo: remote.url.clone(), detail };
    let repository = gix::open_opts(Path::new(&*remote.url.path), gix::open::Options::isolated())
        .map_err(|error| SourceError::NotFound { repo: remote.url.clone(), detail: told(&error) })?;
    let name: FullName =
        swap.name.as_str().try_into().map_err(|_| broken("no name of a branch".to_owned()))?;
    let tip = || -> Result<Option<gix::ObjectId>, SourceError> {
        let found = repository.try_find_reference(name.as_ref()).map_err(|error| broken(told(&error)))?;
        Ok(found.and_then(|found| found.target().try_id().map(ToOwned::to_owned)))
    };
    let now = tip()?;
    if now != swap.old {
        return Ok(Push::Lost { tip: now.map(|tip| tip.to_string()), reason: None });
    }
    let head = repository.head_name().map_err(|error| broken(told(&error)))?;
    if !repository.is_bare() && head.as_ref() == Some(&name) {
        return Ok(Push::Refused { reason: "the branch is checked out there".to_owned() });
    }
    for (kind, data) in made.iter() {
        repository.write_buf(kind, data).map_err(|error| broken(told(&error)))?;
    }
    let expected = match swap.old {
        Some(old) => PreviousValue::MustExistAndMatch(Target::Object(old)),
        None => PreviousValue::MustNotExist,
    };
    let log = LogChange { mode: RefLog::AndReference, force_create_reflog: false, message: "push".into() };
    let change = Change::Update { log, expected, new: Target::Object(swap.new) };
    match repository.edit_reference(RefEdit { change, name: name.clone(), deref: false }) {
        Ok(_) => Ok(Push::Pushed { commit: swap.new.to_string() }),
        Err(error) => {
            // Somebody else holds the lock, and is about to move it; or has moved it.
            let tip = tip()?;
            let told = told(&error);
            if tip != swap.old || told.contains("lock") {
                return Ok(Push::Lost { tip: tip.map(|tip| tip.to_string()), reason: Some(told) });
            }
            Err(broken(told))
        }
    }
}
