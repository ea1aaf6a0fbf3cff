//! `--revisions` with `--source-positions` or `--source-names`.

use api::Application;

use crate::command::SourceRevisions;
use crate::failure::Failure;

impl SourceRevisions {
    /// **Errors**: flags that do not fit each other, or `applications` that are not one. **Source**: the peer's client, in its words.
    pub(super) fn check(&self, applications: usize) -> Result<(), Failure> {
        let Self { revisions, source_positions, source_names } = self;
        let refused = |what: &str| Err(Failure::usage(what));
        if applications != 1
            && !(revisions.is_empty() && source_positions.is_empty() && source_names.is_empty())
        {
            return refused(
                "Cannot use --revisions and --source-positions options when 0 or more than 1 application names are passed as argument(s)",
            );
        }
        if !source_names.is_empty() && !source_positions.is_empty() {
            return refused("Only one of source-positions and source-names can be specified.");
        }
        if !source_positions.is_empty() && revisions.len() != source_positions.len() {
            return refused(
                "While using --revisions and --source-positions, length of values for both flags should be same.",
            );
        }
        if !source_names.is_empty() && revisions.len() != source_names.len() {
            return refused(
                "While using --revisions and --source-names, length of values for both flags should be same.",
            );
        }
        if source_positions.iter().any(|position| *position <= 0) {
            return refused("source-position cannot be less than or equal to 0, Counting starts at 1");
        }
        Ok(())
    }

    /// The positions, from 1. **Errors**: a name that no source has.
    pub(super) fn positions(&self, app: &Application) -> Result<Vec<i64>, Failure> {
        let mut positions = self.source_positions.clone();
        for name in &self.source_names {
            let found = app.spec.sources().iter().position(|source| source.name == *name);
            let found = found.and_then(|index| i64::try_from(index + 1).ok());
            positions.push(found.ok_or_else(|| Failure::usage(format!("Unknown source name '{name}'")))?);
        }
        Ok(positions)
    }

    /// A revision for each source of an application: what is said, else what is set. **Errors**: positions that are not there.
    pub(super) fn of_all(&self, app: &Application) -> Result<Vec<String>, Failure> {
        if self.revisions.is_empty() {
            return Ok(Vec::new());
        }
        let sources = app.spec.sources();
        let positions = self.positions(app)?;
        if positions.is_empty() {
            if self.revisions.len() == sources.len() {
                return Ok(self.revisions.clone());
            }
            let what = format!("{} revisions were given for {} sources", self.revisions.len(), sources.len());
            return Err(Failure::usage(what).next("say which sources are meant: --source-positions"));
        }
        let mut all: Vec<String> = sources.iter().map(|source| source.target_revision.clone()).collect();
        for (position, revision) in positions.iter().zip(&self.revisions) {
            let place = usize::try_from(position - 1).ok().and_then(|index| all.get_mut(index));
            let place = place.ok_or_else(|| Failure::usage(format!("there is no source {position}")))?;
            place.clone_from(revision);
        }
        Ok(all)
    }
}
