//! The words that a server answers, or that are about which one.

use clap::Subcommand;

use super::{
    AccountCommand, CertCommand, ConfigureArgs, ContextArgs, GpgCommand, LoginArgs, LogoutArgs,
    ProjectCommand, ReloginArgs, RepoCommand, RepoCredsCommand, VersionArgs,
};

/// A word about a server.
#[derive(Debug, Clone, Subcommand)]
pub enum ServerCommand {
    /// Log in to a server
    Login(LoginArgs),
    /// Forget the token of a context
    Logout(LogoutArgs),
    /// Log in again where the current context did
    Relogin(ReloginArgs),
    /// List contexts, change to one, or forget one
    #[command(visible_alias = "ctx")]
    Context(ContextArgs),
    /// Change settings of this machine
    Configure(ConfigureArgs),
    /// Print the versions of this program and of the server
    Version(VersionArgs),
    /// Manage accounts, their passwords and tokens
    #[command(subcommand)]
    Account(AccountCommand),
    /// Manage projects, their roles and sync windows
    #[command(subcommand)]
    Proj(ProjectCommand),
    /// Manage repositories
    #[command(subcommand)]
    Repo(RepoCommand),
    /// Manage credentials for all repositories below a URL
    #[command(subcommand)]
    Repocreds(RepoCredsCommand),
    /// Manage certificates and known hosts of repositories
    #[command(subcommand)]
    Cert(CertCommand),
    /// Manage keys that commits are signed by
    #[command(subcommand)]
    Gpg(GpgCommand),
}
