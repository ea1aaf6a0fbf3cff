//! From the health of resources to that of their application.

use resource::Object;

use crate::Status;

/// Takes a resource out of the aggregation when it is `"true"`.
const IGNORE_HEALTH_CHECK: &str = "argocd.argoproj.io/ignore-healthcheck";

/// One resource of an application, as [`aggregate`] needs it.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// What the cluster has, `None` where it is missing.
    pub live: Option<&'a Object>,
    /// Whether it is a hook, or is skipped by its annotation: it never counts.
    pub hook: bool,
    /// Whether it is the very application that is judged: it does not count for itself.
    pub itself: bool,
    /// Its own health; `None` where its kind has none, or where it is missing.
    pub health: Option<Status>,
}

/// Health of the application that consists of these resources: the worst of what counts.
///
/// **Source.** The peer's `setApplicationHealth`. A resource that is missing does not make it worse, its being
/// OutOfSync says enough; when all are missing, the application is Missing. A child application that is Missing or
/// Unknown does not count. An application without resources is Healthy.
pub fn aggregate<'a>(items: impl IntoIterator<Item = Item<'a>>) -> Status {
    let (mut worst, mut any, mut any_live) = (Status::Healthy, false, false);
    for item in items.into_iter().filter(|item| !item.hook) {
        any = true;
        let Some(live) = item.live else { continue };
        any_live = true;
        let Some(health) = item.health else { continue };
        let ignored = item.itself || live.annotation(IGNORE_HEALTH_CHECK) == Some("true");
        if !(ignored || (is_application(live) && uncertain(health))) {
            worst = worst.max(health);
        }
    }
    if any && !any_live { worst.max(Status::Missing) } else { worst }
}

fn is_application(object: &Object) -> bool {
    let kind = object.group_kind();
    kind.group == "argoproj.io" && kind.kind == "Application"
}

fn uncertain(health: Status) -> bool {
    matches!(health, Status::Missing | Status::Unknown)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(kind: &str, annotation: Option<&str>) -> Object {
        let api_version = if kind == "Application" { "argoproj.io/v1alpha1" } else { "v1" };
        let mut object = Object::from_value(json!({"apiVersion": api_version, "kind": kind})).unwrap();
        if let Some(value) = annotation {
            object.set_annotation(IGNORE_HEALTH_CHECK, value);
        }
        object
    }

    #[test]
    fn the_worst_of_what_counts() {
        let (pod, app) = (object("Pod", None), object("Application", None));
        let (ignored, watched) = (object("Pod", Some("true")), object("Pod", Some("false")));
        let live = |object, health| Item { live: Some(object), hook: false, itself: false, health };
        let missing = Item { live: None, hook: false, itself: false, health: Some(Status::Missing) };
        let degraded = live(&pod, Some(Status::Degraded));
        let healthy = live(&pod, Some(Status::Healthy));
        for (row, items, expected) in [
            ("nothing", vec![], Status::Healthy),
            ("no health is healthy", vec![live(&pod, None)], Status::Healthy),
            (
                "order",
                vec![live(&pod, Some(Status::Suspended)), live(&pod, Some(Status::Progressing)), healthy],
                Status::Progressing,
            ),
            ("unknown is worst", vec![degraded, live(&pod, Some(Status::Unknown))], Status::Unknown),
            ("one missing does not count", vec![missing, healthy], Status::Healthy),
            ("all missing", vec![missing, missing], Status::Missing),
            ("only hooks", vec![Item { hook: true, ..degraded }], Status::Healthy),
            ("a missing one beside a hook", vec![Item { hook: true, ..degraded }, missing], Status::Missing),
            ("told not to look", vec![live(&ignored, Some(Status::Degraded))], Status::Healthy),
            ("told to look", vec![live(&watched, Some(Status::Degraded))], Status::Degraded),
            ("child not known", vec![live(&app, Some(Status::Unknown))], Status::Healthy),
            ("child missing", vec![live(&app, Some(Status::Missing))], Status::Healthy),
            ("child degraded", vec![live(&app, Some(Status::Degraded))], Status::Degraded),
            (
                "an application that contains itself",
                vec![Item { itself: true, ..live(&app, Some(Status::Progressing)) }],
                Status::Healthy,
            ),
        ] {
            assert_eq!(aggregate(items), expected, "{row}");
        }
    }
}
