//! Applications, as far as they may be seen.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use ::api::settings::{LabelSelector, Namespaces};
use arc_swap::ArcSwap;
use bytes::Bytes;
use rbac::{Action, Decision, Object, Resource};
use serde_json::Value;
use tokio::sync::broadcast;
use tonic::Status;
use wire::Message;

use crate::guard::{Guard, denied};
use crate::index::{Change, Entry, Index, Name};

/// An Application as it is served.
pub(crate) struct App {
    namespace: String,
    name: String,
    project: String,
    version: String,
    labels: BTreeMap<String, String>,
    repositories: Vec<String>,
    /// The server that it goes to, or else the name of its cluster.
    destination: String,
    /// The text of its JSON, made once for all who list it.
    text: Bytes,
    protobuf: OnceLock<Bytes>,
}

impl App {
    /// The text of its JSON.
    pub(crate) fn text(&self) -> &Bytes {
        &self.text
    }

    /// Its protobuf.
    pub(crate) fn protobuf(&self, message: &Message) -> Result<Bytes, Status> {
        if let Some(bytes) = self.protobuf.get() {
            return Ok(bytes.clone());
        }
        let wrong =
            |what: String| Status::internal(format!("application {}/{}: {what}", self.namespace, self.name));
        let value: Value = serde_json::from_slice(&self.text).map_err(|error| wrong(error.to_string()))?;
        let bytes = message.encode(&value).map_err(|error| wrong(error.to_string()))?;
        Ok(self.protobuf.get_or_init(|| bytes.into()).clone())
    }

    /// What the policy calls it.
    fn object(&self, home: &str) -> Object {
        let namespace = (self.namespace != home).then_some(self.namespace.as_str());
        Object::in_project(&self.project, namespace, &self.name)
    }
}

impl Entry for App {
    fn of(mut object: Value) -> Option<Self> {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            // Nobody who lists applications looks at who wrote which field of them.
            metadata.remove("managedFields");
        }
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let labels = object.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
        let labels =
            labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        let sources = object.pointer("/spec/sources").and_then(Value::as_array).into_iter().flatten();
        let sources = sources.chain(object.pointer("/spec/source"));
        let repositories =
            sources.filter_map(|source| Some(source.get("repoURL")?.as_str()?.to_owned())).collect();
        let server = Some(text("/spec/destination/server")).filter(|server| !server.is_empty());
        let destination = server.unwrap_or_else(|| text("/spec/destination/name"));
        let project = Some(text("/spec/project")).filter(|project| !project.is_empty());
        Some(Self {
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            project: project.unwrap_or_else(|| "default".to_owned()),
            version: text("/metadata/resourceVersion"),
            labels,
            repositories,
            destination: destination.trim_end_matches('/').to_owned(),
            text: object.to_string().into(),
            protobuf: OnceLock::new(),
        })
    }

    fn name(&self) -> Name {
        (self.namespace.clone(), self.name.clone())
    }

    fn version(&self) -> &str {
        &self.version
    }
}

/// Which applications are asked for; what is empty says nothing.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) projects: Vec<String>,
    pub(crate) repository: String,
    pub(crate) selector: LabelSelector,
}

impl Filter {
    /// Reads an `application.ApplicationQuery`.
    pub(crate) fn of(query: &Value) -> Result<Self, Status> {
        let text = |name: &str| query.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        // An older client says `projects`, a newer one `project`.
        let listed = |name: &str| query.get(name).and_then(Value::as_array).into_iter().flatten();
        let selector = LabelSelector::parse(&text("selector"))
            .map_err(|error| Status::invalid_argument(format!("error parsing the selector: {error}")))?;
        Ok(Self {
            name: text("name"),
            namespace: text("appNamespace"),
            projects: listed("projects")
                .chain(listed("project"))
                .filter_map(|project| Some(project.as_str()?.to_owned()))
                .collect(),
            repository: text("repo"),
            selector,
        })
    }

    fn takes(&self, app: &App) -> bool {
        let same = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
        same(&self.name, &app.name)
            && same(&self.namespace, &app.namespace)
            && (self.projects.is_empty() || self.projects.contains(&app.project))
            && (self.repository.is_empty()
                || app.repositories.iter().any(|url| ::api::same_repository(url, &self.repository)))
            && self.selector.matches(&app.labels)
    }
}

/// All Applications that are looked after. What is in it is had through a [`Guard`] only.
pub(crate) struct Apps {
    index: Index<App>,
    /// The installation's own namespace.
    home: String,
    /// Others whose applications are looked after.
    others: ArcSwap<Namespaces>,
}

impl Apps {
    pub(crate) fn new(home: &str) -> Self {
        Self { index: Index::new(), home: home.to_owned(), others: ArcSwap::default() }
    }

    /// Says which namespaces are looked after beside our own.
    pub(crate) fn look_after(&self, others: Namespaces) {
        self.others.store(Arc::new(others));
    }

    /// Whether applications of a namespace are looked after.
    pub(crate) fn knows(&self, namespace: &str) -> bool {
        namespace == self.home || self.others.load().contains(namespace)
    }

    pub(crate) fn index(&self) -> &Index<App> {
        &self.index
    }

    /// Those that are asked for and may be seen, by name.
    pub(crate) fn list(&self, guard: &Guard, filter: &Filter) -> Vec<Arc<App>> {
        let mut apps = self.index.all();
        apps.retain(|app| filter.takes(app) && self.may_see(guard, app));
        apps.sort_by(|a, b| (&a.name, &a.namespace).cmp(&(&b.name, &b.namespace)));
        apps
    }

    /// As [`Self::list`], with all changes from then on; those are to be held against [`Self::shows`].
    pub(crate) fn follow(
        &self,
        guard: &Guard,
        filter: &Filter,
    ) -> (Vec<Arc<App>>, broadcast::Receiver<Change<App>>) {
        let (mut apps, changes) = self.index.all_and_changes();
        apps.retain(|app| self.shows(guard, filter, app));
        (apps, changes)
    }

    /// The one that is asked for by its name, if it went a short time ago.
    pub(crate) fn gone(&self, guard: &Guard, filter: &Filter) -> Option<Arc<App>> {
        let namespace = if filter.namespace.is_empty() { &self.home } else { &filter.namespace };
        let gone = self.index.gone(&(namespace.clone(), filter.name.clone()))?;
        self.shows(guard, filter, &gone).then_some(gone)
    }

    /// Whether this is asked for and may be seen.
    pub(crate) fn shows(&self, guard: &Guard, filter: &Filter, app: &App) -> bool {
        filter.takes(app) && self.may_see(guard, app)
    }

    /// One, to do something with it. Whoever does not say the project is not told whether there is such an application; whoever may do
    /// it in the project that they say is.
    ///
    /// **Source**: `Server.getAppEnforceRBAC`.
    pub(crate) fn one(
        &self,
        guard: &Guard,
        action: &Action,
        (namespace, name): (&str, &str),
        project: &str,
    ) -> Result<(Arc<App>, Decision), Status> {
        let namespace = if namespace.is_empty() { &self.home } else { namespace };
        let unknown = || Status::not_found(format!("applications.argoproj.io \"{name}\" not found"));
        let absent = || if project.is_empty() { denied() } else { unknown() };
        if !project.is_empty() {
            let elsewhere = (namespace != self.home).then_some(namespace);
            let object = Object::in_project(project, elsewhere, name);
            guard.may(Resource::Applications, action.clone(), object).ok_or_else(denied)?;
        }
        let app = self.index.get(&(namespace.to_owned(), name.to_owned()));
        let app = app.filter(|app| self.knows(&app.namespace)).ok_or_else(absent)?;
        let decision =
            guard.may(Resource::Applications, action.clone(), app.object(&self.home)).ok_or_else(absent)?;
        if !project.is_empty() && app.project != project {
            return Err(unknown());
        }
        Ok((app, decision))
    }

    /// What the policy calls an application that is to be made or changed.
    pub(crate) fn object(&self, value: &Value) -> Option<Object> {
        App::of(value.clone()).map(|app| app.object(&self.home))
    }

    /// Whether this may be done with an application as it is now.
    pub(crate) fn decide(&self, guard: &Guard, action: &Action, live: &Value) -> Option<Decision> {
        let app = App::of(live.clone()).filter(|app| self.knows(&app.namespace))?;
        guard.may(Resource::Applications, action.clone(), app.object(&self.home))
    }

    /// How many go to each cluster, by its server or, where they say that, by its name.
    pub(crate) fn by_destination(&self) -> BTreeMap<String, i64> {
        let mut counts = BTreeMap::new();
        for app in self.index.all() {
            *counts.entry(app.destination.clone()).or_default() += 1;
        }
        counts
    }

    /// Those of a project, whoever may see them: what becomes of the project must not depend on who asks.
    pub(crate) fn of_project(&self, project: &str) -> Vec<Arc<App>> {
        let mut apps = self.index.all();
        apps.retain(|app| app.project == project && self.knows(&app.namespace));
        apps
    }

    fn may_see(&self, guard: &Guard, app: &App) -> bool {
        self.knows(&app.namespace)
            && guard.may(Resource::Applications, Action::Get, app.object(&self.home)).is_some()
    }
}
