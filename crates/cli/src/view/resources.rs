//! The table of an application's resources, joined with what the last operation did to each.

use std::collections::{BTreeMap, BTreeSet};

use api::{Application, HealthStatus, HookType};
use resource::ResourceKey;

use crate::look::Look;
use crate::table::{Cell, Table};

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: ResourceKey,
    /// Sync status, or the phase of a hook.
    pub(crate) status: String,
    pub(crate) health: String,
    pub(crate) hook: String,
    pub(crate) message: String,
    /// Whether the status still lists it: what a sync pruned is not.
    pub(crate) present: bool,
}

/// The rows: what the last operation dealt with in its order, then the rest by key.
pub(crate) fn rows(app: &Application) -> Vec<Row> {
    let word = |health: &Option<HealthStatus>| {
        health
            .as_ref()
            .and_then(|h| h.status.as_ref())
            .map_or_else(String::new, |status| status.as_str().to_owned())
    };
    let mut present: BTreeMap<ResourceKey, (String, String)> = app
        .status
        .resources
        .iter()
        .map(|r| {
            let key = r.key();
            let status = r.status.as_ref().map_or_else(String::new, |status| status.as_str().to_owned());
            (key, (status, word(&r.health)))
        })
        .collect();
    let results = app.status.operation_state.iter().filter_map(|state| state.sync_result.as_ref());
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for result in results.flat_map(|result| &result.resources) {
        let key = ResourceKey::new(&*result.group, &*result.kind, &*result.namespace, &*result.name);
        let hook = result.hook_type.as_ref().map_or("", HookType::as_str);
        let code = |code: Option<&str>| code.unwrap_or_default().to_owned();
        let there = present.remove(&key).filter(|_| hook.is_empty());
        let is_present = there.is_some();
        let (status, health) = there.unwrap_or_else(|| {
            let phase = result.hook_phase.as_ref().map(api::OperationPhase::as_str);
            (code(phase), code(result.status.as_ref().map(api::ResultCode::as_str)))
        });
        seen.insert(key.clone());
        rows.push(Row {
            key,
            status,
            health,
            hook: hook.to_owned(),
            message: result.message.clone(),
            present: is_present,
        });
    }
    let rest = present.into_iter().filter(|(key, _)| !seen.contains(key));
    rows.extend(rest.map(|(key, (status, health))| Row {
        key,
        status,
        health,
        hook: String::new(),
        message: String::new(),
        present: true,
    }));
    rows
}

/// The table of `app get` and of the end of `app sync`; nothing where there are no resources. `minimum` is the least
/// width of a column, gap included.
pub(crate) fn table(app: &Application, minimum: usize, look: Look) -> String {
    if app.status.resources.is_empty() {
        return String::new();
    }
    let mut table = Table::with_minimum(minimum);
    table.row(
        ["GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE"]
            .map(|t| Cell { text: t.to_owned(), paint: crate::look::Paint::Dim })
            .to_vec(),
    );
    for row in rows(app) {
        table.row(vec![
            row.key.group.into(),
            row.key.kind.into(),
            row.key.namespace.into(),
            row.key.name.into(),
            look.word(&row.status),
            look.word(&row.health),
            row.hook.into(),
            row.message.into(),
        ]);
    }
    table.render(look)
}

/// The table of `app resources`.
pub(crate) fn owned(app: &Application, look: Look) -> String {
    let all = app.status.resources.iter().map(|r| [&r.group, &r.kind, &r.namespace, &r.name]);
    whose(all, "No", look)
}

/// The table of `app resources --orphaned`.
pub(crate) fn orphaned(keys: &[ResourceKey], look: Look) -> String {
    whose(keys.iter().map(|k| [&k.group, &k.kind, &k.namespace, &k.name]), "Yes", look)
}

fn whose<'a>(all: impl Iterator<Item = [&'a String; 4]>, orphaned: &str, look: Look) -> String {
    let mut table = Table::new(&["GROUP", "KIND", "NAMESPACE", "NAME", "ORPHANED"]);
    for names in all {
        let cells = names.map(|text| Cell::from(text.as_str()));
        table.row(cells.into_iter().chain([Cell::from(orphaned)]).collect());
    }
    table.render(look)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::context::Style;

    const PEER: Look = Look { style: Style::Argocd, color: false, unicode: true };

    #[test]
    fn what_was_done_comes_first() {
        let expected = [
            "GROUP  KIND        NAMESPACE  NAME     STATUS     HEALTH    HOOK     MESSAGE",
            "apps   Deployment  default    web      OutOfSync  Degraded           deployment.apps/web configured",
            "batch  Job         default    migrate  Succeeded  Synced    PreSync  done",
            "       ConfigMap   default    old      OutOfSync                     ",
            "       Service     default    web      Synced     Healthy            ",
        ];
        let text = table(&sample::guestbook(), 0, PEER);
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert_eq!(table(&sample::hostile(), 0, PEER), "");
    }

    #[test]
    fn owned_resources() {
        let expected = "\
GROUP  KIND        NAMESPACE  NAME  ORPHANED
apps   Deployment  default    web   No
       Service     default    web   No
       ConfigMap   default    old   No
";
        assert_eq!(owned(&sample::guestbook(), PEER), expected);
        let expected = "\
GROUP  KIND       NAMESPACE  NAME  ORPHANED
       ConfigMap  default    left  Yes
";
        assert_eq!(orphaned(&[ResourceKey::new("", "ConfigMap", "default", "left")], PEER), expected);
    }
}
