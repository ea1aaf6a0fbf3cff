//! The patches of the Kubernetes API other than apply, and the making of kubectl's.

mod json;
mod merge;
mod strategic;
mod strategic_diff;
mod strategic_lists;

pub use json::json_patch;
pub use merge::{json_merge_diff, json_merge_patch};
pub use strategic::strategic_merge_patch;
pub use strategic_diff::three_way_strategic;
