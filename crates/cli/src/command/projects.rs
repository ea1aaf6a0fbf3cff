//! What can be typed after `proj`.

use clap::{ArgAction, Args, Subcommand};

/// A command about projects.
#[derive(Debug, Clone, Subcommand)]
pub enum ProjectCommand {
    /// List projects
    List(OutputArgs),
    /// Show a project
    Get(GetProjectArgs),
    /// Create a project
    Create(Box<CreateProjectArgs>),
    /// Change fields of a project
    Set(Box<SetProjectArgs>),
    /// Change a project in your editor
    Edit(EditProjectArgs),
    /// Delete projects
    Delete(DeleteProjectsArgs),
    /// Permit a repository
    AddSource(ProjectItemArgs),
    /// Permit a repository no more
    RemoveSource(ProjectItemArgs),
    /// Permit Applications in a namespace
    AddSourceNamespace(ProjectItemArgs),
    /// Permit Applications in a namespace no more
    RemoveSourceNamespace(ProjectItemArgs),
    /// Ask for signatures by a key
    AddSignatureKey(ProjectItemArgs),
    /// Ask for signatures by a key no more
    RemoveSignatureKey(ProjectItemArgs),
    /// Permit a destination
    AddDestination(DestinationArgs),
    /// Permit a destination no more
    RemoveDestination(RemoveDestinationArgs),
    /// Say by which service account a destination is synced
    AddDestinationServiceAccount(ServiceAccountArgs),
    /// Say so no more
    RemoveDestinationServiceAccount(RemoveServiceAccountArgs),
    /// Permit a kind without namespaces
    AllowClusterResource(KindArgs),
    /// Refuse a kind without namespaces
    DenyClusterResource(KindArgs),
    /// Permit a kind in namespaces
    AllowNamespaceResource(NamespacedKindArgs),
    /// Refuse a kind in namespaces
    DenyNamespaceResource(NamespacedKindArgs),
    /// Pass over orphaned resources of a kind
    AddOrphanedIgnore(OrphanArgs),
    /// Pass over orphaned resources of a kind no more
    RemoveOrphanedIgnore(OrphanArgs),
    /// Manage roles and their tokens
    #[command(subcommand)]
    Role(RoleCommand),
    /// Manage sync windows
    #[command(subcommand)]
    Windows(WindowsCommand),
}

/// How to print.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// How to print: json, yaml, wide or name
    #[arg(short, long, default_value = "wide")]
    pub output: String,
}

/// `proj get`, `proj role list`, `proj windows list`.
#[derive(Debug, Clone, Args)]
pub struct GetProjectArgs {
    /// Which one
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// How to print: json, yaml or wide
    #[arg(short, long, default_value = "wide")]
    pub output: String,
}

/// `proj create`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  capstan proj create shop --src 'https://git.example/*' --dest 'https://kubernetes.default.svc,shop'\n  capstan proj create -f project.yaml --upsert"
)]
pub struct CreateProjectArgs {
    /// Its name
    #[arg(value_name = "PROJECT")]
    pub project: Option<String>,
    /// A manifest of it; - is the standard input
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<String>,
    /// Change it where it is there with other contents
    #[arg(long)]
    pub upsert: bool,
    /// What it permits
    #[command(flatten)]
    pub spec: ProjectFlags,
}

/// `proj set`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan proj set shop --description 'the shop'")]
pub struct SetProjectArgs {
    /// Which one
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// What it permits
    #[command(flatten)]
    pub spec: ProjectFlags,
}

/// `proj edit`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan proj edit shop\n  EDITOR=nano capstan proj edit shop")]
pub struct EditProjectArgs {
    /// Which one
    #[arg(value_name = "PROJECT")]
    pub project: String,
}

/// Fields of a project.
#[derive(Debug, Clone, Default, Args)]
pub struct ProjectFlags {
    /// What it is for
    #[arg(long)]
    pub description: Option<String>,
    /// Destination, as server,namespace; may be repeated
    #[arg(short, long, value_name = "DESTINATION")]
    pub dest: Vec<String>,
    /// Repository; may be repeated
    #[arg(short, long, value_name = "URL")]
    pub src: Vec<String>,
    /// Keys that commits are to be signed by
    #[arg(long, value_delimiter = ',', value_name = "KEYS")]
    pub signature_keys: Vec<String>,
    /// Namespaces of Applications
    #[arg(long, value_delimiter = ',', value_name = "NAMESPACES")]
    pub source_namespaces: Vec<String>,
    /// Kind without namespaces that is permitted, as group/Kind; may be repeated
    #[arg(long, value_name = "KIND")]
    pub allow_cluster_resource: Vec<String>,
    /// Kind without namespaces that is refused; may be repeated
    #[arg(long, value_name = "KIND")]
    pub deny_cluster_resource: Vec<String>,
    /// Kind in namespaces that is permitted; may be repeated
    #[arg(long, value_name = "KIND")]
    pub allow_namespaced_resource: Vec<String>,
    /// Kind in namespaces that is refused; may be repeated
    #[arg(long, value_name = "KIND")]
    pub deny_namespaced_resource: Vec<String>,
    /// Service account of a destination, as server,namespace,account; may be repeated
    #[arg(long, value_name = "ACCOUNT")]
    pub dest_service_accounts: Vec<String>,
    /// Look for orphaned resources
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub orphaned_resources: Option<bool>,
    /// Warn of orphaned resources
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub orphaned_resources_warn: Option<bool>,
}

/// `proj delete`.
#[derive(Debug, Clone, Args)]
pub struct DeleteProjectsArgs {
    /// Which ones
    #[arg(value_name = "PROJECT", required = true)]
    pub projects: Vec<String>,
}

/// A project and something of it.
#[derive(Debug, Clone, Args)]
pub struct ProjectItemArgs {
    /// Which project
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// The URL, namespace or key
    #[arg(value_name = "ITEM")]
    pub item: String,
}

/// `proj add-destination`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  capstan proj add-destination shop https://kubernetes.default.svc shop\n  capstan proj add-destination shop in-cluster shop --name"
)]
pub struct DestinationArgs {
    /// Which project
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// Server of the cluster, or its name
    #[arg(value_name = "CLUSTER")]
    pub cluster: String,
    /// Namespace there
    #[arg(value_name = "NAMESPACE")]
    pub namespace: String,
    /// The cluster is given by its name
    #[arg(long)]
    pub name: bool,
}

/// `proj remove-destination`.
#[derive(Debug, Clone, Args)]
pub struct RemoveDestinationArgs {
    /// Which project
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// Server of the cluster
    #[arg(value_name = "CLUSTER")]
    pub cluster: String,
    /// Namespace there
    #[arg(value_name = "NAMESPACE")]
    pub namespace: String,
}

/// `proj add-destination-service-account`.
#[derive(Debug, Clone, Args)]
pub struct ServiceAccountArgs {
    /// What is synced, and by whom
    #[command(flatten)]
    pub rule: RemoveServiceAccountArgs,
    /// Namespace of the account
    #[arg(long, value_name = "NAMESPACE")]
    pub service_account_namespace: Option<String>,
}

/// `proj remove-destination-service-account`.
#[derive(Debug, Clone, Args)]
pub struct RemoveServiceAccountArgs {
    /// Which project
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// Server of the cluster
    #[arg(value_name = "CLUSTER")]
    pub cluster: String,
    /// Namespace there
    #[arg(value_name = "NAMESPACE")]
    pub namespace: String,
    /// Service account
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
}

/// A kind, and the list that it is put in or taken from.
#[derive(Debug, Clone, Args)]
pub struct KindArgs {
    /// Which project
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// Group of the kind
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// The kind
    #[arg(value_name = "KIND")]
    pub kind: String,
    /// The list: allow or deny
    #[arg(short, long, default_value = "allow")]
    pub list: String,
}

/// The same for kinds in namespaces.
#[derive(Debug, Clone, Args)]
pub struct NamespacedKindArgs {
    /// Which project
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// Group of the kind
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// The kind
    #[arg(value_name = "KIND")]
    pub kind: String,
    /// The list: allow or deny
    #[arg(short, long, default_value = "deny")]
    pub list: String,
}

/// `proj add-orphaned-ignore`, `proj remove-orphaned-ignore`.
#[derive(Debug, Clone, Args)]
pub struct OrphanArgs {
    /// Which project
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// Group of the kind
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// The kind
    #[arg(value_name = "KIND")]
    pub kind: String,
    /// Pattern of names
    #[arg(long)]
    pub name: Option<String>,
}

/// A command about the roles of a project.
#[derive(Debug, Clone, Subcommand)]
pub enum RoleCommand {
    /// List roles
    List(GetProjectArgs),
    /// Show a role
    Get(RoleArgs),
    /// Create a role
    Create(CreateRoleArgs),
    /// Delete a role
    Delete(RoleArgs),
    /// Permit or refuse something to a role
    AddPolicy(PolicyArgs),
    /// Take a line of a role's policy away
    RemovePolicy(PolicyArgs),
    /// Give a role to a group
    AddGroup(GroupArgs),
    /// Take a role from a group
    RemoveGroup(GroupArgs),
    /// Make a token of a role
    #[command(visible_alias = "token-create")]
    CreateToken(CreateTokenArgs),
    /// List the tokens of a role
    #[command(visible_aliases = ["list-token", "token-list"])]
    ListTokens(ListTokensArgs),
    /// Delete a token of a role
    #[command(visible_aliases = ["token-delete", "remove-token"])]
    DeleteToken(DeleteRoleTokenArgs),
}

/// A role.
#[derive(Debug, Clone, Args)]
pub struct RoleArgs {
    /// Which project
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// Which role
    #[arg(value_name = "ROLE")]
    pub role: String,
}

/// `proj role create`.
#[derive(Debug, Clone, Args)]
pub struct CreateRoleArgs {
    /// Which one
    #[command(flatten)]
    pub role: RoleArgs,
    /// What it is for
    #[arg(long)]
    pub description: Option<String>,
}

/// `proj role add-policy`, `proj role remove-policy`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan proj role add-policy shop ci --action sync --object '*'")]
pub struct PolicyArgs {
    /// Which one
    #[command(flatten)]
    pub role: RoleArgs,
    /// get, create, update, delete, sync, …
    #[arg(short, long, default_value = "")]
    pub action: String,
    /// allow or deny
    #[arg(short, long, default_value = "allow")]
    pub permission: String,
    /// Which objects of the project; * for all
    #[arg(short, long, default_value = "")]
    pub object: String,
    /// Of which resource
    #[arg(short, long, default_value = "applications", value_parser = ["applications", "applicationsets", "logs", "exec", "clusters", "repositories"])]
    pub resource: String,
}

/// `proj role add-group`, `proj role remove-group`.
#[derive(Debug, Clone, Args)]
pub struct GroupArgs {
    /// Which one
    #[command(flatten)]
    pub role: RoleArgs,
    /// The group, as tokens name it
    #[arg(value_name = "GROUP")]
    pub group: String,
}

/// `proj role create-token`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan proj role create-token shop ci --expires-in 12h --token-only")]
pub struct CreateTokenArgs {
    /// Which one
    #[command(flatten)]
    pub role: RoleArgs,
    /// How long it is good for; for ever otherwise
    #[arg(short, long, default_value = "0s")]
    pub expires_in: String,
    /// Its name
    #[arg(short, long, default_value = "")]
    pub id: String,
    /// Print the token alone
    #[arg(short, long)]
    pub token_only: bool,
}

/// `proj role list-tokens`.
#[derive(Debug, Clone, Args)]
pub struct ListTokensArgs {
    /// Which one
    #[command(flatten)]
    pub role: RoleArgs,
    /// Times in seconds since 1970, as delete-token takes them
    #[arg(short, long)]
    pub unixtime: bool,
}

/// `proj role delete-token`.
#[derive(Debug, Clone, Args)]
pub struct DeleteRoleTokenArgs {
    /// Which one
    #[command(flatten)]
    pub role: RoleArgs,
    /// When it was made, in seconds since 1970
    #[arg(value_name = "ISSUED-AT")]
    pub issued_at: i64,
}

/// A command about the sync windows of a project.
#[derive(Debug, Clone, Subcommand)]
pub enum WindowsCommand {
    /// List windows
    List(GetProjectArgs),
    /// Add a window
    Add(Box<AddWindowArgs>),
    /// Change a window
    Update(Box<UpdateWindowArgs>),
    /// Delete a window
    Delete(WindowArgs),
    /// Permit syncs by hand in a window
    EnableManualSync(WindowArgs),
    /// Permit syncs by hand in a window no more
    DisableManualSync(WindowArgs),
}

/// A window.
#[derive(Debug, Clone, Args)]
pub struct WindowArgs {
    /// Which project
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// Its place in the list, from 0
    #[arg(value_name = "ID")]
    pub id: usize,
}

/// For whom a window is, and when.
#[derive(Debug, Clone, Args)]
pub struct WindowFlags {
    /// When it begins, as in cron
    #[arg(long, default_value = "")]
    pub schedule: String,
    /// How long it lasts, as in 1h
    #[arg(long, default_value = "")]
    pub duration: String,
    /// Patterns of applications
    #[arg(long, value_delimiter = ',')]
    pub applications: Vec<String>,
    /// Patterns of namespaces
    #[arg(long, value_delimiter = ',')]
    pub namespaces: Vec<String>,
    /// Patterns of clusters
    #[arg(long, value_delimiter = ',')]
    pub clusters: Vec<String>,
    /// Zone of the schedule
    #[arg(long, default_value = "UTC")]
    pub time_zone: String,
    /// What it is for
    #[arg(long, default_value = "")]
    pub description: String,
}

/// `proj windows add`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  capstan proj windows add shop --kind deny --schedule '0 22 * * *' --duration 1h --applications '*'"
)]
pub struct AddWindowArgs {
    /// Which project
    #[arg(value_name = "PROJECT")]
    pub project: String,
    /// allow or deny
    #[arg(short, long, default_value = "")]
    pub kind: String,
    /// When, and for whom
    #[command(flatten)]
    pub window: WindowFlags,
    /// Permit syncs by hand
    #[arg(long)]
    pub manual_sync: bool,
    /// All of the patterns' lists have to match, not one
    #[arg(long)]
    pub use_and_operator: bool,
}

/// `proj windows update`.
#[derive(Debug, Clone, Args)]
pub struct UpdateWindowArgs {
    /// Which one
    #[command(flatten)]
    pub place: WindowArgs,
    /// When, and for whom
    #[command(flatten)]
    pub window: WindowFlags,
}
