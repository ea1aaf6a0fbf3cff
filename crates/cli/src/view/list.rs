//! `app list`.

use std::collections::BTreeMap;

use api::{Application, HealthStatusCode};

use super::server;
use crate::look::Look;
use crate::table::{Cell, Table};

/// The table of applications. Our own says where repositories are with passwords masked.
pub(crate) fn table(apps: &[Application], look: Look) -> String {
    let mut table = Table::new(&[
        "NAME",
        "CLUSTER",
        "NAMESPACE",
        "PROJECT",
        "STATUS",
        "HEALTH",
        "SYNCPOLICY",
        "CONDITIONS",
        "REPO",
        "PATH",
        "TARGET",
    ]);
    for app in apps {
        let source = app.spec.sources().first().cloned().unwrap_or_default();
        let health = app.status.health.status.as_ref().map_or_else(Cell::default, |health| match health {
            HealthStatusCode::Other(word) if word.is_empty() => Cell::default(),
            health => look.health(health),
        });
        table.row(vec![
            app.qualified_name().into(),
            server(app).into(),
            app.spec.destination.namespace.as_str().into(),
            app.spec.project_name().into(),
            look.sync(&app.status.sync.status),
            health,
            sync_policy(app).into(),
            conditions(app).into(),
            api::redact_url(&source.repo_url).into(),
            source.path.into(),
            source.target_revision.into(),
        ]);
    }
    table.render(look)
}

/// `Manual`, `Auto` or `Auto-Prune`.
fn sync_policy(app: &Application) -> &'static str {
    match app.spec.automated() {
        None => "Manual",
        Some(automated) if automated.prunes() => "Auto-Prune",
        Some(_) => "Auto",
    }
}

/// The types of the conditions, with their number where there are several of one.
fn conditions(app: &Application) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for condition in &app.status.conditions {
        *counts.entry(condition.condition_type.as_str()).or_default() += 1;
    }
    if counts.is_empty() {
        return "<none>".to_owned();
    }
    let items = counts.into_iter();
    let items =
        items.map(|(kind, count)| if count > 1 { format!("{kind}({count})") } else { kind.to_owned() });
    items.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::context::Style;

    #[test]
    fn columns_of_both_styles() {
        let apps = [sample::guestbook(), sample::hostile()];
        let expected = "\
NAME                      CLUSTER                         NAMESPACE  PROJECT  STATUS     HEALTH    SYNCPOLICY  CONDITIONS          REPO                  PATH       TARGET
argocd/guestbook          https://kubernetes.default.svc  default    default  OutOfSync  Degraded  Auto-Prune  ComparisonError(2)  https://git.example/  guestbook  main
argocd/evil\\x1b]52;c;x\\n  in-cluster                                 default  Unknown              Manual      <none>              https://***@h/r                  
";
        assert_eq!(table(&apps, Look { style: Style::Argocd, ..Look::default() }), expected);
        let native = table(&apps, Look { unicode: true, ..Look::default() });
        assert!(native.contains("! OutOfSync  ✗ Degraded  Auto-Prune"), "{native}");
        assert!(native.contains("? Unknown                Manual"), "{native}");
        assert!(!native.contains('\u{1b}') && !native.lines().any(|line| line.ends_with(' ')), "{native}");
    }
}
