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

#[cfg(test)]
mod tests {
    use resource::Gvk;
    use serde_json::json;

    use super::{json_patch, strategic_merge_patch};
    use crate::Schemas;

    #[test]
    fn budgets_are_kept() {
        let pod = Schemas::builtin().get(&Gvk::new("", "v1", "Pod")).unwrap();
        let many: Vec<_> = (0..10_001).map(|n| json!(format!("f/{n}"))).collect();
        let refused = strategic_merge_patch(
            pod,
            &json!({"metadata": {"finalizers": ["a"]}}),
            &json!({"metadata": {"finalizers": many, "$setElementOrder/finalizers": many}}),
        );
        assert_eq!(refused.unwrap_err().to_string(), "a list that is merged may have at most 10000 items");

        let operations: Vec<_> =
            (0..10_001).map(|_| json!({"op": "test", "path": "/a", "value": 1})).collect();
        let refused = json_patch(&json!({"a": 1}), &json!(operations)).unwrap_err().to_string();
        assert_eq!(refused, "The allowed maximum operations in a JSON patch is 10000, got 10001");

        let big = "x".repeat(1024 * 1024);
        let copies: Vec<_> =
            (0..4).map(|n| json!({"op": "copy", "from": "/a", "path": format!("/{n}")})).collect();
        let refused = json_patch(&json!({"a": big}), &json!(copies)).unwrap_err().to_string();
        assert!(refused.contains("exceeding the limit 3145728"), "{refused}");
    }
}
