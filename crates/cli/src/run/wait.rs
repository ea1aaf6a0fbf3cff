//! `app wait`, and how other commands wait.

use std::time::Duration;

use api::{Application, HealthStatusCode};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::Session;
use super::filter::Filters;
use super::progress::Progress;
use super::verdict::{Wanted, missing};
use crate::command::WaitArgs;
use crate::console::Form;
use crate::failure::{Failure, Kind};
use crate::heartbeat::Heartbeat;
use crate::name::AppName;
use crate::view;
use crate::watch::{Follow, Seen};

/// Time between drawings.
const TICK: Duration = Duration::from_secs(1);
/// Drawings between looks whether a controller that was gone is back.
const LOOK_AGAIN: u32 = 5;
/// Stands for "no limit": longer than anybody waits.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 86_400);
/// Least width of a column in the table at the end, as in the peer.
const COLUMN: usize = 5;

impl Session<'_> {
    pub(super) async fn wait(&mut self, args: WaitArgs) -> Result<u8, Failure> {
        let names = self.names(&args.names, args.selector.as_deref(), args.app_namespace.as_deref()).await?;
        let nothing_said =
            !(args.sync || args.health || args.operation || args.suspended || args.degraded || args.delete);
        let wanted = Wanted {
            sync: args.sync || nothing_said,
            health: args.health || nothing_said,
            operation: args.operation || nothing_said,
            suspended: args.suspended,
            degraded: args.degraded,
            gone: args.delete,
            resources: Filters::parse(&args.resources)?,
        };
        for name in names {
            if !wanted.gone {
                // The nearest name, where there is none of this one.
                self.store.get(&name).await?;
            }
            let (app, result) = self.settle(&name, &wanted, args.timeout, args.output != "wide").await?;
            match app {
                None if wanted.gone => self.console.print(&format!("application '{name}' deleted\n")),
                None => {}
                Some(app) => self.report(&app, &wanted, &args.output).await?,
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
        let mut progress = Progress::new(self.context, quiet);
        let deadline = Instant::now() + if timeout.is_zero() { FOREVER } else { timeout };
        let mut follow = Follow::new(self.store.clone(), name.clone());
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heartbeat = Heartbeat::read(&self.store, &self.context.namespace).await;
        let (mut last, mut healthy_before, mut doubted, mut count) =
            (None::<Application>, None, false, 0_u32);
        let mut waits_for = "an answer of the API server".to_owned();
        let result = loop {
            tokio::select! {
                seen = follow.next() => match seen? {
                    Seen::Is(app) => last = Some(*app),
                    Seen::Gone if wanted.gone => {
                        progress.end(self.console);
                        return Ok((None, Ok(())));
                    }
                    Seen::Gone => {
                        progress.end(self.console);
                        let what = format!("application '{}' was deleted meanwhile", name.name);
                        return Err(Failure::new(Kind::NotFound, what));
                    }
                },
                _ = ticks.tick() => {
                    progress.tick(self.console, self.context.now());
                    count = count.wrapping_add(1);
                    if !(doubted && count.is_multiple_of(LOOK_AGAIN)) {
                        continue;
                    }
                    heartbeat = Heartbeat::read(&self.store, &self.context.namespace).await;
                }
                () = sleep_until(deadline) => {
                    let name = &name.name;
                    let what = format!("timed out ({}s) waiting for app {name:?} match desired state", timeout.as_secs());
                    break Err(Failure::new(Kind::Timeout, what).cause(format!("it still waits for {waits_for}")));
                }
            }
            let Some(app) = &last else { continue };
            let (shown, doubt) = heartbeat.judged(app, self.context.now());
            if let Some(reason) = doubt.filter(|_| !doubted) {
                self.console.note(&format!("{reason}; its word is waited for"));
                doubted = true;
            }
            let gap = missing(wanted, &shown);
            waits_for = gap.clone().unwrap_or_default();
            progress.show(self.console, &shown, &waits_for, self.context.now());
            if gap.is_none() {
                break Ok(());
            }
            let health = shown.status.health.status.clone();
            if let Some(failure) = turned_bad(name, wanted, healthy_before.as_ref(), health.as_ref()) {
                break Err(failure);
            }
            healthy_before = health;
        };
        progress.end(self.console);
        let last = last.map(|app| heartbeat.judged(&app, self.context.now()).0);
        Ok((last, result))
    }

    /// Prints how an application is after the wait.
    pub(super) async fn report(
        &mut self,
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
            let name = AppName { namespace: app.metadata.namespace.clone(), name: app.metadata.name.clone() };
            let value = self.store.get(&name).await?;
            self.console.object(&value, form);
            return Ok(());
        }
        let around = self.around(app).await;
        let mut text = format!("\n{}\n", view::details::summary(app, &around, look));
        if wanted.operation {
            text += &view::operation::summary(app, self.context.now(), look);
        }
        let table = view::resources::table(app, COLUMN, look);
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
