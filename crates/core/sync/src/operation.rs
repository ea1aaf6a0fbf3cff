//! What an operation does next: a function of its plan, of what it has recorded so far, and of health.

use std::collections::BTreeMap;

use resource::ResourceKey;

use crate::plan::{Plan, Wave};

/// What an operation has recorded about one object. Written on the Application before the next wave starts, so
/// that a controller that is killed goes on from the record and does nothing twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Applied, or deleted.
    Done,
    /// Tried, and refused.
    Failed,
}

/// Health of a live object as far as an operation cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Healthy, or of a kind that has no health.
    Ready,
    /// Not yet, with the reason.
    Waiting(String),
    /// Degraded, with the reason.
    Broken(String),
}

/// How an operation ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was done.
    Succeeded(String),
    /// Something was refused or became degraded.
    Failed(String),
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Run what is left of this wave.
    Run(Wave),
    /// Wait until these are healthy; each with the reason.
    Wait(Vec<(ResourceKey, String)>),
    /// The operation is over.
    Finish(Outcome),
}

/// Decides the next step of an operation.
///
/// **Shape**: the first wave with steps that are not recorded runs; a wave whose steps are recorded lets the next start
/// once all of its applied objects are ready, where the plan has more than one wave; a plan of one wave ends as soon
/// as it is applied. A refused step fails the operation after its own wave. Pure, and total: any record gives an answer.
/// **Source**: the peer's sync context; hooks will add steps to the other phases.
pub fn next(
    plan: &Plan,
    recorded: &BTreeMap<ResourceKey, Recorded>,
    readiness: impl Fn(&ResourceKey) -> Readiness,
) -> Next {
    for wave in &plan.waves {
        let left = |keys: &[ResourceKey]| -> Vec<ResourceKey> {
            keys.iter().filter(|key| !recorded.contains_key(*key)).cloned().collect()
        };
        let (applies, prunes) = (left(&wave.applies), left(&wave.prunes));
        let failed: Vec<&ResourceKey> = wave
            .applies
            .iter()
            .chain(&wave.prunes)
            .filter(|key| recorded.get(*key) == Some(&Recorded::Failed))
            .collect();
        // What is applied when something of this wave was refused already: a pass that was cut off goes on.
        if !applies.is_empty() || (!prunes.is_empty() && failed.is_empty()) {
            return Next::Run(Wave { applies, prunes, ..wave.clone() });
        }
        if !failed.is_empty() {
            return Next::Finish(Outcome::Failed(refused(&failed)));
        }
        if !plan.gated() {
            continue;
        }
        let mut waiting = Vec::new();
        for key in &wave.applies {
            match readiness(key) {
                Readiness::Ready => {}
                Readiness::Waiting(reason) => waiting.push((key.clone(), reason)),
                Readiness::Broken(reason) => {
                    return Next::Finish(Outcome::Failed(format!(
                        "one or more synchronization tasks completed unsuccessfully, reason: {key} is degraded: {reason}"
                    )));
                }
            }
        }
        if !waiting.is_empty() {
            return Next::Wait(waiting);
        }
    }
    Next::Finish(Outcome::Succeeded(
        if plan.steps() == 0 {
            "successfully synced (no more tasks)"
        } else {
            "successfully synced (all tasks run)"
        }
        .to_owned(),
    ))
}

fn refused(failed: &[&ResourceKey]) -> String {
    let names: Vec<String> = failed.iter().map(ToString::to_string).collect();
    format!("one or more objects failed to apply, reason: {} refused, see their messages", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Phase;

    fn key(name: &str) -> ResourceKey {
        ResourceKey::new("apps", "Deployment", "shop", name)
    }

    fn wave(number: i32, applies: &[&str], prunes: &[&str]) -> Wave {
        let keys = |names: &[&str]| names.iter().map(|n| key(n)).collect();
        Wave { phase: Phase::Sync, number, applies: keys(applies), prunes: keys(prunes) }
    }

    fn text(next: &Next) -> String {
        let names = |keys: &[ResourceKey]| keys.iter().map(|k| k.name.clone()).collect::<Vec<_>>().join(",");
        match next {
            Next::Run(wave) => {
                format!("run {} +{} -{}", wave.number, names(&wave.applies), names(&wave.prunes))
            }
            Next::Wait(what) => {
                format!("wait {}", what.iter().map(|(k, _)| k.name.clone()).collect::<Vec<_>>().join(","))
            }
            Next::Finish(Outcome::Succeeded(_)) => "succeeded".to_owned(),
            Next::Finish(Outcome::Failed(why)) => format!("failed: {why}"),
        }
    }

    #[test]
    fn goes_on_from_the_record() {
        use Recorded::{Done, Failed};
        let one = vec![wave(0, &["a", "b"], &["old"])];
        let two = vec![wave(0, &["a"], &[]), wave(1, &["b"], &[])];
        let refused = "failed: one or more objects failed to apply, reason: apps/Deployment/shop/a refused, see their messages";
        for (reason, waves, recorded, health, expected) in [
            ("nothing to do succeeds", vec![], vec![], "ready", "succeeded"),
            ("starts with the first wave", one.clone(), vec![], "ready", "run 0 +a,b -old"),
            ("does nothing twice", one.clone(), vec![("a", Done)], "ready", "run 0 +b -old"),
            (
                "a single wave needs no health",
                one.clone(),
                vec![("a", Done), ("b", Done), ("old", Done)],
                "waiting",
                "succeeded",
            ),
            (
                "the rest of a wave is applied though one failed",
                one.clone(),
                vec![("a", Failed)],
                "ready",
                "run 0 +b -old",
            ),
            (
                "but nothing is pruned after a failure",
                one,
                vec![("a", Failed), ("b", Done)],
                "ready",
                refused,
            ),
            ("the second wave waits for the first", two.clone(), vec![("a", Done)], "waiting", "wait a"),
            ("and runs when it is ready", two.clone(), vec![("a", Done)], "ready", "run 1 +b -"),
            (
                "the last of several waves must be healthy",
                two.clone(),
                vec![("a", Done), ("b", Done)],
                "waiting",
                "wait a",
            ),
            ("all healthy ends it", two.clone(), vec![("a", Done), ("b", Done)], "ready", "succeeded"),
            ("a refused wave stops the next", two.clone(), vec![("a", Failed)], "ready", refused),
            (
                "so does a degraded one",
                two,
                vec![("a", Done)],
                "broken",
                "failed: one or more synchronization tasks completed unsuccessfully, reason: \
                 apps/Deployment/shop/a is degraded: why",
            ),
        ] {
            let plan = Plan { waves, ..Plan::default() };
            let recorded = recorded.into_iter().map(|(name, r)| (key(name), r)).collect();
            let next = next(&plan, &recorded, |_| match health {
                "ready" => Readiness::Ready,
                "waiting" => Readiness::Waiting("why".to_owned()),
                _ => Readiness::Broken("why".to_owned()),
            });
            assert_eq!(text(&next), expected, "{reason}");
        }
    }
}
