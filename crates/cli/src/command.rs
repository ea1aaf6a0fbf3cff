//! What can be typed after `app` and `cluster`.

mod account;
mod actions;
mod appset;
mod change;
mod clusters;
mod connection;
mod projects;
mod read;
mod repositories;
mod resource;
mod server;
mod session;
mod source;

pub use account::{
    AccountCommand, BcryptArgs, CanIArgs, DeleteTokenArgs, GenerateTokenArgs, GetAccountArgs,
    ListAccountsArgs, UpdatePasswordArgs, UserInfoArgs,
};
pub use actions::{ActionsCommand, ListActionsArgs, ResourceFlags, RunActionArgs};
pub use appset::{
    AppSetCommand, CreateAppSetsArgs, DeleteAppSetsArgs, GenerateArgs, GetAppSetArgs, ListAppSetsArgs,
};
pub use change::{
    CreateArgs, DeleteArgs, HoldArgs, ReleaseArgs, RollbackArgs, SetArgs, SyncArgs, TerminateOpArgs, WaitArgs,
};
pub use clusters::{
    AddClusterArgs, ClusterCommand, ClusterOutput, GetClusterArgs, ListClustersArgs, RemoveClustersArgs,
    RotateAuthArgs, SetClusterArgs,
};
pub use connection::ConnectionFlags;
pub use projects::{
    AddWindowArgs, CreateProjectArgs, CreateRoleArgs, CreateTokenArgs, DeleteProjectsArgs,
    DeleteRoleTokenArgs, DestinationArgs, EditProjectArgs, GetProjectArgs, GroupArgs, KindArgs,
    ListTokensArgs, NamespacedKindArgs, OrphanArgs, OutputArgs, PolicyArgs, ProjectCommand, ProjectFlags,
    ProjectItemArgs, RemoveDestinationArgs, RemoveServiceAccountArgs, RoleArgs, RoleCommand,
    ServiceAccountArgs, SetProjectArgs, UpdateWindowArgs, WindowArgs, WindowFlags, WindowsCommand,
};
pub use read::{DiffArgs, GetArgs, HistoryArgs, ListArgs, ManifestsArgs, ResourcesArgs, WhyArgs};
pub use repositories::{
    AddKeysArgs, AddRepoArgs, AddRepoCredsArgs, AddSshArgs, AddTlsArgs, CertCommand, GetKeyArgs, GetRepoArgs,
    GpgCommand, ListCertsArgs, ListKeysArgs, ListRepoCredsArgs, ListReposArgs, RemoveCertsArgs,
    RemoveKeyArgs, RemoveRepoCredsArgs, RemoveReposArgs, RepoCommand, RepoCredentialFlags, RepoCredsCommand,
};
pub use resource::{
    AddSourceArgs, ConfirmDeletionArgs, DeleteResourceArgs, EditArgs, GetResourceArgs, LogsArgs, PatchArgs,
    PatchResourceArgs, RemoveSourceArgs, UnsetArgs, UnsetFlags,
};
pub use server::ServerCommand;
pub use session::{BrowserArgs, ConfigureArgs, ContextArgs, LoginArgs, LogoutArgs, ReloginArgs, VersionArgs};
pub use source::{SourceRevisions, SpecFlags};

use crate::context::{ColorChoice, ProgressChoice};

/// A command about Applications.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum AppCommand {
    /// List applications
    List(ListArgs),
    /// Show one application: its source, its status and its resources
    Get(GetArgs),
    /// Show what a sync would change
    Diff(DiffArgs),
    /// Say why an application is out of sync, unwell, or waits
    Why(WhyArgs),
    /// Sync applications: make the cluster what git says
    Sync(Box<SyncArgs>),
    /// Wait until applications are synced, healthy, or idle
    Wait(WaitArgs),
    /// List the successful syncs of an application
    History(HistoryArgs),
    /// Go back to an earlier sync
    Rollback(RollbackArgs),
    /// Let an application rest for a while that syncs by itself
    Hold(HoldArgs),
    /// End a hold
    Release(ReleaseArgs),
    /// Create an application
    Create(Box<CreateArgs>),
    /// Delete applications, and what they manage
    Delete(DeleteArgs),
    /// Print the manifests of an application
    Manifests(ManifestsArgs),
    /// List the resources of an application
    Resources(ResourcesArgs),
    /// End the operation under way
    #[command(name = "terminate-op")]
    TerminateOp(TerminateOpArgs),
    /// Change the specification of an application
    Set(Box<SetArgs>),
    /// Take parameters of an application's source away
    Unset(UnsetArgs),
    /// Change an application by a patch
    Patch(PatchArgs),
    /// Change the specification of an application in an editor
    Edit(EditArgs),
    /// Add a source to those of an application
    #[command(name = "add-source")]
    AddSource(Box<AddSourceArgs>),
    /// Take a source from those of an application
    #[command(name = "remove-source")]
    RemoveSource(RemoveSourceArgs),
    /// Allow what waits for a confirmation to be deleted
    #[command(name = "confirm-deletion")]
    ConfirmDeletion(ConfirmDeletionArgs),
    /// Show live objects of an application
    #[command(name = "get-resource")]
    GetResource(GetResourceArgs),
    /// Patch live objects of an application
    #[command(name = "patch-resource")]
    PatchResource(PatchResourceArgs),
    /// Delete live objects of an application
    #[command(name = "delete-resource")]
    DeleteResource(DeleteResourceArgs),
    /// Show what the containers of an application print
    Logs(LogsArgs),
    /// List and run actions of resources, such as a restart
    #[command(subcommand, help_template = concat!(
        "{about-with-newline}\nExamples:\n  capstan app actions list guestbook\n  ",
        "capstan app actions run guestbook restart --kind Deployment\n\n",
        "{usage-heading} {usage}\n\n{all-args}{after-help}"
    ))]
    Actions(ActionsCommand),
}

/// Flags about output, for every command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct OutputFlags {
    /// When to use colours
    #[arg(long, value_enum, default_value_t, global = true)]
    pub color: ColorChoice,
    /// How to show progress
    #[arg(long, value_enum, default_value_t, global = true)]
    pub progress: ProgressChoice,
}

/// The help text of a command: purpose, examples, the rest.
macro_rules! help {
    ($($example:literal)+) => {
        concat!("{about-with-newline}\nExamples:\n", $("  ", $example, "\n",)+ "\n{usage-heading} {usage}\n\n{all-args}{after-help}")
    };
}
pub(crate) use help;

/// A time to wait: seconds, or a duration such as `5m`. 0 is no limit.
pub(crate) fn timeout(text: &str) -> Result<std::time::Duration, String> {
    api::parse_duration(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser, Subcommand};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: AppCommand,
        #[command(flatten)]
        output: OutputFlags,
        #[command(flatten)]
        connection: ConnectionFlags,
    }

    #[test]
    fn the_command_line_is_sound() {
        Line::command().debug_assert();
        let names: Vec<&str> =
            Line::command().get_subcommands().map(clap::Command::get_name).map(|_| "").collect();
        assert_eq!(names.len(), 27);
    }

    #[test]
    fn every_help_begins_with_examples() {
        for command in Line::command().get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            let examples = help.find("Examples:").unwrap_or(usize::MAX);
            assert!(examples < help.find("Usage:").unwrap_or_default(), "{help}");
            assert!(AppCommand::has_subcommand(command.get_name()));
        }
    }

    #[test]
    fn lines_that_the_peers_users_type_are_taken() {
        for line in [
            "list",
            "list -o name -l team=a,env!=dev -p default -c in-cluster -r https://h/r --path apps",
            "get guestbook --refresh",
            "get guestbook --hard-refresh -o tree=detailed --show-params --show-operation",
            "diff guestbook --local . --exit-code=false",
            "diff guestbook --revision main --diff-exit-code 3 --refresh",
            "sync guestbook --prune --revision main --resource apps:Deployment:web --timeout 5m --async --force",
            "sync -l app=x --retry-limit 3 --retry-backoff-duration 5s --apply-out-of-sync-only --strategy apply",
            "sync a b c --dry-run --replace --server-side --info k=v --timeout 60",
            "wait guestbook --health --sync --operation --timeout 300",
            "wait -l team=a --suspended --degraded --delete",
            "history guestbook -o id",
            "actions list guestbook --kind Deployment --group apps --namespace shop --resource-name web -o json",
            "actions run guestbook restart --kind Deployment --all --param a=b",
            "rollback guestbook 3 --prune",
            "rollback guestbook --revision 3 --timeout 30",
            "rollback guestbook",
            "create g --repo https://h/r --path p --dest-server https://kubernetes.default.svc --dest-namespace d \
             --sync-policy automated --auto-prune --self-heal --sync-option CreateNamespace=true --upsert",
            "create -f app.yaml",
            "create g --repo r --helm-chart c --values v.yaml -p a=b --helm-set c=d --revision 1.0 --dest-name in-cluster",
            "delete guestbook --cascade=false -y --wait",
            "delete a b --propagation-policy background --yes",
            "manifests guestbook --source live --revision 4f2",
            "resources guestbook -o tree=detailed --orphaned",
            "terminate-op guestbook",
            "why guestbook -o json",
            "set guestbook -p image.tag=v2 --kustomize-image web=web:v2 --sync-policy none --self-heal=false",
            "list --color never --progress plain",
            "sync web --grpc-web --server cd.example:443 --auth-token x --insecure --core",
        ] {
            let line = ["app"].into_iter().chain(line.split_whitespace());
            if let Err(error) = Line::try_parse_from(line.clone()) {
                panic!("{:?}: {error}", line.collect::<Vec<_>>());
            }
        }
    }
}
