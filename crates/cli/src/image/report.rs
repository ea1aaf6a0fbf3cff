//! What was done, for people and for programs.

use std::collections::BTreeMap;
use std::sync::Arc;

use filetree::TreePath;
use image::{Change, Place};
use serde_json::{Value, json};
use similar::TextDiff;

use crate::escape;

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Pushed { commit: String },
    Unchanged,
    DryRun { diff: String },
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) outcome: Outcome,
    pub(super) repo: String,
    pub(super) branch: String,
    /// The commit that was read.
    pub(super) base: String,
    pub(super) attempts: usize,
    /// Of the images, as they were asked for.
    pub(super) names: Vec<String>,
    pub(super) changes: Vec<Change>,
    pub(super) found: Vec<Place>,
    pub(super) notes: Vec<String>,
}

impl Report {
    pub(super) fn is_unchanged(&self) -> bool {
        self.outcome == Outcome::Unchanged
    }

    /// Lines for people.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        if let Outcome::DryRun { diff } = &self.outcome {
            out.push_str(&escape::lines(diff));
        }
        let none = || "(none)".to_owned();
        for Change { path, line, field, old, new } in &self.changes {
            let (old, new) = (old.clone().unwrap_or_else(none), new.clone().unwrap_or_else(none));
            out.push_str(&escape::line(&format!("{path}:{line}: {field}: {old} -> {new}")));
            out.push('\n');
        }
        let Self { repo, branch, base, .. } = self;
        let last = match &self.outcome {
            Outcome::Pushed { commit } => format!("pushed {commit} to {branch} of {repo}"),
            Outcome::DryRun { .. } => format!("dry run: nothing was pushed to {branch} of {repo}"),
            Outcome::Unchanged => format!("nothing to change on {branch} of {repo} at {base}: no commit"),
        };
        out.push_str(&escape::line(&last));
        out.push('\n');
        out
    }

    /// One object for programs.
    pub(super) fn json(&self) -> String {
        let changes: Vec<Value> = self
            .changes
            .iter()
            .map(|Change { path, line, field, old, new }| {
                json!({ "file": path, "line": line, "field": field, "old": old, "new": new })
            })
            .collect();
        let found: Vec<Value> = self
            .found
            .iter()
            .map(|Place { image, path, line, field }| {
                let name = self.names.get(*image);
                json!({ "name": name, "file": path.as_str(), "line": line, "field": field })
            })
            .collect();
        let (outcome, commit, diff) = match &self.outcome {
            Outcome::Pushed { commit } => ("pushed", Some(commit), None),
            Outcome::Unchanged => ("unchanged", None, None),
            Outcome::DryRun { diff } => ("dryRun", None, Some(diff)),
        };
        let value = json!({
            "outcome": outcome,
            "repo": self.repo,
            "branch": self.branch,
            "base": self.base,
            "commit": commit,
            "attempts": self.attempts,
            "changes": changes,
            "found": found,
            "notes": self.notes,
            "diff": diff,
        });
        format!("{}\n", escape::json(&format!("{value:#}")))
    }
}

/// The files before and after, as `git diff` shows them.
pub(super) fn diff(before: &BTreeMap<TreePath, Arc<[u8]>>, after: &BTreeMap<TreePath, String>) -> String {
    let mut out = String::new();
    for (path, new) in after {
        let old =
            before.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        let diff = TextDiff::from_lines(old.as_str(), new.as_str());
        let (a, b) = (format!("a/{path}"), format!("b/{path}"));
        out.push_str(&diff.unified_diff().context_radius(3).header(&a, &b).to_string());
    }
    out
}
