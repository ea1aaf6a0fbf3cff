//! Which kinds are served: those built in, from a table taken from a real API server, and those of CRDs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use serde::Deserialize;
use serde_json::Value;

use crate::{crd::CrdVersion, status::qualified};

/// Kubernetes 1.34's own lists of resources, one a group and version, in the server's order of groups.
const RESOURCES: &str = include_str!("data/resources.json");

/// One resource in one version, as served.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) namespaced: bool,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) verbs: Vec<String>,
    pub(crate) subresources: Vec<Subresource>,
    /// Names the collection in which its objects are: `deployments.apps`. Versions share one.
    pub(crate) storage: Arc<str>,
    /// What a CRD says of it; `None` for a built-in kind.
    pub(crate) custom: Option<Arc<CrdVersion>>,
}

/// A path below an object, such as `scale`.
#[derive(Debug, Clone)]
pub(crate) struct Subresource {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) group: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) verbs: Vec<String>,
}

impl Kind {
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployments.apps`.
    pub(crate) fn qualified(&self) -> String {
        qualified(&self.plural, &self.group)
    }

    pub(crate) fn list_kind(&self) -> String {
        self.custom.as_ref().map_or_else(|| format!("{}List", self.kind), |c| c.list_kind.clone())
    }

    pub(crate) fn has_subresource(&self, name: &str) -> bool {
        self.subresources.iter().any(|s| s.name == name)
    }

    /// Whether objects of it are stored (reviews and bindings are answered, not kept).
    pub(crate) fn is_stored(&self) -> bool {
        self.verbs.iter().any(|v| v == "list") && self.plural != "componentstatuses"
    }
}

type Coordinates = (String, String, String);

/// All kinds served at one moment. Cheap to read; a change of CRDs makes a new one.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    kinds: BTreeMap<Coordinates, Arc<Kind>>,
    /// Groups and their versions in the order of discovery.
    groups: Vec<(String, Vec<String>)>,
    /// The answers of aggregated discovery, made when first asked for: `/api`, `/apis`.
    pub(crate) aggregated: [OnceLock<bytes::Bytes>; 2],
}

impl Registry {
    /// The kinds of a server without CRDs.
    pub(crate) fn built_in() -> Self {
        let lists: Vec<ResourceList> =
            serde_json::from_str(RESOURCES).expect("the table is part of the crate and tested");
        let mut registry = Self::default();
        for list in lists {
            registry.add_version(&list.group, &list.version);
            for kind in list.into_kinds() {
                registry.insert(kind);
            }
        }
        registry
    }

    /// The same with other CRDs' kinds: what `keep` refuses goes, `custom` is added.
    pub(crate) fn with_custom(&self, keep: impl Fn(&Kind) -> bool, custom: Vec<Kind>) -> Self {
        let mut registry = Self::default();
        let kept = || self.kinds.values().filter(|k| k.custom.is_none() || keep(k));
        let mut served: BTreeSet<(&str, &str)> =
            kept().map(|k| (k.group.as_str(), k.version.as_str())).collect();
        served.extend(custom.iter().map(|k| (k.group.as_str(), k.version.as_str())));
        for (group, versions) in &self.groups {
            for version in versions.iter().filter(|v| served.contains(&(group.as_str(), v.as_str()))) {
                registry.add_version(group, version);
            }
        }
        registry.kinds =
            kept().map(|k| ((k.group.clone(), k.version.clone(), k.plural.clone()), Arc::clone(k))).collect();
        for kind in custom {
            registry.add_version(&kind.group.clone(), &kind.version.clone());
            registry.insert(kind);
        }
        registry
    }

    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.kinds.get(&(group.to_owned(), version.to_owned(), plural.to_owned()))
    }

    /// A kind by its name in a group, in the preferred version that has it.
    #[cfg(test)]
    pub(crate) fn by_kind(&self, group: &str, kind: &str) -> Option<&Arc<Kind>> {
        let (_, versions) = self.groups.iter().find(|(g, _)| g == group)?;
        let all = versions.iter().flat_map(|v| self.kinds.values().filter(move |k| k.version == *v));
        all.filter(|k| k.group == group).find(|k| k.kind == kind && k.is_stored())
    }

    /// A kind by the collection it is stored in, in the version that is preferred.
    pub(crate) fn by_storage(&self, storage: &str) -> Option<&Arc<Kind>> {
        self.kinds
            .values()
            .find(|k| &*k.storage == storage && k.qualified() == storage && !crate::convert::is_face(k))
    }

    pub(crate) fn kinds_of<'a>(
        &'a self,
        group: &'a str,
        version: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Kind>> {
        self.kinds
            .range((group.to_owned(), version.to_owned(), String::new())..)
            .map(|(_, k)| k)
            .take_while(move |k| k.group == group && k.version == version)
    }

    /// Groups with their versions, the preferred one first; the core group is `""`.
    pub(crate) fn groups(&self) -> &[(String, Vec<String>)] {
        &self.groups
    }

    fn insert(&mut self, kind: Kind) {
        self.kinds.insert((kind.group.clone(), kind.version.clone(), kind.plural.clone()), Arc::new(kind));
    }

    fn add_version(&mut self, group: &str, version: &str) {
        let at = self.groups.iter().position(|(g, _)| g == group).unwrap_or_else(|| {
            self.groups.push((group.to_owned(), Vec::new()));
            self.groups.len() - 1
        });
        if let Some((_, versions)) = self.groups.get_mut(at)
            && !versions.iter().any(|v| v == version)
        {
            versions.push(version.to_owned());
            // The table's order is the server's own; CRDs' versions are ordered by their priority.
            if versions.len() > 1 && !matches!(group, "autoscaling") {
                versions.sort_by_key(|v| std::cmp::Reverse(version_rank(v)));
            }
        }
    }
}

/// How Kubernetes orders versions: GA before beta before alpha, higher before lower, others last.
pub(crate) fn version_rank(version: &str) -> (u8, u64, u64) {
    let Some(rest) = version.strip_prefix('v') else { return (0, 0, 0) };
    for (mark, stability) in [("alpha", 1), ("beta", 2)] {
        if let Some((major, minor)) = rest.split_once(mark) {
            return match (major.parse(), minor.parse()) {
                (Ok(major), Ok(minor)) => (stability, major, minor),
                (Ok(major), Err(_)) if minor.is_empty() => (stability, major, 0),
                _ => (0, 0, 0),
            };
        }
    }
    rest.parse().map_or((0, 0, 0), |major| (3, major, 0))
}

#[derive(Deserialize)]
struct ResourceList {
    group: String,
    version: String,
    resources: Vec<Value>,
}

impl ResourceList {
    fn into_kinds(self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = Vec::new();
        for entry in &self.resources {
            let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let list = |field: &str| -> Vec<String> {
                let items = entry.get(field).and_then(Value::as_array);
                items.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
            };
            let name = text("name");
            if let Some((parent, sub)) = name.split_once('/') {
                let some = |field: &str| Some(text(field)).filter(|t| !t.is_empty());
                if let Some(kind) = kinds.iter_mut().find(|k| k.plural == parent) {
                    kind.subresources.push(Subresource {
                        name: sub.to_owned(),
                        kind: text("kind"),
                        group: some("group"),
                        version: some("version"),
                        verbs: list("verbs"),
                    });
                }
                continue;
            }
            // Events have two faces and one store.
            let group = if self.group == "events.k8s.io" { "" } else { self.group.as_str() };
            kinds.push(Kind {
                storage: qualified(&name, group).into(),
                plural: name,
                group: self.group.clone(),
                version: self.version.clone(),
                kind: text("kind"),
                singular: text("singularName"),
                namespaced: entry.get("namespaced").and_then(Value::as_bool).unwrap_or_default(),
                short_names: list("shortNames"),
                categories: list("categories"),
                verbs: list("verbs"),
                subresources: Vec::new(),
                custom: None,
            });
        }
        kinds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let registry = Registry::built_in();
        assert_eq!(registry.groups().len(), 21);
        let deployments = registry.find("apps", "v1", "deployments").unwrap();
        assert!(deployments.namespaced && deployments.has_subresource("scale"));
        assert_eq!(&*registry.find("events.k8s.io", "v1", "events").unwrap().storage, "events");
        assert_eq!(registry.by_kind("autoscaling", "HorizontalPodAutoscaler").unwrap().version, "v2");
    }

    #[test]
    fn orders_versions_as_the_server_does() {
        let mut versions = ["v1beta1", "foo1", "v10", "v11alpha2", "v2", "v3beta1", "v12alpha1"];
        versions.sort_by_key(|v| std::cmp::Reverse(version_rank(v)));
        assert_eq!(versions, ["v10", "v2", "v3beta1", "v1beta1", "v12alpha1", "v11alpha2", "foo1"]);
    }
}
