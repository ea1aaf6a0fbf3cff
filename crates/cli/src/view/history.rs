//! `app history`.

use api::{Application, ApplicationSource, RevisionHistory};

use super::{go_time, short};
use crate::look::Look;
use crate::table::{Cell, Table};

/// A table for each source; our own tells who asked as well.
pub(crate) fn table(app: &Application, look: Look) -> String {
    let mut sources: Vec<(String, Vec<Vec<Cell>>)> = Vec::new();
    for entry in &app.status.history {
        for (source, revision) in revisions(entry) {
            let repo = api::redact_url(&source.repo_url);
            let mut shown = source.target_revision.clone();
            if revision.len() >= 7 {
                shown = format!("{shown} ({})", short(revision));
            }
            let mut row =
                vec![entry.id.to_string().into(), go_time(&entry.deployed_at).into(), Cell::from(shown)];
            if look.native() {
                row.push(initiator(entry).into());
            }
            match sources.iter_mut().find(|(known, _)| *known == repo) {
                Some((_, rows)) => rows.push(row),
                None => sources.push((repo, vec![row])),
            }
        }
    }
    let tables = sources.into_iter().map(|(repo, rows)| {
        let mut table = Table::default();
        table.row(vec!["SOURCE".into(), repo.into()]);
        let mut titles: Vec<Cell> = ["ID", "DATE", "REVISION"].map(Cell::from).to_vec();
        if look.native() {
            titles.push("INITIATED BY".into());
        }
        table.row(titles);
        rows.into_iter().for_each(|row| table.row(row));
        table.render(look)
    });
    tables.collect::<Vec<_>>().join("\n")
}

/// The numbers, one a line.
pub(crate) fn ids(app: &Application) -> String {
    app.status.history.iter().map(|entry| format!("{}\n", entry.id)).collect()
}

fn revisions(entry: &RevisionHistory) -> Vec<(&ApplicationSource, &str)> {
    if entry.sources.is_empty() {
        return entry.source.iter().map(|source| (source, entry.revision.as_str())).collect();
    }
    let revision = |index: usize| entry.revisions.get(index).map_or("", String::as_str);
    entry.sources.iter().enumerate().map(|(index, source)| (source, revision(index))).collect()
}

fn initiator(entry: &RevisionHistory) -> String {
    let by = &entry.initiated_by;
    match (by.automated, by.username.is_empty()) {
        (true, _) => "automated sync".to_owned(),
        (false, true) => "-".to_owned(),
        (false, false) => by.username.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::context::Style;

    #[test]
    fn the_peers_table_and_ids() {
        let expected = "\
SOURCE  https://git.example/
ID      DATE                           REVISION
0       2026-01-01 00:00:00 +0000 UTC  main (aaaaaaa)
1       2026-01-02 03:04:05 +0000 UTC  main (4f2a91c)
";
        assert_eq!(table(&sample::guestbook(), Look { style: Style::Argocd, ..Look::default() }), expected);
        assert_eq!(ids(&sample::guestbook()), "0\n1\n");
    }

    #[test]
    fn a_table_for_each_of_several_sources() {
        let mut app = sample::guestbook();
        let source =
            |repo: &str| ApplicationSource { repo_url: repo.to_owned(), ..ApplicationSource::default() };
        app.status.history[1].sources = vec![source("a"), source("b")];
        app.status.history[1].revisions = vec!["1111111222".to_owned(), "1.2.0".to_owned()];
        let text = table(&app, Look { style: Style::Argocd, ..Look::default() });
        assert_eq!(text.matches("SOURCE").count(), 3, "{text}");
        assert!(text.contains(" (1111111)\n\nSOURCE  b\n"), "{text}");
    }
}
