//! Deletions that were asked for before this installation began. They may be meant, or be what another one left behind when it was taken
//! away; the difference is everything that runs. So each waits until somebody says so.

use api::Application;
use api::names::{annotation, finalizer};

use crate::deletion::approved_since;
use crate::shared::Shared;

/// Why the deletion of an application waits, for people.
///
/// **Shape**: this installation began when its Lease was made, which outlives restarts and is dated by the same clock as deletions are.
/// **Source**: none, the peer's new controller goes on with all of them (its issue 6046); reliability, row 14.
pub(crate) fn held(shared: &Shared, app: &Application) -> Option<String> {
    let since = shared.installed_at()?;
    let asked = app.metadata.deletion_timestamp.as_deref().and_then(|at| api::parse_time(at).ok())?;
    let takes_along = finalizer::CASCADES.iter().any(|name| app.metadata.has_finalizer(name));
    if !takes_along || asked >= api::parse_time(&since).ok()? || approved_since(app, &since) {
        return None;
    }
    Some(format!(
        "waiting: it was being deleted already when this installation began, at {since}: to delete what it has in its cluster, set the \
         annotation {} to the time now; to keep that, remove the application's finalizers",
        annotation::DELETION_APPROVED
    ))
}
