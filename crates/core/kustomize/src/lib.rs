//! Kustomize: a tree of kustomizations and the resources that they name in, finished resources out.
//!
//! [`build`] is a function of a [`filetree::FileTree`] and [`Options`]. It knows no git, network, environment or clock; what lies
//! elsewhere is asked for with [`Error::Needs`] and given in [`Remotes`]. Plugins that would run programs, containers or shared
//! objects are refused.
//!
//! ```
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

mod accumulate;
mod chart;
mod config;
mod crds;
mod decode;
mod error;
mod fieldspec;
mod finish;
mod generate;
mod id;
mod images;
mod kustomization;
mod lenient;
mod manifests;
mod options;
mod origin;
mod patch;
mod place;
mod plugins;
mod references;
mod remote;
mod replacements;
mod replicas;
mod resource;
mod resources;
mod scalar;
mod shapes;
mod sort;
mod steps;
mod transform;
mod variables;

use std::sync::Arc;

use filetree::{FileTree, TreePath};
use serde_json::Value;

use accumulate::{Accumulator, Session};
use origin::Origin;
use place::Place;
use transform::Action;

pub use error::{Error, Failure};
pub use id::{Gvk, ResId};
pub use options::{Limits, LoadRestrictor, MakeWorld, Options, Order};
pub use remote::{ChartNeed, RemoteNeed, Remotes, RepoSpec, Supply};

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
/// [`Error::Needs`] when something has to be fetched first; everything else is final. Either comes with the warnings up to there, as the
/// command prints them.
pub fn build(tree: &Arc<FileTree>, target: &TreePath, options: &Options<'_>) -> Result<Built, Failure> {
    let mut session = Session::new(options);
    match built(&mut session, tree, target) {
        Ok(resources) => Ok(Built { resources, warnings: session.warnings }),
        Err(error) => Err(Failure { error, warnings: session.warnings }),
    }
}

fn built(
    session: &mut Session<'_>,
    tree: &Arc<FileTree>,
    target: &TreePath,
) -> Result<Vec<BuiltResource>, Error> {
    let options = session.options;
    let place =
        Place::start(tree, target, options).map_err(|error| error.within("must build at directory"))?;
    let mut root = session.load(place)?;
    session.set_schema(&root)?;
    session.metadata.clone_from(&root.kustomization.build_metadata);
    root.origin = (!session.metadata.is_empty()).then(Origin::default);
    let mut sum = session.accumulate(&mut root, Accumulator::default())?;
    Action::Hash.apply(&mut sum.resources, session)?;
    references::fix(&mut sum.resources, &sum.config.name_references, &session.scopes())?;
    variables::resolve(&mut sum.resources, &sum.variables, &sum.config.variables, &mut session.warnings)?;
    finish::finish(sum.resources, session, root.kustomization.sort_options.as_ref())
}

/// The stream that the command prints.
pub fn print(built: &Built) -> String {
    let mut out = String::new();
    for (at, resource) in built.resources.iter().enumerate() {
        if at > 0 {
            out.push_str("---\n");
        }
        out.push_str(&goyaml::to_string(&resource.value));
    }
    out
}

/// Whether a kind that is compiled in lives outside of namespaces.
pub fn is_cluster_wide(api_version: &str, kind: &str) -> bool {
    patch::Schemas::is_builtin_namespaced(api_version, kind) == Some(false)
}
