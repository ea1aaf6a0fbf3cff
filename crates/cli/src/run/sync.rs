//! `app sync`.

use api::{
    Application, Backoff, NameValue, Operation, OperationInitiator, OperationPhase, OperationState,
    RetryStrategy, SyncOperation, SyncOperationResource, SyncStatusCode, SyncStrategy, SyncStrategyApply,
    SyncStrategyHook,
};
use applications::What;
use resource::Object;
use serde_json::{Value, json};

use super::Session;
use super::filter::Filters;
use super::manifests::{local, several_sources};
use super::verdict::{Wanted, is_busy};
use crate::command::SyncArgs;
use crate::failure::{Failure, Kind};
use crate::name::AppName;
use crate::spec::pair;
use crate::view::operation::pruning_required;

/// Most bytes that `--local` puts into an Application, which holds them twice while the sync runs and must stay below what an API server
/// stores (1.5 MiB).
const MOST_LOCAL_BYTES: usize = 512 << 10;

impl Session<'_> {
    pub(super) async fn sync(&mut self, args: SyncArgs) -> Result<u8, Failure> {
        let names = self.names(&args.names, args.selector.as_deref(), args.app_namespace.as_deref()).await?;
        let filters = Filters::parse(&args.resources)?;
        for name in names {
            self.check_windows(&name).await?;
            let manifests = self.local_manifests(&name, &args).await?;
            let user = &self.context.user;
            self.store
                .update(&name, |app| {
                    let operation = operation(app, &args, &filters, &manifests, user)?;
                    Ok(Some(begin(&operation)))
                })
                .await?;
            if args.no_wait {
                continue;
            }
            Box::pin(self.follow_operation(&name, args.timeout, &args.output, !filters.is_empty())).await?;
        }
        Ok(0)
    }

    /// What `--local` brings along: rendered here, by the controller's own functions, and named and tracked as it would.
    async fn local_manifests(&mut self, name: &AppName, args: &SyncArgs) -> Result<Vec<String>, Failure> {
        if args.local.is_none() {
            return Ok(Vec::new());
        }
        let mut app = self.store.application(name).await?;
        // What would be refused is not rendered first.
        check_idle(&app)?;
        if app.spec.has_multiple_sources() {
            return Err(several_sources("--local"));
        }
        if app.spec.automated().is_some() && !args.dry_run {
            let what = "Cannot use local sync when Automatic Sync Policy is enabled except with --dry-run";
            return Err(Failure::new(Kind::Denied, what).next(format!(
                "turn it off first: capstan app set {} --sync-policy none",
                app.metadata.name
            )));
        }
        let local = local(args.local.as_deref(), args.local_repo_root.as_deref(), &mut app)?;
        let what = What { local, desired_only: true, ..What::default() };
        let rendered = self.evaluate(&app, &what).await?.desired;
        let text = |(object, _): &(Object, String)| Value::Object(object.as_map().clone()).to_string();
        let manifests: Vec<String> = rendered.iter().map(text).collect();
        let bytes: usize = manifests.iter().map(String::len).sum();
        if manifests.is_empty() {
            return Err(Failure::usage(
                "the directory makes no objects: a sync of nothing is not asked for by --local",
            ));
        }
        if bytes > MOST_LOCAL_BYTES {
            return Err(Failure::usage(format!(
                "the manifests have {bytes} bytes; with --local they go into the Application, which takes {MOST_LOCAL_BYTES}"
            ))
            .next("sync them by git".to_owned()));
        }
        Ok(manifests)
    }

    /// Waits for the end of an operation and says how it ended. **Errors**: not well, or not in time.
    pub(super) async fn follow_operation(
        &mut self,
        name: &AppName,
        timeout: std::time::Duration,
        output: &str,
        selective: bool,
    ) -> Result<(), Failure> {
        let wanted = Wanted::operation();
        let (app, result) = Box::pin(self.settle(name, &wanted, timeout, output != "wide")).await?;
        if let Some(app) = &app {
            self.report(app, &wanted, output).await?;
        }
        result?;
        app.as_ref().map_or(Ok(()), |app| judge(app, selective))
    }
}

/// The patch that asks for an operation. The state of the one before goes, so that what is there afterwards is this
/// one's.
pub(super) fn begin(operation: &Operation) -> Value {
    let operation = serde_json::to_value(operation).expect("wire types have string keys");
    json!({ "operation": operation, "status": { "operationState": null } })
}

/// **Errors**: an operation is asked for or under way.
pub(super) fn check_idle(app: &Application) -> Result<(), Failure> {
    let running = app.status.running().is_some();
    if app.operation.is_some() || running {
        return Err(Failure::new(Kind::Conflict, "another operation is already in progress").next(format!(
            "wait for it: capstan app wait {0} --operation, or end it: capstan app terminate-op {0}",
            app.metadata.name
        )));
    }
    Ok(())
}

/// Whether an operation that has ended has ended well.
fn judge(app: &Application, selective: bool) -> Result<(), Failure> {
    let Some(state) = app.status.operation_state.as_ref().filter(|_| !is_busy(app)) else { return Ok(()) };
    if state.phase != OperationPhase::Succeeded {
        return Err(failed(state, &app.metadata.name));
    }
    let dry_run = state.operation.sync.as_ref().is_some_and(|sync| sync.dry_run);
    let left = pruning_required(state);
    if left > 0 && !dry_run && !selective && app.status.sync.status != SyncStatusCode::Synced {
        return Err(Failure::new(Kind::PruningRequired, format!("{left} resources require pruning"))
            .next(format!("delete them: capstan app sync {} --prune", app.metadata.name)));
    }
    Ok(())
}

fn failed(state: &OperationState, name: &str) -> Failure {
    let failure =
        Failure::new(Kind::Operation, format!("Operation has completed with phase: {}", state.phase));
    let failure = if state.message.is_empty() { failure } else { failure.cause(state.message.clone()) };
    failure.next(format!("see each resource: capstan app get {name} --show-operation"))
}

/// The operation that the flags ask for. **Errors**: one is under way, or the flags do not fit the application.
fn operation(
    app: &Application,
    args: &SyncArgs,
    filters: &Filters,
    manifests: &[String],
    user: &str,
) -> Result<Operation, Failure> {
    check_idle(app)?;
    let several = app.spec.has_multiple_sources();
    if several && args.revision.is_some() {
        return Err(Failure::usage("the application has several sources")
            .next("name a revision for each: --revisions"));
    }
    if !args.revisions.is_empty() && args.revisions.len() != app.spec.sources().len() {
        let what =
            format!("{} revisions were given for {} sources", args.revisions.len(), app.spec.sources().len());
        return Err(Failure::usage(what));
    }
    let target = app.spec.sources().first().map(|source| source.target_revision.as_str()).unwrap_or_default();
    let target = if target.is_empty() { "HEAD" } else { target };
    if let Some(revision) = args.revision.as_deref().filter(|revision| *revision != target)
        && app.spec.automated().is_some()
        && !args.dry_run
    {
        let what = format!("Cannot sync to {revision}: auto-sync currently set to {target}");
        return Err(Failure::new(Kind::Denied, what)
            .next(format!("turn it off first: capstan app set {} --sync-policy none", app.metadata.name)));
    }
    let resources = if filters.is_empty() { Vec::new() } else { filters.choose(app)? };
    let resources = resources.into_iter().map(|key| SyncOperationResource {
        group: key.group,
        kind: key.kind,
        name: key.name,
        namespace: key.namespace,
        ..SyncOperationResource::default()
    });
    let sync = SyncOperation {
        revision: args.revision.clone().unwrap_or_default(),
        revisions: args.revisions.clone(),
        prune: args.prune,
        dry_run: args.dry_run,
        sync_strategy: Some(strategy(args)),
        resources: resources.collect(),
        sync_options: options(app, args),
        manifests: manifests.to_vec(),
        ..SyncOperation::default()
    };
    let info = args.infos.iter().map(|text| {
        let (name, value) = pair(text)?;
        Ok(NameValue { name: name.to_owned(), value: value.to_owned(), ..NameValue::default() })
    });
    Ok(Operation {
        sync: Some(sync),
        initiated_by: OperationInitiator { username: user.to_owned(), ..OperationInitiator::default() },
        info: info.collect::<Result<_, Failure>>()?,
        retry: retry(app, args),
        ..Operation::default()
    })
}

fn strategy(args: &SyncArgs) -> SyncStrategy {
    let force = args.force;
    if args.strategy.as_deref() == Some("apply") {
        let apply = SyncStrategyApply { force, ..SyncStrategyApply::default() };
        SyncStrategy { apply: Some(apply), ..SyncStrategy::default() }
    } else {
        let hook = SyncStrategyHook { force, ..SyncStrategyHook::default() };
        SyncStrategy { hook: Some(hook), ..SyncStrategy::default() }
    }
}

/// The application's own options and those of the flags. (With the peer a flag makes it forget the application's.)
fn options(app: &Application, args: &SyncArgs) -> Vec<String> {
    let mut options =
        app.spec.sync_policy.as_ref().map(|policy| policy.sync_options.clone()).unwrap_or_default();
    for (flag, name) in [
        (args.replace, "Replace"),
        (args.server_side, "ServerSideApply"),
        (args.apply_out_of_sync_only, "ApplyOutOfSyncOnly"),
    ] {
        if flag {
            options.retain(|there| there.split('=').next() != Some(name));
            options.push(format!("{name}=true"));
        }
    }
    options
}

fn retry(app: &Application, args: &SyncArgs) -> RetryStrategy {
    if args.retry_limit == 0 {
        return app.spec.sync_policy.as_ref().and_then(|policy| policy.retry.clone()).unwrap_or_default();
    }
    RetryStrategy {
        limit: args.retry_limit,
        refresh: args.retry_refresh,
        backoff: Some(Backoff {
            duration: args.retry_backoff_duration.clone(),
            max_duration: args.retry_backoff_max_duration.clone(),
            factor: Some(args.retry_backoff_factor),
            ..Backoff::default()
        }),
        ..RetryStrategy::default()
    }
}
