//! Carries commands out: reads, decides, writes, prints.

mod actions;
mod apps;
mod appset;
mod clusters;
mod create;
mod delete;
mod diff;
mod filter;
mod get;
mod hold;
mod list;
mod logs;
mod manifests;
mod patch;
mod progress;
mod resource;
mod revisions;
mod rollback;
mod set;
mod sources;
mod sync;
mod terminate;
mod verdict;
mod wait;
mod why;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::command::{ActionsCommand, AppCommand, AppSetCommand, ClusterCommand};
use crate::console::{Console, Form};
use crate::context::{Connection, Context, Style};
use crate::failure::{Failure, Kind};
use crate::name::AppName;
use crate::store::{Cluster, Server, Store, complete};

/// What an Application is in the API.
const APPLICATION_MESSAGE: &str = "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.Application";
/// Longest file that is read, in bytes.
const FILE_BYTES: u64 = 32 << 20;

/// What a command works with.
struct Session<'a> {
    context: &'a Context,
    store: Store,
    console: &'a mut Console,
}

/// Carries a command out. The result goes to the standard output, progress and errors to the standard error.
///
/// **Shape**: the answer is the exit code. Natively 0 ok, 1 difference or condition not met, 2 usage, 3 not found,
/// 4 denied, 5 cannot connect, 6 timeout, 7 operation failed, 8 conflict, 20 other; as `argocd` 20 for errors and 1
/// for failed operations, as the peer's.
pub async fn run(command: AppCommand, context: Context) -> u8 {
    let mut console = Console::of_process(&context.face());
    execute(command, &context, &mut console).await
}

/// Carries out a command about clusters; the rest as in [`run`].
pub async fn run_cluster(command: ClusterCommand, context: Context) -> u8 {
    let mut console = Console::of_process(&context.face());
    let store = Store::new(&context.connection);
    let result = Session { context: &context, store, console: &mut console }.clusters(command).await;
    result.unwrap_or_else(|failure| console.end(&failure, context.style, context.now()))
}

/// Carries out a command about ApplicationSets; the rest as in [`run`].
pub async fn run_appset(command: AppSetCommand, context: Context) -> u8 {
    let mut console = Console::of_process(&context.face());
    let store = Store::new(&context.connection);
    let result = Box::pin(Session { context: &context, store, console: &mut console }.appset(command)).await;
    result.unwrap_or_else(|failure| console.end(&failure, context.style, context.now()))
}

/// The names of applications, for a shell: with their namespaces where those are others than the installation's. None where they cannot be
/// had.
pub async fn application_names(connection: &Connection, namespace: &str) -> Vec<String> {
    let Ok((found, _)) = Store::new(connection).list(namespace, None, "").await else { return Vec::new() };
    let text = |app: &Value, field: &str| app["metadata"][field].as_str().unwrap_or_default().to_owned();
    let name = |app: &Value| match text(app, "namespace") {
        home if home == namespace => text(app, "name"),
        other => format!("{other}/{}", text(app, "name")),
    };
    found.iter().map(name).collect()
}

async fn execute(command: AppCommand, context: &Context, console: &mut Console) -> u8 {
    let is_diff = matches!(command, AppCommand::Diff(_));
    let store = Store::new(&context.connection);
    let mut session = Session { context, store, console };
    let result = match command {
        AppCommand::List(args) => Box::pin(session.list(args)).await,
        AppCommand::Get(args) => Box::pin(session.get(args)).await,
        AppCommand::Diff(args) => Box::pin(session.diff(args)).await,
        AppCommand::Why(args) => Box::pin(session.why(args)).await,
        AppCommand::Sync(args) => Box::pin(session.sync(*args)).await,
        AppCommand::Wait(args) => Box::pin(session.wait(args)).await,
        AppCommand::History(args) => Box::pin(session.history(args)).await,
        AppCommand::Rollback(args) => Box::pin(session.rollback(args)).await,
        AppCommand::Hold(args) => Box::pin(session.hold(args)).await,
        AppCommand::Release(args) => Box::pin(session.release(args)).await,
        AppCommand::Create(args) => Box::pin(session.create(*args)).await,
        AppCommand::Delete(args) => Box::pin(session.delete(args)).await,
        AppCommand::Manifests(args) => Box::pin(session.manifests(args)).await,
        AppCommand::Resources(args) => Box::pin(session.resources(args)).await,
        AppCommand::TerminateOp(args) => Box::pin(session.terminate(args)).await,
        AppCommand::Set(args) => Box::pin(session.set(*args)).await,
        AppCommand::Unset(args) => Box::pin(session.unset(args)).await,
        AppCommand::Patch(args) => Box::pin(session.patch(args)).await,
        AppCommand::Edit(args) => Box::pin(session.edit(args)).await,
        AppCommand::AddSource(args) => Box::pin(session.add_source(*args)).await,
        AppCommand::RemoveSource(args) => Box::pin(session.remove_source(args)).await,
        AppCommand::ConfirmDeletion(args) => Box::pin(session.confirm_deletion(args)).await,
        AppCommand::GetResource(args) => Box::pin(session.get_resource(args)).await,
        AppCommand::PatchResource(args) => Box::pin(session.patch_resource(args)).await,
        AppCommand::DeleteResource(args) => Box::pin(session.delete_resource(args)).await,
        AppCommand::Logs(args) => Box::pin(session.logs(args)).await,
        AppCommand::Actions(ActionsCommand::List(args)) => Box::pin(session.list_actions(args)).await,
        AppCommand::Actions(ActionsCommand::Run(args)) => Box::pin(session.run_action(args)).await,
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            let code = console.end(&failure, context.style, context.now());
            // Where 1 means a difference, misuse has a code of its own.
            if is_diff && (context.style, failure.kind) == (Style::Argocd, Kind::Usage) { 2 } else { code }
        }
    }
}

impl Session<'_> {
    /// Reads a name, in the namespace of a flag or of the installation.
    fn name(&self, text: &str, namespace: Option<&str>) -> Result<AppName, Failure> {
        AppName::parse(text, namespace.unwrap_or_else(|| self.home()))
    }

    /// The namespace of a name that says none. A server knows its own.
    fn home(&self) -> &str {
        match &self.store {
            Store::Cluster(_) => &self.context.namespace,
            Store::Server(_) => "",
        }
    }

    /// The cluster itself. **Errors**: there is a server in between, which does not do `what`.
    fn cluster(&self, what: &str) -> Result<&Cluster, Failure> {
        match &self.store {
            Store::Cluster(cluster) => Ok(cluster),
            Store::Server(_) => Err(Failure::usage(format!("no server does this: {what}"))
                .next("ask the cluster itself, with your own rights there: repeat the command with --core")),
        }
    }

    /// The server. **Errors**: there is none, and the cluster's API alone does not do `what`.
    fn server(&self, what: &str) -> Result<&Server, Failure> {
        match &self.store {
            Store::Server(server) => Ok(server),
            Store::Cluster(_) => Err(Failure::usage(format!("only a server does this: {what}"))
                .next("name one with --server, or log in to one: capstan login SERVER")),
        }
    }

    /// The names that were given, or those of the applications with these labels and of these projects.
    async fn names(
        &self,
        names: &[String],
        selector: Option<&str>,
        projects: &[String],
        namespace: Option<&str>,
    ) -> Result<Vec<AppName>, Failure> {
        if selector.is_none() && projects.is_empty() {
            return names.iter().map(|name| self.name(name, namespace)).collect();
        }
        let selector = selector.unwrap_or_default();
        let (mut found, _) = match &self.store {
            Store::Cluster(cluster) => {
                cluster.list(namespace.unwrap_or(&self.context.namespace), selector).await?
            }
            Store::Server(server) => server.list(namespace, selector, projects).await?,
        };
        found.retain(|app| {
            let project = app["spec"]["project"].as_str().unwrap_or_default();
            projects.is_empty() || projects.iter().any(|wanted| wanted == project)
        });
        if found.is_empty() {
            let what =
                format!("no application has the labels {selector:?} and one of the projects {projects:?}");
            return Err(Failure::new(Kind::NotFound, what));
        }
        let text = |app: &Value, field: &str| app["metadata"][field].as_str().unwrap_or_default().to_owned();
        found.iter().map(|app| AppName::parse(&text(app, "name"), &text(app, "namespace"))).collect()
    }

    /// A name as the peer's client prints it: as it was typed.
    fn typed(&self, name: &AppName) -> String {
        match &self.store {
            Store::Cluster(_) => name.name.clone(),
            Store::Server(_) => name.to_string(),
        }
    }

    /// Prints an application, or a list of them. What a server told has no kind: the peer's client prints it so, in the form of its types.
    fn applications(&mut self, mut value: Value, form: Form) {
        if matches!(self.store, Store::Server(_)) && !self.console.look.native() {
            return self.console.message(APPLICATION_MESSAGE, &value, form);
        }
        let all = match &mut value {
            Value::Array(list) => list.as_mut_slice(),
            one => std::slice::from_mut(one),
        };
        all.iter_mut().for_each(complete);
        self.console.object(&value, form);
    }

    /// A file of this machine, or the standard input where it is called `-`.
    fn read_file(&mut self, path: &str) -> Result<Vec<u8>, Failure> {
        if path == "-" {
            return self.console.read_input(FILE_BYTES);
        }
        let fail =
            |error: &std::io::Error| Failure::usage(format!("the file {path} cannot be read")).because(error);
        let mut text = Vec::new();
        let file = std::fs::File::open(Path::new(path)).map_err(|error| fail(&error))?;
        file.take(FILE_BYTES + 1).read_to_end(&mut text).map_err(|error| fail(&error))?;
        if text.len() as u64 > FILE_BYTES {
            return Err(Failure::usage(format!("the file {path} is longer than {FILE_BYTES} bytes")));
        }
        Ok(text)
    }
}
