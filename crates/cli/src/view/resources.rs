//! The table of an application's resources, joined with what the last operation did to each.

use std::collections::{BTreeMap, BTreeSet};

use api::{Application, HealthStatus, HookType};
use jiff::Timestamp;
use resource::ResourceKey;
use serde_json::Value;

use crate::look::Look;
use crate::table::{Cell, Table};
use crate::view::tree::Node;

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

/// The table of `app get` and of the end of `app sync`; nothing where there are no resources.
pub(crate) fn table(app: &Application, look: Look) -> String {
    if app.status.resources.is_empty() {
        return String::new();
    }
    let mut table = Table::default();
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

/// The table of `app resources` of a tree that a server tells.
#[derive(Debug)]
pub(crate) struct Listed<'a> {
    pub(crate) tree: &'a Value,
    /// Only what is of nobody.
    pub(crate) orphaned: bool,
    /// With ages and reasons.
    pub(crate) detailed: bool,
}

impl Listed<'_> {
    /// **Shape**: as the peer's, what nobody owns of the application's, then what is of nobody.
    pub(crate) fn table(&self, now: Timestamp, look: Look) -> String {
        let mut table = Table::new(if self.detailed {
            &["GROUP", "KIND", "NAMESPACE", "NAME", "ORPHANED", "AGE", "HEALTH", "REASON"]
        } else {
            &["GROUP", "KIND", "NAMESPACE", "NAME", "ORPHANED"]
        });
        let all = |field: &str| self.tree[field].as_array().into_iter().flatten();
        let is_root = |node: &&Value| node["parentRefs"].as_array().is_none_or(Vec::is_empty);
        let own = all("nodes").filter(|node| !self.orphaned && is_root(node)).map(|node| (node, "No"));
        for (node, orphaned) in own.chain(all("orphanedNodes").map(|node| (node, "Yes"))) {
            let node = Node::told(node);
            let key = &node.key;
            let mut row: Vec<Cell> =
                [&key.group, &key.kind, &key.namespace, &key.name].map(|text| text.as_str().into()).to_vec();
            row.push(orphaned.into());
            if self.detailed {
                row.push(node.age(now).unwrap_or_else(|| "<unknown>".to_owned()).into());
                row.push(look.word(&node.health));
                row.push(node.message.as_str().into());
            }
            table.row(row);
        }
        table.render(look)
    }
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
        let text = table(&sample::guestbook(), PEER);
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert_eq!(table(&sample::hostile(), PEER), "");
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
