//! Hooks: objects that run at points of a sync instead of being kept in place.

use api::names::annotation;
use resource::{Object, ResourceKey};

use crate::deletion::DeletionPhase;
use crate::plan::Phase;

/// Characters of a revision that go into a generated name, as in the peer.
const REVISION_CHARACTERS: usize = 7;

/// What an object says about itself as a hook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hook {
    /// Phases of a sync in which it runs, in their order; none for `Skip`, and for words that are no phase (the peer ignores these,
    /// too).
    pub phases: Vec<Phase>,
    /// When it runs at the deletion of the application, in that order.
    pub deletion: Vec<DeletionPhase>,
    /// When it is deleted.
    pub policy: DeletePolicy,
}

/// When a hook is deleted. The peer's default is before the next one is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletePolicy {
    /// What an earlier sync left goes before it is made anew.
    pub before_creation: bool,
    /// It goes when it has succeeded, at the end of the operation.
    pub succeeded: bool,
    /// It goes when it has failed, at the end of the operation.
    pub failed: bool,
}

impl Default for DeletePolicy {
    fn default() -> Self {
        Self { before_creation: true, succeeded: false, failed: false }
    }
}

/// Whether an object is a hook: by our annotation, or else by Helm's, whose `crd-install` is a plain resource.
pub fn is_hook(object: &Object) -> bool {
    match object.annotation(annotation::HOOK) {
        Some(_) => true,
        None => object.annotation(annotation::HELM_HOOK).is_some_and(|hook| hook.trim() != "crd-install"),
    }
}

/// Reads a hook's annotations.
///
/// **Source**: the peer's: Helm's words count where the peer's annotation is absent (`pre-install` and `pre-upgrade` are PreSync,
/// `post-install` and `post-upgrade` PostSync, `pre-delete` and `post-delete` the same of the deletion, tests and rollbacks nothing);
/// delete policies of both count.
pub fn read(object: &Object) -> Hook {
    let mut hook = Hook { policy: policy(object), ..Hook::default() };
    let own = object.annotation(annotation::HOOK);
    let text = own.or_else(|| object.annotation(annotation::HELM_HOOK)).unwrap_or_default();
    for word in text.split(',').map(str::trim) {
        let phase = match (own.is_some(), word) {
            (true, "PreSync") | (false, "pre-install" | "pre-upgrade") => Phase::PreSync,
            (true, "Sync") => Phase::Sync,
            (true, "PostSync") | (false, "post-install" | "post-upgrade") => Phase::PostSync,
            (true, "SyncFail") => Phase::SyncFail,
            (true, "PreDelete") | (false, "pre-delete") => {
                hook.deletion.push(DeletionPhase::PreDelete);
                continue;
            }
            (true, "PostDelete") | (false, "post-delete") => {
                hook.deletion.push(DeletionPhase::PostDelete);
                continue;
            }
            _ => continue,
        };
        hook.phases.push(phase);
    }
    hook.phases.sort_unstable();
    hook.phases.dedup();
    hook.deletion.sort_unstable();
    hook.deletion.dedup();
    hook
}

fn policy(object: &Object) -> DeletePolicy {
    let words = |name: &str| object.annotation(name).unwrap_or_default().split(',').map(str::trim);
    let mut policy = DeletePolicy { before_creation: false, succeeded: false, failed: false };
    for word in words(annotation::HOOK_DELETE_POLICY).chain(words(annotation::HELM_HOOK_DELETE_POLICY)) {
        match word {
            "BeforeHookCreation" | "before-hook-creation" => policy.before_creation = true,
            "HookSucceeded" | "hook-succeeded" => policy.succeeded = true,
            "HookFailed" | "hook-failed" => policy.failed = true,
            _ => {}
        }
    }
    if policy.before_creation || policy.succeeded || policy.failed { policy } else { DeletePolicy::default() }
}

/// What tells the runs of a hook apart.
#[derive(Debug, Clone, Copy)]
pub struct RunOf<'a> {
    /// Commit that is synced.
    pub revision: &'a str,
    /// When the operation began, in seconds.
    pub started: i64,
    /// Attempts of the operation before this one.
    pub attempt: i64,
}

impl RunOf<'_> {
    /// Identity of a run of a hook, for an annotation: a live object with it was made by this attempt of this operation.
    pub fn id(&self, phase: Phase) -> String {
        format!("{}-{}-{}", self.started, self.attempt, phase.as_str())
    }

    /// The name of a hook that has only a `generateName`: a function of the operation, so that a controller that comes back finds
    /// what it had made. The first attempt has the peer's form.
    pub fn name(&self, generate_name: &str, phase: Phase) -> String {
        let revision: String = self.revision.chars().take(REVISION_CHARACTERS).collect();
        let (phase, started) = (phase.as_str().to_ascii_lowercase(), self.started);
        match self.attempt {
            0 => format!("{generate_name}{revision}-{phase}-{started}"),
            attempt => format!("{generate_name}{revision}-{phase}-{started}-{attempt}"),
        }
    }
}

/// Whether objects of a kind run to an end, so that what an earlier sync left says nothing about this one.
pub fn runs_to_an_end(key: &ResourceKey) -> bool {
    matches!(
        (key.group.as_str(), key.kind.as_str()),
        ("batch", "Job") | ("", "Pod") | ("argoproj.io", "Workflow" | "AnalysisRun")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object(annotations: &Value) -> Object {
        let metadata = json!({"name": "migrate", "annotations": annotations});
        Object::from_value(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata})).unwrap()
    }

    #[test]
    fn annotations_say_when_a_hook_runs_and_goes() {
        let (argo, helm) = (annotation::HOOK, annotation::HELM_HOOK);
        let (policy, helm_policy) = (annotation::HOOK_DELETE_POLICY, annotation::HELM_HOOK_DELETE_POLICY);
        for (reason, annotations, expected) in [
            ("nothing", json!({}), "none"),
            ("a phase", json!({argo: "PreSync"}), "PreSync; before"),
            (
                "several, in the order of phases",
                json!({argo: "PostSync, PreSync"}),
                "PreSync PostSync; before",
            ),
            ("skipped", json!({argo: "Skip"}), "; before"),
            ("no word of the peer's", json!({argo: "presync"}), "; before"),
            ("at the deletion", json!({argo: "PreDelete"}), "PreDelete; before"),
            ("before and after it", json!({argo: "PostDelete,PreDelete"}), "PreDelete PostDelete; before"),
            ("Helm's", json!({helm: "post-install,post-upgrade"}), "PostSync; before"),
            ("Helm's of both kinds", json!({helm: "pre-upgrade,pre-delete"}), "PreSync PreDelete; before"),
            ("Helm's at the end", json!({helm: "post-delete"}), "PostDelete; before"),
            ("ours before Helm's, at the end, too", json!({argo: "Skip", helm: "pre-delete"}), "; before"),
            ("Helm's test", json!({helm: "test"}), "; before"),
            ("Helm's definitions are resources", json!({helm: "crd-install"}), "none"),
            ("ours before Helm's", json!({argo: "SyncFail", helm: "pre-install"}), "SyncFail; before"),
            ("a policy", json!({argo: "Sync", policy: "HookSucceeded"}), "Sync; succeeded"),
            (
                "policies of both",
                json!({argo: "Sync", policy: "HookFailed", helm_policy: "before-hook-creation"}),
                "Sync; before failed",
            ),
        ] {
            let object = object(&annotations);
            let text = if is_hook(&object) {
                let Hook { phases, deletion, policy } = read(&object);
                let mut when: Vec<&str> = phases.iter().map(|phase| phase.as_str()).collect();
                when.extend(deletion.iter().map(|phase| phase.as_str()));
                let policies = [
                    ("before", policy.before_creation),
                    ("succeeded", policy.succeeded),
                    ("failed", policy.failed),
                ];
                let policies: Vec<&str> =
                    policies.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
                format!("{}; {}", when.join(" "), policies.join(" "))
            } else {
                "none".to_owned()
            };
            assert_eq!(text, expected, "{reason}");
        }
    }

    #[test]
    fn a_generated_name_is_a_function_of_the_operation() {
        let run = |attempt| RunOf { revision: "0123456789abcdef", started: 1_700_000_000, attempt };
        assert_eq!(run(0).name("migrate-", Phase::PreSync), "migrate-0123456-presync-1700000000");
        assert_eq!(run(2).name("migrate-", Phase::PostSync), "migrate-0123456-postsync-1700000000-2");
        assert_ne!(run(0).id(Phase::PreSync), run(1).id(Phase::PreSync));
        assert_ne!(run(0).id(Phase::PreSync), run(0).id(Phase::PostSync));
    }
}
