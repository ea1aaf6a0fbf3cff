//! `app get`.

use std::time::Duration;

use api::Application;
use api::names::annotation;
use serde_json::{Value, json};

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
        let kind = match (args.hard_refresh, args.refresh) {
            (true, _) => Some("hard"),
            (false, true) => Some("normal"),
            (false, false) => None,
        };
        let looked = match kind {
            Some(kind) => refresh(&self.store, &name, kind, args.timeout).await?,
            None => None,
        };
        let read = async {
            match looked {
                Some(value) => Ok(value),
                None => self.store.get(&name).await,
            }
        };
        let (value, heartbeat) = futures::join!(read, Heartbeat::read(&self.store, &self.context.namespace));
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
            "json" => self.applications(value, Form::Json),
            "yaml" => self.applications(value, Form::Yaml),
            "wide" => self.details(&app, &args).await?,
            output => {
                self.heading(&app, &args).await?;
                let tree = self.tree(&app, depth(output)).await?;
                self.console.print(&format!("\n{tree}"));
            }
        }
        Ok(0)
    }

    async fn details(&mut self, app: &Application, args: &GetArgs) -> Result<(), Failure> {
        self.heading(app, args).await?;
        let table = view::resources::table(app, self.console.look);
        if !table.is_empty() {
            self.console.print(&format!("\n{table}"));
        }
        Ok(())
    }

    /// All that stands above the resources.
    async fn heading(&mut self, app: &Application, args: &GetArgs) -> Result<(), Failure> {
        let look = self.console.look;
        let position = source_position(app, args.source_position, args.source_name.as_deref())?;
        let around = self.around(app).await?;
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
            if position.is_none() && app.spec.has_multiple_sources() && !look.native() {
                return Err(Failure::invalid(
                    "Source position should be specified and must be greater than 0 for applications with multiple sources",
                ));
            }
            text += &view::parameters::table(app, position, look);
        }
        self.console.print(&text);
        Ok(())
    }
}

/// The source that is meant, from 0: by its position, from 1, or by its name. **Errors**: both are said, or there is no such source.
pub(super) fn source_position(
    app: &Application,
    position: Option<i64>,
    name: Option<&str>,
) -> Result<Option<usize>, Failure> {
    let sources = app.spec.sources();
    match (position, name.filter(|name| !name.is_empty())) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(Failure::invalid("Only one of source-position and source-name can be specified."))
        }
        (None, Some(name)) => match sources.iter().position(|source| source.name == name) {
            Some(position) => Ok(Some(position)),
            None => Err(Failure::invalid(format!("Unknown source name '{name}'")).fatal()),
        },
        (Some(position), None) => match usize::try_from(position - 1) {
            Ok(position) if position < sources.len() => Ok(Some(position)),
            Ok(_) => Err(Failure::invalid("Source position should be less than the number of sources in the application")),
            Err(_) => Err(Failure::invalid("sources are counted from 1").cause("Source position should be specified and must be greater than 0 for applications with multiple sources")),
        },
    }
}

/// Asks the controller to look again, and waits until it has. A server answers with what it saw. **Errors**: it does not answer in time.
pub(super) async fn refresh(
    store: &Store,
    name: &AppName,
    kind: &str,
    timeout: Duration,
) -> Result<Option<Value>, Failure> {
    if let Store::Server(server) = store {
        let refreshed = server.refreshed(name, kind);
        let late = || late(name, timeout).cause("the server did not answer");
        return match timeout.is_zero() {
            true => refreshed.await.map(Some),
            false => tokio::time::timeout(timeout, refreshed).await.map_err(|_| late())?.map(Some),
        };
    }
    let patch = json!({ "metadata": { "annotations": { annotation::REFRESH: kind } } });
    store.update(name, |_| Ok(Some(patch.clone()))).await?;
    let mut follow = Follow::new(store.clone(), name.clone());
    let done = async {
        loop {
            match follow.next().await? {
                Seen::Is(app) if app.metadata.annotation(annotation::REFRESH).is_some() => {}
                Seen::Is(_) => return Ok(None),
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
        Err(_) => Err(late(name, timeout)
            .cause("the controller did not take the refresh annotation away")
            .next("see whether it runs: capstan app get without --refresh says when it was last heard of")),
    }
}

fn late(name: &AppName, timeout: Duration) -> Failure {
    Failure::new(Kind::Timeout, format!("application {name} was not refreshed within {}s", timeout.as_secs()))
}
