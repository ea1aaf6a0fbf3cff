//! From the health of resources to that of their application.

use resource::Object;

use crate::Status;

/// Takes a resource out of the aggregation when it is `"true"`.
const IGNORE_HEALTH_CHECK: &str = "argocd.argoproj.io/ignore-healthcheck";

/// One resource of an application, hooks left out, as [`aggregate`] needs it: facts that can be kept without the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Whether the cluster has it.
    pub live: bool,
    /// Whether its health counts: not where it is told to be ignored ([`is_ignored`]), and not for the very
    /// application that is judged.
    pub counts: bool,
    /// Whether it is an Application.
    pub application: bool,
    /// Its own health; `None` where its kind has none, or where it is missing.
    pub health: Option<Status>,
}

/// Health of the application that consists of these resources: the worst of what counts.
///
/// **Source.** The peer's `setApplicationHealth`. A resource that is missing does not make it worse, its being
/// OutOfSync says enough; when all are missing, the application is Missing. A child application that is Missing or
/// Unknown does not count. An application without resources is Healthy.
pub fn aggregate(items: impl IntoIterator<Item = Item>) -> Status {
    let (mut worst, mut any, mut any_live) = (Status::Healthy, false, false);
    for item in items {
        (any, any_live) = (true, any_live || item.live);
        let health = item.health.filter(|_| item.live && item.counts);
        worst =
            health.filter(|health| !(item.application && uncertain(*health))).map_or(worst, |h| worst.max(h));
    }
    if any && !any_live { worst.max(Status::Missing) } else { worst }
}

/// Whether a live object is told not to count for the health of its application.
pub fn is_ignored(live: &Object) -> bool {
    live.annotation(IGNORE_HEALTH_CHECK) == Some("true")
}

fn uncertain(health: Status) -> bool {
    matches!(health, Status::Missing | Status::Unknown)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_worst_of_what_counts() {
        let live = |health| Item { live: true, counts: true, application: false, health };
        let missing = Item { live: false, ..live(Some(Status::Missing)) };
        let (degraded, healthy) = (live(Some(Status::Degraded)), live(Some(Status::Healthy)));
        let child = |health| Item { application: true, ..live(Some(health)) };
        for (row, items, expected) in [
            ("nothing", vec![], Status::Healthy),
            ("no health is healthy", vec![live(None)], Status::Healthy),
            (
                "order",
                vec![live(Some(Status::Suspended)), live(Some(Status::Progressing)), healthy],
                Status::Progressing,
            ),
            ("unknown is worst", vec![degraded, live(Some(Status::Unknown))], Status::Unknown),
            ("one missing does not count", vec![missing, healthy], Status::Healthy),
            ("all missing", vec![missing, missing], Status::Missing),
            ("does not count", vec![Item { counts: false, ..degraded }], Status::Healthy),
            (
                "does not count, but is there",
                vec![Item { counts: false, ..degraded }, missing],
                Status::Healthy,
            ),
            ("child not known", vec![child(Status::Unknown)], Status::Healthy),
            ("child missing", vec![child(Status::Missing)], Status::Healthy),
            ("child degraded", vec![child(Status::Degraded)], Status::Degraded),
        ] {
            assert_eq!(aggregate(items), expected, "{row}");
        }
    }

    #[test]
    fn the_annotation_says_true() {
        for (value, expected) in [("true", true), ("false", false), ("", false)] {
            let mut object = Object::from_value(json!({"apiVersion": "v1", "kind": "Pod"})).unwrap();
            object.set_annotation(IGNORE_HEALTH_CHECK, value);
            assert_eq!(is_ignored(&object), expected, "{value}");
        }
    }
}
