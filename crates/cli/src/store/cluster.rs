//! Applications in the cluster itself, one plain request each.

mod objects;

use std::collections::BTreeMap;

use api::names::{API_VERSION, config_map};
use api::settings::Params;
use api::{AppProject, Application};
use futures::StreamExt;
use jiff::Timestamp;
use kube::core::params::{
    DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams, Preconditions, WatchParams,
};
use kube::core::{Request, WatchEvent};
use serde_json::{Value, json};

use crate::failure::{Failure, Kind};
use crate::name::AppName;
use crate::store::{Event, Events, complete, named, parse, suggested};

/// Objects asked for at a time.
const PAGE: u32 = 500;
/// How often a write that met another one is made again.
const ATTEMPTS: usize = 5;
/// Name of the Lease by which the controller says that it lives.
const LEASE: &str = "argocd-application-controller";

/// The cluster's API, as far as commands need it.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) client: kube::Client,
}

impl Cluster {
    /// The Applications of a namespace, by name. **Errors**: as the API server says; an object that cannot be read as
    /// an Application is left out here, and comes as its second part: name and reason.
    pub(crate) async fn list(
        &self,
        namespace: &str,
        labels: &str,
    ) -> Result<(Vec<Value>, Vec<String>), Failure> {
        let what = format!("cannot list applications in namespace {namespace}");
        self.list_at(applications(namespace), labels, &what).await
    }

    /// As [`Self::list`], those of the controller's namespace, and of the others that it looks after by `argocd-cmd-params-cm`.
    pub(crate) async fn list_all(
        &self,
        namespace: &str,
        labels: &str,
    ) -> Result<(Vec<Value>, Vec<String>), Failure> {
        let data = self.config_map(namespace, config_map::CMD_PARAMS).await.unwrap_or_default();
        let (params, _) = Params::parse(&data, &Params::default());
        let others = params.application_namespaces.filter(|others| !others.is_empty());
        let Some(others) = others else { return self.list(namespace, labels).await };
        let everywhere = Request::new(format!("/apis/{API_VERSION}/applications"));
        let (mut found, unreadable) = self.list_at(everywhere, labels, "cannot list applications").await?;
        found.retain(|app| {
            let at = app["metadata"]["namespace"].as_str().unwrap_or_default();
            at == namespace || others.contains(at)
        });
        Ok((found, unreadable))
    }

    async fn list_at(
        &self,
        at: Request,
        labels: &str,
        what: &str,
    ) -> Result<(Vec<Value>, Vec<String>), Failure> {
        let mut params = ListParams::default().labels(labels).limit(PAGE);
        let (mut found, mut unreadable) = (Vec::new(), Vec::new());
        loop {
            let request = at.list(&params).map_err(|error| invalid(&error))?;
            let page: Value =
                self.client.request(request).await.map_err(|e| Failure::from_kube(&e, what.to_owned()))?;
            for mut item in page["items"].as_array().cloned().unwrap_or_default() {
                complete(&mut item);
                match Application::from_value(item.clone()) {
                    Ok(_) => found.push(item),
                    Err(error) => unreadable.push(format!("{}: {error}", named(&item))),
                }
            }
            match page["metadata"]["continue"].as_str().filter(|next| !next.is_empty()) {
                Some(next) => params.continue_token = Some(next.to_owned()),
                None => break,
            }
        }
        found.sort_by_key(named);
        Ok((found, unreadable))
    }

    async fn application(&self, name: &AppName) -> Result<Application, Failure> {
        match self.find(name).await? {
            Some(value) => parse(value),
            None => Err(self.unknown(name).await),
        }
    }

    pub(crate) async fn unknown(&self, name: &AppName) -> Failure {
        let known = self.list(&name.namespace, "").await.map(|(found, _)| found).unwrap_or_default();
        let failure = Failure::new(
            Kind::NotFound,
            format!("application \"{}\" not found in namespace {}", name.name, name.namespace),
        );
        suggested(failure, name, &known)
    }

    /// One Application, if it is there.
    pub(crate) async fn find(&self, name: &AppName) -> Result<Option<Value>, Failure> {
        let request =
            applications(&name.namespace).get(&name.name, &GetParams::default()).map_err(|e| invalid(&e))?;
        match self.client.request::<Value>(request).await {
            Ok(mut value) => {
                complete(&mut value);
                Ok(Some(value))
            }
            Err(kube::Error::Api(status)) if status.code == 404 && names_object(&status) => Ok(None),
            Err(error) => Err(Failure::from_kube(&error, format!("cannot read application {name}"))),
        }
    }

    /// Creates an Application. **Errors**: [`Kind::Conflict`] where there is one of this name.
    pub(crate) async fn create(&self, app: &Application) -> Result<Value, Failure> {
        let body = app.to_value().to_string().into_bytes();
        let request = applications(&app.metadata.namespace)
            .create(&PostParams::default(), body)
            .map_err(|error| invalid(&error))?;
        let what = || format!("cannot create application {}", app.qualified_name());
        self.client.request(request).await.map_err(|error| Failure::from_kube(&error, what()))
    }

    /// Changes an Application by a merge patch that `change` derives from what is there, as a compare-and-swap: when
    /// somebody else was faster, `change` is asked again. Nothing is sent where it wants nothing.
    pub(crate) async fn update(
        &self,
        name: &AppName,
        change: impl Fn(&Application) -> Result<Option<Value>, Failure>,
    ) -> Result<Application, Failure> {
        let what = || format!("cannot change application {name}");
        for _ in 0..ATTEMPTS {
            let app = Box::pin(self.application(name)).await?;
            let Some(mut patch) = change(&app)? else { return Ok(app) };
            patch["metadata"]["resourceVersion"] = json!(app.metadata.resource_version);
            let request = applications(&name.namespace)
                .patch(&name.name, &PatchParams::default(), &Patch::Merge(&patch))
                .map_err(|error| invalid(&error))?;
            match self.client.request::<Value>(request).await {
                Ok(value) => return parse(value),
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => return Err(Failure::from_kube(&error, what())),
            }
        }
        Err(Failure::new(Kind::Conflict, what())
            .cause("it changes faster than it can be written")
            .next("try again"))
    }

    /// Replaces an Application by what `change` makes of it, as a compare-and-swap. The answer is whether anything was
    /// different.
    pub(crate) async fn replace(
        &self,
        name: &AppName,
        change: impl Fn(&Application) -> Result<Application, Failure>,
    ) -> Result<bool, Failure> {
        let what = || format!("cannot change application {name}");
        for _ in 0..ATTEMPTS {
            let app = Box::new(Box::pin(self.application(name)).await?);
            let new = change(&app).map(Box::new)?;
            if *new == *app {
                return Ok(false);
            }
            let request = applications(&name.namespace)
                .replace(&name.name, &PostParams::default(), new.to_value().to_string().into_bytes())
                .map_err(|error| invalid(&error))?;
            match self.client.request::<Value>(request).await {
                Ok(_) => return Ok(true),
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => return Err(Failure::from_kube(&error, what())),
            }
        }
        Err(Failure::new(Kind::Conflict, what())
            .cause("it changes faster than it can be written")
            .next("try again"))
    }

    /// Patches an Application as it is. `kind` is `json` or `merge`. **Errors**: the patch cannot be read, or used.
    pub(crate) async fn patch(&self, name: &AppName, kind: &str, patch: &str) -> Result<Value, Failure> {
        let what = || format!("cannot change application {name}");
        let wrong = |error: serde_json::Error| Failure::invalid(what()).cause(format!("the patch: {error}"));
        let media = match kind {
            "json" => "application/json-patch+json",
            "merge" => "application/merge-patch+json",
            other => {
                let failure = Failure::usage(format!("a patch of the type {other:?} is not known"));
                return Err(failure.next("say json or merge"));
            }
        };
        let patch: Value = serde_json::from_str(patch).map_err(wrong)?;
        let request =
            applications(&name.namespace).patch(&name.name, &PatchParams::default(), &Patch::Merge(&patch));
        let mut request = request.map_err(|error| invalid(&error))?;
        request.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(media));
        match self.client.request::<Value>(request).await {
            Ok(mut value) => {
                complete(&mut value);
                Ok(value)
            }
            Err(kube::Error::Api(status)) if status.code == 404 && names_object(&status) => {
                Err(self.unknown(name).await)
            }
            Err(error) => Err(Failure::from_kube(&error, what())),
        }
    }

    /// Deletes the object that was looked at, and no other of its name.
    pub(crate) async fn delete(&self, name: &AppName, uid: &str) -> Result<(), Failure> {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let request =
            applications(&name.namespace).delete(&name.name, &params).map_err(|error| invalid(&error))?;
        match self.client.request::<Value>(request).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(Failure::from_kube(&error, format!("cannot delete application {name}"))),
        }
    }

    /// Changes of one Application after a version of it.
    pub(crate) async fn watch(&self, name: &AppName, version: &str) -> Result<Events, Failure> {
        let failed =
            |error: &kube::Error| Failure::from_kube(error, format!("cannot watch application {name}"));
        let params = WatchParams::default().fields(&format!("metadata.name={}", name.name));
        let request = applications(&name.namespace).watch(&params, version).map_err(|e| invalid(&e))?;
        let events = self.client.request_events::<Value>(request).await.map_err(|error| failed(&error))?;
        Ok(events
            .filter_map(async |event| {
                Some(match event {
                    Ok(WatchEvent::Added(value) | WatchEvent::Modified(value)) => Event::Is(value),
                    Ok(WatchEvent::Deleted(_)) => Event::Gone,
                    Ok(WatchEvent::Bookmark(_)) => return None,
                    // An error, 410: what is there has to be read again.
                    Ok(WatchEvent::Error(_)) | Err(_) => Event::Lost,
                })
            })
            .boxed())
    }

    /// `argocd-cm`; empty where there is none.
    pub(crate) async fn settings(&self, namespace: &str) -> Result<BTreeMap<String, String>, kube::Error> {
        self.config_map(namespace, config_map::ARGOCD_CM).await
    }

    async fn config_map(&self, namespace: &str, name: &str) -> Result<BTreeMap<String, String>, kube::Error> {
        let request = Request::new(format!("/api/v1/namespaces/{namespace}/configmaps"))
            .get(name, &GetParams::default())
            .map_err(kube::Error::BuildRequest)?;
        match self.client.request::<Value>(request).await {
            Ok(value) => {
                let data = value["data"].as_object().cloned().unwrap_or_default();
                Ok(data
                    .into_iter()
                    .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
                    .collect())
            }
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(BTreeMap::new()),
            Err(error) => Err(error),
        }
    }

    /// When the controller last renewed its lease; `None` where it has none.
    pub(crate) async fn last_renewal(&self, namespace: &str) -> Result<Option<Timestamp>, kube::Error> {
        let request = Request::new(format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"))
            .get(LEASE, &GetParams::default())
            .map_err(kube::Error::BuildRequest)?;
        match self.client.request::<Value>(request).await {
            Ok(lease) => Ok(lease["spec"]["renewTime"].as_str().and_then(|time| api::parse_time(time).ok())),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A project with what global projects add to it by these settings; `None` where it is not there or cannot be read.
    pub(crate) async fn project(
        &self,
        namespace: &str,
        name: &str,
        settings: &BTreeMap<String, String>,
    ) -> Option<AppProject> {
        let path = format!("/apis/{API_VERSION}/namespaces/{namespace}/appprojects");
        let request = Request::new(path).list(&ListParams::default()).ok()?;
        let list = self.client.request::<Value>(request).await.ok()?;
        let items = list["items"].as_array()?.iter();
        let all: Vec<AppProject> =
            items.filter_map(|item| AppProject::from_value(item.clone()).ok()).collect();
        let of = |name: &str| all.iter().find(|project| project.metadata.name == name);
        let (settings, _) = api::Settings::parse(settings, None);
        Some(api::project::completed(of(name)?, &settings, of))
    }
}

fn applications(namespace: &str) -> Request {
    Request::new(format!("/apis/{API_VERSION}/namespaces/{namespace}/applications"))
}

/// Whether a 404 is about one object, and not about its kind.
fn names_object(status: &kube::core::Status) -> bool {
    status.details.as_ref().is_some_and(|details| !details.name.is_empty())
}

fn invalid(error: &kube::core::request::Error) -> Failure {
    Failure::usage("the request cannot be made").because(error)
}
