//! The objects of an application with all that they made.

use std::collections::HashSet;
use std::sync::Arc;

use cluster::{Cluster, LiveObject};
use futures::StreamExt as _;
use jiff::Timestamp;
use resource::{GroupKind, ResourceKey};

use super::hosts::Host;
use super::shown::{Shown, shown};
use super::{DEPTH, Site};
use crate::orphans::orphans;

/// Objects that are read at the same time, those of which only metadata is held.
const READS: usize = 16;

/// An object of the tree.
#[derive(Debug, Clone)]
pub struct Node {
    /// What identifies it.
    pub key: ResourceKey,
    /// API version.
    pub version: String,
    /// `metadata.uid`; empty where it is not in the cluster.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Its owners.
    pub parents: Vec<Parent>,
    /// What is shown of it. `None` for what git wants and the cluster does not have.
    pub shown: Option<Arc<Shown>>,
}

/// An owner of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// What identifies it.
    pub key: ResourceKey,
    /// API version.
    pub version: String,
    /// `metadata.uid`.
    pub uid: String,
}

/// The tree: nodes name their parents.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// The application's own objects and what they made; owners stand before what they own.
    pub nodes: Vec<Node>,
    /// Objects of no application in its namespace, where its project asks for them.
    pub orphaned: Vec<Node>,
    /// The nodes that its pods are on, by name.
    pub hosts: Vec<Host>,
}

impl Site {
    /// The tree as the cluster is now. `exists` tells the applications that there are, as objects name them.
    ///
    /// **Source**: the peer's `getResourceTree`.
    pub async fn tree(&self, exists: &(dyn Fn(&str) -> bool + Sync)) -> Tree {
        let cluster = &self.view.to.cluster;
        let mut missing = Vec::new();
        let mut roots = Vec::new();
        for (key, resource) in &self.managed {
            match cluster.get(key) {
                Some(live) => roots.push(live),
                None if !resource.hook => missing.push(Node {
                    key: key.clone(),
                    version: resource.version.clone(),
                    uid: String::new(),
                    resource_version: String::new(),
                    created: None,
                    parents: Vec::new(),
                    shown: None,
                }),
                None => {}
            }
        }
        let live = self.with_dependents(roots);
        let mut nodes = missing;
        nodes.extend(self.nodes(live).await);
        let managed = self.managed.keys().collect();
        // While a kind is listed anew nothing is said of orphans.
        let orphaned = orphans(&self.view, self.namespace(), &managed, exists).unwrap_or_default();
        let orphaned = orphaned.iter().filter_map(|key| cluster.get(key)).collect();
        let hosts = self.hosts(&nodes).await;
        Tree { nodes, orphaned: self.nodes(orphaned).await, hosts }
    }

    /// The pods among an object and what it made.
    pub fn pods(&self, of: &dyn Fn(&ResourceKey) -> bool) -> Vec<Arc<LiveObject>> {
        let roots = self.managed.keys().filter_map(|key| self.view.to.cluster.get(key)).collect();
        let pod = GroupKind::new("", "Pod");
        let mut pods = self.with_dependents(roots);
        pods.retain(|live| live.group_kind() == pod && self.is_below(live, of, DEPTH));
        pods
    }

    fn is_below(&self, live: &Arc<LiveObject>, of: &dyn Fn(&ResourceKey) -> bool, depth: usize) -> bool {
        of(&live.key())
            || depth > 0 && self.parents(live).iter().any(|parent| self.is_below(parent, of, depth - 1))
    }

    /// These objects and all that they made, as far as the project permits it; each once, owners first.
    fn with_dependents(&self, roots: Vec<Arc<LiveObject>>) -> Vec<Arc<LiveObject>> {
        let mut open: Vec<(Arc<LiveObject>, usize)> = roots.into_iter().rev().map(|live| (live, 0)).collect();
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        while let Some((live, depth)) = open.pop() {
            if !self.permits(&live) || !seen.insert(Arc::as_ptr(&live)) {
                continue;
            }
            if depth < DEPTH {
                let mut children = self.children(&live);
                children.sort_by_cached_key(|child| std::cmp::Reverse(child.key()));
                open.extend(children.into_iter().map(|child| (child, depth + 1)));
            }
            found.push(live);
        }
        found
    }

    async fn nodes(&self, live: Vec<Arc<LiveObject>>) -> Vec<Node> {
        let node = |live: Arc<LiveObject>| async move {
            let parent = |parent: Arc<LiveObject>| Parent {
                key: parent.key(),
                version: parent.gvk().version.clone(),
                uid: parent.uid().to_owned(),
            };
            Node {
                key: live.key(),
                version: live.gvk().version.clone(),
                uid: live.uid().to_owned(),
                resource_version: live.resource_version().to_owned(),
                created: live.created(),
                parents: self.parents(&live).into_iter().map(parent).collect(),
                shown: Some(shown(&self.shared, &self.view, &live).await),
            }
        };
        futures::stream::iter(live).map(node).buffered(READS).collect().await
    }

    fn children(&self, live: &LiveObject) -> Vec<Arc<LiveObject>> {
        let cluster = &self.view.to.cluster;
        let mut children = cluster.children(live.uid());
        children.retain(|child| is_near(live, child));
        children.extend(inferred_children(cluster, live));
        children
    }

    /// The owners of an object that are known.
    pub(super) fn parents(&self, live: &LiveObject) -> Vec<Arc<LiveObject>> {
        let cluster = &self.view.to.cluster;
        let owners = live.owners().iter().filter_map(|owner| cluster.by_uid(&owner.uid).into_iter().next());
        let mut parents: Vec<_> = owners.filter(|owner| is_near(owner, live)).collect();
        parents.extend(inferred_parents(cluster, live));
        parents
    }
}

/// Whether one can own the other: owners are in the same namespace, or in none.
fn is_near(owner: &LiveObject, owned: &LiveObject) -> bool {
    owner.namespace().is_empty() || owner.namespace() == owned.namespace()
}

fn is(live: &LiveObject, group: &str, kind: &str) -> bool {
    live.gvk().group == group && live.gvk().kind == kind
}

/// What belongs to an object without saying so: the endpoints of a service, the volumes of a stateful set.
///
/// **Source**: gitops-engine `pkg/cache/references.go`.
fn inferred_children(cluster: &Cluster, live: &LiveObject) -> Vec<Arc<LiveObject>> {
    if is(live, "", "Service") {
        let endpoints = cluster.get(&ResourceKey::new("", "Endpoints", live.namespace(), live.name()));
        return endpoints.into_iter().filter(|endpoints| endpoints.owners().is_empty()).collect();
    }
    if !is(live, "apps", "StatefulSet") {
        return Vec::new();
    }
    let mut claims = cluster.of_kind(&GroupKind::new("", "PersistentVolumeClaim"));
    claims.retain(|claim| claim.namespace() == live.namespace() && is_claim_of(claim, live));
    claims
}

fn inferred_parents(cluster: &Cluster, live: &LiveObject) -> Vec<Arc<LiveObject>> {
    if is(live, "", "Endpoints") && live.owners().is_empty() {
        let service = cluster.get(&ResourceKey::new("", "Service", live.namespace(), live.name()));
        return service.into_iter().collect();
    }
    if !is(live, "", "PersistentVolumeClaim") {
        return Vec::new();
    }
    let mut sets = cluster.of_kind(&GroupKind::new("apps", "StatefulSet"));
    sets.retain(|set| set.namespace() == live.namespace() && is_claim_of(live, set));
    sets
}

/// Whether a claim was made by a template of a stateful set: `<template>-<set>-<number>`. The template is looked for where the whole set
/// is held.
fn is_claim_of(claim: &LiveObject, set: &LiveObject) -> bool {
    let Some((rest, number)) = claim.name().rsplit_once('-') else { return false };
    let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let template = rest.strip_suffix(set.name()).and_then(|rest| rest.strip_suffix('-'));
    let Some(template) = template.filter(|template| numbered && !template.is_empty()) else { return false };
    // A set that owns its claims says so itself.
    if claim.owners().iter().any(|owner| *owner.uid == *set.uid()) {
        return false;
    }
    let Some(object) = set.object() else { return true };
    let templates = object.as_map().get("spec").and_then(|spec| spec.get("volumeClaimTemplates")?.as_array());
    let mut templates = templates.into_iter().flatten();
    templates.any(|known| known.pointer("/metadata/name").and_then(|name| name.as_str()) == Some(template))
}
