//! `app why`.

use api::{Application, ConditionType};
use applications::What;
use serde_json::{Value, json};
use why::{Reason, Why};

use super::Session;
use crate::command::WhyArgs;
use crate::console::Form;
use crate::failure::Failure;
use crate::heartbeat::Heartbeat;
use crate::store::Store;
use crate::view;

impl Session<'_> {
    pub(super) async fn why(&mut self, args: WhyArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let app = self.store.application(&name).await?;
        let heartbeat = Heartbeat::read(&self.store, &self.context.namespace).await;
        let (_, doubt) = heartbeat.judged(&app, self.context.now());
        if let Some(reason) = doubt {
            self.console.note(&format!("{reason}; what the status says may be old"));
        }
        let mut app = app;
        let why = match &self.store {
            _ if app.metadata.is_deleting() => leaving(&app),
            Store::Cluster(_) => self.found_out(&mut app).await?,
            Store::Server(server) => {
                self.console.note("a server tells no fields, commits and authors; for those: --core");
                let managed = server.managed(&name).await?;
                told(&app, &managed)
            }
        };
        match args.output.as_str() {
            "json" => self.console.object(&value(&app, &why), Form::Json),
            "yaml" => self.console.object(&value(&app, &why), Form::Yaml),
            _ => {
                let text = view::why::text(&app, &why, self.console.look, self.context.now());
                self.console.print(&text);
            }
        }
        Ok(0)
    }

    /// The reasons as they are now; the application gets the verdict that they explain.
    async fn found_out(&mut self, app: &mut Application) -> Result<Why, Failure> {
        let what = What { why: true, ..What::default() };
        let evaluation = match self.try_evaluate(app, &what).await? {
            Ok(evaluation) => evaluation,
            Err(unrendered) => return Ok(unrendered.why(app)),
        };
        if let Some(comparison) = evaluation.comparison {
            app.status.sync.status = comparison.sync;
            app.status.health.status = Some(comparison.health);
            if let [revision] = evaluation.revisions.as_slice() {
                app.status.sync.revision.clone_from(revision);
            }
        }
        Ok(evaluation.why.unwrap_or_default())
    }
}

/// The reasons that can be had of what a server tells: conditions, an operation under way, what differs and what is unwell.
fn told(app: &Application, managed: &[Value]) -> Why {
    let error = |condition: &str, message: &str| Reason::Error {
        condition: condition.to_owned(),
        message: message.to_owned(),
    };
    let mut reasons: Vec<Reason> = app
        .status
        .conditions
        .iter()
        .map(|condition| error(condition.condition_type.as_str(), &condition.message))
        .collect();
    if let Some(state) = app.status.running() {
        reasons.push(Reason::Runs { message: state.message.clone(), since: state.started_at.clone() });
    }
    for pair in super::diff::told::pairs(app, managed, None, false) {
        let resource = why::Resource::from(&pair.key);
        reasons.push(match (pair.desired, pair.live) {
            (Some(_), None) => Reason::Missing { resource, message: String::new(), commit: None },
            (None, _) => Reason::Extra { resource },
            (Some(_), Some(_)) => Reason::Differs { resource, fields: Vec::new(), more: 0 },
        });
    }
    Why::new(reasons)
}

/// What a deletion waits for, which its condition says.
fn leaving(app: &Application) -> Why {
    let conditions = app.status.conditions.iter();
    let deletion = conditions.filter(|c| c.condition_type == ConditionType::DeletionError);
    let mut reasons: Vec<Reason> = deletion
        .map(|c| Reason::Error {
            condition: c.condition_type.as_str().to_owned(),
            message: c.message.clone(),
        })
        .collect();
    if reasons.is_empty() {
        let since = app.metadata.deletion_timestamp.clone().unwrap_or_default();
        reasons.push(Reason::Runs { message: "the application is being deleted".to_owned(), since });
    }
    Why::new(reasons)
}

fn value(app: &Application, why: &Why) -> Value {
    let mut value = json!({
        "application": app.qualified_name(),
        "sync": app.status.sync.status.as_str(),
        "health": app.status.health.status.as_ref().map(|health| health.as_str()),
        "revision": app.status.sync.revision,
        "reasons": why.reasons,
    });
    if why.more > 0 {
        value["more"] = why.more.into();
    }
    value
}
