//! Objects in the cluster that Applications manage.

use actions::Change;
use kube::core::Request;
use kube::core::params::{GetParams, ListParams, Patch, PatchParams, PostParams};
use resource::{Gvk, Object, ResourceKey};
use serde_json::{Value, json};

use super::{Cluster, PAGE, invalid};
use crate::failure::{Failure, Kind};

impl Cluster {
    /// What the API server would make of an object that is applied; `None` where it cannot say.
    pub(crate) async fn dry_run(&self, body: &Object, namespace: &str) -> Option<Object> {
        let path = self.path(&body.gvk(), namespace).await.ok()??;
        let params = PatchParams { dry_run: true, force: true, ..PatchParams::apply(compare::FIELD_MANAGER) };
        let request = Request::new(path).patch(body.name(), &params, &Patch::Apply(&body.to_value())).ok()?;
        Object::from_value(self.client.request::<Value>(request).await.ok()?).ok()
    }

    /// Where objects of a kind lie; `None` where the API server does not serve it. An empty namespace is the cluster.
    async fn path(&self, gvk: &Gvk, namespace: &str) -> Result<Option<String>, kube::Error> {
        let base =
            if gvk.group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}", gvk.api_version()) };
        let list = http::Request::get(&base).body(Vec::new()).map_err(kube::Error::HttpError)?;
        let served: Value = match self.client.request(list).await {
            Ok(served) => served,
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(None),
            Err(error) => return Err(error),
        };
        let plural = served["resources"].as_array().into_iter().flatten().find_map(|r| {
            let name = r["name"].as_str()?;
            (r["kind"] == json!(gvk.kind) && !name.contains('/')).then_some(name)
        });
        Ok(plural.map(|plural| match namespace {
            "" => format!("{base}/{plural}"),
            namespace => format!("{base}/namespaces/{namespace}/{plural}"),
        }))
    }

    /// A live object; `None` where it is not there.
    pub(crate) async fn live(&self, version: &str, key: &ResourceKey) -> Result<Option<Object>, Failure> {
        let failed = |error: &kube::Error| Failure::from_kube(error, format!("cannot read {key}"));
        let gvk = Gvk::new(&*key.group, version, &*key.kind);
        let Some(path) = self.path(&gvk, &key.namespace).await.map_err(|e| failed(&e))? else {
            return Ok(None);
        };
        let request = Request::new(path).get(&key.name, &GetParams::default()).map_err(|e| invalid(&e))?;
        match self.client.request::<Value>(request).await {
            Ok(value) => Object::from_value(value).map(Some).map_err(|error| {
                Failure::new(Kind::Other, format!("{key} cannot be read")).cause(error.to_string())
            }),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Does what an action comes to. A changed object is patched by what differs, if it is still the one that was read;
    /// a changed status goes to its subresource, or to the object where there is none.
    pub(crate) async fn carry_out(&self, live: &Object, change: &Change) -> Result<(), Failure> {
        let object = match change {
            Change::Patch(object) | Change::Create(object) => object,
        };
        let key = object.key();
        let failed = |error: &kube::Error| Failure::from_kube(error, format!("cannot write {key}"));
        let path = self.path(&object.gvk(), &key.namespace).await.map_err(|e| failed(&e))?;
        let path = path.ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("the cluster does not serve {}", object.group_kind()))
        })?;
        let Change::Patch(object) = change else {
            let body = object.to_value().to_string().into_bytes();
            let request =
                Request::new(path).create(&PostParams::default(), body).map_err(|error| invalid(&error))?;
            return self.client.request::<Value>(request).await.map(|_| ()).map_err(|e| failed(&e));
        };
        let patches = actions::patches(live, object);
        let send = async |mut patch: Value, subresource: Option<&str>, guarded: bool| {
            if guarded {
                patch["metadata"]["resourceVersion"] = json!(live.resource_version());
            }
            let request = Request::new(path.clone());
            let (params, patch) = (PatchParams::default(), Patch::Merge(&patch));
            let request = match subresource {
                Some(name) => request.patch_subresource(name, object.name(), &params, &patch),
                None => request.patch(object.name(), &params, &patch),
            };
            self.client.request::<Value>(request.map_err(kube::Error::BuildRequest)?).await
        };
        let changes_main = patches.main.is_some();
        if let Some(main) = patches.main {
            send(main, None, true).await.map_err(|e| failed(&e))?;
        }
        let Some(status) = patches.status else { return Ok(()) };
        match send(status.clone(), Some("status"), !changes_main).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(answer)) if answer.code == 404 => {
                send(status, None, !changes_main).await.map(|_| ()).map_err(|e| failed(&e))
            }
            Err(error) => Err(failed(&error)),
        }
    }

    /// All objects of a kind in a namespace, for the tree; none where they cannot be read.
    pub(crate) async fn objects(&self, path: &str) -> Vec<Value> {
        let mut params = ListParams::default().limit(PAGE);
        let mut found = Vec::new();
        while let Ok(request) = Request::new(path).list(&params) {
            let Ok(page) = self.client.request::<Value>(request).await else { break };
            found.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["metadata"]["continue"].as_str().filter(|next| !next.is_empty()) {
                Some(next) => params.continue_token = Some(next.to_owned()),
                None => break,
            }
        }
        found
    }
}
