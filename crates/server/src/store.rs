//! Objects in the API server that methods read and write.

use std::collections::BTreeMap;

use api::names::config_map;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::core::Request;
use kube::core::params::{
    DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams, Preconditions,
};
use serde_json::Value;
use tonic::Status;

/// Writes under this name.
const MANAGER: &str = "argocd-server";
/// Most objects of a list.
const LISTED: u32 = 500;

/// The API server, as far as methods need it.
#[derive(Clone)]
pub(crate) struct Store {
    client: kube::Client,
    namespace: String,
}

/// Which kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Secret,
    ConfigMap,
    Application,
    AppProject,
    Event,
    ServiceAccount,
}

impl Kind {
    fn path(self, namespace: &str) -> String {
        match self {
            Self::Secret => format!("/api/v1/namespaces/{namespace}/secrets"),
            Self::ConfigMap => format!("/api/v1/namespaces/{namespace}/configmaps"),
            Self::Application => {
                format!("/apis/{}/namespaces/{namespace}/applications", ::api::names::API_VERSION)
            }
            Self::AppProject => {
                format!("/apis/{}/namespaces/{namespace}/appprojects", ::api::names::API_VERSION)
            }
            Self::Event => format!("/api/v1/namespaces/{namespace}/events"),
            Self::ServiceAccount => format!("/api/v1/namespaces/{namespace}/serviceaccounts"),
        }
    }
}

impl Store {
    pub(crate) fn new(client: kube::Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned() }
    }

    /// The object of an answer. Not kube's `request`, which logs an answer that it cannot read.
    async fn send(
        &self,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Value, kube::Error> {
        let text = self.client.request_text(request.map_err(kube::Error::BuildRequest)?).await?;
        serde_json::from_str(&text).map_err(kube::Error::SerdeError)
    }

    /// An object, `None` where there is none. Its text is not repeated in errors: it may be secret.
    pub(crate) async fn get(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, kube::Error> {
        match self.send(Request::new(kind.path(namespace)).get(name, &GetParams::default())).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            outcome => outcome.map(Some),
        }
    }

    /// An object of the installation's own namespace.
    pub(crate) async fn own(&self, kind: Kind, name: &str) -> Result<Option<Value>, kube::Error> {
        self.get(kind, &self.namespace, name).await
    }

    /// Objects of a namespace by a selector of fields, as a list; at most [`LISTED`].
    pub(crate) async fn list(&self, kind: Kind, namespace: &str, fields: &str) -> Result<Value, kube::Error> {
        let params = ListParams::default().fields(fields).limit(LISTED);
        self.send(Request::new(kind.path(namespace)).list(&params)).await
    }

    /// `argocd-cm`.
    pub(crate) async fn settings(&self) -> Result<Option<Value>, kube::Error> {
        self.own(Kind::ConfigMap, config_map::ARGOCD_CM).await
    }

    pub(crate) async fn create(&self, kind: Kind, object: &Value) -> Result<(), kube::Error> {
        self.create_in(kind, &self.namespace, object).await.map(drop)
    }

    /// Makes an object in a namespace; the answer is the object.
    pub(crate) async fn create_in(
        &self,
        kind: Kind,
        namespace: &str,
        object: &Value,
    ) -> Result<Value, kube::Error> {
        let body = object.to_string().into_bytes();
        self.send(Request::new(kind.path(namespace)).create(&written(), body)).await
    }

    /// Replaces an object in the version that it says; the answer is the object afterwards.
    pub(crate) async fn replace(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        object: &Value,
    ) -> Result<Value, kube::Error> {
        let body = object.to_string().into_bytes();
        self.send(Request::new(kind.path(namespace)).replace(name, &written(), body)).await
    }

    /// A merge patch of an object; the answer is the object afterwards.
    pub(crate) async fn patch(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Value, kube::Error> {
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        self.send(Request::new(kind.path(namespace)).patch(name, &params, &Patch::Merge(patch))).await
    }

    /// Deletes the object that was looked at, and no other of its name.
    pub(crate) async fn delete(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        uid: &str,
    ) -> Result<(), kube::Error> {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        match self.send(Request::new(kind.path(namespace)).delete(name, &params)).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// As [`Self::patch`], of an object of our own.
    pub(crate) async fn patch_own(
        &self,
        kind: Kind,
        name: &str,
        patch: &Value,
    ) -> Result<Value, kube::Error> {
        self.patch(kind, &self.namespace, name, patch).await
    }
}

fn written() -> PostParams {
    PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() }
}

/// The HTTP status of the API server's answer, if there was one.
pub(crate) fn code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// The values of a Secret as it came from the API server.
pub(crate) fn decoded(secret: &Value) -> BTreeMap<String, Vec<u8>> {
    let entries = secret.get("data").and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), STANDARD.decode(value.as_str()?).ok()?))).collect()
}

pub(crate) fn version(object: &Value) -> &str {
    object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default()
}

/// As [`status`], of an object that nothing is secret of: what is wrong with it is said.
pub(crate) fn open_status(what: &str, error: &kube::Error) -> Status {
    match error {
        kube::Error::Api(refused) if matches!(refused.code, 400 | 422) => {
            Status::invalid_argument(format!("{what}: {}", refused.message))
        }
        _ => status(what, error),
    }
}

/// An error of the API server in the words of ours. What it says of an object that may be secret is left out.
pub(crate) fn status(what: &str, error: &kube::Error) -> Status {
    match error {
        kube::Error::Api(status) => match status.code {
            404 => Status::not_found(status.message.clone()),
            409 => Status::aborted(format!("{what}: it was changed meanwhile; try again")),
            403 => {
                Status::failed_precondition(format!("{what}: the server has no right to: {}", status.message))
            }
            code => Status::internal(format!("{what}: the API server answered {code}")),
        },
        _ => Status::unavailable(format!("{what}: the API server cannot be reached")),
    }
}
