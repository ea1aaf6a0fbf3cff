//! What is counted of applications, by the peer's names and labels.

use api::Application;
use applications::Controller;
use tally::Exposition;

/// What is told of each application beside the rest, because somebody asked for it.
#[derive(Debug, Default)]
pub(crate) struct ApplicationLabels {
    /// Labels of Applications.
    pub(crate) labels: Vec<String>,
    /// Types of conditions.
    pub(crate) conditions: Vec<String>,
}

/// **Source**: the peer's `controller/metrics`, 3.2. What was counted of an application goes with it.
pub(super) fn write(page: &mut Exposition, controller: &Controller, told: &ApplicationLabels) {
    let own = controller.metrics();
    let ended = own.ended();
    let name = "argocd_app_sync_total";
    page.head(name, "counter", "Number of application syncs.");
    for (key, took) in &ended {
        let dry_run = if key.dry_run { "true" } else { "false" };
        let labels = [
            ("dest_server", &*key.server),
            ("dry_run", dry_run),
            ("name", &key.name),
            ("namespace", &key.namespace),
            ("phase", &key.phase),
            ("project", &key.project),
        ];
        page.line(name, &labels, took.count);
    }
    let name = "argocd_app_sync_duration_seconds_total";
    page.head(name, "counter", "Application sync performance in seconds total.");
    let mut times = std::collections::BTreeMap::new();
    for (key, took) in &ended {
        let app = (&key.server, &key.name, &key.namespace, &key.project);
        *times.entry(app).or_insert(0.0) += took.time.as_secs_f64();
    }
    for ((server, app, namespace, project), time) in times {
        let labels =
            [("dest_server", &**server), ("name", app), ("namespace", namespace), ("project", project)];
        page.line(name, &labels, time);
    }
    let name = "argocd_app_reconcile";
    page.head(name, "histogram", "Application reconciliation performance in seconds.");
    for ((namespace, server), histogram) in own.took() {
        page.histogram(name, &[("dest_server", &server), ("namespace", &namespace)], &histogram);
    }
    // A controller that stands by knows the applications and nothing of their state: the active one speaks for them.
    if !own.is_leading() {
        return;
    }
    let name = "argocd_app_k8s_request_total";
    page.head(name, "counter", "Number of kubernetes requests executed during application reconciliation.");
    for (app, requests) in own.requests() {
        for (request, count) in requests {
            let code = request.code.to_string();
            let labels = [
                ("dry_run", if request.dry_run { "true" } else { "false" }),
                ("name", &*app.name),
                ("namespace", &app.namespace),
                ("project", &app.project),
                ("resource_kind", &request.resource),
                ("resource_namespace", &request.namespace),
                ("response_code", &code),
                ("server", &app.server),
                ("verb", request.verb),
            ];
            page.line(name, &labels, count);
        }
    }
    let name = "argocd_app_orphaned_resources_count";
    page.head(name, "gauge", "Number of orphaned resources per application.");
    for ((namespace, app), (project, count)) in own.orphans() {
        page.line(name, &[("name", &*app), ("namespace", &namespace), ("project", &project)], count);
    }
    each(page, controller, told);
}

/// What is told of each application: each is looked at once, and none is copied.
fn each(page: &mut Exposition, controller: &Controller, told: &ApplicationLabels) {
    let [mut infos, mut labelled, mut conditions] = [(); 3].map(|()| Exposition::default());
    infos.head("argocd_app_info", "gauge", "Information about an application.");
    if !told.labels.is_empty() {
        labelled.head("argocd_app_labels", "gauge", "Labels of applications.");
    }
    if !told.conditions.is_empty() {
        conditions.head("argocd_app_condition", "gauge", "Conditions of applications.");
    }
    let names: Vec<(String, &String)> = told.labels.iter().map(|label| (of_label(label), label)).collect();
    controller.each_app(|app| {
        infos.line("argocd_app_info", &info(app, &controller.server_of(app)), 1);
        if !names.is_empty() {
            let mut labels = whose(app).to_vec();
            let value = |label: &String| app.metadata.labels.get(label).map_or("", String::as_str);
            labels.extend(names.iter().map(|(name, label)| (name.as_str(), value(label))));
            labelled.line("argocd_app_labels", &labels, 1);
        }
        for kind in &told.conditions {
            let count = app.status.conditions.iter().filter(|c| c.condition_type.as_str() == kind).count();
            if count > 0 {
                let mut labels = whose(app).to_vec();
                labels.push(("condition", kind));
                conditions.line("argocd_app_condition", &labels, count);
            }
        }
    });
    for family in [infos, labelled, conditions] {
        page.append(&family);
    }
}

fn whose(app: &Application) -> [(&'static str, &str); 3] {
    [
        ("name", &app.metadata.name),
        ("namespace", &app.metadata.namespace),
        ("project", app.spec.project_name()),
    ]
}

/// The name of a label of Kubernetes among Prometheus'.
fn of_label(label: &str) -> String {
    let fits = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    format!("label_{}", label.chars().map(fits).collect::<String>())
}

fn info<'a>(app: &'a Application, server: &'a str) -> [(&'static str, &'a str); 10] {
    let status = &app.status;
    let running = status.running().is_some();
    let operation = match () {
        () if app.metadata.is_deleting() => "delete",
        () if running || app.operation.is_some() => "sync",
        () => "",
    };
    [
        ("autosync_enabled", if app.spec.automated().is_some() { "true" } else { "false" }),
        ("dest_namespace", &app.spec.destination.namespace),
        ("dest_server", server),
        ("health_status", status.health.status.as_ref().map_or("Unknown", |health| health.as_str())),
        ("name", &app.metadata.name),
        ("namespace", &app.metadata.namespace),
        ("operation", operation),
        ("project", app.spec.project_name()),
        ("repo", app.spec.sources().first().map_or("", |source| &source.repo_url)),
        ("sync_status", status.sync.status.as_str()),
    ]
}
