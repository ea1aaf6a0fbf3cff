//! Objects of no application, in the namespaces that applications of a project go to which asks for them.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use api::{Application, ConditionType};
use cluster::LiveObject;
use resource::ResourceKey;

use crate::comparison::Comparison;
use crate::conditions::Findings;
use crate::obtain::View;
use crate::shared::{AppMemory, Shared};

/// Owners that are followed downwards from an object that belongs to nobody.
const DEPTH: usize = 16;

/// Says how many objects of no application there are where this one goes to, if its project asks. From memory alone; a project that
/// does not ask costs nothing.
pub(crate) fn report(
    shared: &Shared,
    view: &View,
    app: &Application,
    memory: &mut AppMemory,
    comparison: Option<&Comparison>,
    findings: &mut Findings,
) {
    let namespace = &app.spec.destination.namespace;
    let warns = view.project.limits.orphans().is_some_and(api::project::Orphans::warns);
    let observed = warns.then(|| namespace.clone());
    if memory.observed != observed {
        view.to.cluster.observe(view.instance.as_str(), observed.as_deref());
        memory.observed = observed;
    }
    if !warns {
        shared.metrics.orphaned(app, None);
        return;
    }
    let managed = comparison.iter().flat_map(|found| found.resources.iter().map(|r| &r.key)).collect();
    let exists = |instance: &str| shared.is_known(instance);
    let found = orphans(view, namespace, &managed, &exists);
    if let Some(found) = &found {
        shared.metrics.orphaned(app, Some(found.len()));
    }
    match found {
        Some(found) if found.is_empty() => {}
        Some(found) => findings.add(
            ConditionType::OrphanedResourceWarning,
            format!("Application has {} orphaned resources", found.len()),
        ),
        // While something is listed anew, what was found before stands.
        None => {
            let before = app.status.conditions.iter();
            for condition in before.filter(|c| c.condition_type == ConditionType::OrphanedResourceWarning) {
                findings.add(ConditionType::OrphanedResourceWarning, condition.message.clone());
            }
        }
    }
}

/// The objects of a namespace (of all where it is empty) that no application has, with what they made, sorted; `None` while kinds are
/// being listed.
///
/// **Shape**: objects without owners, of kinds and in namespaces that the project permits, that are neither ignored nor tracked by an
/// application that exists; and below them what is permitted and not tracked either. **Source**: the peer's `getResourceTree`.
pub(crate) fn orphans(
    view: &View,
    namespace: &str,
    managed: &BTreeSet<&ResourceKey>,
    exists: &dyn Fn(&str) -> bool,
) -> Option<Vec<ResourceKey>> {
    let limits = &view.project.limits;
    let Some(rules) = limits.orphans() else { return Some(Vec::new()) };
    let to = &view.to;
    let permitted = |object: &LiveObject| {
        limits.permits_kind(&object.group_kind(), object.name(), true).is_ok()
            && limits.permits_destination(&to.server, &to.name(), object.namespace()).is_ok()
    };
    let belongs = |object: &LiveObject| object.instance().is_some_and(|instance| exists(instance));
    let top = to.cluster.top_level(namespace)?;
    let mut below: Vec<(Arc<LiveObject>, usize)> = top
        .into_iter()
        .filter(|object| !object.namespace().is_empty())
        .filter(|object| {
            let key = object.key();
            !managed.contains(&key) && !rules.ignores(&key)
        })
        .map(|object| (object, 0))
        .collect();
    let (mut found, mut seen) = (BTreeSet::new(), HashSet::new());
    while let Some((object, depth)) = below.pop() {
        if belongs(&object) || !permitted(&object) || !seen.insert(Arc::as_ptr(&object)) {
            continue;
        }
        found.insert(object.key());
        if depth < DEPTH {
            let children = to.cluster.children(object.uid());
            below.extend(children.into_iter().map(|child| (child, depth + 1)));
        }
    }
    Some(found.into_iter().collect())
}
