//! Applications that are made and changed.

use std::sync::Arc;
use std::time::Duration;

use ::api::names::{API_VERSION, APPLICATION};
use ::api::{Application, DEFAULT_PROJECT};
use applications::{Unrendered, What};
use rbac::{Action, Decision, Resource};
use serde_json::{Map, Value, json};
use tonic::Status;

use super::application::live;
use super::{Asked, Table, text};
use crate::audit;
use crate::call::{NoSuchMethod, Reply};
use crate::events;
use crate::guard::Guard;
use crate::server::Backend;
use crate::store::{self, Kind};

/// How often a write that met another one is made again.
const ATTEMPTS: usize = 10;
/// How long it may take to render an application that is to be made or changed.
const VALIDATING: Duration = Duration::from_secs(60);

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("application.ApplicationService/Create", create)?;
    table.one("application.ApplicationService/Update", update)?;
    table.one("application.ApplicationService/UpdateSpec", update_spec)?;
    table.one("application.ApplicationService/Patch", patch)
}

/// The parts of an Application that a caller may say; the status and operations are not among them.
struct Wanted {
    app: Application,
    value: Value,
}

impl Wanted {
    /// Of a whole Application, or of the parts of one.
    fn new(backend: &Backend, mut value: Value) -> Result<Self, Status> {
        let invalid = |error: String| Status::invalid_argument(format!("application: {error}"));
        let map = value.as_object_mut().ok_or_else(|| invalid("an object is wanted".to_owned()))?;
        // Who could say these would sync what nobody may sync.
        map.remove("status");
        map.remove("operation");
        map.insert("apiVersion".to_owned(), json!(API_VERSION));
        map.insert("kind".to_owned(), json!(APPLICATION));
        let metadata = map.entry("metadata").or_insert_with(|| json!({}));
        if metadata.get("namespace").and_then(Value::as_str).unwrap_or_default().is_empty() {
            metadata["namespace"] = json!(backend.namespace);
        }
        if value.pointer("/spec/project").and_then(Value::as_str).unwrap_or_default().is_empty() {
            value["spec"]["project"] = json!(DEFAULT_PROJECT);
        }
        let app = Application::from_value(value.clone()).map_err(|error| invalid(error.to_string()))?;
        if app.metadata.name.is_empty() {
            return Err(Status::invalid_argument("resource name may not be empty"));
        }
        if !backend.apps.knows(&app.metadata.namespace) {
            let text = format!("namespace '{}' is not permitted", app.metadata.namespace);
            return Err(Status::permission_denied(text));
        }
        Ok(Self { app, value })
    }

    fn permit(&self, backend: &Backend, guard: &Guard, action: Action) -> Result<Decision, Status> {
        let object =
            backend.apps.object(&self.value).ok_or_else(|| Status::invalid_argument("no application"))?;
        guard.decide(Resource::Applications, action, object)
    }

    /// What was there may become this: the caller needs `update` where it is; to move it into another project also `create` and `update` there.
    /// To be asked before anything is rendered, for what a project lends is not for those who may not use it.
    fn permit_change(&self, backend: &Backend, guard: &Guard, there: &Value) -> Result<Decision, Status> {
        let old = Self::new(backend, there.clone())?;
        let decision = old.permit(backend, guard, Action::Update)?;
        if old.app.spec.project_name() != self.app.spec.project_name() {
            self.permit(backend, guard, Action::Create)?;
            self.permit(backend, guard, Action::Update)?;
        }
        Ok(decision)
    }

    /// **Errors**: what the controller would refuse, or with `render` what it could not render.
    async fn validate(&self, backend: &Backend, render: bool) -> Result<(), Status> {
        let (name, project) = (&self.app.metadata.name, self.app.spec.project_name());
        if backend.projects.index().get(&(backend.namespace.clone(), project.to_owned())).is_none() {
            let text = format!("app is not allowed in project {project:?}, or the project does not exist");
            return Err(Status::invalid_argument(text));
        }
        let invalid = |unrendered: Unrendered| {
            Status::invalid_argument(format!("application spec for {name} is invalid: {unrendered}"))
        };
        backend.controller.check(&self.app).await.map_err(invalid)?;
        if render {
            let what = What { desired_only: true, ..What::default() };
            let rendered = Box::pin(backend.controller.evaluate(&self.app, &what));
            let rendered = tokio::time::timeout(VALIDATING, rendered).await.map_err(|_| {
                Status::deadline_exceeded(format!(
                    "application {name} is not rendered within {} s",
                    VALIDATING.as_secs()
                ))
            })?;
            rendered.map_err(invalid)?;
        }
        Ok(())
    }
}

fn validates(request: &Value) -> bool {
    request.get("validate").and_then(Value::as_bool).unwrap_or(true)
}

fn said(ask: &Asked) -> Result<Value, Status> {
    let said = ask.request.get("application").filter(|app| app.is_object()).cloned();
    said.ok_or_else(|| Status::invalid_argument("the request has no application"))
}

/// **Source**: `Server.Create`: one that is there already and equal is the answer; a different one is changed with `upsert` only.
async fn create(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let wanted = Wanted::new(&backend, said(&ask)?)?;
    let guard = &ask.caller.guard;
    let decision = wanted.permit(&backend, guard, Action::Create)?;
    wanted.validate(&backend, validates(&ask.request)).await?;
    let (namespace, name) = (&wanted.app.metadata.namespace, &wanted.app.metadata.name);
    let mut object = wanted.value.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| {
            OURS.contains(&field.as_str()) || matches!(field.as_str(), "name" | "namespace")
        });
    }
    match backend.store.create_in(Kind::Application, namespace, &object).await {
        Ok(created) => {
            let name = format!("{namespace}/{name}");
            audit::done(&ask.caller, "made an application", ("application", &name), &decision);
            events::tell(&backend, &ask.caller, &created, "ResourceCreated", "created application").await;
            return Ok(created.into());
        }
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => return Err(store::status("making the application", &error)),
    }
    let upsert = ask.request.get("upsert").and_then(Value::as_bool).unwrap_or_default();
    write(&backend, &ask, &wanted, true, |same| {
        if !same && !upsert {
            let text = "existing application spec is different, use upsert flag to force update";
            return Err(Status::invalid_argument(text));
        }
        Ok(())
    })
    .await
    .map(Reply::from)
}

/// Fields of the metadata that callers may say.
const OURS: [&str; 3] = ["labels", "annotations", "finalizers"];

/// Writes the wanted parts into what is there, as it is when it is written. `check` is told whether that is the same already.
async fn write(
    backend: &Backend,
    ask: &Asked,
    wanted: &Wanted,
    together: bool,
    check: impl Fn(bool) -> Result<(), Status>,
) -> Result<Value, Status> {
    let guard = &ask.caller.guard;
    let (namespace, name) = (&wanted.app.metadata.namespace, &wanted.app.metadata.name);
    let failed = |error: &kube::Error| store::status("changing the application", error);
    for _ in 0..ATTEMPTS {
        let there =
            backend.store.get(Kind::Application, namespace, name).await.map_err(|error| failed(&error))?;
        let there = there
            .ok_or_else(|| Status::not_found(format!("applications.argoproj.io \"{name}\" not found")))?;
        let new = with_parts(&there, &wanted.value, together);
        check(new == there)?;
        if new == there {
            return Ok(there);
        }
        let decision = wanted.permit_change(backend, guard, &there)?;
        match backend.store.replace(Kind::Application, namespace, name, &new).await {
            Ok(value) => {
                let name = format!("{namespace}/{name}");
                audit::done(&ask.caller, "changed an application", ("application", &name), &decision);
                events::tell(backend, &ask.caller, &value, "ResourceUpdated", "updated application spec")
                    .await;
                return Ok(value);
            }
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    Err(Status::aborted(format!("application {name} changes all the time; try again")))
}

/// An Application with the spec, labels, annotations and finalizers of another; `together` keeps the labels and annotations that only it has.
fn with_parts(there: &Value, wanted: &Value, together: bool) -> Value {
    let mut new = there.clone();
    new["spec"] = wanted.get("spec").cloned().unwrap_or_default();
    for field in OURS {
        let said = wanted.pointer(&format!("/metadata/{field}"));
        let merged = match (together, said, there.pointer(&format!("/metadata/{field}"))) {
            (true, Some(Value::Object(said)), Some(Value::Object(old))) => {
                let mut all: Map<String, Value> = old.clone();
                all.extend(said.clone());
                Some(Value::Object(all))
            }
            (true, None, old) if field != "finalizers" => old.cloned(),
            (_, said, _) => said.cloned(),
        };
        if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
            match merged {
                Some(value) => drop(metadata.insert(field.to_owned(), value)),
                None => drop(metadata.remove(field)),
            }
        }
    }
    new
}

async fn update(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let wanted = Wanted::new(&backend, said(&ask)?)?;
    wanted.permit(&backend, &ask.caller.guard, Action::Update)?;
    wanted.validate(&backend, validates(&ask.request)).await?;
    write(&backend, &ask, &wanted, false, |_| Ok(())).await.map(Reply::from)
}

/// The answer is the spec.
async fn update_spec(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let place = (text(&ask.request, "appNamespace"), text(&ask.request, "name"));
    let (there, _) = live(&backend, &ask, &Action::Update, place).await?;
    let mut changed = there.clone();
    changed["spec"] = ask.request.get("spec").cloned().unwrap_or_default();
    let wanted = Wanted::new(&backend, changed)?;
    wanted.permit_change(&backend, &ask.caller.guard, &there)?;
    wanted.validate(&backend, validates(&ask.request)).await?;
    let written = write(&backend, &ask, &wanted, false, |_| Ok(())).await?;
    Ok(written.get("spec").cloned().unwrap_or_default().into())
}

/// **Source**: `Server.Patch`: of type `json` (the default) or `merge`, on the whole Application, of which the parts that callers may say
/// are taken.
async fn patch(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let place = (text(&ask.request, "appNamespace"), text(&ask.request, "name"));
    let (there, _) = live(&backend, &ask, &Action::Update, place).await?;
    let patch: Value = serde_json::from_str(text(&ask.request, "patch"))
        .map_err(|error| Status::invalid_argument(format!("the patch is no JSON: {error}")))?;
    let changed = match text(&ask.request, "patchType") {
        "" | "json" => merge::json_patch(&there, &patch)
            .map_err(|error| Status::invalid_argument(format!("error applying patch: {error}")))?,
        "merge" => merge::json_merge_patch(there.clone(), &patch),
        other => return Err(Status::invalid_argument(format!("Patch type '{other}' is not supported"))),
    };
    let same = |pointer: &str| there.pointer(pointer) == changed.pointer(pointer);
    if !same("/metadata/name") || !same("/metadata/namespace") {
        return Err(Status::invalid_argument("a patch cannot give an application another name or namespace"));
    }
    let wanted = Wanted::new(&backend, changed)?;
    wanted.permit_change(&backend, &ask.caller.guard, &there)?;
    wanted.validate(&backend, true).await?;
    write(&backend, &ask, &wanted, false, |_| Ok(())).await.map(Reply::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_parts_that_callers_may_say_are_written() {
        let there = json!({
            "metadata": {"name": "a", "resourceVersion": "7", "labels": {"x": "1", "y": "1"}, "finalizers": ["f"]},
            "spec": {"project": "old"}, "status": {"sync": {}}, "operation": {"sync": {}},
        });
        let wanted = json!({"metadata": {"name": "b", "labels": {"y": "2"}}, "spec": {"project": "new"}});
        for (together, labels) in [(true, json!({"x": "1", "y": "2"})), (false, json!({"y": "2"}))] {
            let new = with_parts(&there, &wanted, together);
            let expected = json!({
                "metadata": {"name": "a", "resourceVersion": "7", "labels": labels},
                "spec": {"project": "new"}, "status": {"sync": {}}, "operation": {"sync": {}},
            });
            assert_eq!(new, expected, "{together}");
        }
    }
}
