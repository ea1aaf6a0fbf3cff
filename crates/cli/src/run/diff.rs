//! `app diff`.

use api::{Application, SyncStatusCode};
use applications::{Evaluation, ResourceState, What};
use resource::Object;
use serde_json::Value;

use super::Session;
use super::manifests::{ALL_FILES, Revisions, local};
use crate::command::DiffArgs;
use crate::failure::Failure;
use crate::name::AppName;
use crate::store::Store;
use crate::view::diff::{Pair, normal, unified};

pub(super) mod told;

/// What the cluster is compared with.
pub(super) enum Against {
    /// What the controllers would make of git, or of files on this machine.
    Git(What),
    /// These objects.
    Objects(Vec<Object>),
}

impl Session<'_> {
    pub(super) async fn diff(&mut self, args: DiffArgs) -> Result<u8, Failure> {
        args.sources.check(1)?;
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        if let (true, Store::Server(server)) = (args.refresh || args.hard_refresh, &self.store) {
            server.refreshed(&name, if args.hard_refresh { "hard" } else { "normal" }).await?;
        }
        let mut app = self.store.application(&name).await?;
        let local = local(args.local.as_deref(), args.local_repo_root.as_deref(), &mut app)?;
        let revision = args.revision.clone().filter(|revision| !revision.is_empty());
        let against = match (&self.store, local) {
            (Store::Server(server), Some(root)) => {
                let names: Vec<&str> = args.local_include.iter().map(String::as_str).collect();
                let names = if args.server_side_generate { &names } else { ALL_FILES };
                Against::Objects(server.render(&name, &root, names).await?)
            }
            (Store::Server(_), None) if revision.is_some() || !args.sources.revisions.is_empty() => {
                let wanted =
                    Revisions { one: revision.as_deref(), many: &args.sources, fresh: args.hard_refresh };
                Against::Objects(self.wanted(&name, &app, &wanted).await?)
            }
            (_, local) => Against::Git(What { revision, local, ..What::default() }),
        };
        let differs = self.differences(&name, &app, &against).await?;
        Ok(if differs && args.exit_code { args.diff_exit_code } else { 0 })
    }

    /// Prints what differs. The answer is whether anything does.
    pub(super) async fn differences(
        &mut self,
        name: &AppName,
        app: &Application,
        against: &Against,
    ) -> Result<bool, Failure> {
        match (&self.store, against) {
            (Store::Server(server), against) => {
                let managed = server.managed(name).await?;
                let objects = match against {
                    Against::Git(_) => None,
                    Against::Objects(objects) => Some(objects.as_slice()),
                };
                let pairs = told::pairs(app, &managed, objects, !self.console.look.native());
                for pair in &pairs {
                    let text = self.shown(pair);
                    self.console.print(&text);
                }
                Ok(!pairs.is_empty())
            }
            (Store::Cluster(_), Against::Git(what)) => self.own_differences(app, what).await,
            (Store::Cluster(_), Against::Objects(_)) => self.own_differences(app, &What::default()).await,
        }
    }

    async fn own_differences(&mut self, app: &Application, what: &What) -> Result<bool, Failure> {
        let evaluation = self.evaluate(app, what).await?;
        let mut differs = false;
        for state in evaluation.comparison.iter().flat_map(|comparison| &comparison.resources) {
            match &state.sync {
                SyncStatusCode::Synced => {}
                SyncStatusCode::OutOfSync => {
                    differs = true;
                    let pair = self.pair(app, &evaluation, state).await?;
                    let text = self.unified(&pair, state);
                    self.console.print(&text);
                }
                SyncStatusCode::Unknown | SyncStatusCode::Other(_) => {
                    self.console.note(&format!("{} could not be compared: {}", state.key, state.reason));
                }
            }
        }
        Ok(differs)
    }

    /// Both sides of one object: unified, or as the peer's client has it by `diff`.
    fn shown(&self, pair: &Pair) -> String {
        if self.console.look.native() { unified(pair, self.console.look) } else { normal(pair) }
    }

    fn unified(&self, pair: &Pair, state: &ResourceState) -> String {
        let text = self.shown(pair);
        if !text.is_empty() {
            return text;
        }
        // A difference that the two texts do not show: say in words what it is.
        let (key, reason) = (&state.key, crate::escape::line(&state.reason));
        format!("\n===== {}/{} {}/{} ======\n# {reason}\n", key.group, key.kind, key.namespace, key.name)
    }

    /// Both sides of one object, masked. Where both exist, git's side is what the API server would make of it, so that
    /// its defaults do not show as differences.
    async fn pair(
        &self,
        app: &Application,
        evaluation: &Evaluation,
        state: &ResourceState,
    ) -> Result<Pair, Failure> {
        let desired = evaluation.desired.iter().find(|(object, _)| is(object, state, app));
        let origin = desired.map(|(_, origin)| origin.clone()).unwrap_or_default();
        let rules = &evaluation.rules;
        let alone = |object: &Object| compare::normalized(object, object, rules).0;
        let (desired, live): (Option<Value>, Option<Value>) =
            match (desired.map(|(object, _)| object), evaluation.live.get(&state.key)) {
                (Some(desired), Some(live)) => {
                    let body = compare::apply_body(desired, Some(live), rules, false);
                    let predicted = self.cluster("diff")?.dry_run(&body, &state.key.namespace).await;
                    let (desired, live) =
                        compare::normalized(predicted.as_ref().unwrap_or(desired), live, rules);
                    (Some(desired), Some(live))
                }
                (desired, live) => (desired.map(alone), live.map(alone)),
            };
        Ok(Pair { key: state.key.clone(), live, desired, origin })
    }
}

/// Whether a rendered object is this one: its namespace may be left to the destination.
fn is(object: &Object, state: &ResourceState, app: &Application) -> bool {
    let (key, wanted) = (object.key(), &state.key);
    let namespace = if key.namespace.is_empty() { &app.spec.destination.namespace } else { &key.namespace };
    key.group == wanted.group
        && key.kind == wanted.kind
        && key.name == wanted.name
        && (key.namespace == wanted.namespace || *namespace == wanted.namespace)
}
