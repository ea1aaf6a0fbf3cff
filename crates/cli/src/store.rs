//! Where Applications are: in the cluster itself, or behind an API server.
//!
//! What a command decides is the same for both; here is what each of them is asked for.

mod archive;
mod cluster;
mod server;

use api::Application;
use api::names::API_VERSION;
use futures::stream::BoxStream;
use resource::Object;
use serde_json::{Value, json};

pub(crate) use self::cluster::Cluster;
pub(crate) use self::server::{Server, query};
use crate::context::Connection;
use crate::failure::{Failure, Kind};
use crate::name::AppName;
use crate::suggest;

/// What a watch sends.
pub(crate) type Events = BoxStream<'static, Event>;

/// News of one Application.
#[derive(Debug)]
pub(crate) enum Event {
    /// It is, or has become, this.
    Is(Value),
    /// It is not there any more.
    Gone,
    /// What is there has to be read again.
    Lost,
}

/// Where Applications are.
#[derive(Clone)]
pub(crate) enum Store {
    /// The cluster's API: commands do what a server would do.
    Cluster(Cluster),
    /// An API server, which decides.
    Server(Server),
}

impl Store {
    pub(crate) fn new(connection: &Connection) -> Self {
        match connection {
            Connection::Cluster(client) => Self::Cluster(Cluster { client: client.clone() }),
            Connection::Server { remote, url } => {
                Self::Server(Server { remote: remote.clone(), url: url.clone() })
            }
        }
    }

    /// The Applications of a namespace, or of all that are looked after, by name. **Errors**: as the API says; an object that
    /// cannot be read as an Application is left out here, and comes as the second part: name and reason.
    pub(crate) async fn list(
        &self,
        home: &str,
        namespace: Option<&str>,
        labels: &str,
    ) -> Result<(Vec<Value>, Vec<String>), Failure> {
        match (self, namespace) {
            (Self::Cluster(cluster), Some(namespace)) => cluster.list(namespace, labels).await,
            (Self::Cluster(cluster), None) => cluster.list_all(home, labels).await,
            (Self::Server(server), _) => server.list(namespace, labels, &[]).await,
        }
    }

    /// One Application as it came. **Errors**: one that is not there is answered with the nearest name that is.
    pub(crate) async fn get(&self, name: &AppName) -> Result<Value, Failure> {
        match (self.find(name).await?, self) {
            (Some(value), _) => Ok(value),
            (None, Self::Cluster(cluster)) => Err(cluster.unknown(name).await),
            (None, Self::Server(server)) => Err(server.unknown(name).await),
        }
    }

    /// One Application, parsed.
    pub(crate) async fn application(&self, name: &AppName) -> Result<Application, Failure> {
        parse(self.get(name).await?)
    }

    /// One Application, if it is there and may be seen.
    pub(crate) async fn find(&self, name: &AppName) -> Result<Option<Value>, Failure> {
        match self {
            Self::Cluster(cluster) => cluster.find(name).await,
            Self::Server(server) => server.find(name).await,
        }
    }

    /// Changes an Application by a merge patch that `change` derives from what is there, as a compare-and-swap: when
    /// somebody else was faster, `change` is asked again. Nothing is sent where it wants nothing.
    pub(crate) async fn update(
        &self,
        name: &AppName,
        change: impl Fn(&Application) -> Result<Option<Value>, Failure>,
    ) -> Result<Application, Failure> {
        match self {
            Self::Cluster(cluster) => Box::pin(cluster.update(name, change)).await,
            Self::Server(server) => Box::pin(server.update(name, change)).await,
        }
    }

    /// Gives an Application the specification that `change` makes of it. A server checks it where `validate` says so. The answer is
    /// whether anything was different.
    pub(crate) async fn respecify(
        &self,
        name: &AppName,
        validate: bool,
        change: impl Fn(&mut Application) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        match self {
            Self::Cluster(cluster) => {
                let changed = |there: &Application| {
                    let mut new = there.clone();
                    change(&mut new).map(|()| new)
                };
                Box::pin(cluster.replace(name, changed)).await
            }
            Self::Server(server) => Box::pin(server.respecify(name, validate, change)).await,
        }
    }

    /// Changes of one Application after a version of it.
    pub(crate) async fn watch(&self, name: &AppName, version: &str) -> Result<Events, Failure> {
        match self {
            Self::Cluster(cluster) => cluster.watch(name, version).await,
            Self::Server(server) => server.watch(name, version).await,
        }
    }
}

/// Reads an Application as the API sent it.
pub(crate) fn parse(value: Value) -> Result<Application, Failure> {
    let name = named(&value);
    Application::from_value(value).map_err(|error| {
        Failure::new(Kind::Other, format!("application {name} cannot be read")).because(&error)
    })
}

/// The objects that a server rendered. **Errors**: one is no object.
pub(crate) fn manifests(answer: &Value) -> Result<Vec<Object>, Failure> {
    let texts = answer["manifests"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let wrong =
        |cause: String| Failure::new(Kind::Other, "the server's manifests cannot be read").cause(cause);
    let objects = texts.map(|text| {
        let value: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        Object::from_value(value).map_err(|error| wrong(error.to_string()))
    });
    objects.collect()
}

fn named(item: &Value) -> String {
    let text = |field: &str| item["metadata"][field].as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text("namespace"), text("name"))
}

/// Items of a list, and what a server tells, come without their kind.
pub(crate) fn complete(item: &mut Value) {
    if let Some(map) = item.as_object_mut() {
        map.entry("apiVersion").or_insert_with(|| json!(API_VERSION));
        map.entry("kind").or_insert_with(|| json!(api::names::APPLICATION));
    }
    if let Some(metadata) = item["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
}

/// A failure about a name that is not among those that are known, with the nearest of them.
fn suggested(failure: Failure, name: &AppName, known: &[Value]) -> Failure {
    let names: Vec<&str> = known.iter().filter_map(|app| app["metadata"]["name"].as_str()).collect();
    match suggest::nearest(&name.name, names.iter().copied()) {
        Some(near) => failure.next(format!("did you mean \"{near}\"?")),
        None => failure.next("see which there are: capstan app list"),
    }
}
