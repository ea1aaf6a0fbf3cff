//! Whether the applications that another one depends on are there, well, and as far as it is.

use api::names::annotation::DEPENDS_ON;
use api::{Application, HealthStatusCode, SyncStatusCode};
use sync::depends::{cycle, names};
use why::{Reason, Rests};

use crate::shared::{AppName, Shared};
use crate::status::why_of;

/// What an application depends on.
pub(crate) fn depends_on(shared: &Shared, app: &Application) -> Vec<AppName> {
    let text = app.metadata.annotation(DEPENDS_ON).unwrap_or_default();
    let named = |name: &str| match name.split_once('/') {
        Some((namespace, name)) => shared.name_of(namespace, name),
        None => shared.name_of(&app.metadata.namespace, name),
    };
    names(text).into_iter().map(named).collect()
}

/// What stands in the way of a sync to another commit.
pub(crate) enum Blocked {
    /// The application depends on itself: the way back, for people.
    Cycle(String),
    /// This one is not where it should be, and why.
    On(String, String),
}

/// The first thing that is in the way.
///
/// **Shape**: each must be Synced and Healthy, with no operation under way, and must have looked at the answers of git that the
/// application itself has seen: one that is well at an older commit may have to change first.
pub(crate) fn blocked(shared: &Shared, name: &AppName, app: &Application) -> Option<Blocked> {
    let all = depends_on(shared, app);
    if all.is_empty() {
        return None;
    }
    let edges = |name: &AppName| match shared.app(name).map(|entry| entry.app) {
        Some(Ok(app)) => depends_on(shared, &app),
        Some(Err(_)) | None => Vec::new(),
    };
    if let Some(way) = cycle(name, edges) {
        return Some(Blocked::Cycle(way.iter().map(|name| &**name).collect::<Vec<_>>().join(" → ")));
    }
    all.iter().find_map(|other| {
        let why = not_ready(shared, name, other)?;
        Some(Blocked::On(shared.qualified(other), why))
    })
}

/// What the leader saw in the way, by the status.
pub(crate) fn told(app: &Application) -> Option<Blocked> {
    app.metadata.annotation(DEPENDS_ON)?;
    why_of(&app.status).reasons.into_iter().find_map(|reason| match reason {
        Reason::Rests { because: Rests::DependsOn { application, message }, .. } => {
            Some(Blocked::On(application, message))
        }
        _ => None,
    })
}

fn not_ready(shared: &Shared, name: &AppName, other: &AppName) -> Option<String> {
    let app = match shared.app(other).map(|entry| entry.app) {
        None => return Some("there is no such application".to_owned()),
        Some(Err(_)) => return Some("it cannot be read".to_owned()),
        Some(Ok(app)) => app,
    };
    if app.metadata.is_deleting() {
        return Some("it is being deleted".to_owned());
    }
    // While a pass is under way its status is about to change.
    if shared.is_behind(other, name) || shared.memory(other).try_lock().is_err() {
        return Some("it has not looked at this commit yet".to_owned());
    }
    let status = &app.status;
    let running = status.running().is_some();
    if app.operation.is_some() || running {
        return Some("a sync of it is under way".to_owned());
    }
    if status.sync.status != SyncStatusCode::Synced {
        return Some(format!("it is {}", status.sync.status.as_str()));
    }
    match &status.health.status {
        Some(HealthStatusCode::Healthy) => None,
        Some(health) => Some(format!("it is {}", health.as_str())),
        None => Some("its health is not known".to_owned()),
    }
}
