//! The order in which objects are written.

use std::cmp::Ordering;

use serde::Deserialize;

use crate::id::{Gvk, ResId};
use crate::lenient;

/// `sortOptions`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct SortOptions {
    /// `fifo` or `legacy`.
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) order: String,
    /// Lists of kinds for `legacy`.
    pub(crate) legacy_sort_options: Option<LegacySortOptions>,
}

/// Kinds that come first and last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LegacySortOptions {
    /// Kinds before all others, in this order.
    #[serde(deserialize_with = "lenient::texts")]
    pub(crate) order_first: Vec<String>,
    /// Kinds behind all others, in this order.
    #[serde(deserialize_with = "lenient::texts")]
    pub(crate) order_last: Vec<String>,
}

/// Why options cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SortError {
    /// No such order.
    #[error("the field 'sortOptions.order' must be one of [fifo, legacy]")]
    Order,
    /// Lists that the order does not use.
    #[error(
        "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'"
    )]
    ListsWithoutUse,
}

const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// What decides on an object's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SortKey {
    rank: i64,
    /// `group_version_kind`, with marks for what is empty.
    kind: String,
    /// Namespaces of the core group go the other way round among themselves.
    core_namespace: bool,
    is_namespace: bool,
    /// Kind, namespace and name.
    id: String,
}

impl SortOptions {
    /// The order of the command without options: `legacy` with the lists of old.
    pub(crate) fn legacy() -> Self {
        Self { order: "legacy".to_owned(), legacy_sort_options: None }
    }

    /// The lists by which to sort; `None` where objects stay in the order in which they came.
    ///
    /// **Source**: kustomize `SortOrderTransformer`, api v0.21.2.
    pub(crate) fn lists(&self) -> Result<Option<LegacySortOptions>, SortError> {
        match (self.order.as_str(), &self.legacy_sort_options) {
            ("legacy", Some(lists)) => Ok(Some(lists.clone())),
            ("legacy", None) => Ok(Some(LegacySortOptions::default_lists())),
            ("fifo", None) => Ok(None),
            ("fifo", Some(_)) => Err(SortError::ListsWithoutUse),
            _ => Err(SortError::Order),
        }
    }
}

impl LegacySortOptions {
    fn default_lists() -> Self {
        let owned = |list: &[&str]| list.iter().map(|kind| (*kind).to_owned()).collect();
        Self { order_first: owned(&FIRST), order_last: owned(&LAST) }
    }

    fn rank(&self, kind: &str) -> i64 {
        // A kind in both lists, or twice in one, has the place that was written last.
        let place =
            |list: &[String]| list.iter().rposition(|one| one == kind).and_then(|at| i64::try_from(at).ok());
        match (place(&self.order_last), place(&self.order_first)) {
            (Some(at), _) => 1 + at,
            (None, Some(at)) => at - i64::try_from(self.order_first.len()).unwrap_or(i64::MAX),
            (None, None) => 0,
        }
    }

    /// The key of an object, by what it is called now.
    pub(crate) fn key(&self, id: &ResId) -> SortKey {
        let or = |text: &str, mark: &str| if text.is_empty() { mark.to_owned() } else { text.to_owned() };
        let Gvk { group, version, kind } = &id.gvk;
        SortKey {
            rank: self.rank(kind),
            kind: [or(group, "~G"), or(version, "~V"), or(kind, "~K")].join("_"),
            core_namespace: kind == NAMESPACE && group.is_empty(),
            is_namespace: kind == NAMESPACE,
            id: format!("{}|{}|{}", id.gvk, or(&id.namespace, "~X"), or(&id.name, "~N")),
        }
    }
}

const NAMESPACE: &str = "Namespace";

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_kind = || {
            let order = self.kind.cmp(&other.kind);
            let reversed =
                self.is_namespace && other.is_namespace && (self.core_namespace || other.core_namespace);
            if reversed { order.reverse() } else { order }
        };
        self.rank.cmp(&other.rank).then_with(by_kind).then_with(|| self.id.cmp(&other.id))
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests;

/// The order of kinds in configurations: as `legacy` has it, then by group, version and kind.
///
/// **Source**: kyaml `resid.Gvk.IsLessThan`, v0.21.2.
pub(crate) fn kind_order(a: &Gvk, b: &Gvk) -> Ordering {
    let place = |list: &[&str], kind: &str| {
        list.iter().position(|one| *one == kind).and_then(|at| i64::try_from(at).ok())
    };
    let rank = |gvk: &Gvk| match (place(&FIRST, &gvk.kind), place(&LAST, &gvk.kind)) {
        (Some(at), _) => at - 22,
        (None, Some(at)) => 1 + at,
        (None, None) => 0,
    };
    fn or<'a>(text: &'a str, mark: &'static str) -> &'a str {
        if text.is_empty() { mark } else { text }
    }
    fn text(gvk: &Gvk) -> impl Iterator<Item = u8> {
        let parts = [or(&gvk.group, "~G"), "_", or(&gvk.version, "~V"), "_", or(&gvk.kind, "~K")];
        parts.into_iter().flat_map(str::bytes)
    }
    rank(a).cmp(&rank(b)).then_with(|| text(a).cmp(text(b)))
}
