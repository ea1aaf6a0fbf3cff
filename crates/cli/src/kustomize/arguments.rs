//! What can be typed after `kustomize`, as kustomize v5 takes it.

use crate::Deferred;

/// Words of `kustomize`.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum KustomizeCommand {
    /// Build a kustomization, as `kustomize build` does
    #[command(
        disable_version_flag = true,
        after_help = "Examples:\n  \
        capstan kustomize build overlays/prod\n  \
        capstan kustomize build --enable-helm -o out/ .\n  \
        capstan kustomize build 'https://github.com/kubernetes-sigs/kustomize//examples/helloWorld?ref=v1.0.6'"
    )]
    Build(Box<BuildArgs>),
    /// Change the kustomization in this directory, and nothing in it but what was asked for
    #[command(subcommand, disable_version_flag = true)]
    Edit(Deferred<EditCommand>),
    /// Make a kustomization in this directory
    #[command(disable_version_flag = true, alias = "init")]
    Create(CreateArgs),
}

/// `build`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct BuildArgs {
    /// The directory of a kustomization (this one if left out), or the address of one in a repository
    #[arg(value_name = "DIR")]
    pub words: Vec<String>,
    /// Write to this file, or into this directory, a file a resource
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<String>,
    /// LoadRestrictionsNone lets kustomizations read files from outside of their directories
    #[arg(long, value_name = "RULE", default_value = "LoadRestrictionsRootOnly")]
    pub load_restrictor: String,
    /// legacy or none
    #[arg(long, value_name = "ORDER", hide = true)]
    pub reorder: Option<String>,
    /// Label everything with who built it
    #[arg(long, hide = true)]
    pub enable_managedby_label: bool,

    /// Render charts that kustomizations name
    #[arg(long, help_heading = "Charts")]
    pub enable_helm: bool,
    /// Version of Kubernetes that charts are rendered for
    #[arg(long, value_name = "VERSION", help_heading = "Charts")]
    pub helm_kube_version: Option<String>,
    /// What the cluster serves besides the usual
    #[arg(long, value_name = "VERSION", help_heading = "Charts")]
    pub helm_api_versions: Vec<String>,
    /// Has no effect: charts are rendered in this process
    #[arg(long, value_name = "PROGRAM", hide = true)]
    pub helm_command: Option<String>,

    /// Refused: it would run programs
    #[arg(long, hide = true)]
    pub enable_alpha_plugins: bool,
    /// Refused: it would run programs
    #[arg(long, hide = true)]
    pub enable_exec: bool,
    /// Refused: functions in containers are not run
    #[arg(long, hide = true)]
    pub network: bool,
    /// Refused: functions in containers are not run
    #[arg(long, value_name = "OPTIONS", hide = true)]
    pub mount: Vec<String>,
    #[command(flatten)]
    idle: Idle,
}

/// Flags of kustomize's that change nothing where no function is run. Scripts have them.
#[derive(Debug, Clone, Default, clap::Args)]
struct Idle {
    #[arg(short, long, hide = true)]
    env: Vec<String>,
    #[arg(long, hide = true)]
    as_current_user: bool,
    #[arg(long, hide = true)]
    network_name: Option<String>,
    #[arg(long, hide = true)]
    helm_debug: bool,
}

/// Words of `kustomize edit`.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum EditCommand {
    /// Set the value of a field
    #[command(subcommand)]
    Set(SetCommand),
    /// Add an item to a field
    #[command(subcommand)]
    Add(AddCommand),
    /// Remove an item from a field
    #[command(subcommand)]
    Remove(RemoveCommand),
    /// Replace deprecated fields by those that are meant today
    Fix(FixArgs),
}

/// Words of `kustomize edit set`.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum SetCommand {
    /// Images: new names, tags and digests
    #[command(after_help = "Examples:\n  \
        capstan kustomize edit set image api=registry.example/api:1.2\n  \
        capstan kustomize edit set image api:1.2 web@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3\n  \
        capstan kustomize edit set image 'api=*:1.2'")]
    Image {
        /// NAME=NEWNAME:TAG, NAME:TAG, NAME@DIGEST and what lies between; `*` keeps what is there
        #[arg(value_name = "IMAGE")]
        images: Vec<String>,
    },
    /// The namespace
    Namespace(Words),
    /// What is put before names
    Nameprefix(Words),
    /// What is put behind names
    Namesuffix(Words),
    /// Counts of replicas: NAME=COUNT
    Replicas(Words),
    /// Common labels: KEY:VALUE
    Label(Words),
    /// Common annotations: KEY:VALUE
    Annotation(Words),
    /// Options of builds, separated by commas, in the place of all that are there
    Buildmetadata(Words),
    /// Values of a generated ConfigMap, or its namespace
    Configmap(SetGeneratorArgs),
    /// Values of a generated Secret, or its namespace
    Secret(SetGeneratorArgs),
}

/// Words of `kustomize edit add`.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum AddCommand {
    /// Files or directories of resources
    Resource(AddResourceArgs),
    /// Components
    Component(Words),
    /// Bases: directories, separated by commas
    Base(Words),
    /// A patch
    Patch(PatchArgs),
    /// Labels: KEY:VALUE
    Label(AddLabelArgs),
    /// Common annotations: KEY:VALUE
    Annotation(AddAnnotationArgs),
    /// A generated ConfigMap, or more for one
    Configmap(AddConfigMapArgs),
    /// A generated Secret, or more for one
    Secret(AddSecretArgs),
    /// Files of transformers
    Transformer(Words),
    /// Files of generators
    Generator(Words),
    /// Files that configure transformers
    Configuration(Words),
    /// Options of builds, separated by commas
    Buildmetadata(Words),
}

/// Words of `kustomize edit remove`.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum RemoveCommand {
    /// Resources, by name or pattern
    Resource(Words),
    /// Components, by name or pattern
    Component(Words),
    /// Transformers, by name or pattern
    Transformer(Words),
    /// A patch: all that is said must be so
    Patch(PatchArgs),
    /// Common labels, their keys separated by commas
    Label(RemoveMetadataArgs),
    /// Common annotations, their keys separated by commas
    Annotation(RemoveMetadataArgs),
    /// Generated ConfigMaps, their names separated by commas
    Configmap(RemoveGeneratorArgs),
    /// Generated Secrets, their names separated by commas
    Secret(RemoveGeneratorArgs),
    /// Options of builds, separated by commas
    Buildmetadata(Words),
}

/// What a command takes without a flag before it. How many there may be it says itself, in kustomize's words.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Words {
    /// What it is about
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
}

/// `edit add resource`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AddResourceArgs {
    /// Files, directories, patterns, addresses of repositories
    #[arg(value_name = "PATH")]
    pub words: Vec<String>,
    /// Take them as they are, whether they are there or not
    #[arg(long)]
    pub no_verify: bool,
}

/// `edit add patch` and `edit remove patch`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PatchArgs {
    /// File of the patch
    #[arg(long, default_value = "", hide_default_value = true)]
    pub path: String,
    /// The patch itself
    #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub patch: String,
    /// Group of what it is for
    #[arg(long, default_value = "", hide_default_value = true, help_heading = "Target")]
    pub group: String,
    /// Version of what it is for
    #[arg(long = "version", default_value = "", hide_default_value = true, help_heading = "Target")]
    pub version: String,
    /// Kind of what it is for
    #[arg(long, default_value = "", hide_default_value = true, help_heading = "Target")]
    pub kind: String,
    /// Name of what it is for
    #[arg(long, default_value = "", hide_default_value = true, help_heading = "Target")]
    pub name: String,
    /// Namespace of what it is for
    #[arg(long, default_value = "", hide_default_value = true, help_heading = "Target")]
    pub namespace: String,
    /// Annotations of what it is for
    #[arg(long, default_value = "", hide_default_value = true, help_heading = "Target")]
    pub annotation_selector: String,
    /// Labels of what it is for
    #[arg(long, default_value = "", hide_default_value = true, help_heading = "Target")]
    pub label_selector: String,
}

/// `edit add label`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AddLabelArgs {
    /// KEY:VALUE
    #[arg(value_name = "LABEL")]
    pub words: Vec<String>,
    /// Take the place of a value that is there
    #[arg(short, long)]
    pub force: bool,
    /// Into `labels`, which leaves selectors alone, and not into `commonLabels`
    #[arg(long)]
    pub without_selector: bool,
    /// On templates, too; with --without-selector
    #[arg(long)]
    pub include_templates: bool,
}

/// `edit add annotation`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AddAnnotationArgs {
    /// KEY:VALUE
    #[arg(value_name = "ANNOTATION")]
    pub words: Vec<String>,
    /// Take the place of a value that is there
    #[arg(short, long)]
    pub force: bool,
}

/// What `edit add configmap` and `edit add secret` both take.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct GeneratorArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub words: Vec<String>,
    /// Files: [KEY=]PATH
    #[arg(long, value_name = "[KEY=]PATH", value_delimiter = ',')]
    pub from_file: Vec<String>,
    /// Values: KEY=VALUE
    #[arg(long, value_name = "KEY=VALUE")]
    pub from_literal: Vec<String>,
    /// A file of lines KEY=VALUE
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true)]
    pub from_env_file: String,
    /// Its name stays without a hash
    #[arg(long = "disableNameSuffixHash")]
    pub disable_name_suffix_hash: bool,
    /// Its namespace
    #[arg(long, default_value = "", hide_default_value = true)]
    pub namespace: String,
}

/// `edit add configmap`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AddConfigMapArgs {
    /// What it is made of.
    #[command(flatten)]
    pub generator: GeneratorArgs,
    /// create, merge or replace
    #[arg(long, default_value = "", hide_default_value = true)]
    pub behavior: String,
}

/// `edit add secret`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AddSecretArgs {
    /// What it is made of.
    #[command(flatten)]
    pub generator: GeneratorArgs,
    /// Its type
    #[arg(long = "type", value_name = "TYPE", default_value = "Opaque")]
    pub kind: String,
}

/// `edit set configmap` and `edit set secret`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SetGeneratorArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub words: Vec<String>,
    /// A key that is there, and its new value
    #[arg(long, value_name = "KEY=VALUE")]
    pub from_literal: Vec<String>,
    /// The namespace that it has
    #[arg(long, default_value = "", hide_default_value = true)]
    pub namespace: String,
    /// Another namespace for it
    #[arg(long, default_value = "", hide_default_value = true)]
    pub new_namespace: String,
}

/// `edit remove label` and `edit remove annotation`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RemoveMetadataArgs {
    /// Keys, separated by commas
    #[arg(value_name = "KEYS")]
    pub words: Vec<String>,
    /// Say nothing of those that are not there
    #[arg(short, long)]
    pub ignore_non_existence: bool,
}

/// `edit remove configmap` and `edit remove secret`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RemoveGeneratorArgs {
    /// Names, separated by commas
    #[arg(value_name = "NAMES")]
    pub words: Vec<String>,
    /// The namespace that they have
    #[arg(long, default_value = "", hide_default_value = true)]
    pub namespace: String,
}

/// `edit fix`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct FixArgs {
    /// Make replacements of vars, too
    #[arg(long)]
    pub vars: bool,
}

/// `create`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct CreateArgs {
    /// Files and directories, separated by commas
    #[arg(long, default_value = "", hide_default_value = true)]
    pub resources: String,
    /// The namespace
    #[arg(long, default_value = "", hide_default_value = true)]
    pub namespace: String,
    /// Common annotations: KEY:VALUE, separated by commas
    #[arg(long, default_value = "", hide_default_value = true)]
    pub annotations: String,
    /// Common labels: KEY:VALUE, separated by commas
    #[arg(long, default_value = "", hide_default_value = true)]
    pub labels: String,
    /// What is put before names
    #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub nameprefix: String,
    /// What is put behind names
    #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub namesuffix: String,
    /// With the files of resources that are in this directory
    #[arg(long)]
    pub autodetect: bool,
    /// And in those below
    #[arg(long)]
    pub recursive: bool,
}
