//! Carries commands out: reads, decides, writes, prints.

mod actions;
mod apps;
mod clusters;
mod create;
mod delete;
mod diff;
mod filter;
mod get;
mod hold;
mod list;
mod manifests;
mod progress;
mod rollback;
mod set;
mod sync;
mod terminate;
mod verdict;
mod wait;
mod why;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::Path;

use crate::command::{ActionsCommand, AppCommand, ClusterCommand};
use crate::console::Console;
use crate::context::{Context, Style};
use crate::failure::{Failure, Kind};
use crate::name::AppName;
use crate::store::Store;

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
    let mut console = Console::of_process(&context);
    execute(command, &context, &mut console).await
}

/// Carries out a command about clusters; the rest as in [`run`].
pub async fn run_cluster(command: ClusterCommand, context: Context) -> u8 {
    let mut console = Console::of_process(&context);
    let store = Store::new(context.client.clone());
    let result = Session { context: &context, store, console: &mut console }.clusters(command).await;
    result.unwrap_or_else(|failure| {
        console.tell(&failure.render(console.err_look, context.now()));
        failure.kind.exit_code(context.style)
    })
}

async fn execute(command: AppCommand, context: &Context, console: &mut Console) -> u8 {
    let is_diff = matches!(command, AppCommand::Diff(_));
    let store = Store::new(context.client.clone());
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
        AppCommand::Actions(ActionsCommand::List(args)) => Box::pin(session.list_actions(args)).await,
        AppCommand::Actions(ActionsCommand::Run(args)) => Box::pin(session.run_action(args)).await,
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            let text = failure.render(console.err_look, context.now());
            console.tell(&text);
            match (context.style, failure.kind) {
                // Where 1 means a difference, misuse has a code of its own.
                (Style::Argocd, Kind::Usage) if is_diff => 2,
                (style, kind) => kind.exit_code(style),
            }
        }
    }
}

impl Session<'_> {
    /// Reads a name, in the namespace of a flag or of the installation.
    fn name(&self, text: &str, namespace: Option<&str>) -> Result<AppName, Failure> {
        AppName::parse(text, namespace.unwrap_or(&self.context.namespace))
    }

    /// The names that were given, or those of the applications with these labels.
    async fn names(
        &self,
        names: &[String],
        selector: Option<&str>,
        namespace: Option<&str>,
    ) -> Result<Vec<AppName>, Failure> {
        let Some(selector) = selector else {
            return names.iter().map(|name| self.name(name, namespace)).collect();
        };
        let namespace = namespace.unwrap_or(&self.context.namespace);
        let (found, _) = self.store.list(namespace, selector).await?;
        if found.is_empty() {
            return Err(Failure::new(Kind::NotFound, format!("no application has the labels {selector:?}")));
        }
        let names = found.iter().filter_map(|app| app["metadata"]["name"].as_str());
        names.map(|name| AppName::parse(name, namespace)).collect()
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
