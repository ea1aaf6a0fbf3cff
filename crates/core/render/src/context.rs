//! What only charts and kustomizations depend on, besides their files.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use api::settings::KustomizeSettings;
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
    pub api_versions: Arc<Vec<String>>,
    /// The trees of sources that others refer to by name: the name without its `$`, and the whole tree.
    pub refs: BTreeMap<String, Arc<FileTree>>,
    /// Schemes of addresses that value files may have.
    pub value_schemes: Vec<String>,
    /// How Kustomize builds.
    pub kustomize: KustomizeSettings,
    /// What earlier tries of this render found missing.
    pub supplies: Supplies,
    /// Whether there are plugins that may want a source that names no tool.
    pub plugins: bool,
    /// Time, chance and certificates, as templates see them.
    pub world: World,
    /// Templates that were parsed before.
    pub templates: Option<Arc<helm::Cache>>,
    /// Asked now and then by programs and templates whether nobody wants the result any more: how an edge with a clock sets a deadline.
    pub cancelled: Option<Cancelled>,
}

/// Whether nobody wants a render any more.
pub type Cancelled = Arc<dyn Fn() -> bool + Send + Sync>;

/// Makes the world of one render. (A world belongs to one thread.)
pub type World = Arc<dyn Fn() -> Rc<sprig::Host> + Send + Sync>;

/// Things that had to be fetched.
#[derive(Clone, Default)]
pub struct Supplies {
    /// Value files by address.
    pub files: BTreeMap<String, Arc<[u8]>>,
    /// Archives of charts that the chart depends on.
    pub charts: BTreeMap<Dependency, Arc<[u8]>>,
    /// Bases in other repositories, and resources by address.
    pub remotes: kustomize::Remotes,
    /// What a plugin said.
    pub plugin: Option<crate::PluginAnswer>,
}

/// A chart that another one depends on, as `Chart.yaml` has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// A version or a range.
    pub version: String,
    /// Where it is: an address, `@name`, `alias:name`, or empty.
    pub repository: String,
}

/// A lock file, and the chart that it has to be of (see [`helm::Lock::check`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// `Chart.yaml`.
    pub chart: helm::Metadata,
    /// `Chart.lock`.
    pub lock: helm::Lock,
}

/// Something that has to be fetched before a source can be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// A value file, by its address.
    File(String),
    /// Charts that the chart depends on and that are not in `charts/`.
    Charts {
        /// Which.
        wanted: Vec<Dependency>,
        /// The chart's lock file, if it has one.
        lock: Option<Box<Locked>>,
    },
    /// A directory of another repository, or a file by address, that a kustomization names.
    Remote(kustomize::RemoteNeed),
    /// A call of a plugin. It is asked for alone.
    Plugin(crate::PluginNeed),
}

impl From<&helm::Dependency> for Dependency {
    fn from(it: &helm::Dependency) -> Self {
        Self { name: it.name.clone(), version: it.version.clone(), repository: it.repository.clone() }
    }
}

impl Default for Context {
    /// A recent cluster that serves nothing special, nothing fetched, nothing to refer to, a world that stands still.
    fn default() -> Self {
        Self {
            project: "default".to_owned(),
            revision: String::new(),
            namespace: "default".to_owned(),
            kube_version: "v1.34.0".to_owned(),
            api_versions: Arc::default(),
            refs: BTreeMap::new(),
            value_schemes: vec!["https".to_owned(), "http".to_owned()],
            kustomize: KustomizeSettings::default(),
            supplies: Supplies::default(),
            plugins: false,
            world: Arc::new(|| {
                Rc::new(sprig::Host::new(sprig::Fixed::new(sprig::Moment { seconds: 0, nanos: 0 }, 0)))
            }),
            templates: None,
            cancelled: None,
        }
    }
}

impl Context {
    /// The same question, for the thread that renders.
    pub(crate) fn probe(&self) -> Option<Rc<dyn Fn() -> bool>> {
        let cancelled = self.cancelled.clone()?;
        Some(Rc::new(move || cancelled()))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}
