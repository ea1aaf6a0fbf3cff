//! Repositories on this machine, read where they are.

use crate::error::SourceError;
use crate::objects::Objects;
use crate::remote::Remote;
use crate::revision::Refs;
use crate::sources::told;
use std::collections::BTreeMap;
use std::path::Path;
use tokio::time::Instant;

fn open(remote: &Remote) -> Result<gix::Repository, SourceError> {
    let path = Path::new(&*remote.url.path);
    let options = gix::open::Options::isolated();
    gix::open_opts(path, options)
        .map_err(|error| SourceError::NotFound { repo: remote.url.clone(), detail: told(&error) })
}

/// Branches and tags.
pub(crate) fn refs(remote: &Remote) -> Result<Refs, SourceError> {
    let repository = open(remote)?;
    let broken =
        |detail: String| SourceError::Unavailable { repo: remote.url.clone(), detail, retry_after: None };
    let (mut by_name, mut tags) = (BTreeMap::new(), BTreeMap::new());
    let platform = repository.references().map_err(|error| broken(told(&error)))?;
    for reference in platform.all().map_err(|error| broken(told(&error)))? {
        // A name that is broken takes part no more than one that is not there.
        let Ok(mut reference) = reference else { continue };
        let name = reference.name().as_bstr().to_string();
        let itself = reference.target().try_id().map(|id| id.to_string());
        if let Ok(id) = reference.peel_to_id() {
            let id = id.to_string();
            tags.extend(itself.filter(|itself| *itself != id).map(|itself| (name.clone(), itself)));
            by_name.insert(name, id);
        }
    }
    let head =
        repository.head_name().map_err(|error| broken(told(&error)))?.map(|name| name.as_bstr().to_string());
    let commit = match &head {
        Some(name) => by_name.get(name).cloned(),
        None => repository.head_id().ok().map(|id| id.to_string()),
    };
    by_name.extend(commit.map(|commit| ("HEAD".to_owned(), commit)));
    Ok(Refs { head, by_name, tags, fetched_at: Instant::now() })
}

/// Its objects.
pub(crate) fn objects(remote: &Remote, object_bytes: usize) -> Result<Objects, SourceError> {
    let repository = open(remote)?;
    let path = repository.objects.store_ref().path().to_owned();
    Objects::foreign(&path, object_bytes)
        .map_err(|error| SourceError::Store { repo: remote.url.clone(), detail: error.to_string() })
}
