//! From the health of resources to that of their application.

use resource::Object;

use crate::Status;

/// Takes a resource out of the aggregation when it is `"true"`.
const IGNORE_HEALTH_CHECK: &str = "argocd.argoproj.io/ignore-healthcheck";

/// One resource of an application, as [`aggregate`] needs it: facts, so that nobody has to hold the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Whether the cluster has it.
    pub live: bool,
    /// Whether its health counts: not for what [`is_ignored`] says, nor for an application that contains itself.
    pub counts: bool,
    /// Whether it is an Application.
    pub application: bool,
    /// Its own health; `None` where its kind has none, or where it is missing.
    pub health: Option<Status>,
}

/// Whether an object's annotation takes it out of the aggregation.
pub fn is_ignored(object: &Object) -> bool {
    object.annotation(IGNORE_HEALTH_CHECK) == Some("true")
}

/// Health of the application that consists of these resources, its hooks left out: the worst of what counts.
///
/// **Source.** The peer's `setApplicationHealth`. A resource that is missing does not make it worse, its being
/// OutOfSync says enough; when all are missing, the application is Missing. A child application that is Missing or
/// Unknown does not count. An application without resources is Healthy.
pub fn aggregate(items: impl IntoIterator<Item = Item>) -> Status {
    let (mut worst, mut any, mut any_live) = (Status::Healthy, false, false);
    for item in items {
        any = true;
        any_live |= item.live;
        match item.health {
            Some(health) if item.live && item.counts && !(item.application && uncertain(health)) => {
                worst = worst.max(health);
            }
            _ => {}
        }
    }
    if any && !any_live { worst.max(Status::Missing) } else { worst }
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
        let child = |health| Item { application: true, ..live(Some(health)) };
        let missing = Item { live: false, ..live(Some(Status::Missing)) };
        let degraded = live(Some(Status::Degraded));
        let healthy = live(Some(Status::Healthy));
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
            ("told not to look", vec![Item { counts: false, ..degraded }], Status::Healthy),
            ("child not known", vec![child(Status::Unknown)], Status::Healthy),
            ("child missing", vec![child(Status::Missing)], Status::Healthy),
            ("child degraded", vec![child(Status::Degraded)], Status::Degraded),
        ] {
            assert_eq!(aggregate(items), expected, "{row}");
        }
    }

    #[test]
    fn only_the_word_true_ignores() {
        for (value, ignored) in [("true", true), ("false", false), ("True", false)] {
            let metadata = json!({"annotations": {IGNORE_HEALTH_CHECK: value}});
            let object = Object::from_value(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata}));
            assert_eq!(is_ignored(&object.unwrap()), ignored, "{value}");
        }
    }
}
