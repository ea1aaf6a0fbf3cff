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
use super::diff::Against;
use super::filter::Filters;
use super::manifests::{ALL_FILES, Revisions, local, several_sources};
use super::verdict::{Wanted, is_busy};
use super::wait::is_for_machines;
use crate::command::SyncArgs;
use crate::failure::{Failure, Kind};
use crate::name::AppName;
use crate::spec::{pair, pairs};
use crate::store::{Store, query};
use crate::view::operation::pruning_required;

/// Most bytes that `--local` puts into an Application, which holds them twice while the sync runs and must stay below what an API server
/// stores (1.5 MiB).
const MOST_LOCAL_BYTES: usize = 512 << 10;

impl Session<'_> {
    pub(super) async fn sync(&mut self, args: SyncArgs) -> Result<u8, Failure> {
        args.sources.check(args.names.len())?;
        let (selector, namespace) = (args.selector.as_deref(), args.app_namespace.as_deref());
        let names = self.names(&args.names, selector, &args.projects, namespace).await;
        let names = names.map_err(|failure| match failure.kind {
            Kind::NotFound => failure.fatal(),
            _ => failure,
        })?;
        for name in names {
            let filters = self.filters(&name, &args).await?;
            let manifests = self.local_manifests(&name, &args).await?;
            if args.preview_changes && !self.preview(&name, &args, &manifests).await? {
                return Ok(0);
            }
            if matches!(self.store, Store::Server(_)) {
                self.ask_sync(&name, &args, &filters, manifests).await?;
            } else {
                self.begin_sync(&name, &args, &filters, &manifests).await?;
            }
            if args.no_wait {
                continue;
            }
            Box::pin(self.follow_operation(&name, args.timeout, &args.output, !filters.is_empty())).await?;
        }
        Ok(0)
    }

    /// What `--resource` names, and `--label` finds among the manifests.
    async fn filters(&mut self, name: &AppName, args: &SyncArgs) -> Result<Filters, Failure> {
        let mut texts = args.resources.clone();
        if !args.labels.is_empty() {
            let labels = pairs(&args.labels)?;
            let app = self.store.application(name).await?;
            let wanted = Revisions { one: args.revision.as_deref(), many: &args.sources, fresh: false };
            let objects = self.wanted(name, &app, &wanted).await?;
            if !self.console.look.native() {
                self.console.print(&format!("The name of the app is  {}\n", name.name));
            }
            let has =
                |object: &Object| labels.iter().any(|(key, value)| object.label(key) == Some(value.as_str()));
            for object in objects.iter().filter(|object| has(object)) {
                let key = object.key();
                texts.push(format!("{}:{}:{}", key.group, key.kind, key.name));
            }
            if texts.is_empty() {
                let what = format!("No matching resources found for labels: {:?}", args.labels);
                return Err(Failure::new(Kind::NotFound, what).fatal());
            }
        }
        Filters::parse(&texts)
    }

    /// Shows what a sync would change, and asks. The answer is whether to go on.
    async fn preview(
        &mut self,
        name: &AppName,
        args: &SyncArgs,
        manifests: &[String],
    ) -> Result<bool, Failure> {
        let app = self.store.application(name).await?;
        let typed = self.typed(name);
        self.console.print(&format!(
            "====== Previewing differences between live and desired state of application {typed} ======\n"
        ));
        let differs = if args.local.is_some() {
            let objects = manifests.iter().filter_map(|text| serde_json::from_str(text).ok());
            let objects = objects.filter_map(|value| Object::from_value(value).ok()).collect();
            self.differences(name, &app, &Against::Objects(objects)).await?
        } else {
            self.differences(name, &app, &Against::Git(What::default())).await?
        };
        if !differs {
            self.console.print("====== No Differences found ======\n");
            return Ok(false);
        }
        if args.assume_yes {
            return Ok(true);
        }
        let question = format!(
            "Please review changes to application {typed} shown above. Do you want to continue the sync process?"
        );
        self.console.confirm(&question)
    }

    async fn begin_sync(
        &mut self,
        name: &AppName,
        args: &SyncArgs,
        filters: &Filters,
        manifests: &[String],
    ) -> Result<(), Failure> {
        self.check_windows(self.cluster("sync")?, name).await?;
        let user = &self.context.user;
        let change = |app: &Application| {
            let operation = operation(app, args, filters, manifests, user)?;
            Ok(Some(begin(&operation)))
        };
        self.store.update(name, change).await.map(drop)
    }

    /// A server decides; what does not fit the application is refused here as the peer's client refuses it.
    async fn ask_sync(
        &mut self,
        name: &AppName,
        args: &SyncArgs,
        filters: &Filters,
        manifests: Vec<String>,
    ) -> Result<(), Failure> {
        let server = self.server("sync")?;
        let app = self.store.application(name).await?;
        if app.spec.has_multiple_sources()
            && args.revision.as_ref().is_some_and(|revision| !revision.is_empty())
        {
            let what = "argocd cli does not work on multi-source app with --revision flag. Use --revisions and --source-position instead.";
            return Err(Failure::usage(what));
        }
        let resources =
            if filters.is_empty() { Vec::new() } else { filters.choose(&app).map_err(Failure::fatal)? };
        let resources = resources.iter().map(
            |key| json!({"group": key.group, "kind": key.kind, "name": key.name, "namespace": key.namespace}),
        );
        let mut request = query(name);
        let more = json!({
            "revision": args.revision.clone().unwrap_or_default(),
            "dryRun": args.dry_run,
            "prune": args.prune,
            "strategy": strategy(args),
            "resources": resources.collect::<Vec<_>>(),
            "manifests": manifests,
            "infos": infos(args)?,
            "revisions": args.sources.revisions,
            "sourcePositions": args.sources.positions(&app)?,
        });
        if let (Some(request), Value::Object(more)) = (request.as_object_mut(), more) {
            request.extend(more);
        }
        let options = asked_options(args);
        if !options.is_empty() {
            request["syncOptions"] = json!({ "items": options });
        }
        if args.retry_limit != 0 {
            request["retryStrategy"] = json!(asked_retry(args));
        }
        server.ask("Sync", &request, format!("cannot sync application {name}")).await.map(drop)
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
            return Err(several_sources("--local").fatal());
        }
        if app.spec.automated().is_some() && !args.dry_run {
            let what = "Cannot use local sync when Automatic Sync Policy is enabled except with --dry-run";
            return Err(Failure::new(Kind::Denied, what).fatal().next(format!(
                "turn it off first: capstan app set {} --sync-policy none",
                app.metadata.name
            )));
        }
        let local = local(args.local.as_deref(), args.local_repo_root.as_deref(), &mut app)?;
        let rendered: Vec<Object> = match (&self.store, local) {
            (Store::Server(server), Some(root)) => {
                let sent = server.render(name, &root, ALL_FILES).await?;
                // A server does not tell values of Secrets, and what it tells instead must not be applied.
                if let Some(secret) = sent.iter().find(|object| object.group_kind().to_string() == "Secret") {
                    let what = format!(
                        "{} cannot be synced by --local: a server tells no values of Secrets",
                        secret.key()
                    );
                    return Err(Failure::usage(what).next("sync it by git, or on the cluster itself: --core"));
                }
                sent
            }
            (_, local) => {
                let what = What { local, desired_only: true, ..What::default() };
                self.evaluate(&app, &what).await?.desired.into_iter().map(|(object, _)| object).collect()
            }
        };
        let text = |object: &Object| Value::Object(object.as_map().clone()).to_string();
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
        let (app, result) = Box::pin(self.settle(name, &wanted, timeout, is_for_machines(output))).await?;
        if let Some(app) = &app {
            self.report(name, app, &wanted, output).await?;
        }
        result?;
        let native = self.console.look.native();
        app.as_ref().map_or(Ok(()), |app| judge(app, selective, native))
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

/// Whether an operation that has ended has ended well. The peer's client takes a dry run for that, however it ended.
fn judge(app: &Application, selective: bool, native: bool) -> Result<(), Failure> {
    let Some(state) = app.status.operation_state.as_ref().filter(|_| !is_busy(app)) else { return Ok(()) };
    let dry_run = state.operation.sync.as_ref().is_some_and(|sync| sync.dry_run);
    if dry_run && !native {
        return Ok(());
    }
    if state.phase != OperationPhase::Succeeded {
        return Err(failed(state, &app.metadata.name));
    }
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
    if app.spec.has_multiple_sources() && args.revision.is_some() {
        return Err(Failure::usage("the application has several sources")
            .next("name a revision for each: --revisions"));
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
        revisions: args.sources.of_all(app)?,
        prune: args.prune,
        dry_run: args.dry_run,
        sync_strategy: Some(strategy(args)),
        resources: resources.collect(),
        sync_options: options(app, args),
        manifests: manifests.to_vec(),
        ..SyncOperation::default()
    };
    Ok(Operation {
        sync: Some(sync),
        initiated_by: OperationInitiator { username: user.to_owned(), ..OperationInitiator::default() },
        info: infos(args)?,
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

/// Notes for the record.
fn infos(args: &SyncArgs) -> Result<Vec<NameValue>, Failure> {
    let info = |text: &String| {
        let (name, value) = pair(text)?;
        Ok(NameValue { name: name.to_owned(), value: value.to_owned(), ..NameValue::default() })
    };
    args.infos.iter().map(info).collect()
}

/// The options that flags stand for.
fn asked_options(args: &SyncArgs) -> Vec<String> {
    let flags = [
        (args.replace, "Replace=true"),
        (args.server_side, "ServerSideApply=true"),
        (args.apply_out_of_sync_only, "ApplyOutOfSyncOnly=true"),
    ];
    flags.into_iter().filter(|(on, _)| *on).map(|(_, option)| option.to_owned()).collect()
}

/// The application's own options and those of the flags. (With the peer a flag makes it forget the application's.)
fn options(app: &Application, args: &SyncArgs) -> Vec<String> {
    let mut options =
        app.spec.sync_policy.as_ref().map(|policy| policy.sync_options.clone()).unwrap_or_default();
    for asked in asked_options(args) {
        options.retain(|there| there.split('=').next() != asked.split('=').next());
        options.push(asked);
    }
    options
}

fn retry(app: &Application, args: &SyncArgs) -> RetryStrategy {
    if args.retry_limit == 0 {
        return app.spec.sync_policy.as_ref().and_then(|policy| policy.retry.clone()).unwrap_or_default();
    }
    asked_retry(args)
}

fn asked_retry(args: &SyncArgs) -> RetryStrategy {
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
