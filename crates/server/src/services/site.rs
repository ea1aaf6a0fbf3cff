//! What an application has in its cluster, for whoever may see or do something there.

use std::sync::Arc;
use std::time::Duration;

use ::api::Application;
use ::api::settings::parse_bool;
use applications::{ActError, Site, Unrendered};
use cluster::{LiveObject, WriteError};
use rbac::{Action, Decision, Target};
use resource::ResourceKey;
use serde_json::Value;
use tonic::Status;

use super::application::live_for;
use super::text;
use crate::apps::App;
use crate::audit;
use crate::door::Caller;
use crate::guard::Guard;
use crate::server::Backend;

/// How long it may take to connect to a cluster and to list what it has.
const CONNECTING: Duration = Duration::from_secs(60);
/// Whether who may change an application may not change each of its objects for that alone.
const INHERITANCE: &str = "server.rbac.disableApplicationFineGrainedRBACInheritance";

/// An application with its site, by a decision about the application.
pub(crate) struct Visited {
    pub(crate) app: Box<Application>,
    pub(crate) value: Value,
    pub(crate) site: Site,
    pub(crate) decision: Decision,
}

/// Goes to the site of an application, for the first of these actions that is permitted. `field` names the application in the request.
pub(crate) async fn visit(
    backend: &Backend,
    guard: &Guard,
    request: &Value,
    actions: &[Action],
    field: &str,
) -> Result<Visited, Status> {
    let place = (text(request, "appNamespace"), text(request, field));
    let mut found = Err(crate::guard::denied());
    for action in actions {
        found = live_for(backend, guard, request, action, place).await;
        if !matches!(&found, Err(status) if status.code() == tonic::Code::PermissionDenied) {
            break;
        }
    }
    let (value, decision) = found?;
    arrive(backend, value, decision).await
}

/// The same by what is kept of the application, for who looks often.
pub(super) async fn revisit(
    backend: &Backend,
    guard: &Guard,
    request: &Value,
    field: &str,
) -> Result<Visited, Status> {
    let (app, decision) = kept(backend, guard, request, field)?;
    let value = serde_json::from_slice(app.text()).map_err(|error| Status::internal(error.to_string()))?;
    arrive(backend, value, decision).await
}

async fn arrive(backend: &Backend, value: Value, decision: Decision) -> Result<Visited, Status> {
    let (app, site) = site_of(backend, value.clone()).await?;
    Ok(Visited { app, value, site, decision })
}

/// What an application has in its cluster, whoever asks.
pub(super) async fn site_of(backend: &Backend, value: Value) -> Result<(Box<Application>, Site), Status> {
    let app =
        Application::from_value(value).map_err(|error| Status::failed_precondition(error.to_string()))?;
    let site = tokio::time::timeout(CONNECTING, Box::pin(backend.controller.site(&app))).await;
    let site = site.map_err(|_| Status::unavailable("the application's cluster does not answer in time"))?;
    let site = site.map_err(|unrendered: Unrendered| Status::failed_precondition(unrendered.to_string()))?;
    Ok((Box::new(app), site))
}

/// An application, as far as it may still be seen.
pub(crate) fn kept(
    backend: &Backend,
    guard: &Guard,
    request: &Value,
    field: &str,
) -> Result<(Arc<App>, Decision), Status> {
    let place = (text(request, "appNamespace"), text(request, field));
    backend.apps.one(guard, &Action::Get, place, text(request, "project"))
}

/// The object that a request is about.
pub(super) fn key(request: &Value) -> ResourceKey {
    let field = |name| text(request, name);
    ResourceKey::new(field("group"), field("kind"), field("namespace"), field("resourceName"))
}

/// The object that a request is about, if it is one of the application's.
///
/// **Source**: `Server.getAppLiveResource`.
pub(super) fn object(visited: &Visited, request: &Value) -> Result<Arc<LiveObject>, Status> {
    let key = key(request);
    visited.site.find(&key).ok_or_else(|| foreign(visited, &key))
}

/// The answer to who asks for an object that the application does not have. The peer calls that an invalid argument.
pub(super) fn foreign(visited: &Visited, key: &ResourceKey) -> Status {
    let ResourceKey { group, kind, name, .. } = key;
    let app = &visited.app.metadata.name;
    Status::permission_denied(format!("{kind} {group} {name} not found as part of application {app}"))
}

/// What one needs to change or delete one object: a line about it, or where the settings say so one about the whole application.
pub(super) fn fine(backend: &Backend, plain: &Action, request: &Value) -> Vec<Action> {
    let ResourceKey { group, kind, namespace, name } = key(request);
    let target = Target { group, kind, namespace, name };
    let fine = match plain {
        Action::Update => Action::UpdateTarget(target),
        Action::Delete => Action::DeleteTarget(target),
        other => return vec![other.clone()],
    };
    let settings = backend.settings.current();
    let inherits = settings.config.get(INHERITANCE).and_then(|text| parse_bool(text)) == Some(false);
    if inherits { vec![plain.clone(), fine] } else { vec![fine] }
}

/// An error of the cluster. Its texts about Secrets are withheld where they are made.
pub(super) fn refused(what: &str, error: &ActError) -> Status {
    let text = format!("{what}: {error}");
    match error {
        ActError::Gone(_) | ActError::Write(WriteError::NotFound { .. }) => Status::not_found(text),
        ActError::Write(WriteError::Precondition { .. }) => Status::aborted(text),
        ActError::Write(WriteError::Transient { .. } | WriteError::Throttled { .. }) => {
            Status::unavailable(text)
        }
        ActError::Write(WriteError::Invalid { .. }) => Status::invalid_argument(text),
        ActError::NotPermitted(_) => Status::permission_denied(text),
        ActError::Nobody(_) | ActError::Write(_) | ActError::Action(_) => Status::failed_precondition(text),
        ActError::Read(_) => Status::unavailable(text),
    }
}

/// The line about what somebody did to an object.
pub(super) fn log(caller: &Caller, visited: &Visited, key: &ResourceKey, what: &str) {
    let app = &visited.app.metadata;
    let name = format!("{} of {}/{}", key, app.namespace, app.name);
    audit::done(caller, what, ("object", &name), &visited.decision);
}
