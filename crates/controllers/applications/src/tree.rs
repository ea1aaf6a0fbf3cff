//! The files that a source means.

use std::sync::Arc;

use filetree::Store;

/// The files of a commit, of a chart, of an artifact, or of a directory.
#[derive(Clone)]
pub(crate) struct Tree {
    /// The commit, the version of the chart, or the artifact's digest; empty for a directory.
    pub(crate) revision: String,
    /// The files.
    pub(crate) store: Arc<dyn Store>,
}

impl Tree {
    /// The revision as people see it: the first seven characters of a commit.
    pub(crate) fn shown(&self) -> &str {
        if crate::fetch::is_commit(&self.revision) {
            self.revision.get(..7).unwrap_or(&self.revision)
        } else {
            &self.revision
        }
    }
}
