//! Compares what git wants with what a cluster has, and says what to send.
//!
//! The order of work for one object: [`compare`] answers from the server's own bookkeeping; where it cannot, the caller
//! makes a dry run with [`apply_body`] and hands the answer to [`compare_predicted`], keeping it under [`cache_key`].
//! Before the first apply, [`takeover`] makes client-side applied fields ours. Values of Secrets never leave this crate
//! unmasked: not in a [`FieldDiff`], not in a [`Why`], not from [`mask`] or [`normalized`].
//!
//! It refuses to know how an object was read or sent, and what a difference leads to. Main types: [`Rules`], [`Verdict`].
//!
//! ```
//! use compare::{Rules, Verdict, compare};
//! use resource::Object;
//! use serde_json::json;
//!
//! let desired = Object::from_value(json!({"apiVersion": "v1", "kind": "ConfigMap",
//!     "metadata": {"name": "a"}, "data": {"k": "v"}}))?;
//! let live = Object::from_value(json!({"apiVersion": "v1", "kind": "ConfigMap",
//!     "metadata": {"name": "a", "managedFields": [{"manager": "argocd-controller", "operation": "Apply",
//!         "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:k": {}}}}]},
//!     "data": {"k": "v"}}))?;
//! assert_eq!(compare(&desired, &live, &Rules::default()), Verdict::Synced);
//! # Ok::<(), resource::NotAnObject>(())
//! ```

mod apply;
mod cache_key;
mod glob;
mod ignored;
mod jq;
mod managed;
mod pair;
mod path;
mod pointer;
mod predicted;
mod quantity;
mod rules;
mod same;
mod secrets;
mod takeover;
mod update;
mod verdict;
mod walk;

pub use apply::apply_body;
pub use cache_key::{CacheKey, cache_key};
pub use ignored::run_problems;
pub use predicted::compare_predicted;
pub use rules::{IgnoreRule, IgnoreStatus, KnownTypeField, Options, RuleProblem, Rules};
pub use secrets::{SecretProblem, check_secret, mask};
pub use takeover::takeover;
pub use update::update_hash;
pub use verdict::{FieldDiff, Place, Verdict, Why};
pub use walk::{compare, compare_unowned};

use resource::Object;
use serde_json::Value;

/// The field manager under which objects are applied, the peer's own.
pub const FIELD_MANAGER: &str = "argocd-controller";

const COMPARE_OPTIONS: &str = "argocd.argoproj.io/compare-options";

/// Both sides for display, as in `app diff`: masked, without ignored fields, and without what the server writes into
/// `metadata`. `desired` is git's object or, for the exact difference, what a dry run answered.
pub fn normalized(desired: &Object, live: &Object, rules: &Rules) -> (Value, Value) {
    let pair = pair::Pair::new(desired, live, rules);
    (pair.desired, pair.live)
}

/// Whether an object that git does not have still counts as synced: `compare-options: IgnoreExtraneous`.
pub fn ignores_extraneous(object: &Object) -> bool {
    let options = object.annotation(COMPARE_OPTIONS).unwrap_or_default();
    options.split(',').any(|option| option.trim() == "IgnoreExtraneous")
}
