//! What can be typed after `helm`, as helm 3 takes it.

use std::path::PathBuf;

/// Words of `helm` that need no cluster.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum HelmCommand {
    /// Render a chart, as `helm template` does
    #[command(
        disable_version_flag = true,
        after_help = "Examples:\n  \
        capstan helm template web ./chart -f values.yaml --set image.tag=1.2\n  \
        capstan helm template ingress ingress-nginx --repo https://kubernetes.github.io/ingress-nginx --version 4.15\n  \
        capstan helm template cache oci://registry-1.docker.io/bitnamicharts/valkey -n cache"
    )]
    Template(Box<TemplateArgs>),
}

/// `helm template [NAME] CHART`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TemplateArgs {
    /// Name of the release (`release-name` if left out), and the chart: a directory, a .tgz, an oci:// address, the address of an archive,
    /// or a name in --repo
    #[arg(value_name = "[NAME] CHART", required = true, num_args = 1..=2)]
    pub words: Vec<String>,

    /// Namespace of the release
    #[arg(short, long, default_value = "default", help_heading = "Release")]
    pub namespace: String,
    /// Make up a name
    #[arg(short, long, help_heading = "Release")]
    pub generate_name: bool,
    /// Make the name from a template
    #[arg(long, value_name = "TEMPLATE", help_heading = "Release")]
    pub name_template: Option<String>,
    /// Render as for an upgrade
    #[arg(long, help_heading = "Release")]
    pub is_upgrade: bool,

    /// Files of values
    #[arg(short = 'f', long, value_name = "FILE", value_delimiter = ',', help_heading = "Values")]
    pub values: Vec<String>,
    /// Values: key1=val1,key2=val2
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Values")]
    pub set: Vec<String>,
    /// Values that stay strings
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Values")]
    pub set_string: Vec<String>,
    /// Values that are the text of a file
    #[arg(long, value_name = "KEY=FILE", help_heading = "Values")]
    pub set_file: Vec<String>,
    /// Values in JSON
    #[arg(long, value_name = "KEY=JSON", help_heading = "Values")]
    pub set_json: Vec<String>,
    /// A value that is taken as it stands
    #[arg(long, value_name = "KEY=TEXT", help_heading = "Values")]
    pub set_literal: Vec<String>,
    /// Do not hold values against the chart's schema
    #[arg(long, help_heading = "Values")]
    pub skip_schema_validation: bool,

    /// Version of Kubernetes to render for
    #[arg(long, value_name = "VERSION", help_heading = "Cluster")]
    pub kube_version: Option<String>,
    /// What the cluster serves besides the usual, as group/version or group/version/Kind
    #[arg(short, long, value_name = "VERSION", value_delimiter = ',', help_heading = "Cluster")]
    pub api_versions: Vec<String>,

    /// With the chart's custom resource definitions
    #[arg(long, help_heading = "Output")]
    pub include_crds: bool,
    /// Without them, whatever else is said
    #[arg(long, help_heading = "Output")]
    pub skip_crds: bool,
    /// Without tests
    #[arg(long, help_heading = "Output")]
    pub skip_tests: bool,
    /// Without hooks
    #[arg(long, help_heading = "Output")]
    pub no_hooks: bool,
    /// Only what these templates make
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub show_only: Vec<String>,
    /// Write files below this directory instead
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub output_dir: Option<PathBuf>,
    /// Name the release in the paths of those files
    #[arg(long, help_heading = "Output")]
    pub release_name: bool,

    /// Address of the repository that has the chart
    #[arg(long, value_name = "URL", help_heading = "Where charts come from")]
    pub repo: Option<String>,
    /// Version of the chart, or a range; the latest if left out
    #[arg(long, value_name = "RANGE", help_heading = "Where charts come from")]
    pub version: Option<String>,
    /// Take pre-releases too
    #[arg(long, help_heading = "Where charts come from")]
    pub devel: bool,
    /// Fetch charts that it depends on and that are not in charts/
    #[arg(long, help_heading = "Where charts come from")]
    pub dependency_update: bool,
    /// User of the repository
    #[arg(long, value_name = "NAME", help_heading = "Where charts come from")]
    pub username: Option<String>,
    /// Password of the repository
    #[arg(long, value_name = "PASSWORD", help_heading = "Where charts come from")]
    pub password: Option<String>,
    /// Send both to other hosts that the repository names
    #[arg(long, help_heading = "Where charts come from")]
    pub pass_credentials: bool,
    /// Certificates to trust
    #[arg(long, value_name = "FILE", help_heading = "Where charts come from")]
    pub ca_file: Option<PathBuf>,
    /// Our certificate
    #[arg(long, value_name = "FILE", requires = "key_file", help_heading = "Where charts come from")]
    pub cert_file: Option<PathBuf>,
    /// Its key
    #[arg(long, value_name = "FILE", requires = "cert_file", help_heading = "Where charts come from")]
    pub key_file: Option<PathBuf>,
    /// Trust any certificate
    #[arg(long, help_heading = "Where charts come from")]
    pub insecure_skip_tls_verify: bool,
    /// Speak plain http with a registry
    #[arg(long, help_heading = "Where charts come from")]
    pub plain_http: bool,

    /// Ask a cluster whether it would take the manifests
    #[arg(long, hide = true)]
    pub validate: bool,
    /// Run a program over what was rendered
    #[arg(long, hide = true, value_name = "PROGRAM")]
    pub post_renderer: Option<String>,

    #[command(flatten)]
    idle: Idle,
}

/// Flags of helm's that change nothing about a rendered chart. Scripts have them.
#[derive(Debug, Clone, Default, clap::Args)]
struct Idle {
    #[arg(long, hide = true)]
    debug: bool,
    #[arg(long, hide = true)]
    create_namespace: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: Option<String>,
    #[arg(long, hide = true)]
    disable_openapi_validation: bool,
    #[arg(long, hide = true)]
    hide_notes: bool,
    #[arg(long, hide = true)]
    render_subchart_notes: bool,
    #[arg(long, hide = true)]
    replace: bool,
    #[arg(long, hide = true)]
    force: bool,
    #[arg(long, hide = true)]
    atomic: bool,
    #[arg(long, hide = true)]
    wait: bool,
    #[arg(long, hide = true)]
    wait_for_jobs: bool,
    #[arg(long, hide = true)]
    timeout: Option<String>,
    #[arg(long, hide = true)]
    description: Option<String>,
    #[arg(short = 'l', long, hide = true)]
    labels: Vec<String>,
    #[arg(long, hide = true)]
    take_ownership: bool,
}
