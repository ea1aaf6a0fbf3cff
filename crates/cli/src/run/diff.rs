//! `app diff`.

use api::{Application, SyncStatusCode};
use applications::{Evaluation, ResourceState, What};
use resource::Object;
use serde_json::Value;

use super::Session;
use super::manifests::local;
use crate::command::DiffArgs;
use crate::failure::Failure;
use crate::view::diff::{Pair, unified};

impl Session<'_> {
    pub(super) async fn diff(&mut self, args: DiffArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let mut app = self.store.application(&name).await?;
        let what = What {
            revision: args.revision.clone(),
            local: local(args.local.as_deref(), args.local_repo_root.as_deref(), &mut app)?,
            ..What::default()
        };
        let evaluation = self.evaluate(&app, &what).await?;
        let mut differs = false;
        for state in evaluation.comparison.iter().flat_map(|comparison| &comparison.resources) {
            match &state.sync {
                SyncStatusCode::Synced => {}
                SyncStatusCode::OutOfSync => {
                    differs = true;
                    let pair = self.pair(&app, &evaluation, state).await;
                    let text = self.unified(&pair, state);
                    self.console.print(&text);
                }
                SyncStatusCode::Unknown | SyncStatusCode::Other(_) => {
                    self.console.note(&format!("{} could not be compared: {}", state.key, state.reason));
                }
            }
        }
        Ok(if differs && args.exit_code { args.diff_exit_code } else { 0 })
    }

    fn unified(&self, pair: &Pair, state: &ResourceState) -> String {
        let text = unified(pair, self.console.look);
        if !text.is_empty() {
            return text;
        }
        // A difference that the two texts do not show: say in words what it is.
        let (key, reason) = (&state.key, crate::escape::line(&state.reason));
        format!("\n===== {}/{} {}/{} ======\n# {reason}\n", key.group, key.kind, key.namespace, key.name)
    }

    /// Both sides of one object, masked. Where both exist, git's side is what the API server would make of it, so that
    /// its defaults do not show as differences.
    async fn pair(&self, app: &Application, evaluation: &Evaluation, state: &ResourceState) -> Pair {
        let desired = evaluation.desired.iter().find(|(object, _)| is(object, state, app));
        let origin = desired.map(|(_, origin)| origin.clone()).unwrap_or_default();
        let rules = &evaluation.rules;
        let alone = |object: &Object| compare::normalized(object, object, rules).0;
        let (desired, live): (Option<Value>, Option<Value>) =
            match (desired.map(|(object, _)| object), evaluation.live.get(&state.key)) {
                (Some(desired), Some(live)) => {
                    let body = compare::apply_body(desired, Some(live), rules, false);
                    let predicted = self.store.dry_run(&body, &state.key.namespace).await;
                    let (desired, live) =
                        compare::normalized(predicted.as_ref().unwrap_or(desired), live, rules);
                    (Some(desired), Some(live))
                }
                (desired, live) => (desired.map(alone), live.map(alone)),
            };
        Pair { key: state.key.clone(), live, desired, origin }
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
