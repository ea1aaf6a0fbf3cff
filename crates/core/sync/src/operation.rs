//! What an operation does next: a function of its plan, of what it has recorded so far, and of health.

use std::collections::BTreeMap;

use resource::ResourceKey;

use crate::plan::{Phase, Plan, Wave};

/// A step of an operation: an object, in a phase.
pub type Step = (Phase, ResourceKey);

/// What an operation has recorded about one step. Written on the Application before the next wave starts, so
/// that a controller that is killed goes on from the record and does nothing twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// Applied, or deleted; a hook has succeeded.
    Done,
    /// A hook that runs.
    Running,
    /// Tried, and refused.
    Refused,
    /// Applied, and broken since: what it is, for people.
    Broken(String),
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
    /// Wait until these are healthy, each with the reason, and these hooks are over.
    Wait {
        /// Objects.
        objects: Vec<(ResourceKey, String)>,
        /// Hooks.
        hooks: Vec<ResourceKey>,
    },
    /// Put on record that this object of phase `Sync` is broken, with the reason: the operation fails by that, whatever becomes of it.
    Record(ResourceKey, String),
    /// The operation is over.
    Finish(Outcome),
}

/// Decides the next step of an operation.
///
/// **Shape**: the first wave with steps that are not recorded runs; a wave whose steps are recorded lets the next start
/// once its hooks are over and all of its applied objects are ready, where the plan is [gated](Plan::gated); a plan of one wave without
/// hooks ends as soon as it is applied. A step that fails ends the operation after its own wave, and after the waves of `SyncFail`.
/// Pure, and total: any record gives an answer.
/// **Source**: the peer's sync context. We differ in that the hooks of a wave start when its objects are applied, not beside them.
pub fn next(
    plan: &Plan,
    recorded: &BTreeMap<Step, Recorded>,
    readiness: impl Fn(&ResourceKey) -> Readiness,
) -> Next {
    let (handlers, waves): (Vec<&Wave>, Vec<&Wave>) =
        plan.waves.iter().partition(|wave| wave.phase == Phase::SyncFail);
    for wave in waves {
        let look = Look::at(wave, recorded);
        if let Some(left) = look.left() {
            return Next::Run(left);
        }
        let hooks = look.running();
        if let Some(why) = look.failure() {
            if !hooks.is_empty() {
                return Next::Wait { objects: Vec::new(), hooks };
            }
            return after_failure(&handlers, recorded, why);
        }
        if !plan.gated() {
            continue;
        }
        let mut objects = Vec::new();
        for key in &wave.applies {
            match readiness(key) {
                Readiness::Ready => {}
                Readiness::Waiting(reason) => objects.push((key.clone(), reason)),
                Readiness::Broken(reason) => return Next::Record(key.clone(), reason),
            }
        }
        if !objects.is_empty() || !hooks.is_empty() {
            return Next::Wait { objects, hooks };
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

/// Runs what is for a failed sync; its own failures change nothing any more.
fn after_failure(handlers: &[&Wave], recorded: &BTreeMap<Step, Recorded>, why: String) -> Next {
    for wave in handlers {
        let look = Look::at(wave, recorded);
        if let Some(left) = look.left() {
            return Next::Run(left);
        }
        let hooks = look.running();
        if !hooks.is_empty() {
            return Next::Wait { objects: Vec::new(), hooks };
        }
    }
    Next::Finish(Outcome::Failed(why))
}

/// A wave, and what is recorded of it.
struct Look<'a> {
    wave: &'a Wave,
    recorded: &'a BTreeMap<Step, Recorded>,
}

impl<'a> Look<'a> {
    fn at(wave: &'a Wave, recorded: &'a BTreeMap<Step, Recorded>) -> Self {
        Self { wave, recorded }
    }

    fn of(&self, key: &ResourceKey) -> Option<&'a Recorded> {
        self.recorded.get(&(self.wave.phase, key.clone()))
    }

    fn all(&self) -> impl Iterator<Item = &'a ResourceKey> {
        self.wave.applies.iter().chain(&self.wave.hooks).chain(&self.wave.prunes)
    }

    /// What is not on record. What is applied goes on when something of the wave was refused already (a pass that was cut off goes
    /// on), hooks and removals do not.
    fn left(&self) -> Option<Wave> {
        let left = |keys: &[ResourceKey]| -> Vec<ResourceKey> {
            keys.iter().filter(|key| self.of(key).is_none()).cloned().collect()
        };
        let applies = left(&self.wave.applies);
        let (hooks, prunes) = if self.failure().is_some() {
            (Vec::new(), Vec::new())
        } else {
            (left(&self.wave.hooks), left(&self.wave.prunes))
        };
        let some = !applies.is_empty() || !hooks.is_empty() || !prunes.is_empty();
        some.then_some(Wave { applies, hooks, prunes, phase: self.wave.phase, number: self.wave.number })
    }

    fn running(&self) -> Vec<ResourceKey> {
        self.wave.hooks.iter().filter(|key| self.of(key) == Some(&Recorded::Running)).cloned().collect()
    }

    /// Why the operation fails by this wave, in the peer's words.
    fn failure(&self) -> Option<String> {
        let refused: Vec<String> = self
            .all()
            .filter(|key| self.of(key) == Some(&Recorded::Refused))
            .map(ToString::to_string)
            .collect();
        if !refused.is_empty() {
            return Some(format!(
                "one or more objects failed to apply, reason: {} refused, see their messages",
                refused.join(", ")
            ));
        }
        self.all().find_map(|key| match self.of(key) {
            Some(Recorded::Broken(what)) => Some(format!(
                "one or more synchronization tasks completed unsuccessfully, reason: {key} {what}"
            )),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ResourceKey {
        ResourceKey::new("apps", "Deployment", "shop", name)
    }

    fn wave(number: i32, applies: &[&str], prunes: &[&str]) -> Wave {
        let keys = |names: &[&str]| names.iter().map(|n| key(n)).collect();
        Wave { phase: Phase::Sync, number, applies: keys(applies), hooks: Vec::new(), prunes: keys(prunes) }
    }

    fn hooks(phase: Phase, names: &[&str]) -> Wave {
        Wave { phase, hooks: names.iter().map(|n| key(n)).collect(), ..wave(0, &[], &[]) }
    }

    fn text(next: &Next) -> String {
        let names = |keys: &[ResourceKey]| keys.iter().map(|k| k.name.clone()).collect::<Vec<_>>().join(",");
        match next {
            Next::Run(wave) => {
                let Wave { phase, number, applies, hooks, prunes } = wave;
                let steps = [('+', applies), ('!', hooks), ('-', prunes)];
                let steps = steps.iter().filter(|(_, keys)| !keys.is_empty());
                let steps: String = steps.map(|(sign, keys)| format!(" {sign}{}", names(keys))).collect();
                format!("run {} {number}{steps}", phase.as_str())
            }
            Next::Wait { objects, hooks } => {
                let objects: Vec<ResourceKey> = objects.iter().map(|(key, _)| key.clone()).collect();
                format!("wait {}", names(&[objects, hooks.clone()].concat()))
            }
            Next::Record(key, reason) => format!("record {} {reason}", key.name),
            Next::Finish(Outcome::Succeeded(_)) => "succeeded".to_owned(),
            Next::Finish(Outcome::Failed(why)) => format!("failed: {why}"),
        }
    }

    /// What comes next; `recorded` are steps of phase Sync unless the name says another: `PreSync/a`.
    fn decide(waves: &[Wave], recorded: &[(&str, Recorded)], health: &str) -> String {
        let plan = Plan { waves: waves.to_vec(), ..Plan::default() };
        let phases = [Phase::PreSync, Phase::PostSync, Phase::SyncFail];
        let step = |text: &str| match text.split_once('/') {
            Some((phase, name)) => {
                (phases.into_iter().find(|p| p.as_str() == phase).expect("a phase"), key(name))
            }
            None => (Phase::Sync, key(text)),
        };
        let recorded = recorded.iter().map(|(name, r)| (step(name), r.clone())).collect();
        text(&next(&plan, &recorded, |_| match health {
            "ready" => Readiness::Ready,
            "waiting" => Readiness::Waiting("why".to_owned()),
            _ => Readiness::Broken("why".to_owned()),
        }))
    }

    #[test]
    fn goes_on_from_the_record() {
        use Recorded::{Broken, Done, Refused};
        let one = [wave(0, &["a", "b"], &["old"])];
        let two = [wave(0, &["a"], &[]), wave(1, &["b"], &[])];
        let refused = "failed: one or more objects failed to apply, reason: apps/Deployment/shop/a refused, see their messages";
        let broken = "failed: one or more synchronization tasks completed unsuccessfully, reason: \
             apps/Deployment/shop/a is degraded: why";
        for (reason, waves, recorded, health, expected) in [
            ("nothing to do succeeds", &[][..], &[][..], "ready", "succeeded"),
            ("starts with the first wave", &one, &[], "ready", "run Sync 0 +a,b -old"),
            ("does nothing twice", &one, &[("a", Done)], "ready", "run Sync 0 +b -old"),
            (
                "a single wave needs no health",
                &one,
                &[("a", Done), ("b", Done), ("old", Done)],
                "waiting",
                "succeeded",
            ),
            (
                "the rest of a wave is applied though one failed, and nothing is pruned",
                &one,
                &[("a", Refused)],
                "ready",
                "run Sync 0 +b",
            ),
            ("and that ends it", &one, &[("a", Refused), ("b", Done)], "ready", refused),
            ("the second wave waits for the first", &two, &[("a", Done)], "waiting", "wait a"),
            ("and runs when it is ready", &two, &[("a", Done)], "ready", "run Sync 1 +b"),
            (
                "the last of several waves must be healthy",
                &two,
                &[("a", Done), ("b", Done)],
                "waiting",
                "wait a",
            ),
            ("all healthy ends it", &two, &[("a", Done), ("b", Done)], "ready", "succeeded"),
            ("a refused wave stops the next", &two, &[("a", Refused)], "ready", refused),
            ("a degraded one is put on record", &two, &[("a", Done)], "broken", "record a why"),
            (
                "and stops the next, though it recovers",
                &two,
                &[("a", Broken("is degraded: why".to_owned()))],
                "ready",
                broken,
            ),
        ] {
            assert_eq!(decide(waves, recorded, health), expected, "{reason}");
        }
    }

    #[test]
    fn hooks_run_in_their_phases_and_are_waited_for() {
        use Recorded::{Broken, Done, Refused, Running};
        let all = [
            hooks(Phase::PreSync, &["pre", "too"]),
            Wave { hooks: vec![key("beside")], ..wave(0, &["a"], &["old"]) },
            hooks(Phase::PostSync, &["post"]),
            hooks(Phase::SyncFail, &["alarm"]),
        ];
        let pre = [("PreSync/pre", Done), ("PreSync/too", Done)];
        let and = |more: &[(&'static str, Recorded)]| [&pre[..], more].concat();
        let broken = || Broken("failed: why".to_owned());
        let why = "failed: one or more synchronization tasks completed unsuccessfully, reason: apps/Deployment/shop/";
        for (reason, recorded, health, expected) in [
            ("before everything", vec![], "ready", "run PreSync 0 !pre,too".to_owned()),
            (
                "one runs",
                vec![("PreSync/pre", Running), ("PreSync/too", Done)],
                "ready",
                "wait pre".to_owned(),
            ),
            ("the phase is over", pre.to_vec(), "ready", "run Sync 0 +a !beside -old".to_owned()),
            (
                "objects that are not ready keep the next phase waiting",
                and(&[("a", Done), ("beside", Done), ("old", Done)]),
                "waiting",
                "wait a".to_owned(),
            ),
            (
                "then the next",
                and(&[("a", Done), ("beside", Done), ("old", Done)]),
                "ready",
                "run PostSync 0 !post".to_owned(),
            ),
            (
                "all is over, and nothing failed",
                and(&[("a", Done), ("beside", Done), ("old", Done), ("PostSync/post", Done)]),
                "ready",
                "succeeded".to_owned(),
            ),
            (
                "one failed, the other runs",
                vec![("PreSync/pre", broken()), ("PreSync/too", Running)],
                "ready",
                "wait too".to_owned(),
            ),
            (
                "one failed",
                vec![("PreSync/pre", broken()), ("PreSync/too", Done)],
                "ready",
                "run SyncFail 0 !alarm".to_owned(),
            ),
            (
                "the alarm runs",
                vec![("PreSync/pre", broken()), ("PreSync/too", Done), ("SyncFail/alarm", Running)],
                "ready",
                "wait alarm".to_owned(),
            ),
            (
                "the alarm failed, too",
                vec![("PreSync/pre", broken()), ("PreSync/too", Done), ("SyncFail/alarm", broken())],
                "ready",
                format!("{why}pre failed: why"),
            ),
            (
                "no hook starts beside an object that was refused",
                and(&[("a", Refused)]),
                "ready",
                "run SyncFail 0 !alarm".to_owned(),
            ),
        ] {
            assert_eq!(decide(&all, &recorded, health), expected, "{reason}");
        }
        let alone = [Wave { hooks: vec![key("beside")], ..wave(0, &["a"], &[]) }];
        let done = [("a", Done), ("beside", Running)];
        assert_eq!(decide(&alone, &done, "waiting"), "wait a,beside", "one wave with a hook is waited for");
    }
}
