use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use resource::{GroupKind, Gvk};

/// One kind in one version, as the server serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceKind {
    /// Its name.
    pub gvk: Arc<Gvk>,
    /// The word in its paths, as in `deployments`.
    pub plural: String,
    /// The word for one, as in `deployment`; may be empty.
    pub singular: String,
    /// Short names, as in `deploy`.
    pub short_names: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// API verbs, as in `list`.
    pub verbs: BTreeSet<String>,
    /// Subresources, as in `status`.
    pub subresources: BTreeSet<String>,
}

impl ResourceKind {
    /// Whether it can be listed and watched.
    pub fn watchable(&self) -> bool {
        self.verbs.contains("list") && self.verbs.contains("watch")
    }
}

/// What the server serves. A group whose discovery failed is named in [`failed`](Self::failed) and taints no
/// other: its kinds may be missing here though they exist.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovery {
    /// Versions in the server's order of preference.
    kinds: BTreeMap<GroupKind, Vec<ResourceKind>>,
    failed: BTreeMap<String, String>,
}

impl Discovery {
    /// A kind in the version that the server prefers.
    pub fn get(&self, kind: &GroupKind) -> Option<&ResourceKind> {
        self.kinds.get(kind)?.first()
    }

    /// A kind in one version.
    pub fn version(&self, gvk: &Gvk) -> Option<&ResourceKind> {
        self.kinds.get(&gvk.group_kind())?.iter().find(|served| *served.gvk == *gvk)
    }

    /// A kind in the first version that can be listed and watched.
    pub fn watchable(&self, kind: &GroupKind) -> Option<&ResourceKind> {
        self.kinds.get(kind)?.iter().find(|served| served.watchable())
    }

    /// A kind by its group and the word in its paths (or its singular, or a short name).
    pub fn by_name(&self, group: Option<&str>, name: &str) -> Option<&ResourceKind> {
        let in_group = |kind: &&ResourceKind| group.is_none_or(|group| kind.gvk.group == group);
        let preferred = || self.kinds.values().filter_map(|versions| versions.first()).filter(in_group);
        preferred().find(|kind| kind.plural == name).or_else(|| {
            preferred()
                .find(|kind| kind.singular == name || kind.short_names.iter().any(|short| short == name))
        })
    }

    /// Whether a kind's objects live in namespaces; `None` where the kind is not known.
    pub fn namespaced(&self, kind: &GroupKind) -> Option<bool> {
        self.get(kind).map(|served| served.namespaced)
    }

    /// All kinds with all their versions, by group and kind; versions in the server's order of preference.
    pub fn kinds(&self) -> impl Iterator<Item = (&GroupKind, &[ResourceKind])> {
        self.kinds.iter().map(|(kind, versions)| (kind, versions.as_slice()))
    }

    /// API groups that could not be discovered, with the reason.
    pub fn failed(&self) -> &BTreeMap<String, String> {
        &self.failed
    }

    /// Everything that Helm's `.Capabilities.APIVersions` holds: `apps/v1` and `apps/v1/Deployment`, sorted.
    pub fn api_versions(&self) -> BTreeSet<String> {
        let all = self.kinds.values().flatten();
        all.flat_map(|served| {
            let version = served.gvk.api_version();
            [format!("{version}/{}", served.gvk.kind), version]
        })
        .collect()
    }

    /// Adds one version of a kind behind those that are there; the first resource of a name wins.
    pub(crate) fn add(&mut self, served: ResourceKind) {
        let versions = self.kinds.entry(served.gvk.group_kind()).or_default();
        if !versions.iter().any(|there| there.gvk == served.gvk) {
            versions.push(served);
        }
    }

    /// Notes that a group could not be (wholly) discovered.
    pub(crate) fn fail(&mut self, group: &str, reason: String) {
        self.failed.entry(group.to_owned()).or_insert(reason);
    }

    /// Keeps what an earlier discovery knew of the groups that failed this time.
    pub(crate) fn keep_failed_from(&mut self, earlier: &Self) {
        for group in self.failed.keys() {
            for (kind, versions) in earlier.kinds.iter().filter(|(kind, _)| kind.group == *group) {
                self.kinds.entry(kind.clone()).or_insert_with(|| versions.clone());
            }
        }
    }

    /// Whether a CRD's name (`plural.group`) is served.
    pub(crate) fn serves(&self, crd: &str) -> bool {
        let Some((plural, group)) = crd.split_once('.') else { return false };
        self.kinds.values().flatten().any(|served| served.plural == plural && served.gvk.group == group)
    }
}
