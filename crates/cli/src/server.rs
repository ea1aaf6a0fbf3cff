//! Words about a server, and where it is.

mod account;
mod cluster;
mod contexts;
mod forward;
mod project;
mod reach;
mod repository;
mod session;
mod sso;
mod talk;
mod token;
mod trust;
mod version;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use self::talk::Talk;
use crate::command::{ClusterCommand, ConnectionFlags, ServerCommand};
use crate::console::Console;
use crate::context::{Connection, Face};
use crate::failure::Failure;

pub use self::reach::{Backend, Target};

/// What a command about a server takes from the process that it runs in.
#[derive(Clone)]
pub struct Local {
    /// For whom it prints.
    pub face: Face,
    /// How the server is reached, as it was typed.
    pub flags: ConnectionFlags,
    /// Kubeconfig of the cluster whose server's port may be forwarded; as kubectl finds it otherwise.
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig.
    pub kube_context: Option<String>,
    /// Environment variables.
    pub variable: fn(&str) -> Option<String>,
    /// The time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").field("face", &self.face).finish_non_exhaustive()
    }
}

impl Local {
    /// The server that a command asks, connected to with a session that goes on; `None` for the cluster, as [`Self::backend`] says.
    ///
    /// # Errors
    /// What went wrong was said; the exit code is the answer.
    pub async fn connection(&self) -> Result<Option<Connection>, u8> {
        let mut console = Console::of_process(&self.face);
        let found = match self.target() {
            Ok(None) => Ok(None),
            Ok(Some(target)) => {
                let scheme = if target.options.plaintext { "http" } else { "https" };
                let url = format!("{scheme}://{}", target.options.server.trim_end_matches(":443"));
                let remote = Box::pin(Talk::new(self, &mut console).reach(target)).await;
                remote.map(|remote| Some(Connection::Server { remote, url }))
            }
            Err(failure) => Err(failure),
        };
        found.map_err(|failure| console.end(&failure, self.face.style, (self.clock)()))
    }
}

/// Carries a word about a server out; streams and exit codes as in [`crate::run`].
pub async fn serve(command: ServerCommand, local: Local) -> u8 {
    let mut console = Console::of_process(&local.face);
    let result = carry_out(command, &mut Talk::new(&local, &mut console)).await;
    result.unwrap_or_else(|failure| console.end(&failure, local.face.style, (local.clock)()))
}

/// Carries a word about clusters out on a server; `kubeconfig` is where those that are added come from.
pub async fn serve_cluster(command: ClusterCommand, local: Local, kubeconfig: Option<&Path>) -> u8 {
    let mut console = Console::of_process(&local.face);
    let result = Box::pin(Talk::new(&local, &mut console).clusters(command, kubeconfig)).await;
    result.unwrap_or_else(|failure| console.end(&failure, local.face.style, (local.clock)()))
}

async fn carry_out(command: ServerCommand, talk: &mut Talk<'_>) -> Result<u8, Failure> {
    match command {
        ServerCommand::Login(args) => Box::pin(talk.login(args)).await,
        ServerCommand::Logout(args) => talk.logout(&args),
        ServerCommand::Relogin(args) => Box::pin(talk.relogin(args)).await,
        ServerCommand::Context(args) => talk.contexts(&args),
        ServerCommand::Configure(_) => talk.configure(),
        ServerCommand::Version(args) => Box::pin(talk.version(&args)).await,
        ServerCommand::Account(command) => Box::pin(talk.account(command)).await,
        ServerCommand::Repo(command) => Box::pin(talk.repositories(command)).await,
        ServerCommand::Repocreds(command) => Box::pin(talk.repository_credentials(command)).await,
        ServerCommand::Cert(command) => Box::pin(talk.certificates(command)).await,
        ServerCommand::Gpg(command) => Box::pin(talk.keys(command)).await,
        ServerCommand::Proj(command) => Box::pin(talk.projects(command)).await,
    }
}
