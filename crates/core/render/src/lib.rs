//! From files to manifests: which tool a source is for, and what that tool makes of it.
//!
//! A pure function of a [`filetree::FileTree`] and an application's source. It knows no cluster, no project rules and no tracking;
//! what it returns is what git says. Plain manifests are rendered here, charts, kustomizations and Jsonnet by the crates `helm`,
//! `kustomize` and `jsonnet`. What a config management plugin makes is asked for by [`Need::Plugin`] and read here.
//!
//! ```
//! use filetree::{FileTree, MemoryStore, TreePath};
//! use render::{EnabledTools, Limits, Request, Tool};
//! use std::sync::Arc;
//!
//! let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n";
//! let store = MemoryStore::from_files([("apps/web.yaml", manifest)])?;
//! let tree = Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default()));
//! let rendered = render::render(&Request {
//!     tree: &tree,
//!     path: &TreePath::parse("apps")?,
//!     application: "web",
//!     source: &api::ApplicationSource::default(),
//!     limits: &Limits::default(),
//!     tools: EnabledTools::default(),
//!     context: &render::Context::default(),
//! })?;
//! assert_eq!(rendered.tool, Tool::Directory);
//! assert_eq!(rendered.manifests[0].object.name(), "web");
//! assert_eq!(rendered.manifests[0].origin.to_string(), "apps/web.yaml:1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chart;
mod context;
mod details;
mod detect;
mod directory;
mod environment;
mod error;
mod kustomization;
mod manifests;
mod overrides;
mod plugin;
mod programs;
mod value_files;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use context::{Cancelled, Context, Dependency, Locked, Need, Supplies, World};
pub use details::{ChartValues, Details, details};
pub use detect::detect;
pub use environment::{Environment, Expanded, Facts};
pub use error::RenderError;
pub use kustomize::{RemoteNeed, Remotes, RepoSpec, Supply};
pub use plugin::{PluginAnswer, PluginNeed};

/// What renders a source. The names are those of `status.sourceType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// Plain manifests, and Jsonnet.
    Directory,
    /// A Helm chart.
    Helm,
    /// A kustomization.
    Kustomize,
    /// A config management plugin.
    Plugin,
}

impl Tool {
    /// As `status.sourceType` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "Directory",
            Self::Helm => "Helm",
            Self::Kustomize => "Kustomize",
            Self::Plugin => "Plugin",
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Tool> for api::ApplicationSourceType {
    fn from(tool: Tool) -> Self {
        match tool {
            Tool::Directory => Self::Directory,
            Tool::Helm => Self::Helm,
            Tool::Kustomize => Self::Kustomize,
            Tool::Plugin => Self::Plugin,
        }
    }
}

/// Which tools the installation has on: settings `helm.enable`, `kustomize.enable` and `jsonnet.enable`. A chart or kustomization
/// whose tool is off is read as plain manifests, and Jsonnet files are left out, as in the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnabledTools {
    /// Helm.
    pub helm: bool,
    /// Kustomize.
    pub kustomize: bool,
    /// Jsonnet.
    pub jsonnet: bool,
}

impl Default for EnabledTools {
    /// All on.
    fn default() -> Self {
        Self { helm: true, kustomize: true, jsonnet: true }
    }
}

/// What one render may cost, besides what its [`filetree::FileTree`] allows. Everything beyond is an error that names the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all manifest files of a directory together, Jsonnet apart; 0 is no limit. The peer's
    /// `reposerver.max.combined.directory.manifests.size`.
    pub combined_bytes: u64,
    /// Objects in the result.
    pub objects: usize,
    /// Bytes of one object as JSON. The API server takes no request larger than 3 MiB.
    pub object_bytes: usize,
    /// Bytes of all objects as JSON. Anchors can make more of a text than its size.
    pub rendered_bytes: usize,
    /// Names of files and directories looked at.
    pub entries: usize,
    /// For each YAML file.
    pub yaml_depth: usize,
    /// Values in each YAML file, anchors expanded.
    pub yaml_nodes: usize,
}

impl Default for Limits {
    /// 10 MB of files (as the peer), 10,000 objects, 3 MiB an object, 64 MiB together, 500,000 names.
    fn default() -> Self {
        let yaml = goyaml::Limits::default();
        Self {
            combined_bytes: 10_000_000,
            objects: 10_000,
            object_bytes: 3 << 20,
            rendered_bytes: 64 << 20,
            entries: 500_000,
            yaml_depth: yaml.depth,
            yaml_nodes: yaml.nodes,
        }
    }
}

/// Everything that a result depends on.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The files of the revision. It keeps the record of what was read.
    pub tree: &'a Arc<filetree::FileTree>,
    /// `spec.source.path`, from the root of the tree.
    pub path: &'a filetree::TreePath,
    /// Name of the application, for `.argocd-source-<name>.yaml`; empty for none.
    pub application: &'a str,
    /// The source, as in the application.
    pub source: &'a api::ApplicationSource,
    /// What it may cost.
    pub limits: &'a Limits,
    /// Tools that are on.
    pub tools: EnabledTools,
    /// What only charts and kustomizations depend on.
    pub context: &'a Context,
}

/// Where a manifest comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// File, from the root of the tree.
    pub path: String,
    /// First line of the object in it, from 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

/// One object that git wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The object; no list.
    pub object: resource::Object,
    /// Where it is written.
    pub origin: Origin,
}

/// What a source says.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// What rendered it.
    pub tool: Tool,
    /// Whether it names its revision (`$ARGOCD_APP_REVISION`), so that it is no other's.
    pub of_the_revision: bool,
    /// The objects in the order of the files, directory by directory, and within each file. An object may be there twice.
    pub manifests: Vec<Manifest>,
    /// What the user should know though it is no error: files left out, keys written twice. At most [`MAX_WARNINGS`], and one that
    /// counts the rest.
    pub warnings: Vec<String>,
}

/// Warnings that a result carries.
pub const MAX_WARNINGS: usize = 20;

/// Renders a source.
///
/// **Shape**: see [`Rendered`]. Lists (anything with a list in `items`) are unrolled, also inside each other.
/// **Errors**: the first one; nothing of the result is usable then. See [`RenderError`].
/// **Source**: Argo CD 3, `reposerver/repository`, `GenerateManifests`. We differ where it drops something in silence: a file that is
/// left out gives a warning, and a glob that cannot be read is an error instead of matching nothing.
pub fn render(request: &Request<'_>) -> Result<Rendered, RenderError> {
    let source = overrides::effective_source(request)?;
    let (tool, _) = detect::detect_with_evidence(request, &source)?;
    match tool {
        Tool::Directory => directory::render(request, &source.directory.unwrap_or_default()),
        Tool::Helm => chart::render(request, &source.helm.unwrap_or_default()),
        Tool::Kustomize => kustomization::render(request, &source.kustomize.unwrap_or_default()),
        Tool::Plugin => plugin::render(request, source.plugin.as_ref()),
    }
}
