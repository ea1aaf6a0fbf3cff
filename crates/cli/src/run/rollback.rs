//! `app rollback`.

use api::{Application, Operation, RevisionHistory, hold as holds};
use serde_json::json;

use super::Session;
use super::hold;
use super::sync::{begin, check_idle};
use crate::command::RollbackArgs;
use crate::failure::{Failure, Kind};
use crate::name::AppName;
use crate::store::{Store, query};

/// Fewest letters of a commit that name one.
const SHORTEST_COMMIT: usize = 4;

impl Session<'_> {
    pub(super) async fn rollback(&mut self, args: RollbackArgs) -> Result<u8, Failure> {
        let mut name = self.name(&args.name, args.app_namespace.as_deref())?;
        if matches!(self.store, Store::Server(_)) {
            name = Box::pin(self.ask_rollback(&name, &args)).await?;
        } else {
            self.begin_rollback(&name, &args).await?;
        }
        if !args.no_wait {
            Box::pin(self.follow_operation(&name, args.timeout, &args.output, false)).await?;
        }
        Ok(0)
    }

    async fn begin_rollback(&mut self, name: &AppName, args: &RollbackArgs) -> Result<(), Failure> {
        let user = &self.context.user;
        let until = holds::until(args.hold, self.context.now());
        let app = self
            .store
            .update(name, |app| {
                let mut patch = begin(&operation(app, args, user)?);
                if app.spec.automated().is_some() {
                    let reason = match &args.reason {
                        Some(reason) => reason.clone(),
                        None => format!("rolled back to {}", entry(app, args)?.id),
                    };
                    patch["metadata"]["annotations"] = holds::annotations(&until, &reason);
                }
                Ok(Some(patch))
            })
            .await?;
        if app.spec.automated().is_some() {
            self.console.note(hold::said(&args.name, &until).trim_end());
        }
        Ok(())
    }

    /// A server holds what syncs by itself; for another time or reason than its own that is said again. The answer is the name in full, by
    /// which the peer's client goes on.
    async fn ask_rollback(&mut self, name: &AppName, args: &RollbackArgs) -> Result<AppName, Failure> {
        let server = self.server("rollback")?.clone();
        let app = self.store.application(name).await?;
        let mut request = query(name);
        request["id"] = entry(&app, args)?.id.into();
        request["prune"] = args.prune.into();
        server.ask("Rollback", &request, format!("cannot roll application {name} back")).await?;
        let full = AppName { namespace: app.metadata.namespace.clone(), name: app.metadata.name.clone() };
        if app.spec.automated().is_none() {
            return Ok(full);
        }
        let until = holds::until(args.hold, self.context.now());
        if args.hold != holds::ROLLBACK || args.reason.is_some() {
            let reason = args.reason.clone().unwrap_or_else(|| "rolled back".to_owned());
            let held = json!({ "metadata": { "annotations": holds::annotations(&until, &reason) } });
            server.update(name, |_| Ok(Some(held.clone()))).await?;
        }
        self.console.note(hold::said(&args.name, &until).trim_end());
        Ok(full)
    }
}

/// The operation that goes back.
fn operation(app: &Application, args: &RollbackArgs, user: &str) -> Result<Operation, Failure> {
    check_idle(app)?;
    let mut operation = Operation::rollback(app, entry(app, args)?, user);
    if let Some(sync) = &mut operation.sync {
        sync.prune = args.prune;
    }
    Ok(operation)
}

/// The history entry that is meant: by number, by commit (the newest of those), else the last but one.
fn entry<'a>(app: &'a Application, args: &RollbackArgs) -> Result<&'a RevisionHistory, Failure> {
    let (history, name) = (&app.status.history, &app.metadata.name);
    let see = format!("see which there are: capstan app history {name}");
    let wanted = args.id.map(|id| id.to_string()).or_else(|| args.revision.clone());
    let Some(wanted) = wanted else {
        return history.iter().rev().nth(1).ok_or_else(|| {
            let what = format!("application '{name}' should have at least two successful deployments");
            Failure::new(Kind::NotFound, what).next(see)
        });
    };
    if let Some(entry) = wanted.parse::<i64>().ok().and_then(|id| history.iter().find(|entry| entry.id == id))
    {
        return Ok(entry);
    }
    let commit = wanted.to_lowercase();
    let is_commit = args.id.is_none() && commit.len() >= SHORTEST_COMMIT;
    let has = |entry: &&RevisionHistory| {
        [&entry.revision]
            .into_iter()
            .chain(&entry.revisions)
            .any(|revision| revision.to_lowercase().starts_with(&commit))
    };
    history.iter().rev().filter(|_| is_commit).find(has).ok_or_else(|| {
        let what = format!("application '{name}' does not have deployment id '{wanted}' in history");
        Failure::new(Kind::NotFound, what).next(see)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample;

    fn args(id: Option<i64>, revision: Option<&str>) -> RollbackArgs {
        RollbackArgs {
            name: "guestbook".to_owned(),
            id,
            revision: revision.map(str::to_owned),
            prune: true,
            hold: std::time::Duration::ZERO,
            reason: None,
            no_wait: false,
            timeout: std::time::Duration::ZERO,
            output: "wide".to_owned(),
            app_namespace: None,
        }
    }

    #[test]
    fn finds_the_entry_that_is_meant() {
        let app = sample::guestbook();
        for (reason, args, expected) in [
            ("the last but one", args(None, None), Ok(0)),
            ("by number", args(Some(1), None), Ok(1)),
            ("by number in a flag", args(None, Some("1")), Ok(1)),
            ("by commit", args(None, Some("AAAAAAA")), Ok(0)),
            (
                "too short a commit",
                args(None, Some("aaa")),
                Err("application 'guestbook' does not have deployment id 'aaa' in history"),
            ),
            (
                "no such number",
                args(Some(7), None),
                Err("application 'guestbook' does not have deployment id '7' in history"),
            ),
        ] {
            let found = entry(&app, &args).map(|entry| entry.id).map_err(|failure| failure.what);
            assert_eq!(found.as_ref().map_err(String::as_str), expected.as_ref().map_err(|e| *e), "{reason}");
        }
    }

    #[test]
    fn goes_back_without_hooks() {
        let app = sample::guestbook();
        let operation = operation(&app, &args(None, None), "eve").unwrap();
        let sync = operation.sync.unwrap();
        assert!(
            sync.revision.starts_with("aaaaaaa") && sync.prune && sync.sync_strategy.unwrap().skips_hooks()
        );
        assert_eq!(
            (sync.source.unwrap().path.as_str(), operation.initiated_by.username.as_str()),
            ("guestbook", "eve")
        );
    }
}
