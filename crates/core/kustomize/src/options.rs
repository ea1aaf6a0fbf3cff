//! What a build depends on besides its files.

use std::fmt;
use std::rc::Rc;

use crate::remote::Remotes;

/// Settings of a build; the default is what the command does without flags.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// What the tree's root is called in messages, such as the directory on the disk that it stands for.
    pub root: &'a str,
    /// What files a kustomization may name.
    pub load_restrictor: LoadRestrictor,
    /// Whether `helmCharts` are rendered; refused otherwise.
    pub enable_helm: bool,
    /// Whether everything gets a label that says who built it, as `buildMetadata: [managedByLabel]` does.
    pub managed_by_label: bool,
    /// In which order resources come out.
    pub order: Order,
    /// What was fetched.
    pub remotes: Option<&'a Remotes>,
    /// What the target's kustomization says instead of what is in its file, which has to be there all the same. So options of an
    /// application come in: the peer rewrites the file by `kustomize edit`.
    pub kustomization: Option<&'a [u8]>,
    /// What it may cost.
    pub limits: Limits,
    /// What charts see of the cluster, such as `v1.34.0`.
    pub kube_version: Option<&'a str>,
    /// The same, as `group/version` and `group/version/Kind`.
    pub api_versions: &'a [String],
    /// Time, chance and certificates for charts; without it they stand still.
    pub world: Option<&'a MakeWorld>,
    /// Asked now and then by charts whether nobody wants the result any more.
    pub cancelled: Option<&'a Rc<dyn Fn() -> bool>>,
}

/// Makes the world of one chart's render.
pub type MakeWorld = dyn Fn() -> Rc<sprig::Host> + Send + Sync;

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("load_restrictor", &self.load_restrictor)
            .field("enable_helm", &self.enable_helm)
            .field("order", &self.order)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What files a kustomization may name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoadRestrictor {
    /// Those in its own directory or below.
    #[default]
    RootOnly,
    /// All in the tree.
    None,
}

/// In which order resources come out where no `sortOptions` say otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// As the command does unless told otherwise: namespaces and definitions first, webhooks last.
    #[default]
    Legacy,
    /// As they were read.
    None,
}

/// What a build may cost. Everything beyond is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Resources at any time.
    pub resources: usize,
    /// Directories that are built, each as often as it is named.
    pub bases: usize,
    /// How deep bases may nest.
    pub depth: usize,
    /// Bytes of all resources together, as JSON.
    pub bytes: usize,
    /// For each YAML file.
    pub yaml_depth: usize,
    /// Values in each YAML file, anchors expanded.
    pub yaml_nodes: usize,
}

impl Default for Limits {
    /// 50,000 resources, 2,000 bases, 64 deep, 256 MiB.
    fn default() -> Self {
        let yaml = goyaml::Limits::default();
        Self {
            resources: 50_000,
            bases: 2_000,
            depth: 64,
            bytes: 256 << 20,
            yaml_depth: yaml.depth,
            yaml_nodes: yaml.nodes,
        }
    }
}
