//! Whether an application is what is waited for. Pure.

use api::{Application, HealthStatusCode, SyncStatusCode};

use super::filter::Filters;

/// What is waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) sync: bool,
    pub(super) health: bool,
    pub(super) operation: bool,
    pub(super) suspended: bool,
    pub(super) degraded: bool,
    pub(super) hydrated: bool,
    pub(super) gone: bool,
    /// Only these resources count; the application itself where there are none.
    pub(super) resources: Filters,
}

impl Wanted {
    /// The end of an operation.
    pub(super) fn operation() -> Self {
        Self { operation: true, ..Self::default() }
    }

    /// The end of the application.
    pub(super) fn gone() -> Self {
        Self { gone: true, ..Self::default() }
    }
}

/// What is still missing; `None` where nothing is.
///
/// **Shape**: of healthy, suspended and degraded one is enough; sync, operation and hydration must hold besides. An operation has
/// ended when it is no longer asked for and its state says so. **Source**: the peer's `app wait`.
pub(super) fn missing(wanted: &Wanted, app: &Application) -> Option<String> {
    if wanted.gone {
        return Some("it to be deleted".to_owned());
    }
    if wanted.operation && is_busy(app) {
        let message =
            app.status.operation_state.as_ref().map(|state| state.message.as_str()).unwrap_or_default();
        let detail = if message.is_empty() { String::new() } else { format!(" ({message})") };
        return Some(format!("the end of its operation{detail}"));
    }
    if wanted.hydrated && !is_hydrated(app) {
        let nobody = if app.spec.source_hydrator.is_some() {
            ""
        } else {
            ", which its specification does not ask for"
        };
        return Some(format!("its manifests to be rendered into git{nobody}"));
    }
    if wanted.resources.is_empty() {
        let health = app.status.health.status.as_ref();
        return missing_of(wanted, Some(&app.status.sync.status), health, "");
    }
    let resources = app.status.resources.iter().filter(|r| wanted.resources.names(&r.key()));
    let mut found = false;
    for r in resources {
        found = true;
        let of = format!(" of {}/{}", r.kind, r.name);
        // A kind without health is as healthy as it can be.
        let health =
            r.health.as_ref().map_or(Some(&HealthStatusCode::Healthy), |health| health.status.as_ref());
        if let Some(missing) = missing_of(wanted, r.status.as_ref(), health, &of) {
            return Some(missing);
        }
    }
    (!found).then(|| "a resource that --resource names".to_owned())
}

fn missing_of(
    wanted: &Wanted,
    sync: Option<&SyncStatusCode>,
    health: Option<&HealthStatusCode>,
    of: &str,
) -> Option<String> {
    if wanted.sync && sync != Some(&SyncStatusCode::Synced) {
        let is = sync.map_or("unknown", SyncStatusCode::as_str);
        return Some(format!("status Synced{of}, it is {is}"));
    }
    let wishes = [
        (wanted.health, HealthStatusCode::Healthy),
        (wanted.suspended, HealthStatusCode::Suspended),
        (wanted.degraded, HealthStatusCode::Degraded),
    ];
    let wishes: Vec<HealthStatusCode> =
        wishes.into_iter().filter(|(on, _)| *on).map(|(_, wish)| wish).collect();
    if wishes.is_empty() || health.is_some_and(|health| wishes.contains(health)) {
        return None;
    }
    let names: Vec<&str> = wishes.iter().map(HealthStatusCode::as_str).collect();
    Some(format!(
        "health {}{of}, it is {}",
        names.join(" or "),
        health.map_or("unknown", HealthStatusCode::as_str)
    ))
}

/// Whether an operation is asked for or under way, or has just ended and was not followed by a comparison yet.
pub(super) fn is_busy(app: &Application) -> bool {
    let Some(state) = &app.status.operation_state else { return app.operation.is_some() };
    let times = [app.status.reconciled_at.as_deref(), state.finished_at.as_deref()];
    let [compared, finished] = times.map(|at| at.and_then(|at| api::parse_time(at).ok()));
    let awaits_comparison = !state.phase.is_failed()
        && !state.operation.sync.as_ref().is_some_and(|sync| sync.dry_run)
        && matches!((compared, finished), (Some(compared), Some(finished)) if compared < finished);
    app.operation.is_some() || !state.phase.is_completed() || awaits_comparison
}

/// Whether what the hydrator was asked for last is what it has pushed. One that is not asked for never is, as in the peer.
fn is_hydrated(app: &Application) -> bool {
    let status = app.status.source_hydrator.as_ref();
    let part = |name: &str| status.and_then(|status| status.get(name)).filter(|part| part.is_object());
    let (Some(current), Some(last)) = (part("currentOperation"), part("lastSuccessfulOperation")) else {
        return false;
    };
    current["phase"] == "Hydrated"
        && ["sourceHydrator", "drySHA"].iter().all(|field| current.get(field) == last.get(field))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn app(status: &Value, operation: bool) -> Application {
        let operation = if operation { json!({ "sync": {} }) } else { Value::Null };
        Application::from_value(
            json!({ "metadata": {"name": "a"}, "status": status, "operation": operation }),
        )
        .unwrap()
    }

    #[test]
    fn says_what_is_missing() {
        let all = Wanted { sync: true, health: true, operation: true, ..Wanted::default() };
        let synced = || json!({"sync": {"status": "Synced"}, "health": {"status": "Healthy"}});
        let state = |phase: &str, finished: &str| {
            json!({"sync": {"status": "Synced"}, "health": {"status": "Healthy"}, "reconciledAt": "2026-01-02T00:00:10Z",
                "operationState": {"phase": phase, "finishedAt": finished, "message": "wave 1"}})
        };
        let hydrated = Wanted { hydrated: true, ..Wanted::default() };
        let hydrator = |phase: &str, before: &str| {
            let operation =
                |sha: &str| json!({"drySHA": sha, "sourceHydrator": {"syncSource": {"path": "a"}}});
            let mut current = operation("b");
            current["phase"] = json!(phase);
            json!({"sourceHydrator": {"currentOperation": current, "lastSuccessfulOperation": operation(before)}})
        };
        let unhydrated =
            Some("its manifests to be rendered into git, which its specification does not ask for");
        for (reason, wanted, status, operation, expected) in [
            ("all is well", &all, synced(), false, None),
            ("just asked for", &all, synced(), true, Some("the end of its operation")),
            ("running", &all, state("Running", ""), false, Some("the end of its operation (wave 1)")),
            (
                "between attempts",
                &all,
                state("Running", "2026-01-02T00:00:05Z"),
                false,
                Some("the end of its operation (wave 1)"),
            ),
            ("ended", &all, state("Succeeded", "2026-01-02T00:00:10Z"), false, None),
            (
                "ended, not compared yet",
                &all,
                state("Succeeded", "2026-01-02T00:00:11Z"),
                false,
                Some("the end of its operation (wave 1)"),
            ),
            ("failed", &all, state("Failed", "2026-01-02T00:00:11Z"), false, None),
            ("nothing known", &all, json!({}), false, Some("status Synced, it is Unknown")),
            (
                "degraded",
                &Wanted { health: true, suspended: true, ..Wanted::default() },
                json!({"health": {"status": "Degraded"}}),
                false,
                Some("health Healthy or Suspended, it is Degraded"),
            ),
            (
                "degraded is wanted",
                &Wanted { degraded: true, ..Wanted::default() },
                json!({"health": {"status": "Degraded"}}),
                false,
                None,
            ),
            (
                "sync alone",
                &Wanted { sync: true, ..Wanted::default() },
                json!({"sync": {"status": "Synced"}}),
                true,
                None,
            ),
            ("gone", &Wanted::gone(), synced(), false, Some("it to be deleted")),
            ("nobody hydrates", &hydrated, synced(), false, unhydrated),
            ("hydrated", &hydrated, hydrator("Hydrated", "b"), false, None),
            ("hydrating", &hydrated, hydrator("Hydrating", "b"), false, unhydrated),
            ("hydrated before", &hydrated, hydrator("Hydrated", "a"), false, unhydrated),
        ] {
            assert_eq!(missing(wanted, &app(&status, operation)).as_deref(), expected, "{reason}");
        }
    }

    #[test]
    fn only_the_named_resources_count() {
        let status = json!({"sync": {"status": "OutOfSync"}, "resources": [
            {"kind": "ConfigMap", "name": "a", "status": "Synced"},
            {"kind": "Pod", "name": "b", "status": "Synced", "health": {"status": "Progressing"}}]});
        for (text, expected) in [
            (":ConfigMap:a", None),
            (":Pod:b", Some("health Healthy of Pod/b, it is Progressing")),
            (":Pod:c", Some("a resource that --resource names")),
        ] {
            let resources = Filters::parse(&[text.to_owned()]).unwrap();
            let wanted = Wanted { sync: true, health: true, resources, ..Wanted::default() };
            assert_eq!(missing(&wanted, &app(&status, false)).as_deref(), expected, "{text}");
        }
    }
}
