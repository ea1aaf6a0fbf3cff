//! Applications behind an API server, which is asked as the peer's client asks.

use std::path::Path;

use api::{AppProject, Application};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use remote::{Code, Remote};
use resource::Object;
use serde_json::{Value, json};

use crate::failure::{Failure, Kind};
use crate::name::AppName;
use crate::store::{Event, Events, archive, manifests, named, parse, suggested};

/// How often a write that met another one is made again.
const ATTEMPTS: usize = 5;
/// Bytes of a part of what is sent.
const CHUNK_BYTES: usize = 1 << 20;

/// An API server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) remote: Remote,
    /// Where it was found.
    pub(crate) url: String,
}

/// A request about one Application.
pub(crate) fn query(name: &AppName) -> Value {
    json!({ "name": name.name, "appNamespace": name.namespace })
}

impl Server {
    /// Calls a method of the service of Applications. **Errors**: as the server says, about `what`.
    pub(crate) async fn ask(
        &self,
        method: &str,
        request: &Value,
        what: impl Into<String>,
    ) -> Result<Value, Failure> {
        self.call(&format!("application.ApplicationService/{method}"), request, what).await
    }

    /// Calls any method.
    pub(crate) async fn call(
        &self,
        path: &str,
        request: &Value,
        what: impl Into<String>,
    ) -> Result<Value, Failure> {
        self.remote.call(path, request).await.map_err(|error| Failure::from_remote(&error, what))
    }

    pub(crate) async fn list(
        &self,
        namespace: Option<&str>,
        labels: &str,
        projects: &[String],
    ) -> Result<(Vec<Value>, Vec<String>), Failure> {
        let mut request = json!({ "selector": labels, "appNamespace": namespace.unwrap_or_default() });
        if !projects.is_empty() {
            request["projects"] = json!(projects);
        }
        let list = self.ask("List", &request, "cannot list applications").await?;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let (mut found, mut unreadable) = (Vec::new(), Vec::new());
        for item in items {
            match Application::from_value(item.clone()) {
                Ok(_) => found.push(item),
                Err(error) => unreadable.push(format!("{}: {error}", named(&item))),
            }
        }
        Ok((found, unreadable))
    }

    /// One that may not be seen is not there.
    pub(crate) async fn find(&self, name: &AppName) -> Result<Option<Value>, Failure> {
        let got = self.remote.call("application.ApplicationService/Get", &query(name)).await;
        match got {
            Ok(value) => Ok(Some(value)),
            Err(error) if is_unseen(&error) => Ok(None),
            Err(error) => Err(Failure::from_remote(&error, format!("cannot read application {name}"))),
        }
    }

    /// As the server looks at it anew: `normal` or `hard`.
    pub(crate) async fn refreshed(&self, name: &AppName, kind: &str) -> Result<Value, Failure> {
        let mut request = query(name);
        request["refresh"] = json!(kind);
        self.ask("Get", &request, format!("cannot refresh application {name}")).await
    }

    pub(crate) async fn unknown(&self, name: &AppName) -> Failure {
        let known = self.list(None, "", &[]).await.map(|(found, _)| found).unwrap_or_default();
        let error =
            remote::Error::Refused { code: Code::PermissionDenied, message: "permission denied".to_owned() };
        let what = format!("application \"{name}\" not found, or not yours to see");
        let mut failure = Failure::from_remote(&error, what);
        failure.kind = Kind::NotFound;
        suggested(failure, name, &known)
    }

    pub(crate) async fn update(
        &self,
        name: &AppName,
        change: impl Fn(&Application) -> Result<Option<Value>, Failure>,
    ) -> Result<Application, Failure> {
        for _ in 0..ATTEMPTS {
            let app = Box::pin(self.application(name)).await?;
            let Some(mut patch) = change(&app)? else { return Ok(app) };
            patch["metadata"]["resourceVersion"] = json!(app.metadata.resource_version);
            match self.patch(name, "merge", &patch.to_string()).await {
                Ok(value) => return parse(value),
                Err(failure) if failure.kind == Kind::Conflict => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::new(Kind::Conflict, format!("cannot change application {name}"))
            .cause("it changes faster than it can be written")
            .next("try again"))
    }

    /// Patches an Application as it is. `kind` is `json` or `merge`.
    pub(crate) async fn patch(&self, name: &AppName, kind: &str, patch: &str) -> Result<Value, Failure> {
        let mut request = query(name);
        request["patch"] = json!(patch);
        request["patchType"] = json!(kind);
        self.ask("Patch", &request, format!("cannot change application {name}")).await
    }

    pub(crate) async fn respecify(
        &self,
        name: &AppName,
        validate: bool,
        change: impl Fn(&mut Application) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let app = Box::pin(self.application(name)).await?;
        let mut new = app.clone();
        change(&mut new)?;
        let mut request = query(name);
        request["spec"] = new.to_value()["spec"].clone();
        request["validate"] = json!(validate);
        self.ask("UpdateSpec", &request, format!("cannot change application {name}")).await?;
        Ok(new.spec != app.spec)
    }

    pub(crate) async fn watch(&self, name: &AppName, version: &str) -> Result<Events, Failure> {
        let mut request = query(name);
        request["resourceVersion"] = json!(version);
        let stream = self.remote.stream("application.ApplicationService/Watch", &request).await;
        let stream = stream
            .map_err(|error| Failure::from_remote(&error, format!("cannot watch application {name}")))?;
        Ok(stream
            .map(|event| match event {
                Ok(event) if event["type"] == "DELETED" => Event::Gone,
                Ok(mut event) => Event::Is(event["application"].take()),
                Err(_) => Event::Lost,
            })
            .boxed())
    }

    /// What belongs to an Application, and what is of nobody where it goes.
    pub(crate) async fn tree(&self, name: &AppName, project: Option<&str>) -> Result<Value, Failure> {
        let request = json!({
            "applicationName": name.name, "name": name.name, "appNamespace": name.namespace, "project": project.unwrap_or_default(),
        });
        self.ask("ResourceTree", &request, format!("cannot read the resources of application {name}")).await
    }

    /// What an Application manages: both sides of each object, as texts of JSON.
    pub(crate) async fn managed(&self, name: &AppName) -> Result<Vec<Value>, Failure> {
        let request = json!({ "applicationName": name.name, "appNamespace": name.namespace });
        let what = format!("cannot read the resources of application {name}");
        let managed = self.ask("ManagedResources", &request, what).await?;
        Ok(managed["items"].as_array().cloned().unwrap_or_default())
    }

    /// What the server renders of files of this machine, as an Application would. `root` is that of a checkout.
    pub(crate) async fn render(
        &self,
        name: &AppName,
        root: &Path,
        patterns: &[&str],
    ) -> Result<Vec<Object>, Failure> {
        let archive = archive::pack(root, patterns)?;
        let sum: String =
            digest(&SHA256, &archive).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut first = query(name);
        first["checksum"] = json!(sum);
        let chunks: Vec<Value> = archive
            .chunks(CHUNK_BYTES)
            .map(|chunk| json!({ "chunk": { "chunk": STANDARD.encode(chunk) } }))
            .collect();
        let parts = futures::stream::iter([json!({ "query": first })].into_iter().chain(chunks));
        let answer = self.remote.send("application.ApplicationService/GetManifestsWithFiles", parts).await;
        let what = || format!("cannot render application {name} from {}", root.display());
        manifests(&answer.map_err(|error| Failure::from_remote(&error, what()))?)
    }

    /// Address of the web interface: what the settings say, else where the server was found.
    pub(crate) async fn url(&self) -> Result<String, Failure> {
        let settings =
            self.call("cluster.SettingsService/Get", &json!({}), "cannot read the settings").await?;
        let url = settings["url"].as_str().filter(|url| !url.is_empty());
        Ok(url.unwrap_or(&self.url).to_owned())
    }

    /// A project.
    pub(crate) async fn project(&self, name: &str) -> Result<AppProject, Failure> {
        let what = format!("cannot read project {name}");
        let project = self.call("project.ProjectService/Get", &json!({ "name": name }), what.clone()).await?;
        AppProject::from_value(project).map_err(|error| Failure::new(Kind::Other, what).because(&error))
    }

    async fn application(&self, name: &AppName) -> Result<Application, Failure> {
        match self.find(name).await? {
            Some(value) => parse(value),
            None => Err(self.unknown(name).await),
        }
    }
}

/// Whether an Application is not there, or not to be seen: servers answer both alike.
fn is_unseen(error: &remote::Error) -> bool {
    matches!(error.code(), Some(Code::NotFound | Code::PermissionDenied))
}
