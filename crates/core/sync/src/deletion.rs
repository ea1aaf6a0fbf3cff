//! What the deletion of an application does next: a function of its finalizers, of its hooks, and of what became of them.

use std::collections::BTreeMap;
use std::time::Duration;

use api::names::finalizer;
use resource::ResourceKey;

use crate::retry::Backoff;

/// When a hook of the deletion runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeletionPhase {
    /// Before the application's objects are deleted.
    PreDelete,
    /// When they are gone.
    PostDelete,
}

impl DeletionPhase {
    /// As the annotation spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreDelete => "PreDelete",
            Self::PostDelete => "PostDelete",
        }
    }

    /// The finalizer that asks for the hooks of this phase to be run.
    pub fn finalizer(self) -> &'static str {
        match self {
            Self::PreDelete => finalizer::PRE_DELETE,
            Self::PostDelete => finalizer::POST_DELETE,
        }
    }

    /// The finalizer that asks for what they left to be deleted, as their delete policies say.
    pub fn cleanup_finalizer(self) -> &'static str {
        match self {
            Self::PreDelete => finalizer::PRE_DELETE_CLEANUP,
            Self::PostDelete => finalizer::POST_DELETE_CLEANUP,
        }
    }

    /// Identity of the runs of this phase's hooks, for an annotation. `asked` is when the deletion was asked for, in seconds.
    pub fn id(self, asked: i64) -> String {
        format!("{asked}-{}", self.as_str())
    }

    /// The name of a hook that has only a `generateName`: a function of the deletion alone, so that a controller that comes back
    /// finds what it had made, even if git has moved on.
    pub fn name(self, generate_name: &str, asked: i64) -> String {
        format!("{generate_name}{}-{asked}", self.as_str().to_ascii_lowercase())
    }
}

/// A part of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The hooks of a phase run.
    Hooks(DeletionPhase),
    /// The application's objects are deleted.
    Cascade,
    /// What the hooks of a phase left is deleted.
    Cleanup(DeletionPhase),
}

/// The stage that a deletion is at, by the finalizers that are left; `None` where none of ours is.
///
/// **Source**: the peer: PreDelete hooks, the objects, what the former left, PostDelete hooks, what these left; each goes by its own
/// finalizer, so that hooks run without cascade, too.
pub fn stage(has: impl Fn(&str) -> bool) -> Option<Stage> {
    use DeletionPhase::{PostDelete, PreDelete};
    let cascades = || finalizer::CASCADES.into_iter().any(&has);
    if has(PreDelete.finalizer()) {
        Some(Stage::Hooks(PreDelete))
    } else if cascades() {
        Some(Stage::Cascade)
    } else if has(PreDelete.cleanup_finalizer()) {
        Some(Stage::Cleanup(PreDelete))
    } else if has(PostDelete.finalizer()) {
        Some(Stage::Hooks(PostDelete))
    } else if has(PostDelete.cleanup_finalizer()) {
        Some(Stage::Cleanup(PostDelete))
    } else {
        None
    }
}

/// The finalizers that an application should have for its hooks, given those that it has; `None` where they are right.
/// `wanted` says of each phase whether git has a hook of it.
pub fn finalizers(now: &[String], wanted: impl Fn(DeletionPhase) -> bool) -> Option<Vec<String>> {
    let mut right = now.to_vec();
    for phase in [DeletionPhase::PreDelete, DeletionPhase::PostDelete] {
        for name in [phase.finalizer(), phase.cleanup_finalizer()] {
            let there = right.iter().any(|f| f == name);
            if wanted(phase) && !there {
                right.push(name.to_owned());
            } else if !wanted(phase) {
                right.retain(|f| f != name);
            }
        }
    }
    (right != now).then_some(right)
}

/// How far a hook of a deletion is. What it left of earlier runs does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookState {
    /// Not made yet, or taken away since.
    Absent,
    /// Its object is there and has not ended.
    Running,
    /// It has succeeded.
    Done,
    /// It has failed, with the reason.
    Failed(String),
    /// Its object is on its way out after a failure, to be made anew.
    Deleting,
}

/// What to do about the hooks of a phase now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Make these.
    Start(Vec<ResourceKey>),
    /// Wait until these are over.
    Wait(Vec<ResourceKey>),
    /// These have failed, with the reasons: they hold up the deletion, and are tried again after a while.
    Retry(Vec<(ResourceKey, String)>),
    /// All have succeeded.
    Done,
}

/// Decides the next step of a phase's hooks: wave by wave, the next once all of one have succeeded. Pure, and total.
///
/// **Source**: the peer, which runs all hooks of a phase at once; we keep their waves.
pub fn next(hooks: &BTreeMap<(i32, ResourceKey), HookState>) -> Next {
    let unfinished = |state: &HookState| *state != HookState::Done;
    let Some(wave) = hooks.iter().find(|(_, state)| unfinished(state)).map(|((wave, _), _)| *wave) else {
        return Next::Done;
    };
    let of_wave = || hooks.iter().filter(|((number, _), _)| *number == wave);
    let keys = |which: fn(&HookState) -> bool| -> Vec<ResourceKey> {
        of_wave().filter(|(_, state)| which(state)).map(|((_, key), _)| key.clone()).collect()
    };
    let failed: Vec<(ResourceKey, String)> = of_wave()
        .filter_map(|((_, key), state)| match state {
            HookState::Failed(why) => Some((key.clone(), why.clone())),
            HookState::Absent | HookState::Running | HookState::Done | HookState::Deleting => None,
        })
        .collect();
    let mut absent = keys(|state| *state == HookState::Absent);
    absent.sort_by(|a, b| crate::order::apply_order(a).cmp(&crate::order::apply_order(b)));
    let busy = keys(|state| matches!(state, HookState::Running | HookState::Deleting));
    if !absent.is_empty() && failed.is_empty() {
        Next::Start(absent)
    } else if !busy.is_empty() {
        Next::Wait(busy)
    } else {
        Next::Retry(failed)
    }
}

/// How long a failed hook is left before it is tried again, after so many failures (one or more). There is no last time: nothing
/// else would end the deletion.
pub fn pause(failures: u32) -> Duration {
    Backoff::default().wait(failures.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finalizers_say_what_comes_next() {
        use DeletionPhase::{PostDelete, PreDelete};
        let all = [
            finalizer::POST_DELETE_CLEANUP,
            finalizer::POST_DELETE,
            finalizer::PRE_DELETE_CLEANUP,
            finalizer::RESOURCES_BACKGROUND,
            finalizer::PRE_DELETE,
        ];
        let expected = [
            None,
            Some(Stage::Cleanup(PostDelete)),
            Some(Stage::Hooks(PostDelete)),
            Some(Stage::Cleanup(PreDelete)),
            Some(Stage::Cascade),
            Some(Stage::Hooks(PreDelete)),
        ];
        for (count, expected) in expected.into_iter().enumerate() {
            let left = all.get(..count).unwrap();
            assert_eq!(stage(|name| left.contains(&name)), expected, "{left:?}");
        }
        assert_eq!(stage(|name| name == "somebody.example.com/else"), None);
    }

    #[test]
    fn an_application_has_the_finalizers_of_its_hooks() {
        use DeletionPhase::{PostDelete, PreDelete};
        let (resources, pre, pre_too) =
            (finalizer::RESOURCES, finalizer::PRE_DELETE, finalizer::PRE_DELETE_CLEANUP);
        for (reason, now, wanted, expected) in [
            ("no hooks", vec![resources], vec![], None),
            ("a hook", vec![resources], vec![PreDelete], Some(vec![resources, pre, pre_too])),
            ("half of them", vec![pre_too], vec![PreDelete], Some(vec![pre_too, pre])),
            ("as they should be", vec![pre_too, resources, pre], vec![PreDelete], None),
            ("not any more", vec![pre, resources, pre_too], vec![], Some(vec![resources])),
            (
                "another one",
                vec![pre, pre_too],
                vec![PostDelete],
                Some(vec![finalizer::POST_DELETE, finalizer::POST_DELETE_CLEANUP]),
            ),
        ] {
            let now: Vec<String> = now.into_iter().map(str::to_owned).collect();
            let expected = expected.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(finalizers(&now, |phase| wanted.contains(&phase)), expected, "{reason}");
        }
    }

    #[test]
    fn hooks_run_wave_by_wave_until_all_have_succeeded() {
        use HookState::{Absent, Deleting, Done, Running};
        let failed = || HookState::Failed("why".to_owned());
        for (reason, hooks, expected) in [
            ("none", vec![], "done"),
            (
                "all of the first wave start",
                vec![(0, "b", Absent), (0, "a", Absent), (1, "c", Absent)],
                "start a b",
            ),
            ("those that are missing start", vec![(0, "a", Running), (0, "b", Absent)], "start b"),
            ("it runs", vec![(0, "a", Running), (0, "b", Done), (1, "c", Absent)], "wait a"),
            ("the next wave", vec![(-1, "a", Done), (1, "c", Absent)], "start c"),
            ("one failed, another runs", vec![(0, "a", failed()), (0, "b", Running)], "wait b"),
            ("no more start beside a failed one", vec![(0, "a", failed()), (0, "b", Absent)], "retry a"),
            ("it failed", vec![(0, "a", failed()), (0, "b", Done), (1, "c", Absent)], "retry a"),
            ("it goes, to be made anew", vec![(0, "a", Deleting), (1, "c", Absent)], "wait a"),
            ("all succeeded", vec![(0, "a", Done), (1, "c", Done)], "done"),
        ] {
            let key = |name: &str| ResourceKey::new("batch", "Job", "ns", name);
            let hooks = hooks.into_iter().map(|(wave, name, state)| ((wave, key(name)), state)).collect();
            let names =
                |keys: &[ResourceKey]| keys.iter().map(|k| k.name.clone()).collect::<Vec<_>>().join(" ");
            let text = match next(&hooks) {
                Next::Start(keys) => format!("start {}", names(&keys)),
                Next::Wait(keys) => format!("wait {}", names(&keys)),
                Next::Retry(failed) => {
                    format!("retry {}", names(&failed.into_iter().map(|(key, _)| key).collect::<Vec<_>>()))
                }
                Next::Done => "done".to_owned(),
            };
            assert_eq!(text, expected, "{reason}");
        }
    }

    #[test]
    fn a_run_is_known_by_the_deletion_alone() {
        let (pre, post) = (DeletionPhase::PreDelete, DeletionPhase::PostDelete);
        assert_eq!(pre.id(17), "17-PreDelete");
        assert_ne!(pre.id(17), post.id(17));
        assert_eq!(post.name("bye-", 17), "bye-postdelete-17");
        assert_eq!((pause(1), pause(2)), (Duration::from_secs(5), Duration::from_secs(10)));
        assert_eq!(pause(50), Duration::from_secs(180));
    }
}
