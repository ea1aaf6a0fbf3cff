//! Projects that are made, changed and deleted.

use std::collections::BTreeSet;
use std::sync::Arc;

use ::api::names::{API_VERSION, APP_PROJECT};
use ::api::{AppProject, AppProjectSpec, Application, DEFAULT_PROJECT, Project};
use rbac::{Action, Object, Resource};
use serde_json::{Map, Value, json};
use tonic::Status;

use super::{admission, tokens};
use crate::audit;
use crate::call::Reply;
use crate::events;
use crate::guard::Guard;
use crate::server::Backend;
use crate::services::{Asked, different, text};
use crate::store::{self, Kind};

/// How often a write that met another one is made again.
const ATTEMPTS: usize = 10;
/// Fields of a project's spec that clients of 3.2 do not know.
const NEWER: [&str; 1] = ["sourceIntegrity"];
/// Message of a project's spec.
const SPEC: &str = "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.AppProjectSpec";

fn unknown(name: &str) -> Status {
    Status::not_found(format!("appprojects.argoproj.io \"{name}\" not found"))
}

/// A project as the API server has it now. Whoever could not look at it is told the same as of one that is not there.
pub(super) async fn live(
    backend: &Backend,
    guard: &Guard,
    action: Action,
    name: &str,
) -> Result<AppProject, Status> {
    let there = backend.store.own(Kind::AppProject, name).await;
    let there = there.map_err(|error| store::status("reading the project", &error))?;
    let Some(there) = there else {
        guard.decide(Resource::Projects, action, Object::project(name))?;
        return Err(unknown(name));
    };
    AppProject::from_value(there)
        .map_err(|error| Status::failed_precondition(format!("project {name}: {error}")))
}

/// Changes a project, as it is when it is written: `change` is asked again where somebody else was faster. It says by which rule, or that
/// there is nothing to do.
pub(super) async fn change(
    backend: &Backend,
    ask: &Asked,
    name: &str,
    what: &'static str,
    change: impl Fn(&mut AppProject) -> Result<Option<String>, Status>,
) -> Result<Value, Status> {
    for _ in 0..ATTEMPTS {
        let mut project = live(backend, &ask.caller.guard, Action::Update, name).await?;
        let Some(rule) = change(&mut project)? else { return Ok(project.to_value()) };
        match backend.store.replace(Kind::AppProject, &backend.namespace, name, &project.to_value()).await {
            Ok(value) => {
                audit::done(&ask.caller, what, ("project", name), ("update", rule.as_str()));
                written(backend, &value).await;
                let reason = match what {
                    "created token" => "ResourceCreated",
                    "deleted token" => "ResourceDeleted",
                    _ => "ResourceUpdated",
                };
                events::tell(backend, &ask.caller, &value, reason, what).await;
                return Ok(value);
            }
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(store::open_status("changing the project", &error)),
        }
    }
    Err(Status::aborted(format!("project {name} changes all the time; try again")))
}

/// Waits until what was written is what others find, rights included.
async fn written(backend: &Backend, value: &Value) {
    backend.projects.index().seen(store::version(value)).await;
    backend.renew_access();
}

/// The project of a request, with what callers may say of one.
fn said(backend: &Backend, ask: &Asked) -> Result<AppProject, Status> {
    let said = ask.request.get("project").filter(|project| project.is_object());
    let mut said =
        said.cloned().ok_or_else(|| Status::invalid_argument("missing payload 'project' in request"))?;
    said["apiVersion"] = json!(API_VERSION);
    said["kind"] = json!(APP_PROJECT);
    let mut project = AppProject::from_value(said)
        .map_err(|error| Status::invalid_argument(format!("project: {error}")))?;
    if project.metadata.name.is_empty() {
        return Err(Status::invalid_argument("resource name may not be empty"));
    }
    project.metadata.namespace.clone_from(&backend.namespace);
    for role in &mut project.spec.roles {
        for policy in &mut role.policies {
            let parts: Vec<&str> = policy.split(',').collect();
            let rest = parts.iter().skip(1).map(|part| part.trim_matches(' '));
            let normal: Vec<&str> = parts.first().copied().into_iter().chain(rest).collect();
            *policy = normal.join(", ");
        }
    }
    Ok(project)
}

/// **Source**: `Server.Create`: one that is there already and equal is the answer; a different one is changed with `upsert` only.
pub(super) async fn create(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let wanted = said(&backend, &ask)?;
    let (guard, name) = (&ask.caller.guard, &wanted.metadata.name);
    let decision = guard.decide(Resource::Projects, Action::Create, Object::project(name))?;
    admission::check(&wanted)?;
    let object = json!({
        "apiVersion": API_VERSION, "kind": APP_PROJECT,
        "metadata": {
            "name": name, "labels": wanted.metadata.labels, "annotations": wanted.metadata.annotations,
            "finalizers": wanted.metadata.finalizers,
        },
        "spec": wanted.spec,
    });
    match backend.store.create_in(Kind::AppProject, &backend.namespace, &object).await {
        Ok(created) => {
            audit::done(&ask.caller, "created project", ("project", name), &decision);
            written(&backend, &created).await;
            events::tell(&backend, &ask.caller, &created, "ResourceCreated", "created project").await;
            return Ok(created.into());
        }
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => return Err(store::open_status("making the project", &error)),
    }
    let upsert = ask.request.get("upsert").and_then(Value::as_bool).unwrap_or_default();
    let changed = change(&backend, &ask, name, "updated project", |project| {
        if !upsert {
            let (old, new) = (json!(project.spec), json!(wanted.spec));
            return if old == new { Ok(None) } else { Err(different("project", &old, &new)) };
        }
        let decision = guard.decide(Resource::Projects, Action::Update, Object::project(name))?;
        let kept = unsayable(project);
        project.spec = wanted.spec.clone();
        say_again(&mut project.spec, kept);
        Ok(Some(decision.rule().text().to_owned()))
    });
    changed.await.map(Reply::from)
}

/// The fields of a project's spec that clients may not know: who sends back what they were shown does not mean to remove them.
fn unsayable(project: &AppProject) -> Map<String, Value> {
    let spec = json!(project.spec);
    let shown = wire::schema()
        .message(SPEC)
        .and_then(|message| message.decode(&message.encode(&spec).ok()?).ok())
        .unwrap_or_default();
    let Value::Object(mut spec) = spec else { return Map::new() };
    spec.retain(|field, _| NEWER.contains(&field.as_str()) || shown.get(field).is_none());
    spec
}

/// Gives a spec the fields that it does not say.
fn say_again(spec: &mut AppProjectSpec, kept: Map<String, Value>) {
    if kept.is_empty() {
        return;
    }
    let Value::Object(mut said) = json!(spec) else { return };
    for (field, value) in kept {
        said.entry(field).or_insert(value);
    }
    if let Ok(project) = AppProject::from_value(json!({ "spec": said })) {
        *spec = project.spec;
    }
}

/// **Source**: `Server.Update`: new destinations and repositories, and other kinds, take `update` of the clusters and repositories that they
/// are about; nothing that applications use may go.
pub(super) async fn update(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let mut wanted = said(&backend, &ask)?;
    let (guard, name) = (&ask.caller.guard, wanted.metadata.name.clone());
    let decision = guard.decide(Resource::Projects, Action::Update, Object::project(&name))?;
    tokens::normalize(&mut wanted);
    admission::check(&wanted)?;
    let rule = decision.rule().text();
    let changed = change(&backend, &ask, &name, "updated project", |project| {
        let version = &wanted.metadata.resource_version;
        if !version.is_empty() && *version != project.metadata.resource_version {
            return Err(Status::aborted(format!(
                "project {name} was changed since it was read; please read it again and try anew"
            )));
        }
        may_change(guard, &project.spec, &wanted.spec)?;
        still_valid(&backend, project, &wanted)?;
        let kept = unsayable(project);
        project.spec = wanted.spec.clone();
        say_again(&mut project.spec, kept);
        project.status.clone_from(&wanted.status);
        project.metadata.labels.clone_from(&wanted.metadata.labels);
        project.metadata.annotations.clone_from(&wanted.metadata.annotations);
        project.metadata.finalizers.clone_from(&wanted.metadata.finalizers);
        Ok(Some(rule.to_owned()))
    });
    changed.await.map(Reply::from)
}

/// What a change takes beyond `update` of the project.
fn may_change(guard: &Guard, old: &AppProjectSpec, new: &AppProjectSpec) -> Result<(), Status> {
    let may =
        |resource, name: &str| guard.decide(resource, Action::Update, Object::scoped(None, name)).map(drop);
    let known: BTreeSet<&String> = old.destinations.iter().map(|destination| &destination.server).collect();
    let kinds = |spec: &AppProjectSpec| {
        (
            spec.cluster_resource_whitelist.clone(),
            spec.cluster_resource_blacklist.clone(),
            spec.namespace_resource_blacklist.clone(),
            spec.namespace_resource_whitelist.clone().unwrap_or_default(),
        )
    };
    let other_kinds = kinds(old) != kinds(new);
    for destination in &new.destinations {
        if other_kinds || !known.contains(&destination.server) {
            may(Resource::Clusters, &destination.server)?;
        }
    }
    let new_urls = new.source_repos.iter().filter(|url| !old.source_repos.contains(url));
    new_urls.into_iter().try_for_each(|url| may(Resource::Repositories, url))
}

/// **Errors**: how many applications would lose their source or destination.
fn still_valid(backend: &Backend, old: &AppProject, new: &AppProject) -> Result<(), Status> {
    let (before, after) = (Project::new(old), Project::new(new));
    let snapshot = backend.settings.current();
    let (mut sources, mut destinations) = (0, 0);
    for app in backend.apps.of_project(&new.metadata.name) {
        let Some(app) =
            serde_json::from_slice(app.text()).ok().and_then(|value| Application::from_value(value).ok())
        else {
            continue;
        };
        let permitted = |project: &Project| {
            app.spec.sources().iter().all(|source| project.permits_source(&source.repo_url).is_ok())
        };
        if permitted(&before) && !permitted(&after) {
            sources += 1;
        }
        let wanted = &app.spec.destination;
        let server = match (wanted.server.as_str(), snapshot.clusters.servers_named(&wanted.name).as_slice())
        {
            // One that is unknown has an error already.
            ("", [one]) => (*one).to_owned(),
            ("", _) => continue,
            (server, _) => server.to_owned(),
        };
        let cluster = snapshot.clusters.by_server(&server);
        let (cluster_name, own) = cluster
            .map_or((wanted.name.as_str(), ""), |cluster| (cluster.name.as_str(), cluster.project.as_str()));
        let permitted = |project: &Project| {
            project.permits_destination(&server, cluster_name, &wanted.namespace).is_ok()
                && project.permits_cluster_of(own, &server).is_ok()
        };
        if permitted(&before) && !permitted(&after) {
            destinations += 1;
        }
    }
    let lost = [("source", sources), ("destination", destinations)];
    let lost: Vec<String> = lost
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{count} applications {what} became invalid"))
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(Status::invalid_argument(format!("as a result of project update {}", lost.join(" and "))))
}

/// **Source**: `Server.Delete`. We count the applications of other namespaces, too.
pub(super) async fn delete(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let name = text(&ask.request, "name");
    if name == DEFAULT_PROJECT {
        return Err(Status::invalid_argument(format!("name '{name}' is reserved and cannot be deleted")));
    }
    let guard = &ask.caller.guard;
    let decision = guard.decide(Resource::Projects, Action::Delete, Object::project(name))?;
    let project = live(&backend, guard, Action::Delete, name).await?;
    let apps = backend.apps.of_project(name).len();
    if apps > 0 {
        return Err(Status::invalid_argument(format!("project is referenced by {apps} applications")));
    }
    let deleted =
        backend.store.delete(Kind::AppProject, &backend.namespace, name, &project.metadata.uid).await;
    deleted.map_err(|error| store::status("deleting the project", &error))?;
    audit::done(&ask.caller, "deleted project", ("project", name), &decision);
    events::tell(&backend, &ask.caller, &project.to_value(), "ResourceDeleted", "deleted project").await;
    backend.projects.index().unseen(&(backend.namespace.clone(), name.to_owned())).await;
    backend.renew_access();
    Ok(json!({}).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_cannot_say_stays() {
        let there = AppProject::from_value(json!({
            "metadata": {"name": "p"},
            "spec": {"description": "old", "sourceIntegrity": {"git": {}}, "ours": 1, "sourceRepos": ["a"]},
        }));
        let kept = unsayable(&there.unwrap());
        assert_eq!(json!(kept), json!({"sourceIntegrity": {"git": {}}, "ours": 1}));
        for (said, expected) in [
            (
                json!({"description": "new"}),
                json!({"description": "new", "sourceIntegrity": {"git": {}}, "ours": 1}),
            ),
            (json!({"ours": 2}), json!({"sourceIntegrity": {"git": {}}, "ours": 2})),
        ] {
            let mut spec = AppProject::from_value(json!({ "spec": said })).unwrap().spec;
            say_again(&mut spec, kept.clone());
            assert_eq!(json!(spec), expected);
        }
    }
}
