//! Changes in the cluster that a pass would make nothing of: most are somebody's status.

use std::sync::Arc;

use cluster::{Change, What};

use crate::destination::Destination;
use crate::shared::{AppName, Shared};

/// Whether a change leaves all as the last pass over an application found it, so that none is needed.
///
/// **Shape**: said only of changes that no comparison looks at (status, the server's bookkeeping), while no operation is under way: of
/// an object of the application where its health by the built-in rules and what it adds to the summary stay the same, and of what
/// such objects made where nothing was told of that. Costs one look at the object. What is not certain is a matter for a pass.
pub(crate) fn is_quiet(shared: &Shared, at: &Destination, name: &AppName, change: &Change) -> bool {
    if change.what != What::StatusOnly {
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
    if shared.settings.current().settings.overrides.health_script(&kind).is_some() {
        return false;
    }
    let rules = memory.rules.as_ref().map(|compiled| Arc::clone(&compiled.rules));
    let (Some(rules), Some(live)) = (rules, at.cluster.get(&change.key)) else { return false };
    memory.spec.assessed.holds(&live, &rules)
}
