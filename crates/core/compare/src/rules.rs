//! What does not count as a difference, compiled once for an application.

use std::collections::BTreeMap;
use std::fmt;

use api::ResourceIgnoreDifferences;
use resource::{GroupKind, Object};

use crate::glob::Glob;
use crate::jq::Jq;
use crate::pointer::Pointer;

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

impl From<&ResourceIgnoreDifferences> for IgnoreRule {
    fn from(rule: &ResourceIgnoreDifferences) -> Self {
        Self {
            group: rule.group.clone(),
            kind: rule.kind.clone(),
            name: rule.name.clone(),
            namespace: rule.namespace.clone(),
            json_pointers: rule.json_pointers.clone(),
            jq_path_expressions: rule.jq_path_expressions.clone(),
            managed_fields_managers: rule.managed_fields_managers.clone(),
        }
    }
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

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.reason)
    }
}

/// Work that a jq expression may do on one object: values that it produces plus nodes of values that it builds. Enough
/// to look at each node of an object of one MiB several times. The peer counts time instead, one second
/// (`ignore.normalizer.jq.timeout`); steps give the same answer on every machine.
const JQ_STEPS: u64 = 300_000;

/// The compiled rules of one application. Cheap to share, not to make: keep them until their input changes.
#[derive(Debug)]
pub struct Rules {
    pub(crate) options: Options,
    pub(crate) jq_steps: u64,
    compiled: Vec<Compiled>,
    /// Everything that the rules were made from, for [`cache_key`](crate::cache_key()).
    pub(crate) fingerprint: Vec<u8>,
}

/// One rule, ready to be evaluated.
#[derive(Debug)]
pub(crate) struct Compiled {
    group: Glob,
    kind: Glob,
    name: String,
    namespace: String,
    pub(crate) pointers: Vec<Pointer>,
    /// With the name of each in problems.
    pub(crate) expressions: Vec<(String, Jq)>,
    pub(crate) managers: Vec<String>,
}

impl Default for Rules {
    /// No rules, and all settings at their defaults.
    fn default() -> Self {
        Self::compile(&[], &[], Options::default()).0
    }
}

impl Rules {
    /// Compiles the rules of an application (`app`) and those that hold for all (`system`).
    /// What cannot be compiled is left out and named in the problems, never dropped in silence.
    pub fn compile(app: &[IgnoreRule], system: &[IgnoreRule], options: Options) -> (Self, Vec<RuleProblem>) {
        let mut problems = Vec::new();
        let levels = [("", app), ("system ", system)].into_iter();
        let compiled = levels
            .flat_map(|(level, rules)| {
                rules.iter().enumerate().map(move |(index, rule)| (level, index, rule))
            })
            .filter_map(|(level, index, rule)| {
                compile(&format!("{level}ignoreDifferences[{index}]"), rule, &mut problems)
            })
            .collect();
        let fingerprint = format!("{app:?}{system:?}{options:?}").into_bytes();
        (Self { options, jq_steps: JQ_STEPS, compiled, fingerprint }, problems)
    }

    /// With another budget for each jq expression on each object: values produced plus nodes of values built, 300,000
    /// where this is not called.
    #[must_use]
    pub fn with_jq_steps(self, jq_steps: u64) -> Self {
        Self { jq_steps, ..self }
    }

    /// As [`Self::compile`], the rules of `ignoreResourceUpdates`, which say what an update of an object is not judged by.
    pub fn compile_updates(rules: &[IgnoreRule]) -> (Self, Vec<RuleProblem>) {
        let mut problems = Vec::new();
        let label = |index: usize| format!("ignoreResourceUpdates[{index}]");
        let compiled =
            rules.iter().enumerate().filter_map(|(i, rule)| compile(&label(i), rule, &mut problems));
        let compiled = compiled.collect();
        let fingerprint = format!("{rules:?}").into_bytes();
        (Self { options: Options::default(), jq_steps: JQ_STEPS, compiled, fingerprint }, problems)
    }

    /// Whether how an object of this kind compares may depend on its status: it counts, or an expression could look at it.
    pub fn look_at_status(&self, kind: &GroupKind) -> bool {
        let looks = |rule: &Compiled| {
            !rule.expressions.is_empty() && rule.group.matches(&kind.group) && rule.kind.matches(&kind.kind)
        };
        !self.ignores_status(kind) || self.compiled.iter().any(looks)
    }

    /// The rules that concern an object.
    pub(crate) fn of<'a>(&'a self, object: &'a Object) -> impl Iterator<Item = &'a Compiled> {
        let kind = object.group_kind();
        self.compiled.iter().filter(move |rule| {
            rule.group.matches(&kind.group)
                && rule.kind.matches(&kind.kind)
                && (rule.name.is_empty() || rule.name == object.name())
                && (rule.namespace.is_empty() || rule.namespace == object.namespace().unwrap_or_default())
        })
    }

    /// Whether `status` of this kind counts for nothing.
    pub(crate) fn ignores_status(&self, kind: &GroupKind) -> bool {
        match self.options.ignore_status {
            IgnoreStatus::All => true,
            IgnoreStatus::Crd => {
                kind.group == "apiextensions.k8s.io" && kind.kind == "CustomResourceDefinition"
            }
            IgnoreStatus::None => false,
        }
    }
}

fn compile(label: &str, rule: &IgnoreRule, problems: &mut Vec<RuleProblem>) -> Option<Compiled> {
    let mut part =
        |field: String, reason| problems.push(RuleProblem { rule: format!("{label}.{field}"), reason });
    let group = Glob::new(&rule.group).map_err(|reason| part("group".to_owned(), reason));
    let kind = Glob::new(&rule.kind).map_err(|reason| part("kind".to_owned(), reason));
    let mut pointers = Vec::new();
    for (index, pointer) in rule.json_pointers.iter().enumerate() {
        match Pointer::parse(pointer) {
            Ok(pointer) => pointers.push(pointer),
            Err(reason) => part(format!("jsonPointers[{index}]"), reason),
        }
    }
    let mut expressions = Vec::new();
    for (index, expression) in rule.jq_path_expressions.iter().enumerate() {
        let field = format!("jqPathExpressions[{index}]");
        match Jq::compile(expression) {
            Ok(jq) => expressions.push((format!("{label}.{field}"), jq)),
            Err(reason) => part(field, reason),
        }
    }
    let (Ok(group), Ok(kind)) = (group, kind) else { return None };
    Some(Compiled {
        group,
        kind,
        name: rule.name.clone(),
        namespace: rule.namespace.clone(),
        pointers,
        expressions,
        managers: rule.managed_fields_managers.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(group: &str, kind: &str) -> IgnoreRule {
        IgnoreRule { group: group.into(), kind: kind.into(), ..IgnoreRule::default() }
    }

    #[test]
    fn rules_find_their_objects() {
        let object = Object::from_value(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop"}}))
        .unwrap();
        for (row, rule, expected) in [
            ("exact", rule("apps", "Deployment"), true),
            ("core is no wildcard", rule("", "Deployment"), false),
            ("globs", rule("*", "*"), true),
            ("part of a kind", rule("a*", "{Deployment,StatefulSet}"), true),
            ("another kind", rule("apps", "Deploy"), false),
            ("name", IgnoreRule { name: "web".into(), ..rule("apps", "*") }, true),
            ("another name", IgnoreRule { name: "we".into(), ..rule("apps", "*") }, false),
            ("namespace", IgnoreRule { namespace: "shop".into(), ..rule("apps", "*") }, true),
            ("another namespace", IgnoreRule { namespace: "bar".into(), ..rule("apps", "*") }, false),
        ] {
            let (rules, problems) = Rules::compile(&[rule], &[], Options::default());
            assert_eq!(problems, [], "{row}");
            assert_eq!(rules.of(&object).count(), usize::from(expected), "{row}");
        }
    }

    #[test]
    fn bad_rules_are_named() {
        let bad = IgnoreRule {
            json_pointers: vec!["/spec".into(), "spec/replicas".into()],
            jq_path_expressions: vec!["def f: f; f".into()],
            ..rule("apps", "*")
        };
        let (_, problems) =
            Rules::compile(std::slice::from_ref(&bad), &[rule("[", "*"), bad.clone()], Options::default());
        let names: Vec<&str> = problems.iter().map(|problem| problem.rule.as_str()).collect();
        assert_eq!(
            names,
            [
                "ignoreDifferences[0].jsonPointers[1]",
                "ignoreDifferences[0].jqPathExpressions[0]",
                "system ignoreDifferences[0].group",
                "system ignoreDifferences[1].jsonPointers[1]",
                "system ignoreDifferences[1].jqPathExpressions[0]",
            ]
        );
    }
}
