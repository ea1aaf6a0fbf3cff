//! `app get`.

use std::time::Duration;

use api::Application;
use api::names::annotation;
use serde_json::json;

use super::Session;
use super::apps::depth;
use crate::command::GetArgs;
use crate::console::Form;
use crate::failure::{Failure, Kind};
use crate::heartbeat::Heartbeat;
use crate::name::AppName;
use crate::store::{Store, parse};
use crate::view;
use crate::watch::{Follow, Seen};

impl Session<'_> {
    pub(super) async fn get(&mut self, args: GetArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        if args.refresh || args.hard_refresh {
            let kind = if args.hard_refresh { "hard" } else { "normal" };
            refresh(&self.store, &name, kind, args.timeout).await?;
        }
        let (value, heartbeat) =
            futures::join!(self.store.get(&name), Heartbeat::read(&self.store, &self.context.namespace));
        let value = value?;
        let (app, doubt) = heartbeat.judged(&parse(value.clone())?, self.context.now());
        if let Some(reason) = doubt {
            self.console.note(&format!("{reason}; the status is shown as Unknown"));
        }
        let app = if matches!(args.output.as_str(), "json" | "yaml") {
            app
        } else {
            Box::pin(self.whole(app)).await
        };
        match args.output.as_str() {
            "json" => self.console.object(&value, Form::Json),
            "yaml" => self.console.object(&value, Form::Yaml),
            "wide" => self.details(&app, &args).await,
            output => {
                self.heading(&app, &args).await;
                let tree = self.tree(&app, depth(output)).await;
                self.console.print(&format!("\n{tree}"));
            }
        }
        Ok(0)
    }

    async fn details(&mut self, app: &Application, args: &GetArgs) {
        self.heading(app, args).await;
        let table = view::resources::table(app, 0, self.console.look);
        if !table.is_empty() {
            self.console.print(&format!("\n{table}"));
        }
    }

    /// All that stands above the resources.
    async fn heading(&mut self, app: &Application, args: &GetArgs) {
        let look = self.console.look;
        let around = self.around(app).await;
        let mut text = view::details::summary(app, &around, look);
        let conditions = view::details::conditions(app, look);
        if !conditions.is_empty() {
            // The peer ends its conditions with an empty line and begins what follows with another one.
            text += &format!("\n{conditions}{}", if look.native() { "" } else { "\n" });
        }
        if args.show_operation {
            let operation = view::operation::summary(app, self.context.now(), look);
            if !operation.is_empty() {
                text += &format!("\n{operation}");
            }
        }
        if args.show_params {
            let parameters = view::parameters::table(app, look);
            if !parameters.is_empty() {
                text += &format!("\n{parameters}");
            }
        }
        self.console.print(&text);
    }
}

/// Asks the controller to look again, and waits until it has. **Errors**: it does not answer in time.
pub(super) async fn refresh(
    store: &Store,
    name: &AppName,
    kind: &str,
    timeout: Duration,
) -> Result<(), Failure> {
    let patch = json!({ "metadata": { "annotations": { annotation::REFRESH: kind } } });
    store.update(name, |_| Ok(Some(patch.clone()))).await?;
    let mut follow = Follow::new(store.clone(), name.clone());
    let done = async {
        loop {
            match follow.next().await? {
                Seen::Is(app) if app.metadata.annotation(annotation::REFRESH).is_some() => {}
                Seen::Is(_) => return Ok(()),
                Seen::Gone => {
                    let what = format!("application {name} was deleted while it was refreshed");
                    return Err(Failure::new(Kind::NotFound, what));
                }
            }
        }
    };
    if timeout.is_zero() {
        return done.await;
    }
    match tokio::time::timeout(timeout, done).await {
        Ok(result) => result,
        Err(_) => Err(Failure::new(
            Kind::Timeout,
            format!("application {name} was not refreshed within {}s", timeout.as_secs()),
        )
        .cause("the controller did not take the refresh annotation away")
        .next("see whether it runs: capstan app get without --refresh says when it was last heard of")),
    }
}
