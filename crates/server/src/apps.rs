//! Applications, as far as they may be seen.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use ::api::settings::{LabelSelector, Namespaces};
use arc_swap::ArcSwap;
use bytes::Bytes;
use query::Row;
use rbac::{Action, Decision, Object, Resource};
use serde_json::Value;
use tokio::sync::broadcast;
use tonic::Status;
use wire::{Message, schema};

use crate::guard::{Guard, denied};
use crate::index::{Change, Entry, Index, Name};

/// Message of an Application.
pub(crate) const APPLICATION: &str =
    "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.Application";

/// An Application as it is served.
pub(crate) struct App {
    /// What lists show and what is asked about it.
    row: Arc<Row>,
    /// The text of its JSON, made once for all who list it.
    text: Bytes,
    protobuf: OnceLock<Bytes>,
}

impl App {
    /// The text of its JSON.
    pub(crate) fn text(&self) -> &Bytes {
        &self.text
    }

    /// Its summary.
    pub(crate) fn row(&self) -> &Arc<Row> {
        &self.row
    }

    /// Its protobuf.
    pub(crate) fn protobuf(&self, message: &Message) -> Result<Bytes, Status> {
        if let Some(bytes) = self.protobuf.get() {
            return Ok(bytes.clone());
        }
        let Row { namespace, name, .. } = &*self.row;
        let wrong = |what: String| Status::internal(format!("application {namespace}/{name}: {what}"));
        let value: Value = serde_json::from_slice(&self.text).map_err(|error| wrong(error.to_string()))?;
        let bytes = message.encode(&value).map_err(|error| wrong(error.to_string()))?;
        Ok(self.protobuf.get_or_init(|| bytes.into()).clone())
    }
}

/// What the policy calls an application.
fn object(row: &Row, home: &str) -> Object {
    let namespace = (row.namespace != home).then_some(row.namespace.as_str());
    Object::in_project(&row.project, namespace, &row.name)
}

impl Entry for App {
    fn of(mut object: Value) -> Option<Self> {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            // Nobody who lists applications looks at who wrote which field of them.
            metadata.remove("managedFields");
        }
        let text = match schema().message(APPLICATION) {
            Some(message) => message.gateway_json(&object),
            None => object.to_string(),
        };
        Some(Self { row: Arc::new(Row::of(&object)), text: text.into(), protobuf: OnceLock::new() })
    }

    fn name(&self) -> Name {
        (self.row.namespace.to_string(), self.row.name.clone())
    }

    fn version(&self) -> &str {
        &self.row.version
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
        let row = app.row();
        let same = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
        same(&self.name, &row.name)
            && same(&self.namespace, &row.namespace)
            && (self.projects.is_empty() || self.projects.iter().any(|project| row.project == **project))
            && (self.repository.is_empty() || row.is_from(&self.repository))
            && self.selector.matches(&row.labels)
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
        let (mut apps, mut sees) = (self.index.all(), self.sight(guard));
        apps.retain(|app| filter.takes(app) && sees(&app.row));
        apps.sort_by(|a, b| (&a.row.name, &a.row.namespace).cmp(&(&b.row.name, &b.row.namespace)));
        apps
    }

    /// Summaries of those that are asked for and may be seen, in no order.
    pub(crate) fn rows(&self, guard: &Guard, takes: impl Fn(&Row) -> bool) -> Vec<Arc<Row>> {
        let mut sees = self.sight(guard);
        self.index.each(|app| (takes(&app.row) && sees(&app.row)).then(|| Arc::clone(&app.row)))
    }

    /// As [`Self::list`], with all changes from then on; those are to be held against [`Self::shows`].
    pub(crate) fn follow(
        &self,
        guard: &Guard,
        filter: &Filter,
    ) -> (Vec<Arc<App>>, broadcast::Receiver<Change<App>>) {
        let (mut apps, changes) = self.index.all_and_changes();
        let mut sees = self.sight(guard);
        apps.retain(|app| filter.takes(app) && sees(&app.row));
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
        filter.takes(app) && self.may_see(guard, &app.row)
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
        let app = app.filter(|app| self.knows(&app.row.namespace)).ok_or_else(absent)?;
        let decision = guard
            .may(Resource::Applications, action.clone(), object(&app.row, &self.home))
            .ok_or_else(absent)?;
        if !project.is_empty() && app.row.project != project {
            return Err(unknown());
        }
        Ok((app, decision))
    }

    /// What the policy calls an application that is to be made or changed.
    pub(crate) fn object(&self, value: &Value) -> Option<Object> {
        App::of(value.clone()).map(|app| object(&app.row, &self.home))
    }

    /// Whether this may be done with an application as it is now.
    pub(crate) fn decide(&self, guard: &Guard, action: &Action, live: &Value) -> Option<Decision> {
        let app = App::of(live.clone()).filter(|app| self.knows(&app.row.namespace))?;
        guard.may(Resource::Applications, action.clone(), object(&app.row, &self.home))
    }

    /// How many go to each cluster, by its server or, where they say that, by its name.
    pub(crate) fn by_destination(&self) -> BTreeMap<String, i64> {
        let mut counts = BTreeMap::new();
        for app in self.index.all() {
            *counts.entry(app.row.cluster().to_string()).or_default() += 1;
        }
        counts
    }

    /// Those of a project, whoever may see them: what becomes of the project must not depend on who asks.
    pub(crate) fn of_project(&self, project: &str) -> Vec<Arc<App>> {
        let mut apps = self.index.all();
        apps.retain(|app| app.row.project == project && self.knows(&app.row.namespace));
        apps
    }

    /// Whether an application may be seen.
    pub(crate) fn may_see(&self, guard: &Guard, row: &Row) -> bool {
        self.sight(guard)(row)
    }

    /// Whether each of many may be seen.
    fn sight<'a>(&'a self, guard: &'a Guard) -> impl FnMut(&Row) -> bool + 'a {
        let mut survey = guard.survey(Resource::Applications, &Action::Get);
        move |row| self.knows(&row.namespace) && survey.allows(&object(row, &self.home))
    }
}
