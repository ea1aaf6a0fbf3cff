//! `app get`: the lines above its tables, and the table of conditions.

use api::{Application, ApplicationSource, SyncStatusCode};

use super::{field, go_time, is_commit, server, short};
use crate::look::Look;
use crate::table::{Cell, Table};

/// What the Application itself does not say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Around {
    /// Address of the web interface; may be empty.
    pub(crate) url: String,
    /// What the application is called there.
    pub(crate) name: String,
    /// Whether it may be synced now, in words.
    pub(crate) sync: &'static str,
    /// Sync windows of its project that apply to it.
    pub(crate) windows: Vec<String>,
}

/// The lines about an application.
pub(crate) fn summary(app: &Application, around: &Around, look: Look) -> String {
    let line = |label: &str, value: Cell| field(look, label, &value);
    let mut out = line("Name:", app.qualified_name().into());
    out += &line("Project:", app.spec.project_name().into());
    out += &line("Server:", server(app).into());
    out += &line("Namespace:", app.spec.destination.namespace.as_str().into());
    let url = url(&around.name, &around.url);
    if !url.is_empty() || !look.native() {
        out += &line("URL:", url.into());
    }
    out += if app.spec.has_multiple_sources() { "Sources:\n" } else { "Source:\n" };
    for source in app.spec.sources() {
        out += &source_lines(source, look);
    }
    out += &line("SyncWindow:", around.sync.into());
    if !around.windows.is_empty() {
        out += &line("Assigned Windows:", around.windows.join(",").into());
    }
    let policy = match app.spec.automated() {
        None => "Manual",
        Some(automated) if automated.prunes() => "Automated (Prune)",
        Some(_) => "Automated",
    };
    out += &line("Sync Policy:", policy.into());
    out += &line("Sync Status:", sync_status(app, look));
    out + &line("Health Status:", health_status(app, look))
}

/// The conditions; nothing where there are none.
pub(crate) fn conditions(app: &Application, look: Look) -> String {
    if app.status.conditions.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["CONDITION", "MESSAGE", "LAST TRANSITION"]);
    for condition in &app.status.conditions {
        let at = condition.last_transition_time.as_deref().map_or_else(|| "<nil>".to_owned(), go_time);
        table.row(vec![
            condition.condition_type.as_str().into(),
            condition.message.as_str().into(),
            at.into(),
        ]);
    }
    table.render(look)
}

fn url(name: &str, base: &str) -> String {
    if base.is_empty() {
        return String::new();
    }
    format!("{}/applications/{name}", base.trim_end_matches('/'))
}

fn source_lines(source: &ApplicationSource, look: Look) -> String {
    let line = |label: &str, value: &str| field(look, label, &value.into());
    let mut out = line("- Repo:", &api::redact_url(&source.repo_url));
    out += &line("  Target:", &source.target_revision);
    let helm_values = source.helm.as_ref().map(|helm| helm.value_files.join(","));
    let name_prefix = source.kustomize.as_ref().map(|kustomize| kustomize.name_prefix.as_str());
    for (label, value) in [
        ("  Path:", source.path.as_str()),
        ("  Ref:", source.ref_name.as_str()),
        ("  Chart:", if look.native() { source.chart.as_str() } else { "" }),
        ("  Helm Values:", helm_values.as_deref().unwrap_or_default()),
        ("  Name Prefix:", name_prefix.unwrap_or_default()),
    ] {
        if !value.is_empty() {
            out += &line(label, value);
        }
    }
    out
}

/// `OutOfSync from main (4f2a91c)`.
fn sync_status(app: &Application, look: Look) -> Cell {
    let source = app.spec.sources().first();
    let target = source.map(|source| source.target_revision.as_str()).unwrap_or_default();
    let shown = if target.is_empty() && look.native() { "HEAD" } else { target };
    let mut cell = look.sync(&app.status.sync.status);
    match &app.status.sync.status {
        SyncStatusCode::Synced => cell.text += &format!(" to {}", Cell::from(shown).text),
        SyncStatusCode::OutOfSync => cell.text += &format!(" from {}", Cell::from(shown).text),
        SyncStatusCode::Unknown | SyncStatusCode::Other(_) => {}
    }
    let revision = &app.status.sync.revision;
    if !is_commit(target) && revision.len() > 7 {
        cell.text += &format!(" ({})", Cell::from(short(revision)).text);
    }
    cell
}

fn health_status(app: &Application, look: Look) -> Cell {
    let health = &app.status.health;
    let mut cell = health.status.as_ref().map_or_else(Cell::default, |status| look.health(status));
    if look.native() && !health.message.is_empty() {
        cell.text += &format!(" ({})", Cell::from(health.message.as_str()).text);
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::context::Style;

    const PEER: Look = Look { style: Style::Argocd, color: false, unicode: true };

    #[test]
    fn the_peers_lines() {
        let around = Around {
            url: "https://cd.example/".to_owned(),
            name: "guestbook".to_owned(),
            sync: "Sync Allowed",
            windows: Vec::new(),
        };
        let expected = "\
Name:               argocd/guestbook
Project:            default
Server:             https://kubernetes.default.svc
Namespace:          default
URL:                https://cd.example/applications/guestbook
Source:
- Repo:             https://git.example/
  Target:           main
  Path:             guestbook
SyncWindow:         Sync Allowed
Sync Policy:        Automated (Prune)
Sync Status:        OutOfSync from main (4f2a91c)
Health Status:      Degraded
";
        assert_eq!(summary(&sample::guestbook(), &around, PEER), expected);
        let expected = "\
CONDITION        MESSAGE      LAST TRANSITION
ComparisonError  first\\nline  2026-01-02 03:04:05 +0000 UTC
ComparisonError  second       2026-01-02 03:04:05 +0000 UTC
";
        assert_eq!(conditions(&sample::guestbook(), PEER), expected);
    }

    #[test]
    fn our_lines_have_signs_and_no_trailing_blanks() {
        let mut app = sample::guestbook();
        app.status.sync.status = SyncStatusCode::Synced;
        app.spec.source.as_mut().unwrap().target_revision = String::new();
        let text = summary(&app, &Around::default(), Look { unicode: true, ..Look::default() });
        for line in ["  Target:", "Sync Status:        ✓ Synced to HEAD (4f2a91c)"] {
            assert!(text.lines().any(|l| l == line), "{line}: {text}");
        }
        assert!(text.contains("✗ Degraded (web fell over)"), "{text}");
        assert!(!summary(&sample::hostile(), &Around::default(), PEER).contains('\u{1b}'));
    }
}
