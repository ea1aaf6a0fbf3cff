//! PodDisruptionBudget: how many of the pods that it selects may go. Its count of what is expected is that of the pods that there are,
//! where the peer asks the workloads that own them. Of a selector only `matchLabels` are read.

use serde_json::{Value, json};

use super::condition::{condition, since};
use super::engine::Controller;
use super::kinds::Kind;
use super::plan::{Cx, Plan};
use super::podspec::{is_active, is_ready};
use super::store::{Id, Store, id};
use super::value::{count_of, generation, is_deleting, labels, namespace, text_map};

pub(super) const CONTROLLER: Controller =
    Controller { root: Kind::PodDisruptionBudget, watches: &[Kind::Pod], plan, related };

const LABELS: &str = "/spec/selector/matchLabels";

fn related(store: &Store, _: Kind, pod: &Value) -> Vec<Id> {
    let has = labels(pod);
    let selects = |budget: &Value| {
        let wanted = text_map(budget, LABELS);
        namespace(budget) == namespace(pod) && wanted.iter().all(|(key, value)| has.get(key) == Some(value))
    };
    store.all(Kind::PodDisruptionBudget).filter(|budget| selects(budget)).map(|budget| id(budget)).collect()
}

fn plan(cx: &Cx<'_>, budget: &Value) -> Plan {
    let mut plan = Plan::default();
    if is_deleting(budget) {
        return plan;
    }
    let wanted = text_map(budget, LABELS);
    let (mut expected, mut healthy) = (0_i64, 0_i64);
    for pod in cx.store.pods_with(namespace(budget), &wanted).filter(|pod| is_active(pod)) {
        expected += 1;
        healthy += i64::from(is_ready(pod));
    }
    let spec = |field: &str| budget.pointer(field).filter(|value| !value.is_null());
    let desired = match (spec("/spec/minAvailable"), spec("/spec/maxUnavailable")) {
        (Some(least), _) => count_of(Some(least), expected, true, 1),
        (None, Some(most)) => (expected - count_of(Some(most), expected, true, 0)).max(0),
        (None, None) => 1,
    };
    let allowed = (healthy - desired).max(0);
    let condition = if allowed > 0 {
        condition("DisruptionAllowed", true, "SufficientPods", "")
    } else {
        condition("DisruptionAllowed", false, "InsufficientPods", "")
    };
    let status = json!({
        "currentHealthy": healthy, "desiredHealthy": desired, "disruptionsAllowed": allowed, "expectedPods": expected,
        "observedGeneration": generation(budget), "conditions": [since(budget, condition, &cx.stamp())],
    });
    plan.status(Kind::PodDisruptionBudget, budget, status);
    plan
}
