//! Structured-merge-diff and the patches of the Kubernetes API, as functions of data.
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
mod removal;
mod schema;
mod shape;
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
pub use patch::{json_merge_patch, json_patch, strategic_merge_patch, three_way_strategic};
pub use path::{Path, PathElement, PathElementError, display_path};
pub use schema::{Violation, default, prune, validate};
pub use set::{FieldSet, Node};
pub use types::{
    Field, ListKind, ListType, MapType, Rules, Scalar, Schema, Strategy, Type, TypeId, TypeRef, deduced,
};
pub use upgrade::upgrade_client_side;
pub use values::equal;
