//! Structured-merge-diff and the patches of the Kubernetes API, as functions of data.
//!
//! What it does: server-side apply and the ownership of fields ([`server_side_apply`], [`track_update`],
//! [`upgrade_client_side`], [`FieldSet`]); JSON, JSON merge and strategic merge patches, and the patch that `kubectl apply`
//! makes ([`json_patch`], [`json_merge_patch`], [`strategic_merge_patch`], [`three_way_strategic`]); defaulting, pruning
//! and validation by schema ([`default`], [`prune`], [`validate`]); the types behind all of it ([`Schemas`] for
//! Kubernetes' own kinds, [`type_from_crd`] for custom resources, [`deduced`] where there is no schema).
//!
//! What it refuses to know: where objects come from, what a kind means, conversion between versions (an object has one),
//! admission and CEL. It has no clock: the time of a write is an argument.
//!
//! The semantics are those of kube-apiserver 1.34; `tests/cases` has the verdicts of its libraries, and
//! `tools/merge-oracle` records new ones.
//!
//! ```
//! use merge::{Manager, Schemas, server_side_apply};
//! use resource::Gvk;
//! use serde_json::json;
//!
//! let ty = Schemas::builtin().get(&Gvk::new("", "v1", "ConfigMap")).expect("a built-in kind");
//! let applied = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}});
//! let me = Manager::apply("argocd-controller", "v1", "2026-01-01T00:00:00Z");
//! let live = server_side_apply(ty, None, &applied, &me, false)?;
//! assert_eq!(live["metadata"]["managedFields"][0]["fieldsV1"], json!({"f:data": {"f:a": {}}}));
//!
//! let mut changed = applied.clone();
//! changed["data"]["a"] = json!("2");
//! let other = Manager::apply("somebody", "v1", "2026-01-02T00:00:00Z");
//! let refused = server_side_apply(ty, Some(&live), &changed, &other, false).unwrap_err();
//! assert_eq!(
//!     refused.to_string(),
//!     "Apply failed with 1 conflict: conflict with \"argocd-controller\": .data.a"
//! );
//! # Ok::<(), merge::ApplyError>(())
//! ```

mod fields_v1;
mod path;
mod set;
mod types;
mod values;

mod apply;
mod builtin;
mod comparison;
mod conform;
mod crd;
mod errors;
mod field_set;
mod go_struct;
mod last_applied;
mod managers;
mod merging;
mod ownership;
mod patch;
mod quantity;
mod removal;
mod schema;
mod shape;
mod trail;
mod upgrade;

pub use apply::{keep_times, server_side_apply, track_update};
pub use builtin::Schemas;
pub use comparison::{Comparison, compare};
pub use crd::{CrdSchemaError, type_from_crd};
pub use errors::{ApplyError, Conflict, PatchError, TypeError};
pub use field_set::field_set_of;
pub use fields_v1::FieldsV1Error;
pub use go_struct::normalize;
pub use last_applied::LAST_APPLIED;
pub use managers::{
    ManagedFieldsError, Manager, ManagerEntry, Operation, managed_fields, set_managed_fields,
};
pub use patch::{json_merge_diff, json_merge_patch, json_patch, strategic_merge_patch, three_way_strategic};
pub use path::{Path, PathElement, PathElementError, display_path};
pub use schema::{Pattern, Violation, default, default_applied, prune, validate};
pub use set::{FieldSet, Node};
pub use types::{
    Field, ListKind, ListType, MapType, Rules, Scalar, Schema, Strategy, Type, TypeId, TypeRef, deduced,
};
pub use upgrade::upgrade_client_side;
pub use values::equal;
