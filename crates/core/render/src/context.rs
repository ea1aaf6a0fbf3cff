//! What only charts and kustomizations depend on, besides their files.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use filetree::FileTree;

/// Where a source will live, and what was made ready for its render.
pub struct Context {
    /// `spec.project`.
    pub project: String,
    /// The commit, chart version or digest that is rendered.
    pub revision: String,
    /// `spec.destination.namespace`.
    pub namespace: String,
    /// Version of the destination, as its API server says it (`v1.34.1`).
    pub kube_version: String,
    /// What the destination serves, as `group/version` and `group/version/Kind`.
    pub api_versions: Vec<String>,
    /// The trees of sources that others refer to by name: the name without its `$`, and the whole tree.
    pub refs: BTreeMap<String, FileTree>,
    /// Schemes of addresses that value files may have.
    pub value_schemes: Vec<String>,
    /// What earlier tries of this render found missing.
    pub supplies: Supplies,
}

/// Things that had to be fetched.
#[derive(Clone, Default)]
pub struct Supplies {
    /// Value files by address.
    pub files: BTreeMap<String, Arc<[u8]>>,
}

impl Default for Context {
    /// A cluster of the newest version that charts are checked against, nothing fetched, nothing to refer to.
    fn default() -> Self {
        Self {
            project: "default".to_owned(),
            revision: String::new(),
            namespace: "default".to_owned(),
            kube_version: "v1.34.0".to_owned(),
            api_versions: Vec::new(),
            refs: BTreeMap::new(),
            value_schemes: vec!["https".to_owned(), "http".to_owned()],
            supplies: Supplies::default(),
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}
