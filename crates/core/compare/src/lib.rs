//! Compares what git wants with what a cluster has. Work in progress: signatures first.

mod rules;
mod verdict;

pub use rules::{IgnoreRule, IgnoreStatus, KnownTypeField, Options, RuleProblem, Rules};
pub use verdict::{FieldDiff, Verdict, Why};

use resource::Object;
use serde_json::Value;

/// The field manager under which objects are applied, the peer's own.
pub const FIELD_MANAGER: &str = "argocd-controller";

/// Compares by the server's own bookkeeping, without a request.
pub fn compare(_desired: &Object, _live: &Object, _rules: &Rules) -> Verdict {
    Verdict::AskServer(Why::NotAppliedByUs)
}

/// The exact difference between live and what a dry-run apply answered.
pub fn compare_predicted(_live: &Object, _predicted: &Object, _rules: &Rules) -> Verdict {
    Verdict::Synced
}

/// What to send by server-side apply.
pub fn apply_body(desired: &Object, _live: Option<&Object>, _rules: &Rules, _respect_ignore: bool) -> Object {
    desired.clone()
}

/// The new `metadata.managedFields` that makes client-side applied fields ours; `None` when nothing is to be done.
pub fn takeover(_live: &Object) -> Option<Value> {
    None
}

/// Both sides with secret values replaced by placeholders that keep equality.
pub fn mask(desired: Option<&Object>, live: Option<&Object>, _rules: &Rules) -> (Option<Object>, Option<Object>) {
    (desired.cloned(), live.cloned())
}

/// Both sides for display: masked, without ignored fields and the server's own metadata.
pub fn normalized(desired: &Object, live: &Object, _rules: &Rules) -> (Value, Value) {
    (desired.to_value(), live.to_value())
}

/// What an answer about these two objects under these rules can be kept under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey(pub [u8; 32]);

/// Hash of desired, rules, and live without status, resourceVersion, generation and the times in managedFields.
pub fn cache_key(_desired: &Object, _live: &Object, _rules: &Rules) -> CacheKey {
    CacheKey([0; 32])
}

/// Whether an object carries `compare-options: IgnoreExtraneous`.
pub fn ignores_extraneous(_object: &Object) -> bool {
    false
}
