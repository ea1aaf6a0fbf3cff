//! `app wait`, and how other commands wait.

use std::time::Duration;

use api::{Application, HealthStatusCode};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::Session;
use super::apps::depth;
use super::filter::Filters;
use super::progress::Progress;
use super::verdict::{Wanted, missing};
use crate::command::WaitArgs;
use crate::console::Form;
use crate::failure::{Failure, Kind};
use crate::heartbeat::Heartbeat;
use crate::name::AppName;
use crate::store::Store;
use crate::view;
use crate::view::details::Around;
use crate::watch::{Follow, Seen};

/// Time between drawings.
const TICK: Duration = Duration::from_secs(1);
/// Drawings between looks whether a controller that was gone is back.
const LOOK_AGAIN: u32 = 5;
/// Stands for "no limit": longer than anybody waits.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 86_400);

/// What a wait keeps in hand.
struct Vigil {
    follow: Follow,
    progress: Progress,
    heartbeat: Heartbeat,
    /// Whether the status is in doubt, which was told.
    doubted: bool,
    /// Whether an operation was asked for meanwhile.
    operated: bool,
    ticks: Interval,
    deadline: Instant,
}

/// What ends a turn of waiting.
enum Turn {
    Seen(Seen),
    /// The controller was heard of again.
    Heard,
    Late,
}

impl Session<'_> {
    pub(super) async fn wait(&mut self, args: WaitArgs) -> Result<u8, Failure> {
        let selector = args.selector.as_deref();
        let names = match self.names(&args.names, selector, &[], args.app_namespace.as_deref()).await {
            // The peer's client waits for none of them.
            Err(failure) if failure.kind == Kind::NotFound && !self.console.look.native() => return Ok(0),
            names => names?,
        };
        let health = args.health || args.suspended || args.degraded;
        let nothing_said = !(args.sync || health || args.operation || args.hydrated || args.delete);
        let wanted = Wanted {
            sync: args.sync || nothing_said,
            health: args.health || nothing_said,
            operation: args.operation || nothing_said,
            suspended: args.suspended,
            degraded: args.degraded,
            hydrated: args.hydrated,
            gone: args.delete,
            resources: Filters::parse(&args.resources)?,
        };
        for name in names {
            if !wanted.gone {
                // The nearest name, where there is none of this one.
                self.store.get(&name).await?;
            }
            let (app, result) =
                Box::pin(self.settle(&name, &wanted, args.timeout, is_for_machines(&args.output))).await?;
            match app {
                None if wanted.gone && self.console.look.native() => {
                    self.console.print(&format!("application '{name}' deleted\n"));
                }
                None if wanted.gone => self.console.print(&format!("Application '{name}' deleted\n")),
                None => {}
                Some(app) => self.report(&name, &app, &wanted, &args.output).await?,
            }
            result?;
        }
        Ok(0)
    }

    /// Waits until an application is what is wanted. The answer is how it is then (`None`: gone), and whether that is
    /// what was wanted. **Errors**: the application cannot be followed.
    pub(super) async fn settle(
        &mut self,
        name: &AppName,
        wanted: &Wanted,
        timeout: Duration,
        quiet: bool,
    ) -> Result<(Option<Application>, Result<(), Failure>), Failure> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut vigil = Vigil {
            follow: Follow::new(self.store.clone(), name.clone()),
            progress: Progress::new(self.context, quiet),
            heartbeat: Heartbeat::read(&self.store, &self.context.namespace).await,
            doubted: false,
            operated: false,
            ticks,
            deadline: Instant::now() + if timeout.is_zero() { FOREVER } else { timeout },
        };
        let (mut last, mut health_before) = (None::<Application>, None);
        let mut waits_for = "an answer of the API server".to_owned();
        let result = loop {
            match self.turn(&mut vigil).await? {
                Turn::Seen(Seen::Is(app)) => last = Some(*app),
                Turn::Seen(Seen::Gone) => {
                    vigil.progress.end(self.console);
                    if wanted.gone {
                        return Ok((None, Ok(())));
                    }
                    let what = format!("application '{}' was deleted meanwhile", name.name);
                    return Err(Failure::new(Kind::NotFound, what));
                }
                Turn::Heard => {}
                Turn::Late => {
                    let (name, seconds) = (&name.name, timeout.as_secs());
                    let what = format!("timed out ({seconds}s) waiting for app {name:?} match desired state");
                    vigil.progress.late(self.console);
                    break Err(
                        Failure::new(Kind::Timeout, what).cause(format!("it still waits for {waits_for}"))
                    );
                }
            }
            let Some(app) = &last else { continue };
            let shown = self.believed(&mut vigil, app).await;
            vigil.operated |=
                app.operation.as_ref().is_some_and(|o| !o.sync.as_ref().is_some_and(|sync| sync.dry_run));
            let gap = missing(wanted, &shown);
            waits_for = gap.clone().unwrap_or_default();
            vigil.progress.show(self.console, &shown, &waits_for, self.context.now());
            if gap.is_none() {
                if let (true, Store::Server(server)) = (vigil.operated, &self.store) {
                    // As the peer's client does: what the sync has led to is looked at once more.
                    last = Some(crate::store::parse(server.refreshed(name, "normal").await?)?);
                }
                break Ok(());
            }
            let health = shown.status.health.status.clone();
            if let Some(failure) = turned_bad(name, wanted, health_before.as_ref(), health.as_ref()) {
                break Err(failure);
            }
            health_before = health;
        };
        vigil.progress.end(self.console);
        let last = last.map(|app| vigil.heartbeat.judged(&app, self.context.now()).0);
        Ok((last, result))
    }

    /// Until something happens that counts. What is under way goes on over the ticks, however slow the server is.
    async fn turn(&mut self, vigil: &mut Vigil) -> Result<Turn, Failure> {
        let next = vigil.follow.next();
        tokio::pin!(next);
        let mut count = 0_u32;
        loop {
            tokio::select! {
                seen = &mut next => return seen.map(Turn::Seen),
                () = sleep_until(vigil.deadline) => return Ok(Turn::Late),
                _ = vigil.ticks.tick() => {
                    vigil.progress.tick(self.console, self.context.now());
                    count = count.wrapping_add(1);
                    if vigil.doubted && count.is_multiple_of(LOOK_AGAIN) {
                        let heartbeat = Heartbeat::read(&self.store, &self.context.namespace).await;
                        if heartbeat != vigil.heartbeat {
                            vigil.heartbeat = heartbeat;
                            return Ok(Turn::Heard);
                        }
                    }
                }
            }
        }
    }

    /// The application as far as it may be believed; a heartbeat that has grown old is read again first.
    async fn believed(&mut self, vigil: &mut Vigil, app: &Application) -> Application {
        if vigil.heartbeat.judged(app, self.context.now()).1.is_some() {
            vigil.heartbeat = Heartbeat::read(&self.store, &self.context.namespace).await;
        }
        let (shown, doubt) = vigil.heartbeat.judged(app, self.context.now());
        match doubt {
            Some(reason) if !vigil.doubted => {
                vigil.progress.end(self.console);
                self.console.note(&format!("{reason}; its word is waited for"));
                vigil.doubted = true;
            }
            Some(_) => {}
            None => vigil.doubted = false,
        }
        shown
    }

    /// Prints how an application is after the wait.
    pub(super) async fn report(
        &mut self,
        name: &AppName,
        app: &Application,
        wanted: &Wanted,
        output: &str,
    ) -> Result<(), Failure> {
        let look = self.console.look;
        let form = match output {
            "json" => Some(Form::Json),
            "yaml" => Some(Form::Yaml),
            _ => None,
        };
        if let Some(form) = form {
            let value = match &self.store {
                Store::Cluster(_) => {
                    let name = AppName {
                        namespace: app.metadata.namespace.clone(),
                        name: app.metadata.name.clone(),
                    };
                    self.store.get(&name).await?
                }
                Store::Server(_) => {
                    let mut value = app.to_value();
                    if let Some(value) = value.as_object_mut() {
                        value.retain(|field, _| field != "apiVersion" && field != "kind");
                    }
                    // Nor are there any in what a watch tells, which the peer's client prints.
                    if let Some(metadata) = value["metadata"].as_object_mut() {
                        metadata.remove("managedFields");
                    }
                    value
                }
            };
            self.applications(value, form);
            return Ok(());
        }
        let mut around = self.around(app).await?;
        if !look.native() && matches!(self.store, Store::Server(_)) {
            // The peer's client does not look for windows here.
            around = Around { sync: "Sync Allowed", windows: Vec::new(), name: self.typed(name), ..around };
        }
        let mut text = format!("\n{}\n", view::details::summary(app, &around, look));
        if wanted.operation {
            text += &view::operation::summary(app, self.context.now(), look);
        }
        let table = match output {
            "wide" => view::resources::table(app, look),
            output => self.tree(app, depth(output)).await?,
        };
        if !table.is_empty() {
            text += &format!("\n{table}");
        }
        self.console.print(&text);
        Ok(())
    }
}

/// Health that is waited for and goes bad instead ends the wait, as in the peer.
fn turned_bad(
    name: &AppName,
    wanted: &Wanted,
    before: Option<&HealthStatusCode>,
    now: Option<&HealthStatusCode>,
) -> Option<Failure> {
    let before = before.filter(|before| **before != HealthStatusCode::Degraded)?;
    let turned = wanted.health && !wanted.degraded && now == Some(&HealthStatusCode::Degraded);
    turned.then(|| {
        let what =
            format!("application '{}' health state has transitioned from {before} to Degraded", name.name);
        Failure::new(Kind::NotMet, what)
            .next(format!("see why: capstan app get {} -o tree=detailed", name.name))
    })
}

/// Whether a result is for programs, so that nothing may stand before it.
pub(super) fn is_for_machines(output: &str) -> bool {
    matches!(output, "json" | "yaml")
}
