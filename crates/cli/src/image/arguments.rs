//! What can be typed after `image`.

use std::path::PathBuf;

use image::{ValuesKey, Wanted};

/// Words about images in git.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum ImageCommand {
    /// Write an image's tag or digest into a repository, and push
    #[command(after_help = "Examples:\n  \
        capstan image set --repo https://gitlab.example/org/config.git --path overlays/dev registry.example/api:1.2\n  \
        capstan image set --repo git@github.com:org/config.git --path overlays/dev --path overlays/prod api=registry.example/api:$SHA\n  \
        capstan image set --repo $URL --branch main --path apps/api --file values-prod.yaml --values-key image.tag api:$SHA\n  \
        capstan image set --repo $URL --path apps/web --dry-run web:1.2\n\n\
        It reads the branch, finds the image in a kustomization, in manifests or in Helm values, commits only if something changes, and\n\
        pushes by compare-and-swap: when somebody else was faster, it reads the branch again and makes its change again. It never forces.\n\n\
        Credentials: in the URL; or GIT_USERNAME with GIT_PASSWORD, or GIT_TOKEN; or, for the server that they are of, CI_JOB_TOKEN and\n\
        GITHUB_TOKEN. For ssh: --ssh-private-key-file, or GIT_SSH_PRIVATE_KEY_FILE, or the key in ~/.ssh; no agent is asked.\n\n\
        Exit codes:\n  \
        0   pushed, or nothing to change (the output says which)\n  \
        1   nothing to change, with --fail-unchanged\n  \
        2   wrong arguments\n  \
        3   not found: an image in one of the paths, a path, the branch, the repository\n  \
        4   denied: credentials, a protected branch, a hook\n  \
        5   not reachable\n  \
        6   no answer in time\n  \
        8   gave up: the branch moved each time, more often than --retries\n  \
        20  anything else")]
    Set(Box<SetArgs>),
}

/// `capstan image set`.
#[derive(Debug, Clone, clap::Args)]
pub struct SetArgs {
    /// Images: NAME:TAG, NAME@DIGEST, NAME:TAG@DIGEST, or NAME=NEWNAME[:TAG][@DIGEST] where the name changes
    #[arg(value_name = "IMAGE", required = true)]
    pub images: Vec<Wanted>,

    /// The repository: https, http, ssh (ssh://… or user@host:path), file
    #[arg(long, value_name = "URL", help_heading = "Where")]
    pub repo: String,
    /// The branch; left out, the one that HEAD stands for
    #[arg(short, long, value_name = "NAME", help_heading = "Where")]
    pub branch: Option<String>,
    /// Begin the branch at this one where it is not there
    #[arg(long, value_name = "BRANCH", requires = "branch", help_heading = "Where")]
    pub from: Option<String>,
    /// A directory, with all below it, or a file; the image has to be in each that is named
    #[arg(short, long, value_name = "PATH", required = true, help_heading = "Where")]
    pub path: Vec<String>,
    /// Only files that fit: a name, or a path below the directory
    #[arg(short, long, value_name = "GLOB", help_heading = "Where")]
    pub file: Vec<String>,
    /// Set this key of a values file (values.yaml, or --file): a key that ends with tag, digest, repository or name gets that part of the
    /// image, another the whole. [IMAGE=]KEY where there are several images
    #[arg(long, value_name = "KEY", help_heading = "Where")]
    pub values_key: Vec<ValuesKey>,
    /// Add the image to a kustomization in the path even if nothing that it builds is seen to use it
    #[arg(long, help_heading = "Where")]
    pub add: bool,

    /// Message of the commit
    #[arg(short, long, value_name = "TEXT", help_heading = "Commit")]
    pub message: Option<String>,
    /// Author; else GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL
    #[arg(long, value_name = "NAME <ADDRESS>", help_heading = "Commit")]
    pub author: Option<String>,
    /// A line `Key: value` at the end of the message
    #[arg(long, value_name = "KEY: VALUE", help_heading = "Commit")]
    pub trailer: Vec<String>,

    /// Print the difference and push nothing
    #[arg(long)]
    pub dry_run: bool,
    /// End with 1 when there is nothing to change
    #[arg(long)]
    pub fail_unchanged: bool,
    /// How often to try again after a lost race
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub retries: usize,
    /// How long the server may take for an answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// Form of the output
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    pub output: OutputForm,

    /// Private key for ssh, without a passphrase
    #[arg(long, value_name = "FILE", help_heading = "Who is who")]
    pub ssh_private_key_file: Option<PathBuf>,
    /// Known hosts for ssh; else ~/.ssh/known_hosts
    #[arg(long, value_name = "FILE", help_heading = "Who is who")]
    pub known_hosts_file: Option<PathBuf>,
    /// Trust any host key
    #[arg(long, help_heading = "Who is who")]
    pub insecure_ignore_host_key: bool,
    /// Certificates to trust for https; else GIT_SSL_CAINFO
    #[arg(long, value_name = "FILE", help_heading = "Who is who")]
    pub ca_file: Option<PathBuf>,
    /// Trust any certificate
    #[arg(long, help_heading = "Who is who")]
    pub insecure_skip_tls_verify: bool,
}

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OutputForm {
    /// Lines for people.
    #[default]
    Text,
    /// One object for programs.
    Json,
}

impl OutputForm {
    pub(super) fn is_json(self) -> bool {
        self == Self::Json
    }
}
