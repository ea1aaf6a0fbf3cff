//! Changes in the cluster that a pass would make nothing of: most are somebody's status.

use std::sync::Arc;

use cluster::{Change, What};

use crate::destination::Destination;
use crate::shared::{AppName, Shared};

/// Whether a change leaves all as the last pass over an application found it, so that none is needed.
///
/// **Shape**: said only while no operation is under way, of an object that was there before and is there still: where it is the
/// application's, of changes that no comparison looks at (status, the server's bookkeeping) or that `ignoreResourceUpdates` names, if its
/// health by the built-in rules and what it adds to the summary stay the same; where such an object made it, of any, as long as nothing
/// was told of that. Costs one look at the object. What is not certain is a matter for a pass.
///
/// **Source**: the peer's `ignoreResourceUpdates`. There, an update of what an application's object made is ignored by these rules only
/// where it has the annotation `argocd.argoproj.io/ignore-resource-updates`; here, none of them is of any consequence.
pub(crate) fn is_quiet(shared: &Shared, at: &Destination, name: &AppName, change: &Change) -> bool {
    if !matches!(change.what, What::StatusOnly | What::Modified) {
        return false;
    }
    let Some(memory) = shared.remembered(name) else { return false };
    // While a pass is under way it may have seen the object already, or not.
    let Ok(mut memory) = memory.try_lock() else { return false };
    let here = memory.to.as_ref().is_some_and(|to| std::ptr::eq(to.as_ref(), at));
    if !here || memory.operation.is_some() {
        return false;
    }
    if !change.direct {
        return !memory.explained.looks_below();
    }
    let kind = change.key.group_kind();
    let (rules, settings) = match &memory.rules {
        Some(compiled) => (Arc::clone(&compiled.rules), Arc::clone(&compiled.settings)),
        None => return false,
    };
    let current = shared.settings.current();
    if !Arc::ptr_eq(&current, &settings) || current.settings.overrides.health_script(&kind).is_some() {
        return false;
    }
    let Some(live) = at.cluster.get(&change.key) else { return false };
    memory.spec.assessed.holds(&live, &rules, &shared.updates.of(&settings).rules)
}
