//! What the methods of the API do.

mod account;
mod actions;
mod application;
mod certificate;
mod cluster;
mod diff;
mod gpgkey;
mod history;
mod links;
mod local;
mod logs;
mod manifests;
mod notification;
mod operation;
mod project;
mod repocreds;
mod repository;
mod resource;
mod session;
mod settings;
pub(crate) mod site;
mod tree;
mod version;
mod writing;

use std::sync::Arc;

use serde_json::Value;
use tonic::Status;

pub(crate) use tree::tree_of;

use crate::api::{Door as _, Visit};
use crate::audit::Who;
use crate::call::{Answers, Ask, Calls, NoSuchMethod, Reply, Requests};
use crate::door::Caller;
use crate::guard::Guard;
use crate::server::Backend;

type Asked = Ask<Caller>;

/// All methods that are done.
pub(crate) fn calls(backend: &Arc<Backend>) -> Result<Calls<Caller>, NoSuchMethod> {
    let mut calls = Calls::new();
    let mut table = Table { calls: &mut calls, backend };
    table.plain("version.VersionService/Version", |_, ask| {
        Ok(version::version(ask.caller.session.is_some()))
    })?;
    table.plain("cluster.SettingsService/Get", |backend, ask| Ok(settings::get(backend, &ask.caller)))?;
    table.one("cluster.SettingsService/GetPlugins", settings::plugins)?;
    session::add(&mut table)?;
    account::add(&mut table)?;
    project::add(&mut table)?;
    cluster::add(&mut table)?;
    repository::add(&mut table)?;
    repocreds::add(&mut table)?;
    certificate::add(&mut table)?;
    gpgkey::add(&mut table)?;
    application::add(&mut table)?;
    operation::add(&mut table)?;
    writing::add(&mut table)?;
    manifests::add(&mut table)?;
    tree::add(&mut table)?;
    resource::add(&mut table)?;
    actions::add(&mut table)?;
    logs::add(&mut table)?;
    history::add(&mut table)?;
    diff::add(&mut table)?;
    local::add(&mut table)?;
    links::add(&mut table)?;
    notification::add(&mut table)?;
    Ok(calls)
}

/// The table of calls while it is filled.
struct Table<'a> {
    calls: &'a mut Calls<Caller>,
    backend: &'a Arc<Backend>,
}

impl Table<'_> {
    /// A method that answers from what is in memory.
    fn plain(
        &mut self,
        path: &str,
        run: impl Fn(&Backend, &Asked) -> Result<Value, Status> + Send + Sync + 'static,
    ) -> Result<(), NoSuchMethod> {
        let backend = Arc::clone(self.backend);
        let method = path.to_owned();
        self.calls.one(path, move |ask| {
            let answer = run(&backend, &ask).map(Reply::from);
            std::future::ready(Who::of(&ask.caller).told(&method, answer))
        })
    }

    /// A method that answers with a stream.
    fn many<F, R>(&mut self, path: &str, run: F) -> Result<(), NoSuchMethod>
    where
        F: Fn(Arc<Backend>, Asked) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Answers, Status>> + Send + 'static,
    {
        let backend = Arc::clone(self.backend);
        let method: Arc<str> = path.into();
        self.calls.many(path, move |ask: Asked| {
            let (method, who) = (Arc::clone(&method), Who::of(&ask.caller));
            let answer = run(Arc::clone(&backend), ask);
            async move { who.told(&method, answer.await) }
        })
    }

    /// A method that takes a stream.
    fn gather<F, R>(&mut self, path: &str, run: F) -> Result<(), NoSuchMethod>
    where
        F: Fn(Arc<Backend>, Asked, Requests) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply, Status>> + Send + 'static,
    {
        let backend = Arc::clone(self.backend);
        let method: Arc<str> = path.into();
        self.calls.gather(path, move |ask: Asked, more| {
            let (method, who) = (Arc::clone(&method), Who::of(&ask.caller));
            let answer = run(Arc::clone(&backend), ask, more);
            async move { who.told(&method, answer.await) }
        })
    }

    /// A method that answers with one reply.
    fn one<F, R>(&mut self, path: &str, run: F) -> Result<(), NoSuchMethod>
    where
        F: Fn(Arc<Backend>, Asked) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply, Status>> + Send + 'static,
    {
        let backend = Arc::clone(self.backend);
        let method: Arc<str> = path.into();
        self.calls.one(path, move |ask: Asked| {
            let (method, who) = (Arc::clone(&method), Who::of(&ask.caller));
            let answer = run(Arc::clone(&backend), ask);
            async move { who.told(&method, answer.await) }
        })
    }
}

/// The tree of an application, as `ResourceTree` answers it.
pub(crate) async fn resource_tree(
    backend: &Backend,
    guard: &Guard,
    request: &Value,
) -> Result<Value, Status> {
    Box::pin(tree::tree(backend, guard, request)).await.map(|(tree, _)| tree)
}

/// A text of a request; empty where it is not said.
fn text<'a>(request: &'a Value, field: &str) -> &'a str {
    request.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The same caller once more at the door: by the session, the settings and the policy as they are now.
pub(crate) async fn enter_again(backend: &Arc<Backend>, caller: &Caller) -> Result<Guard, Status> {
    let Visit { method, headers, address } = &caller.visit;
    let visit = Visit { method: *method, headers: headers.clone(), address: *address };
    Ok(backend.enter(visit).await?.guard)
}

/// The same caller by the policy as it is now.
fn again(backend: &Backend, guard: &Guard) -> Guard {
    guard.under(Arc::clone(&backend.access().policy))
}

/// Says that what is there is another one than what is asked for, and which fields of it.
fn different(entity: &str, old: &Value, new: &Value) -> Status {
    let fields = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (old, new) = (fields(old), fields(new));
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let names: Vec<&str> =
        names.into_iter().filter(|name| old.get(*name) != new.get(*name)).map(String::as_str).collect();
    let basic = format!("existing {entity} spec is different; use upsert flag to force update");
    Status::invalid_argument(if names.is_empty() {
        basic
    } else {
        format!("{basic}; difference in keys \"{}\"", names.join(","))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_named() {
        let status = different("project", &json!({"a": 1, "b": 1}), &json!({"a": 1, "b": 2, "c": 1}));
        assert_eq!(
            status.message(),
            "existing project spec is different; use upsert flag to force update; difference in keys \"b,c\""
        );
    }
}
