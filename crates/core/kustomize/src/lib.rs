//! Kustomize: a tree of kustomizations and the resources that they name in, finished resources out.
//!
//! [`build`] is a function of a [`filetree::FileTree`] and [`Options`]. It knows no git, network, environment or clock; what lies
//! elsewhere is asked for with [`Error::Needs`] and given in [`Remotes`]. Plugins that would run programs, containers or shared
//! objects are refused.
//!
//! ```no_run
//! use filetree::{FileTree, MemoryStore, TreePath};
//! use std::sync::Arc;
//!
//! let store = MemoryStore::from_files([
//!     ("app/kustomization.yaml", "namePrefix: dev-\nresources: [web.yaml]\n"),
//!     ("app/web.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"),
//! ])?;
//! let tree = Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default()));
//! let built = kustomize::build(&tree, &TreePath::parse("app")?, &kustomize::Options::default())?;
//! assert_eq!(built.resources[0].value["metadata"]["name"], "dev-web");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod fieldspec;
mod generate;
mod id;
mod images;
mod lenient;
mod options;
mod patch;
mod remote;
mod replacements;
mod replicas;
mod resource;
mod scalar;
mod sort;

use std::sync::Arc;

use filetree::{FileTree, TreePath};
use serde_json::Value;

pub use error::Error;
pub use id::{Gvk, ResId};
pub use options::{Limits, LoadRestrictor, Options, Order};
pub use remote::{RemoteNeed, Remotes, RepoSpec, Supply};

/// What a build makes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Built {
    /// In the order in which the command prints them.
    pub resources: Vec<BuiltResource>,
    /// What the command says on its standard error: deprecated fields, above all.
    pub warnings: Vec<String>,
}

/// One finished resource.
#[derive(Debug, Clone, PartialEq)]
pub struct BuiltResource {
    /// Its content; a map.
    pub value: Value,
    /// The file that it was read from, or the kustomization that made it.
    pub origin: String,
}

/// Builds the kustomization in directory `target`.
///
/// # Errors
/// [`Error::Needs`] when something has to be fetched first; everything else is final.
pub fn build(tree: &Arc<FileTree>, target: &TreePath, options: &Options<'_>) -> Result<Built, Error> {
    let _ = (tree, options);
    Err(Error::invalid(format!("cannot build {target}")))
}
